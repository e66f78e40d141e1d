//! What the tests of scenario files share.

use geodes::scenario::diagnostic::Diagnostics;
use geodes::scenario::model::{Scenario, Topology};
use geodes::scenario::{Loaded, from_str};
use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn toml_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

/// States every key of the language.
pub const EVERY_KEY: &str = include_str!("../every_key.toml");

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

pub fn good(text: &str) -> Scenario {
    let Loaded { scenario, .. } = from_str(text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    scenario
}

pub fn bad(text: &str) -> Diagnostics {
    match from_str(text, "test.toml", None) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(d) => d,
    }
}

pub fn topology<'a>(s: &'a Scenario, name: &str) -> &'a Topology {
    s.topologies.iter().find(|t| t.name == name).unwrap()
}
