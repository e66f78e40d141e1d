//! Circuit breaker as Hystrix had it: an error share over rolling seconds, and a single probe.
//!
//! Source: Netflix Hystrix wiki, "Configuration" (defaults: 20 requests in a rolling window of 10 s of ten buckets, 50 %,
//! sleep window 5 s). Not modelled: the health snapshot that Hystrix takes only every 500 ms.

use super::Guard;
use crate::routing::outcome::{Observation, Outcome};
use crate::units::{Span, Time};

/// Parameters. [`HystrixConfig::DEFAULT`] has Hystrix's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HystrixConfig {
    /// Fewest calls in the window that are judged.
    pub request_volume: u32,
    /// Share of failed calls from which on it opens, in percent.
    pub error_percent: u32,
    /// Length of the rolling window; it has ten buckets.
    pub window: Span,
    /// How long nothing passes before the probe, and between probes.
    pub sleep: Span,
}

impl HystrixConfig {
    /// Hystrix's defaults.
    pub const DEFAULT: HystrixConfig =
        HystrixConfig { request_volume: 20, error_percent: 50, window: Span::from_secs(10), sleep: Span::from_secs(5) };
}

const BUCKETS: usize = 10;

/// One gateway's breakers, one per deployment.
#[derive(Clone, Debug)]
pub struct Hystrix {
    config: HystrixConfig,
    deployments: Vec<Circuit>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Circuit {
    /// Per bucket of the window: its number since time zero, calls, failures.
    buckets: [(u64, u32, u32); BUCKETS],
    /// When the next probe may go; `None` while it is closed.
    open: Option<Time>,
}

impl Hystrix {
    /// All circuits are closed.
    pub fn new(config: HystrixConfig, deployments: usize) -> Hystrix {
        Hystrix { config, deployments: vec![Circuit::default(); deployments] }
    }

    fn bucket(&self, now: Time) -> u64 {
        now.nanos() / (self.config.window.nanos() / BUCKETS as u64).max(1)
    }
}

impl Guard for Hystrix {
    fn admits(&self, now: Time, deployment: usize) -> bool {
        self.deployments[deployment].open.is_none_or(|probe| now >= probe)
    }

    fn until(&self, now: Time, deployment: usize) -> Option<Time> {
        self.deployments[deployment].open.filter(|probe| *probe > now)
    }

    fn on_sent(&mut self, now: Time, deployment: usize) {
        // one probe goes, and the next only after another sleep
        if let Some(probe) = &mut self.deployments[deployment].open {
            *probe = now + self.config.sleep;
        }
    }

    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        let (number, config) = (self.bucket(now), self.config);
        let c = &mut self.deployments[deployment];
        let failed = matches!(seen.outcome, Outcome::Failed { class, .. } if !class.is_of_the_request());
        if c.open.is_some() {
            if !failed {
                *c = Circuit::default();
            }
            return false;
        }
        let bucket = &mut c.buckets[(number % BUCKETS as u64) as usize];
        if bucket.0 != number {
            *bucket = (number, 0, 0);
        }
        bucket.1 += 1;
        bucket.2 += u32::from(failed);
        let live = c.buckets.iter().filter(|b| b.0 + BUCKETS as u64 > number);
        let (calls, failures) = live.fold((0, 0), |(n, f), b| (n + u64::from(b.1), f + u64::from(b.2)));
        let opens =
            calls >= u64::from(config.request_volume) && 100 * failures >= u64::from(config.error_percent) * calls;
        if opens {
            c.open = Some(now + config.sleep);
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::outcome::ErrorClass;

    fn end(h: &mut Hystrix, ms: u64, fails: bool) -> bool {
        let at = Time(ms * 1_000_000);
        h.on_sent(at, 0);
        let failed = Observation::failed(at, ErrorClass::Unavailable, None);
        let outcome = if fails { failed.outcome } else { Outcome::Ok };
        h.on_end(at, 0, &Observation { outcome, ..failed })
    }

    #[test]
    fn twenty_calls_half_of_them_failed_open_it_and_one_probe_goes() {
        let mut h = Hystrix::new(HystrixConfig::DEFAULT, 1);
        for i in 0..19 {
            assert!(!end(&mut h, i * 100, i % 2 == 0));
        }
        assert!(end(&mut h, 1900, true));
        let at = |ms: u64| Time(ms * 1_000_000);
        assert!(!h.admits(at(6899), 0) && h.admits(at(6900), 0));
        h.on_sent(at(6900), 0);
        assert!(!h.admits(at(7000), 0), "a single probe");
        let failed = Observation::failed(at(6900), ErrorClass::Unavailable, None);
        assert!(!h.on_end(at(7000), 0, &failed));
        assert!(!h.admits(at(11_899), 0) && h.admits(at(11_900), 0));
        assert!(!end(&mut h, 11_900, false));
        assert!(h.admits(at(11_901), 0), "a probe that succeeds closes it");
        assert!(!end(&mut h, 12_000, true), "and all is forgotten");
    }

    #[test]
    fn calls_leave_the_window() {
        let mut h = Hystrix::new(HystrixConfig::DEFAULT, 1);
        (0..19).for_each(|_| assert!(!end(&mut h, 0, true)));
        assert!(!end(&mut h, 10_000, true), "nineteen of the twenty are ten seconds old");
    }
}
