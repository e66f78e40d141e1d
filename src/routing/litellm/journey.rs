//! What one request keeps while the router works for it, and what the router tells its gateway to do.
//!
//! Fallbacks nest: a model that is tried as a fallback has retries and fallbacks of its own. Each level is a [`Frame`];
//! there are at most `max_fallbacks` + 1, because a level is only entered below that depth.

use super::failure::Failure;
use super::plan::{ModelIx, OptionsIx};
use super::rate_limit::Reservation;
use super::why::Mechanism;
use crate::routing::request::Request;
use crate::units::{DeploymentIx, Span, Time};
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};

/// What the gateway must do next.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Command {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// When to give it up, measured from now; `None`: LiteLLM's own default, 6000 s.
        timeout: Option<Span>,
        /// It is not the first deployment that this request was sent to.
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
        /// The failure that the caller sees.
        failure: Failure,
    },
}

/// One request on its way.
#[derive(Clone, Debug)]
pub struct Journey {
    pub(super) model: ModelIx,
    pub(super) options: OptionsIx,
    pub(super) streams: bool,
    pub(super) input_tokens: u32,
    pub(super) max_output: Option<u32>,
    pub(super) max_fallbacks: u32,
    pub(super) memory: Lent,
    pub(super) flight: Option<Flight>,
    /// The present call has been answered by a stream, of which nothing may have come yet.
    pub(super) opened: bool,
    /// A part of an answer has been passed on.
    pub(super) begun: bool,
    /// The request's one logging object has reported a failure, to the synchronous and to the asynchronous callbacks.
    pub(super) logged_sync: bool,
    pub(super) logged_asynchronously: bool,
    /// The call that was started last: what such a report is about.
    pub(super) last: Option<(DeploymentIx, ModelIx)>,
    pub(super) first: Option<DeploymentIx>,
    pub(super) attempts: u32,
    pub(super) retries: u32,
    pub(super) fallbacks: u32,
}

/// Lists of a request, and what few requests ever have; the router takes them back at its end and lends them to the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub frames: Vec<Frame>,
    /// Fallbacks that have been tried.
    pub attempted: Vec<Attempted>,
    /// Deployments that weighted failover excludes; each level reads a beginning of it.
    pub excluded: Vec<u16>,
    /// Deployments that refused for good, level after level.
    pub refused: Vec<u16>,
    /// Tags of the deployments that the request was sent to.
    pub met_tags: Vec<u16>,
    /// A failure without a call that the request will report as soon as it waits for something.
    pub unreported: Option<Failure>,
    /// What the call that is out holds of its deployment's limits.
    pub reservation: Option<Reservation>,
}

impl Memory {
    pub fn clear(&mut self) {
        self.frames.clear();
        self.attempted.clear();
        self.excluded.clear();
        self.refused.clear();
        self.met_tags.clear();
        self.unreported = None;
        self.reservation = None;
    }
}

/// Such lists while they are lent, which is until the request ends. Behind a pointer, so that a journey is small enough to be
/// moved about.
#[derive(Clone, Debug)]
pub(super) struct Lent(Option<Box<Memory>>);

impl Lent {
    /// Gives them back, once: a request that has ended may be given up after that.
    pub fn take(&mut self) -> Option<Box<Memory>> {
        self.0.take()
    }
}

impl Deref for Lent {
    type Target = Memory;
    fn deref(&self) -> &Memory {
        self.0.as_deref().expect("a request has its lists until it ends")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Memory {
        self.0.as_deref_mut().expect("a request has its lists until it ends")
    }
}

/// What makes two fallbacks the same attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attempted {
    /// A model's name or an entry of a list, by its key.
    Key(u32),
    /// A higher order of a model.
    Order(ModelIx, i64),
}

/// A call that is out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub deployment: DeploymentIx,
    /// The model that it was picked for: the key of the strategies' maps.
    pub model: ModelIx,
    /// Counter of its slot.
    pub slot: Option<NonZeroU32>,
}

/// One level: a model with its retries, and then its fallbacks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub model: ModelIx,
    pub depth: u32,
    pub target_order: Option<i64>,
    /// How much of `Memory::excluded` is excluded here.
    pub excluded: usize,
    /// How much of it is remembered here for further failovers.
    pub remembered: usize,
    /// Where this level's part of `Memory::refused` begins.
    pub refused_from: usize,
    /// The request's `num_retries`.
    pub num_retries: Option<u32>,
    /// Retries made.
    pub retries: u32,
    /// Retries allowed, known after the first failure.
    pub budget: Option<u32>,
    pub by_policy: bool,
    /// Deployments of the model at the first failure.
    pub all: usize,
    /// The last failure of the model itself.
    pub failure: Option<Failure>,
    pub walk: Option<Walk>,
}

impl Frame {
    pub fn new(model: ModelIx, depth: u32, num_retries: Option<u32>, refused_from: usize) -> Frame {
        Frame {
            model,
            depth,
            target_order: None,
            excluded: 0,
            remembered: 0,
            refused_from,
            num_retries,
            retries: 0,
            budget: None,
            by_policy: false,
            all: 0,
            failure: None,
            walk: None,
        }
    }
}

/// A list of fallbacks being walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub by: Mechanism,
    /// Position of the first higher order among the model's, and how many follow.
    pub orders: (usize, usize),
    /// The chain after them.
    pub chain: Option<u16>,
    /// Next position in both together.
    pub next: usize,
    /// Depth of the last hop.
    pub depth: u32,
    /// What an entry without a model keeps from the one before.
    pub model: ModelIx,
    pub num_retries: Option<u32>,
    /// How much of `Memory::excluded` its hops exclude.
    pub excluded: usize,
    pub last: Failure,
}

impl Journey {
    pub(super) fn new(model: ModelIx, options: OptionsIx, request: &Request<'_>, memory: Box<Memory>) -> Journey {
        Journey {
            model,
            options,
            streams: request.streams,
            input_tokens: request.input_tokens,
            max_output: request.max_output,
            max_fallbacks: 0,
            memory: Lent(Some(memory)),
            flight: None,
            opened: false,
            begun: false,
            logged_sync: false,
            logged_asynchronously: false,
            last: None,
            first: None,
            attempts: 0,
            retries: 0,
            fallbacks: 0,
        }
    }

    /// Whom the call that is out went to.
    pub fn calling(&self) -> Option<DeploymentIx> {
        self.flight.map(|f| f.deployment)
    }

    /// Calls so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Retries of the model that answered (`x-litellm-attempted-retries`).
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Fallbacks as LiteLLM counts them (`x-litellm-attempted-fallbacks`): hops of the outermost level only.
    pub fn fallbacks(&self) -> u32 {
        self.fallbacks
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        self.memory.frames.last_mut().expect("a journey has a level until it ends")
    }
}
