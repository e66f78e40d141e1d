//! Adaptive mode of AWS SDKs: after the first throttling error a token bucket paces the client, and its rate follows CUBIC.
//!
//! Source: botocore 1.44.5, `retries/{adaptive,bucket,throttling}.py` (read 2026): the measured rate is an exponential average
//! (0.8) over half-second buckets; on a throttling error the rate becomes 0.7 of `w_max`, the smaller of the measured and the
//! present rate (the measured one before the first error); afterwards it grows as `0.4 (dt - k)^3 + w_max` with
//! `k = cbrt(w_max * 0.3 / 0.4)`; never above twice the measured rate nor below 0.5 per second; the bucket holds
//! `max(rate, 1)` tokens, and a call without one waits.

use super::Permission;
use crate::routing::outcome::Outcome;
use crate::units::{Span, Time};

const SMOOTH: f64 = 0.8;
const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;
const MIN_RATE: f64 = 0.5;

/// The rate limiter of one client.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsAdaptive {
    enabled: bool,
    // measured rate
    measured: f64,
    bucket: u64,
    sent: f64,
    // CUBIC
    w_max: f64,
    k: f64,
    last_throttle: Time,
    // token bucket
    rate: f64,
    capacity: f64,
    tokens: f64,
    filled: Time,
}

impl AwsAdaptive {
    /// Calls per second that it lets through; infinite before the first throttling error.
    pub fn rate(&self) -> f64 {
        if self.enabled { self.rate } else { f64::INFINITY }
    }

    fn fill(&mut self, now: Time) {
        let dt = now.since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + dt * self.rate).min(self.capacity);
        self.filled = now;
    }

    fn set_rate(&mut self, now: Time, rate: f64) {
        self.fill(now);
        self.rate = rate.max(MIN_RATE);
        self.capacity = self.rate.max(1.0);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// A call is about to go out.
    pub fn on_call(&mut self, now: Time) -> Permission {
        if !self.enabled {
            return Permission::Go;
        }
        self.fill(now);
        if self.tokens < 1.0 {
            let wait = Span::from_secs_f64((1.0 - self.tokens) / self.rate);
            // a nanosecond more: rounding would have it ask again just before the token is there
            return Permission::Wait(now + wait + Span(1));
        }
        self.tokens -= 1.0;
        Permission::Go
    }

    /// A call has ended.
    pub fn on_end(&mut self, now: Time, outcome: Outcome) {
        self.measure(now);
        let throttled = matches!(outcome, Outcome::Failed { class, .. } if class.status() == Some(429));
        let rate = if throttled {
            let present = if self.enabled { self.measured.min(self.rate) } else { self.measured };
            self.w_max = present;
            self.k = libm::cbrt(present * (1.0 - BETA) / SCALE);
            self.last_throttle = now;
            if !self.enabled {
                self.enabled = true;
                self.filled = now;
            }
            present * BETA
        } else {
            let dt = now.since(self.last_throttle).as_secs_f64() - self.k;
            SCALE * dt * dt * dt + self.w_max
        };
        if self.enabled {
            self.set_rate(now, rate.min(2.0 * self.measured));
        }
    }

    fn measure(&mut self, now: Time) {
        let bucket = now.nanos() / 500_000_000;
        self.sent += 1.0;
        if bucket > self.bucket {
            let current = self.sent / ((bucket - self.bucket) as f64 / 2.0);
            self.measured = SMOOTH * current + (1.0 - SMOOTH) * self.measured;
            (self.sent, self.bucket) = (0.0, bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::outcome::ErrorClass;

    const THROTTLED: Outcome = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: None };

    /// Ten calls a second for ten seconds.
    fn warm() -> (AwsAdaptive, u64) {
        let mut a = AwsAdaptive::default();
        for i in 0..100 {
            let now = Time(i * 100_000_000);
            assert_eq!(a.on_call(now), Permission::Go);
            a.on_end(now, Outcome::Ok);
        }
        (a, 10_000_000_000)
    }

    #[test]
    fn a_throttle_takes_thirty_percent_off_the_measured_rate_and_cubic_brings_it_back() {
        let (mut a, t) = warm();
        assert_eq!(a.rate(), f64::INFINITY);
        a.on_end(Time(t), THROTTLED);
        let measured = a.measured;
        assert!((9.0..=11.0).contains(&measured), "{measured}");
        assert!((a.rate() - 0.7 * measured).abs() < 1e-9);
        // k seconds after the throttle the old rate is reached again
        let k = libm::cbrt(measured * 0.3 / 0.4);
        assert!((a.k - k).abs() < 1e-12);
        let mut probe = a;
        probe.measured = 1000.0;
        probe.bucket = u64::MAX;
        probe.on_end(Time(t) + Span::from_secs_f64(k), Outcome::Ok);
        assert!((probe.rate() - measured).abs() < 1e-3, "{} of {measured}", probe.rate());
    }

    /// Calls that were under way when the first 429 came: each further 429 of theirs takes its part of what is left.
    #[test]
    fn adaptive_py_every_throttled_answer_lowers_the_rate() {
        let (mut a, t) = warm();
        a.on_end(Time(t), THROTTLED);
        let measured = a.measured;
        let mut expected = 0.7 * measured;
        for _ in 0..3 {
            a.on_end(Time(t), THROTTLED);
            expected *= 0.7;
            assert!((a.rate() - expected).abs() < 1e-9, "{} {expected}", a.rate());
        }
        (0..20).for_each(|_| a.on_end(Time(t), THROTTLED));
        assert_eq!(a.rate(), MIN_RATE);
        // an answer at that moment counts from the last 429: 0.4 (0 - k)^3 + w_max is 0.7 w_max
        let low = a.w_max;
        a.on_end(Time(t), Outcome::Ok);
        assert_eq!(a.rate(), MIN_RATE.max(0.7 * low));
    }

    #[test]
    fn calls_without_a_token_wait_for_one() {
        let (mut a, t) = warm();
        a.on_end(Time(t), THROTTLED);
        let Permission::Wait(until) = a.on_call(Time(t)) else { panic!("the bucket starts empty") };
        let expected = t as f64 + 1e9 / a.rate();
        assert!((until.nanos() as f64 - expected).abs() < 10.0);
        assert_eq!(a.on_call(until + Span(10)), Permission::Go);
        assert!(matches!(a.on_call(until + Span(10)), Permission::Wait(_)));
    }
}
