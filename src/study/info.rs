//! The identity of a scenario as results carry it: who, where, over which paths, and which defaults.

use super::result::{GroupInfo, LinkInfo, ScenarioInfo};
use crate::scenario::model::{Link, Scenario};
use crate::units::GroupIx;

/// The entry for a study of so many finished replications.
pub fn info(scenario: &Scenario, replications: u32) -> ScenarioInfo {
    let start = jiff::Timestamp::from_second(scenario.start_unix_s).expect("validation bounds the calendar");
    let mut network = Vec::new();
    let used: Vec<_> = {
        let mut regions: Vec<_> = scenario.topologies.iter().flat_map(|t| t.regions.iter().map(|r| r.place)).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    };
    let link = |from: &str, to: &str, l: &Link| LinkInfo {
        from: from.to_owned(),
        to: to.to_owned(),
        rtt_ms: l.rtt.as_millis_f64(),
        estimated: l.estimated,
        origin: l.origin.clone(),
    };
    for (g, group) in scenario.groups.iter().enumerate() {
        for p in &used {
            let l = scenario.user_link(GroupIx::new(g), *p);
            network.push(link(&group.name, &scenario.places[p.ix()].id, l));
        }
    }
    let mut targets: Vec<_> = scenario.deployments.iter().map(|d| d.place).chain(used.iter().copied()).collect();
    targets.sort_unstable();
    targets.dedup();
    for a in &used {
        for b in &targets {
            if a != b {
                let l = scenario.place_link(*a, *b);
                network.push(link(&scenario.places[a.ix()].id, &scenario.places[b.ix()].id, l));
            }
        }
    }
    ScenarioInfo {
        name: scenario.name.clone(),
        slug: scenario.slug.clone(),
        start: start.to_string(),
        horizon_s: scenario.horizon.as_secs_f64(),
        warmup_s: scenario.warmup.as_secs_f64(),
        seed: scenario.seed,
        replications,
        baseline: scenario.topologies[scenario.baseline].name.clone(),
        groups: scenario
            .groups
            .iter()
            .map(|g| GroupInfo {
                name: g.name.clone(),
                city: g.city.clone(),
                zone: g.zone.clone(),
                lat: g.place.lat,
                lon: g.place.lon,
                share: g.share,
            })
            .collect(),
        network,
        defaults: scenario.defaults.clone(),
        slow_over_ms: scenario.slow_over.as_millis_f64(),
    }
}
