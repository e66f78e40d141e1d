//! LiteLLM's router as a gateway.
//!
//! Time-outs: LiteLLM hands them to the HTTP client, where they bound the wait for a byte (HTTPX documentation of 2026: a
//! read time-out is the longest wait for a chunk). So a streamed call has to bring its first token in that time and no
//! whole answer, any other call the whole answer. ASSUMPTION: the pauses between tokens are shorter than any time-out.
//!
//! ASSUMPTION: a provider sends the status and the headers of a stream with its first token, so a call that breaks before
//! is retried like one that was refused.

use super::super::failure::Failure;
use super::super::session::Limits;
use super::{Attempt, Command, Draw, Ride, With};
use crate::kernel::MAX_TIME;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::routing::litellm::{self, Calendar, Cause, Journey, Router, Target, Why};
use crate::routing::outcome::Observation;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::scenario::model::{LiteLlmEntry, LiteLlmGateway, Scenario};
use crate::units::{DeploymentIx, Time};
use crate::world::run::epoch;

/// LiteLLM's router, and the requests that are with it.
pub struct LiteLlm {
    router: Router,
    requests: Slab<Journey>,
    entries: Vec<LiteLlmEntry>,
    /// `workload * (classes + 1) + class`, the first for users without a class.
    targets: Vec<Target>,
    classes: usize,
}

impl std::fmt::Debug for LiteLlm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiteLlm").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl LiteLlm {
    /// A router that knows nothing yet.
    pub fn new(scenario: &Scenario, spec: &LiteLlmGateway) -> LiteLlm {
        const ACCEPTED: &str = "validation refuses what LiteLLM does";
        let mut config = spec.config.clone();
        // ASSUMPTION: the host of the gateway keeps UTC, as containers do
        config.calendar = Calendar { epoch: epoch(scenario), local_offset_s: 0 };
        let mut router = Router::new(config).expect(ACCEPTED);
        let classes = scenario.residency.len();
        let mut targets = Vec::new();
        for workload in 0..scenario.workloads.len() {
            for class in std::iter::once(None).chain((0..classes).map(Some)) {
                let ask = spec.ask(workload, class);
                let model = router.model(&ask.model).expect(ACCEPTED);
                let options = router.options(&ask.options).expect(ACCEPTED);
                targets.push(Target { model, options });
            }
        }
        LiteLlm { router, requests: Slab::new(), entries: spec.entries.clone(), targets, classes }
    }

    /// Whether some entry that calls the deployment is in service.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        let mut of = self.entries.iter().enumerate().filter(|(_, e)| e.deployment == deployment);
        of.any(|(i, _)| self.router.available(now, DeploymentIx::new(i)))
    }

    /// Requests that it has.
    pub fn requests(&self) -> u32 {
        self.requests.len() as u32
    }

    pub(super) fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        workload: u16,
        request: &Request<'_>,
        draw: Draw<'_>,
        sink: &mut S,
    ) -> Command {
        let class = ride.class.map_or(0, |c| usize::from(c) + 1);
        let target = self.targets[usize::from(workload) * (self.classes + 1) + class];
        let mut entropy = draw.after(ride);
        let sink = &mut Named { sink, entries: &self.entries };
        let (journey, command) = self.router.on_request(now, target, request, &mut entropy, sink);
        ride.draws = entropy.next as u32;
        let key = self.requests.insert(journey);
        ride.with = With::LiteLlm(key);
        self.obey(ride, key, request.streams, command)
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
        let sink = &mut Named { sink, entries: &self.entries };
        let command = self.router.on_timeout(now, &mut self.requests[key], &mut entropy, sink);
        ride.draws = entropy.next as u32;
        self.obey(ride, key, streams, command)
    }

    /// True in the second place: the failure has just made the deployment cool down.
    pub(super) fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        ride: &mut Ride,
        seen: &Observation,
        draw: Draw<'_>,
        sink: &mut S,
    ) -> (Command, bool) {
        let key = key(ride);
        let journey = &mut self.requests[key];
        let entry = journey.calling().expect("the call that has ended was out");
        let cooled = !self.router.available(now, entry);
        let mut entropy = draw.after(ride);
        let sink = &mut Named { sink, entries: &self.entries };
        let command = self.router.on_outcome(now, journey, entry, seen, &mut entropy, sink);
        ride.draws = entropy.next as u32;
        let taken_out = !cooled && !self.router.available(now, entry);
        (self.obey(ride, key, seen.streamed, command), taken_out)
    }

    /// The request is given up.
    pub(super) fn on_abandoned(&mut self, now: Time, ride: &mut Ride) {
        let gone = self.requests.remove(key(ride));
        ride.with = With::Nobody;
        if let Some(mut journey) = gone {
            self.router.on_abandoned(now, &mut journey);
        }
    }

    fn obey(&mut self, ride: &mut Ride, key: Key<Journey>, streams: bool, command: litellm::Command) -> Command {
        match command {
            litellm::Command::Attempt { deployment, timeout, fallback } => {
                ride.attempts = ride.attempts.saturating_add(1);
                let entry = self.entries[deployment.ix()];
                let limit = timeout.unwrap_or(LiteLlmGateway::TIMEOUT);
                let total = if streams { MAX_TIME.since(Time::ZERO) } else { limit };
                let limits = Limits { first_token: limit, total };
                Command::Attempt(Attempt { deployment: entry.deployment, degraded: entry.degraded, fallback, limits })
            }
            litellm::Command::Wait { until } => Command::Wait { until },
            litellm::Command::Succeed => {
                self.forget(ride, key);
                Command::Succeed
            }
            litellm::Command::Fail { failure } => {
                self.forget(ride, key);
                end(&failure)
            }
        }
    }

    /// The router has taken back what it had lent to the request.
    fn forget(&mut self, ride: &mut Ride, key: Key<Journey>) {
        self.requests.remove(key);
        ride.with = With::Nobody;
    }
}

fn key(ride: &Ride) -> Key<Journey> {
    match ride.with {
        With::LiteLlm(key) => key,
        _ => unreachable!("a turn that is with LiteLLM has a request there"),
    }
}

/// The last call's failure, or the router's own refusal.
fn end(failure: &litellm::Failure) -> Command {
    let why = match failure.cause() {
        Cause::Attempt(class) => return Command::Fail { class: Some(class) },
        Cause::AllAtLimit | Cause::AllAtLimitSync | Cause::OwnRateLimit | Cause::AllSlotsInUse | Cause::OverBudget => {
            Failure::Shed
        }
        Cause::PromptTooLong => Failure::ContextWindow,
        Cause::NoDeployment
        | Cause::NoDeploymentWithinRpm
        | Cause::NoMatchingTag
        | Cause::UnknownModel
        | Cause::Blocked => Failure::NoDeployment,
    };
    Command::Refuse { why }
}

/// Reasons with the scenario's deployments in place of the entries of `model_list`.
struct Named<'a, S> {
    sink: &'a mut S,
    entries: &'a [LiteLlmEntry],
}

impl<S: ReasonSink> ReasonSink for Named<'_, S> {
    fn on(&self) -> bool {
        self.sink.on()
    }
    fn push(&mut self, reason: Reason) {
        let Reason::LiteLlm(mut why) = reason else { return self.sink.push(reason) };
        match &mut why {
            Why::Excluded { deployment, .. }
            | Why::AtLimit { deployment }
            | Why::Usage { deployment, .. }
            | Why::Candidate { deployment, .. }
            | Why::Slower { deployment, .. }
            | Why::Shuffled { deployment }
            | Why::Picked { deployment }
            | Why::CooledDown { deployment, .. }
            | Why::Penalty { deployment, .. } => *deployment = self.entries[deployment.ix()].deployment,
            Why::Failed { .. }
            | Why::RetryPause { .. }
            | Why::NotRetried
            | Why::Hop { .. }
            | Why::TooDeep
            | Why::Until(_) => {}
        }
        self.sink.push(Reason::LiteLlm(why));
    }
}
