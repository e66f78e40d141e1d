//! LiteLLM as a topology's gateway: `model_list` and the arguments of its router, under their own names.

use crate::scenario::decode::{BudgetPeriod, Dollars, List, Named, Nothing, ShareValue, TokenPrice, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

/// Most retries: a request that fails everywhere makes one more call than that per group.
pub const MOST_RETRIES: u32 = 100;
/// Greatest depth of fallbacks.
pub const MOST_FALLBACKS: u32 = 100;
/// Most allowed failures: a gateway does not live to see more.
pub const MOST_FAILS: u32 = 1_000_000;
/// Most calls in flight per deployment.
pub const MOST_PARALLEL: u32 = 1_000_000;
/// Most latencies that are kept per deployment.
pub const MOST_SAMPLES: u32 = 1000;
/// Widest buffer of latency-based routing.
pub const WIDEST_BUFFER: f64 = 1e6;
/// Most money of a budget, in dollars.
pub const MOST_DOLLARS: f64 = 1e12;
/// Highest price, in dollars per token.
pub const HIGHEST_PRICE: f64 = 1.0;
/// Most entries of `model_list`.
pub const MOST_ENTRIES: usize = 1024;

choice! {
    /// How LiteLLM chooses among the deployments of a group.
    RawLiteLlmStrategy "LiteLLM strategy" {
        /// At random: by `weight`, else by `rpm`, else by `tpm`, else evenly.
        "simple-shuffle" => SimpleShuffle(Nothing),
        /// The fewest calls in flight.
        "least-busy" => LeastBusy(Nothing),
        /// The fewest tokens of the minute, first version.
        "usage-based-routing" => UsageV1(Nothing),
        /// The fewest tokens of the minute, second version.
        "usage-based-routing-v2" => UsageV2(Nothing),
        /// The lowest mean time per token, or to the first token of streams.
        "latency-based-routing" => Latency(Nothing),
        /// The lowest price.
        "cost-based-routing" => Cost(Nothing),
    }
}

choice! {
    /// Which failures LiteLLM's cool-downs hear of.
    RawCounting "Failure counting" {
        /// Every failing attempt, as when the library is called directly.
        "sdk" => Sdk(Nothing),
        /// The first failing attempt of a request, and the last failure of each fallback, as in the proxy.
        "proxy" => Proxy(Nothing),
    }
}

table! {
    plain
    /// `routing_strategy_args`: only latency-based routing reads any.
    RawStrategyArgs "LiteLLM strategy arguments" {
        /// Life of a group's map of latencies.
        ttl: At<Span> = Or(&d::LITELLM_TTL),
        /// Part of the lowest score within which the choice is random: 0.1 takes all up to 10 % above the lowest.
        lowest_latency_buffer: At<f64> = Or(&d::LITELLM_BUFFER),
        /// Samples kept per deployment. 1 to 1000.
        max_latency_list_size: At<u64> = Or(&d::LITELLM_SAMPLES),
        /// This percentile of the times to first token in place of their mean, for streams. Above 0.
        ttft_percentile: At<ShareValue> = Optional,
    }
}

table! {
    plain
    /// A number for each class of errors; classes that are not named follow the general rule.
    RawErrorPolicy "LiteLLM error policy" {
        /// 400 and 422.
        bad_request: At<u64> = Optional,
        /// 401.
        authentication: At<u64> = Optional,
        /// Time-outs, 408 and 504.
        timeout: At<u64> = Optional,
        /// 429.
        rate_limit: At<u64> = Optional,
        /// Refused by a content filter.
        content_policy_violation: At<u64> = Optional,
        /// 500 and 529.
        internal_server: At<u64> = Optional,
        /// 503.
        service_unavailable: At<u64> = Optional,
        /// 502; not in retry policies.
        bad_gateway: At<u64> = Optional,
        /// 404.
        not_found: At<u64> = Optional,
        /// All other classes; only in retry policies.
        default: At<u64> = Optional,
    }
}

table! {
    plain
    /// An entry of `model_list`: a deployment of the scenario that answers under a group's name.
    RawLiteLlmEntry "LiteLLM model" {
        /// The group.
        model_name: At<String> = Required,
        /// The scenario's deployment that is called.
        deployment: At<String> = Required,
        /// `model_info.id`. If not given, the deployment's name, with the group's before it where several entries call it.
        id: At<String> = Optional,
        /// `litellm_params.model`. If not given, `provider/model` of the deployment.
        model: At<String> = Optional,
        /// The provider, for `provider_budget_config`. If not given, the one that `model` begins with.
        custom_llm_provider: At<String> = Optional,
        /// Share in simple-shuffle.
        weight: At<f64> = Optional,
        /// Requests per minute. Also bounds the calls in flight where `max_parallel_requests` is not given.
        rpm: At<u64> = Optional,
        /// Tokens per minute.
        tpm: At<u64> = Optional,
        /// Input tokens per minute, for `enforce_model_rate_limits`.
        itpm: At<u64> = Optional,
        /// Output tokens per minute, for `enforce_model_rate_limits`.
        otpm: At<u64> = Optional,
        /// Lower is preferred; higher ones are tried when the lower have failed.
        order: At<i64> = Optional,
        /// Calls in flight; one more is refused.
        max_parallel_requests: At<u64> = Optional,
        /// Time-out of a call.
        timeout: At<Span> = Optional,
        /// Time-out of a streamed call.
        stream_timeout: At<Span> = Optional,
        /// Retries after a failure of this deployment.
        num_retries: At<u64> = Optional,
        /// Cool-down of this deployment, above all other rules. 0 for none.
        cooldown_time: At<Span> = Optional,
        /// What `allowed_model_region` is compared with.
        region_name: At<String> = Optional,
        /// Tags, with `enable_tag_filtering`.
        tags: List<At<String>> = Optional,
        /// Money for each `budget_duration`.
        max_budget: At<Dollars> = Optional,
        /// Length of the budget's window, together with `max_budget`.
        budget_duration: At<BudgetPeriod> = Optional,
        /// Price that cost-based routing and budgets go by. The deployment's if not given.
        input_cost_per_token: At<TokenPrice> = Optional,
        /// Price that cost-based routing and budgets go by. The deployment's if not given.
        output_cost_per_token: At<TokenPrice> = Optional,
        /// Longest prompt, with `enable_pre_call_checks`.
        max_input_tokens: At<u64> = Optional,
        /// Longest answer, reserved for `otpm`.
        max_output_tokens: At<u64> = Optional,
        /// Never called.
        blocked: At<bool> = Optional,
        /// Failures that a cool-down follows only beyond.
        allowed_fails: At<u64> = Optional,
        /// The same by class of errors.
        allowed_fails_policy: RawErrorPolicy = Optional,
        /// Tag filtering for this group, whatever the router says.
        enable_tag_filtering: At<bool> = Optional,
        /// Without a match of tags, all deployments instead of an error.
        allow_fail_open: At<bool> = Optional,
    }
}

table! {
    plain
    /// What turns ask for. Of several that fit a turn, the first counts; what none fits asks for `model` alone.
    RawLiteLlmRequest "LiteLLM request" {
        /// Turns of this workload; of all workloads if not given.
        workload: At<String> = Optional,
        /// Turns of users of this residency class; of all users if not given.
        residency: At<String> = Optional,
        /// Group, alias or routing group. The gateway's `model` if not given.
        model: At<String> = Optional,
        /// `metadata.tags`.
        tags: List<At<String>> = Optional,
        /// `num_retries` of the request.
        num_retries: At<u64> = Optional,
        /// `max_fallbacks` of the request.
        max_fallbacks: At<u64> = Optional,
        /// `disable_fallbacks` of the request.
        disable_fallbacks: At<bool> = Optional,
        /// `allowed_model_region`, with `enable_pre_call_checks`.
        allowed_model_region: At<String> = Optional,
        /// `timeout` of the request.
        timeout: At<Span> = Optional,
        /// `stream_timeout` of the request.
        stream_timeout: At<Span> = Optional,
    }
}

table! {
    plain
    /// `routing_groups`: models with a strategy of their own.
    RawRoutingGroup "LiteLLM routing group" {
        /// Name under which all its models can be asked for together.
        group_name: At<String> = Required,
        /// Groups of `model_list`.
        models: List<At<String>> = Required,
        /// Strategy of its models. `simple-shuffle` if neither this nor `model_priorities` is given.
        routing_strategy: RawLiteLlmStrategy = Optional,
        /// Its arguments.
        routing_strategy_args: RawStrategyArgs = Optional,
        /// The strategy `priority`: a number per model, lower first.
        model_priorities: Named<At<u64>> = Optional,
    }
}

table! {
    plain
    /// A budget of a provider or a tag.
    RawLiteLlmBudget "LiteLLM budget" {
        /// Money per window.
        budget_limit: At<Dollars> = Required,
        /// Length of the window.
        time_period: At<BudgetPeriod> = Required,
    }
}

table! {
    extending
    /// LiteLLM's router. Keys are those of `router_settings`, durations and money with their units.
    RawLiteLlmGateway "LiteLLM gateway" {
        /// Deployments by group, in order: ties go to the first.
        model_list: List<RawLiteLlmEntry> = Required,
        /// What turns ask for: a group, an alias or a routing group.
        model: At<String> = Required,
        /// What some turns ask for instead.
        request: List<RawLiteLlmRequest> = Optional,
        /// Groups whose answers count as degraded.
        degraded: List<At<String>> = Optional,
        /// How a deployment is chosen.
        routing_strategy: RawLiteLlmStrategy = Or(&d::LITELLM_STRATEGY),
        /// Arguments of the strategy.
        routing_strategy_args: RawStrategyArgs = Optional,
        /// Groups with a strategy of their own.
        routing_groups: List<RawRoutingGroup> = Optional,
        /// Other names of groups.
        model_group_alias: Named<At<String>> = Optional,
        /// Retries of a request within a group. 0 to 100.
        num_retries: At<u64> = Or(&d::LITELLM_RETRIES),
        /// Least pause before a retry, where there is one.
        retry_after: At<Span> = Or(&d::LITELLM_RETRY_AFTER),
        /// Retries by class of errors.
        retry_policy: RawErrorPolicy = Optional,
        /// The same for single groups.
        model_group_retry_policy: Named<RawErrorPolicy> = Optional,
        /// Failures within `cooldown_time` that a cool-down follows only beyond. With the value of `library_allowed_fails`, the
        /// rule by shares of failures holds instead.
        allowed_fails: At<u64> = Or(&d::LITELLM_ALLOWED_FAILS),
        /// `litellm.allowed_fails`, which an `allowed_fails` of the same number makes count as not given.
        library_allowed_fails: At<u64> = Or(&d::LITELLM_LIBRARY_ALLOWED_FAILS),
        /// Allowed failures by class of errors.
        allowed_fails_policy: RawErrorPolicy = Optional,
        /// How long a deployment cools down.
        cooldown_time: At<Span> = Or(&d::LITELLM_COOLDOWN),
        /// No cool-downs.
        disable_cooldowns: At<bool> = Optional,
        /// By group, `*` for all without their own: groups that are tried when it has failed.
        fallbacks: Named<List<At<String>>> = Optional,
        /// The same after errors of the context window.
        context_window_fallbacks: Named<List<At<String>>> = Optional,
        /// The same after refusals by a content filter.
        content_policy_fallbacks: Named<List<At<String>>> = Optional,
        /// Fallbacks of all groups without their own.
        default_fallbacks: List<At<String>> = Optional,
        /// Depth of fallbacks.
        max_fallbacks: At<u64> = Or(&d::LITELLM_MAX_FALLBACKS),
        /// Filters by context window, requests per minute and region before the choice.
        enable_pre_call_checks: At<bool> = Optional,
        /// Filters by tags.
        enable_tag_filtering: At<bool> = Optional,
        /// Whether one tag of a request suffices; otherwise a deployment needs all of them. True if not given.
        tag_filtering_match_any: At<bool> = Optional,
        /// Prefix of the tags that count.
        tag_routing_prefix: At<String> = Optional,
        /// After a failure in simple-shuffle, another deployment of the group before any fallback.
        enable_weighted_failover: At<bool> = Optional,
        /// `rpm`, `tpm`, `itpm` and `otpm` as limits (`optional_pre_call_checks`).
        enforce_model_rate_limits: At<bool> = Optional,
        /// Calls in flight per deployment that has no limit of its own.
        default_max_parallel_requests: At<u64> = Optional,
        /// Budgets by provider.
        provider_budget_config: Named<RawLiteLlmBudget> = Optional,
        /// Budgets by tag.
        tag_budget_config: Named<RawLiteLlmBudget> = Optional,
        /// Time-out of a call.
        timeout: At<Span> = Optional,
        /// Time-out of a streamed call.
        stream_timeout: At<Span> = Optional,
        /// `litellm_settings.request_timeout`, before `timeout`.
        request_timeout: At<Span> = Optional,
        /// Which failures cool-downs hear of.
        failure_counting: RawCounting = Or(&d::LITELLM_COUNTING),
    }
}
