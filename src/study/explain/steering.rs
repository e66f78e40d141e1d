//! Reasons of steering systems in words.

use super::tale::{Score, Told};
use super::words::{Names, score, short};
use crate::routing::reason::Figure;
use crate::routing::steering::{Area, Rule, SteeringReason, Unfit, Verdict};
use crate::units::Time;
use serde::Serialize;

/// What health checks say of a region.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Checked {
    /// Their verdict.
    pub healthy: bool,
    /// How long ago the last check that has ended began, in seconds; none if none has.
    pub checked_s: Option<f64>,
    /// For how long they have said so, in seconds; none: from the beginning.
    pub since_s: Option<f64>,
}

impl Checked {
    fn new(now: Time, verdict: Verdict) -> Checked {
        let ago = |at: Option<Time>| at.map(|t| now.since(t).as_secs_f64());
        Checked { healthy: verdict.healthy, checked_s: ago(verdict.checked), since_s: ago(verdict.since) }
    }
}

impl Names<'_> {
    /// A step of the choice of a region.
    pub fn steering(&self, now: Time, reason: &SteeringReason) -> String {
        match *reason {
            SteeringReason::Candidate { endpoint } => format!("{} may be the answer", self.region(endpoint)),
            SteeringReason::Excluded { endpoint, because } => {
                format!("{} is out: {}", self.region(endpoint), unfit(now, because))
            }
            SteeringReason::Verdict { endpoint, .. }
            | SteeringReason::Scored { endpoint, .. }
            | SteeringReason::Record { endpoint, .. } => {
                let (_, known) = known(now, reason).expect("these say what is known");
                format!("{}: {known}", self.region(endpoint))
            }
            SteeringReason::Band { fastest, limit } => {
                format!("the fastest has {}: the band reaches up to {}", short(fastest), short(limit))
            }
            SteeringReason::OtherGroups => {
                "nobody is healthy where the dials lead: the nearest groups are tried whatever their dials".to_owned()
            }
            SteeringReason::FailOpen => "no region is healthy: the checks are ignored".to_owned(),
            SteeringReason::Chosen { endpoint, rule } => {
                format!("{} is the answer: {}", self.region(endpoint), steering_rule(rule))
            }
            SteeringReason::NoAnswer => "there is no region to answer with".to_owned(),
        }
    }
}

/// What was known of a region, for the line that says whether it was considered: its position, and the words.
pub fn known(now: Time, reason: &SteeringReason) -> Option<(u8, String)> {
    match *reason {
        SteeringReason::Verdict { endpoint, verdict } => Some((endpoint, checked(now, verdict))),
        SteeringReason::Scored { endpoint, what, value, as_of } => {
            Some((endpoint, score(&Figure::new(what, value).aged(as_of.map(|t| now.since(t))))))
        }
        SteeringReason::Record { endpoint, area } => Some((endpoint, format!("it has the record of {}", place(area)))),
        _ => None,
    }
}

fn checked(now: Time, verdict: Verdict) -> String {
    let health = if verdict.healthy { "healthy" } else { "unhealthy" };
    match (verdict.checked, verdict.since) {
        (None, _) => format!("{health}, not checked yet"),
        (Some(at), None) => format!("{health} from the beginning, last check {} ago", short(now.since(at))),
        (Some(at), Some(since)) => {
            format!("{health} for {}, last check {} ago", short(now.since(since)), short(now.since(at)))
        }
    }
}

fn place(area: Area) -> String {
    let code = |letters: [u8; 2]| String::from_utf8_lossy(&letters).into_owned();
    match area {
        Area::State(s) => format!("the state {}", code(s)),
        Area::Country(c) => format!("the country {}", code(c)),
        Area::Continent(c) => format!("the continent {}", c.name()),
        Area::Default => "all other places".to_owned(),
    }
}

fn unfit(now: Time, because: Unfit) -> String {
    let text = match because {
        Unfit::Residency => "the user's data may not go there",
        Unfit::Unhealthy => "its health checks fail",
        Unfit::NoWeight => "its weight is 0",
        Unfit::OtherArea => "the user is in none of its areas",
        Unfit::LargerArea => "the record of a smaller area is answered",
        Unfit::NotDrawn => "it is not among the eight that were drawn",
        Unfit::NoRoute { since: None } => "the network has never had a route to it",
        Unfit::NoRoute { since: Some(since) } => {
            return format!("the network has had no route to it for {}", short(now.since(since)));
        }
        Unfit::DialledAway { dial } => return format!("its group's dial lets {dial} % in, and not this connection"),
        Unfit::Unmeasured => "no probe has been answered yet, and others have been measured",
        Unfit::ProbesFail { answered, probes, allowed } => {
            let failed = probes - answered;
            return format!("{failed} of the edge's last {probes} probes were not answered, {allowed} may be");
        }
        Unfit::LowerPriority { first } => return format!("one of priority {first} is healthy"),
        Unfit::OutsideBand { limit } => return format!("it is slower than the band's {}", short(limit)),
        Unfit::Full => "it has no room for more",
        Unfit::NotNeeded => "nearer regions have room for everything",
        Unfit::UntriedFirst => "regions that were never tried go first",
    };
    text.to_owned()
}

/// What chose a region.
pub fn steering_rule(rule: Rule) -> &'static str {
    match rule {
        Rule::LowestLatency => "lowest latency in the name service's table",
        Rule::FirstInOrder => "first in the fixed order",
        Rule::Weight => "at random by weight",
        Rule::SmallestArea => "record of the smallest area that the user is in",
        Rule::LeastBiasedDistance => "least distance, as the biases make it look",
        Rule::UpToEight => "one of up to eight addresses",
        Rule::Catchment => "the routes of the user's network lead there",
        Rule::DialAndWeight => "traffic dials by distance, then weights",
        Rule::FastestMonitor => "lowest average round trip of the health monitors",
        Rule::NearestOnTheMap => "nearest on the map",
        Rule::LeastOutstanding => "at random by weight over requests in flight",
        Rule::FallbackPool => "the pool of last resort",
        Rule::Capacity => "the nearest region's share, and what spills over from it",
        Rule::LatencyBand => "priority and latency band of the edge's own probes",
        Rule::LowestAverage => "lowest average that the client has measured",
        Rule::Exploration => "to find out how long another region takes",
    }
}

/// Name of a step of a steering decision, for programs.
pub(super) fn step(reason: &SteeringReason) -> &'static str {
    match reason {
        SteeringReason::Candidate { .. } => "region_candidate",
        SteeringReason::Excluded { .. } => "region_excluded",
        SteeringReason::Verdict { .. } => "verdict",
        SteeringReason::Scored { .. } => "scored",
        SteeringReason::Record { .. } => "record",
        SteeringReason::Band { .. } => "band",
        SteeringReason::OtherGroups => "other_groups",
        SteeringReason::FailOpen => "fail_open",
        SteeringReason::Chosen { .. } => "region_chosen",
        SteeringReason::NoAnswer => "no_answer",
    }
}

/// Which region a step of a steering decision is about, and why that is out.
pub(super) fn about(names: Names<'_>, told: &mut Told, reason: &SteeringReason) {
    let (SteeringReason::Candidate { endpoint }
    | SteeringReason::Excluded { endpoint, .. }
    | SteeringReason::Verdict { endpoint, .. }
    | SteeringReason::Scored { endpoint, .. }
    | SteeringReason::Record { endpoint, .. }
    | SteeringReason::Chosen { endpoint, .. }) = *reason
    else {
        return;
    };
    told.region = Some(names.region(endpoint).to_owned());
    if let SteeringReason::Excluded { because, .. } = reason {
        told.because = Some(because.name());
    }
}

/// Adds what was known of a region to its line.
pub(super) fn knows(line: &mut Told, now: Time, reason: &SteeringReason) {
    match *reason {
        SteeringReason::Verdict { verdict, .. } => line.verdict = Some(Checked::new(now, verdict)),
        SteeringReason::Scored { what, value, as_of, .. } => {
            line.scores.push(Score::of(&Figure::new(what, value).aged(as_of.map(|t| now.since(t)))));
        }
        _ => {}
    }
}
