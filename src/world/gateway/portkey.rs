//! Portkey's gateway.
//!
//! Time-outs: `request_timeout` is stopped when the status and the headers are there (`retryHandler.ts`, `fetchWithTimeout`).
//! ASSUMPTION: a provider sends them with the first token of a stream and with the whole of any other answer. Without it the
//! client's own [`UNLIMITED`] holds in the same way.

use super::super::failure::Failure;
use super::super::session::Limits;
use super::{Attempt, Command, Draw, Ride, With};
use crate::kernel::MAX_TIME;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::routing::outcome::Observation;
use crate::routing::portkey::{self, Context, End, Journey, Router, UNLIMITED};
use crate::routing::reason::ReasonSink;
use crate::scenario::model::{PortkeyGateway, Scenario};
use crate::units::{DeploymentIx, RegionIx, Time};

/// Portkey's gateway, and the requests that are with it.
pub struct Portkey {
    router: Router,
    requests: Slab<Journey>,
    /// What turns bring: `workload * (classes + 1) + class`, the first for users without a class.
    contexts: Vec<Context>,
    classes: usize,
}

impl std::fmt::Debug for Portkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portkey").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl Portkey {
    /// A gateway of a region that knows nothing yet.
    pub fn new(scenario: &Scenario, spec: &PortkeyGateway, from: RegionIx) -> Portkey {
        let region = &scenario.places[from.ix()].id;
        let classes = || std::iter::once(None).chain(scenario.residency.iter().enumerate().map(Some));
        let mut contexts = Vec::new();
        for workload in scenario.workloads.iter().enumerate() {
            for class in classes() {
                contexts.push(spec.context(workload, class.map(|(c, r)| (c, r.name.as_str())), region));
            }
        }
        Portkey {
            router: Router::new(&spec.config).expect("validation refuses trees that can never serve"),
            requests: Slab::new(),
            contexts,
            classes: scenario.residency.len(),
        }
    }

    /// Whether some target that calls the deployment is in service.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.router.available(now, deployment)
    }

    /// Requests that it has.
    pub fn requests(&self) -> u32 {
        self.requests.len() as u32
    }

    fn context(&self, ride: &Ride, workload: u16) -> usize {
        let class = ride.class.map_or(0, |c| usize::from(c) + 1);
        usize::from(workload) * (self.classes + 1) + class
    }

    pub(super) fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        (workload, streams): (u16, bool),
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let context = self.context(ride, workload);
        let mut entropy = draw.after(ride);
        let (journey, command) = self.router.on_request(now, &self.contexts[context], &mut entropy, sink);
        ride.draws = entropy.next as u32;
        let key = self.requests.insert(journey);
        ride.with = With::Portkey(key);
        self.obey(ride, key, streams, command)
    }

    pub(super) fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        (workload, streams): (u16, bool),
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let key = key(ride);
        let context = self.context(ride, workload);
        let mut entropy = draw.after(ride);
        let journey = &mut self.requests[key];
        let (command, _) = self.router.on_timeout(now, journey, &self.contexts[context], &mut entropy, sink);
        ride.draws = entropy.next as u32;
        self.obey(ride, key, streams, command)
    }

    /// True in the second place: that has just taken the target out of service.
    pub(super) fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        workload: u16,
        seen: &Observation,
        draw: Draw<'_>,
        sink: &mut S,
    ) -> (Command, bool) {
        let key = key(ride);
        let context = self.context(ride, workload);
        let mut entropy = draw.after(ride);
        let journey = &mut self.requests[key];
        let (command, opened) = self.router.on_outcome(now, journey, &self.contexts[context], seen, &mut entropy, sink);
        ride.draws = entropy.next as u32;
        (self.obey(ride, key, seen.streamed, command), opened)
    }

    /// The request is given up.
    pub(super) fn on_abandoned(&mut self, now: Time, ride: &mut Ride) {
        let gone = self.requests.remove(key(ride));
        ride.with = With::Nobody;
        if let Some(mut journey) = gone {
            self.router.on_abandoned(now, &mut journey);
        }
    }

    fn obey(&mut self, ride: &mut Ride, key: Key<Journey>, streams: bool, command: portkey::Command) -> Command {
        let end = match command {
            portkey::Command::Attempt { deployment, timeout, degraded, fallback, .. } => {
                ride.attempts = ride.attempts.saturating_add(1);
                let limit = timeout.unwrap_or(UNLIMITED);
                let total = if streams { MAX_TIME.since(Time::ZERO) } else { limit };
                let limits = Limits { first_token: limit, total };
                return Command::Attempt(Attempt { deployment, degraded, fallback, limits });
            }
            portkey::Command::Wait { until } => return Command::Wait { until },
            portkey::Command::Succeed => Command::Succeed,
            portkey::Command::Fail { end: End::Call(class) } => Command::Fail { class: Some(class) },
            portkey::Command::Fail { end: End::NoMatch | End::NoTarget } => {
                Command::Refuse { why: Failure::NoDeployment }
            }
        };
        self.requests.remove(key);
        ride.with = With::Nobody;
        end
    }
}

fn key(ride: &Ride) -> Key<Journey> {
    match ride.with {
        With::Portkey(key) => key,
        _ => unreachable!("a turn that is with Portkey has a request there"),
    }
}
