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

/// Title and metric of a column of the table of steering policies.
const STEERING_COLUMNS: [(&str, &str); 8] = [
    ("failed %", "availability"),
    ("ttft p50 ms", "ttft_ms.p50"),
    ("ttft p95 ms", "ttft_ms.p95"),
    ("far %", "cross_region_share"),
    ("noticed s", "incident.detected_s{incident=ireland down}"),
    ("half gone s", "incident.moved_half_s{incident=ireland down}"),
    ("99 % gone s", "incident.moved_99_s{incident=ireland down}"),
    ("lost", "incident.failed{incident=ireland down}"),
];

/// One line per policy.
fn steering_table(result: &RunResult, columns: &[(&str, &str)]) -> String {
    let mut out = format!("{:<24}", "");
    for (title, _) in columns {
        let _ = write!(out, "{title:>13}");
    }
    for t in &result.topologies {
        let _ = write!(out, "\n{:<24}", t.name);
        for (title, metric) in columns {
            let shown = match (*title, t.metrics.get(*metric).unwrap_or_else(|| panic!("no {metric}"))) {
                (_, None) => "-".to_owned(),
                ("failed %", Some(v)) => format!("{:.3}", 100.0 * (1.0 - v)),
                ("far %", Some(v)) => format!("{:.2}", 100.0 * v),
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
    let result = run(&load("policies/steering-outage.toml"), &Unobserved).expect("nothing stops it");
    insta::assert_snapshot!(steering_table(&result, &STEERING_COLUMNS));
}

/// Ways to steer a crowd that is more than the region near it can hold.
#[test]
fn steering_overload() {
    let result = run(&load("policies/steering-overload.toml"), &Unobserved).expect("nothing stops it");
    insta::assert_snapshot!(steering_table(&result, &STEERING_COLUMNS[..4]));
}
