//! Budgets: an amount and the length of its window.

use super::read::{Report, Table};
use crate::routing::litellm::config::{Budget, BudgetTime};
use crate::scenario::decode::{LONGEST, MOST_MONTHS};
use crate::scenario::import::{Entry, Kind, Node, Value};
use crate::scenario::raw::litellm::MOST_DOLLARS;
use crate::units::Span;

/// The budget of a deployment.
pub(super) fn of_deployment(params: &Table<'_>) -> Option<Budget> {
    let max = params.amount("max_budget", MOST_DOLLARS);
    let per = period(params, "budget_duration");
    if per.is_none() {
        without_window(params, ["max_budget"], &["budget_duration"]);
    }
    if let (false, Some(n)) = (params.is_given("max_budget"), params.node("budget_duration")) {
        let why = "LiteLLM keeps a deployment's budget only together with `max_budget`";
        params.report.tell(n, params.path_of("budget_duration"), Kind::Unknown, why);
    }
    Some(Budget { max: max?, per: per? })
}

/// An entry of `provider_budget_config` or `tag_budget_config`: the amount and the window. LiteLLM reads two names of
/// each; of `amounts` and `periods` the first wins.
pub(super) fn budget_of(
    e: &Entry,
    path: String,
    amounts: [&str; 2],
    periods: [&str; 2],
    report: &Report,
) -> (Option<f64>, Option<BudgetTime>) {
    let t = Table::new(Some(&e.node), path, report);
    // both are read, so that a wrong value is an error wherever it stands
    let max = amounts.map(|k| t.amount(k, MOST_DOLLARS));
    let per = periods.map(|k| period(&t, k));
    for keys in [amounts, periods] {
        if let (Some(_), Some(second)) = (t.node(keys[0]), t.node(keys[1])) {
            report.tell(second, t.path_of(keys[1]), Kind::NoEffect, format!("`{}` wins", keys[0]));
        }
    }
    let window = per[0].or(per[1]);
    if window.is_none() {
        without_window(&t, amounts, &periods);
    }
    t.finish(&[], &["budget_limit", "time_period", "max_budget", "budget_duration"], "LiteLLM reads no such key");
    (max[0].or(max[1]), window)
}

/// Tells of amounts that come to nothing.
fn without_window<const N: usize>(t: &Table<'_>, amounts: [&str; N], periods: &[&str]) {
    for key in amounts {
        let Some(node) = t.node(key) else { continue };
        let (kind, why) = match periods.iter().any(|k| t.is_given(k)) {
            true => (Kind::NotModelled, "the length of its window is not known here".to_owned()),
            false => (Kind::Unknown, format!("LiteLLM keeps a budget only together with `{}`", periods[0])),
        };
        t.report.tell(node, t.path_of(key), kind, why);
    }
}

fn period(table: &Table<'_>, key: &str) -> Option<BudgetTime> {
    duration(table.node(key)?, table.path_of(key), table.report)
}

/// `30s`, `5m`, `1h`, `7d`, `2w`, `1mo`, `daily` and their like (`litellm_core_utils/duration_parser.py`).
fn duration(node: &Node, path: String, report: &Report) -> Option<BudgetTime> {
    const EXPECTED: &str = "a duration such as 30s, 5m, 24h, 7d, 2w or 1mo";
    let text = match &node.value {
        Value::Str(s) => s.trim().to_lowercase(),
        other => {
            report.error(node.loc, format!("`{path}` is {}", other.kind()), EXPECTED);
            return None;
        }
    };
    let text = match text.as_str() {
        "hourly" => "1h",
        "daily" => "24h",
        "weekly" => "7d",
        "monthly" => "30d",
        other => other,
    };
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let seconds = match unit.bytes().next() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(b'd') => 86_400,
        Some(b'w') => 604_800,
        _ => 0,
    };
    if number.is_empty() || seconds == 0 || number.bytes().all(|b| b == b'0') {
        report.error(node.loc, format!("`{path}` is no duration"), EXPECTED);
        return None;
    }
    let number: Option<u64> = number.parse().ok();
    let per = if unit.starts_with("mo") {
        number.and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= MOST_MONTHS).map(BudgetTime::Months)
    } else {
        let longest = LONGEST.nanos() / 1_000_000_000;
        let span = number.and_then(|n| n.checked_mul(seconds)).filter(|s| *s <= longest);
        span.map(|s| BudgetTime::Span(Span::from_secs(s)))
    };
    if per.is_none() {
        report.error(node.loc, format!("`{path}` is longer than a scenario can say"), "at most 3660d or 120mo");
    }
    per
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<BudgetTime>, usize) {
        let (node, report) = (Node::of(Value::Str(text.to_owned())), Report::default());
        let per = duration(&node, "budget_duration".to_owned(), &report);
        let errors = report.diagnostics.borrow().len();
        (per, errors)
    }

    #[test]
    fn durations_as_litellm_writes_them() {
        let days = |n: u64| (Some(BudgetTime::Span(Span::from_hours(24 * n))), 0);
        assert_eq!(["7d", "1w", "weekly", " 7D "].map(read), [days(7); 4]);
        assert_eq!(["1mo", "120mo"].map(read), [1, 120].map(|n| (Some(BudgetTime::Months(n)), 0)));
        assert_eq!(["3660d", "316224000s"].map(read), [days(3660); 2]);
        let too_long = ["3661d", "365000d", "999999w", "121mo", "99999999999999999999d", "18446744073709551615w"];
        assert_eq!(too_long.map(read), [(None, 1); 6]);
        assert_eq!(["", "d", "5", "0d", "5 parsecs", "x"].map(read), [(None, 1); 6]);
    }
}
