//! A proxy's configuration as a scenario that loads and runs, and the account of what became of each setting.

use super::place::{Endpoint, endpoint};
use super::read::Report;
use super::{proxy, write};
use crate::routing::litellm::config::{Config, Deployment, Fallbacks, Limit};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::scenario::import::secrets::{environment, redacted};
use crate::scenario::import::{Assumption, Finding, Kind, Node, Value};
use std::fmt::Write as _;

/// Most deployments of a scenario.
const MOST_DEPLOYMENTS: usize = 128;

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
    lost(&tree, &mut config, &report);
    let list = tree.get("model_list").expect("without it there was an error");
    let nodes: &[Node] = if let Value::Seq(nodes) = &list.value { nodes } else { &[] };
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
    let model = asked(&config, list.line, &mut assumed);
    let scenario = text(file, &config, &endpoints, &names, &model);
    tell(nodes, &endpoints, &names, &config, &mut assumed);

    let mut findings = report.findings.take();
    // what the place of a deployment was read from is mapped after all
    let used = |i: usize| endpoints[i].used.iter().map(move |key| format!("model_list[{i}].{key}"));
    let used: Vec<String> = (0..endpoints.len()).flat_map(used).collect();
    let mut mapped = report.taken.take();
    mapped.extend(findings.iter().filter(|f| used.contains(&f.path)).map(|f| (f.line, f.path.clone())));
    findings.retain(|f| !used.contains(&f.path));
    let kept = |path: &str| {
        let of = |i: usize| {
            endpoints[i].references.iter().map(move |r| (format!("model_list[{i}].litellm_params.{}", r.0), &r.1))
        };
        (0..endpoints.len()).flat_map(of).find(|(p, _)| p == path).map(|(_, variable)| variable)
    };
    for f in &mut findings {
        if let Some(variable) = kept(&f.path) {
            f.why = format!("kept as the reference os.environ/{variable}, in a comment of the deployment");
        }
    }
    let container =
        |path: &str| path.ends_with(".litellm_params") || path.ends_with(".model_info") || !path.contains(['.', '[']);
    mapped.retain(|(_, path)| !container(path) && !findings.iter().any(|f| f.path == *path));
    mapped.sort();
    mapped.dedup();
    // a table counts by its keys
    let paths: Vec<String> = mapped.iter().map(|(_, path)| format!("{path}.")).collect();
    let above = |path: &String| mapped.iter().any(|(_, p)| p.starts_with(path.as_str()));
    let above: Vec<bool> = paths.iter().map(above).collect();
    let mut above = above.into_iter();
    mapped.retain(|_| !above.next().unwrap_or(false));
    findings.sort_by(|a, b| (a.kind, a.loc, &a.path).cmp(&(b.kind, b.loc, &b.path)));
    findings.dedup();
    let warnings = Diagnostics::new(file, shown, report.diagnostics.take(), [0; 2]);
    let groups = config.deployments.iter().enumerate();
    let groups = groups.filter(|(i, d)| !config.deployments[..*i].iter().any(|e| e.model_name == d.model_name)).count();
    let size = (config.deployments.len(), groups);
    Ok(Imported { scenario, mapped, findings, assumed, warnings, size })
}

/// Settings that were read but have no place in the scenario: told, and taken out where they would be in the way.
fn lost(tree: &Node, config: &mut Config, report: &Report) {
    let nothing = Node::of(Value::Null);
    let list = tree.get("model_list").map(|n| &n.value);
    let entry = |i: usize| match list {
        Some(Value::Seq(nodes)) => nodes.get(i).unwrap_or(&nothing),
        _ => &nothing,
    };
    for (i, d) in config.deployments.iter().enumerate() {
        let at = |table: &str, key: &str| {
            (entry(i).get(table).and_then(|t| t.get(key)), format!("model_list[{i}].{table}.{key}"))
        };
        let told = |table: &str, key: &str, kind: Kind, why: &str| {
            if let (Some(node), path) = at(table, key) {
                report.tell(node, path, kind, why);
            }
        };
        if !d.tag_regex.is_empty() {
            told("litellm_params", "tag_regex", Kind::NotModelled, "users of a scenario have no user agent to match");
        }
        told("model_info", "team_id", Kind::NoEffect, "requests of a scenario belong to no team");
        told("model_info", "supports_web_search", Kind::NoEffect, "no turn of a scenario searches the web");
        for (key, limit) in [("rpm", d.rpm), ("tpm", d.tpm)] {
            if matches!(limit, Limit { params: None, entry: None, info: Some(_) }) {
                let why =
                    "only some of LiteLLM's rules read it there; the scenario has one place, which all of them read";
                told("model_info", key, Kind::NotModelled, why);
            }
        }
    }
    let names: Vec<String> = config.deployments.iter().map(|d| d.model_name.clone()).collect();
    let mut known = names.clone();
    known.extend(config.aliases.iter().map(|(alias, _)| alias.clone()));
    known.extend(config.routing_groups.iter().map(|g| g.name.clone()));
    let wildcard = names.iter().any(|n| n.contains('*'));
    let exists = |name: &str| wildcard || known.iter().any(|k| k == name);
    let place = |key: &str| {
        ["router_settings", "litellm_settings"]
            .iter()
            .find_map(|s| Some((tree.get(s)?.get(key)?, format!("{s}.{key}"))))
    };
    let tell = |key: &str, kind: Kind, why: String| {
        if let Some((node, path)) = place(key) {
            report.tell(node, path, kind, why);
        }
    };
    for (key, lists) in [
        ("fallbacks", &mut config.fallbacks),
        ("context_window_fallbacks", &mut config.context_window_fallbacks),
        ("content_policy_fallbacks", &mut config.content_policy_fallbacks),
    ] {
        if let Some(Fallbacks::List(_)) = lists {
            tell(
                key,
                Kind::NotModelled,
                "a plain list: LiteLLM takes its last name for all models, and so does the scenario".into(),
            );
        }
        let chains: &mut Vec<_> = match lists {
            Some(Fallbacks::Chains(chains)) => chains,
            _ => continue,
        };
        let mut stars = chains.iter().filter(|(m, _)| m == "*").count();
        chains.retain(|(model, _)| {
            let first_star = model == "*" && stars > 1;
            stars -= usize::from(first_star);
            if first_star {
                tell(key, Kind::NotModelled, "of several chains of `*` the scenario has the last".into());
            }
            let known = model == "*" || exists(model);
            if !known {
                tell(key, Kind::Unknown, format!("no model is called `{model}`, so nothing falls back from it"));
            }
            known && !first_star
        });
        let mut seen: Vec<String> = Vec::new();
        for (model, targets) in chains {
            if seen.contains(model) {
                tell(key, Kind::Unknown, format!("`{model}` has two chains; LiteLLM reads the first"));
            }
            seen.push(model.clone());
            targets.retain(|t| {
                let Some(name) = &t.model else {
                    let why = format!("a fallback of `{model}` that only changes parameters is not modelled");
                    tell(key, Kind::NotModelled, why);
                    return false;
                };
                if t.num_retries.is_some() {
                    let why = format!("`num_retries` of the fallback `{name}` is not modelled");
                    tell(key, Kind::NotModelled, why);
                }
                if name == model {
                    tell(key, Kind::NoEffect, format!("`{name}` falls back to itself, which LiteLLM skips"));
                } else if !exists(name) {
                    let why =
                        format!("no model is called `{name}`: LiteLLM fails there with 400 and goes on to the next");
                    tell(key, Kind::Unknown, why);
                }
                name != model && exists(name)
            });
        }
    }
    config.aliases.retain(|(alias, model)| {
        let found = exists(model);
        if !found {
            tell("model_group_alias", Kind::Unknown, format!("`{alias}` stands for `{model}`, which exists nowhere"));
        }
        found
    });
    config.model_retry_policies.retain(|(model, _)| {
        let found = exists(model);
        if !found {
            tell("model_group_retry_policy", Kind::Unknown, format!("no model is called `{model}`"));
        }
        found
    });
    for g in &mut config.routing_groups {
        for model in g.models.iter().filter(|m| !names.contains(m)) {
            let why = format!("`{model}` of the group `{}` exists nowhere", g.name);
            tell("routing_groups", Kind::Unknown, why);
        }
        if let crate::routing::litellm::config::GroupKind::Priority(numbers) = &mut g.kind {
            let kept: Vec<i64> =
                g.models.iter().zip(&*numbers).filter(|(m, _)| names.contains(m)).map(|(_, n)| *n).collect();
            *numbers = kept;
        }
        g.models.retain(|m| names.contains(m));
    }
    if config.provider_budgets.iter().any(|(_, max, _)| max.is_none()) {
        tell(
            "provider_budget_config",
            Kind::NotModelled,
            "a budget without an amount shuts its provider out, which is not modelled".into(),
        );
    }
    if config.weighted_failover && config.strategy != crate::routing::litellm::config::Strategy::SimpleShuffle {
        tell("enable_weighted_failover", Kind::NoEffect, "it only acts in `simple-shuffle`".into());
        config.weighted_failover = false;
    }
    config.health = None;
}

/// A name for the deployment of each entry: entries that make the same call share one.
fn names(nodes: &[Node], deployments: &[Deployment], endpoints: &[Endpoint]) -> Vec<String> {
    let call = |i: usize| {
        let value = |key: &str| nodes[i].get("litellm_params").and_then(|p| p.get(key)).map(|n| &n.value);
        (&deployments[i].model, value("api_base"), value("api_key"), &endpoints[i])
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

/// What turns ask for: the first group that is no wildcard.
fn asked(config: &Config, line: usize, assumed: &mut Vec<Assumption>) -> String {
    let mut groups = config.deployments.iter().map(|d| d.model_name.as_str());
    let (model, why) = match groups.clone().find(|g| !g.contains('*')) {
        Some(first) => (first.to_owned(), "the first group; `request` lets workloads ask for others"),
        None => {
            let route = groups.next().unwrap_or("*");
            (route.replace('*', "model"), "a name that the first wildcard matches")
        }
    };
    assumed.push(Assumption { line, what: "what turns ask for".to_owned(), value: model.clone(), why: why.to_owned() });
    model
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
