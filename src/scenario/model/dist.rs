//! A distribution as a scenario states it, still in the base units of the language.

/// A distribution as a scenario states it; base units are seconds for durations and tokens for sizes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DistSpec {
    /// Always the same value.
    Constant(f64),
    /// Between `min` and `max`.
    Uniform {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Log-normal by median and 95th percentile.
    LogNormal {
        /// Median.
        p50: f64,
        /// 95th percentile, at least the median.
        p95: f64,
    },
}
