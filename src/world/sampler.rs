//! A scenario's distributions, prepared for drawing.

use crate::random::{normal, sample};
use crate::scenario::model::DistSpec;
use crate::units::Span;

/// A distribution with its parameters worked out once.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sampler {
    /// Always the same value.
    Constant(f64),
    /// Between two values.
    Uniform(f64, f64),
    /// With this mean.
    Exponential(f64),
    /// Mean and standard deviation of the logarithm.
    LogNormal(f64, f64),
}

impl Sampler {
    /// Prepares a distribution.
    pub fn new(spec: DistSpec) -> Sampler {
        match spec {
            DistSpec::Constant(v) => Sampler::Constant(v),
            DistSpec::Uniform { min, max } => Sampler::Uniform(min, max),
            DistSpec::Exponential { mean } => Sampler::Exponential(mean),
            DistSpec::LogNormal { p50, p95 } => {
                let sigma = libm::log(p95 / p50) / normal::quantile(0.95);
                Sampler::LogNormal(libm::log(p50), sigma)
            }
        }
    }

    /// The variate at the uniform number `u`.
    #[inline]
    pub fn at(&self, u: f64) -> f64 {
        match *self {
            Sampler::Constant(v) => v,
            Sampler::Uniform(min, max) => sample::uniform(min, max, u),
            Sampler::Exponential(mean) => sample::exponential(mean, u),
            Sampler::LogNormal(mu, sigma) => sample::log_normal(mu, sigma, u),
        }
    }

    /// The variate as a duration, base unit seconds.
    #[inline]
    pub fn span(&self, u: f64) -> Span {
        Span::from_secs_f64(self.at(u))
    }

    /// Whether a draw is needed at all.
    #[inline]
    pub fn is_constant(&self) -> bool {
        matches!(self, Sampler::Constant(_))
    }
}

/// Round trips of one network path: log-normal around the typical value, so never negative and skewed to the right.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkSampler {
    half: f64,
    sigma: f64,
}

impl LinkSampler {
    /// From the typical round trip and the relative standard deviation.
    pub fn new(rtt: Span, jitter: f64) -> LinkSampler {
        // the standard deviation of a log-normal with median 1 is close to sigma for small sigma; solved exactly:
        // sd^2 = (w - 1) w with w = exp(sigma^2)
        let w = 0.5 * (1.0 + libm::sqrt(1.0 + 4.0 * jitter * jitter));
        LinkSampler { half: rtt.nanos() as f64 * 0.5, sigma: libm::sqrt(libm::log(w)) }
    }

    /// Half of a round trip at the uniform number `u`.
    #[inline]
    pub fn half(&self, u: f64) -> Span {
        if self.sigma == 0.0 {
            return Span((self.half + 0.5) as u64);
        }
        Span((self.half * libm::exp(self.sigma * normal::quantile(u)) + 0.5) as u64)
    }
}
