//! JSON for machines. Keys keep the order of the result types, metric names are sorted, and a figure that does not exist
//! (or is not finite) is `null`: JSON has no other honest word for it.

use crate::study::result::{RunResult, ScenarioInfo, TopologyResult};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The whole run, indented, with a final newline. `topologies.<name>.metrics` is a flat object from metric name to
/// number or `null`, under the names that objectives use.
pub fn to_string_pretty(run: &RunResult) -> String {
    pretty(run)
}

/// One topology of the run in the same shape as [`to_string_pretty`], with a single entry under `topologies`, so that
/// one reader serves both.
pub fn topology_to_string_pretty(run: &RunResult, topology: &TopologyResult) -> String {
    pretty(&OneTopology {
        format_version: run.format_version,
        geodes_version: run.geodes_version,
        scenario: &run.scenario,
        topologies: Named(topology),
        incomplete: run.incomplete,
    })
}

#[derive(serde::Serialize)]
struct OneTopology<'a> {
    format_version: u32,
    geodes_version: &'static str,
    scenario: &'a ScenarioInfo,
    topologies: Named<'a>,
    incomplete: bool,
}

struct Named<'a>(&'a TopologyResult);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_entry(&self.0.name, self.0)?;
        map.end()
    }
}

/// Anything, in one line.
pub fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("result types have text keys")
}

/// Anything, indented, with a final newline. serde_json writes NaN and infinities as `null`, and fails only on keys that are not text, which the result types do
/// not have.
pub fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("result types have text keys");
    text.push('\n');
    text
}
