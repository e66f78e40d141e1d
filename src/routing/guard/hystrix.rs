//! Circuit breaker as Hystrix had it: an error share over rolling seconds, and a single probe.
//!
//! Sources: Netflix Hystrix wiki, "Configuration" (defaults: 20 requests in a rolling window of 10 s of ten buckets, 50 %,
//! sleep window 5 s); `HystrixCircuitBreaker.java` and `AbstractCommand.java` of 1.5.18 (read 2026): closed, open and half
//! open. The first call after the sleep makes it half open and nothing else passes. The next end of a call decides: an
//! answer closes it and all is forgotten; a failure, or a call that is given up, opens it for another sleep. That need not
//! be the probe's end: Hystrix asks only for the state, so a late end of a call from before counts as well. While it is
//! open no end changes anything. Not modelled: the health snapshot that Hystrix takes only every 500 ms. A status that is
//! the request's own fault is an answer.

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
    /// How long nothing passes before the probe, and after one that fails.
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
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Closed,
    /// Nothing passes before that time; then one probe does.
    Open { until: Time },
    /// The probe is out.
    HalfOpen,
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
        match self.deployments[deployment].state {
            State::Closed => true,
            State::Open { until } => now >= until,
            State::HalfOpen => false,
        }
    }

    fn until(&self, now: Time, deployment: usize) -> Option<Time> {
        match self.deployments[deployment].state {
            State::Open { until } if until > now => Some(until),
            _ => None,
        }
    }

    fn on_sent(&mut self, now: Time, deployment: usize) {
        let c = &mut self.deployments[deployment];
        if matches!(c.state, State::Open { until } if now >= until) {
            c.state = State::HalfOpen;
        }
    }

    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        let (number, config) = (self.bucket(now), self.config);
        let c = &mut self.deployments[deployment];
        let failed = matches!(seen.outcome, Outcome::Failed { class, .. } if !class.is_of_the_request());
        match c.state {
            State::Closed => {}
            State::Open { .. } => return false,
            State::HalfOpen if failed => {
                c.state = State::Open { until: now + config.sleep };
                return false;
            }
            State::HalfOpen => {
                *c = Circuit::default();
                return false;
            }
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
            c.state = State::Open { until: now + config.sleep };
        }
        opens
    }

    fn on_abandoned(&mut self, now: Time, deployment: usize) {
        let c = &mut self.deployments[deployment];
        if c.state == State::HalfOpen {
            c.state = State::Open { until: now + self.config.sleep };
        }
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
        assert!(!h.admits(at(60_000), 0), "however long it takes");
        assert!(!h.on_end(at(61_000), 0, &failed));
        assert_eq!(h.until(at(61_000), 0), Some(at(66_000)), "the sleep begins when the probe has failed");
        assert!(!h.admits(at(65_999), 0) && h.admits(at(66_000), 0));
        assert!(!end(&mut h, 66_000, false));
        assert!(h.admits(at(66_001), 0), "a probe that succeeds closes it");
        assert!(!end(&mut h, 66_100, true), "and all is forgotten");
    }

    /// Opened at 0 with calls in flight that were sent before.
    fn open() -> Hystrix {
        let mut h = Hystrix::new(HystrixConfig::DEFAULT, 1);
        (0..5).for_each(|_| h.on_sent(Time::ZERO, 0));
        (0..20).for_each(|_| {
            end(&mut h, 0, true);
        });
        assert!(!h.admits(Time::ZERO, 0));
        h
    }

    fn ended(h: &mut Hystrix, ms: u64, fails: bool) {
        let failed = Observation::failed(Time::ZERO, ErrorClass::Unavailable, None);
        let outcome = if fails { failed.outcome } else { Outcome::Ok };
        h.on_end(Time(ms * 1_000_000), 0, &Observation { outcome, ..failed });
    }

    #[test]
    fn hystrix_circuit_breaker_calls_from_before_it_opened() {
        let at = |ms: u64| Time(ms * 1_000_000);
        // an answer that was under way when it opened
        let mut h = open();
        ended(&mut h, 1000, false);
        assert!(!h.admits(at(1001), 0) && h.until(at(1001), 0) == Some(at(5000)), "no end closes an open circuit");
        ended(&mut h, 2000, true);
        assert_eq!(h.until(at(2000), 0), Some(at(5000)), "nor does one prolong the sleep");
        // while the probe is out, the first end decides, whosever it is
        h.on_sent(at(5000), 0);
        ended(&mut h, 5500, true);
        assert_eq!(h.until(at(5500), 0), Some(at(10_500)));
        ended(&mut h, 6000, false);
        assert!(!h.admits(at(6000), 0), "the probe's own answer comes too late");
        h.on_sent(at(10_500), 0);
        ended(&mut h, 10_600, false);
        assert!(h.admits(at(10_600), 0));
        // what was not answered before is forgotten
        ended(&mut h, 10_700, true);
        assert!(h.admits(at(10_700), 0));
    }

    #[test]
    fn a_probe_that_is_given_up_opens_it_again() {
        let at = |ms: u64| Time(ms * 1_000_000);
        let mut h = open();
        h.on_abandoned(at(1000), 0);
        assert_eq!(h.until(at(1000), 0), Some(at(5000)));
        h.on_sent(at(5000), 0);
        h.on_abandoned(at(6000), 0);
        assert_eq!(h.until(at(6000), 0), Some(at(11_000)));
        // a call that is made in a panic is no probe
        h.on_sent(at(7000), 0);
        assert_eq!(h.until(at(7000), 0), Some(at(11_000)));
    }

    #[test]
    fn calls_leave_the_window() {
        let mut h = Hystrix::new(HystrixConfig::DEFAULT, 1);
        (0..19).for_each(|_| assert!(!end(&mut h, 0, true)));
        assert!(!end(&mut h, 10_000, true), "nineteen of the twenty are ten seconds old");
    }
}
