//! Quantiles of the distributions behind the intervals: Student's t and beta. The normal one is
//! [`crate::random::normal::quantile`].
//!
//! Cumulative functions come from the continued fraction of the regularised incomplete beta function (NIST Digital
//! Library of Mathematical Functions, 8.17.22), evaluated by the modified Lentz method (Thompson and Barnett, J. Comput.
//! Phys. 64, 1986). Quantiles are found by bisection down to neighbouring floating point numbers: slower than a rational
//! approximation, which does not matter here, and as exact as the function.

/// Halves `[low, high]` until no number lies between; `below(x)` says that the root is above `x`.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low + (high - low) * 0.5;
        if middle <= low || middle >= high {
            return middle;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularised incomplete beta function I_x(a, b): the probability that a beta variable is at most `x`.
/// Accurate to about 1e-13 for the parameters that occur here.
///
/// # Panics
/// If `a` or `b` is not positive or `x` is outside 0 to 1.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    assert!(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x), "I_x(a, b) at x = {x}, a = {a}, b = {b}");
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let ln_front = a * libm::log(x) + b * libm::log1p(-x) + libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let front = libm::exp(ln_front);
    // the fraction converges fast below the mean; above, use the symmetry
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction of DLMF 8.17.22, by the modified Lentz method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    // about sqrt(max(a, b)) terms are needed; a million degrees of freedom take some thousand
    for step in 1..100_000 {
        let m = f64::from(step);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            value *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// The beta quantile: `x` with I_x(a, b) = `p`.
///
/// # Panics
/// If `a` or `b` is not positive or `p` is outside 0 to 1.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    assert!((0.0..=1.0).contains(&p), "a probability, not {p}");
    if p == 0.0 || p == 1.0 {
        return p;
    }
    bisect(0.0, 1.0, |x| beta_cdf(x, a, b) < p)
}

/// The quantile of Student's t with `df` degrees of freedom: `t` with P(T <= t) = `p`.
///
/// # Panics
/// If `p` is not strictly between 0 and 1 or `df` is zero.
pub fn t_quantile(p: f64, df: u64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "a probability strictly between 0 and 1, not {p}");
    assert!(df > 0, "Student's t has at least one degree of freedom");
    if p == 0.5 {
        return 0.0;
    }
    if p < 0.5 {
        return -t_quantile(1.0 - p, df);
    }
    let v = df as f64;
    let tail = 1.0 - p;
    // P(T > t) = I_{v / (v + t^2)}(v / 2, 1 / 2) / 2; seen from the middle, the same is 1/2 - I_{t^2 / (v + t^2)}(1/2,
    // v/2) / 2. Both arguments are formed without cancellation.
    let upper_tail = |t: f64| {
        let t2 = t * t;
        if t2 < v {
            0.5 * (1.0 - beta_cdf(t2 / (v + t2), 0.5, 0.5 * v))
        } else {
            0.5 * beta_cdf(v / (v + t2), 0.5 * v, 0.5)
        }
    };
    let mut high = 2.0;
    while upper_tail(high) > tail && high < 1e300 {
        high *= 2.0;
    }
    bisect(0.0, high, |t| upper_tail(t) > tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_beta_in_closed_form() {
        // I_x(1, b) = 1 - (1 - x)^b, I_x(a, 1) = x^a, I_1/2(a, a) = 1/2
        for x in [0.01, 0.3, 0.5, 0.99] {
            assert!((beta_cdf(x, 1.0, 7.0) - (1.0 - libm::pow(1.0 - x, 7.0))).abs() < 1e-14);
            assert!((beta_cdf(x, 2.5, 1.0) - libm::pow(x, 2.5)).abs() < 1e-14);
        }
        for a in [0.5, 3.0, 40.0, 5000.0] {
            assert!((beta_cdf(0.5, a, a) - 0.5).abs() < 1e-11, "{a}");
        }
    }

    #[test]
    fn quantiles_of_t_in_closed_form() {
        // one degree of freedom is Cauchy, two have an algebraic quantile
        for p in [0.6, 0.9, 0.975, 0.995, 0.9995] {
            let cauchy = libm::tan(std::f64::consts::PI * (p - 0.5));
            assert!((t_quantile(p, 1) / cauchy - 1.0).abs() < 1e-11, "{p}");
            let two = (2.0 * p - 1.0) / libm::sqrt(2.0 * p * (1.0 - p));
            assert!((t_quantile(p, 2) / two - 1.0).abs() < 1e-11, "{p}");
            assert_eq!(t_quantile(1.0 - p, 2).to_bits(), (-t_quantile(1.0 - (1.0 - p), 2)).to_bits());
        }
    }
}
