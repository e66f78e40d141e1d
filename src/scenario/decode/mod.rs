//! From the spanned TOML tree to raw types: strict, typed, collecting every error instead of stopping at the first.
//!
//! Each raw type is declared once, by [`table!`] or [`choice!`]; the declaration gives the decoder, the merging of
//! `extends`, the JSON Schema and the language reference. (serde's derive would stop at the first error and loses the
//! position of errors in tagged enums, so it is not used for input.)

mod leaf;
#[macro_use]
pub(in crate::scenario) mod macros;
mod query;
mod text;

pub use leaf::Leaf;
pub(in crate::scenario) use macros::{choice, table};
pub use query::RawQuery;
pub use text::{
    AnswerName, BudgetPeriod, Dollars, ErrorName, HourlyPrice, RequestRate, SessionRate, ShareValue, Start, TokenCount,
    TokenPrice, TokenRate,
};
pub(in crate::scenario) use text::{LONGEST, MOST_MONTHS};

use super::defaults::Default;
use super::diagnostic::{At, Diagnostic, Loc, Severity};
use super::suggest::{did_you_mean, listed};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most entries of a list or of a table of names. More are reported and left out, so that checks of all against all stay
/// quick whatever a file holds.
const MOST_ENTRIES: usize = 5000;

/// Most diagnostics that are kept; the rest is counted.
const MOST_DIAGNOSTICS: usize = 2000;

/// A value of the spanned tree.
pub type Value<'i> = Spanned<DeValue<'i>>;

/// Whether a key must be there.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// Without it the scenario is wrong.
    Required,
    /// Without it the thing is not there; the doc comment says what that means.
    Optional,
    /// Without it this documented default is used.
    Or(&'static Default),
}

/// Collects what is wrong, and the defaults that were used.
#[derive(Debug)]
pub struct Cx {
    /// What was found so far.
    pub diagnostics: Vec<Diagnostic>,
    /// Defaults used so far: key -> (value, provenance).
    pub defaults: BTreeMap<String, (String, String)>,
    /// Keys from the root to the value being decoded.
    path: Vec<String>,
    /// Errors and warnings that were not kept any more.
    pub dropped: [usize; 2],
    /// Takes the details of what is not kept.
    spill: Diagnostic,
}

impl Cx {
    /// Nothing found yet.
    pub fn new() -> Cx {
        let spill = Diagnostic::new(Severity::Error, Loc::START, "");
        Cx { diagnostics: Vec::new(), defaults: BTreeMap::new(), path: Vec::new(), dropped: [0; 2], spill }
    }
    /// Adds an error.
    pub fn error(&mut self, loc: Loc, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Diagnostic::new(Severity::Error, loc, message))
    }
    /// Adds a warning.
    pub fn warning(&mut self, loc: Loc, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Diagnostic::new(Severity::Warning, loc, message))
    }
    fn add(&mut self, d: Diagnostic) -> &mut Diagnostic {
        if self.diagnostics.len() >= MOST_DIAGNOSTICS {
            self.dropped[usize::from(d.severity == Severity::Warning)] += 1;
            self.spill = d;
            return &mut self.spill;
        }
        self.diagnostics.push(d);
        self.diagnostics.last_mut().expect("just pushed")
    }
    /// How many errors so far.
    pub fn errors(&self) -> usize {
        self.dropped[0] + self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }
    /// A name that is not among those defined, with a suggestion.
    pub fn unknown_name<'a>(
        &mut self,
        what: &str,
        name: &At<String>,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> &mut Diagnostic {
        let help = did_you_mean(&name.value, known.clone());
        let list = listed(known);
        let d = self.error(name.loc, format!("unknown {what} `{}`", name.value)).maybe_help(help);
        if list.is_empty() { d.expected(format!("a {what}, but none is defined")) } else { d.expected(list) }
    }
    /// The place of the table being decoded, for messages: ` in [topology.base]`, or nothing at the root.
    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path.join(".")) }
    }
    /// Runs `f` with one more key on the path.
    pub fn within<T>(&mut self, key: &str, f: impl FnOnce(&mut Cx) -> T) -> T {
        let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        self.path.push(if bare { key.to_owned() } else { format!("{key:?}") });
        let result = f(self);
        self.path.pop();
        result
    }
    /// The value as a table, or an error.
    pub fn table<'v, 'i>(&mut self, value: &'v Value<'i>) -> Option<&'v DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(t) => Some(t),
            other => {
                let (found, place) = (found(other), self.place());
                self.error(Loc::new(value.span()), format!("expected a table, found {found}{place}"));
                None
            }
        }
    }
    /// A key that the table does not have.
    pub fn unknown_key(&mut self, loc: Loc, key: &str, known: &[&str]) {
        if self.diagnostics.len() >= MOST_DIAGNOSTICS {
            self.error(loc, ""); // counted only, so no similar name has to be found
            return;
        }
        let place = self.place();
        self.error(loc, format!("unknown key `{key}`{place}"))
            .expected(listed(known.iter().copied()))
            .maybe_help(did_you_mean(key, known.iter().copied()));
    }
    /// A key that is missing.
    pub fn missing_key(&mut self, loc: Loc, key: &str, desc: &Desc) {
        let place = self.place();
        self.error(loc, format!("missing key `{key}`{place}")).expected(desc.example_of(key));
    }
}

/// A thing that a scenario file can say.
pub trait Decode: Sized + Clone {
    /// Whether the bare name of a variant may stand for it (it is a table).
    const BARE: bool = false;
    /// From a value of the tree; `at` is the key (or the value, in lists). Errors go to `cx`, and then the result is
    /// `None`.
    fn decode(value: &Value<'_>, at: Loc, cx: &mut Cx) -> Option<Self>;
    /// Takes over what `base` says and `self` does not. Tables merge key by key; everything else is replaced as a
    /// whole.
    fn merge(&mut self, _base: &Self) {}
    /// Adds an error for every required key that is still missing (after `extends`).
    fn complete(&self, _cx: &mut Cx) {}
    /// What it is: for the schema and the reference.
    fn desc() -> Desc;
}

/// Description of a type of the language.
#[derive(Clone, Debug)]
pub enum Desc {
    /// A single value.
    Leaf {
        /// What it is, such as `duration`.
        what: &'static str,
        /// As written.
        example: String,
        /// JSON Schema.
        schema: serde_json::Value,
    },
    /// A list.
    List(Box<Desc>),
    /// One or several.
    OneOrMany(Box<Desc>),
    /// A table with names of the user's choice.
    Named(Box<Desc>),
    /// A table with fixed keys.
    Table {
        /// Rust name without `Raw`; the name of the schema definition.
        name: &'static str,
        /// Meaning.
        doc: String,
        /// Its keys.
        fields: Vec<FieldDesc>,
        /// Takes part in `extends`, so required keys may come from elsewhere.
        extends: bool,
    },
    /// One of several, as a table with exactly one key or a bare string.
    Choice {
        /// Rust name without `Raw`.
        name: &'static str,
        /// Meaning.
        doc: String,
        /// Name, meaning, content, whether the bare name is allowed.
        variants: Vec<(&'static str, String, Desc, bool)>,
    },
    /// No content.
    Nothing,
}

/// A key of a table.
#[derive(Clone, Debug)]
pub struct FieldDesc {
    /// The key.
    pub name: &'static str,
    /// Meaning.
    pub doc: String,
    /// Whether it must be there.
    pub need: Need,
    /// Its type.
    pub desc: Desc,
    /// Decodes a default as this type; panics if it is wrong (for the test of all defaults).
    #[cfg_attr(not(test), expect(dead_code, reason = "a test calls it for every key"))]
    pub check: fn(&'static Default),
}

impl Desc {
    /// Whether an empty table will do.
    pub fn may_be_empty(&self) -> bool {
        match self {
            Desc::Table { fields, .. } => fields.iter().all(|f| !matches!(f.need, Need::Required)),
            _ => true,
        }
    }

    /// How `key = value` could be written.
    pub fn example_of(&self, key: &str) -> String {
        match self {
            Desc::Leaf { example, .. } => format!("`{key} = {example}`"),
            Desc::List(inner) | Desc::OneOrMany(inner) => match &**inner {
                Desc::Leaf { example, .. } => format!("`{key} = [{example}]`"),
                _ => format!("`[[{key}]]`"),
            },
            Desc::Named(_) => format!("a table `[{key}.NAME]`"),
            Desc::Table { fields, .. } => {
                let keys = fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ");
                format!("a table `{key}` with the keys {keys}")
            }
            Desc::Choice { variants, .. } => {
                format!("`{key}` as one of {}", listed(variants.iter().map(|v| v.0)))
            }
            Desc::Nothing => format!("`{key} = {{}}`"),
        }
    }
}

/// The kind of a TOML value with its article, for messages.
pub fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Lines of a doc comment as one text.
pub fn doc_text(lines: &[&str]) -> String {
    lines.iter().map(|l| l.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// A variant without content; `{}` or the bare name.
#[derive(Clone, Copy, Debug)]
pub struct Nothing {
    /// Where.
    pub loc: Loc,
}

impl Decode for Nothing {
    const BARE: bool = true;
    fn decode(value: &Value<'_>, at: Loc, cx: &mut Cx) -> Option<Nothing> {
        for (key, _) in cx.table(value)? {
            let place = cx.place();
            cx.error(Loc::new(key.span()), format!("unknown key `{}`{place}", key.get_ref())).expected("no keys");
        }
        Some(Nothing { loc: at })
    }
    fn desc() -> Desc {
        Desc::Nothing
    }
}

/// A list of values or of tables (`[[name]]`). Entries that are wrong are left out, with their errors reported.
#[derive(Clone, Debug)]
pub struct List<T> {
    /// Where.
    pub loc: Loc,
    /// The entries.
    pub items: Vec<T>,
    /// How many entries the file has, wrong ones included.
    pub written: usize,
}

impl<T: Decode> Decode for List<T> {
    fn decode(value: &Value<'_>, at: Loc, cx: &mut Cx) -> Option<List<T>> {
        let DeValue::Array(array) = value.get_ref() else {
            let (found, place) = (found(value.get_ref()), cx.place());
            cx.error(Loc::new(value.span()), format!("expected a list, found {found}{place}"));
            return None;
        };
        if array.len() > MOST_ENTRIES {
            let place = cx.place();
            cx.error(at, format!("{} entries{place}", array.len())).expected(format!("at most {MOST_ENTRIES}"));
        }
        let items = array.iter().take(MOST_ENTRIES).filter_map(|v| T::decode(v, Loc::new(v.span()), cx)).collect();
        Some(List { loc: at, items, written: array.len() })
    }
    fn desc() -> Desc {
        Desc::List(Box::new(T::desc()))
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub struct OneOrMany<T> {
    /// The values.
    pub items: Vec<T>,
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(value: &Value<'_>, at: Loc, cx: &mut Cx) -> Option<OneOrMany<T>> {
        let items = match value.get_ref() {
            DeValue::Array(_) => List::decode(value, at, cx)?.items,
            _ => vec![T::decode(value, at, cx)?],
        };
        Some(OneOrMany { items })
    }
    fn desc() -> Desc {
        Desc::OneOrMany(Box::new(T::desc()))
    }
}

/// A table whose keys are names of the user's choice, in file order.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// Where.
    pub loc: Loc,
    /// Name and content; `None` if the content was wrong (and reported).
    pub entries: Vec<(At<String>, Option<T>)>,
}

impl<T> Named<T> {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries.iter().map(|(n, _)| n.value.as_str())
    }
    /// The position of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|(n, _)| n.value == name)
    }
    /// Entries without errors of their own.
    pub fn good(&self) -> impl Iterator<Item = (&At<String>, &T)> {
        self.entries.iter().filter_map(|(n, t)| t.as_ref().map(|t| (n, t)))
    }
}

impl<T: Decode> Decode for Named<T> {
    const BARE: bool = true;
    fn decode(value: &Value<'_>, at: Loc, cx: &mut Cx) -> Option<Named<T>> {
        let table = cx.table(value)?;
        if table.len() > MOST_ENTRIES {
            let place = cx.place();
            cx.error(at, format!("{} entries{place}", table.len())).expected(format!("at most {MOST_ENTRIES}"));
        }
        let mut entries = Vec::new();
        for (key, value) in table.iter().take(MOST_ENTRIES) {
            let (name, loc) = (key.get_ref().to_string(), Loc::new(key.span()));
            if name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > 100 {
                let place = cx.place();
                cx.error(loc, format!("`{}` is not a name{place}", name.escape_debug()))
                    .expected("1 to 100 printable characters");
                continue;
            }
            let content = cx.within(&name, |cx| T::decode(value, loc, cx));
            entries.push((At { value: name, loc }, content));
        }
        Some(Named { loc: at, entries })
    }
    fn merge(&mut self, base: &Named<T>) {
        for (name, content) in &base.entries {
            match self.entries.iter_mut().find(|(n, _)| n.value == name.value) {
                Some((_, own)) => {
                    if let (Some(own), Some(content)) = (own, content) {
                        own.merge(content);
                    }
                }
                None => self.entries.push((name.clone(), content.clone())),
            }
        }
    }
    fn complete(&self, cx: &mut Cx) {
        for (name, content) in self.good() {
            cx.within(&name.value, |cx| content.complete(cx));
        }
    }
    fn desc() -> Desc {
        Desc::Named(Box::new(T::desc()))
    }
}

/// The only key of a choice and its content; a bare string has none. Reports anything else.
pub fn one_key<'v, 'i>(
    value: &'v Value<'i>,
    what: &str,
    known: &[&str],
    cx: &mut Cx,
) -> Option<(&'v str, Loc, Option<&'v Value<'i>>)> {
    let loc = Loc::new(value.span());
    let place = cx.place();
    let (key, loc, content) = match value.get_ref() {
        DeValue::String(name) => (name.as_ref(), loc, None),
        DeValue::Table(table) => {
            let mut entries = table.iter();
            let Some((key, content)) = entries.next() else {
                cx.error(loc, format!("nothing chosen{place}"))
                    .expected(format!("one of {}", listed(known.iter().copied())));
                return None;
            };
            let (name, first) = (key.get_ref(), Loc::new(key.span()));
            if table.len() > 1 && !table.iter().any(|(k, _)| known.contains(&k.get_ref().as_ref())) {
                cx.error(first, format!("unknown {} `{name}`{place}", what.to_lowercase()))
                    .expected(format!("exactly one of {}", listed(known.iter().copied())))
                    .help(format!("the keys belong into one of these: `{} = {{ {name} = ... }}`", known[0]));
                return None;
            }
            for (other, _) in entries {
                cx.error(Loc::new(other.span()), format!("`{}` is a second choice{place}", other.get_ref()))
                    .expected(format!("exactly one of {}", listed(known.iter().copied())))
                    .note(first, "the first one");
            }
            if table.len() > 1 {
                return None;
            }
            (key.get_ref().as_ref(), Loc::new(key.span()), Some(content))
        }
        other => {
            let found = found(other);
            cx.error(loc, format!("expected a choice, found {found}{place}"))
                .expected(format!("one of {}", listed(known.iter().copied())));
            return None;
        }
    };
    if !known.contains(&key) {
        cx.error(loc, format!("unknown {} `{key}`{place}", what.to_lowercase()))
            .expected(listed(known.iter().copied()))
            .maybe_help(did_you_mean(key, known.iter().copied()));
        return None;
    }
    Some((key, loc, content))
}

/// A variant named by a bare string: its content is an empty table, if that makes sense.
pub fn bare<T: Decode>(key: &str, loc: Loc, cx: &mut Cx) -> Option<T> {
    if !T::BARE {
        let place = cx.place();
        cx.error(loc, format!("`{key}` needs a value{place}")).expected(T::desc().example_of(key));
        return None;
    }
    let empty = Spanned::new(loc.start..loc.end, DeValue::Table(DeTable::new()));
    cx.within(key, |cx| T::decode(&empty, loc, cx))
}
