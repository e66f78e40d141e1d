//! Where replicas of a self-hosted model are started: policies over zones with spot instances, which can be reclaimed at any
//! time, and on-demand instances, which cannot. One algorithm per file.
//!
//! A controller looks at its replicas every so often ([`Placer::next_timeout`]), hears meanwhile what has become of them, and
//! is told where to start spot replicas and how many on-demand replicas there should be.

mod even_spread;
mod round_robin;
mod spothedge;

pub use spothedge::SpotHedgeConfig;

use crate::units::{Money, Span, Time};
use even_spread::EvenSpread;
use round_robin::RoundRobin;
use spothedge::SpotHedge;

/// Which policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// On-demand replicas alone.
    OnDemand,
    /// Spot replicas in equal parts over the zones; each zone's are started again where they were.
    EvenSpread {
        /// Spot replicas beyond the target.
        extra: u32,
    },
    /// Spot replicas from zone to zone in turn.
    RoundRobin {
        /// Spot replicas beyond the target.
        extra: u32,
    },
    /// SpotHedge.
    SpotHedge(SpotHedgeConfig),
}

impl Policy {
    /// As a scenario names it.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::OnDemand => "on_demand",
            Policy::EvenSpread { .. } => "even_spread",
            Policy::RoundRobin { .. } => "round_robin",
            Policy::SpotHedge(_) => "spothedge",
        }
    }
}

/// A policy and its parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlacementConfig {
    /// Replicas that the load needs; 1 or more.
    pub target: u32,
    /// Time from one look at the replicas to the next.
    pub interval: Span,
    /// Which policy.
    pub policy: Policy,
}

/// What a controller sees of its replicas.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Per zone: spot replicas that are there or starting.
    pub spot: &'a [u32],
    /// Spot replicas that serve.
    pub ready: u32,
}

/// What a controller is to do. Kept and filled again from look to look.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Zones in which to start a spot replica each, in this order.
    pub start: Vec<usize>,
    /// On-demand replicas that there should be.
    pub on_demand: u32,
}

#[derive(Clone, Debug)]
enum Zones {
    OnDemand,
    EvenSpread(EvenSpread),
    RoundRobin(RoundRobin),
    SpotHedge(SpotHedge),
}

/// The controller of one service.
#[derive(Clone, Debug)]
pub struct Placer {
    config: PlacementConfig,
    zones: Zones,
    next: Time,
}

/// Why there is no such controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlacementError {
    /// No replica is wanted.
    NoTarget,
    /// The policy needs zones, and there are none.
    NoZones,
    /// It would never look, or without a pause.
    NoInterval,
    /// More are always on demand than the target.
    TooManyOnDemand,
    /// All are always on demand: the policy has nothing to place.
    NoSpot,
}

impl Placer {
    /// For zones with these hourly prices of a spot replica, before its first look, which is due at once.
    ///
    /// # Errors
    /// [`PlacementError`] for a policy that could never do anything.
    pub fn new(config: PlacementConfig, prices: &[Money]) -> Result<Placer, PlacementError> {
        if config.target == 0 {
            return Err(PlacementError::NoTarget);
        }
        if config.interval == Span::ZERO {
            return Err(PlacementError::NoInterval);
        }
        if prices.is_empty() && config.policy != Policy::OnDemand {
            return Err(PlacementError::NoZones);
        }
        let zones = match config.policy {
            Policy::OnDemand => Zones::OnDemand,
            Policy::EvenSpread { extra } => {
                Zones::EvenSpread(EvenSpread::new(config.target.saturating_add(extra), prices.len()))
            }
            Policy::RoundRobin { extra } => {
                Zones::RoundRobin(RoundRobin::new(config.target.saturating_add(extra), prices.len()))
            }
            Policy::SpotHedge(spec) if spec.always_on_demand > config.target => {
                return Err(PlacementError::TooManyOnDemand);
            }
            Policy::SpotHedge(spec) if spec.always_on_demand == config.target.saturating_add(spec.extra) => {
                return Err(PlacementError::NoSpot);
            }
            Policy::SpotHedge(spec) => Zones::SpotHedge(SpotHedge::new(config.target, spec, prices)),
        };
        Ok(Placer { config, zones, next: Time::ZERO })
    }

    /// When it wants to look next.
    pub fn next_timeout(&self) -> Time {
        self.next
    }

    /// It looks: what is to be done now goes into `plan`.
    ///
    /// # Panics
    /// If `seen` is not of its zones.
    pub fn on_timeout(&mut self, now: Time, seen: Seen<'_>, plan: &mut Plan) {
        self.next = now.saturating_add(self.config.interval);
        plan.start.clear();
        plan.on_demand = 0;
        match &mut self.zones {
            Zones::OnDemand => plan.on_demand = self.config.target,
            Zones::EvenSpread(p) => p.plan(seen.spot, &mut plan.start),
            Zones::RoundRobin(p) => p.plan(seen.spot, &mut plan.start),
            Zones::SpotHedge(p) => p.plan(seen, plan),
        }
    }

    /// A spot replica there was reclaimed, or none was to be had.
    pub fn on_preempted(&mut self, zone: usize) {
        if let Zones::SpotHedge(p) = &mut self.zones {
            p.on_preempted(zone);
        }
    }

    /// A spot replica there serves from now on.
    pub fn on_started(&mut self, zone: usize) {
        if let Zones::SpotHedge(p) = &mut self.zones {
            p.on_started(zone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: [Money; 2] = [Money::from_pico(2), Money::from_pico(1)];

    fn config(policy: Policy) -> PlacementConfig {
        PlacementConfig { target: 3, interval: Span::from_secs(20), policy }
    }

    #[test]
    fn what_can_never_do_anything_is_refused() {
        let refused = |config, prices: &[Money]| Placer::new(config, prices).map(|_| ()).unwrap_err();
        let even = config(Policy::EvenSpread { extra: 0 });
        assert_eq!(refused(even, &[]), PlacementError::NoZones);
        assert_eq!(refused(PlacementConfig { target: 0, ..even }, &PRICES), PlacementError::NoTarget);
        assert_eq!(refused(PlacementConfig { interval: Span::ZERO, ..even }, &PRICES), PlacementError::NoInterval);
        let hedge = |always_on_demand| config(Policy::SpotHedge(SpotHedgeConfig { extra: 2, always_on_demand }));
        assert_eq!(refused(hedge(4), &PRICES), PlacementError::TooManyOnDemand);
        assert!(Placer::new(hedge(3), &PRICES).is_ok());
        let bare = config(Policy::SpotHedge(SpotHedgeConfig { extra: 0, always_on_demand: 3 }));
        assert_eq!(refused(bare, &PRICES), PlacementError::NoSpot);
        assert!(Placer::new(config(Policy::OnDemand), &[]).is_ok());
    }

    #[test]
    fn it_looks_at_once_and_then_every_interval() {
        let mut p = Placer::new(config(Policy::OnDemand), &[]).unwrap();
        assert_eq!(p.next_timeout(), Time::ZERO);
        let mut plan = Plan { start: vec![7], on_demand: 9 };
        let now = Time::ZERO + Span::from_secs(5);
        p.on_timeout(now, Seen { spot: &[], ready: 0 }, &mut plan);
        assert_eq!(plan, Plan { start: vec![], on_demand: 3 });
        assert_eq!(p.next_timeout(), now + Span::from_secs(20));
    }
}
