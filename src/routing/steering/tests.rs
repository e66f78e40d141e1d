//! What the tests of the algorithms share: endpoints and a generator.

use super::{Endpoint, Location, Policy, Rule, Source, Steerer, SteeringReason, Unfit, Vantage};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Reason;
use crate::units::Time;

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
    let expected = [
        SteeringReason::Excluded { endpoint: 0, because: Unfit::Residency },
        SteeringReason::Excluded { endpoint: 1, because: Unfit::Unhealthy },
        SteeringReason::Chosen { endpoint: 2, rule: Rule::LowestLatency },
    ];
    assert_eq!(reasons, expected.map(Reason::Steering));
}
