//! Vertex AI: the dynamic shared quota of pay-as-you-go, and provisioned throughput.
//!
//! *Dynamic shared quota* (Google Cloud, "Throughput quota", 2025-08): see [`SharedPool`]. 429 without a Retry-After.
//!
//! *Provisioned throughput* (Google Cloud, "Use Provisioned Throughput", 2026): scale units (GSU) give tokens per second,
//! enforced over windows of the provider's clock of up to 30 s: one unit of gemini-2.0-flash gives 3,360 tokens per second,
//! so 100,800 in 30 s. Output tokens weigh more than input tokens (a burn-down rate per model). On arrival the size of the
//! answer is estimated; if the estimate does not fit, the request is processed as pay-as-you-go, or refused with 429 if it
//! asked for that. When the answer is over, the difference between estimate and use goes back.
//!
//! ASSUMPTION: the estimate of the answer is its `max_tokens`, since Google does not say what it is; the window has a
//! fixed length, where the real one adapts; a difference only goes back into the window from which it was taken.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::fixed_window::{FixedWindow, WindowConfig};
use super::meter::Meter;
use super::plain::correct;
use super::shared_pool::{SharedPool, SharedPoolConfig};
use crate::units::{PerNanos, Span, Time};

/// Pay-as-you-go under dynamic shared quota.
#[derive(Clone, Debug)]
pub struct VertexShared {
    pool: SharedPool,
}

impl VertexShared {
    /// A pool that has been idle. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &SharedPoolConfig, now: Time, epoch: Span) -> VertexShared {
        VertexShared { pool: SharedPool::new(config, now, epoch) }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// The pool has not enough left.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let wanted = ask.worst();
        if !self.pool.try_count(now, wanted) {
            // whatever it knows, others may come first: nobody is told when to try again
            return Err(Refusal::new(Limit::Shared, wanted, self.pool.most(), None));
        }
        Ok(Grant { pooled: wanted, ..Grant::plain(now) })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        correct(&mut self.pool, now, grant.at, grant.pooled, usage.total());
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        self.pool.next_change(now)
    }
}

/// Throughput bought in advance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VertexProvisionedConfig {
    /// Tokens per time of all scale units together, in input tokens; not zero.
    pub rate: PerNanos,
    /// Length of the windows over which it is enforced; not zero.
    pub window: Span,
    /// How many input tokens one output token weighs; at least 1.
    pub output_weight: u32,
}

impl VertexProvisionedConfig {
    /// Tokens of one window.
    pub fn per_window(&self) -> u64 {
        let tokens = u128::from(self.rate.micro_count) * u128::from(self.window.nanos())
            / (u128::from(self.rate.nanos) * 1_000_000);
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    fn weigh(&self, input: u32, output: u32) -> u64 {
        u64::from(input) + u64::from(output) * u64::from(self.output_weight)
    }
}

/// What provisioned throughput has left in the present window.
#[derive(Clone, Debug)]
pub struct VertexProvisioned {
    config: VertexProvisionedConfig,
    window: FixedWindow,
}

impl VertexProvisioned {
    /// A fresh window. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &VertexProvisionedConfig, epoch: Span) -> VertexProvisioned {
        let limit = WindowConfig { limit: config.per_window(), window: config.window };
        VertexProvisioned { config: *config, window: FixedWindow::new(limit, epoch) }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// The estimate exceeds what the window has left.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let estimate = self.config.weigh(ask.input, ask.max_output);
        let wait = self.window.wait(now, estimate);
        if wait != Some(Span::ZERO) {
            return Err(Refusal::new(Limit::Provisioned, estimate, self.window.most(), wait));
        }
        self.window.count(now, estimate);
        Ok(Grant { reserved: estimate, ..Grant::plain(now) })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        let weighs = self.config.weigh(usage.input, usage.output);
        correct(&mut self.window, now, grant.at, grant.reserved, weighs);
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        self.window.next_change(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    /// One GSU of gemini-2.0-flash: 3,360 tokens a second, 100,800 in 30 s, wherever in the window they come.
    #[test]
    fn vertex_one_gsu_is_100_800_tokens_in_30_seconds() {
        let rate = PerNanos { micro_count: 3_360_000_000, nanos: 1_000_000_000 };
        let config = VertexProvisionedConfig { rate, window: Span::from_secs(30), output_weight: 4 };
        assert_eq!(config.per_window(), 100_800);
        let mut v = VertexProvisioned::new(&config, Span::from_secs(1_767_225_600));
        let big = v.admit(s(0), &Ask { input: 50_400, cached: 0, max_output: 12_600 }).unwrap();
        let tiny = Ask { input: 1, cached: 0, max_output: 0 };
        let refused = v.admit(s(1), &tiny).unwrap_err();
        assert_eq!((refused.limit, refused.wait), (Limit::Provisioned, Some(Span::from_secs(29))));
        assert_eq!(refused.retry_after, None);
        // the answer had 1,000 tokens: 11,600 times 4 are there again
        v.settle(s(2), big, &Usage { input: 50_400, cached: 0, output: 1_000, cost: Money::ZERO });
        assert!(v.admit(s(2), &Ask { input: 46_400, cached: 0, max_output: 0 }).is_ok());
        assert!(v.admit(s(2), &tiny).is_err());
        assert!(v.admit(s(30), &Ask { input: 100_800, cached: 0, max_output: 0 }).is_ok());
    }

    #[test]
    fn shared_quota_refuses_without_a_word_on_when() {
        let config = SharedPoolConfig {
            rate: PerNanos { micro_count: 60_000_000_000, nanos: 60_000_000_000 },
            burst: Span::from_secs(10),
            others: vec![900_000],
            step: Span::from_hours(24),
            by_clock: true,
        };
        let mut v = VertexShared::new(&config, Time::ZERO, Span::ZERO);
        let ask = Ask { input: 4_000, cached: 0, max_output: 4_000 };
        let grant = v.admit(s(0), &ask).unwrap();
        let refused = v.admit(s(0), &ask).unwrap_err();
        assert_eq!((refused.limit, refused.wait, refused.retry_after), (Limit::Shared, None, None));
        v.settle(s(1), grant, &Usage { input: 4_000, cached: 0, output: 100, cost: Money::ZERO });
        // 5,900 of 10,000 are left; others leave 100 a second
        assert!(v.admit(s(20), &ask).is_err());
        assert!(v.admit(s(21), &ask).is_ok());
    }
}
