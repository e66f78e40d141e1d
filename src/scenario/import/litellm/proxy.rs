//! A proxy's `config.yaml` as a whole: what stands at its top.
//!
//! Source: LiteLLM 1.106.2, `proxy/proxy_server.py: ProxyConfig.load_config`: `litellm_settings` are set as attributes of
//! the library, `router_settings` are arguments of the router and win where both say something.

use super::deployment::duration;
use super::fallbacks::{self, Place};
use super::read::{Known, Report, Table};
use super::router::{self, Library};
use super::{check, deployments};
use crate::routing::litellm::config::{Budget, Config, FailureCounting, Target};
use crate::scenario::import::{Kind, Node, Value};

const LOGS: &str = "logs and callbacks do not change where a call goes";
const ACCESS: &str = "it is about access to the proxy; values are neither kept nor shown";
const CACHE: &str = "answers from the gateway's own cache are not modelled";
const PROXY: &str = "it belongs to the proxy around the router";

const SETTINGS: &[Known] = &[
    Known { key: "cache", kind: Kind::NotModelled, why: CACHE },
    Known { key: "cache_params", kind: Kind::NotModelled, why: CACHE },
    Known { key: "enable_redis_auth_cache", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "drop_params", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "modify_params", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "set_verbose", kind: Kind::NoEffect, why: LOGS },
    Known { key: "json_logs", kind: Kind::NoEffect, why: LOGS },
    Known { key: "log_raw_request_response", kind: Kind::NoEffect, why: LOGS },
    Known { key: "turn_off_message_logging", kind: Kind::NoEffect, why: LOGS },
    Known { key: "redact_*", kind: Kind::NoEffect, why: LOGS },
    Known { key: "callbacks", kind: Kind::NotModelled, why: "code of your own cannot be run here" },
    Known { key: "success_callback", kind: Kind::NoEffect, why: LOGS },
    Known { key: "failure_callback", kind: Kind::NoEffect, why: LOGS },
    Known { key: "service_callback", kind: Kind::NoEffect, why: LOGS },
    Known { key: "audit_log_callbacks", kind: Kind::NoEffect, why: LOGS },
    Known { key: "langfuse_*", kind: Kind::NoEffect, why: LOGS },
    Known { key: "prometheus_*", kind: Kind::NoEffect, why: LOGS },
    Known { key: "telemetry", kind: Kind::NoEffect, why: LOGS },
    Known { key: "ssl_*", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "force_ipv4", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "max_budget", kind: Kind::NotModelled, why: "the budget of the whole proxy is not modelled" },
    Known { key: "budget_duration", kind: Kind::NotModelled, why: "the budget of the whole proxy is not modelled" },
    Known { key: "max_user_budget", kind: Kind::NotModelled, why: "budgets of users are not modelled" },
    Known { key: "max_internal_user_budget", kind: Kind::NotModelled, why: "budgets of users are not modelled" },
    Known { key: "internal_user_budget_duration", kind: Kind::NotModelled, why: "budgets of users are not modelled" },
    Known { key: "max_end_user_budget", kind: Kind::NotModelled, why: "budgets of users are not modelled" },
    Known { key: "priority_reservation", kind: Kind::NotModelled, why: "priorities of keys are not modelled" },
    Known { key: "default_team_settings", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "default_internal_user_params", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "upperbound_key_generate_params", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "default_key_generate_params", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "key_generation_settings", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "guardrails", kind: Kind::NotModelled, why: "guardrails are not modelled" },
    Known {
        key: "model_alias_map",
        kind: Kind::NotModelled,
        why: "names that the library replaces before the call are not modelled",
    },
    Known { key: "mcp_*", kind: Kind::NoEffect, why: "tools are not simulated" },
    Known { key: "custom_provider_map", kind: Kind::NotModelled, why: "code of your own cannot be run here" },
    Known { key: "enable_preview_features", kind: Kind::NoEffect, why: PROXY },
    Known { key: "public_model_groups*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "credential_list", kind: Kind::NoEffect, why: ACCESS },
];

const SETTINGS_READ: &[&str] = &[
    "num_retries",
    "request_timeout",
    "allowed_fails",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "max_fallbacks",
    "tag_budget_config",
];

const GENERAL: &[Known] = &[
    Known {
        key: "max_parallel_requests",
        kind: Kind::NotModelled,
        why: "limits per key of the proxy are not modelled",
    },
    Known {
        key: "global_max_parallel_requests",
        kind: Kind::NotModelled,
        why: "the limit of the whole proxy is not modelled",
    },
    Known {
        key: "background_health_checks",
        kind: Kind::NotModelled,
        why: "LiteLLM's background health checks are not simulated",
    },
    Known {
        key: "health_check_*",
        kind: Kind::NotModelled,
        why: "LiteLLM's background health checks are not simulated",
    },
    Known {
        key: "use_shared_health_check",
        kind: Kind::NotModelled,
        why: "LiteLLM's background health checks are not simulated",
    },
    Known {
        key: "completion_model",
        kind: Kind::NotModelled,
        why: "a model that replaces every request's is not modelled",
    },
    Known { key: "infer_model_from_keys", kind: Kind::NoEffect, why: ACCESS },
    Known {
        key: "store_model_in_db",
        kind: Kind::NotModelled,
        why: "models that stand in the proxy's database are not known here",
    },
    Known { key: "supported_db_objects", kind: Kind::NoEffect, why: PROXY },
    Known { key: "pass_through_endpoints", kind: Kind::NoEffect, why: "pass-through calls are not routed" },
    Known { key: "master_key", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "database_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "alert*", kind: Kind::NoEffect, why: LOGS },
    Known { key: "proxy_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "disable_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "enable_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "allow_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "allowed_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "litellm_key_header_name", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "litellm_jwtauth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "custom_*", kind: Kind::NotModelled, why: "code of your own cannot be run here" },
    Known { key: "key_management_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "use_google_kms", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "use_azure_key_vault", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "user_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "ui_*", kind: Kind::NoEffect, why: PROXY },
    Known { key: "token_validator", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "service_account_settings", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "role_permissions", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "maximum_spend_logs_*", kind: Kind::NoEffect, why: LOGS },
    Known { key: "max_request_size_mb", kind: Kind::NoEffect, why: PROXY },
    Known { key: "max_response_size_mb", kind: Kind::NoEffect, why: PROXY },
    Known { key: "forward_*", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "otel", kind: Kind::NoEffect, why: LOGS },
    Known { key: "port", kind: Kind::NoEffect, why: PROXY },
];

const TOP: &[Known] = &[
    Known {
        key: "include",
        kind: Kind::NotModelled,
        why: "files that are included are not read: import the whole as one file",
    },
    Known { key: "guardrails", kind: Kind::NotModelled, why: "guardrails are not modelled" },
    Known { key: "prompts", kind: Kind::NoEffect, why: "it changes the call, not where it goes" },
    Known { key: "policies", kind: Kind::NotModelled, why: "guardrails are not modelled" },
    Known { key: "policy_attachments", kind: Kind::NotModelled, why: "guardrails are not modelled" },
    Known { key: "mcp_*", kind: Kind::NoEffect, why: "tools are not simulated" },
    Known { key: "search_tools", kind: Kind::NoEffect, why: "tools are not simulated" },
    Known { key: "vector_store_registry", kind: Kind::NoEffect, why: "tools are not simulated" },
    Known { key: "credential_list", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "callback_settings", kind: Kind::NoEffect, why: LOGS },
    Known { key: "finetune_settings", kind: Kind::NoEffect, why: "only chat is simulated" },
    Known { key: "files_settings", kind: Kind::NoEffect, why: "only chat is simulated" },
    Known { key: "assistant_settings", kind: Kind::NoEffect, why: "only chat is simulated" },
    Known {
        key: "environment_variables",
        kind: Kind::NoEffect,
        why: "values of environment variables are neither kept nor shown",
    },
];

/// Reads a whole file into what the proxy tells its router.
pub(super) fn read(tree: &Node, report: &Report) -> Config {
    let top = Table::new(Some(tree), "", report);
    let library = Table::new(top.node("litellm_settings"), "litellm_settings", report);
    let general = Table::new(top.node("general_settings"), "general_settings", report);
    let settings = Table::new(top.node("router_settings"), "router_settings", report);
    let tag_budgets = tag_budgets(&library);
    let said = said(&library);
    if let (Some(node), true) = (library.node("num_retries"), settings.is_given("num_retries")) {
        let why = "`router_settings.num_retries` wins";
        report.tell(node, library.path_of("num_retries"), Kind::NoEffect, why);
    }
    let mut config = router::read(&settings, said);
    config.tag_budgets = tag_budgets;
    config.counting = FailureCounting::Proxy;
    library.finish(SETTINGS, SETTINGS_READ, "LiteLLM 1.106.2 sets it, and no routing rule is known that reads it");
    general.finish(GENERAL, &[], "no routing rule is known that reads it");
    match top.node("model_list") {
        Some(list) => {
            config.deployments = deployments(list, report);
            check(&config, list, report);
        }
        None => report.error(tree.loc, "there is no `model_list`", "a list of deployments"),
    }
    let read = ["model_list", "router_settings", "litellm_settings", "general_settings"];
    top.finish(TOP, &read, "LiteLLM reads no such key at the top of the file");
    config
}

fn said(t: &Table<'_>) -> Library {
    let list = |key: &str, place| t.node(key).and_then(|n| fallbacks::read(n, &t.path_of(key), place, t.report));
    Library {
        num_retries: t.count("num_retries"),
        allowed_fails: t.count("allowed_fails"),
        max_fallbacks: t.count("max_fallbacks"),
        request_timeout: t.seconds("request_timeout"),
        fallbacks: list("fallbacks", Place::Router),
        default_fallbacks: t.texts("default_fallbacks").map(|l| l.iter().map(|m| Target::model(m)).collect()),
        context_window_fallbacks: list("context_window_fallbacks", Place::RouterUnchecked),
        content_policy_fallbacks: list("content_policy_fallbacks", Place::Router),
    }
}

/// `tag_budget_config`, which LiteLLM reads from the library.
fn tag_budgets(library: &Table<'_>) -> Vec<(String, Budget)> {
    let mut found = Vec::new();
    for (e, path) in library.entries("tag_budget_config") {
        let t = Table::new(Some(&e.node), path, library.report);
        let max = [t.amount("max_budget"), t.amount("budget_limit")].into_iter().flatten().next();
        let node = [t.node("budget_duration"), t.node("time_period")].into_iter().flatten().next();
        let per = node.and_then(|n| duration(n, t.path_of("budget_duration"), t.report));
        match (max, per) {
            (Some(max), Some(per)) => found.push((e.key.clone(), Budget { max, per })),
            _ if matches!(e.node.value, Value::Map(_)) => {
                let why = "LiteLLM keeps a tag's budget only with its amount and its duration";
                t.report.tell(&e.node, t.path.clone(), Kind::Unknown, why);
            }
            _ => {}
        }
        t.finish(&[], &["max_budget", "budget_duration", "budget_limit", "time_period"], "LiteLLM reads no such key");
    }
    found
}
