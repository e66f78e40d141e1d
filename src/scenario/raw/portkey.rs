//! Portkey's gateway as a topology's gateway: a tree of targets, under the names of its configs.

use crate::scenario::decode::{List, Named, Nothing, RawQuery, ShareValue, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// Falls back from target to target.
    RawPortkeyFallback "Portkey fallback" {
        /// Statuses after which the next target is tried; any other answer counts. If not given, every answer that is not
        /// successful leads on. A time-out of the gateway's own is 408, a connection that fails 503.
        on_status_codes: List<At<u64>> = Optional,
    }
}

table! {
    plain
    /// A condition and where it leads to.
    RawPortkeyCondition "Portkey condition" {
        /// Fields and what they are compared with; all must hold. Operators are `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`,
        /// `$in`, `$nin` and `$regex` (a pattern that fits somewhere in the value, as in JavaScript but for look-around, back
        /// references and modifiers; a field that is not there reads `undefined`); `$and` and `$or` take lists of queries and stand last. Fields are `params.model`,
        /// `params.stream`, `params.max_tokens`, `metadata.workload`, `metadata.residency`, `metadata.region` (of the
        /// gateway), and what `request` puts into `metadata`.
        query: RawQuery = Required,
        /// Name among the strategy's targets.
        then: At<String> = Required,
    }
}

table! {
    plain
    /// Sends requests by what they bring.
    RawPortkeyConditional "Portkey conditions" {
        /// The first that holds counts.
        conditions: List<RawPortkeyCondition> = Required,
        /// Name of the target when none holds; without it, such a request is refused.
        default: At<String> = Optional,
    }
}

choice! {
    /// How one of the targets is chosen.
    RawPortkeyStrategy "Portkey strategy" {
        /// The first.
        "single" => Single(Nothing),
        /// One at random by `weight`; nobody else is tried.
        "loadbalance" => LoadBalance(Nothing),
        /// One after the other.
        "fallback" => Fallback(RawPortkeyFallback),
        /// By what the request brings.
        "conditional" => Conditional(RawPortkeyConditional),
    }
}

table! {
    plain
    /// Retries of a target.
    RawPortkeyRetry "Portkey retry" {
        /// Attempts after the first, 0 to 5, with pauses of 1 s, 2 s, 4 s and so on.
        attempts: At<u64> = Required,
        /// Statuses that are tried again. Calls without an answer always are.
        on_status_codes: List<At<u64>> = Or(&d::PORTKEY_RETRY_ON),
        /// After a 429, the pause that its Retry-After asks for, up to 60 s for a target in all; a longer one ends the retries.
        use_retry_after_header: At<bool> = Optional,
    }
}

table! {
    plain
    /// When a target is left out (hosted product).
    RawPortkeyCircuit "Portkey circuit breaker" {
        /// Opens after more failures than these. At least 1.
        failure_threshold: At<u64> = Optional,
        /// Opens when a larger share of answers fails.
        failure_threshold_percentage: At<ShareValue> = Optional,
        /// Answers before the share counts.
        minimum_requests: At<u64> = Optional,
        /// How long the target is left out, at least 30 s.
        cooldown_interval: At<Span> = Required,
        /// Statuses that are failures. All above 500 if not given.
        failure_status_codes: List<At<u64>> = Optional,
    }
}

table! {
    plain
    /// A target of a strategy: a deployment, or a strategy with targets of its own.
    RawPortkeyTarget "Portkey target" {
        /// The scenario's deployment that is called.
        deployment: At<String> = Optional,
        /// How one of its `targets` is chosen.
        strategy: RawPortkeyStrategy = Optional,
        /// Names of targets, or of deployments that need no settings.
        targets: List<At<String>> = Optional,
        /// Share among targets that are balanced. 0 to 1,000,000.
        weight: At<f64> = Or(&d::PORTKEY_WEIGHT),
        /// Its answers count as degraded.
        degraded: At<bool> = Optional,
        /// Retries of the targets below, in place of those above.
        retry: RawPortkeyRetry = Optional,
        /// Time until the first token of a stream, or the whole of another answer; later it counts as 408.
        request_timeout: At<Span> = Optional,
        /// When a target below is left out, in place of what stands above.
        cb_config: RawPortkeyCircuit = Optional,
    }
}

table! {
    plain
    /// What turns bring besides their prompt. Of several that fit a turn, the first counts.
    RawPortkeyRequest "Portkey request" {
        /// Turns of this workload; of all workloads if not given.
        workload: At<String> = Optional,
        /// Turns of users of this residency class; of all users if not given.
        residency: At<String> = Optional,
        /// `params.model`. The gateway's `model` if not given.
        model: At<String> = Optional,
        /// Further fields of `metadata`.
        metadata: Named<At<String>> = Optional,
    }
}

table! {
    extending
    /// Portkey's gateway. `strategy` and `targets` are the root of its config; other targets have names.
    RawPortkeyGateway "Portkey gateway" {
        /// How one of `targets` is chosen.
        strategy: RawPortkeyStrategy = Required,
        /// Names of targets, or of deployments that need no settings.
        targets: List<At<String>> = Required,
        /// Targets by name.
        target: Named<RawPortkeyTarget> = Optional,
        /// Retries of every target that has none of its own. None if not given.
        retry: RawPortkeyRetry = Optional,
        /// Time until the first token of a stream, or the whole of another answer. 300 s if not given, which is the HTTP client's.
        request_timeout: At<Span> = Optional,
        /// When a target is left out. Never if not given.
        cb_config: RawPortkeyCircuit = Optional,
        /// `params.model` of turns.
        model: At<String> = Optional,
        /// What some turns bring.
        request: List<RawPortkeyRequest> = Optional,
    }
}
