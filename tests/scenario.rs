//! Scenario files: what is accepted, what is refused and how it is said.

mod common;
#[path = "scenario/files.rs"]
mod files;
#[path = "scenario/mutated.rs"]
mod mutated;
#[path = "scenario/refused.rs"]
mod refused;
#[path = "scenario/schema.rs"]
mod schema;
#[path = "scenario/values.rs"]
mod values;
#[path = "scenario/warned.rs"]
mod warned;

use files::toml_files;
use geodes::scenario::load;

#[test]
fn every_shipped_scenario_loads_without_warnings() {
    let folders = ["scenarios", "scenarios/claims", "scenarios/pathologies", "scenarios/policies"];
    for path in folders.into_iter().flat_map(toml_files) {
        let loaded = load(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        assert_eq!(loaded.scenario.slug, path.file_stem().unwrap().to_str().unwrap());
    }
}
