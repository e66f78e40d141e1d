//! Fixed window anchored at the first event: what is counted first opens a window of a fixed length, and the next event
//! after its end opens another.
//!
//! The semantics of LiteLLM 1.106.2's in-memory cache (`caching/in_memory_cache.py`), which its counters inherit: the time
//! to live is fixed by the first write and not extended by later ones, and a key has expired only when `now > expiry`, so
//! an event at the very end still belongs to the old window.

use super::fixed_window::WindowConfig;
use super::meter::Meter;
use crate::units::{Span, Time};

/// A counter over windows that begin with an event.
#[derive(Clone, Debug)]
pub struct AnchoredWindow {
    config: WindowConfig,
    opened: Option<Time>,
    count: u64,
}

impl AnchoredWindow {
    /// An empty counter.
    pub fn new(config: WindowConfig) -> AnchoredWindow {
        AnchoredWindow { config, opened: None, count: 0 }
    }

    /// The first time after the window that is open.
    fn expires(&self) -> Option<Time> {
        self.opened.map(|t| t.saturating_add(self.config.window).saturating_add(Span(1)))
    }

    fn expire(&mut self, now: Time) {
        if self.expires().is_some_and(|end| now >= end) {
            self.opened = None;
            self.count = 0;
        }
    }
}

impl Meter for AnchoredWindow {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        self.expire(now);
        if n > self.config.limit {
            None
        } else if self.count.saturating_add(n) <= self.config.limit {
            Some(Span::ZERO)
        } else {
            self.expires().map(|end| end.since(now))
        }
    }

    fn count(&mut self, now: Time, n: u64) {
        self.expire(now);
        self.opened.get_or_insert(now);
        self.count = self.count.saturating_add(n);
    }

    fn take_back(&mut self, now: Time, then: Time, n: u64) {
        self.expire(now);
        if self.opened.is_some_and(|t| t <= then) {
            self.count = self.count.checked_sub(n).expect("INV-5 broken: more is taken back than was counted");
        }
    }

    fn most(&self) -> u64 {
        self.config.limit
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        self.expire(now);
        self.expires()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    #[test]
    fn the_first_event_opens_the_window_and_later_ones_do_not_extend_it() {
        let mut w = AnchoredWindow::new(WindowConfig { limit: 2, window: Span::from_mins(1) });
        assert!(w.try_count(s(50), 1));
        assert!(w.try_count(s(100), 1));
        assert_eq!(w.wait(s(100), 1), Some(Span(10_000_000_001)));
        // litellm: expired iff now > expiry
        assert!(!w.try_count(s(110), 1));
        assert!(w.try_count(Time(110_000_000_001), 2));
        assert_eq!(w.next_change(s(120)), Some(Time(170_000_000_002)));
        assert_eq!(w.wait(s(120), 3), None);
    }

    #[test]
    fn only_the_open_window_can_be_corrected() {
        let mut w = AnchoredWindow::new(WindowConfig { limit: 10, window: Span::from_mins(1) });
        w.count(s(0), 10);
        w.take_back(s(30), s(0), 4);
        assert_eq!(w.wait(s(30), 4), Some(Span::ZERO));
        w.count(s(70), 10);
        w.take_back(s(80), s(0), 6);
        assert!(w.wait(s(80), 1).unwrap() > Span::ZERO);
    }
}
