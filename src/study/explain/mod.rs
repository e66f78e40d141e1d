//! One request of a run, told: which it is, what happened to it, and why.
//!
//! The run is simulated again with its stories on, which changes nothing else, up to the end of the turn that is asked for.

mod bifrost;
mod portkey;
mod reasons;
mod steering;
mod tale;
mod words;

pub use steering::Checked;
pub(super) use steering::steering_rule;
pub(super) use tale::cost;
pub use tale::{FORMAT_VERSION, Kind, Score, Tale, Told};
pub(super) use words::{Names, ended, outcome, rule_name};

use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::units::Time;
use crate::world::Run;
use crate::world::chronicle::Follow;
use crate::world::session::Leg;
use crate::world::story::{Ending, Story, Taken, What};
use serde::Serialize;

/// The run has fewer requests than the number that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSuchRequest {
    /// So many it has.
    pub requests: u64,
}

/// The story of a request with its names. Requests that count have numbers, from 1, in the order in which they are sent.
///
/// # Errors
/// There is no request with that number.
pub fn explain(scenario: &Scenario, topology: usize, replication: u32, number: u64) -> Result<Tale, NoSuchRequest> {
    let seed = Seed { seed: scenario.seed, replication };
    let mut run = Run::following(scenario, topology, seed, Follow::Number(number));
    match run.next_story() {
        Some(story) => Ok(Tale::new(scenario, topology, replication, &story)),
        None => Err(NoSuchRequest { requests: run.numbered() }),
    }
}

/// What makes a request worth a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trait {
    /// It was not served.
    Failed,
    /// Its first token took longer than the scenario's `slow_over`.
    Slow,
    /// Its answer came from a pool of degraded quality.
    Degraded,
    /// A call of it was made again, or its user tried again.
    Retried,
    /// Calls raced for it.
    Hedged,
    /// Its answer is not the policy's first choice.
    Fallback,
    /// It read a conversation older than its user's last message.
    Stale,
    /// It waited in a region's queue.
    Queued,
    /// A fault was in force where it was sent.
    Unseen,
}

impl Trait {
    /// Whether the story has it.
    pub fn is_of(self, story: &Story) -> bool {
        let any = |is: &dyn Fn(&What) -> bool| story.steps.iter().any(|s| is(&s.what));
        match (self, story.ending) {
            (Trait::Failed, Some(Ending::Failed { .. })) => true,
            (Trait::Slow, Some(Ending::Served { slow, .. })) => slow,
            (Trait::Degraded, Some(Ending::Served { degraded, .. })) => degraded,
            (Trait::Fallback, Some(Ending::Served { fallback, .. })) => fallback,
            (Trait::Failed | Trait::Slow | Trait::Degraded | Trait::Fallback, _) => false,
            (Trait::Retried, _) => {
                let calls = |w: &What| matches!(w, What::Sent { leg: Leg::FIRST, .. });
                story.steps.iter().filter(|s| calls(&s.what)).count() > 1
                    || any(&|w| matches!(w, What::TryBegins { number } if *number > 1))
            }
            (Trait::Hedged, _) => any(&|w| matches!(w, What::Sent { leg: Leg(1..), .. })),
            (Trait::Stale, _) => any(&|w| matches!(w, What::Works { stale: true, .. })),
            (Trait::Queued, _) => any(&|w| matches!(w, What::Arrives { taken: Taken::Queued, .. })),
            (Trait::Unseen, _) => {
                any(&|w| matches!(w, What::UnseenFault { .. } | What::UnseenRegionFault { noticed: false, .. }))
            }
        }
    }
}

/// A request that was found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Found {
    /// Its number.
    pub request: u64,
    /// When it was sent, in seconds after the start of the horizon.
    pub sent_s: f64,
    /// Group of its user.
    pub user: String,
    /// Region that it went to last.
    pub region: Option<String>,
    /// Deployments called, in order.
    pub called: Vec<String>,
    /// How it ended.
    pub outcome: String,
    /// How long that took, in milliseconds.
    pub total_ms: f64,
}

/// The first requests to end that have the trait, `most` of them or fewer, in the order of their numbers.
pub fn find(scenario: &Scenario, topology: usize, replication: u32, wanted: Trait, most: usize) -> Vec<Found> {
    let seed = Seed { seed: scenario.seed, replication };
    let mut run = Run::following(scenario, topology, seed, Follow::Everybody);
    let mut found = Vec::new();
    while found.len() < most
        && let Some(story) = run.next_story()
    {
        if wanted.is_of(&story) {
            found.push(Found::new(scenario, topology, &story));
        }
    }
    found.sort_by_key(|f| f.request);
    found
}

impl Found {
    fn new(scenario: &Scenario, topology: usize, story: &Story) -> Found {
        let regions = &scenario.topologies[topology].regions;
        Found {
            request: story.number,
            sent_s: story.sent.since(Time(scenario.warmup.nanos())).as_secs_f64(),
            user: scenario.groups[story.group.ix()].name.clone(),
            region: story.region().map(|r| scenario.places[regions[usize::from(r)].place.ix()].id.clone()),
            called: story.called().map(|d| scenario.deployments[d.ix()].name.clone()).collect(),
            outcome: words::outcome(story.ending),
            total_ms: story.ending.map_or(0.0, |e| e.total().as_millis_f64()),
        }
    }
}
