//! What an outage does to calls that are out and to what gateways hear, to the millisecond: turns at fixed times, so that
//! every figure is exact.

use geodes::routing::balance::Choose;
use geodes::routing::balance::inference::scorer::Weights;
use geodes::routing::balance::inference::{InferenceConfig, Picker};
use geodes::routing::limits::{AnthropicConfig, BucketConfig, LimiterConfig, OutputCount};
use geodes::routing::outcome::ErrorClass;
use geodes::scenario::model::{Arrivals, DistSpec, Fault, FaultWhat, FaultWhen, QuotaUse, Scenario, Sizes, TraceRows};
use geodes::scenario::plain;
use geodes::units::{DeploymentIx, PerNanos, RegionIx, Span};
use geodes::world::failure::Failure;
use geodes::world::{Record, run};
use std::sync::Arc;

/// How many turns there are, one a minute.
const TURNS: u64 = 50;

/// The application in the first of two places calls the deployment in the second one: 200 tokens, the first after one
/// second, the last after two, 200 ms away.
fn far_model() -> Scenario {
    let mut s = plain(2);
    let rows = (0..TURNS).map(|i| (Span::from_secs(60 * i), 1, 101)).collect();
    let trace = Arc::new(TraceRows { name: "minutes".to_owned(), rows });
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
    s.workloads[0].sizes = Sizes::Trace(trace);
    s.workloads[0].max_output_tokens = 1000;
    s.deployments[1].ttft = DistSpec::Constant(1.0);
    s.deployments[1].per_output_token = DistSpec::Constant(0.01);
    s.place_links[1].rtt = Span::from_millis(200);
    s.topologies[0].chain[0].members = vec![(DeploymentIx(1), 1.0)];
    s.topologies[0].guards.clear();
    s
}

fn fault(s: &mut Scenario, at: Span, lasts: Span, what: FaultWhat) {
    s.faults.push(Fault { name: "down".to_owned(), when: FaultWhen::At { at, lasts }, what });
}

/// The one way in which turns failed, and how many did.
fn failed(r: &Record) -> Vec<(Failure, u64)> {
    Failure::ALL.into_iter().map(|f| (f, r.failures[f as usize])).filter(|(_, n)| *n > 0).collect()
}

/// Nobody answers in a dead region: a call lasts until the gateway's connect time-out, or less if it waits less for the first
/// token of a stream, or for the whole of another answer.
#[test]
fn a_call_to_a_dead_region_ends_at_the_first_time_out() {
    let ends = |streamed, first_token: u64, total: u64| {
        let mut s = far_model();
        fault(&mut s, Span::ZERO, Span::from_hours(2), FaultWhat::RegionDown { region: RegionIx(1) });
        s.workloads[0].streamed = streamed;
        let retry = &mut s.topologies[0].retry;
        retry.connect_timeout = Span::from_secs(5);
        retry.first_token_timeout = Span::from_secs(first_token);
        retry.total_timeout = Span::from_secs(total);
        // a second one in the first place answers at once: how long the turn took is how long the first call lasted
        retry.attempts_per_pool = 2;
        s.topologies[0].chain[0].members.push((DeploymentIx(0), 1.0));
        let r = run(&s, 0, 0);
        let ttft = &r.groups[0].ttft;
        assert_eq!((r.failed(), ttft.min()), (0, ttft.max()));
        ttft.max().unwrap() / 1_000_000
    };
    assert_eq!(ends(true, 60, 60), 5000);
    assert_eq!(ends(true, 1, 3), 1000);
    assert_eq!(ends(false, 1, 3), 3000);
}

/// An answer of 1.2 s to 2.2 s at the gateway breaks at its provider after 0.5 s: the news come at 0.6 s, unless the gateway
/// has given up by then.
#[test]
fn a_call_that_breaks_does_not_outlast_its_time_out() {
    let why = |total_ms| {
        let mut s = far_model();
        let what = FaultWhat::ProviderDown { deployments: vec![DeploymentIx(1)], error: ErrorClass::Unavailable };
        fault(&mut s, Span::from_millis(500), Span::from_secs(1), what);
        s.topologies[0].retry.total_timeout = Span::from_millis(total_ms);
        failed(&run(&s, 0, 0))
    };
    assert_eq!(why(10_000), [(Failure::Unavailable, 1)]);
    assert_eq!(why(601), [(Failure::Unavailable, 1), (Failure::ModelTimeout, TURNS - 1)]);
    assert_eq!(why(599), [(Failure::ModelTimeout, TURNS)]);
}

/// What a streamed call has used when its gateway no longer waits is what was written until the provider heard of it.
#[test]
fn a_stream_past_its_time_out_uses_what_was_written() {
    let refused = |first_token_ms, output: u32| {
        let mut s = far_model();
        let rows = (0..600).map(|i| (Span::from_secs(i), 1, output)).collect();
        let trace = Arc::new(TraceRows { name: "seconds".to_owned(), rows });
        s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
        s.workloads[0].sizes = Sizes::Trace(trace);
        s.topologies[0].retry.first_token_timeout = Span::from_millis(first_token_ms);
        let rate = PerNanos { micro_count: 3_000_000_000, nanos: 60_000_000_000 };
        let limiter = LimiterConfig::Anthropic(AnthropicConfig {
            requests: None,
            input: None,
            output: Some(BucketConfig { rate, capacity: 3_000 }),
            output_count: OutputCount::AsGenerated,
            overload: None,
            retry_after: true,
        });
        s.deployments[1].quota = Some(QuotaUse::own(limiter));
        let r = run(&s, 0, 0);
        (r.deployments[1].rate_limited > 100, r.usage.output_tokens[1])
    };
    assert!(refused(60_000, 500).0, "500 tokens a second are ten times the quota");
    // gone before the first token: nothing was written, nothing is refused
    assert_eq!(refused(900, 500), (false, 0));
}

/// Who is down does not report its load: a gateway that asks takes it for full as soon as its last report is too old, and
/// does not take it for idle.
#[test]
fn who_is_down_is_not_taken_for_idle() {
    let down = |what: FaultWhat| {
        let mut s = plain(2);
        for d in &mut s.deployments {
            d.concurrency = Some(50);
            d.ttft = DistSpec::Constant(0.5);
        }
        let weights = Weights { utilisation: 1.0, ..Weights::default() };
        let config = InferenceConfig { weights, picker: Picker::MaxScore, ..InferenceConfig::SAMPLE };
        s.topologies[0].chain[0].choose = Choose::Inference(config);
        s.topologies[0].guards.clear();
        fault(&mut s, Span::from_mins(10), Span::from_mins(20), what);
        run(&s, 0, 0)
    };
    for what in [
        FaultWhat::RegionDown { region: RegionIx(1) },
        FaultWhat::ProviderDown { deployments: vec![DeploymentIx(1)], error: ErrorClass::Unavailable },
    ] {
        let r = down(what.clone());
        // one request a second for an hour: only those of the first moments of the outage meet it
        assert!(r.failed() <= 3, "{what:?}: {} of {} failed", r.failed(), r.requests());
        assert!(r.deployments[1].ok > 500, "before and after it is called: {}", r.deployments[1].ok);
    }
}
