//! A session: a user's conversation, at most one turn of it in flight.

use super::gateway::Ride;
use super::prompt_cache::{Found, Prefix};
use super::provider::{Arrival, InService};
use super::race::Racer;
use super::replica::ReplicaId;
use super::story::Tokens;
use crate::kernel::MAX_TIME;
use crate::kernel::slab::Key;
use crate::random::EntityKey;
use crate::routing::limits::Grant;
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::units::{DeploymentIx, GroupIx, Span, Time};

/// Where a turn is and what it waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The user reads or types.
    Thinking,
    /// On the way to the region, name resolution and connection set-up included.
    Travelling,
    /// In the region's queue for a free slot.
    Queued,
    /// In the application: reading state, doing its own work.
    InApplication,
    /// A call is on its way to a provider, being served, or its answer is on the way back.
    Calling,
    /// The gateway waits before another attempt.
    BackingOff,
    /// The user's program waits for a connection that will not come.
    Unanswered,
}

/// A live session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Address of all its draws.
    pub key: EntityKey,
    /// Group of its user.
    pub group: GroupIx,
    /// Position of its workload.
    pub workload: u16,
    /// Turns it will have.
    pub turns: u32,
    /// The present turn, counted from 0.
    pub turn: u32,
    /// Row of the trace that it replays, if it does.
    pub row: u32,
    /// Tokens of earlier turns.
    pub history: u32,
    /// Which of the last 64 turns failed, the last in the lowest bit.
    pub failed: u64,
    /// Which of its group's resolvers, networks or programs is its user's; see [`super::steering::Steering::units`].
    pub unit: u32,
    /// Region of the open connection; meaningful until `connected_until`.
    pub connected_to: u8,
    /// When an idle connection is closed.
    pub connected_until: Time,
    /// The last acknowledged write of the conversation.
    pub last_write: Option<Write>,
    /// The turn in flight.
    pub request: Request,
}

/// An acknowledged write of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    /// Region that acknowledged it.
    pub region: u8,
    /// When.
    pub at: Time,
    /// Turn that was written: address of the lag.
    pub turn: u32,
    /// The region died before any other had it.
    pub lost: bool,
}

/// The turn in flight.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Where it is.
    pub phase: Phase,
    /// Number of the present step; events of earlier steps are void.
    pub epoch: u16,
    /// Numbers given to calls so far.
    pub serials: u16,
    /// When the user sent it: every latency counts from here.
    pub sent: Time,
    /// When the present try began.
    pub try_began: Time,
    /// Tries of the user's program, the present one included.
    pub tries: u8,
    /// Position of the region it was sent to.
    pub region: u8,
    /// It reached a region that took it in.
    pub admitted: bool,
    /// It holds a slot of its region.
    pub holds_slot: bool,
    /// The steering system counts it as being on its way.
    pub steered: bool,
    /// It read a state older than the user's last acknowledged write.
    pub stale: bool,
    /// Half of the present round trip between user and region.
    pub half_rtt: Span,
    /// Tokens of the prompt, history included.
    pub prompt: u32,
    /// New input tokens of this turn.
    pub input: u32,
    /// Output tokens that the reference model would write.
    pub output: u32,
    /// What it keeps for its gateway.
    pub ride: Ride,
    /// The first call, and after the turn the one that answered.
    pub call: Call,
    /// Whether the first call is still out.
    pub out: bool,
    /// Number of the last call that joined its race.
    pub legs: u8,
    /// The calls that race it, from the first that joined on.
    pub race: Key<Racer>,
}

/// One of the calls of a turn that are out together, by the order in which they were sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Leg(pub u8);

impl Leg {
    /// The call that the router asked for; those that race it follow.
    pub const FIRST: Leg = Leg(0);
}

/// How long a gateway waits for a call, from when it sends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// For the first token, if the answer is streamed.
    pub first_token: Span,
    /// For the whole answer.
    pub total: Span,
}

/// One attempt of the turn's model call, from the gateway to the provider and back.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its number within the session; events of other numbers are void.
    pub serial: u16,
    /// Number of the attempt within the turn, from 1: address of its draws.
    pub attempt: u32,
    /// Whom it went to.
    pub deployment: DeploymentIx,
    /// Who serves it: whom it went to, or who is in for that one.
    pub served_by: DeploymentIx,
    /// Its answer will count as degraded.
    pub degraded: bool,
    /// It is not the policy's first choice.
    pub fallback: bool,
    /// When the gateway sent it.
    pub sent: Time,
    /// How long the gateway waits for it.
    pub limits: Limits,
    /// Half of the round trip between gateway and provider.
    pub half_rtt: Span,
    /// Whether the answer is streamed: then the gateway sees its first token, otherwise only the whole.
    pub streamed: bool,
    /// The provider has heard of it.
    pub arrived: bool,
    /// When the first token is back at the gateway (or would be, if the answer were streamed).
    pub first_token: Time,
    /// When the last token is back at the gateway, if nothing comes between.
    pub complete: Time,
    /// How it will have ended.
    pub outcome: Outcome,
    /// What the provider's quota granted, until the call is over.
    pub grant: Option<Grant>,
    /// Output tokens that this model writes.
    pub output: u32,
    /// What the prompt cache of its provider saved.
    pub found: Found,
    /// The replica that serves it, if its provider is made of such.
    pub replica: Option<ReplicaId>,
    /// The provider took it in: its input is billed.
    pub accepted: bool,
    /// Its place among the requests in service.
    pub place: Key<InService>,
}

impl Session {
    /// What a provider gets to see of the turn in flight; each call adds the number of its attempt.
    pub fn arrival(&self, max_output: u32, prefix: Option<Prefix>) -> Arrival {
        Arrival {
            turn: self.key.child(u64::from(self.turn)),
            attempt: 0,
            caller: self.request.region,
            prompt: self.request.prompt,
            output: self.request.output,
            max_output,
            prefix,
        }
    }
}

impl Call {
    /// A call that leaves the gateway.
    pub fn new(serial: u16, deployment: DeploymentIx, sent: Time) -> Call {
        Call {
            serial,
            attempt: 0,
            deployment,
            served_by: deployment,
            degraded: false,
            fallback: false,
            sent,
            limits: Limits { first_token: Span::ZERO, total: Span::ZERO },
            half_rtt: Span::ZERO,
            streamed: true,
            arrived: false,
            first_token: Time::ZERO,
            complete: Time::ZERO,
            outcome: Outcome::Ok,
            grant: None,
            output: 0,
            found: Found::default(),
            replica: None,
            accepted: false,
            place: Key::NONE,
        }
    }

    /// When the first byte of the answer is at the gateway: the first token of a streamed answer, the whole of another.
    pub fn first_byte(&self) -> Time {
        if self.streamed { self.first_token } else { self.complete }
    }

    /// When the provider is done with it, if nothing comes between.
    pub fn complete_at_provider(&self) -> Time {
        Time(self.complete.nanos() - self.half_rtt.nanos())
    }

    /// Whether the gateway has seen a part of the answer.
    pub fn begun(&self, now: Time) -> bool {
        self.accepted && self.first_byte() <= now
    }

    /// Output tokens that the provider has written and will be paid for when the gateway closes the connection at `now`.
    ///
    /// A streamed answer goes on until the provider hears of it half a round trip later; its tokens are evenly spaced
    /// between the first and the last. An answer that is not streamed is written to its end, because nothing is sent
    /// before and so nothing shows that nobody waits.
    ///
    /// Novita AI, "LLM API Billing" (documentation of 2026): a client that disconnects after inference has begun is charged
    /// for the tokens used. OpenRouter, "Streaming" (documentation of 2026): cancelling a streamed request stops processing and
    /// billing at OpenAI, Azure, Anthropic and others; without streaming the complete response is billed.
    /// ASSUMPTION: so at every provider; the same page names some (Bedrock, Google, Groq, Mistral) that go on and bill the whole.
    pub fn paid_output(&self, now: Time) -> u32 {
        let seen = now + self.half_rtt.times(2); // when what is sent as the provider hears would be back
        if !self.accepted || (self.streamed && seen < self.first_token) {
            0
        } else if !self.streamed || seen >= self.complete {
            self.output
        } else {
            let (passed, decode) =
                (seen.since(self.first_token).nanos(), self.complete.since(self.first_token).nanos());
            let after_first = u128::from(self.output.saturating_sub(1)) * u128::from(passed) / u128::from(decode);
            (1 + after_first as u32).min(self.output)
        }
    }
}

impl Call {
    /// When the call is over for its gateway, if the news that it has ended as `outcome` says would come at `ends`: then, or
    /// before that at the gateway's own time-out, which is its outcome instead.
    pub fn ends_for_gateway(&mut self, ends: Time) -> Time {
        // nobody waits beyond the end of time, where absurd latencies would lie
        let limit = |after: Span| self.sent.saturating_add(after).min(MAX_TIME);
        let silent = !self.accepted || self.first_token > ends.min(limit(self.limits.first_token));
        let patience =
            if self.streamed && silent { self.limits.first_token.min(self.limits.total) } else { self.limits.total };
        if ends > limit(patience) {
            self.outcome = Outcome::Failed { class: ErrorClass::Timeout, retry_after: None };
        }
        ends.min(limit(patience))
    }

    /// What is billed for a prompt and so much of the answer: nothing if the provider did not take the call in.
    pub fn billed(&self, prompt: u32, output: u32) -> Tokens {
        let Found { cached, written } = self.found;
        if self.accepted {
            Tokens { deployment: self.served_by, input: prompt, cached, written, output }
        } else {
            Tokens { deployment: self.served_by, ..Tokens::default() }
        }
    }
}

impl Request {
    /// No turn in flight yet.
    pub fn idle() -> Request {
        Request {
            phase: Phase::Thinking,
            epoch: 0,
            serials: 0,
            sent: Time::ZERO,
            try_began: Time::ZERO,
            tries: 0,
            region: 0,
            admitted: false,
            holds_slot: false,
            steered: false,
            stale: false,
            half_rtt: Span::ZERO,
            prompt: 0,
            input: 0,
            output: 0,
            ride: Ride::new(None),
            out: false,
            legs: 0,
            race: Key::NONE,
            call: Call::new(0, DeploymentIx(0), Time::ZERO),
        }
    }

    /// A number that no event carries yet.
    pub fn next_serial(&mut self) -> u16 {
        self.serials = self.serials.wrapping_add(1);
        self.serials
    }

    /// Goes to the next step: events of the present one become void.
    pub fn step(&mut self, phase: Phase) -> u16 {
        self.phase = phase;
        self.epoch = self.epoch.wrapping_add(1);
        self.epoch
    }
}
