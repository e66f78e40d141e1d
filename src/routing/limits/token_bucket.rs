//! Token bucket in exact integer arithmetic.
//!
//! The level is kept in *grains*: one token is `nanos` grains of the configured rate (`micro_count / 1e6` tokens per
//! `nanos` nanoseconds), so refilling for `dt` nanoseconds adds `dt * micro_count / 1e6` grains; the remainder of that
//! division is kept. No rounding is ever lost, so tokens are conserved to the last grain (INV-5).

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
    /// Level in grains of one millionth of `1/nanos` token.
    level: u128,
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
        TokenBucket { config, level: full, full, updated: now, taken: 0, returned: 0 }
    }

    /// Most tokens it holds.
    pub fn capacity(&self) -> u64 {
        self.config.capacity
    }

    fn refill(&mut self, now: Time) {
        let dt = now.since(self.updated).nanos();
        if dt > 0 {
            let add = u128::from(dt) * u128::from(self.config.rate.micro_count);
            self.level = (self.level + add).min(self.full);
            self.updated = now;
        }
    }

    /// Whole tokens available at `now`.
    pub fn available(&mut self, now: Time) -> u64 {
        self.refill(now);
        (self.level / grains(&self.config, 1)) as u64
    }

    /// Whether `tokens` could be taken now.
    pub fn fits(&mut self, now: Time, tokens: u64) -> bool {
        self.refill(now);
        self.level >= grains(&self.config, tokens)
    }

    /// Takes `tokens` if they are there.
    pub fn try_take(&mut self, now: Time, tokens: u64) -> bool {
        if !self.fits(now, tokens) {
            return false;
        }
        let g = grains(&self.config, tokens);
        self.level -= g;
        self.taken += g;
        true
    }

    /// Gives back tokens that were taken but not used; never beyond the capacity.
    pub fn give_back(&mut self, now: Time, tokens: u64) {
        self.refill(now);
        let g = grains(&self.config, tokens);
        self.returned += g;
        assert!(self.returned <= self.taken, "INV-5 broken: more tokens are given back than were taken");
        self.level = (self.level + g).min(self.full);
    }

    /// Time until `tokens` will be there if nobody else takes any; `None` if they exceed the capacity.
    pub fn time_until(&mut self, now: Time, tokens: u64) -> Option<Span> {
        self.refill(now);
        if tokens > self.config.capacity {
            return None;
        }
        let missing = grains(&self.config, tokens).saturating_sub(self.level);
        Some(Span(missing.div_ceil(u128::from(self.config.rate.micro_count)) as u64))
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
        assert!(b.try_take(Time::ZERO, 2));
        assert!(!b.try_take(Time(999_999_999), 1));
        assert!(b.try_take(Time(1_000_000_000), 1));
        assert_eq!(b.time_until(Time(1_000_000_000), 1), Some(Span::from_secs(1)));
        assert_eq!(b.time_until(Time(1_000_000_000), 3), None);
        assert_eq!(b.available(Time(100_000_000_000)), 2);
    }

    #[test]
    fn uneven_rates_lose_nothing() {
        // 7 per minute does not divide a nanosecond: after 60 s of one-nanosecond-apart looks exactly 7 are there
        let mut b = bucket(7, 7);
        assert!(b.try_take(Time::ZERO, 7));
        for i in 1..1000u64 {
            b.available(Time(i * 60_000_000));
        }
        assert_eq!(b.available(Time(60_000_000_000 - 1)), 6);
        assert_eq!(b.available(Time(60_000_000_000)), 7);
    }

    #[test]
    fn what_is_given_back_is_there_again_but_never_beyond_the_capacity() {
        let mut b = bucket(60, 10);
        assert!(b.try_take(Time::ZERO, 10));
        b.give_back(Time::ZERO, 4);
        assert_eq!(b.available(Time::ZERO), 4);
        b.give_back(Time(100_000_000_000), 4);
        assert_eq!(b.available(Time(100_000_000_000)), 10);
    }
}
