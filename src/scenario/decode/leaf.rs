//! Single values: strings, booleans, integers, numbers.

use super::{Cx, Decode, Desc, Value, found};
use crate::scenario::diagnostic::{At, Loc};
use serde_json::json;
use toml::de::DeValue;

/// Why a value is not what was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafError {
    /// One line.
    pub message: String,
    /// What would have been right, if it can be said better than by the kind of value and an example.
    pub expected: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl LeafError {
    /// Without help.
    pub fn new(message: impl Into<String>) -> LeafError {
        LeafError { message: message.into(), expected: None, help: None }
    }
    /// The wrong kind of value.
    pub fn kind(wanted: &str, value: &DeValue<'_>) -> LeafError {
        LeafError::new(format!("expected {wanted}, found {}", found(value)))
    }
}

/// A single value.
pub trait Leaf: Sized + Clone {
    /// What it is, with its article.
    const WHAT: &'static str;
    /// As written in a file.
    const EXAMPLE: &'static str;
    /// From a value of the tree.
    ///
    /// # Errors
    /// [`LeafError`] says why not.
    fn parse(value: &DeValue<'_>) -> Result<Self, LeafError>;
    /// JSON Schema.
    fn schema() -> serde_json::Value;
}

impl<T: Leaf> Decode for At<T> {
    fn decode(value: &Value<'_>, _at: Loc, cx: &mut Cx) -> Option<At<T>> {
        let loc = Loc::new(value.span());
        match T::parse(value.get_ref()) {
            Ok(value) => Some(At { value, loc }),
            Err(e) => {
                let place = cx.place();
                cx.error(loc, format!("{}{place}", e.message))
                    .expected(e.expected.unwrap_or_else(|| format!("{}, for example {}", T::WHAT, T::EXAMPLE)))
                    .maybe_help(e.help);
                None
            }
        }
    }
    fn desc() -> Desc {
        Desc::Leaf { what: T::WHAT, example: T::EXAMPLE.to_owned(), schema: T::schema() }
    }
}

impl Leaf for String {
    const WHAT: &'static str = "a string";
    const EXAMPLE: &'static str = "\"text\"";
    fn parse(value: &DeValue<'_>) -> Result<String, LeafError> {
        value.as_str().map(str::to_owned).ok_or_else(|| LeafError::kind(Self::WHAT, value))
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }
}

impl Leaf for bool {
    const WHAT: &'static str = "a boolean";
    const EXAMPLE: &'static str = "true";
    fn parse(value: &DeValue<'_>) -> Result<bool, LeafError> {
        value.as_bool().ok_or_else(|| LeafError::kind(Self::WHAT, value))
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

impl Leaf for u64 {
    const WHAT: &'static str = "a whole number";
    const EXAMPLE: &'static str = "3";
    fn parse(value: &DeValue<'_>) -> Result<u64, LeafError> {
        let Some(i) = value.as_integer() else { return Err(LeafError::kind(Self::WHAT, value)) };
        match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(n) => u64::try_from(n).map_err(|_| LeafError::new(format!("negative number {n}"))),
            Err(_) => Err(LeafError::new(format!("too large a number {i}"))),
        }
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Leaf for i64 {
    const WHAT: &'static str = "a whole number, which may be negative";
    const EXAMPLE: &'static str = "-10";
    fn parse(value: &DeValue<'_>) -> Result<i64, LeafError> {
        let Some(i) = value.as_integer() else { return Err(LeafError::kind(Self::WHAT, value)) };
        i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| LeafError::new(format!("too large a number {i}")))
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "integer" })
    }
}

impl Leaf for f64 {
    const WHAT: &'static str = "a number";
    const EXAMPLE: &'static str = "1.5";
    fn parse(value: &DeValue<'_>) -> Result<f64, LeafError> {
        let number = match value {
            DeValue::Integer(i) => i128::from_str_radix(i.as_str(), i.radix())
                .map(|n| n as f64)
                .map_err(|_| LeafError::new(format!("too large a number {i}")))?,
            DeValue::Float(f) => f.as_str().parse().map_err(|_| LeafError::new(format!("`{f}` is not a number")))?,
            _ => return Err(LeafError::kind(Self::WHAT, value)),
        };
        if number.is_finite() { Ok(number) } else { Err(LeafError::new(format!("number {number} that is not finite"))) }
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "number" })
    }
}
