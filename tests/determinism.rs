//! The same bytes: any number of threads, two runs, and a check that really can fail.

use geodes::report::json;
use geodes::scenario::model::{Arrivals, DistSpec, Fault, FaultWhat, FaultWhen, Scenario};
use geodes::scenario::{plain, plain_region};
use geodes::study::{determinism, replicate};
use geodes::units::{PerNanos, RegionIx, Span};

fn scenario() -> Scenario {
    let mut s = plain(2);
    s.workloads[0].arrivals =
        Arrivals::Poisson { rate: PerNanos { micro_count: 5_000_000, nanos: 1_000_000_000 }, shape: None };
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

fn bytes(s: &Scenario, threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| json::to_string_pretty(&replicate::run(s, &replicate::Unobserved).unwrap()))
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
