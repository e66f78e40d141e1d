//! Objectives: units, round trips, and what is said about mistakes.

use crate::data::references;
use geodes::measure::interval::mean_interval;
use geodes::measure::{Objective, Stat, Unit, Verdict};
use proptest::prelude::*;

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
