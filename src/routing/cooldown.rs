//! Cool-down: a gateway stops calling a deployment that keeps failing.
//!
//! A deployment is taken out after `failures` consecutive failures (any success resets the count), for `time`, or for
//! the time that a Retry-After header asks for when that is longer. A 429 takes it out at once when `rate_limited_at_once`
//! is set: the provider has said that further calls are pointless. This is the common core of what gateways do
//! (consecutive-failure ejection as in Envoy's outlier detection, 429 handling as in LiteLLM's default rule).

use crate::routing::outcome::{ErrorClass, Outcome};
use crate::units::{Span, Time};

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CooldownConfig {
    /// Consecutive failures that take a deployment out; at least 1.
    pub failures: u32,
    /// How long it stays out.
    pub time: Span,
    /// Whether a single 429 is enough.
    pub rate_limited_at_once: bool,
}

/// What one gateway knows of one deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cooldown {
    consecutive: u32,
    until: Time,
}

impl Cooldown {
    /// Whether calls may be sent.
    #[inline]
    pub fn available(&self, now: Time) -> bool {
        now >= self.until
    }

    /// When the deployment may be called again; in the past when it is available.
    pub fn until(&self) -> Time {
        self.until
    }

    /// Takes in how an attempt ended; true when the deployment has just been taken out.
    pub fn observe(&mut self, config: &CooldownConfig, now: Time, outcome: Outcome) -> bool {
        let Outcome::Failed { class, retry_after } = outcome else {
            self.consecutive = 0;
            return false;
        };
        if class.is_of_the_request() {
            return false; // the request's fault, not the deployment's
        }
        self.consecutive += 1;
        let at_once = class == ErrorClass::RateLimited && config.rate_limited_at_once;
        if self.consecutive < config.failures && !at_once {
            return false;
        }
        let was_available = self.available(now);
        let out = retry_after.unwrap_or(Span::ZERO).max(config.time);
        self.until = self.until.max(now + out);
        self.consecutive = 0;
        was_available
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: CooldownConfig =
        CooldownConfig { failures: 3, time: Span::from_secs(30), rate_limited_at_once: true };
    const FAIL: Outcome = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };

    #[test]
    fn the_third_consecutive_failure_takes_it_out() {
        let mut c = Cooldown::default();
        let t = Time(1_000_000_000);
        assert!(!c.observe(&CONFIG, t, FAIL));
        assert!(!c.observe(&CONFIG, t, FAIL));
        assert!(!c.observe(&CONFIG, t, Outcome::Ok));
        assert!(!c.observe(&CONFIG, t, FAIL));
        assert!(!c.observe(&CONFIG, t, FAIL));
        assert!(c.observe(&CONFIG, t, FAIL));
        assert!(!c.available(t));
        assert!(c.available(t + Span::from_secs(30)));
    }

    #[test]
    fn a_429_takes_it_out_at_once_for_as_long_as_asked() {
        let mut c = Cooldown::default();
        let retry_after = Some(Span::from_secs(90));
        assert!(c.observe(&CONFIG, Time::ZERO, Outcome::Failed { class: ErrorClass::RateLimited, retry_after }));
        assert!(!c.available(Time(89_000_000_000)));
        assert!(c.available(Time(90_000_000_000)));
    }

    #[test]
    fn a_bad_request_is_not_the_deployments_fault() {
        let mut c = Cooldown::default();
        for _ in 0..10 {
            c.observe(&CONFIG, Time::ZERO, Outcome::Failed { class: ErrorClass::BadRequest, retry_after: None });
        }
        assert!(c.available(Time::ZERO));
    }
}
