//! What a gateway of a random scenario does about failures.

use geodes::routing::guard::{BreakerConfig, CooldownConfig, GuardConfig, HystrixConfig, OutlierConfig};
use geodes::routing::retry::budget::{
    AwsQuotaConfig, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig,
};
use geodes::routing::retry::{Backoff, Delay, GrpcBackoff, Jitter};
use geodes::routing::throttle::{SreConfig, ThrottleConfig};
use geodes::scenario::model::Topology;
use geodes::units::Span;
use proptest::prelude::*;

/// What a gateway does about failures, beside cool-downs.
#[derive(Clone, Debug)]
pub struct Knobs {
    budget: u8,
    throttle: u8,
    guards: u8,
    pub limit: Option<u64>,
    delay: u8,
    max_requests: Option<u32>,
}

pub fn knobs() -> impl Strategy<Value = Knobs> {
    let limit = proptest::option::of(1u64..200);
    (0u8..7, 0u8..4, any::<u8>(), limit, 0u8..10, proptest::option::of(1u32..30)).prop_map(|g| Knobs {
        budget: g.0,
        throttle: g.1,
        guards: g.2,
        limit: g.3,
        delay: g.4,
        max_requests: g.5,
    })
}

/// Each kind of budget, throttle, pause and guard, in sizes that a small scenario reaches.
pub fn set(g: &Knobs, cooldown_too: bool, t: &mut Topology) {
    let ms = Span::from_millis;
    t.retry.budget = match g.budget {
        0 => Some(BudgetConfig::Finagle(FinagleConfig { min_retries_per_sec: 0, ..FinagleConfig::DEFAULT })),
        1 => Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE)),
        2 => Some(BudgetConfig::Aws(AwsQuotaConfig { capacity: 100, ..AwsQuotaConfig::STANDARD })),
        3 => Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig::MAX_RETRIES)),
        4 => Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig { min_concurrency: 1, percent: 20 })),
        _ => None,
    };
    t.throttle = match g.throttle {
        0 => Some(ThrottleConfig::Sre(SreConfig::BOOK)),
        1 => Some(ThrottleConfig::AwsAdaptive),
        _ => None,
    };
    let second = Span::from_secs(1);
    let jittered = |jitter| Delay::Backoff(Backoff { base: ms(50), cap: second, jitter });
    t.retry.delay = match g.delay {
        0 => jittered(Jitter::None),
        1 => jittered(Jitter::Full),
        2 => jittered(Jitter::Decorrelated),
        3 => Delay::AwsStandard,
        4 => Delay::Grpc(GrpcBackoff { initial: ms(50), max: second, multiplier_thousandths: 1600 }),
        5 => Delay::OpenAi,
        6 => Delay::Anthropic,
        7 => Delay::Envoy { base: ms(25) },
        8 => Delay::Portkey,
        _ => Delay::Bifrost,
    };
    let outlier = OutlierConfig {
        consecutive_5xx: Some(2),
        consecutive_gateway_failure: Some(2),
        max_ejection_percent: 60,
        ..OutlierConfig::ENVOY
    };
    let breaker = BreakerConfig {
        window: 10,
        minimum_calls: 3,
        half_open_calls: 2,
        wait_open: Span::from_secs(5),
        ..BreakerConfig::RESILIENCE4J
    };
    let hystrix = HystrixConfig { request_volume: 3, ..HystrixConfig::DEFAULT };
    let cooldown = CooldownConfig { failures: 2, time: Span::from_secs(10), rate_limited_at_once: true };
    let guards = [
        (cooldown_too, GuardConfig::Cooldown(cooldown)),
        (g.guards & 3 == 1, GuardConfig::Outlier(outlier)),
        (g.guards & 12 == 4, GuardConfig::Breaker(breaker)),
        (g.guards & 48 == 16, GuardConfig::Hystrix(hystrix)),
    ];
    t.guards = guards.into_iter().filter(|(on, _)| *on).map(|(_, guard)| guard).collect();
    t.chain[0].max_requests = g.max_requests;
}
