//! Why a decision was made, as data. The sink is a generic parameter: [`Silent`] costs nothing.

use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, Time};

/// One step of a request's way through the router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A deployment was called.
    Chosen {
        /// Which.
        deployment: DeploymentIx,
        /// Position of its pool in the chain.
        pool: u8,
        /// Attempts of this request before this one.
        attempt: u8,
    },
    /// A deployment was not considered.
    Excluded {
        /// Which.
        deployment: DeploymentIx,
        /// Why.
        because: Exclusion,
    },
    /// The next pool of the chain is tried.
    NextPool {
        /// Its position.
        pool: u8,
    },
    /// Every deployment of the chain is cooling down: cool-downs are ignored.
    Panic,
    /// A pause before another attempt in the same pool.
    BackedOff {
        /// Until when.
        until: Time,
    },
    /// The error is not one that is tried again.
    NotRetryable {
        /// The class.
        class: ErrorClass,
    },
    /// Nothing is left to try.
    Exhausted,
}

/// Why a deployment was left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exclusion {
    /// It is cooling down until then.
    CoolingDown {
        /// End of the cool-down.
        until: Time,
    },
    /// The user's data may not go there.
    Residency,
    /// This request has already failed there.
    AlreadyTried,
}

/// Where reasons go.
pub trait ReasonSink {
    /// False when reasons are thrown away: work that only prepares them can be skipped.
    const ON: bool;
    /// Takes one reason.
    fn push(&mut self, reason: Reason);
}

/// Throws reasons away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ReasonSink for Silent {
    const ON: bool = false;
    #[inline]
    fn push(&mut self, _: Reason) {}
}

impl ReasonSink for Vec<Reason> {
    const ON: bool = true;
    fn push(&mut self, reason: Reason) {
        Vec::push(self, reason);
    }
}
