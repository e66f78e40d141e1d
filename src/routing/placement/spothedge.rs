//! SpotHedge: spot replicas spread over zones, away from where one was reclaimed lately, a few more than needed, and on-demand
//! replicas in the place of those that are missing.
//!
//! Sources: SkyServe (Mao, Xia, Wu et al., EuroSys 2025, arXiv 2411.01438) and SkyPilot's `sky/serve/spot_placer.py`,
//! `DynamicFallbackSpotPlacer` (read 2026-11): a new replica goes to the cheapest zone among the active ones that have none,
//! or among all active ones; a zone where a replica was reclaimed or could not be started is no longer active; a
//! start that succeeds makes it active again; with fewer than two active zones all become active. The paper keeps
//! `target + extra` spot replicas and `min(target, target + extra - ready spot)` on demand (formula as remembered, not read
//! again); `extra` is 2 in its evaluation.

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpotHedgeConfig {
    /// Replicas that the load needs.
    pub target: u32,
    /// Spot replicas beyond that.
    pub extra: u32,
}

/// What is to be done about the number of replicas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Spot replicas to start now.
    pub start_spot: u32,
    /// On-demand replicas that there should be.
    pub on_demand: u32,
}

#[derive(Clone, Copy, Debug)]
struct Zone {
    /// Price of a spot replica, in any unit.
    price: u64,
    active: bool,
}

/// The placer of one service.
#[derive(Clone, Debug)]
pub struct SpotHedge {
    config: SpotHedgeConfig,
    zones: Vec<Zone>,
}

impl SpotHedge {
    /// For zones with these prices of a spot replica; all are active.
    pub fn new(config: SpotHedgeConfig, prices: &[u64]) -> SpotHedge {
        SpotHedge { config, zones: prices.iter().map(|p| Zone { price: *p, active: true }).collect() }
    }

    /// The zone for the next spot replica, when those that live or start are in these zones; ties to the first. `None`
    /// without zones.
    pub fn place(&self, current: &[usize]) -> Option<usize> {
        let active = || self.zones.iter().enumerate().filter(|(_, z)| z.active);
        let cheapest = |unused: bool| {
            let candidates = active().filter(|(i, _)| !unused || !current.contains(i));
            candidates.min_by_key(|(i, z)| (z.price, *i)).map(|z| z.0)
        };
        cheapest(true).or_else(|| cheapest(false))
    }

    /// A replica there was reclaimed, or could not be started.
    pub fn on_preempted(&mut self, zone: usize) {
        self.zones[zone].active = false;
        if self.zones.iter().filter(|z| z.active).count() < 2 {
            self.zones.iter_mut().for_each(|z| z.active = true);
        }
    }

    /// A replica there has started.
    pub fn on_started(&mut self, zone: usize) {
        self.zones[zone].active = true;
    }

    /// What to do when so many spot replicas live or start, and so many of them are ready.
    pub fn plan(&self, live: u32, ready: u32) -> Plan {
        let wanted = self.config.target + self.config.extra;
        Plan {
            start_spot: wanted.saturating_sub(live),
            on_demand: wanted.saturating_sub(ready).min(self.config.target),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four replicas and two more over three zones, of which the cheapest is reclaimed.
    #[test]
    fn skyserve_spothedge_spreads_avoids_and_falls_back() {
        let mut s = SpotHedge::new(SpotHedgeConfig { target: 4, extra: 2 }, &[30, 10, 20]);
        // at the start nothing is ready: all of the target on demand while six spot replicas start
        assert_eq!(s.plan(0, 0), Plan { start_spot: 6, on_demand: 4 });
        let mut current = Vec::new();
        for _ in 0..6 {
            current.push(s.place(&current).unwrap());
        }
        // one in every zone, cheapest first, then the cheapest
        assert_eq!(current, [1, 2, 0, 1, 1, 1]);
        assert_eq!(s.plan(6, 6), Plan { start_spot: 0, on_demand: 0 });
        // zone 1 is reclaimed: two are left, and two of the four are missing beyond the spare ones
        s.on_preempted(1);
        current.retain(|z| *z != 1);
        assert_eq!(s.plan(2, 2), Plan { start_spot: 4, on_demand: 4 });
        assert_eq!(s.place(&current), Some(2), "the cheaper of those that were not reclaimed");
        assert_eq!(s.plan(6, 4), Plan { start_spot: 0, on_demand: 2 });
        assert_eq!(s.plan(6, 5), Plan { start_spot: 0, on_demand: 1 });
        // a second zone goes: one active zone is too few to spread, so all are tried again
        s.on_preempted(2);
        assert_eq!(s.place(&[]), Some(1));
        s.on_preempted(1);
        assert_eq!(s.place(&[]), Some(2));
        s.on_started(1);
        assert_eq!(s.place(&[]), Some(1));
        assert_eq!(SpotHedge::new(SpotHedgeConfig { target: 1, extra: 0 }, &[]).place(&[]), None);
    }
}
