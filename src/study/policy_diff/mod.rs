//! Two policies, the same requests: whose decision changed, why, and what that cost.
//!
//! Both runs meet the same users, sizes, service noise and faults (addressed draws), so a request of one is compared with
//! itself in the other: same session, same turn. The runs go on side by side, and a pair of stories is dropped once it has
//! been compared: memory follows the requests that only one of the runs has finished yet.

mod decision;

use crate::kernel::MAX_TIME;
use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::study::explain::{cost, outcome};
use crate::units::{Money, Span, Time};
use crate::world::Run;
use crate::world::chronicle::Follow;
use crate::world::story::{Ending, Story};
use decision::{Decider, Decision};
use serde::Serialize;
use std::collections::BTreeMap;

/// Of the JSON. Adding keys keeps it, removing or changing them raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Requests that each group names, to be looked at with `geodes explain`.
const EXAMPLES: usize = 3;

/// Requests of each side after which it is said that the two have none in common.
const PATIENCE: usize = 20_000;

/// One topology of one scenario.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Position of the topology.
    pub topology: usize,
}

/// The two have no request in common: other users or workloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NothingInCommon;

/// What changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PolicyDiff {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The first side.
    pub a: SideInfo,
    /// The second side.
    pub b: SideInfo,
    /// Replication of both, from 0.
    pub replication: u32,
    /// Requests that both sides have.
    pub requests: u64,
    /// Of those, requests whose decision changed: region, sequence of calls, or outcome.
    pub changed: u64,
    /// Requests that only the first side has (a conversation went on for longer before the end).
    pub only_a: u64,
    /// Requests that only the second side has.
    pub only_b: u64,
    /// All requests that both sides have, changed or not.
    pub all: Effect,
    /// The changed ones by reason, the largest group first.
    pub groups: Vec<Group>,
    /// Changed requests, in the order in which they were sent on the first side; as many as were asked for.
    pub changes: Vec<Change>,
}

/// Who is compared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SideInfo {
    /// Title of the scenario.
    pub scenario: String,
    /// Topology.
    pub topology: String,
    /// Master seed.
    pub seed: u64,
}

/// Requests whose decision changed for the same reason.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Group {
    /// The first difference, in words.
    pub reason: String,
    /// What it did to them.
    #[serde(flatten)]
    pub effect: Effect,
    /// The first of them: (number on the first side, number on the second).
    pub examples: Vec<(u64, u64)>,
}

/// What a change did: the second side less the first.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Effect {
    /// Requests.
    pub requests: u64,
    /// Failed on the first side.
    pub failed_a: u64,
    /// Failed on the second.
    pub failed_b: u64,
    /// Served degraded on the first side.
    pub degraded_a: u64,
    /// Served degraded on the second.
    pub degraded_b: u64,
    /// Served on both sides: times are compared over these.
    pub served_by_both: u64,
    /// Mean change of the time to first token, in milliseconds.
    pub ttft_ms: Option<f64>,
    /// Mean change of the time to the last token, in milliseconds.
    pub total_ms: Option<f64>,
    /// Change of what is billed for tokens, in dollars, all requests together.
    pub token_cost_usd: f64,
    #[serde(skip)]
    sums: Sums,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Sums {
    ttft_ns: i128,
    total_ns: i128,
    cost: Money,
}

/// A request whose decision changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Change {
    /// Why, as in its group.
    pub reason: String,
    /// Group of the user.
    pub user: String,
    /// When it was sent on the first side, in seconds after the start of the horizon.
    pub sent_s: f64,
    /// On the first side.
    pub a: Course,
    /// On the second side.
    pub b: Course,
}

/// The course of a request on one side.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Course {
    /// Its number there.
    pub request: u64,
    /// Regions that it was sent to, in order.
    pub regions: Vec<String>,
    /// Deployments called, in order.
    pub calls: Vec<String>,
    /// `served`, `served, degraded` or `failed: CLASS`.
    pub outcome: String,
    /// Time to first token in milliseconds; none if it failed.
    pub ttft_ms: Option<f64>,
    /// Until it was over for the user, in milliseconds.
    pub total_ms: f64,
    /// What is billed for tokens, in dollars.
    pub token_cost_usd: f64,
}

/// Compares what two policies do with the same requests, and lists at most `list` of the changed ones.
///
/// # Errors
/// They have none in common.
pub fn compare(a: Side<'_>, b: Side<'_>, replication: u32, list: usize) -> Result<PolicyDiff, NothingInCommon> {
    let mut names = decision::Names::default();
    let sides = [Decider::new(a, &mut names), Decider::new(b, &mut names)];
    let mut runs = [a.follow(replication), b.follow(replication)];
    let mut waiting: [BTreeMap<u64, Story>; 2] = [BTreeMap::new(), BTreeMap::new()];
    let mut found =
        Findings { sides: &sides, list, groups: BTreeMap::new(), all: Effect::default(), changes: vec![], changed: 0 };
    // after the last request has been sent a run goes to its end in one go: what is left are those that are under way, and
    // faults that may last for years
    let sent_by = sides.iter().map(Decider::end).max().unwrap_or(Time::ZERO);
    let mut until = Time::ZERO;
    loop {
        until = if until < sent_by { until + STRIDE } else { MAX_TIME };
        let mut more = false;
        let mut pairs: Vec<(Story, Story)> = Vec::new();
        for (side, run) in runs.iter_mut().enumerate() {
            more |= run.advance_to(until);
            for story in run.take_stories() {
                match waiting[1 - side].remove(&story.key.0) {
                    Some(other) if side == 0 => pairs.push((story, other)),
                    Some(other) => pairs.push((other, story)),
                    None => drop(waiting[side].insert(story.key.0, story)),
                }
            }
        }
        pairs.iter().for_each(|(a, b)| found.add(a, b));
        let strangers = found.all.requests == 0 && waiting.iter().all(|w| w.len() > PATIENCE);
        if !more || strangers {
            break;
        }
    }
    if found.all.requests == 0 {
        return Err(NothingInCommon);
    }
    let mut groups: Vec<Group> = found.groups.into_values().collect();
    groups.sort_by(|x, y| y.effect.requests.cmp(&x.effect.requests).then_with(|| x.reason.cmp(&y.reason)));
    for group in &mut groups {
        group.effect.close();
    }
    found.all.close();
    Ok(PolicyDiff {
        format_version: FORMAT_VERSION,
        a: info(a),
        b: info(b),
        replication,
        requests: found.all.requests,
        changed: found.changed,
        only_a: waiting[0].len() as u64,
        only_b: waiting[1].len() as u64,
        all: found.all,
        groups,
        changes: found.changes,
    })
}

impl<'a> Side<'a> {
    fn follow(self, replication: u32) -> Run<'a> {
        let seed = Seed { seed: self.scenario.seed, replication };
        Run::following(self.scenario, self.topology, seed, Follow::Everybody)
    }
}

/// Simulated time by which the runs go ahead in turn.
const STRIDE: Span = Span::from_secs(30);

fn info(side: Side<'_>) -> SideInfo {
    SideInfo {
        scenario: side.scenario.name.clone(),
        topology: side.scenario.topologies[side.topology].name.clone(),
        seed: side.scenario.seed,
    }
}

struct Findings<'a> {
    sides: &'a [Decider<'a>; 2],
    list: usize,
    groups: BTreeMap<String, Group>,
    all: Effect,
    changes: Vec<Change>,
    changed: u64,
}

impl Findings<'_> {
    fn add(&mut self, a: &Story, b: &Story) {
        let [side_a, side_b] = self.sides;
        let costs = [side_a.cost(a), side_b.cost(b)];
        self.all.add(a, b, costs);
        let decisions = [side_a.decisions(a), side_b.decisions(b)];
        let Some(reason) = decision::first_difference(self.sides, &decisions, a, b) else { return };
        self.changed += 1;
        let change = || Change {
            reason: reason.clone(),
            user: side_a.user(a),
            sent_s: side_a.sent_s(a),
            a: side_a.course(a, costs[0]),
            b: side_b.course(b, costs[1]),
        };
        keep_first(&mut self.changes, self.list, a.number, |c| c.a.request, change);
        let group = self.groups.entry(reason).or_insert_with_key(|reason| Group {
            reason: reason.clone(),
            effect: Effect::default(),
            examples: Vec::new(),
        });
        group.effect.add(a, b, costs);
        keep_first(&mut group.examples, EXAMPLES, a.number, |e| e.0, || (a.number, b.number));
    }
}

/// Keeps the `most` items with the lowest numbers, in order; requests end in another order than they were sent in.
fn keep_first<T>(kept: &mut Vec<T>, most: usize, number: u64, of: impl Fn(&T) -> u64, item: impl FnOnce() -> T) {
    let place = kept.partition_point(|k| of(k) < number);
    if place < most {
        kept.insert(place, item());
        kept.truncate(most);
    }
}

impl Effect {
    fn add(&mut self, a: &Story, b: &Story, [cost_a, cost_b]: [Money; 2]) {
        self.requests += 1;
        let failed = |s: &Story| u64::from(matches!(s.ending, Some(Ending::Failed { .. })));
        let degraded = |s: &Story| u64::from(matches!(s.ending, Some(Ending::Served { degraded: true, .. })));
        self.failed_a += failed(a);
        self.failed_b += failed(b);
        self.degraded_a += degraded(a);
        self.degraded_b += degraded(b);
        self.sums.cost = self.sums.cost + cost_b - cost_a;
        if let (Some(Ending::Served { ttft: ta, e2e: ea, .. }), Some(Ending::Served { ttft: tb, e2e: eb, .. })) =
            (a.ending, b.ending)
        {
            self.served_by_both += 1;
            self.sums.ttft_ns += i128::from(tb.nanos()) - i128::from(ta.nanos());
            self.sums.total_ns += i128::from(eb.nanos()) - i128::from(ea.nanos());
        }
    }

    /// Works out the means.
    fn close(&mut self) {
        let n = self.served_by_both;
        let mean_ms = |ns: i128| (n > 0).then(|| ns as f64 / n as f64 / 1e6);
        self.ttft_ms = mean_ms(self.sums.ttft_ns);
        self.total_ms = mean_ms(self.sums.total_ns);
        self.token_cost_usd = self.sums.cost.as_dollars_f64();
    }
}

impl Decider<'_> {
    fn cost(&self, story: &Story) -> Money {
        story.billed().map(|tokens| cost(self.scenario, tokens)).sum()
    }

    fn user(&self, story: &Story) -> String {
        self.scenario.groups[story.group.ix()].name.clone()
    }

    fn sent_s(&self, story: &Story) -> f64 {
        story.sent.since(Time(self.scenario.warmup.nanos())).as_secs_f64()
    }

    fn course(&self, story: &Story, cost: Money) -> Course {
        let ttft = match story.ending {
            Some(Ending::Served { ttft, .. }) => Some(ttft),
            Some(Ending::Failed { .. }) | None => None,
        };
        let total = story.ending.map_or(Span::ZERO, Ending::total);
        let mut course = Course {
            request: story.number,
            regions: Vec::new(),
            calls: Vec::new(),
            outcome: outcome(story.ending),
            ttft_ms: ttft.map(Span::as_millis_f64),
            total_ms: total.as_millis_f64(),
            token_cost_usd: cost.as_dollars_f64(),
        };
        for (decision, _) in self.decisions(story) {
            match decision {
                Decision::Region(r) => course.regions.push(self.name(r)),
                Decision::Call { deployment, .. } => course.calls.push(self.name(deployment)),
                Decision::End(_) => {}
            }
        }
        course
    }
}
