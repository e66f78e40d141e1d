//! Output analysis of one long run that its scenario declares steady-state: warm-up detection and batch means.
//! A day with a curve and an outage is not steady; there, only replications count (see [`super::interval`]).

use super::interval::{Interval, mean_and_variance, mean_interval};

/// The interval of batch means, with what is needed to judge it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BatchMeans {
    /// The t-interval over the batch means.
    pub interval: Interval,
    /// Observations per batch.
    pub batch_len: usize,
    /// Observations left out at the front because they did not fill a batch.
    pub dropped: usize,
    /// The correlation of neighbouring batch means; `None` if they are all equal. Well above zero (0.2, say, with 20
    /// batches) the batches are too short and the interval too narrow.
    pub lag1: Option<f64>,
}

/// Non-overlapping batch means (Conway, Management Science 10, 1963): cuts `series` into `batches` equal batches and
/// treats their means as independent. What does not fill a batch is dropped at the front, where the warm-up was.
/// `None` for fewer than two batches, batches without observations, or values that are not finite. Ten to thirty
/// batches are usual (Schmeiser, Operations Research 30, 1982).
///
/// # Panics
/// If `confidence` is not strictly between 0 and 1.
pub fn batch_means(series: &[f64], batches: usize, confidence: f64) -> Option<BatchMeans> {
    if batches < 2 || series.len() < batches {
        return None;
    }
    let batch_len = series.len() / batches;
    let dropped = series.len() - batch_len * batches;
    let means: Vec<f64> =
        series[dropped..].chunks_exact(batch_len).map(|b| b.iter().sum::<f64>() / batch_len as f64).collect();
    let interval = mean_interval(&means, confidence)?;
    let (mean, variance) = mean_and_variance(&means)?;
    let lag1 = (variance > 0.0).then(|| {
        let products: f64 = means.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
        products / (variance * (means.len() - 1) as f64)
    });
    Some(BatchMeans { interval, batch_len, dropped, lag1 })
}

/// Where the warm-up of `series` ends by MSER-5: the marginal standard error rule (White, Simulation 69, 1997) on
/// means of five observations (White, Cobb and Spratt, Winter Simulation Conference 2000). Returns how many
/// observations to drop from the front, a multiple of five: the cut that makes the squared standard error of what
/// remains smallest, ties to the earliest.
///
/// `None` if the series is too short (fewer than 10 batches of five) or the best cut falls into its second half:
/// then the run has not shown its steady state, and a longer one is needed.
pub fn mser5(series: &[f64]) -> Option<usize> {
    const BATCH: usize = 5;
    const FEWEST_BATCHES: usize = 10;
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|b| b.iter().sum::<f64>() / BATCH as f64).collect();
    if batches.len() < FEWEST_BATCHES || !batches.iter().all(|v| v.is_finite()) {
        return None;
    }
    // From the back, with Welford's update of the mean and the sum of squared deviations (Technometrics 4, 1962).
    // Cuts that leave fewer than five batches are not looked at: few and equal values make the error zero by chance.
    const FEWEST_LEFT: usize = 5;
    let (mut mean, mut squares) = (0.0f64, 0.0f64);
    let mut best: Option<(f64, usize)> = None;
    for (cut, &y) in batches.iter().enumerate().rev() {
        let left = batches.len() - cut;
        let delta = y - mean;
        mean += delta / left as f64;
        squares += delta * (y - mean);
        let error = squares / (left as f64 * left as f64);
        if left >= FEWEST_LEFT && best.is_none_or(|(e, _)| error <= e) {
            best = Some((error, cut));
        }
    }
    let (_, cut) = best?;
    (cut * 2 <= batches.len()).then_some(cut * BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small linear congruential generator, for test data only (Knuth's MMIX constants).
    fn noise(n: usize) -> impl Iterator<Item = f64> {
        let mut state = 1u64;
        (0..n).map(move |_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        })
    }

    #[test]
    fn mser_cuts_a_transient_where_it_ends() {
        let series: Vec<f64> = noise(2000)
            .enumerate()
            .map(|(i, e)| e + if i < 300 { 8.0 - i as f64 * 8.0 / 300.0 } else { 0.0 })
            .collect();
        let cut = mser5(&series).unwrap();
        assert!((250..=330).contains(&cut), "{cut}");
        let steady: Vec<f64> = noise(2000).collect();
        assert!(mser5(&steady).unwrap() <= 200);
    }

    #[test]
    fn mser_finds_the_cut_of_its_definition() {
        for (trial, scale) in [0.1, 0.5, 1.0, 2.0, 4.0].into_iter().enumerate() {
            let series: Vec<f64> = noise(40 * 5 + trial)
                .enumerate()
                .map(|(i, e)| 100.0 + e + scale * libm::exp(-(i as f64) / 20.0))
                .collect();
            // the definition, in two passes over the means of five
            let means: Vec<f64> = series.chunks_exact(5).map(|b| b.iter().sum::<f64>() / 5.0).collect();
            let error = |cut: usize| {
                let rest = &means[cut..];
                let n = rest.len() as f64;
                let mean = rest.iter().sum::<f64>() / n;
                rest.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / (n * n)
            };
            let best = (0..=means.len() - 5).map(error).fold(f64::INFINITY, f64::min);
            let cut = mser5(&series).unwrap();
            assert!(cut.is_multiple_of(5) && error(cut / 5) <= best * (1.0 + 1e-9), "scale {scale}: {cut}");
        }
    }

    #[test]
    fn mser_refuses_a_run_that_never_settles() {
        let ramp: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(mser5(&ramp), None);
        assert_eq!(mser5(&[1.0; 49]), None);
        assert_eq!(mser5(&[1.0; 50]), Some(0));
    }

    #[test]
    fn batch_means_of_a_known_series() {
        // batches of 2 after dropping the first: means 1, 2, 3
        let b = batch_means(&[99.0, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5], 3, 0.95).unwrap();
        assert_eq!((b.interval.mean, b.batch_len, b.dropped, b.lag1), (2.0, 2, 1, Some(0.0)));
        // t(0.975, 2) = 0.95 / sqrt(2 * 0.975 * 0.025) in closed form; the batch means have standard deviation 1
        assert!((b.interval.half_width - 0.95 / libm::sqrt(0.04875) / libm::sqrt(3.0)).abs() < 1e-12);
        assert_eq!(batch_means(&[1.0, 2.0], 1, 0.95), None);
    }
}
