//! Budgets of providers, deployments and tags.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/budget_limiter.py`. Spend is added when an answer is there; the filter drops a
//! deployment when spend ≥ budget, so what is in flight overshoots. A window starts with the first spend (a provider's
//! first one with the router), and a new one starts with the first spend after it has run out. A budget of zero is none.
//! Tags count with those of the deployments that the request has been sent to.
//!
//! Oddity: a provider with a `time_period` and without a `budget_limit` has all its deployments dropped.

use super::cache::{Calendar, Window};
use super::config::{Budget, BudgetTime};
use crate::units::{Span, Time};

/// Spend within a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spend {
    dollars: Window<f64>,
    start: Window<Time>,
}

fn length(per: BudgetTime, calendar: &Calendar, now: Time) -> Span {
    match per {
        BudgetTime::Span(span) => span,
        BudgetTime::Months(months) => calendar.months_after(now, months),
    }
}

impl Spend {
    /// A window that starts with the router.
    pub fn started(per: BudgetTime, calendar: &Calendar) -> Spend {
        let mut s = Spend::default();
        let ttl = length(per, calendar, Time::ZERO);
        s.start.set(Time::ZERO, Time::ZERO, ttl);
        s.dollars.set(Time::ZERO, 0.0, ttl);
        s
    }

    /// Dollars spent in the running window.
    pub fn dollars(&self, now: Time) -> f64 {
        self.dollars.get(now).unwrap_or(0.0)
    }

    /// Whether the budget is spent.
    pub fn is_over(&self, now: Time, max: f64) -> bool {
        max > 0.0 && self.dollars(now) >= max
    }

    /// Adds what an answer cost.
    pub fn add(&mut self, now: Time, per: BudgetTime, calendar: &Calendar, cost: f64) {
        const SECOND: u64 = 1_000_000_000;
        let ttl = length(per, calendar, now);
        let start = match self.start.get(now) {
            Some(start) => start,
            None => {
                self.start.set(now, now, ttl);
                now
            }
        };
        let age = now.since(start);
        if age > ttl {
            // only a budget by months can get here: its window is measured anew each time
            self.dollars.set(now, cost, ttl);
            self.start.set(now, now, ttl);
            return;
        }
        let left = Span::from_secs((ttl.nanos() - age.nanos()) / SECOND);
        let sum = self.dollars(now) + cost;
        self.dollars.set(now, sum, left);
    }
}

/// Spend of everything that has a budget.
#[derive(Clone, Debug, Default)]
pub(super) struct Budgets {
    pub providers: Vec<Spend>,
    /// By deployment.
    pub deployments: Vec<Spend>,
    pub tags: Vec<Spend>,
    /// Some budget exists at all.
    pub any: bool,
}

/// The rules for one deployment.
pub(super) struct Rules<'a> {
    pub providers: &'a [(String, Option<f64>, BudgetTime)],
    pub deployment: Option<Budget>,
    pub provider: Option<u16>,
}

impl Budgets {
    /// Whether provider and deployment have budget left.
    pub fn allows(&self, now: Time, deployment: u16, rules: &Rules<'_>) -> bool {
        if let Some(p) = rules.provider.map(usize::from) {
            match rules.providers[p].1 {
                None => return false,
                Some(max) if self.providers[p].is_over(now, max) => return false,
                Some(_) => {}
            }
        }
        rules.deployment.is_none_or(|b| !self.deployments[usize::from(deployment)].is_over(now, b.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_with_the_first_spend_after_the_last_one() {
        let calendar = Calendar::default();
        let per = BudgetTime::Span(Span::from_secs(60));
        let at = |s: u64| Time(s * 1_000_000_000);
        let mut s = Spend::default();
        s.add(at(10), per, &calendar, 0.5);
        s.add(at(40), per, &calendar, 0.5);
        assert!(s.is_over(at(70), 1.0) && !s.is_over(at(71), 1.0));
        s.add(at(80), per, &calendar, 0.75);
        assert_eq!((s.dollars(at(140)), s.dollars(at(141))), (0.75, 0.0));
        assert!(!s.is_over(at(100), 0.0));
    }
}
