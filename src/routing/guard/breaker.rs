//! Circuit breaker as resilience4j has it: closed, open, half open, by the failure rate and the rate of slow calls over
//! the last calls.
//!
//! Source: resilience4j `CircuitBreakerConfig.java` (read 2026) for the defaults; the count-based window of it (the
//! time-based one is not built). A breaker opens when the window holds at least `minimum_calls` and a rate has reached its
//! threshold; after `wait_open` the next call finds it half open, which lets `half_open_calls` through and judges by the same
//! thresholds as soon as so many calls have ended, or `minimum_calls` if that is less (`CircuitBreakerMetrics.java`, read 2026).
//! The end of any call counts in the state that it finds, also of one sent before. A 4xx that is the request's own fault is
//! a success of the deployment.

use super::Guard;
use crate::routing::outcome::{Observation, Outcome};
use crate::units::{Span, Time};

/// Parameters. [`BreakerConfig::RESILIENCE4J`] has the defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BreakerConfig {
    /// Share of failed calls from which on it opens, in percent.
    pub failure_rate_percent: u32,
    /// Share of slow calls from which on it opens, in percent.
    pub slow_rate_percent: u32,
    /// A call that takes longer than this is slow.
    pub slow_call: Span,
    /// Calls that are remembered; 1 to 1024.
    pub window: u32,
    /// Fewest calls that are judged, at most `window`.
    pub minimum_calls: u32,
    /// How long it stays open.
    pub wait_open: Span,
    /// Calls let through half open.
    pub half_open_calls: u32,
}

impl BreakerConfig {
    /// resilience4j's defaults.
    pub const RESILIENCE4J: BreakerConfig = BreakerConfig {
        failure_rate_percent: 50,
        slow_rate_percent: 100,
        slow_call: Span::from_secs(60),
        window: 100,
        minimum_calls: 100,
        wait_open: Span::from_secs(60),
        half_open_calls: 10,
    };
}

/// One gateway's breakers, one per deployment.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    deployments: Vec<Circuit>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open { until: Time },
    HalfOpen { permits: u32 },
}

#[derive(Clone, Debug)]
struct Circuit {
    state: State,
    /// The last calls, oldest overwritten: (failed, slow).
    calls: Vec<(bool, bool)>,
    next: usize,
    failed: u32,
    slow: u32,
}

impl Circuit {
    fn clear(&mut self) {
        self.calls.clear();
        (self.next, self.failed, self.slow) = (0, 0, 0);
    }

    fn record(&mut self, window: u32, call: (bool, bool)) {
        if self.calls.len() < window as usize {
            self.calls.push(call);
        } else {
            let old = std::mem::replace(&mut self.calls[self.next], call);
            self.failed -= u32::from(old.0);
            self.slow -= u32::from(old.1);
            self.next = (self.next + 1) % window as usize;
        }
        self.failed += u32::from(call.0);
        self.slow += u32::from(call.1);
    }

    fn too_bad(&self, config: &BreakerConfig) -> bool {
        let n = self.calls.len() as u64;
        let reaches = |count: u32, percent: u32| 100 * u64::from(count) >= u64::from(percent) * n;
        reaches(self.failed, config.failure_rate_percent) || reaches(self.slow, config.slow_rate_percent)
    }
}

impl Breaker {
    /// All circuits are closed.
    pub fn new(config: BreakerConfig, deployments: usize) -> Breaker {
        let window = config.window as usize;
        let circuit = Circuit { state: State::Closed, calls: Vec::with_capacity(window), next: 0, failed: 0, slow: 0 };
        // a clone has no spare room of its own
        let circuits = (0..deployments).map(|_| Circuit { calls: Vec::with_capacity(window), ..circuit.clone() });
        Breaker { config, deployments: circuits.collect() }
    }
}

impl Guard for Breaker {
    fn admits(&self, now: Time, deployment: usize) -> bool {
        match self.deployments[deployment].state {
            State::Closed => true,
            State::Open { until } => now >= until,
            State::HalfOpen { permits } => permits > 0,
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
        match &mut c.state {
            State::Open { until } if now >= *until => {
                c.clear();
                c.state = State::HalfOpen { permits: self.config.half_open_calls - 1 };
            }
            State::HalfOpen { permits } => *permits = permits.saturating_sub(1),
            State::Closed | State::Open { .. } => {}
        }
    }

    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        let config = self.config;
        let c = &mut self.deployments[deployment];
        let failed = matches!(seen.outcome, Outcome::Failed { class, .. } if !class.is_of_the_request());
        let call = (failed, now.since(seen.sent) > config.slow_call);
        match c.state {
            // a call from before it opened
            State::Open { .. } => false,
            State::Closed => {
                c.record(config.window, call);
                let opens = c.calls.len() >= config.minimum_calls as usize && c.too_bad(&config);
                if opens {
                    c.state = State::Open { until: now + config.wait_open };
                }
                opens
            }
            State::HalfOpen { .. } => {
                c.record(config.half_open_calls, call);
                if (c.calls.len() as u32) < config.half_open_calls.min(config.minimum_calls) {
                    return false;
                }
                let opens = c.too_bad(&config);
                c.state = if opens { State::Open { until: now + config.wait_open } } else { State::Closed };
                c.clear();
                opens
            }
        }
    }

    fn on_abandoned(&mut self, _: Time, deployment: usize) {
        if let State::HalfOpen { permits } = &mut self.deployments[deployment].state {
            *permits += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::outcome::ErrorClass;

    const SMALL: BreakerConfig =
        BreakerConfig { window: 10, minimum_calls: 4, half_open_calls: 2, ..BreakerConfig::RESILIENCE4J };

    fn end(b: &mut Breaker, at: Time, fails: bool) -> bool {
        b.on_sent(at, 0);
        let outcome = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };
        let outcome = if fails { outcome } else { Outcome::Ok };
        b.on_end(at, 0, &Observation { outcome, ..Observation::failed(at, ErrorClass::Unavailable, None) })
    }

    #[test]
    fn half_of_at_least_four_calls_opens_it() {
        let mut b = Breaker::new(SMALL, 1);
        let t = Time(5);
        assert!(!end(&mut b, t, true) && !end(&mut b, t, true) && !end(&mut b, t, false), "three are too few");
        assert!(end(&mut b, t, false), "two of four are 50 %: the threshold is reached, not only passed");
        assert!(!b.admits(t, 0));
        assert_eq!(b.until(t, 0), Some(t + Span::from_secs(60)));
    }

    #[test]
    fn half_open_lets_two_through_and_judges_them() {
        for (fails, admits) in [([false, false], true), ([true, false], false)] {
            let mut b = Breaker::new(SMALL, 1);
            (0..4).for_each(|_| {
                end(&mut b, Time(0), true);
            });
            let later = Time(60_000_000_000);
            assert!(b.admits(later, 0));
            b.on_sent(later, 0);
            b.on_sent(later, 0);
            assert!(!b.admits(later, 0), "no third call");
            b.on_abandoned(later, 0);
            assert!(b.admits(later, 0), "what was given up gives its permit back");
            b.on_sent(later, 0);
            for fail in fails {
                let class = ErrorClass::Unavailable;
                let failed = Observation::failed(later, class, None);
                let outcome = if fail { failed.outcome } else { Outcome::Ok };
                b.on_end(later, 0, &Observation { outcome, ..failed });
            }
            assert_eq!(b.admits(later, 0), admits);
        }
    }

    fn ended(b: &mut Breaker, at: Time, fails: bool) {
        let failed = Observation::failed(at, ErrorClass::Unavailable, None);
        let outcome = if fails { failed.outcome } else { Outcome::Ok };
        b.on_end(at, 0, &Observation { outcome, ..failed });
    }

    /// `CircuitBreakerMetrics.forHalfOpen`: the smaller of the two numbers is enough to judge.
    #[test]
    fn circuit_breaker_metrics_half_open_needs_no_more_than_the_minimum() {
        for (fails, open) in [(false, false), (true, true)] {
            let mut b = Breaker::new(BreakerConfig { half_open_calls: 10, ..SMALL }, 1);
            (0..4).for_each(|_| {
                end(&mut b, Time(0), true);
            });
            let later = Time(60_000_000_000);
            (0..10).for_each(|_| b.on_sent(later, 0));
            (0..3).for_each(|_| ended(&mut b, later, fails));
            assert!(!b.admits(later, 0), "three are too few, and all ten permits are taken");
            ended(&mut b, later, fails);
            assert_eq!(b.until(later, 0).is_some(), open);
            // the six that are still out count in the state that they find
            (0..3).for_each(|_| ended(&mut b, later, true));
            assert_eq!(b.admits(later, 0), !open, "three failures of three are too few");
            ended(&mut b, later, true);
            assert!(!b.admits(later, 0), "four of four are not");
        }
    }

    /// Calls from before it opened: nothing while it is open, evidence once it is half open.
    #[test]
    fn circuit_breaker_state_machine_late_ends() {
        let mut b = Breaker::new(SMALL, 1);
        (0..3).for_each(|_| b.on_sent(Time(0), 0));
        (0..4).for_each(|_| {
            end(&mut b, Time(0), true);
        });
        ended(&mut b, Time(1), false);
        assert_eq!(b.until(Time(1), 0), Some(Time(60_000_000_000)), "an answer does not close it");
        let later = Time(60_000_000_000);
        b.on_sent(later, 0);
        ended(&mut b, later, false);
        assert_eq!(b.until(later, 0), None, "half open, one of two");
        ended(&mut b, later, true);
        assert_eq!(b.until(later, 0), Some(later + Span::from_secs(60)), "half of two failed");
        // given up while it is open: no permit comes of it
        b.on_abandoned(later, 0);
        assert!(!b.admits(later, 0));
    }

    #[test]
    fn slow_calls_open_it_too_and_old_calls_are_forgotten() {
        let mut b = Breaker::new(BreakerConfig { slow_rate_percent: 80, ..SMALL }, 1);
        let sent = Time(0);
        let slow = Observation { outcome: Outcome::Ok, ..Observation::failed(sent, ErrorClass::Timeout, None) };
        for i in 0..4 {
            b.on_sent(sent, 0);
            assert_eq!(b.on_end(Time(61_000_000_000), 0, &slow), i == 3);
        }
        let mut b = Breaker::new(BreakerConfig { failure_rate_percent: 60, ..SMALL }, 1);
        (0..6).for_each(|_| assert!(!end(&mut b, Time(0), false)));
        (0..4).for_each(|_| assert!(!end(&mut b, Time(0), true)));
        assert!(!end(&mut b, Time(0), true), "5 of the last 10");
        assert!(end(&mut b, Time(0), true), "6 of the last 10");
    }
}
