//! Contestants measured in turns, so that a disturbance of the machine hits all of them alike, and a plain table of
//! medians and ratios. Criterion's own reports come beside it, for the development of each figure over time.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark measures real time")]

use criterion::{BenchmarkGroup, measurement::WallTime};
use std::time::{Duration, Instant};

/// Something that performs a number of operations.
pub struct Contestant<'a> {
    pub name: String,
    run: Box<dyn FnMut(u64) + 'a>,
    ns_per_op: Vec<f64>,
}

impl<'a> Contestant<'a> {
    pub fn new(name: impl Into<String>, run: impl FnMut(u64) + 'a) -> Contestant<'a> {
        Contestant { name: name.into(), run: Box::new(run), ns_per_op: Vec::new() }
    }

    fn time(&mut self, ops: u64) -> Duration {
        let start = Instant::now();
        (self.run)(ops);
        start.elapsed()
    }

    /// The median of the rounds, in nanoseconds per operation.
    pub fn median(&self) -> f64 {
        let mut sorted = self.ns_per_op.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

/// Whether Criterion only checks that the benchmarks run (`cargo test --benches`).
pub fn only_testing() -> bool {
    std::env::args().any(|a| a == "--test") || !std::env::args().any(|a| a == "--bench")
}

/// Lets all contestants do `ops` operations in each of `rounds` rounds, after one round that does not count, then shows
/// each to Criterion.
pub fn compete(group: &mut BenchmarkGroup<'_, WallTime>, contestants: &mut [Contestant<'_>], rounds: usize, ops: u64) {
    let (rounds, ops) = if only_testing() { (1, ops.min(1_000)) } else { (rounds, ops) };
    for round in 0..=rounds {
        for c in contestants.iter_mut() {
            let spent = c.time(ops);
            if round > 0 || rounds == 1 {
                c.ns_per_op.push(spent.as_nanos() as f64 / ops as f64);
            }
        }
    }
    for c in contestants {
        group.bench_function(c.name.clone(), |b| b.iter_custom(|iters| c.time(iters)));
    }
}
