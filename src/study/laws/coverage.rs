//! Do 99 % intervals cover? Some laws again, for 200 seeds fixed beforehand.

use super::availability::{REGION, scenario, served_share};
use super::provider::{failed_share, single};
use super::result::Coverage;
use super::station::{Service, StationSpec, simulate};
use super::{LawOptions, Progress, theory};
use crate::measure::interval::{Interval, compensated_sum, mean_interval};
use crate::random::Seed;
use crate::scenario::model::DistSpec;
use crate::units::Span;
use rayon::prelude::*;

/// Seeds, each with an interval of its own: 1,000,001 and following, which nothing else uses.
pub const COVERAGE_SEEDS: u32 = 200;

/// Confidence of each interval.
const CONFIDENCE: f64 = 0.99;

/// Most intervals of 200 that may miss: a correct method misses 2 on average, and more than 7 with a probability of
/// 0.1 % (the tail of the binomial distribution with n = 200 and p = 0.01), so it passes with 99.9 %.
pub const ALLOWED_MISSES: u32 = 7;

/// Replications behind each interval.
const REPLICATIONS: u32 = 10;

/// The mean of one replication.
type Measure<'a> = dyn Fn(Seed) -> f64 + Sync + 'a;

/// Counts the misses of intervals for the wait of M/M/1 and M/M/4 and the loss of M/M/4/4 on the kernel, and for a
/// provider's loss and the availability of two regions through the real world.
///
/// # Panics
/// When an invariant is broken in a run.
pub fn coverage(options: LawOptions, progress: &mut dyn FnMut(Progress)) -> Vec<Coverage> {
    let station = |name, servers, load, loss, customers| StationSpec {
        name,
        servers,
        load,
        service: Service::Exponential,
        loss,
        customers,
    };
    let one = station("coverage mm1", 1, 0.5, false, options.pick(1_000, 20_000));
    let four = station("coverage mmc", 4, 0.8, false, options.pick(2_000, 40_000));
    let loss = station("coverage mmcc", 4, 0.8, true, options.pick(500, 20_000));
    let mut provider = single("coverage", 8.0, Span::from_secs(30), Span::from_secs(options.pick(60, 1_000)));
    provider.deployments[0].ttft = DistSpec::Exponential { mean: 1.0 };
    provider.deployments[0].concurrency = Some(10);
    let regions = scenario(2, Span::from_mins(10), 0.01, Span::from_hours(options.pick(30, 300)));
    let world = |s: &crate::scenario::model::Scenario, measure: fn(&crate::world::Record) -> f64, seed: Seed| {
        let s = crate::scenario::model::Scenario { seed: seed.seed, ..s.clone() };
        measure(&crate::world::run(&s, 0, seed.replication))
    };
    let jobs: [(&'static str, &'static str, f64, Box<Measure<'_>>); 5] = [
        ("M/M/1 mean wait", "load 0.5", theory::mmc_wait(1, 0.5), Box::new(|seed| simulate(one, seed).mean_wait())),
        (
            "M/M/c mean wait",
            "c = 4, load 0.8",
            theory::mmc_wait(4, 0.8),
            Box::new(|seed| simulate(four, seed).mean_wait()),
        ),
        ("M/M/c/c loss", "c = 4, a = 3.2", theory::erlang_b(4, 3.2), Box::new(|seed| simulate(loss, seed).loss())),
        (
            "provider: loss",
            "c = 10, a = 8",
            theory::erlang_b(10, 8.0),
            Box::new(|seed| world(&provider, failed_share, seed)),
        ),
        (
            "regions: availability",
            "n = 2, checks every 600 s",
            theory::failover_availability(REGION, 2, 600.0),
            Box::new(|seed| world(&regions, served_share, seed)),
        ),
    ];
    let total = jobs.len();
    let mut results = Vec::new();
    for (done, (law, parameters, exact, measure)) in jobs.into_iter().enumerate() {
        progress(Progress { done, total, running: law });
        results.push(count(options, law, parameters, exact, &*measure));
    }
    results
}

fn count(options: LawOptions, law: &'static str, parameters: &str, exact: f64, measure: &Measure<'_>) -> Coverage {
    let first = options.seed.wrapping_mul(1_000_000);
    let intervals: Vec<Interval> = (1..=u64::from(COVERAGE_SEEDS))
        .into_par_iter()
        .map(|i| {
            let seed = first.wrapping_add(i);
            let values: Vec<f64> = (0..REPLICATIONS).map(|replication| measure(Seed { seed, replication })).collect();
            mean_interval(&values, CONFIDENCE).expect("ten finite values")
        })
        .collect();
    let below = intervals.iter().filter(|i| i.high() < exact).count() as u32;
    let above = intervals.iter().filter(|i| exact < i.low()).count() as u32;
    Coverage {
        law,
        parameters: parameters.to_owned(),
        exact,
        simulated: compensated_sum(intervals.iter().map(|i| i.mean)) / f64::from(COVERAGE_SEEDS),
        seeds: COVERAGE_SEEDS,
        replications: REPLICATIONS,
        confidence: CONFIDENCE,
        below,
        above,
        missed: below + above,
        allowed: ALLOWED_MISSES,
        pass: below + above <= ALLOWED_MISSES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_misses_are_the_band_that_a_correct_method_passes_with_99_9_percent() {
        let miss = 1.0 - CONFIDENCE;
        let n = COVERAGE_SEEDS;
        // P(X <= k), by the recursion of the binomial probabilities
        let at_most = |k: u32| {
            let mut p = libm::pow(CONFIDENCE, f64::from(n));
            let mut sum = p;
            for i in 0..k {
                p *= f64::from(n - i) / f64::from(i + 1) * miss / (1.0 - miss);
                sum += p;
            }
            sum
        };
        // 0.99899 for seven misses, 0.99570 for six
        assert!((at_most(ALLOWED_MISSES) - 0.999).abs() < 5e-5, "{}", at_most(ALLOWED_MISSES));
        assert!(at_most(ALLOWED_MISSES - 1) < 0.997, "{}", at_most(ALLOWED_MISSES - 1));
    }
}
