//! Why a region was answered, as data for a [`ReasonSink`].

use super::{Answer, Endpoint};
use crate::routing::reason::{Reason, ReasonSink};

/// One step of a steering decision. Endpoints are named by position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SteeringReason {
    /// An endpoint was not considered.
    Excluded {
        /// Which.
        endpoint: u8,
        /// Why.
        because: Unfit,
    },
    /// No endpoint that could be answered is healthy, so an unhealthy one is.
    FailOpen,
    /// An endpoint is (one of) the answer.
    Chosen {
        /// Which.
        endpoint: u8,
        /// By which rule.
        rule: Rule,
    },
    /// Nothing can be answered.
    NoAnswer,
}

/// Why an endpoint was left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// The user's data may not go there.
    Residency,
    /// Its health checks fail.
    Unhealthy,
}

/// What decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Lowest latency in the system's table.
    LowestLatency,
    /// First in the fixed order.
    FirstInOrder,
    /// At random by weight.
    Weight,
    /// The record of the smallest area that the user is in.
    SmallestArea,
    /// Least distance on the map, as biases make it look.
    LeastBiasedDistance,
    /// Up to eight at once.
    UpToEight,
    /// The site that the network's routes lead to.
    Catchment,
    /// Traffic dials by distance, then weights.
    DialAndWeight,
    /// Lowest average round trip of the health monitors.
    FastestMonitor,
    /// Least distance on the map.
    NearestOnTheMap,
    /// At random by weight over requests in flight.
    LeastOutstanding,
    /// The pool of last resort: all others are unhealthy.
    FallbackPool,
    /// The nearest region's share and what spills over from it.
    Capacity,
    /// Priority, latency band and weights by the edge's own probes.
    LatencyBand,
    /// Lowest average that the client has measured itself.
    LowestAverage,
    /// To find out how long another region takes.
    Exploration,
}

impl Rule {
    /// Whether the rule looks at the verdicts of health checks. The others go by what they have found out themselves.
    fn obeys_verdicts(self) -> bool {
        !matches!(self, Rule::Catchment | Rule::LatencyBand | Rule::LowestAverage | Rule::Exploration)
    }
}

/// Tells the sink what a policy has left out and what it has answered.
pub(super) fn explain<S: ReasonSink>(endpoints: &[Endpoint], answer: Answer, rule: Rule, reasons: &mut S) {
    if !reasons.on() {
        return;
    }
    let obeys = rule.obeys_verdicts();
    let open = obeys && answer.iter().any(|i| !endpoints[i].healthy);
    for (i, e) in endpoints.iter().enumerate() {
        let because = match e {
            Endpoint { legal: false, .. } => Unfit::Residency,
            Endpoint { healthy: false, .. } if obeys && !open => Unfit::Unhealthy,
            _ => continue,
        };
        reasons.push(Reason::Steering(SteeringReason::Excluded { endpoint: i as u8, because }));
    }
    if open {
        reasons.push(Reason::Steering(SteeringReason::FailOpen));
    }
    if answer.is_empty() {
        reasons.push(Reason::Steering(SteeringReason::NoAnswer));
    }
    for endpoint in answer.iter() {
        reasons.push(Reason::Steering(SteeringReason::Chosen { endpoint: endpoint as u8, rule }));
    }
}
