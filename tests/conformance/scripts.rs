//! The scripts: one for each thing that can go wrong, and one bad half minute under every policy.

use crate::endpoint::Behaviour;
use crate::product_scripts;
use crate::script::{Script, Shows};
use geodes::routing::balance::{Choose, LeastRequestConfig};
use geodes::routing::guard::{BreakerConfig, CooldownConfig, GuardConfig, HystrixConfig, OutlierConfig};
use geodes::routing::limits::{LimiterConfig, PlainConfig, WindowConfig};
use geodes::routing::outcome::{ErrorClass, ErrorSet};
use geodes::routing::retry::budget::{
    AwsQuotaConfig, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig,
};
use geodes::routing::retry::{Backoff, Delay, GrpcBackoff, Hedging, Jitter};
use geodes::routing::throttle::{SreConfig, ThrottleConfig};
use geodes::scenario::model::{Pool, Topology};
use geodes::units::{DeploymentIx, Span};
use std::time::Duration;

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An endpoint without trouble: 20, 40 and 100 ms away, 200, 250 and 300 ms to the first token.
pub fn endpoint(i: usize) -> Behaviour {
    Behaviour {
        rtt: ms([20, 40, 100][i]),
        first_token: ms([200, 250, 300][i]),
        per_token: ms([5, 7, 11][i]),
        down: Vec::new(),
        down_status: 503,
        silent: Vec::new(),
        slow: Vec::new(),
        quota: None,
    }
}

pub fn three() -> Vec<Behaviour> {
    (0..3).map(endpoint).collect()
}

/// Requests from 0 on, about `gap` milliseconds apart, with answers of 5 to 44 tokens. The steps are uneven so that no two
/// things happen in the same millisecond.
pub fn every(gap: u64, n: u64) -> Vec<(u64, u32)> {
    (0..n).map(|i| (i * gap + i * i % 37, 5 + (i * 17 % 40) as u32)).collect()
}

pub fn per(limit: u64, window: Span) -> LimiterConfig {
    LimiterConfig::FixedWindow(PlainConfig {
        requests: Some(WindowConfig { limit, window }),
        tokens: None,
        retry_after: true,
    })
}

/// Exact pauses, short time-outs, two attempts per pool.
pub fn patient(t: &mut Topology) {
    t.retry.attempts_per_pool = 2;
    t.retry.delay = backoff(Jitter::None);
    t.retry.connect_timeout = Span::from_millis(1000);
    t.retry.first_token_timeout = Span::from_millis(1501);
    t.retry.total_timeout = Span::from_millis(4003);
}

fn backoff(jitter: Jitter) -> Delay {
    Delay::Backoff(Backoff { base: Span::from_millis(307), cap: Span::from_secs(5), jitter })
}

/// A chain: the first two endpoints, then the third, degraded.
fn chain(t: &mut Topology) {
    patient(t);
    let pool = |name: &str, members: &[usize], degraded| Pool {
        name: name.to_owned(),
        members: members.iter().map(|d| (DeploymentIx::new(*d), 1.0)).collect(),
        choose: Choose::InOrder,
        degraded,
        priorities: Vec::new(),
        localities: Vec::new(),
        max_requests: None,
    };
    t.chain = vec![pool("main", &[0, 1], false), pool("spare", &[2], true)];
}

/// All scripts.
pub fn all() -> Vec<Script> {
    let mut list = single();
    list.extend(bad_half_minute());
    list.extend(product_scripts::all());
    list
}

/// Everything goes wrong in half a minute.
pub fn troubled() -> Vec<Behaviour> {
    let mut list = three();
    list[0].down = vec![(ms(4000), ms(7000))];
    list[0].slow = vec![(ms(12_000), ms(15_000), 8.0)];
    list[0].silent = vec![(ms(20_003), ms(22_000))];
    list[1].quota = Some(per(1, Span::from_millis(800)));
    list[1].down = vec![(ms(5000), ms(6000))];
    list[2].slow = vec![(ms(5500), ms(7000), 3.0)];
    list
}

/// One thing each.
fn single() -> Vec<Script> {
    let with = |i: usize, change: &dyn Fn(&mut Behaviour)| {
        let mut list = three();
        change(&mut list[i]);
        list
    };
    // longer to the first token than two delays
    let slow = || {
        let mut list = three();
        list.iter_mut().for_each(|e| e.slow = vec![(ms(0), ms(4000), 3.0)]);
        list
    };
    let slow_and_down = || {
        let mut list = slow();
        list[1].down = vec![(ms(0), ms(5000))];
        list
    };
    let all_down = || {
        let mut list = three();
        list.iter_mut().for_each(|e| e.down = vec![(ms(1500), ms(4500))]);
        list
    };
    use ErrorClass::{ConnectionFailed, RateLimited, Timeout, Unavailable};
    use Shows::{Fails, Fallback, Final, GivenUp, Hedge, Pause, Recovery, RetryAfter, Shed, ThreeRace};
    vec![
        Script::new("all is well", three(), every(211, 12)).policy(patient),
        Script::new("503 for a while", with(0, &|e| e.down = vec![(ms(1000), ms(2500))]), every(190, 24))
            .policy(chain)
            .shows(&[Fails(Unavailable), Fallback, Recovery]),
        Script::new("503 everywhere", all_down(), every(410, 18)).policy(chain).shows(&[Final(Unavailable), Recovery]),
        Script::new(
            "429 with Retry-After",
            vec![Behaviour { quota: Some(per(3, Span::from_secs(2))), ..endpoint(0) }],
            every(333, 14),
        )
        .policy(|t| {
            patient(t);
            t.retry.attempts_per_pool = 4;
        })
        .shows(&[Fails(RateLimited), RetryAfter, Pause]),
        Script::new("hang", with(0, &|e| e.silent = vec![(ms(900), ms(3000))]), every(230, 20)).policy(chain).shows(&[
            Fails(ConnectionFailed),
            Fallback,
            Recovery,
        ]),
        Script::new("slow first token", with(0, &|e| e.slow = vec![(ms(900), ms(3000), 9.0)]), every(230, 20))
            .policy(chain)
            .shows(&[Fails(Timeout), Fallback, Recovery]),
        Script::new("slow answer", with(0, &|e| e.per_token = ms(150)), every(230, 20))
            .policy(chain)
            .shows(&[Fails(Timeout), Final(Timeout)]),
        Script::new(
            "stream that breaks off",
            with(0, &|e| e.down = vec![(ms(1320), ms(1420))]),
            vec![(1000, 80), (1050, 90), (1210, 10), (2000, 10), (3000, 10), (4000, 10)],
        )
        .policy(chain)
        .shows(&[Final(Unavailable), Fallback, Recovery]),
        Script::new(
            "reset in mid-stream",
            with(0, &|e| e.silent = vec![(ms(1320), ms(1420))]),
            vec![(1000, 80), (1050, 90), (1210, 10), (2000, 10), (3000, 10), (4000, 10)],
        )
        .policy(chain)
        .shows(&[Final(ConnectionFailed), Fallback, Recovery]),
        Script::new(
            "whole answer that breaks off",
            with(0, &|e| e.down = vec![(ms(1320), ms(1420))]),
            vec![(1000, 80), (1050, 90), (1210, 10), (2000, 10), (3000, 10), (4000, 10)],
        )
        .policy(chain)
        .whole()
        .shows(&[Fails(Unavailable), Fallback, Recovery]),
        Script::new(
            "errors that are not tried again",
            with(0, &|e| e.down = vec![(ms(1000), ms(2500))]),
            every(190, 24),
        )
        .policy(|t| {
            chain(t);
            t.retry.on = ErrorSet::of(&[ErrorClass::Timeout]);
        })
        .shows(&[Final(Unavailable), Recovery]),
        Script::new("hedged streams", with(0, &|e| e.slow = vec![(ms(900), ms(3000), 5.0)]), every(230, 20))
            .policy(hedged)
            .shows(&[Hedge, GivenUp]),
        Script::new("hedged whole answers", with(0, &|e| e.slow = vec![(ms(900), ms(3000), 5.0)]), every(230, 20))
            .policy(hedged)
            .whole()
            .shows(&[Hedge, GivenUp]),
        Script::new(
            "both of a race fail",
            {
                let mut list = three();
                list[0].slow = vec![(ms(0), ms(3000), 9.0)];
                list[1].slow = vec![(ms(0), ms(3000), 9.0)];
                list
            },
            every(430, 14),
        )
        .policy(|t| {
            hedged(t);
            t.guards = vec![cooldown()];
        })
        .shows(&[Hedge, Fails(Timeout), Fallback]),
        Script::new(
            "a throttle that refuses",
            {
                let mut list = three();
                list.iter_mut().for_each(|e| e.down = vec![(ms(0), ms(3000))]);
                list
            },
            every(67, 150),
        )
        .policy(|t| {
            patient(t);
            t.throttle = Some(ThrottleConfig::Sre(SreConfig { window: Span::from_secs(3), ..SreConfig::BOOK }));
        })
        .shows(&[Fails(Unavailable), Shed, Recovery]),
        Script::new(
            "a throttle that waits",
            vec![Behaviour { quota: Some(per(2, Span::from_secs(3))), ..endpoint(0) }],
            every(907, 8),
        )
        .policy(|t| {
            patient(t);
            t.throttle = Some(ThrottleConfig::AwsAdaptive);
        })
        .within(ms(5))
        .shows(&[Fails(RateLimited), Pause]),
        Script::new("three race", slow(), every(430, 14)).policy(raced(151)).shows(&[Hedge, GivenUp, ThreeRace]),
        Script::new("three race for whole answers", slow(), every(430, 14))
            .policy(raced(151))
            .whole()
            .shows(&[Hedge, GivenUp, ThreeRace]),
        Script::new("all go out at once", slow(), every(430, 14)).policy(raced(0)).shows(&[Hedge, GivenUp, ThreeRace]),
        Script::new("a failure sends the next at once", with(1, &|e| e.down = vec![(ms(0), ms(4000))]), every(430, 14))
            .policy(raced(151))
            .shows(&[Hedge, Fails(Unavailable)]),
        Script::new("a fatal failure ends a race", slow_and_down(), every(430, 14))
            .policy(|t| {
                raced(151)(t);
                t.chain[0].choose = Choose::InOrder;
                t.retry.on = ErrorSet::of(&[Timeout]);
            })
            .shows(&[Hedge, GivenUp, Fails(Unavailable), Final(Unavailable)]),
        Script::new(
            "a Retry-After holds a race back",
            {
                let mut list = slow();
                list[1].quota = Some(per(1, Span::from_secs(2)));
                list
            },
            every(430, 14),
        )
        .policy(|t| {
            raced(151)(t);
            t.chain[0].choose = Choose::InOrder;
        })
        .shows(&[Hedge, GivenUp, Fails(RateLimited), RetryAfter]),
        Script::new(
            "a Retry-After holds the next call back",
            vec![Behaviour { quota: Some(per(1, Span::from_millis(500))), ..endpoint(0) }, endpoint(1), endpoint(2)],
            every(330, 14),
        )
        .policy(|t| {
            raced(451)(t);
            t.chain[0].choose = Choose::InOrder;
        })
        .shows(&[Fails(RateLimited), RetryAfter, Pause]),
        Script::new("a throttle that stops races", slow_and_down(), every(430, 24))
            .policy(|t| {
                raced(151)(t);
                t.retry.budget = Some(BudgetConfig::Grpc(GrpcThrottleConfig { max_tokens: 4, ratio_thousandths: 300 }));
                t.throttle = Some(ThrottleConfig::Sre(SreConfig { window: Span::from_secs(3), ..SreConfig::BOOK }));
            })
            .shows(&[Hedge, Fails(Unavailable)]),
    ]
}

/// gRPC's hedging: three attempts, by lot.
fn raced(delay_ms: u64) -> impl Fn(&mut Topology) {
    move |t| {
        patient(t);
        t.retry.attempts_per_pool = 3;
        t.retry.hedging = Some(Hedging::Grpc { delay: Span::from_millis(delay_ms) });
        t.chain[0].choose = Choose::LeastRequest(LeastRequestConfig::ENVOY);
    }
}

fn hedged(t: &mut Topology) {
    patient(t);
    t.retry.attempts_per_pool = 3;
    t.retry.hedging = Some(Hedging::OneMore { after: Span::from_millis(523) });
    t.chain[0].choose = Choose::LeastBusy;
}

fn cooldown() -> GuardConfig {
    GuardConfig::Cooldown(CooldownConfig { failures: 2, time: Span::from_millis(2503), rate_limited_at_once: true })
}

/// Everything goes wrong in half a minute; one script per policy.
fn bad_half_minute() -> Vec<Script> {
    type Change = fn(&mut Topology);
    let often = ("reported load, every second", Choose::Reported(Span::from_millis(1009)));
    let choices = Choose::each().map(|c| (c.name(), c)).into_iter().chain([often]);
    let policies: [(&str, Change); 21] = [
        ("cool-down", |t| t.guards = vec![cooldown()]),
        ("outlier ejection", |t| {
            let config = OutlierConfig {
                max_ejection_percent: 67,
                base_ejection_time: Span::from_secs(3),
                interval: Span::from_secs(1),
                consecutive_5xx: Some(2),
                ..OutlierConfig::ENVOY
            };
            t.guards = vec![GuardConfig::Outlier(config)];
        }),
        ("resilience4j", |t| {
            let config = BreakerConfig {
                window: 10,
                minimum_calls: 4,
                wait_open: Span::from_secs(2),
                half_open_calls: 2,
                ..BreakerConfig::RESILIENCE4J
            };
            t.guards = vec![GuardConfig::Breaker(config)];
        }),
        ("Hystrix", |t| {
            t.guards = vec![GuardConfig::Hystrix(HystrixConfig { request_volume: 4, ..HystrixConfig::DEFAULT })];
        }),
        ("hedging", |t| t.retry.hedging = Some(Hedging::OneMore { after: Span::from_millis(523) })),
        ("hedging with cool-downs", |t| {
            t.retry.hedging = Some(Hedging::OneMore { after: Span::from_millis(523) });
            t.guards = vec![cooldown()];
        }),
        ("gRPC hedging", |t| raced(307)(t)),
        ("gRPC hedging with throttling and cool-downs", |t| {
            raced(307)(t);
            t.retry.budget = Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE));
            t.guards = vec![cooldown()];
        }),
        ("Finagle budget", |t| {
            let config = FinagleConfig { min_retries_per_sec: 1, ..FinagleConfig::DEFAULT };
            t.retry.budget = Some(BudgetConfig::Finagle(config));
        }),
        ("gRPC throttling", |t| t.retry.budget = Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE))),
        ("AWS retry quota", |t| {
            t.retry.budget = Some(BudgetConfig::Aws(AwsQuotaConfig { capacity: 60, ..AwsQuotaConfig::STANDARD }))
        }),
        ("Envoy retry budget", |t| {
            t.retry.budget = Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig { min_concurrency: 1, percent: 20 }))
        }),
        ("full jitter", |t| t.retry.delay = backoff(Jitter::Full)),
        ("equal jitter", |t| t.retry.delay = backoff(Jitter::Equal)),
        ("decorrelated jitter", |t| t.retry.delay = backoff(Jitter::Decorrelated)),
        ("gRPC backoff", |t| {
            let config =
                GrpcBackoff { initial: Span::from_millis(101), max: Span::from_secs(1), multiplier_thousandths: 1600 };
            t.retry.delay = Delay::Grpc(config);
        }),
        ("AWS standard", |t| t.retry.delay = Delay::AwsStandard),
        ("AWS classic", |t| t.retry.delay = Delay::AwsClassic),
        ("OpenAI's client", |t| t.retry.delay = Delay::OpenAi),
        ("Anthropic's client", |t| t.retry.delay = Delay::Anthropic),
        ("Bifrost", |t| t.retry.delay = Delay::Bifrost),
    ];
    let script = |name: &str, policy: Box<dyn Fn(&mut Topology)>| {
        Script::new(name, troubled(), every(241, 110))
            .policy(move |t| {
                patient(t);
                t.retry.attempts_per_pool = 5;
                t.chain[0].choose = Choose::RoundRobin;
                policy(t);
            })
            .shows(&[Shows::Fails(ErrorClass::Unavailable), Shows::Fails(ErrorClass::RateLimited), Shows::Fallback])
            .within(ms(5))
    };
    let chosen = choices.map(|(name, choose)| script(name, Box::new(move |t| t.chain[0].choose = choose)));
    let ruled = policies.into_iter().map(|(name, change)| script(name, Box::new(change)));
    chosen.chain(ruled).collect()
}
