//! Why Portkey's gateway decided as it did, as data for a [`ReasonSink`].

use super::plan::TargetIx;
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{DeploymentIx, Span, Time};

/// One step of a decision.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Why {
    /// The request comes to a strategy.
    Entered {
        /// Which.
        strategy: TargetIx,
        /// Its mode.
        mode: &'static str,
    },
    /// A target of it is left out because its circuit is open.
    Open {
        /// Whom it calls.
        deployment: DeploymentIx,
        /// Until when.
        until: Time,
    },
    /// The circuits of all its targets are open, so none is left out.
    AllOpen,
    /// A target that the load is shared with.
    Weight {
        /// Which.
        target: TargetIx,
        /// Its share.
        weight: f64,
    },
    /// A condition holds.
    Matched {
        /// Its position.
        condition: u16,
        /// Where it leads to.
        target: TargetIx,
    },
    /// No condition holds: the default.
    Default {
        /// Where it leads to.
        target: TargetIx,
    },
    /// No condition holds and there is no default.
    NoMatch,
    /// All targets with a weight are left out.
    NoTarget,
    /// A deployment is called.
    Called {
        /// Which.
        deployment: DeploymentIx,
        /// As which target.
        target: TargetIx,
    },
    /// A target has answered: with this status, or, when nobody could be called, with none.
    Answered {
        /// The status.
        status: Option<u16>,
    },
    /// The same target is called again after a pause.
    Retry {
        /// How long.
        pause: Span,
        /// The provider's Retry-After.
        asked: bool,
    },
    /// The status is not one that the target is called again for.
    NotRetried,
    /// The retries of the target are used up.
    RetriesUsed,
    /// The provider asks for a longer pause than is made.
    RetryAfterTooLong {
        /// How long.
        asked: Span,
    },
    /// The next target of a fallback strategy is tried.
    FellBack {
        /// Which.
        target: TargetIx,
    },
    /// The fallback strategy ends with this answer, whose status is not one that it falls back after.
    Kept {
        /// Which strategy.
        strategy: TargetIx,
    },
    /// The circuit of a target opens.
    Opened {
        /// Whom it calls.
        deployment: DeploymentIx,
        /// Until when.
        until: Time,
    },
}

/// A sink for these reasons.
pub(super) trait Explain: ReasonSink {
    /// Takes one reason, which is only made when somebody listens.
    #[inline]
    fn why(&mut self, why: impl FnOnce() -> Why) {
        if self.on() {
            self.push(Reason::Portkey(why()));
        }
    }
}

impl<S: ReasonSink> Explain for S {}
