//! A proxy's configuration as a scenario that loads and runs, and the account of what became of each setting.

use super::place::{Endpoint, endpoint};
use super::read::Report;
use super::{lost, proxy, write};
use crate::routing::litellm::config::{Config, Deployment};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::scenario::import::secrets::{environment, redacted};
use crate::scenario::import::{Assumption, Finding, Node, Value};
use crate::scenario::raw::litellm::MOST_ENTRIES;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Most deployments of a scenario.
const MOST_DEPLOYMENTS: usize = 128;

/// Parameters that say in whose name a provider is called: another account is another deployment, with quotas of its own.
const ACCOUNT: [&str; 12] = [
    "custom_llm_provider",
    "api_key",
    "organization",
    "litellm_credential_name",
    "client_id",
    "tenant_id",
    "azure_ad_token",
    "vertex_project",
    "vertex_credentials",
    "aws_access_key_id",
    "aws_profile_name",
    "aws_role_name",
];

/// What an import came to.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The scenario, as TOML.
    pub scenario: String,
    /// What was taken over: line and path.
    pub mapped: Vec<(usize, String)>,
    /// What was not, or not fully.
    pub findings: Vec<Finding>,
    /// What the file does not say and a scenario needs.
    pub assumed: Vec<Assumption>,
    /// What is odd about the file but did not stop the import. No secret is shown in them.
    pub warnings: Diagnostics,
    /// Entries of `model_list` and groups.
    pub size: (usize, usize),
}

/// Imports the text of a `config.yaml`. `file` is its name, for messages and the scenario's title.
///
/// # Errors
/// What is wrong with it, with the lines of the file in which everything that may be a secret is blanked.
pub fn scenario(source: &str, file: &str) -> Result<Imported, Diagnostics> {
    let tree = match Node::parse(source) {
        Ok(tree) => tree,
        Err(e) => {
            let wrong = vec![Diagnostic::new(Severity::Error, e.loc, e.message)];
            return Err(Diagnostics::new(file, redacted(source, None), wrong, [0; 2]));
        }
    };
    let report = Report::default();
    let mut config = proxy::read(&tree, &report);
    let shown = redacted(source, Some(&tree));
    let fails = |report: &Report| report.diagnostics.borrow().iter().any(|d| d.severity == Severity::Error);
    if fails(&report) {
        return Err(Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]));
    }
    lost::lost(&tree, &mut config, &report);
    if fails(&report) {
        return Err(Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]));
    }
    let list = tree.get("model_list").expect("without it there was an error");
    let nodes: &[Node] = if let Value::Seq(nodes) = &list.value { nodes } else { &[] };
    if nodes.len() > MOST_ENTRIES {
        let most = format!("at most {MOST_ENTRIES}, which is the most entries that a scenario has");
        report.error(list.loc, format!("{} entries of `model_list`", nodes.len()), &most);
        return Err(Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]));
    }
    let endpoints: Vec<Endpoint> = nodes.iter().zip(&config.deployments).map(|(n, d)| endpoint(n, d)).collect();
    let names = names(nodes, &config.deployments, &endpoints);
    let distinct = names.iter().enumerate().filter(|(i, n)| !names[..*i].contains(n)).count();
    if distinct > MOST_DEPLOYMENTS {
        report.error(
            list.loc,
            format!("{distinct} different endpoints"),
            &format!("at most {MOST_DEPLOYMENTS}, which is the most deployments that a scenario has"),
        );
        return Err(Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]));
    }
    let mut assumed = Vec::new();
    let Some(model) = asked(&config, list.line, &mut assumed) else {
        report.error(list.loc, "every deployment is blocked", "one that can be called");
        return Err(Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]));
    };
    let scenario = text(file, &config, &endpoints, &names, &model);
    tell(nodes, &endpoints, &names, &config, &mut assumed);

    let mut findings = report.findings.take();
    // what the place of a deployment was read from is mapped after all
    let used = |i: usize| endpoints[i].used.iter().map(move |key| format!("model_list[{i}].{key}"));
    let used: BTreeSet<String> = (0..endpoints.len()).flat_map(used).collect();
    let mut mapped = report.taken.take();
    mapped.extend(findings.iter().filter(|f| used.contains(&f.path)).map(|f| (f.line, f.path.clone())));
    findings.retain(|f| !used.contains(&f.path));
    let of = |(i, e): (usize, &Endpoint)| {
        let path = move |key: &String| format!("model_list[{i}].litellm_params.{key}");
        e.references.iter().map(move |(key, variable)| (path(key), variable.clone())).collect::<Vec<_>>()
    };
    let kept: BTreeMap<String, String> = endpoints.iter().enumerate().flat_map(of).collect();
    for f in &mut findings {
        if let Some(variable) = kept.get(&f.path) {
            f.why = format!("kept as the reference os.environ/{variable}, in a comment of the deployment");
        }
    }
    settle(&mut mapped, &findings);
    findings.sort_by(|a, b| (a.kind, a.loc, &a.path).cmp(&(b.kind, b.loc, &b.path)));
    findings.dedup();
    let warnings = Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]);
    let groups = config.deployments.iter().enumerate();
    let groups = groups.filter(|(i, d)| !config.deployments[..*i].iter().any(|e| e.model_name == d.model_name)).count();
    let size = (config.deployments.len(), groups);
    Ok(Imported { scenario, mapped, findings, assumed, warnings, size })
}

/// Leaves of what was read that which counts as mapped. What was told of a table holds for all that is in it, and a table
/// counts by its keys.
fn settle(mapped: &mut Vec<(usize, String)>, findings: &[Finding]) {
    let told: BTreeSet<&str> = findings.iter().map(|f| f.path.as_str()).collect();
    let is_told = |path: &str| {
        let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| told.contains(&path[..end]))
    };
    let container =
        |path: &str| path.ends_with(".litellm_params") || path.ends_with(".model_info") || !path.contains(['.', '[']);
    mapped.retain(|(_, path)| !container(path) && !is_told(path));
    mapped.sort();
    mapped.dedup();
    let all: BTreeSet<String> = mapped.iter().map(|(_, p)| p.as_str()).chain(told).map(str::to_owned).collect();
    mapped.retain(|(_, path)| {
        let keys = format!("{path}.");
        all.range(keys.clone()..).next().is_none_or(|next| !next.starts_with(&keys))
    });
}

/// A name for the deployment of each entry: entries that make the same call share one.
fn names(nodes: &[Node], deployments: &[Deployment], endpoints: &[Endpoint]) -> Vec<String> {
    let call = |i: usize| {
        let value = |key: &str| nodes[i].get("litellm_params").and_then(|p| p.get(key)).map(|n| &n.value);
        let account = ACCOUNT.map(value);
        (&deployments[i].model, value("api_base").or(value("base_url")), account, &endpoints[i])
    };
    let mut names: Vec<String> = Vec::new();
    for (i, d) in deployments.iter().enumerate() {
        if let Some(same) = (0..i).find(|k| call(*k) == call(i)) {
            names.push(names[same].clone());
            continue;
        }
        let from = if environment(&d.model).is_some() { &d.model_name } else { &d.model };
        let plain: String =
            from.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' }).collect();
        let plain = plain.trim_matches('-').to_owned();
        let plain = if plain.is_empty() { "deployment".to_owned() } else { plain };
        let mut name = plain.clone();
        for n in 2.. {
            if !names.contains(&name) {
                break;
            }
            name = format!("{plain}-{n}");
        }
        names.push(name);
    }
    names
}

/// What turns ask for: the first group that is no wildcard and has a deployment that is not blocked. `None` if every
/// deployment is.
fn asked(config: &Config, line: usize, assumed: &mut Vec<Assumption>) -> Option<String> {
    let mut groups = config.deployments.iter().filter(|d| !d.blocked).map(|d| d.model_name.as_str());
    let (model, why) = match groups.clone().find(|g| !g.contains('*')) {
        Some(first) => (first.to_owned(), "the first group; `request` lets workloads ask for others"),
        None => (groups.next()?.replace('*', "model"), "a name that the first wildcard matches"),
    };
    assumed.push(Assumption { line, what: "what turns ask for".to_owned(), value: model.clone(), why: why.to_owned() });
    Some(model)
}

fn text(file: &str, config: &Config, endpoints: &[Endpoint], names: &[String], model: &str) -> String {
    let mut out = String::new();
    let title = format!("LiteLLM from {file}");
    let region = &endpoints[0].region.value;
    let _ = writeln!(
        out,
        "# Written by `geodes import litellm`. What the configuration does not say has a default that is marked DEFAULT: users,\n\
         # demand, regions of the application, and some facts about deployments. Change those before you believe a figure.\n\n\
         name = {}\n\
         horizon = \"1 h\" # DEFAULT\n\n\
         [users]\n\
         users = {{ city = \"New York City\", share = 1.0 }} # DEFAULT\n\n\
         [workload.chat] # DEFAULT, all of it\n\
         arrivals.poisson = {{ rate = \"1 sessions/s\" }}\n\
         sizes.independent = {{ input.lognormal = {{ p50 = \"120 tokens\", p95 = \"900 tokens\" }}, output.lognormal = {{ p50 = \"200 tokens\", p95 = \"700 tokens\" }} }}\n",
        write::quoted(&title)
    );
    let mut written: Vec<&String> = Vec::new();
    for (name, e) in names.iter().zip(endpoints) {
        if !written.contains(&name) {
            written.push(name);
            write::deployment(&mut out, name, e);
        }
    }
    let _ = writeln!(
        out,
        "[topology.litellm]\nregions = [{}] # DEFAULT: beside the first deployment\n",
        write::quoted(region)
    );
    write::gateway(&mut out, "topology.litellm.gateway.litellm", config, names, model);
    out
}

/// What was assumed about deployments and the rest.
fn tell(nodes: &[Node], endpoints: &[Endpoint], names: &[String], config: &Config, assumed: &mut Vec<Assumption>) {
    let mut seen: Vec<&String> = Vec::new();
    for ((node, e), name) in nodes.iter().zip(endpoints).zip(names) {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        for (what, g) in
            [("provider", &e.provider), ("region", &e.region), ("price", &e.price), ("latency", &e.latency)]
        {
            if !g.said {
                let what = format!("{what} of `{name}`");
                assumed.push(Assumption { line: node.line, what, value: g.value.clone(), why: g.why.clone() });
            }
        }
    }
    let whole = |what: &str, value: &str, why: &str| Assumption {
        line: 0,
        what: what.to_owned(),
        value: value.to_owned(),
        why: why.to_owned(),
    };
    assumed.push(whole(
        "users and their demand",
        "one session a second from New York City",
        "a configuration says nothing of them",
    ));
    assumed.push(whole("region of the application", &endpoints[0].region.value, "beside the first deployment"));
    assumed.push(whole(
        "quotas of the providers",
        "none",
        "`rpm` and `tpm` are the router's; a provider's own are not in the file",
    ));
    if config.tag_filtering || config.deployments.iter().any(|d| d.enable_tag_filtering == Some(true)) {
        assumed.push(whole("tags of requests", "none", "`request` in the gateway can give turns tags"));
    }
}
