//! The gamma distribution: a fast sampler on a stream, and the quantile for one uniform.

use super::normal;
use super::stream::Stream;

/// A variate of the given shape and scale 1: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM
/// TOMS 26 (2000), with their factor U^(1/shape) below shape 1. Takes several uniforms, hence a stream of its own.
pub fn from_stream(shape: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(stream.uniform(), 1.0 / shape);
        return boost * from_stream(shape + 1.0, stream);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = normal::quantile(stream.uniform());
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        if libm::log(stream.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// The regularised lower incomplete gamma function P(shape, x), the distribution function: the power series below
/// shape + 1 and the continued fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31, the latter by Lentz's method).
pub fn cdf(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 {
        let (mut term, mut sum, mut a) = (1.0 / shape, 1.0 / shape, shape);
        while term > sum * 1e-17 {
            a += 1.0;
            term *= x / a;
            sum += term;
        }
        return front * sum;
    }
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let i = i as f64;
        let a = -i * (i - shape);
        b += 2.0;
        let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
        d = 1.0 / nonzero(a * d + b);
        c = nonzero(b + a / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * h
}

/// The quantile for scale 1: Newton's method on the distribution function from the approximation of Wilson and Hilferty
/// (1931), kept inside a bracket by bisection. About a microsecond; [`from_stream`] is several times faster.
pub fn quantile(shape: f64, p: f64) -> f64 {
    // For small results P(a, x) is x^a / Gamma(a + 1), which also starts Newton where the cube of the other is negative.
    let small = libm::exp((libm::log(p) + libm::lgamma(shape + 1.0)) / shape);
    let ninth = 1.0 / (9.0 * shape);
    let cube = 1.0 - ninth + normal::quantile(p) * libm::sqrt(ninth);
    let mut x = if shape < 0.5 || cube <= 0.2 { small } else { shape * cube * cube * cube };
    if x < 1e-8 * shape {
        // The next term of the series changes the result by less than one part in 10^8 of itself.
        return small;
    }
    let (mut lo, mut hi) = (0.0, f64::INFINITY);
    for _ in 0..200 {
        let error = cdf(shape, x) - p;
        if error > 0.0 {
            hi = x;
        } else {
            lo = x;
        }
        let density = libm::exp((shape - 1.0) * libm::log(x) - x - libm::lgamma(shape));
        let newton = x - error / density;
        let next = if newton > lo && newton < hi {
            newton
        } else if hi.is_finite() {
            0.5 * (lo + hi)
        } else {
            2.0 * x
        };
        if (next - x).abs() <= 1e-14 * next {
            return next;
        }
        x = next;
    }
    x
}
