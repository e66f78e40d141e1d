//! Conditions on what a request brings.
//!
//! Source: Portkey-AI/gateway 669825c, `src/services/conditionalRouter.ts`. Clauses of a query hold together; `$and` and `$or`
//! end it, so that what stands behind them is not looked at. Equality is that of JavaScript's `===`, the order that of
//! `parseFloat` of both sides, which is false for what is no number; a field that the request does not bring equals
//! nothing.

use super::pattern::Pattern;
use super::why::Excerpt;
use std::fmt::{self, Write};

/// A value that a request brings or a condition compares with.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
}

impl Value {
    /// Without its own memory.
    fn field(&self) -> Field<'_> {
        match self {
            Value::Text(text) => Field::Text(text),
            Value::Number(n) => Field::Number(*n),
            Value::Bool(b) => Field::Bool(*b),
        }
    }
}

/// A value that a request brings, where it stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Field<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
}

/// A number as text, without memory of its own.
struct Digits {
    bytes: [u8; Digits::MOST],
    len: usize,
}

impl Digits {
    /// Room for what JavaScript writes without an exponent, below 1e21 and from 1e-6 on.
    const MOST: usize = 32;

    fn of(n: f64) -> Digits {
        let mut digits = Digits { bytes: [0; Digits::MOST], len: 0 };
        // what does not fit is longer than any number of a request
        let _ = write!(digits, "{n}");
        digits
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Digits {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let to = self.bytes.get_mut(self.len..self.len + s.len()).ok_or(fmt::Error)?;
        to.copy_from_slice(s.as_bytes());
        self.len += s.len();
        Ok(())
    }
}

impl Field<'_> {
    /// As it would be written, for reasons.
    pub(super) fn excerpt(self) -> Excerpt {
        match self {
            Field::Text(text) => Excerpt::of(text),
            Field::Number(n) => Excerpt::of(&n.to_string()),
            Field::Bool(b) => Excerpt::of(if b { "true" } else { "false" }),
        }
    }

    /// JavaScript's `parseFloat`: of a text, the number that it begins with.
    fn number(self) -> Option<f64> {
        match self {
            Field::Number(n) => Some(n),
            Field::Bool(_) => None,
            Field::Text(text) => {
                let text = text.trim_start();
                let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
                let most = text.find(|c| !numeric(c)).unwrap_or(text.len());
                (1..=most).rev().find_map(|end| text[..end].parse().ok())
            }
        }
    }
}

/// What the conditions of a config see of a request.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Context {
    /// Fields of the request's body, `params.NAME`.
    pub params: Vec<(String, Value)>,
    /// Fields of the header `x-portkey-metadata`, `metadata.NAME`.
    pub metadata: Vec<(String, String)>,
}

impl Context {
    /// The field, as in `metadata.tier`; `None` if the request does not bring it.
    pub fn get(&self, key: &str) -> Option<Field<'_>> {
        let (place, name) = key.split_once('.')?;
        match place {
            "params" => self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.field()),
            "metadata" => self.metadata.iter().find(|(n, _)| n == name).map(|(_, v)| Field::Text(v)),
            _ => None,
        }
    }
}

/// One comparison with a field.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// `$eq`.
    Equal(Value),
    /// `$ne`.
    NotEqual(Value),
    /// `$gt`.
    Above(Value),
    /// `$gte`.
    AtLeast(Value),
    /// `$lt`.
    Below(Value),
    /// `$lte`.
    AtMost(Value),
    /// `$in`.
    In(Vec<Value>),
    /// `$nin`.
    NotIn(Vec<Value>),
    /// `$regex`. Ends the tests of the field.
    Matches(Pattern),
}

impl Test {
    fn holds(&self, field: Option<Field<'_>>) -> bool {
        let ordered = |with: &Value, is: fn(f64, f64) -> bool| {
            field.and_then(Field::number).zip(with.field().number()).is_some_and(|(a, b)| is(a, b))
        };
        let among = |list: &[Value]| field.is_some_and(|f| list.iter().any(|v| v.field() == f));
        match self {
            Test::Equal(v) => field == Some(v.field()),
            Test::NotEqual(v) => field != Some(v.field()),
            Test::Above(v) => ordered(v, |a, b| a > b),
            Test::AtLeast(v) => ordered(v, |a, b| a >= b),
            Test::Below(v) => ordered(v, |a, b| a < b),
            Test::AtMost(v) => ordered(v, |a, b| a <= b),
            Test::In(list) => among(list),
            Test::NotIn(list) => !among(list),
            Test::Matches(pattern) => match field {
                None => pattern.test("undefined"),
                Some(Field::Text(text)) => pattern.test(text),
                Some(Field::Bool(b)) => pattern.test(if b { "true" } else { "false" }),
                Some(Field::Number(n)) => pattern.test(Digits::of(n).as_str()),
            },
        }
    }
}

/// A part of a query.
#[derive(Clone, PartialEq, Debug)]
pub enum Clause {
    /// All tests hold for the field.
    Field(String, Vec<Test>),
    /// `$and`: all queries hold. Ends the query that it stands in.
    And(Vec<Query>),
    /// `$or`: one query holds. Ends the query that it stands in.
    Or(Vec<Query>),
}

/// Clauses that hold together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Query(pub Vec<Clause>);

impl Query {
    /// Whether the request fits.
    pub fn holds(&self, context: &Context) -> bool {
        self.look(context, &mut |_, _, _| ())
    }

    /// The same; `f` is called with every field that is looked at on the way, its value and whether its tests hold.
    pub(super) fn look(&self, context: &Context, f: &mut dyn FnMut(&str, Option<Field<'_>>, bool)) -> bool {
        for clause in &self.0 {
            match clause {
                Clause::And(all) => return all.iter().all(|q| q.look(context, f)),
                Clause::Or(any) => return any.iter().any(|q| q.look(context, f)),
                Clause::Field(key, tests) => {
                    let field = context.get(key);
                    let holds = tests.iter().all(|t| t.holds(field));
                    f(key, field, holds);
                    if !holds {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Calls `f` with every field that is looked at.
    pub fn fields(&self, f: &mut dyn FnMut(&str)) {
        for clause in &self.0 {
            match clause {
                Clause::Field(key, _) => f(key),
                Clause::And(list) | Clause::Or(list) => list.iter().for_each(|q| q.fields(f)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Value {
        Value::Text(s.to_owned())
    }

    fn context() -> Context {
        Context {
            params: vec![
                ("model".to_owned(), text("gpt")),
                ("stream".to_owned(), Value::Bool(true)),
                ("max_tokens".to_owned(), Value::Number(1024.0)),
            ],
            metadata: vec![("tier".to_owned(), "paid".to_owned()), ("size".to_owned(), "12 MB".to_owned())],
        }
    }

    fn field(key: &str, test: Test) -> Query {
        Query(vec![Clause::Field(key.to_owned(), vec![test])])
    }

    /// `conditionalRouter.ts`, `evaluateOperator`: one row per operator, on both sides of its edge.
    #[test]
    fn portkey_conditional_operators() {
        let c = context();
        let n = Value::Number;
        for (key, test, expected) in [
            ("metadata.tier", Test::Equal(text("paid")), true),
            ("metadata.tier", Test::Equal(text("free")), false),
            ("metadata.tier", Test::NotEqual(text("free")), true),
            ("metadata.tier", Test::NotEqual(text("paid")), false),
            ("params.max_tokens", Test::Above(n(1023.0)), true),
            ("params.max_tokens", Test::Above(n(1024.0)), false),
            ("params.max_tokens", Test::AtLeast(n(1024.0)), true),
            ("params.max_tokens", Test::AtLeast(n(1025.0)), false),
            ("params.max_tokens", Test::Below(n(1025.0)), true),
            ("params.max_tokens", Test::Below(n(1024.0)), false),
            ("params.max_tokens", Test::AtMost(n(1024.0)), true),
            ("params.max_tokens", Test::AtMost(n(1023.0)), false),
            ("metadata.tier", Test::In(vec![text("free"), text("paid")]), true),
            ("metadata.tier", Test::In(vec![text("free")]), false),
            ("metadata.tier", Test::NotIn(vec![text("free")]), true),
            ("metadata.tier", Test::NotIn(vec![text("paid")]), false),
            ("params.stream", Test::Equal(Value::Bool(true)), true),
            // `===` knows types
            ("params.max_tokens", Test::Equal(text("1024")), false),
            ("params.stream", Test::Equal(text("true")), false),
            // parseFloat reads the number that a text begins with, and no number compares with nothing
            ("metadata.size", Test::Above(text("11.5 MB")), true),
            ("metadata.tier", Test::Above(n(0.0)), false),
            ("params.stream", Test::AtLeast(n(0.0)), false),
            // what is not there equals nothing, so it differs from everything
            ("metadata.region", Test::Equal(text("eu")), false),
            ("metadata.region", Test::NotEqual(text("eu")), true),
            ("metadata.region", Test::In(vec![text("eu")]), false),
            ("metadata.region", Test::NotIn(vec![text("eu")]), true),
            ("url.pathname", Test::Equal(text("gpt")), false),
            // what is tested is a text, `String(value)`
            ("metadata.tier", Test::Matches(Pattern::new("^pa").unwrap()), true),
            ("metadata.tier", Test::Matches(Pattern::new("^ai").unwrap()), false),
            ("params.max_tokens", Test::Matches(Pattern::new("^1\\d{3}$").unwrap()), true),
            ("params.stream", Test::Matches(Pattern::new("^true$").unwrap()), true),
            ("metadata.region", Test::Matches(Pattern::new("^undefined$").unwrap()), true),
            ("metadata.region", Test::Matches(Pattern::new("eu").unwrap()), false),
        ] {
            assert_eq!(field(key, test.clone()).holds(&c), expected, "{key} {test:?}");
        }
    }

    /// `evaluateQuery`: clauses hold together, and `$and` and `$or` return at once.
    #[test]
    fn portkey_conditional_queries_end_at_and_and_or() {
        let c = context();
        let yes = || field("metadata.tier", Test::Equal(text("paid")));
        let no = || field("metadata.tier", Test::Equal(text("free")));
        let with = |clauses: Vec<Clause>| Query(clauses).holds(&c);
        assert!(with(vec![]), "an empty query fits everything");
        assert!(with(vec![Clause::Or(vec![no(), yes()])]) && !with(vec![Clause::Or(vec![no(), no()])]));
        assert!(with(vec![Clause::And(vec![yes(), yes()])]) && !with(vec![Clause::And(vec![yes(), no()])]));
        let (yes, no) = (yes().0.remove(0), no().0.remove(0));
        assert!(!with(vec![yes.clone(), no.clone()]));
        assert!(with(vec![Clause::Or(vec![Query(vec![yes.clone()])]), no.clone()]), "what follows is not looked at");
        assert!(!with(vec![no, Clause::Or(vec![Query(vec![yes])])]));
    }
}
