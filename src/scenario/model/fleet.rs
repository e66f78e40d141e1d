//! Replicas of self-hosted models, and who keeps them running.

use super::Scenario;
use crate::routing::placement::{PlacementConfig, Policy};
use crate::units::{DeploymentIx, Money, Price, Span};

/// What the replicas of a deployment are made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Replicas {
    /// Requests that one replica serves at once.
    pub concurrency: u32,
    /// Time from the decision to start a replica until it serves.
    pub start_up: Span,
    /// Time from the notice that a spot replica is reclaimed until it is gone.
    pub notice: Span,
    /// Price of an on-demand replica, per nanosecond.
    pub on_demand_price: Price,
    /// Zones with spot instances, in file order.
    pub zones: Vec<Zone>,
}

/// A zone with spot instances.
#[derive(Clone, PartialEq, Debug)]
pub struct Zone {
    /// Name in the file.
    pub name: String,
    /// Price of a spot replica, per nanosecond.
    pub spot_price: Price,
    /// Spot replicas that can be had at once. `None`: any number.
    pub capacity: Option<u32>,
}

/// A controller that keeps replicas running.
#[derive(Clone, PartialEq, Debug)]
pub struct Fleet {
    /// Name in the file.
    pub name: String,
    /// The deployments, each with replicas.
    pub deployments: Vec<DeploymentIx>,
    /// How many replicas, and where.
    pub placement: PlacementConfig,
}

impl Fleet {
    /// Its zones in order: deployment, and position among the zones of that.
    pub fn zones(&self, deployments: &[super::Deployment]) -> Vec<(DeploymentIx, usize)> {
        let of = |d: &DeploymentIx| deployments[d.ix()].replicas.as_ref().map_or(0, |r| r.zones.len());
        self.deployments.iter().flat_map(|d| (0..of(d)).map(move |z| (*d, z))).collect()
    }

    /// Whether it ever uses spot instances.
    pub fn on_spot(&self) -> bool {
        self.placement.policy != Policy::OnDemand
    }

    /// What a spot replica costs per hour in each of its zones.
    pub fn spot_prices(&self, deployments: &[super::Deployment]) -> Vec<Money> {
        let zones =
            self.deployments.iter().filter_map(|d| deployments[d.ix()].replicas.as_ref()).flat_map(|r| &r.zones);
        zones.map(|z| hourly(z.spot_price)).collect()
    }

    /// The deployments, those with the cheapest on-demand replicas first, ties in order.
    pub fn by_on_demand_price(&self, scenario: &Scenario) -> Vec<DeploymentIx> {
        let price =
            |d: &DeploymentIx| scenario.deployments[d.ix()].replicas.as_ref().map(|r| hourly(r.on_demand_price));
        let mut list = self.deployments.clone();
        list.sort_by_key(price); // stable
        list
    }
}

fn hourly(price: Price) -> Money {
    price.cost(u128::from(Span::from_hours(1).nanos()))
}
