//! The exact values: closed forms of queueing and reliability theory. Service times have mean 1 unless an argument says
//! otherwise, so times are in mean services and rates per mean service.

/// The probability that an M/G/c/c system refuses a customer, `a` erlangs offered to `servers` servers:
/// `B(c) = a B(c-1) / (c + a B(c-1))`, `B(0) = 1`. Erlang (1917); the recursion is in Jagerman (1974).
pub fn erlang_b(servers: u32, a: f64) -> f64 {
    (1..=servers).fold(1.0, |b, c| a * b / (f64::from(c) + a * b))
}

/// The probability that a customer of an M/M/c queue waits: `C = B / (1 - rho (1 - B))`. Erlang (1917).
pub fn erlang_c(servers: u32, a: f64) -> f64 {
    let (b, rho) = (erlang_b(servers, a), a / f64::from(servers));
    b / (1.0 - rho * (1.0 - b))
}

/// The mean wait in an M/M/c queue: `Wq = C / (c - a)`. Erlang (1917); Kleinrock, Queueing Systems I (1975), section 3.5.
pub fn mmc_wait(servers: u32, load: f64) -> f64 {
    let a = load * f64::from(servers);
    erlang_c(servers, a) / (f64::from(servers) - a)
}

/// The probability that a customer of an M/M/c queue is in the system for longer than `t`: the wait is zero with
/// probability `1 - C` and exponential with rate `theta = c - a` otherwise, and a service of rate 1 follows:
/// `P(T > t) = (1 - C) e^-t + C (theta e^-t - e^-(theta t)) / (theta - 1)`. Gross, Harris (1974).
pub fn mmc_sojourn_tail(servers: u32, load: f64, t: f64) -> f64 {
    let a = load * f64::from(servers);
    let (c, theta) = (erlang_c(servers, a), f64::from(servers) - a);
    let once = libm::exp(-t);
    let both = if (theta - 1.0).abs() < 1e-9 {
        once * (1.0 + t)
    } else {
        (theta * once - libm::exp(-theta * t)) / (theta - 1.0)
    };
    (1.0 - c) * once + c * both
}

/// The time that a share `p` of the customers of an M/M/c queue do not exceed: the tail above, inverted by bisection.
pub fn mmc_sojourn_quantile(servers: u32, load: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while mmc_sojourn_tail(servers, load, high) > 1.0 - p {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if mmc_sojourn_tail(servers, load, middle) > 1.0 - p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The mean wait in an M/G/1 queue: `Wq = rho E[S^2] / (2 (1 - rho))` for mean service 1. Pollaczek (1930), Khinchine
/// (1932).
pub fn mg1_wait(load: f64, second_moment: f64) -> f64 {
    load * second_moment / (2.0 * (1.0 - load))
}

/// The mean time in an M/G/1 system that shares its server equally: `1 / (1 - rho)` whatever the distribution of the
/// service. Kleinrock (1967); insensitivity: Sakata, Noguchi, Oizumi (1971).
pub fn sharing_sojourn(load: f64) -> f64 {
    1.0 / (1.0 - load)
}

/// The share of queues with at least `k` customers when each customer joins the shorter of two queues drawn at random,
/// for infinitely many queues: `rho^(2^k - 1)`. Vvedenskaya, Dobrushin, Karpelevich (1996); Mitzenmacher (2001).
pub fn two_choices_tail(load: f64, k: u32) -> f64 {
    libm::pow(load, libm::exp2(f64::from(k)) - 1.0)
}

/// Attempts per request when each fails with probability `p` and up to `n` retries follow: `1 + p + ... + p^n`, which
/// is `(1 - p^(n+1)) / (1 - p)` and `n + 1` at `p = 1`.
pub fn retry_amplification(p: f64, n: u32) -> f64 {
    (0..=n).fold(0.0, |sum, _| 1.0 + p * sum)
}

/// The share of requests that succeed within `n` retries: `1 - p^(n+1)`.
pub fn retry_success(p: f64, n: u32) -> f64 {
    1.0 - libm::pow(p, f64::from(n + 1))
}

/// A component that fails after an exponential time of mean `up` and is repaired after one of mean `down` (any unit).
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// Mean time from repair to failure.
    pub up: f64,
    /// Mean time to repair.
    pub down: f64,
}

impl Renewal {
    /// Share of time that it is down: `q = down / (up + down)`.
    pub fn down_share(self) -> f64 {
        self.down / (self.up + self.down)
    }

    /// The probability that it was up at its last check but is down now, checks being `interval` apart and now being a
    /// uniform time after the last: `q (1 - q) (1 - (1 - e^-x) / x)` with `x = interval (1/up + 1/down)`, from the
    /// transition probability of the two-state Markov chain. By symmetry also the probability of the opposite.
    pub fn unnoticed(self, interval: f64) -> f64 {
        let q = self.down_share();
        let x = interval * (1.0 / self.up + 1.0 / self.down);
        q * (1.0 - q) * (1.0 + libm::expm1(-x) / x)
    }
}

/// The availability of `n` independent equal regions with fail-over in a fixed order: a request goes to the first
/// region that its last check found up, or to the first of all if none was.
///
/// With perfect knowledge that is `1 - q^n`, the availability of one out of `n`. Checks every `interval` cost the
/// unnoticed failures `e` ([`Renewal::unnoticed`]): the request fails if regions 0 to i-1 were found down (each with
/// probability `q`, their checks being independent) and region i was found up but is down, for each i; or if all were
/// found down and the first is down. Sum: `q^n + e (1 + q + ... + q^(n-2))`. Exact for checks that take no time; the
/// limit is textbook reliability (Barlow, Proschan 1975).
pub fn failover_availability(region: Renewal, n: u32, interval: f64) -> f64 {
    let (q, e) = (region.down_share(), region.unnoticed(interval));
    let all_down = libm::pow(q, f64::from(n));
    let stale: f64 = (0..n.saturating_sub(1)).map(|i| libm::pow(q, f64::from(i)) * e).sum();
    1.0 - all_down - stale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, digits: f64) {
        assert!((a - b).abs() < digits, "{a} {b}");
    }

    #[test]
    fn published_values() {
        // orientation values of the validation targets, to their printed digits
        close(mmc_wait(1, 0.8), 4.0, 1e-12);
        close(mmc_sojourn_quantile(1, 0.8, 0.99), 23.03, 0.005);
        close(mmc_wait(100, 0.9), 0.02169, 0.000_005);
        close(mmc_sojourn_quantile(100, 0.9, 0.99), 4.629, 0.0005);
        // one server is refused with probability a / (1 + a)
        close(erlang_b(1, 3.0), 0.75, 1e-15);
        // exponential service: E[S^2] = 2 gives M/M/1
        close(mg1_wait(0.8, 2.0), 4.0, 1e-12);
    }

    #[test]
    fn limits() {
        close(retry_amplification(1.0, 4), 5.0, 1e-15);
        close(retry_amplification(0.5, 2), (1.0 - 0.125) / 0.5, 1e-15);
        // theta = 1: the two exponentials of the sojourn coincide, and the tail is continuous there
        let at = |load| mmc_sojourn_tail(4, load, 2.0);
        close(at(0.75), 0.5 * (at(0.75 - 1e-6) + at(0.75 + 1e-6)), 1e-8);
        let r = Renewal { up: 3.0, down: 1.0 };
        close(failover_availability(r, 3, 1e-9), 1.0 - 0.25 * 0.25 * 0.25, 1e-8);
        close(failover_availability(r, 1, 5.0), 0.75, 1e-15);
        // knowledge of no worth: the first region is taken up with 1 - q, whatever it is now
        close(Renewal { up: 3.0, down: 1.0 }.unnoticed(1e9), 0.25 * 0.75, 1e-8);
    }
}
