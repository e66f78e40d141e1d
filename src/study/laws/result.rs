//! What a law's comparison says.

use crate::measure::interval::mean_interval;
use serde::Serialize;

/// Confidence of the interval of one law. A law fails when its exact value lies outside.
///
/// With at most [`MOST_LAWS`] laws that is a chance of at most 0.1 % that a correct simulator fails any of them for
/// seeds fixed beforehand (Bonferroni 1936): the band that the design asks of every statistical gate.
pub const CONFIDENCE: f64 = 0.99999;

/// How many laws the confidence is meant for.
pub const MOST_LAWS: usize = 100;

/// Whether the simulator obeys a law.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The exact value is compatible with what was simulated.
    Pass,
    /// It is not.
    Fail,
}

impl Verdict {
    /// Pass if it holds.
    pub fn of(holds: bool) -> Verdict {
        if holds { Verdict::Pass } else { Verdict::Fail }
    }

    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
        }
    }
}

/// How a law is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// The exact value must lie in the confidence interval of the mean over independent replications.
    Interval,
    /// As integers (nanoseconds, pico-dollars, counts) both sides must be equal, in every replication.
    Equal,
}

/// A law at one set of parameters.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LawResult {
    /// Name of the law: rows with equal names belong together.
    pub law: &'static str,
    /// Formula and where it comes from.
    pub source: &'static str,
    /// Parameters, in words.
    pub parameters: String,
    /// Theory.
    pub exact: f64,
    /// Mean over the replications.
    pub simulated: f64,
    /// Lower end of the interval, `tolerance` included.
    pub low: f64,
    /// Upper end of the interval, `tolerance` included.
    pub high: f64,
    /// How the verdict comes about.
    pub comparison: Comparison,
    /// Confidence of the interval; 1 where both sides must be equal.
    pub confidence: f64,
    /// Absolute widening of the interval on either side for what is not chance: an asymptotic law's distance from
    /// its limit, a histogram's bucket. Zero for nearly all laws.
    pub tolerance: f64,
    /// Independent replications.
    pub replications: usize,
    /// The verdict.
    pub verdict: Verdict,
}

/// Name and source of a law.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    pub name: &'static str,
    pub source: &'static str,
}

impl Law {
    /// Compares the mean of independent replications, given in their order.
    pub fn of_means(self, parameters: impl Into<String>, exact: f64, values: &[f64]) -> LawResult {
        self.of_means_within(parameters, exact, values, 0.0)
    }

    /// The same with a tolerance beside chance (absolute).
    pub fn of_means_within(
        self,
        parameters: impl Into<String>,
        exact: f64,
        values: &[f64],
        tolerance: f64,
    ) -> LawResult {
        let i = mean_interval(values, CONFIDENCE).expect("at least two replications of finite values");
        let mut result = LawResult {
            law: self.name,
            source: self.source,
            parameters: parameters.into(),
            exact,
            simulated: i.mean,
            low: i.low() - tolerance,
            high: i.high() + tolerance,
            comparison: Comparison::Interval,
            confidence: CONFIDENCE,
            tolerance,
            replications: values.len(),
            verdict: Verdict::Fail,
        };
        result.verdict = result.judge(exact);
        result
    }

    /// Compares what must be equal: `equal` is the comparison of the integers themselves, over all replications.
    pub fn of_equality(
        self,
        parameters: impl Into<String>,
        exact: f64,
        simulated: f64,
        equal: bool,
        replications: usize,
    ) -> LawResult {
        LawResult {
            law: self.name,
            source: self.source,
            parameters: parameters.into(),
            exact,
            simulated,
            low: simulated,
            high: simulated,
            comparison: Comparison::Equal,
            confidence: 1.0,
            tolerance: 0.0,
            replications,
            verdict: Verdict::of(equal),
        }
    }
}

impl LawResult {
    /// What the verdict would be if theory said `exact`: for tests that a wrong value is noticed.
    pub fn judge(&self, exact: f64) -> Verdict {
        Verdict::of(self.low <= exact && exact <= self.high)
    }

    /// Half the interval relative to the exact value: how small an error would be noticed. Zero where both sides must
    /// be equal.
    pub fn resolution(&self) -> f64 {
        0.5 * (self.high - self.low) / self.exact.abs()
    }
}

/// How often the intervals of a mean miss its exact value, over seeds fixed beforehand.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Coverage {
    /// Name of the law.
    pub law: &'static str,
    /// Parameters, in words.
    pub parameters: String,
    /// Theory.
    pub exact: f64,
    /// Mean over all replications of all seeds.
    pub simulated: f64,
    /// Seeds, each with an interval of its own.
    pub seeds: u32,
    /// Independent replications behind each interval.
    pub replications: u32,
    /// Confidence of each interval.
    pub confidence: f64,
    /// Intervals that lie wholly below the exact value.
    pub below: u32,
    /// Intervals that lie wholly above it.
    pub above: u32,
    /// Both.
    pub missed: u32,
    /// Most misses that pass.
    pub allowed: u32,
    /// Not more were missed.
    pub pass: bool,
}
