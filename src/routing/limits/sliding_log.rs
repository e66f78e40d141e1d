//! Sliding window as a log: everything that was counted is remembered with its time and leaves one window later. At no
//! time do the last `window` nanoseconds hold more than the limit.
//!
//! The exact form of "a rolling 60-second window"; [`super::SlidingCounter`] is the cheap one. Memory follows what is
//! inside the window: one entry per instant at which something was counted.

use super::fixed_window::WindowConfig;
use super::meter::Meter;
use crate::units::{Span, Time};
use std::collections::VecDeque;

/// A log over the last window.
#[derive(Clone, Debug)]
pub struct SlidingLog {
    config: WindowConfig,
    entries: VecDeque<(Time, u64)>,
    sum: u64,
}

impl SlidingLog {
    /// An empty log.
    pub fn new(config: WindowConfig) -> SlidingLog {
        SlidingLog { config, entries: VecDeque::new(), sum: 0 }
    }

    fn leaves(&self, at: Time) -> Time {
        at.saturating_add(self.config.window)
    }

    fn forget(&mut self, now: Time) {
        while let Some(&(at, n)) = self.entries.front()
            && self.leaves(at) <= now
        {
            self.sum -= n;
            self.entries.pop_front();
        }
    }
}

impl Meter for SlidingLog {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        self.forget(now);
        if n > self.config.limit {
            return None;
        }
        let mut over = self.sum.saturating_add(n).saturating_sub(self.config.limit);
        let mut until = now;
        for &(at, counted) in &self.entries {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(counted);
            until = self.leaves(at);
        }
        Some(until.since(now))
    }

    fn count(&mut self, now: Time, n: u64) {
        self.forget(now);
        if n == 0 {
            return;
        }
        self.sum = self.sum.saturating_add(n);
        match self.entries.back_mut() {
            Some((at, counted)) if *at == now => *counted += n,
            _ => self.entries.push_back((now, n)),
        }
    }

    fn take_back(&mut self, now: Time, then: Time, n: u64) {
        self.forget(now);
        // most calls are short against the window, so what they counted is looked for from the end, in doubling steps
        let (mut back, mut high) = (1, self.entries.len());
        while back < self.entries.len() && self.entries[self.entries.len() - back].0 > then {
            back *= 2;
        }
        let mut low = high.saturating_sub(back);
        while low < high {
            let middle = low.midpoint(high);
            if self.entries[middle].0 < then {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if let Some((at, counted)) = self.entries.get_mut(low)
            && *at == then
        {
            *counted = counted.checked_sub(n).expect("INV-5 broken: more is taken back than was counted");
            self.sum -= n;
        }
    }

    fn most(&self) -> u64 {
        self.config.limit
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        self.forget(now);
        self.entries.front().map(|&(at, _)| self.leaves(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    #[test]
    fn each_event_leaves_one_window_later() {
        let mut w = SlidingLog::new(WindowConfig { limit: 3, window: Span::from_mins(1) });
        assert!(w.try_count(s(10), 1));
        assert!(w.try_count(s(30), 2));
        assert_eq!(w.wait(s(50), 1), Some(Span::from_secs(20)));
        assert_eq!(w.wait(s(50), 2), Some(Span::from_secs(40)));
        assert!(!w.try_count(Time(69_999_999_999), 1));
        assert!(w.try_count(s(70), 1)); // no burst at a boundary: there is none
        assert!(!w.try_count(s(70), 1));
        assert_eq!(w.next_change(s(70)), Some(s(90)));
        assert_eq!(w.wait(s(70), 4), None);
    }

    #[test]
    fn what_was_counted_is_found_however_long_ago_it_was() {
        for then in 0..50 {
            let mut w = SlidingLog::new(WindowConfig { limit: 1000, window: Span::from_mins(1) });
            (0..50).for_each(|i| w.count(s(i), 3));
            w.take_back(s(50), s(then), 2);
            w.take_back(s(50), s(then) + Span(1), 1); // nothing was counted then
            let left: Vec<u64> = w.entries.iter().map(|e| e.1).collect();
            assert_eq!((left[then as usize], left.iter().sum::<u64>(), w.sum), (1, 148, 148));
        }
    }

    #[test]
    fn what_is_taken_back_frees_the_instant_at_which_it_was_counted() {
        let mut w = SlidingLog::new(WindowConfig { limit: 10, window: Span::from_mins(1) });
        w.count(s(0), 4);
        w.count(s(20), 6);
        w.take_back(s(30), s(20), 5);
        assert_eq!(w.wait(s(30), 5), Some(Span::ZERO));
        w.take_back(s(70), s(0), 4); // gone already
        assert_eq!(w.wait(s(70), 9), Some(Span::ZERO));
        assert_eq!(w.wait(s(70), 10), Some(Span::from_secs(10)));
    }
}
