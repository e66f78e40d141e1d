//! LiteLLM's router as a gateway.
//!
//! Time-outs: LiteLLM hands them to the HTTP client, where they bound the wait for a byte (HTTPX documentation of 2026: a
//! read time-out is the longest wait for a chunk). So a streamed call has to bring its first token in that time and no
//! whole answer, any other call the whole answer. ASSUMPTION: the pauses between tokens are shorter than any time-out.
//!
//! ASSUMPTION: a provider sends the status and the headers of a stream with its first token, so a call that breaks before
//! is retried like one that was refused.

use super::super::failure::Failure;
use super::product::{Product, Rules, Step};
use super::{Command, TurnEntropy};
use crate::routing::litellm::{self, Calendar, Cause, Journey, Router, Target, Why};
use crate::routing::outcome::Observation;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::scenario::model::{LiteLlmEntry, LiteLlmGateway, Scenario};
use crate::units::{DeploymentIx, Time};
use crate::world::run::epoch;

/// The rules of LiteLLM's router.
pub struct LiteLlm {
    router: Router,
    entries: Vec<LiteLlmEntry>,
}

impl LiteLlm {
    /// A router that knows nothing yet.
    pub fn new(scenario: &Scenario, spec: &LiteLlmGateway) -> Product<LiteLlm> {
        const ACCEPTED: &str = "validation refuses what LiteLLM does";
        let mut config = spec.config.clone();
        // ASSUMPTION: the host of the gateway keeps UTC, as containers do
        config.calendar = Calendar { epoch: epoch(scenario), local_offset_s: 0 };
        let rules = LiteLlm { router: Router::new(config).expect(ACCEPTED), entries: spec.entries.clone() };
        Product::new(scenario, rules, |rules, workload, class| {
            let ask = spec.ask(workload, class);
            let model = rules.router.model(&ask.model).expect(ACCEPTED);
            let options = rules.router.options(&ask.options).expect(ACCEPTED);
            Target { model, options }
        })
    }

    fn step(&self, command: litellm::Command) -> Step {
        match command {
            litellm::Command::Attempt { deployment, timeout, fallback } => {
                let LiteLlmEntry { deployment, degraded, .. } = self.entries[deployment.ix()];
                Step::Attempt { deployment, timeout: timeout.unwrap_or(LiteLlmGateway::TIMEOUT), degraded, fallback }
            }
            litellm::Command::Wait { until } => Step::Wait { until },
            litellm::Command::Succeed => Step::End(Command::Succeed),
            litellm::Command::Fail { failure } => Step::End(end(&failure)),
        }
    }
}

impl Rules for LiteLlm {
    type Journey = Journey;
    /// The model and the options that the request names.
    type Brings = Target;

    fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        target: &Target,
        request: &Request<'_>,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Journey, Step) {
        let sink = &mut Named { sink, entries: &self.entries };
        let (journey, command) = self.router.on_request(now, *target, request, entropy, sink);
        (journey, self.step(command))
    }

    fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        _target: &Target,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> Step {
        let sink = &mut Named { sink, entries: &self.entries };
        let command = self.router.on_timeout(now, journey, entropy, sink);
        self.step(command)
    }

    /// Deployments are taken out of service by cooling down.
    fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        _target: &Target,
        seen: &Observation,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Step, bool) {
        let entry = journey.calling().expect("the call that has ended was out");
        let cooled = !self.router.available(now, entry);
        let sink = &mut Named { sink, entries: &self.entries };
        let command = self.router.on_outcome(now, journey, entry, seen, entropy, sink);
        let taken_out = !cooled && !self.router.available(now, entry);
        (self.step(command), taken_out)
    }

    fn on_abandoned(&mut self, now: Time, journey: &mut Journey) {
        self.router.on_abandoned(now, journey);
    }

    /// Whether some entry that calls the deployment is in service.
    fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        let mut of = self.entries.iter().enumerate().filter(|(_, e)| e.deployment == deployment);
        of.any(|(i, _)| self.router.available(now, DeploymentIx::new(i)))
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
            | Why::Known { deployment, .. }
            | Why::Shuffled { deployment }
            | Why::Picked { deployment }
            | Why::CooledDown { deployment, .. }
            | Why::Penalty { deployment, .. } => *deployment = self.entries[deployment.ix()].deployment,
            Why::Strategy(_)
            | Why::Minute { .. }
            | Why::Failed { .. }
            | Why::RetryPause { .. }
            | Why::NotRetried
            | Why::Hop { .. }
            | Why::TooDeep
            | Why::Until(_) => {}
        }
        self.sink.push(Reason::LiteLlm(why));
    }
}
