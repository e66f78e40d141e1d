//! The router as a gateway process keeps it, and the way of a request through it.

use super::admit::Refused;
use super::config::{Config, ConfigError, FailureCounting, Options, Strategy};
use super::failure::Failure;
use super::fallback::{self, Turn, View};
use super::journey::{Command, Flight, Frame, Journey, Memory};
use super::plan::{ModelIx, OptionsIx, Plan};
use super::state::State;
use super::why::{Explain, Mechanism, Why};
use super::{admit, precheck, retry, select};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::units::{DeploymentIx, Span, Time};

/// What a request asks for by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// The model.
    pub model: ModelIx,
    /// What the request brings besides its prompt.
    pub options: OptionsIx,
}

/// LiteLLM's router.
#[derive(Clone, Debug)]
pub struct Router {
    pub(super) plan: Plan,
    pub(super) state: State,
    /// Lists of requests that have ended, for those to come.
    #[expect(clippy::vec_box, reason = "they are lent and taken back as they are")]
    spare: Vec<Box<Memory>>,
}

/// Where a request stands between two commands.
enum Step {
    /// The innermost level picks a deployment.
    Pick,
    /// An attempt of the innermost level has failed.
    Failed(Failure),
    /// The innermost level is through with its retries.
    Exhausted(Failure),
    /// The innermost level walks its list on.
    Hop,
    /// The innermost level is through with its fallbacks too.
    Ended(Failure),
}

impl Router {
    /// A router that knows nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] for what LiteLLM would refuse to start with, or could never work with.
    pub fn new(config: Config) -> Result<Router, ConfigError> {
        let plan = Plan::new(config)?;
        let state = State::new(&plan);
        Ok(Router { plan, state, spare: Vec::new() })
    }

    /// Takes in a name that requests will ask for. To be called before the first request.
    ///
    /// # Errors
    /// [`ConfigError::TooMany`].
    pub fn model(&mut self, name: &str) -> Result<ModelIx, ConfigError> {
        let ix = self.plan.model(name)?;
        self.state.grow(&self.plan);
        Ok(ix)
    }

    /// Takes in what requests will bring. To be called before the first request.
    ///
    /// # Errors
    /// [`ConfigError::TooMany`].
    pub fn options(&mut self, options: &Options) -> Result<OptionsIx, ConfigError> {
        let ix = self.plan.options(options)?;
        self.state.grow(&self.plan);
        Ok(ix)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.plan.config
    }

    /// Until when the deployment cools down, if it does.
    pub fn cooling(&mut self, now: Time, deployment: DeploymentIx) -> Option<Time> {
        self.state.health[deployment.ix()].cooling(now)
    }

    /// Whether the deployment is in service, without touching anything: for those who look at the router from outside.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        !self.state.health[deployment.ix()].is_cooling(now)
    }

    /// LiteLLM's router does nothing on its own: only requests wait.
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// A request arrives.
    pub fn on_request<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        target: Target,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Journey, Command) {
        let memory = self.spare.pop().unwrap_or_default();
        let mut journey = Journey::new(target.model, target.options, request, memory);
        let given = &self.plan.options[target.options.ix()].given;
        journey.max_fallbacks = given.max_fallbacks.unwrap_or(self.plan.config.max_fallbacks);
        journey.memory.frames.push(Frame::new(target.model, 0, given.num_retries, 0));
        let command = match self.pick(now, &mut journey, entropy, reasons) {
            Ok(deployment) => self.attempt(&mut journey, deployment),
            Err(failure) => self.go_on(now, &mut journey, failure, entropy, reasons),
        };
        (journey, command)
    }

    /// The provider has answered the call with a stream (the status and the headers are there): LiteLLM counts the call as
    /// answered and no longer retries it. Until the first token a failure leads to fallbacks.
    pub fn on_stream_opened(&mut self, _now: Time, journey: &mut Journey, _deployment: DeploymentIx) {
        journey.opened = true;
    }

    /// A part of the answer has been passed on: from here on a failure is final.
    pub fn on_first_token(&mut self, _now: Time, journey: &mut Journey, _deployment: DeploymentIx) {
        journey.begun = true;
    }

    /// The call that [`Command::Attempt`] asked for has ended.
    pub fn on_outcome<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        deployment: DeploymentIx,
        observation: &Observation,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        let Some(flight) = journey.flight.take().filter(|f| f.deployment == deployment) else {
            debug_assert!(false, "an outcome of a call that is not out");
            return Command::Wait { until: Time::NEVER };
        };
        if let Some(counter) = flight.slot {
            self.state.slots[deployment.ix()].give_back(counter);
        }
        match observation.outcome {
            Outcome::Ok => {
                self.record_success(now, journey, &flight, observation);
                let frames = &journey.memory.frames;
                journey.retries = frames.last().map_or(0, |f| f.retries);
                journey.fallbacks = match frames.as_slice() {
                    [outer, _, ..] => outer.walk.map_or(0, |w| w.depth),
                    _ => 0,
                };
                self.end(journey, Command::Succeed)
            }
            Outcome::Failed { class, retry_after } => {
                let num_retries = self.plan.config.deployments[deployment.ix()].num_retries;
                let failure = Failure { num_retries, ..Failure::attempt(class, retry_after, deployment) };
                reasons.why_if(|| Why::Failed { failure });
                self.record_failure(now, journey, &flight, observation, &failure, reasons);
                let begun = journey.begun || observation.first_token.is_some();
                if begun || journey.opened {
                    let failure = Failure { deployment: None, in_stream: true, ..failure };
                    let refused = failure.status().is_some_and(|s| (400..500).contains(&s) && s != 429);
                    if begun || refused {
                        return self.end(journey, Command::Fail { failure });
                    }
                    let frames = &mut journey.memory.frames;
                    frames.drain(..frames.len() - 1);
                    return self.go(now, journey, Step::Exhausted(failure), entropy, reasons);
                }
                self.go(now, journey, Step::Failed(failure), entropy, reasons)
            }
        }
    }

    /// The pause that [`Command::Wait`] asked for is over.
    pub fn on_timeout<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        let step = Router::after_pause(journey.frame());
        self.go(now, journey, step, entropy, reasons)
    }

    /// The request is given up from outside (the user went away, the gateway's region died). Its slot is free again; other
    /// counters hear nothing of it, because a cancelled call reaches none of LiteLLM's callbacks.
    pub fn on_abandoned(&mut self, _now: Time, journey: &mut Journey) {
        if let Some(flight) = journey.flight.take()
            && let Some(counter) = flight.slot
        {
            self.state.slots[flight.deployment.ix()].give_back(counter);
        }
        self.recycle(journey);
    }

    /// A background health check has ended (`enable_health_check_routing`).
    pub fn on_health_check(&mut self, now: Time, deployment: DeploymentIx, healthy: bool) {
        if let Some(health) = &self.plan.config.health {
            self.state.checked(now, deployment.0, healthy, health.staleness);
        }
    }

    /// A retry if one is left, else the end of the level's own attempts.
    fn after_pause(frame: &mut Frame) -> Step {
        if frame.retries < frame.budget.unwrap_or(0) {
            frame.retries += 1;
            return Step::Pick;
        }
        Step::Exhausted(frame.failure.expect("a pause follows a failure"))
    }

    /// Goes on after a pick that has failed.
    #[cold]
    fn go_on<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        failure: Failure,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        reasons.why_if(|| Why::Failed { failure });
        self.go(now, journey, Step::Failed(failure), entropy, reasons)
    }

    /// Goes on until the gateway has something to do.
    fn go<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        mut step: Step,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        loop {
            step = match step {
                Step::Pick => match self.pick(now, journey, entropy, reasons) {
                    Ok(deployment) => return self.attempt(journey, deployment),
                    Err(failure) => {
                        reasons.why_if(|| Why::Failed { failure });
                        Step::Failed(failure)
                    }
                },
                Step::Failed(failure) => match self.retry(now, journey, failure, entropy, reasons) {
                    Ok(step) => step,
                    Err(until) => return Command::Wait { until },
                },
                Step::Exhausted(failure) => self.fall_back(now, journey, failure, reasons),
                Step::Hop => self.hop(journey, reasons),
                Step::Ended(failure) => {
                    fallback::leave(journey);
                    let Some(outer) = journey.memory.frames.last_mut() else {
                        self.report(now, journey, reasons);
                        return self.end(journey, Command::Fail { failure });
                    };
                    outer.walk.as_mut().expect("an outer level walks a list").last = failure;
                    if journey.logged_asynchronously {
                        self.report_again(now, &failure, reasons);
                    }
                    Step::Hop
                }
            };
        }
    }

    /// Picks a deployment and passes its checks before the call.
    fn pick<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Result<DeploymentIx, Failure> {
        let (plan, state) = (&self.plan, &mut self.state);
        let frame = journey.memory.frames.last().expect("a level picks");
        let model = frame.model;
        let ask = select::Ask {
            now,
            model,
            options: journey.options,
            streams: journey.streams,
            input_tokens: journey.input_tokens,
            target_order: frame.target_order,
            excluded: &journey.memory.excluded[..frame.excluded],
            refused: &journey.memory.refused[frame.refused_from..],
            met_tags: &journey.memory.met_tags,
        };
        let picked = select::select(plan, state, &ask, entropy, reasons);
        let d = match picked {
            Ok(d) => d,
            Err(failure) => {
                // the synchronous path does not report
                if plan.config.counting == FailureCounting::Proxy && !plan.sync {
                    journey.memory.unreported.get_or_insert(failure);
                }
                return Err(failure);
            }
        };
        let ix = usize::from(d);
        state.picks[ix].add(now, 1, precheck::PICKS_TTL);
        let deployment = DeploymentIx(d);
        if !plan.tag_budgets.is_empty() {
            journey.memory.met_tags.extend_from_slice(&plan.deps[ix].tags);
        }
        match admit::admit(plan, state, now, d, journey) {
            Ok(slot) => journey.flight = Some(Flight { deployment, model, slot }),
            Err(Refused::NoSlot(failure)) => return Err(failure),
            Err(Refused::AtLimit(failure)) => {
                if plan.config.counting == FailureCounting::Proxy {
                    journey.memory.unreported.get_or_insert(failure);
                }
                let time = plan.config.cooldown_time;
                self.cool(now, d, &failure, time, false, reasons);
                return Err(failure);
            }
        }
        if plan.registered.least_busy {
            state.least_busy[model.ix()].started(now, d);
        }
        journey.attempts += 1;
        journey.opened = false;
        journey.last = Some((deployment, model));
        self.report(now, journey, reasons);
        Ok(deployment)
    }

    /// The command to make a call.
    #[inline(always)]
    fn attempt(&self, journey: &mut Journey, deployment: DeploymentIx) -> Command {
        let fallback = *journey.first.get_or_insert(deployment) != deployment;
        let (options, ix) = (&self.plan.options[journey.options.ix()], deployment.ix());
        let timeout = match options.any_timeouts {
            false => self.plan.deps[ix].timeouts[usize::from(journey.streams)],
            true => self.plan.config.timeout_of(&options.given, ix, journey.streams),
        };
        Command::Attempt { deployment, timeout, fallback }
    }

    /// What a failed attempt leads to: a step, or a pause until then.
    fn retry<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        failure: Failure,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Result<Step, Time> {
        let frame = *journey.memory.frames.last().expect("a level retries");
        let census = retry::census(&self.plan, &mut self.state, now, &frame);
        let options = &self.plan.options[journey.options.ix()];
        let first = frame.budget.is_none();
        let (budget, by_policy, all) = match frame.budget {
            Some(budget) => (budget, frame.by_policy, frame.all),
            None => {
                let (budget, by_policy) = retry::budget(&self.plan, &frame, options, &failure);
                (budget, by_policy, census.all)
            }
        };
        // only the first census counts all deployments
        let census = retry::Census { all, ..census };
        if !by_policy && !retry::is_tried_again(&failure, census, &options.fallbacks) || first && budget == 0 {
            reasons.why_if(|| Why::NotRetried);
            return Ok(Step::Exhausted(failure));
        }
        if let Some(d) =
            failure.deployment().filter(|_| failure.status().is_some_and(|s| !Failure::retryable_status(s)))
        {
            let refused = &mut journey.memory.refused;
            if !refused[frame.refused_from..].contains(&d.0) {
                refused.push(d.0);
            }
        }
        let seconds = retry::pause(&self.plan.config, &failure, census, all, frame.retries, entropy);
        reasons.why_if(|| Why::RetryPause { seconds });
        self.report(now, journey, reasons);
        let frame = journey.frame();
        (frame.budget, frame.by_policy, frame.all, frame.failure) = (Some(budget), by_policy, all, Some(failure));
        match retry::span(seconds) {
            Span::ZERO => Ok(Router::after_pause(frame)),
            pause => Err(now + pause),
        }
    }

    /// Chooses the list of fallbacks of a level that has failed.
    fn fall_back<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        failure: Failure,
        reasons: &mut S,
    ) -> Step {
        let options = &self.plan.options[journey.options.ix()];
        let at = journey.memory.frames.len() - 1;
        journey.memory.frames[at].failure = Some(failure);
        if options.given.disable_fallbacks {
            return Step::Ended(failure);
        }
        let view = View { plan: &self.plan, lists: self.plan.fallbacks_of(journey.options), asked: journey.model };
        let mut frame = journey.memory.frames[at];
        let turn = fallback::first(view, &frame, failure).or_else(|| {
            let strategy = options.given.strategy.unwrap_or(self.plan.models[frame.model.ix()].strategy);
            let shuffle = strategy == Strategy::SimpleShuffle;
            let excluded = &mut journey.memory.excluded;
            fallback::failover(view, &mut self.state, now, excluded, &mut frame, shuffle, failure)
        });
        journey.memory.frames[at] = frame;
        let turn = turn.unwrap_or_else(|| fallback::lists(view, &frame, failure));
        Router::take(journey, turn, reasons)
    }

    /// Enters a list, unless the request is too deep.
    fn take<S: ReasonSink>(journey: &mut Journey, turn: Turn, reasons: &mut S) -> Step {
        let walk = match turn {
            Turn::Fail(failure) => return Step::Ended(failure),
            Turn::Walk(walk) => walk,
        };
        let too_deep = walk.depth >= journey.max_fallbacks;
        let frame = journey.frame();
        frame.walk = Some(walk);
        if too_deep {
            reasons.why_if(|| Why::TooDeep);
            // the list counts as walked to its end
            frame.walk = Some(super::journey::Walk { next: usize::MAX, ..walk });
            return Step::Hop;
        }
        fallback::enter(&mut journey.memory);
        Step::Hop
    }

    /// The next target of the list, or what follows when there is none.
    fn hop<S: ReasonSink>(&mut self, journey: &mut Journey, reasons: &mut S) -> Step {
        if let Some(level) = fallback::next_hop(&self.plan, &mut journey.memory) {
            let by = journey.frame().walk.map_or(Mechanism::General, |w| w.by);
            reasons.why_if(|| Why::Hop { depth: level.depth, by });
            journey.memory.frames.push(level);
            return Step::Pick;
        }
        let frame = *journey.frame();
        let (walk, own) = (frame.walk.expect("a level walks"), frame.failure.expect("a level that walks has failed"));
        match walk.by {
            Mechanism::Order => Step::Ended(walk.last),
            Mechanism::WeightedFailover if walk.last.is_expected_by_failover() => {
                let lists = self.plan.fallbacks_of(journey.options);
                let view = View { plan: &self.plan, lists, asked: journey.model };
                Router::take(journey, fallback::lists(view, &frame, own), reasons)
            }
            Mechanism::WeightedFailover => Step::Ended(walk.last),
            _ => Step::Ended(own),
        }
    }

    fn end(&mut self, journey: &mut Journey, command: Command) -> Command {
        self.recycle(journey);
        command
    }

    fn recycle(&mut self, journey: &mut Journey) {
        if let Some(mut memory) = journey.memory.take() {
            memory.clear();
            self.spare.push(memory);
        }
    }
}
