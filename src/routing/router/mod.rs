//! The gateway's router: a chain of pools, retries inside a pool, fallback to the next.
//!
//! [`Router`] is what a gateway process keeps: cool-downs and calls in flight of every deployment. [`Journey`] is what
//! one request keeps. The rules, in order, after a failed attempt:
//!
//! 1. an answer that breaks off after its first token ends the request, because a part of it has been passed on; so does an
//!    error class that is not in `on`;
//! 2. while the pool has attempts left (`attempts_per_pool`), a member that is available and has not failed this
//!    request is called at once;
//! 3. if every available member has failed this request, the router waits for the backoff (or the Retry-After of the
//!    last answer when that is longer) and may call one of them again, except whose credit is used up, which no pause
//!    mends;
//! 4. otherwise the next pool of the chain is tried at once; after the last one the request fails with the last error.
//!
//! Members that cool down are not called. When **every** legal member of the chain cools down and nothing was tried
//! yet, cool-downs are ignored (the idea of Envoy's panic threshold: a guess that may work beats a certain failure).
//!
//! The retry-then-fallback order is the one of LiteLLM's and Portkey's fallback lists; the algorithms themselves are
//! chosen per pool by [`crate::routing::balance::Choose`].

mod choice;
mod config;
mod ending;
mod journey;
mod launch;
mod limits;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, MAX_POOL, PoolConfig, RouterConfig};
pub use journey::{Command, Journey};
pub use limits::LimitsConfig;

use crate::routing::balance::{Balance, Balancer, LoadReport, MemberState};
use crate::routing::entropy::Entropy;
use crate::routing::guard::{AnyGuard, Guard, Probed};
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::routing::retry::budget::{Budget, Load};
use crate::routing::throttle::Throttle;
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

    /// What a deployment reported last, see [`Router::on_report`].
    pub fn report(&self, deployment: DeploymentIx) -> Option<LoadReport> {
        self.reports[deployment.ix()]
    }

    /// All that the gateway counts as being out: calls by deployment, by pool and together, retries that were paid for, and
    /// what calls hold of its limits. 0 when no request is with it.
    pub fn outstanding(&self) -> u64 {
        let counts = self.in_flight.iter().chain(&self.out).chain([&self.load.active, &self.load.retries]);
        let held = self.limits.as_ref().map_or(0, Limits::outstanding);
        counts.map(|n| u64::from(*n)).sum::<u64>() + held
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
        if !self.somebody_is_usable(now, journey, request, reasons)
            || self.is_full(journey)
            || !self.clear(now, journey, reasons)
        {
            return None;
        }
        // nobody is chosen before the call may go out: a policy that goes by turns would count one that nobody gets
        let may = self.throttle.as_mut().is_none_or(|t| t.on_call_at_once(now, entropy));
        let chosen = if may { self.choose(now, journey, request, false, entropy, reasons) } else { None };
        match chosen {
            Some(position) => Some(self.attempt(now, journey, request, position, reasons)),
            None => {
                self.on_given_up(journey);
                None
            }
        }
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
        if seen.first_token.is_some() {
            // a part of the answer is with the user already: nobody can take that back and try elsewhere
            return (Command::Fail { class: Some(class) }, taken_out);
        }
        if !self.config.on.contains(class) {
            reasons.push(Reason::NotRetryable { class });
            return (Command::Fail { class: Some(class) }, taken_out);
        }
        (self.next(now, journey, request, retry_after, entropy, reasons), taken_out)
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
            journey.tried = journey.tried.after_pause();
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
                if self.retry_would_help(journey)
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
                journey.held_since = None;
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
            // a retry may have been paid for before the pause, and nobody is left to make it to
            self.on_given_up(journey);
            if journey.held && journey.attempts == 0 {
                return Command::Shed; // it has waited for room as long as it may
            }
            return Command::Fail { class: journey.last_error };
        }
    }
}
