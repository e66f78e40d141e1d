//! A product as a gateway: the requests that it has, what their turns bring, and the bookkeeping of a turn that is with it.
//!
//! What is particular to a product stands in its [`Rules`].

use super::super::session::Limits;
use super::{Attempt, Command, Ride, Turn, TurnEntropy, With};
use crate::kernel::slab::Key;
use crate::kernel::{MAX_TIME, Slab};
use crate::routing::calls;
use crate::routing::outcome::Observation;
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::scenario::model::Scenario;
use crate::units::{DeploymentIx, Span, Time};

/// What a product does next for a turn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// It calls a deployment.
    Attempt {
        /// Which of the scenario's.
        deployment: DeploymentIx,
        /// How long it waits for the first byte of the answer: the first token of a stream, the whole of any other answer.
        timeout: Span,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the first choice.
        fallback: bool,
    },
    /// It waits.
    Wait {
        /// Until then.
        until: Time,
    },
    /// It is done with the turn and keeps nothing of it.
    End(Command),
}

impl Step {
    /// What a command means of a router that knows the scenario's deployments; `failed` says how a request ends.
    pub fn of<E>(command: calls::Command<E>, failed: impl FnOnce(E) -> Command) -> Step {
        match command {
            calls::Command::Attempt { deployment, timeout, degraded, fallback } => {
                Step::Attempt { deployment, timeout, degraded, fallback }
            }
            calls::Command::Wait { until } => Step::Wait { until },
            calls::Command::Succeed => Step::End(Command::Succeed),
            calls::Command::Fail { end } => Step::End(failed(end)),
        }
    }
}

/// A product: its router, seen from a turn.
pub trait Rules {
    /// What it keeps of a request on its way.
    type Journey;
    /// What a turn brings besides its prompt: by workload and residency class, never changing.
    type Brings;

    /// The application wants a model's answer.
    fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        brings: &Self::Brings,
        request: &Request<'_>,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Self::Journey, Step);

    /// The pause that it asked for is over.
    fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Self::Journey,
        brings: &Self::Brings,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> Step;

    /// The call has ended; true in the second place when that took what was called out of service.
    fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Self::Journey,
        brings: &Self::Brings,
        seen: &Observation,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Step, bool);

    /// The request is given up, in a call or in a pause. By itself it is forgotten, and nobody learns of it.
    fn on_abandoned(&mut self, _now: Time, _journey: &mut Self::Journey) {}

    /// Whether it would call a deployment at present, as far as its own knowledge goes.
    fn available(&self, now: Time, deployment: DeploymentIx) -> bool;
}

/// A request that some product has. Only keys are of this type, so that a turn need not know which product it is with.
#[derive(Debug)]
pub enum Held {}

/// A product, and the requests that are with it.
pub struct Product<R: Rules> {
    rules: R,
    requests: Slab<R::Journey>,
    /// `workload * (classes + 1) + class`, the first for users without a class.
    brings: Vec<R::Brings>,
    classes: usize,
}

impl<R: Rules> std::fmt::Debug for Product<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Product").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl<R: Rules> Product<R> {
    /// A product without requests. `brings` says what the turns of a workload bring whose users have a residency class, or none.
    pub(super) fn new(
        scenario: &Scenario,
        mut rules: R,
        mut brings: impl FnMut(&mut R, usize, Option<usize>) -> R::Brings,
    ) -> Product<R> {
        let classes = scenario.residency.len();
        let mut table = Vec::new();
        for workload in 0..scenario.workloads.len() {
            for class in std::iter::once(None).chain((0..classes).map(Some)) {
                table.push(brings(&mut rules, workload, class));
            }
        }
        Product { rules, requests: Slab::new(), brings: table, classes }
    }

    /// See [`Rules::available`].
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.rules.available(now, deployment)
    }

    /// Requests that it has.
    pub fn requests(&self) -> u64 {
        self.requests.len() as u64
    }

    /// Where the table has what the turn brings.
    fn brought(&self, turn: &Turn<'_>) -> usize {
        let class = turn.ride.class.map_or(0, |c| usize::from(c) + 1);
        usize::from(turn.workload) * (self.classes + 1) + class
    }

    pub(super) fn on_request<S: ReasonSink>(&mut self, now: Time, turn: Turn<'_>, sink: &mut S) -> Command {
        let brings = &self.brings[self.brought(&turn)];
        let mut entropy = turn.entropy();
        let (journey, step) = self.rules.on_request(now, brings, &turn.request, &mut entropy, sink);
        turn.ride.draws = entropy.next as u32;
        let key = self.requests.insert(journey);
        turn.ride.with = With::Product(key.retyped());
        self.obey(turn.ride, key, turn.request.streams, step)
    }

    pub(super) fn on_timeout<S: ReasonSink>(&mut self, now: Time, turn: Turn<'_>, sink: &mut S) -> Command {
        let key = held(turn.ride);
        let brings = &self.brings[self.brought(&turn)];
        let mut entropy = turn.entropy();
        let step = self.rules.on_timeout(now, &mut self.requests[key], brings, &mut entropy, sink);
        turn.ride.draws = entropy.next as u32;
        self.obey(turn.ride, key, turn.request.streams, step)
    }

    pub(super) fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        turn: Turn<'_>,
        seen: &Observation,
        sink: &mut S,
    ) -> (Command, bool) {
        let key = held(turn.ride);
        let brings = &self.brings[self.brought(&turn)];
        let mut entropy = turn.entropy();
        let journey = &mut self.requests[key];
        let (step, taken_out) = self.rules.on_outcome(now, journey, brings, seen, &mut entropy, sink);
        turn.ride.draws = entropy.next as u32;
        (self.obey(turn.ride, key, turn.request.streams, step), taken_out)
    }

    pub(super) fn on_abandoned(&mut self, now: Time, ride: &mut Ride) {
        let gone = self.requests.remove(held(ride));
        ride.with = With::Nobody;
        if let Some(mut journey) = gone {
            self.rules.on_abandoned(now, &mut journey);
        }
    }

    fn obey(&mut self, ride: &mut Ride, key: Key<R::Journey>, streams: bool, step: Step) -> Command {
        match step {
            Step::Attempt { deployment, timeout, degraded, fallback } => {
                ride.attempts = ride.attempts.saturating_add(1);
                // nothing bounds a stream that has begun
                let total = if streams { MAX_TIME.since(Time::ZERO) } else { timeout };
                let limits = Limits { first_token: timeout, total };
                Command::Attempt(Attempt { deployment, degraded, fallback, limits })
            }
            Step::Wait { until } => Command::Wait { until },
            Step::End(command) => {
                self.requests.remove(key);
                ride.with = With::Nobody;
                command
            }
        }
    }
}

/// The request of a turn with a product. The turn's gateway knows which product that is.
fn held<J>(ride: &Ride) -> Key<J> {
    match ride.with {
        With::Product(key) => key.retyped(),
        _ => unreachable!("a turn that is with a product has a request there"),
    }
}
