//! `max_parallel_requests`: slots of a deployment.
//!
//! Source: LiteLLM 1.106.2, `router_utils/client_initalization_utils.py`, `utils.py: calculate_max_parallel_requests`. The
//! number of slots is `max_parallel_requests`, else `rpm`, else six per thousand `tpm` (at least one), else the router's
//! default; zero is no limit. Who finds all slots in use is refused at once with 429: nobody waits.
//!
//! The counter lives in the cache with its default time to live of 600 s. When that has run out, the next request makes a
//! new one, which starts from zero whatever is in flight; calls that hold a slot of the old one give it back to the old one.

use super::cache::Window;
use crate::units::{Span, Time};
use std::num::NonZeroU32;

/// `InMemoryCache.default_ttl`.
const TTL: Span = Span::from_secs(600);

/// Slots of one deployment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slots {
    in_use: u32,
    /// Number of the present counter, while it lives.
    counter: Window<u32>,
    counters: u32,
}

impl Slots {
    /// Takes a slot of `limit`: the number of its counter, or `None` when all are in use.
    pub fn take(&mut self, now: Time, limit: u32) -> Option<NonZeroU32> {
        if self.counter.get(now).is_none() {
            self.counters += 1;
            self.in_use = 0;
            self.counter.set(now, self.counters, TTL);
        }
        if self.in_use >= limit {
            return None;
        }
        self.in_use += 1;
        NonZeroU32::new(self.counters)
    }

    /// Gives a slot back to its counter.
    pub fn give_back(&mut self, counter: NonZeroU32) {
        if counter.get() == self.counters {
            self.in_use = self.in_use.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_forgotten_after_ten_minutes() {
        let at = |s: u64| Time(s * 1_000_000_000);
        let mut s = Slots::default();
        let (a, b) = (s.take(at(0), 2), s.take(at(0), 2));
        assert!(a.is_some() && b.is_some() && s.take(at(1), 2).is_none());
        s.give_back(a.unwrap());
        assert!(s.take(at(2), 2).is_some() && s.take(at(600), 2).is_none());
        let c = s.take(at(601), 2);
        assert!(c.is_some() && c != b);
        s.give_back(b.unwrap());
        assert!(s.take(at(602), 2).is_some() && s.take(at(603), 2).is_none());
    }
}
