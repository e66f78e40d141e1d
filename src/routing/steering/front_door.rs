//! Azure Front Door: priority, latency band, weights (Microsoft Learn, 2025: "Traffic routing methods to origin", "Health
//! probes").
//!
//! Every edge location probes every origin itself. An origin is healthy there if enough of its last probes were answered.
//! Of the healthy origins those with the lowest priority number stay, of these the ones whose latency is within a band
//! above the fastest, and among those requests go round robin in the ratio of the weights. If no origin is healthy,
//! requests go round robin over all of them.
//!
//! ASSUMPTION: an origin's latency is the mean over the answered probes of the sample (only "measures and maintains" is
//! published). ASSUMPTION: probes that have not been sent yet count as answered, so that a new edge location can serve.
//! ASSUMPTION: round robin is interleaved smoothly, as nginx does it.

use super::reason::Told;
use super::{Endpoint, SteeringReason, Unfit};
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};

/// Most samples.
pub const MOST_SAMPLES: u8 = 64;

/// An origin of the origin group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// 1 to 5; the lowest number goes first.
    pub priority: u8,
    /// 1 to 1000.
    pub weight: u16,
}

/// Settings of an origin group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginGroup {
    /// One per endpoint.
    pub origins: Vec<Origin>,
    /// Additional latency: how much slower than the fastest still counts as fastest.
    pub band: Span,
    /// Last probes that count, 1 to [`MOST_SAMPLES`].
    pub samples: u8,
    /// How many of them must have been answered, 1 to `samples`.
    pub successes: u8,
    /// Time between probes of one edge location to one origin.
    pub interval: Span,
}

/// What one edge location knows of one origin.
#[derive(Clone, Debug)]
struct Known {
    /// The last answers, oldest first; `None` is a probe without an answer.
    probes: Vec<Option<Span>>,
    /// When the last one had its result.
    last: Option<Time>,
    /// Position in the weighted round robin.
    turn: i64,
    /// What follows from the probes: their average, and whether enough were answered.
    latency_ns: Option<u64>,
    healthy: bool,
}

impl Known {
    /// Works out what follows from the probes.
    fn judge(&mut self, group: &OriginGroup) {
        let answered = self.probes.iter().flatten();
        let n = answered.clone().count();
        self.latency_ns = (n > 0).then(|| answered.map(|s| s.nanos()).sum::<u64>() / n as u64);
        self.healthy = self.probes.len() - n <= usize::from(group.samples - group.successes);
    }
}

/// Among whom an edge location chooses.
#[derive(Clone, Copy, Debug)]
struct Best {
    /// Lowest priority number of a healthy origin.
    priority: u8,
    /// Lowest latency of those that have it.
    fastest_ns: Option<u64>,
}

/// All edge locations of a profile.
#[derive(Clone, Debug)]
pub struct FrontDoor {
    group: OriginGroup,
    /// `source * origins + origin`.
    known: Vec<Known>,
}

impl FrontDoor {
    /// Nobody has probed yet.
    pub fn new(group: OriginGroup, sources: usize) -> FrontDoor {
        let nothing = Known { probes: Vec::new(), last: None, turn: 0, latency_ns: None, healthy: true };
        let known = vec![nothing; sources * group.origins.len()];
        FrontDoor { group, known }
    }

    fn at(&self, source: usize) -> &[Known] {
        let n = self.group.origins.len();
        &self.known[source * n..][..n]
    }

    /// Whether an origin is healthy for an edge location.
    pub fn healthy(&self, source: usize, origin: usize) -> bool {
        self.at(source)[origin].healthy
    }

    /// A probe was answered after so long, or not at all. True if that makes the origin unhealthy for the edge location.
    pub fn observe(&mut self, now: Time, source: usize, origin: usize, answered: Option<Span>) -> bool {
        let group = &self.group;
        let known = &mut self.known[source * group.origins.len() + origin];
        let before = known.healthy;
        if known.probes.len() == usize::from(group.samples) {
            known.probes.remove(0);
        }
        known.probes.push(answered);
        known.last = Some(now);
        known.judge(group);
        before && !known.healthy
    }

    /// Position of the origin for a request; `None` when none is legal.
    pub fn pick(&mut self, source: usize, endpoints: &[Endpoint]) -> Option<usize> {
        let Some(best) = self.best(source, endpoints) else {
            return self.next_turn(source, |i| endpoints[i].legal, |_| 1);
        };
        let fit = |i: &usize| endpoints[*i].legal && self.outside(source, *i, best).is_none();
        let fit: super::Answer = (0..self.group.origins.len()).filter(fit).collect();
        self.next_turn(source, |i| fit.contains(i), |o| i64::from(o.weight))
    }

    /// What an edge location has to choose from; `None` when no legal origin is healthy there.
    fn best(&self, source: usize, endpoints: &[Endpoint]) -> Option<Best> {
        let (known, origins) = (self.at(source), &self.group.origins);
        let healthy = |i: &usize| endpoints[*i].legal && known[*i].healthy;
        let all = 0..origins.len();
        let priority = all.clone().filter(healthy).map(|i| origins[i].priority).min()?;
        let first = all.filter(healthy).filter(|i| origins[*i].priority == priority);
        Some(Best { priority, fastest_ns: first.filter_map(|i| known[i].latency_ns).min() })
    }

    /// Slowest latency that is in the band.
    fn limit_ns(&self, fastest_ns: u64) -> u64 {
        fastest_ns.saturating_add(self.group.band.nanos())
    }

    /// Why an edge location does not choose a legal origin; `None` if it may.
    fn outside(&self, source: usize, origin: usize, best: Best) -> Option<Unfit> {
        let (known, group) = (&self.at(source)[origin], &self.group);
        if !known.healthy {
            let answered = known.probes.iter().flatten().count() as u8;
            let probes = known.probes.len() as u8;
            return Some(Unfit::ProbesFail { answered, probes, allowed: group.samples - group.successes });
        }
        if group.origins[origin].priority > best.priority {
            return Some(Unfit::LowerPriority { first: best.priority });
        }
        // an origin whose latency nobody knows is in no band, unless that is all there are
        let limit = self.limit_ns(best.fastest_ns?);
        match known.latency_ns {
            None => Some(Unfit::Unmeasured),
            Some(ns) if ns > limit => Some(Unfit::OutsideBand { limit: Span(limit) }),
            Some(_) => None,
        }
    }

    /// Why an edge location did not choose an origin.
    pub(super) fn unfit(&self, source: usize, origin: usize, endpoints: &[Endpoint]) -> Option<Unfit> {
        self.outside(source, origin, self.best(source, endpoints)?)
    }

    /// What an edge location knows of an origin.
    pub(super) fn figures<S: ReasonSink>(&self, source: usize, origin: usize, told: &mut Told<'_, S>) {
        let (known, settings) = (&self.at(source)[origin], self.group.origins[origin]);
        if let Some(ns) = known.latency_ns {
            told.learned("mean of the edge's answered probes in ms", ns as f64 / 1e6, known.last);
        }
        told.learned("probes answered", known.probes.iter().flatten().count() as f64, known.last);
        told.figure("of the last probes", known.probes.len() as f64);
        told.figure("priority", f64::from(settings.priority));
        told.figure("weight", f64::from(settings.weight));
    }

    /// The band, or that no legal origin is healthy.
    pub(super) fn remark(&self, source: usize, endpoints: &[Endpoint]) -> Option<SteeringReason> {
        if !endpoints.iter().any(|e| e.legal) {
            return None;
        }
        let Some(best) = self.best(source, endpoints) else { return Some(SteeringReason::FailOpen) };
        let fastest = best.fastest_ns?;
        Some(SteeringReason::Band { fastest: Span(fastest), limit: Span(self.limit_ns(fastest)) })
    }

    /// Smooth weighted round robin: everybody moves up by its weight, the first in line goes back by the sum.
    fn next_turn(
        &mut self,
        source: usize,
        fit: impl Fn(usize) -> bool,
        weight: impl Fn(&Origin) -> i64,
    ) -> Option<usize> {
        let origins = &self.group.origins;
        let known = &mut self.known[source * origins.len()..][..origins.len()];
        let mut sum = 0;
        let mut first: Option<usize> = None;
        for i in (0..origins.len()).filter(|i| fit(*i)) {
            let w = weight(&origins[i]);
            known[i].turn += w;
            sum += w;
            if first.is_none_or(|f| known[i].turn > known[f].turn) {
                first = Some(i);
            }
        }
        let first = first?;
        known[first].turn -= sum;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::up;
    use super::*;

    fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    fn group(origins: &[(u8, u16)], band_ms: u64) -> OriginGroup {
        OriginGroup {
            origins: origins.iter().map(|(priority, weight)| Origin { priority: *priority, weight: *weight }).collect(),
            band: ms(band_ms),
            samples: 4,
            successes: 2,
            interval: Span::from_secs(30),
        }
    }

    fn counts(f: &mut FrontDoor, n: usize, endpoints: &[Endpoint]) -> Vec<usize> {
        let mut hits = vec![0; endpoints.len()];
        for _ in 0..n {
            hits[f.pick(0, endpoints).unwrap()] += 1;
        }
        hits
    }

    /// The documentation's example of the whole flow: A 15 ms, B 30 ms and D 60 ms have priority 1, F has priority 2, C is
    /// unhealthy (E is disabled and left out); sensitivity 30 ms: A and B, in the ratio 5 : 8 of their weights.
    #[test]
    fn azure_front_door_example_of_the_decision_flow() {
        let [a, b, c, d, f] = [0, 1, 2, 3, 4];
        let mut door = FrontDoor::new(group(&[(1, 5), (1, 8), (1, 50), (1, 50), (2, 50)], 30), 1);
        for (origin, latency) in [(a, 15), (b, 30), (d, 60), (f, 1)] {
            door.observe(Time::ZERO, 0, origin, Some(ms(latency)));
        }
        for _ in 0..3 {
            door.observe(Time::ZERO, 0, c, None);
        }
        assert_eq!(counts(&mut door, 130, &[up(0); 5]), [50, 80, 0, 0, 0]);
    }

    #[test]
    fn a_band_of_0_uses_only_the_fastest_and_the_limit_itself_is_inside() {
        for (band, expected) in [(0, [10, 0]), (14, [10, 0]), (15, [5, 5])] {
            let mut door = FrontDoor::new(group(&[(1, 50), (1, 50)], band), 1);
            door.observe(Time::ZERO, 0, 0, Some(ms(15)));
            door.observe(Time::ZERO, 0, 1, Some(ms(30)));
            assert_eq!(counts(&mut door, 10, &[up(0); 2]), expected, "{band}");
        }
    }

    #[test]
    fn two_of_the_last_four_probes_must_be_answered_and_each_edge_location_judges_for_itself() {
        let mut door = FrontDoor::new(group(&[(1, 50), (2, 50)], 0), 2);
        let unhealthy: Vec<bool> = [true, false, false, false, true, true]
            .map(|ok| door.observe(Time::ZERO, 0, 0, ok.then(|| ms(10))))
            .to_vec();
        assert_eq!(unhealthy, [false, false, false, true, false, false]);
        assert!(door.healthy(0, 0), "the sample is now two failures and two answers");
        for _ in 0..3 {
            door.observe(Time::ZERO, 0, 0, None);
        }
        assert!(!door.healthy(0, 0) && door.healthy(1, 0));
        assert_eq!((door.pick(0, &[up(0); 2]), door.pick(1, &[up(0); 2])), (Some(1), Some(0)));
    }

    #[test]
    fn all_unhealthy_is_round_robin_over_all_without_weights() {
        let mut door = FrontDoor::new(group(&[(1, 10), (2, 1000)], 0), 1);
        for origin in 0..2 {
            for _ in 0..4 {
                door.observe(Time::ZERO, 0, origin, None);
            }
        }
        assert_eq!(counts(&mut door, 10, &[up(0); 2]), [5, 5]);
        assert_eq!(door.pick(0, &[Endpoint { legal: false, ..up(0) }; 2]), None);
    }
}
