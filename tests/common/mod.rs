//! What several files of tests share: a small scenario as text and as a model, and what the reader of a file is told.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use geodes::scenario::diagnostic::Severity;
use geodes::scenario::model::{Arrivals, Scenario};
use geodes::scenario::{Loaded, from_str, plain};
use geodes::units::PerNanos;
use geodes::world::{Record, run};
use std::path::Path;

/// A small scenario without errors.
pub const GOOD: &str = r#"
name = "Small"
start = "2026-03-02T00:00:00Z"
horizon = "1 h"
warmup = "0"

[users]
berlin = { city = "Berlin", share = 0.6 }
tokyo = { city = "Tokyo", share = 0.4 }

[workload.chat]
arrivals.poisson = { rate = "2 sessions/s" }
sizes.fixed = { input = "100 tokens", output = "50 tokens" }

[deployment.gpt]
provider = "azure"
region = "azure:eastus2"
model = "gpt-4.1"
price = { input = "$2 / Mtok", output = "$8 / Mtok" }
latency.preset = "gpt-4.1-2026"

[pool.gpt]
deployments = ["gpt"]

[topology.one]
regions = ["aws:us-east-1"]
chain = ["gpt"]
"#;

/// The same up to its deployment `gpt`, with as many users in each of these cities, more keys of `gpt`, and what else a test
/// needs: at least a topology.
pub fn small(cities: &[&str], gpt: &str, rest: &str) -> String {
    let (head, users) = GOOD.split_once("berlin = ").unwrap();
    let (_, workload) = users.split_once("\n\n").unwrap();
    let (workload, _) = workload.split_once("\n[pool.gpt]").unwrap();
    let share = 1.0 / cities.len() as f64;
    let group = |city: &&str| format!("{} = {{ city = \"{city}\", share = {share:?} }}\n", city.to_lowercase());
    let users: String = cities.iter().map(group).collect();
    format!("{head}{users}\n{workload}{gpt}\n{rest}")
}

/// What a file without errors says.
pub fn good(text: &str) -> Scenario {
    let Loaded { scenario, .. } = from_str(text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    scenario
}

/// A shipped scenario, which loads without warnings.
pub fn shipped(path: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(path);
    let loaded = geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.warnings.render(false), "");
    loaded.scenario
}

/// The errors that a file gets, or the warnings if there are no errors.
pub fn messages(text: &str) -> Vec<String> {
    match from_str(text, "test.toml", None) {
        Ok(loaded) => loaded.warnings.list().iter().map(|d| d.message.clone()).collect(),
        Err(d) => {
            let errors = d.list().iter().filter(|d| d.severity == Severity::Error);
            errors.map(|d| d.message.clone()).collect()
        }
    }
}

/// `n` places with a deployment each and so many sessions per second.
pub fn with_rate(n: usize, per_second: u64) -> Scenario {
    let mut s = plain(n);
    let rate = PerNanos { micro_count: per_second * 1_000_000, nanos: 1_000_000_000 };
    s.workloads[0].arrivals = Arrivals::Poisson { rate, shape: None };
    s
}

/// The first run of the first topology.
pub fn one(s: &Scenario) -> Record {
    run(s, 0, 0)
}

/// Calls of each deployment.
pub fn attempts(r: &Record) -> Vec<u64> {
    r.deployments.iter().map(|d| d.attempts).collect()
}

/// Share of the calls that each deployment gets.
pub fn shares(r: &Record) -> Vec<f64> {
    r.deployments.iter().map(|d| d.attempts as f64 / r.attempts as f64).collect()
}
