//! The gateway process: the tree, the circuits of its targets, and the way of a request from command to command.
//!
//! Statuses: a time-out of the gateway's own (`request_timeout`) is 408. Without one the HTTP client gives up after
//! [`UNLIMITED`], which like a connection that breaks is a call without an answer: it is tried again whatever the list says
//! and counts as 500 in the end. A connection that nobody accepts counts as 503 (`retryHandler.ts`, the last `catch`).
//!
//! ASSUMPTION: the gateway cannot tell a connection that nobody accepts from one that breaks, so both end as 503.

use super::circuit::Circuit;
use super::config::{Config, ConfigError};
use super::journey::{Command, End, Journey, Pause};
use super::plan::{Plan, Reach, TargetIx};
use super::query::Context;
use super::retry::{Used, Verdict};
use super::walk::{Stop, View};
use super::why::{Explain, Why};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::routing::reason::ReasonSink;
use crate::units::{DeploymentIx, Span, Time};

/// How long a call without `request_timeout` waits for the status: the default of Node's HTTP client (undici documentation of
/// 2026, `headersTimeout` 300 s). ASSUMPTION: the gateway runs on Node.
pub const UNLIMITED: Span = Span::from_secs(300);

/// Portkey's gateway.
#[derive(Clone, Debug)]
pub struct Router {
    plan: Plan,
    /// By node; only those of calls are used.
    circuits: Vec<Circuit>,
}

impl Router {
    /// A gateway that knows nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] when the tree could never serve a request.
    pub fn new(config: &Config) -> Result<Router, ConfigError> {
        config.check()?;
        let plan = Plan::new(config);
        Ok(Router { circuits: vec![Circuit::default(); plan.nodes.len()], plan })
    }

    /// The name of a target.
    pub fn name(&self, target: TargetIx) -> &str {
        &self.plan.nodes[target.ix()].name
    }

    /// Names of all targets, as [`TargetIx`] numbers them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plan.nodes.iter().map(|n| n.name.as_str())
    }

    /// What requests with these fields can reach; `None`: any request.
    pub fn reach(&self, context: Option<&Context>) -> Reach {
        self.plan.reach(context)
    }

    /// Time-outs of calls, [`UNLIMITED`] where there is none.
    pub fn timeouts(&self) -> impl Iterator<Item = Span> {
        self.plan.calls().map(|(_, c)| c.request_timeout.unwrap_or(UNLIMITED))
    }

    /// Whether some target that calls the deployment has a closed circuit.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        let mut of = self.plan.calls().filter(|(_, c)| c.deployment == deployment);
        of.any(|(i, _)| self.circuits[i].open(now).is_none())
    }

    /// The gateway does nothing on its own: circuits close when somebody looks.
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// A request arrives.
    pub fn on_request<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Journey, Command) {
        let mut journey = Journey::new();
        let command = self.go(now, &mut journey, TargetIx(0), context, entropy, reasons);
        (journey, command)
    }

    /// The call that [`Command::Attempt`] asked for has ended. True in the second place: that has opened the circuit of its
    /// target.
    pub fn on_outcome<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        context: &Context,
        seen: &Observation,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Command, bool) {
        journey.calls.ended();
        let Outcome::Failed { class, retry_after } = seen.outcome else {
            let opened = self.answered(now, journey, 200, reasons);
            return (Command::Succeed, opened);
        };
        journey.last = Some(class);
        if seen.first_token.is_some() {
            // the status has been passed on, so for Portkey the call was successful
            let opened = self.answered(now, journey, 200, reasons);
            return (Command::Fail { end: End::Call(class) }, opened);
        }
        let call = self.plan.call(journey.target);
        let (status, counts_as) = status(class, call.request_timeout.is_some());
        let wait = |journey: &mut Journey, pause: Span, what| {
            journey.pause = Some(what);
            Command::Wait { until: now + pause }
        };
        match journey.used.after(&call.retry, status, retry_after) {
            Verdict::Again(pause, asked) => {
                reasons.why(|| Why::Retry { pause, asked });
                if pause == Span::ZERO {
                    return (self.call(journey, journey.target, reasons), false);
                }
                return (wait(journey, pause, Pause::Retry), false);
            }
            Verdict::WaitInVain(pause) => {
                reasons.why(|| Why::Retry { pause, asked: true });
                return (wait(journey, pause, Pause::InVain), false);
            }
            Verdict::NotListed => reasons.why(|| Why::NotRetried),
            Verdict::UsedUp => reasons.why(|| Why::RetriesUsed),
            Verdict::TooLong(asked) => reasons.why(|| Why::RetryAfterTooLong { asked }),
        }
        self.failed(now, journey, counts_as, context, entropy, reasons)
    }

    /// The pause that [`Command::Wait`] asked for is over. True in the second place: the circuit of the target has opened.
    pub fn on_timeout<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Command, bool) {
        match journey.pause.take().expect("a pause was asked for") {
            Pause::Retry => (self.call(journey, journey.target, reasons), false),
            Pause::InVain => {
                reasons.why(|| Why::RetriesUsed);
                // only a 429 is waited for in vain
                self.failed(now, journey, 429, context, entropy, reasons)
            }
        }
    }

    /// The target has answered with a failure, its retries included.
    fn failed<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        status: u16,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Command, bool) {
        let opened = self.answered(now, journey, status, reasons);
        (self.on_from(now, journey, Some(status), context, entropy, reasons), opened)
    }

    /// Tells the circuit of the present target. True when it has just opened.
    fn answered<S: ReasonSink>(&mut self, now: Time, journey: &Journey, status: u16, reasons: &mut S) -> bool {
        reasons.why(|| Why::Answered { status: Some(status) });
        let call = self.plan.call(journey.target);
        let Some(config) = &call.circuit else { return false };
        let opened = self.circuits[journey.target.ix()].on_answer(now, config, status);
        if let Some(until) = opened {
            let (failures, answers) = self.circuits[journey.target.ix()].counted(now).unwrap_or_default();
            reasons.why(|| Why::Opened { deployment: call.deployment, until, failures, answers });
        }
        opened.is_some()
    }

    /// Goes on after an answer that was a failure.
    fn on_from<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        status: Option<u16>,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        let view = View { plan: &self.plan, circuits: &self.circuits, now };
        match view.next(journey, status, reasons) {
            Some(target) => self.go(now, journey, target, context, entropy, reasons),
            None => Command::Fail {
                end: match (status, journey.last) {
                    (Some(_), Some(class)) => End::Call(class),
                    _ => End::NoTarget,
                },
            },
        }
    }

    /// Down from a node, and on where that leads to nobody.
    fn go<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        mut node: TargetIx,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        loop {
            let view = View { plan: &self.plan, circuits: &self.circuits, now };
            match view.descend(journey, node, context, entropy, reasons) {
                Err(end) => return Command::Fail { end },
                Ok(Stop::Call(target)) => {
                    journey.used = Used::NOTHING;
                    return self.call(journey, target, reasons);
                }
                Ok(Stop::Nobody) => {
                    reasons.why(|| Why::Answered { status: None });
                    match view.next(journey, None, reasons) {
                        Some(next) => node = next,
                        None => return Command::Fail { end: End::NoTarget },
                    }
                }
            }
        }
    }

    fn call<S: ReasonSink>(&self, journey: &mut Journey, target: TargetIx, reasons: &mut S) -> Command {
        let call = self.plan.call(target);
        let deployment = call.deployment;
        journey.target = target;
        let another = journey.calls.made(deployment);
        reasons.why(|| Why::Called { deployment, target });
        Command::Attempt {
            deployment,
            timeout: call.request_timeout.unwrap_or(UNLIMITED),
            degraded: call.degraded,
            fallback: journey.passed_over || another,
        }
    }
}

/// The status of an answer, if there was one, and the status that stands for the failure in the end.
fn status(class: ErrorClass, timed: bool) -> (Option<u16>, u16) {
    match class {
        ErrorClass::ConnectionFailed => (None, 503),
        ErrorClass::Timeout if !timed => (None, 500),
        other => {
            let status = other.status().expect("every other class has a status");
            (Some(status), status)
        }
    }
}
