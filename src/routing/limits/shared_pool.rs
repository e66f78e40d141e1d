//! Capacity that is shared with other customers of the provider: what they leave free is there for the taking.
//!
//! Google's dynamic shared quota (Vertex AI, "Error code 429" and "Throughput quota", 2025-08): no quota of one's own, a
//! pool per model and region shared by all customers; when it is exhausted the answer is 429 `RESOURCE_EXHAUSTED`, without
//! a Retry-After. Anthropic's 529 `overloaded_error` is the same thing for a whole provider.
//!
//! ASSUMPTION: how large such pools are and how they are divided is not published, so this is a model of it. The pool
//! processes tokens at a constant rate; other customers use a share of it that changes in steps; what they leave refills a
//! bucket that holds what the whole pool does in `burst`. A request takes its prompt and its longest possible answer, and
//! what the answer did not need comes back. Others are never pushed aside by us, and we are small: our demand does not
//! change theirs.

use super::meter::Meter;
use crate::units::{PerNanos, Span, Time};

/// Parameters of a shared pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedPoolConfig {
    /// Tokens that the whole pool processes per time; not zero.
    pub rate: PerNanos,
    /// What it would process in this time can be taken at once; at least one token.
    pub burst: Span,
    /// Shares of the pool that others use, in millionths, one per step and then from the start again; not empty.
    pub others: Vec<u32>,
    /// Length of a step; not zero.
    pub step: Span,
    /// Whether the steps follow the clock (a day's 24 hours begin at midnight UTC) or begin at [`Time::ZERO`].
    pub by_clock: bool,
}

impl SharedPoolConfig {
    /// Most tokens that are ever there at once.
    pub fn capacity(&self) -> u64 {
        let tokens = u128::from(self.rate.micro_count) * u128::from(self.burst.nanos())
            / (u128::from(self.rate.nanos) * 1_000_000);
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }
}

/// What is left of a shared pool.
#[derive(Clone, Debug)]
pub struct SharedPool {
    /// Free rate per step, in millionths of a token per `nanos`.
    free: Vec<u64>,
    nanos: u64,
    step: u64,
    phase: u64,
    capacity: u64,
    level: u128,
    /// Counted beyond what was there.
    owed: u128,
    updated: Time,
    /// Free rate of the step that `updated` was last found in, and when that step ends.
    present: (u64, Time),
}

impl SharedPool {
    /// A pool that has been idle before `now`. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &SharedPoolConfig, now: Time, epoch: Span) -> SharedPool {
        let free = |share: &u32| {
            let left = u128::from(1_000_000_u32.saturating_sub(*share));
            (u128::from(config.rate.micro_count) * left / 1_000_000) as u64
        };
        let cycle = u128::from(config.step.nanos()) * config.others.len() as u128;
        let phase = if config.by_clock { (u128::from(epoch.nanos()) % cycle) as u64 } else { 0 };
        let mut pool = SharedPool {
            free: config.others.iter().map(free).collect(),
            nanos: config.rate.nanos,
            step: config.step.nanos(),
            phase,
            capacity: config.capacity(),
            level: 0,
            owed: 0,
            updated: now,
            present: (0, Time::ZERO),
        };
        pool.level = pool.grains(pool.capacity);
        pool
    }

    fn grains(&self, tokens: u64) -> u128 {
        u128::from(tokens) * u128::from(self.nanos) * 1_000_000
    }

    /// Free rate at a time, and nanoseconds until the step is over.
    fn at(&self, t: Time) -> (u64, u64) {
        let at = u128::from(t.nanos()) + u128::from(self.phase);
        let step = u128::from(self.step);
        let rate = self.free[(at / step % self.free.len() as u128) as usize];
        (rate, (step - at % step) as u64)
    }

    fn add(&mut self, grains: u128) {
        let paid = grains.min(self.owed);
        self.owed -= paid;
        self.level = (self.level + grains - paid).min(self.grains(self.capacity));
    }

    fn refill(&mut self, now: Time) {
        while self.updated < now {
            if self.level == self.grains(self.capacity) {
                self.updated = now;
                return;
            }
            if self.updated >= self.present.1 {
                let (rate, left) = self.at(self.updated);
                self.present = (rate, self.updated.saturating_add(Span(left)));
            }
            let (rate, ends) = self.present;
            let until = ends.min(now);
            self.add(u128::from(until.since(self.updated).nanos()) * u128::from(rate));
            self.updated = until;
        }
    }

    /// Whole tokens there at `now`.
    pub fn available(&mut self, now: Time) -> u64 {
        self.refill(now);
        (self.level / self.grains(1)) as u64
    }
}

impl Meter for SharedPool {
    /// Looks ahead over one round of the steps at most.
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        self.refill(now);
        if n > self.capacity {
            return None;
        }
        let mut missing = (self.grains(n) + self.owed).saturating_sub(self.level);
        if missing == 0 {
            return Some(Span::ZERO);
        }
        let mut t = now;
        for _ in 0..=self.free.len() {
            let (rate, left) = self.at(t);
            let gained = u128::from(left) * u128::from(rate);
            if missing <= gained {
                // something is missing, so a rate that makes up for it is not zero
                let rest = missing.div_ceil(u128::from(rate)) as u64;
                return Some(t.saturating_add(Span(rest)).since(now));
            }
            missing -= gained;
            t = t.saturating_add(Span(left));
        }
        None
    }

    fn count(&mut self, now: Time, n: u64) {
        self.refill(now);
        let g = self.grains(n);
        let there = g.min(self.level);
        self.level -= there;
        self.owed += g - there;
    }

    fn take_back(&mut self, now: Time, _then: Time, n: u64) {
        self.refill(now);
        self.add(self.grains(n));
    }

    fn most(&self) -> u64 {
        self.capacity
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        self.refill(now);
        if self.level == self.grains(self.capacity) {
            return None;
        }
        let one = self.grains(1);
        // once the debt is paid, requests that ask for nothing pass
        let missing = if self.owed > 0 { self.owed } else { one - self.level % one };
        let (rate, left) = self.at(now);
        let needs = if rate == 0 { u128::MAX } else { missing.div_ceil(u128::from(rate)) };
        Some(now.saturating_add(Span(u128::from(left).min(needs) as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    /// 600 tokens a minute, others use nothing, half, all of it, in turn for ten seconds each.
    fn pool() -> SharedPool {
        let config = SharedPoolConfig {
            rate: PerNanos { micro_count: 600_000_000, nanos: 60_000_000_000 },
            burst: Span::from_secs(10),
            others: vec![0, 500_000, 1_000_000],
            step: Span::from_secs(10),
            by_clock: false,
        };
        SharedPool::new(&config, Time::ZERO, Span::ZERO)
    }

    #[test]
    fn others_leave_a_share_that_changes_in_steps() {
        let mut p = pool();
        assert!(p.try_count(Time::ZERO, 100));
        assert_eq!(p.available(s(5)), 50);
        assert!(p.try_count(s(10), 100));
        assert_eq!(p.available(s(20)), 50);
        assert_eq!(p.available(s(30)), 50); // nothing is left for ten seconds
        assert_eq!(p.available(s(35)), 100); // full
        assert_eq!(p.wait(s(35), 101), None);
    }

    #[test]
    fn the_wait_crosses_steps() {
        let mut p = pool();
        p.count(s(10), 100);
        // 50 in [10, 20), none in [20, 30), then 10 a second
        assert_eq!(p.wait(s(10), 60), Some(Span::from_secs(21)));
        assert_eq!(p.wait(s(10), 50), Some(Span::from_secs(10)));
        assert_eq!(p.next_change(s(10)), Some(Time(10_200_000_000)));
        assert_eq!(p.next_change(s(25)), Some(s(30)));
    }

    #[test]
    fn a_pool_that_others_always_fill_never_refills() {
        let mut p = SharedPool::new(
            &SharedPoolConfig {
                rate: PerNanos { micro_count: 600_000_000, nanos: 60_000_000_000 },
                burst: Span::from_secs(10),
                others: vec![1_000_000],
                step: Span::from_hours(1),
                by_clock: false,
            },
            Time::ZERO,
            Span::ZERO,
        );
        assert!(p.try_count(Time::ZERO, 100));
        assert_eq!(p.wait(s(100_000), 1), None);
    }

    #[test]
    fn steps_follow_the_clock_if_they_are_meant_to() {
        let config = SharedPoolConfig {
            rate: PerNanos { micro_count: 60_000_000, nanos: 60_000_000_000 },
            burst: Span::from_hours(1),
            others: (0..24).map(|h| if h == 13 { 0 } else { 1_000_000 }).collect(),
            step: Span::from_hours(1),
            by_clock: true,
        };
        // the run begins at 12:30 UTC
        let epoch = Span::from_secs(1_767_225_600 + 12 * 3600 + 1800);
        let mut p = SharedPool::new(&config, Time::ZERO, epoch);
        p.count(Time::ZERO, 3600);
        assert_eq!(p.available(s(1800)), 0);
        assert_eq!(p.available(s(1801)), 1);
        assert_eq!(p.available(s(3 * 3600)), 3600);
    }
}
