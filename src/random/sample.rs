//! Samplers that turn one uniform number of the open interval (0, 1) into one variate, by inverting the distribution
//! function: `u` and the result rise together, so two runs that share `u` have the closest coupling there is.

use super::normal;

/// Exponential with the given mean.
#[inline]
pub fn exponential(mean: f64, u: f64) -> f64 {
    // 1 - u is exact for every u that `open01` makes.
    -mean * libm::log(1.0 - u)
}

/// Uniform on (`lo`, `hi`).
#[inline]
pub fn uniform(lo: f64, hi: f64, u: f64) -> f64 {
    lo + (hi - lo) * u
}

/// Normal with mean and standard deviation.
#[inline]
pub fn normal(mean: f64, sd: f64, u: f64) -> f64 {
    mean + sd * normal::quantile(u)
}

/// Log-normal: `mu` and `sigma` are mean and standard deviation of the logarithm.
#[inline]
pub fn log_normal(mu: f64, sigma: f64, u: f64) -> f64 {
    libm::exp(mu + sigma * normal::quantile(u))
}

/// Weibull with shape and scale.
#[inline]
pub fn weibull(shape: f64, scale: f64, u: f64) -> f64 {
    scale * libm::pow(-libm::log(1.0 - u), 1.0 / shape)
}

/// Pareto with exponent `alpha`, cut to [`lo`, `hi`]; an infinite `hi` gives the ordinary Pareto distribution.
#[inline]
pub fn pareto(alpha: f64, lo: f64, hi: f64, u: f64) -> f64 {
    // F(x) = (1 - (lo/x)^a) / (1 - (lo/hi)^a), solved for x.
    let cut = 1.0 - libm::pow(lo / hi, alpha);
    (lo * libm::pow(1.0 - u * cut, -1.0 / alpha)).min(hi)
}

/// Geometric on 1, 2, 3, ... with the given mean (at least 1): the number of turns of a conversation in which each turn
/// is followed by another with probability 1 - 1/mean.
#[inline]
pub fn geometric(mean: f64, u: f64) -> u64 {
    if mean <= 1.0 {
        return 1;
    }
    // P(N > n) = (1 - 1/mean)^n.
    let n = libm::log(1.0 - u) / libm::log1p(-1.0 / mean);
    (libm::ceil(n) as u64).max(1)
}
