//! Consecutive-result thresholds: the state machine of every active health checker (Route 53 "failure threshold",
//! Envoy `unhealthy_threshold` / `healthy_threshold`).

/// How many results in a row change the state; both at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThresholdConfig {
    /// Consecutive failures until unhealthy.
    pub failures: u32,
    /// Consecutive passes until healthy again.
    pub passes: u32,
}

/// One endpoint's health; healthy at first (Route 53: a new check counts as healthy until data arrives).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Threshold {
    healthy: bool,
    run: u32,
}

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold { healthy: true, run: 0 }
    }
}

impl Threshold {
    /// The present verdict.
    #[inline]
    pub fn healthy(&self) -> bool {
        self.healthy
    }

    /// Takes in one result; true when the verdict has just changed.
    pub fn observe(&mut self, config: &ThresholdConfig, passed: bool) -> bool {
        if passed == self.healthy {
            self.run = 0;
            return false;
        }
        self.run += 1;
        let needed = if self.healthy { config.failures } else { config.passes };
        if self.run < needed {
            return false;
        }
        self.healthy = passed;
        self.run = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_of_results_changes_the_verdict() {
        let config = ThresholdConfig { failures: 3, passes: 2 };
        let mut t = Threshold::default();
        let changes: Vec<bool> =
            [false, false, true, false, false, false, true, false, true, true].map(|p| t.observe(&config, p)).to_vec();
        assert_eq!(changes, [false, false, false, false, false, true, false, false, false, true]);
        assert!(t.healthy());
    }
}
