//! Recorded sequences of LiteLLM through the simulated world: its gateway, links, providers and faults bring the router
//! what the recording brought the real one, so the same deployments are called at the same times.
//!
//! The recordings give every call up to 37 ms of its own, the world gives each deployment the middle of that: times agree
//! within 20 ms per call. Only sequences in which LiteLLM draws nothing at random, or among one, can be compared: the
//! world's draws have addresses and are no tape.

#[allow(dead_code, reason = "the replay uses more of it")]
#[path = "litellm/vector.rs"]
mod vector;

use geodes::random::Seed;
use geodes::routing::litellm::Why;
use geodes::routing::litellm::config::{Config, FailureCounting, Options};
use geodes::routing::outcome::ErrorClass;
use geodes::routing::reason::Reason;
use geodes::scenario::import::litellm;
use geodes::scenario::model::{
    Arrivals, Ask, DistSpec, Fault, FaultWhat, FaultWhen, Gateway, LiteLlmEntry, LiteLlmGateway, Scenario, Sizes,
    TraceRows,
};
use geodes::scenario::plain;
use geodes::units::{DeploymentIx, Span, Time};
use geodes::world::Run;
use geodes::world::chronicle::Follow;
use geodes::world::story::{Ending, Story, What};
use std::path::Path;
use std::sync::Arc;
use vector::{End, File, Sequence};

/// How far a call of the recording is from the middle of its deployment's calls at most, and some rounding.
const PER_CALL_S: f64 = 0.02;
/// Tokens of prompts in the usage of recorded answers.
const PROMPT: u32 = 10;
/// What rows of the world's trace ask for; deployments write a part of it.
const ROW_OUTPUT: u32 = 1000;

/// One kind of calls to one deployment in a recording.
struct Calls {
    from: f64,
    to: f64,
}

impl Calls {
    /// Latencies of the calls that `which` picks; `None` if there are none.
    fn of(file: &Sequence, id: &str, failed: bool) -> Option<Calls> {
        let of = file.attempts.iter().filter(|a| a.deployment == id && a.error.is_some() == failed);
        of.map(|a| Calls { from: a.latency_s, to: a.latency_s })
            .reduce(|a, b| Calls { from: a.from.min(b.from), to: a.to.max(b.to) })
    }

    fn middle(&self) -> f64 {
        assert!(self.to - self.from < 2.0 * PER_CALL_S, "these calls have more than one length");
        (self.from + self.to) / 2.0
    }
}

fn read(name: &str) -> Sequence {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm/vectors").join(format!("{name}.json"));
    match vector::parse(&std::fs::read_to_string(path).unwrap()).unwrap() {
        File::Sequence(file) => *file,
        _ => panic!("{name} is no sequence of requests"),
    }
}

fn config(file: &Sequence) -> Config {
    let read = litellm::router(&file.deployments, file.router.as_ref());
    assert!(read.diagnostics.is_empty());
    let mut config = read.value;
    config.counting = if file.proxy { FailureCounting::Proxy } else { FailureCounting::Sdk };
    config
}

/// From when to when a deployment fails: from its first failing call on, until the next that is answered.
fn outages(file: &Sequence, id: &str) -> Vec<(f64, f64)> {
    let mut list: Vec<(f64, f64)> = Vec::new();
    let mut down = false;
    for a in file.attempts.iter().filter(|a| a.deployment == id) {
        match (down, a.error.is_some()) {
            (false, true) => list.push((a.t, f64::INFINITY)),
            (true, false) => list.last_mut().expect("it began").1 = a.t,
            _ => {}
        }
        down = a.error.is_some();
    }
    list
}

/// The recording as a scenario: failures take the way to the provider and back, answers the rest as well.
fn scenario(file: &Sequence) -> Scenario {
    let config = config(file);
    let n = config.deployments.len();
    let mut s = plain(n + 1);
    assert_eq!(s.start_unix_s, file.epoch_s as i64);
    s.horizon = Span::from_mins(10);
    s.deployments.remove(0);
    s.topologies[0].chain.clear();
    for (d, spec) in config.deployments.iter().enumerate() {
        let failing = Calls::of(file, &spec.id, true).map_or(0.0, |c| c.middle());
        let answered = Calls::of(file, &spec.id, false).map_or(failing, |c| c.middle());
        s.place_links[d + 1].rtt = Span::from_secs_f64(failing); // from place 0
        let tokens = file.attempts.iter().find(|a| a.deployment == spec.id && a.error.is_none());
        let tokens = tokens.map_or(1, |a| a.completion_tokens);
        let deployment = &mut s.deployments[d];
        deployment.name.clone_from(&spec.id);
        deployment.ttft = DistSpec::Constant(answered - failing);
        deployment.output_factor = f64::from(tokens) / f64::from(ROW_OUTPUT);
        for (from, to) in outages(file, &spec.id) {
            let until = to.min(s.horizon.as_secs_f64());
            s.faults.push(Fault {
                name: format!("{} from {from}", spec.id),
                when: FaultWhen::At { at: Span::from_secs_f64(from), lasts: Span::from_secs_f64(until - from) },
                what: FaultWhat::ProviderDown {
                    deployments: vec![DeploymentIx::new(d)],
                    error: ErrorClass::Unavailable,
                },
            });
        }
    }
    let w = &mut s.workloads[0];
    w.streamed = false;
    w.max_output_tokens = ROW_OUTPUT;
    let rows = file.requests.iter().map(|r| (Span::from_secs_f64(r.t), PROMPT, ROW_OUTPUT)).collect();
    let trace = Arc::new(TraceRows { name: "recording".to_owned(), rows });
    w.arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
    w.sizes = Sizes::Trace(trace);
    let group = &file.requests[0].group;
    assert!(file.requests.iter().all(|r| r.group == *group && r.kwargs.is_none()), "requests differ");
    s.topologies[0].gateway = Gateway::LiteLlm(Box::new(LiteLlmGateway {
        entries: (0..n).map(|d| LiteLlmEntry { deployment: DeploymentIx::new(d), degraded: false }).collect(),
        asks: vec![Ask { workload: None, class: None, model: group.clone(), options: Options::default() }],
        config,
    }));
    s
}

fn stories(s: &Scenario) -> Vec<Story> {
    let mut run = Run::following(s, 0, Seed { seed: 1, replication: 0 }, Follow::Everybody);
    run.advance_observed(&mut |_, _, _, _| ());
    let mut stories = run.take_stories();
    stories.sort_by_key(|story| story.number);
    stories
}

fn seconds(t: Time) -> f64 {
    t.nanos() as f64 / 1e9
}

/// Something that happened to a deployment, recorded and in the world.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    at_s: f64,
    deployment: String,
}

fn sorted(mut list: Vec<Seen>) -> Vec<Seen> {
    list.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then_with(|| a.deployment.cmp(&b.deployment)));
    list
}

fn same(what: &str, ours: &[Seen], recorded: &[Seen], tolerance_s: f64) {
    for i in 0..ours.len().max(recorded.len()) {
        let (a, b) = (ours.get(i), recorded.get(i));
        let near = |a: &Seen, b: &Seen| a.deployment == b.deployment && (a.at_s - b.at_s).abs() <= tolerance_s;
        assert!(matches!((a, b), (Some(a), Some(b)) if near(a, b)), "{what} {i}: the world {a:?}, recorded {b:?}");
    }
}

/// Plays a recording; the number of its calls.
fn play(name: &str) -> usize {
    let file = read(name);
    let s = scenario(&file);
    let stories = stories(&s);
    assert_eq!(stories.len(), file.requests.len(), "{name}");
    let most = stories.iter().map(|t| t.called().count()).max().unwrap();
    let tolerance_s = PER_CALL_S * most as f64;
    let seen = |deployment: DeploymentIx, at| Seen {
        at_s: seconds(at),
        deployment: s.deployments[deployment.ix()].name.clone(),
    };
    let steps = || stories.iter().flat_map(|t| &t.steps);
    let calls = steps().filter_map(|step| match step.what {
        What::Sent { deployment, .. } => Some(seen(deployment, step.at)),
        _ => None,
    });
    let cooled = steps().filter_map(|step| match step.what {
        What::Because(Reason::LiteLlm(Why::CooledDown { deployment, .. })) => Some(seen(deployment, step.at)),
        _ => None,
    });
    let recorded = file.attempts.iter().map(|a| Seen { at_s: a.t, deployment: a.deployment.clone() });
    same(&format!("{name}: call"), &sorted(calls.collect()), &sorted(recorded.collect()), tolerance_s);
    let recorded = file.cooldowns.iter().map(|c| Seen { at_s: c.t, deployment: c.deployment.clone() });
    same(&format!("{name}: cool-down"), &sorted(cooled.collect()), &sorted(recorded.collect()), tolerance_s);
    // requests that arrive at the same time are alike: which of them was sent first is not part of the recording
    let mut left: Vec<&End> = Vec::new();
    for (i, story) in stories.iter().enumerate() {
        let t = file.requests[i].t;
        if left.is_empty() {
            left = file.requests[i..].iter().take_while(|r| r.t == t).map(|r| &r.end).collect();
        }
        let (served, after) = match story.ending.unwrap() {
            Ending::Served { e2e, deployment, .. } => (Some(&s.deployments[deployment.ix()].name), e2e),
            Ending::Failed { after, .. } => (None, after),
        };
        let done = seconds(story.sent + after);
        let like = |end: &&End| {
            served == end.deployment.as_ref()
                && served.is_some() == (end.outcome == "ok")
                && (done - end.t_done).abs() <= tolerance_s
        };
        let Some(at) = left.iter().position(like) else {
            panic!("{name}: the request at {t} is served by {served:?} until {done}, recorded {left:?}")
        };
        left.remove(at);
    }
    file.attempts.len()
}

#[test]
fn the_fewest_calls_in_flight_are_those_that_the_world_has_out() {
    let calls = ["least_busy", "least_busy_burst", "least_busy_failures"].map(play);
    assert_eq!(calls, [60, 20, 40]);
}

#[test]
fn tokens_and_prices_are_those_of_the_worlds_answers() {
    assert_eq!(["usage_v1_basic", "cost_based"].map(play), [60, 40]);
}

#[test]
fn failures_of_the_worlds_providers_lead_to_the_recorded_cool_downs_and_fallbacks() {
    let calls = [
        "order_failover",
        "order_all_healthy",
        "fallback_chain",
        "fallback_max_depth",
        "fallback_specific_beats_default",
    ]
    .map(play);
    assert_eq!(calls, [49, 10, 15, 6, 4]);
}

/// The comparison can fail: with other tokens, latencies or failures than the recorded ones other deployments are called.
#[test]
fn a_world_that_brings_something_else_is_noticed() {
    let differs = |name: &str, change: &dyn Fn(&mut Scenario)| {
        let file = read(name);
        let called = |s: &Scenario| -> Vec<DeploymentIx> { stories(s).iter().flat_map(Story::called).collect() };
        let s = scenario(&file);
        let mut other = s.clone();
        change(&mut other);
        assert_ne!(called(&s), called(&other), "{name}");
    };
    differs("usage_v1_basic", &|s| s.deployments[0].output_factor *= 2.0);
    differs("least_busy", &|s| s.deployments[0].ttft = DistSpec::Constant(2.0));
    differs("least_busy_failures", &|s| s.place_links[2].rtt = Span::from_secs(4));
    differs("order_failover", &|s| s.faults.clear());
}
