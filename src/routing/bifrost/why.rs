//! Why Bifrost decided as it did, as data for a [`ReasonSink`].

use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{DeploymentIx, Span};

/// One step of a decision. Providers are told by their position.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Why {
    /// A provider that may be first, and its share.
    Weight {
        /// Which.
        provider: u8,
        /// Share of first attempts.
        share: f64,
    },
    /// The provider that is tried.
    Provider {
        /// Which.
        provider: u8,
    },
    /// A key of the provider, when one is chosen.
    Key {
        /// What a call with it is a call of.
        deployment: DeploymentIx,
        /// Its weight.
        weight: f64,
        /// Its chance: the weight among those of all that can be chosen.
        chance: f64,
        /// Why it cannot be chosen, if it cannot.
        out: Option<Out>,
    },
    /// The key that is used.
    Called {
        /// What a call with it is a call of.
        deployment: DeploymentIx,
        /// Whether the key before was another.
        rotated: bool,
    },
    /// All keys that are not dead have been used, so a new round begins.
    NewRound,
    /// The key is dead for the rest of the request.
    DeadKey {
        /// What a call with it is a call of.
        deployment: DeploymentIx,
    },
    /// All keys of the provider are dead.
    NoCredentials,
    /// The failure is not tried again with this provider.
    NotRetried,
    /// The retries of the provider are used up.
    RetriesUsed,
    /// A pause before the next attempt.
    Pause {
        /// How long.
        pause: Span,
    },
    /// The next provider follows.
    FellBack {
        /// Which.
        provider: u8,
    },
    /// All have failed: the first provider's failure is the answer.
    PrimaryFailure,
}

/// Why a key cannot be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Out {
    /// It is dead for the rest of the request.
    Dead,
    /// It has been used in this round.
    Used,
    /// Its weight is 0.
    NoWeight,
}

/// A sink for these reasons.
pub(super) trait Explain: ReasonSink {
    /// Takes one reason, which is only made when somebody listens.
    #[inline]
    fn why(&mut self, why: impl FnOnce() -> Why) {
        if self.on() {
            self.push(Reason::Bifrost(why()));
        }
    }
}

impl<S: ReasonSink> Explain for S {}
