//! Confidence intervals over replications: means, paired differences, proportions.
//!
//! Floating-point sums run in the order of the slice, which by convention is the **order of the replications**, with
//! Neumaier's compensation (1974): the same values give the same bits however many threads produced them.

use super::distribution::{beta_quantile, t_quantile};
use crate::random::normal;

/// A mean and the half-width of its confidence interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the length of the interval.
    pub half_width: f64,
    /// How many values it rests on.
    pub n: usize,
}

impl Interval {
    /// The lower end.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }
    /// The upper end.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }
    /// True if `value` lies inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low() <= value && value <= self.high()
    }
}

/// An interval for a proportion; not symmetric about the estimate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ProportionInterval {
    /// Successes divided by trials.
    pub estimate: f64,
    /// The lower end, at least 0.
    pub low: f64,
    /// The upper end, at most 1.
    pub high: f64,
}

/// A sum with Neumaier's compensation, value by value.
#[derive(Clone, Copy, Default, Debug)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    /// Adds one value.
    pub fn add(&mut self, v: f64) {
        let next = self.sum + v;
        self.lost += if self.sum.abs() >= v.abs() { (self.sum - next) + v } else { (v - next) + self.sum };
        self.sum = next;
    }

    /// What was added so far.
    pub fn value(&self) -> f64 {
        self.sum + self.lost
    }
}

/// The sum in slice order with Neumaier's compensation.
pub fn compensated_sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = CompensatedSum::default();
    values.into_iter().for_each(|v| sum.add(v));
    sum.value()
}

/// Mean and sample variance (n - 1), two passes in slice order; `None` for fewer than two values or any that is not
/// finite.
pub fn mean_and_variance(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let mean = compensated_sum(values.iter().copied()) / values.len() as f64;
    let squares = compensated_sum(values.iter().map(|v| (v - mean) * (v - mean)));
    Some((mean, squares / (values.len() - 1) as f64))
}

fn assert_confidence(confidence: f64) {
    assert!(confidence > 0.0 && confidence < 1.0, "a confidence strictly between 0 and 1, not {confidence}");
}

/// The t-interval of the mean of independent values, one per replication. `None` for fewer than two values (one
/// replication says nothing about its own error) or any that is not finite.
///
/// # Panics
/// If `confidence` is not strictly between 0 and 1.
pub fn mean_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    assert_confidence(confidence);
    let (mean, variance) = mean_and_variance(values)?;
    let n = values.len();
    let t = t_quantile(0.5 + 0.5 * confidence, n as u64 - 1);
    Some(Interval { mean, half_width: t * libm::sqrt(variance / n as f64), n })
}

/// The t-interval of the mean of `a - b`, replication by replication: the right one when both were run on the same
/// users and faults (common random numbers), and then far narrower than two intervals side by side.
///
/// # Panics
/// If the slices differ in length, or `confidence` is not strictly between 0 and 1.
pub fn paired_difference_interval(a: &[f64], b: &[f64], confidence: f64) -> Option<Interval> {
    assert_eq!(a.len(), b.len(), "paired values come from the same replications");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    mean_interval(&differences, confidence)
}

/// The score interval of Wilson (1927) for a proportion of **independent** trials: close to its nominal coverage on
/// average even near 0 and 1 (Brown, Cai and DasGupta, Statist. Sci. 16, 2001), hence the one for reports. Requests of
/// one run are not independent (they share outages): take [`mean_interval`] of the replications' proportions there.
/// `None` without trials.
///
/// # Panics
/// If there are more successes than trials, or `confidence` is not strictly between 0 and 1.
pub fn wilson_interval(successes: u64, trials: u64, confidence: f64) -> Option<ProportionInterval> {
    assert_confidence(confidence);
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z = normal::quantile(0.5 + 0.5 * confidence);
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * libm::sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
    // at the extremes the formula gives exactly 0 or 1, up to rounding
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Some(ProportionInterval { estimate: p, low, high })
}

/// The exact interval of Clopper and Pearson (1934) for a proportion of independent trials: never covers less than
/// promised and is wider for it, hence the one for gates ("at most so many of 200 seeds may miss"). `None` without
/// trials.
///
/// # Panics
/// If there are more successes than trials, or `confidence` is not strictly between 0 and 1.
pub fn clopper_pearson_interval(successes: u64, trials: u64, confidence: f64) -> Option<ProportionInterval> {
    assert_confidence(confidence);
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return None;
    }
    let (k, n) = (successes as f64, trials as f64);
    let tail = 0.5 * (1.0 - confidence);
    let low = if successes == 0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let high = if successes == trials { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, n - k) };
    Some(ProportionInterval { estimate: k / n, low, high })
}
