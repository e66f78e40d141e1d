//! The rules of the source as worked examples, and what holds for every tree.

use super::circuit::CircuitConfig;
use super::config::{MAX_DEPTH, MAX_TARGETS};
use super::{
    Clause, Command, Condition, Config, ConfigError, Context, End, Mode, Query, Retry, Router, Settings, Strategy,
    Target, Test, Value, What, Why,
};
use crate::routing::balance::tests::Tape;
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::routing::reason::{Reason, Silent};
use crate::units::{DeploymentIx, Span, Time};

fn leaf(d: usize) -> Target {
    let what = What::Deployment { deployment: DeploymentIx::new(d), degraded: false };
    Target { name: format!("d{d}"), weight: 1.0, settings: Settings::default(), what }
}

fn weighted(d: usize, weight: f64) -> Target {
    Target { weight, ..leaf(d) }
}

fn node(name: &str, mode: Mode, targets: Vec<Target>) -> Target {
    let what = What::Strategy(Strategy { mode, targets });
    Target { name: name.to_owned(), weight: 1.0, settings: Settings::default(), what }
}

fn with(settings: Settings, target: Target) -> Target {
    Target { settings, ..target }
}

fn fallback(codes: Option<&[u16]>) -> Mode {
    Mode::Fallback { on_status_codes: codes.map(<[u16]>::to_vec) }
}

fn retry(attempts: u32) -> Settings {
    Settings { retry: Some(Retry { attempts, ..Retry::default() }), ..Settings::default() }
}

fn at(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

fn router(root: Target) -> Router {
    Router::new(&Config { root }).unwrap_or_else(|e| panic!("{e}"))
}

/// What each call of a deployment answers: a class of errors, or nothing wrong.
type Answers<'a> = &'a dyn Fn(usize) -> Option<ErrorClass>;

/// One request, each of whose calls takes a second: whom it called and when, and how it ended.
fn play(router: &mut Router, start: Time, context: &Context, draws: &[f64], answers: Answers<'_>) -> Played {
    play_after(router, start, context, draws, answers, None)
}

#[derive(PartialEq, Debug)]
struct Played {
    calls: Vec<(u64, usize)>,
    end: Option<End>,
}

fn play_after(
    router: &mut Router,
    start: Time,
    context: &Context,
    draws: &[f64],
    answers: Answers<'_>,
    retry_after: Option<Span>,
) -> Played {
    let mut entropy = Tape(draws.to_vec());
    let mut now = start;
    let mut played = Played { calls: Vec::new(), end: None };
    let (mut journey, mut command) = router.on_request(now, context, &mut entropy, &mut Silent);
    loop {
        command = match command {
            Command::Attempt { deployment, .. } => {
                played.calls.push((now.since(Time::ZERO).nanos() / 1_000_000_000, deployment.ix()));
                let sent = now;
                now += Span::from_secs(1);
                let failed = |class| Observation::failed(sent, class, retry_after);
                let fine = Observation { outcome: Outcome::Ok, ..failed(ErrorClass::Timeout) };
                let seen = answers(deployment.ix()).map_or(fine, failed);
                router.on_outcome(now, &mut journey, context, &seen, &mut entropy, &mut Silent).0
            }
            Command::Wait { until } => {
                assert!(until > now, "no pause goes back");
                now = until;
                router.on_timeout(now, &mut journey, context, &mut entropy, &mut Silent).0
            }
            Command::Succeed => return played,
            Command::Fail { end } => {
                played.end = Some(end);
                return played;
            }
        };
    }
}

fn plain(router: &mut Router, draws: &[f64], answers: Answers<'_>) -> Vec<usize> {
    play(router, Time::ZERO, &Context::default(), draws, answers).calls.iter().map(|c| c.1).collect()
}

/// `handlerUtils.ts`, LOADBALANCE: r = random · sum of weights; the first target with r < weight, else r -= weight.
#[test]
fn portkey_loadbalance_walks_the_running_sum() {
    let mut r = router(node("root", Mode::LoadBalance, vec![weighted(0, 1.0), weighted(1, 0.0), weighted(2, 3.0)]));
    let pick = |r: &mut Router, u: f64| plain(r, &[u], &|_| None);
    assert_eq!([0.0, 0.24, 0.25, 0.99].map(|u| pick(&mut r, u)), [[0], [0], [2], [2]].map(|c| c.to_vec()));
    let down = play(&mut r, Time::ZERO, &Context::default(), &[0.0], &|_| Some(ErrorClass::Unavailable));
    let calls = vec![(0, 0)];
    assert_eq!(down, Played { calls, end: Some(End::Call(ErrorClass::Unavailable)) }, "nobody else is tried");
}

/// `handlerUtils.ts`, FALLBACK: without codes until an answer is successful; with codes while the status is one of them.
#[test]
fn portkey_fallback_with_and_without_status_codes() {
    let tree = |codes| router(node("root", fallback(codes), vec![leaf(0), leaf(1), leaf(2)]));
    let answers = |d: usize| match d {
        0 => Some(ErrorClass::RateLimited),
        1 => Some(ErrorClass::BadRequest),
        _ => None,
    };
    assert_eq!(plain(&mut tree(None), &[], &answers), [0, 1, 2]);
    let some = play(&mut tree(Some(&[429, 503])), Time::ZERO, &Context::default(), &[], &answers);
    assert_eq!(some, Played { calls: vec![(0, 0), (1, 1)], end: Some(End::Call(ErrorClass::BadRequest)) });
    assert_eq!(plain(&mut tree(Some(&[503])), &[], &answers), [0]);
    let all = play(&mut tree(None), Time::ZERO, &Context::default(), &[], &|d| {
        Some([ErrorClass::Unauthorized, ErrorClass::NotFound, ErrorClass::Unavailable][d])
    });
    assert_eq!(all.end, Some(End::Call(ErrorClass::Unavailable)), "the last answer is the answer");
}

/// A fallback of two groups that share their load: one target of each, and the outer list decides about the inner answer.
#[test]
fn portkey_strategies_nest() {
    let tree = |inner: Option<&[u16]>| {
        node(
            "root",
            fallback(Some(&[503])),
            vec![
                node("near", fallback(inner), vec![leaf(0), leaf(1)]),
                node("far", Mode::LoadBalance, vec![leaf(2), leaf(3)]),
                node("last", Mode::Single, vec![leaf(4)]),
            ],
        )
    };
    let down = |_| Some(ErrorClass::Unavailable);
    assert_eq!(plain(&mut router(tree(None)), &[0.5], &down), [0, 1, 3, 4]);
    // the inner list ends its own fallback only
    assert_eq!(plain(&mut router(tree(Some(&[429]))), &[0.0], &down), [0, 2, 4]);
    // an answer that the outer list does not name ends the whole
    assert_eq!(plain(&mut router(tree(None)), &[], &|_| Some(ErrorClass::RateLimited)), [0, 1]);
}

/// `requestContext.ts`, `retryHandler.ts`: settings are inherited, the nearest counts as a whole; every target has its own
/// retries and pauses.
#[test]
fn portkey_settings_are_inherited_and_retries_begin_anew_for_each_target() {
    let root = with(retry(2), node("root", fallback(None), vec![leaf(0), with(retry(1), leaf(1)), leaf(2)]));
    let p = play(&mut router(root), Time::ZERO, &Context::default(), &[], &|_| Some(ErrorClass::Unavailable));
    let calls = vec![(0, 0), (2, 0), (5, 0), (6, 1), (8, 1), (9, 2), (11, 2), (14, 2)];
    assert_eq!(p.calls, calls, "1 s and 2 s, 1 s, 1 s and 2 s between calls of 1 s");
}

/// `retryHandler.ts`: a time-out of the gateway is 408, which no list names by default; without a time-out of its own, and for
/// connections, there is no status, so the call is tried again and ends as 500 or 503.
#[test]
fn portkey_time_outs_are_408_and_broken_connections_have_no_status() {
    let one = |timeout: Option<u64>, codes: &[u16]| {
        let settings = Settings { request_timeout: timeout.map(Span::from_secs), ..retry(1) };
        router(with(settings, node("root", fallback(Some(codes)), vec![leaf(0), leaf(1)])))
    };
    let calls = |timeout, codes: &[u16], class| plain(&mut one(timeout, codes), &[], &|_| Some(class));
    assert_eq!(calls(Some(1), &[408], ErrorClass::Timeout), [0, 1], "not tried again, but fallen back from");
    assert_eq!(calls(Some(1), &[500, 503], ErrorClass::Timeout), [0]);
    assert_eq!(calls(None, &[500], ErrorClass::Timeout), [0, 0, 1, 1]);
    assert_eq!(calls(None, &[503], ErrorClass::ConnectionFailed), [0, 0, 1, 1]);
    assert_eq!(calls(None, &[500], ErrorClass::ConnectionFailed), [0, 0]);
}

/// `retryHandler.ts`: the wait for a Retry-After is made even after the last attempt; one of 60 s ends the retries.
#[test]
fn portkey_waits_for_retry_after_even_in_vain() {
    let heeding = |attempts| Settings {
        retry: Some(Retry { attempts, use_retry_after_header: true, ..Retry::default() }),
        ..Settings::default()
    };
    let run = |attempts, asked| {
        let mut r = router(with(heeding(attempts), node("root", fallback(None), vec![leaf(0), leaf(1)])));
        let limited = |_| Some(ErrorClass::RateLimited);
        play_after(&mut r, Time::ZERO, &Context::default(), &[], &limited, Some(Span::from_secs(asked))).calls
    };
    assert_eq!(run(1, 20), [(0, 0), (21, 0), (42, 1), (63, 1)]);
    assert_eq!(run(1, 60), [(0, 0), (1, 1)]);
    assert_eq!(run(5, 25), [(0, 0), (26, 0), (52, 0), (53, 1), (79, 1), (105, 1)], "25 + 25 + 25 are more than 60");
}

fn by_tier(default: Option<usize>) -> Target {
    let equal =
        |v: &str| Query(vec![Clause::Field("metadata.tier".to_owned(), vec![Test::Equal(Value::Text(v.to_owned()))])]);
    let conditions = vec![Condition { query: equal("paid"), then: 1 }, Condition { query: equal("free"), then: 0 }];
    node("root", Mode::Conditional { conditions, default }, vec![leaf(0), leaf(1), leaf(2)])
}

fn tier(name: &str) -> Context {
    Context { params: Vec::new(), metadata: vec![("tier".to_owned(), name.to_owned())] }
}

/// `conditionalRouter.ts`: the first condition that holds, else the default, else an error that no fallback catches.
#[test]
fn portkey_conditions_lead_to_targets_by_name() {
    let run = |root: Target, context: &Context| play(&mut router(root), Time::ZERO, context, &[], &|_| None);
    assert_eq!(run(by_tier(None), &tier("paid")).calls, [(0, 1)]);
    assert_eq!(run(by_tier(None), &tier("free")).calls, [(0, 0)]);
    assert_eq!(run(by_tier(Some(2)), &tier("trial")).calls, [(0, 2)]);
    let above = node("above", fallback(None), vec![by_tier(None), leaf(5)]);
    assert_eq!(run(above, &tier("trial")), Played { calls: vec![], end: Some(End::NoMatch) });
}

const CIRCUIT: CircuitConfig = CircuitConfig {
    failure_threshold: Some(1),
    failure_threshold_percentage: None,
    minimum_requests: 0,
    cooldown_interval: Span::from_secs(30),
    failure_status_codes: None,
};

/// "Circuit breaker" (documentation, 2026): open targets are removed; if all are open, none is.
#[test]
fn portkey_open_circuits_are_left_out_unless_all_are_open() {
    let circuits = Settings { circuit: Some(CIRCUIT), ..Settings::default() };
    let tree = || with(circuits.clone(), node("root", fallback(None), vec![leaf(0), leaf(1)]));
    let mut r = router(tree());
    let calls = |r: &mut Router, s, answers: Answers<'_>| {
        let p = play(r, at(s), &Context::default(), &[0.0; 4], answers);
        p.calls.iter().map(|c| c.1).collect::<Vec<_>>()
    };
    let first_down = |d| (d == 0).then_some(ErrorClass::Unavailable);
    assert_eq!(calls(&mut r, 0, &first_down), [0, 1]);
    assert_eq!(calls(&mut r, 2, &first_down), [0, 1], "the second failure is more than one");
    assert!(!r.available(at(4), DeploymentIx::new(0)) && r.available(at(4), DeploymentIx::new(1)));
    assert_eq!(calls(&mut r, 4, &first_down), [1]);
    let down = |_| Some(ErrorClass::Unavailable);
    assert_eq!(calls(&mut r, 6, &down), [1]);
    assert_eq!(calls(&mut r, 8, &down), [1]);
    assert_eq!(calls(&mut r, 10, &down), [0, 1], "all are open, so none is left out");
    assert_eq!(calls(&mut r, 32, &first_down), [0, 1], "still both");
    assert_eq!(
        calls(&mut r, 33, &first_down),
        [0],
        "the first closes 30 s after it opened, the second 30 s after that"
    );
    assert_eq!(calls(&mut r, 39, &first_down), [1], "two failures since have opened the first again");
    // the rest of a load with no weight is nobody, and a fallback without a list goes on from there
    let spare = vec![leaf(0), weighted(1, 0.0)];
    let shared = node("shared", Mode::LoadBalance, spare.clone());
    let mut r = router(with(circuits.clone(), node("root", fallback(None), vec![shared, leaf(2)])));
    assert_eq!([calls(&mut r, 0, &first_down), calls(&mut r, 2, &first_down)], [[0, 2], [0, 2]]);
    assert_eq!(calls(&mut r, 4, &first_down), [2]);
    let mut r = router(with(circuits, node("root", Mode::LoadBalance, spare)));
    assert_eq!([calls(&mut r, 0, &first_down), calls(&mut r, 2, &first_down)], [[0], [0]]);
    let p = play(&mut r, at(4), &Context::default(), &[], &|_| None);
    assert_eq!(p, Played { calls: vec![], end: Some(End::NoTarget) }, "and nothing is drawn");
    // targets of conditional strategies have no circuits
    let circuits = Settings { circuit: Some(CIRCUIT), ..Settings::default() };
    let mut r = router(with(circuits, by_tier(Some(0))));
    for i in 0..5 {
        assert_eq!(calls(&mut r, 2 * i, &down), [0]);
    }
}

#[test]
fn an_answer_that_breaks_off_is_final_and_no_failure_of_the_target() {
    let circuits = Settings { circuit: Some(CIRCUIT), ..retry(5) };
    let mut r = router(with(circuits, node("root", fallback(None), vec![leaf(0), leaf(1)])));
    let mut none = Tape(vec![]);
    for i in 0..4 {
        let (mut journey, _) = r.on_request(at(i), &Context::default(), &mut none, &mut Silent);
        let broken = Observation {
            first_token: Some(at(i)),
            streamed: true,
            ..Observation::failed(at(i), ErrorClass::ConnectionFailed, None)
        };
        let (command, opened) = r.on_outcome(at(i), &mut journey, &Context::default(), &broken, &mut none, &mut Silent);
        assert_eq!(command, Command::Fail { end: End::Call(ErrorClass::ConnectionFailed) });
        assert!(!opened && r.available(at(i), DeploymentIx::new(0)));
    }
}

#[test]
fn trees_that_could_never_serve_are_refused() {
    let refused = |root: Target| Router::new(&Config { root }).map(|_| ()).unwrap_err();
    let n = "root".to_owned();
    assert_eq!(refused(node("root", Mode::Single, vec![])), ConfigError::NoTargets(n.clone()));
    let many = (0..=MAX_TARGETS).map(leaf).collect();
    assert_eq!(refused(node("root", Mode::LoadBalance, many)), ConfigError::ManyTargets(n.clone()));
    let zero = vec![weighted(0, 0.0), weighted(1, 0.0)];
    assert_eq!(refused(node("root", Mode::LoadBalance, zero)), ConfigError::ZeroWeights(n.clone()));
    let bad = vec![weighted(0, -1.0), leaf(1)];
    assert_eq!(refused(node("root", Mode::LoadBalance, bad)), ConfigError::BadWeight("d0".to_owned()));
    assert_eq!(refused(node("root", fallback(Some(&[])), vec![leaf(0)])), ConfigError::NeverFallsBack(n.clone()));
    let conditional = |conditions, default| node("root", Mode::Conditional { conditions, default }, vec![leaf(0)]);
    assert_eq!(refused(conditional(vec![], Some(0))), ConfigError::NoConditions(n.clone()));
    let then = |then| vec![Condition { query: Query::default(), then }];
    assert_eq!(refused(conditional(then(1), None)), ConfigError::NoSuchTarget(n.clone()));
    assert_eq!(refused(conditional(then(0), Some(1))), ConfigError::NoSuchTarget(n.clone()));
    assert_eq!(refused(with(retry(6), leaf(0))), ConfigError::ManyRetries("d0".to_owned()));
    let timeout = Settings { request_timeout: Some(Span::ZERO), ..Settings::default() };
    assert_eq!(refused(with(timeout, leaf(0))), ConfigError::NoTime("d0".to_owned()));
    let circuit = |c| with(Settings { circuit: Some(c), ..Settings::default() }, leaf(0));
    let d0 = "d0".to_owned();
    let never = CircuitConfig { failure_threshold: None, ..CIRCUIT };
    assert_eq!(refused(circuit(never.clone())), ConfigError::NeverOpens(d0.clone()));
    let whole = CircuitConfig { failure_threshold_percentage: Some(100.0), ..never };
    assert_eq!(refused(circuit(whole)), ConfigError::NeverOpens(d0.clone()), "more than all never fail");
    let none = CircuitConfig { failure_status_codes: Some(vec![]), ..CIRCUIT };
    assert_eq!(refused(circuit(none)), ConfigError::NeverOpens(d0.clone()));
    let short = CircuitConfig { cooldown_interval: Span::from_secs(29), ..CIRCUIT };
    assert_eq!(refused(circuit(short)), ConfigError::ShortCooldown(d0));
    let nested = |depth| (0..depth).fold(leaf(0), |t, i| node(&format!("n{i}"), Mode::Single, vec![t]));
    assert_eq!(refused(nested(MAX_DEPTH + 1)), ConfigError::TooDeep("n0".to_owned()));
    assert_eq!(plain(&mut router(nested(MAX_DEPTH)), &[], &|_| None), [0]);
}

/// Every request of every tree ends, with bounded calls, all of them of deployments that it can reach.
#[test]
fn every_request_ends_within_its_tree() {
    let mut seed = 7_u64;
    let mut next = move || {
        // a linear congruential generator (Knuth, MMIX): which trees are drawn does not matter
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    fn tree(next: &mut dyn FnMut() -> usize, depth: usize, leaves: &mut usize) -> Target {
        let settings = Settings {
            retry: next().is_multiple_of(3).then(|| Retry {
                attempts: next() as u32 % 6,
                use_retry_after_header: next().is_multiple_of(2),
                ..Retry::default()
            }),
            request_timeout: next().is_multiple_of(2).then_some(Span::from_secs(5)),
            circuit: next().is_multiple_of(3).then_some(CIRCUIT),
        };
        if depth == 4 || next().is_multiple_of(3) {
            *leaves += 1;
            return with(settings, leaf(next() % 6));
        }
        let n = 1 + next() % 4;
        let mode = match next() % 4 {
            0 => Mode::Single,
            1 => Mode::LoadBalance,
            2 => fallback(next().is_multiple_of(2).then_some(&[408, 429, 503])),
            _ => match by_tier(Some(0)).what {
                What::Strategy(Strategy { mode: Mode::Conditional { mut conditions, .. }, .. }) => {
                    conditions.iter_mut().for_each(|c| c.then = next() % n);
                    Mode::Conditional { conditions, default: next().is_multiple_of(2).then_some(n - 1) }
                }
                _ => unreachable!("it is conditional"),
            },
        };
        with(settings, node("n", mode, (0..n).map(|_| tree(next, depth + 1, leaves)).collect()))
    }
    let classes = [None, Some(ErrorClass::RateLimited), Some(ErrorClass::Unavailable), Some(ErrorClass::Timeout)];
    let (mut ends, mut calls) = ([0; 4], 0);
    for round in 0..600 {
        let mut leaves = 0;
        let mut r = router(tree(&mut next, 0, &mut leaves));
        for request in 0..8 {
            let context = tier(["paid", "free", "trial"][next() % 3]);
            let reach = r.reach(Some(&context));
            let faults: Vec<_> = (0..6).map(|_| classes[next() % 4]).collect();
            let draws: Vec<f64> = (0..64).map(|_| (next() % 1000) as f64 / 1000.0).collect();
            let asked = next().is_multiple_of(2).then_some(Span::from_secs(next() as u64 % 70));
            let p = play_after(&mut r, at(1000 * (8 * round + request)), &context, &draws, &|d| faults[d], asked);
            assert!(p.calls.len() <= 6 * leaves, "{} calls of {leaves} targets", p.calls.len());
            for (_, d) in &p.calls {
                assert!(reach.deployments.contains(&DeploymentIx::new(*d)), "{d} is not among {reach:?}");
            }
            if let Some((_, d)) = p.calls.first().filter(|_| request == 0) {
                assert!(reach.first.contains(&DeploymentIx::new(*d)), "{d} is not first in {reach:?}");
            }
            if p.end == Some(End::NoMatch) {
                assert!(reach.unmatched.is_some());
            }
            calls += p.calls.len();
            ends[match p.end {
                None => 0,
                Some(End::Call(_)) => 1,
                Some(End::NoMatch) => 2,
                Some(End::NoTarget) => 3,
            }] += 1;
        }
    }
    assert!(calls > 4000 && ends[..3].iter().all(|n| *n > 100), "{calls} calls, ends {ends:?}");
}

#[test]
fn reasons_tell_the_way_through_the_tree() {
    let circuits = Settings { circuit: Some(CIRCUIT), ..Settings::default() };
    let mut r = router(with(circuits, node("root", fallback(Some(&[503])), vec![leaf(0), leaf(1)])));
    let mut none = Tape(vec![]);
    let mut reasons: Vec<Reason> = Vec::new();
    for _ in 0..2 {
        reasons.clear();
        let (mut j, _) = r.on_request(at(0), &Context::default(), &mut none, &mut reasons);
        let failed = Observation::failed(at(0), ErrorClass::Unavailable, None);
        let (command, _) = r.on_outcome(at(1), &mut j, &Context::default(), &failed, &mut none, &mut reasons);
        assert!(matches!(command, Command::Attempt { deployment: DeploymentIx(1), fallback: true, .. }), "{command:?}");
    }
    let (first, second) = (super::TargetIx(1), super::TargetIx(2));
    assert_eq!((r.name(first), r.name(second)), ("d0", "d1"));
    let deployment = DeploymentIx::new(0);
    let told: Vec<Why> = reasons
        .iter()
        .map(|r| match r {
            Reason::Portkey(why) => *why,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            Why::Entered { strategy: super::TargetIx(0), mode: "fallback" },
            Why::Counted { deployment, failures: 1, answers: 1 },
            Why::Called { deployment, target: first },
            Why::NotRetried,
            Why::Answered { status: Some(503) },
            Why::Opened { deployment, until: at(31), failures: 2, answers: 2 },
            Why::FellBack { target: second },
            Why::Called { deployment: DeploymentIx::new(1), target: second },
        ]
    );
}
