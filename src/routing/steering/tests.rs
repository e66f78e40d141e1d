//! What the tests of the algorithms share: endpoints and a generator.

use super::{
    Capacity, ClientProbingConfig, Endpoint, EndpointGroup, Location, MOST_VALUES, Origin, OriginGroup, Policy, Rule,
    Seen, Source, Steerer, SteeringReason, Unfit, Vantage, Verdict, WaterfallConfig,
};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Reason;
use crate::units::{Span, Time};

/// A healthy endpoint at so many milliseconds.
pub fn up(ms: u64) -> Endpoint {
    Endpoint { healthy: true, legal: true, latency_ns: ms * 1_000_000, distance_km: 0.0 }
}

/// An unhealthy endpoint at so many milliseconds.
pub fn down(ms: u64) -> Endpoint {
    Endpoint { healthy: false, ..up(ms) }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a small generator with a fixed seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }
}

impl Entropy for Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / 18_446_744_073_709_551_616.0
    }
}

#[test]
fn a_decision_says_why() {
    let endpoints = [Endpoint { legal: false, ..up(1) }, down(5), up(90)];
    let from = Vantage { source: 0, location: &Location::default(), endpoints: &endpoints };
    let source = Source { endpoints: &endpoints, inflated: false };
    let mut steerer = Steerer::new(Policy::Latency, [source].into_iter()).unwrap();
    let mut reasons: Vec<Reason> = Vec::new();
    let answer = steerer.steer(Time::ZERO, &from, &mut Dice::new(1), &mut reasons);
    assert_eq!(answer.nth(0), Some(2));
    let verdict = |endpoint, healthy| SteeringReason::Verdict {
        endpoint,
        verdict: Verdict { healthy, checked: None, since: None },
    };
    let table = |endpoint, value| SteeringReason::Scored {
        endpoint,
        what: "latency in the name service's table in ms",
        value,
        as_of: None,
    };
    let expected = [
        SteeringReason::Excluded { endpoint: 0, because: Unfit::Residency },
        SteeringReason::Excluded { endpoint: 1, because: Unfit::Unhealthy },
        verdict(1, false),
        table(1, 5.0),
        SteeringReason::Candidate { endpoint: 2 },
        verdict(2, true),
        table(2, 90.0),
        SteeringReason::Chosen { endpoint: 2, rule: Rule::LowestLatency },
    ];
    assert_eq!(reasons, expected.map(Reason::Steering));
}

/// A system with one source, asked once at `now`: what it says.
struct Asked {
    steerer: Steerer,
    endpoints: Vec<Endpoint>,
}

impl Asked {
    fn of(policy: Policy, endpoints: &[Endpoint]) -> Asked {
        let source = Source { endpoints, inflated: false };
        Asked { steerer: Steerer::new(policy, [source].into_iter()).unwrap(), endpoints: endpoints.to_vec() }
    }

    fn at(&mut self, now: Time) -> Vec<SteeringReason> {
        let from = Vantage { source: 0, location: &Location::default(), endpoints: &self.endpoints };
        let mut reasons: Vec<Reason> = Vec::new();
        self.steerer.steer(now, &from, &mut Dice::new(4), &mut reasons);
        let steering = |r: Reason| match r {
            Reason::Steering(r) => r,
            other => panic!("{other:?}"),
        };
        reasons.into_iter().map(steering).collect()
    }
}

fn out(reasons: &[SteeringReason]) -> Vec<(u8, Unfit)> {
    let excluded = |r: &SteeringReason| match *r {
        SteeringReason::Excluded { endpoint, because } => Some((endpoint, because)),
        _ => None,
    };
    reasons.iter().filter_map(excluded).collect()
}

fn figure(reasons: &[SteeringReason], of: u8, wanted: &str) -> Option<(f64, Option<Time>)> {
    reasons.iter().find_map(|r| match *r {
        SteeringReason::Scored { endpoint, what, value, as_of } if endpoint == of && what == wanted => {
            Some((value, as_of))
        }
        _ => None,
    })
}

fn at(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

#[test]
fn verdicts_have_the_times_of_the_last_check_and_of_the_last_change() {
    let mut asked = Asked::of(Policy::Failover, &[up(1), up(2)]);
    let verdict = |reasons: &[SteeringReason], of: u8| {
        reasons.iter().find_map(|r| match *r {
            SteeringReason::Verdict { endpoint, verdict } if endpoint == of => Some(verdict),
            _ => None,
        })
    };
    for (began, healthy) in [(10, true), (20, false), (30, false)] {
        asked.steerer.on_check(at(began + 4), at(began), 0, healthy);
    }
    asked.endpoints[0].healthy = false;
    let reasons = asked.at(at(40));
    assert_eq!(out(&reasons), [(0, Unfit::Unhealthy)]);
    assert_eq!(verdict(&reasons, 0), Some(Verdict { healthy: false, checked: Some(at(30)), since: Some(at(24)) }));
    assert_eq!(verdict(&reasons, 1), Some(Verdict { healthy: true, checked: None, since: None }));
    asked.endpoints[1].healthy = false;
    let reasons = asked.at(at(41));
    assert!(out(&reasons).is_empty() && reasons.contains(&SteeringReason::FailOpen), "{reasons:?}");
}

#[test]
fn a_pool_of_last_resort_does_not_ignore_the_checks() {
    let reasons = Asked::of(Policy::CloudflareProximity { fallback: 1 }, &[down(1), down(2)]).at(at(1));
    assert_eq!(out(&reasons), [(0, Unfit::Unhealthy)]);
    assert!(!reasons.contains(&SteeringReason::FailOpen));
    assert_eq!(reasons.last(), Some(&SteeringReason::Chosen { endpoint: 1, rule: Rule::FallbackPool }));
}

#[test]
fn an_average_has_the_time_of_its_last_probe_and_who_has_none_says_so() {
    let mut asked = Asked::of(Policy::CloudflareDynamic { fallback: 0 }, &[up(1), up(2)]);
    asked.steerer.on_probe(at(5), 0, 1, Some(Span::from_millis(80)));
    asked.steerer.on_probe(at(9), 0, 1, None);
    let reasons = asked.at(at(12));
    assert_eq!(out(&reasons), [(0, Unfit::Unmeasured)]);
    const AVERAGE: &str = "average round trip of the monitor in ms";
    assert_eq!(figure(&reasons, 1, AVERAGE), Some((80.0, Some(at(5)))), "a probe without an answer says nothing");
    assert_eq!(figure(&reasons, 0, AVERAGE), None);
    assert_eq!(figure(&reasons, 0, "monitor requests answered"), Some((0.0, None)));
}

#[test]
fn front_door_says_which_rule_kept_an_origin_out() {
    let origins = [(1, 10), (1, 20), (2, 30), (1, 40), (1, 50)];
    let group = OriginGroup {
        origins: origins.iter().map(|(priority, weight)| Origin { priority: *priority, weight: *weight }).collect(),
        band: Span::from_millis(30),
        samples: 4,
        successes: 2,
        interval: Span::from_secs(30),
    };
    let mut asked = Asked::of(Policy::FrontDoor(group), &[up(0); 5]);
    for (origin, ms) in [(0, 15), (1, 60), (2, 5)] {
        asked.steerer.on_probe(at(7), 0, origin, Some(Span::from_millis(ms)));
    }
    (0..3).for_each(|_| {
        asked.steerer.on_probe(at(8), 0, 3, None);
    });
    let reasons = asked.at(at(20));
    let limit = Span::from_millis(45);
    let expected = [
        (1, Unfit::OutsideBand { limit }),
        (2, Unfit::LowerPriority { first: 1 }),
        (3, Unfit::ProbesFail { answered: 0, probes: 3, allowed: 2 }),
        (4, Unfit::Unmeasured),
    ];
    assert_eq!(out(&reasons), expected);
    assert!(reasons.contains(&SteeringReason::Band { fastest: Span::from_millis(15), limit }));
    const MEAN: &str = "mean of the edge's answered probes in ms";
    assert_eq!((figure(&reasons, 1, MEAN), figure(&reasons, 4, MEAN)), (Some((60.0, Some(at(7)))), None));
    assert_eq!(figure(&reasons, 3, "probes answered"), Some((0.0, Some(at(8)))));
    assert_eq!(figure(&reasons, 0, "weight"), Some((10.0, None)));
}

#[test]
fn a_full_region_and_those_that_are_not_needed_are_told_apart() {
    let config = WaterfallConfig {
        capacity: Capacity::Utilization(0.8),
        interval: Span::from_secs(10),
        lag: Span::from_secs(5),
    };
    let mut asked = Asked::of(Policy::Waterfall(config), &[up(10), up(50), up(90)]);
    asked.steerer.on_report(0, 0.9); // of work that no request of this edge has brought
    let endpoints = asked.endpoints.clone();
    asked.steerer.on_timeout(at(10), |_| &endpoints);
    asked.steerer.on_report(0, 0.1);
    asked.steerer.on_timeout(at(20), |_| &endpoints);
    assert!(out(&asked.at(at(14))).is_empty(), "nothing holds yet: the nearest takes it");
    let reasons = asked.at(at(24));
    assert_eq!(out(&reasons), [(0, Unfit::Full), (2, Unfit::NotNeeded)]);
    assert_eq!(figure(&reasons, 0, "reported utilisation in %"), Some((90.0, Some(at(10)))), "the lag is 5 s");
    assert_eq!(figure(&reasons, 0, "share of the edge's requests in %").unwrap().1, Some(at(10)));
}

#[test]
fn weights_dials_and_untried_regions_are_reasons() {
    let reasons = Asked::of(Policy::Weighted(vec![0, 3, 1]), &[up(0); 3]).at(at(1));
    assert_eq!(out(&reasons), [(0, Unfit::NoWeight)]);
    assert_eq!(figure(&reasons, 1, "chance in %"), Some((75.0, None)));
    let group = |dial, e, weight| EndpointGroup { dial, members: vec![(e, weight)] };
    let groups = vec![group(0, 0, 128), group(100, 1, 128), group(100, 2, 0)];
    let mut asked = Asked::of(Policy::Accelerator(groups), &[up(10), up(20), up(30)]);
    assert_eq!(out(&asked.at(at(1))), [(0, Unfit::DialledAway { dial: 0 }), (2, Unfit::NoWeight)]);
    asked.endpoints[1].healthy = false;
    let reasons = asked.at(at(2));
    assert_eq!(out(&reasons), [(1, Unfit::Unhealthy), (2, Unfit::NoWeight)]);
    assert!(reasons.contains(&SteeringReason::OtherGroups), "{reasons:?}");
    let reasons = Asked::of(Policy::Multivalue, &[up(0); 10]).at(at(1));
    assert_eq!(out(&reasons).iter().filter(|o| o.1 == Unfit::NotDrawn).count(), 10 - MOST_VALUES);
    let config = ClientProbingConfig { explore: 0.1, window: 3, penalty: Span::from_secs(10) };
    let mut asked = Asked::of(Policy::ClientProbing(config), &[up(0); 2]);
    asked.steerer.on_done(at(3), 0, 1, Seen::Answered(Span::from_millis(100)));
    asked.steerer.on_done(at(4), 0, 1, Seen::Failed);
    let reasons = asked.at(at(9));
    assert_eq!(out(&reasons), [(1, Unfit::UntriedFirst)]);
    let mean = figure(&reasons, 1, "mean of the client's own requests in ms");
    assert_eq!(mean, Some((5050.0, Some(at(4)))));
}
