//! Ejection, breakers, retry budgets, throttling: from the file to the router's configuration.

use crate::routing::guard::{
    ActiveHealthConfig, BreakerConfig, FailurePercentage, GuardConfig, HystrixConfig, OutlierConfig, SuccessRate,
};
use crate::routing::health::ThresholdConfig;
use crate::routing::retry::budget::{
    AwsQuotaConfig, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig,
};
use crate::routing::retry::{Backoff, Delay, GrpcBackoff, Jitter};
use crate::routing::throttle::{SreConfig, ThrottleConfig};
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::At;
use crate::scenario::raw::{
    RawActiveHealth, RawBackoff, RawBackoffTimes, RawBreaker, RawBudget, RawFailurePercentage, RawGrpcBackoff,
    RawOutlier, RawSuccessRate, RawThrottle,
};
use crate::units::Span;

/// Pause between attempts.
pub(super) fn delay(b: &RawBackoff, cx: &mut Cx) -> Option<Delay> {
    Some(match b {
        RawBackoff::Exponential(t) => jittered(t, Jitter::None, cx)?,
        RawBackoff::FullJitter(t) => jittered(t, Jitter::Full, cx)?,
        RawBackoff::EqualJitter(t) => jittered(t, Jitter::Equal, cx)?,
        RawBackoff::DecorrelatedJitter(t) => jittered(t, Jitter::Decorrelated, cx)?,
        RawBackoff::AwsStandard(_) => Delay::AwsStandard,
        RawBackoff::AwsClassic(_) => Delay::AwsClassic,
        RawBackoff::Grpc(g) => grpc(g, cx)?,
        RawBackoff::OpenAi(_) => Delay::OpenAi,
        RawBackoff::Anthropic(_) => Delay::Anthropic,
        RawBackoff::Envoy(e) => {
            let base = cx.or_at(&e.base, &d::ENVOY_BASE, e.loc);
            Delay::Envoy { base: short(base, "base", cx) }
        }
        RawBackoff::Portkey(_) => Delay::Portkey,
        RawBackoff::Bifrost(_) => Delay::Bifrost,
    })
}

fn jittered(times: &RawBackoffTimes, jitter: Jitter, cx: &mut Cx) -> Option<Delay> {
    let (base, cap) = (times.base?, times.cap?);
    if cap.value < base.value {
        cx.error(cap.loc, "the longest delay is shorter than the first").note(base.loc, "the first");
    }
    Some(Delay::Backoff(Backoff { base: base.value, cap: cap.value, jitter }))
}

fn grpc(g: &RawGrpcBackoff, cx: &mut Cx) -> Option<Delay> {
    let (initial, max) = (g.initial?, g.max?);
    if max.value < initial.value {
        cx.error(max.loc, "the longest delay is shorter than the first").note(initial.loc, "the first");
    }
    Some(Delay::Grpc(GrpcBackoff {
        initial: initial.value,
        max: max.value,
        multiplier_thousandths: thousandths(g.multiplier?, "multiplier", 1.0..=100.0, cx),
    }))
}

/// A positive duration of at most a day.
fn short(value: At<Span>, key: &str, cx: &mut Cx) -> Span {
    let span = cx.positive(value, key);
    cx.within_range(At { value: span, ..value }, key, Span::ZERO..=Span::from_hours(24))
}

fn thousandths(value: At<f64>, key: &str, range: std::ops::RangeInclusive<f64>, cx: &mut Cx) -> u32 {
    (cx.within_range(value, key, range) * 1000.0 + 0.5) as u32
}

/// Outlier detection over the deployments of a chain, of which there are `hosts`.
pub(super) fn outlier(o: &RawOutlier, hosts: usize, cx: &mut Cx) -> GuardConfig {
    let in_a_row = |n: At<u64>, key: &str, cx: &mut Cx| Some(cx.count(n, key, 0..=1000)).filter(|n| *n > 0);
    let consecutive_5xx = cx.or_at(&o.consecutive_5xx, &d::OUTLIER_5XX, o.loc);
    let gateway = cx.or_at(&o.consecutive_gateway_failure, &d::OUTLIER_GATEWAY, o.loc);
    let interval = cx.or_at(&o.interval, &d::OUTLIER_INTERVAL, o.loc);
    let base = cx.or_at(&o.base_ejection_time, &d::OUTLIER_BASE, o.loc);
    let max = cx.or_at(&o.max_ejection_time, &d::OUTLIER_MAX, o.loc);
    let percent = cx.or_at(&o.max_ejection_percent, &d::OUTLIER_PERCENT, o.loc);
    let config = OutlierConfig {
        consecutive_5xx: in_a_row(consecutive_5xx, "consecutive_5xx", cx),
        consecutive_gateway_failure: in_a_row(gateway, "consecutive_gateway_failure", cx),
        interval: cx.within_range(interval, "interval", Span::from_millis(100)..=Span::from_hours(24)),
        base_ejection_time: short(base, "base_ejection_time", cx),
        max_ejection_time: short(max, "max_ejection_time", cx),
        max_ejection_percent: cx.count(percent, "max_ejection_percent", 0..=100),
        always_eject_one_host: cx.or(&o.always_eject_one_host, &d::OUTLIER_ALWAYS).value,
        success_rate: success_rate(o, cx),
        failure_percentage: failure_percentage(o, cx),
    };
    if !config.can_eject(hosts) {
        let loc = if o.max_ejection_percent.is_some() { percent.loc } else { o.loc };
        let of = if hosts == 1 { "one deployment is".to_owned() } else { format!("{hosts} deployments are") };
        cx.error(
            loc,
            format!("{of} too few for one to be ejected: that would be more than {} %", config.max_ejection_percent),
        )
        .help("a larger `max_ejection_percent`, or `always_eject_one_host = true`");
    }
    let by_rate = config.success_rate.map(|r| r.minimum_hosts).into_iter();
    let by_rate = by_rate.chain(config.failure_percentage.map(|r| r.minimum_hosts));
    let never = config.consecutive_5xx.is_none() && config.consecutive_gateway_failure.is_none();
    if never && by_rate.min().is_none_or(|least| least as usize > hosts) {
        cx.error(o.loc, format!("no rule is left by which one of {hosts} could ever be ejected"))
            .help("`consecutive_5xx`, `consecutive_gateway_failure`, or rates with a smaller `minimum_hosts`");
    }
    GuardConfig::Outlier(config)
}

fn success_rate(o: &RawOutlier, cx: &mut Cx) -> Option<SuccessRate> {
    let r = o.success_rate.clone().unwrap_or_else(|| RawSuccessRate::empty(o.loc));
    let hosts = cx.or_at(&r.minimum_hosts, &d::OUTLIER_SUCCESS_HOSTS, r.loc);
    let volume = cx.or_at(&r.request_volume, &d::OUTLIER_SUCCESS_VOLUME, r.loc);
    let factor = cx.or_at(&r.stdev_factor, &d::OUTLIER_STDEV, r.loc);
    let rule = SuccessRate {
        minimum_hosts: cx.count(hosts, "minimum_hosts", 1..=1000),
        request_volume: cx.count(volume, "request_volume", 1..=1_000_000),
        stdev_factor_thousandths: thousandths(factor, "stdev_factor", 0.1..=10.0, cx),
    };
    cx.or(&r.enabled, &d::OUTLIER_SUCCESS_RATE).value.then_some(rule)
}

fn failure_percentage(o: &RawOutlier, cx: &mut Cx) -> Option<FailurePercentage> {
    let r = o.failure_percentage.clone().unwrap_or_else(|| RawFailurePercentage::empty(o.loc));
    let threshold = cx.or_at(&r.threshold, &d::OUTLIER_FAILURE_THRESHOLD, r.loc);
    let hosts = cx.or_at(&r.minimum_hosts, &d::OUTLIER_FAILURE_HOSTS, r.loc);
    let volume = cx.or_at(&r.request_volume, &d::OUTLIER_FAILURE_VOLUME, r.loc);
    let rule = FailurePercentage {
        threshold: cx.count(threshold, "threshold", 1..=100),
        minimum_hosts: cx.count(hosts, "minimum_hosts", 1..=1000),
        request_volume: cx.count(volume, "request_volume", 1..=1_000_000),
    };
    cx.or(&r.enabled, &d::OUTLIER_FAILURE_PERCENTAGE).value.then_some(rule)
}

/// Health checks by the gateways.
pub(super) fn active_health(h: &RawActiveHealth, cx: &mut Cx) -> Option<GuardConfig> {
    let (interval, timeout) = (h.interval?, h.timeout?);
    let (failures, passes) = (h.unhealthy_threshold?, h.healthy_threshold?);
    Some(GuardConfig::ActiveHealth(ActiveHealthConfig {
        interval: cx.within_range(interval, "interval", Span::from_secs(1)..=Span::from_hours(1)),
        timeout: short(timeout, "timeout", cx),
        thresholds: ThresholdConfig {
            failures: cx.count(failures, "unhealthy_threshold", 1..=100),
            passes: cx.count(passes, "healthy_threshold", 1..=100),
        },
    }))
}

/// A breaker per deployment.
pub(super) fn breaker(b: &RawBreaker, cx: &mut Cx) -> GuardConfig {
    match b {
        RawBreaker::Resilience4j(r) => {
            let failure = cx.or_at(&r.failure_rate, &d::R4J_FAILURE, r.loc);
            let slow = cx.or_at(&r.slow_call_rate, &d::R4J_SLOW, r.loc);
            let slow_call = cx.or_at(&r.slow_call, &d::R4J_SLOW_CALL, r.loc);
            let window = cx.or_at(&r.window, &d::R4J_WINDOW, r.loc);
            let minimum = cx.or_at(&r.minimum_calls, &d::R4J_MINIMUM, r.loc);
            let wait = cx.or_at(&r.wait_open, &d::R4J_WAIT, r.loc);
            let half_open = cx.or_at(&r.half_open_calls, &d::R4J_HALF_OPEN, r.loc);
            if minimum.value > window.value {
                let loc = if r.minimum_calls.is_some() { minimum.loc } else { window.loc };
                cx.error(
                    loc,
                    format!(
                        "the breaker judges {} calls and remembers {}: it would never open",
                        minimum.value, window.value
                    ),
                )
                .help("`minimum_calls` of at most `window`");
            }
            GuardConfig::Breaker(BreakerConfig {
                failure_rate_percent: cx.count(failure, "failure_rate", 1..=100),
                slow_rate_percent: cx.count(slow, "slow_call_rate", 1..=100),
                slow_call: cx.positive(slow_call, "slow_call"),
                window: cx.count(window, "window", 1..=1024),
                minimum_calls: cx.count(minimum, "minimum_calls", 1..=1024),
                wait_open: short(wait, "wait_open", cx),
                half_open_calls: cx.count(half_open, "half_open_calls", 1..=1024),
            })
        }
        RawBreaker::Hystrix(h) => {
            let volume = cx.or_at(&h.request_volume, &d::HYSTRIX_VOLUME, h.loc);
            let percent = cx.or_at(&h.error_percent, &d::HYSTRIX_PERCENT, h.loc);
            let window = cx.or_at(&h.window, &d::HYSTRIX_WINDOW, h.loc);
            let sleep = cx.or_at(&h.sleep, &d::HYSTRIX_SLEEP, h.loc);
            GuardConfig::Hystrix(HystrixConfig {
                request_volume: cx.count(volume, "request_volume", 1..=1_000_000),
                error_percent: cx.count(percent, "error_percent", 1..=100),
                window: short(window, "window", cx),
                sleep: short(sleep, "sleep", cx),
            })
        }
    }
}

/// A bound on all retries.
pub(super) fn budget(b: &RawBudget, cx: &mut Cx) -> BudgetConfig {
    match b {
        RawBudget::Finagle(f) => {
            let ttl = cx.or_at(&f.ttl, &d::FINAGLE_TTL, f.loc);
            let least = cx.or_at(&f.min_retries_per_sec, &d::FINAGLE_MIN, f.loc);
            let percent = cx.or_at(&f.percent, &d::FINAGLE_PERCENT, f.loc);
            let config = FinagleConfig {
                ttl: cx.within_range(ttl, "ttl", Span::from_secs(1)..=Span::from_secs(60)),
                min_retries_per_sec: cx.count(least, "min_retries_per_sec", 0..=1_000_000),
                percent: cx.count(percent, "percent", 0..=1000),
            };
            if config.percent == 0 && config.min_retries_per_sec == 0 {
                cx.error(f.loc, "a budget of nothing allows no retry at all")
                    .help("for none, say `attempts_per_pool = 1`");
            }
            BudgetConfig::Finagle(config)
        }
        RawBudget::Grpc(g) => {
            let tokens = cx.or_at(&g.max_tokens, &d::GRPC_TOKENS, g.loc);
            let ratio = cx.or_at(&g.token_ratio, &d::GRPC_RATIO, g.loc);
            BudgetConfig::Grpc(GrpcThrottleConfig {
                max_tokens: cx.count(tokens, "max_tokens", 1..=1000),
                ratio_thousandths: thousandths(ratio, "token_ratio", 0.001..=1000.0, cx),
            })
        }
        RawBudget::AwsStandard(_) => BudgetConfig::Aws(AwsQuotaConfig::STANDARD),
        RawBudget::AwsClassic(_) => BudgetConfig::Aws(AwsQuotaConfig::CLASSIC),
        RawBudget::Envoy(e) => {
            let least = cx.or_at(&e.min_retry_concurrency, &d::ENVOY_MIN_RETRIES, e.loc);
            let percent = cx.or_at(&e.budget_percent, &d::ENVOY_RETRY_PERCENT, e.loc);
            let config = ConcurrentRetriesConfig {
                min_concurrency: cx.count(least, "min_retry_concurrency", 0..=1_000_000),
                percent: cx.count(percent, "budget_percent", 0..=100),
            };
            if config.min_concurrency == 0 && config.percent == 0 {
                cx.error(e.loc, "a budget of nothing allows no retry at all")
                    .help("for none, say `attempts_per_pool = 1`");
            }
            BudgetConfig::Concurrent(config)
        }
    }
}

/// What makes the gateway send less.
pub(super) fn throttle(t: &RawThrottle, cx: &mut Cx) -> ThrottleConfig {
    match t {
        RawThrottle::Sre(s) => {
            let k = cx.or_at(&s.k, &d::SRE_K, s.loc);
            let window = cx.or_at(&s.window, &d::SRE_WINDOW, s.loc);
            ThrottleConfig::Sre(SreConfig {
                k_thousandths: thousandths(k, "k", 1.0..=100.0, cx),
                window: cx.within_range(window, "window", Span::from_secs(1)..=Span::from_hours(24)),
            })
        }
        RawThrottle::AwsAdaptive(_) => ThrottleConfig::AwsAdaptive,
    }
}
