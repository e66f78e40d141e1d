//! What one request keeps while it is in the tree, and what the router tells its gateway to do.

use super::config::MAX_DEPTH;
use super::plan::TargetIx;
use super::retry::Used;
use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, Span, Time};

/// What the gateway must do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// As which target of the tree.
        target: TargetIx,
        /// When to give it up if the status of its answer is not there, measured from now; `None`: no time-out of Portkey's.
        timeout: Option<Span>,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the deployment that the request was sent to first, or a target that comes before it was left out.
        fallback: bool,
    },
    /// Call [`Router::on_timeout`](super::Router::on_timeout) at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// The answer is complete.
    Succeed,
    /// Nothing is left to try.
    Fail {
        /// What the caller sees.
        end: End,
    },
}

/// How a request ends without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With the failure of the last call.
    Call(ErrorClass),
    /// No condition of a conditional strategy holds and it has no default (400, `RouterError`).
    NoMatch,
    /// All targets with a weight are left out by their circuits.
    NoTarget,
}

/// A strategy that the request stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Level {
    pub strategy: TargetIx,
    /// Targets that may follow, one bit each; none where nothing ever follows.
    pub left: u64,
}

/// What the pause is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pause {
    /// Another attempt of the same target.
    Retry,
    /// Nothing; then the target has answered.
    InVain,
}

/// One request on its way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Journey {
    pub(super) levels: [Level; MAX_DEPTH],
    pub(super) depth: u8,
    /// The target that is being visited.
    pub(super) target: TargetIx,
    pub(super) used: Used,
    pub(super) pause: Option<Pause>,
    pub(super) first: Option<DeploymentIx>,
    /// The first target of a strategy that prefers it was left out.
    pub(super) passed_over: bool,
    /// Failure of the last call.
    pub(super) last: Option<ErrorClass>,
    /// A call is out.
    pub(super) calling: bool,
    pub(super) attempts: u32,
}

impl Journey {
    pub(super) fn new() -> Journey {
        Journey {
            levels: [Level { strategy: TargetIx(0), left: 0 }; MAX_DEPTH],
            depth: 0,
            target: TargetIx(0),
            used: Used::NOTHING,
            pause: None,
            first: None,
            passed_over: false,
            last: None,
            calling: false,
            attempts: 0,
        }
    }

    /// Calls so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}
