//! Stories of requests: they change nothing, they agree with what is counted, and they say what was known and what was not.

#[path = "explain/deployments.rs"]
mod deployments;
#[path = "explain/steering.rs"]
mod steering;

use geodes::measure::metric::ERROR_CLASSES;
use geodes::random::Seed;
use geodes::routing::litellm::Why;
use geodes::routing::outcome::Outcome;
use geodes::routing::reason::{Exclusion, Reason};
use geodes::scenario::model::Scenario;
use geodes::study::explain::{self, Kind, NoSuchRequest, Trait};
use geodes::study::trace::{Event, trace};
use geodes::units::Span;
use geodes::world::chronicle::Follow;
use geodes::world::session::Leg;
use geodes::world::story::{Ending, Step, Story, Tokens, What};
use geodes::world::{Record, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Faults of every kind, retries, fall-backs, cool-downs, breakers, hedging: all within some minutes.
fn scenario() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/policies/regression.toml");
    let mut s = geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    s.horizon = Span::from_mins(28);
    s
}

fn topology(s: &Scenario, name: &str) -> usize {
    s.topologies.iter().position(|t| t.name == name).unwrap()
}

fn followed(s: &Scenario, topology: usize, follow: Follow) -> (Record, Vec<Story>) {
    let mut run = Run::following(s, topology, Seed { seed: s.seed, replication: 0 }, follow);
    while run.advance_to(geodes::units::Time(run.now().nanos() + 60_000_000_000)) {}
    let mut stories = run.take_stories();
    stories.sort_by_key(|story| story.number);
    (run.finish(), stories)
}

#[test]
fn following_changes_nothing() {
    let s = scenario();
    for name in ["hedging", "hedging-grpc", "cooldown", "peak-ewma", "litellm-latency", "litellm-usage"] {
        let t = topology(&s, name);
        let alone = format!("{:?}", geodes::world::run(&s, t, 0));
        for follow in [Follow::Number(7), Follow::Everybody, Follow::Sample(50)] {
            let (record, stories) = followed(&s, t, follow);
            assert!(!stories.is_empty());
            assert!(format!("{record:?}") == alone, "{name}: {follow:?} changes the record");
        }
    }
}

#[test]
fn stories_add_up_to_the_record() {
    let s = scenario();
    for t in 0..s.topologies.len() {
        let (record, stories) = followed(&s, t, Follow::Everybody);
        let numbers: Vec<u64> = stories.iter().map(|story| story.number).collect();
        assert_eq!(numbers, (1..=stories.len() as u64).collect::<Vec<_>>());
        let groups = |count: &dyn Fn(usize) -> u64| (0..record.groups.len()).map(count).sum::<u64>();
        assert_eq!(stories.len() as u64, groups(&|g| record.groups[g].requests));
        let (mut failures, mut tokens) = (BTreeMap::new(), BTreeMap::new());
        let (mut ttft, mut degraded, mut fallen_back) = (0, 0, 0);
        for story in &stories {
            match story.ending.unwrap() {
                Ending::Failed { why, .. } => *failures.entry(why.name()).or_insert(0) += 1,
                Ending::Served { ttft: t, degraded: d, fallback: f, .. } => {
                    ttft += u128::from(t.nanos());
                    degraded += u64::from(d);
                    fallen_back += u64::from(f);
                }
            }
            for Tokens { deployment, input, output, .. } in story.billed() {
                let sum = tokens.entry((story.group.ix(), deployment.ix())).or_insert((0, 0));
                *sum = (sum.0 + u64::from(input), sum.1 + u64::from(output));
            }
        }
        for (class, count) in ERROR_CLASSES.iter().zip(&record.failures) {
            assert_eq!(failures.get(class).copied().unwrap_or(0), *count, "{class}");
        }
        assert_eq!(degraded, groups(&|g| record.groups[g].degraded));
        assert_eq!(fallen_back, groups(&|g| record.groups[g].fallback));
        assert_eq!(ttft, record.groups.iter().map(|g| g.ttft.sum()).sum::<u128>());
        assert_eq!(stories.iter().map(|s| s.called().count() as u64).sum::<u64>(), record.attempts);
        for g in 0..record.groups.len() {
            for d in 0..s.deployments.len() {
                let i = g * s.deployments.len() + d;
                let told = tokens.get(&(g, d)).copied().unwrap_or((0, 0));
                assert_eq!(told, (record.usage.input_tokens[i], record.usage.output_tokens[i]));
            }
        }
    }
}

/// Every attempt that is sent ends once, everything happens in order, and reasons stand where something is decided.
#[test]
fn a_story_is_whole_and_in_order() {
    let s = scenario();
    for name in ["hedging", "hedging-grpc", "cooldown", "retry-budget", "no-retry", "litellm-busy", "litellm-latency"] {
        let t = topology(&s, name);
        let (_, stories) = followed(&s, t, Follow::Everybody);
        for story in &stories {
            let steps = &story.steps;
            assert!(steps.windows(2).all(|w| w[0].at <= w[1].at), "{story:?}");
            assert_eq!((steps[0].at, steps[0].what), (story.sent, What::TryBegins { number: 1 }));
            let count = |is: &dyn Fn(&What) -> bool| steps.iter().filter(|s| is(&s.what)).count();
            assert_eq!(count(&|w| matches!(w, What::Ends(_))), 1);
            let sent = count(&|w| matches!(w, What::Sent { .. }));
            let ended = count(&|w| matches!(w, What::AttemptEnds { .. } | What::GivenUp { .. }));
            assert_eq!(sent, ended, "{story:?}");
            let chosen =
                count(&|w| matches!(w, What::Because(Reason::Chosen { .. } | Reason::LiteLlm(Why::Picked { .. }))));
            // what is decided after half an answer is not done
            let undone = count(&|w| matches!(w, What::HalfAnswered));
            assert!(sent <= chosen && chosen <= sent + undone, "{story:?}");
            let (answered, ok) = (
                matches!(story.ending, Some(Ending::Served { .. })),
                count(&|w| matches!(w, What::AttemptEnds { outcome: Outcome::Ok, .. })),
            );
            assert_eq!(usize::from(answered), ok, "{story:?}");
        }
        let hedged = stories.iter().flat_map(|s| &s.steps).any(|s| matches!(s.what, What::Sent { leg: Leg(1..), .. }));
        assert_eq!(hedged, name.starts_with("hedging"));
    }
}

#[test]
fn a_sample_has_its_size_and_the_same_requests_everywhere() {
    let s = scenario();
    let keys = |name: &str, size: usize| -> BTreeSet<u64> {
        let (_, stories) = followed(&s, topology(&s, name), Follow::Sample(size));
        stories.iter().map(|story| story.key.0).collect()
    };
    let few = keys("retry", 40);
    assert_eq!(few.len(), 40);
    // one turn per session: every layout has the same requests
    assert_eq!(few, keys("hedging", 40));
    assert!(few.is_subset(&keys("retry", 200)));
    // what a sample says of a request is what is said when everybody is followed
    let t = topology(&s, "hedging");
    let (_, all) = followed(&s, t, Follow::Everybody);
    let (_, sample) = followed(&s, t, Follow::Sample(40));
    for story in &sample {
        assert_eq!(Some(story), all.get(story.number as usize - 1));
    }
    // the sample is spread over the run, not its beginning
    assert!(sample.last().unwrap().number > all.len() as u64 / 2);
    assert_eq!(followed(&s, t, Follow::Sample(1 << 40)).1.len(), all.len());
}

/// The outage of one deployment: the first to meet it call it in vain while nobody knows, later ones find it cooling down.
#[test]
fn what_nobody_knew_is_told_and_then_what_is_known() {
    let s = scenario();
    let t = topology(&s, "cooldown");
    let (_, stories) = followed(&s, t, Follow::Everybody);
    let east = s.deployments.iter().position(|d| d.name == "east").unwrap();
    let unseen = |story: &&Story| {
        story
            .steps
            .iter()
            .any(|s| matches!(s.what, What::UnseenFault { deployment, fault: 0, .. } if deployment.ix() == east))
    };
    let out = |s: &Step| {
        matches!(s.what, What::Because(Reason::Excluded { deployment, because: Exclusion::Out { guard: "cool-down", until: Some(until) } })
            if deployment.ix() == east && until > s.at && until <= s.at + Span::from_secs(5))
    };
    let cooling = |story: &&Story| story.steps.iter().any(out);
    let (first_unseen, first_cooling) = (stories.iter().find(unseen).unwrap(), stories.iter().find(cooling).unwrap());
    assert!(first_unseen.number < first_cooling.number);
    let outage = geodes::units::Time((s.warmup + Span::from_mins(2)).nanos());
    let began = |w: &What| matches!(w, What::UnseenFault { since, .. } if *since == outage);
    assert!(first_unseen.steps.iter().any(|s| s.at >= outage && began(&s.what)));
    // a gateway that has just seen the third failure says who is taken out, until when
    let taken_out = |w: &What| matches!(w, What::Because(Reason::TakenOut { guard: "cool-down", until: Some(_), .. }));
    let teller = stories.iter().find(|s| s.steps.iter().any(|s| taken_out(&s.what))).unwrap();
    let told_at = teller.steps.iter().find(|s| taken_out(&s.what)).unwrap().at;
    assert!(first_cooling.steps.iter().all(|s| !out(s) || s.at >= told_at));
    // after the repair nothing is unknown but what the gateway still keeps out
    let told = explain::explain(&s, t, 0, first_unseen.number).unwrap();
    assert!(told.steps.iter().any(|s| s.kind == Kind::Unknown && s.text.contains("\"outage\"")), "{told:#?}");
    let last = stories.iter().rfind(unseen).unwrap();
    assert!(last.sent < outage + Span::from_mins(1));
}

#[test]
fn what_is_found_has_what_was_looked_for() {
    let s = scenario();
    let t = topology(&s, "hedging");
    for (wanted, what) in [(Trait::Hedged, "racing"), (Trait::Retried, "attempt 2"), (Trait::Degraded, "degraded")] {
        let found = explain::find(&s, t, 0, wanted, 3);
        assert_eq!(found.len(), 3, "{wanted:?}");
        assert!(found.windows(2).all(|w| w[0].request < w[1].request));
        for f in found {
            let told = explain::explain(&s, t, 0, f.request).unwrap();
            assert!(told.steps.iter().any(|s| s.text.contains(what)), "{wanted:?}: {told:#?}");
            assert_eq!((told.outcome, told.attempts), (f.outcome, f.called.len()));
        }
    }
    assert!(explain::find(&s, topology(&s, "no-retry"), 0, Trait::Hedged, 3).is_empty());
}

#[test]
fn a_request_that_does_not_exist_says_how_many_there_are() {
    let mut s = scenario();
    s.horizon = Span::from_mins(1);
    s.faults.clear();
    let (record, _) = followed(&s, 0, Follow::Nobody);
    let requests = record.groups.iter().map(|g| g.requests).sum();
    assert_eq!(explain::explain(&s, 0, 0, 1_000_000), Err(NoSuchRequest { requests }));
    assert!(explain::explain(&s, 0, 0, requests).is_ok());
}

/// Events of a trace by process and thread, in order.
fn threads(events: &[Event]) -> BTreeMap<(u32, u64), Vec<&Event>> {
    let mut threads: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for e in events.iter().filter(|e| e.ph != "M") {
        threads.entry((e.pid, e.tid)).or_default().push(e);
    }
    threads
}

#[test]
fn a_trace_of_everybody_agrees_with_the_record() {
    let mut s = scenario();
    let t = topology(&s, "hedging");
    s.topologies = vec![s.topologies.remove(t)];
    s.baseline = 0;
    let (record, stories) = followed(&s, 0, Follow::Everybody);
    let trace = trace(&s, usize::MAX);
    let spans = |cat: &str, is: &dyn Fn(&Event) -> bool| {
        trace.events.iter().filter(|e| e.ph == "X" && e.cat == cat && is(e)).count() as u64
    };
    assert_eq!(spans("request", &|_| true), record.groups.iter().map(|g| g.requests).sum::<u64>());
    let failed = spans("request", &|e| e.args["outcome"].as_str().unwrap().starts_with("failed"));
    assert_eq!(failed, record.failures.iter().sum::<u64>());
    // an attempt is seen at its gateway, and at its provider if that has taken it in
    assert_eq!(spans("attempt", &|e| e.name.contains(": ")), record.attempts);
    let at_provider = stories.iter().flat_map(|s| &s.steps);
    let taken_in = at_provider.filter(|s| matches!(s.what, What::AtProvider { refused: None, .. })).count() as u64;
    assert_eq!(spans("attempt", &|e| !e.name.contains(": ")), taken_in);
    let total_us: f64 = trace.events.iter().filter(|e| e.cat == "request").filter_map(|e| e.dur).sum();
    let told = stories.iter().map(|s| match s.ending.unwrap() {
        Ending::Served { e2e, .. } => e2e.nanos(),
        Ending::Failed { after, .. } => after.nanos(),
    });
    let told_us = told.sum::<u64>() as f64 / 1e3;
    assert!((total_us - told_us).abs() < 1.0, "{total_us} {told_us}");
}

/// What the format asks for: every event in a named process and thread, instants with a scope, spans of a thread nested.
#[test]
fn a_trace_is_one_that_viewers_can_show() {
    let mut s = scenario();
    s.topologies.retain(|t| ["no-retry", "hedging", "hedging-grpc"].contains(&t.name.as_str()));
    s.baseline = 0;
    let trace = trace(&s, 150);
    assert_eq!(trace.events.iter().filter(|e| e.cat == "request" && e.ph == "X").count(), 3 * 150);
    let named = |what: &str| -> BTreeSet<(u32, u64)> {
        trace.events.iter().filter(|e| e.name == what).map(|e| (e.pid, e.tid)).collect()
    };
    let (processes, names) = (named("process_name"), named("thread_name"));
    for ((pid, tid), events) in threads(&trace.events) {
        assert!(processes.contains(&(pid, 0)) && names.contains(&(pid, tid)));
        assert!(tid <= u64::from(u32::MAX));
        let mut open: Vec<f64> = Vec::new();
        let mut last = 0.0;
        for e in events {
            assert!(e.ts >= last, "{e:?}");
            last = e.ts;
            match e.ph {
                "X" => {
                    let end = e.ts + e.dur.unwrap();
                    open.retain(|o| *o > e.ts + 1e-3);
                    assert!(open.iter().all(|o| end <= o + 1e-3), "{e:?} overlaps");
                    open.push(end);
                }
                "i" => assert_eq!((e.s, e.dur), (Some("t"), None)),
                other => panic!("{other}"),
            }
        }
    }
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["traceEvents"].as_array().unwrap().len(), trace.events.len());
    assert!(json["traceEvents"].as_array().unwrap().iter().all(|e| e["ts"].is_number() && e["pid"].is_u64()));
    assert_eq!(json["displayTimeUnit"], "ms");
}

/// LiteLLM's reasons name the scenario's deployments, and say what latencies it compared.
#[test]
fn reasons_of_litellm_name_whom_they_are_about() {
    let s = scenario();
    let (_, stories) = followed(&s, topology(&s, "litellm-latency"), Follow::Everybody);
    let named = |d: geodes::units::DeploymentIx| s.deployments[d.ix()].name.as_str();
    let (mut scored, mut cooling) = (0, 0);
    for story in &stories {
        let mut picked = None;
        for step in &story.steps {
            match step.what {
                What::Because(Reason::LiteLlm(Why::Picked { deployment })) => picked = Some(deployment),
                What::Because(Reason::LiteLlm(Why::Slower { deployment, .. })) => {
                    assert!(["east", "west", "ireland"].contains(&named(deployment)));
                    scored += 1;
                }
                What::Because(Reason::LiteLlm(Why::Excluded { .. })) => cooling += 1,
                What::Sent { deployment, degraded, .. } => {
                    assert_eq!(Some(deployment), picked);
                    assert_eq!(degraded, named(deployment) == "small");
                }
                _ => {}
            }
        }
    }
    assert!(scored > 1000 && cooling > 10, "{scored} {cooling}");
}
