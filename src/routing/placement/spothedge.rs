//! SpotHedge: spot replicas spread over zones, away from where one was reclaimed lately, a few more than needed, and on-demand
//! replicas in the place of those that are missing.
//!
//! Sources: SkyServe (Mao, Xia, Wu et al., EuroSys 2025, arXiv 2411.01438), and SkyPilot's `sky/serve/spot_placer.py`
//! (`DynamicFallbackSpotPlacer`) and `sky/serve/autoscalers.py` (`FallbackRequestRateAutoscaler`), version 0.14.1. A new replica
//! goes to the cheapest of the active zones that have none, or of all active zones; a zone where a replica was reclaimed or
//! could not be started is no longer active; a start that succeeds makes it active again; with fewer than two active zones all
//! become active. There are `target + extra` replicas of which `always_on_demand` are on demand in any case; one more is on
//! demand for each of the others that is not ready, `target` at most. The paper's evaluation has 2 extra replicas.
//!
//! SkyPilot counts a zone as active again when the instance is there, here it is when the replica serves; SkyPilot hears of a
//! refusal some time after it has asked, here at once, but all starts of a look are planned before the first is tried.

use super::{Plan, Seen};
use crate::units::Money;

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpotHedgeConfig {
    /// Replicas beyond the target.
    pub extra: u32,
    /// Replicas that are on demand in any case (SkyPilot's `base_ondemand_fallback_replicas`).
    pub always_on_demand: u32,
}

#[derive(Clone, Copy, Debug)]
struct Zone {
    /// Price of a spot replica per hour.
    price: Money,
    active: bool,
}

/// The placer of one service.
#[derive(Clone, Debug)]
pub(super) struct SpotHedge {
    target: u32,
    config: SpotHedgeConfig,
    zones: Vec<Zone>,
    /// Spot replicas per zone while starts are planned.
    planned: Vec<u32>,
}

impl SpotHedge {
    /// For zones with these prices of a spot replica; all are active.
    pub(super) fn new(target: u32, config: SpotHedgeConfig, prices: &[Money]) -> SpotHedge {
        let zones = prices.iter().map(|p| Zone { price: *p, active: true }).collect();
        SpotHedge { target, config, zones, planned: Vec::new() }
    }

    /// What is to be done now.
    pub(super) fn plan(&mut self, seen: Seen<'_>, plan: &mut Plan) {
        let wanted = self.target.saturating_add(self.config.extra).saturating_sub(self.config.always_on_demand);
        self.planned.clear();
        self.planned.extend_from_slice(seen.spot);
        for _ in seen.spot.iter().sum::<u32>()..wanted {
            let zone = self.place();
            self.planned[zone] += 1;
            plan.start.push(zone);
        }
        plan.on_demand = (self.config.always_on_demand + wanted.saturating_sub(seen.ready)).min(self.target);
    }

    /// The zone of the next replica, ties to the first. Some zone is active always.
    fn place(&self) -> usize {
        let active = || self.zones.iter().enumerate().filter(|(_, z)| z.active);
        let cheapest = |unused: bool| {
            let candidates = active().filter(|(i, _)| !unused || self.planned[*i] == 0);
            candidates.min_by_key(|(i, z)| (z.price, *i)).map(|z| z.0)
        };
        cheapest(true).or_else(|| cheapest(false)).expect("some zone is active always")
    }

    /// A replica there was reclaimed, or could not be started.
    pub(super) fn on_preempted(&mut self, zone: usize) {
        self.zones[zone].active = false;
        if self.zones.iter().filter(|z| z.active).count() < 2 {
            self.zones.iter_mut().for_each(|z| z.active = true);
        }
    }

    /// A replica there has started.
    pub(super) fn on_started(&mut self, zone: usize) {
        self.zones[zone].active = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hedge(extra: u32, always_on_demand: u32, prices: &[i128]) -> SpotHedge {
        let prices: Vec<Money> = prices.iter().map(|p| Money::from_pico(*p)).collect();
        SpotHedge::new(4, SpotHedgeConfig { extra, always_on_demand }, &prices)
    }

    fn plan(s: &mut SpotHedge, spot: &[u32], ready: u32) -> (Vec<usize>, u32) {
        let mut plan = Plan::default();
        s.plan(Seen { spot, ready }, &mut plan);
        (plan.start, plan.on_demand)
    }

    /// Four replicas and two more over three zones, of which the cheapest is reclaimed.
    #[test]
    fn skyserve_spothedge_spreads_avoids_and_falls_back() {
        let mut s = hedge(2, 0, &[30, 10, 20]);
        // one in every zone, cheapest first, then the cheapest; while nothing is ready the whole target is on demand
        assert_eq!(plan(&mut s, &[0, 0, 0], 0), (vec![1, 2, 0, 1, 1, 1], 4));
        assert_eq!(plan(&mut s, &[1, 4, 1], 6), (vec![], 0));
        // zone 1 is reclaimed: four are missing, two of them beyond the spare ones
        s.on_preempted(1);
        assert_eq!(plan(&mut s, &[1, 0, 1], 2), (vec![2, 2, 2, 2], 4), "the cheaper of those that were not reclaimed");
        assert_eq!(plan(&mut s, &[1, 0, 5], 4), (vec![], 2));
        assert_eq!(plan(&mut s, &[1, 0, 5], 5), (vec![], 1));
        // a second zone goes: one active zone is too few to spread, so all are tried again
        s.on_preempted(2);
        assert_eq!(plan(&mut s, &[1, 0, 0], 1).0, [1, 2, 1, 1, 1]);
        s.on_preempted(1);
        assert_eq!(plan(&mut s, &[1, 0, 0], 1).0, [2, 2, 2, 2, 2]);
        s.on_started(1);
        assert_eq!(plan(&mut s, &[1, 0, 0], 1).0, [1, 2, 1, 1, 1]);
    }

    /// `base_ondemand_fallback_replicas = 1` of SkyPilot.
    #[test]
    fn some_are_on_demand_always() {
        let mut s = hedge(2, 1, &[10, 20]);
        assert_eq!(plan(&mut s, &[0, 0], 0), (vec![0, 1, 0, 0, 0], 4));
        assert_eq!(plan(&mut s, &[3, 2], 4), (vec![], 2));
        assert_eq!(plan(&mut s, &[3, 2], 5), (vec![], 1));
    }

    #[test]
    fn a_single_zone_is_tried_for_ever() {
        let mut s = hedge(0, 0, &[10]);
        s.on_preempted(0);
        assert_eq!(plan(&mut s, &[0], 0), (vec![0, 0, 0, 0], 4));
    }
}
