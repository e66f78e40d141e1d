//! Properties of what is measured: histograms against exact sorting, intervals against published figures, metric names
//! and objectives against their own printing, incidents against known switches, and the page of definitions.

use geodes::measure::distribution::{beta_quantile, normal_quantile, t_quantile};
use geodes::measure::interval::{clopper_pearson_interval, mean_interval, paired_difference_interval, wilson_interval};
use geodes::measure::metric::{definitions, explain, markdown_table};
use geodes::measure::{
    CoarseHistogram, Counts, Histogram, KnownNames, Merge, MetricRef, Objective, Selector, ShiftRule, Stat, Timeline,
    Unit, Verdict, shift,
};
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
        prop_assert!(cdf.len() <= points + 2, "{} of {points}", cdf.len());
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

// ---- intervals ----

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
        assert!((normal_quantile(p) - z).abs() < 1e-12);
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

/// A linear congruential generator for test data (Knuth's MMIX constants): uniform in (0, 1).
struct Uniform(u64);
impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }
}

#[test]
fn intervals_cover_what_they_promise() {
    // 2000 samples of five normal values: the number of misses is binomial(2000, 0.05), 67 to 135 with 99.9 %
    let mut u = Uniform(7);
    let misses = (0..2000)
        .filter(|_| {
            let sample: Vec<f64> = (0..5).map(|_| 10.0 + normal_quantile(u.next())).collect();
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

// ---- metric names ----

/// Every kind of reference that the definitions allow, with any text as the selector's value.
fn references() -> impl Strategy<Value = MetricRef> {
    (0..definitions().len(), any::<prop::sample::Index>(), any::<u8>(), "\\PC{1,12}", "[a-z:\" \\\\,={}<>-]{1,8}")
        .prop_map(|(i, stat, mask, first, second)| {
            let d = &definitions()[i];
            let stat = d.is_distribution().then(|| d.stats[stat.index(d.stats.len())]);
            let mut chosen: Vec<(Selector, &str)> = d.required.iter().map(|&s| (s, first.as_str())).collect();
            for (k, &s) in d.selectors.iter().enumerate() {
                let free = d.together || chosen.is_empty();
                if mask >> k & 1 == 1 && free && !chosen.iter().any(|(t, _)| *t == s) {
                    chosen.push((s, second.as_str()));
                }
            }
            MetricRef::new(d.name, stat, &chosen)
        })
}

proptest! {
    #[test]
    fn names_parse_back_to_what_they_name(r in references()) {
        let text = r.to_string();
        let back = MetricRef::parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(&back, &r);
        prop_assert_eq!(back.to_string(), text);
    }

    #[test]
    fn any_text_is_a_metric_or_an_error_inside_the_text(text in "\\PC{0,40}") {
        check_error(&text)?;
    }

    #[test]
    fn any_near_miss_is_a_metric_or_an_error_inside_the_text(r in references(), at in any::<prop::sample::Index>(), c in "\\PC?") {
        let mut chars: Vec<char> = r.to_string().chars().collect();
        let i = at.index(chars.len());
        chars.splice(i..=i, c.chars());
        check_error(&chars.into_iter().collect::<String>())?;
    }
}

fn check_error(text: &str) -> Result<(), TestCaseError> {
    if let Err(e) = MetricRef::parse(text) {
        prop_assert!(e.offset + e.len <= text.len(), "{text:?}: {e:?}");
        prop_assert!(text.is_char_boundary(e.offset) && text.is_char_boundary(e.offset + e.len), "{text:?}: {e:?}");
        prop_assert!(!e.to_string().is_empty());
        let _ = e.help();
    }
    let objective = format!("{text} < 3");
    if let Err(e) = Objective::parse(&objective) {
        prop_assert!(objective.is_char_boundary(e.offset) && objective.is_char_boundary(e.offset + e.len), "{e:?}");
    }
    let _ = Objective::parse(text);
    Ok(())
}

#[test]
fn names_are_canonical() {
    let r = MetricRef::parse(" ttft_ms.p95 { users = singapore } ").unwrap();
    assert_eq!(r.to_string(), "ttft_ms.p95{users=singapore}");
    assert_eq!(
        (r.stat(), r.selector(Selector::Users), r.selector(Selector::Region)),
        (Some(Stat::P95), Some("singapore"), None)
    );
    let t = MetricRef::parse("traffic_share{region=aws:eu-west-1, users=\"a, b\"}").unwrap();
    assert_eq!(t.to_string(), "traffic_share{users=\"a, b\",region=aws:eu-west-1}");
    let i = MetricRef::parse("incident.moved_99_s{incident=ireland down}").unwrap();
    assert_eq!(i.to_string(), "incident.moved_99_s{incident=ireland down}");
    assert_eq!(i.def().unit, Unit::Seconds);
}

#[test]
fn mistakes_in_names_say_where_and_what_instead() {
    let known = KnownNames::from([(Selector::Users, vec!["singapore".to_owned(), "são paulo".to_owned()])]);
    // text, the marked part of it, the message, the help
    let cases = [
        ("tfft_ms.p95", "tfft_ms", "unknown metric `tfft_ms`", Some("did you mean `ttft_ms`?")),
        ("ttft_ms_p95", "ttft_ms_p95", "unknown metric `ttft_ms_p95`", Some("did you mean `ttft_ms.p95`?")),
        ("ttft.p95", "ttft", "unknown metric `ttft`", Some("did you mean `ttft_ms`?")),
        (
            "ttft_ms",
            "ttft_ms",
            "`ttft_ms` is a distribution; say which statistic of it",
            Some("did you mean `ttft_ms.p95`?"),
        ),
        ("ttft_ms.p59", "p59", "`ttft_ms` has no statistic `p59`", Some("did you mean `p50`?")),
        (
            "ttft_ms.q",
            "q",
            "`ttft_ms` has no statistic `q`",
            Some("statistics are p50, p90, p95, p99, p999, mean, max, min, count"),
        ),
        (
            "availability.p99",
            "availability.p99",
            "`availability` is a single number and has no statistic `p99`",
            Some("did you mean `availability`?"),
        ),
        ("ttft_ms.p95{user=x}", "user", "unknown selector `user`", Some("did you mean `users`?")),
        (
            "ttft_ms.p95{colour=x}",
            "colour",
            "unknown selector `colour`",
            Some("selectors are users, region, error, incident, provider, deployment"),
        ),
        (
            "ttft_ms.p95{error=x}",
            "error",
            "`ttft_ms` is not measured by `error`",
            Some("`ttft_ms` can be selected by users, region"),
        ),
        (
            "cost_per_month_usd{users=singapore}",
            "users",
            "`cost_per_month_usd` is not measured by `users`",
            Some("`cost_per_month_usd` is measured for the whole topology only"),
        ),
        ("ttft_ms.p95{users=singapore,users=x}", "users", "the selector `users` is given twice", None),
        (
            "ttft_ms.p95{users=singapore,region=x}",
            "region",
            "`ttft_ms` is measured by `users` or by `region`, not by both at once",
            None,
        ),
        (
            "ttft_ms.p95{users=singapur}",
            "singapur",
            "there is no user group `singapur`",
            Some("did you mean `singapore`?"),
        ),
        (
            "availability{users=sao paulo}",
            "sao paulo",
            "there is no user group `sao paulo`",
            Some("did you mean `são paulo`?"),
        ),
        (
            "incident.failed",
            "",
            "`incident.failed` needs the selector `incident`, as in `incident.failed{incident=...}`",
            None,
        ),
        ("ttft_ms.p95{users}", "}", "expected `=` and a value", None),
        ("ttft_ms.p95{users=}", "}", "expected a value after `=`", None),
        ("ttft_ms.p95{}", "}", "expected a selector such as `users=...`", None),
        ("ttft_ms.p95{users=singapore", "", "expected `,` or `}`", None),
        ("ttft_ms.p95{users=singapore} x", "x", "expected the end of the metric's name after `}`", None),
        ("ttft_ms.p95{users=\"singapore}", "\"singapore}", "expected a closing `\"`", None),
    ];
    for (text, marked, message, help) in cases {
        let e = MetricRef::parse_known(text, &known).expect_err(text);
        assert_eq!(&text[e.offset..e.offset + e.len], marked, "{text}");
        assert_eq!(e.to_string(), message, "{text}");
        assert_eq!(e.help().as_deref(), help, "{text}");
        if marked == "users" || marked == "region" {
            assert_eq!(text[..e.offset + e.len].rfind(marked), Some(e.offset), "{text}: the last one is marked");
        }
    }
    assert!(MetricRef::parse_known("ttft_ms.p95{region=anything}", &known).is_ok(), "regions were not listed");
    let e = MetricRef::parse("").unwrap_err();
    assert_eq!((e.to_string().as_str(), e.offset), ("expected the name of a metric", 0));
}

#[test]
fn metrics_explain_themselves() {
    for d in definitions() {
        let text = explain(d.name).unwrap();
        assert!(text.contains(d.meaning) && text.contains(d.unit.symbol()), "{text}");
        // the example it gives is a valid name
        let example = text.lines().last().unwrap().trim().strip_prefix("written: ").unwrap();
        assert_eq!(MetricRef::parse(example).unwrap().def(), d);
    }
    assert_eq!(explain("ttft_ms.p99{users=x}").unwrap(), explain("ttft_ms").unwrap());
    assert_eq!(explain("tfft_ms").unwrap_err().help().unwrap(), "did you mean `ttft_ms`?");
}

// ---- objectives ----

#[test]
fn objectives_read_values_in_the_unit_of_the_metric() {
    let cases = [
        ("ttft_ms.p95 < 2 s", 2000.0, "ttft_ms.p95 < 2 s"),
        ("ttft_ms.p95{users=singapore}<=1.5s", 1500.0, "ttft_ms.p95{users=singapore} <= 1500 ms"),
        ("availability > 99.9 %", 0.999, "availability > 99.9 %"),
        ("availability >= 0.9995", 0.9995, "availability >= 99.95 %"),
        ("error_rate{error=timeout} < 0.001%", 0.00001, "error_rate{error=timeout} < 0.001 %"),
        ("cost_multiplier < 1.6", 1.6, "cost_multiplier < 1.6"),
        ("cost_usd < $1250.50", 1250.5, "cost_usd < $1250.5"),
        ("ttft_ms.count > 1_000", 1000.0, "ttft_ms.count > 1000"),
        ("writes_lost <= 0", 0.0, "writes_lost <= 0"),
        (
            "incident.moved_99_s{incident=virginia down} < 3 min",
            180.0,
            "incident.moved_99_s{incident=virginia down} < 3 min",
        ),
        ("incident.failed{incident=\"a < b\"} < 5", 5.0, "incident.failed{incident=\"a < b\"} < 5"),
    ];
    for (text, threshold, canonical) in cases {
        let o = Objective::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((o.threshold(), o.to_string().as_str()), (threshold, canonical));
        assert_eq!(Objective::parse(canonical).unwrap(), o);
    }
    let o = Objective::parse("availability > 99.9 %").unwrap();
    assert!(!o.check(0.999) && o.check(0.9991) && !o.check(f64::NAN));
    assert!(Objective::parse("availability >= 99.9 %").unwrap().check(999.0 / 1000.0));
}

#[test]
fn mistakes_in_objectives_say_where_and_what_instead() {
    let cases = [
        ("tfft_ms.p95 < 2 s", "tfft_ms", "unknown metric `tfft_ms`", "did you mean `ttft_ms`?"),
        (
            "ttft_ms.p95 < 2",
            "2",
            "the unit is missing; expected one of ns, us, ms, s, min, h, d",
            "the value of `ttft_ms.p95` is a duration, for example `800 ms` or `2 s`",
        ),
        (
            "ttft_ms.p95 < 2 parsecs",
            "2 parsecs",
            "unknown unit `parsecs`; expected one of ns, us, ms, s, min, h, d",
            "the value of `ttft_ms.p95` is a duration, for example `800 ms` or `2 s`",
        ),
        (
            "ttft_ms.p95 <",
            "",
            "the value is missing",
            "the value of `ttft_ms.p95` is a duration, for example `800 ms` or `2 s`",
        ),
        (
            "availability > 99.9",
            "99.9",
            "a share is at most 1, or 100 %; a percentage carries its sign",
            "the value of `availability` is a share, for example `99.9 %` or `0.999`",
        ),
        (
            "availability > 101 %",
            "101 %",
            "a share is at most 1, or 100 %",
            "the value of `availability` is a share, for example `99.9 %` or `0.999`",
        ),
        (
            "cost_usd < 500",
            "500",
            "money begins with `$`",
            "the value of `cost_usd` is an amount of money, for example `$250`",
        ),
        (
            "cost_multiplier < -1",
            "-1",
            "must not be negative",
            "the value of `cost_multiplier` is a plain number, for example `1.6`",
        ),
        (
            "cost_multiplier < much",
            "much",
            "`much` is not a plain number",
            "the value of `cost_multiplier` is a plain number, for example `1.6`",
        ),
        (
            "cost_multiplier = 1.6",
            "=",
            "expected one of the operators <, <=, >, >=",
            "an objective reads `metric < value`, for example `ttft_ms.p95 < 2 s`",
        ),
        (
            "availability",
            "",
            "expected one of the operators <, <=, >, >=",
            "an objective reads `metric < value`, for example `ttft_ms.p95 < 2 s`",
        ),
        (
            "incident.failed{incident=x} == 3",
            "==",
            "expected one of the operators <, <=, >, >=",
            "an objective reads `metric < value`, for example `ttft_ms.p95 < 2 s`",
        ),
    ];
    for (text, marked, message, help) in cases {
        let e = Objective::parse(text).expect_err(text);
        assert_eq!(&text[e.offset..e.offset + e.len], marked, "{text}");
        assert_eq!(e.to_string(), message, "{text}");
        assert_eq!(e.help.as_deref(), Some(help), "{text}");
    }
}

#[test]
fn objectives_judge_intervals_and_notice_slips() {
    let o = Objective::parse("cost_multiplier < 1.6").unwrap();
    let judge = |values: &[f64]| o.judge(&mean_interval(values, 0.95).unwrap());
    assert_eq!(judge(&[1.4, 1.41, 1.39]), Verdict::Met);
    assert_eq!(judge(&[1.8, 1.81, 1.79]), Verdict::Missed);
    assert_eq!(judge(&[1.5, 1.6, 1.7]), Verdict::Inconclusive);
    assert!(Objective::parse("availability < 99 %").unwrap().is_the_wrong_way_round());
    assert!(Objective::parse("ttft_ms.p95 > 2 s").unwrap().is_the_wrong_way_round());
    assert!(!Objective::parse("ttft_ms.count > 100").unwrap().is_the_wrong_way_round());
    assert!(!Objective::parse("requests < 100").unwrap().is_the_wrong_way_round());
}

proptest! {
    #[test]
    fn objectives_parse_back_to_themselves(r in references(), micros in 0u64..1_000_000_000_000, share in 0.0f64..=1.0, op in 0usize..4) {
        let value = match (r.stat(), r.def().unit) {
            (Some(Stat::Count), _) => format!("{micros}"),
            (_, Unit::Milliseconds | Unit::Seconds) => format!("{micros} us"),
            (_, Unit::Share) => format!("{share}"),
            (_, Unit::Dollars) => format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000),
            (_, Unit::Count | Unit::Ratio) => format!("{}", share * 1e3),
        };
        let text = format!("{r} {} {value}", ["<", "<=", ">", ">="][op]);
        let o = Objective::parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        let canonical = o.to_string();
        let back = Objective::parse(&canonical).map_err(|e| TestCaseError::fail(format!("{canonical}: {e}")))?;
        prop_assert_eq!(&back, &o, "{} -> {}", text, canonical);
        prop_assert_eq!(back.to_string(), canonical);
    }
}

// ---- incidents ----

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
        rate in 3u64..200, share in 0.1f64..1.0, delay in 0u64..120, back in 0u64..120, drift in 0.0f64..0.002,
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

#[test]
fn sparse_traffic_widens_the_window_instead_of_guessing() {
    // one arrival every other second, a third of them here: a window of five seconds would see none by chance
    let new = || Counts::new(Time::ZERO, Span::from_secs(1));
    let (mut all, mut here) = (new(), new());
    for s in (0..7200).step_by(2) {
        all.add(at(s), 1);
        here.add(at(s), u64::from(s % 3 == 0));
    }
    let f = shift::analyse(&all, &here, at(3600), Some(at(5000)), ShiftRule::default()).unwrap();
    assert_eq!((f.moved_half, f.moved_99), (None, None));
}

// ---- the page ----

#[test]
fn the_page_of_definitions_is_up_to_date() {
    const BEGIN: &str = "<!-- the list: generated, see tests/measure.rs -->\n";
    const END: &str = "<!-- end of the list -->\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = std::fs::read_to_string(&path).expect("docs/metrics.md exists");
    let (before, rest) = page.split_once(BEGIN).expect("the page has the begin mark");
    let (_, after) = rest.split_once(END).expect("the page has the end mark");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", markdown_table());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|v| v == "1") {
        std::fs::write(&path, &wanted).expect("docs/metrics.md can be written");
    } else {
        assert!(page == wanted, "docs/metrics.md is out of date; run UPDATE_DOCS=1 cargo test --test measure");
    }
}
