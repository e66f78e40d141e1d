//! Intervals against published figures, and their coverage.

use crate::data::Uniform;
use geodes::measure::distribution::{beta_quantile, t_quantile};
use geodes::measure::interval::{clopper_pearson_interval, mean_interval, paired_difference_interval, wilson_interval};
use geodes::random::normal;

#[test]
fn quantiles_agree_with_published_tables() {
    // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, upper critical values of Student's t (three decimals)
    let nist: [(u64, [f64; 5]); 8] = [
        (1, [3.078, 6.314, 12.706, 31.821, 63.657]),
        (2, [1.886, 2.920, 4.303, 6.965, 9.925]),
        (3, [1.638, 2.353, 3.182, 4.541, 5.841]),
        (5, [1.476, 2.015, 2.571, 3.365, 4.032]),
        (10, [1.372, 1.812, 2.228, 2.764, 3.169]),
        (30, [1.310, 1.697, 2.042, 2.457, 2.750]),
        (60, [1.296, 1.671, 2.000, 2.390, 2.660]),
        (100, [1.290, 1.660, 1.984, 2.364, 2.626]),
    ];
    for (df, row) in nist {
        for (p, table) in [0.9, 0.95, 0.975, 0.99, 0.995].into_iter().zip(row) {
            let t = t_quantile(p, df);
            assert!((t - table).abs() <= 0.000_501, "t({p}, {df}) = {t}, the table says {table}");
            assert!((t_quantile(1.0 - p, df) + t).abs() < 1e-9);
        }
    }
    // the same with more digits, and the normal limit
    for (p, df, exact) in [(0.975, 4, 2.776_445_105), (0.975, 9, 2.262_157_163), (0.995, 29, 2.756_385_904)] {
        assert!((t_quantile(p, df) - exact).abs() < 1e-8, "{}", t_quantile(p, df));
    }
    for (p, z) in [(0.975, 1.959_963_984_540_054), (0.995, 2.575_829_303_548_901), (0.999, 3.090_232_306_167_813_5)] {
        assert!((t_quantile(p, 100_000_000) - z).abs() < 1e-6);
    }
    assert_eq!(t_quantile(0.5, 7), 0.0);
    // beta(2, 3): P(X <= x) = 6x^2 - 8x^3 + 3x^4
    let x = beta_quantile(0.3, 2.0, 3.0);
    assert!((6.0 * x * x - 8.0 * x * x * x + 3.0 * x * x * x * x - 0.3).abs() < 1e-13);
}

#[test]
fn proportions_agree_with_published_examples() {
    // Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: methods 3 (score) and 5 (exact), 95 %
    let examples = [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ];
    for (k, n, score, exact) in examples {
        let w = wilson_interval(k, n, 0.95).unwrap();
        let c = clopper_pearson_interval(k, n, 0.95).unwrap();
        for (found, published) in [(w.low, score.0), (w.high, score.1), (c.low, exact.0), (c.high, exact.1)] {
            assert!((found - published).abs() < 0.000_051, "{k}/{n}: {found}, published {published}");
        }
    }
    assert_eq!(wilson_interval(0, 0, 0.95), None);
    assert_eq!(wilson_interval(5, 5, 0.95).unwrap().high, 1.0);
    assert_eq!(clopper_pearson_interval(5, 5, 0.95).unwrap().high, 1.0);
}

#[test]
fn mean_intervals() {
    // mean 3, variance 2.5, t(0.975, 4) = 2.776445105
    let i = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
    assert_eq!((i.mean, i.n), (3.0, 5));
    assert!((i.half_width - 2.776_445_105_198 * 0.5f64.sqrt()).abs() < 1e-9);
    assert!(i.contains(i.low()) && i.contains(3.0) && !i.contains(5.0));
    assert_eq!(mean_interval(&[1.0], 0.95), None);
    assert_eq!(mean_interval(&[1.0, f64::NAN], 0.95), None);
    let d = paired_difference_interval(&[10.0, 20.0, 30.0], &[9.0, 19.0, 29.0], 0.99).unwrap();
    assert_eq!((d.mean, d.half_width), (1.0, 0.0));
}

#[test]
fn intervals_cover_what_they_promise() {
    // 2000 samples of five normal values: the number of misses is binomial(2000, 0.05), 67 to 135 with 99.9 %
    let mut u = Uniform(7);
    let misses = (0..2000)
        .filter(|_| {
            let sample: Vec<f64> = (0..5).map(|_| 10.0 + normal::quantile(u.next())).collect();
            !mean_interval(&sample, 0.95).unwrap().contains(10.0)
        })
        .count();
    assert!((67..=135).contains(&misses), "{misses} of 2000 intervals miss");
    // and the exact interval never misses more than promised (5 %), at a small proportion
    let misses = (0..2000)
        .filter(|_| {
            let k = (0..40).filter(|_| u.next() < 0.03).count() as u64;
            let c = clopper_pearson_interval(k, 40, 0.95).unwrap();
            !(c.low <= 0.03 && 0.03 <= c.high)
        })
        .count();
    assert!(misses <= 135, "{misses} of 2000 exact intervals miss");
}

#[test]
fn batch_means_cover_a_correlated_series() {
    // an autoregressive series with correlation 0.8 and mean 0: 200 runs of 4000 in 20 batches, 95 % intervals; misses
    // are binomial(200, 0.05) if all is well: at most 21 with 99.9 %. Single observations taken as independent miss most.
    let mut u = Uniform(11);
    let (mut missed, mut naive) = (0, 0);
    for _ in 0..200 {
        let mut x = 0.0;
        let series: Vec<f64> = (0..4000)
            .map(|_| {
                // uniform innovations: cheap, and their sums are normal enough
                x = 0.8 * x + u.next() - 0.5;
                x
            })
            .collect();
        let b = geodes::measure::steady::batch_means(&series, 20, 0.95).unwrap();
        missed += usize::from(!b.interval.contains(0.0));
        naive += usize::from(!mean_interval(&series, 0.95).unwrap().contains(0.0));
    }
    assert!(missed <= 21, "{missed} of 200 miss");
    assert!(naive > 60, "only {naive} of 200 naive intervals miss: the test series is not correlated");
}
