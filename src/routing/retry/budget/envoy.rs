//! Envoy's bound on concurrent retries: a number, or a share of the calls in flight.
//!
//! Source: Envoy, `api/envoy/config/cluster/v3/circuit_breaker.proto` (read 2026): `max_retries` 3; a `retry_budget` replaces it:
//! at most `max(min_retry_concurrency 3, budget_percent 20 % of the active requests)`.

use super::{Load, RetryBudget};
use crate::routing::outcome::ErrorClass;
use crate::routing::reason::Figure;
use crate::units::Time;

/// Parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConcurrentRetriesConfig {
    /// So many are always allowed.
    pub min_concurrency: u32,
    /// Share of the calls in flight that may be retries, in percent.
    pub percent: u32,
}

impl ConcurrentRetriesConfig {
    /// Envoy's `max_retries`, without a budget.
    pub const MAX_RETRIES: ConcurrentRetriesConfig = ConcurrentRetriesConfig { min_concurrency: 3, percent: 0 };
    /// Envoy's `retry_budget` with its defaults.
    pub const BUDGET: ConcurrentRetriesConfig = ConcurrentRetriesConfig { min_concurrency: 3, percent: 20 };
}

/// Keeps nothing: the router counts the calls.
#[derive(Clone, Debug)]
pub struct ConcurrentRetries {
    config: ConcurrentRetriesConfig,
}

impl ConcurrentRetries {
    /// The bound.
    pub fn new(config: ConcurrentRetriesConfig) -> ConcurrentRetries {
        ConcurrentRetries { config }
    }
}

impl RetryBudget for ConcurrentRetries {
    fn withdraw(&mut self, _: Time, _: Option<ErrorClass>, load: Load) -> Option<u16> {
        let share = u64::from(load.active) * u64::from(self.config.percent) / 100;
        (u64::from(load.retries) < share.max(u64::from(self.config.min_concurrency))).then_some(0)
    }

    fn left(&self, _: Time, load: Load) -> Figure {
        let share = u64::from(load.active) * u64::from(self.config.percent) / 100;
        let most = share.max(u64::from(self.config.min_concurrency));
        Figure::new("retries under way", f64::from(load.retries)).of(most as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_or_a_fifth_of_what_is_in_flight() {
        let may = |config, active, retries| {
            ConcurrentRetries::new(config).withdraw(Time::ZERO, None, Load { active, retries }).is_some()
        };
        let (fixed, budget) = (ConcurrentRetriesConfig::MAX_RETRIES, ConcurrentRetriesConfig::BUDGET);
        assert!(may(fixed, 1000, 2) && !may(fixed, 1000, 3));
        assert!(may(budget, 5, 2) && !may(budget, 5, 3));
        assert!(may(budget, 100, 19) && !may(budget, 100, 20));
    }
}
