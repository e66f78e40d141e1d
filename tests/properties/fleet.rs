//! Self-hosted deployments of a random scenario: replicas that come and go, and who places them.

use geodes::routing::placement::{PlacementConfig, Policy, SpotHedgeConfig};
use geodes::scenario::model::{Fault, FaultWhat, FaultWhen, Fleet, Replicas, Scenario, Zone};
use geodes::units::{DeploymentIx, Money, Price, Span};
use proptest::prelude::*;

/// What fleets there are.
#[derive(Clone, Debug)]
pub struct Knobs {
    policy: u8,
    target: u32,
    extra: u32,
    concurrency: u32,
    zones: usize,
    capacity: Option<u32>,
    start_up_s: u64,
    notice_s: u64,
    /// The first so many deployments are self-hosted.
    deployments: usize,
}

pub fn knobs() -> impl Strategy<Value = Option<Knobs>> {
    let place = (0u8..4, 1u32..6, 0u32..3, 1u32..10, 1usize..4, proptest::option::of(1u32..4));
    let knobs = (place, 0u64..200, 0u64..60, 1usize..4).prop_map(|(p, start_up_s, notice_s, deployments)| Knobs {
        policy: p.0,
        target: p.1,
        extra: p.2,
        concurrency: p.3,
        zones: p.4,
        capacity: p.5,
        start_up_s,
        notice_s,
        deployments,
    });
    proptest::option::weighted(0.3, knobs)
}

/// Puts the fleet into the scenario, and takes its spot instances away now and then.
pub fn set(k: &Knobs, s: &mut Scenario) {
    let hourly = |dollars: i64| Price::new(Money::from_dollars(dollars), 3_600_000_000_000);
    let own = k.deployments.min(s.deployments.len());
    for (i, d) in s.deployments[..own].iter_mut().enumerate() {
        let zone =
            |z: usize| Zone { name: format!("zone-{z}"), spot_price: hourly(1 + z as i64), capacity: k.capacity };
        (d.concurrency, d.queue) = (None, 0);
        d.replicas = Some(Replicas {
            concurrency: k.concurrency,
            start_up: Span::from_secs(k.start_up_s),
            notice: Span::from_secs(k.notice_s),
            on_demand_price: hourly(10 - i as i64),
            zones: (0..k.zones).map(zone).collect(),
        });
        s.faults.push(Fault {
            name: format!("spot-{i}"),
            when: FaultWhen::Recurring { mean_up: Span::from_mins(4), mean_down: Span::from_mins(2) },
            what: FaultWhat::SpotWithdrawn {
                deployment: DeploymentIx::new(i),
                zones: (0..k.zones.div_ceil(2)).collect(),
            },
        });
    }
    let extra = k.extra;
    let policy = match k.policy {
        0 => Policy::OnDemand,
        1 => Policy::EvenSpread { extra },
        2 => Policy::RoundRobin { extra },
        _ => Policy::SpotHedge(SpotHedgeConfig { extra: extra + 1, always_on_demand: extra.min(k.target) }),
    };
    s.topologies[0].fleets = vec![Fleet {
        name: "own".to_owned(),
        deployments: (0..own).map(DeploymentIx::new).collect(),
        placement: PlacementConfig { target: k.target, interval: Span::from_secs(20), policy },
    }];
}

/// What a record says of the fleet fits what it was.
pub fn check(k: &Knobs, s: &Scenario, r: &geodes::world::Record) -> Result<(), TestCaseError> {
    let f = &r.fleets[0];
    let horizon = u128::from(s.horizon.nanos());
    let own = k.deployments.min(s.deployments.len());
    let zones = own * k.zones;
    prop_assert_eq!(f.paid_ns.len(), zones + own);
    prop_assert_eq!(f.paid_ns.iter().sum::<u128>(), f.timeline.iter().sum::<u128>());
    prop_assert!(f.short_ns <= horizon);
    if let Some(capacity) = k.capacity {
        // while one is given notice another may not start: the zone is full
        prop_assert!(f.paid_ns[..zones].iter().all(|ns| *ns <= horizon * u128::from(capacity)));
    }
    let down = |f: &Fault| matches!(f.what, FaultWhat::RegionDown { .. } | FaultWhat::ProviderDown { .. });
    if k.policy == 0 && !s.faults.iter().any(down) {
        prop_assert_eq!(f.paid_ns[zones..].iter().sum::<u128>(), horizon * u128::from(k.target));
        prop_assert_eq!((f.short_ns, f.reclaimed, f.started), (0, 0, 0));
    }
    Ok(())
}
