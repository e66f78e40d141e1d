//! Deployments and pools.

use super::dist::DurationDist;
use super::quota::RawQuota;
use crate::scenario::decode::{List, Named, Nothing, OneOrMany, ShareValue, TokenPrice, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    whole
    /// Prices of tokens: either `catalog`, or `input` and `output`. Replaced as a whole in `extends`.
    RawTokenPrices "Token prices" {
        /// Key of the catalogue's price list.
        catalog: At<String> = Optional,
        /// Price of input tokens.
        input: At<TokenPrice> = Optional,
        /// Price of output tokens.
        output: At<TokenPrice> = Optional,
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
        /// Requests served at once; one more is refused with 503. Unlimited if not given.
        concurrency: At<u64> = Optional,
        /// Probability that a request fails with 503 although nothing is wrong.
        error_rate: At<ShareValue> = Or(&d::ERROR_RATE),
    }
}

table! {
    plain
    /// Least request as Envoy has it.
    RawLeastRequest "Least request" {
        /// Members drawn for one choice, when all weights are equal. 1 to 100.
        choice_count: At<u64> = Or(&d::LEAST_CHOICES),
        /// Exponent of the calls in flight in a member's weight, when weights differ. 0 to 10.
        active_request_bias: At<f64> = Or(&d::LEAST_BIAS),
    }
}

table! {
    plain
    /// Consistent hashing on a ring.
    RawRingHash "Ring hash" {
        /// Fewest points of the ring. 1 to 65,536.
        minimum_ring_size: At<u64> = Or(&d::RING_SIZE),
    }
}

table! {
    plain
    /// Lowest average latency as Kong has it.
    RawPeakEwma "Peak EWMA" {
        /// Time in which an average loses all but 1/e of its weight.
        decay: At<Span> = Or(&d::EWMA_DECAY),
    }
}

choice! {
    /// How a pool chooses among its members.
    RawChoose "Choice of a member" {
        /// The lowest network round trip from the calling gateway; ties to the first in the list.
        "nearest" => Nearest(Nothing),
        /// The order of the list.
        "in_order" => InOrder(Nothing),
        /// At random in proportion to the weights.
        "weighted" => Weighted(Nothing),
        /// In turn.
        "round_robin" => RoundRobin(Nothing),
        /// The fewest calls of this gateway in flight; ties to the first in the list.
        "least_busy" => LeastBusy(Nothing),
        /// Envoy: the less busy of two drawn at random, or by weights divided by the calls in flight.
        "least_request" => LeastRequest(RawLeastRequest),
        /// Envoy: a conversation stays with its member while that is in service.
        "ring_hash" => RingHash(RawRingHash),
        /// Kong: the lowest average response time, decayed by its age.
        "peak_ewma" => PeakEwma(RawPeakEwma),
        /// OpenRouter: at random with weight 1 / price², members with a recent outage last.
        "openrouter" => OpenRouter(Nothing),
    }
}

table! {
    plain
    /// Deployments that stand for each other.
    RawPool "Pool" {
        /// Names of deployments.
        deployments: List<At<String>> = Required,
        /// How one of them is chosen.
        choose: RawChoose = Or(&d::CHOOSE),
        /// Weight of a deployment, by its name; 1 if not given. With a `choose` that has weights: `weighted`,
        /// `least_request`, `ring_hash`, `peak_ewma`.
        weights: Named<At<f64>> = Optional,
        /// Whether answers from here count as degraded.
        degraded: At<bool> = Or(&d::DEGRADED),
    }
}
