//! A region's gateway at work: what it asks its router about a turn, with what knowledge and which draws.

use super::World;
use super::event::SessionKey;
use super::purpose::ROUTING;
use super::session::Call;
use super::story::{Listener, Story};
use crate::random::{Draws, EntityKey};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::reason::Silent;
use crate::routing::request::Request;
use crate::routing::router::{Command, Journey, Router};
use crate::units::{DeploymentIx, Time};

/// Addressed entropy for the router: the n-th choice before the k-th attempt of a turn is the same whatever other turns
/// do.
struct TurnEntropy<'a> {
    draws: &'a Draws,
    turn: EntityKey,
    next: u64,
}

impl Entropy for TurnEntropy<'_> {
    fn uniform(&mut self) -> f64 {
        self.next += 1;
        self.draws.uniform(ROUTING, self.turn, self.next)
    }
}

/// One question to the router of a turn's region.
pub(super) struct Question<'a> {
    router: &'a mut Router,
    journey: &'a mut Journey,
    request: Request<'a>,
    entropy: TurnEntropy<'a>,
    /// Of the turn, if it is followed.
    story: Option<&'a mut Story>,
}

/// Calls the router with whoever listens to its reasons: the story of the turn, or nobody.
macro_rules! heard {
    ($question:ident, $now:expr, $sink:ident => $call:expr) => {
        match $question.story.take() {
            Some(story) => {
                let $sink = &mut Listener { story, at: $now };
                $call
            }
            None => {
                let $sink = &mut Silent;
                $call
            }
        }
    };
}

impl World<'_> {
    /// Turns to the router of the region that the turn is in.
    pub(super) fn ask_router(&mut self, session: SessionKey, now: Time) -> Question<'_> {
        self.learn_loads(usize::from(self.sessions[session].request.region), now);
        self.look_into_prompt(session);
        let s = &mut self.sessions[session];
        let turn = s.key.child(u64::from(s.turn));
        let entropy = TurnEntropy { draws: &self.draws, turn, next: u64::from(s.request.journey.attempts()) << 8 };
        let request = Request {
            streams: self.demand[usize::from(s.workload)].streamed,
            input_tokens: s.request.prompt,
            max_output: Some(self.demand[usize::from(s.workload)].max_output),
            affinity: s.key.0,
            blocks: self.knowledge.blocks(),
        };
        let router = &mut self.regions[usize::from(s.request.region)].router;
        let story = self.chronicle.story(session);
        Question { router, journey: &mut s.request.journey, request, entropy, story }
    }
}

impl Question<'_> {
    /// The application wants a model's answer.
    pub(super) fn on_request(mut self, now: Time) -> Command {
        heard!(self, now, sink => self.router.on_request(now, self.journey, &self.request, &mut self.entropy, sink))
    }

    /// The pause that the router asked for is over.
    pub(super) fn on_timeout(mut self, now: Time) -> Command {
        // the draws before the pause have the first addresses
        self.entropy.next += 128;
        heard!(self, now, sink => self.router.on_timeout(now, self.journey, &self.request, &mut self.entropy, sink))
    }

    /// A call has been out for so long that a second may race it.
    pub(super) fn on_hedge(mut self, now: Time) -> Option<Command> {
        heard!(self, now, sink => self.router.on_hedge(now, self.journey, &self.request, &mut self.entropy, sink))
    }

    /// A call has ended; true in the second place when that took its deployment out of service.
    pub(super) fn on_outcome(mut self, now: Time, call: &Call) -> (Command, bool) {
        let seen = observation(call, now, &self.request);
        heard!(self, now, sink => {
            self.router.on_outcome(now, self.journey, &self.request, call.deployment, &seen, &mut self.entropy, sink)
        })
    }

    /// A call has failed while another is still out; true when that took its deployment out of service.
    pub(super) fn observe(self, now: Time, call: &Call) -> bool {
        let seen = observation(call, now, &self.request);
        self.router.observe(now, self.journey, call.deployment, &seen)
    }

    /// A call is given up.
    pub(super) fn on_abandoned(self, now: Time, deployment: DeploymentIx) {
        self.router.on_abandoned(now, self.journey, deployment);
    }

    /// The request ends although the router would have tried again after a pause.
    pub(super) fn on_given_up(self) {
        self.router.on_given_up(self.journey);
    }
}

/// What the gateway sees of a call that ends now.
fn observation(call: &Call, now: Time, request: &Request<'_>) -> Observation {
    let complete = call.outcome == Outcome::Ok;
    Observation {
        outcome: call.outcome,
        sent: call.sent,
        first_token: call.begun(now).then_some(call.first_byte()),
        streamed: request.streams,
        input_tokens: if complete { request.input_tokens } else { 0 },
        cached_tokens: 0,
        output_tokens: if complete { call.output } else { 0 },
    }
}
