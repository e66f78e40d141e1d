//! Golden tables: what the shipped scenarios give, figure by figure. A change here is either a bug or says in its commit
//! why the figures moved. Accept with `INSTA_UPDATE=always cargo test --test golden`.

use geodes::scenario::model::{FaultWhen, Scenario};
use geodes::study::replicate::{Unobserved, run};
use geodes::study::result::RunResult;
use geodes::units::Span;
use std::fmt::Write as _;
use std::path::Path;

fn load(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario
}

const METRICS: [&str; 16] = [
    "requests",
    "ttft_ms.p50",
    "ttft_ms.p95",
    "ttft_ms.p99",
    "e2e_ms.p50",
    "e2e_ms.p99",
    "model_ttft_ms.p50",
    "availability",
    "fallback_share",
    "degraded_share",
    "cross_region_share",
    "attempts_per_request",
    "stale_reads",
    "writes_lost",
    "cost_usd",
    "cost_multiplier_infra",
];

/// One line per metric, one column per topology; incidents below.
fn table(result: &RunResult) -> String {
    let mut out = format!("{:<24}", "");
    for t in &result.topologies {
        let _ = write!(out, "{:>18}", t.name);
    }
    out.push('\n');
    let incident = |t: &geodes::study::result::TopologyResult| {
        t.metrics.keys().filter(|k| k.starts_with("incident.")).cloned().collect::<Vec<_>>()
    };
    let incidents = result.topologies.first().map(incident).unwrap_or_default();
    for name in METRICS.iter().map(|m| (*m).to_owned()).chain(incidents) {
        if name.len() >= 24 {
            let _ = write!(out, "{name}\n{:<24}", "");
        } else {
            let _ = write!(out, "{name:<24}");
        }
        for t in &result.topologies {
            match t.metrics.get(&name).copied().flatten() {
                Some(v) => {
                    let _ = write!(out, "{v:>18.6}");
                }
                None => {
                    let _ = write!(out, "{:>18}", "-");
                }
            }
        }
        out.push('\n');
    }
    out
}

/// Two hours of the main scenario, with its faults moved into them.
#[test]
fn global_chat_in_small() {
    let mut s = load("global-chat.toml");
    s.horizon = Span::from_hours(2);
    s.replications = 2;
    for (fault, at) in s.faults.iter_mut().zip([20, 90]) {
        fault.when = FaultWhen::At { at: Span::from_mins(at), lasts: Span::from_mins(20) };
    }
    let result = run(&s, &Unobserved).expect("nothing stops it");
    insta::assert_snapshot!(table(&result));
}

#[test]
fn code_trace() {
    let result = run(&load("code-trace.toml"), &Unobserved).expect("nothing stops it");
    insta::assert_snapshot!(table(&result));
}

/// Title and metric of a column of the tables of steering policies; of an incident's metrics, the first incident counts.
type SteeringColumn = (&'static str, &'static str);

/// What users feel, what it takes and what it costs.
const STEERING: [SteeringColumn; 7] = [
    ("failed %", "availability"),
    ("ttft p50 ms", "ttft_ms.p50"),
    ("ttft p95 ms", "ttft_ms.p95"),
    ("far %", "cross_region_share"),
    ("attempts", "attempts_per_request"),
    ("degraded %", "degraded_share"),
    ("cost $", "cost_usd"),
];

/// What becomes of a fault. Seconds count from its beginning, but "recover s" from its end until users no longer feel it.
const STEERED_AWAY: [SteeringColumn; 5] = [
    ("noticed s", "incident.detected_s"),
    ("half gone s", "incident.moved_half_s"),
    ("99 % gone s", "incident.moved_99_s"),
    ("lost", "incident.failed"),
    ("recover s", "incident.over_s"),
];

/// One line per policy.
fn steering_table(s: &Scenario, columns: &[SteeringColumn]) -> String {
    let result = run(s, &Unobserved).expect("nothing stops it");
    let lasted = s.faults.first().map_or(Span::ZERO, |f| match f.when {
        FaultWhen::At { lasts, .. } => lasts,
        FaultWhen::Recurring { .. } => panic!("{} has no end to count from", f.name),
    });
    let mut out = format!("{:<24}", "");
    for (title, _) in columns {
        let _ = write!(out, "{title:>13}");
    }
    for t in &result.topologies {
        let _ = write!(out, "\n{:<24}", t.name);
        for (title, metric) in columns {
            let of_incident = s.faults.first().map(|f| format!("{metric}{{incident={}}}", f.name));
            let value = t.metrics.get(*metric).or_else(|| t.metrics.get(&of_incident?));
            let shown = match (*title, *value.unwrap_or_else(|| panic!("no {metric}"))) {
                ("recover s", None) => "never".to_owned(),
                (_, None) => "-".to_owned(),
                ("failed %", Some(v)) => format!("{:.3}", 100.0 * (1.0 - v)),
                ("far %" | "degraded %", Some(v)) => format!("{:.2}", 100.0 * v),
                ("attempts", Some(v)) => format!("{v:.3}"),
                ("cost $", Some(v)) => format!("{v:.4}"),
                ("recover s", Some(v)) => format!("{:.0}", (v - lasted.as_secs_f64()).max(0.0)),
                (_, Some(v)) => format!("{v:.0}"),
            };
            let _ = write!(out, "{shown:>13}");
        }
    }
    out.push('\n');
    out
}

/// Every way to steer through a regional outage.
#[test]
fn steering_outage() {
    let s = load("policies/steering-outage.toml");
    insta::assert_snapshot!(steering_table(&s, &[&STEERING[..], &STEERED_AWAY].concat()));
}

/// Ways to steer a crowd that is more than the region near it can hold: nothing is broken, so there is nothing to recover from.
#[test]
fn steering_overload() {
    insta::assert_snapshot!(steering_table(&load("policies/steering-overload.toml"), &STEERING));
}

/// A smaller crowd that fits, until the region near it becomes slow and holds a third of what it held, for five minutes.
#[test]
fn steering_slow_region() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/policies/steering-overload.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!((text.matches("# fault = ").count(), text.matches("\"150 sessions/s\"").count()), (1, 1));
    let slow = text.replace("# fault = ", "fault = ").replace("\"150 sessions/s\"", "\"100 sessions/s\"");
    let s =
        geodes::scenario::from_str(&slow, "steering-overload.toml", None).unwrap_or_else(|e| panic!("{e}")).scenario;
    insta::assert_snapshot!(steering_table(&s, &[&STEERING[..], &STEERED_AWAY].concat()));
}
