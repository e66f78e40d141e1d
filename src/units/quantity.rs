//! Quantities written as text with their unit: `250 ms`, `450k tokens/min`, `$3 / Mtok`, `24 h`.

use super::{Money, Price, PriceError, Span};
use std::fmt;

/// Why a text is not the quantity that was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QuantityError {
    /// The number in front could not be read.
    Number {
        /// What stood there.
        found: String,
    },
    /// A number without a unit.
    MissingUnit {
        /// The units that are understood.
        expected: &'static str,
    },
    /// A unit that is not understood here.
    Unit {
        /// What stood there.
        found: String,
        /// The units that are understood.
        expected: &'static str,
    },
    /// A negative quantity where only zero and more make sense.
    Negative,
    /// Larger than can be represented.
    TooLarge,
    /// More decimals than money keeps (twelve).
    TooFine,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuantityError::Number { found } if found.is_empty() => write!(f, "expected a number first"),
            QuantityError::Number { found } => write!(f, "`{found}` is not a number"),
            QuantityError::MissingUnit { expected } => write!(f, "the unit is missing; expected one of {expected}"),
            QuantityError::Unit { found, expected } => write!(f, "unknown unit `{found}`; expected one of {expected}"),
            QuantityError::Negative => write!(f, "must not be negative"),
            QuantityError::TooLarge => write!(f, "too large to represent"),
            QuantityError::TooFine => write!(f, "finer than 10^-12 dollars cannot be kept exactly"),
        }
    }
}

impl std::error::Error for QuantityError {}

/// An exact rate: `count` things per `nanos` nanoseconds. `450k tokens/min` is 450,000 per 60e9.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct PerNanos {
    /// How many, in millionths, so that `0.5 requests/s` is exact.
    pub micro_count: u64,
    /// In how long.
    pub nanos: u64,
}

impl PerNanos {
    /// Things per second, for display, statistics and arrival processes.
    pub fn per_sec_f64(self) -> f64 {
        self.micro_count as f64 * 1e-6 / (self.nanos as f64 * 1e-9)
    }
}

const DURATIONS: &str = "ns, us, ms, s, min, h, d";

/// Splits `"-1.5k foo/bar"` into the number text, its magnitude suffix and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let t = text.trim();
    let end = t
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || c == '.' || c == '_' || (i == 0 && (c == '-' || c == '+'))))
        .map_or(t.len(), |(i, _)| i);
    (&t[..end], t[end..].trim_start())
}

/// A plain decimal number as f64; underscores may group digits.
fn number(text: &str) -> Result<f64, QuantityError> {
    let clean: String = text.chars().filter(|&c| c != '_').collect();
    let value: f64 = clean.parse().map_err(|_| QuantityError::Number { found: text.to_owned() })?;
    if !value.is_finite() {
        return Err(QuantityError::TooLarge);
    }
    if value < 0.0 {
        return Err(QuantityError::Negative);
    }
    Ok(value)
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" | "second" | "seconds" => 1_000_000_000,
        "min" | "m" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    })
}

/// A duration such as `250 ms`, `1.5 h` or `14 d`. Plain `0` is accepted, any other bare number is not.
///
/// # Errors
/// [`QuantityError`] says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Span, QuantityError> {
    let (num, unit) = split_number(text);
    let value = number(num)?;
    if unit.is_empty() {
        return if value == 0.0 { Ok(Span::ZERO) } else { Err(QuantityError::MissingUnit { expected: DURATIONS }) };
    }
    let size = unit_nanos(unit).ok_or_else(|| QuantityError::Unit { found: unit.to_owned(), expected: DURATIONS })?;
    let nanos = value * size as f64;
    if nanos > 9.0e18 {
        return Err(QuantityError::TooLarge);
    }
    Ok(Span((nanos + 0.5) as u64))
}

/// A magnitude suffix directly behind a number: `k`, `M`, `G` (also `B` for billion).
fn magnitude(rest: &str) -> (f64, &str) {
    for (suffix, scale) in [("k", 1e3), ("M", 1e6), ("G", 1e9), ("B", 1e9)] {
        if let Some(after) = rest.strip_prefix(suffix)
            && (after.is_empty() || after.starts_with(' ') || after.starts_with("tok"))
        {
            return (scale, after.trim_start());
        }
    }
    (1.0, rest)
}

/// A count of tokens such as `32k tokens`, `4096 tok` or `1.5 Mtok`.
///
/// # Errors
/// [`QuantityError`] says what is wrong with the text.
pub fn parse_tokens(text: &str) -> Result<u64, QuantityError> {
    const EXPECTED: &str = "tokens, ktok, Mtok (for example \"32k tokens\")";
    let (num, rest) = split_number(text);
    let value = number(num)?;
    let (scale, unit) = magnitude(rest);
    match unit {
        "tok" | "token" | "tokens" => {
            let total = value * scale;
            if total > 1e15 { Err(QuantityError::TooLarge) } else { Ok((total + 0.5) as u64) }
        }
        "" => Err(QuantityError::MissingUnit { expected: EXPECTED }),
        other => Err(QuantityError::Unit { found: other.to_owned(), expected: EXPECTED }),
    }
}

/// A rate of countable things such as `40 sessions/s`, `450k tokens/min` or `2.7k requests / min`.
/// `nouns` are the names accepted for the thing counted; `expected` describes them for the error.
///
/// # Errors
/// [`QuantityError`] says what is wrong with the text.
pub fn parse_count_rate(text: &str, nouns: &[&str], expected: &'static str) -> Result<PerNanos, QuantityError> {
    let (num, rest) = split_number(text);
    let value = number(num)?;
    let (scale, unit) = magnitude(rest);
    if unit.is_empty() {
        return Err(QuantityError::MissingUnit { expected });
    }
    let wrong = || QuantityError::Unit { found: unit.to_owned(), expected };
    let (noun, per) = unit.split_once('/').ok_or_else(wrong)?;
    if !nouns.contains(&noun.trim()) {
        return Err(wrong());
    }
    let nanos = unit_nanos(per.trim()).ok_or_else(wrong)?;
    let micro = value * scale * 1e6;
    if micro > 1e18 {
        return Err(QuantityError::TooLarge);
    }
    Ok(PerNanos { micro_count: (micro + 0.5) as u64, nanos })
}

/// Hours in a billing month, as the price calculators of the large clouds use (365 * 24 / 12).
pub const HOURS_PER_MONTH: u64 = 730;

/// Highest price that is read: a million dollars for one of anything. Times the 2^64 tokens, bytes or requests that can
/// be counted it still fits into [`Money`].
const HIGHEST_PRICE: Money = Money::from_dollars(1_000_000);

/// A price such as `$3 / Mtok`, `$0.09 / GB`, `$0.096 / h`, `$500 / month` or `$0.01 / request`; a million dollars at
/// most. Base units of the result: tokens, bytes, nanoseconds, requests.
///
/// # Errors
/// [`QuantityError`] says what is wrong with the text.
pub fn parse_money_per(text: &str) -> Result<Price, QuantityError> {
    const EXPECTED: &str = "$x / Mtok, $x / ktok, $x / token, $x / GB, $x / h, $x / month, $x / request";
    let t = text.trim();
    let t = t.strip_prefix('$').ok_or_else(|| {
        if t.starts_with("-") {
            QuantityError::Negative
        } else {
            QuantityError::Unit { found: t.to_owned(), expected: EXPECTED }
        }
    })?;
    let (amount, per) = t.split_once('/').ok_or(QuantityError::MissingUnit { expected: EXPECTED })?;
    let amount_text = amount.trim();
    let amount = Money::parse(amount_text).map_err(|e| match e {
        PriceError::NotDecimal => QuantityError::Number { found: amount_text.to_owned() },
        PriceError::TooFine => QuantityError::TooFine,
        PriceError::TooLarge => QuantityError::TooLarge,
    })?;
    if amount < Money::ZERO {
        return Err(QuantityError::Negative);
    }
    if amount > HIGHEST_PRICE {
        return Err(QuantityError::TooLarge);
    }
    let per = match per.trim() {
        "Mtok" => 1_000_000,
        "ktok" => 1_000,
        "tok" | "token" => 1,
        "GB" => 1_000_000_000,
        "h" | "hour" => 3_600_000_000_000,
        "month" => HOURS_PER_MONTH * 3_600_000_000_000,
        "request" => 1,
        other => return Err(QuantityError::Unit { found: other.to_owned(), expected: EXPECTED }),
    };
    Ok(Price::new(amount, per))
}

/// A share: `0.25`, `25 %` or `25%`.
///
/// # Errors
/// [`QuantityError`] says what is wrong with the text.
pub fn parse_percent_or_fraction(text: &str) -> Result<f64, QuantityError> {
    let (num, rest) = split_number(text);
    let value = number(num)?;
    match rest {
        "" => Ok(value),
        "%" => Ok(value / 100.0),
        other => Err(QuantityError::Unit { found: other.to_owned(), expected: "%, or a plain fraction" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("250 ms"), Ok(Span::from_millis(250)));
        assert_eq!(parse_duration("1.5h"), Ok(Span::from_mins(90)));
        assert_eq!(parse_duration("0"), Ok(Span::ZERO));
        assert_eq!(parse_duration("-3 s"), Err(QuantityError::Negative));
        assert!(matches!(parse_duration("5"), Err(QuantityError::MissingUnit { .. })));
        assert!(matches!(parse_duration("5 parsecs"), Err(QuantityError::Unit { .. })));
        assert!(matches!(parse_duration("soon"), Err(QuantityError::Number { .. })));
    }

    #[test]
    fn tokens_and_rates() {
        assert_eq!(parse_tokens("32k tokens"), Ok(32_000));
        assert_eq!(parse_tokens("1.5 Mtok"), Ok(1_500_000));
        let nouns = ["token", "tokens"];
        let r = parse_count_rate("450k tokens/min", &nouns, "tokens/min").unwrap();
        assert_eq!(r, PerNanos { micro_count: 450_000_000_000, nanos: 60_000_000_000 });
        assert!((r.per_sec_f64() - 7500.0).abs() < 1e-9);
        assert!(parse_count_rate("450k cows/min", &nouns, "tokens/min").is_err());
    }

    #[test]
    fn prices() {
        assert_eq!(parse_money_per("$3 / Mtok"), Ok(Price::new(Money::from_dollars(3), 1_000_000)));
        assert_eq!(parse_money_per("$0.138/GB").unwrap().cost(1_000_000_000), Money::parse("0.138").unwrap());
        assert!(matches!(parse_money_per("3 / Mtok"), Err(QuantityError::Unit { .. })));
        assert!(matches!(parse_money_per("$3"), Err(QuantityError::MissingUnit { .. })));
        // the highest price of the greatest number that can be counted can be paid
        let highest = parse_money_per("$1000000 / token").unwrap();
        assert_eq!(highest.cost(u128::from(u64::MAX)).pico(), i128::from(u64::MAX) * 1_000_000_000_000_000_000);
        assert_eq!(parse_money_per("$1000000.01 / token"), Err(QuantityError::TooLarge));
    }

    #[test]
    fn shares() {
        assert_eq!(parse_percent_or_fraction("25 %"), Ok(0.25));
        assert_eq!(parse_percent_or_fraction("0.25"), Ok(0.25));
    }
}
