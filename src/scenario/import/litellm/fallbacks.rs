//! Lists of fallbacks in LiteLLM's two forms: chains by model, and plain lists.

use super::read::{Report, Table};
use crate::routing::litellm::config::{Fallbacks, Target};
use crate::scenario::import::secrets::{chosen, name};
use crate::scenario::import::{Kind, Node, Value};
use crate::scenario::raw::litellm::MOST_RETRIES;

/// Keys of `LiteLLMParamsTypedDict` (`types/router.py`): an entry with one of them, and no list behind it, is a set of
/// parameters rather than a chain.
const PARAMETERS: &[&str] = &[
    "model",
    "custom_llm_provider",
    "tpm",
    "rpm",
    "itpm",
    "otpm",
    "order",
    "weight",
    "max_parallel_requests",
    "api_key",
    "api_base",
    "api_version",
    "timeout",
    "stream_timeout",
    "timeout_by_service_tier",
    "stream_timeout_by_service_tier",
    "max_retries",
    "organization",
    "provider_affinity_header",
    "configurable_clientside_auth_params",
    "drop_params",
    "use_chat_completions_api",
    "use_in_pass_through",
    "litellm_credential_name",
    "region_name",
    "vertex_project",
    "vertex_location",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_region_name",
    "aws_bedrock_project_id",
    "vector_bucket_name",
    "index_name",
    "embedding_model",
    "watsonx_region_name",
    "input_cost_per_token",
    "output_cost_per_token",
    "cost_per_second",
    "input_cost_per_second",
    "output_cost_per_second",
    "output_cost_per_second_480p",
    "output_cost_per_second_720p",
    "output_cost_per_second_768p",
    "output_cost_per_second_2k",
    "output_cost_per_second_1080p",
    "output_cost_per_second_4k",
    "num_retries",
    "mock_response",
    "tags",
    "tag_regex",
    "max_budget",
    "budget_duration",
    "keepalive_seconds",
    "allow_client_keepalive_override",
    "cooldown_time",
];

/// Parameters of a hop that change neither who is asked nor how often.
const HARMLESS: &[&str] =
    &["messages", "temperature", "top_p", "max_tokens", "stop", "seed", "drop_params", "mock_response"];

/// Where a list of fallbacks stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// With the router: chains by model only, each with one key (`validate_fallbacks`).
    Router,
    /// With the router, but unchecked.
    RouterUnchecked,
    /// In a request: either form.
    Request,
}

/// A list of fallbacks; an empty one is none.
pub(super) fn read(node: &Node, path: &str, place: Place, report: &Report) -> Option<Fallbacks> {
    let Value::Seq(list) = &node.value else {
        report.error(node.loc, format!("`{path}` is {}", node.value.kind()), "a list such as [{gpt-4: [claude]}]");
        return None;
    };
    if list.is_empty() {
        return None;
    }
    let parameters = |n: &Node| match &n.value {
        Value::Map(entries) => {
            let is = |key: &str, v: &Value| PARAMETERS.contains(&key) && !matches!(v, Value::Seq(_));
            entries.iter().any(|e| is(&e.key, &e.node.value))
        }
        _ => false,
    };
    let plain = list.iter().all(|n| matches!(n.value, Value::Str(_)))
        || (list.iter().all(|n| matches!(n.value, Value::Map(_))) && list.iter().any(parameters));
    if plain && place != Place::Router {
        let targets = list.iter().enumerate().filter_map(|(i, n)| target(n, &format!("{path}[{i}]"), report));
        return Some(Fallbacks::List(targets.collect()));
    }
    let mut chains = Vec::new();
    for (i, n) in list.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let Value::Map(entries) = &n.value else {
            report.error(n.loc, format!("`{path}` is {}", n.value.kind()), "a table of one model and its fallbacks");
            continue;
        };
        let [first, rest @ ..] = entries.as_slice() else {
            report.error(n.loc, format!("`{path}` is empty"), "a model and its fallbacks");
            continue;
        };
        if !rest.is_empty() {
            if place == Place::Router {
                report.error(
                    n.loc,
                    format!("`{path}` has more than one model"),
                    "one model per entry: LiteLLM refuses others",
                );
                continue;
            }
            for e in rest {
                report.tell(
                    &e.node,
                    format!("{path}.{}", chosen(&e.key)),
                    Kind::Unknown,
                    "LiteLLM reads the first model of an entry only",
                );
            }
        }
        let path = format!("{path}.{}", chosen(&first.key));
        if !report.may_be_kept(first.loc, &path, &first.key) {
            continue;
        }
        let Value::Seq(targets) = &first.node.value else {
            report.error(first.node.loc, format!("`{path}` is {}", first.node.value.kind()), "a list of models");
            continue;
        };
        let read = targets.iter().enumerate().filter_map(|(k, n)| target(n, &format!("{path}[{k}]"), report));
        chains.push((first.key.clone(), read.collect()));
    }
    Some(Fallbacks::Chains(chains))
}

fn target(node: &Node, path: &str, report: &Report) -> Option<Target> {
    match &node.value {
        Value::Str(name) => {
            let kept = report.is_known(node, path) && report.may_be_kept(node.loc, path, name);
            kept.then(|| Target::model(name))
        }
        Value::Map(entries) => {
            let table = Table::new(Some(node), path, report);
            let model = table.text("model");
            let num_retries = table.count("num_retries", MOST_RETRIES);
            for e in entries.iter().filter(|e| e.key != "model" && e.key != "num_retries") {
                let kind = if HARMLESS.contains(&e.key.as_str()) { Kind::NoEffect } else { Kind::NotModelled };
                let why = match kind {
                    Kind::NoEffect => "it changes the call, not where it goes",
                    _ => "parameters that a fallback changes are not modelled, `num_retries` apart",
                };
                report.tell(&e.node, format!("{path}.{}", name(&e.key)), kind, why);
            }
            // an entry that names a model and nothing else is the same as its name
            let bare = model.is_some() && entries.len() == 1;
            Some(Target { model, num_retries, entry: (!bare).then(|| written(node)) })
        }
        other => {
            report.error(node.loc, format!("`{path}` is {}", other.kind()), "a model, or a table with `model`");
            None
        }
    }
}

/// An entry as a text that is equal for equal entries, whatever the order of their keys. Values of parameters may be
/// secrets: they only enter as a hash.
fn written(node: &Node) -> String {
    fn text(value: &Value, out: &mut String) {
        match value {
            Value::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|a, b| a.key.cmp(&b.key));
                out.push('{');
                for e in sorted {
                    out.push_str(&format!("{:?}:", e.key));
                    text(&e.node.value, out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Seq(list) => {
                out.push('[');
                for n in list {
                    text(&n.value, out);
                    out.push(',');
                }
                out.push(']');
            }
            other => out.push_str(&format!("{other:?}")),
        }
    }
    let mut out = String::new();
    text(&node.value, &mut out);
    // FNV-1a: entries are compared with each other, never with anything from outside
    let hash =
        out.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("entry {hash:016x}")
}
