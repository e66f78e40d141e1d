//! What a router is told: pools, members, retries, cool-downs, and which set-ups are refused.

use super::limits::LimitsConfig;
use crate::routing::balance::{Choose, Locality, Member};
use crate::routing::guard::GuardConfig;
use crate::routing::outcome::ErrorSet;
use crate::routing::retry::budget::BudgetConfig;
use crate::routing::retry::{Delay, Hedging};
use crate::routing::throttle::ThrottleConfig;

/// Most members of one pool: a choice looks at every one of them.
pub const MAX_POOL: usize = 1024;

/// Most attempts per pool: a request remembers whom it tried.
pub const MAX_ATTEMPTS: usize = 8;

/// Deployments that stand for each other.
#[derive(Clone, PartialEq, Debug)]
pub struct PoolConfig {
    /// Members in the order of the list.
    pub members: Vec<Member>,
    /// Where they stand; empty where no policy asks.
    pub localities: Vec<Locality>,
    /// How one is chosen.
    pub choose: Choose,
    /// Answers from here count as degraded.
    pub degraded: bool,
    /// Calls of this gateway to the pool that may be out at once; one more is refused by the gateway itself and not tried
    /// again. `None`: any number. (Envoy's circuit breaker of a cluster, `max_requests`, `circuit_breaker.proto`, read 2026.)
    pub max_requests: Option<u32>,
}

impl PoolConfig {
    /// Whether the deployment with that index is a member.
    pub fn has(&self, deployment: usize) -> bool {
        self.members.iter().any(|m| m.deployment.ix() == deployment)
    }
}

/// Configuration of a router.
#[derive(Clone, PartialEq, Debug)]
pub struct RouterConfig {
    /// Pools in fallback order.
    pub chain: Vec<PoolConfig>,
    /// Attempts per pool, the first included.
    pub attempts_per_pool: u32,
    /// Pause before a member is called again.
    pub delay: Delay,
    /// When further calls race those that are out; `None`: never.
    pub hedging: Option<Hedging>,
    /// What bounds the retries of all requests together; `None`: nothing.
    pub budget: Option<BudgetConfig>,
    /// What makes the gateway send less when it is refused; `None`: nothing.
    pub throttle: Option<ThrottleConfig>,
    /// What the gateway itself lets through.
    pub limits: LimitsConfig,
    /// Errors after which something else is tried.
    pub on: ErrorSet,
    /// When a failing deployment is no longer called; none: it always is.
    pub guards: Vec<GuardConfig>,
    /// Per residency class, which deployments are legal (indexed by [`DeploymentIx`](crate::units::DeploymentIx)).
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
    /// A pool that may have no call out.
    NoRequests(usize),
    /// A member of the pool at this position stands in a locality that does not exist.
    NoLocality(usize),
    /// No attempt is allowed.
    NoAttempts,
    /// More attempts per pool than eight.
    ManyAttempts,
}

impl RouterConfig {
    /// Refuses what could never serve a request.
    ///
    /// # Errors
    /// The first thing found.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.chain.is_empty() {
            return Err(ConfigError::EmptyChain);
        }
        if self.attempts_per_pool == 0 {
            return Err(ConfigError::NoAttempts);
        }
        if self.attempts_per_pool as usize > MAX_ATTEMPTS {
            return Err(ConfigError::ManyAttempts);
        }
        for (i, pool) in self.chain.iter().enumerate() {
            if pool.members.is_empty() {
                return Err(ConfigError::EmptyPool(i));
            }
            if pool.members.len() > MAX_POOL {
                return Err(ConfigError::LargePool(i));
            }
            if pool.choose.uses_weights() && pool.members.iter().all(|m| m.weight <= 0.0) {
                return Err(ConfigError::ZeroWeights(i));
            }
            if pool.max_requests == Some(0) {
                return Err(ConfigError::NoRequests(i));
            }
            let known = |m: &Member| usize::from(m.locality) < pool.localities.len();
            if pool.choose.uses_localities() && !pool.members.iter().all(known) {
                return Err(ConfigError::NoLocality(i));
            }
        }
        Ok(())
    }
}
