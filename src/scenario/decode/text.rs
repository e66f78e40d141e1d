//! Quantities written as text with their unit, and names from fixed lists.

use super::leaf::{Leaf, LeafError};
use crate::routing::litellm::config::BudgetTime;
use crate::routing::outcome::ErrorClass;
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::{
    Money, PerNanos, Price, PriceError, QuantityError, Span, parse_count_rate, parse_duration, parse_money_per,
    parse_percent_or_fraction, parse_tokens,
};
use serde_json::json;
use toml::de::DeValue;

/// The string, or an error that names what was expected; a bare number gets the hint to write its unit.
fn text<'a>(value: &'a DeValue<'_>, what: &str, example: &str) -> Result<&'a str, LeafError> {
    value.as_str().ok_or_else(|| {
        let mut e = LeafError::kind(what, value);
        if matches!(value, DeValue::Integer(_) | DeValue::Float(_)) {
            e.help = Some(format!("quantities are strings with their unit: {example}"));
        }
        e
    })
}

/// What is wrong with a quantity, such that ` in <key>` can follow.
fn quantity<T: Leaf>(text: &str, e: &QuantityError) -> LeafError {
    let shown = text.escape_debug();
    let units = |expected: &str| Some(format!("{} in {expected}, for example {}", T::WHAT, T::EXAMPLE));
    match e {
        QuantityError::Negative => LeafError::new(format!("negative value `{shown}`")),
        QuantityError::TooLarge => LeafError::new(format!("too large a value `{shown}`")),
        QuantityError::TooFine => LeafError::new(format!("`{shown}` is finer than 10^-12 dollars")),
        QuantityError::Number { .. } => LeafError::new(format!("`{shown}` does not begin with a number")),
        QuantityError::MissingUnit { expected } => {
            LeafError { expected: units(expected), ..LeafError::new(format!("missing unit behind `{shown}`")) }
        }
        QuantityError::Unit { found, expected } if found == text => {
            LeafError { expected: units(expected), ..LeafError::new(format!("cannot read `{shown}`")) }
        }
        QuantityError::Unit { found, expected } => LeafError {
            expected: units(expected),
            ..LeafError::new(format!("unknown unit `{}`", found.escape_debug()))
        },
    }
}

fn string_schema(example: &str, pattern: Option<&str>) -> serde_json::Value {
    let example: serde_json::Value = serde_json::from_str(example).expect("examples of strings are JSON strings");
    match pattern {
        Some(p) => json!({ "type": "string", "pattern": p, "examples": [example] }),
        None => json!({ "type": "string", "examples": [example] }),
    }
}

/// Longest window of a budget, in months.
pub(in crate::scenario) const MOST_MONTHS: u32 = 120;

/// Longest duration of any kind: ten years.
pub(in crate::scenario) const LONGEST: Span = Span::from_hours(24 * 3660);

impl Leaf for Span {
    const WHAT: &'static str = "a duration";
    const EXAMPLE: &'static str = "\"250 ms\"";
    fn parse(value: &DeValue<'_>) -> Result<Span, LeafError> {
        let t = text(value, Self::WHAT, Self::EXAMPLE)?;
        let span = parse_duration(t).map_err(|e| quantity::<Self>(t, &e))?;
        // sums of a few durations must fit in 584 years of nanoseconds
        if span > LONGEST {
            let mut e = quantity::<Self>(t, &QuantityError::TooLarge);
            e.help = Some("no duration may be longer than 3660 d".to_owned());
            return Err(e);
        }
        Ok(span)
    }
    fn schema() -> serde_json::Value {
        string_schema(
            Self::EXAMPLE,
            Some("^ *(0|[+]?[0-9._]+ *(ns|us|µs|ms|s|sec|seconds?|min|m|minutes?|h|hours?|d|days?)) *$"),
        )
    }
}

macro_rules! quantity_leaf {
    ($(#[doc = $doc:literal])* $name:ident($inner:ty), $what:literal, $example:literal, $parse:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub struct $name(pub $inner);

        impl Leaf for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;
            fn parse(value: &DeValue<'_>) -> Result<$name, LeafError> {
                let t = text(value, Self::WHAT, Self::EXAMPLE)?;
                let parse: fn(&str) -> Result<$inner, QuantityError> = $parse;
                parse(t).map($name).map_err(|e| quantity::<Self>(t, &e))
            }
            fn schema() -> serde_json::Value {
                string_schema(Self::EXAMPLE, None)
            }
        }
    };
}

quantity_leaf! {
    /// A number of tokens.
    TokenCount(u64), "a number of tokens", "\"4k tokens\"", parse_tokens
}
quantity_leaf! {
    /// Sessions per time.
    SessionRate(PerNanos), "a rate of sessions", "\"40 sessions/s\"",
    |t| parse_count_rate(t, &["session", "sessions"], "sessions/s, sessions/min, sessions/h")
}
quantity_leaf! {
    /// Requests per time.
    RequestRate(PerNanos), "a rate of requests", "\"2.7k requests/min\"",
    |t| parse_count_rate(t, &["request", "requests"], "requests/s, requests/min")
}
quantity_leaf! {
    /// Tokens per time.
    TokenRate(PerNanos), "a rate of tokens", "\"450k tokens/min\"",
    |t| parse_count_rate(t, &["token", "tokens", "tok"], "tokens/s, tokens/min")
}
quantity_leaf! {
    /// A price per token.
    TokenPrice(Price), "a price of tokens", "\"$3 / Mtok\"",
    |t| priced(t, &["Mtok", "ktok", "tok", "token"], "$x / Mtok, $x / ktok, $x / token")
}
quantity_leaf! {
    /// A price per time.
    HourlyPrice(Price), "a price by time", "\"$500 / month\"",
    |t| priced(t, &["h", "hour", "month"], "$x / h, $x / month")
}

quantity_leaf! {
    /// An amount of money.
    Dollars(Money), "an amount of money", "\"$500\"", dollars
}

fn dollars(text: &str) -> Result<Money, QuantityError> {
    const EXPECTED: &str = "dollars (for example \"$500\")";
    let amount = match text.trim().strip_prefix('$') {
        Some(amount) => amount.trim(),
        None if text.trim().starts_with('-') => return Err(QuantityError::Negative),
        None => return Err(QuantityError::MissingUnit { expected: EXPECTED }),
    };
    match Money::parse(amount) {
        Ok(money) if money < Money::ZERO => Err(QuantityError::Negative),
        Ok(money) => Ok(money),
        Err(PriceError::NotDecimal) => Err(QuantityError::Number { found: amount.to_owned() }),
        Err(PriceError::TooFine) => Err(QuantityError::TooFine),
        Err(PriceError::TooLarge) => Err(QuantityError::TooLarge),
    }
}

fn priced(text: &str, units: &[&str], expected: &'static str) -> Result<Price, QuantityError> {
    let price = parse_money_per(text).map_err(|e| match e {
        QuantityError::Unit { found, .. } => QuantityError::Unit { found, expected },
        QuantityError::MissingUnit { .. } => QuantityError::MissingUnit { expected },
        e => e,
    })?;
    let unit = text.rsplit('/').next().unwrap_or_default().trim();
    if units.contains(&unit) { Ok(price) } else { Err(QuantityError::Unit { found: unit.to_owned(), expected }) }
}

/// Length of a budget's window: a duration, or a number of calendar months.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BudgetPeriod(pub BudgetTime);

impl Leaf for BudgetPeriod {
    const WHAT: &'static str = "a duration or a number of months";
    const EXAMPLE: &'static str = "\"1 mo\"";
    fn parse(value: &DeValue<'_>) -> Result<BudgetPeriod, LeafError> {
        let t = text(value, Self::WHAT, Self::EXAMPLE)?;
        if let Some(months) = t.trim().strip_suffix("mo") {
            let months: u32 = months.trim().parse().unwrap_or(0);
            if !(1..=MOST_MONTHS).contains(&months) {
                return Err(LeafError::new(format!("`{}` is no number of months from 1 to 120", t.escape_debug())));
            }
            return Ok(BudgetPeriod(BudgetTime::Months(months)));
        }
        let span = Span::parse(value)?;
        if span == Span::ZERO {
            Err(LeafError::new("a budget for no time"))
        } else {
            Ok(BudgetPeriod(BudgetTime::Span(span)))
        }
    }
    fn schema() -> serde_json::Value {
        string_schema(Self::EXAMPLE, None)
    }
}

/// A share between 0 and 1: a number, or a percentage as text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ShareValue(pub f64);

impl Leaf for ShareValue {
    const WHAT: &'static str = "a share between 0 and 1";
    const EXAMPLE: &'static str = "0.25";
    fn parse(value: &DeValue<'_>) -> Result<ShareValue, LeafError> {
        let share = match value.as_str() {
            Some(t) => parse_percent_or_fraction(t).map_err(|e| quantity::<Self>(t, &e))?,
            None => f64::parse(value).map_err(|mut e| {
                e.message = e.message.replace("expected a number", "expected a share");
                e
            })?,
        };
        if share < 0.0 {
            Err(LeafError::new(format!("negative share {share}")))
        } else if share > 1.0 {
            let mut e = LeafError::new(format!("share {share} above 1"));
            if share <= 100.0 && value.as_str().is_none() {
                e.help = Some(format!("a percentage carries its sign: \"{share} %\""));
            }
            Err(e)
        } else {
            Ok(ShareValue(share))
        }
    }
    fn schema() -> serde_json::Value {
        json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": "^ *[0-9._]+ *%? *$", "examples": ["25 %"] }
        ] })
    }
}

/// A point in time with its offset from UTC, as a string or a TOML date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Unix seconds.
    pub unix_s: i64,
}

impl Leaf for Start {
    const WHAT: &'static str = "an RFC 3339 date and time with its offset";
    const EXAMPLE: &'static str = "\"2026-03-02T00:00:00Z\"";
    fn parse(value: &DeValue<'_>) -> Result<Start, LeafError> {
        let t = match value {
            DeValue::String(s) => s.to_string(),
            DeValue::Datetime(d) => d.to_string(),
            other => return Err(LeafError::kind(Self::WHAT, other)),
        };
        let stamp: jiff::Timestamp = t.parse().map_err(|_| {
            let is_date = t.len() >= 10 && t.bytes().take(4).all(|b| b.is_ascii_digit()) && t.as_bytes()[4] == b'-';
            let mut e = LeafError::new(format!("`{}` is not a point in time", t.escape_debug()));
            e.help = is_date.then(|| "the offset from UTC must be given: `Z`, or `+01:00`".to_owned());
            e
        })?;
        let unix_s = stamp.as_second();
        // the bundled time zone rules and the prices of the catalogue mean nothing far outside of these years
        if (946_684_800..4_102_444_800).contains(&unix_s) {
            Ok(Start { unix_s })
        } else {
            Err(LeafError::new(format!("`{t}` is outside of the years 2000 to 2099")))
        }
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string", "format": "date-time", "examples": ["2026-03-02T00:00:00Z"] })
    }
}

/// A class of errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrorName(pub ErrorClass);

/// One of these classes by its name, or an error; `what` says what was expected.
fn error_class(value: &DeValue<'_>, what: &str, names: &[&'static str]) -> Result<ErrorClass, LeafError> {
    let t = value.as_str().ok_or_else(|| {
        let mut e = LeafError::kind(what, value);
        if let DeValue::Integer(i) = value {
            e.help = Some(format!("write it as a string: \"{}\"", i.as_str()));
        }
        e
    })?;
    let found = ErrorClass::from_name(t);
    found.filter(|c| names.contains(&c.name())).ok_or_else(|| LeafError {
        message: match found {
            Some(_) => format!("`{t}` is what a gateway sees in place of an answer, and no deployment answers it"),
            None => format!("unknown error class `{}`", t.escape_debug()),
        },
        expected: Some(listed(names.iter().copied())),
        help: did_you_mean(t, names.iter().copied()).filter(|_| found.is_none()),
    })
}

impl Leaf for ErrorName {
    const WHAT: &'static str = "an error class";
    const EXAMPLE: &'static str = "\"429\"";
    fn parse(value: &DeValue<'_>) -> Result<ErrorName, LeafError> {
        error_class(value, Self::WHAT, &ErrorClass::ALL.map(ErrorClass::name)).map(ErrorName)
    }
    fn schema() -> serde_json::Value {
        json!({ "enum": ErrorClass::ALL.map(ErrorClass::name) })
    }
}

/// A class of errors that a deployment can answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerName(pub ErrorClass);

impl AnswerName {
    fn names() -> Vec<&'static str> {
        ErrorClass::ALL.into_iter().filter(|c| c.is_an_answer()).map(ErrorClass::name).collect()
    }
}

impl Leaf for AnswerName {
    const WHAT: &'static str = "an error that a deployment answers";
    const EXAMPLE: &'static str = "\"503\"";
    fn parse(value: &DeValue<'_>) -> Result<AnswerName, LeafError> {
        error_class(value, Self::WHAT, &Self::names()).map(AnswerName)
    }
    fn schema() -> serde_json::Value {
        json!({ "enum": Self::names() })
    }
}
