//! Why Portkey's gateway decided as it did, as data for a [`ReasonSink`].

use super::plan::TargetIx;
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{DeploymentIx, Span, Time};
use std::fmt;

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
        /// Its weight.
        weight: f64,
        /// Its chance: the weight among those of all that are in service.
        chance: f64,
    },
    /// What the circuit of a target has counted, which is not open and has counted something.
    Counted {
        /// Whom it calls.
        deployment: DeploymentIx,
        /// Answers that were failures.
        failures: u32,
        /// All answers.
        answers: u32,
    },
    /// A field that a condition looked at, up to the first that decides.
    Looked {
        /// Position of the condition.
        condition: u16,
        /// The field, as in `metadata.tier`.
        field: Excerpt,
        /// What the request brings there; `None`: nothing.
        value: Option<Excerpt>,
        /// Whether the tests of the field hold.
        holds: bool,
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
        /// Answers that were failures.
        failures: u32,
        /// All answers that were counted.
        answers: u32,
    },
}

/// The beginning of a text, without memory of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; Excerpt::MOST],
    len: u8,
    more: bool,
}

impl Excerpt {
    const MOST: usize = 46;

    /// As much of a text as fits.
    pub fn of(text: &str) -> Excerpt {
        let len = text.floor_char_boundary(Excerpt::MOST);
        let mut bytes = [0; Excerpt::MOST];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Excerpt { bytes, len: len as u8, more: len < text.len() }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes[..usize::from(self.len)]))?;
        f.write_str(if self.more { "..." } else { "" })
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
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
