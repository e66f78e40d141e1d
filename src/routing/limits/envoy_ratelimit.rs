//! The global rate limit service of Envoy (`envoyproxy/ratelimit`, `src/redis/fixed_cache_impl.go` and
//! `src/limiter/base_limiter.go`, read 2026-11): counters per descriptor in windows of the clock.
//!
//! A request adds its hits before it is judged: it is over the limit when the counter *after* adding exceeds it, so hits of
//! refused requests count as well. With several limits the counters are looked at first; if one would be exceeded, only
//! that one takes the hits, so that a request that is refused anyway does not use up the others.
//!
//! Envoy answers 429 with `x-envoy-ratelimited`; without the optional `x-ratelimit-reset` it says nothing of when. The
//! service fails open, and expiry of keys does not matter to the counts: both left out.

use super::ask::{Grant, Limit, Refusal};
use super::fixed_window::{FixedWindow, WindowConfig};
use super::meter::{Meter, earlier};
use crate::units::{Span, Time};

/// Limits on requests, checked in this order; not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnvoyRateLimitConfig {
    /// Requests per second, minute, hour or day.
    pub limits: Vec<WindowConfig>,
    /// Whether a 429 says how long to wait (`x-ratelimit-reset`).
    pub retry_after: bool,
}

/// The service's counters.
#[derive(Clone, Debug)]
pub struct EnvoyRateLimit {
    counters: Vec<FixedWindow>,
    retry_after: bool,
}

impl EnvoyRateLimit {
    /// Fresh counters. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &EnvoyRateLimitConfig, epoch: Span) -> EnvoyRateLimit {
        EnvoyRateLimit {
            counters: config.limits.iter().map(|c| FixedWindow::new(*c, epoch)).collect(),
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit): a request of `hits`, 1 unless a descriptor says otherwise.
    ///
    /// # Errors
    /// The first counter that the hits would lift above its limit.
    pub fn admit(&mut self, now: Time, hits: u64) -> Result<Grant, Refusal> {
        if let Some(i) = self.counters.iter_mut().position(|c| c.counted(now).saturating_add(hits) > c.limit()) {
            let c = &mut self.counters[i];
            c.count(now, hits);
            let wait = (hits <= c.limit()).then(|| c.left(now));
            return Err(Refusal::new(Limit::Requests, hits, c.limit(), wait).telling(self.retry_after));
        }
        for c in &mut self.counters {
            c.count(now, hits);
        }
        Ok(Grant::plain(now))
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        self.counters.iter_mut().map(|c| c.next_change(now)).fold(None, earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn limits(limits: &[(u64, u64)]) -> EnvoyRateLimit {
        let limits = limits.iter().map(|&(limit, secs)| WindowConfig { limit, window: Span::from_secs(secs) });
        EnvoyRateLimit::new(
            &EnvoyRateLimitConfig { limits: limits.collect(), retry_after: false },
            Span::from_secs(1_767_225_645),
        )
    }

    #[test]
    fn hits_of_refused_requests_count() {
        let mut e = limits(&[(10, 60)]);
        assert!(e.admit(s(0), 8).is_ok());
        assert!(e.admit(s(1), 5).is_err()); // 13
        // a counter that was checked before it is added to would let this one pass
        let refused = e.admit(s(2), 1).unwrap_err();
        assert_eq!((refused.wait, refused.retry_after), (Some(Span::from_secs(13)), None));
        assert!(e.admit(s(15), 10).is_ok()); // the next minute of the clock
    }

    #[test]
    fn a_refusal_by_one_limit_does_not_use_up_the_others() {
        let mut e = limits(&[(100, 60), (1, 1)]);
        for t in 0..10 {
            assert!(e.admit(s(t), 1).is_ok());
            for _ in 0..50 {
                assert_eq!(e.admit(s(t), 1).unwrap_err().most, 1);
            }
        }
        assert_eq!(e.counters[0].counted(s(9)), 10);
        assert_eq!(e.counters[1].counted(s(9)), 51);
        assert_eq!(e.next_timeout(s(9)), Some(s(10)));
    }
}
