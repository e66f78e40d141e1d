//! What happened to one turn, step by step, as data: the events of its life with their times, the reasons of whoever
//! decided something about it, and what was true although nobody who decided knew it.
//!
//! Stories are collected by [`super::chronicle`]; names and words are given to them above this room.

use super::failure::Failure;
use super::session::Leg;
use crate::random::EntityKey;
use crate::routing::limits::Limit;
use crate::routing::outcome::Outcome;
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{DeploymentIx, GroupIx, Span, Time};

/// The story of one turn.
#[derive(Clone, PartialEq, Debug)]
pub struct Story {
    /// Its number among the turns that count, in the order in which they were sent, from 1.
    pub number: u64,
    /// Address of its draws: the same turn has the same one in every topology.
    pub key: EntityKey,
    /// Address of its session.
    pub session: EntityKey,
    /// Its number within the session, from 0.
    pub turn: u32,
    /// Group of its user.
    pub group: GroupIx,
    /// Position of its workload.
    pub workload: u16,
    /// When it was sent.
    pub sent: Time,
    /// Tokens of its prompt, history included.
    pub prompt: u32,
    /// Steps, in order of time once the story is complete.
    pub steps: Vec<Step>,
    /// How it ended; `None` while it is under way.
    pub ending: Option<Ending>,
    /// Calls that were given up on their way and have not arrived yet: what they cost is not known before.
    pub(super) strays: u32,
}

/// One step of a story.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// Whether a region took a turn in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It has a slot.
    In,
    /// It waits for one.
    Queued,
    /// It was refused.
    Refused,
}

/// A provider's refusal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Refused {
    /// What the gateway will see.
    pub outcome: Outcome,
    /// Which limit of its quota refuses, if that is what does.
    pub limit: Option<Limit>,
    /// Region of the gateway that called, by its position in the topology: whose count it is where quotas are kept per source
    /// region.
    pub caller: u8,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum What {
    /// The user's program tries to send the turn.
    TryBegins {
        /// Number of the try, from 1.
        number: u8,
    },
    /// The open connection leads to that region: nothing was decided.
    Connected {
        /// Position of the region.
        region: u8,
    },
    /// The resolver had an answer in its cache: it was decided before.
    Cached {
        /// When the name service was asked; `None` if that was before the run began.
        asked: Option<Time>,
        /// Until when it is kept.
        expires: Time,
    },
    /// Somebody decides now where the turn goes. Reasons follow.
    Steered,
    /// A reason of the steering system or of the gateway.
    Because(Reason),
    /// It is known where the turn goes.
    Routed {
        /// Position of the region.
        region: u8,
        /// How long it takes to get to know it.
        took: Span,
        /// Round trips before the turn can be sent.
        handshakes: u32,
        /// Half of the round trip between user and region.
        half_rtt: Span,
    },
    /// There is no way to any region.
    NoWay,
    /// Nobody answers at the region; the client waits until then.
    Silence {
        /// End of the client's connect time-out.
        until: Time,
    },
    /// The client's connect time-out is over.
    ClientGivesUp,
    /// The region died with the turn inside.
    RegionDied,
    /// The user's network moved to another site, which broke the connection.
    NetworkMoved,
    /// The turn is at the region's door.
    Arrives {
        /// Whether it was taken in.
        taken: Taken,
        /// Slots in use, its own included.
        in_use: u32,
        /// Slots in all.
        slots: u32,
        /// Turns that wait, itself included.
        waiting: u32,
    },
    /// The turn leaves the queue for a slot.
    LeavesQueue,
    /// The application reads the conversation and does its own work.
    Works {
        /// How long.
        takes: Span,
        /// The state that it read is older than the user's last write.
        stale: bool,
        /// The conversation store does not answer.
        database_down: bool,
        /// The cache does not answer.
        cache_down: bool,
    },
    /// The gateway is asked whom to call. Reasons follow.
    GatewayAsked,
    /// The gateway's pause is over. Reasons follow.
    PauseOver,
    /// Calls have been out for so long that another one may race them. Reasons follow.
    HedgeDue {
        /// So many are out.
        out: u8,
    },
    /// A fault is in force that whoever decides has not noticed: a deployment is called although it is broken.
    UnseenFault {
        /// Deployment that the gateway would call.
        deployment: DeploymentIx,
        /// Which, of the scenario's.
        fault: u16,
        /// When it began.
        since: Time,
    },
    /// The gateway keeps a deployment out of service although no fault is in force there.
    UnseenRepair {
        /// Which.
        deployment: DeploymentIx,
    },
    /// A fault is in force in the region that the turn is sent to.
    UnseenRegionFault {
        /// Position of the region.
        region: u8,
        /// The fault.
        fault: u16,
        /// When it began.
        since: Time,
        /// The health checks have noticed; the answer or the connection that the turn goes by is older, or nothing else is
        /// left.
        noticed: bool,
        /// When the last health check of the region began; `None` if none was made or nobody asks for verdicts.
        checked: Option<Time>,
    },
    /// The health checks take a region for unhealthy although no fault is in force there.
    UnseenRegionRepair {
        /// Position of the region.
        region: u8,
        /// When the last health check of the region began.
        checked: Option<Time>,
    },
    /// A call leaves the gateway.
    Sent {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// To whom.
        deployment: DeploymentIx,
        /// Which of those that are out together.
        leg: Leg,
        /// Its answer will count as degraded.
        degraded: bool,
        /// It is not the policy's first choice.
        fallback: bool,
    },
    /// The call is at its provider, which takes it in or refuses it.
    AtProvider {
        /// Number of the attempt.
        attempt: u32,
        /// The refusal, if it is one.
        refused: Option<Refused>,
        /// To whom it was passed on before that.
        spilled: Option<DeploymentIx>,
        /// Tokens of the prompt that were in the provider's cache; 0 without one.
        cached: u32,
    },
    /// The first byte of the answer is at the gateway.
    FirstByte {
        /// Number of the attempt.
        attempt: u32,
    },
    /// A fault breaks the answer off at the provider.
    BrokenOff {
        /// Number of the attempt.
        attempt: u32,
    },
    /// The attempt is over for the gateway.
    AttemptEnds {
        /// Number of the attempt.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
        /// What is billed for it.
        usage: Tokens,
    },
    /// A part of the answer is with the user already: whatever the gateway has decided after the failure, no other answer can
    /// follow.
    HalfAnswered,
    /// The attempt is given up: another one has won, or nobody is left to take the answer.
    GivenUp {
        /// Number of the attempt.
        attempt: u32,
        /// What is billed for it; nothing yet if it has not reached its provider.
        usage: Tokens,
    },
    /// A call that was given up on its way has reached its provider all the same.
    StrayArrives {
        /// Number of the attempt.
        attempt: u32,
        /// What is billed for it.
        usage: Tokens,
    },
    /// The gateway waits.
    Pauses {
        /// Until when.
        until: Time,
    },
    /// The first byte is with the user.
    UserSees,
    /// It is over for the user.
    Ends(Ending),
}

/// Tokens that a provider bills.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    /// By whom; meaningless where both numbers are 0.
    pub deployment: DeploymentIx,
    /// Of prompts.
    pub input: u32,
    /// Of those, read from the cache of the provider.
    pub cached: u32,
    /// Of those, written to it.
    pub written: u32,
    /// Of answers.
    pub output: u32,
}

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ending {
    /// With an answer.
    Served {
        /// Time to first token, for the user.
        ttft: Span,
        /// Time to the last token, for the user.
        e2e: Span,
        /// By whom.
        deployment: DeploymentIx,
        /// The answer counts as degraded.
        degraded: bool,
        /// It is not the policy's first choice.
        fallback: bool,
        /// The first token took longer than the scenario's limit of what is slow.
        slow: bool,
    },
    /// Without.
    Failed {
        /// Why.
        why: Failure,
        /// How long the user waited for the news.
        after: Span,
    },
}

impl Ending {
    /// How long it took for the user.
    pub fn total(self) -> Span {
        match self {
            Ending::Served { e2e, .. } => e2e,
            Ending::Failed { after, .. } => after,
        }
    }
}

impl Story {
    /// Adds a step.
    pub(super) fn push(&mut self, at: Time, what: What) {
        self.steps.push(Step { at, what });
    }

    /// Deployments that were called, in order.
    pub fn called(&self) -> impl Iterator<Item = DeploymentIx> + '_ {
        self.steps.iter().filter_map(|s| match s.what {
            What::Sent { deployment, .. } => Some(deployment),
            _ => None,
        })
    }

    /// Whom an attempt went to.
    pub fn sent_to(&self, attempt: u32) -> Option<DeploymentIx> {
        self.steps.iter().find_map(|s| match s.what {
            What::Sent { attempt: n, deployment, .. } if n == attempt => Some(deployment),
            _ => None,
        })
    }

    /// Region of the last try.
    pub fn region(&self) -> Option<u8> {
        self.steps.iter().rev().find_map(|s| match s.what {
            What::Routed { region, .. } => Some(region),
            _ => None,
        })
    }

    /// What providers bill for the turn, attempt by attempt.
    pub fn billed(&self) -> impl Iterator<Item = Tokens> + '_ {
        self.steps.iter().filter_map(|s| match s.what {
            What::AttemptEnds { usage, .. } | What::GivenUp { usage, .. } | What::StrayArrives { usage, .. } => {
                Some(usage)
            }
            _ => None,
        })
    }
}

/// Writes reasons into a story.
pub(super) struct Listener<'a> {
    /// Whose.
    pub story: &'a mut Story,
    /// When the decision is made.
    pub at: Time,
}

impl ReasonSink for Listener<'_> {
    fn on(&self) -> bool {
        true
    }
    fn push(&mut self, reason: Reason) {
        self.story.push(self.at, What::Because(reason));
    }
}
