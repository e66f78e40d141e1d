//! Pathologies of load: overload that outlives its cause, what retries multiply, and herds that follow old signals. Each
//! has a scenario in `scenarios/pathologies`; the published figures are in docs/routing.md, "Known pathologies".

mod common;

use common::shipped;
use geodes::scenario::model::{FaultWhat, Scenario};
use geodes::units::Span;
use geodes::world::{Record, run};

fn load(name: &str) -> Scenario {
    shipped(&format!("pathologies/{name}"))
}

fn of(s: &Scenario, topology: &str) -> Record {
    let i = s.topologies.iter().position(|t| t.name == topology).unwrap_or_else(|| panic!("no {topology}"));
    run(s, i, 0)
}

/// Share of the turns sent between two seconds that were served.
fn goodput(r: &Record, from: usize, to: usize) -> f64 {
    let cells = || (from..to).filter_map(|i| r.timeline[0].get(i));
    let (sent, failed) = (cells().map(|c| c.requests).sum::<u64>(), cells().map(|c| c.failed).sum::<u64>());
    assert!(sent > 0, "nothing was sent from {from} to {to} s");
    (sent - failed) as f64 / sent as f64
}

/// V7: at 70 % load a second's stall, time-outs of 500 ms and retries without a budget end in collapse; with a budget the
/// system recovers.
#[test]
fn without_a_budget_the_overload_outlives_its_cause() {
    let s = load("retry-storm.toml");
    let storm = of(&s, "retries");
    assert!(goodput(&storm, 0, 60) > 0.999, "before the stall all is well: {}", goodput(&storm, 0, 60));
    // the stall has been over for three minutes
    assert!(goodput(&storm, 200, 240) < 0.1, "it stays down: {}", goodput(&storm, 200, 240));
    for topology in ["no-retries", "budget", "grpc", "envoy"] {
        let r = of(&s, topology);
        assert!(goodput(&r, 75, 240) > 0.99, "{topology} is back within 15 s: {}", goodput(&r, 75, 240));
    }
    // what is out of the collapse is its cause: without the stall nothing ever happens
    let calm = Scenario { faults: Vec::new(), ..s.clone() };
    assert!(goodput(&of(&calm, "retries"), 0, 240) > 0.999);
    // and what keeps it up is wasted work: an endpoint that refuses instead of queueing recovers by itself
    let mut refusing = s.clone();
    refusing.deployments[0].queue = 20;
    assert!(goodput(&of(&refusing, "retries"), 75, 240) > 0.9);
}

/// V7: N retries at failure probability p multiply load by (1 - p^(N+1)) / (1 - p), so by N + 1 in a full outage; a budget
/// of 10 % caps it at 1.1.
#[test]
fn retries_multiply_load_and_a_budget_caps_it() {
    let calls = |topology: &str, p: f64| {
        let mut s = load("retry-storm.toml");
        s.faults.retain(|f| matches!(f.what, FaultWhat::RegionDown { .. }));
        s.deployments[0].concurrency = None;
        s.deployments[0].queue = 0;
        s.deployments[0].error_rate = p;
        let r = of(&s, topology);
        r.attempts as f64 / r.requests() as f64
    };
    for (p, expected) in [(0.1, 1.111), (0.5, 1.875), (1.0, 4.0)] {
        // failures and the few service times over 500 ms: e^-5 of an exponential with mean 100 ms
        let p_all: f64 = p + (1.0 - p) * 0.0075;
        let law = if p_all > 0.9999 { 4.0 } else { (1.0 - p_all * p_all * p_all * p_all) / (1.0 - p_all) };
        let seen = calls("retries", p);
        assert!((seen - law).abs() < 0.01 * law && (seen - expected).abs() < 0.02 * expected, "{p}: {seen}, {law}");
    }
    let capped = calls("budget", 1.0);
    assert!((1.09..=1.1).contains(&capped), "{capped}");
}

/// V7: signals 5 ms old cost next to nothing, 100 ms old ones multiply the tail several times.
#[test]
fn old_signals_herd() {
    let s = load("stale-metrics.toml");
    let p99 =
        |topology: &str| of(&s, topology).groups[0].ttft.percentile(99.0).expect("turns were served") as f64 / 1e6;
    let [counted, fresh, old, older, random] = ["counted", "ms-5", "ms-100", "s-1", "random"].map(p99);
    assert!(fresh < 1.5 * counted, "5 ms: {fresh} against {counted}");
    assert!((2.5..5.0).contains(&(old / counted)), "100 ms: {old} against {counted}");
    assert!(older > 10.0 * old, "1 s: {older} against {old}");
    assert!(old > random, "at 100 ms chance does better than the signal: {old} against {random}");
}

/// The queue of a deployment: who waits pays for it in time to first token, who finds no room is refused.
#[test]
fn a_queue_delays_and_then_refuses() {
    let mut s = load("stale-metrics.toml");
    s.deployments.truncate(1);
    s.topologies[0].chain[0].members.truncate(1);
    s.topologies.truncate(1);
    s.horizon = Span::from_secs(20);
    let with = |queue| {
        let mut s = s.clone();
        s.deployments[0].queue = queue;
        of(&s, "counted")
    };
    // 224 requests a second for one place that serves 20
    let [none, some, many] = [0, 10, 100].map(with);
    let served = |r: &Record| r.deployments[0].ok;
    assert!(none.failed() > 0 && some.failed() > 0);
    assert!(served(&none) < served(&some), "a queue keeps the place busy");
    let p50 = |r: &Record| r.groups[0].ttft.percentile(50.0).unwrap() as f64 / 1e6;
    assert!(p50(&none) < 100.0);
    assert!((450.0..700.0).contains(&p50(&some)), "ten in front, 50 ms each: {}", p50(&some));
    assert!((4500.0..5700.0).contains(&p50(&many)), "a hundred in front: {}", p50(&many));
}
