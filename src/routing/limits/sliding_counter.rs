//! Sliding window as two counters: the present window of the clock counts in full, the one before it with the share of it
//! that the sliding window still covers.
//!
//! The approximation that Cloudflare described (J. Desgats, "How we built rate limiting capable of scaling to millions of
//! domains", 2017: `previous * (60 - 15) / 60 + current`); it supposes that the earlier window was evenly filled. All in
//! integers: both sides of `previous * (window - elapsed) + present * window <= limit * window` are exact.

use super::fixed_window::WindowConfig;
use super::meter::Meter;
use crate::units::{Span, Time};

/// Counters of two windows.
#[derive(Clone, Debug)]
pub struct SlidingCounter {
    config: WindowConfig,
    phase: u64,
    index: u64,
    previous: u64,
    present: u64,
}

impl SlidingCounter {
    /// Nothing counted. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: WindowConfig, epoch: Span) -> SlidingCounter {
        SlidingCounter { config, phase: epoch.nanos() % config.window.nanos(), index: 0, previous: 0, present: 0 }
    }

    fn position(&self, t: Time) -> (u64, u64) {
        let at = u128::from(t.nanos()) + u128::from(self.phase);
        let window = u128::from(self.config.window.nanos());
        ((at / window) as u64, (at % window) as u64)
    }

    /// Goes to the window of `now`; nanoseconds since it began.
    fn roll(&mut self, now: Time) -> u64 {
        let (index, elapsed) = self.position(now);
        if index != self.index {
            self.previous = if index == self.index + 1 { self.present } else { 0 };
            self.present = 0;
            self.index = index;
        }
        elapsed
    }

    /// Nanoseconds into a window from which on `earlier` of the window before leave room for the rest of the limit.
    fn from(&self, earlier: u64, room: u64) -> u64 {
        let window = self.config.window.nanos();
        if earlier == 0 {
            return 0;
        }
        let covered = u128::from(room) * u128::from(window) / u128::from(earlier);
        u64::try_from(covered).map_or(0, |c| window.saturating_sub(c))
    }
}

impl Meter for SlidingCounter {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        let elapsed = self.roll(now);
        let WindowConfig { limit, window } = self.config;
        let room = limit.checked_sub(n)?;
        if let Some(room) = room.checked_sub(self.present) {
            return Some(Span(self.from(self.previous, room).saturating_sub(elapsed)));
        }
        Some(Span(window.nanos() - elapsed + self.from(self.present, room)))
    }

    fn count(&mut self, now: Time, n: u64) {
        self.roll(now);
        self.present = self.present.saturating_add(n);
    }

    fn take_back(&mut self, now: Time, then: Time, n: u64) {
        self.roll(now);
        let (index, _) = self.position(then);
        let counter = if index == self.index {
            &mut self.present
        } else if index + 1 == self.index {
            &mut self.previous
        } else {
            return;
        };
        *counter = counter.checked_sub(n).expect("INV-5 broken: more is taken back than was counted");
    }

    fn most(&self) -> u64 {
        self.config.limit
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        let elapsed = self.roll(now);
        let window = self.config.window.nanos();
        if self.previous > 0 {
            // the weight of the earlier window falls all the time: when the next whole unit of it is gone
            let covered = u128::from(self.previous) * u128::from(window - elapsed);
            let weighs = covered.div_ceil(u128::from(window)) as u64;
            return Some(now.saturating_add(Span(self.from(self.previous, weighs - 1) - elapsed)));
        }
        // the present one begins to weigh less when it is over
        (self.present > 0).then(|| now.saturating_add(Span(window - elapsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    /// 42 requests in the last minute, 18 in the first 15 s of this one: 42 * 45 / 60 + 18 = 49.5, below 50.
    #[test]
    fn cloudflare_2017_example() {
        let mut w = SlidingCounter::new(WindowConfig { limit: 50, window: Span::from_mins(1) }, Span::ZERO);
        w.count(s(30), 42);
        w.count(s(70), 18);
        assert!(!w.try_count(s(75), 1)); // 50.5
        // a little more than 42 * 44 / 60 = 30.8 may remain: at 31 there is room for one more
        assert_eq!(w.wait(s(75), 1), Some(Span(714_285_715)));
        assert!(w.try_count(Time(75_714_285_715), 1));
        assert!(!w.try_count(Time(75_714_285_715), 1));
    }

    #[test]
    fn a_burst_before_the_boundary_counts_behind_it() {
        let mut w = SlidingCounter::new(WindowConfig { limit: 10, window: Span::from_mins(1) }, Span::ZERO);
        assert!(w.try_count(s(59), 10));
        assert_eq!(w.wait(s(59), 1), Some(Span::from_secs(7))); // until a tenth of the earlier window has gone by
        assert!(!w.try_count(s(60), 1));
        assert!(w.try_count(s(66), 1));
        assert_eq!(w.wait(s(66), 11), None);
        assert_eq!(w.next_change(s(66)), Some(s(72)));
        w.take_back(s(67), s(59), 10);
        assert!(w.try_count(s(67), 9));
    }
}
