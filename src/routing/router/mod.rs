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
//! chosen per pool by [`Choose`].

mod config;
mod journey;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, MAX_POOL, Member, PoolConfig, RouterConfig};
pub use journey::{Command, Journey};

use crate::routing::balance::{Candidate, Choose, pick};
use crate::routing::cooldown::Cooldown;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Outcome;
use crate::routing::reason::{Exclusion, Reason, ReasonSink};
use crate::units::{DeploymentIx, Span, Time};

/// What a gateway process keeps.
#[derive(Clone, Debug)]
pub struct Router {
    config: RouterConfig,
    cooldowns: Vec<Cooldown>,
    in_flight: Vec<u32>,
    turns: Vec<u64>,
}

impl Router {
    /// A router that knows nothing yet. `deployments` is how many deployments exist in all.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration could never serve a request.
    pub fn new(config: RouterConfig, deployments: usize) -> Result<Router, ConfigError> {
        config.check()?;
        let pools = config.chain.len();
        Ok(Router {
            config,
            cooldowns: vec![Cooldown::default(); deployments],
            in_flight: vec![0; deployments],
            turns: vec![0; pools],
        })
    }

    /// The configuration.
    pub fn config(&self) -> &RouterConfig {
        &self.config
    }

    /// Whether this gateway calls the deployment at present.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.cooldowns[deployment.ix()].available(now)
    }

    /// Calls of this gateway in flight.
    pub fn in_flight(&self, deployment: DeploymentIx) -> u32 {
        self.in_flight[deployment.ix()]
    }

    /// A request arrives.
    pub fn on_request<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        self.next(now, journey, Span::ZERO, entropy, reasons)
    }

    /// A call has been out for so long that a second one may race it: the deployment to call, if the pool has an attempt
    /// and an untried member left. The first answer counts; the caller reports the other with [`Router::on_abandoned`], or
    /// with [`Router::observe`] when it fails while the other is still out. (gRPC proposal A6, hedging: hedged attempts
    /// count as attempts and go out only while attempts are left.)
    pub fn on_hedge<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<Command> {
        if u32::from(journey.attempts_in_pool) >= self.config.attempts_per_pool {
            return None;
        }
        let position = self.choose(now, journey, false, entropy, reasons)?;
        Some(self.attempt(journey, position, reasons))
    }

    /// Takes in how a call ended without deciding anything. True when the deployment has just been taken out of service.
    pub fn observe(&mut self, now: Time, deployment: DeploymentIx, outcome: Outcome) -> bool {
        let d = deployment.ix();
        self.in_flight[d] -= 1;
        self.config.cooldown.is_some_and(|config| self.cooldowns[d].observe(&config, now, outcome))
    }

    /// An attempt has ended. True in the second place: the deployment has just been taken out of service.
    pub fn on_outcome<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        deployment: DeploymentIx,
        outcome: Outcome,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Command, bool) {
        let taken_out = self.observe(now, deployment, outcome);
        let Outcome::Failed { class, retry_after } = outcome else {
            return (Command::Succeed, taken_out);
        };
        journey.last_error = Some(class);
        if !self.config.on.contains(class) {
            reasons.push(Reason::NotRetryable { class });
            return (Command::Fail { class: Some(class) }, taken_out);
        }
        (self.next(now, journey, retry_after.unwrap_or(Span::ZERO), entropy, reasons), taken_out)
    }

    /// The request is given up from outside (the user went away, the region died): nothing more is tried for it.
    pub fn on_abandoned(&mut self, deployment: Option<DeploymentIx>) {
        if let Some(d) = deployment {
            self.in_flight[d.ix()] -= 1;
        }
    }

    /// The pause that [`Command::Wait`] asked for is over.
    pub fn on_timeout<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        journey.tried = 0; // everybody may be called again
        self.next(now, journey, Span::ZERO, entropy, reasons)
    }

    fn next<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        retry_after: Span,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        loop {
            let more = u32::from(journey.attempts_in_pool) < self.config.attempts_per_pool;
            if more {
                if let Some(position) = self.choose(now, journey, false, entropy, reasons) {
                    return self.attempt(journey, position, reasons);
                }
                if self.retry_would_help(now, journey) {
                    let n = u32::from(journey.retries_in_pool);
                    let delay = self.config.backoff.delay(n, journey.previous_backoff, entropy).max(retry_after);
                    journey.previous_backoff = delay;
                    journey.retries_in_pool = journey.retries_in_pool.saturating_add(1);
                    let until = now + delay;
                    reasons.push(Reason::BackedOff { until });
                    return Command::Wait { until };
                }
            }
            if usize::from(journey.pool) + 1 < self.config.chain.len() {
                // a pool that could have served this request is left without a call: what follows is a fallback
                journey.passed_over |= journey.first.is_none() && self.has_legal_member(journey);
                journey.pool += 1;
                journey.attempts_in_pool = 0;
                journey.retries_in_pool = 0;
                journey.previous_backoff = Span::ZERO;
                journey.tried = 0;
                reasons.push(Reason::NextPool { pool: journey.pool });
                continue;
            }
            if journey.first.is_none() {
                reasons.push(Reason::Panic);
                journey.passed_over = false;
                for pool in 0..self.config.chain.len() {
                    journey.pool = pool as u8;
                    if let Some(position) = self.choose(now, journey, true, entropy, reasons) {
                        return self.attempt(journey, position, reasons);
                    }
                }
            }
            reasons.push(Reason::Exhausted);
            return Command::Fail { class: journey.last_error };
        }
    }

    /// Position in the pool of the member to call, if any may be called.
    fn choose<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        panic: bool,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<usize> {
        let p = usize::from(journey.pool);
        let pool = &self.config.chain[p];
        let legal = journey.class.map(|c| self.config.legal[usize::from(c)].as_slice());
        if S::ON {
            for (i, m) in pool.members.iter().enumerate() {
                let d = m.deployment.ix();
                let because = if legal.is_some_and(|l| !l[d]) {
                    Exclusion::Residency
                } else if !panic && !self.cooldowns[d].available(now) {
                    Exclusion::CoolingDown { until: self.cooldowns[d].until() }
                } else if journey.tried & (1 << i) != 0 {
                    Exclusion::AlreadyTried
                } else {
                    continue;
                };
                reasons.push(Reason::Excluded { deployment: m.deployment, because });
            }
        }
        let candidate = |(position, m): (usize, &Member)| Candidate {
            position,
            weight: m.weight,
            distance: m.distance,
            in_flight: self.in_flight[m.deployment.ix()],
        };
        let may = |(_, m): &(usize, &Member)| legal.is_none_or(|l| l[m.deployment.ix()]);
        let up = |(i, m): &(usize, &Member)| {
            journey.tried & (1 << i) == 0 && (panic || self.cooldowns[m.deployment.ix()].available(now))
        };
        let members = pool.members.iter().enumerate();
        let open = members.clone().filter(may).filter(up).map(candidate);
        let turn = self.turns[p];
        let chosen = pick(pool.choose, open, turn, pool.members.len(), entropy)?;
        if journey.first.is_none() && matches!(pool.choose, Choose::Nearest | Choose::InOrder) {
            let first = pick(pool.choose, members.filter(may).map(candidate), turn, pool.members.len(), entropy);
            journey.passed_over |= first.is_some_and(|f| f.position != chosen.position);
        }
        self.turns[p] += 1;
        Some(chosen.position)
    }

    /// Whether the present pool has a member that the request's data may go to.
    fn has_legal_member(&self, journey: &Journey) -> bool {
        let legal = journey.class.map(|c| self.config.legal[usize::from(c)].as_slice());
        let members = &self.config.chain[usize::from(journey.pool)].members;
        members.iter().any(|m| legal.is_none_or(|l| l[m.deployment.ix()]))
    }

    /// Whether waiting opens somebody of the present pool who has failed this request but does not cool down.
    fn retry_would_help(&self, now: Time, journey: &Journey) -> bool {
        let legal = journey.class.map(|c| self.config.legal[usize::from(c)].as_slice());
        self.config.chain[usize::from(journey.pool)].members.iter().enumerate().any(|(i, m)| {
            let d = m.deployment.ix();
            journey.tried & (1 << i) != 0 && legal.is_none_or(|l| l[d]) && self.cooldowns[d].available(now)
        })
    }

    fn attempt<S: ReasonSink>(&mut self, journey: &mut Journey, position: usize, reasons: &mut S) -> Command {
        let pool = &self.config.chain[usize::from(journey.pool)];
        let deployment = pool.members[position].deployment;
        let first = *journey.first.get_or_insert(deployment);
        let fallback = journey.passed_over || deployment != first;
        reasons.push(Reason::Chosen { deployment, pool: journey.pool, attempt: journey.attempts });
        journey.tried |= 1 << position;
        journey.attempts = journey.attempts.saturating_add(1);
        journey.attempts_in_pool = journey.attempts_in_pool.saturating_add(1);
        self.in_flight[deployment.ix()] += 1;
        Command::Attempt { deployment, degraded: pool.degraded, fallback }
    }
}
