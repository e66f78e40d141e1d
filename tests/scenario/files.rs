//! Files of scenarios, and what reading one gives.

use geodes::scenario::diagnostic::Diagnostics;
use geodes::scenario::from_str;
use geodes::scenario::model::{Scenario, Topology};
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

pub fn bad(text: &str) -> Diagnostics {
    match from_str(text, "test.toml", None) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(d) => d,
    }
}

pub fn topology<'a>(s: &'a Scenario, name: &str) -> &'a Topology {
    s.topologies.iter().find(|t| t.name == name).unwrap()
}
