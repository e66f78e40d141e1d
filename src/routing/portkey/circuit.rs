//! Circuits: targets that fail are left out for a while.
//!
//! Source: Portkey documentation, "Circuit breaker" (2026); the breaker itself is part of the hosted product. A circuit opens when
//! the failures of a target exceed `failure_threshold`, or, from `minimum_requests` on, the share of failures exceeds
//! `failure_threshold_percentage`. It closes by itself after `cooldown_interval`, at least 30 s, and begins to count anew.
//! What is counted is the answer of a target after its retries (`handlerUtils.ts`: the breaker is told after `tryPost`).
//!
//! ASSUMPTIONS, where the documentation is silent: a success takes nothing from the count, because there is a percentage for
//! that; what ends while a circuit is open is not counted; the interval begins when the circuit opens.

use crate::units::{Span, Time};

/// When a target's circuit opens (`cb_config`).
#[derive(Clone, PartialEq, Debug)]
pub struct CircuitConfig {
    /// Opens after more failures than these.
    pub failure_threshold: Option<u32>,
    /// Opens when more than this percentage of answers are failures.
    pub failure_threshold_percentage: Option<f64>,
    /// Answers before the percentage counts.
    pub minimum_requests: u32,
    /// How long it stays open; at least [`CircuitConfig::LEAST_COOLDOWN`].
    pub cooldown_interval: Span,
    /// Statuses that are failures; `None`: all above 500.
    pub failure_status_codes: Option<Vec<u16>>,
}

impl CircuitConfig {
    /// Shortest interval that the product accepts.
    pub const LEAST_COOLDOWN: Span = Span::from_secs(30);

    fn is_failure(&self, status: u16) -> bool {
        match &self.failure_status_codes {
            Some(codes) => codes.contains(&status),
            None => status > 500,
        }
    }
}

/// The circuit of one target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    requests: u32,
    open_until: Option<Time>,
}

impl Circuit {
    /// Until when the target is left out, if it is.
    pub fn open(&self, now: Time) -> Option<Time> {
        self.open_until.filter(|until| now < *until)
    }

    /// Failures and answers that it has counted, if it is closed and has counted some.
    pub fn counted(&self, now: Time) -> Option<(u32, u32)> {
        let since = self.open_until.is_none_or(|until| now < until);
        (since && self.requests > 0).then_some((self.failures, self.requests))
    }

    /// The target has answered; until when its circuit has just opened.
    pub fn on_answer(&mut self, now: Time, config: &CircuitConfig, status: u16) -> Option<Time> {
        match self.open_until {
            Some(until) if now < until => return None,
            Some(_) => *self = Circuit::default(),
            None => {}
        }
        self.requests = self.requests.saturating_add(1);
        if !config.is_failure(status) {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        let many = config.failure_threshold.is_some_and(|most| self.failures > most);
        let share = f64::from(self.failures) * 100.0;
        let often = self.requests >= config.minimum_requests
            && config.failure_threshold_percentage.is_some_and(|most| share > most * f64::from(self.requests));
        self.open_until = (many || often).then(|| now + config.cooldown_interval);
        self.open_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Time {
        Time::ZERO + Span::from_secs(s)
    }

    const COUNT: CircuitConfig = CircuitConfig {
        failure_threshold: Some(2),
        failure_threshold_percentage: None,
        minimum_requests: 0,
        cooldown_interval: Span::from_secs(60),
        failure_status_codes: None,
    };

    /// Portkey documentation: more failures than the threshold, then closed and empty after the interval.
    #[test]
    fn portkey_circuit_opens_above_the_threshold_and_closes_by_itself() {
        let mut c = Circuit::default();
        let say = |c: &mut Circuit, s, status| c.on_answer(at(s), &COUNT, status);
        assert_eq!([say(&mut c, 0, 503), say(&mut c, 1, 500), say(&mut c, 2, 429), say(&mut c, 3, 200)], [None; 4]);
        assert_eq!(say(&mut c, 4, 502), None, "500 and 429 are not above 500, and two failures are not more than two");
        assert_eq!(say(&mut c, 5, 529), Some(at(65)));
        assert_eq!(c.open(at(64)), Some(at(65)));
        assert_eq!(say(&mut c, 30, 503), None);
        assert_eq!(c.open(at(65)), None);
        assert_eq!([say(&mut c, 65, 503), say(&mut c, 66, 503)], [None; 2], "it counts anew");
        assert_eq!(say(&mut c, 67, 503), Some(at(127)));
    }

    /// The documentation's example: 20 %, of at least 10 requests, 60 s, statuses 401, 429 and 500.
    #[test]
    fn portkey_circuit_by_percentage() {
        let config = CircuitConfig {
            failure_threshold: None,
            failure_threshold_percentage: Some(20.0),
            minimum_requests: 10,
            failure_status_codes: Some(vec![401, 429, 500]),
            ..COUNT
        };
        let mut c = Circuit::default();
        for i in 0..9 {
            let status = if i < 2 { 429 } else { 503 };
            assert_eq!(c.on_answer(at(i), &config, status), None, "fewer than ten");
        }
        assert_eq!(c.on_answer(at(9), &config, 200), None, "two of ten are not more than 20 %");
        assert_eq!(c.on_answer(at(10), &config, 500), Some(at(70)));
    }
}
