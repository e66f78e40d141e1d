//! A distribution as a value: what a scenario names, checked once and sampled with one uniform.

use super::{gamma, normal, sample};
use std::fmt;
use std::sync::Arc;

/// Why parameters do not make a distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct DistError(String);

impl fmt::Display for DistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DistError {}

fn must(holds: bool, what: &str) -> Result<(), DistError> {
    if holds { Ok(()) } else { Err(DistError(what.to_owned())) }
}

/// A distribution of one number. The unit is that of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(f64),
    /// Uniform between two bounds.
    Uniform {
        /// Lower bound.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Normal; may be negative.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Gamma.
    Gamma {
        /// Shape; the squared coefficient of variation is its inverse.
        shape: f64,
        /// Scale; the mean is shape times scale.
        scale: f64,
    },
    /// Weibull.
    Weibull {
        /// Shape.
        shape: f64,
        /// Scale.
        scale: f64,
    },
    /// Pareto, cut to an upper bound (which may be infinite).
    Pareto {
        /// Exponent of the tail.
        alpha: f64,
        /// Smallest value.
        lo: f64,
        /// Largest value.
        hi: f64,
    },
    /// Geometric on 1, 2, 3, ...
    Geometric {
        /// Mean, at least 1.
        mean: f64,
    },
    /// The values of a sample.
    Empirical(Arc<Empirical>),
}

impl Dist {
    /// Log-normal from median and 95th percentile.
    ///
    /// # Errors
    /// Unless 0 < median <= p95, both finite.
    pub fn log_normal_median_p95(median: f64, p95: f64) -> Result<Dist, DistError> {
        must(median > 0.0 && p95 >= median && p95.is_finite(), "a log-normal needs 0 < median <= p95")?;
        Ok(Dist::LogNormal { mu: libm::log(median), sigma: libm::log(p95 / median) / normal::quantile(0.95) })
    }

    /// Log-normal from mean and median.
    ///
    /// # Errors
    /// Unless 0 < median <= mean, both finite.
    pub fn log_normal_mean_p50(mean: f64, median: f64) -> Result<Dist, DistError> {
        must(median > 0.0 && mean >= median && mean.is_finite(), "a log-normal needs 0 < median <= mean")?;
        Ok(Dist::LogNormal { mu: libm::log(median), sigma: libm::sqrt(2.0 * libm::log(mean / median)) })
    }

    /// Log-normal from mean and coefficient of variation.
    ///
    /// # Errors
    /// Unless the mean is positive and the coefficient not negative, both finite.
    pub fn log_normal_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        must(mean > 0.0 && mean.is_finite(), "a log-normal needs a positive mean")?;
        must(cv >= 0.0 && cv.is_finite(), "a coefficient of variation is not negative")?;
        let var = libm::log1p(cv * cv);
        Ok(Dist::LogNormal { mu: libm::log(mean) - 0.5 * var, sigma: libm::sqrt(var) })
    }

    /// Gamma from mean and coefficient of variation.
    ///
    /// # Errors
    /// Unless both are positive and finite.
    pub fn gamma_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        must(mean > 0.0 && mean.is_finite() && cv > 0.0 && cv.is_finite(), "a gamma needs a positive mean and cv")?;
        Ok(Dist::Gamma { shape: 1.0 / (cv * cv), scale: mean * cv * cv })
    }

    /// Checks the parameters; every other method relies on it.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), DistError> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        match self {
            Dist::Constant(v) => must(v.is_finite(), "a constant is a finite number"),
            Dist::Uniform { lo, hi } => {
                must(lo.is_finite() && hi.is_finite() && lo <= hi, "a uniform distribution needs finite lo <= hi")
            }
            Dist::Exponential { mean } => must(positive(*mean), "an exponential distribution needs a positive mean"),
            Dist::Normal { mean, sd } => must(
                mean.is_finite() && *sd >= 0.0 && sd.is_finite(),
                "a normal distribution needs a finite mean and sd >= 0",
            ),
            Dist::LogNormal { mu, sigma } => must(
                mu.is_finite() && *sigma >= 0.0 && sigma.is_finite(),
                "a log-normal needs a finite mu and sigma >= 0",
            ),
            Dist::Gamma { shape, scale } => {
                must(positive(*shape) && positive(*scale), "a gamma needs positive parameters")
            }
            Dist::Weibull { shape, scale } => {
                must(positive(*shape) && positive(*scale), "a Weibull distribution needs positive parameters")
            }
            Dist::Pareto { alpha, lo, hi } => must(
                positive(*alpha) && positive(*lo) && hi >= lo,
                "a Pareto distribution needs alpha > 0 and 0 < lo <= hi",
            ),
            Dist::Geometric { mean } => {
                must(*mean >= 1.0 && mean.is_finite(), "a geometric distribution needs a mean >= 1")
            }
            Dist::Empirical(_) => Ok(()),
        }
    }

    /// The variate for a uniform number of the open interval (0, 1): the quantile at `u`. Rises with `u`.
    #[inline]
    pub fn sample(&self, u: f64) -> f64 {
        match self {
            Dist::Constant(v) => *v,
            Dist::Uniform { lo, hi } => sample::uniform(*lo, *hi, u),
            Dist::Exponential { mean } => sample::exponential(*mean, u),
            Dist::Normal { mean, sd } => sample::normal(*mean, *sd, u),
            Dist::LogNormal { mu, sigma } => sample::log_normal(*mu, *sigma, u),
            Dist::Gamma { shape, scale } => scale * gamma::quantile(*shape, u),
            Dist::Weibull { shape, scale } => sample::weibull(*shape, *scale, u),
            Dist::Pareto { alpha, lo, hi } => sample::pareto(*alpha, *lo, *hi, u),
            Dist::Geometric { mean } => sample::geometric(*mean, u) as f64,
            Dist::Empirical(e) => e.sample(u),
        }
    }

    /// The mean; infinite for a Pareto tail too heavy to have one.
    pub fn mean(&self) -> f64 {
        match self {
            Dist::Constant(v) => *v,
            Dist::Uniform { lo, hi } => 0.5 * (lo + hi),
            Dist::Exponential { mean } | Dist::Normal { mean, .. } | Dist::Geometric { mean } => *mean,
            Dist::LogNormal { mu, sigma } => libm::exp(mu + 0.5 * sigma * sigma),
            Dist::Gamma { shape, scale } => shape * scale,
            Dist::Weibull { shape, scale } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Dist::Pareto { alpha, lo, hi } => pareto_moment(*alpha, *lo, *hi, 1.0),
            Dist::Empirical(e) => e.mean,
        }
    }

    /// The variance; infinite for a Pareto tail too heavy to have one.
    pub fn variance(&self) -> f64 {
        match self {
            Dist::Constant(_) => 0.0,
            Dist::Uniform { lo, hi } => (hi - lo) * (hi - lo) / 12.0,
            Dist::Exponential { mean } => mean * mean,
            Dist::Normal { sd, .. } => sd * sd,
            Dist::LogNormal { sigma, .. } => libm::expm1(sigma * sigma) * self.mean() * self.mean(),
            Dist::Gamma { shape, scale } => shape * scale * scale,
            Dist::Weibull { shape, scale } => {
                let g = libm::tgamma(1.0 + 1.0 / shape);
                scale * scale * (libm::tgamma(1.0 + 2.0 / shape) - g * g)
            }
            Dist::Pareto { alpha, lo, hi } => {
                let mean = self.mean();
                pareto_moment(*alpha, *lo, *hi, 2.0) - mean * mean
            }
            Dist::Geometric { mean } => mean * (mean - 1.0),
            Dist::Empirical(e) => e.variance,
        }
    }

    /// The quantile at `p`: [`Dist::sample`] under its other name.
    pub fn quantile(&self, p: f64) -> f64 {
        self.sample(p)
    }
}

/// The moment of order `k` of the (bounded) Pareto distribution.
fn pareto_moment(alpha: f64, lo: f64, hi: f64, k: f64) -> f64 {
    if lo == hi {
        return libm::pow(lo, k);
    }
    if hi.is_infinite() {
        return if alpha > k { alpha * libm::pow(lo, k) / (alpha - k) } else { f64::INFINITY };
    }
    // The integral of x^(k - alpha - 1) from lo to hi, by `expm1` so that alpha may come as close to k as it likes.
    let log_ratio = libm::log(hi / lo);
    let d = k - alpha;
    let integral = if d == 0.0 { log_ratio } else { libm::expm1(d * log_ratio) / d };
    alpha * libm::pow(lo, k) * integral / (1.0 - libm::pow(lo / hi, alpha))
}

/// A sorted sample that stands for its own distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    sorted: Box<[f64]>,
    interpolate: bool,
    mean: f64,
    variance: f64,
}

impl Empirical {
    /// From values in any order. With `interpolate` the quantile function is linear between neighbours (the smallest at
    /// 0, the largest at 1); without, only the values themselves come out, each equally often.
    ///
    /// # Errors
    /// If there is no value, or one is not finite.
    pub fn new(mut values: Vec<f64>, interpolate: bool) -> Result<Empirical, DistError> {
        must(!values.is_empty(), "an empirical distribution needs at least one value")?;
        must(values.iter().all(|v| v.is_finite()), "an empirical distribution needs finite values")?;
        values.sort_by(f64::total_cmp);
        let interpolate = interpolate && values.len() > 1;
        let (first, second) = if interpolate {
            // Uniform within each of the n - 1 pieces of equal weight.
            let pieces = (values.len() - 1) as f64;
            let moments =
                values.windows(2).map(|w| (0.5 * (w[0] + w[1]), (w[0] * w[0] + w[0] * w[1] + w[1] * w[1]) / 3.0));
            let (a, b) = moments.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
            (a / pieces, b / pieces)
        } else {
            let n = values.len() as f64;
            (values.iter().sum::<f64>() / n, values.iter().map(|v| v * v).sum::<f64>() / n)
        };
        Ok(Empirical { sorted: values.into(), interpolate, mean: first, variance: (second - first * first).max(0.0) })
    }

    /// The quantile at `u`.
    #[inline]
    pub fn sample(&self, u: f64) -> f64 {
        let last = self.sorted.len() - 1;
        if self.interpolate {
            let at = u * last as f64;
            let i = (at as usize).min(last - 1);
            let (a, b) = (self.sorted[i], self.sorted[i + 1]);
            a + (b - a) * (at - i as f64)
        } else {
            self.sorted[((u * self.sorted.len() as f64) as usize).min(last)]
        }
    }

    /// The values, ascending.
    pub fn values(&self) -> &[f64] {
        &self.sorted
    }
}
