//! gRPC's hedging (proposal A6): three deployments in a fixed order, all of whose calls may race.

use super::*;
use geodes::routing::outcome::ErrorSet;
use geodes::routing::retry::budget::GrpcThrottleConfig;
use geodes::units::RegionIx;

/// Deployments that are called one after the other, each when those before it have not begun to answer for `delay_ms`.
fn grpc(output: u32, delay_ms: u64, attempts: u32, models: &[Model]) -> Scenario {
    let mut s = race_of(output, Hedging::Grpc { delay: Span::from_millis(delay_ms) }, models);
    s.topologies[0].retry.attempts_per_pool = attempts;
    s.topologies[0].chain[0].choose = Choose::InOrder;
    s
}

/// What happened in each turn, with milliseconds since it began.
fn logged(s: &Scenario) -> Vec<Vec<(u64, Happening)>> {
    let mut run = Run::new(s, 0, Seed { seed: 1, replication: 0 });
    run.keep_log();
    run.advance_observed(&mut |_, _, _, _| ());
    let (_, log) = run.finish_with_log();
    let mut turns: BTreeMap<EntityKey, Vec<(u64, Happening)>> = BTreeMap::new();
    for entry in &log {
        turns.entry(entry.session).or_default().push((entry.at.nanos() / 1_000_000, entry.what));
    }
    assert_eq!(turns.len() as u64, TURNS);
    let since_first = |turn: Vec<(u64, Happening)>| {
        let first = turn[0].0;
        turn.into_iter().map(|(at, what)| (at - first, what)).collect()
    };
    turns.into_values().map(since_first).collect()
}

/// Milliseconds at which calls go out, and to whom.
fn sent(turn: &[(u64, Happening)]) -> Vec<(u64, u16)> {
    let call = |(at, what): &(u64, Happening)| match what {
        Happening::Obeyed(Command::Attempt(a)) => Some((*at, a.deployment.0)),
        Happening::Hedged { deployment } => Some((*at, deployment.0)),
        _ => None,
    };
    turn.iter().filter_map(call).collect()
}

fn all_ends(r: &Record) -> Vec<(u64, u64, u64, u64)> {
    r.deployments.iter().map(ends).collect()
}

const FAST: Model = (0.2, 0.01, 0);
const SLOW: Model = (5.0, 0.01, 0);

/// Sent at 0, 0.2 and 0.4 s. The first begins at 1.0 s far away, where it hears at 1.8 s that it has lost to the third, whose
/// first token came at 1.3 s: nine tokens. The second would begin at 2.2 s. A fourth attempt there is not.
#[test]
fn three_calls_race_and_the_losers_are_paid_for() {
    let s = grpc(21, 200, 3, &[(0.5, 0.1, 1000), (2.0, 0.1, 0), (0.9, 0.01, 0), FAST]);
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r), (1300, 1500));
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0), (0, 0, 0, 0)]);
    assert_eq!(r.usage.input_tokens, [INPUT * TURNS, INPUT * TURNS, INPUT * TURNS, 0]);
    assert_eq!(r.usage.output_tokens, [9 * TURNS, 0, 21 * TURNS, 0]);
    for turn in logged(&s) {
        assert_eq!(sent(&turn), [(0, 0), (200, 1), (400, 2)]);
        let ended: Vec<_> = turn.iter().filter(|(at, _)| *at >= 1300).map(|(at, what)| (*at, *what)).collect();
        let given_up = |d| (1300, Happening::GivenUp { deployment: DeploymentIx(d) });
        let ok = Happening::Ended { deployment: DeploymentIx(2), outcome: Outcome::Ok };
        assert_eq!(ended, [given_up(0), given_up(1), (1500, ok), (1500, Happening::Obeyed(Command::Succeed))]);
    }
}

#[test]
fn without_a_delay_all_go_out_at_once_and_the_fastest_wins() {
    let r = run(&grpc(11, 0, 3, &[SLOW, FAST, (0.7, 0.01, 0)]), 0, 0);
    assert_eq!(latencies_ms(&r), (200, 300));
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0), (TURNS, 0, 0, TURNS)]);
}

/// The second call goes out at 0.5 s and fails at 0.6 s, from where the delay counts anew.
#[test]
fn a_failure_that_is_not_fatal_sends_the_next_at_once() {
    let mut s = grpc(11, 500, 4, &[SLOW, (1.0, 0.01, 100), SLOW, FAST]);
    s.deployments[1].error_rate = 1.0;
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r), (1300, 1400));
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, 0, TURNS, 0), (TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0)]);
    assert!(logged(&s).iter().all(|turn| sent(turn) == [(0, 0), (500, 1), (600, 2), (1100, 3)]));
    // the same when the only call that is out fails
    s.deployments.swap(0, 1);
    s.place_links.swap(0, 1);
    let (a, b) = (s.deployments[0].place, s.deployments[1].place);
    (s.deployments[0].place, s.deployments[1].place) = (b, a);
    assert!(logged(&s).iter().all(|turn| sent(turn) == [(0, 0), (100, 1), (600, 2), (1100, 3)]));
}

#[test]
fn a_fatal_failure_ends_all() {
    let mut s = grpc(11, 500, 3, &[SLOW, (1.0, 0.01, 100), FAST]);
    s.deployments[1].error_rate = 1.0;
    s.deployments[1].error = ErrorClass::BadRequest;
    s.topologies[0].retry.on = ErrorSet::of(&[ErrorClass::Unavailable]);
    let r = run(&s, 0, 0);
    assert_eq!(r.failed(), TURNS);
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, 0, TURNS, 0), (0, 0, 0, 0)]);
    for turn in logged(&s) {
        let fails = Happening::Obeyed(Command::Fail { class: Some(ErrorClass::BadRequest) });
        assert_eq!(turn.last(), Some(&(600, fails)));
        assert!(turn.contains(&(600, Happening::GivenUp { deployment: DeploymentIx(0) })), "{turn:?}");
    }
    // what is fatal is what is not tried again
    s.deployments[1].error = ErrorClass::Unavailable;
    s.topologies[0].retry.on = ErrorSet::of(&[ErrorClass::Timeout]);
    assert_eq!(run(&s, 0, 0).failed(), TURNS);
}

/// A bucket of one request that fills in 62.5 s refuses every second turn, with a Retry-After: the next call goes out then,
/// not at once and not after the delay.
#[test]
fn a_retry_after_holds_the_next_call_back() {
    let rate = PerNanos { micro_count: 1_000_000, nanos: 62_500_000_000 };
    let bucket = PlainConfig { requests: Some(BucketConfig { rate, capacity: 1 }), tokens: None, retry_after: true };
    let limited = |models: &[Model], which: usize| {
        let mut s = grpc(11, 1000, 3, models);
        s.deployments[which].quota = Some(QuotaUse::own(LimiterConfig::TokenBucket(bucket)));
        s
    };
    let waits = |turn: &[(u64, Happening)]| {
        turn.iter().find_map(|(at, what)| match what {
            Happening::Ended { outcome: Outcome::Failed { retry_after: Some(wait), .. }, .. } => {
                Some((*at, wait.nanos() / 1_000_000))
            }
            _ => None,
        })
    };
    // beside a call that is out
    let s = limited(&[SLOW, SLOW, FAST], 1);
    let mut refused = 0;
    for turn in logged(&s) {
        let next = match waits(&turn) {
            Some((at, wait)) => {
                assert!(at == 1000 && wait > 1000 && wait < 3900, "{wait}");
                refused += 1;
                1000 + wait
            }
            None => 2000,
        };
        assert_eq!(sent(&turn), [(0, 0), (1000, 1), (next, 2)]);
    }
    assert!(refused >= 20, "{refused}");
    // with nothing out, the gateway waits
    let s = limited(&[SLOW, FAST, FAST], 0);
    for turn in logged(&s) {
        match waits(&turn) {
            Some((0, wait)) => assert_eq!(sent(&turn), [(0, 0), (wait, 1)]),
            other => assert_eq!((other, sent(&turn)), (None, vec![(0, 0), (1000, 1)])),
        }
    }
    assert_eq!(run(&s, 0, 0).failed(), 0);
}

/// Two tokens, of which more than one is needed: after one failure no further call goes out beside a first one, which is
/// never held back.
#[test]
fn throttled_hedges_are_not_sent() {
    let mut s = grpc(11, 500, 3, &[SLOW, (1.0, 0.01, 100), FAST]);
    s.deployments[1].error_rate = 1.0;
    let config = GrpcThrottleConfig { max_tokens: 2, ratio_thousandths: 0 };
    s.topologies[0].retry.budget = Some(BudgetConfig::Grpc(config));
    let r = run(&s, 0, 0);
    assert_eq!(r.failed(), 0);
    assert_eq!(all_ends(&r), [(TURNS, TURNS, 0, 0), (1, 0, 1, 0), (0, 0, 0, 0)]);
    // with nothing out, the failure is the answer
    s.topologies[0].chain[0].members.remove(0);
    let r = run(&s, 0, 0);
    assert_eq!(all_ends(&r), [(0, 0, 0, 0), (TURNS, 0, TURNS, 0), (0, 0, 0, 0)]);
    assert_eq!(r.failed(), TURNS);
}

/// A call that is due while nobody can be called is not made up for, but those after it are due when they would be.
#[test]
fn a_call_that_is_due_and_not_sent_is_passed_over() {
    let mut s = grpc(11, 500, 3, &[SLOW, SLOW, FAST]);
    // one in flight in all, until the first call is over: nobody has room
    s.topologies[0].chain[0].max_requests = Some(1);
    assert!(logged(&s).iter().all(|turn| sent(turn) == [(0, 0)] && turn.last().unwrap().0 == 5100));
}

#[test]
fn when_all_of_a_pool_have_failed_the_next_pool_follows_without_a_pause() {
    let mut s = grpc(11, 500, 2, &[(1.0, 0.01, 100), (1.0, 0.01, 100), SLOW, FAST]);
    s.deployments[0].error_rate = 1.0;
    s.deployments[1].error_rate = 1.0;
    let chain = &mut s.topologies[0].chain;
    let spare = chain[0].members.split_off(2);
    let mut second = chain[0].clone();
    (second.name, second.members) = ("spare".to_owned(), spare);
    chain.push(second);
    let r = run(&s, 0, 0);
    assert_eq!(all_ends(&r), [(TURNS, 0, TURNS, 0), (TURNS, 0, TURNS, 0), (TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0)]);
    assert!(logged(&s).iter().all(|turn| sent(turn) == [(0, 0), (100, 1), (200, 2), (700, 3)]));
}

/// From the first token on the turn is that call's: nothing races it any more, and nothing takes its place.
#[test]
fn the_first_token_commits() {
    let mut s = grpc(11, 500, 3, &[(0.4, 1.0, 0), FAST, FAST]);
    s.topologies[0].retry.total_timeout = Span::from_millis(1500);
    let r = run(&s, 0, 0);
    assert_eq!(r.failures[Failure::ModelTimeout as usize], TURNS);
    assert_eq!(all_ends(&r), [(TURNS, 0, TURNS, 0), (0, 0, 0, 0), (0, 0, 0, 0)]);
    // a whole answer commits when all of it is there
    s.workloads[0].streamed = false;
    let r = run(&s, 0, 0);
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0), (0, 0, 0, 0)]);
}

/// The gateway's region dies with three calls out: all are given up, and nothing is left behind (the run asserts it).
#[test]
fn a_region_dies_with_several_calls_out() {
    // the third is still on its way to its provider
    let mut s = grpc(11, 200, 3, &[SLOW, SLOW, (1.0, 0.01, 3000)]);
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_millis(900), lasts: Span::from_secs(1) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let given_up = |d| (900, Happening::GivenUp { deployment: DeploymentIx(d) });
    let cut_short = |turn: &Vec<(u64, Happening)>| turn.ends_with(&[given_up(0), given_up(1), given_up(2)]);
    assert_eq!(logged(&s).iter().filter(|turn| cut_short(turn)).count(), 1);
    let r = run(&s, 0, 0);
    // in all other turns the third wins, 4.4 s after they began
    assert_eq!(r.failed(), 1);
    assert_eq!(all_ends(&r), [(TURNS, 0, 0, TURNS), (TURNS, 0, 0, TURNS), (TURNS, TURNS - 1, 0, 1)]);
    assert_eq!(r.usage.input_tokens[2], INPUT * TURNS, "what was on its way arrives, and is paid for");
}

/// Two providers break while three calls are out: their failures are not fatal, the third answers.
#[test]
fn what_breaks_in_a_race_is_one_of_its_failures() {
    let mut s = grpc(11, 200, 3, &[(3.0, 0.01, 0), (3.0, 0.01, 0), (2.0, 0.01, 0)]);
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_millis(900), lasts: Span::from_secs(1) },
        what: FaultWhat::ProviderDown {
            deployments: vec![DeploymentIx(0), DeploymentIx(1)],
            error: ErrorClass::Unavailable,
        },
    });
    let r = run(&s, 0, 0);
    assert_eq!(r.failed(), 0);
    let (own, all) = (r.deployments[0].failed, TURNS);
    assert_eq!(own, 1);
    assert_eq!(all_ends(&r), [(all, 0, 1, all - 1), (all, 0, 1, all - 1), (all, all, 0, 0)]);
}

/// What each of several calls was granted by the gateway's own limits comes back when the race is over, whoever won.
#[test]
fn every_call_of_a_race_gives_back_what_it_holds() {
    let mut s = grpc(2, 100, 3, &[SLOW, FAST, SLOW]);
    let bucket = BucketConfig { rate: PerNanos { micro_count: 16_000_000, nanos: 60_000_000_000 }, capacity: 120 };
    let config = PlainConfig { requests: None, tokens: Some(bucket), retry_after: true };
    s.topologies[0].limits = (0..3).map(|d| (DeploymentIx::new(d), LimiterConfig::TokenBucket(config))).collect();
    for ttft in [0.25, 0.5, 0.05] {
        s.deployments[1].ttft = DistSpec::Constant(ttft);
        let r = run(&s, 0, 0);
        // a prompt and `max_tokens` of 120 tokens: what was not given back would be missing a minute later
        let calls = if ttft < 0.1 { [TURNS, TURNS, 0] } else { [TURNS; 3] };
        assert_eq!(r.deployments.iter().map(|d| d.attempts).collect::<Vec<_>>(), calls);
    }
}
