//! Leaky bucket: work flows in, and drains at a constant rate. While it holds more than its size, nothing new is let in.
//!
//! Unlike a token bucket it asks only whether it is over full, not whether the new work fits, so the last one let in may
//! lift it above its size. That is the utilisation of Azure's provisioned deployments (`MicrosoftDocs/azure-ai-docs`,
//! `concepts/provisioned-throughput.md`, 2025).
//!
//! The level is kept in grains of `1 / nanos` unit of work, so that draining for one nanosecond is a whole number.

use crate::units::{Span, Time};

/// Parameters of a leaky bucket; it starts empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeakyConfig {
    /// Units of work that drain in `nanos` nanoseconds; not zero.
    pub drain: u64,
    /// See `drain`; not zero.
    pub nanos: u64,
    /// Units of work above which it is over full.
    pub size: u64,
}

/// A leaky bucket.
#[derive(Clone, Debug)]
pub struct LeakyBucket {
    config: LeakyConfig,
    level: u128,
    updated: Time,
}

impl LeakyBucket {
    /// An empty bucket at time `now`.
    pub fn new(config: LeakyConfig, now: Time) -> LeakyBucket {
        LeakyBucket { config, level: 0, updated: now }
    }

    fn grains(&self, work: u64) -> u128 {
        u128::from(work) * u128::from(self.config.nanos)
    }

    fn leak(&mut self, now: Time) {
        let drained = u128::from(now.since(self.updated).nanos()) * u128::from(self.config.drain);
        self.level = self.level.saturating_sub(drained);
        self.updated = self.updated.max(now);
    }

    /// Work in it, rounded up to whole units.
    pub fn level(&mut self, now: Time) -> u64 {
        self.leak(now);
        u64::try_from(self.level.div_ceil(u128::from(self.config.nanos))).unwrap_or(u64::MAX)
    }

    /// Time until it is no longer over full; zero when it is not.
    pub fn over_full_for(&mut self, now: Time) -> Span {
        self.leak(now);
        let over = self.level.saturating_sub(self.grains(self.config.size));
        Span(u64::try_from(over.div_ceil(u128::from(self.config.drain))).unwrap_or(u64::MAX))
    }

    /// Work flows in.
    pub fn add(&mut self, now: Time, work: u64) {
        self.leak(now);
        self.level += self.grains(work);
    }

    /// Work that turned out not to be there is taken out, as far as it has not drained yet.
    pub fn remove(&mut self, now: Time, work: u64) {
        self.leak(now);
        self.level = self.level.saturating_sub(self.grains(work));
    }

    /// When it will be empty; `None` if it is.
    pub fn empty_at(&mut self, now: Time) -> Option<Time> {
        self.leak(now);
        let left = u64::try_from(self.level.div_ceil(u128::from(self.config.drain))).unwrap_or(u64::MAX);
        (left > 0).then(|| now.saturating_add(Span(left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_only_whether_it_is_over_full() {
        // 7 units a minute do not divide a nanosecond
        let mut b = LeakyBucket::new(LeakyConfig { drain: 7, nanos: 60_000_000_000, size: 10 }, Time::ZERO);
        b.add(Time::ZERO, 10);
        assert_eq!(b.over_full_for(Time::ZERO), Span::ZERO); // exactly full is not over full
        b.add(Time::ZERO, 14);
        assert_eq!(b.over_full_for(Time::ZERO), Span::from_mins(2));
        for i in 1..1000u64 {
            b.level(Time(i * 120_000_000));
        }
        assert_eq!(b.over_full_for(Time(120_000_000_000 - 1)), Span(1));
        assert_eq!(b.level(Time(120_000_000_000)), 10);
        b.remove(Time(120_000_000_000), 11);
        assert_eq!(b.level(Time(120_000_000_000)), 0);
        assert_eq!(b.empty_at(Time(120_000_000_000)), None);
    }
}
