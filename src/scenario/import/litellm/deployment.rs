//! Entries of `model_list`.

use super::budgets;
use super::read::{Known, Report, Table};
use crate::routing::litellm::Policy;
use crate::routing::litellm::config::{Deployment, Limit};
use crate::routing::litellm::names;
use crate::scenario::import::{Kind, Node};
use crate::scenario::raw::litellm::{HIGHEST_PRICE, MOST_FAILS, MOST_PARALLEL, MOST_RETRIES};

const CREDENTIAL: &str = "it says how to reach the provider; credentials are neither kept nor shown";
const ENDPOINT: &str = "it says where the provider is reached; a scenario's deployment has a place of its own";
const CALL: &str = "it changes the call, not where it goes";
const OTHER_PRICE: &str = "prices of a scenario stand with its deployments and come from the catalogue";

/// Keys of `litellm_params` without a place in a router.
const PARAMS: &[Known] = &[
    Known { key: "api_key", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "api_base", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "api_version", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "base_url", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "organization", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "litellm_credential_name", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "azure_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "tenant_id", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "client_id", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "client_secret", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "aws_region_name", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "aws_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "vertex_location", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "vertex_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "watsonx_region_name", kind: Kind::NoEffect, why: ENDPOINT },
    Known { key: "anthropic_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "openai_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "s3_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "gcs_*", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "bucket_name", kind: Kind::NoEffect, why: CREDENTIAL },
    Known { key: "configurable_clientside_auth_params", kind: Kind::NoEffect, why: CREDENTIAL },
    Known {
        key: "max_tokens",
        kind: Kind::NotModelled,
        why: "a bound on answers belongs to the workload (`max_output`)",
    },
    Known { key: "temperature", kind: Kind::NoEffect, why: CALL },
    Known { key: "top_p", kind: Kind::NoEffect, why: CALL },
    Known { key: "seed", kind: Kind::NoEffect, why: CALL },
    Known { key: "stop", kind: Kind::NoEffect, why: CALL },
    Known { key: "drop_params", kind: Kind::NoEffect, why: CALL },
    Known { key: "additional_drop_params", kind: Kind::NoEffect, why: CALL },
    Known { key: "extra_headers", kind: Kind::NoEffect, why: CALL },
    Known { key: "extra_body", kind: Kind::NoEffect, why: CALL },
    Known { key: "headers", kind: Kind::NoEffect, why: CALL },
    Known { key: "merge_reasoning_content_in_choices", kind: Kind::NoEffect, why: CALL },
    Known { key: "use_in_pass_through", kind: Kind::NoEffect, why: "pass-through calls are not routed" },
    Known { key: "use_chat_completions_api", kind: Kind::NoEffect, why: CALL },
    Known { key: "use_litellm_proxy", kind: Kind::NoEffect, why: CALL },
    Known { key: "keepalive_seconds", kind: Kind::NoEffect, why: CALL },
    Known { key: "allow_client_keepalive_override", kind: Kind::NoEffect, why: CALL },
    Known {
        key: "mock_response",
        kind: Kind::NotModelled,
        why: "a made-up answer: the scenario's provider answers instead",
    },
    Known {
        key: "mock_delay",
        kind: Kind::NotModelled,
        why: "a made-up answer: the scenario's provider answers instead",
    },
    Known {
        key: "mock_timeout",
        kind: Kind::NotModelled,
        why: "a made-up answer: the scenario's provider answers instead",
    },
    Known {
        key: "silent_model",
        kind: Kind::NotModelled,
        why: "copies of requests to a second model are not simulated",
    },
    Known {
        key: "max_retries",
        kind: Kind::NotModelled,
        why: "retries inside the provider's client are not modelled; the router sets them to 0 unless given",
    },
    Known { key: "timeout_by_service_tier", kind: Kind::NotModelled, why: "requests have no service tier" },
    Known { key: "stream_timeout_by_service_tier", kind: Kind::NotModelled, why: "requests have no service tier" },
    Known {
        key: "default_api_key_tpm_limit",
        kind: Kind::NotModelled,
        why: "limits per key of the proxy are not modelled",
    },
    Known {
        key: "default_api_key_rpm_limit",
        kind: Kind::NotModelled,
        why: "limits per key of the proxy are not modelled",
    },
    Known { key: "base_model", kind: Kind::NoEffect, why: OTHER_PRICE },
    Known { key: "provider_affinity_header", kind: Kind::NotModelled, why: "affinity is not modelled" },
    Known { key: "auto_router_*", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
    Known { key: "complexity_router_*", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
    Known { key: "adaptive_router_*", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
    Known { key: "quality_router_*", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
    Known { key: "cache_read_input_token_cost*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "cache_creation_input_token_cost*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "input_cost_per_*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "output_cost_per_*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "cost_per_second", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "tiered_pricing", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "model_info", kind: Kind::Unknown, why: "LiteLLM reads `model_info` beside `litellm_params`" },
    Known { key: "litellm_trace_id", kind: Kind::NoEffect, why: CALL },
];

/// Keys of `model_info` without a place in a router.
const INFO: &[Known] = &[
    Known { key: "mode", kind: Kind::NoEffect, why: "only chat is simulated" },
    Known { key: "base_model", kind: Kind::NoEffect, why: OTHER_PRICE },
    Known { key: "db_model", kind: Kind::NoEffect, why: "it says where the entry is stored" },
    Known { key: "created_*", kind: Kind::NoEffect, why: "it describes the entry" },
    Known { key: "updated_*", kind: Kind::NoEffect, why: "it describes the entry" },
    Known { key: "description", kind: Kind::NoEffect, why: "it describes the entry" },
    Known { key: "display_name", kind: Kind::NoEffect, why: "it describes the entry" },
    Known { key: "tier", kind: Kind::NoEffect, why: "no routing rule reads it" },
    Known { key: "discoverable", kind: Kind::NoEffect, why: "no routing rule reads it" },
    Known { key: "internal_router_model", kind: Kind::NoEffect, why: "no routing rule reads it" },
    Known { key: "access_groups", kind: Kind::NotModelled, why: "who may call what is not modelled" },
    Known { key: "access_windows", kind: Kind::NotModelled, why: "who may call what is not modelled" },
    Known {
        key: "supported_environments",
        kind: Kind::NotModelled,
        why: "the environment variable LITELLM_ENVIRONMENT is not known here",
    },
    Known { key: "input_cost_per_token", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "output_cost_per_token", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "cache_*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "ptu_*", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "cost_per_ptu_per_hour", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "tiered_pricing", kind: Kind::NotModelled, why: OTHER_PRICE },
    Known { key: "max_tokens", kind: Kind::NoEffect, why: "routing reads `max_input_tokens`" },
    Known { key: "supports_*", kind: Kind::NoEffect, why: "no routing rule reads it, `supports_web_search` apart" },
    Known { key: "supported_*", kind: Kind::NoEffect, why: "no routing rule reads it" },
    Known { key: "litellm_provider", kind: Kind::NoEffect, why: "the provider is derived from `litellm_params.model`" },
    Known { key: "health_check_*", kind: Kind::NoEffect, why: "it shapes background health checks, not routing" },
    Known {
        key: "disable_background_health_check",
        kind: Kind::NotModelled,
        why: "background health checks are not simulated",
    },
    Known { key: "team_public_model_name", kind: Kind::NoEffect, why: "requests of a scenario belong to no team" },
    Known { key: "member_auto_router", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
    Known { key: "adaptive_router_*", kind: Kind::NotModelled, why: "pre-routing by content is not modelled" },
];

const PARAMS_MAPPED: &[&str] = &[
    "model",
    "custom_llm_provider",
    "weight",
    "rpm",
    "tpm",
    "itpm",
    "otpm",
    "order",
    "max_parallel_requests",
    "timeout",
    "stream_timeout",
    "request_timeout",
    "num_retries",
    "cooldown_time",
    "region_name",
    "tags",
    "tag_regex",
    "max_budget",
    "budget_duration",
    "input_cost_per_token",
    "output_cost_per_token",
];
const INFO_MAPPED: &[&str] = &[
    "id",
    "max_input_tokens",
    "max_output_tokens",
    "rpm",
    "tpm",
    "itpm",
    "otpm",
    "order",
    "blocked",
    "allowed_fails",
    "allowed_fails_policy",
    "cooldown_time",
    "enable_tag_filtering",
    "allow_fail_open",
    "supports_web_search",
    "team_id",
];

/// Reads an entry.
pub(super) fn read(node: &Node, index: usize, report: &Report) -> Option<Deployment> {
    let path = format!("model_list[{index}]");
    let entry = Table::new(Some(node), path.clone(), report);
    let params_node = entry.node("litellm_params");
    let params = Table::new(params_node, entry.path_of("litellm_params"), report);
    let info = Table::new(entry.node("model_info"), entry.path_of("model_info"), report);
    let name = entry.name("model_name");
    if !entry.is_given("model_name") {
        report.error(node.loc, format!("`{path}` has no `model_name`"), "the name under which requests ask for it");
    }
    let model = params.name("model");
    if !params.is_given("model") {
        let loc = params_node.unwrap_or(node).loc;
        report.error(loc, format!("`{path}` has no `litellm_params.model`"), "a model, for example azure/gpt-4o");
    }
    let limit = |key: &str| Limit { entry: entry.whole(key), params: params.whole(key), info: info.whole(key) };
    let one_of = |key: &str| {
        let (at_entry, at_params, at_info) = (entry.whole(key), params.whole(key), info.whole(key));
        at_entry.or(at_params).or(at_info)
    };
    // LiteLLM reads a negative one as none
    let cooldown = |t: &Table<'_>| match t.number("cooldown_time") {
        Some(s) if s < 0.0 => Some(None),
        Some(_) => Some(t.seconds("cooldown_time")),
        None => None,
    };
    let deployment = Deployment {
        id: info.text("id").unwrap_or_default(),
        model_name: name?,
        provider: params.text("custom_llm_provider"),
        weight: params.amount("weight", f64::MAX),
        rpm: limit("rpm"),
        tpm: limit("tpm"),
        itpm: one_of("itpm"),
        otpm: one_of("otpm"),
        order: params.integer("order").or_else(|| info.integer("order")),
        max_parallel_requests: params.count("max_parallel_requests", MOST_PARALLEL),
        timeout: params.seconds("timeout").or_else(|| params.seconds("request_timeout")),
        stream_timeout: params.seconds("stream_timeout"),
        num_retries: params.count("num_retries", MOST_RETRIES),
        cooldown_time: cooldown(&info).or_else(|| cooldown(&params)).flatten(),
        region_name: params.text("region_name"),
        tags: params.texts("tags").unwrap_or_default(),
        tag_regex: params.texts("tag_regex").unwrap_or_default(),
        budget: budgets::of_deployment(&params),
        input_cost_per_token: params.amount("input_cost_per_token", HIGHEST_PRICE),
        output_cost_per_token: params.amount("output_cost_per_token", HIGHEST_PRICE),
        listed_price: None,
        listed_cached_price: None,
        max_input_tokens: info.whole("max_input_tokens"),
        max_output_tokens: info.whole("max_output_tokens"),
        blocked: info.flag("blocked").unwrap_or(false),
        allowed_fails: info.count("allowed_fails", MOST_FAILS),
        allowed_fails_policy: policy(
            info.node("allowed_fails_policy"),
            info.path_of("allowed_fails_policy"),
            ALLOWED_FAILS,
            report,
        ),
        enable_tag_filtering: info.flag("enable_tag_filtering"),
        allow_fail_open: info.flag("allow_fail_open").unwrap_or(false),
        no_web_search: info.flag("supports_web_search") == Some(false),
        no_response_format: false,
        team: info.text("team_id"),
        team_public_model_name: info.text("team_public_model_name"),
        model: model?,
    };
    if let (Some(provider), false) = (&deployment.provider, deployment.model.is_empty())
        && !names::is_provider(provider)
    {
        let node = params.node("custom_llm_provider").unwrap_or(node);
        report.tell(
            node,
            params.path_of("custom_llm_provider"),
            Kind::Unknown,
            "LiteLLM knows no provider of that name",
        );
    }
    // the price is looked up by it
    params.if_reference("base_model");
    info.if_reference("base_model");
    entry.finish(&[], &["model_name", "litellm_params", "model_info", "rpm", "tpm"], "LiteLLM does not read it there");
    params.finish(PARAMS, PARAMS_MAPPED, "LiteLLM hands it to the provider as it stands");
    info.finish(INFO, INFO_MAPPED, "no routing rule reads it");
    Some(deployment)
}

/// Suffix of the fields of `AllowedFailsPolicy`.
pub(super) const ALLOWED_FAILS: &str = "AllowedFails";
/// Suffix of the fields of `RetryPolicy`.
pub(super) const RETRIES: &str = "Retries";

/// A `RetryPolicy` or `AllowedFailsPolicy`.
pub(super) fn policy(node: Option<&Node>, path: String, suffix: &str, report: &Report) -> Option<Policy> {
    let node = node?;
    let table = Table::new(Some(node), path, report);
    let retries = suffix == RETRIES;
    let most = if retries { MOST_RETRIES } else { MOST_FAILS };
    let of = |class: &str| table.count(&format!("{class}{suffix}"), most);
    let policy = Policy {
        bad_request: of("BadRequestError"),
        authentication: of("AuthenticationError"),
        timeout: of("TimeoutError"),
        rate_limit: of("RateLimitError"),
        content_policy: of("ContentPolicyViolationError"),
        internal_server: of("InternalServerError"),
        service_unavailable: of("ServiceUnavailableError"),
        bad_gateway: if retries { None } else { of("BadGatewayError") },
        not_found: of("NotFoundError"),
        default: if retries { of("Default") } else { None },
    };
    let fields = ["BadRequestError", "AuthenticationError", "TimeoutError", "RateLimitError", "InternalServerError"];
    let fields: Vec<String> = fields.iter().map(|f| format!("{f}{suffix}")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    table.finish(&[], &fields, "LiteLLM knows no such field");
    Some(policy)
}
