//! Bifrost as a topology's gateway: providers with keys, and the virtual keys of turns, under the names of its configuration.

use crate::scenario::decode::{List, Named, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// A key of a provider: an account of its own, with quotas of its own, so a deployment of the scenario.
    RawBifrostKey "Bifrost key" {
        /// The scenario's deployment that a call with the key is a call of.
        deployment: At<String> = Required,
        /// Share among the provider's keys. 0 to 1,000,000.
        weight: At<f64> = Or(&d::BIFROST_KEY_WEIGHT),
        /// Its answers count as degraded.
        degraded: At<bool> = Optional,
    }
}

table! {
    plain
    /// A provider and its `network_config`.
    RawBifrostProvider "Bifrost provider" {
        /// At least one, at most 64.
        keys: List<RawBifrostKey> = Required,
        /// Attempts after the first: with the same key after server errors, with another after 429, 401, 402 and 403. 0 to 100.
        max_retries: At<u64> = Or(&d::BIFROST_RETRIES),
        /// First pause before a retry; it doubles, with 20 % of jitter.
        retry_backoff_initial: At<Span> = Or(&d::BIFROST_BACKOFF),
        /// Longest pause, before the jitter.
        retry_backoff_max: At<Span> = Or(&d::BIFROST_BACKOFF_MAX),
        /// Time until the first token of a stream, or the whole of another answer. Such a time-out is not retried.
        default_request_timeout: At<Span> = Or(&d::BIFROST_TIMEOUT),
    }
}

table! {
    plain
    /// The virtual key of some turns. Of several that fit a turn, the first counts.
    RawBifrostVirtualKey "Bifrost virtual key" {
        /// Turns of this workload; of all workloads if not given.
        workload: At<String> = Optional,
        /// Turns of users of this residency class; of all users if not given.
        residency: At<String> = Optional,
        /// Its providers, with their shares of first attempts.
        weights: Named<At<f64>> = Required,
        /// Providers that follow. If not given, the others of `weights`, the heaviest first.
        fallbacks: List<At<String>> = Optional,
    }
}

table! {
    extending
    /// Bifrost. `weights` and `fallbacks` are those of the virtual key of turns that have no other.
    RawBifrostGateway "Bifrost gateway" {
        /// Providers by name.
        provider: Named<RawBifrostProvider> = Required,
        /// Shares of the providers in first attempts; they need not add up to anything. 0: only as a fallback.
        weights: Named<At<f64>> = Required,
        /// Providers that follow when one has failed. If not given, the others of `weights`, the heaviest first.
        fallbacks: List<At<String>> = Optional,
        /// Other virtual keys, of some turns.
        virtual_key: List<RawBifrostVirtualKey> = Optional,
    }
}
