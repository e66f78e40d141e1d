//! Whether a call is made and when: pauses, the retry budget, the throttle and the most that a pool may have out.

use super::{Command, Journey, Router};
use crate::routing::balance::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::guard::Guard;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::routing::retry::budget::RetryBudget;
use crate::routing::throttle::Permission;
use crate::units::{Span, Time};

impl Router {
    /// Until when the request waits at the gateway because nobody of the pool has room.
    pub(super) fn hold(&self, now: Time, journey: &mut Journey, request: &Request<'_>) -> Option<Time> {
        let p = usize::from(journey.pool);
        let view = View { now, request, members: &self.config.chain[p].members, states: &self.states };
        let (pause, longest) = self.balancers[p].holds(&view)?;
        let since = *journey.held_since.get_or_insert(now);
        journey.held = true;
        (now.since(since) < longest).then(|| now + pause)
    }

    /// The pause before somebody of this pool is called again; `None` when the rule gives up.
    pub(super) fn pause<E: Entropy>(
        &self,
        journey: &mut Journey,
        retry_after: Option<Span>,
        entropy: &mut E,
    ) -> Option<Span> {
        let k = u32::from(journey.retries_in_pool);
        let pause = self.config.delay.before(k, journey.previous_backoff, journey.last_error, retry_after, entropy)?;
        journey.previous_backoff = pause;
        journey.retries_in_pool = journey.retries_in_pool.saturating_add(1);
        Some(pause)
    }

    /// Whether the next attempt may be made as far as the retry budget goes; a retry is paid for here.
    pub(super) fn clear<S: ReasonSink>(&mut self, now: Time, journey: &mut Journey, reasons: &mut S) -> bool {
        let Some(budget) = &mut self.budget else { return true };
        if journey.attempts == 0 || journey.cleared {
            return true;
        }
        let Some(price) = budget.withdraw(now, journey.last_error, self.load) else {
            if reasons.on() {
                reasons.push(Reason::BudgetSpent { left: budget.left(now, self.load) });
            }
            return false;
        };
        journey.paid = Some(price);
        journey.cleared = true;
        self.load.retries += 1;
        true
    }

    /// Whether the present pool may have no further call out.
    pub(super) fn is_full(&self, journey: &Journey) -> bool {
        let p = usize::from(journey.pool);
        self.config.chain[p].max_requests.is_some_and(|most| self.out[p] >= most)
    }

    fn permission<E: Entropy>(&mut self, now: Time, journey: &mut Journey, entropy: &mut E) -> Permission {
        self.throttle.as_mut().map_or(Permission::Go, |t| t.on_call(now, &mut journey.turn, entropy))
    }

    /// Calls the member, if the budget and the throttle let it.
    pub(super) fn launch<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        position: usize,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        if self.is_full(journey) {
            self.hand_back(now);
            self.on_given_up(journey);
            reasons.push(Reason::Overflow { pool: journey.pool });
            return Command::Shed;
        }
        if !self.clear(now, journey, reasons) {
            self.hand_back(now);
            return Command::Fail { class: journey.last_error };
        }
        let known = self.throttle.as_ref().filter(|_| reasons.on()).map(|t| t.known(now));
        match self.permission(now, journey, entropy) {
            Permission::Go => self.attempt(now, journey, request, position, reasons),
            Permission::Wait(until) => {
                self.hand_back(now);
                journey.paced = true;
                if let Some(known) = known {
                    reasons.push(Reason::Paced { until, known });
                }
                Command::Wait { until }
            }
            Permission::Refused => {
                self.hand_back(now);
                self.on_given_up(journey);
                if let Some(known) = known {
                    reasons.push(Reason::Shed { known });
                }
                Command::Shed
            }
        }
    }

    /// What was granted to a call that is not made.
    pub(super) fn hand_back(&mut self, now: Time) {
        if let Some(limits) = &mut self.limits {
            limits.hand_back(now);
        }
    }

    pub(super) fn attempt<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        position: usize,
        reasons: &mut S,
    ) -> Command {
        let p = usize::from(journey.pool);
        let pool = &self.config.chain[p];
        let deployment = pool.members[position].deployment;
        let first = *journey.first.get_or_insert(deployment);
        let fallback = journey.passed_over || deployment != first;
        reasons.push(Reason::Chosen { deployment, pool: journey.pool, attempt: journey.attempts_in_all() });
        if journey.attempts == 0 {
            journey.first_out = true;
            if let Some(budget) = &mut self.budget {
                budget.on_request(now);
            }
        }
        journey.retries_out += u8::from(std::mem::take(&mut journey.cleared));
        self.load.active += 1;
        self.out[p] += 1;
        journey.out += 1;
        journey.held_since = None;
        journey.tried.add(position);
        journey.attempts = journey.attempts.saturating_add(1);
        journey.attempts_in_pool = journey.attempts_in_pool.saturating_add(1);
        self.plan_hedge(now, journey);
        self.in_flight[deployment.ix()] += 1;
        self.balancers[p].on_sent(now, position, request);
        for guard in &mut self.guards {
            guard.on_sent(now, deployment.ix());
        }
        if let Some(limits) = &mut self.limits {
            limits.take(&mut journey.holding);
        }
        Command::Attempt { deployment, degraded: pool.degraded, fallback }
    }
}
