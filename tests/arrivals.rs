//! Arrivals with a changing rate: the cumulative rate and its inverse, Poisson counts in every step, and numbers that stay
//! when the rate changes.

use geodes::random::{Arrivals, CumulativeRate, Draws, EntityKey, Purpose, RateError, Seed};
use geodes::units::Time;
use proptest::prelude::*;

const P: Purpose = Purpose(3);

fn draws(seed: u64) -> Draws {
    Draws::new(Seed { seed, replication: 0 })
}

fn curve() -> CumulativeRate {
    let h = |h: u64| Time(h * 3_600_000_000_000);
    CumulativeRate::new(&[(h(0), 2.0), (h(1), 0.0), (h(2), 5.0), (h(3), 0.25)], h(10)).unwrap()
}

#[test]
fn the_cumulative_rate_is_exact_at_its_corners_and_inverts() {
    let (c, h) = (curve(), |h: u64| Time(h * 3_600_000_000_000));
    let nano = 1_000_000_000;
    assert_eq!([0, 1, 2, 3, 10, 99].map(|x| c.expected_before(h(x)) / nano), [0, 7200, 7200, 25_200, 31_500, 31_500]);
    assert_eq!(c.total(), 31_500 * nano);
    assert_eq!([0, 1, 2, 3, 10].map(|x| c.rate_at(h(x))), [2.0, 0.0, 5.0, 0.25, 0.0]);
    let mut cursor = 0;
    assert_eq!(c.invert(0, &mut cursor), Some(Time(0)));
    assert_eq!(c.invert(7200 * nano - 2, &mut cursor), Some(Time(h(1).0 - 1)));
    assert_eq!(c.invert(7200 * nano, &mut cursor), Some(h(2)), "the hour without arrivals is skipped");
    assert_eq!(c.invert(25_200 * nano, &mut cursor), Some(h(3)));
    assert_eq!(c.invert(31_500 * nano, &mut cursor), None);
    assert_eq!(c.invert(3600 * nano, &mut cursor), Some(Time(h(1).0 / 2)), "the cursor goes back when it must");
}

#[test]
fn rate_curves_are_checked() {
    assert_eq!(CumulativeRate::new(&[], Time(1)), Err(RateError::Empty));
    assert_eq!(CumulativeRate::new(&[(Time(5), 1.0), (Time(5), 1.0)], Time(9)), Err(RateError::NotRising(1)));
    assert_eq!(CumulativeRate::constant(1.0, Time(9), Time(9)), Err(RateError::NotRising(1)));
    assert_eq!(CumulativeRate::constant(-1.0, Time(0), Time(9)), Err(RateError::BadRate(0)));
    assert_eq!(CumulativeRate::constant(1e30, Time(0), Time(9)), Err(RateError::TooMany));
    assert_eq!(CumulativeRate::constant(1e9, Time(0), Time(20_000_000_000)), Err(RateError::TooMany));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inversion_is_monotone_and_undoes_the_cumulative_rate(
        steps in prop::collection::vec((1u64..10_000_000_000_000, prop_oneof![Just(0.0), 0.0..0.01f64, 0.0..5000.0f64]), 1..20),
        parts in prop::collection::vec(0.0..1.0f64, 1..60),
    ) {
        let mut at = 0;
        let steps: Vec<(Time, f64)> = steps.iter().map(|(len, rate)| { let s = (Time(at), *rate); at += len; s }).collect();
        let curve = CumulativeRate::new(&steps, Time(at)).unwrap();
        let mut targets: Vec<u64> = parts.iter().map(|p| (p * curve.total() as f64) as u64).filter(|t| *t < curve.total()).collect();
        targets.sort_unstable();
        let (mut cursor, mut before) = (0, Time(0));
        for target in targets {
            let t = curve.invert(target, &mut cursor).unwrap();
            prop_assert!(t >= before && t < curve.end());
            prop_assert!(curve.rate_at(t) > 0.0);
            prop_assert_eq!(curve.invert(target, &mut 0), Some(t), "the cursor changes no result");
            // A nanosecond at this rate, plus the rounding of the count.
            let slack = curve.rate_at(t) as u64 + 4;
            prop_assert!(curve.expected_before(t).abs_diff(target) <= slack, "{} {target}", curve.expected_before(t));
            before = t;
        }
    }
}

#[test]
fn arrivals_are_poisson_in_every_step_and_keep_their_numbers_when_the_rate_changes() {
    let (d, c) = (draws(8), curve());
    let mut cells = [0.0f64; 4];
    const RUNS: u64 = 300;
    for run in 0..RUNS {
        let mut a = Arrivals::new(P, EntityKey::named("berlin").child(run));
        let mut count = [0u32; 4];
        let mut expected_n = 0;
        while let Some((n, at)) = a.next_poisson(&d, &c) {
            assert_eq!(n, expected_n);
            expected_n += 1;
            count[(at.nanos() / 3_600_000_000_000).min(3) as usize] += 1;
        }
        assert_eq!(a.number(), expected_n);
        for (cell, n) in cells.iter_mut().zip(count) {
            *cell += n as f64;
        }
    }
    for (cell, mean) in cells.iter().zip([7200.0, 0.0, 18_000.0, 6300.0]) {
        let total = mean * RUNS as f64;
        assert!((cell - total).abs() <= 3.5 * total.sqrt(), "{cell} arrivals, expected {total}");
    }
    // Twice the rate: arrival n comes at half the time, as the same draw.
    let end = Time(1_000_000_000_000);
    let (slow, fast) =
        (CumulativeRate::constant(1.0, Time(0), end).unwrap(), CumulativeRate::constant(2.0, Time(0), end).unwrap());
    let (mut a, mut b) = (Arrivals::new(P, EntityKey(1)), Arrivals::new(P, EntityKey(1)));
    while let Some((n, at)) = a.next_poisson(&d, &slow) {
        let (m, earlier) = b.next_poisson(&d, &fast).unwrap();
        assert_eq!((m, earlier.nanos()), (n, at.nanos() / 2));
    }
}

#[test]
#[ignore = "long: a hundred million gaps"]
fn a_hundred_million_gaps_lose_no_precision() {
    // In integers the sum does not depend on how far it has come; the mean gap stays 1 within its standard error, in the
    // last million as in the first.
    let (d, rate) = (draws(4), CumulativeRate::constant(1000.0, Time(0), Time(200_000_000_000_000)).unwrap());
    let mut a = Arrivals::new(P, EntityKey(6));
    let (mut before, mut last) = (Time(0), Time(0));
    for n in 0..100_000_000u64 {
        let (_, at) = a.next_poisson(&d, &rate).unwrap();
        if n == 98_999_999 {
            before = at;
        }
        last = at;
    }
    let mean_gap_ns = (last.nanos() - before.nanos()) as f64 / 1e6;
    assert!((mean_gap_ns / 1e6 - 1.0).abs() < 3.5e-3, "{mean_gap_ns}");
    assert!((last.nanos() as f64 / 1e14 - 1.0).abs() < 3.5e-4, "{last:?}");
}
