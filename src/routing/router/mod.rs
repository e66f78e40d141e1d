//! The gateway's router: a chain of pools, retries inside a pool, fallback to the next.
//!
//! [`Router`] is what a gateway process keeps: cool-downs and calls in flight of every deployment. [`Journey`] is what
//! one request keeps. The rules, in order, after a failed attempt:
//!
//! 1. an error class that is not in `on` ends the request;
//! 2. while the pool has attempts left (`attempts_per_pool`), a member that is available and has not failed this
//!    request is called at once;
//! 3. if every available member has failed this request, the router waits for the backoff (or the Retry-After of the
//!    last answer when that is longer) and may call one of them again;
//! 4. otherwise the next pool of the chain is tried at once; after the last one the request fails with the last error.
//!
//! Members that cool down are not called. When **every** legal member of the chain cools down and nothing was tried
//! yet, cool-downs are ignored (the idea of Envoy's panic threshold: a guess that may work beats a certain failure).
//!
//! The retry-then-fallback order is the one of LiteLLM's and Portkey's fallback lists; the algorithms themselves are
//! chosen per pool by [`crate::routing::balance::Choose`].

mod config;
mod journey;
mod limits;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, Locality, MAX_POOL, Member, PoolConfig, RouterConfig};
pub use journey::{Command, Journey};
pub use limits::LimitsConfig;

use crate::routing::balance::{Balance, Balancer, LoadReport, MemberState, Standing, View};
use crate::routing::entropy::Entropy;
use crate::routing::guard::{AnyGuard, Guard, Probed};
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::routing::reason::{Exclusion, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::routing::retry::budget::{Budget, Load, RetryBudget};
use crate::routing::throttle::{Permission, Throttle};
use crate::units::{DeploymentIx, Span, Time};
use journey::Tried;
use limits::Limits;

/// What a gateway process keeps.
#[derive(Clone, Debug)]
pub struct Router {
    config: RouterConfig,
    /// One per pool.
    balancers: Vec<Balancer>,
    guards: Vec<AnyGuard>,
    budget: Option<Budget>,
    throttle: Option<Throttle>,
    limits: Option<Limits>,
    /// Calls out, and retries that have been paid for and have not ended.
    load: Load,
    /// Per pool: calls out.
    out: Vec<u32>,
    /// Per deployment.
    in_flight: Vec<u32>,
    /// Per deployment: what it last reported.
    reports: Vec<Option<LoadReport>>,
    /// Pool by pool, per deployment: its position in the pool's list.
    positions: Vec<Vec<Option<u16>>>,
    /// States of the members of the pool in question; kept only to be used again.
    states: Vec<MemberState>,
}

impl Router {
    /// A router that knows nothing yet. `deployments` is how many deployments exist in all.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration could never serve a request.
    pub fn new(config: RouterConfig, deployments: usize) -> Result<Router, ConfigError> {
        config.check()?;
        let positions = |pool: &PoolConfig| {
            let mut of = vec![None; deployments];
            for (i, m) in pool.members.iter().enumerate().rev() {
                of[m.deployment.ix()] = Some(i as u16);
            }
            of
        };
        let callable = (0..deployments).filter(|d| config.chain.iter().any(|p| p.has(*d))).count();
        Ok(Router {
            balancers: config.chain.iter().map(|p| Balancer::new(p.choose, &p.members, &p.localities)).collect(),
            guards: config.guards.iter().map(|g| AnyGuard::new(*g, deployments, callable)).collect(),
            budget: config.budget.map(Budget::new),
            throttle: config.throttle.map(Throttle::new),
            limits: (!config.limits.of.is_empty()).then(|| Limits::new(&config.limits, deployments)),
            load: Load { active: 0, retries: 0 },
            out: vec![0; config.chain.len()],
            in_flight: vec![0; deployments],
            reports: vec![None; deployments],
            positions: config.chain.iter().map(positions).collect(),
            states: Vec::with_capacity(config.chain.iter().map(|p| p.members.len()).max().unwrap_or(0)),
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &RouterConfig {
        &self.config
    }

    /// Whether every guard of this gateway admits the deployment at present.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.guards.iter().all(|g| g.admits(now, deployment.ix()))
    }

    /// Calls of this gateway in flight.
    pub fn in_flight(&self, deployment: DeploymentIx) -> u32 {
        self.in_flight[deployment.ix()]
    }

    /// When a guard has a sweep to do. It is done at the next question in any case, so only a gateway that shows the state
    /// of its deployments while nobody asks has to call [`Router::on_wake`] then.
    pub fn next_timeout(&self) -> Option<Time> {
        self.guards.iter().filter_map(Guard::next_timeout).min()
    }

    /// Does the sweeps that are due.
    pub fn on_wake(&mut self, now: Time) {
        for guard in &mut self.guards {
            guard.advance(now);
        }
    }

    /// A request arrives.
    pub fn on_request<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        self.next(now, journey, request, None, entropy, reasons)
    }

    /// A call has been out for so long that a second one may race it: the deployment to call, if the pool has an attempt
    /// and an untried member left. The first answer counts; the caller reports the other with [`Router::on_abandoned`], or
    /// with [`Router::observe`] when it fails while the other is still out. (gRPC proposal A6, hedging: hedged attempts
    /// count as attempts and go out only while attempts are left.)
    pub fn on_hedge<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<Command> {
        if u32::from(journey.attempts_in_pool) >= self.config.attempts_per_pool {
            reasons.push(Reason::AttemptsUsed { allowed: self.config.attempts_per_pool });
            return None;
        }
        let position = self.choose(now, journey, request, false, entropy, reasons)?;
        if self.is_full(journey) || !self.clear(now, journey, reasons) {
            self.hand_back(now);
            return None;
        }
        match self.permission(now, entropy) {
            Permission::Go => Some(self.attempt(now, journey, request, position, reasons)),
            Permission::Wait(_) | Permission::Refused => {
                self.hand_back(now);
                self.on_given_up(journey);
                None
            }
        }
    }

    /// Takes in how a call ended without deciding anything. True when the deployment has just been taken out of service.
    pub fn observe(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx, seen: &Observation) -> bool {
        let d = deployment.ix();
        self.leave(now, journey, deployment, Some(seen));
        if let Some(budget) = &mut self.budget {
            budget.on_outcome(now, seen.outcome, journey.paid);
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.on_end(now, seen.outcome);
        }
        let pool = usize::from(journey.pool);
        if let Some(position) = self.positions[pool][d] {
            self.balancers[pool].on_end(now, usize::from(position), seen);
        }
        let mut taken_out = false;
        for guard in &mut self.guards {
            guard.advance(now);
            taken_out |= guard.on_end(now, d, seen);
        }
        taken_out
    }

    /// An attempt has ended. True in the second place: the deployment has just been taken out of service.
    #[allow(clippy::too_many_arguments, reason = "each is a thing of its own that the gateway brings")]
    pub fn on_outcome<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Command, bool) {
        let taken_out = self.observe(now, journey, deployment, seen);
        if taken_out && let Some((guard, until)) = self.out(now, deployment) {
            reasons.push(Reason::TakenOut { deployment, guard, until });
        }
        let Outcome::Failed { class, retry_after } = seen.outcome else {
            return (Command::Succeed, taken_out);
        };
        journey.last_error = Some(class);
        if !self.config.on.contains(class) {
            reasons.push(Reason::NotRetryable { class });
            return (Command::Fail { class: Some(class) }, taken_out);
        }
        (self.next(now, journey, request, retry_after, entropy, reasons), taken_out)
    }

    /// A call is given up without an outcome (the user went away, the region died, the other call of a race won).
    pub fn on_abandoned(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx) {
        let d = deployment.ix();
        self.leave(now, journey, deployment, None);
        let pool = usize::from(journey.pool);
        if let Some(position) = self.positions[pool][d] {
            self.balancers[pool].on_abandoned(now, usize::from(position));
        }
        for guard in &mut self.guards {
            guard.on_abandoned(now, d);
        }
    }

    /// A deployment has reported its load.
    pub fn on_report(&mut self, deployment: DeploymentIx, report: LoadReport) {
        self.reports[deployment.ix()] = Some(report);
    }

    /// A health check of a deployment has its result. True when that has just taken it out of service.
    pub fn on_probe(&mut self, now: Time, deployment: DeploymentIx, probed: Probed) -> bool {
        let mut taken_out = false;
        for guard in &mut self.guards {
            guard.advance(now);
            taken_out |= guard.on_probe(now, deployment.ix(), probed);
        }
        taken_out
    }

    /// The request is given up between attempts: a retry that was paid for is not made. Its price is not given back, as in
    /// the clients that have budgets.
    pub fn on_given_up(&mut self, journey: &mut Journey) {
        if std::mem::take(&mut journey.cleared) {
            self.load.retries -= 1;
        }
    }

    /// The pause that [`Command::Wait`] asked for is over.
    pub fn on_timeout<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        if !std::mem::take(&mut journey.paced) {
            journey.tried = Tried::default(); // everybody may be called again
        }
        self.next(now, journey, request, None, entropy, reasons)
    }

    fn next<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        retry_after: Option<Span>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        loop {
            let more = u32::from(journey.attempts_in_pool) < self.config.attempts_per_pool;
            if more {
                if let Some(position) = self.choose(now, journey, request, false, entropy, reasons) {
                    return self.launch(now, journey, request, position, entropy, reasons);
                }
                if let Some(until) = self.hold(now, journey, request) {
                    journey.paced = true;
                    reasons.push(Reason::Held { until });
                    return Command::Wait { until };
                }
                if self.retry_would_help()
                    && let Some(pause) = self.pause(journey, retry_after, entropy)
                {
                    if !self.clear(now, journey, reasons) {
                        return Command::Fail { class: journey.last_error };
                    }
                    let until = now + pause;
                    reasons.push(Reason::BackedOff { until });
                    return Command::Wait { until };
                }
            } else {
                reasons.push(Reason::AttemptsUsed { allowed: self.config.attempts_per_pool });
            }
            if usize::from(journey.pool) + 1 < self.config.chain.len() {
                // a pool that may serve this request is left: what follows is a fallback, also where pools share members
                journey.passed_over |= self.has_legal_member(journey);
                journey.pool += 1;
                journey.attempts_in_pool = 0;
                journey.retries_in_pool = 0;
                journey.previous_backoff = Span::ZERO;
                journey.tried = Tried::default();
                reasons.push(Reason::NextPool { pool: journey.pool });
                continue;
            }
            if journey.first.is_none() {
                reasons.push(Reason::Panic);
                journey.passed_over = false;
                for pool in 0..self.config.chain.len() {
                    journey.pool = pool as u8;
                    if !self.balancers[pool].has_panic_rule()
                        && let Some(position) = self.choose(now, journey, request, true, entropy, reasons)
                    {
                        return self.launch(now, journey, request, position, entropy, reasons);
                    }
                    journey.passed_over |= self.has_legal_member(journey);
                }
            }
            reasons.push(Reason::Exhausted);
            if journey.held_since.is_some() && journey.attempts == 0 {
                return Command::Shed; // it has waited for room as long as it may
            }
            return Command::Fail { class: journey.last_error };
        }
    }

    /// Until when the request waits at the gateway because nobody of the pool has room.
    fn hold(&self, now: Time, journey: &mut Journey, request: &Request<'_>) -> Option<Time> {
        let p = usize::from(journey.pool);
        let view = View { now, request, members: &self.config.chain[p].members, states: &self.states };
        let (pause, longest) = self.balancers[p].holds(&view)?;
        let since = *journey.held_since.get_or_insert(now);
        (now.since(since) < longest).then(|| now + pause)
    }

    /// The pause before somebody of this pool is called again; `None` when the rule gives up.
    fn pause<E: Entropy>(&self, journey: &mut Journey, retry_after: Option<Span>, entropy: &mut E) -> Option<Span> {
        let k = u32::from(journey.retries_in_pool);
        let pause = self.config.delay.before(k, journey.previous_backoff, journey.last_error, retry_after, entropy)?;
        journey.previous_backoff = pause;
        journey.retries_in_pool = journey.retries_in_pool.saturating_add(1);
        Some(pause)
    }

    /// Whether the next attempt may be made as far as the retry budget goes; a retry is paid for here.
    fn clear<S: ReasonSink>(&mut self, now: Time, journey: &mut Journey, reasons: &mut S) -> bool {
        let Some(budget) = &mut self.budget else { return true };
        if journey.attempts == 0 || journey.cleared {
            return true;
        }
        let Some(price) = budget.withdraw(now, journey.last_error, self.load) else {
            reasons.push(Reason::BudgetSpent);
            return false;
        };
        journey.paid = Some(price);
        journey.cleared = true;
        self.load.retries += 1;
        true
    }

    /// Whether the present pool may have no further call out.
    fn is_full(&self, journey: &Journey) -> bool {
        let p = usize::from(journey.pool);
        self.config.chain[p].max_requests.is_some_and(|most| self.out[p] >= most)
    }

    fn permission<E: Entropy>(&mut self, now: Time, entropy: &mut E) -> Permission {
        self.throttle.as_mut().map_or(Permission::Go, |t| t.on_call(now, entropy))
    }

    /// Calls the member, if the budget and the throttle let it.
    fn launch<E: Entropy, S: ReasonSink>(
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
        match self.permission(now, entropy) {
            Permission::Go => self.attempt(now, journey, request, position, reasons),
            Permission::Wait(until) => {
                self.hand_back(now);
                journey.paced = true;
                reasons.push(Reason::Paced { until });
                Command::Wait { until }
            }
            Permission::Refused => {
                self.hand_back(now);
                self.on_given_up(journey);
                reasons.push(Reason::Shed);
                Command::Shed
            }
        }
    }

    /// Position in the pool of the member to call, if any may be called. In a panic the guards are ignored.
    fn choose<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        panic: bool,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<usize> {
        self.look(now, journey, request, panic);
        let p = usize::from(journey.pool);
        if reasons.on() {
            self.say_who_stands_where(now, &self.config.chain[p], request, reasons);
        }
        loop {
            let pool = &self.config.chain[p];
            let view = View { now, request, members: &pool.members, states: &self.states };
            let chosen = self.balancers[p].pick(&view, entropy, reasons)?;
            let deployment = pool.members[chosen].deployment;
            if let Some(limits) = &mut self.limits
                && let Err(refusal) = limits.admit(now, deployment, request)
            {
                let until = refusal.wait.map(|wait| now + wait);
                reasons
                    .push(Reason::Excluded { deployment, because: Exclusion::AtLimit { limit: refusal.limit, until } });
                journey.last_error.get_or_insert(ErrorClass::RateLimited);
                if std::mem::replace(&mut self.states[chosen].standing, Standing::Limited) == Standing::Limited {
                    return None; // whoever names one that may not be called has nobody else to name
                }
                continue;
            }
            if journey.first.is_none() {
                journey.passed_over |= self.balancers[p].favourite(&view).is_some_and(|f| f != chosen);
            }
            return Some(chosen);
        }
    }

    /// What was granted to a call that is not made.
    fn hand_back(&mut self, now: Time) {
        if let Some(limits) = &mut self.limits {
            limits.hand_back(now);
        }
    }

    /// Notes the present states of the pool's members.
    fn look(&mut self, now: Time, journey: &mut Journey, request: &Request<'_>, panic: bool) {
        self.on_wake(now);
        let Router { config, states, guards, in_flight, limits, reports, .. } = self;
        let legal = journey.class.map(|c| config.legal[usize::from(c)].as_slice());
        states.clear();
        states.extend(config.chain[usize::from(journey.pool)].members.iter().enumerate().map(|(i, m)| {
            let d = m.deployment.ix();
            let tried = journey.tried.contains(i);
            let standing = if legal.is_some_and(|l| !l[d]) {
                Standing::Illegal
            } else if !panic && !guards.iter().all(|g| g.admits(now, d)) {
                Standing::Out
            } else if tried {
                Standing::Tried
            } else if limits.as_ref().is_some_and(|l| l.refusing(now, m.deployment, request).is_some()) {
                Standing::Limited
            } else {
                Standing::Usable
            };
            MemberState { standing, in_flight: in_flight[d], tried, report: reports[d] }
        }));
        if states.iter().any(|s| s.standing == Standing::Limited) {
            journey.last_error.get_or_insert(ErrorClass::RateLimited);
        }
    }

    /// The first guard that keeps the deployment out of service, and until when.
    fn out(&self, now: Time, deployment: DeploymentIx) -> Option<(&'static str, Option<Time>)> {
        let d = deployment.ix();
        let (guard, config) = self.guards.iter().zip(&self.config.guards).find(|(g, _)| !g.admits(now, d))?;
        Some((config.name(), guard.until(now, d)))
    }

    /// Who may be called, and why the others may not.
    fn say_who_stands_where<S: ReasonSink>(
        &self,
        now: Time,
        pool: &PoolConfig,
        request: &Request<'_>,
        reasons: &mut S,
    ) {
        for (m, state) in pool.members.iter().zip(&self.states) {
            let deployment = m.deployment;
            let because = match state.standing {
                Standing::Usable => {
                    reasons.push(Reason::Candidate { deployment, in_flight: state.in_flight });
                    continue;
                }
                Standing::Tried => Exclusion::AlreadyTried,
                Standing::Illegal => Exclusion::Residency,
                Standing::Limited => {
                    let shut = self.limits.as_ref().and_then(|l| l.refusing(now, m.deployment, request));
                    let (limit, until) = shut.expect("its limit refuses");
                    Exclusion::AtLimit { limit, until: Some(until) }
                }
                Standing::Out => {
                    let (guard, until) = self.out(now, deployment).expect("somebody has taken it out");
                    Exclusion::Out { guard, until }
                }
            };
            reasons.push(Reason::Excluded { deployment, because });
        }
    }

    /// Whether the present pool has a member that the request's data may go to.
    fn has_legal_member(&self, journey: &Journey) -> bool {
        let legal = journey.class.map(|c| self.config.legal[usize::from(c)].as_slice());
        let members = &self.config.chain[usize::from(journey.pool)].members;
        members.iter().any(|m| legal.is_none_or(|l| l[m.deployment.ix()]))
    }

    /// Whether waiting opens somebody of the present pool who has failed this request but is in service. The states are
    /// those that the choice before has noted.
    fn retry_would_help(&self) -> bool {
        self.states.iter().any(|s| s.standing == Standing::Tried)
    }

    fn attempt<S: ReasonSink>(
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
        reasons.push(Reason::Chosen { deployment, pool: journey.pool, attempt: journey.attempts });
        if journey.attempts == 0 {
            journey.first_out = true;
            if let Some(budget) = &mut self.budget {
                budget.on_request(now);
            }
        }
        journey.retries_out += u8::from(std::mem::take(&mut journey.cleared));
        self.load.active += 1;
        self.out[p] += 1;
        journey.held_since = None;
        journey.tried.add(position);
        journey.attempts = journey.attempts.saturating_add(1);
        journey.attempts_in_pool = journey.attempts_in_pool.saturating_add(1);
        self.in_flight[deployment.ix()] += 1;
        self.balancers[p].on_sent(now, position, request);
        for guard in &mut self.guards {
            guard.on_sent(now, deployment.ix());
        }
        if let Some(held) = self.limits.as_mut().and_then(Limits::take) {
            journey.holds(held);
        }
        Command::Attempt { deployment, degraded: pool.degraded, fallback }
    }

    /// A call to the deployment is no longer out. (A second call of the same request goes to somebody else, so the
    /// deployment tells which of them it was.)
    fn leave(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx, seen: Option<&Observation>) {
        if let (Some(limits), Some(held)) = (&mut self.limits, journey.release(deployment)) {
            limits.end(now, held, seen);
        }
        self.in_flight[deployment.ix()] -= 1;
        self.load.active -= 1;
        self.out[usize::from(journey.pool)] -= 1;
        if journey.first_out && journey.first == Some(deployment) {
            journey.first_out = false;
        } else if journey.retries_out > 0 {
            journey.retries_out -= 1;
            self.load.retries -= 1;
        }
    }
}
