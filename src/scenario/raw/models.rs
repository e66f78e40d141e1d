//! Deployments.

use super::dist::DurationDist;
use super::fleet::RawReplicas;
use super::quota::RawQuota;
use crate::scenario::decode::{AnswerName, OneOrMany, ShareValue, TokenCount, TokenPrice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    whole
    /// Prices of tokens: either `catalog`, or `input` and `output`; those of the prompt cache may stand beside either. Replaced as a whole in `extends`.
    RawTokenPrices "Token prices" {
        /// Key of the catalogue's price list.
        catalog: At<String> = Optional,
        /// Price of input tokens.
        input: At<TokenPrice> = Optional,
        /// Price of output tokens.
        output: At<TokenPrice> = Optional,
        /// Price of input tokens that are read from the `prompt_cache`. If not given, that of the catalogue, or else that of input.
        cached_input: At<TokenPrice> = Optional,
        /// Price of input tokens that are written to the `prompt_cache`, in place of that of input. If not given, that of the
        /// catalogue, or else that of input.
        cache_write: At<TokenPrice> = Optional,
    }
}

table! {
    whole
    /// Speed of a deployment without load: a preset of the catalogue, or distributions of one's own, or a preset of
    /// which single parts are replaced. Replaced as a whole in `extends`.
    RawLatency "Latency" {
        /// Preset of the catalogue.
        preset: At<String> = Optional,
        /// Time to first token of a short prompt, without the network.
        ttft: DurationDist = Optional,
        /// Added to the time to first token for every input token.
        prefill_per_token: At<Span> = Or(&d::PREFILL),
        /// Time per output token after the first; one draw per request.
        per_output_token: DurationDist = Optional,
    }
}

table! {
    whole
    /// What a deployment keeps of the prompts that it has worked through: of what a prompt has in common with earlier ones from its
    /// beginning on, no token is worked through again. Replaced as a whole in `extends`.
    RawPromptCache "Prompt cache" {
        /// What a provider or an engine documents: `anthropic`, `bedrock`, `openai`, `azure`, or `engine` for a self-hosted model.
        /// Other keys replace parts of it.
        preset: At<String> = Optional,
        /// What was neither read nor written for so long is gone. For ever if not given, as far as there is room.
        ttl: At<Span> = Optional,
        /// Tokens that it has room for; then what was not used for longest goes. A cache with a capacity is the memory of the
        /// engines, of each replica by itself, and is lost when they fail. No bound if not given.
        capacity: At<TokenCount> = Optional,
        /// Shorter common beginnings are neither kept nor found.
        minimum: At<TokenCount> = Or(&d::CACHE_MINIMUM),
        /// Beginnings are kept and found in whole multiples of this.
        step: At<TokenCount> = Or(&d::CACHE_STEP),
        /// Whether answers are kept behind their prompts, where the next turn of a conversation finds them.
        answers: At<bool> = Or(&d::CACHE_ANSWERS),
    }
}

table! {
    extending
    /// One model served by one provider in one region under one quota.
    RawDeployment "Deployment" {
        /// Deployments whose keys it takes over; later ones win, and its own keys win over all.
        extends: OneOrMany<At<String>> = Optional,
        /// Only there to be extended.
        r#abstract: At<bool> = Or(&d::ABSTRACT),
        /// Provider's name, which faults refer to.
        provider: At<String> = Required,
        /// Model's name, for reports.
        model: At<String> = Required,
        /// Region of the catalogue in which it runs.
        region: At<String> = Required,
        /// What tokens cost.
        price: RawTokenPrices = Required,
        /// How fast it is without load.
        latency: RawLatency = Required,
        /// Answers are this much longer (or shorter) than the workload's sizes say. 0.01 to 100.
        output_factor: At<f64> = Or(&d::OUTPUT_FACTOR),
        /// Provider-side quota: which algorithm, with which numbers. Unlimited if not given.
        quota: RawQuota = Optional,
        /// With provisioned throughput (`azure_provisioned`, `vertex_provisioned`): the deployment of the same provider in the same
        /// region that serves what this one refuses; its tokens are paid there, and gateways see no difference but the time. None if
        /// not given.
        spill_over: At<String> = Optional,
        /// Requests served at once; one more waits, or is refused with 503 where `queue` has no room. Unlimited if not given.
        concurrency: At<u64> = Optional,
        /// Requests that wait for a free place, first come, first served; one more is refused with 503. A request that its
        /// gateway has given up stays and is served all the same. Only with `concurrency`. 0 to 10,000,000.
        queue: At<u64> = Or(&d::MODEL_QUEUE),
        /// For a self-hosted model: the replicas that it is made of. In place of `concurrency`, and without a `queue`.
        replicas: RawReplicas = Optional,
        /// What it keeps of prompts. Nothing if not given.
        prompt_cache: RawPromptCache = Optional,
        /// Probability that a request fails although nothing is wrong.
        error_rate: At<ShareValue> = Or(&d::ERROR_RATE),
        /// What is answered then, by the names of `retry.on` without `timeout` and `connection`: `content_policy` for what a
        /// content filter refuses. Never with Retry-After; nothing is billed or charged to a quota.
        error: At<AnswerName> = Or(&d::ERROR),
    }
}
