//! What each policy says of the endpoints: the figures that it goes by, and who was out of the question.

use super::accelerator::Dialled;
use super::reason::{Judge, Told};
use super::steerer::Kind;
use super::weighted::chances;
use super::{Answer, EndpointGroup, SteeringReason, Unfit, Vantage, biased_km};
use crate::routing::reason::ReasonSink;

/// A decision that has been made.
pub(super) struct Why<'a> {
    pub kind: &'a Kind,
    pub from: &'a Vantage<'a>,
    pub answer: Answer,
    /// Of an accelerator: what its dials did.
    pub dialled: Option<Dialled>,
}

/// Group and weight of an accelerator's endpoint.
fn member(groups: &[EndpointGroup], endpoint: usize) -> Option<(&EndpointGroup, u8)> {
    groups.iter().find_map(|g| g.members.iter().find(|(e, _)| usize::from(*e) == endpoint).map(|(_, w)| (g, *w)))
}

impl Judge for Why<'_> {
    fn unfit(&self, i: usize) -> Option<Unfit> {
        let Vantage { source, location, endpoints: e } = *self.from;
        match self.kind {
            Kind::Weighted(weights) => {
                let some = self.answer.iter().any(|a| weights[a] > 0);
                (some && weights[i] == 0).then_some(Unfit::NoWeight)
            }
            Kind::Geolocation(records) => {
                let named = records.of(location).any(|(_, endpoint)| endpoint == i);
                Some(if named { Unfit::LargerArea } else { Unfit::OtherArea })
            }
            Kind::Multivalue => Some(Unfit::NotDrawn),
            Kind::Anycast(a) => a.unfit(source, i),
            Kind::Accelerator(groups) => {
                let (group, weight) = member(groups, i)?;
                if self.dialled.is_some_and(|d| d.turned_away.contains(i)) {
                    return Some(Unfit::DialledAway { dial: group.dial });
                }
                (weight == 0).then_some(Unfit::NoWeight)
            }
            Kind::CloudflareDynamic { profiles, .. } => profiles.unfit(source, i, e),
            Kind::CloudflareOutstanding { weights, .. } => (weights[i] == 0.0).then_some(Unfit::NoWeight),
            Kind::Waterfall(w) => w.unfit(source, i, e),
            Kind::FrontDoor(f) => f.unfit(source, i, e),
            Kind::ClientProbing(c) => c.unfit(source, i, e),
            Kind::Latency | Kind::Failover | Kind::Geoproximity(_) | Kind::CloudflareProximity { .. } => None,
        }
    }

    fn figures<S: ReasonSink>(&self, i: usize, told: &mut Told<'_, S>) {
        let Vantage { source, location, endpoints } = *self.from;
        let (km, round_trip_ms) = (endpoints[i].distance_km, endpoints[i].latency_ns as f64 / 1e6);
        match self.kind {
            Kind::Latency => told.figure("latency in the name service's table in ms", round_trip_ms),
            Kind::Failover => told.figure("place in the order", i as f64 + 1.0),
            Kind::Weighted(weights) => {
                told.figure("weight", f64::from(weights[i]));
                told.chance(i, chances(weights, endpoints));
            }
            Kind::Geolocation(records) => {
                records.of(location).filter(|(_, e)| *e == i).for_each(|(area, _)| told.record(area));
            }
            Kind::Geoproximity(biases) => {
                told.figure("distance as the bias makes it look in km", biased_km(km, biases[i]));
                told.figure("distance on the map in km", km);
                told.figure("bias in %", f64::from(biases[i]));
            }
            Kind::Multivalue => {}
            Kind::Anycast(a) => {
                a.figures(source, i, told);
                told.figure("round trip on that way in ms", round_trip_ms);
            }
            Kind::Accelerator(groups) => {
                told.figure("round trip in ms", round_trip_ms);
                if let Some((group, weight)) = member(groups, i) {
                    told.figure("traffic dial in %", f64::from(group.dial));
                    told.figure("weight", f64::from(weight));
                }
            }
            Kind::CloudflareDynamic { profiles, .. } => profiles.figures(source, i, told),
            Kind::CloudflareProximity { .. } => told.figure("distance on the map in km", km),
            Kind::CloudflareOutstanding { outstanding, weights, .. } => {
                outstanding.figures(source, i, weights, endpoints, told);
            }
            Kind::Waterfall(w) => {
                told.figure("round trip in ms", round_trip_ms);
                w.figures(source, i, told);
            }
            Kind::FrontDoor(f) => f.figures(source, i, told),
            Kind::ClientProbing(c) => c.figures(source, i, told),
        }
    }

    fn remark(&self) -> Option<SteeringReason> {
        match self.kind {
            Kind::FrontDoor(f) => f.remark(self.from.source, self.from.endpoints),
            Kind::Accelerator(_) => self.dialled.filter(|d| d.failed_over).map(|_| SteeringReason::OtherGroups),
            _ => None,
        }
    }
}
