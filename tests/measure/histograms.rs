//! Histograms against exact sorting.

use geodes::measure::{CoarseHistogram, Histogram, Merge, Stat, Timeline, Unit};
use geodes::units::{Span, Time};
use proptest::prelude::*;

/// Latencies of every size: uniform in the exponent, with the corners.
fn values() -> impl Strategy<Value = Vec<u64>> {
    let value = prop_oneof![
        8 => (0u32..64, any::<u64>()).prop_map(|(shift, v)| v >> shift),
        1 => Just(0),
        1 => Just(u64::MAX),
        2 => 0u64..2000,
    ];
    prop::collection::vec(value, 1..200)
}

fn exact_percentile(sorted: &[u64], p: f64) -> u64 {
    // the smallest value such that at least p percent of the values are at or below it, by counting
    let n = sorted.len();
    let rank = (1..=n).find(|&k| k as f64 * 100.0 >= p * n as f64 - 1e-9).unwrap_or(n);
    sorted[rank - 1]
}

fn off_by_at_most(found: u64, exact: u64, one_in: u128) -> bool {
    u128::from(found.abs_diff(exact)) * one_in <= u128::from(exact)
}

fn histogram(values: &[u64]) -> Histogram {
    let mut h = Histogram::new();
    values.iter().for_each(|&v| h.record(v));
    h
}

fn coarse(values: &[u64]) -> CoarseHistogram {
    let mut h = CoarseHistogram::new();
    values.iter().for_each(|&v| h.record(v));
    h
}

proptest! {
    #[test]
    fn percentiles_are_within_their_error_of_exact_sorting(values in values(), p in 0.0f64..=100.0) {
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let (h, c) = (histogram(&values), coarse(&values));
        for p in [p, 0.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0] {
            let p = (p * 1e6).round() / 1e6;
            let exact = exact_percentile(&sorted, p);
            let found = h.percentile(p).unwrap();
            prop_assert!(off_by_at_most(found, exact, 1024), "p{p}: {found} for {exact}");
            let found = c.percentile(p).unwrap();
            prop_assert!(off_by_at_most(found, exact, 64), "p{p}: {found} for {exact}");
        }
        prop_assert_eq!(h.min(), sorted.first().copied());
        prop_assert_eq!(h.max(), sorted.last().copied());
        prop_assert_eq!(h.count(), values.len() as u64);
        let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
        prop_assert_eq!((h.sum(), c.sum()), (sum, sum));
        prop_assert_eq!((c.min(), c.max(), c.count(), c.mean()), (h.min(), h.max(), h.count(), h.mean()));
    }

    #[test]
    fn merging_is_recording_everything_in_any_order(a in values(), b in values(), c in values()) {
        fn check<H: Merge + Clone + PartialEq + std::fmt::Debug>(
            make: impl Fn(&[u64]) -> H, a: &[u64], b: &[u64], c: &[u64],
        ) -> Result<(), TestCaseError> {
            let all = make(&[a, b, c].concat());
            let plus = |x: &H, y: &H| { let mut s = x.clone(); s.merge(y); s };
            let (ha, hb, hc) = (make(a), make(b), make(c));
            prop_assert_eq!(&plus(&plus(&ha, &hb), &hc), &all);
            prop_assert_eq!(&plus(&ha, &plus(&hb, &hc)), &all);
            prop_assert_eq!(&plus(&hc, &plus(&hb, &ha)), &all);
            prop_assert_eq!(&plus(&make(&[]), &all), &all);
            Ok(())
        }
        check(histogram, &a, &b, &c)?;
        check(coarse, &a, &b, &c)?;
    }

    #[test]
    fn buckets_and_cdf_hold_every_record(values in values(), points in 1usize..50) {
        let h = histogram(&values);
        let buckets: Vec<_> = h.buckets().collect();
        prop_assert_eq!(buckets.iter().map(|b| b.count).sum::<u64>(), h.count());
        prop_assert!(buckets.windows(2).all(|w| w[0].upper < w[1].lower));
        for b in &buckets {
            let inside = values.iter().filter(|&&v| b.lower <= v && v <= b.upper).count();
            prop_assert_eq!(inside as u64, b.count);
        }
        let cdf = h.cdf_points(points);
        // and in the tail, one point for each twentieth of what is left
        let tail = (libm::log(values.len() as f64) / libm::log(1.0 / 0.95)).ceil() as usize;
        prop_assert!(cdf.len() <= points + 2 + tail, "{} of {points} and {tail}", cdf.len());
        prop_assert!(cdf.windows(2).all(|w| w[0].value < w[1].value && w[0].share < w[1].share));
        prop_assert_eq!(cdf.last().map(|p| (p.value, p.share)), Some((h.max().unwrap(), 1.0)));
        for p in &cdf {
            let below = values.iter().filter(|&&v| v <= p.value).count();
            prop_assert_eq!(p.share, below as f64 / values.len() as f64);
            prop_assert_eq!(h.share_at_or_below(p.value), Some(p.share));
        }
    }

    #[test]
    fn recording_many_at_once_is_recording_one_by_one(v in any::<u64>(), n in 0u64..50) {
        let mut at_once = Histogram::new();
        at_once.record_n(v, n);
        prop_assert_eq!(at_once, histogram(&vec![v; n as usize]));
    }
}

#[test]
fn an_empty_histogram_says_nothing() {
    let h = Histogram::new();
    assert_eq!(
        (h.percentile(50.0), h.mean(), h.min(), h.max(), h.share_at_or_below(5)),
        (None, None, None, None, None)
    );
    assert!(h.is_empty() && h.cdf_points(10).is_empty() && h.heap_bytes() == 0);
    assert_eq!(Stat::P99.of(&h, Unit::Milliseconds), None);
    assert_eq!(Stat::Count.of(&h, Unit::Milliseconds), Some(0.0));
    assert_eq!(CoarseHistogram::new().percentile(50.0), None);
}

#[test]
fn memory_is_bounded_by_the_range_and_not_by_the_number_of_records() {
    let (mut h, mut c) = (Histogram::new(), CoarseHistogram::new());
    for i in 0..1_000_000u64 {
        let nanos = 30_000_000 + i * 59_970; // 30 ms to 60 s
        h.record(nanos);
        c.record(nanos);
    }
    assert_eq!(h.heap_bytes(), 48 << 10, "twelve powers of two are touched");
    assert!(c.heap_bytes() <= 2 << 11, "{}", c.heap_bytes());
    assert!(off_by_at_most(h.percentile(50.0).unwrap(), 30_014_940_000, 1024));
}

#[test]
fn statistics_come_in_the_unit_of_the_metric() {
    let mut h = Histogram::new();
    h.record_span(Span::from_millis(250));
    h.record_span(Span::from_millis(750));
    assert_eq!(Stat::Mean.of(&h, Unit::Milliseconds), Some(500.0));
    assert_eq!(Stat::Max.of(&h, Unit::Seconds), Some(0.75));
    assert_eq!(Stat::Count.of(&h, Unit::Seconds), Some(2.0));
    assert_eq!(Stat::P50.of(&h, Unit::Milliseconds), Some(250.0));
}

#[test]
fn a_timeline_makes_cells_when_they_are_used() {
    let mut t: Timeline<CoarseHistogram> = Timeline::new(Time(1_000), Span(100));
    assert!(t.cell_mut(Time(999)).is_none());
    t.cell_mut(Time(1_250)).unwrap().record(7);
    assert_eq!((t.len(), t.get(0), t.get(1)), (3, None, None));
    assert_eq!(t.cell(Time(1_299)).unwrap().count(), 1);
    assert_eq!(t.start_of(2), Time(1_200));
}
