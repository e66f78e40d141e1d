//! Calls that race: who wins, what the loser counts as, and what it costs. Turns at fixed times, so that every figure is
//! exact.

mod common;
#[path = "hedging/grpc.rs"]
mod grpc;

use common::{attempts, one, with_rate};
use geodes::random::{EntityKey, Seed};
use geodes::routing::balance::Choose;
use geodes::routing::guard::{CooldownConfig, GuardConfig};
use geodes::routing::limits::{BucketConfig, LimiterConfig, PlainConfig};
use geodes::routing::outcome::{ErrorClass, Outcome};
use geodes::routing::retry::Hedging;
use geodes::routing::retry::budget::{BudgetConfig, FinagleConfig};
use geodes::routing::throttle::{SreConfig, ThrottleConfig};
use geodes::scenario::model::{Arrivals, DistSpec, Fault, FaultWhat, FaultWhen, QuotaUse, Scenario, Sizes, TraceRows};
use geodes::scenario::plain;
use geodes::study::replicate::{self, Unobserved};
use geodes::units::{DeploymentIx, PerNanos, Span};
use geodes::world::Run;
use geodes::world::failure::Failure;
use geodes::world::gateway::Command;
use geodes::world::log::Happening;
use geodes::world::record::DeploymentRecord;
use geodes::world::{Record, run};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many turns there are; each is alone.
const TURNS: u64 = 50;
/// Tokens of each prompt.
const INPUT: u64 = 7;

/// A deployment: seconds to the first token, seconds per further token, round trip to the gateway in milliseconds.
type Model = (f64, f64, u64);

/// Two deployments, of which the second is called when the first has not begun to answer after `hedge_ms`.
fn race(output: u32, hedge_ms: u64, models: [Model; 2]) -> Scenario {
    race_of(output, Hedging::OneMore { after: Span::from_millis(hedge_ms) }, &models)
}

/// Deployments whose calls race, with an attempt for each of two.
fn race_of(output: u32, hedging: Hedging, models: &[Model]) -> Scenario {
    let mut s = plain(models.len());
    let rows = (0..TURNS).map(|i| (Span::from_secs(60 * i), INPUT as u32, output)).collect();
    let trace = Arc::new(TraceRows { name: "minutes".to_owned(), rows });
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
    s.workloads[0].sizes = Sizes::Trace(trace);
    s.workloads[0].max_output_tokens = 100;
    for (i, &(ttft, per_token, rtt_ms)) in models.iter().enumerate() {
        s.deployments[i].ttft = DistSpec::Constant(ttft);
        s.deployments[i].per_output_token = DistSpec::Constant(per_token);
        s.place_links[i].rtt = Span::from_millis(rtt_ms);
    }
    let retry = &mut s.topologies[0].retry;
    retry.attempts_per_pool = 2;
    retry.hedging = Some(hedging);
    s
}

/// (attempts, answered, failed, abandoned), the refused among the failed.
fn ends(d: &DeploymentRecord) -> (u64, u64, u64, u64) {
    (d.attempts, d.ok, d.failed + d.rate_limited, d.abandoned)
}

/// All turns are alike: the one time to first token and the one total latency, in milliseconds.
fn latencies_ms(r: &Record) -> (u64, u64) {
    let (ttft, e2e) = (&r.groups[0].ttft, &r.groups[0].e2e);
    assert_eq!((ttft.min(), e2e.min()), (ttft.max(), e2e.max()));
    (ttft.max().unwrap() / 1_000_000, e2e.max().unwrap() / 1_000_000)
}

/// Output tokens billed per turn, by deployment.
fn output(r: &Record) -> [u64; 2] {
    assert!(r.usage.output_tokens.iter().all(|n| n.is_multiple_of(TURNS)));
    [r.usage.output_tokens[0] / TURNS, r.usage.output_tokens[1] / TURNS]
}

/// The second is first to begin, the first is first to be done: who wins depends on what the gateway gets to see.
#[test]
fn the_first_token_decides_where_answers_are_streamed_and_the_first_whole_answer_elsewhere() {
    // 1.0 to 1.1 s; sent at 0.2 s, 0.8 to 1.8 s
    let mut s = race(11, 200, [(1.0, 0.01, 0), (0.6, 0.1, 0)]);
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r), (800, 1800));
    assert_eq!([ends(&r.deployments[0]), ends(&r.deployments[1])], [(TURNS, 0, 0, TURNS), (TURNS, TURNS, 0, 0)]);
    assert_eq!(r.deployments[1].ttft.max(), Some(600_000_000));
    assert_eq!(r.usage.input_tokens, [INPUT * TURNS; 2]);
    assert_eq!(output(&r), [0, 11], "the loser had not begun");
    let metrics = &replicate::run(&s, &Unobserved).expect("nothing stops it").topologies[0].metrics;
    let share = |by: &str| metrics[&format!("abandoned_share{by}")];
    assert_eq!(share(""), Some(0.5));
    assert_eq!([share("{deployment=model-0}"), share("{deployment=model-1}")], [Some(1.0), Some(0.0)]);
    assert_eq!(share("{provider=plain}"), Some(0.5));

    s.workloads[0].streamed = false;
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r), (1100, 1100));
    assert_eq!([ends(&r.deployments[0]), ends(&r.deployments[1])], [(TURNS, TURNS, 0, 0), (TURNS, 0, 0, TURNS)]);
    assert_eq!(r.deployments[0].ttft.max(), Some(1_100_000_000));
    assert_eq!(r.usage.input_tokens, [INPUT * TURNS; 2]);
    assert_eq!(output(&r), [11, 11], "nothing tells the provider that nobody waits");
    // a whole answer is sent as text, without an envelope per token
    assert_eq!(r.usage.bytes_to_users, [11 * 4 * TURNS]);
}

/// The loser writes from 1.5 s on, ten tokens a second, far away; the winner's first token comes at 1.7 s, and the loser's
/// provider hears of that at 2.2 s: it has written eight tokens.
#[test]
fn the_loser_is_paid_for_what_it_writes_until_its_provider_hears() {
    let s = race(21, 200, [(1.0, 0.1, 1000), (1.5, 0.1, 0)]);
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r).0, 1700);
    assert_eq!(ends(&r.deployments[0]), (TURNS, 0, 0, TURNS));
    assert_eq!(r.usage.input_tokens, [INPUT * TURNS; 2]);
    assert_eq!(output(&r), [8, 21]);
    // an answer that is done before the provider hears is paid in full
    let s = race(4, 200, [(1.0, 0.1, 1000), (1.5, 0.1, 0)]);
    assert_eq!(output(&run(&s, 0, 0)), [4, 4]);
}

/// The second call is sent at 0.9 s and arrives at 1.4 s; the race is over at 1.0 s, which the provider hears at 1.5 s.
/// It has begun at 1.45 s and writes a token each 10 ms.
#[test]
fn a_call_that_is_given_up_on_its_way_arrives_and_is_paid_for() {
    let s = race(21, 900, [(1.0, 0.01, 0), (0.05, 0.01, 1000)]);
    let r = run(&s, 0, 0);
    assert_eq!(latencies_ms(&r), (1000, 1200));
    assert_eq!([ends(&r.deployments[0]), ends(&r.deployments[1])], [(TURNS, TURNS, 0, 0), (TURNS, 0, 0, TURNS)]);
    assert_eq!(r.usage.input_tokens, [INPUT * TURNS; 2]);
    assert_eq!(output(&r), [21, 6]);
    // what pays is in the timeline too
    let tokens = r.timeline[0]
        .iter()
        .filter_map(|(_, c)| c)
        .fold([0; 4], |sum, c| std::array::from_fn(|i| sum[i] + c.tokens.get(i).copied().unwrap_or(0)));
    assert_eq!(tokens, [INPUT * TURNS, INPUT * TURNS, 21 * TURNS, 6 * TURNS]);
}

/// A loser would write for an hour. Its place is free when the provider hears that it lost, and its quota is used for
/// what it has written only: the next minute's call finds both.
#[test]
fn a_loser_leaves_its_place_and_its_quota() {
    for rtt_ms in [0, 1000] {
        let mut s = race(100, 200, [(1.0, 0.01, 0), (2.0, 36.0, rtt_ms)]);
        s.deployments[1].concurrency = Some(1);
        // a prompt and `max_tokens`, and a refill for two prompts and a token or two per minute
        s.deployments[1].quota = Some(QuotaUse::own(LimiterConfig::TokenBucket(PlainConfig {
            requests: None,
            tokens: Some(BucketConfig {
                rate: PerNanos { micro_count: 16_000_000, nanos: 60_000_000_000 },
                capacity: 120,
            }),
            retry_after: true,
        })));
        let r = run(&s, 0, 0);
        assert_eq!(ends(&r.deployments[1]), (TURNS, 0, 0, TURNS));
        // an answer that is not streamed is written to its end: nearly all calls are refused
        s.workloads[0].streamed = false;
        let r = run(&s, 0, 0);
        let (attempts, ok, failed, abandoned) = ends(&r.deployments[1]);
        assert!(attempts == TURNS && ok == 0 && abandoned == 1 && failed == TURNS - 1, "{:?}", ends(&r.deployments[1]));
    }
}

/// One failure would take a deployment out of service for the rest of the hour; losing is none.
#[test]
fn losing_a_race_is_no_failure_of_the_deployment() {
    let mut s = race(11, 200, [(1.0, 0.01, 0), (0.6, 0.1, 0)]);
    let out = CooldownConfig { failures: 1, time: Span::from_hours(2), rate_limited_at_once: true };
    s.topologies[0].guards = vec![GuardConfig::Cooldown(out)];
    let r = run(&s, 0, 0);
    assert_eq!(ends(&r.deployments[0]), (TURNS, 0, 0, TURNS));
    // while one that fails in the race is out after the first time
    s.deployments[0].error_rate = 1.0;
    s.topologies[0].retry.hedging = Some(Hedging::OneMore { after: Span::ZERO });
    let r = run(&s, 0, 0);
    assert_eq!(ends(&r.deployments[0]), (1, 0, 1, 0));
    assert_eq!(r.failed(), 0);
}

/// From the first token on the turn is the winner's: when that takes too long, the loser cannot help any more.
#[test]
fn the_winner_of_the_first_token_is_final() {
    let mut s = race(11, 200, [(1.0, 0.01, 0), (0.6, 0.1, 0)]);
    s.topologies[0].retry.total_timeout = Span::from_millis(1500);
    let r = run(&s, 0, 0);
    assert_eq!(r.failures[Failure::ModelTimeout as usize], TURNS);
    assert_eq!([ends(&r.deployments[0]), ends(&r.deployments[1])], [(TURNS, 0, 0, TURNS), (TURNS, 0, TURNS, 0)]);
    // sent at 0.2 s, given up at 1.7 s: nine tenths of a second of writing
    assert_eq!(output(&r), [0, 10]);
}

/// A provider breaks while its answer is far from the gateway: what it has sent arrives, and the rest does not.
#[test]
fn a_broken_call_has_won_if_its_first_token_was_under_way() {
    // 1.5 s to 1.7 s at the provider, 2.0 s to 2.2 s at the gateway; the other call begins at 5.2 s
    let broken_at = |ms| {
        let mut s = race(21, 200, [(1.0, 0.01, 1000), (5.0, 0.01, 0)]);
        s.faults.push(Fault {
            name: "down".to_owned(),
            when: FaultWhen::At { at: Span::from_millis(ms), lasts: Span::from_secs(1) },
            what: FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error: ErrorClass::Unavailable },
        });
        let r = run(&s, 0, 0);
        // all turns but the first are undisturbed
        let undisturbed = TURNS - 1;
        assert_eq!(r.usage.output_tokens[0] / 21, r.deployments[0].ok);
        (r.failed(), r.deployments[0].ok - undisturbed, r.deployments[1].ok, r.deployments[0].failed)
    };
    assert_eq!(broken_at(1400), (0, 0, 1, 1), "nothing was sent: the other call answers");
    assert_eq!(broken_at(1600), (1, 0, 0, 1), "a part was sent, and won, and is all there is");
    assert_eq!(broken_at(1800), (0, 1, 0, 0), "all was sent");
}

/// A budget that pays for no second call: a gateway that would hedge chooses as one that never thinks of it, whatever the
/// policy, because thinking of it leaves no trace.
#[test]
fn a_hedge_that_is_not_sent_changes_no_choice() {
    for choose in Choose::each() {
        let with = |hedge_after: Option<Span>| {
            let mut s = with_rate(3, 5);
            s.horizon = Span::from_mins(10);
            for (d, seconds) in s.deployments.iter_mut().zip([0.5, 1.0, 2.0]) {
                d.ttft = DistSpec::Constant(seconds);
                d.concurrency = Some(100);
            }
            s.topologies[0].chain[0].choose = choose;
            let retry = &mut s.topologies[0].retry;
            retry.attempts_per_pool = 3;
            retry.hedging = hedge_after.map(|after| Hedging::OneMore { after });
            retry.budget = Some(BudgetConfig::Finagle(FinagleConfig {
                min_retries_per_sec: 0,
                percent: 0,
                ..FinagleConfig::DEFAULT
            }));
            let r = one(&s);
            assert_eq!(r.attempts, r.requests(), "{}: nothing is hedged", choose.name());
            (attempts(&r), r.groups[0].e2e.clone())
        };
        assert_eq!(with(Some(Span::from_millis(100))), with(None), "{}", choose.name());
    }
}

/// Two deployments let 6 calls a second through, 20 requests a second come, and refusals take a second: the throttle lets
/// about half of what it is asked for pass, by lot. A second call that it refuses is one question, the retry after the
/// first call's refusal another: with the lot of the first used again, hardly any would be made.
#[test]
fn a_hedge_that_is_not_sent_leaves_its_lot_to_nobody() {
    let mut s = with_rate(2, 20);
    s.horizon = Span::from_mins(10);
    let rate = PerNanos { micro_count: 3_000_000, nanos: 1_000_000_000 };
    let bucket = PlainConfig { requests: Some(BucketConfig { rate, capacity: 3 }), tokens: None, retry_after: false };
    for (d, link) in s.deployments.iter_mut().zip(&mut s.place_links) {
        d.quota = Some(QuotaUse::own(LimiterConfig::TokenBucket(bucket)));
        link.rtt = Span::from_secs(1);
    }
    let t = &mut s.topologies[0];
    t.chain[0].choose = Choose::LeastBusy;
    t.retry.attempts_per_pool = 2;
    t.retry.hedging = Some(Hedging::OneMore { after: Span::from_millis(500) });
    t.throttle = Some(ThrottleConfig::Sre(SreConfig::BOOK));
    let mut run = Run::new(&s, 0, Seed { seed: 1, replication: 0 });
    run.keep_log();
    run.advance_observed(&mut |_, _, _, _| ());
    let (_, log) = run.finish_with_log();
    let mut turns: BTreeMap<EntityKey, Vec<Happening>> = BTreeMap::new();
    for entry in log {
        turns.entry(entry.session).or_default().push(entry.what);
    }
    // of turns whose first call was refused after half a second in which no other was sent: what came next
    let (mut asked, mut made) = (0_u32, 0_u32);
    for happened in turns.values() {
        if let [
            Happening::Asked,
            Happening::Obeyed(Command::Attempt(_)),
            Happening::Ended { outcome: Outcome::Failed { .. }, .. },
            Happening::Obeyed(next),
            ..,
        ] = happened[..]
        {
            asked += 1;
            made += u32::from(matches!(next, Command::Attempt(_)));
        }
    }
    let share = f64::from(made) / f64::from(asked);
    assert!(asked > 500 && share > 0.2, "{made} of {asked}");
}
