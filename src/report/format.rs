//! Figures as people read them: `1.24 s`, `99.953 %`, `$1,234.50`, and `–` where nothing was measured. Every function
//! takes what the result types hold and never hides a difference that matters: a share just below one never prints as
//! `100 %`, and a small one that is not zero never prints as `0 %`.

use crate::measure::{MetricRef, Stat, Unit};

/// What stands where there was no sample.
pub const MISSING: &str = "–";

/// A latency given in milliseconds, to about three digits: `0.42 ms`, `312 ms`, `1.24 s`, `12.3 s`, `2 min 05 s`.
pub fn latency(ms: Option<f64>) -> String {
    let Some(ms) = finite(ms) else { return MISSING.into() };
    match ms.abs() {
        0.0 => "0 ms".into(),
        a if a < 0.995 => format!("{ms:.2} ms"),
        a if a < 9.95 => format!("{ms:.1} ms"),
        a if a < 999.5 => format!("{ms:.0} ms"),
        a if a < 9_995.0 => format!("{:.2} s", ms / 1e3),
        a if a < 99_950.0 => format!("{:.1} s", ms / 1e3),
        _ => duration(Some(ms / 1e3)),
    }
}

/// A duration given in seconds: `4.2 s`, `95 s`, `12 min 30 s`, `3 h 05 min`, `24 h`, `2 d 4 h`.
pub fn duration(s: Option<f64>) -> String {
    let Some(s) = finite(s) else { return MISSING.into() };
    if s < 0.0 {
        return format!("-{}", duration(Some(-s)));
    }
    if s == 0.0 {
        return "0 s".into();
    }
    if s < 9.95 {
        return latency(Some(s * 1e3)).replace(".00 s", " s");
    }
    if s < 99.95 {
        return trim_zero(format!("{s:.1}")) + " s";
    }
    // Rounded once to whole seconds, so that no part can show 60.
    let whole = s.round() as u64;
    let (d, h, m, sec) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    let (d, h) = if d == 1 { (0, h + 24) } else { (d, h) };
    match (d, h, m) {
        (0, 0, m) if m < 2 => format!("{whole} s"),
        (0, 0, _) | (0, 1, _) if sec == 0 && d == 0 && whole < 7_200 => format!("{} min", whole / 60),
        (0, 0, _) | (0, 1, _) => format!("{} min {sec:02} s", whole / 60),
        (0, _, 0) => format!("{h} h"),
        (0, _, _) => format!("{h} h {m:02} min"),
        (_, 0, _) => format!("{d} d"),
        _ => format!("{d} d {h} h"),
    }
}

/// A share between 0 and 1 as a percentage with `decimals` digits: `12.3 %`, `0 %`, `<0.1 %`, `>99.9 %`, `100 %`.
pub fn percent(share: Option<f64>, decimals: usize) -> String {
    let Some(x) = finite(share) else { return MISSING.into() };
    let text = format!("{:.decimals$}", x * 100.0);
    let unit: f64 = format!("1e-{decimals}").parse().unwrap_or(1.0);
    if x == 0.0 {
        "0 %".into()
    } else if x == 1.0 {
        "100 %".into()
    } else if x > 0.0 && text.bytes().all(|b| b == b'0' || b == b'.') {
        format!("<{unit:.decimals$} %")
    } else if x < 1.0 && text.starts_with("100") {
        format!(">{:.decimals$} %", 100.0 - unit)
    } else {
        format!("{text} %")
    }
}

/// Availability: a share with three decimals, because the third is where targets differ.
pub fn availability(share: Option<f64>) -> String {
    percent(share, 3)
}

/// A sum of money in dollars and cents: `$1,234.50`; an amount under half a cent that is not zero is `<$0.01`.
pub fn dollars(usd: f64) -> String {
    if !usd.is_finite() {
        return MISSING.into();
    }
    if usd > 0.0 && usd < 0.005 {
        return "<$0.01".into();
    }
    let sign = if usd <= -0.005 { "-" } else { "" };
    format!("{sign}${}", grouped(usd.abs(), 2))
}

/// A rate of money, such as dollars per thousand requests, to about four digits: `$12.41`, `$3.207`, `$0.0412`.
pub fn rate_dollars(usd: Option<f64>) -> String {
    let Some(x) = finite(usd) else { return MISSING.into() };
    let sign = if x < 0.0 { "-" } else { "" };
    let decimals = match x.abs() {
        a if a >= 9.9995 => 2,
        0.0 => 2,
        a if a >= 0.99995 => 3,
        _ => 4,
    };
    format!("{sign}${}", grouped(x.abs(), decimals))
}

/// A ratio: `1.43×`.
pub fn multiplier(x: Option<f64>) -> String {
    finite(x).map_or_else(|| MISSING.into(), |x| format!("{x:.2}×"))
}

/// A count with thousands separators: `1,234,567`.
pub fn count(n: u64) -> String {
    group_digits(&n.to_string())
}

/// So many of something whose plural has an s: `1 turn`, `1,234 turns`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Any other number, to about four digits and with separators: `1,234,567`, `12.4`, `0.0312`.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return MISSING.into();
    }
    let sign = if x < 0.0 { "-" } else { "" };
    let a = x.abs();
    let text = match a {
        a if a >= 999.95 => grouped(a, 0),
        a if a >= 99.95 => trim_zero(format!("{a:.1}")),
        a if a >= 9.995 => trim_zero(format!("{a:.2}")),
        a if a >= 0.09995 => trim_zero(format!("{a:.3}")),
        0.0 => "0".into(),
        a if a >= 0.009_995 => trim_zero(format!("{a:.4}")),
        a if a >= 1e-5 => trim_zero(format!("{a:.6}")),
        a => format!("{a:.2e}"),
    };
    format!("{sign}{text}")
}

/// The value of a metric, in the metric's own unit.
pub fn metric_value(metric: &MetricRef, value: Option<f64>) -> String {
    let Some(x) = finite(value) else { return MISSING.into() };
    let def = metric.def();
    match def.unit {
        _ if metric.stat() == Some(Stat::Count) => number(x),
        Unit::Milliseconds => latency(value),
        Unit::Seconds => duration(value),
        Unit::Share => availability(value),
        Unit::Dollars if def.name.contains("per_1k") => rate_dollars(value),
        Unit::Dollars => dollars(x),
        Unit::Ratio if def.name.contains("multiplier") => multiplier(value),
        Unit::Count | Unit::Ratio => number(x),
    }
}

/// A margin around the value of a metric, such as half of an interval, in the metric's own unit. One that would be
/// printed as nothing, and is not, is printed as less than the last digit.
pub fn metric_margin(metric: &MetricRef, margin: f64) -> String {
    let text = metric_value(metric, Some(margin));
    let nothing = |text: &str| !text.contains(|c: char| ('1'..='9').contains(&c));
    if margin <= 0.0 || !nothing(&text) {
        return text;
    }
    // the last zero becomes a one
    match text.rfind('0') {
        Some(at) => format!("<{}1{}", &text[..at], &text[at + 1..]),
        None => text,
    }
}

/// The end of an interval, not beyond what the metric can be: a share between 0 and 1, everything else at least 0.
/// Student's t knows nothing of such bounds.
pub fn within_unit(metric: &MetricRef, value: f64) -> f64 {
    match metric.def().unit {
        Unit::Share => value.clamp(0.0, 1.0),
        _ => value.max(0.0),
    }
}

/// Wall-clock times of a run: turns seconds after the start of the horizon into UTC.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: jiff::Timestamp,
}

impl Clock {
    /// From an RFC 3339 instant.
    ///
    /// # Errors
    /// The reason when the text is no instant.
    pub fn new(rfc3339: &str) -> Result<Clock, String> {
        let start = rfc3339.parse().map_err(|e| format!("`{rfc3339}` is not an RFC 3339 instant: {e}"))?;
        Ok(Clock { start })
    }

    fn at(self, s: f64) -> Option<jiff::Timestamp> {
        // Milliseconds are finer than any interval or fault that a report shows.
        let ms = (s * 1e3).round();
        if !ms.is_finite() {
            return None;
        }
        self.start.checked_add(jiff::SignedDuration::from_millis(ms as i64)).ok()
    }

    /// RFC 3339 in UTC: `2026-03-02T10:00:00Z`.
    pub fn rfc3339(self, s: f64) -> String {
        self.at(s).map_or_else(|| MISSING.into(), |t| t.to_string())
    }

    /// Time of day in UTC: `10:00`, with seconds when they are not zero.
    pub fn time_of_day(self, s: f64) -> String {
        let Some(t) = self.at(s) else { return MISSING.into() };
        let t = t.to_zoned(jiff::tz::TimeZone::UTC);
        let format = if t.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
        t.strftime(format).to_string()
    }

    /// Date in UTC: `2026-03-02`.
    pub fn date(self, s: f64) -> String {
        let Some(t) = self.at(s) else { return MISSING.into() };
        t.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }

    /// Seconds from midnight UTC to the start of the horizon.
    pub fn start_of_day_s(self) -> f64 {
        let t = self.start.to_zoned(jiff::tz::TimeZone::UTC);
        f64::from(i32::from(t.hour()) * 3_600 + i32::from(t.minute()) * 60 + i32::from(t.second()))
    }
}

fn finite(x: Option<f64>) -> Option<f64> {
    x.filter(|x| x.is_finite())
}

fn trim_zero(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A non-negative number with fixed decimals and thousands separators.
fn grouped(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group_digits(whole)),
        None => group_digits(&text),
    }
}

fn group_digits(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_keep_about_three_digits_and_never_show_a_thousand_milliseconds() {
        let cases = [
            (0.0, "0 ms"),
            (0.42, "0.42 ms"),
            (3.44, "3.4 ms"),
            (312.4, "312 ms"),
            (999.6, "1.00 s"),
            (1_240.0, "1.24 s"),
            (9_996.0, "10.0 s"),
            (12_340.0, "12.3 s"),
            (99_960.0, "100 s"),
            (125_000.0, "2 min 05 s"),
        ];
        for (ms, text) in cases {
            assert_eq!(latency(Some(ms)), text, "{ms}");
        }
        assert_eq!(latency(None), "–");
        assert_eq!(latency(Some(f64::NAN)), "–");
    }

    #[test]
    fn durations_carry_over_whole_units() {
        let cases = [
            (0.0, "0 s"),
            (0.25, "250 ms"),
            (30.0, "30 s"),
            (42.31, "42.3 s"),
            (119.6, "2 min"),
            (750.0, "12 min 30 s"),
            (2_700.0, "45 min"),
            (3_599.7, "60 min"),
            (7_200.0, "2 h"),
            (11_100.0, "3 h 05 min"),
            (86_400.0, "24 h"),
            (172_800.0, "2 d"),
            (187_200.0, "2 d 4 h"),
        ];
        for (s, text) in cases {
            assert_eq!(duration(Some(s)), text, "{s}");
        }
    }

    #[test]
    fn shares_never_round_to_certainty() {
        assert_eq!(percent(Some(0.1234), 1), "12.3 %");
        assert_eq!(percent(Some(0.0), 1), "0 %");
        assert_eq!(percent(Some(1.0), 1), "100 %");
        assert_eq!(percent(Some(0.00001), 1), "<0.1 %");
        assert_eq!(percent(Some(0.99999), 1), ">99.9 %");
        assert_eq!(availability(Some(0.99953)), "99.953 %");
        assert_eq!(availability(Some(0.999_999_9)), ">99.999 %");
        assert_eq!(percent(Some(0.3), 0), "30 %");
    }

    #[test]
    fn money_counts_and_ratios() {
        assert_eq!(dollars(1234.5), "$1,234.50");
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(0.004), "<$0.01");
        assert_eq!(dollars(-12.0), "-$12.00");
        assert_eq!(rate_dollars(Some(12.409)), "$12.41");
        assert_eq!(rate_dollars(Some(3.2071)), "$3.207");
        assert_eq!(rate_dollars(Some(0.04123)), "$0.0412");
        assert_eq!(rate_dollars(None), "–");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(multiplier(Some(1.428)), "1.43×");
        assert_eq!(number(1_234_567.4), "1,234,567");
        assert_eq!(number(24.0), "24");
        assert_eq!(number(0.0312), "0.0312");
    }

    #[test]
    fn metric_values_follow_the_unit_of_the_metric() {
        let value = |name: &str, x| metric_value(&MetricRef::parse(name).expect(name), x);
        assert_eq!(value("ttft_ms.p95{users=singapore}", Some(1_240.0)), "1.24 s");
        assert_eq!(value("availability", Some(0.9995)), "99.950 %");
        assert_eq!(value("error_rate", Some(0.0005)), "0.050 %");
        assert_eq!(value("cost_usd", Some(1_000.0)), "$1,000.00");
        assert_eq!(value("cost_per_1k_requests_usd", Some(1.5)), "$1.500");
        assert_eq!(value("cost_multiplier", Some(1.6)), "1.60×");
        assert_eq!(value("attempts_per_request", Some(1.0312)), "1.031");
        assert_eq!(value("incident.over_s{incident=outage}", Some(750.0)), "12 min 30 s");
        assert_eq!(value("ttft_ms.count", Some(12_000.0)), "12,000");
        assert_eq!(value("ttft_ms.p95", None), "–");
    }

    #[test]
    fn margins_that_are_there_do_not_look_like_nothing() {
        let margin = |name: &str, x| metric_margin(&MetricRef::parse(name).expect(name), x);
        assert_eq!(margin("ttft_ms.p95", 12.4), "12 ms");
        assert_eq!(margin("ttft_ms.p95", 0.0), "0 ms");
        assert_eq!(margin("ttft_ms.p95", 0.001), "<0.01 ms");
        assert_eq!(margin("availability", 0.000_12), "0.012 %");
        assert_eq!(margin("availability", 1e-9), "<0.001 %");
        assert_eq!(margin("availability", 0.0), "0 %");
        assert_eq!(margin("cost_multiplier", 0.0012), "<0.01×");
        assert_eq!(margin("cost_per_1k_requests_usd", 1e-6), "<$0.0001");
        assert_eq!(margin("cost_usd", 0.001), "<$0.01");
        let within = |name: &str, x| within_unit(&MetricRef::parse(name).expect(name), x);
        assert_eq!((within("availability", 1.01), within("availability", -0.01)), (1.0, 0.0));
        assert_eq!((within("ttft_ms.p50", -3.0), within("cost_multiplier", 1.01)), (0.0, 1.01));
    }

    #[test]
    fn the_clock_counts_from_the_start_of_the_horizon() {
        let clock = Clock::new("2026-03-02T00:30:00Z").unwrap();
        assert_eq!(clock.rfc3339(34_200.0), "2026-03-02T10:00:00Z");
        assert_eq!(clock.time_of_day(34_200.0), "10:00");
        assert_eq!(clock.time_of_day(34_201.0), "10:00:01");
        assert_eq!(clock.date(86_400.0), "2026-03-03");
        assert_eq!(clock.start_of_day_s(), 1_800.0);
        assert!(Clock::new("yesterday").is_err());
    }
}
