//! When a gateway stops calling a deployment for a while: one algorithm per file, behind [`Guard`]. Several may stand one
//! behind the other; a deployment is called only when all of them admit it.
//!
//! A new algorithm is a file here and a variant of [`GuardConfig`] (what the configuration says) and of [`AnyGuard`]
//! (what the gateway keeps).

mod active_health;
mod breaker;
mod cooldown;
mod hystrix;
mod outlier;

pub use active_health::{ActiveHealth, ActiveHealthConfig, Probed};
pub use breaker::{Breaker, BreakerConfig};
pub use cooldown::{Cooldown, CooldownConfig};
pub use hystrix::{Hystrix, HystrixConfig};
pub use outlier::{FailurePercentage, Outlier, OutlierConfig, SuccessRate};

use crate::routing::outcome::Observation;
use crate::units::Time;

/// One gateway's judgement of its deployments, which are named by their index.
pub trait Guard {
    /// Does what has become due by now (periodic sweeps). Called before every question.
    fn advance(&mut self, _now: Time) {}

    /// Whether calls may be sent there.
    fn admits(&self, now: Time, deployment: usize) -> bool;

    /// When a deployment that is out may be called again, as far as that is known.
    fn until(&self, now: Time, deployment: usize) -> Option<Time>;

    /// A call has been sent there.
    fn on_sent(&mut self, _now: Time, _deployment: usize) {}

    /// A call has ended; true when that has just taken the deployment out of service.
    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool;

    /// A call was given up without an outcome.
    fn on_abandoned(&mut self, _now: Time, _deployment: usize) {}

    /// A check of the deployment has its result; true when that has just taken the deployment out of service.
    fn on_probe(&mut self, _now: Time, _deployment: usize, _probed: Probed) -> bool {
        false
    }

    /// When [`Guard::advance`] has something to do next.
    fn next_timeout(&self) -> Option<Time> {
        None
    }
}

/// What the configuration says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum GuardConfig {
    /// [`Cooldown`].
    Cooldown(CooldownConfig),
    /// [`Outlier`].
    Outlier(OutlierConfig),
    /// [`Breaker`].
    Breaker(BreakerConfig),
    /// [`Hystrix`].
    Hystrix(HystrixConfig),
    /// [`ActiveHealth`].
    ActiveHealth(ActiveHealthConfig),
}

impl GuardConfig {
    /// Name in reasons.
    pub const fn name(self) -> &'static str {
        match self {
            GuardConfig::Cooldown(_) => "cool-down",
            GuardConfig::Outlier(_) => "outlier ejection",
            GuardConfig::Breaker(_) | GuardConfig::Hystrix(_) => "circuit breaker",
            GuardConfig::ActiveHealth(_) => "health check",
        }
    }
}

/// A guard of any kind, with what it remembers.
#[derive(Clone, Debug)]
pub enum AnyGuard {
    /// See [`Cooldown`].
    Cooldown(Cooldown),
    /// See [`Outlier`].
    Outlier(Outlier),
    /// See [`Breaker`].
    Breaker(Breaker),
    /// See [`Hystrix`].
    Hystrix(Hystrix),
    /// See [`ActiveHealth`].
    ActiveHealth(ActiveHealth),
}

impl AnyGuard {
    /// A guard that has seen nothing yet, of so many deployments, `callable` of which this gateway may call.
    pub fn new(config: GuardConfig, deployments: usize, callable: usize) -> AnyGuard {
        match config {
            GuardConfig::Cooldown(c) => AnyGuard::Cooldown(Cooldown::new(c, deployments)),
            GuardConfig::Outlier(c) => AnyGuard::Outlier(Outlier::new(c, deployments, callable)),
            GuardConfig::Breaker(c) => AnyGuard::Breaker(Breaker::new(c, deployments)),
            GuardConfig::Hystrix(c) => AnyGuard::Hystrix(Hystrix::new(c, deployments)),
            GuardConfig::ActiveHealth(c) => AnyGuard::ActiveHealth(ActiveHealth::new(c, deployments)),
        }
    }
}

/// The same call on whichever algorithm it is.
macro_rules! each {
    ($self:expr, $guard:ident => $call:expr) => {
        match $self {
            AnyGuard::Cooldown($guard) => $call,
            AnyGuard::Outlier($guard) => $call,
            AnyGuard::Breaker($guard) => $call,
            AnyGuard::Hystrix($guard) => $call,
            AnyGuard::ActiveHealth($guard) => $call,
        }
    };
}

impl Guard for AnyGuard {
    fn advance(&mut self, now: Time) {
        each!(self, g => g.advance(now));
    }
    fn admits(&self, now: Time, deployment: usize) -> bool {
        each!(self, g => g.admits(now, deployment))
    }
    fn until(&self, now: Time, deployment: usize) -> Option<Time> {
        each!(self, g => g.until(now, deployment))
    }
    fn on_sent(&mut self, now: Time, deployment: usize) {
        each!(self, g => g.on_sent(now, deployment));
    }
    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        each!(self, g => g.on_end(now, deployment, seen))
    }
    fn on_abandoned(&mut self, now: Time, deployment: usize) {
        each!(self, g => g.on_abandoned(now, deployment));
    }
    fn on_probe(&mut self, now: Time, deployment: usize, probed: Probed) -> bool {
        each!(self, g => g.on_probe(now, deployment, probed))
    }
    fn next_timeout(&self) -> Option<Time> {
        each!(self, g => g.next_timeout())
    }
}
