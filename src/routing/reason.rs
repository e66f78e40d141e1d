//! Why a decision was made, as data. The sink is a generic parameter: [`Silent`] costs nothing.

use crate::routing::bifrost;
use crate::routing::limits::Limit;
use crate::routing::litellm;
use crate::routing::outcome::ErrorClass;
use crate::routing::portkey;
use crate::routing::steering::SteeringReason;
use crate::units::{DeploymentIx, Span, Time};

/// One step of a request's way through the router.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reason {
    /// A deployment may be called.
    Candidate {
        /// Which.
        deployment: DeploymentIx,
        /// Calls of this gateway that are out there.
        in_flight: u32,
    },
    /// A candidate was drawn at random to be compared with the others that were.
    Drawn {
        /// Which.
        deployment: DeploymentIx,
    },
    /// What a candidate was judged by.
    Scored {
        /// Which.
        deployment: DeploymentIx,
        /// The figure.
        figure: Figure,
    },
    /// What the decision goes by besides the candidates.
    Known {
        /// The figure.
        figure: Figure,
    },
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
    /// The pool's attempts are used up.
    AttemptsUsed {
        /// So many may be made in one pool.
        allowed: u32,
    },
    /// A deployment was taken out of service because of how a call has ended.
    TakenOut {
        /// Which.
        deployment: DeploymentIx,
        /// By which kind of guard.
        guard: &'static str,
        /// Until when, if that is known.
        until: Option<Time>,
    },
    /// The next pool of the chain is tried.
    NextPool {
        /// Its position.
        pool: u8,
    },
    /// Every deployment of the chain is out of service: the guards are ignored.
    Panic,
    /// The budget allows no further retry.
    BudgetSpent {
        /// What is left of it.
        left: Figure,
    },
    /// The gateway's throttle holds the call back.
    Paced {
        /// Until when.
        until: Time,
        /// What the throttle goes by.
        known: Figure,
    },
    /// Nobody of the pool has room: the request waits at the gateway.
    Held {
        /// Until when.
        until: Time,
    },
    /// The gateway's throttle refuses the call.
    Shed {
        /// What the throttle goes by.
        known: Figure,
    },
    /// As many calls to the pool are out as may be: the gateway refuses the call.
    Overflow {
        /// Its position in the chain.
        pool: u8,
    },
    /// What a priority level of the pool is worth now.
    Level {
        /// Number of the level, from 0.
        level: u8,
        /// Percent of the traffic.
        load_percent: u8,
        /// Whether its health is ignored.
        panic: bool,
        /// Its health in percent: hosts in service of all, times the factor of overprovisioning.
        health_percent: u8,
        /// Hosts in service.
        available: u16,
        /// Hosts that the request may go to.
        total: u16,
        /// It is left out because the request has been there often enough.
        attempted: bool,
    },
    /// The priority level that the request goes to.
    LevelChosen {
        /// Its number, from 0.
        level: u8,
    },
    /// What a locality of the pool is judged by.
    Locality {
        /// Its position among the pool's localities.
        locality: u16,
        /// The figure.
        figure: Figure,
    },
    /// The locality that the request goes to, or that localities do not matter.
    LocalityChosen {
        /// Its position; `None`: all hosts of the level alike.
        locality: Option<u16>,
        /// By which rule.
        by: &'static str,
    },
    /// A pause before another attempt in the same pool.
    BackedOff {
        /// Until when.
        until: Time,
    },
    /// The Retry-After of a failed call holds back the next one that would race those that are out.
    PushedBack {
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
    /// A step of the choice of a region.
    Steering(SteeringReason),
    /// A step of LiteLLM's router.
    LiteLlm(litellm::Why),
    /// A step of Portkey's gateway.
    Portkey(portkey::Why),
    /// A step of Bifrost.
    Bifrost(bifrost::Why),
}

/// A number that somebody decides by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    /// What it is, with its unit.
    pub what: &'static str,
    /// The number.
    pub value: f64,
    /// The most that it may be, or the whole of which it is a part.
    pub of: Option<f64>,
    /// How many observations it is made of, where it is made of some.
    pub samples: Option<u32>,
    /// How old the newest of what is behind it is; `None` for what is known for good and what the one who decides counts.
    pub age: Option<Span>,
}

impl Figure {
    /// Of what is known for good or counted by whoever decides.
    pub const fn new(what: &'static str, value: f64) -> Figure {
        Figure { what, value, of: None, samples: None, age: None }
    }

    /// With the whole.
    pub const fn of(self, whole: f64) -> Figure {
        Figure { of: Some(whole), ..self }
    }

    /// Of knowledge that may be old.
    pub const fn aged(self, age: Option<Span>) -> Figure {
        Figure { age, ..self }
    }
}

/// Why a deployment was left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exclusion {
    /// A guard of the gateway has taken it out of service.
    Out {
        /// Which kind of guard.
        guard: &'static str,
        /// Until when, if that is known.
        until: Option<Time>,
    },
    /// The user's data may not go there.
    Residency,
    /// This request has already failed there.
    AlreadyTried,
    /// The gateway's own limit lets nothing more through to it.
    AtLimit {
        /// Which limit.
        limit: Limit,
        /// Until when at the latest if nothing else is sent, if that is known.
        until: Option<Time>,
    },
}

/// Where reasons go.
pub trait ReasonSink {
    /// False when reasons are thrown away: work that only prepares them can be skipped.
    fn on(&self) -> bool;
    /// Takes one reason.
    fn push(&mut self, reason: Reason);
    /// Takes what a candidate is judged by, of knowledge without an age.
    fn scored(&mut self, deployment: DeploymentIx, what: &'static str, value: f64) {
        self.push(Reason::Scored { deployment, figure: Figure::new(what, value) });
    }
}

/// Throws reasons away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ReasonSink for Silent {
    #[inline]
    fn on(&self) -> bool {
        false
    }
    #[inline]
    fn push(&mut self, _: Reason) {}
}

impl ReasonSink for Vec<Reason> {
    fn on(&self) -> bool {
        true
    }
    fn push(&mut self, reason: Reason) {
        Vec::push(self, reason);
    }
}
