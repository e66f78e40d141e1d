//! The gateway: one task per request carries out what the router commands, with time-outs, pauses and calls that race. The
//! router itself is the library's own, behind a lock that is held for a decision only.

use super::endpoint::{Connection, Endpoint, Heard, HttpRequest};
use super::policy::{End, Next, Policy};
use geodes::routing::entropy::Entropy;
use geodes::routing::outcome::{ErrorClass, Observation, Outcome};
use geodes::routing::request::Request;
use geodes::units::{DeploymentIx, Span, Time};
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
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
    /// Another call went out to race those that are out.
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

/// What a question comes after.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum After {
    /// The request's arrival, or a call.
    Call,
    /// The delay before another call may race those that are out.
    HedgingDelay,
    /// A pause.
    Pause,
}

/// Where the router's random choices come from.
pub trait Chance: Send + Sync + 'static {
    /// The draws for one question of a request, of those that the policy says begin at `from`.
    fn question(&self, request: u32, from: u64, after: After) -> impl Entropy;
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

/// The next step of any of the calls, and whose it is: of those that come together the one that was sent first.
async fn next_step(calls: &mut [Call], limits: &Limits, streams: bool) -> (usize, Step) {
    let mut steps: Vec<_> = calls.iter_mut().map(|c| Box::pin(c.step(limits, streams))).collect();
    poll_fn(|cx| {
        for (which, step) in steps.iter_mut().enumerate() {
            if let Poll::Ready(step) = step.as_mut().poll(cx) {
                return Poll::Ready((which, step));
            }
        }
        Poll::Pending
    })
    .await
}

/// The time comes; never, if there is none.
async fn comes(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
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

    fn instant(&self, at: Time) -> Instant {
        self.origin + Duration::from_nanos(at.nanos())
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
            self.policy().begin(self.now(), &request, &mut self.chance.question(ask.number, 0, After::Call));
        loop {
            self.note(ask.number, What::Obeyed(next));
            next = match next {
                Next::End(end) => return end,
                Next::Await => unreachable!("nothing is out"),
                Next::Wait { until } => {
                    sleep_until(self.instant(until)).await;
                    let mut chance = self.chance.question(ask.number, P::draws_from(&journey), After::Pause);
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

    /// Makes one call, or several that race, and says what follows.
    async fn attempt(
        &self,
        ask: &Ask,
        request: &Request<'_>,
        journey: &mut P::Journey,
        deployment: DeploymentIx,
        timeout: Option<Span>,
    ) -> Next {
        let streams = ask.http.streams;
        let mut calls = vec![self.call(ask, deployment, timeout)];
        loop {
            // the user of an answer that has begun has a part of it: nothing races that any more
            let silent = calls.iter().all(|c| c.first.is_none());
            let hedge = P::hedge_at(journey).filter(|_| silent).map(|at| self.instant(at));
            let (which, step) = tokio::select! {
                biased;
                step = next_step(&mut calls, &self.limits, streams) => step,
                () = comes(hedge) => {
                    let mut chance = self.chance.question(ask.number, P::draws_from(journey), After::HedgingDelay);
                    let answer = self.policy().hedge(self.now(), journey, request, &mut chance);
                    calls.extend(answer.map(|next| self.join(ask, next)));
                    continue;
                }
            };
            let outcome = match step {
                Step::FirstToken => {
                    let winner = calls.remove(which);
                    self.policy().first_token(self.now(), journey, winner.deployment);
                    self.give_up(ask, journey, &mut calls);
                    calls.push(winner);
                    continue;
                }
                Step::Ended(outcome) => outcome,
            };
            let call = calls.remove(which);
            self.note(ask.number, What::Ended { deployment: call.deployment, outcome });
            let seen = self.observation(ask, &call, outcome);
            if outcome == Outcome::Ok {
                self.give_up(ask, journey, &mut calls);
            }
            let mut chance = self.chance.question(ask.number, P::draws_from(journey), After::Call);
            let (now, deployment) = (self.now(), call.deployment);
            if calls.is_empty() {
                return self.policy().ended(now, journey, request, deployment, &seen, &mut chance);
            }
            let next = self.policy().failed_in_race(now, journey, request, deployment, &seen, &mut chance);
            match next {
                Next::Await => {}
                Next::Call { .. } => calls.push(self.join(ask, next)),
                Next::Wait { .. } | Next::End(_) => {
                    self.give_up(ask, journey, &mut calls);
                    return next;
                }
            }
        }
    }

    /// Makes a call that races those that are out.
    fn join(&self, ask: &Ask, next: Next) -> Call {
        let Next::Call { deployment, timeout, .. } = next else {
            unreachable!("only a call can join a race: {next:?}")
        };
        self.note(ask.number, What::Hedged { deployment });
        self.call(ask, deployment, timeout)
    }

    /// Gives up the losers of a race: closing the connections tells their endpoints.
    fn give_up(&self, ask: &Ask, journey: &mut P::Journey, losers: &mut Vec<Call>) {
        for call in losers.drain(..) {
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
