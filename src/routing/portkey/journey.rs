//! What one request keeps while it is in the tree, and what the router tells its gateway to do.

use super::config::MAX_DEPTH;
use super::plan::TargetIx;
use super::retry::Used;
use crate::routing::calls::{self, Calls};
use crate::routing::outcome::ErrorClass;

/// What the gateway must do next. A call is also a fallback when a target that comes before its own was left out.
pub type Command = calls::Command<End>;

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
    pub(super) calls: Calls,
    /// The first target of a strategy that prefers it was left out.
    pub(super) passed_over: bool,
    /// Failure of the last call.
    pub(super) last: Option<ErrorClass>,
}

impl Journey {
    pub(super) fn new() -> Journey {
        Journey {
            levels: [Level { strategy: TargetIx(0), left: 0 }; MAX_DEPTH],
            depth: 0,
            target: TargetIx(0),
            used: Used::NOTHING,
            pause: None,
            calls: Calls::default(),
            passed_over: false,
            last: None,
        }
    }
}
