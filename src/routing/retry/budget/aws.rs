//! The retry quota of AWS SDKs: a bucket from which retries are paid; success gives back.
//!
//! Sources: botocore 1.44.5, `retries/quota.py` (standard mode since 2025: a retry costs 14, after a throttling error 5); AWS
//! SDK reference guide, "Retry behavior" (before: 5, after a time-out 10). Capacity 500. A success gives back what the
//! request's last retry cost, or 1 when it made none.

use super::{Load, RetryBudget};
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::reason::Figure;
use crate::units::Time;

/// Parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AwsQuotaConfig {
    /// Tokens at the start and at most.
    pub capacity: u16,
    /// Price of a retry.
    pub cost: u16,
    /// Price of a retry after a throttling error (429).
    pub cost_throttled: u16,
    /// Price of a retry after a time-out.
    pub cost_timeout: u16,
}

impl AwsQuotaConfig {
    /// Standard mode since 2025.
    pub const STANDARD: AwsQuotaConfig =
        AwsQuotaConfig { capacity: 500, cost: 14, cost_throttled: 5, cost_timeout: 14 };
    /// Standard mode before.
    pub const CLASSIC: AwsQuotaConfig = AwsQuotaConfig { capacity: 500, cost: 5, cost_throttled: 5, cost_timeout: 10 };
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct AwsQuota {
    config: AwsQuotaConfig,
    level: u16,
}

impl AwsQuota {
    /// A full bucket.
    pub fn new(config: AwsQuotaConfig) -> AwsQuota {
        AwsQuota { config, level: config.capacity }
    }
}

impl RetryBudget for AwsQuota {
    fn withdraw(&mut self, _: Time, failure: Option<ErrorClass>, _: Load) -> Option<u16> {
        let cost = match failure {
            Some(c) if c.status() == Some(429) => self.config.cost_throttled,
            Some(ErrorClass::Timeout) => self.config.cost_timeout,
            _ => self.config.cost,
        };
        self.level = self.level.checked_sub(cost)?;
        Some(cost)
    }

    fn left(&self, _: Time, _: Load) -> Figure {
        Figure::new("tokens of the retry quota", f64::from(self.level)).of(f64::from(self.config.capacity))
    }

    fn on_outcome(&mut self, _: Time, outcome: Outcome, paid: Option<u16>) {
        if outcome == Outcome::Ok {
            self.level = self.level.saturating_add(paid.unwrap_or(1)).min(self.config.capacity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load { active: 0, retries: 0 };

    fn retries(q: &mut AwsQuota, class: ErrorClass) -> usize {
        std::iter::repeat_with(|| q.withdraw(Time::ZERO, Some(class), IDLE)).take_while(Option::is_some).count()
    }

    #[test]
    fn five_hundred_tokens_pay_for_35_retries_or_for_100_after_throttling() {
        assert_eq!(retries(&mut AwsQuota::new(AwsQuotaConfig::STANDARD), ErrorClass::Unavailable), 35);
        assert_eq!(retries(&mut AwsQuota::new(AwsQuotaConfig::STANDARD), ErrorClass::RateLimited), 100);
        assert_eq!(retries(&mut AwsQuota::new(AwsQuotaConfig::CLASSIC), ErrorClass::Unavailable), 100);
        assert_eq!(retries(&mut AwsQuota::new(AwsQuotaConfig::CLASSIC), ErrorClass::Timeout), 50);
    }

    #[test]
    fn success_gives_back() {
        let mut q = AwsQuota::new(AwsQuotaConfig::STANDARD);
        assert_eq!(retries(&mut q, ErrorClass::RateLimited), 100);
        q.on_outcome(Time::ZERO, Outcome::Ok, Some(5));
        assert_eq!(retries(&mut q, ErrorClass::RateLimited), 1);
        (0..13).for_each(|_| q.on_outcome(Time::ZERO, Outcome::Ok, None));
        assert_eq!(retries(&mut q, ErrorClass::Unavailable), 0);
        q.on_outcome(Time::ZERO, Outcome::Ok, None);
        assert_eq!(retries(&mut q, ErrorClass::Unavailable), 1);
    }
}
