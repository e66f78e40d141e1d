//! Cool-down: a gateway stops calling a deployment that keeps failing.
//!
//! A deployment is taken out after `failures` consecutive failures (any success resets the count), for `time`, or for
//! the time that a Retry-After header asks for when that is longer. A 429 takes it out at once when `rate_limited_at_once`
//! is set: the provider has said that further calls are pointless. This is the common core of what gateways do
//! (consecutive-failure ejection as in Envoy's outlier detection, 429 handling as in LiteLLM's default rule).

use super::Guard;
use crate::routing::outcome::{Observation, Outcome};
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

/// What one gateway knows of its deployments.
#[derive(Clone, Debug)]
pub struct Cooldown {
    config: CooldownConfig,
    deployments: Vec<Record>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    consecutive: u32,
    until: Time,
}

impl Cooldown {
    /// Everybody is in service.
    pub fn new(config: CooldownConfig, deployments: usize) -> Cooldown {
        Cooldown { config, deployments: vec![Record::default(); deployments] }
    }
}

impl Guard for Cooldown {
    #[inline]
    fn admits(&self, now: Time, deployment: usize) -> bool {
        now >= self.deployments[deployment].until
    }

    fn until(&self, now: Time, deployment: usize) -> Option<Time> {
        let until = self.deployments[deployment].until;
        (until > now).then_some(until)
    }

    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        let record = &mut self.deployments[deployment];
        let Outcome::Failed { class, retry_after } = seen.outcome else {
            record.consecutive = 0;
            return false;
        };
        if class.is_of_the_request() {
            return false; // the request's fault, not the deployment's
        }
        record.consecutive += 1;
        let at_once = class.status() == Some(429) && self.config.rate_limited_at_once;
        if record.consecutive < self.config.failures && !at_once {
            return false;
        }
        let was_available = now >= record.until;
        let out = retry_after.unwrap_or(Span::ZERO).max(self.config.time);
        record.until = record.until.max(now + out);
        record.consecutive = 0;
        was_available
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::outcome::ErrorClass;

    const CONFIG: CooldownConfig =
        CooldownConfig { failures: 3, time: Span::from_secs(30), rate_limited_at_once: true };

    fn after(c: &mut Cooldown, now: Time, class: ErrorClass, retry_after: Option<Span>) -> bool {
        c.on_end(now, 0, &Observation::failed(now, class, retry_after))
    }

    #[test]
    fn the_third_consecutive_failure_takes_it_out() {
        let mut c = Cooldown::new(CONFIG, 2);
        let t = Time(1_000_000_000);
        let ok = Observation { outcome: Outcome::Ok, ..Observation::failed(t, ErrorClass::Unavailable, None) };
        assert!(!after(&mut c, t, ErrorClass::Unavailable, None));
        assert!(!after(&mut c, t, ErrorClass::Unavailable, None));
        assert!(!c.on_end(t, 0, &ok));
        assert!(!after(&mut c, t, ErrorClass::Unavailable, None));
        assert!(!after(&mut c, t, ErrorClass::Unavailable, None));
        assert!(after(&mut c, t, ErrorClass::Unavailable, None));
        assert!(!c.admits(t, 0) && c.admits(t, 1));
        assert_eq!(c.until(t, 0), Some(t + Span::from_secs(30)));
        assert!(c.admits(t + Span::from_secs(30), 0));
    }

    #[test]
    fn a_429_takes_it_out_at_once_for_as_long_as_asked() {
        let mut c = Cooldown::new(CONFIG, 1);
        assert!(after(&mut c, Time::ZERO, ErrorClass::RateLimited, Some(Span::from_secs(90))));
        assert!(!c.admits(Time(89_000_000_000), 0));
        assert!(c.admits(Time(90_000_000_000), 0));
    }

    #[test]
    fn used_up_credit_is_a_429_too() {
        let mut c = Cooldown::new(CONFIG, 1);
        assert!(after(&mut c, Time::ZERO, ErrorClass::QuotaExhausted, None));
        let patient = CooldownConfig { rate_limited_at_once: false, ..CONFIG };
        assert!(!after(&mut Cooldown::new(patient, 1), Time::ZERO, ErrorClass::QuotaExhausted, None));
    }

    #[test]
    fn a_bad_request_is_not_the_deployments_fault() {
        let mut c = Cooldown::new(CONFIG, 1);
        for _ in 0..10 {
            after(&mut c, Time::ZERO, ErrorClass::BadRequest, None);
        }
        assert!(c.admits(Time::ZERO, 0));
    }
}
