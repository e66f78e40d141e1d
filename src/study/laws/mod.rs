//! The exact laws: queueing and reliability theory in closed form against the simulator, for `geodes validate laws`.
//!
//! Two kinds of simulation are compared. *On the kernel*: small stations written as [`crate::kernel::World`]s, so that
//! engine, samplers and statistics are tested without anything of the product. *Through the real world*: scenarios made
//! with [`crate::scenario::plain`] and run like any other, so that provider, limiter, retries, regions, name service,
//! health checks and bill are tested as they are.
//!
//! # Method
//! * **Replications** are independent and their seeds fixed beforehand; the interval is Student's t over their means,
//!   folded in the order of replications. A law fails when its exact value lies outside of the interval.
//! * **Warm-up.** Stations on the kernel start in their stationary distribution, so means over the first n customers
//!   are unbiased. Scenarios start empty and warm up for many relaxation times; each law says for how long.
//! * **Confidence** is [`result::CONFIDENCE`] per law, so that a correct simulator passes all of them with 99.9 %.
//! * **What chance cannot excuse** (Little's law, money, an idle system) is compared as integers and must be equal.
//! * **Coverage**: [`coverage`] repeats some laws for 200 seeds and counts how often a 99 % interval misses.

mod availability;
mod choices;
mod coverage;
mod idle;
mod provider;
mod purpose;
mod queues;
pub mod result;
mod sharing;
mod station;
mod table;
pub mod theory;

pub use coverage::{ALLOWED_MISSES, COVERAGE_SEEDS, coverage};
pub use result::{Comparison, Coverage, LawResult, Verdict};
pub use table::render_table;

use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::world::Record;
use rayon::prelude::*;

/// How much is simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// Seconds: for tests.
    Small,
    /// One or two minutes on two cores: narrow intervals.
    Full,
}

/// What to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LawOptions {
    /// How much.
    pub size: Size,
    /// Master seed. The default was fixed before anything was run.
    pub seed: u64,
}

impl LawOptions {
    /// With the default seed.
    pub const fn new(size: Size) -> LawOptions {
        LawOptions { size, seed: 1 }
    }

    /// `small` or `full`.
    fn pick<T>(self, small: T, full: T) -> T {
        match self.size {
            Size::Small => small,
            Size::Full => full,
        }
    }
}

/// How far a validation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Groups of laws that are done.
    pub done: usize,
    /// Groups in all.
    pub total: usize,
    /// The group that is running now.
    pub running: &'static str,
}

/// Independent replications behind each interval of a law: enough for Student's t to be close to normal far out, where
/// [`result::CONFIDENCE`] lies, and a multiple of usual numbers of cores.
const REPLICATIONS: usize = 32;

/// Laws that share their simulations, and how to run them.
type Group = (&'static str, fn(LawOptions) -> Vec<LawResult>);

/// All laws, in the order of the table.
const GROUPS: [Group; 15] = [
    ("M/M/c wait and sojourn", queues::multi_server),
    ("M/D/1 and M/G/1 wait", queues::general_service),
    ("M/M/c/c loss", queues::loss),
    ("M/G/1 processor sharing", queues::processor_sharing),
    ("Little's law and utilisation", queues::conservation),
    ("power of two choices", queues::two_choices),
    ("provider: loss", provider::loss),
    ("provider: quota", provider::token_bucket),
    ("gateway: retries", provider::retries),
    ("gateway: hedging", provider::hedging),
    ("gateway: racing", provider::racing),
    ("region: queue and slots", provider::region),
    ("regions: availability", availability::laws),
    ("idle system: first byte", idle::first_byte),
    ("known load: cost", idle::cost),
];

/// Runs every law on the threads of the present rayon pool.
///
/// # Panics
/// When an invariant is broken in a run.
pub fn run(options: LawOptions, progress: &mut dyn FnMut(Progress)) -> Vec<LawResult> {
    let total = GROUPS.len();
    let mut results = Vec::new();
    for (done, (running, laws)) in GROUPS.into_iter().enumerate() {
        progress(Progress { done, total, running });
        results.extend(laws(options));
    }
    assert!(results.len() <= result::MOST_LAWS, "the confidence of a single law is meant for fewer laws");
    results
}

/// Independent replications of anything, in parallel, in their order.
fn replicate<T: Send>(seed: u64, count: usize, simulate: impl Fn(Seed) -> T + Sync) -> Vec<T> {
    (0..count as u32).into_par_iter().map(|replication| simulate(Seed { seed, replication })).collect()
}

/// Independent replications of a scenario's first topology, each cut down to what a law needs of it.
fn run_world<T: Send>(scenario: &Scenario, seed: u64, count: usize, measure: impl Fn(&Record) -> T + Sync) -> Vec<T> {
    let scenario = Scenario { seed, ..scenario.clone() };
    replicate(seed, count, |s| measure(&crate::world::run(&scenario, 0, s.replication)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_the_same_on_any_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let options = LawOptions::new(Size::Small);
            pool.install(|| (queues::conservation(options), provider::loss(options)))
        };
        assert_eq!(on(1), on(3));
    }
}
