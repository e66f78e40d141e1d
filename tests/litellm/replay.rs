//! A recorded sequence against our router: its requests come at their times, its attempts answer as they did; everything
//! the router decides has to be the same.

use crate::mt19937::Mt19937;
use crate::tape::{Ear, Source, Tape};
use crate::vector::{Cooldown, Draw, End, Picks, Sequence, Sleep};
use geodes::routing::litellm::config::{Config, FailureCounting, Options};
use geodes::routing::litellm::{Calendar, Cause, Command, Exception, Failure, Journey, Router, Target, Why};
use geodes::routing::outcome::{Observation, Outcome};
use geodes::routing::request::Request;
use geodes::scenario::import::{Finding, Kind, Node, Value, litellm};
use geodes::units::{DeploymentIx, Span, Time};
use std::collections::BTreeMap;

/// Tolerance of times, in seconds.
const TOLERANCE_S: f64 = 1e-5;
/// Tokens of the one message "hi" that every request brought, as LiteLLM counts them.
const INPUT_TOKENS: u32 = 8;
/// Prompt tokens in the usage of answers; streams are recorded without it.
const PROMPT_TOKENS: u32 = 10;

type Check = Result<(), String>;

/// Where randomness comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// What was recorded.
    Tape,
    /// CPython's generator.
    Generator,
}

fn time(seconds: f64) -> Time {
    Time(Span::from_secs_f64(seconds).nanos())
}

fn seconds(time: Time) -> f64 {
    time.nanos() as f64 / 1e9
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE_S
}

/// Refuses what the importer does not take over, unless it has no effect.
fn accept<T>(read: litellm::Read<T>, what: &str) -> Result<T, String> {
    if let Some(d) = read.diagnostics.first() {
        return Err(format!("{what}: {}; expected {}", d.message, d.expected.as_deref().unwrap_or("something else")));
    }
    let matters = |f: &&Finding| f.kind != Kind::NoEffect;
    match read.findings.iter().find(matters) {
        Some(f) => Err(format!("{what}: `{}` is not mapped: {}", f.path, f.why)),
        None => Ok(read.value),
    }
}

fn config(deployments: &Node, router: Option<&Node>, epoch_s: u64, proxy: bool) -> Result<Config, String> {
    let mut config = accept(litellm::router(deployments, router), "router")?;
    config.calendar = Calendar { epoch: Span::from_secs(epoch_s), local_offset_s: 0 };
    config.counting = if proxy { FailureCounting::Proxy } else { FailureCounting::Sdk };
    Ok(config)
}

/// Kwargs without what the request itself carries.
fn options(kwargs: Option<&Node>, config: &Config) -> Result<(Options, bool, Option<u32>), String> {
    let mut own = kwargs.cloned();
    let mut stream = false;
    let mut max_output = None;
    if let Some(Node { value: Value::Map(entries), .. }) = &mut own {
        for e in entries.iter() {
            match (e.key.as_str(), &e.node.value) {
                ("stream", Value::Bool(b)) => stream = *b,
                ("max_tokens", Value::Int(n)) => max_output = u32::try_from(*n).ok(),
                _ => {}
            }
        }
        entries.retain(|e| e.key != "litellm_logging_obj");
    }
    let agent = |agent: &str| {
        let header = format!("User-Agent: {agent}");
        let matches = |pattern: &String| regex_lite::Regex::new(pattern).is_ok_and(|r| r.is_match(&header));
        Some(config.deployments.iter().map(|d| d.tag_regex.iter().any(matches)).collect())
    };
    let options = accept(litellm::request(own.as_ref(), &agent), "kwargs")?;
    Ok((options, stream, max_output))
}

/// The name of the Python exception. A provider that raises answers by hand may use the general class: both names count.
fn exception_names(failure: &Failure) -> &'static [&'static str] {
    match failure.exception() {
        Exception::BadRequest => &["BadRequestError", "UnprocessableEntityError"],
        Exception::Authentication => &["AuthenticationError"],
        Exception::PaymentRequired => &["PaymentRequiredError", "APIError"],
        Exception::PermissionDenied => &["PermissionDeniedError"],
        Exception::NotFound => &["NotFoundError"],
        Exception::Timeout => &["Timeout", "APIError"],
        Exception::RateLimit => &["RateLimitError"],
        Exception::ContextWindow => &["ContextWindowExceededError"],
        Exception::ContentPolicy => &["ContentPolicyViolationError"],
        Exception::InternalServer => &["InternalServerError"],
        Exception::ServiceUnavailable => &["ServiceUnavailableError"],
        Exception::BadGateway => &["BadGatewayError", "APIError"],
        Exception::ApiConnection => &["APIConnectionError"],
        Exception::Api => &["APIError"],
        Exception::Value => match failure.cause() {
            Cause::NoDeployment => &["RouterRateLimitError"],
            Cause::NoDeploymentWithinRpm => &["RouterRateLimitErrorBasic"],
            _ => &["ValueError"],
        },
    }
}

/// How one of our requests ended.
#[derive(Clone, Debug)]
struct Own {
    end: End,
    /// Names of the exception that count as the same.
    names: &'static [&'static str],
}

/// What happens next: completions before requests, and in the order in which they were caused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    FirstToken(usize),
    Ends(usize),
    PauseOver(usize),
    Arrives(usize),
}

struct Flight {
    deployment: DeploymentIx,
    sent: Time,
    row: usize,
}

struct Replay<'a> {
    file: &'a Sequence,
    ids: Vec<String>,
    router: Router,
    source: Source,
    ear: Ear,
    queue: BTreeMap<(Time, u8, u64), Event>,
    caused: u64,
    /// Rows of the file, by deployment, and how many are used.
    rows: BTreeMap<String, (Vec<usize>, usize)>,
    journeys: Vec<Option<(Journey, Option<Flight>)>>,
    attempts: usize,
    ends: Vec<Option<Own>>,
    last: Vec<Option<DeploymentIx>>,
}

/// Replays a sequence.
pub fn sequence(file: &Sequence, mode: Mode) -> Check {
    let config = config(&file.deployments, file.router.as_ref(), file.epoch_s, file.proxy)?;
    let ids: Vec<String> = config.deployments.iter().map(|d| d.id.clone()).collect();
    let mut router = Router::new(config).map_err(|e| format!("router: {e}"))?;
    let ear = Ear::default();
    let source = match mode {
        Mode::Generator => Source::Generator(Box::new(Mt19937::new(file.seed)), Vec::new()),
        Mode::Tape => Source::Tape(Tape::new(file.tape.clone(), ids.clone(), ear.clone())),
    };
    let mut rows: BTreeMap<String, (Vec<usize>, usize)> = BTreeMap::new();
    for (row, a) in file.attempts.iter().enumerate() {
        rows.entry(a.deployment.clone()).or_default().0.push(row);
    }
    let mut asked = Vec::new();
    for r in &file.requests {
        let (options, stream, max_output) = options(r.kwargs.as_ref(), router.config())?;
        let model = router.model(&r.group).map_err(|e| e.to_string())?;
        let options = router.options(&options).map_err(|e| e.to_string())?;
        asked.push((Target { model, options }, stream, max_output));
    }
    let n = file.requests.len();
    let mut replay = Replay {
        file,
        ids,
        router,
        source,
        ear,
        queue: BTreeMap::new(),
        caused: 0,
        rows,
        journeys: (0..n).map(|_| None).collect(),
        attempts: 0,
        ends: vec![None; n],
        last: vec![None; n],
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|r| file.requests[*r].i);
    for r in order {
        replay.schedule(time(file.requests[r].t), Event::Arrives(r));
    }
    replay.run(&asked)?;
    replay.compare()
}

impl Replay<'_> {
    fn schedule(&mut self, at: Time, event: Event) {
        let class = u8::from(matches!(event, Event::Arrives(_)));
        self.queue.insert((at, class, self.caused), event);
        self.caused += 1;
    }

    fn run(&mut self, asked: &[(Target, bool, Option<u32>)]) -> Check {
        while let Some(((now, ..), event)) = self.queue.pop_first() {
            let command = match event {
                Event::Arrives(r) => {
                    let (target, streams, max_output) = asked[r];
                    let request = Request { streams, input_tokens: INPUT_TOKENS, max_output, affinity: 0, blocks: &[] };
                    let (journey, command) =
                        self.router.on_request(now, target, &request, &mut self.source, &mut self.ear);
                    self.journeys[r] = Some((journey, None));
                    Some((r, command))
                }
                Event::FirstToken(r) => {
                    if let Some((journey, Some(flight))) = &mut self.journeys[r] {
                        self.router.on_first_token(now, journey, flight.deployment);
                    }
                    None
                }
                Event::Ends(r) => Some((r, self.ends(now, r)?)),
                Event::PauseOver(r) => {
                    let (journey, _) = self.journeys[r].as_mut().ok_or("a pause of a request that is over")?;
                    Some((r, self.router.on_timeout(now, journey, &mut self.source, &mut self.ear)))
                }
            };
            self.note(now)?;
            if let Some((r, command)) = command {
                self.obey(now, r, command)?;
            }
        }
        Ok(())
    }

    fn ends(&mut self, now: Time, r: usize) -> Result<Command, String> {
        let (journey, flight) = self.journeys[r].as_mut().ok_or("an answer to a request that is over")?;
        let flight = flight.take().ok_or("an answer to no call")?;
        let a = &self.file.attempts[flight.row];
        let outcome = match a.error {
            None => Outcome::Ok,
            Some(class) => Outcome::Failed { class, retry_after: a.retry_after_s.map(Span::from_secs_f64) },
        };
        let ok = a.error.is_none() && !a.no_usage;
        let prompt = a.total_tokens.map_or(PROMPT_TOKENS, |total| total.saturating_sub(a.completion_tokens));
        let observation = Observation {
            outcome,
            sent: flight.sent,
            first_token: a.ttft_s.map(|s| flight.sent + Span::from_secs_f64(s)),
            streamed: a.stream,
            input_tokens: if ok { prompt } else { 0 },
            cached_tokens: 0,
            output_tokens: if ok { a.completion_tokens } else { 0 },
        };
        let d = flight.deployment;
        Ok(self.router.on_outcome(now, journey, d, &observation, &mut self.source, &mut self.ear))
    }

    /// Compares what the router has said with what was recorded, as it comes.
    fn note(&mut self, now: Time) -> Check {
        if let Source::Tape(tape) = &self.source
            && let Some(wrong) = &tape.wrong
        {
            return Err(format!("t={:.6}: {wrong}", seconds(now)));
        }
        Ok(())
    }

    fn obey(&mut self, now: Time, r: usize, command: Command) -> Check {
        match command {
            Command::Attempt { deployment, .. } => {
                let id = &self.ids[deployment.ix()];
                let here = format!("attempt {} at t={:.6} on {id}", self.attempts, seconds(now));
                let Some(expected) = self.file.attempts.get(self.attempts) else {
                    return Err(format!("{here}: the file has {} attempts", self.file.attempts.len()));
                };
                if expected.deployment != *id || !near(expected.t, seconds(now)) {
                    return Err(format!("{here}: recorded at t={:.6} on {}", expected.t, expected.deployment));
                }
                self.attempts += 1;
                let (rows, used) = self.rows.get_mut(id).ok_or("a deployment without attempts")?;
                let row = rows[*used];
                *used += 1;
                let a = &self.file.attempts[row];
                if let (Some((journey, _)), Some(true)) = (&self.journeys[r], self.last[r].map(|_| true))
                    && journey.attempts() < 2
                {
                    return Err(format!("{here}: the journey counts {} attempts", journey.attempts()));
                }
                self.last[r] = Some(deployment);
                if let Some((journey, flight)) = &mut self.journeys[r] {
                    *flight = Some(Flight { deployment, sent: now, row });
                    if a.stream {
                        // the recorded provider opens a stream at once and fails, if it does, within it
                        self.router.on_stream_opened(now, journey, deployment);
                    }
                }
                if let Some(first) = a.ttft_s.filter(|first| *first < a.latency_s) {
                    self.schedule(now + Span::from_secs_f64(first), Event::FirstToken(r));
                }
                self.schedule(now + Span::from_secs_f64(a.latency_s), Event::Ends(r));
            }
            Command::Wait { until } => self.schedule(until, Event::PauseOver(r)),
            Command::Succeed => {
                let (journey, _) = self.journeys[r].take().ok_or("a request ends twice")?;
                let end = End {
                    t_done: seconds(now),
                    outcome: "ok".to_owned(),
                    deployment: self.last[r].map(|d| self.ids[d.ix()].clone()),
                    status: None,
                    failed_deployment: None,
                    attempted_retries: Some(u64::from(journey.retries())),
                    attempted_fallbacks: Some(u64::from(journey.fallbacks())),
                };
                self.ends[r] = Some(Own { end, names: &["ok"] });
            }
            Command::Fail { failure } => {
                self.journeys[r] = None;
                let names = exception_names(&failure);
                let end = End {
                    t_done: seconds(now),
                    outcome: names[0].to_owned(),
                    deployment: None,
                    status: failure.status().map(u64::from),
                    failed_deployment: failure.deployment().map(|d| self.ids[d.ix()].clone()),
                    attempted_retries: None,
                    attempted_fallbacks: None,
                };
                self.ends[r] = Some(Own { end, names });
            }
        }
        self.collect(now);
        Ok(())
    }

    /// Marks the time of what was said since the last command.
    fn collect(&mut self, now: Time) {
        let mut heard = self.ear.0.borrow_mut();
        heard.stamp(seconds(now));
    }

    fn compare(&self) -> Check {
        let file = self.file;
        if self.attempts != file.attempts.len() {
            let missing = &file.attempts[self.attempts];
            let at = format!("t={:.6} on {}", missing.t, missing.deployment);
            return Err(format!(
                "{} attempts, recorded {}; the first missing is at {at}",
                self.attempts,
                file.attempts.len()
            ));
        }
        let heard = self.ear.0.borrow();
        let mut cooldowns = Vec::new();
        let mut sleeps = Vec::new();
        for (t, why) in &heard.timed {
            match why {
                Why::CooledDown { deployment, status, time } => cooldowns.push(Cooldown {
                    t: *t,
                    deployment: self.ids[deployment.ix()].clone(),
                    status: u64::from(*status),
                    cooldown_s: time.as_secs_f64(),
                }),
                Why::RetryPause { seconds } => sleeps.push(Sleep { t: *t, sleep_s: *seconds }),
                _ => {}
            }
        }
        lists("cool-down", &cooldowns, &file.cooldowns, |a, b| {
            near(a.t, b.t) && a.deployment == b.deployment && a.status == b.status && near(a.cooldown_s, b.cooldown_s)
        })?;
        lists("retry pause", &sleeps, &file.sleeps, |a, b| near(a.t, b.t) && near(a.sleep_s, b.sleep_s))?;
        self.compare_ends()?;
        match &self.source {
            Source::Tape(tape) => tape.verdict().map_or(Ok(()), Err),
            Source::Generator(..) => Ok(()),
        }
    }

    /// Requests that are alike and arrive at the same time are interchangeable: in which order the loop that recorded them
    /// started them is not part of the record.
    fn compare_ends(&self) -> Check {
        let mut alike: BTreeMap<(u64, &str, &str), Vec<usize>> = BTreeMap::new();
        for (r, q) in self.file.requests.iter().enumerate() {
            alike.entry((time(q.t).nanos(), &q.group, &q.kwargs_text)).or_default().push(r);
        }
        for requests in alike.values() {
            let mut own: Vec<&Own> = Vec::new();
            for r in requests {
                let i = self.file.requests[*r].i;
                own.push(self.ends[*r].as_ref().ok_or_else(|| format!("request {i} has not ended"))?);
            }
            for r in requests {
                let q = &self.file.requests[*r];
                let Some(at) = own.iter().position(|e| same_end(e, &q.end)) else {
                    return Err(format!("request {} at t={:.6}: {:?}, recorded {:?}", q.i, q.t, own[0].end, q.end));
                };
                own.remove(at);
            }
        }
        Ok(())
    }
}

fn same_end(own: &Own, recorded: &End) -> bool {
    let Own { end: own, names } = own;
    let if_given = |own: Option<u64>, recorded: Option<u64>| recorded.is_none() || own == recorded;
    near(own.t_done, recorded.t_done)
        && names.contains(&recorded.outcome.as_str())
        && own.deployment == recorded.deployment
        && own.status == recorded.status
        && own.failed_deployment == recorded.failed_deployment
        && if_given(own.attempted_retries, recorded.attempted_retries)
        && if_given(own.attempted_fallbacks, recorded.attempted_fallbacks)
}

fn lists<T: std::fmt::Debug>(what: &str, own: &[T], recorded: &[T], same: impl Fn(&T, &T) -> bool) -> Check {
    for i in 0..own.len().max(recorded.len()) {
        match (own.get(i), recorded.get(i)) {
            (Some(a), Some(b)) if same(a, b) => {}
            (a, b) => {
                let show = |x: Option<&T>| x.map_or("none".to_owned(), |x| format!("{x:?}"));
                return Err(format!("{what} {i}: {}, recorded {}", show(a), show(b)));
            }
        }
    }
    Ok(())
}

/// Replays picks without traffic.
pub fn picks(file: &Picks) -> Check {
    let config = config(&file.deployments, file.router.as_ref(), 0, false)?;
    let ids: Vec<String> = config.deployments.iter().map(|d| d.id.clone()).collect();
    let group = config.deployments[0].model_name.clone();
    let mut router = Router::new(config).map_err(|e| format!("router: {e}"))?;
    let model = router.model(&group).map_err(|e| e.to_string())?;
    let options = router.options(&Options::default()).map_err(|e| e.to_string())?;
    let mut source = Source::Generator(Box::new(Mt19937::new(file.seed)), Vec::new());
    let request = Request { streams: false, input_tokens: INPUT_TOKENS, max_output: None, affinity: 0, blocks: &[] };
    let mut counts: BTreeMap<String, u64> = ids.iter().map(|id| (id.clone(), 0)).collect();
    for (i, recorded) in file.picks.chars().enumerate() {
        let (mut journey, command) =
            router.on_request(Time::ZERO, Target { model, options }, &request, &mut source, &mut Ear::default());
        let Command::Attempt { deployment, .. } = command else { return Err(format!("pick {i}: {command:?}")) };
        router.on_abandoned(Time::ZERO, &mut journey);
        let id = &ids[deployment.ix()];
        if id.chars().ne([recorded]) {
            return Err(format!("pick {i}: {id}, recorded {recorded}"));
        }
        *counts.entry(id.clone()).or_default() += 1;
    }
    for (id, n) in &file.counts {
        if counts.get(id) != Some(n) {
            return Err(format!("{id} was picked {:?} times, recorded {n}", counts.get(id)));
        }
    }
    let Source::Generator(_, taken) = &source else { return Ok(()) };
    for (i, (own, recorded)) in taken.iter().zip(&file.first).enumerate() {
        let same = match recorded {
            Draw::Choice { candidates, picked } => own.u.is_none() && candidates[own.position] == *picked,
            Draw::Choices { candidates, weights, u, picked } => {
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
                own.weights.len() == weights.len()
                    && own.weights.iter().zip(weights).all(close)
                    && own.u == Some(*u)
                    && candidates[own.position] == *picked
            }
            _ => false,
        };
        if !same {
            return Err(format!("draw {i}: {own:?}, recorded {recorded:?}"));
        }
    }
    if taken.len() < file.first.len() { Err("fewer draws than recorded".to_owned()) } else { Ok(()) }
}
