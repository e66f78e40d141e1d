//! Keyword arguments of a request (`acompletion`), as far as routing reads them.

use super::fallbacks::{self, Place};
use super::read::{Known, Table};
use super::router::model_policies;
use crate::routing::litellm::config::{Fallbacks, Options, Strategy};
use crate::scenario::import::{Kind, Value};
use crate::scenario::raw::litellm::{MOST_FALLBACKS, MOST_RETRIES};

const KNOWN: &[Known] = &[
    Known { key: "temperature", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "stream", kind: Kind::NoEffect, why: "it is read with the request itself" },
    Known { key: "max_tokens", kind: Kind::NoEffect, why: "it is read with the request itself" },
];

/// Reads them. `agent` tells, for a user agent, per deployment whether a regular expression of it matches.
pub(super) fn read(table: &Table<'_>, agent: &dyn Fn(&str) -> Option<Vec<bool>>) -> Options {
    let own = |key: &str| -> Option<Option<Fallbacks>> {
        // a key that is there and null switches the router's own list off
        let given = table.is_given(key);
        let read = table.node(key).and_then(|n| fallbacks::read(n, &table.path_of(key), Place::Request, table.report));
        given.then_some(read)
    };
    let metadata = Table::new(table.node("metadata"), table.path_of("metadata"), table.report);
    let user_agent = metadata.text("user_agent").filter(|a| !a.is_empty());
    let tools = table.list("tools").unwrap_or_default();
    let web_search = tools.iter().any(|t| {
        matches!(t.get("type").map(|n| &n.value), Some(Value::Str(s)) if s == "web_search" || s == "web_search_preview")
    });
    let mut weights = Vec::new();
    for (group, path) in table.entries("_router_weights") {
        let t = Table::new(Some(&group.node), path, table.report);
        if let Value::Map(entries) = &group.node.value {
            let weight = |id: &str| t.amount(id, f64::MAX);
            weights.extend(entries.iter().filter_map(|e| Some((group.key.clone(), e.key.clone(), weight(&e.key)?))));
        }
    }
    let strategy_node = table.node("routing_strategy");
    let strategy = table.text("routing_strategy").and_then(|name| {
        // LiteLLM ignores what it cannot switch to, with a warning
        let known = Strategy::from_name(&name).filter(|s| *s != Strategy::ProviderBudget);
        if let (None, Some(node)) = (known, strategy_node) {
            let why = "LiteLLM ignores a strategy that a request cannot ask for, and so does this router";
            table.report.tell(node, table.path_of("routing_strategy"), Kind::NoEffect, why);
        }
        known
    });
    let options = Options {
        num_retries: table.count("num_retries", MOST_RETRIES),
        max_fallbacks: table.count("max_fallbacks", MOST_FALLBACKS),
        disable_fallbacks: table.flag("disable_fallbacks").unwrap_or(false),
        fallbacks: own("fallbacks"),
        context_window_fallbacks: own("context_window_fallbacks"),
        content_policy_fallbacks: own("content_policy_fallbacks"),
        model_retry_policies: table
            .is_given("model_group_retry_policy")
            .then(|| model_policies(table, "model_group_retry_policy")),
        strategy,
        weights,
        tags: metadata.texts("tags").unwrap_or_default(),
        inherited_tags: metadata.texts("inherited_tags"),
        agent_matches: user_agent.as_deref().and_then(agent),
        tag_filtering: table.flag("enable_tag_filtering").unwrap_or(false),
        allowed_region: table.text("allowed_model_region"),
        timeout: table.seconds("timeout"),
        stream_timeout: table.seconds("stream_timeout"),
        team: metadata.text("user_api_key_team_id"),
        web_search,
        response_format: table.node("response_format").is_some(),
        specific: table.flag("specific_deployment").unwrap_or(false),
    };
    metadata.finish(&[], &["tags", "inherited_tags", "user_agent", "user_api_key_team_id"], "no routing rule reads it");
    table.finish(KNOWN, &["num_retries", "fallbacks", "metadata", "routing_strategy"], "no routing rule reads it");
    options
}
