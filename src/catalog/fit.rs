//! The fits behind the catalogue's estimates: a robust line in distance, log-normal laws, and quantiles.

/// `q`-quantile (0 to 1) of sorted values with linear interpolation between order statistics (Hyndman and Fan's type 7).
///
/// # Panics
/// If `sorted` is empty.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    assert!(!sorted.is_empty(), "a quantile needs at least one value");
    let h = (sorted.len() - 1) as f64 * q.clamp(0.0, 1.0);
    let i = (h as usize).min(sorted.len() - 1);
    let next = sorted[(i + 1).min(sorted.len() - 1)];
    sorted[i] + (h - i as f64) * (next - sorted[i])
}

/// A round trip as a line in great-circle distance.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DistanceLine {
    /// Milliseconds at distance zero.
    pub intercept_ms: f64,
    /// Milliseconds per kilometre of great circle.
    pub ms_per_km: f64,
}

impl DistanceLine {
    /// The line at `km`.
    pub fn at(self, km: f64) -> f64 {
        self.intercept_ms + self.ms_per_km * km
    }
}

/// Fits `ms = slope * (km + offset)` by least absolute deviation of the **logarithms**: half of the points lie above
/// and half below in relative terms, so neither the few badly routed pairs nor the long distances decide the line.
///
/// For a given offset the best slope is the median of `ms / (km + offset)`; the offset is searched on a 10 km grid up
/// to 2,000 km. Points without positive distance and time are ignored.
///
/// # Panics
/// If no usable point is given.
pub fn fit_distance_line(points: &[(f64, f64)]) -> DistanceLine {
    let usable: Vec<(f64, f64)> = points.iter().copied().filter(|&(km, ms)| km > 0.0 && ms > 0.0).collect();
    assert!(!usable.is_empty(), "a line needs points");
    let mut best = (f64::INFINITY, 0.0, 0.0);
    for step in 0..=200 {
        let offset = f64::from(step) * 10.0;
        let mut logs: Vec<f64> = usable.iter().map(|&(km, ms)| libm::log(ms / (km + offset))).collect();
        logs.sort_by(f64::total_cmp);
        let middle = quantile(&logs, 0.5);
        let loss: f64 = logs.iter().map(|l| (l - middle).abs()).sum();
        if loss < best.0 {
            best = (loss, offset, libm::exp(middle));
        }
    }
    DistanceLine { intercept_ms: best.1 * best.2, ms_per_km: best.2 }
}

/// The 0.95 quantile of the standard normal law.
pub const Z95: f64 = 1.644_853_626_951_472_2;

/// A log-normal law: the logarithm is normal with mean `mu` and standard deviation `sigma`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LogNormal {
    /// Mean of the logarithm.
    pub mu: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

impl LogNormal {
    /// The law with this median and 95th percentile.
    ///
    /// # Panics
    /// If the median is not positive or above the 95th percentile.
    pub fn from_p50_p95(p50: f64, p95: f64) -> LogNormal {
        assert!(p50 > 0.0 && p95 >= p50, "need 0 < p50 <= p95, not {p50} and {p95}");
        LogNormal { mu: libm::log(p50), sigma: libm::log(p95 / p50) / Z95 }
    }

    /// The law with the mean and standard deviation of the logarithms of `values` (maximum likelihood); values below
    /// one count as one.
    ///
    /// # Panics
    /// If there is no value.
    pub fn from_values(values: impl Iterator<Item = u32> + Clone) -> LogNormal {
        let logs = values.map(|v| libm::log(f64::from(v.max(1))));
        let n = logs.clone().count() as f64;
        assert!(n > 0.0, "a fit needs values");
        let mu = logs.clone().sum::<f64>() / n;
        let variance = logs.map(|l| (l - mu) * (l - mu)).sum::<f64>() / n;
        LogNormal { mu, sigma: libm::sqrt(variance) }
    }

    /// Median.
    pub fn p50(self) -> f64 {
        libm::exp(self.mu)
    }
    /// 95th percentile.
    pub fn p95(self) -> f64 {
        libm::exp(self.mu + Z95 * self.sigma)
    }
    /// Mean.
    pub fn mean(self) -> f64 {
        libm::exp(self.mu + self.sigma * self.sigma / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_outliers_is_recovered() {
        let mut points: Vec<(f64, f64)> = (1..100)
            .map(|i| {
                let km = f64::from(i) * 100.0;
                (km, 5.0 + 0.016 * km)
            })
            .collect();
        for p in points.iter_mut().step_by(5) {
            p.1 *= 3.0;
        }
        let line = fit_distance_line(&points);
        assert!((line.ms_per_km - 0.016).abs() < 2e-4, "{line:?}");
        assert!((line.intercept_ms - 5.0).abs() < 0.3, "{line:?}");
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn log_normal_round_trips() {
        let law = LogNormal::from_p50_p95(800.0, 2400.0);
        assert!((law.p50() - 800.0).abs() < 1e-9 && (law.p95() - 2400.0).abs() < 1e-9);
        assert!(law.mean() > law.p50());
    }
}
