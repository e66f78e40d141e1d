//! Metric names: round trips, and what is said about mistakes.

use crate::data::references;
use geodes::measure::metric::{definitions, explain};
use geodes::measure::{KnownNames, MetricRef, Objective, Selector, Stat, Unit};
use proptest::prelude::*;

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
