//! Replicas of self-hosted models: what they are made of, where they can be had, and who places them.

use crate::scenario::decode::{HourlyPrice, List, Named, Nothing, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// A zone in which replicas of a deployment can run on spot instances.
    RawZone "Zone" {
        /// Price of a spot replica.
        spot_price: At<HourlyPrice> = Required,
        /// Spot replicas that can be had here at once. Any number if not given.
        capacity: At<u64> = Optional,
    }
}

table! {
    whole
    /// A deployment of a self-hosted model that is made of replicas. How many there are and where is for a `fleet` of each
    /// topology to say. Replaced as a whole in `extends`: another region has other zones.
    RawReplicas "Replicas" {
        /// Requests that one replica serves at once. One more goes to another replica, or is refused with 503 when all are
        /// busy. 1 to 1,000,000.
        concurrency: At<u64> = Required,
        /// Time from the decision to start a replica until it serves.
        start_up: At<Span> = Or(&d::REPLICA_START_UP),
        /// Price of an on-demand replica.
        on_demand_price: At<HourlyPrice> = Required,
        /// Time from the notice that a spot replica is reclaimed until it is gone; meanwhile it takes no new requests.
        notice: At<Span> = Or(&d::REPLICA_NOTICE),
        /// Zones with spot instances, by name.
        zone: Named<RawZone> = Optional,
    }
}

table! {
    plain
    /// A policy whose only parameter is how many more spot replicas than needed there are.
    RawSpread "Spread" {
        /// Spot replicas beyond the target. 0 to 10,000.
        extra: At<u64> = Or(&d::SPREAD_EXTRA),
    }
}

table! {
    plain
    /// SpotHedge: spot replicas in as many zones as possible, away from where one was reclaimed lately, a few more than
    /// needed, and an on-demand replica for each that is missing.
    RawSpotHedge "SpotHedge" {
        /// Replicas beyond the target. 0 to 10,000.
        extra: At<u64> = Or(&d::SPOTHEDGE_EXTRA),
        /// Replicas that are on demand in any case, at most the target.
        always_on_demand: At<u64> = Or(&d::ALWAYS_ON_DEMAND),
    }
}

choice! {
    /// Where replicas are started.
    RawPlacement "Placement" {
        /// On-demand replicas alone, of the deployment where they are cheapest.
        "on_demand" => OnDemand(Nothing),
        /// Spot replicas in equal parts over the zones; what is reclaimed is started again in its own zone.
        "even_spread" => EvenSpread(RawSpread),
        /// Spot replicas in one zone after the other, also after one was reclaimed or refused.
        "round_robin" => RoundRobin(RawSpread),
        /// SkyServe's SpotHedge.
        "spothedge" => SpotHedge(RawSpotHedge),
    }
}

table! {
    extending
    /// A controller that keeps replicas of one or several deployments running.
    RawFleet "Fleet" {
        /// The deployments; each has `replicas`. Zones are taken in this order.
        deployments: List<At<String>> = Required,
        /// Replicas that the load needs, over all deployments together. 1 to 10,000.
        target: At<u64> = Required,
        /// Time from one look at the replicas to the next. 1 s to 1 h.
        interval: At<Span> = Or(&d::FLEET_INTERVAL),
        /// Where replicas are started.
        placement: RawPlacement = Required,
    }
}
