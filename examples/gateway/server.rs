//! The gateway: one task per request carries out what the router commands, with time-outs, pauses and second calls. The
//! router itself is the library's own, behind a lock that is held for a decision only.

use super::endpoint::{Connection, Endpoint, Heard, HttpRequest};
use super::policy::{End, Next, Policy};
use geodes::routing::entropy::Entropy;
use geodes::routing::outcome::{ErrorClass, Observation, Outcome};
use geodes::routing::request::Request;
use geodes::units::{DeploymentIx, Span, Time};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The gateway's own limits of a call. A router may name a shorter time-out.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the connection is accepted.
    pub connect: Duration,
    /// Until the first token of a streamed answer.
    pub first_token: Duration,
    /// Until the whole answer.
    pub total: Duration,
    /// When to ask the router for a second call that races the first.
    pub hedge_after: Option<Duration>,
}

/// What a user asks.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Its number, which also names its randomness.
    pub number: u32,
    /// The request.
    pub http: HttpRequest,
    /// What keeps requests of one conversation together.
    pub affinity: u64,
}

/// A line of the gateway's log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// When, since the gateway's start.
    pub at: Time,
    /// Number of the request.
    pub request: u32,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum What {
    /// A request arrived.
    Asked,
    /// The router commanded this and the gateway did it.
    Obeyed(Next),
    /// A second call went out to race the first.
    Hedged {
        /// Whom it calls.
        deployment: DeploymentIx,
    },
    /// A call ended.
    Ended {
        /// Whom it went to.
        deployment: DeploymentIx,
        /// How.
        outcome: Outcome,
    },
    /// A call was given up.
    GivenUp {
        /// Whom it went to.
        deployment: DeploymentIx,
    },
}

/// Where the router's random choices come from.
pub trait Chance: Send + Sync + 'static {
    /// The draws for one question of a request that has made `calls` calls; `paused`: the question after a pause.
    fn question(&self, request: u32, calls: u32, paused: bool) -> impl Entropy;
}

/// The gateway.
pub struct Gateway<P: Policy, C: Chance> {
    policy: Mutex<P>,
    chance: C,
    endpoints: Vec<Endpoint>,
    limits: Limits,
    origin: Instant,
    log: Mutex<Vec<Line>>,
}

/// A call that is out.
struct Call {
    deployment: DeploymentIx,
    sent: Instant,
    connected: bool,
    first: Option<Instant>,
    timeout: Option<Duration>,
    wire: Connection,
}

/// What a call comes to next.
enum Step {
    FirstToken,
    Ended(Outcome),
}

impl Call {
    /// Waits for the next thing that matters, or for one of the time-outs.
    async fn step(&mut self, limits: &Limits, streams: bool) -> Step {
        loop {
            let bound = |own: Duration, applies: bool| self.timeout.filter(|_| applies).map_or(own, |t| t.min(own));
            let (first, total) = (bound(limits.first_token, streams), bound(limits.total, !streams));
            let waits = [
                (!self.connected).then_some((limits.connect, ErrorClass::ConnectionFailed)),
                (streams && self.first.is_none()).then_some((first, ErrorClass::Timeout)),
                Some((total, ErrorClass::Timeout)),
            ];
            let least = waits.into_iter().flatten().min_by_key(|(limit, _)| *limit);
            let (limit, class) = least.expect("the whole answer is always bounded");
            let heard = tokio::select! {
                biased;
                heard = self.wire.hear() => heard,
                () = sleep_until(self.sent + limit) => return Step::Ended(failed(class, None)),
            };
            match heard {
                Heard::Connected => self.connected = true,
                Heard::FirstToken => {
                    self.first = Some(Instant::now());
                    return Step::FirstToken;
                }
                Heard::End => return Step::Ended(Outcome::Ok),
                Heard::Refused { status, retry_after } => {
                    return Step::Ended(failed(class_of(status), retry_after.map(span)));
                }
                Heard::Broken { status } => return Step::Ended(failed(class_of(status), None)),
                Heard::Reset => return Step::Ended(failed(ErrorClass::ConnectionFailed, None)),
            }
        }
    }
}

/// The step of a call that may not be out.
async fn step_of(call: &mut Option<Call>, limits: &Limits, streams: bool) -> Step {
    match call {
        Some(call) => call.step(limits, streams).await,
        None => std::future::pending().await,
    }
}

fn failed(class: ErrorClass, retry_after: Option<Span>) -> Outcome {
    Outcome::Failed { class, retry_after }
}

/// The class of an answer that has nothing but its status.
fn class_of(status: u16) -> ErrorClass {
    let named = ErrorClass::ALL.into_iter().find(|c| c.name().parse() == Ok(status));
    named.unwrap_or(ErrorClass::InternalError)
}

fn span(d: Duration) -> Span {
    Span::from_nanos(d.as_nanos() as u64)
}

impl<P: Policy, C: Chance> Gateway<P, C> {
    /// A gateway whose time begins at `origin`.
    pub fn new(policy: P, chance: C, endpoints: Vec<Endpoint>, limits: Limits, origin: Instant) -> Gateway<P, C> {
        Gateway { policy: Mutex::new(policy), chance, endpoints, limits, origin, log: Mutex::new(Vec::new()) }
    }

    /// Everything that has happened.
    pub fn log(&self) -> Vec<Line> {
        self.log.lock().unwrap().clone()
    }

    /// Wakes the router whenever it wants to do something of its own accord. Runs until it is dropped.
    pub async fn tend(&self) {
        loop {
            let next = self.policy().next_timeout();
            match next {
                Some(at) => {
                    sleep_until(self.origin + Duration::from_nanos(at.nanos())).await;
                    let now = self.now();
                    self.policy().wake(now);
                    let next = self.policy().next_timeout();
                    assert!(next.is_none_or(|next| next > now), "a router that is never done");
                }
                None => std::future::pending().await,
            }
        }
    }

    fn policy(&self) -> MutexGuard<'_, P> {
        self.policy.lock().unwrap()
    }

    fn now(&self) -> Time {
        Time(self.origin.elapsed().as_nanos() as u64)
    }

    fn note(&self, request: u32, what: What) {
        self.log.lock().unwrap().push(Line { at: self.now(), request, what });
    }

    /// Answers a request.
    pub async fn serve(&self, ask: Ask) -> End {
        let request = Request {
            streams: ask.http.streams,
            input_tokens: ask.http.prompt,
            max_output: Some(ask.http.max_output),
            affinity: ask.affinity,
            blocks: &[],
        };
        self.note(ask.number, What::Asked);
        let (mut journey, mut next) =
            self.policy().begin(self.now(), &request, &mut self.chance.question(ask.number, 0, false));
        loop {
            self.note(ask.number, What::Obeyed(next));
            next = match next {
                Next::End(end) => return end,
                Next::Wait { until } => {
                    sleep_until(self.origin + Duration::from_nanos(until.nanos())).await;
                    let mut chance = self.chance.question(ask.number, P::calls(&journey), true);
                    self.policy().resume(self.now(), &mut journey, &request, &mut chance)
                }
                Next::Call { deployment, timeout, .. } => {
                    self.attempt(&ask, &request, &mut journey, deployment, timeout).await
                }
            };
        }
    }

    fn call(&self, ask: &Ask, deployment: DeploymentIx, timeout: Option<Span>) -> Call {
        let wire = self.endpoints[deployment.ix()].call(ask.http);
        let timeout = timeout.map(|t| Duration::from_nanos(t.nanos()));
        Call { deployment, sent: Instant::now(), connected: false, first: None, timeout, wire }
    }

    /// Makes one call, or two that race, and says what follows.
    async fn attempt(
        &self,
        ask: &Ask,
        request: &Request<'_>,
        journey: &mut P::Journey,
        deployment: DeploymentIx,
        timeout: Option<Span>,
    ) -> Next {
        let streams = ask.http.streams;
        let mut calls = [Some(self.call(ask, deployment, timeout)), None];
        let mut hedge = self.limits.hedge_after.map(|after| Instant::now() + after);
        loop {
            let [first, second] = &mut calls;
            let due = async {
                match hedge {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let (leg, step) = tokio::select! {
                biased;
                step = step_of(first, &self.limits, streams) => (0, step),
                step = step_of(second, &self.limits, streams) => (1, step),
                () = due => {
                    hedge = None;
                    if first.as_ref().is_some_and(|c| c.first.is_none()) {
                        let mut chance = self.chance.question(ask.number, P::calls(journey), false);
                        let answer = self.policy().hedge(self.now(), journey, request, &mut chance);
                        if let Some(Next::Call { deployment, timeout, .. }) = answer {
                            self.note(ask.number, What::Hedged { deployment });
                            *second = Some(self.call(ask, deployment, timeout));
                        }
                    }
                    continue;
                }
            };
            let outcome = match step {
                Step::FirstToken => {
                    // the answer begins: the user has a part of it, so the other call has lost
                    let deployment = calls[leg].as_ref().expect("it has just spoken").deployment;
                    self.policy().first_token(self.now(), journey, deployment);
                    self.give_up(ask, journey, calls[1 - leg].take());
                    continue;
                }
                Step::Ended(outcome) => outcome,
            };
            let call = calls[leg].take().expect("it has just ended");
            self.note(ask.number, What::Ended { deployment: call.deployment, outcome });
            let seen = self.observation(ask, &call, outcome);
            if calls[1 - leg].is_some() && outcome != Outcome::Ok {
                self.policy().failed_in_race(self.now(), journey, call.deployment, &seen);
                continue; // the other call may still answer
            }
            self.give_up(ask, journey, calls[1 - leg].take());
            let mut chance = self.chance.question(ask.number, P::calls(journey), false);
            let next = self.policy().ended(self.now(), journey, request, call.deployment, &seen, &mut chance);
            return next;
        }
    }

    /// Gives up the loser of a race: closing the connection tells its endpoint.
    fn give_up(&self, ask: &Ask, journey: &mut P::Journey, loser: Option<Call>) {
        if let Some(call) = loser {
            self.note(ask.number, What::GivenUp { deployment: call.deployment });
            self.policy().given_up(self.now(), journey, call.deployment);
        }
    }

    fn observation(&self, ask: &Ask, call: &Call, outcome: Outcome) -> Observation {
        let at = |i: Instant| Time(i.duration_since(self.origin).as_nanos() as u64);
        let complete = outcome == Outcome::Ok;
        // without streaming the first byte comes with the last
        let first = call.first.or_else(|| complete.then(Instant::now));
        Observation {
            outcome,
            sent: at(call.sent),
            first_token: first.map(at),
            streamed: ask.http.streams,
            input_tokens: if complete { ask.http.prompt } else { 0 },
            cached_tokens: 0,
            output_tokens: if complete { ask.http.output } else { 0 },
        }
    }
}
