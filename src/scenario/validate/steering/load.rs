//! Whether the checks and probes of a run could ever be simulated.

use crate::routing::guard::GuardConfig;
use crate::routing::steering::Policy;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
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
        let raw = resolved.iter().find(|r| r.name.value == name.value).and_then(|r| r.value.as_ref());
        let kinds = tests(t, raw, groups, lasts);
        let tests: f64 = kinds.iter().map(|k| k.0).sum();
        if tests <= MOST_TESTS {
            continue;
        }
        let most = kinds.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).and_then(|k| k.1);
        cx.error(most.unwrap_or(name.loc), format!("topology `{}` makes {tests:.0} health checks and probes", t.name))
            .expected(format!("at most {MOST_TESTS:.0} in a run"))
            .help("a longer interval, fewer checkers, or a shorter `horizon`");
    }
}

/// How many of each kind a run has, and where their interval stands.
fn tests(t: &Topology, raw: Option<&RawTopology>, groups: usize, lasts: Span) -> [(f64, Option<Loc>); 4] {
    let regions = t.regions.len() as f64;
    let rounds = |interval: Span| lasts.as_secs_f64() / interval.as_secs_f64();
    let policy = &t.steering.policy;
    let checkers = if policy.uses_verdicts() { f64::from(t.health.quorum.checkers) } else { 0.0 };
    let edges = |interval| regions * groups as f64 * rounds(interval);
    let (probes, wakes) = match policy {
        Policy::FrontDoor(group) => (edges(group.interval), 0.0),
        Policy::CloudflareDynamic { .. } => (edges(t.health.interval), 0.0),
        // each time the load of every region is reported
        Policy::Waterfall(config) => (0.0, regions * rounds(config.interval)),
        _ => (0.0, 0.0),
    };
    let of_steering = raw.and_then(|t| t.steering.as_ref());
    let health = raw.and_then(|t| t.health.as_ref()).and_then(|h| h.interval).map(|i| i.loc);
    let probe = match of_steering {
        Some(RawSteering::AzureFrontDoor(r)) => r.probe_interval.map(|i| i.loc),
        _ => health,
    };
    let wake = match of_steering {
        Some(RawSteering::GoogleWaterfall(r)) => r.interval.map(|i| i.loc),
        _ => None,
    };
    let mut called: Vec<usize> = t.chain.iter().flat_map(|p| p.members.iter().map(|m| m.0.ix())).collect();
    called.sort_unstable();
    called.dedup();
    let of_gateways = t.guards.iter().map(|g| match g {
        GuardConfig::ActiveHealth(config) => regions * called.len() as f64 * rounds(config.interval),
        _ => 0.0,
    });
    let active = raw.and_then(|t| t.active_health.as_ref()).and_then(|h| h.interval).map(|i| i.loc);
    [
        (regions * checkers * rounds(t.health.interval), health),
        (probes, probe),
        (wakes, wake),
        (of_gateways.sum(), active),
    ]
}
