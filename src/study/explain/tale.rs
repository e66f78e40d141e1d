//! A story with names and words: what reports show of it.

use super::reasons::{about, because, figure_of};
use super::steering::{self, Checked};
use super::words::{self, Names, clock, short};
use crate::routing::litellm::Why;
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::reason::{Figure, Reason};
use crate::routing::steering::SteeringReason;
use crate::scenario::model::Scenario;
use crate::units::{Money, Time};
use crate::world::session::Leg;
use crate::world::story::{Ending, Refused, Step, Story, Taken, Tokens, What};
use serde::Serialize;

/// Of the JSON. Adding keys keeps it, removing or changing them raises it.
pub const FORMAT_VERSION: u32 = 1;

/// A request, told.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Tale {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Title of the scenario.
    pub scenario: String,
    /// Topology.
    pub topology: String,
    /// Master seed.
    pub seed: u64,
    /// Replication, from 0.
    pub replication: u32,
    /// Number of the request among those that count, in the order in which they are sent, from 1.
    pub request: u64,
    /// Group of the user.
    pub user: String,
    /// Workload.
    pub workload: String,
    /// Number of the turn within its session, from 1.
    pub turn: u32,
    /// When it was sent, RFC 3339.
    pub sent: String,
    /// The same in seconds after the start of the horizon.
    pub sent_s: f64,
    /// Tokens of the prompt, history included.
    pub prompt_tokens: u32,
    /// `served`, `served, degraded` or `failed: CLASS`.
    pub outcome: String,
    /// Region that it was sent to last.
    pub region: Option<String>,
    /// Whose answer it got.
    pub deployment: Option<String>,
    /// Time to first token for the user, in milliseconds; none if it failed.
    pub ttft_ms: Option<f64>,
    /// Until it was over for the user, in milliseconds.
    pub total_ms: f64,
    /// Calls sent.
    pub attempts: usize,
    /// What providers bill for tokens, all attempts together.
    pub token_cost_usd: f64,
    /// What happened, in order.
    pub steps: Vec<Told>,
}

/// What a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something happened.
    Event,
    /// What somebody decided, or knew when they did.
    Reason,
    /// What was true and not known to whoever decided.
    Unknown,
}

/// A step in words.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Told {
    /// When, in milliseconds after the request was sent.
    pub at_ms: f64,
    /// What it is.
    pub kind: Kind,
    /// Name of the step, for programs.
    pub step: &'static str,
    /// In words.
    pub text: String,
    /// Region that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Deployment that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Locality of the pool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// Number of the attempt that it is about, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why a candidate was out, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
    /// What the health checks of a region said, where the policy obeys them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Checked>,
    /// What a candidate was judged by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
}

/// A figure that a candidate was judged by.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Score {
    /// What it is, with its unit.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// The most that it may be, or the whole of which it is a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<f64>,
    /// How many observations it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// How old the knowledge is, in seconds; none for what is known for good, and for what the one who decides counts itself.
    pub age_s: Option<f64>,
}

impl Score {
    pub(super) fn of(figure: &Figure) -> Score {
        let Figure { what, value, of, samples, age } = *figure;
        Score { what, value, of, samples, age_s: age.map(|a| a.as_secs_f64()) }
    }
}

impl Told {
    pub(super) fn new(kind: Kind, step: &'static str, text: impl Into<String>) -> Told {
        Told {
            at_ms: 0.0,
            kind,
            step,
            text: text.into(),
            region: None,
            deployment: None,
            locality: None,
            attempt: None,
            because: None,
            verdict: None,
            scores: Vec::new(),
        }
    }
    fn event(step: &'static str, text: impl Into<String>) -> Told {
        Told::new(Kind::Event, step, text)
    }
    fn region(self, id: &str) -> Told {
        Told { region: Some(id.to_owned()), ..self }
    }
    pub(super) fn deployment(self, name: &str) -> Told {
        Told { deployment: Some(name.to_owned()), ..self }
    }
    fn attempt(self, number: u32) -> Told {
        Told { attempt: Some(number), ..self }
    }
}

impl Tale {
    /// Names and words for a story.
    pub fn new(scenario: &Scenario, topology: usize, replication: u32, story: &Story) -> Tale {
        let topology = &scenario.topologies[topology];
        let names = Names { scenario, topology, sent: story.sent, pool: 0 };
        let sent_s = story.sent.since(Time(scenario.warmup.nanos())).as_secs_f64();
        let start = jiff::Timestamp::from_second(scenario.start_unix_s).expect("validation bounds the calendar");
        let sent = start + jiff::SignedDuration::from_millis((sent_s * 1e3) as i64);
        let (ttft_ms, deployment) = match story.ending {
            Some(Ending::Served { ttft, deployment, .. }) => {
                (Some(ttft.as_millis_f64()), Some(names.deployment(deployment).to_owned()))
            }
            Some(Ending::Failed { .. }) | None => (None, None),
        };
        Tale {
            format_version: FORMAT_VERSION,
            scenario: scenario.name.clone(),
            topology: topology.name.clone(),
            seed: scenario.seed,
            replication,
            request: story.number,
            user: scenario.groups[story.group.ix()].name.clone(),
            workload: scenario.workloads[usize::from(story.workload)].name.clone(),
            turn: story.turn + 1,
            sent: sent.to_string(),
            sent_s,
            prompt_tokens: story.prompt,
            outcome: words::outcome(story.ending),
            region: story.region().map(|r| names.region(r).to_owned()),
            deployment,
            ttft_ms,
            total_ms: story.ending.map_or(0.0, |e| e.total().as_millis_f64()),
            attempts: story.called().count(),
            token_cost_usd: story.billed().map(|t| cost(scenario, t)).sum::<Money>().as_dollars_f64(),
            steps: steps(names, story),
        }
    }
}

/// What a provider bills for tokens.
pub fn cost(scenario: &Scenario, tokens: Tokens) -> Money {
    let d = &scenario.deployments[tokens.deployment.ix()];
    d.token_cost(tokens.input, tokens.cached, tokens.written, tokens.output)
}

fn steps(mut names: Names<'_>, story: &Story) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    // where reasons of the present decision begin
    let mut decision = 0;
    for step in &story.steps {
        match step.what {
            // a pool's position stands where it is entered, and holds until the next
            What::TryBegins { .. } => names.pool = 0,
            What::Because(Reason::NextPool { pool } | Reason::Chosen { pool, .. }) => names.pool = pool,
            _ => {}
        }
        if let What::Because(reason) = step.what
            && let Some(figure) = figure_of(&reason)
        {
            // a figure joins the line of its candidate or its locality
            let about = about(&names, &reason);
            let of = |t: &Told| (t.deployment.as_deref(), t.locality.as_deref()) == about;
            let joins = |t: &&mut Told| about != (None, None) && of(t);
            if let Some(line) = told[decision..].iter_mut().rev().find(joins) {
                line.text.push_str(&format!("; {}", words::score(&figure)));
                line.scores.push(Score::of(&figure));
                continue;
            }
        }
        if let What::Because(Reason::Steering(reason)) = step.what
            && let Some((region, known)) = steering::known(step.at, &reason)
            && let Some(line) = told[decision..].iter_mut().find(|t| t.region.as_deref() == Some(names.region(region)))
        {
            line.text.push_str(&format!("; {known}"));
            steering::knows(line, step.at, &reason);
            continue;
        }
        let mut line = one(names, story, step);
        line.at_ms = step.at.since(story.sent).as_millis_f64();
        told.push(line);
        if !matches!(
            step.what,
            What::Because(
                Reason::Candidate { .. }
                    | Reason::Excluded { .. }
                    | Reason::Drawn { .. }
                    | Reason::Scored { .. }
                    | Reason::Known { .. }
                    | Reason::Locality { .. }
                    | Reason::Level { .. }
                    | Reason::LevelChosen { .. }
                    | Reason::LocalityChosen { .. }
                    | Reason::LiteLlm(
                        Why::Excluded { .. }
                            | Why::AtLimit { .. }
                            | Why::Usage { .. }
                            | Why::Candidate { .. }
                            | Why::Slower { .. }
                            | Why::Known { .. }
                    )
                    | Reason::Steering(SteeringReason::Candidate { .. } | SteeringReason::Excluded { .. })
            )
        ) {
            decision = told.len();
        }
    }
    told
}

fn one(names: Names<'_>, story: &Story, step: &Step) -> Told {
    let now = step.at;
    let region = |r: u8| names.region(r);
    match step.what {
        What::TryBegins { number: 1 } => Told::event("try", "the user's program sends the request"),
        What::TryBegins { number } => Told::event("try", format!("the user's program tries again: try {number}")),
        What::Connected { region: r } => Told::new(
            Kind::Reason,
            "connected",
            format!("its connection to {} is still open: nothing is decided", region(r)),
        )
        .region(region(r)),
        What::Cached { asked, expires } => {
            let asked = asked.map_or("before the run began".to_owned(), |t| format!("{} ago", short(now.since(t))));
            let text =
                format!("the resolver has an answer in its cache: decided {asked}, kept {}", names.until(now, expires));
            Told::new(Kind::Reason, "cached", text)
        }
        What::Steered => Told::new(Kind::Reason, "steered", "where to is decided now"),
        What::Because(reason) => because(names, now, &reason),
        What::Routed { region: r, took, handshakes, half_rtt } => {
            let mut text = format!("it goes to {}, {} away", region(r), short(half_rtt));
            if handshakes > 0 || took.nanos() > 0 {
                let trips = match handshakes {
                    0 => "no further round trip".to_owned(),
                    1 => "one round trip".to_owned(),
                    n => format!("{n} round trips"),
                };
                text.push_str(&format!("; before that {} to find it and {trips} to connect", short(took)));
            }
            Told::event("routed", text).region(region(r))
        }
        What::NoWay => Told::event("no_way", "there is no way to any region"),
        What::Silence { until } => {
            Told::event("silence", format!("nobody answers: the client waits {}", names.until(now, until)))
        }
        What::ClientGivesUp => Told::event("client_gives_up", "the client gives the connection up"),
        What::RegionDied => Told::event("region_died", "the region dies with the request inside"),
        What::NetworkMoved => {
            Told::event("network_moved", "the user's network moves to another site: the connection is broken")
        }
        What::Arrives { taken, in_use, slots, waiting } => {
            let text = match taken {
                Taken::In => format!("the region takes it in: {in_use} of {slots} slots are in use"),
                Taken::Queued => format!("all {slots} slots are in use: it waits as number {waiting}"),
                Taken::Refused => format!("the region refuses it: {slots} slots in use, {waiting} waiting"),
            };
            Told::event("arrives", text)
        }
        What::LeavesQueue => Told::event("leaves_queue", "a slot is free: it leaves the queue"),
        What::Works { takes, stale, database_down, cache_down } => {
            let mut text = format!("the application works for {}", short(takes));
            if stale {
                text.push_str("; the conversation that it reads lacks the user's last message");
            }
            if cache_down {
                text.push_str("; the cache does not answer, which cost its time-out");
            }
            if database_down {
                text.push_str("; the database does not answer");
            }
            Told::event("works", text)
        }
        What::GatewayAsked => Told::event("gateway", "the gateway decides whom to call"),
        What::PauseOver => Told::event("pause_over", "the pause is over: the gateway decides again"),
        What::HedgeDue { out: 1 } => Told::event(
            "hedge_due",
            "nothing of an answer yet: the gateway looks for a second deployment to race the first",
        ),
        What::HedgeDue { out } => Told::event(
            "hedge_due",
            format!(
                "nothing of an answer yet: the gateway looks for another deployment to race the {out} that are called"
            ),
        ),
        What::UnseenFault { deployment, .. } => Told::new(Kind::Unknown, "unseen_fault", names.unseen(now, &step.what))
            .deployment(names.deployment(deployment)),
        What::UnseenRepair { deployment } => Told::new(Kind::Unknown, "unseen_repair", names.unseen(now, &step.what))
            .deployment(names.deployment(deployment)),
        What::UnseenRegionFault { region: r, .. } => {
            Told::new(Kind::Unknown, "unseen_region_fault", names.unseen(now, &step.what)).region(region(r))
        }
        What::UnseenRegionRepair { region: r, .. } => {
            Told::new(Kind::Unknown, "unseen_region_repair", names.unseen(now, &step.what)).region(region(r))
        }
        What::Sent { attempt, deployment, leg, degraded, fallback } => {
            let name = names.deployment(deployment);
            let mut text = format!("attempt {attempt} goes to {name}");
            match leg {
                Leg::FIRST => {}
                Leg(1) => text.push_str(", racing the one before"),
                Leg(_) => text.push_str(", racing those that are out"),
            }
            if degraded {
                text.push_str("; its answer counts as degraded");
            }
            if fallback {
                text.push_str("; not the first choice");
            }
            Told::event("sent", text).deployment(name).attempt(attempt)
        }
        What::AtProvider { attempt, refused, spilled, cached } => {
            let sent_to = deployment_of(names, story, attempt);
            let name = spilled.map_or(sent_to, |d| names.deployment(d));
            let text = match refused {
                None if cached == 0 => format!("{name} takes attempt {attempt} in"),
                None => {
                    let prompt = story.prompt;
                    format!(
                        "{name} takes attempt {attempt} in: {cached} of the {prompt} tokens of its prompt are in its cache"
                    )
                }
                Some(Refused { outcome: Outcome::Failed { class: ErrorClass::ConnectionFailed, .. }, .. }) => {
                    format!("nobody accepts the connection of attempt {attempt} at {name}")
                }
                Some(Refused { outcome: Outcome::Failed { class, .. }, limit, caller }) => {
                    let served_by = spilled.or_else(|| story.sent_to(attempt));
                    let whose = limit.zip(served_by).map(|(l, d)| names.quota(d, caller, l)).unwrap_or_default();
                    format!("{name} refuses attempt {attempt}: {}{whose}", class.name())
                }
                Some(Refused { outcome: Outcome::Ok, .. }) => unreachable!("what is refused has failed"),
            };
            let text = if spilled.is_some() { format!("{sent_to} passes attempt {attempt} on; {text}") } else { text };
            Told::event("at_provider", text).deployment(name).attempt(attempt)
        }
        What::FirstByte { attempt } => {
            let text = format!("the first byte of attempt {attempt} is at the gateway");
            Told::event("first_byte", text).deployment(deployment_of(names, story, attempt)).attempt(attempt)
        }
        What::BrokenOff { attempt } => {
            let name = deployment_of(names, story, attempt);
            Told::event("broken_off", format!("a fault breaks attempt {attempt} off at {name}"))
                .deployment(name)
                .attempt(attempt)
        }
        What::AttemptEnds { attempt, outcome, usage } => {
            let text = format!("attempt {attempt} {}{}", words::ended(outcome), billed(names, usage));
            Told::event("attempt_ends", text).deployment(deployment_of(names, story, attempt)).attempt(attempt)
        }
        What::HalfAnswered => {
            Told::event("half_answered", "a part of the answer is with the user already: no other answer can follow")
        }
        What::GivenUp { attempt, usage } => {
            let text = format!("attempt {attempt} is given up{}", billed(names, usage));
            Told::event("given_up", text).deployment(deployment_of(names, story, attempt)).attempt(attempt)
        }
        What::StrayArrives { attempt, usage } => {
            let text = format!("attempt {attempt}, given up on its way, reaches its provider{}", billed(names, usage));
            Told::event("stray_arrives", text).deployment(deployment_of(names, story, attempt)).attempt(attempt)
        }
        What::Pauses { until } => Told::event("pauses", format!("the gateway waits {}", names.until(now, until))),
        What::UserSees => Told::event("user_sees", "the user sees the first token"),
        What::Ends(ending) => Told::event("ends", end(names, story, ending)),
    }
}

fn end(names: Names<'_>, story: &Story, ending: Ending) -> String {
    match ending {
        Ending::Served { ttft, e2e, deployment, degraded, slow, .. } => {
            let degraded = if degraded { ", degraded" } else { "" };
            let slow = if slow { ", slow" } else { "" };
            format!(
                "served by {}{degraded}{slow}: first token after {}, all of it after {}",
                names.deployment(deployment),
                clock(story.sent + ttft, story.sent),
                clock(story.sent + e2e, story.sent),
            )
        }
        Ending::Failed { why, after } => {
            format!("failed: {}, after {}", why.name(), clock(story.sent + after, story.sent))
        }
    }
}

/// Whom an attempt went to.
fn deployment_of<'a>(names: Names<'a>, story: &Story, attempt: u32) -> &'a str {
    story.sent_to(attempt).map_or("", |d| &names.scenario.deployments[d.ix()].name)
}

fn billed(names: Names<'_>, usage: Tokens) -> String {
    if usage.input == 0 && usage.output == 0 {
        return String::new();
    }
    let money = cost(names.scenario, usage);
    let Tokens { input, cached, written, output, .. } = usage;
    let cache = match (cached, written) {
        (0, 0) => String::new(),
        (cached, 0) => format!(" ({cached} of the prompt from the cache)"),
        (0, written) => format!(" ({written} of the prompt written to the cache)"),
        (cached, written) => format!(" ({cached} of the prompt from the cache, {written} written to it)"),
    };
    format!("; billed {input} + {output} tokens{cache}, ${}", money.to_dollars_string(6))
}
