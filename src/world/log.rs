//! A log of all that the gateways were told, did and saw, in order. It is kept only when somebody asks for it
//! ([`Run::keep_log`](super::Run::keep_log)): to set the simulated gateway beside another that drives the same router.

use super::World;
use super::event::SessionKey;
use super::gateway::Command;
use crate::random::EntityKey;
use crate::routing::outcome::Outcome;
use crate::units::{DeploymentIx, Time};

/// One line of the log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Entry {
    /// When, at the gateway.
    pub at: Time,
    /// Address of the session whose turn it is.
    pub session: EntityKey,
    /// Number of the turn within the session.
    pub turn: u32,
    /// What.
    pub what: Happening,
}

/// What happened at a gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Happening {
    /// The application asks for a model's answer.
    Asked,
    /// The gateway does what its router commands.
    Obeyed(Command),
    /// Another call goes out to race those that are out.
    Hedged {
        /// Whom it calls.
        deployment: DeploymentIx,
    },
    /// A call has ended.
    Ended {
        /// Whom it went to.
        deployment: DeploymentIx,
        /// How.
        outcome: Outcome,
    },
    /// A call is given up: another one of a race has won, or nobody waits any more.
    GivenUp {
        /// Whom it went to.
        deployment: DeploymentIx,
    },
}

impl World<'_> {
    /// Writes a line, if a log is kept.
    #[inline]
    pub(super) fn note(&mut self, at: Time, session: SessionKey, what: Happening) {
        if let Some(log) = &mut self.log {
            let s = &self.sessions[session];
            log.push(Entry { at, session: s.key, turn: s.turn, what });
        }
    }
}
