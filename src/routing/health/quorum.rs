//! Many independent health checkers and their quorum: Route 53 (Developer Guide, 2026: "How Route 53 determines whether a
//! health check is healthy").
//!
//! Checkers in many places test the same endpoint, each for itself, at its own moments, with its own count of
//! consecutive results. The endpoint is healthy if *more than* 18 % of them say so. A new check counts as healthy until
//! there are data. One checker with any share below one is the plain threshold.

use super::{Threshold, ThresholdConfig};

/// Route 53's share of checkers, in thousandths: at 18 % and below an endpoint is unhealthy.
pub const ROUTE_53_SHARE: u32 = 180;

/// When a quorum says what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumConfig {
    /// Number of checkers, at least 1.
    pub checkers: u32,
    /// Consecutive results that change one checker's opinion.
    pub thresholds: ThresholdConfig,
    /// Thousandths of the checkers; healthy means more than that say so. Below 1000.
    pub above: u32,
}

impl QuorumConfig {
    /// One checker, whose opinion is the verdict.
    pub const fn one(thresholds: ThresholdConfig) -> QuorumConfig {
        QuorumConfig { checkers: 1, thresholds, above: 0 }
    }
}

/// One endpoint's health, as all checkers together see it; healthy at first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quorum {
    checkers: Vec<Threshold>,
    for_healthy: u32,
    healthy: bool,
}

impl Quorum {
    /// Nobody has checked yet.
    pub fn new(config: &QuorumConfig) -> Quorum {
        let n = config.checkers.max(1);
        Quorum { checkers: vec![Threshold::default(); n as usize], for_healthy: n, healthy: true }
    }

    /// The present verdict.
    #[inline]
    pub fn healthy(&self) -> bool {
        self.healthy
    }

    /// Takes in one result of one checker; true when the verdict has just changed.
    pub fn observe(&mut self, config: &QuorumConfig, checker: usize, passed: bool) -> bool {
        let one = &mut self.checkers[checker];
        if !one.observe(&config.thresholds, passed) {
            return false;
        }
        if one.healthy() {
            self.for_healthy += 1;
        } else {
            self.for_healthy -= 1;
        }
        let healthy = u64::from(self.for_healthy) * 1000 > self.checkers.len() as u64 * u64::from(config.above);
        let changed = healthy != self.healthy;
        self.healthy = healthy;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: ThresholdConfig = ThresholdConfig { failures: 3, passes: 3 };

    /// With 15 checkers, 3 are 20 % and enough, 2 are 13.3 % and not.
    #[test]
    fn route_53_quorum_of_more_than_18_percent() {
        let config = QuorumConfig { checkers: 15, thresholds: THREE, above: ROUTE_53_SHARE };
        let mut q = Quorum::new(&config);
        assert!(q.healthy(), "until data arrive");
        for checker in 0..13 {
            for n in 1..=3 {
                let changed = q.observe(&config, checker, false);
                assert_eq!(changed, checker == 12 && n == 3, "checker {checker}, result {n}");
            }
        }
        assert!(!q.healthy());
        for n in 1..=3 {
            assert_eq!(q.observe(&config, 4, true), n == 3);
        }
        assert!(q.healthy(), "3 of 15 again");
    }

    /// Exactly 18 % is unhealthy: 9 of 50.
    #[test]
    fn exactly_18_percent_is_not_enough() {
        let config = QuorumConfig {
            checkers: 50,
            thresholds: ThresholdConfig { failures: 1, passes: 1 },
            above: ROUTE_53_SHARE,
        };
        let mut q = Quorum::new(&config);
        let changes: Vec<usize> = (0..50).filter(|c| q.observe(&config, *c, false)).collect();
        assert_eq!(changes, [40], "the 41st to fail leaves 9 of 50");
    }

    #[test]
    fn one_checker_is_the_plain_threshold() {
        let config = QuorumConfig::one(ThresholdConfig { failures: 2, passes: 1 });
        let (mut q, mut t) = (Quorum::new(&config), Threshold::default());
        for passed in [false, true, false, false, false, true, true, false] {
            assert_eq!(q.observe(&config, 0, passed), t.observe(&config.thresholds, passed));
            assert_eq!(q.healthy(), t.healthy());
        }
    }
}
