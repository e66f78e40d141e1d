//! The order of attempts, waits and fallbacks.

use super::*;
use crate::routing::balance::envoy::{EnvoyConfig, HostPolicy, LocalityPolicy};
use crate::routing::balance::tests::REQUEST;
use crate::routing::balance::{Choose, LeastRequestConfig, SelectivePushConfig};
use crate::routing::guard::{CooldownConfig, GuardConfig};
use crate::routing::limits::{BucketConfig, Limit, LimiterConfig, PlainConfig};
use crate::routing::outcome::{ErrorClass, ErrorSet};
use crate::routing::reason::Exclusion;
use crate::routing::retry::budget::{BudgetConfig, ConcurrentRetriesConfig, GrpcThrottleConfig};
use crate::routing::retry::{Backoff, Delay, Jitter};
use crate::routing::throttle::{SreConfig, ThrottleConfig};
use crate::units::PerNanos;

pub(super) struct Half;
impl Entropy for Half {
    fn uniform(&mut self) -> f64 {
        0.5
    }
}

pub(super) const UNAVAILABLE: Outcome = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };

pub(super) fn d(i: u16) -> DeploymentIx {
    DeploymentIx(i)
}

/// Pool 0 has deployments 0 (near) and 1 (far), pool 1 has deployment 2 (degraded).
pub(super) fn router(attempts_per_pool: u32, cooldown: Option<CooldownConfig>) -> Router {
    let member = |i, ms| crate::routing::balance::tests::member(i, 1.0, ms);
    let pool = |members, degraded| PoolConfig {
        members,
        localities: Vec::new(),
        choose: Choose::Nearest,
        degraded,
        max_requests: None,
    };
    let config = RouterConfig {
        chain: vec![pool(vec![member(0, 5), member(1, 90)], false), pool(vec![member(2, 5)], true)],
        attempts_per_pool,
        delay: Delay::Backoff(Backoff { base: Span::from_millis(200), cap: Span::from_secs(5), jitter: Jitter::Full }),
        hedging: None,
        budget: None,
        throttle: None,
        limits: LimitsConfig::default(),
        on: ErrorSet::of(&[ErrorClass::RateLimited, ErrorClass::Unavailable, ErrorClass::Timeout]),
        guards: cooldown.map(GuardConfig::Cooldown).into_iter().collect(),
        legal: vec![vec![false, true, false]],
    };
    Router::new(config, 3).unwrap()
}

pub(super) fn ended(outcome: Outcome) -> Observation {
    Observation { outcome, ..Observation::failed(Time::ZERO, ErrorClass::Unavailable, None) }
}

pub(super) fn attempt(c: Command) -> (u16, bool, bool) {
    let Command::Attempt { deployment, degraded, fallback } = c else { panic!("{c:?} is no attempt") };
    (deployment.0, degraded, fallback)
}

#[test]
fn same_model_elsewhere_then_another_provider() {
    let (mut r, mut j, now) = (router(2, None), Journey::new(None), Time(7));
    let mut why = Vec::new();
    assert_eq!(attempt(r.on_request(now, &mut j, &REQUEST, &mut Half, &mut why)), (0, false, false));
    assert_eq!(
        attempt(r.on_outcome(now, &mut j, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, &mut why).0),
        (1, false, true)
    );
    assert_eq!(
        attempt(r.on_outcome(now, &mut j, &REQUEST, d(1), &ended(UNAVAILABLE), &mut Half, &mut why).0),
        (2, true, true)
    );
    // the only member of the last pool is called once more after full jitter of 200 ms
    let wait = r.on_outcome(now, &mut j, &REQUEST, d(2), &ended(UNAVAILABLE), &mut Half, &mut why).0;
    assert_eq!(wait, Command::Wait { until: now + Span::from_millis(100) });
    assert_eq!(
        attempt(r.on_timeout(now + Span::from_millis(100), &mut j, &REQUEST, &mut Half, &mut why)),
        (2, true, true)
    );
    let end = r.on_outcome(now, &mut j, &REQUEST, d(2), &ended(UNAVAILABLE), &mut Half, &mut why).0;
    assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
    assert_eq!(why.last(), Some(&Reason::Exhausted));
    assert!(why.contains(&Reason::NextPool { pool: 1 }));
    assert_eq!((0..3).map(|i| r.in_flight(d(i))).sum::<u32>(), 0);
}

#[test]
fn an_error_outside_the_list_ends_the_request() {
    let (mut r, mut j) = (router(2, None), Journey::new(None));
    r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut reason_free());
    let bad = Outcome::Failed { class: ErrorClass::BadRequest, retry_after: None };
    let end = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(0), &ended(bad), &mut Half, &mut reason_free()).0;
    assert_eq!(end, Command::Fail { class: Some(ErrorClass::BadRequest) });
}

/// Used-up credit: no pause mends it, so the rest of the pool is tried, whom a pause does help is called again, and the next
/// pool follows, although attempts are left.
#[test]
fn whose_credit_is_used_up_is_not_called_again() {
    let with = |first: Outcome, second: Outcome| {
        let mut r = router(8, None);
        let on = [ErrorClass::QuotaExhausted, ErrorClass::Unavailable];
        r = Router::new(RouterConfig { on: ErrorSet::of(&on), ..r.config }, 3).unwrap();
        let (mut j, s) = (Journey::new(None), &mut reason_free());
        let mut now = Time::ZERO;
        let (mut called, mut command) = (Vec::new(), r.on_request(now, &mut j, &REQUEST, &mut Half, s));
        while called.len() < 12 {
            command = match command {
                Command::Attempt { deployment, .. } => {
                    called.push(deployment.0);
                    let outcome = [first, second, Outcome::Ok][deployment.ix()];
                    r.on_outcome(now, &mut j, &REQUEST, deployment, &ended(outcome), &mut Half, s).0
                }
                Command::Wait { until } => {
                    now = until;
                    r.on_timeout(now, &mut j, &REQUEST, &mut Half, s)
                }
                _ => break,
            };
        }
        assert_eq!(command, Command::Succeed);
        (called, now > Time::ZERO)
    };
    let spent = Outcome::Failed { class: ErrorClass::QuotaExhausted, retry_after: None };
    assert_eq!(with(spent, spent), (vec![0, 1, 2], false));
    assert_eq!(with(spent, UNAVAILABLE), (vec![0, 1, 1, 1, 1, 1, 1, 1, 2], true));
    assert_eq!(with(UNAVAILABLE, spent), (vec![0, 1, 0, 0, 0, 0, 0, 0, 2], true));
    assert_eq!(with(UNAVAILABLE, UNAVAILABLE), (vec![0, 1, 0, 1, 0, 1, 0, 1, 2], true));
}

fn reason_free() -> crate::routing::reason::Silent {
    crate::routing::reason::Silent
}

#[test]
fn what_cools_down_is_passed_over_and_a_chain_that_cools_down_wholly_is_tried_all_the_same() {
    let cooldown = CooldownConfig { failures: 1, time: Span::from_secs(30), rate_limited_at_once: true };
    let mut r = router(1, Some(cooldown));
    let s = &mut reason_free();
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (0, false, false));
    let (next, taken_out) = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, s);
    assert!(taken_out);
    assert_eq!(attempt(next), (2, true, true));
    r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(2), &ended(Outcome::Ok), &mut Half, s);
    // deployment 0 cools down: the next request starts at 1 and knows that this is a fallback
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (1, false, true));
    r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(1), &ended(UNAVAILABLE), &mut Half, s);
    // both of the first pool cool down: the second pool is a fallback from the start
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (2, true, true));
    r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(2), &ended(UNAVAILABLE), &mut Half, s);
    // now all three cool down
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (0, false, false));
    r.on_abandoned(Time::ZERO, &mut j, d(0));
    // and after the cool-down everything is as before
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time(30_000_000_000), &mut j, &REQUEST, &mut Half, s)), (0, false, false));
}

#[test]
fn a_longer_retry_after_beats_the_backoff() {
    let (mut r, mut j) = (router(4, None), Journey::new(None));
    let s = &mut reason_free();
    r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s);
    r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, s);
    let limited = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: Some(Span::from_secs(12)) };
    let wait = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(1), &ended(limited), &mut Half, s).0;
    assert_eq!(wait, Command::Wait { until: Time(12_000_000_000) });
    // after the pause everybody in the pool may be called again, nearest first: a retry, not a fallback
    assert_eq!(attempt(r.on_timeout(Time(12_000_000_000), &mut j, &REQUEST, &mut Half, s)), (0, false, false));
}

#[test]
fn residency_is_never_violated_not_even_in_panic() {
    let cooldown = CooldownConfig { failures: 1, time: Span::from_secs(30), rate_limited_at_once: true };
    let mut r = router(1, Some(cooldown));
    let s = &mut reason_free();
    for _ in 0..2 {
        let mut j = Journey::new(Some(0));
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)).0, 1);
        let end = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(1), &ended(UNAVAILABLE), &mut Half, s).0;
        assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
    }
}

#[test]
fn configurations_that_can_never_serve_are_refused() {
    let good = router(1, None).config().clone();
    let refused = |change: &dyn Fn(&mut RouterConfig)| {
        let mut c = good.clone();
        change(&mut c);
        Router::new(c, 3).err()
    };
    assert_eq!(refused(&|c| c.chain.clear()), Some(ConfigError::EmptyChain));
    assert_eq!(refused(&|c| c.chain[1].members.clear()), Some(ConfigError::EmptyPool(1)));
    assert_eq!(refused(&|c| c.attempts_per_pool = 0), Some(ConfigError::NoAttempts));
    assert_eq!(
        refused(&|c| {
            c.chain[0].choose = Choose::Weighted;
            c.chain[0].members.iter_mut().for_each(|m| m.weight = 0.0);
        }),
        Some(ConfigError::ZeroWeights(0))
    );
    assert_eq!(refused(&|_| ()), None);
}

#[test]
fn a_spent_budget_ends_a_request_after_its_first_attempt() {
    let config = RouterConfig {
        budget: Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE)),
        ..router(2, None).config().clone()
    };
    let mut r = Router::new(config, 3).unwrap();
    let why = &mut Vec::new();
    // 0 and 1, then the last pool twice: the fifth of ten tokens goes with the first failure of the second request
    let mut attempts = [0; 3];
    for count in &mut attempts {
        let mut j = Journey::new(None);
        let mut command = r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, why);
        loop {
            command = match command {
                Command::Attempt { deployment, .. } => {
                    *count += 1;
                    r.on_outcome(Time::ZERO, &mut j, &REQUEST, deployment, &ended(UNAVAILABLE), &mut Half, why).0
                }
                Command::Wait { until } => r.on_timeout(until, &mut j, &REQUEST, &mut Half, why),
                _ => break,
            };
        }
        assert_eq!(command, Command::Fail { class: Some(ErrorClass::Unavailable) });
    }
    assert_eq!(attempts, [4, 1, 1]);
    let left =
        why.iter().find_map(|r| if let Reason::BudgetSpent { left } = r { Some((left.value, left.of)) } else { None });
    assert_eq!(left, Some((5.0, Some(10.0))), "five failures of ten tokens");
}

#[test]
fn a_throttle_sheds_load_that_would_be_refused() {
    let config =
        RouterConfig { throttle: Some(ThrottleConfig::Sre(SreConfig::BOOK)), ..router(1, None).config().clone() };
    let mut r = Router::new(config, 3).unwrap();
    let s = &mut reason_free();
    let mut last = Command::Succeed;
    for _ in 0..3 {
        let mut j = Journey::new(None);
        last = r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s);
        while let Command::Attempt { deployment, .. } = last {
            last = r.on_outcome(Time::ZERO, &mut j, &REQUEST, deployment, &ended(UNAVAILABLE), &mut Half, s).0;
        }
    }
    // three calls refused: p = 3/4, and the next uniform is one half
    assert_eq!(last, Command::Shed);
}

/// One request per second to deployments 0 and 1.
fn limited(throttle: Option<ThrottleConfig>) -> Router {
    let bucket = BucketConfig { rate: PerNanos { micro_count: 1_000_000, nanos: 1_000_000_000 }, capacity: 1 };
    let limit = LimiterConfig::TokenBucket(PlainConfig { requests: Some(bucket), tokens: None, retry_after: false });
    let of = vec![(d(0), limit.clone()), (d(1), limit)];
    let limits = LimitsConfig { of, epoch: Span::ZERO };
    let mut config = RouterConfig { limits, throttle, ..router(2, None).config().clone() };
    config.chain.truncate(1);
    Router::new(config, 3).unwrap()
}

#[test]
fn a_deployment_at_the_gateways_limit_is_passed_over_and_nothing_is_sent_when_all_are() {
    let mut r = limited(None);
    let why = &mut Vec::new();
    let mut ask = |r: &mut Router, now: Time| {
        let mut j = Journey::new(None);
        let command = r.on_request(now, &mut j, &REQUEST, &mut Half, why);
        if let Command::Attempt { deployment, .. } = command {
            let done = r.on_outcome(now, &mut j, &REQUEST, deployment, &ended(Outcome::Ok), &mut Half, why).0;
            assert_eq!(done, Command::Succeed);
        }
        command
    };
    assert_eq!(attempt(ask(&mut r, Time::ZERO)), (0, false, false));
    assert_eq!(attempt(ask(&mut r, Time(1))), (1, false, true), "the favourite is passed over: a fallback");
    assert_eq!(ask(&mut r, Time(2)), Command::Fail { class: Some(ErrorClass::RateLimited) });
    assert_eq!(ask(&mut r, Time(3)), Command::Fail { class: Some(ErrorClass::RateLimited) });
    assert_eq!(attempt(ask(&mut r, Time(1_000_000_000))), (0, false, false), "a token has come back");
    let out = |until| Reason::Excluded {
        deployment: d(0),
        because: Exclusion::AtLimit { limit: Limit::Requests, until: Some(Time(until)) },
    };
    assert!(why.contains(&out(1_000_000_000)));
    assert_eq!(r.limits.unwrap().outstanding(), 0);
}

#[test]
fn what_is_granted_comes_back_however_a_call_ends() {
    let mut r = limited(Some(ThrottleConfig::Sre(SreConfig::BOOK)));
    let s = &mut reason_free();
    let (mut shed, mut given_up) = (0, 0);
    for i in 0..40 {
        let now = Time(i * 1_000_000_000);
        let mut j = Journey::new(None);
        let mut command = r.on_request(now, &mut j, &REQUEST, &mut Half, s);
        if i < 3
            && let Command::Attempt { deployment, .. } = command
            && let Some(Command::Attempt { deployment: second, .. }) = r.on_hedge(now, &mut j, &REQUEST, &mut Half, s)
        {
            r.on_abandoned(now, &mut j, deployment);
            r.on_abandoned(now, &mut j, second);
            given_up += 1;
            continue;
        }
        while let Command::Attempt { deployment, .. } = command {
            command = r.on_outcome(now, &mut j, &REQUEST, deployment, &ended(UNAVAILABLE), &mut Half, s).0;
        }
        if let Command::Wait { .. } = command {
            r.on_given_up(&mut j);
        }
        shed += u32::from(command == Command::Shed);
    }
    assert!(shed > 0 && given_up > 0, "{shed} {given_up}");
    assert_eq!(r.limits.unwrap().outstanding(), 0);
}

/// SkyWalker's limit on waiting is one of each pool: who has waited for the first as long as it may waits for the next.
#[test]
fn a_request_waits_for_room_in_each_pool_anew() {
    let patience = SelectivePushConfig {
        refresh: Span::from_secs(1),
        max_wait: Span::from_secs(3),
        ..SelectivePushConfig::EXAMPLE
    };
    let mut config = router(2, None).config().clone();
    config.chain.iter_mut().for_each(|p| p.choose = Choose::SelectivePush(patience));
    let mut r = Router::new(config, 3).unwrap();
    let full = LoadReport { at: Time::ZERO, waiting: 1, running: 9, utilisation: 10_000 };
    (0..3).for_each(|i| r.on_report(d(i), full));
    let s = &mut reason_free();
    let mut j = Journey::new(None);
    let mut command = r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s);
    let mut waits = Vec::new();
    while let Command::Wait { until } = command {
        waits.push((j.pool, until.nanos() / 1_000_000_000));
        command = r.on_timeout(until, &mut j, &REQUEST, &mut Half, s);
    }
    assert_eq!(waits, [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6)]);
    assert_eq!(command, Command::Shed);
}

/// One pool of one deployment, with a budget.
fn one_deployment(budget: BudgetConfig, cooldown: Option<CooldownConfig>) -> Router {
    let mut config = RouterConfig { budget: Some(budget), ..router(3, cooldown).config().clone() };
    config.chain.truncate(1);
    config.chain[0].members.truncate(1);
    Router::new(config, 3).unwrap()
}

/// Two requests are out and both fail. The second failure begins a cool-down, so the retry that the first has paid for
/// finds nobody after its pause.
#[test]
fn a_retry_that_finds_nobody_is_given_back() {
    let cooldown = CooldownConfig { failures: 2, time: Span::from_secs(1), rate_limited_at_once: true };
    let mut r = one_deployment(BudgetConfig::Concurrent(ConcurrentRetriesConfig::MAX_RETRIES), Some(cooldown));
    let s = &mut reason_free();
    for round in 0..5 {
        let now = Time(round * 2_000_000_000);
        let (mut a, mut b) = (Journey::new(None), Journey::new(None));
        r.on_request(now, &mut a, &REQUEST, &mut Half, s);
        r.on_request(now, &mut b, &REQUEST, &mut Half, s);
        let first = r.on_outcome(now, &mut a, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, s).0;
        let Command::Wait { until } = first else { panic!("round {round}: {first:?}, although nothing is out") };
        assert_eq!(r.outstanding(), 4, "a call, by deployment, by pool and in all, and the paid retry");
        assert!(r.on_outcome(now, &mut b, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, s).1);
        let end = r.on_timeout(until, &mut a, &REQUEST, &mut Half, s);
        assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
        assert_eq!(r.outstanding(), 0);
    }
}

/// After a gateway has died, another one takes the request for a new one: its first attempt there needs no budget.
#[test]
fn a_request_that_outlives_its_gateway_is_new_to_the_next() {
    let nothing = ConcurrentRetriesConfig { min_concurrency: 0, percent: 0 };
    let mut gateways = [0, 1].map(|_| one_deployment(BudgetConfig::Concurrent(nothing), None));
    let why = &mut Vec::new();
    let mut j = Journey::new(None);
    attempt(gateways[0].on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, why));
    let mut j = j.restart(None);
    attempt(gateways[1].on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, why));
    assert_eq!(j.attempts(), 2, "the address of draws goes on");
    assert_eq!(why.last(), Some(&Reason::Chosen { deployment: d(0), pool: 0, attempt: 1 }));
    assert_eq!(gateways[1].load, Load { active: 1, retries: 0 });
    let end = gateways[1].on_outcome(Time::ZERO, &mut j, &REQUEST, d(0), &ended(UNAVAILABLE), &mut Half, why).0;
    assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) }, "the budget has nothing for a retry");
    assert_eq!(gateways[1].outstanding(), 0);
}

/// gRPC proposal A6: the tokens go with failures that the policy names as retryable.
#[test]
fn a6_throttling_failures_of_the_request_cost_no_tokens() {
    let mut r = one_deployment(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE), None);
    let s = &mut reason_free();
    let mut fail = |class| {
        let mut j = Journey::new(None);
        r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s);
        let outcome = Outcome::Failed { class, retry_after: None };
        let end = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(0), &ended(outcome), &mut Half, s).0;
        r.on_given_up(&mut j);
        end
    };
    for _ in 0..20 {
        assert_eq!(fail(ErrorClass::BadRequest), Command::Fail { class: Some(ErrorClass::BadRequest) });
    }
    // five of ten tokens stop retries: the first four do not
    for _ in 0..4 {
        assert!(matches!(fail(ErrorClass::Unavailable), Command::Wait { .. }));
    }
    assert_eq!(fail(ErrorClass::Unavailable), Command::Fail { class: Some(ErrorClass::Unavailable) });
}

/// Nobody in the first pool has room, the second one cools down: the call in the panic goes to the second, which is a
/// fallback.
#[test]
fn a_pool_passed_over_in_a_panic_is_passed_over() {
    let cooldown = CooldownConfig { failures: 1, time: Span::from_secs(60), rate_limited_at_once: true };
    let config = RouterConfig {
        limits: limited(None).config().limits.clone(),
        guards: vec![GuardConfig::Cooldown(cooldown)],
        attempts_per_pool: 1,
        ..router(1, None).config().clone()
    };
    let mut r = Router::new(config, 3).unwrap();
    let s = &mut reason_free();
    // two requests use up the tokens of 0 and 1; both succeed
    for expected in [0, 1] {
        let mut j = Journey::new(None);
        let command = r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s);
        assert_eq!(attempt(command).0, expected);
        r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(expected), &ended(Outcome::Ok), &mut Half, s);
    }
    // the third fails in the last pool, which cools down
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (2, true, true));
    r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(2), &ended(UNAVAILABLE), &mut Half, s);
    let mut j = Journey::new(None);
    assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s)), (2, true, true));
}

/// Half an answer is with the user: nothing is tried in its stead, so nothing is paid for, paced or counted as sent.
#[test]
fn an_answer_that_breaks_off_after_its_first_token_ends_the_request() {
    let config = RouterConfig {
        budget: Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE)),
        throttle: Some(ThrottleConfig::Sre(SreConfig::BOOK)),
        ..router(2, None).config().clone()
    };
    let mut r = Router::new(config, 3).unwrap();
    let s = &mut Vec::new();
    let mut j = Journey::new(None);
    let (first, ..) = attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s));
    s.clear();
    let broken = Observation { first_token: Some(Time::ZERO), ..ended(UNAVAILABLE) };
    let next = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(first), &broken, &mut Half, s).0;
    assert_eq!(next, Command::Fail { class: Some(ErrorClass::Unavailable) });
    assert!(s.is_empty() && (0..3).all(|i| r.in_flight(d(i)) == 0), "{s:?}");
    assert_eq!((r.load, j.attempts()), (Load { active: 0, retries: 0 }, 1));
}

/// Policies that go by turns count calls, not choices: a retry that the budget refuses and a request that finds the pool
/// full leave every turn where it was.
#[test]
fn a_choice_that_is_not_sent_is_no_turn() {
    let weights = [1.0, 1.0, 2.0];
    let member = |i: u16| crate::routing::balance::tests::member(i, weights[usize::from(i)], 5);
    let first_calls = |choose, attempts, full: bool| {
        let mut config = RouterConfig {
            attempts_per_pool: attempts,
            budget: Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig { min_concurrency: 0, percent: 0 })),
            ..router(1, None).config().clone()
        };
        config.chain.truncate(1);
        config.chain[0] = PoolConfig {
            members: (0..3).map(member).collect(),
            localities: vec![crate::routing::balance::Locality { weight: 1.0, callers: 1.0, local: true }],
            choose,
            max_requests: full.then_some(1),
            ..config.chain[0].clone()
        };
        let (mut r, s) = (Router::new(config, 3).unwrap(), &mut reason_free());
        let mut called = Vec::new();
        for _ in 0..12 {
            let mut j = Journey::new(None);
            let (first, ..) = attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, s));
            if full {
                let mut other = Journey::new(None);
                assert_eq!(r.on_request(Time::ZERO, &mut other, &REQUEST, &mut Half, s), Command::Shed);
            }
            let end = r.on_outcome(Time::ZERO, &mut j, &REQUEST, d(first), &ended(UNAVAILABLE), &mut Half, s).0;
            assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
            called.push(first);
        }
        called
    };
    let weighted =
        |hosts| Choose::Envoy(EnvoyConfig { hosts, localities: LocalityPolicy::Weighted, ..EnvoyConfig::DEFAULT });
    let more = [HostPolicy::RoundRobin, HostPolicy::LeastRequest(LeastRequestConfig::ENVOY)].map(weighted);
    for choose in Choose::each().into_iter().chain(more) {
        let undisturbed = first_calls(choose, 1, false);
        assert_eq!(first_calls(choose, 2, false), undisturbed, "{}: a refused retry", choose.name());
        assert_eq!(first_calls(choose, 1, true), undisturbed, "{}: a full pool", choose.name());
    }
    assert_eq!(first_calls(Choose::RoundRobin, 2, true)[..4], [0, 1, 2, 0]);
}
