//! A limit per minute enforced pro rata over short windows: 600 requests a minute watched in windows of one second are 10
//! in each, and the eleventh is refused until the next begins.
//!
//! Azure OpenAI watches requests in windows of 1 s or 10 s (`MicrosoftDocs/azure-ai-docs`, `how-to/quota.md`, 2025-01);
//! OpenAI's documentation has 60,000 a minute enforced as 1,000 a second.
//!
//! ASSUMPTION: where the share of a window is no whole number its fraction is carried, so that the windows of a minute add
//! up to the limit; neither provider says what it does. The windows are aligned to the clock.

use super::meter::Meter;
use crate::units::{PerNanos, Span, Time};

/// A rate enforced over short windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubWindowConfig {
    /// The limit; not zero.
    pub rate: PerNanos,
    /// Length of a window; not zero.
    pub window: Span,
}

impl SubWindowConfig {
    /// The share of a window is `parts / of`.
    fn share(&self) -> (u128, u128) {
        (u128::from(self.window.nanos()) * u128::from(self.rate.micro_count), u128::from(self.rate.nanos) * 1_000_000)
    }

    /// What the fullest windows let through; zero if not even every window of a day has one.
    pub fn most(&self) -> u64 {
        let (parts, of) = self.share();
        u64::try_from(parts.div_ceil(of)).unwrap_or(u64::MAX)
    }
}

/// A counter over short windows.
#[derive(Clone, Debug)]
pub struct SubWindow {
    config: SubWindowConfig,
    epoch: Span,
    index: u128,
    count: u64,
}

impl SubWindow {
    /// An empty counter. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: SubWindowConfig, epoch: Span) -> SubWindow {
        SubWindow { config, epoch, index: 0, count: 0 }
    }

    fn position(&self, t: Time) -> (u128, u64) {
        let at = u128::from(t.nanos()) + u128::from(self.epoch.nanos());
        let window = u128::from(self.config.window.nanos());
        (at / window, (at % window) as u64)
    }

    fn roll(&mut self, now: Time) -> u64 {
        let (index, elapsed) = self.position(now);
        if index != self.index {
            self.index = index;
            self.count = 0;
        }
        elapsed
    }

    /// What the present window lets through: the whole part of the share, and one more where the carried fraction fills.
    fn allowance(&self) -> u64 {
        let (parts, of) = self.config.share();
        let (whole, fraction) = (parts / of, parts % of);
        let carried = (self.index + 1) * fraction / of - self.index * fraction / of;
        u64::try_from(whole + carried).unwrap_or(u64::MAX)
    }

    /// The next window that lets `n` through, if any does.
    fn next_with(&self, n: u64) -> Option<u128> {
        let (parts, of) = self.config.share();
        let (whole, fraction) = (parts / of, parts % of);
        if u128::from(n) <= whole {
            return Some(self.index + 1);
        }
        if fraction == 0 || u128::from(n) > whole + 1 {
            return None;
        }
        let fill = (self.index + 1) * fraction / of + 1;
        Some((fill * of).div_ceil(fraction) - 1)
    }

    fn until(&self, index: u128, elapsed: u64) -> Span {
        let ahead = (index - self.index) * u128::from(self.config.window.nanos()) - u128::from(elapsed);
        Span(u64::try_from(ahead).unwrap_or(u64::MAX))
    }
}

impl Meter for SubWindow {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        let elapsed = self.roll(now);
        if self.count.saturating_add(n) <= self.allowance() {
            return Some(Span::ZERO);
        }
        Some(self.until(self.next_with(n)?, elapsed))
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
        self.config.most()
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        let elapsed = self.roll(now);
        let (parts, of) = self.config.share();
        // windows differ where the share has a fraction, so the next may let through what this one does not
        (self.count > 0 || parts % of != 0).then(|| now.saturating_add(self.until(self.index + 1, elapsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(per_min: u64, window: Span) -> SubWindow {
        let rate = PerNanos { micro_count: per_min * 1_000_000, nanos: 60_000_000_000 };
        SubWindow::new(SubWindowConfig { rate, window }, Span::from_secs(1_767_225_600))
    }

    /// 600 RPM watched over one second: more than ten requests in a second are refused until the next.
    #[test]
    fn azure_600_rpm_over_one_second() {
        let mut w = window(600, Span::from_secs(1));
        for _ in 0..10 {
            assert!(w.try_count(Time(300_000_000), 1));
        }
        assert_eq!(w.wait(Time(300_000_000), 1), Some(Span(700_000_000)));
        assert!(w.try_count(Time(1_000_000_000), 10));
        // and over ten seconds a burst of a hundred passes
        let mut w = window(600, Span::from_secs(10));
        assert!(w.try_count(Time::ZERO, 100));
        assert_eq!(w.wait(Time::ZERO, 1), Some(Span::from_secs(10)));
    }

    /// 60,000 RPM enforced as 1,000 a second.
    #[test]
    fn openai_60_000_rpm_as_1_000_a_second() {
        let mut w = window(60_000, Span::from_secs(1));
        assert!(w.try_count(Time::ZERO, 1_000));
        assert!(!w.try_count(Time(999_999_999), 1));
        assert!(w.try_count(Time(1_000_000_000), 1_000));
    }

    #[test]
    fn fractions_are_carried_so_that_a_minute_adds_up() {
        for (per_min, seconds) in [(100, 1), (7, 1), (7, 10), (61, 10)] {
            let mut w = window(per_min, Span::from_secs(seconds));
            let mut passed = 0;
            for t in 0..600 {
                while w.try_count(Time(t * 100_000_000), 1) {
                    passed += 1;
                }
            }
            assert_eq!(passed, per_min, "{per_min} a minute over {seconds} s");
        }
    }

    #[test]
    fn the_wait_leads_to_a_window_that_has_room() {
        let mut w = window(7, Span::from_secs(1)); // one every 8.57 s
        let mut t = Time::ZERO;
        for _ in 0..50 {
            t += w.wait(t, 1).unwrap();
            assert!(w.try_count(t, 1), "{t:?}");
            assert!(w.wait(t, 1).unwrap() >= Span::from_secs(7), "{t:?}");
        }
        assert_eq!(w.wait(t, 2), None);
        assert_eq!(w.most(), 1);
    }
}
