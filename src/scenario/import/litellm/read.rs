//! Typed reading of a table: every key is taken once, and those that nobody took are told.

use crate::scenario::decode::LONGEST;
use crate::scenario::diagnostic::{Diagnostic, Loc, Severity};
use crate::scenario::import::secrets::{chosen, environment, is_name, looks_secret, name};
use crate::scenario::import::{Entry, Finding, Kind, Node, Value};
use crate::scenario::suggest::did_you_mean;
use crate::units::Span;
use std::cell::{Cell, RefCell};

/// What a configuration's reading has to say.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is wrong.
    pub diagnostics: RefCell<Vec<Diagnostic>>,
    /// What was not taken over.
    pub findings: RefCell<Vec<Finding>>,
    /// What was read: line and path.
    pub taken: RefCell<Vec<(usize, String)>>,
}

impl Report {
    /// Something is wrong.
    pub fn error(&self, loc: Loc, message: impl Into<String>, expected: &str) {
        let mut d = Diagnostic::new(Severity::Error, loc, message);
        d.expected(expected);
        self.diagnostics.borrow_mut().push(d);
    }

    /// Whether a value is known: a reference to an environment variable is not, and is told.
    pub fn is_known(&self, node: &Node, path: &str) -> bool {
        let Value::Str(text) = &node.value else { return true };
        let Some(variable) = environment(text) else { return true };
        let why = format!("its value is that of the environment variable {variable} and is not known here");
        self.tell(node, path.to_owned(), Kind::NotModelled, why);
        false
    }

    /// Something is odd.
    pub fn warn(&self, loc: Loc, message: impl Into<String>, help: &str) {
        let mut d = Diagnostic::new(Severity::Warning, loc, message);
        d.help(help);
        self.diagnostics.borrow_mut().push(d);
    }

    /// Warns of keys that stand twice. `shown` makes of a key what may be shown of it.
    fn repetitions(&self, entries: &[Entry], path: &str, shown: impl Fn(&str) -> &str) {
        for e in entries.iter().filter(|e| e.again) {
            let what = format!("`{}` stands twice in `{path}`", shown(&e.key));
            self.warn(e.loc, what, "LiteLLM reads the last one only");
        }
    }

    /// Whether a text may be kept and shown. One that looks like a key or holds a password is an error: it would be
    /// written into the scenario.
    pub fn may_be_kept(&self, loc: Loc, path: &str, text: &str) -> bool {
        let harmless = !looks_secret(text);
        if !harmless {
            self.error(loc, format!("`{path}` looks like a key or holds a password"), "a name: secrets are not kept");
        }
        harmless
    }

    /// A setting was not, or not fully, taken over.
    pub fn tell(&self, node: &Node, path: String, kind: Kind, why: impl Into<String>) {
        self.findings.borrow_mut().push(Finding { loc: node.loc, line: node.line, path, kind, why: why.into() });
    }
}

/// What happens to a key that has no place of its own in a router.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The key, or its beginning with a `*` at the end.
    pub key: &'static str,
    /// How it is treated.
    pub kind: Kind,
    /// Why.
    pub why: &'static str,
}

impl Known {
    fn is(&self, key: &str) -> bool {
        match self.key.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => self.key == key,
        }
    }
}

const NO_SPACE: &str = "a space is missing between a `:` and its value";

/// A table being read.
pub(super) struct Table<'a> {
    entries: &'a [Entry],
    taken: Vec<Cell<bool>>,
    /// Path of the table, for findings.
    pub path: String,
    pub report: &'a Report,
}

impl<'a> Table<'a> {
    /// A table; anything else is an error, nothing at all an empty one.
    pub fn new(node: Option<&'a Node>, path: impl Into<String>, report: &'a Report) -> Table<'a> {
        let path = path.into();
        let entries: &[Entry] = match node.map(|n| &n.value) {
            None | Some(Value::Null) => &[],
            Some(Value::Map(entries)) => entries,
            Some(Value::Str(_)) if node.is_some_and(|n| !report.is_known(n, &path)) => &[],
            Some(other) => {
                let loc = node.map_or(Loc::START, |n| n.loc);
                let what = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
                report.error(loc, format!("{what} is {}", other.kind()), "a table");
                &[]
            }
        };
        report.repetitions(entries, &path, name);
        for e in entries.iter().filter(|e| !is_name(&e.key)) {
            let help = if e.key.contains(':') { NO_SPACE } else { "a key has letters, digits, `_`, `.` and `-`" };
            report.warn(e.loc, format!("a key of `{path}` is no name"), help);
        }
        Table { entries, taken: vec![Cell::new(false); entries.len()], path, report }
    }

    /// The value of a key that is there and not null; it counts as taken. A reference to an environment variable is told
    /// and counts as not there: its value is not known.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        let node = self.written(key)?;
        self.report.is_known(node, &self.path_of(key)).then_some(node)
    }

    /// The same, references included.
    fn written(&self, key: &str) -> Option<&'a Node> {
        let at = self.entries.iter().position(|e| e.key == key)?;
        self.taken[at].set(true);
        let node = &self.entries[at].node;
        (node.value != Value::Null).then_some(node)
    }

    /// Whether a key is there at all, null included.
    pub fn is_given(&self, key: &str) -> bool {
        self.entries.iter().any(|e| e.key == key)
    }

    /// Tells of a key that is a reference to an environment variable, where nobody else reads it.
    pub fn if_reference(&self, key: &str) {
        let of = |e: &Entry| matches!(&e.node.value, Value::Str(s) if environment(s).is_some());
        if self.entries.iter().any(|e| e.key == key && of(e)) {
            self.node(key);
        }
    }

    /// Path of a key.
    pub fn path_of(&self, key: &str) -> String {
        let key = name(key);
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn read<T>(&self, key: &str, expected: &str, convert: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let node = self.node(key)?;
        let value = convert(&node.value);
        if value.is_none() {
            self.report.error(node.loc, format!("`{}` is {}", self.path_of(key), node.value.kind()), expected);
        }
        value
    }

    /// A number, also one in quotes.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.read(key, "a number", |v| number(v).filter(|x| x.is_finite()))
    }

    /// A number that is not negative, and not above `most`.
    pub fn amount(&self, key: &str, most: f64) -> Option<f64> {
        let x = self.read(key, "a number of at least 0", |v| number(v).filter(|x| x.is_finite() && *x >= 0.0))?;
        self.within(key, x, most)
    }

    /// A whole number that is not negative, also one in quotes or with `.0`.
    pub fn whole(&self, key: &str) -> Option<u64> {
        self.read(key, "a whole number of at least 0", |v| {
            number(v).filter(|x| *x >= 0.0 && *x <= 9e15 && *x == x.trunc()).map(|x| x as u64)
        })
    }

    /// The same, and not above `most`, which is as much as a scenario can say.
    pub fn count(&self, key: &str, most: u32) -> Option<u32> {
        self.whole(key).and_then(|n| self.within(key, n, u64::from(most))).map(|n| n as u32)
    }

    /// The value if it is not above `most`, or an error.
    fn within<T: PartialOrd + std::fmt::Display>(&self, key: &str, value: T, most: T) -> Option<T> {
        if value <= most {
            return Some(value);
        }
        let loc = self.node(key)?.loc;
        self.report.error(
            loc,
            format!("`{}` is more than a scenario can say", self.path_of(key)),
            &format!("at most {most}"),
        );
        None
    }

    /// Any whole number.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.read(key, "a whole number", |v| number(v).filter(|x| x.abs() <= 9e15 && *x == x.trunc()).map(|x| x as i64))
    }

    /// Seconds, as long as a scenario can say.
    pub fn seconds(&self, key: &str) -> Option<Span> {
        let most = LONGEST.as_secs_f64();
        let s = self.read(key, "a number of seconds", |v| number(v).filter(|x| x.is_finite() && *x >= 0.0))?;
        self.within(key, s, most).map(Span::from_secs_f64)
    }

    /// A truth value.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "true or false", |v| match v {
            Value::Bool(b) => Some(*b),
            _ => None,
        })
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.text_of(self.node(key)?, key)
    }

    /// A text that is needed: a reference to an environment variable stands for itself.
    pub fn name(&self, key: &str) -> Option<String> {
        self.text_of(self.written(key)?, key)
    }

    fn text_of(&self, node: &Node, key: &str) -> Option<String> {
        match &node.value {
            Value::Str(s) => self.report.may_be_kept(node.loc, &self.path_of(key), s).then(|| s.clone()),
            Value::Int(n) => Some(n.to_string()),
            other => {
                self.report.error(node.loc, format!("`{}` is {}", self.path_of(key), other.kind()), "a text");
                None
            }
        }
    }

    /// A list.
    pub fn list(&self, key: &str) -> Option<&'a [Node]> {
        let node = self.node(key)?;
        match &node.value {
            Value::Seq(list) => Some(list),
            other => {
                self.report.error(node.loc, format!("`{}` is {}", self.path_of(key), other.kind()), "a list");
                None
            }
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for (i, n) in self.list(key)?.iter().enumerate() {
            match &n.value {
                Value::Str(s) => {
                    let path = format!("{}[{i}]", self.path_of(key));
                    if self.report.is_known(n, &path) && self.report.may_be_kept(n.loc, &path, s) {
                        found.push(s.clone());
                    }
                }
                Value::Int(number) => found.push(number.to_string()),
                other => {
                    let what = format!("`{}[{i}]` is {}", self.path_of(key), other.kind());
                    self.report.error(n.loc, what, "a text");
                }
            }
        }
        Some(found)
    }

    /// Entries of a table below, whose keys are names of the author's own choice, with their paths.
    pub fn entries(&self, key: &str) -> Vec<(&'a Entry, String)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        match &node.value {
            Value::Map(entries) => {
                self.report.repetitions(entries, &self.path_of(key), chosen);
                let path = |e: &Entry| format!("{}.{}", self.path_of(key), chosen(&e.key));
                let kept = entries.iter().filter(|e| self.report.may_be_kept(e.loc, &path(e), &e.key));
                kept.map(|e| (e, path(e))).collect()
            }
            other => {
                self.report.error(node.loc, format!("`{}` is {}", self.path_of(key), other.kind()), "a table");
                Vec::new()
            }
        }
    }

    /// Tells of every key that nobody took: as the list of known keys has it, or as unknown. Empty values are passed over
    /// where they are known: they ask for nothing.
    pub fn finish(&self, known: &[Known], mapped: &[&str], unknown: &str) {
        for (e, taken) in self.entries.iter().zip(&self.taken) {
            let path = self.path_of(&e.key);
            if taken.get() {
                match is_empty(&e.node.value) {
                    true => self.report.tell(&e.node, path, Kind::NoEffect, "it is empty"),
                    false => self.report.taken.borrow_mut().push((e.line, path)),
                }
                continue;
            }
            match known.iter().find(|k| k.is(&e.key) && is_name(&e.key)) {
                Some(k) => {
                    let asks = e.node.value != Value::Bool(false) && !is_empty(&e.node.value);
                    let kind = if asks { k.kind } else { Kind::NoEffect };
                    let why = if asks { k.why } else { "it is empty or off" };
                    self.report.findings.borrow_mut().push(Finding {
                        loc: e.loc,
                        line: e.line,
                        path,
                        kind,
                        why: why.to_owned(),
                    });
                }
                None => {
                    let near = did_you_mean(&e.key, mapped.iter().copied()).filter(|_| is_name(&e.key));
                    let why = match near {
                        Some(near) => format!("{unknown}; {near}"),
                        None if e.key.contains(':') => format!("{unknown}; {NO_SPACE}"),
                        None => unknown.to_owned(),
                    };
                    self.report.findings.borrow_mut().push(Finding {
                        loc: e.loc,
                        line: e.line,
                        path,
                        kind: Kind::Unknown,
                        why,
                    });
                }
            }
        }
    }
}

/// Whether a value asks for nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Seq(list) => list.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        Value::Str(s) => {
            s.trim().parse().ok().filter(|_| s.trim().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)))
        }
        _ => None,
    }
}
