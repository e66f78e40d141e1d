//! YAML as a tree with positions, read as PyYAML's `safe_load` reads it.
//!
//! That is YAML 1.1: `yes`, `no`, `on` and `off` are booleans, a number with an exponent needs a point and a sign
//! (`1.0e-06`; `1e-06` is a text), `0o17` is a text and `017` is octal. Aliases are followed and `<<` merges. Of a key that
//! stands twice the last one counts.

use crate::scenario::diagnostic::Loc;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::BTreeMap;

/// A value and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What.
    pub value: Value,
    /// Where.
    pub loc: Loc,
    /// Line, from 1; 0 for a value that comes from no file.
    pub line: usize,
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A table.
    Map(Vec<Entry>),
}

/// An entry of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its key; keys that are no text are written as they stand in the file.
    pub key: String,
    /// Where the key stands.
    pub loc: Loc,
    /// Line of the key, from 1; 0 for a value that comes from no file.
    pub line: usize,
    /// Its value.
    pub node: Node,
    /// The same key stood further up too.
    pub again: bool,
}

/// Why a text could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Where.
    pub loc: Loc,
    /// What is wrong. Nothing of the text is repeated in it.
    pub message: String,
}

/// Aliases can multiply; no configuration needs this many values.
const MOST_NODES: usize = 200_000;
/// Deeper nesting is refused.
const MOST_LEVELS: usize = 100;

impl Value {
    /// What it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Str(_) => "a text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a table",
        }
    }
}

impl Node {
    /// A value that comes from no file.
    pub const fn of(value: Value) -> Node {
        Node { value, loc: Loc::START, line: 0 }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// `Unreadable` says where it is no YAML, or more than one document.
    pub fn parse(text: &str) -> Result<Node, Unreadable> {
        Reader::new(text).document()
    }

    /// The entry of a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.node),
            _ => None,
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Byte offsets of characters.
    offsets: Vec<usize>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        Reader {
            parser: Parser::new_from_str(text),
            offsets: text.char_indices().map(|(i, _)| i).chain([text.len()]).collect(),
            anchors: BTreeMap::new(),
            nodes: 0,
        }
    }

    fn loc(&self, span: Span) -> Loc {
        let at = |i: usize| self.offsets[i.min(self.offsets.len() - 1)];
        Loc::new(at(span.start.index())..at(span.end.index()))
    }

    fn next(&mut self) -> Result<(Event<'static>, Loc, usize), Unreadable> {
        let end = Loc::new(self.offsets[self.offsets.len() - 1]..self.offsets[self.offsets.len() - 1]);
        match self.parser.next() {
            None => Err(Unreadable { loc: end, message: "the document ends too early".to_owned() }),
            Some(Ok((event, span))) => Ok((own(event), self.loc(span), span.start.line())),
            Some(Err(e)) => {
                let at = self.offsets[e.marker().index().min(self.offsets.len() - 1)];
                Err(Unreadable { loc: Loc::new(at..at), message: "this is no valid YAML".to_owned() })
            }
        }
    }

    fn document(&mut self) -> Result<Node, Unreadable> {
        let mut document = None;
        loop {
            let (event, loc, line) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if document.is_some() => {
                    return Err(Unreadable { loc, message: "a second document begins here".to_owned() });
                }
                Event::DocumentStart(_) => {
                    let (event, loc, line) = self.next()?;
                    document = Some(self.node(event, loc, line, 0)?);
                }
                Event::StreamEnd => return Ok(document.unwrap_or(Node { value: Value::Null, loc, line })),
                _ => return Err(Unreadable { loc, message: "this is no valid YAML".to_owned() }),
            }
        }
    }

    fn node(&mut self, event: Event<'_>, loc: Loc, line: usize, level: usize) -> Result<Node, Unreadable> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || level > MOST_LEVELS {
            return Err(Unreadable { loc, message: "the document is too large or too deep".to_owned() });
        }
        let (node, anchor) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Unreadable { loc, message: "an alias of something that contains it".to_owned() });
                };
                self.nodes += count(&node);
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let explicit = tag.is_some_and(|t| t.suffix == "str");
                let value =
                    if style == ScalarStyle::Plain && !explicit { plain(&text) } else { Value::Str(text.into()) };
                (Node { value, loc, line }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut list = Vec::new();
                let end = loop {
                    let (event, at, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break at;
                    }
                    list.push(self.node(event, at, line, level + 1)?);
                };
                (Node { value: Value::Seq(list), loc: Loc::new(loc.start..end.end), line }, anchor)
            }
            Event::MappingStart(anchor, _) => {
                let (entries, end) = self.entries(level)?;
                (Node { value: Value::Map(entries), loc: Loc::new(loc.start..end.end), line }, anchor)
            }
            _ => return Err(Unreadable { loc, message: "this is no valid YAML".to_owned() }),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self, level: usize) -> Result<(Vec<Entry>, Loc), Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        // where each key stands in `entries`
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let end = loop {
            let (event, loc, line) = self.next()?;
            let key = match event {
                Event::MappingEnd => break loc,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Unreadable { loc, message: "a key has to be a plain word".to_owned() }),
            };
            let (event, at, value_line) = self.next()?;
            let node = self.node(event, at, value_line, level + 1)?;
            if key == "<<" {
                merge(node, &mut merged)?;
                continue;
            }
            match places.get(&key) {
                Some(known) => entries[*known] = Entry { key, loc, line, node, again: true },
                None => {
                    places.insert(key.clone(), entries.len());
                    entries.push(Entry { key, loc, line, node, again: false });
                }
            }
        };
        // of what is merged the first of a name counts, and a key of the table's own before it
        for e in merged {
            if !places.contains_key(&e.key) {
                places.insert(e.key.clone(), entries.len());
                entries.push(e);
            }
        }
        Ok((entries, end))
    }
}

/// Where scalars stand, keys among them, in order; those too that a later key or an alias makes void. Up to where the text
/// is no YAML.
pub(super) fn scalars(text: &str) -> Vec<Loc> {
    let mut reader = Reader::new(text);
    let mut found = Vec::new();
    while let Ok((event, loc, _)) = reader.next() {
        if matches!(event, Event::Scalar(..)) && loc.start < loc.end {
            found.push(loc);
        }
    }
    found.sort();
    found
}

/// What `<<` brings: a table, or a list of tables of which the first wins. Repetitions are left in.
fn merge(node: Node, into: &mut Vec<Entry>) -> Result<(), Unreadable> {
    match node.value {
        Value::Map(entries) => {
            into.extend(entries);
            Ok(())
        }
        Value::Seq(list) => list.into_iter().try_for_each(|n| merge(n, into)),
        _ => Err(Unreadable { loc: node.loc, message: "`<<` needs a table".to_owned() }),
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Seq(list) => list.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|e| count(&e.node)).sum(),
        _ => 0,
    }
}

/// The same event without a borrow of the text.
fn own(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Nothing => Event::Nothing,
        Event::StreamStart => Event::StreamStart,
        Event::StreamEnd => Event::StreamEnd,
        Event::DocumentStart(explicit) => Event::DocumentStart(explicit),
        Event::DocumentEnd => Event::DocumentEnd,
        Event::Alias(anchor) => Event::Alias(anchor),
        Event::Scalar(text, style, anchor, tag) => {
            let tag = tag.map(|t| std::borrow::Cow::Owned(t.into_owned()));
            Event::Scalar(text.into_owned().into(), style, anchor, tag)
        }
        Event::SequenceStart(anchor, _) => Event::SequenceStart(anchor, None),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingStart(anchor, _) => Event::MappingStart(anchor, None),
        Event::MappingEnd => Event::MappingEnd,
    }
}

/// A word without quotes, by the rules of PyYAML's resolver.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (sign, body) = match digits.strip_prefix(['-', '+']) {
        Some(body) => (if digits.starts_with('-') { -1 } else { 1 }, body),
        None => (1, digits.as_str()),
    };
    let first = text.trim_start_matches(['-', '+']).chars().next();
    if first.is_some_and(|c| c.is_ascii_digit()) {
        let radix = |prefix: &str, radix| body.strip_prefix(prefix).and_then(|d| i64::from_str_radix(d, radix).ok());
        let octal = || (body.len() > 1 && !body.contains(['8', '9'])).then(|| radix("0", 8)).flatten();
        if let Some(n) = radix("0b", 2).or_else(|| radix("0x", 16)).or_else(octal) {
            return Value::Int(sign * n);
        }
        if body.bytes().all(|b| b.is_ascii_digit())
            && (body == "0" || !body.starts_with('0'))
            && let Ok(n) = body.parse::<i64>()
        {
            return Value::Int(sign * n);
        }
    }
    if is_float(body)
        && let Ok(x) = body.parse::<f64>()
    {
        return Value::Float(f64::from(sign as i32) * x);
    }
    match body {
        ".inf" | ".Inf" | ".INF" => Value::Float(f64::from(sign as i32) * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => Value::Str(text.to_owned()),
    }
}

/// `1.`, `1.5`, `.5`, `1.5e+3`: a point, and a sign in the exponent.
fn is_float(body: &str) -> bool {
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let Some((whole, fraction)) = mantissa.split_once('.') else { return false };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let signed = |e: &str| e.strip_prefix(['-', '+']).is_some_and(|d| !d.is_empty() && digits(d));
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent.is_none_or(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Value {
        Node::parse(text).unwrap().value
    }

    #[test]
    fn words_as_pyyaml_reads_them() {
        assert_eq!(["yes", "off", "True"].map(one), [Value::Bool(true), Value::Bool(false), Value::Bool(true)]);
        assert_eq!(["12", "-1_000", "0x1f", "017", "0"].map(one), [12, -1000, 31, 15, 0].map(Value::Int));
        assert_eq!(["1.5", "1.0e-06", ".5", "-2."].map(one), [1.5, 1e-6, 0.5, -2.0].map(Value::Float));
        for text in ["1e-06", "1e5", "0o17", "08x", "2026-01-01", "os.environ/KEY", "e5", "+-1"] {
            assert_eq!(one(text), Value::Str(text.to_owned()), "{text}");
        }
        assert_eq!(one("'12'"), Value::Str("12".to_owned()));
        assert_eq!(one(""), Value::Null);
    }

    #[test]
    fn aliases_merges_and_repetitions() {
        let tree = Node::parse("a: &x {rpm: 1, tpm: 2}\nb:\n  <<: *x\n  rpm: 3\na2: *x\nb2: 1\nb2: 2\n").unwrap();
        assert_eq!(tree.get("b").unwrap().get("rpm").unwrap().value, Value::Int(3));
        assert_eq!(tree.get("b").unwrap().get("tpm").unwrap().value, Value::Int(2));
        assert_eq!(tree.get("a2").unwrap().get("tpm").unwrap().value, Value::Int(2));
        assert_eq!(tree.get("b2").unwrap().value, Value::Int(2));
        let Value::Map(entries) = &tree.value else { panic!() };
        assert_eq!(
            entries.iter().map(|e| (e.line, e.again)).collect::<Vec<_>>(),
            [(1, false), (2, false), (5, false), (7, true)]
        );
    }

    #[test]
    fn many_keys_take_no_time() {
        let keys: String = (0..90_000).map(|i| format!("k{i}: 1\n")).collect();
        let Value::Map(entries) = one(&keys) else { panic!() };
        assert_eq!(entries.len(), 90_000);
    }

    #[test]
    fn what_cannot_be_read_says_where_and_repeats_nothing() {
        let e = Node::parse("a: [1, 2\nb: sk-secret: x\n").unwrap_err();
        assert!(e.loc.start > 0 && !e.message.contains("sk-"), "{e:?}");
        assert!(Node::parse("a: 1\n---\nb: 2\n").unwrap_err().message.contains("second document"));
        let bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned()
            + &(b'b'..b'i')
                .map(|c| format!("{0}: &{0} [{1}]\n", c as char, vec![format!("*{}", (c - 1) as char); 10].join(",")))
                .collect::<String>();
        assert!(Node::parse(&bomb).is_err());
    }
}
