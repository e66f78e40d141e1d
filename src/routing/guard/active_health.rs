//! Active health checks of a gateway towards its deployments, as Envoy makes them.
//!
//! Source: Envoy, `api/envoy/config/core/v3/health_check.proto` and "Health checking" (read 2026): every host is asked every
//! `interval` and has `timeout` to answer; the four parameters have no defaults. The first result of all decides at once. An answer
//! with another status than expected takes a host out at once, whatever the threshold; time-outs and failed connections
//! count towards `unhealthy_threshold`; `healthy_threshold` passes in a row bring it back. Hosts count as healthy until the
//! first result (Envoy holds a cluster back until then). Not built: other intervals without traffic or after a failure, jitter.

use super::Guard;
use crate::routing::health::{Threshold, ThresholdConfig};
use crate::routing::outcome::Observation;
use crate::units::{Span, Time};

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ActiveHealthConfig {
    /// Time between two checks of a deployment by one gateway.
    pub interval: Span,
    /// A check without an answer after this long has failed.
    pub timeout: Span,
    /// Checks in a row that change the verdict.
    pub thresholds: ThresholdConfig,
}

/// How a check of a deployment ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probed {
    /// It answered as it should.
    Passed,
    /// It answered with an error.
    Refused,
    /// It did not answer in time, or there was no connection.
    Silent,
}

/// One gateway's verdicts.
#[derive(Clone, Debug)]
pub struct ActiveHealth {
    config: ActiveHealthConfig,
    /// The verdict, and whether there has been a result yet.
    deployments: Vec<(Threshold, bool)>,
}

impl ActiveHealth {
    /// Nothing was checked yet.
    pub fn new(config: ActiveHealthConfig, deployments: usize) -> ActiveHealth {
        ActiveHealth { config, deployments: vec![(Threshold::default(), false); deployments] }
    }
}

impl Guard for ActiveHealth {
    fn admits(&self, _: Time, deployment: usize) -> bool {
        self.deployments[deployment].0.healthy()
    }

    /// Nobody knows when a check will pass.
    fn until(&self, _: Time, _: usize) -> Option<Time> {
        None
    }

    fn on_end(&mut self, _: Time, _: usize, _: &Observation) -> bool {
        false
    }

    fn on_probe(&mut self, _: Time, deployment: usize, probed: Probed) -> bool {
        let (verdict, seen) = &mut self.deployments[deployment];
        let at_once = ThresholdConfig { failures: 1, passes: 1 };
        let first = !std::mem::replace(seen, true);
        let config = if first || probed == Probed::Refused { at_once } else { self.config.thresholds };
        let config = ThresholdConfig { passes: self.config.thresholds.passes, ..config };
        verdict.observe(&config, probed == Probed::Passed) && !verdict.healthy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Probed::{Passed, Refused, Silent};

    /// Verdicts after each of these results, with thresholds of 3 and 2.
    fn verdicts(results: &[Probed]) -> Vec<bool> {
        let thresholds = ThresholdConfig { failures: 3, passes: 2 };
        let config = ActiveHealthConfig { interval: Span::from_secs(5), timeout: Span::from_secs(1), thresholds };
        let mut h = ActiveHealth::new(config, 1);
        assert!(h.admits(Time::ZERO, 0));
        results
            .iter()
            .map(|r| {
                let before = h.admits(Time::ZERO, 0);
                let taken_out = h.on_probe(Time::ZERO, 0, *r);
                assert_eq!(taken_out, before && !h.admits(Time::ZERO, 0));
                h.admits(Time::ZERO, 0)
            })
            .collect()
    }

    #[test]
    fn envoy_health_check_proto_thresholds() {
        let silence =
            verdicts(&[Passed, Silent, Silent, Passed, Silent, Silent, Silent, Passed, Silent, Passed, Passed]);
        assert_eq!(silence, [true, true, true, true, true, true, false, false, false, false, true]);
        assert_eq!(verdicts(&[Passed, Refused]), [true, false], "a wrong status counts at once");
        assert_eq!(verdicts(&[Silent, Passed, Passed]), [false, false, true], "so does the first result");
    }
}
