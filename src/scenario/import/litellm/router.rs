//! `router_settings`: the arguments of `Router.__init__`.

use super::budgets::budget_of;
use super::deployment::{ALLOWED_FAILS, RETRIES, policy};
use super::fallbacks::{self, Place};
use super::read::{Known, Table};
use crate::routing::litellm::Policy;
use crate::routing::litellm::config::{
    BudgetTime, Config, Fallbacks, GroupKind, HealthRouting, RoutingGroup, Strategy, StrategyArgs, Target,
};
use crate::scenario::decode::LONGEST;
use crate::scenario::import::secrets::chosen;
use crate::scenario::import::{Entry, Kind, Node, Value};
use crate::scenario::raw::litellm::{
    MOST_FAILS, MOST_FALLBACKS, MOST_PARALLEL, MOST_RETRIES, MOST_SAMPLES, WIDEST_BUFFER,
};
use crate::scenario::suggest::listed;
use crate::units::Span;

const REDIS: &str = "counters shared through Redis are not modelled: each gateway keeps its own";
const OTHER: &str = "it has nothing to do with routing";

/// Arguments without a place here.
const KNOWN: &[Known] = &[
    Known { key: "redis_*", kind: Kind::NotModelled, why: REDIS },
    Known {
        key: "cache_responses",
        kind: Kind::NotModelled,
        why: "answers from the gateway's own cache are not modelled here",
    },
    Known { key: "cache_kwargs", kind: Kind::NotModelled, why: REDIS },
    Known {
        key: "caching_groups",
        kind: Kind::NotModelled,
        why: "answers from the gateway's own cache are not modelled here",
    },
    Known { key: "client_ttl", kind: Kind::NoEffect, why: OTHER },
    Known { key: "polling_interval", kind: Kind::NotModelled, why: "the priority queue of LiteLLM is not modelled" },
    Known { key: "default_priority", kind: Kind::NotModelled, why: "the priority queue of LiteLLM is not modelled" },
    Known { key: "default_litellm_params", kind: Kind::NotModelled, why: "parameters for all calls are not modelled" },
    Known { key: "set_verbose", kind: Kind::NoEffect, why: OTHER },
    Known { key: "debug_level", kind: Kind::NoEffect, why: OTHER },
    Known { key: "alerting_config", kind: Kind::NoEffect, why: OTHER },
    Known { key: "assistants_config", kind: Kind::NoEffect, why: OTHER },
    Known { key: "search_tools", kind: Kind::NoEffect, why: OTHER },
    Known { key: "guardrail_list", kind: Kind::NotModelled, why: "guardrails are not modelled" },
    Known { key: "plugins", kind: Kind::NotModelled, why: "code of your own cannot be run here" },
    Known { key: "router_general_settings", kind: Kind::NotModelled, why: "only its defaults are modelled" },
    Known { key: "ignore_invalid_deployments", kind: Kind::NoEffect, why: "an invalid entry is an error here" },
    Known {
        key: "deployment_affinity_ttl_seconds",
        kind: Kind::NoEffect,
        why: "it only counts with an affinity check",
    },
    Known { key: "model_group_affinity_config", kind: Kind::NotModelled, why: "affinity is not modelled" },
    Known {
        key: "health_check_ignore_transient_errors",
        kind: Kind::NotModelled,
        why: "background health checks are not simulated",
    },
    Known { key: "model_list", kind: Kind::Unknown, why: "models stand at the top of the file" },
];

const MAPPED: &[&str] = &[
    "routing_strategy",
    "routing_strategy_args",
    "routing_groups",
    "num_retries",
    "retry_after",
    "retry_policy",
    "model_group_retry_policy",
    "allowed_fails",
    "allowed_fails_policy",
    "cooldown_time",
    "disable_cooldowns",
    "timeout",
    "stream_timeout",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "max_fallbacks",
    "model_group_alias",
    "enable_pre_call_checks",
    "enable_tag_filtering",
    "tag_filtering_match_any",
    "tag_routing_prefix",
    "optional_pre_call_checks",
    "provider_budget_config",
    "default_max_parallel_requests",
    "enable_weighted_failover",
    "enable_health_check_routing",
    "health_check_staleness_threshold",
    "background_health_check_model_groups",
];

/// What the library around the router says where the router itself says nothing (`litellm_settings`).
#[derive(Clone, Debug, Default)]
pub(super) struct Library {
    pub num_retries: Option<u32>,
    pub allowed_fails: Option<u32>,
    pub max_fallbacks: Option<u32>,
    pub request_timeout: Option<Span>,
    pub fallbacks: Option<Fallbacks>,
    pub default_fallbacks: Option<Vec<Target>>,
    pub context_window_fallbacks: Option<Fallbacks>,
    pub content_policy_fallbacks: Option<Fallbacks>,
}

/// Reads the arguments into a configuration without deployments.
pub(super) fn read(table: &Table<'_>, library: Library) -> Config {
    let report = table.report;
    let list = |key: &str, place| table.node(key).and_then(|n| fallbacks::read(n, &table.path_of(key), place, report));
    let default = Config::default();
    let health = table.flag("enable_health_check_routing").unwrap_or(false).then(|| HealthRouting {
        // DEFAULT_HEALTH_CHECK_INTERVAL 300 s times DEFAULT_HEALTH_CHECK_STALENESS_MULTIPLIER 2 (constants.py)
        staleness: table.seconds("health_check_staleness_threshold").unwrap_or(Span::from_secs(600)),
        groups: table.texts("background_health_check_model_groups"),
    });
    for key in
        ["enable_health_check_routing", "health_check_staleness_threshold", "background_health_check_model_groups"]
    {
        let Some(node) = table.node(key) else { continue };
        let (kind, why) = match &health {
            Some(_) => (Kind::NotModelled, "the rule is here, but nothing runs LiteLLM's background health checks yet"),
            None => (Kind::NoEffect, "it only counts with `enable_health_check_routing`"),
        };
        report.tell(node, table.path_of(key), kind, why);
    }
    let mut general = list("fallbacks", Place::Router).or(library.fallbacks);
    // an empty list counts as none, as in all of these lists
    let defaults = table.texts("default_fallbacks").filter(|l| !l.is_empty());
    let defaults = defaults.map(|l| l.iter().map(|m| Target::model(m)).collect()).or(library.default_fallbacks);
    if let Some(defaults) = defaults {
        let star = ("*".to_owned(), defaults);
        match &mut general {
            Some(Fallbacks::Chains(chains)) => chains.push(star),
            _ => general = Some(Fallbacks::Chains(vec![star])),
        }
    }
    let checks = table.texts("optional_pre_call_checks").unwrap_or_default();
    if let (Some([_, ..]), []) = (table.list("optional_pre_call_checks"), checks.as_slice())
        && let Some(node) = table.node("optional_pre_call_checks")
    {
        report.tell(node, table.path_of("optional_pre_call_checks"), Kind::NotModelled, "none of them is known here");
    }
    for check in checks.iter().filter(|c| *c != "enforce_model_rate_limits") {
        let (kind, why) = match check.as_str() {
            "forward_client_headers_by_model_group" => (Kind::NoEffect, "it changes the call, not where it goes"),
            "router_budget_limiting" => (Kind::NoEffect, "budgets are limits wherever they are set"),
            "prompt_caching"
            | "deployment_affinity"
            | "session_affinity"
            | "responses_api_deployment_check"
            | "encrypted_content_affinity" => (Kind::NotModelled, "affinity is not modelled"),
            _ => (Kind::Unknown, "LiteLLM knows no such check"),
        };
        if let Some(node) = table.node("optional_pre_call_checks") {
            let path = table.path_of("optional_pre_call_checks");
            report.tell(node, path, kind, format!("`{}`: {why}", chosen(check)));
        }
    }
    let timeout = table.seconds("timeout").filter(|t| *t > Span::ZERO);
    let config = Config {
        strategy: strategy(table, "routing_strategy").unwrap_or_default(),
        strategy_args: strategy_args(table, "routing_strategy_args"),
        routing_groups: routing_groups(table),
        aliases: aliases(table),
        num_retries: table.count("num_retries", MOST_RETRIES).or(library.num_retries).unwrap_or(default.num_retries),
        retry_after_s: table.amount("retry_after", LONGEST.as_secs_f64()).unwrap_or(default.retry_after_s),
        retry_policy: policy(table.node("retry_policy"), table.path_of("retry_policy"), RETRIES, report),
        model_retry_policies: model_policies(table, "model_group_retry_policy"),
        allowed_fails: table
            .count("allowed_fails", MOST_FAILS)
            .or(library.allowed_fails)
            .unwrap_or(default.allowed_fails),
        library_allowed_fails: library.allowed_fails.unwrap_or(default.library_allowed_fails),
        allowed_fails_policy: policy(
            table.node("allowed_fails_policy"),
            table.path_of("allowed_fails_policy"),
            ALLOWED_FAILS,
            report,
        ),
        // zero counts as none (`cooldown_time or DEFAULT_COOLDOWN_TIME_SECONDS`)
        cooldown_time: table.seconds("cooldown_time").filter(|t| *t > Span::ZERO).unwrap_or(default.cooldown_time),
        disable_cooldowns: table.flag("disable_cooldowns").unwrap_or(false),
        fallbacks: general,
        context_window_fallbacks: list("context_window_fallbacks", Place::RouterUnchecked)
            .or(library.context_window_fallbacks),
        content_policy_fallbacks: list("content_policy_fallbacks", Place::Router).or(library.content_policy_fallbacks),
        max_fallbacks: table
            .count("max_fallbacks", MOST_FALLBACKS)
            .or(library.max_fallbacks)
            .unwrap_or(default.max_fallbacks),
        pre_call_checks: table.flag("enable_pre_call_checks").unwrap_or(false),
        tag_filtering: table.flag("enable_tag_filtering").unwrap_or(false),
        tag_match_any: table.flag("tag_filtering_match_any").unwrap_or(true),
        tag_prefix: table.text("tag_routing_prefix").unwrap_or_default(),
        weighted_failover: table.flag("enable_weighted_failover").unwrap_or(false),
        enforce_rate_limits: checks.iter().any(|c| c == "enforce_model_rate_limits"),
        default_max_parallel: table.count("default_max_parallel_requests", MOST_PARALLEL),
        provider_budgets: provider_budgets(table),
        health,
        timeout: timeout.or(library.request_timeout),
        stream_timeout: table.seconds("stream_timeout"),
        request_timeout: timeout.and(library.request_timeout),
        ..default
    };
    table.finish(KNOWN, MAPPED, "`Router.__init__` of LiteLLM 1.106.2 has no such argument");
    config
}

fn strategy(table: &Table<'_>, key: &str) -> Option<Strategy> {
    let node = table.node(key)?;
    let name = table.text(key)?;
    match Strategy::from_name(&name) {
        Some(Strategy::ProviderBudget) => {
            let why = "LiteLLM accepts the name and then finds no deployment for any request; so does this router";
            table.report.tell(node, table.path_of(key), Kind::Unknown, why);
            Some(Strategy::ProviderBudget)
        }
        Some(known) => Some(known),
        None if name == "lar1" => {
            table.report.tell(node, table.path_of(key), Kind::NotModelled, "this strategy is not modelled");
            None
        }
        None => {
            let names = listed(Strategy::ALL.iter().map(|s| s.name()));
            table.report.error(node.loc, format!("`{}` is no strategy of LiteLLM", table.path_of(key)), &names);
            None
        }
    }
}

fn strategy_args(table: &Table<'_>, key: &str) -> StrategyArgs {
    let args = Table::new(table.node(key), table.path_of(key), table.report);
    let default = StrategyArgs::default();
    let percentile_node = args.node("ttft_percentile");
    let percentile = args.number("ttft_percentile").filter(|p| *p > 0.0 && *p <= 1.0);
    if let (Some(node), None) = (percentile_node, percentile) {
        table.report.error(node.loc, "`ttft_percentile` is out of range", "a number above 0 and at most 1");
    }
    let size_node = args.node("max_latency_list_size");
    let size = args.count("max_latency_list_size", MOST_SAMPLES);
    if let (Some(node), Some(0)) = (size_node, size) {
        table.report.error(node.loc, "`max_latency_list_size` is out of range", "at least 1");
    }
    let read = StrategyArgs {
        ttl: args.seconds("ttl").unwrap_or(default.ttl),
        lowest_latency_buffer: args
            .amount("lowest_latency_buffer", WIDEST_BUFFER)
            .unwrap_or(default.lowest_latency_buffer),
        max_latency_list_size: size.map_or(default.max_latency_list_size, |n| n as usize),
        ttft_percentile: percentile,
    };
    args.finish(
        &[],
        &["ttl", "lowest_latency_buffer", "max_latency_list_size", "ttft_percentile"],
        "no strategy reads it",
    );
    read
}

fn routing_groups(table: &Table<'_>) -> Vec<RoutingGroup> {
    let mut groups = Vec::new();
    for (i, node) in table.list("routing_groups").unwrap_or_default().iter().enumerate() {
        let t = Table::new(Some(node), format!("{}[{i}]", table.path_of("routing_groups")), table.report);
        let models = t.texts("models").unwrap_or_default();
        let name = t.text("group_name").unwrap_or_default();
        let priority = matches!(t.node("routing_strategy").map(|n| &n.value), Some(Value::Str(s)) if s == "priority");
        let args = strategy_args(&t, "routing_strategy_args");
        let kind = if priority {
            if let Some(n) = t.node("routing_strategy_args") {
                let why = "`priority` reads no arguments";
                table.report.tell(n, t.path_of("routing_strategy_args"), Kind::NoEffect, why);
            }
            let given = t.entries("model_priorities");
            let of = |model: &String| given.iter().find(|(e, _)| e.key == *model);
            let mut priorities = Vec::new();
            for model in &models {
                match of(model).map(|(e, _)| &e.node) {
                    Some(Node { value: Value::Int(n), .. }) if *n >= 1 => priorities.push(*n),
                    other => {
                        let loc = other.unwrap_or(node).loc;
                        table.report.error(
                            loc,
                            format!("`{model}` has no priority in `{}`", t.path),
                            "a whole number of at least 1",
                        );
                        priorities.push(1);
                    }
                }
            }
            for (e, path) in given.iter().filter(|(e, _)| !models.contains(&e.key)) {
                table.report.error(e.loc, format!("`{path}` is no model of the group"), "exactly the group's models");
            }
            GroupKind::Priority(priorities)
        } else {
            if let Some(n) = t.node("model_priorities") {
                table.report.error(
                    n.loc,
                    "`model_priorities` needs the strategy `priority`",
                    "routing_strategy: priority",
                );
            }
            GroupKind::Strategy(strategy(&t, "routing_strategy").unwrap_or_default(), args)
        };
        t.finish(
            &[],
            &["group_name", "models", "routing_strategy", "routing_strategy_args", "model_priorities"],
            "LiteLLM reads no such key",
        );
        groups.push(RoutingGroup { name, models, kind });
    }
    groups
}

const HIDDEN: &[Known] =
    &[Known { key: "hidden", kind: Kind::NoEffect, why: "it keeps the alias out of the list of models" }];

fn aliases(table: &Table<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (e, path) in table.entries("model_group_alias") {
        match &e.node.value {
            Value::Str(model)
                if table.report.is_known(&e.node, &path) && table.report.may_be_kept(e.node.loc, &path, model) =>
            {
                table.report.taken.borrow_mut().push((e.line, path));
                found.push((e.key.clone(), model.clone()));
            }
            Value::Map(_) => {
                let t = Table::new(Some(&e.node), path, table.report);
                match t.text("model") {
                    Some(model) => found.push((e.key.clone(), model)),
                    None if t.is_given("model") => {}
                    None => table.report.error(e.node.loc, format!("the alias `{}` names no model", e.key), "a model"),
                }
                t.finish(HIDDEN, &["model", "hidden"], "LiteLLM reads no such key");
            }
            Value::Null | Value::Str(_) => {}
            other => table.report.error(e.node.loc, format!("`{path}` is {}", other.kind()), "a model"),
        }
    }
    found
}

/// A retry policy per model.
pub(super) fn model_policies(table: &Table<'_>, key: &str) -> Vec<(String, Policy)> {
    let read = |(e, path): (&Entry, String)| Some((e.key.clone(), policy(Some(&e.node), path, RETRIES, table.report)?));
    table.entries(key).into_iter().filter_map(read).collect()
}

fn provider_budgets(table: &Table<'_>) -> Vec<(String, Option<f64>, BudgetTime)> {
    let list = table.entries("provider_budget_config");
    let read = |(e, path): (&Entry, String)| {
        let (amounts, periods) = (["budget_limit", "max_budget"], ["time_period", "budget_duration"]);
        let (max, per) = budget_of(e, path, amounts, periods, table.report);
        Some((e.key.clone(), max, per?))
    };
    list.into_iter().filter_map(read).collect()
}
