//! Objectives: `ttft_ms.p95 < 2 s`, `availability > 99.9 %`, `cost_multiplier < 1.6`.

use super::interval::Interval;
use super::metric::{Better, KnownNames, MetricError, MetricRef, Stat, Unit};
use crate::units::{Money, parse_duration};
use std::fmt;

/// How a metric is compared with its threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Op {
    /// As written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
        }
    }

    /// True if `value` stands in this relation to `threshold`; never for NaN.
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Op::Less => value < threshold,
            Op::LessOrEqual => value <= threshold,
            Op::Greater => value > threshold,
            Op::GreaterOrEqual => value >= threshold,
        }
    }
}

/// A metric and the limit that it must keep.
#[derive(Clone, PartialEq, Debug)]
pub struct Objective {
    metric: MetricRef,
    op: Op,
    /// In the metric's unit.
    threshold: f64,
}

/// Whether an objective is met, as far as an interval can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The whole interval keeps the limit.
    Met,
    /// The whole interval breaks the limit.
    Missed,
    /// The limit lies inside the interval: more replications are needed.
    Inconclusive,
}

/// What is wrong with an objective, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectiveError {
    /// What is wrong, in a sentence.
    pub message: String,
    /// The byte offset in the text where the trouble begins.
    pub offset: usize,
    /// How many bytes it takes; 0 if something is missing there.
    pub len: usize,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for ObjectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ObjectiveError {}

impl From<MetricError> for ObjectiveError {
    fn from(e: MetricError) -> ObjectiveError {
        ObjectiveError { message: e.to_string(), offset: e.offset, len: e.len, help: e.help() }
    }
}

const FORM: &str = "an objective reads `metric < value`, for example `ttft_ms.p95 < 2 s`";

impl Objective {
    /// Reads `metric operator value`. The value carries its unit: a duration for milliseconds and seconds, a
    /// percentage for shares, `$` for money, a plain number for counts and ratios.
    ///
    /// # Errors
    /// [`ObjectiveError`] with the byte offset in `text`.
    pub fn parse(text: &str) -> Result<Objective, ObjectiveError> {
        Objective::parse_known(text, &KnownNames::new())
    }

    /// [`Objective::parse`], checking in addition that the values of selectors exist in the scenario.
    ///
    /// # Errors
    /// [`ObjectiveError`] with the byte offset in `text`.
    pub fn parse_known(text: &str, known: &KnownNames) -> Result<Objective, ObjectiveError> {
        let Some(at) = find_operator(text) else {
            // the metric's own mistakes come first: they explain more
            let braces_end = text.rfind('}').map_or(0, |i| i + 1);
            let sign = |c: char| matches!(c, '=' | '!' | '~' | '≤' | '≥' | ':');
            let end = text[braces_end..].find(sign).map_or(text.len(), |i| braces_end + i);
            let metric_text = text[..end].trim_end();
            MetricRef::parse_known(metric_text, known)?;
            let (offset, len) = match text[end..].find(|c: char| !sign(c)) {
                _ if end == text.len() => (metric_text.len(), 0),
                Some(len) => (end, len),
                None => (end, text.len() - end),
            };
            let message = "expected one of the operators <, <=, >, >=".to_owned();
            return Err(ObjectiveError { message, offset, len, help: Some(FORM.to_owned()) });
        };
        let metric = MetricRef::parse_known(&text[..at], known)?;
        let (op, len) = match (&text[at..at + 1], text[at + 1..].starts_with('=')) {
            ("<", false) => (Op::Less, 1),
            ("<", true) => (Op::LessOrEqual, 2),
            (_, false) => (Op::Greater, 1),
            (_, true) => (Op::GreaterOrEqual, 2),
        };
        let rest = &text[at + len..];
        let value = rest.trim();
        let offset = at + len + (rest.len() - rest.trim_start().len());
        let unit = value_unit(&metric);
        let threshold = parse_value(value, unit).map_err(|message| ObjectiveError {
            message,
            offset,
            len: value.len(),
            help: Some(format!("the value of `{metric}` is {}", written_as(unit))),
        })?;
        Ok(Objective { metric, op, threshold })
    }

    /// The metric.
    pub fn metric(&self) -> &MetricRef {
        &self.metric
    }
    /// The comparison.
    pub fn op(&self) -> Op {
        self.op
    }
    /// The limit, in the metric's unit.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// True if the value (in the metric's unit) keeps the limit; never for NaN.
    pub fn check(&self, value: f64) -> bool {
        self.op.holds(value, self.threshold)
    }

    /// What an interval over replications says: met or missed only if all of it is on one side.
    pub fn judge(&self, interval: &Interval) -> Verdict {
        match (self.check(interval.low()), self.check(interval.high())) {
            (true, true) => Verdict::Met,
            (false, false) => Verdict::Missed,
            _ => Verdict::Inconclusive,
        }
    }

    /// True if the objective demands that the metric get worse (`availability < 99 %`): most likely a slip.
    pub fn is_the_wrong_way_round(&self) -> bool {
        if self.metric.stat() == Some(Stat::Count) {
            return false;
        }
        let wants_less = matches!(self.op, Op::Less | Op::LessOrEqual);
        match self.metric.def().better {
            Better::Lower => !wants_less,
            Better::Higher => wants_less,
            Better::Neither => false,
        }
    }
}

/// The first `<` or `>` outside quotes.
fn find_operator(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    text.char_indices().find_map(|(i, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' | '>' if !quoted => return Some(i),
            _ => {}
        }
        None
    })
}

/// The unit in which a threshold is given: that of the metric, but counts of a distribution are counts.
fn value_unit(metric: &MetricRef) -> Unit {
    if metric.stat() == Some(Stat::Count) { Unit::Count } else { metric.def().unit }
}

fn written_as(unit: Unit) -> &'static str {
    match unit {
        Unit::Milliseconds | Unit::Seconds => "a duration, for example `800 ms` or `2 s`",
        Unit::Share => "a share, for example `99.9 %` or `0.999`",
        Unit::Count => "a plain number, for example `0` or `1000`",
        Unit::Dollars => "an amount of money, for example `$250`",
        Unit::Ratio => "a plain number, for example `1.6`",
    }
}

/// Reads a threshold in the metric's unit, or says in a sentence why not.
fn parse_value(text: &str, unit: Unit) -> Result<f64, String> {
    if text.is_empty() {
        return Err("the value is missing".to_owned());
    }
    match unit {
        Unit::Milliseconds => parse_duration(text).map(|s| s.nanos() as f64 / 1e6).map_err(|e| e.to_string()),
        Unit::Seconds => parse_duration(text).map(|s| s.nanos() as f64 / 1e9).map_err(|e| e.to_string()),
        Unit::Share => {
            let share = match text.strip_suffix('%') {
                // shifted as text, so that 99.9 % is the same number as 0.999
                Some(percent) => parse_number(percent.trim_end(), "e-2")?,
                None => parse_number(text, "")?,
            };
            if share > 1.0 {
                let hint = if text.ends_with('%') { "" } else { "; a percentage carries its sign" };
                return Err(format!("a share is at most 1, or 100 %{hint}"));
            }
            Ok(share)
        }
        Unit::Dollars => {
            let amount = text.strip_prefix('$').ok_or_else(|| "money begins with `$`".to_owned())?.trim();
            match (Money::parse(amount), amount.parse::<f64>()) {
                (Ok(m), Ok(_)) if m < Money::ZERO => Err("must not be negative".to_owned()),
                (Ok(_), Ok(dollars)) => Ok(dollars),
                _ => Err(format!("`{amount}` is not an amount of money")),
            }
        }
        Unit::Count | Unit::Ratio => parse_number(text, ""),
    }
}

/// A plain non-negative decimal number; `exponent` is appended to its text.
fn parse_number(text: &str, exponent: &str) -> Result<f64, String> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
    let number = plain.then(|| format!("{}{exponent}", text.replace('_', "")).parse::<f64>().ok()).flatten();
    match number {
        Some(v) if v.is_finite() => Ok(v),
        Some(_) => Err("too large to represent".to_owned()),
        None if text.starts_with('-') => Err("must not be negative".to_owned()),
        None => Err(format!("`{text}` is not a plain number")),
    }
}

/// A threshold as it is written, such that it parses back to the same number.
fn write_value(f: &mut fmt::Formatter<'_>, value: f64, unit: Unit) -> fmt::Result {
    const SIZES: [(u64, &str); 6] = [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let nanos = match unit {
        Unit::Milliseconds => value * 1e6,
        Unit::Seconds => value * 1e9,
        Unit::Share => return write!(f, "{} %", shift_decimal(value, 2)),
        Unit::Dollars => return write!(f, "${value}"),
        Unit::Count | Unit::Ratio => return write!(f, "{value}"),
    };
    let nanos = (nanos + 0.5) as u64;
    if nanos == 0 {
        return f.write_str("0 s");
    }
    let (size, name) =
        SIZES.into_iter().find(|(size, _)| nanos.is_multiple_of(*size)).expect("everything is whole nanoseconds");
    write!(f, "{} {name}", nanos / size)
}

/// The shortest decimal of `value` with the point moved `places` to the right, without rounding.
fn shift_decimal(value: f64, places: i32) -> String {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse::<i32>().expect("exponents are integers") + places;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if point as usize >= digits.len() {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.metric, self.op.symbol())?;
        write_value(f, self.threshold, value_unit(&self.metric))
    }
}
