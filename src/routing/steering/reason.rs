//! Why a region was answered, as data for a [`ReasonSink`].

use super::{Answer, Area, Endpoint};
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{Span, Time};

/// One step of a steering decision. Endpoints are named by position.
///
/// Each endpoint has one line that says whether it was considered ([`SteeringReason::Candidate`] or
/// [`SteeringReason::Excluded`]), and behind it what was known of it; then come the answer and the rule.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SteeringReason {
    /// An endpoint may be the answer.
    Candidate {
        /// Which.
        endpoint: u8,
    },
    /// An endpoint was not considered.
    Excluded {
        /// Which.
        endpoint: u8,
        /// Why.
        because: Unfit,
    },
    /// What health checks say of an endpoint, under a policy that obeys them.
    Verdict {
        /// Which.
        endpoint: u8,
        /// The verdict.
        verdict: Verdict,
    },
    /// What an endpoint was judged by.
    Scored {
        /// Which.
        endpoint: u8,
        /// What the number is, with its unit.
        what: &'static str,
        /// The number.
        value: f64,
        /// When the system learned it; `None` for settings, tables, and what it counts itself.
        as_of: Option<Time>,
    },
    /// An endpoint has the record of an area that the one who asks is in.
    Record {
        /// Which.
        endpoint: u8,
        /// The area.
        area: Area,
    },
    /// Latencies that count as the fastest.
    Band {
        /// From here.
        fastest: Span,
        /// Up to here, itself included.
        limit: Span,
    },
    /// The endpoint group that the dials lead to has nobody to answer: the nearest groups are tried whatever their dials.
    OtherGroups,
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

/// What health checks say of an endpoint, and how old that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether they take it for healthy.
    pub healthy: bool,
    /// When the last check that has ended began; `None` if none has.
    pub checked: Option<Time>,
    /// Since when they say so; `None`: from the beginning.
    pub since: Option<Time>,
}

impl Verdict {
    /// Nothing has been checked yet: everything counts as healthy.
    pub(super) const UNCHECKED: Verdict = Verdict { healthy: true, checked: None, since: None };
}

/// Why an endpoint was left out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Unfit {
    /// The user's data may not go there.
    Residency,
    /// Its health checks fail.
    Unhealthy,
    /// Its weight is 0, and others have one.
    NoWeight,
    /// The one who asks is in none of its areas.
    OtherArea,
    /// The record of a smaller area is answered.
    LargerArea,
    /// It was not among the eight that were drawn.
    NotDrawn,
    /// The network has no route to it.
    NoRoute {
        /// Since when the network's routes are as they are; `None`: from the beginning.
        since: Option<Time>,
    },
    /// The traffic dial of its group has turned the connection away.
    DialledAway {
        /// Percentage that the dial lets in.
        dial: u8,
    },
    /// No probe has been answered yet, and others have been measured.
    Unmeasured,
    /// Too few of the last probes were answered.
    ProbesFail {
        /// So many were.
        answered: u8,
        /// Of so many.
        probes: u8,
        /// So many failures of the sample are allowed.
        allowed: u8,
    },
    /// A healthy endpoint has a lower priority number.
    LowerPriority {
        /// That number.
        first: u8,
    },
    /// It is slower than what counts as fastest.
    OutsideBand {
        /// The slowest that counts.
        limit: Span,
    },
    /// It is nearer than the regions that take the traffic, and has no room for more.
    Full,
    /// Nearer regions have room for everything.
    NotNeeded,
    /// Regions that were never tried go first.
    UntriedFirst,
}

impl Unfit {
    /// The reason's name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Unfit::Residency => "residency",
            Unfit::Unhealthy => "unhealthy",
            Unfit::NoWeight => "no_weight",
            Unfit::OtherArea => "other_area",
            Unfit::LargerArea => "larger_area",
            Unfit::NotDrawn => "not_drawn",
            Unfit::NoRoute { .. } => "no_route",
            Unfit::DialledAway { .. } => "dialled_away",
            Unfit::Unmeasured => "unmeasured",
            Unfit::ProbesFail { .. } => "probes_fail",
            Unfit::LowerPriority { .. } => "lower_priority",
            Unfit::OutsideBand { .. } => "outside_band",
            Unfit::Full => "full",
            Unfit::NotNeeded => "not_needed",
            Unfit::UntriedFirst => "untried_first",
        }
    }
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
    pub(super) fn obeys_verdicts(self) -> bool {
        !matches!(self, Rule::Catchment | Rule::LatencyBand | Rule::LowestAverage | Rule::Exploration)
    }
}

/// Takes what is told of one endpoint.
pub(super) struct Told<'a, S> {
    endpoint: u8,
    reasons: &'a mut S,
}

impl<S: ReasonSink> Told<'_, S> {
    /// A setting, a table's entry, or what the system counts itself.
    pub fn figure(&mut self, what: &'static str, value: f64) {
        self.learned(what, value, None);
    }

    /// What the system knows since some time.
    pub fn learned(&mut self, what: &'static str, value: f64, as_of: Option<Time>) {
        let endpoint = self.endpoint;
        self.push(SteeringReason::Scored { endpoint, what, value, as_of });
    }

    /// How likely an endpoint is in a draw with these chances.
    pub fn chance(&mut self, endpoint: usize, chances: impl Iterator<Item = f64> + Clone) {
        let own = chances.clone().nth(endpoint).unwrap_or(0.0);
        let sum: f64 = chances.sum();
        if sum > 0.0 {
            self.figure("chance in %", 100.0 * own / sum);
        }
    }

    /// The endpoint has a record for this area.
    pub fn record(&mut self, area: Area) {
        let endpoint = self.endpoint;
        self.push(SteeringReason::Record { endpoint, area });
    }

    fn push(&mut self, reason: SteeringReason) {
        self.reasons.push(Reason::Steering(reason));
    }
}

/// What a policy says of the endpoints that residency and health checks leave in.
pub(super) trait Judge {
    /// Why a legal endpoint that is not the answer was out of the question; `None` if others were only better, or luckier.
    fn unfit(&self, endpoint: usize) -> Option<Unfit>;
    /// What the policy knows of an endpoint.
    fn figures<S: ReasonSink>(&self, endpoint: usize, told: &mut Told<'_, S>);
    /// What else is to be said before the answer.
    fn remark(&self) -> Option<SteeringReason>;
}

/// Tells the sink what a policy knew of each endpoint, what it has left out and what it has answered.
pub(super) fn explain<S: ReasonSink>(
    endpoints: &[Endpoint],
    verdicts: &[Verdict],
    answer: Answer,
    rule: Rule,
    judge: &impl Judge,
    reasons: &mut S,
) {
    let obeys = rule.obeys_verdicts();
    // who has a pool of last resort does not ignore the checks: all others are out
    let open = obeys && rule != Rule::FallbackPool && answer.iter().any(|i| !endpoints[i].healthy);
    for (i, e) in endpoints.iter().enumerate() {
        let endpoint = i as u8;
        let because = match e {
            Endpoint { legal: false, .. } => Some(Unfit::Residency),
            _ if answer.contains(i) => None,
            Endpoint { healthy: false, .. } if obeys && !open => Some(Unfit::Unhealthy),
            _ => judge.unfit(i),
        };
        reasons.push(Reason::Steering(match because {
            Some(because) => SteeringReason::Excluded { endpoint, because },
            None => SteeringReason::Candidate { endpoint },
        }));
        if !e.legal {
            continue;
        }
        if obeys {
            let verdict = Verdict { healthy: e.healthy, ..verdicts[i] };
            reasons.push(Reason::Steering(SteeringReason::Verdict { endpoint, verdict }));
        }
        judge.figures(i, &mut Told { endpoint, reasons });
    }
    if open {
        reasons.push(Reason::Steering(SteeringReason::FailOpen));
    }
    if let Some(remark) = judge.remark() {
        reasons.push(Reason::Steering(remark));
    }
    if answer.is_empty() {
        reasons.push(Reason::Steering(SteeringReason::NoAnswer));
    }
    for endpoint in answer.iter() {
        reasons.push(Reason::Steering(SteeringReason::Chosen { endpoint: endpoint as u8, rule }));
    }
}
