//! Incidents against switches whose moment is known.

use crate::data::Uniform;
use geodes::measure::{Counts, ShiftRule, shift};
use geodes::units::{Span, Time};
use proptest::prelude::*;

/// Arrivals per second: all, and those at the target whose share is `share(second)`.
fn arrivals(seconds: u64, rate: u64, share: impl Fn(u64) -> f64) -> (Counts, Counts) {
    let new = || Counts::new(Time::ZERO, Span::from_secs(1));
    let (mut all, mut here) = (new(), new());
    let mut owed = 0.0;
    for s in 0..seconds {
        let at = Time::ZERO + Span::from_secs(s);
        all.add(at, rate);
        owed += rate as f64 * share(s);
        let n = (owed + 1e-9) as u64;
        owed -= n as f64;
        here.add(at, n);
    }
    (all, here)
}

fn at(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

proptest! {
    #[test]
    fn an_abrupt_switch_is_found_where_it_happens(
        rate in 20u64..200, share in 0.2f64..1.0, delay in 0u64..120, back in 0u64..120, drift in 0.0f64..0.002,
    ) {
        let (start, end) = (400, 900);
        let (all, here) = arrivals(1600, rate, |s| {
            if (start + delay..end + back).contains(&s) { drift * share } else { share }
        });
        let found = shift::analyse(&all, &here, at(start), Some(at(end)), ShiftRule::default()).unwrap();
        prop_assert!((found.baseline_share - share).abs() < 0.02);
        for (moment, true_delay) in [
            (found.moved_half, delay), (found.moved_99, delay), (found.back_half, end - start + back),
            (found.back_90, end - start + back),
        ] {
            let m = moment.unwrap();
            let off = (m.after.as_secs_f64() - true_delay as f64).abs();
            // a second for the grid, and what rounding to whole arrivals can shift
            prop_assert!(off <= 1.0 + 0.12 * m.resolution.as_secs_f64(), "{m:?} for {true_delay}");
        }
    }

    #[test]
    fn the_moments_come_in_order_and_after_the_start(
        cells in prop::collection::vec((0u64..30, 0u64..30), 300..500), start in 100u64..250, lasts in 1u64..100,
    ) {
        let new = || Counts::new(Time::ZERO, Span::from_secs(1));
        let (mut all, mut here) = (new(), new());
        for (s, &(n, elsewhere)) in cells.iter().enumerate() {
            all.add(at(s as u64), n + elsewhere);
            here.add(at(s as u64), n);
        }
        let end = start + lasts;
        if let Some(f) = shift::analyse(&all, &here, at(start), Some(at(end)), ShiftRule::default()) {
            prop_assert!(f.baseline_share > 0.0 && f.baseline_share <= 1.0);
            if let (Some(half), Some(most)) = (f.moved_half, f.moved_99) {
                prop_assert!(half.after <= most.after + most.resolution);
            }
            prop_assert!(f.moved_half.is_some() || f.moved_99.is_none());
            prop_assert!(f.back_half.is_some() || f.back_90.is_none());
            prop_assert!(f.moved_half.is_some() || f.back_half.is_none());
            if let Some(back) = f.back_half {
                prop_assert!(back.after >= Span::from_secs(lasts));
            }
        }
    }
}

#[test]
fn a_steady_decline_reaches_its_half_half_way() {
    // records run out over 60 s from second 30 after the start on
    let (all, here) = arrivals(1000, 40, |s| match s {
        ..430 => 0.4,
        430..490 => 0.4 * (490 - s) as f64 / 60.0,
        _ => 0.0,
    });
    let f = shift::analyse(&all, &here, at(400), None, ShiftRule::default()).unwrap();
    assert!((f.moved_half.unwrap().after.as_secs_f64() - 60.0).abs() < 1.5, "{f:?}");
    let most = f.moved_99.unwrap().after.as_secs_f64();
    assert!((86.0..=91.0).contains(&most), "{most}");
    assert_eq!((f.back_half, f.back_90), (None, None), "the fault was never repaired");
}

#[test]
fn traffic_that_stays_has_not_moved() {
    let (all, here) = arrivals(1000, 40, |_| 0.4);
    let f = shift::analyse(&all, &here, at(400), Some(at(500)), ShiftRule::default()).unwrap();
    assert_eq!((f.moved_half, f.moved_99, f.back_half, f.back_90), (None, None, None, None));
    // down to 10 %: half has moved, 99 % has not
    let (all, here) = arrivals(1000, 40, |s| if s < 400 { 0.4 } else { 0.04 });
    let f = shift::analyse(&all, &here, at(400), Some(at(500)), ShiftRule::default()).unwrap();
    assert!(f.moved_half.is_some() && f.moved_99.is_none() && f.back_half.is_none());
}

#[test]
fn without_traffic_before_there_is_nothing_to_move() {
    let (all, here) = arrivals(1000, 40, |s| if s < 400 { 0.0 } else { 0.5 });
    assert_eq!(shift::analyse(&all, &here, at(400), None, ShiftRule::default()), None);
    let (all, here) = arrivals(1000, 40, |_| 0.5);
    assert_eq!(shift::analyse(&all, &here, at(0), None, ShiftRule::default()), None);
}

/// A Poisson count by inversion; means up to 50 or so.
fn poisson(u: &mut Uniform, mean: f64) -> u64 {
    let (mut p, mut k, mut left) = (libm::exp(-mean), 0, u.next());
    while left > p {
        left -= p;
        k += 1;
        p *= mean / k as f64;
        if k > 500 {
            break;
        }
    }
    k
}

/// Poisson arrivals per second, `total` in the mean, of which `target` go to the target.
fn poisson_arrivals(seed: u64, seconds: u64, total: f64, target: impl Fn(u64) -> f64) -> (Counts, Counts) {
    let new = || Counts::new(Time::ZERO, Span::from_secs(1));
    let (mut all, mut here, mut u) = (new(), new(), Uniform(seed));
    for s in 0..seconds {
        let (n, m) = (poisson(&mut u, target(s)), poisson(&mut u, total - target(s)));
        all.add(at(s), n + m);
        here.add(at(s), n);
    }
    (all, here)
}

#[test]
fn chance_does_not_move_traffic() {
    // 100 runs of 45 minutes in which the traffic stays, at 8 and at 0.5 arrivals per second
    for seed in 0..100 {
        for rate in [8.0, 0.5] {
            let (all, here) = poisson_arrivals(seed, 3300, 3.0 * rate, |_| rate);
            let f = shift::analyse(&all, &here, at(600), Some(at(3300)), ShiftRule::default()).unwrap();
            assert_eq!((f.moved_half, f.moved_99), (None, None), "seed {seed}, rate {rate}");
        }
        // and in which 8.7 % of it keep the old address: half moves, 99 % never
        let (all, here) = poisson_arrivals(seed, 3300, 23.0, |s| if s < 630 { 8.0 } else { 0.7 });
        let f = shift::analyse(&all, &here, at(600), Some(at(3300)), ShiftRule::default()).unwrap();
        assert_eq!(f.moved_99, None, "seed {seed}");
        let half = f.moved_half.unwrap();
        assert!(
            (half.after.as_secs_f64() - 30.0).abs() <= 0.4 * half.resolution.as_secs_f64(),
            "seed {seed}: {half:?}"
        );
    }
}

#[test]
fn a_noisy_switch_is_dated_within_its_resolution() {
    let mut sum = 0.0;
    for seed in 0..100 {
        let (all, here) = poisson_arrivals(seed, 2000, 23.0, |s| if (660..1500).contains(&s) { 0.0 } else { 8.0 });
        let f = shift::analyse(&all, &here, at(600), Some(at(1400)), ShiftRule::default()).unwrap();
        // chance can keep the first windows after the return below 90 %
        let moments =
            [(f.moved_half, 60.0, 1.0), (f.moved_99, 60.0, 1.0), (f.back_half, 900.0, 1.0), (f.back_90, 900.0, 3.0)];
        for (m, exact, windows) in moments {
            let m = m.unwrap();
            let off = m.after.as_secs_f64() - exact;
            assert!(off.abs() <= windows * m.resolution.as_secs_f64(), "seed {seed}: {m:?} for {exact}");
        }
        sum += f.moved_half.unwrap().after.as_secs_f64() - 60.0;
    }
    assert!((sum / 100.0).abs() < 1.0, "the half is dated {} s late on average", sum / 100.0);
}

#[test]
fn a_lull_is_no_move() {
    // gateways come back to a browned-out provider for 5 s of every 30 s, until the repair and a while longer
    let lulls = |s: u64| if !(600..2430).contains(&s) || s % 30 < 5 { 8.0 } else { 0.0 };
    for seed in 0..20 {
        let (all, here) = poisson_arrivals(seed, 4200, 23.0, lulls);
        let f = shift::analyse(&all, &here, at(600), Some(at(2400)), ShiftRule::default()).unwrap();
        assert_eq!(f.moved_99, None, "seed {seed}: a sixth of the traffic keeps coming");
        assert!(f.moved_half.is_some(), "seed {seed}: over any two minutes more than half is away");
    }
    // away, back for ten minutes while the fault lasts, away again: it has moved the second time
    let (all, here) = arrivals(3000, 40, |s| if s < 630 || (900..1500).contains(&s) { 0.4 } else { 0.0 });
    let f = shift::analyse(&all, &here, at(600), Some(at(2400)), ShiftRule::default()).unwrap();
    for m in [f.moved_half, f.moved_99] {
        assert!((m.unwrap().after.as_secs_f64() - 900.0).abs() < 2.0, "{f:?}");
    }
}
