//! LiteLLM: a proxy's `config.yaml` becomes the configuration of [`crate::routing::litellm`].
//!
//! Source of keys and defaults: LiteLLM 1.106.2, `router.py: Router.__init__`, `types/router.py`, `proxy/proxy_server.py:
//! load_config`. Every key is taken over or told ([`Finding`]).

mod budgets;
mod deployment;
mod fallbacks;
mod lost;
mod place;
mod proxy;
mod read;
mod request;
mod router;
mod scenario;
mod write;

pub use scenario::{Imported, scenario};

use super::{Finding, Node};
use crate::routing::litellm::config::{Config, ConfigError, Options};
use crate::scenario::diagnostic::{Diagnostic, Severity};
use read::{Report, Table};
use router::Library;

/// What reading a configuration came to.
#[derive(Debug)]
pub struct Read<T> {
    /// The result; with errors it is what could be understood.
    pub value: T,
    /// Errors and warnings, in the order in which they were found.
    pub diagnostics: Vec<Diagnostic>,
    /// What was not taken over, in the order in which it stands.
    pub findings: Vec<Finding>,
}

impl<T> Read<T> {
    fn new(value: T, report: Report) -> Read<T> {
        let mut findings = report.findings.into_inner();
        findings.sort_by(|a, b| (a.loc, &a.path).cmp(&(b.loc, &b.path)));
        findings.dedup();
        Read { value, diagnostics: report.diagnostics.into_inner(), findings }
    }

    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// The arguments of `Router(model_list, **settings)`.
pub fn router(model_list: &Node, settings: Option<&Node>) -> Read<Config> {
    let report = Report::default();
    let table = Table::new(settings, "router_settings", &report);
    let mut config = router::read(&table, Library::default());
    config.deployments = deployments(model_list, &report);
    check(&config, model_list, &report);
    Read::new(config, report)
}

/// Keyword arguments of a request to that router. `agent` tells, for the text of a user agent header, per deployment
/// whether one of its `tag_regex` matches; `None` where nobody can tell.
pub fn request(kwargs: Option<&Node>, agent: &dyn Fn(&str) -> Option<Vec<bool>>) -> Read<Options> {
    let report = Report::default();
    let table = Table::new(kwargs, "", &report);
    let options = request::read(&table, agent);
    Read::new(options, report)
}

fn deployments(model_list: &Node, report: &Report) -> Vec<crate::routing::litellm::config::Deployment> {
    let super::Value::Seq(list) = &model_list.value else {
        report.error(model_list.loc, format!("`model_list` is {}", model_list.value.kind()), "a list of deployments");
        return Vec::new();
    };
    let mut found = Vec::new();
    for (i, node) in list.iter().enumerate() {
        if let Some(mut d) = deployment::read(node, i, report) {
            if d.id.is_empty() {
                // LiteLLM makes a hash of the entry; ties never depend on it
                d.id = format!("{}#{}", d.model_name, i + 1);
            }
            found.push(d);
        }
    }
    found
}

/// What only the whole can show.
fn check(config: &Config, model_list: &Node, report: &Report) {
    let has_errors = report.diagnostics.borrow().iter().any(|d| d.severity == Severity::Error);
    if has_errors {
        return;
    }
    if let Err(e) = crate::routing::litellm::Router::new(config.clone()) {
        let expected = match &e {
            ConfigError::NoDeployments => "at least one deployment",
            ConfigError::DuplicateId(_) => "an id of its own for every deployment",
            ConfigError::RoutingGroup { .. } => "a group that LiteLLM accepts",
            _ => "a configuration that LiteLLM accepts",
        };
        report.error(model_list.loc, e.to_string(), expected);
    }
}
