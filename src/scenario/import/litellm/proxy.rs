//! A proxy's `config.yaml` as a whole: what stands at its top.
//!
//! Source: LiteLLM 1.106.2, `proxy/proxy_server.py: ProxyConfig.load_config`: `litellm_settings` are set as attributes of
//! the library, `router_settings` are arguments of the router and win where both say something.

use super::budgets::budget_of;
use super::fallbacks::{self, Place};
use super::read::{Known, Report, Table};
use super::router::{self, Library};
use super::{check, deployments};
use crate::routing::litellm::config::{Budget, Config, FailureCounting, Target};
use crate::scenario::import::{Kind, Node, Value};
use crate::scenario::raw::litellm::{MOST_FAILS, MOST_FALLBACKS, MOST_RETRIES};

const LOGS: &str = "logs and callbacks do not change where a call goes";
const ACCESS: &str = "it is about access to the proxy; values are neither kept nor shown";
const CACHE: &str = "answers from the gateway's own cache are not modelled";
const HEALTH: &str = "LiteLLM's background health checks are not simulated";
const QUEUE: &str = "the queue in front of the proxy's workers is not modelled";
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

/// Those that the router only looks at where its own argument says nothing (`Router.__init__`).
const OVERRIDDEN: [&str; 6] = [
    "num_retries",
    "max_fallbacks",
    "fallbacks",
    "default_fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
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
    Known { key: "background_health_check*", kind: Kind::NotModelled, why: HEALTH },
    Known { key: "health_check_*", kind: Kind::NotModelled, why: HEALTH },
    Known { key: "use_shared_health_check", kind: Kind::NotModelled, why: HEALTH },
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
    Known {
        key: "disable_retry_on_max_parallel_request_limit_error",
        kind: Kind::NotModelled,
        why: "retries of the proxy itself are not modelled",
    },
    Known { key: "disable_spend_logs", kind: Kind::NoEffect, why: LOGS },
    Known { key: "disable_error_logs", kind: Kind::NoEffect, why: LOGS },
    Known { key: "disable_spend_updates", kind: Kind::NoEffect, why: LOGS },
    Known { key: "disable_master_key_return", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_custom_api_keys", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_auto_add_proxy_admin_to_teams", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_key_generate_for_org_admin", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_env_credential_login", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_password_login_when_sso_enabled", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "disable_responses_id_security", kind: Kind::NoEffect, why: ACCESS },
    Known {
        key: "disable_budget_reservation",
        kind: Kind::NoEffect,
        why: "budgets of keys and users are not modelled",
    },
    Known { key: "disable_reset_budget", kind: Kind::NoEffect, why: "budgets of keys and users are not modelled" },
    Known { key: "disable_prisma_schema_update", kind: Kind::NoEffect, why: PROXY },
    Known { key: "disable_model_info_refresh", kind: Kind::NoEffect, why: PROXY },
    Known { key: "enable_health_check_routing", kind: Kind::NotModelled, why: HEALTH },
    Known { key: "enable_jwt_auth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "enable_oauth2_auth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "enable_oauth2_proxy_auth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "enable_public_model_hub", kind: Kind::NoEffect, why: PROXY },
    Known { key: "enable_drain_endpoint", kind: Kind::NoEffect, why: PROXY },
    Known { key: "enable_mcp_registry", kind: Kind::NoEffect, why: "tools are not simulated" },
    Known {
        key: "enable_openai_websocket_passthrough",
        kind: Kind::NoEffect,
        why: "pass-through calls are not routed",
    },
    Known {
        key: "allow_client_side_credentials",
        kind: Kind::NotModelled,
        why: "requests of a scenario bring no deployment of their own",
    },
    Known { key: "allow_requests_on_db_unavailable", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "allow_user_auth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "allow_public_health_readiness_details", kind: Kind::NoEffect, why: PROXY },
    Known { key: "allow_unmanaged_response_ids", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "max_in_flight_requests_per_worker", kind: Kind::NotModelled, why: QUEUE },
    Known { key: "max_queued_requests_per_worker", kind: Kind::NotModelled, why: QUEUE },
    Known { key: "admission_queue_timeout_seconds", kind: Kind::NotModelled, why: QUEUE },
    Known { key: "enforce_fallback_model_access", kind: Kind::NotModelled, why: "who may call what is not modelled" },
    Known {
        key: "cancel_on_disconnect",
        kind: Kind::NotModelled,
        why: "what clients that go away leave behind is not modelled",
    },
    Known { key: "allowed_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "litellm_key_header_name", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "litellm_jwtauth", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "custom_*", kind: Kind::NotModelled, why: "code of your own cannot be run here" },
    Known { key: "key_management_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "use_google_kms", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "use_azure_key_vault", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "user_api_key_cache_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "user_header_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "user_url_*", kind: Kind::NoEffect, why: ACCESS },
    Known { key: "user_mcp_management_mode", kind: Kind::NoEffect, why: "tools are not simulated" },
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
    for key in OVERRIDDEN {
        // nothing and an empty list do not win: `fallbacks or litellm.fallbacks`
        let says = |n: &&Node| !matches!(&n.value, Value::Seq(l) if l.is_empty());
        if let (Some(node), Some(_)) = (library.node(key), settings.node(key).filter(says)) {
            report.tell(node, library.path_of(key), Kind::NoEffect, format!("`router_settings.{key}` wins"));
        }
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
        num_retries: t.count("num_retries", MOST_RETRIES),
        allowed_fails: t.count("allowed_fails", MOST_FAILS),
        max_fallbacks: t.count("max_fallbacks", MOST_FALLBACKS),
        request_timeout: t.seconds("request_timeout"),
        fallbacks: list("fallbacks", Place::Router),
        default_fallbacks: t
            .texts("default_fallbacks")
            .filter(|l| !l.is_empty())
            .map(|l| l.iter().map(|m| Target::model(m)).collect()),
        context_window_fallbacks: list("context_window_fallbacks", Place::RouterUnchecked),
        content_policy_fallbacks: list("content_policy_fallbacks", Place::Router),
    }
}

/// `tag_budget_config`, which LiteLLM reads from the library.
fn tag_budgets(library: &Table<'_>) -> Vec<(String, Budget)> {
    let mut found = Vec::new();
    for (e, path) in library.entries("tag_budget_config") {
        let (amounts, periods) = (["max_budget", "budget_limit"], ["budget_duration", "time_period"]);
        let (max, per) = budget_of(e, path.clone(), amounts, periods, library.report);
        match (max, per) {
            (Some(max), Some(per)) => found.push((e.key.clone(), Budget { max, per })),
            _ if !amounts.iter().any(|k| e.node.get(k).is_some()) => {
                let why = "LiteLLM keeps a tag's budget only with its amount";
                library.report.tell(&e.node, path, Kind::Unknown, why);
            }
            _ => {}
        }
    }
    found
}
