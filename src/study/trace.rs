//! Stories of a sample of requests on a time line, as Chrome and Perfetto show it.
//!
//! Format: "Trace Event Format" (Google, document of 2016): `M` events name processes and threads, `X` events have a
//! beginning and a length, `i` events are instants. Times are microseconds after the start of the horizon. A process is a
//! group of users, a region or a deployment of one topology; a thread is a request, with the same number in all of them.
//! Events of one thread nest: a call that races another has a thread of its own.

use super::explain::{Names, ended, outcome};
use crate::random::Seed;
use crate::routing::reason::Reason;
use crate::routing::router::MAX_ATTEMPTS;
use crate::scenario::model::Scenario;
use crate::units::{DeploymentIx, Time};
use crate::world::Run;
use crate::world::chronicle::Follow;
use crate::world::session::Leg;
use crate::world::story::{Ending, Story, Taken, What};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A trace: what the JSON is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Trace {
    /// Events; names first, then in order of process, thread and time.
    #[serde(rename = "traceEvents")]
    pub events: Vec<Event>,
    /// How viewers show times.
    #[serde(rename = "displayTimeUnit")]
    pub display_time_unit: &'static str,
    /// What was traced.
    #[serde(rename = "otherData")]
    pub other_data: Map<String, Value>,
}

/// One event.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Event {
    /// What it is.
    pub name: String,
    /// `request`, `network`, `region`, `attempt`, `reason`, `unknown`, or empty for names.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cat: &'static str,
    /// `M`, `X` or `i`.
    pub ph: &'static str,
    /// Process.
    pub pid: u32,
    /// Thread: the number of the request.
    pub tid: u64,
    /// Beginning, in microseconds.
    pub ts: f64,
    /// Length, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dur: Option<f64>,
    /// Scope of an instant: its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<&'static str>,
    /// Anything else.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
}

/// Threads of calls that race others: the number of the request, this for the first of them and a step more for each further
/// one. Viewers keep 32 bits of a thread.
const RACE: u64 = 1_000_000_000;
const STEP: u64 = 500_000_000;
const _: () = assert!(RACE + (MAX_ATTEMPTS as u64 - 2) * STEP + STEP / 2 <= u32::MAX as u64);

/// The thread of a call of the request.
fn thread_of(request: u64, leg: Leg) -> u64 {
    match leg {
        Leg::FIRST => request,
        Leg(n) => request + RACE + (u64::from(n) - 1) * STEP,
    }
}

/// Traces a sample of `size` requests of every topology, in replication 0. All of them, if there are fewer.
pub fn trace(scenario: &Scenario, size: usize) -> Trace {
    let mut desk =
        Desk { scenario, topology: 0, start: Time(scenario.warmup.nanos()), events: vec![], named: BTreeSet::new() };
    for topology in 0..scenario.topologies.len() {
        desk.topology = topology;
        for story in sample(scenario, topology, size) {
            desk.story(&story);
        }
    }
    let mut events = desk.events;
    // the longer of two that begin together encloses the other
    events.sort_by(|a, b| {
        let names = |e: &Event| e.ph != "M";
        let long = |e: &Event| -e.dur.unwrap_or(0.0);
        names(a)
            .cmp(&names(b))
            .then((a.pid, a.tid).cmp(&(b.pid, b.tid)))
            .then(a.ts.total_cmp(&b.ts))
            .then(long(a).total_cmp(&long(b)))
    });
    let mut other_data = Map::new();
    other_data.insert("scenario".into(), scenario.name.clone().into());
    other_data.insert("seed".into(), scenario.seed.into());
    other_data.insert("replication".into(), 0.into());
    other_data.insert("geodes_version".into(), env!("CARGO_PKG_VERSION").into());
    Trace { events, display_time_unit: "ms", other_data }
}

fn sample(scenario: &Scenario, topology: usize, size: usize) -> Vec<Story> {
    let seed = Seed { seed: scenario.seed, replication: 0 };
    let mut run = Run::following(scenario, topology, seed, Follow::Sample(size));
    run.advance_to_end();
    let mut stories = run.take_stories();
    stories.sort_by_key(|story| story.number);
    stories
}

struct Desk<'a> {
    scenario: &'a Scenario,
    topology: usize,
    start: Time,
    events: Vec<Event>,
    /// Processes and threads that have their names.
    named: BTreeSet<(u32, u64)>,
}

/// A process of a topology.
#[derive(Clone, Copy)]
enum Place {
    Users(usize),
    Region(u8),
    Deployment(DeploymentIx),
}

impl Desk<'_> {
    /// Number and name of a process.
    fn process(&self, place: Place) -> (u32, String) {
        let s = self.scenario;
        let topology = &s.topologies[self.topology];
        let (groups, regions) = (s.groups.len(), topology.regions.len());
        let (position, name) = match place {
            Place::Users(g) => (g, format!("users {}", s.groups[g].name)),
            Place::Region(r) => (
                groups + usize::from(r),
                format!("region {}", s.places[topology.regions[usize::from(r)].place.ix()].id),
            ),
            Place::Deployment(d) => {
                let spec = &s.deployments[d.ix()];
                (groups + regions + d.ix(), format!("provider {}: {}", spec.provider, spec.name))
            }
        };
        let most = groups + s.topologies.iter().map(|t| t.regions.len()).max().unwrap_or(0) + s.deployments.len();
        let name = if s.topologies.len() > 1 { format!("{}: {name}", topology.name) } else { name };
        ((self.topology * most + position + 1) as u32, name)
    }

    /// Names a process and a thread when they are first used.
    fn thread(&mut self, place: Place, tid: u64) -> u32 {
        let (pid, name) = self.process(place);
        let named = |name: &'static str, tid: u64, args: Map<String, Value>| Event {
            name: name.to_owned(),
            cat: "",
            ph: "M",
            pid,
            tid,
            ts: 0.0,
            dur: None,
            s: None,
            args,
        };
        let of = |key: &str, value: Value| Map::from_iter([(key.to_owned(), value)]);
        if self.named.insert((pid, 0)) {
            self.events.push(named("process_name", 0, of("name", name.into())));
            self.events.push(named("process_sort_index", 0, of("sort_index", pid.into())));
        }
        if self.named.insert((pid, tid)) {
            let race = if tid >= RACE { ", racing" } else { "" };
            let number = if tid >= RACE { (tid - RACE) % STEP } else { tid };
            self.events.push(named("thread_name", tid, of("name", format!("request {number}{race}").into())));
        }
        pid
    }

    fn us(&self, at: Time) -> f64 {
        // turns that count are sent after the start
        at.since(self.start).nanos() as f64 / 1e3
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of an event")]
    fn span(&mut self, place: Place, tid: u64, cat: &'static str, name: String, from: Time, to: Time, args: Value) {
        let pid = self.thread(place, tid);
        let (ts, dur) = (self.us(from), to.since(from).nanos() as f64 / 1e3);
        self.events.push(Event { name, cat, ph: "X", pid, tid, ts, dur: Some(dur), s: None, args: object(args) });
    }

    fn instant(&mut self, place: Place, tid: u64, cat: &'static str, name: String, at: Time) {
        let pid = self.thread(place, tid);
        let ts = self.us(at);
        self.events.push(Event { name, cat, ph: "i", pid, tid, ts, dur: None, s: Some("t"), args: Map::new() });
    }

    fn story(&mut self, story: &Story) {
        let scenario = self.scenario;
        let topology = &scenario.topologies[self.topology];
        let names = Names { scenario, topology, sent: story.sent, pool: 0 };
        let (users, tid) = (Place::Users(story.group.ix()), story.number);
        let over = story.steps.iter().find(|s| matches!(s.what, What::Ends(_))).map_or(story.sent, |s| s.at);
        let served = |f: &dyn Fn(&Ending) -> Value| story.ending.as_ref().map_or(Value::Null, f);
        let args = json!({
            "outcome": outcome(story.ending),
            "workload": scenario.workloads[usize::from(story.workload)].name,
            "turn": story.turn + 1,
            "prompt_tokens": story.prompt,
            "attempts": story.called().count(),
            "ttft_ms": served(&|e| match e {
                Ending::Served { ttft, .. } => ttft.as_millis_f64().into(),
                Ending::Failed { .. } => Value::Null,
            }),
        });
        self.span(users, tid, "request", format!("request {tid}"), story.sent, over, args);
        // what follows a step, up to where it is over
        let next = |from: usize, is: &dyn Fn(&What) -> bool| {
            story.steps[from + 1..].iter().find(|s| is(&s.what)).map_or(over, |s| s.at).min(over)
        };
        let mut region = 0;
        for (i, step) in story.steps.iter().enumerate() {
            let at = step.at;
            match step.what {
                What::Routed { region: to, .. } => {
                    region = to;
                    let until =
                        next(i, &|w| matches!(w, What::Arrives { .. } | What::Silence { .. } | What::NetworkMoved));
                    self.span(users, tid, "network", format!("to {}", names.region(to)), at, until, Value::Null);
                }
                What::Silence { .. } => {
                    let until = next(i, &|w| matches!(w, What::ClientGivesUp));
                    self.span(users, tid, "network", "nobody answers".to_owned(), at, until, Value::Null);
                }
                What::Arrives { taken: Taken::Queued, waiting, .. } => {
                    let until = next(i, &|w| matches!(w, What::LeavesQueue | What::RegionDied | What::NetworkMoved));
                    self.span(
                        Place::Region(region),
                        tid,
                        "region",
                        "queue".to_owned(),
                        at,
                        until,
                        json!({ "position": waiting }),
                    );
                }
                What::Arrives { taken: Taken::Refused, .. } => {
                    self.instant(
                        Place::Region(region),
                        tid,
                        "region",
                        "refused: no slot, no room to wait".to_owned(),
                        at,
                    );
                }
                What::Works { stale, database_down, cache_down, .. } => {
                    let until = next(i, &|w| {
                        matches!(w, What::GatewayAsked | What::RegionDied | What::NetworkMoved | What::Ends(_))
                    });
                    let args = json!({ "stale": stale, "database_down": database_down, "cache_down": cache_down });
                    self.span(Place::Region(region), tid, "region", "application".to_owned(), at, until, args);
                }
                What::Pauses { .. } => {
                    let until = next(i, &|w| matches!(w, What::PauseOver | What::RegionDied | What::NetworkMoved));
                    self.span(Place::Region(region), tid, "region", "pause".to_owned(), at, until, Value::Null);
                }
                What::Sent { attempt, deployment, leg, degraded, fallback } => {
                    let (until, how) = attempt_end(story, attempt, over);
                    let tid = thread_of(tid, leg);
                    let name = format!("attempt {attempt}: {}", names.deployment(deployment));
                    let args = json!({ "degraded": degraded, "fallback": fallback, "end": how });
                    self.span(Place::Region(region), tid, "attempt", name, at, until, args);
                }
                What::AtProvider { attempt, refused, spilled, cached } => {
                    let Some(deployment) = spilled.or_else(|| story.sent_to(attempt)) else { continue };
                    // several of those that race may be passed on to the same deployment
                    let tid = if spilled.is_some() { thread_of(tid, leg_of(story, attempt)) } else { tid };
                    let place = Place::Deployment(deployment);
                    match refused {
                        Some(refusal) => self.instant(
                            place,
                            tid,
                            "attempt",
                            format!("attempt {attempt} {}", ended(refusal.outcome)),
                            at,
                        ),
                        None => {
                            let (until, how) = attempt_end(story, attempt, over);
                            let args = match cached {
                                0 => json!({ "end": how }),
                                cached => json!({ "cached": cached, "end": how }),
                            };
                            self.span(place, tid, "attempt", format!("attempt {attempt}"), at, until.max(at), args);
                        }
                    }
                }
                What::FirstByte { attempt } => {
                    self.instant(Place::Region(region), tid, "attempt", format!("first byte of attempt {attempt}"), at);
                }
                What::UserSees => self.instant(users, tid, "request", "first token".to_owned(), at),
                What::Because(reason) => {
                    let place = if let Reason::Steering(_) = reason { users } else { Place::Region(region) };
                    self.instant(place, tid, "reason", names.reason(at, &reason), at);
                }
                What::UnseenFault { .. } | What::UnseenRepair { .. } => {
                    self.instant(Place::Region(region), tid, "unknown", names.unseen(at, &step.what), at);
                }
                What::UnseenRegionFault { .. } | What::UnseenRegionRepair { .. } => {
                    self.instant(users, tid, "unknown", names.unseen(at, &step.what), at);
                }
                What::RegionDied => {
                    self.instant(Place::Region(region), tid, "region", "the region dies".to_owned(), at)
                }
                _ => {}
            }
        }
    }
}

/// Which of the calls that were out together an attempt was.
fn leg_of(story: &Story, attempt: u32) -> Leg {
    let leg = |what: &What| match what {
        What::Sent { attempt: n, leg, .. } if *n == attempt => Some(*leg),
        _ => None,
    };
    story.steps.iter().find_map(|s| leg(&s.what)).unwrap_or(Leg::FIRST)
}

/// When an attempt was over for the gateway, and how; never after the request was.
fn attempt_end(story: &Story, attempt: u32, over: Time) -> (Time, String) {
    story
        .steps
        .iter()
        .find_map(|s| match s.what {
            What::AttemptEnds { attempt: n, outcome, .. } if n == attempt => Some((s.at.min(over), ended(outcome))),
            What::GivenUp { attempt: n, .. } if n == attempt => Some((s.at.min(over), "given up".to_owned())),
            _ => None,
        })
        .unwrap_or((over, String::new()))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
