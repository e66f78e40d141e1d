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

use crate::routing::balance::{Candidate, Choose, pick};
use crate::routing::cooldown::{Cooldown, CooldownConfig};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{ErrorClass, ErrorSet, Outcome};
use crate::routing::reason::{Exclusion, Reason, ReasonSink};
use crate::routing::retry::Backoff;
use crate::units::{DeploymentIx, Span, Time};

/// Most members of one pool: a request remembers whom it tried in one 64-bit word.
pub const MAX_POOL: usize = 64;

/// One deployment in a pool, as seen from one gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Member {
    /// Which deployment.
    pub deployment: DeploymentIx,
    /// Weight for [`Choose::Weighted`].
    pub weight: f64,
    /// Typical network round trip from this gateway.
    pub distance: Span,
}

/// Deployments that stand for each other.
#[derive(Clone, PartialEq, Debug)]
pub struct PoolConfig {
    /// Members in the order of the list.
    pub members: Vec<Member>,
    /// How one is chosen.
    pub choose: Choose,
    /// Answers from here count as degraded.
    pub degraded: bool,
}

/// Configuration of a router.
#[derive(Clone, PartialEq, Debug)]
pub struct RouterConfig {
    /// Pools in fallback order.
    pub chain: Vec<PoolConfig>,
    /// Attempts per pool, the first included.
    pub attempts_per_pool: u32,
    /// Pause before a member is called again.
    pub backoff: Backoff,
    /// Errors after which something else is tried.
    pub on: ErrorSet,
    /// When a failing deployment is no longer called; `None`: never.
    pub cooldown: Option<CooldownConfig>,
    /// Per residency class, which deployments are legal (indexed by [`DeploymentIx`]).
    pub legal: Vec<Vec<bool>>,
}

/// Why a configuration is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// The chain has no pool.
    EmptyChain,
    /// The pool at this position has no member.
    EmptyPool(usize),
    /// The pool at this position has more than [`MAX_POOL`] members.
    LargePool(usize),
    /// A weighted pool in which every weight is zero could never choose.
    ZeroWeights(usize),
    /// No attempt is allowed.
    NoAttempts,
}

/// What a gateway process keeps.
#[derive(Clone, Debug)]
pub struct Router {
    config: RouterConfig,
    cooldowns: Vec<Cooldown>,
    in_flight: Vec<u32>,
    turns: Vec<u64>,
}

/// What one request keeps while the router works for it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Journey {
    /// Residency class of the user's data, an index into [`RouterConfig::legal`].
    class: Option<u8>,
    pool: u8,
    attempts_in_pool: u8,
    attempts: u8,
    retries_in_pool: u8,
    passed_over: bool,
    first: Option<DeploymentIx>,
    tried: u64,
    previous_backoff: Span,
    last_error: Option<ErrorClass>,
}

/// What the gateway must do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the policy's first choice: a failure came before it, or (for policies with a fixed preference,
        /// nearest and in order) a cool-down of the one they prefer.
        fallback: bool,
    },
    /// Call [`Router::on_timeout`] at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// The answer is complete.
    Succeed,
    /// Nothing is left to try.
    Fail {
        /// The last error; `None` when no deployment could be called at all.
        class: Option<ErrorClass>,
    },
}

impl Journey {
    /// A request before its first attempt.
    pub fn new(class: Option<u8>) -> Journey {
        Journey {
            class,
            pool: 0,
            attempts_in_pool: 0,
            attempts: 0,
            retries_in_pool: 0,
            passed_over: false,
            first: None,
            tried: 0,
            previous_backoff: Span::ZERO,
            last_error: None,
        }
    }

    /// The same request after its gateway died: another gateway starts from the first pool, the count of attempts goes
    /// on (it is part of the address of draws).
    pub fn restart(&self, class: Option<u8>) -> Journey {
        Journey { attempts: self.attempts, ..Journey::new(class) }
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u32 {
        u32::from(self.attempts)
    }
}

impl Router {
    /// A router that knows nothing yet. `deployments` is how many deployments exist in all.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration could never serve a request.
    pub fn new(config: RouterConfig, deployments: usize) -> Result<Router, ConfigError> {
        if config.chain.is_empty() {
            return Err(ConfigError::EmptyChain);
        }
        if config.attempts_per_pool == 0 {
            return Err(ConfigError::NoAttempts);
        }
        for (i, pool) in config.chain.iter().enumerate() {
            if pool.members.is_empty() {
                return Err(ConfigError::EmptyPool(i));
            }
            if pool.members.len() > MAX_POOL {
                return Err(ConfigError::LargePool(i));
            }
            if pool.choose == Choose::Weighted && pool.members.iter().all(|m| m.weight <= 0.0) {
                return Err(ConfigError::ZeroWeights(i));
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::retry::Jitter;

    struct Half;
    impl Entropy for Half {
        fn uniform(&mut self) -> f64 {
            0.5
        }
    }

    const UNAVAILABLE: Outcome = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };

    fn d(i: u16) -> DeploymentIx {
        DeploymentIx(i)
    }

    /// Pool 0 has deployments 0 (near) and 1 (far), pool 1 has deployment 2 (degraded).
    fn router(attempts_per_pool: u32, cooldown: Option<CooldownConfig>) -> Router {
        let member = |i: u16, ms| Member { deployment: d(i), weight: 1.0, distance: Span::from_millis(ms) };
        let config = RouterConfig {
            chain: vec![
                PoolConfig { members: vec![member(0, 5), member(1, 90)], choose: Choose::Nearest, degraded: false },
                PoolConfig { members: vec![member(2, 5)], choose: Choose::Nearest, degraded: true },
            ],
            attempts_per_pool,
            backoff: Backoff { base: Span::from_millis(200), cap: Span::from_secs(5), jitter: Jitter::Full },
            on: ErrorSet::of(&[ErrorClass::RateLimited, ErrorClass::Unavailable, ErrorClass::Timeout]),
            cooldown,
            legal: vec![vec![false, true, false]],
        };
        Router::new(config, 3).unwrap()
    }

    fn attempt(c: Command) -> (u16, bool, bool) {
        let Command::Attempt { deployment, degraded, fallback } = c else { panic!("{c:?} is no attempt") };
        (deployment.0, degraded, fallback)
    }

    #[test]
    fn same_model_elsewhere_then_another_provider() {
        let (mut r, mut j, now) = (router(2, None), Journey::new(None), Time(7));
        let mut why = Vec::new();
        assert_eq!(attempt(r.on_request(now, &mut j, &mut Half, &mut why)), (0, false, false));
        assert_eq!(attempt(r.on_outcome(now, &mut j, d(0), UNAVAILABLE, &mut Half, &mut why).0), (1, false, true));
        assert_eq!(attempt(r.on_outcome(now, &mut j, d(1), UNAVAILABLE, &mut Half, &mut why).0), (2, true, true));
        // the only member of the last pool is called once more after full jitter of 200 ms
        let wait = r.on_outcome(now, &mut j, d(2), UNAVAILABLE, &mut Half, &mut why).0;
        assert_eq!(wait, Command::Wait { until: now + Span::from_millis(100) });
        assert_eq!(attempt(r.on_timeout(now + Span::from_millis(100), &mut j, &mut Half, &mut why)), (2, true, true));
        let end = r.on_outcome(now, &mut j, d(2), UNAVAILABLE, &mut Half, &mut why).0;
        assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
        assert_eq!(why.last(), Some(&Reason::Exhausted));
        assert!(why.contains(&Reason::NextPool { pool: 1 }));
        assert_eq!((0..3).map(|i| r.in_flight(d(i))).sum::<u32>(), 0);
    }

    #[test]
    fn an_error_outside_the_list_ends_the_request() {
        let (mut r, mut j) = (router(2, None), Journey::new(None));
        r.on_request(Time::ZERO, &mut j, &mut Half, &mut reason_free());
        let bad = Outcome::Failed { class: ErrorClass::BadRequest, retry_after: None };
        let end = r.on_outcome(Time::ZERO, &mut j, d(0), bad, &mut Half, &mut reason_free()).0;
        assert_eq!(end, Command::Fail { class: Some(ErrorClass::BadRequest) });
    }

    fn reason_free() -> crate::routing::reason::Silent {
        crate::routing::reason::Silent
    }

    #[test]
    fn what_cools_down_is_passed_over_and_a_chain_that_cools_down_wholly_is_tried_all_the_same() {
        let cooldown = CooldownConfig { failures: 1, time: Span::from_secs(30), rate_limited_at_once: true };
        let mut r = router(1, Some(cooldown));
        let s = &mut reason_free();
        let mut j = Journey::new(None);
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &mut Half, s)), (0, false, false));
        let (next, taken_out) = r.on_outcome(Time::ZERO, &mut j, d(0), UNAVAILABLE, &mut Half, s);
        assert!(taken_out);
        assert_eq!(attempt(next), (2, true, true));
        r.on_outcome(Time::ZERO, &mut j, d(2), UNAVAILABLE, &mut Half, s);
        // deployment 0 cools down: the next request starts at 1 and knows that this is a fallback
        let mut j = Journey::new(None);
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &mut Half, s)), (1, false, true));
        r.on_outcome(Time::ZERO, &mut j, d(1), UNAVAILABLE, &mut Half, s);
        // both of the first pool cool down: the second pool is a fallback from the start
        let mut j = Journey::new(None);
        r.cooldowns[2] = Cooldown::default();
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &mut Half, s)), (2, true, true));
        r.on_outcome(Time::ZERO, &mut j, d(2), UNAVAILABLE, &mut Half, s);
        // now all three cool down
        let mut j = Journey::new(None);
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &mut Half, s)), (0, false, false));
        r.on_abandoned(Some(d(0)));
        // and after the cool-down everything is as before
        let mut j = Journey::new(None);
        assert_eq!(attempt(r.on_request(Time(30_000_000_000), &mut j, &mut Half, s)), (0, false, false));
    }

    #[test]
    fn a_longer_retry_after_beats_the_backoff() {
        let (mut r, mut j) = (router(4, None), Journey::new(None));
        let s = &mut reason_free();
        r.on_request(Time::ZERO, &mut j, &mut Half, s);
        r.on_outcome(Time::ZERO, &mut j, d(0), UNAVAILABLE, &mut Half, s);
        let limited = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: Some(Span::from_secs(12)) };
        let wait = r.on_outcome(Time::ZERO, &mut j, d(1), limited, &mut Half, s).0;
        assert_eq!(wait, Command::Wait { until: Time(12_000_000_000) });
        // after the pause everybody in the pool may be called again, nearest first: a retry, not a fallback
        assert_eq!(attempt(r.on_timeout(Time(12_000_000_000), &mut j, &mut Half, s)), (0, false, false));
    }

    #[test]
    fn residency_is_never_violated_not_even_in_panic() {
        let cooldown = CooldownConfig { failures: 1, time: Span::from_secs(30), rate_limited_at_once: true };
        let mut r = router(1, Some(cooldown));
        let s = &mut reason_free();
        for _ in 0..2 {
            let mut j = Journey::new(Some(0));
            assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &mut Half, s)).0, 1);
            let end = r.on_outcome(Time::ZERO, &mut j, d(1), UNAVAILABLE, &mut Half, s).0;
            assert_eq!(end, Command::Fail { class: Some(ErrorClass::Unavailable) });
        }
    }

    #[test]
    fn configurations_that_can_never_serve_are_refused() {
        let good = router(1, None).config().clone();
        let refused = |change: &dyn Fn(&mut RouterConfig)| {
            let mut c = good.clone();
            change(&mut c);
            Router::new(c, 3).err()
        };
        assert_eq!(refused(&|c| c.chain.clear()), Some(ConfigError::EmptyChain));
        assert_eq!(refused(&|c| c.chain[1].members.clear()), Some(ConfigError::EmptyPool(1)));
        assert_eq!(refused(&|c| c.attempts_per_pool = 0), Some(ConfigError::NoAttempts));
        assert_eq!(
            refused(&|c| {
                c.chain[0].choose = Choose::Weighted;
                c.chain[0].members.iter_mut().for_each(|m| m.weight = 0.0);
            }),
            Some(ConfigError::ZeroWeights(0))
        );
        assert_eq!(refused(&|_| ()), None);
    }
}
