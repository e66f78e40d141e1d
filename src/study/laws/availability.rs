//! Availability of one out of n independent regions, through the real world.

use super::provider::single;
use super::result::{Law, LawResult};
use super::theory::{Renewal, failover_availability};
use super::{LawOptions, REPLICATIONS, run_world};
use crate::routing::health::{QuorumConfig, ThresholdConfig};
use crate::routing::steering::Policy;
use crate::scenario::model::{Fault, FaultWhat, FaultWhen, Scenario, Steering};
use crate::scenario::{plain, plain_region};
use crate::units::{RegionIx, Span};
use crate::world::Record;

const AVAILABILITY: Law = Law {
    name: "regions: availability",
    source: "1 - q^n - e (1 + .. + q^(n-2)), q = down/(up+down), e = unnoticed failures; Barlow, Proschan (1975)",
};

/// A region that is up for an hour and down for a quarter of an hour on average: bad enough for 1 - q^3 to be measured.
pub const REGION: Renewal = Renewal { up: 3600.0, down: 900.0 };

/// The world starts with everything up; the state of a region forgets that with rate 1/up + 1/down, so after four hours
/// the bias is e^-20.
const WARMUP: Span = Span::from_hours(4);

/// `n` application regions with fail-over in order, checked every `interval`, each failing on its own. The model stands
/// in a place that never fails, records live for no time, and one failed or passed check decides.
pub fn scenario(n: usize, interval: Span, per_second: f64, horizon: Span) -> Scenario {
    let mut s = plain(n + 1);
    let demand = single(format!("{n} checked {interval}"), per_second, WARMUP, horizon);
    s.workloads = demand.workloads;
    (s.warmup, s.horizon, s.interval) = (demand.warmup, demand.horizon, demand.interval);
    s.deployments = vec![crate::scenario::model::Deployment { place: RegionIx::new(n), ..s.deployments.remove(n) }];
    let topology = &mut s.topologies[0];
    topology.chain[0].members.truncate(1);
    topology.regions = (0..n).map(|i| plain_region(RegionIx::new(i))).collect();
    topology.steering = Steering::dns(Policy::Failover, Span::ZERO);
    topology.health.interval = interval;
    topology.health.quorum = QuorumConfig::one(ThresholdConfig { failures: 1, passes: 1 });
    topology.health.connect_timeout = Span::ZERO;
    s.client.connect_timeout = Span::from_millis(1);
    s.faults = (0..n)
        .map(|i| Fault {
            name: format!("region {i} of {n} checked {interval}"),
            when: FaultWhen::Recurring {
                mean_up: Span::from_secs_f64(REGION.up),
                mean_down: Span::from_secs_f64(REGION.down),
            },
            what: FaultWhat::RegionDown { region: RegionIx::new(i) },
        })
        .collect();
    s
}

pub(super) fn served_share(r: &Record) -> f64 {
    1.0 - r.failed() as f64 / r.requests() as f64
}

/// The availability of one, two and three regions, by requests. Checks every 20 s cost little, checks every 10 min much:
/// both as theory says. One region does not depend on its checks at all.
pub fn laws(options: LawOptions) -> Vec<LawResult> {
    // what varies is when regions fail: many hours count, and a request per 50 s is enough to see them
    let per_second = 0.02;
    [(1, 600), (2, 20), (2, 600), (3, 20)]
        .map(|(n, seconds)| {
            let hours = if seconds < 60 { options.pick(150, 2_500) } else { options.pick(400, 8_000) };
            let s = scenario(n, Span::from_secs(seconds), per_second, Span::from_hours(hours));
            let shares = run_world(&s, options.seed, REPLICATIONS, served_share);
            let exact = failover_availability(REGION, n as u32, seconds as f64);
            AVAILABILITY.of_means(format!("n = {n}, checks every {seconds} s"), exact, &shares)
        })
        .to_vec()
}
