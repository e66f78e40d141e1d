//! What holds for every limiter: waits are exact, wake-up times are not too late, no limit is exceeded, nothing is lost.

use super::*;
use crate::units::{Money, PerNanos, Span, Time};
use proptest::prelude::*;

const EPOCH: Span = Span(1_767_225_600_123_456_789);

fn bucket(n: u64, nanos: u64, capacity: u64) -> BucketConfig {
    BucketConfig { rate: PerNanos { micro_count: n * 1_000_000, nanos }, capacity }
}

fn second(n: u64) -> WindowConfig {
    WindowConfig { limit: n, window: Span::from_secs(1) }
}

fn plain<C: Copy>(requests: C, tokens: C) -> PlainConfig<C> {
    PlainConfig { requests: Some(requests), tokens: Some(tokens), retry_after: true }
}

fn pool() -> SharedPoolConfig {
    SharedPoolConfig {
        rate: PerNanos { micro_count: 900_000_007, nanos: 1_000_000_000 },
        burst: Span::from_secs(2),
        others: vec![250_000, 1_000_000, 333_333],
        step: Span::from_millis(700),
        by_clock: true,
    }
}

/// One of each kind, small enough for a few hundred requests to fill.
fn all() -> Vec<LimiterConfig> {
    const S: u64 = 1_000_000_000;
    let sub = |n: u64| SubWindowConfig {
        rate: PerNanos { micro_count: n * 1_000_000, nanos: 60 * S },
        window: Span::from_millis(250),
    };
    vec![
        LimiterConfig::TokenBucket(plain(bucket(7, S, 9), bucket(611, S, 900))),
        LimiterConfig::FixedWindow(plain(second(7), second(900))),
        LimiterConfig::AnchoredWindow(plain(second(7), second(900))),
        LimiterConfig::SlidingLog(plain(second(7), second(900))),
        LimiterConfig::SlidingCounter(plain(second(7), second(900))),
        LimiterConfig::SubWindow(plain(sub(407), sub(100_003))),
        LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
            tokens_per_min: 9_000,
            micro_requests_per_min: 411_000_000,
            evaluated_over: Span::from_secs(1),
            retry_after: true,
        }),
        LimiterConfig::AzureProvisioned(AzureProvisionedConfig {
            units: 3,
            input_per_min: 10_007,
            output_per_min: 3_301,
            window: Span::from_secs(2),
            retry_after: true,
        }),
        LimiterConfig::OpenAi(OpenAiConfig {
            requests: Some(bucket(7, S, 5)),
            requests_per_day: Some(bucket(300, 86_400 * S, 300)),
            tokens: Some(bucket(611, S, 900)),
            tokens_per_day: Some(bucket(70_000, 86_400 * S, 70_000)),
            credit: Some(Money::from_dollars(1_000)),
            retry_after: true,
        }),
        LimiterConfig::Anthropic(AnthropicConfig {
            requests: Some(bucket(9, S, 5)),
            input: Some(bucket(411, S, 900)),
            output: Some(bucket(211, S, 600)),
            output_count: OutputCount::AsGenerated,
            overload: Some(pool()),
            retry_after: true,
        }),
        LimiterConfig::Anthropic(AnthropicConfig {
            requests: None,
            input: Some(bucket(411, S, 900)),
            output: Some(bucket(311, S, 600)),
            output_count: OutputCount::Reserved,
            overload: None,
            retry_after: true,
        }),
        LimiterConfig::Bedrock(BedrockConfig {
            requests: Some(bucket(9, S, 9)),
            tokens: bucket(611, S, 900),
            tokens_per_day: Some(bucket(70_000, 86_400 * S, 70_000)),
            output_burndown: 5,
            retry_after: false,
        }),
        LimiterConfig::VertexShared(pool()),
        LimiterConfig::VertexProvisioned(VertexProvisionedConfig {
            rate: PerNanos { micro_count: 1_100_000_000, nanos: S },
            window: Span::from_secs(3),
            output_weight: 4,
        }),
        LimiterConfig::EnvoyRateLimit(EnvoyRateLimitConfig {
            limits: vec![second(7), WindowConfig { limit: 60, window: Span::from_mins(1) }],
            retry_after: true,
        }),
        LimiterConfig::EnvoyAiGateway(EnvoyAiGatewayConfig {
            rules: vec![(TokenCost::Total, second(900)), (TokenCost::Output, second(100))],
            retry_after: true,
        }),
        LimiterConfig::LiteLlm(LiteLlmConfig { rpm: Some(60), tpm: Some(9_000), itpm: Some(5_000), otpm: Some(4_000) }),
    ]
}

/// (nanoseconds after the one before, input, cached percent, `max_tokens`, written percent, answered after that many others)
type Step = (u64, u32, u32, u32, u32, usize);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![Just(0u64), 1u64..1_000, 1u64..400_000_000, 1u64..3_000_000_000];
    proptest::collection::vec((gap, 0u32..300, 0u32..=100, 0u32..300, 0u32..=100, 0usize..12), 1..160)
}

/// Plays steps against a limiter; `refused` sees each refusal. In the end everything is settled.
fn play(limiter: &mut Limiter, steps: &[Step], refused: &mut dyn FnMut(&mut Limiter, Time, &Ask, Refusal)) -> usize {
    let mut now = Time::ZERO;
    let mut out: Vec<(usize, Grant, Usage)> = Vec::new();
    let mut passed = 0;
    for (i, &(gap, input, cached, max_output, written, after)) in steps.iter().enumerate() {
        now += Span(gap);
        let (over, under) = out.into_iter().partition(|(at, _, _)| *at <= i);
        out = under;
        for (_, grant, usage) in over {
            limiter.settle(now, grant, &usage);
        }
        let cached = input * cached / 100;
        let ask = Ask { input, cached, max_output };
        match limiter.admit(now, &ask) {
            Ok(grant) => {
                passed += 1;
                let cost = Money::from_pico(i128::from(input) * 1_000_000);
                out.push((i + after, grant, Usage { input, cached, output: max_output * written / 100, cost }));
            }
            Err(refusal) => refused(limiter, now, &ask, refusal),
        }
    }
    for (_, grant, usage) in out {
        limiter.settle(now, grant, &usage);
    }
    assert_eq!(limiter.outstanding(), 0);
    passed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Refused with a wait, a request is refused until just before its end and not for the same limit at its end; and a
    /// gateway that looks again at `next_timeout` is not too late.
    #[test]
    fn waits_are_exact_and_wake_ups_not_too_late(steps in steps()) {
        for config in all() {
            let mut limiter = Limiter::new(&config, Time::ZERO, EPOCH);
            play(&mut limiter, &steps, &mut |l, now, ask, refusal| {
                let name = config.name();
                assert_ne!(refusal.wait, Some(Span::ZERO), "{name}");
                let Some(wakes) = l.next_timeout(now) else {
                    assert_eq!(refusal.wait, None, "{name}: nothing will change");
                    return;
                };
                assert!(wakes > now, "{name}");
                let early = l.clone().admit(Time(wakes.nanos() - 1), ask);
                assert!(early.is_err(), "{name}: {early:?} before it wakes");
                let Some(wait) = refusal.wait else { return };
                let until = now + wait;
                assert!(wakes <= until, "{name}: wakes at {wakes:?}, room at {until:?}");
                let early = l.clone().admit(Time(until.nanos() - 1), ask);
                assert!(early.is_err(), "{name}: {early:?} before its wait is over");
                if let Err(other) = l.clone().admit(until, ask) {
                    let same = (other.limit, other.most) == (refusal.limit, refusal.most);
                    assert!(!same, "{name}: refused again after {wait:?}: {other:?}");
                }
            });
        }
    }

    /// Each limiter lets something through and refuses something, so that the other properties are about something.
    #[test]
    fn every_limiter_admits_and_refuses(seed in 0u32..1000) {
        let steps: Vec<Step> = (0..400).map(|i| (40_000_000, 90 + seed % 10, 0, 60, 100, 2 + i % 2)).collect();
        for config in all() {
            let mut refusals = 0;
            let mut limiter = Limiter::new(&config, Time::ZERO, EPOCH);
            let passed = play(&mut limiter, &steps, &mut |_, _, _, _| refusals += 1);
            prop_assert!(passed > 0 && refusals > 0, "{}: {passed} passed, {refusals} refused", config.name());
        }
    }

    /// Against a signed level in plain arithmetic: nothing is lost to rounding, and debt is the negative part.
    #[test]
    fn a_bucket_keeps_the_books(
        micro in 1u64..5_000_000_000, nanos in 1u64..100_000_000_000, capacity in 1u64..1_000,
        moves in proptest::collection::vec((0u64..5_000_000_000, 0u64..400, 0u64..=100), 1..100),
    ) {
        let rate = PerNanos { micro_count: micro, nanos };
        let mut b = TokenBucket::new(BucketConfig { rate, capacity }, Time::ZERO);
        let one = i128::from(nanos) * 1_000_000;
        let full = i128::from(capacity) * one;
        let (mut level, mut now) = (full, Time::ZERO);
        for (gap, n, back) in moves {
            now += Span(gap);
            level = (level + i128::from(gap) * i128::from(micro)).min(full);
            b.count(now, n);
            level -= i128::from(n) * one;
            let back = n * back / 100;
            b.give_back(now, back);
            level = (level + i128::from(back) * one).min(full);
            prop_assert_eq!(i128::from(b.available(now)), level.max(0) / one);
            prop_assert_eq!(i128::from(b.owed(now)), ((-level).max(0) + one - 1) / one);
        }
    }

    /// What meters let through never exceeds their limit: per window of the clock, per open window, per any window.
    #[test]
    fn no_window_holds_more_than_its_limit(
        limit in 1u64..50, moves in proptest::collection::vec((0u64..700_000_000, 1u64..20), 1..200),
    ) {
        let window = Span::from_secs(1);
        let config = WindowConfig { limit, window };
        let mut fixed = FixedWindow::new(config, EPOCH);
        let mut anchored = AnchoredWindow::new(config);
        let mut log = SlidingLog::new(config);
        let mut counter = SlidingCounter::new(config, EPOCH);
        let passed = |m: &mut dyn Meter| {
            let mut now = Time::ZERO;
            moves.iter().filter_map(|&(gap, n)| {
                now += Span(gap);
                m.try_count(now, n).then_some((now, n))
            }).collect::<Vec<_>>()
        };
        let of_clock = |t: Time| (t.nanos() + EPOCH.nanos()) / window.nanos();
        let sum_if = |list: &[(Time, u64)], within: &dyn Fn(Time) -> bool| -> u64 {
            list.iter().filter(|(t, _)| within(*t)).map(|(_, n)| n).sum()
        };
        for list in [passed(&mut fixed), passed(&mut counter)] {
            for &(t, _) in &list {
                prop_assert!(sum_if(&list, &|u| of_clock(u) == of_clock(t)) <= limit);
            }
        }
        let list = passed(&mut log);
        for &(t, _) in &list {
            prop_assert!(sum_if(&list, &|u| u <= t && t.since(u) < window) <= limit);
        }
        let list = passed(&mut anchored);
        let mut opened: Option<Time> = None;
        for &(t, _) in &list {
            if opened.is_none_or(|o| t.since(o) > window) {
                opened = Some(t);
                prop_assert!(sum_if(&list, &|u| u >= t && u.since(t) <= window) <= limit);
            }
        }
    }
}

/// A request that even an idle limiter refuses is known before anything runs; one that fits is not blamed.
#[test]
fn what_never_fits_is_known_beforehand() {
    let huge = Ask { input: 50_000, cached: 0, max_output: 50_000 };
    let small = Ask { input: 10, cached: 0, max_output: 10 };
    for config in all() {
        assert_eq!(config.never_admits(&small), None, "{}", config.name());
        let always_lets_one_in = matches!(
            config,
            LimiterConfig::AzureOpenAi(_)
                | LimiterConfig::AzureProvisioned(_)
                | LimiterConfig::EnvoyRateLimit(_)
                | LimiterConfig::EnvoyAiGateway(_)
        );
        assert_eq!(config.never_admits(&huge).is_none(), always_lets_one_in, "{}", config.name());
    }
}

#[test]
#[should_panic(expected = "INV-5")]
fn a_grant_is_settled_once() {
    let mut limiter = Limiter::new(&all()[0], Time::ZERO, EPOCH);
    let grant = limiter.admit(Time::ZERO, &Ask { input: 1, cached: 0, max_output: 1 }).unwrap();
    limiter.settle(Time::ZERO, grant, &Usage::NOTHING);
    limiter.settle(Time::ZERO, grant, &Usage::NOTHING);
}
