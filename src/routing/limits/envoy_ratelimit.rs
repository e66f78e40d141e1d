//! The global rate limit service of Envoy (`envoyproxy/ratelimit`, `src/redis/fixed_cache_impl.go` and
//! `src/limiter/base_limiter.go`, read 2026-11): counters per descriptor in windows of the clock.
//!
//! A request adds its hits before it is judged: it is over the limit when the counter *after* adding exceeds it, so hits of
//! refused requests count as well. With several limits each of them takes the hits, also when another refuses: the service
//! spares the others only with `STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT` (off by default), or for keys in its local cache of
//! those that are over (`LOCAL_CACHE_SIZE_IN_BYTES`, 0 by default). Neither is built.
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
    /// The first counter that the hits have lifted above its limit; until the last of them is over, nothing passes.
    pub fn admit(&mut self, now: Time, hits: u64) -> Result<Grant, Refusal> {
        let mut refused: Option<(u64, Option<Span>)> = None;
        for c in &mut self.counters {
            c.count(now, hits);
            if c.counted(now) > c.limit() {
                let wait = (hits <= c.limit()).then(|| c.left(now));
                let (most, longest) = refused.unwrap_or((c.limit(), wait));
                refused = Some((most, longest.zip(wait).map(|(a, b)| a.max(b))));
            }
        }
        match refused {
            Some((most, wait)) => Err(Refusal::new(Limit::Requests, hits, most, wait).telling(self.retry_after)),
            None => Ok(Grant::plain(now)),
        }
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

    /// With the service's defaults a request that one limit refuses uses up the others.
    #[test]
    fn fixed_cache_impl_every_key_takes_the_hits() {
        let mut e = limits(&[(100, 60), (1, 1)]);
        assert!(e.admit(s(0), 1).is_ok());
        for _ in 0..50 {
            let refused = e.admit(s(0), 1).unwrap_err();
            assert_eq!((refused.most, refused.wait), (1, Some(Span::from_secs(1))));
        }
        assert_eq!((e.counters[0].counted(s(0)), e.counters[1].counted(s(0))), (51, 51));
        assert_eq!(e.next_timeout(s(0)), Some(s(1)));
        assert!(e.admit(s(1), 1).is_ok());
        (0..48).for_each(|_| assert_eq!(e.admit(s(1), 1).unwrap_err().most, 1));
        // the minute is used up by requests that never passed
        let refused = e.admit(s(2), 1).unwrap_err();
        assert_eq!((refused.most, refused.wait), (100, Some(Span::from_secs(13))));
        // both are over: the first is reported, and the wait is that of the one that lasts longer
        let refused = e.admit(s(2), 1).unwrap_err();
        assert_eq!((refused.most, refused.wait), (100, Some(Span::from_secs(13))));
        let mut e = limits(&[(1, 1), (1, 60)]);
        assert!(e.admit(s(0), 1).is_ok());
        let refused = e.admit(s(0), 1).unwrap_err();
        assert_eq!((refused.most, refused.wait), (1, Some(Span::from_secs(15))));
    }
}
