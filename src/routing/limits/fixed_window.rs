//! Fixed window aligned to the clock: a counter that starts again at every multiple of the window's length.
//!
//! The windows are those of Unix time in UTC, as in keys made of `floor(now / unit)` (envoyproxy/ratelimit,
//! `CalculateReset`: `unit - now % unit`, read 2026-11) and of "HH-MM" (LiteLLM 1.106.2). A burst around a boundary gets
//! through twice: that is what this algorithm does, not a mistake here.

use super::meter::Meter;
use crate::units::{Span, Time};

/// A limit per window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowConfig {
    /// Most that is counted in one window; at least 1.
    pub limit: u64,
    /// Length of a window; not zero.
    pub window: Span,
}

/// A counter over windows aligned to the clock.
#[derive(Clone, Debug)]
pub struct FixedWindow {
    config: WindowConfig,
    /// How far the first window had gone at [`Time::ZERO`].
    phase: u64,
    index: u64,
    count: u64,
}

impl FixedWindow {
    /// An empty counter. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: WindowConfig, epoch: Span) -> FixedWindow {
        FixedWindow { config, phase: epoch.nanos() % config.window.nanos(), index: 0, count: 0 }
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.config.limit
    }

    fn position(&self, t: Time) -> (u64, u64) {
        let at = u128::from(t.nanos()) + u128::from(self.phase);
        let window = u128::from(self.config.window.nanos());
        ((at / window) as u64, (at % window) as u64)
    }

    fn roll(&mut self, now: Time) {
        let (index, _) = self.position(now);
        if index != self.index {
            self.index = index;
            self.count = 0;
        }
    }

    /// What is counted in the present window; above the limit if it was counted without asking.
    pub fn counted(&mut self, now: Time) -> u64 {
        self.roll(now);
        self.count
    }

    /// Whether two times lie in one window.
    pub fn same_window(&self, a: Time, b: Time) -> bool {
        self.position(a).0 == self.position(b).0
    }

    /// Time until the present window is over.
    pub fn left(&self, now: Time) -> Span {
        Span(self.config.window.nanos() - self.position(now).1)
    }
}

impl Meter for FixedWindow {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        self.roll(now);
        if n > self.config.limit {
            None
        } else if self.count.saturating_add(n) <= self.config.limit {
            Some(Span::ZERO)
        } else {
            Some(self.left(now))
        }
    }

    fn count(&mut self, now: Time, n: u64) {
        self.roll(now);
        self.count = self.count.saturating_add(n);
    }

    fn take_back(&mut self, now: Time, then: Time, n: u64) {
        self.roll(now);
        if self.position(then).0 == self.index {
            self.count = self.count.checked_sub(n).expect("INV-5 broken: more is taken back than was counted");
        }
    }

    fn most(&self) -> u64 {
        self.config.limit
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        self.roll(now);
        (self.count > 0).then(|| now.saturating_add(self.left(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_MINUTE: WindowConfig = WindowConfig { limit: 3, window: Span::from_mins(1) };

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    #[test]
    fn windows_are_those_of_the_clock() {
        // the run begins 50 s into a minute
        let mut w = FixedWindow::new(PER_MINUTE, Span::from_secs(1_767_225_650));
        for _ in 0..3 {
            assert!(w.try_count(s(9), 1));
        }
        assert_eq!(w.wait(s(9), 1), Some(Span::from_secs(1)));
        assert!(!w.try_count(Time(9_999_999_999), 1));
        // twice the limit within two seconds: the boundary lets it through
        assert!(w.try_count(s(10), 3));
        assert_eq!(w.wait(s(11), 2), Some(Span::from_secs(59)));
        assert_eq!(w.wait(s(11), 4), None);
    }

    #[test]
    fn only_the_present_window_can_be_corrected() {
        let mut w = FixedWindow::new(PER_MINUTE, Span::ZERO);
        w.count(s(1), 3);
        w.take_back(s(2), s(1), 2);
        assert_eq!(w.counted(s(2)), 1);
        w.count(s(61), 2);
        w.take_back(s(62), s(1), 1);
        assert_eq!(w.counted(s(62)), 2);
    }

    #[test]
    fn the_next_change_is_the_end_of_the_window() {
        let mut w = FixedWindow::new(PER_MINUTE, Span::ZERO);
        assert_eq!(w.next_change(s(1)), None);
        w.count(s(1), 1);
        assert_eq!(w.next_change(s(2)), Some(s(60)));
        assert_eq!(w.next_change(s(60)), None);
    }
}
