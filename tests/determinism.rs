//! The same bytes: any number of threads, two runs, and a check that really can fail.

mod common;

use common::with_rate;
use geodes::report::json;
use geodes::scenario::model::{DistSpec, Fault, FaultWhat, FaultWhen, Scenario};
use geodes::scenario::plain_region;
use geodes::study::replicate::{Observer, Unobserved};
use geodes::study::{determinism, replicate};
use geodes::units::{RegionIx, Span};
use std::sync::atomic::{AtomicBool, Ordering};

fn scenario() -> Scenario {
    let mut s = with_rate(2, 5);
    s.replications = 5;
    for d in &mut s.deployments {
        d.ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.5 };
        d.error_rate = 0.1;
    }
    s.topologies[0].retry.attempts_per_pool = 3;
    let mut second = s.topologies[0].clone();
    second.name = "two".to_owned();
    second.regions.push(plain_region(RegionIx(1)));
    s.topologies.push(second);
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::Recurring { mean_up: Span::from_mins(10), mean_down: Span::from_mins(2) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    s
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn bytes(s: &Scenario, threads: usize) -> String {
    in_pool(threads, || json::to_string_pretty(&replicate::run(s, &Unobserved).unwrap()))
}

#[test]
fn threads_do_not_change_a_byte() {
    let s = scenario();
    let one = bytes(&s, 1);
    assert_eq!(one, bytes(&s, 2));
    assert_eq!(one, bytes(&s, 8));
    assert_eq!(one, bytes(&s, 1));
}

#[test]
fn another_seed_changes_the_result() {
    let s = scenario();
    let mut other = s.clone();
    other.seed += 1;
    assert_ne!(bytes(&s, 2), bytes(&other, 2));
}

#[test]
fn two_runs_agree_in_every_event() {
    let s = scenario();
    let events = determinism::compare(&s, &s, 1).unwrap();
    assert!(events > 50_000, "{events}");
}

/// A component that does not behave the same twice: in the second run one deployment serves a little more slowly.
#[test]
fn the_first_event_that_differs_is_named() {
    let s = scenario();
    let mut broken = s.clone();
    broken.deployments[0].ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.500_001 };
    let divergence = determinism::compare(&s, &broken, 0).unwrap_err();
    let (first, second) = (divergence.first.as_ref().unwrap(), divergence.second.as_ref().unwrap());
    assert!(first.at != second.at && divergence.no > 1, "{divergence}");
    let text = divergence.to_string();
    assert!(text.contains(&format!("event no. {}", divergence.no)), "{text}");
    assert!(text.contains("AttemptEnds"), "{text}");
}

/// Asks to stop as soon as a run of this replication has begun.
struct StopAt(u32, AtomicBool);

impl Observer for StopAt {
    fn progress(&self, _: usize, replication: u32, _: f64) {
        self.1.fetch_or(replication >= self.0, Ordering::SeqCst);
    }
    fn stop(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

/// What is kept is what a study of so many replications gives, and nothing that was finished is lost but for a few.
#[test]
fn a_study_that_is_stopped_keeps_its_first_replications_whole() {
    let mut s = scenario();
    s.horizon = Span::from_mins(5);
    s.replications = 200;
    let topologies = s.topologies.len();
    let of = |replications: u32| {
        let mut s = s.clone();
        s.replications = replications;
        replicate::run(&s, &Unobserved).unwrap()
    };
    for (threads, at) in [(1, 6), (2, 6), (4, 10)] {
        let observer = StopAt(at, AtomicBool::new(false));
        let stopped = in_pool(threads, || replicate::run(&s, &observer)).unwrap();
        let finished = stopped.scenario.replications;
        assert!(stopped.incomplete && finished < 200);
        // when replication `at` began, all runs before it had; so many were still running, and so many had to wait
        let runs = at as usize * topologies - 2 * (threads - 1);
        assert!(finished as usize >= runs / topologies, "{threads} threads: {finished} of {at} replications");
        assert!(finished as usize <= at as usize + 2 * threads, "{threads} threads: {finished} after a stop at {at}");
        let mut whole = of(finished);
        whole.incomplete = true;
        assert_eq!(json::to_string_pretty(&stopped), json::to_string_pretty(&whole), "{threads} threads");
    }
}

#[test]
fn a_study_that_is_stopped_before_its_first_replication_is_complete_has_no_result() {
    let observer = StopAt(0, AtomicBool::new(false));
    assert!(in_pool(2, || replicate::run(&scenario(), &observer)).is_none());
}
