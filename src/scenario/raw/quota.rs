//! Quotas: one algorithm each, as the providers and gateways that enforce them describe it.

use crate::scenario::decode::{
    Dollars, Nothing, OneOrMany, RequestRate, ShareValue, TokenCount, TokenRate, choice, table,
};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    whole
    /// Buckets that start full and refill continuously.
    RawTokenBucket "Token bucket" {
        /// Tokens per time. The prompt plus `max_output` is reserved on arrival, and the unused part given back.
        tokens: At<TokenRate> = Optional,
        /// Requests per time.
        requests: At<RequestRate> = Optional,
        /// Most tokens at once. What the rate gives in its period if not given (`10M tokens/min`: 10 million).
        token_burst: At<TokenCount> = Optional,
        /// Most requests at once. What the rate gives in its period if not given.
        request_burst: At<u64> = Optional,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// Counters over windows as long as the period of the rate: `60 requests/min` are 60 in each minute.
    RawWindow "Counting window" {
        /// Tokens per window. The prompt plus `max_output` is reserved on arrival, and the unused part given back if the
        /// window still counts.
        tokens: At<TokenRate> = Optional,
        /// Requests per window.
        requests: At<RequestRate> = Optional,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// A rate enforced pro rata over short windows of the clock.
    RawSubWindow "Sub-window" {
        /// Tokens per time.
        tokens: At<TokenRate> = Optional,
        /// Requests per time.
        requests: At<RequestRate> = Optional,
        /// Length of a window: `600 requests/min` over `1 s` are ten in each second.
        evaluated_over: At<Span> = Or(&d::EVALUATED_OVER),
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// Azure OpenAI, standard deployment: prompt and `max_output` count on arrival, per minute of the clock, and are never
    /// corrected; requests are watched over short windows.
    RawAzureOpenAi "Azure OpenAI" {
        /// Tokens per minute.
        tokens: At<TokenRate> = Required,
        /// Requests per minute. In proportion to the tokens if not given.
        requests: At<RequestRate> = Optional,
        /// Requests per minute that come with 1,000 tokens per minute. 0.01 to 1000.
        requests_per_1k_tokens: At<f64> = Or(&d::AZURE_REQUESTS),
        /// Windows in which requests are watched: `1 s` or `10 s`.
        evaluated_over: At<Span> = Or(&d::EVALUATED_OVER),
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// Azure OpenAI, provisioned throughput: a utilisation that drains continuously; above 100 % everything is refused, or
    /// served by the deployment's `spill_over`.
    RawAzureProvisioned "Azure provisioned" {
        /// Provisioned units (PTU).
        units: At<u64> = Required,
        /// Input tokens that one unit processes per minute (gpt-4o: 2,500; gpt-4o-mini: 37,000).
        input_tokens: At<TokenRate> = Required,
        /// Output tokens that one unit writes per minute (gpt-4o: 833; gpt-4o-mini: 12,333).
        output_tokens: At<TokenRate> = Required,
        /// The work of this time at full speed is 100 %.
        window: At<Span> = Or(&d::PROVISIONED_WINDOW),
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// OpenAI: requests and tokens per minute and per day, refilled continuously. A request counts for the larger of its prompt
    /// and `max_output`; refused requests count as requests.
    RawOpenAi "OpenAI" {
        /// Requests per minute.
        requests: At<RequestRate> = Optional,
        /// Requests per day (`200 requests/d`).
        requests_per_day: At<RequestRate> = Optional,
        /// Tokens per minute.
        tokens: At<TokenRate> = Optional,
        /// Tokens per day.
        tokens_per_day: At<TokenRate> = Optional,
        /// How short a time the limit on requests is enforced over: what it gives in this time may come at once.
        burst: At<Span> = Or(&d::BURST),
        /// What may be spent at the prices of the deployments, caches apart. Used up, the answer is 429
        /// `insufficient_quota`, which no waiting mends. Unlimited if not given.
        credit: At<Dollars> = Optional,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

choice! {
    /// How output tokens count.
    RawOutputCount "Count of output" {
        /// As they are written: `max_output` does not matter.
        "as_generated" => AsGenerated(Nothing),
        /// `max_output` on arrival, corrected at the end.
        "reserved" => Reserved(Nothing),
    }
}

table! {
    whole
    /// Anthropic: requests, input and output tokens per minute, refilled continuously; input from a cache is free.
    RawAnthropic "Anthropic" {
        /// Requests per minute.
        requests: At<RequestRate> = Optional,
        /// Input tokens per minute.
        input_tokens: At<TokenRate> = Optional,
        /// Output tokens per minute.
        output_tokens: At<TokenRate> = Optional,
        /// How output tokens count.
        output_counts: RawOutputCount = Or(&d::OUTPUT_COUNTS),
        /// How short a time the limit on requests is enforced over: what it gives in this time may come at once.
        burst: At<Span> = Or(&d::BURST),
        /// Capacity of the whole provider, which other customers use too: short of it, the answer is 529. Never short if not
        /// given.
        overload: RawSharedPool = Optional,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::RETRY_AFTER),
    }
}

table! {
    whole
    /// Amazon Bedrock, on demand: the prompt plus `max_output` is reserved on arrival and replaced at the end by input plus
    /// output times a burn-down rate. For a cross-region inference profile, share the quota among its destinations and count
    /// it per source region.
    RawBedrock "Bedrock" {
        /// Tokens per minute, input and output together.
        tokens: At<TokenRate> = Required,
        /// Tokens per day. The default of AWS, the minute's times 1,440, never binds before the minute's does.
        tokens_per_day: At<TokenRate> = Optional,
        /// Requests per minute, where they are still limited.
        requests: At<RequestRate> = Optional,
        /// What one output token counts for at the end: 5 for Claude 3.7 and 4, 1 for the others. 1 to 100.
        output_burndown: At<u64> = Required,
        /// Counted for each calling region apart, as AWS counts what goes through a cross-region inference profile: where the
        /// gateway stands that calls, not where the model runs. All callers then have to be regions of AWS.
        per_source_region: At<bool> = Or(&d::BEDROCK_PER_SOURCE),
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::BEDROCK_RETRY_AFTER),
    }
}

table! {
    plain
    /// How a load varies around its mean.
    RawVariation "Variation" {
        /// Coefficient of variation: 0.2 is a fifth of the mean. 0 to 5.
        by: At<f64> = Required,
        /// How long one draw holds; at least 1 s.
        every: At<Span> = Required,
    }
}

table! {
    whole
    /// Capacity that is shared with other customers of a provider. How large it is and what they use is an assumption of
    /// the scenario: providers do not publish it.
    RawSharedPool "Shared pool" {
        /// Tokens per time that the whole pool processes.
        pool: At<TokenRate> = Required,
        /// Share of it that other customers use: one value, or several that divide the day from midnight UTC evenly (24 for
        /// one per hour).
        others: OneOrMany<At<ShareValue>> = Required,
        /// Random changes of the others' load. None if not given.
        others_vary: RawVariation = Optional,
        /// What the whole pool does in this time can be taken at once.
        burst: At<Span> = Or(&d::POOL_BURST),
    }
}

table! {
    whole
    /// Vertex AI, provisioned throughput: tokens per window of the provider's clock; what exceeds it is refused, or served by
    /// the deployment's `spill_over`.
    RawVertexProvisioned "Vertex provisioned" {
        /// Scale units (GSU).
        units: At<u64> = Required,
        /// Tokens per time of one unit (gemini-2.0-flash: `3360 tokens/s`).
        tokens: At<TokenRate> = Required,
        /// How many input tokens one output token weighs. 1 to 100.
        output_weight: At<u64> = Required,
        /// Length of the windows.
        window: At<Span> = Or(&d::VERTEX_WINDOW),
    }
}

table! {
    whole
    /// Envoy's global rate limit service: fixed windows of the clock; hits of refused requests count.
    RawEnvoyRateLimit "Envoy rate limit" {
        /// One limit or several, each per second, minute, hour or day: `["100 requests/s", "1M requests/d"]`.
        requests: OneOrMany<At<RequestRate>> = Required,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::ENVOY_RETRY_AFTER),
    }
}

table! {
    whole
    /// Envoy AI Gateway: tokens count when the response has passed, so that a burst overshoots; fixed windows of the clock.
    RawEnvoyAiGateway "Envoy AI Gateway" {
        /// Tokens of prompt and answer.
        tokens: At<TokenRate> = Optional,
        /// Tokens of prompts.
        input_tokens: At<TokenRate> = Optional,
        /// Tokens of prompts that the provider's cache saved.
        cached_input_tokens: At<TokenRate> = Optional,
        /// Tokens of answers.
        output_tokens: At<TokenRate> = Optional,
        /// Whether a 429 carries a Retry-After header.
        retry_after: At<bool> = Or(&d::ENVOY_RETRY_AFTER),
    }
}

table! {
    whole
    /// LiteLLM's `enforce_model_rate_limits`: counters per UTC minute, Retry-After 60.
    RawLiteLlm "LiteLLM limits" {
        /// `rpm`: requests per minute.
        requests: At<RequestRate> = Optional,
        /// `tpm`: tokens per minute, counted when the answer is there.
        tokens: At<TokenRate> = Optional,
        /// `itpm`: input tokens per minute, reserved and corrected.
        input_tokens: At<TokenRate> = Optional,
        /// `otpm`: output tokens per minute; `max_output` is reserved and corrected.
        output_tokens: At<TokenRate> = Optional,
    }
}

choice! {
    /// A quota: what a provider, or a gateway in front of it, lets through. The algorithms are described in
    /// `docs/routing.md`.
    RawQuota "Quota" {
        /// Buckets that refill continuously.
        "token_bucket" => TokenBucket(RawTokenBucket),
        /// A published default limit, by its name in the catalogue (`geodes catalog quotas`).
        "catalog" => Catalog(At<String>),
        /// The quota of this name, together with the other deployments that name it.
        "shared" => Shared(At<String>),
        /// Windows of the clock.
        "fixed_window" => FixedWindow(RawWindow),
        /// Windows that begin with their first event.
        "anchored_window" => AnchoredWindow(RawWindow),
        /// A sliding window, exactly.
        "sliding_log" => SlidingLog(RawWindow),
        /// A sliding window, approximated by two counters.
        "sliding_counter" => SlidingCounter(RawWindow),
        /// A rate enforced pro rata over short windows.
        "sub_window" => SubWindow(RawSubWindow),
        /// Azure OpenAI, standard deployment.
        "azure_openai" => AzureOpenAi(RawAzureOpenAi),
        /// Azure OpenAI, provisioned throughput.
        "azure_provisioned" => AzureProvisioned(RawAzureProvisioned),
        /// OpenAI.
        "openai" => OpenAi(RawOpenAi),
        /// Anthropic.
        "anthropic" => Anthropic(RawAnthropic),
        /// Amazon Bedrock, on demand.
        "bedrock" => Bedrock(RawBedrock),
        /// Vertex AI, dynamic shared quota: 429 without a word on when to come back.
        "vertex_shared" => VertexShared(RawSharedPool),
        /// Vertex AI, provisioned throughput.
        "vertex_provisioned" => VertexProvisioned(RawVertexProvisioned),
        /// Envoy's global rate limit service.
        "envoy_ratelimit" => EnvoyRateLimit(RawEnvoyRateLimit),
        /// Envoy AI Gateway.
        "envoy_ai_gateway" => EnvoyAiGateway(RawEnvoyAiGateway),
        /// LiteLLM's limits on a deployment.
        "litellm" => LiteLlm(RawLiteLlm),
    }
}
