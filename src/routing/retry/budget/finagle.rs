//! Finagle's retry budget: every request earns a part of a retry, for a while; a small rate of retries is always free.
//!
//! Source: twitter/finagle, `service/RetryBudget.scala` (read 2026): time to live 10 s, 10 retries a second in reserve, 20 %
//! retries. Deposits and withdrawals count in a window of ten slots and are forgotten with them.

use super::{Load, RetryBudget};
use crate::routing::outcome::ErrorClass;
use crate::routing::reason::Figure;
use crate::units::{Span, Time};

/// Parameters. [`FinagleConfig::DEFAULT`] has Finagle's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FinagleConfig {
    /// How long a deposit lasts.
    pub ttl: Span,
    /// Retries per second that need no deposit.
    pub min_retries_per_sec: u32,
    /// Retries per request, in percent.
    pub percent: u32,
}

impl FinagleConfig {
    /// Finagle's defaults.
    pub const DEFAULT: FinagleConfig = FinagleConfig { ttl: Span::from_secs(10), min_retries_per_sec: 10, percent: 20 };
}

const SLOTS: usize = 10;

/// The budget's account: a request puts in `percent`, a retry costs 100.
#[derive(Clone, Debug)]
pub struct Finagle {
    config: FinagleConfig,
    /// Number of the slot since time zero, and its sum.
    slots: [(u64, i64); SLOTS],
}

impl Finagle {
    /// An account with nothing but the reserve.
    pub fn new(config: FinagleConfig) -> Finagle {
        Finagle { config, slots: [(0, 0); SLOTS] }
    }

    fn add(&mut self, now: Time, amount: i64) {
        let number = self.number(now);
        let slot = &mut self.slots[(number % SLOTS as u64) as usize];
        if slot.0 != number {
            *slot = (number, 0);
        }
        slot.1 += amount;
    }

    fn number(&self, now: Time) -> u64 {
        now.nanos() / (self.config.ttl.nanos() / SLOTS as u64).max(1)
    }

    fn balance(&self, now: Time) -> i64 {
        let number = self.number(now);
        let sum: i64 = self.slots.iter().filter(|s| s.0 + SLOTS as u64 > number).map(|s| s.1).sum();
        let reserve = u128::from(self.config.min_retries_per_sec) * u128::from(self.config.ttl.nanos()) / 10_000_000;
        sum + reserve as i64
    }
}

impl RetryBudget for Finagle {
    fn on_request(&mut self, now: Time) {
        self.add(now, i64::from(self.config.percent));
    }

    fn withdraw(&mut self, now: Time, _: Option<ErrorClass>, _: Load) -> Option<u16> {
        if self.balance(now) < 100 {
            return None;
        }
        self.add(now, -100);
        Some(100)
    }

    fn left(&self, now: Time, _: Load) -> Figure {
        Figure::new("retries that the account pays for", self.balance(now) as f64 / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load { active: 0, retries: 0 };

    fn retries(f: &mut Finagle, now: Time) -> usize {
        std::iter::repeat_with(|| f.withdraw(now, None, IDLE)).take_while(Option::is_some).count()
    }

    #[test]
    fn a_fifth_of_the_requests_and_a_hundred_in_reserve() {
        let mut f = Finagle::new(FinagleConfig::DEFAULT);
        let t = Time(60_000_000_000);
        assert_eq!(retries(&mut f, t), 100, "10 a second for 10 s");
        (0..1000).for_each(|_| f.on_request(t));
        assert_eq!(retries(&mut f, t), 200, "20 % of 1000 requests");
        assert_eq!(retries(&mut f, t + Span::from_secs(9)), 0);
        assert_eq!(retries(&mut f, t + Span::from_secs(10)), 100, "all of it is forgotten after 10 s");
    }
}
