//! Bifrost.
//!
//! Time-outs: `default_request_timeout` bounds the wait for the headers (`core` tests of the header time-out, 2026).
//! ASSUMPTION: a provider sends them with the first token of a stream and with the whole of any other answer.

use super::super::session::Limits;
use super::{Attempt, Command, Draw, Ride, With};
use crate::kernel::MAX_TIME;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::routing::bifrost::{self, End, Journey, Router};
use crate::routing::outcome::{ErrorClass, Observation};
use crate::routing::reason::ReasonSink;
use crate::scenario::model::{BifrostGateway, Scenario};
use crate::units::Time;

/// Bifrost, and the requests that are with it.
pub struct Bifrost {
    router: Router,
    requests: Slab<Journey>,
    /// `workload * (classes + 1) + class`, the first for users without a class.
    virtual_keys: Vec<usize>,
    classes: usize,
}

impl std::fmt::Debug for Bifrost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bifrost").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl Bifrost {
    /// A gateway that knows nothing.
    pub fn new(scenario: &Scenario, spec: &BifrostGateway) -> Bifrost {
        let classes = scenario.residency.len();
        let of = |w| std::iter::once(None).chain((0..classes).map(Some)).map(move |c| spec.virtual_key(w, c));
        Bifrost {
            router: Router::new(spec.config.clone()).expect("validation refuses what can never serve"),
            requests: Slab::new(),
            virtual_keys: (0..scenario.workloads.len()).flat_map(of).collect(),
            classes,
        }
    }

    /// Requests that it has.
    pub fn requests(&self) -> u32 {
        self.requests.len() as u32
    }

    pub(super) fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        (workload, streams): (u16, bool),
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let class = ride.class.map_or(0, |c| usize::from(c) + 1);
        let virtual_key = self.virtual_keys[usize::from(workload) * (self.classes + 1) + class];
        let mut entropy = draw.after(ride);
        let (journey, command) = self.router.on_request(now, virtual_key, &mut entropy, sink);
        ride.draws = entropy.next as u32;
        let key = self.requests.insert(journey);
        ride.with = With::Bifrost(key);
        self.obey(ride, key, streams, command)
    }

    pub(super) fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        streams: bool,
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let key = key(ride);
        let mut entropy = draw.after(ride);
        let command = self.router.on_timeout(now, &mut self.requests[key], &mut entropy, sink);
        ride.draws = entropy.next as u32;
        self.obey(ride, key, streams, command)
    }

    pub(super) fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        seen: &Observation,
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let key = key(ride);
        let mut entropy = draw.after(ride);
        let command = self.router.on_outcome(now, &mut self.requests[key], seen, &mut entropy, sink);
        ride.draws = entropy.next as u32;
        self.obey(ride, key, seen.streamed, command)
    }

    /// The request is given up.
    pub(super) fn on_abandoned(&mut self, now: Time, ride: &mut Ride) {
        let gone = self.requests.remove(key(ride));
        ride.with = With::Nobody;
        if let Some(mut journey) = gone {
            self.router.on_abandoned(now, &mut journey);
        }
    }

    fn obey(&mut self, ride: &mut Ride, key: Key<Journey>, streams: bool, command: bifrost::Command) -> Command {
        let end = match command {
            bifrost::Command::Attempt { deployment, timeout, degraded, fallback } => {
                ride.attempts = ride.attempts.saturating_add(1);
                let total = if streams { MAX_TIME.since(Time::ZERO) } else { timeout };
                let limits = Limits { first_token: timeout, total };
                return Command::Attempt(Attempt { deployment, degraded, fallback, limits });
            }
            bifrost::Command::Wait { until } => return Command::Wait { until },
            bifrost::Command::Succeed => Command::Succeed,
            bifrost::Command::Fail { end: End::Call(class) } => Command::Fail { class: Some(class) },
            // what the caller sees is 502
            bifrost::Command::Fail { end: End::NoCredentials } => Command::Fail { class: Some(ErrorClass::BadGateway) },
        };
        self.requests.remove(key);
        ride.with = With::Nobody;
        end
    }
}

fn key(ride: &Ride) -> Key<Journey> {
    match ride.with {
        With::Bifrost(key) => key,
        _ => unreachable!("a turn that is with Bifrost has a request there"),
    }
}
