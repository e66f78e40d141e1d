//! Conditions of Portkey's conditional strategies, as they stand in its configs.

use super::{Cx, Decode, Desc, Leaf, Value, found};
use crate::routing::portkey::{self, Clause, Pattern, Query, Test};
use crate::scenario::diagnostic::{At, Loc};
use serde_json::json;
use toml::de::DeValue;

/// Operators on a field.
const OPERATORS: [&str; 9] = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex"];

/// A query, and the fields that it looks at with their places.
#[derive(Clone, Debug)]
pub struct RawQuery {
    /// What it asks.
    pub query: Query,
    /// Fields such as `metadata.tier`.
    pub fields: Vec<At<String>>,
}

impl Decode for RawQuery {
    fn decode(value: &Value<'_>, _at: Loc, cx: &mut Cx) -> Option<RawQuery> {
        let mut fields = Vec::new();
        let query = query(value, &mut fields, cx)?;
        Some(RawQuery { query, fields })
    }

    fn desc() -> Desc {
        Desc::Leaf {
            what: "a condition",
            example: "{ \"metadata.workload\" = { \"$in\" = [\"chat\"] } }".to_owned(),
            schema: json!({ "type": "object", "minProperties": 1 }),
        }
    }
}

fn query(value: &Value<'_>, fields: &mut Vec<At<String>>, cx: &mut Cx) -> Option<Query> {
    let before = cx.errors();
    let table = cx.table(value)?;
    if table.is_empty() {
        cx.error(Loc::new(value.span()), "an empty condition fits every request").help("`default` is for that");
    }
    let mut clauses = Vec::new();
    let mut ended: Option<(String, Loc)> = None;
    for (key, value) in table {
        let (name, loc) = (key.get_ref().as_ref(), Loc::new(key.span()));
        if let Some((end, at)) = &ended {
            cx.error(loc, format!("`{name}` stands behind `{end}`, where Portkey does not look"))
                .note(*at, "the condition ends here")
                .help(format!("before `{end}`"));
            continue;
        }
        if matches!(name, "$and" | "$or") {
            ended = Some((name.to_owned(), loc));
            let Some(list) = list(name, value, cx) else { continue };
            let list: Vec<Query> = list.iter().filter_map(|v| query(v, fields, cx)).collect();
            clauses.push(if name == "$and" { Clause::And(list) } else { Clause::Or(list) });
        } else if name.starts_with('$') {
            operator(loc, name, &["$and", "$or"], cx);
        } else {
            fields.push(At { value: name.to_owned(), loc });
            if let Some(tests) = tests(value, cx) {
                clauses.push(Clause::Field(name.to_owned(), tests));
            }
        }
    }
    (cx.errors() == before).then_some(Query(clauses))
}

fn tests(value: &Value<'_>, cx: &mut Cx) -> Option<Vec<Test>> {
    let DeValue::Table(table) = value.get_ref() else {
        return Some(vec![Test::Equal(scalar(value, cx)?)]);
    };
    if table.is_empty() {
        cx.error(Loc::new(value.span()), "nothing is compared").expected("`\"$eq\" = ...` or another operator");
        return None;
    }
    let mut tests = Vec::new();
    let mut ended: Option<Loc> = None;
    for (key, value) in table {
        let (name, loc) = (key.get_ref().as_ref(), Loc::new(key.span()));
        if let Some(at) = ended {
            cx.error(loc, format!("`{name}` stands behind `$regex`, where Portkey does not look"))
                .note(at, "the comparison ends here")
                .help("before `$regex`");
            continue;
        }
        let test = match name {
            "$eq" => scalar(value, cx).map(Test::Equal),
            "$ne" => scalar(value, cx).map(Test::NotEqual),
            "$gt" => number(name, value, cx).map(Test::Above),
            "$gte" => number(name, value, cx).map(Test::AtLeast),
            "$lt" => number(name, value, cx).map(Test::Below),
            "$lte" => number(name, value, cx).map(Test::AtMost),
            "$in" => scalars(name, value, cx).map(Test::In),
            "$nin" => scalars(name, value, cx).map(Test::NotIn),
            "$regex" => {
                ended = Some(loc);
                pattern(value, cx).map(Test::Matches)
            }
            _ => {
                operator(loc, name, &OPERATORS, cx);
                None
            }
        };
        tests.extend(test);
    }
    (tests.len() == table.len()).then_some(tests)
}

/// An operator that is not there.
fn operator(loc: Loc, name: &str, known: &[&str], cx: &mut Cx) {
    match name {
        "$length" => {
            cx.error(loc, "`$length` is not supported: no field of a request is a list here");
        }
        _ => cx.unknown_key(loc, name, known),
    }
}

fn list<'v, 'i>(name: &str, value: &'v Value<'i>, cx: &mut Cx) -> Option<&'v [Value<'i>]> {
    match value.get_ref() {
        DeValue::Array(list) if !list.is_empty() => Some(list),
        DeValue::Array(_) => {
            cx.error(Loc::new(value.span()), format!("`{name}` of nothing")).expected("at least one entry");
            None
        }
        other => {
            cx.error(Loc::new(value.span()), format!("`{name}` needs a list, found {}", found(other)));
            None
        }
    }
}

fn scalars(name: &str, value: &Value<'_>, cx: &mut Cx) -> Option<Vec<portkey::Value>> {
    list(name, value, cx)?.iter().map(|v| scalar(v, cx)).collect()
}

fn pattern(value: &Value<'_>, cx: &mut Cx) -> Option<Pattern> {
    let loc = Loc::new(value.span());
    let DeValue::String(text) = value.get_ref() else {
        cx.error(loc, format!("`$regex` needs a pattern, found {}", found(value.get_ref()))).expected("a string");
        return None;
    };
    match Pattern::new(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            cx.error(loc, format!("`$regex` with a pattern that cannot be used: {error}")).help(
                "patterns are JavaScript's without flags, look-around and references; `$in` compares with whole values",
            );
            None
        }
    }
}

fn number(name: &str, value: &Value<'_>, cx: &mut Cx) -> Option<portkey::Value> {
    match scalar(value, cx)? {
        n @ portkey::Value::Number(_) => Some(n),
        _ => {
            cx.error(Loc::new(value.span()), format!("`{name}` compares numbers")).expected("a number");
            None
        }
    }
}

fn scalar(value: &Value<'_>, cx: &mut Cx) -> Option<portkey::Value> {
    let loc = Loc::new(value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => return Some(portkey::Value::Text(text.to_string())),
        DeValue::Boolean(b) => return Some(portkey::Value::Bool(*b)),
        number @ (DeValue::Integer(_) | DeValue::Float(_)) => f64::parse(number).map_err(|e| e.message),
        other => Err(format!("a field is compared with {}", found(other))),
    };
    match value {
        Ok(n) => Some(portkey::Value::Number(n)),
        Err(message) => {
            cx.error(loc, message).expected("a string, a number or a boolean");
            None
        }
    }
}
