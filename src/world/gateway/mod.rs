//! A region's gateway at work: which router it runs, what it asks it about a turn, with what knowledge and which draws.

mod bifrost;
mod litellm;
mod own;
mod portkey;
mod product;

pub use own::router_config;

use super::World;
use super::event::SessionKey;
use super::failure::Failure;
use super::purpose::ROUTING;
use super::session::{Call, Limits};
use super::story::{Listener, Story};
use crate::kernel::slab::Key;
use crate::random::{Draws, EntityKey};
use crate::routing::balance::LoadReport;
use crate::routing::entropy::Entropy;
use crate::routing::guard::Probed;
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::routing::reason::{ReasonSink, Silent};
use crate::routing::request::Request;
use crate::routing::router::{Journey, Router};
use crate::scenario::model::{self, Scenario, Topology};
use crate::units::{DeploymentIx, RegionIx, Time};
use product::{Held, Product};

/// The router of a region's gateway.
#[derive(Debug)]
pub enum Gateway {
    /// geodes' own.
    Own(Box<own::Own>),
    /// LiteLLM's.
    LiteLlm(Box<Product<litellm::LiteLlm>>),
    /// Portkey's.
    Portkey(Box<Product<portkey::Portkey>>),
    /// Bifrost.
    Bifrost(Box<Product<bifrost::Bifrost>>),
}

/// What a turn keeps for the gateway that it is with.
#[derive(Clone, Copy, Debug)]
pub struct Ride {
    /// Residency class of the user.
    class: Option<u8>,
    /// Attempts so far, those with gateways that have died included: part of the address of draws.
    attempts: u16,
    /// Draws that a product has made for the turn.
    draws: u32,
    with: With,
}

/// The gateway that a turn is with.
#[derive(Clone, Copy, Debug)]
enum With {
    /// None yet, or not any more: its gateway has died, or a product is done with it.
    Nobody,
    /// geodes' own router.
    Own(Journey),
    /// A product, which keeps the request.
    Product(Key<Held>),
}

impl Ride {
    /// A turn before its first attempt.
    pub fn new(class: Option<u8>) -> Ride {
        Ride { class, attempts: 0, draws: 0, with: With::Nobody }
    }

    /// The same turn after its gateway died: another one starts from the beginning, the count of attempts goes on.
    pub fn restart(&self) -> Ride {
        let with = match self.with {
            With::Own(journey) => With::Own(journey.restart(self.class)),
            _ => With::Nobody,
        };
        Ride { with, ..*self }
    }

    /// When its gateway is to be asked for another call that races those that are out.
    pub fn hedge_at(&self) -> Option<Time> {
        match &self.with {
            With::Own(journey) => journey.hedge_at(),
            _ => None,
        }
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u32 {
        match &self.with {
            With::Own(journey) => journey.attempts(),
            _ => u32::from(self.attempts),
        }
    }
}

/// A call that a gateway makes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Attempt {
    /// Of which deployment.
    pub deployment: DeploymentIx,
    /// The answer will count as degraded.
    pub degraded: bool,
    /// It is not the first choice.
    pub fallback: bool,
    /// How long it waits.
    pub limits: Limits,
}

/// What a gateway does next.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Command {
    /// It calls a deployment.
    Attempt(Attempt),
    /// It waits.
    Wait {
        /// Until then.
        until: Time,
    },
    /// The answer is complete.
    Succeed,
    /// It does nothing: other calls of the turn are out.
    Await,
    /// Nothing is left to try.
    Fail {
        /// The last call's error; `None` when no deployment could be called at all.
        class: Option<ErrorClass>,
    },
    /// It refuses the turn itself.
    Refuse {
        /// What the user's program sees.
        why: Failure,
    },
}

/// Addressed entropy for a router: the n-th choice before the k-th attempt of a turn is the same whatever other turns do.
pub struct TurnEntropy<'a> {
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

/// A turn as its gateway sees it.
struct Turn<'a> {
    ride: &'a mut Ride,
    workload: u16,
    request: Request<'a>,
    draws: &'a Draws,
    key: EntityKey,
}

impl<'a> Turn<'a> {
    /// A product's draws: one after the other, whatever they are for.
    fn entropy(&self) -> TurnEntropy<'a> {
        TurnEntropy { draws: self.draws, turn: self.key, next: u64::from(self.ride.draws) }
    }
}

/// One question to the gateway of a turn's region.
pub(super) struct Question<'a> {
    gateway: &'a mut Gateway,
    turn: Turn<'a>,
    /// Of the turn, if it is followed.
    story: Option<&'a mut Story>,
}

/// Asks with whoever listens to the reasons: the story of the turn, or nobody.
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

/// What geodes' own gateway does, and what every product does.
macro_rules! of {
    ($gateway:expr, $own:pat => $by_own:expr, $product:pat => $by_product:expr $(,)?) => {
        match $gateway {
            Gateway::Own($own) => $by_own,
            Gateway::LiteLlm($product) => $by_product,
            Gateway::Portkey($product) => $by_product,
            Gateway::Bifrost($product) => $by_product,
        }
    };
}

impl Gateway {
    /// The gateway of a topology in one place, which knows nothing yet.
    pub fn new(scenario: &Scenario, topology: &Topology, from: RegionIx) -> Gateway {
        match &topology.gateway {
            model::Gateway::Own => Gateway::Own(Box::new(own::Own::new(scenario, topology, from))),
            model::Gateway::LiteLlm(spec) => Gateway::LiteLlm(Box::new(litellm::LiteLlm::new(scenario, spec))),
            model::Gateway::Portkey(spec) => Gateway::Portkey(Box::new(portkey::Portkey::new(scenario, spec, from))),
            model::Gateway::Bifrost(spec) => Gateway::Bifrost(Box::new(bifrost::Bifrost::new(scenario, spec))),
        }
    }

    /// Whether it would call a deployment at present, as far as its own knowledge goes.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        of!(self, own => own.available(now, deployment), product => product.available(now, deployment))
    }

    /// A deployment has reported its load. Products ask for no such reports.
    pub fn on_report(&mut self, deployment: DeploymentIx, report: LoadReport) {
        if let Gateway::Own(own) = self {
            own.on_report(deployment, report);
        }
    }

    /// Of when the last report is that the gateway has of a deployment.
    pub fn reported_at(&self, deployment: DeploymentIx) -> Option<Time> {
        of!(self, own => own.reported_at(deployment), _ => None)
    }

    /// A health check of a deployment has its result: true when that has just taken it out of service. Products have no
    /// such checks here.
    pub fn on_probe(&mut self, now: Time, deployment: DeploymentIx, probed: Probed) -> bool {
        of!(self, own => own.on_probe(now, deployment, probed), _ => false)
    }

    /// What it counts as being under way: 0 when no turn is with it.
    pub fn outstanding(&self) -> u64 {
        of!(self, own => own.outstanding(), product => product.requests())
    }
}

impl World<'_> {
    /// Turns to the gateway of the region that the turn is in, which will choose: it looks at what there is to know first.
    pub(super) fn ask_gateway(&mut self, session: SessionKey, now: Time) -> Question<'_> {
        self.learn_loads(usize::from(self.sessions[session].request.region), now);
        self.look_into_prompt(session);
        self.question(session, true)
    }

    /// Turns to the gateway of the region that the turn is in with news that leave nothing to choose.
    pub(super) fn tell_gateway(&mut self, session: SessionKey) -> Question<'_> {
        self.question(session, false)
    }

    fn question(&mut self, session: SessionKey, looked: bool) -> Question<'_> {
        let s = &mut self.sessions[session];
        let request = Request {
            streams: self.demand[usize::from(s.workload)].streamed,
            input_tokens: s.request.prompt,
            max_output: Some(self.demand[usize::from(s.workload)].max_output),
            affinity: s.key.0,
            blocks: if looked { self.knowledge.blocks() } else { &[] },
        };
        Question {
            gateway: &mut self.regions[usize::from(s.request.region)].gateway,
            turn: Turn {
                key: s.key.child(u64::from(s.turn)),
                workload: s.workload,
                ride: &mut s.request.ride,
                request,
                draws: &self.draws,
            },
            story: self.chronicle.story(session),
        }
    }
}

impl Question<'_> {
    /// The application wants a model's answer.
    pub(super) fn on_request(mut self, now: Time) -> Command {
        heard!(self, now, sink => self.request(now, sink))
    }

    fn request<S: ReasonSink>(self, now: Time, sink: &mut S) -> Command {
        let Question { gateway, turn, .. } = self;
        of!(
            gateway,
            own => {
                own.begin(turn.ride);
                let entropy = &mut own::entropy(&turn);
                own.ask(turn.ride, |router, journey| router.on_request(now, journey, &turn.request, entropy, sink))
            },
            product => product.on_request(now, turn, sink),
        )
    }

    /// The pause that the gateway asked for is over.
    pub(super) fn on_timeout(mut self, now: Time) -> Command {
        heard!(self, now, sink => self.timeout(now, sink))
    }

    fn timeout<S: ReasonSink>(self, now: Time, sink: &mut S) -> Command {
        let Question { gateway, turn, .. } = self;
        of!(
            gateway,
            own => {
                let mut entropy = own::entropy(&turn);
                // the draws before the pause have the first addresses
                entropy.next += 128;
                own.ask(turn.ride, |router, journey| router.on_timeout(now, journey, &turn.request, &mut entropy, sink))
            },
            product => product.on_timeout(now, turn, sink),
        )
    }

    /// Calls have been out for so long that another may race them. Products do not hedge.
    pub(super) fn on_hedge(mut self, now: Time) -> Option<Command> {
        heard!(self, now, sink => self.hedge(now, sink))
    }

    fn hedge<S: ReasonSink>(self, now: Time, sink: &mut S) -> Option<Command> {
        let Question { gateway: Gateway::Own(own), turn, .. } = self else { return None };
        let entropy = &mut own::entropy(&turn);
        // a hedge that is not sent leaves the attempt's first addresses to the decision after it
        entropy.next += 64;
        let hedge =
            |router: &mut Router, journey: &mut Journey| router.on_hedge(now, journey, &turn.request, entropy, sink);
        let command = own.tell(turn.ride, hedge);
        command.map(|c| own.command(c))
    }

    /// A call has ended; true in the second place when that took its deployment out of service.
    pub(super) fn on_outcome(mut self, now: Time, call: &Call) -> (Command, bool) {
        heard!(self, now, sink => self.outcome(now, call, sink))
    }

    fn outcome<S: ReasonSink>(self, now: Time, call: &Call, sink: &mut S) -> (Command, bool) {
        let Question { gateway, turn, .. } = self;
        let seen = observation(call, now, &turn.request);
        of!(
            gateway,
            own => {
                let entropy = &mut own::entropy(&turn);
                let (command, taken_out) = own.tell(turn.ride, |router, journey| {
                    router.on_outcome(now, journey, &turn.request, call.deployment, &seen, entropy, sink)
                });
                (own.command(command), taken_out)
            },
            product => product.on_outcome(now, turn, &seen, sink),
        )
    }

    /// A call is given up.
    pub(super) fn on_abandoned(self, now: Time, deployment: DeploymentIx) {
        let ride = self.turn.ride;
        of!(
            self.gateway,
            own => own.tell(ride, |router, journey| router.on_abandoned(now, journey, deployment)),
            product => product.on_abandoned(now, ride),
        );
    }

    /// The request ends although the gateway would have tried again after a pause.
    pub(super) fn on_given_up(self, now: Time) {
        let ride = self.turn.ride;
        of!(self.gateway, own => own.tell(ride, Router::on_given_up), product => product.on_abandoned(now, ride));
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
        cached_tokens: if complete { call.found.cached } else { 0 },
        output_tokens: if complete { call.output } else { 0 },
    }
}
