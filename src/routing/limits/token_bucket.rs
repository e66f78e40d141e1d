//! Token bucket in exact integer arithmetic: an allowance that refills continuously up to a capacity.
//!
//! The algorithm of Anthropic's limits ("token bucket ... continuously replenished", rate limit documentation of 2026) and
//! of Envoy's local rate limit; the generic cell rate algorithm (ITU-T I.371) accepts the same sequences, so it has no
//! file of its own.
//!
//! The level is kept in *grains*: at a rate of `micro_count` millionths of a token per `nanos` nanoseconds, one token is
//! `nanos * 10^6` grains, and refilling for `dt` nanoseconds adds `dt * micro_count` of them. Nothing is ever divided, so
//! tokens are conserved to the last grain (INV-5).
//!
//! What is counted without asking ([`Meter::count`]) may exceed what is there: an answer that has been written cannot be
//! refused any more. The level stays at zero then and the rest is owed; refilling pays the debt first.

use super::meter::Meter;
use crate::units::{PerNanos, Span, Time};

/// Parameters of a bucket; it starts full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BucketConfig {
    /// Refill rate; not zero.
    pub rate: PerNanos,
    /// Most tokens it holds; at least 1.
    pub capacity: u64,
}

/// A token bucket.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    config: BucketConfig,
    /// Level in grains, see the text of the module.
    level: u128,
    /// What was counted beyond an empty bucket, in grains; positive only while the level is zero.
    owed: u128,
    full: u128,
    updated: Time,
    taken: u128,
    returned: u128,
}

/// Grains of one token at a rate.
fn grains(config: &BucketConfig, tokens: u64) -> u128 {
    u128::from(tokens) * u128::from(config.rate.nanos) * 1_000_000
}

impl TokenBucket {
    /// A full bucket at time `now`.
    pub fn new(config: BucketConfig, now: Time) -> TokenBucket {
        let full = grains(&config, config.capacity);
        TokenBucket { config, level: full, owed: 0, full, updated: now, taken: 0, returned: 0 }
    }

    /// Most tokens it holds.
    pub fn capacity(&self) -> u64 {
        self.config.capacity
    }

    fn refill(&mut self, now: Time) {
        let dt = now.since(self.updated).nanos();
        if dt > 0 {
            self.updated = now;
            self.add(u128::from(dt) * u128::from(self.config.rate.micro_count));
        }
    }

    /// Pays what is owed first; what exceeds the capacity is lost.
    fn add(&mut self, grains: u128) {
        let paid = grains.min(self.owed);
        self.owed -= paid;
        self.level = (self.level + grains - paid).min(self.full);
    }

    /// Whole tokens available at `now`.
    pub fn available(&mut self, now: Time) -> u64 {
        self.refill(now);
        (self.level / grains(&self.config, 1)) as u64
    }

    /// Whole tokens, rounded up, that were counted beyond what was there and are not refilled yet.
    pub fn owed(&mut self, now: Time) -> u64 {
        self.refill(now);
        self.owed.div_ceil(grains(&self.config, 1)) as u64
    }

    /// Takes what is there, `tokens` at most.
    pub fn drain(&mut self, now: Time, tokens: u64) {
        self.refill(now);
        let g = grains(&self.config, tokens).min(self.level);
        self.level -= g;
        self.taken += g;
    }

    /// Gives back tokens that were taken but not used; never beyond the capacity.
    pub fn give_back(&mut self, now: Time, tokens: u64) {
        self.refill(now);
        let g = grains(&self.config, tokens);
        self.returned += g;
        assert!(self.returned <= self.taken, "INV-5 broken: more tokens are given back than were taken");
        self.add(g);
    }

    fn nanos_for(&self, grains: u128) -> Span {
        u64::try_from(grains.div_ceil(u128::from(self.config.rate.micro_count))).map_or(Span::MAX, Span)
    }
}

impl Meter for TokenBucket {
    fn wait(&mut self, now: Time, n: u64) -> Option<Span> {
        self.refill(now);
        if n > self.config.capacity {
            return None;
        }
        let missing = (grains(&self.config, n) + self.owed).saturating_sub(self.level);
        Some(self.nanos_for(missing))
    }

    fn count(&mut self, now: Time, n: u64) {
        self.refill(now);
        let g = grains(&self.config, n);
        self.taken += g;
        let there = g.min(self.level);
        self.level -= there;
        self.owed += g - there;
    }

    fn take_back(&mut self, now: Time, _then: Time, n: u64) {
        self.give_back(now, n);
    }

    fn most(&self) -> u64 {
        self.config.capacity
    }

    fn next_change(&mut self, now: Time) -> Option<Time> {
        self.refill(now);
        let one = grains(&self.config, 1);
        // once the debt is paid, requests that ask for nothing pass
        let missing = if self.owed > 0 { self.owed } else { one - self.level % one };
        (self.level < self.full).then(|| now.saturating_add(self.nanos_for(missing)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(per_min: u64, capacity: u64) -> TokenBucket {
        let rate = PerNanos { micro_count: per_min * 1_000_000, nanos: 60_000_000_000 };
        TokenBucket::new(BucketConfig { rate, capacity }, Time::ZERO)
    }

    #[test]
    fn starts_full_and_refills_exactly() {
        let mut b = bucket(60, 2);
        assert!(b.try_count(Time::ZERO, 2));
        assert!(!b.try_count(Time(999_999_999), 1));
        assert!(b.try_count(Time(1_000_000_000), 1));
        assert_eq!(b.wait(Time(1_000_000_000), 1), Some(Span::from_secs(1)));
        assert_eq!(b.wait(Time(1_000_000_000), 3), None);
        assert_eq!(b.available(Time(100_000_000_000)), 2);
    }

    #[test]
    fn uneven_rates_lose_nothing() {
        // 7 per minute does not divide a nanosecond: after 60 s of one-nanosecond-apart looks exactly 7 are there
        let mut b = bucket(7, 7);
        assert!(b.try_count(Time::ZERO, 7));
        for i in 1..1000u64 {
            b.available(Time(i * 60_000_000));
        }
        assert_eq!(b.available(Time(60_000_000_000 - 1)), 6);
        assert_eq!(b.available(Time(60_000_000_000)), 7);
    }

    #[test]
    fn a_wait_of_ages_is_not_cut_to_a_short_one() {
        // one in a million days is 86.4e18 ns, more than 64 bits hold
        let rate = PerNanos { micro_count: 1, nanos: 86_400_000_000_000 };
        let mut b = TokenBucket::new(BucketConfig { rate, capacity: 1 }, Time::ZERO);
        assert!(b.try_count(Time::ZERO, 1));
        assert_eq!(b.wait(Time::ZERO, 1), Some(Span::MAX));
    }

    #[test]
    fn what_is_given_back_is_there_again_but_never_beyond_the_capacity() {
        let mut b = bucket(60, 10);
        assert!(b.try_count(Time::ZERO, 10));
        b.give_back(Time::ZERO, 4);
        assert_eq!(b.available(Time::ZERO), 4);
        b.give_back(Time(100_000_000_000), 4);
        assert_eq!(b.available(Time(100_000_000_000)), 10);
    }

    #[test]
    fn what_is_counted_beyond_an_empty_bucket_is_owed_and_paid_first() {
        let mut b = bucket(60, 10); // one per second
        b.count(Time::ZERO, 25);
        assert_eq!((b.available(Time::ZERO), b.owed(Time::ZERO)), (0, 15));
        assert_eq!(b.wait(Time::ZERO, 1), Some(Span::from_secs(16)));
        let t = Time(15_500_000_000);
        assert_eq!((b.available(t), b.owed(t)), (0, 0));
        assert!(!b.try_count(t, 1));
        assert!(b.try_count(Time(16_000_000_000), 1));
        // what comes back pays the debt too
        b.count(Time(16_000_000_000), 5);
        b.give_back(Time(16_000_000_000), 7);
        assert_eq!(b.available(Time(16_000_000_000)), 2);
    }

    #[test]
    fn draining_stops_at_zero() {
        let mut b = bucket(60, 1);
        assert!(b.try_count(Time::ZERO, 1));
        b.drain(Time(500_000_000), 1);
        assert_eq!((b.available(Time(1_000_000_000)), b.owed(Time(1_000_000_000))), (0, 0));
        assert_eq!(b.available(Time(1_500_000_000)), 1);
    }

    #[test]
    fn the_next_change_is_the_end_of_the_debt_or_the_next_whole_token() {
        let mut b = bucket(60, 3);
        assert_eq!(b.next_change(Time::ZERO), None);
        b.count(Time::ZERO, 2);
        assert_eq!(b.next_change(Time(250_000_000)), Some(Time(1_000_000_000)));
        b.count(Time(250_000_000), 3);
        // the debt is paid after 2 s
        assert_eq!(b.next_change(Time(250_000_000)), Some(Time(2_000_000_000)));
        assert_eq!(b.next_change(Time(2_000_000_000)), Some(Time(3_000_000_000)));
    }
}
