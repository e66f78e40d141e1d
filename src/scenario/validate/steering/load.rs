//! Whether the checks and probes of a run could ever be simulated.

use crate::routing::steering::Policy;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::At;
use crate::scenario::extends::Resolved;
use crate::scenario::model::Topology;
use crate::scenario::raw::{RawSteering, RawTopology};
use crate::units::Span;

/// Most checks and probes of one run.
/// ASSUMPTION: two events each at some five million events per second and core: minutes.
const MOST_TESTS: f64 = 1e9;

/// Refuses topologies whose checks and probes would take longer than anything else in the run. `lasts` is the simulated time.
pub fn finishes(
    topologies: &[(At<String>, Option<Topology>)],
    resolved: &[Resolved<RawTopology>],
    groups: usize,
    lasts: Span,
    cx: &mut Cx,
) {
    for (name, topology) in topologies {
        let Some(t) = topology else { continue };
        let regions = t.regions.len() as f64;
        let rounds = |interval: Span| lasts.as_secs_f64() / interval.as_secs_f64();
        let policy = &t.steering.policy;
        let checkers = if policy.uses_verdicts() { f64::from(t.health.quorum.checkers) } else { 0.0 };
        let edges = |interval| groups as f64 * rounds(interval);
        let probes = match policy {
            Policy::FrontDoor(group) => edges(group.interval),
            Policy::CloudflareDynamic { .. } => edges(t.health.interval),
            _ => 0.0,
        };
        let tests = regions * (checkers * rounds(t.health.interval) + probes);
        if tests <= MOST_TESTS {
            continue;
        }
        let raw = resolved.iter().find(|r| r.name.value == name.value).and_then(|r| r.value.as_ref());
        let own = match raw.and_then(|t| t.steering.as_ref()) {
            Some(RawSteering::AzureFrontDoor(r)) => r.probe_interval.map(|i| i.loc),
            _ => raw.and_then(|t| t.health.as_ref()).and_then(|h| h.interval).map(|i| i.loc),
        };
        cx.error(own.unwrap_or(name.loc), format!("topology `{}` makes {tests:.0} health checks and probes", t.name))
            .expected(format!("at most {MOST_TESTS:.0} in a run"))
            .help("a longer interval, fewer checkers, or a shorter `horizon`");
    }
}
