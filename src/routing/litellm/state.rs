//! What a gateway process keeps: counters by deployment, maps by model, and memory for the duration of a pick.

use super::budget::{Budgets, Spend};
use super::cache::{Minute, Window};
use super::config::Config;
use super::cooldown::Health;
use super::least_busy::LeastBusy;
use super::lowest_cost::LowestCost;
use super::lowest_latency::{LowestLatency, Scratch};
use super::marks::Marks;
use super::parallel::Slots;
use super::plan::Plan;
use super::rate_limit::IoTokens;
use super::usage_v1::UsageV1;
use crate::units::{Span, Time};

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    // by deployment
    pub health: Vec<Health>,
    /// Picks of a deployment, for the pre-call check of requests per minute.
    pub picks: Vec<Window<u64>>,
    /// Tokens and requests of a deployment per UTC minute: usage-based v2 and `enforce_model_rate_limits` share them.
    pub usage: Vec<Minute>,
    pub io: Vec<IoTokens>,
    pub slots: Vec<Slots>,
    checks: Vec<Option<Check>>,
    checked: Window<()>,
    // by model
    pub least_busy: Vec<LeastBusy>,
    pub usage_v1: Vec<UsageV1>,
    pub latency: Vec<LowestLatency>,
    pub cost: Vec<LowestCost>,
    pub budgets: Budgets,
    // for the duration of a pick
    pub candidates: Vec<u16>,
    pub scratch: Vec<u16>,
    pub before: Vec<u16>,
    pub marks: Marks,
    pub latency_scratch: Scratch,
}

/// The result of a background health check.
#[derive(Clone, Copy, Debug)]
struct Check {
    healthy: bool,
    at: Time,
}

impl State {
    /// Nothing known.
    pub fn new(plan: &Plan) -> State {
        let config = &plan.config;
        let n = config.deployments.len();
        let mut s = State {
            health: vec![Health::default(); n],
            picks: vec![Window::default(); n],
            usage: vec![Minute::default(); n],
            io: vec![IoTokens::default(); n],
            slots: vec![Slots::default(); n],
            checks: vec![None; n],
            ..State::default()
        };
        let providers = config.provider_budgets.iter().map(|(.., per)| Spend::started(*per, &config.calendar));
        s.budgets = Budgets {
            providers: providers.collect(),
            deployments: vec![Spend::default(); n],
            tags: vec![Spend::default(); config.tag_budgets.len()],
            any: !config.provider_budgets.is_empty()
                || !config.tag_budgets.is_empty()
                || config.deployments.iter().any(|d| d.budget.is_some()),
        };
        s.grow(plan);
        s
    }

    /// Makes room for names that were taken in.
    pub fn grow(&mut self, plan: &Plan) {
        let n = plan.models.len();
        self.least_busy.resize_with(n, LeastBusy::default);
        self.usage_v1.resize_with(n, UsageV1::default);
        self.latency.resize_with(n, LowestLatency::default);
        self.cost.resize_with(n, LowestCost::default);
    }

    /// The result of a health check. LiteLLM keeps them in one cache entry that lives for one and a half times the
    /// staleness threshold from its first write (`router_utils/health_state_cache.py`).
    pub fn checked(&mut self, now: Time, deployment: u16, healthy: bool, staleness: Span) {
        const SECOND: u64 = 1_000_000_000;
        if self.checked.get(now).is_none() {
            self.checks.iter_mut().for_each(|c| *c = None);
        }
        self.checks[usize::from(deployment)] = Some(Check { healthy, at: now });
        let life = Span::from_secs(staleness.mul_f64(1.5).nanos() / SECOND);
        self.checked.set(now, (), life);
    }

    /// Whether the last health check, if it is fresh, found it unhealthy.
    pub fn is_unhealthy(&self, now: Time, deployment: u16, config: &Config) -> bool {
        let Some(health) = &config.health else { return false };
        let check = self.checks[usize::from(deployment)].filter(|_| self.checked.get(now).is_some());
        check.is_some_and(|c| !c.healthy && now.since(c.at) < health.staleness)
    }
}
