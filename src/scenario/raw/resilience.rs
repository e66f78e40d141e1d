//! What a gateway does about failures beyond the plain cool-down: ejection, breakers, retry budgets, throttling.

use crate::scenario::decode::{Nothing, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    whole
    /// Delays as gRPC has them.
    RawGrpcBackoff "gRPC backoff" {
        /// Delay before the first retry.
        initial: At<Span> = Required,
        /// Longest delay, at least `initial`.
        max: At<Span> = Required,
        /// Factor from one retry to the next. 1 to 100.
        multiplier: At<f64> = Required,
    }
}

table! {
    whole
    /// Delays as Envoy has them.
    RawEnvoyBackoff "Envoy backoff" {
        /// Base interval; the longest delay is ten times as long.
        base: At<Span> = Or(&d::ENVOY_BASE),
    }
}

table! {
    plain
    /// Ejection by the success rate of an interval: below the mean of all by so many standard deviations.
    RawSuccessRate "Success rate" {
        /// Whether it is done at all.
        enabled: At<bool> = Or(&d::OUTLIER_SUCCESS_RATE),
        /// Fewest deployments with enough requests. 1 to 1000.
        minimum_hosts: At<u64> = Or(&d::OUTLIER_SUCCESS_HOSTS),
        /// Fewest requests in the interval for a deployment to count. 1 to 1,000,000.
        request_volume: At<u64> = Or(&d::OUTLIER_SUCCESS_VOLUME),
        /// Standard deviations below the mean. 0.1 to 10.
        stdev_factor: At<f64> = Or(&d::OUTLIER_STDEV),
    }
}

table! {
    plain
    /// Ejection by the percentage of failures in an interval.
    RawFailurePercentage "Failure percentage" {
        /// Whether it is done at all.
        enabled: At<bool> = Or(&d::OUTLIER_FAILURE_PERCENTAGE),
        /// Percentage of failures from which on a deployment is ejected. 1 to 100.
        threshold: At<u64> = Or(&d::OUTLIER_FAILURE_THRESHOLD),
        /// Fewest deployments with enough requests. 1 to 1000.
        minimum_hosts: At<u64> = Or(&d::OUTLIER_FAILURE_HOSTS),
        /// Fewest requests in the interval for a deployment to count. 1 to 1,000,000.
        request_volume: At<u64> = Or(&d::OUTLIER_FAILURE_VOLUME),
    }
}

table! {
    plain
    /// Outlier detection as Envoy does it: deployments that fail more than their peers are ejected for a while.
    RawOutlier "Outlier detection" {
        /// Errors of status 500 and above in a row that eject a deployment; 0 for never. At most 1000.
        consecutive_5xx: At<u64> = Or(&d::OUTLIER_5XX),
        /// Errors 502, 503, 504, time-outs and failed connections in a row that eject a deployment; 0 for never. At most
        /// 1000.
        consecutive_gateway_failure: At<u64> = Or(&d::OUTLIER_GATEWAY),
        /// Time between sweeps, which eject by the rates below and take back. At least 100 ms.
        interval: At<Span> = Or(&d::OUTLIER_INTERVAL),
        /// A deployment stays out for this long times the number of its ejections.
        base_ejection_time: At<Span> = Or(&d::OUTLIER_BASE),
        /// At most for this long (or for `base_ejection_time`, if that is longer).
        max_ejection_time: At<Span> = Or(&d::OUTLIER_MAX),
        /// Percentage of the chain's deployments that may be out at once. 0 to 100.
        max_ejection_percent: At<u64> = Or(&d::OUTLIER_PERCENT),
        /// Whether one may always be ejected, whatever `max_ejection_percent` says.
        always_eject_one_host: At<bool> = Or(&d::OUTLIER_ALWAYS),
        /// Ejection by success rate.
        success_rate: RawSuccessRate = Optional,
        /// Ejection by the percentage of failures.
        failure_percentage: RawFailurePercentage = Optional,
    }
}

table! {
    whole
    /// Health checks of the deployments by every gateway, as Envoy makes them: a time-out or a failed connection counts towards
    /// the threshold, an error takes a deployment out at once. They notice what is down, not what is slow.
    RawActiveHealth "Active health checks" {
        /// Time between two checks, 1 s to 1 h.
        interval: At<Span> = Required,
        /// How long a deployment has to answer.
        timeout: At<Span> = Required,
        /// Checks without an answer in a row that take a deployment out. 1 to 100.
        unhealthy_threshold: At<u64> = Required,
        /// Passed checks in a row that bring it back. 1 to 100.
        healthy_threshold: At<u64> = Required,
    }
}

table! {
    plain
    /// A circuit breaker per deployment as resilience4j has it, with a window that counts calls.
    RawResilience4j "resilience4j breaker" {
        /// Percentage of failed calls from which on it opens. 1 to 100.
        failure_rate: At<u64> = Or(&d::R4J_FAILURE),
        /// Percentage of slow calls from which on it opens. 1 to 100.
        slow_call_rate: At<u64> = Or(&d::R4J_SLOW),
        /// A call that takes longer than this is slow.
        slow_call: At<Span> = Or(&d::R4J_SLOW_CALL),
        /// Calls that are remembered. 1 to 1024.
        window: At<u64> = Or(&d::R4J_WINDOW),
        /// Fewest calls that are judged, at most `window`.
        minimum_calls: At<u64> = Or(&d::R4J_MINIMUM),
        /// How long it stays open.
        wait_open: At<Span> = Or(&d::R4J_WAIT),
        /// Calls let through half open. 1 to 1024.
        half_open_calls: At<u64> = Or(&d::R4J_HALF_OPEN),
    }
}

table! {
    plain
    /// A circuit breaker per deployment as Hystrix had it.
    RawHystrix "Hystrix breaker" {
        /// Fewest calls in the window that are judged. 1 to 1,000,000.
        request_volume: At<u64> = Or(&d::HYSTRIX_VOLUME),
        /// Percentage of failed calls from which on it opens. 1 to 100.
        error_percent: At<u64> = Or(&d::HYSTRIX_PERCENT),
        /// Length of the rolling window.
        window: At<Span> = Or(&d::HYSTRIX_WINDOW),
        /// How long nothing passes before a probe, and between probes.
        sleep: At<Span> = Or(&d::HYSTRIX_SLEEP),
    }
}

choice! {
    /// A circuit breaker per deployment.
    RawBreaker "Circuit breaker" {
        /// Closed, open and half open, by the share of failed or slow calls.
        "resilience4j" => Resilience4j(RawResilience4j),
        /// An error share over rolling seconds, and a single probe.
        "hystrix" => Hystrix(RawHystrix),
    }
}

table! {
    plain
    /// A budget as Finagle has it.
    RawFinagle "Finagle budget" {
        /// How long what a request puts in lasts.
        ttl: At<Span> = Or(&d::FINAGLE_TTL),
        /// Retries per second that need no deposit. 0 to 1,000,000.
        min_retries_per_sec: At<u64> = Or(&d::FINAGLE_MIN),
        /// Retries per request, in percent. 0 to 1000.
        percent: At<u64> = Or(&d::FINAGLE_PERCENT),
    }
}

table! {
    plain
    /// A budget as gRPC has it.
    RawGrpcThrottle "gRPC throttling" {
        /// Tokens at the start and at most. 1 to 1000.
        max_tokens: At<u64> = Or(&d::GRPC_TOKENS),
        /// What a success earns. 0.001 to 1000.
        token_ratio: At<f64> = Or(&d::GRPC_RATIO),
    }
}

table! {
    plain
    /// A bound on concurrent retries as Envoy has it.
    RawEnvoyBudget "Envoy retry budget" {
        /// So many are always allowed. 0 to 1,000,000.
        min_retry_concurrency: At<u64> = Or(&d::ENVOY_MIN_RETRIES),
        /// Percentage of the calls in flight that may be retries. 0 to 100; 0 leaves `min_retry_concurrency` alone, which is
        /// Envoy's `max_retries`.
        budget_percent: At<u64> = Or(&d::ENVOY_RETRY_PERCENT),
    }
}

choice! {
    /// What bounds the retries of all requests of a gateway together. A retry is every attempt after a request's first.
    RawBudget "Retry budget" {
        /// Every request earns a part of a retry, for a while.
        "finagle" => Finagle(RawFinagle),
        /// A failure costs a token, a success earns a part of one; none at half of the tokens.
        "grpc" => Grpc(RawGrpcThrottle),
        /// The retry quota of AWS SDKs since 2025: 500 tokens, a retry costs 14, after a 429 5.
        "aws_standard" => AwsStandard(Nothing),
        /// The retry quota of AWS SDKs before: 500 tokens, a retry costs 5, after a time-out 10.
        "aws_classic" => AwsClassic(Nothing),
        /// A number, or a share of the calls in flight.
        "envoy" => Envoy(RawEnvoyBudget),
    }
}

table! {
    plain
    /// Throttling as in Google's SRE book.
    RawSre "SRE throttling" {
        /// Calls per accepted call that are let through. 1 to 100.
        k: At<f64> = Or(&d::SRE_K),
        /// How far back it looks.
        window: At<Span> = Or(&d::SRE_WINDOW),
    }
}

choice! {
    /// What makes a gateway send less when it is refused.
    RawThrottle "Throttle" {
        /// Refuses calls itself, with a probability that grows with the share of refused ones.
        "sre" => Sre(RawSre),
        /// Paces calls after the first 429 as AWS SDKs in adaptive mode do; calls wait.
        "aws_adaptive" => AwsAdaptive(Nothing),
    }
}
