//! Where every key and table of a TOML text is defined, for errors about what is defined twice. The tree of the `toml`
//! crate keeps one place per key and its errors only the second; this reads the text once more as events.

use super::diagnostic::Loc;
use std::collections::BTreeMap;
use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

/// Deepest nesting, as in the `toml` crate.
const DEEPEST: usize = 80;

/// How something is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `[a.b]` defines `a.b`.
    Heading,
    /// `[[a.b]]` adds an entry to `a.b`.
    ListHeading,
    /// `a.b = 1` defines `a.b`.
    Key,
    /// `a.b = 1` needs a table `a`.
    InKey,
    /// `[a.b]` needs a table `a`, which may still get a heading of its own.
    InHeading,
}

/// One place where a path is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The path, as the number of its node.
    path: usize,
    /// How.
    pub kind: Kind,
    /// The part of the key that ends the path.
    pub loc: Loc,
    /// The whole heading with its brackets, or the whole dotted key.
    pub whole: Loc,
}

/// All definitions in the order of the text.
#[derive(Debug)]
pub struct Definitions {
    list: Vec<Definition>,
}

/// A step from a table to what is in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Entry(usize),
}

/// Paths as nodes of a tree, so that a path is a number however long it is.
#[derive(Default)]
struct Paths {
    nodes: BTreeMap<(usize, Step), usize>,
    /// Entries so far of a path that `[[...]]` headings define.
    entries: BTreeMap<usize, usize>,
}

const ROOT: usize = 0;

impl Paths {
    fn child(&mut self, parent: usize, step: Step) -> usize {
        let next = self.nodes.len() + 1;
        *self.nodes.entry((parent, step)).or_insert(next)
    }
    /// What a heading means by a path: the last entry if it is a list.
    fn last_entry(&mut self, path: usize) -> usize {
        match self.entries.get(&path) {
            Some(&n) => self.child(path, Step::Entry(n)),
            None => path,
        }
    }
}

/// What surrounds a value.
enum Frame {
    /// An inline table and the table that its keys are in.
    Table(usize),
    /// A list and how many entries have begun.
    List(usize, usize),
}

impl Definitions {
    /// Reads a text, which may be wrong in any way.
    pub fn of(text: &str) -> Definitions {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut events: Vec<Event> = Vec::new();
        let mut guard = RecursionGuard::new(&mut events, DEEPEST as u32);
        parse_document(&tokens, &mut guard, &mut ());
        let mut reader = Reader {
            source,
            paths: Paths::default(),
            list: Vec::new(),
            heading: ROOT,
            open: None,
            key: Vec::new(),
            value: ROOT,
            frames: Vec::new(),
        };
        for event in &events {
            reader.event(event);
        }
        reader.end_key();
        Definitions { list: reader.list }
    }

    /// What is defined at a place of the text that an error points at.
    pub fn at(&self, loc: Loc) -> Option<Definition> {
        self.list.iter().find(|d| d.loc == loc).copied()
    }

    /// The definition that another one collides with: the first of the same path that stands further up; one that says
    /// so, if there is one, and otherwise one that needs a table of this path.
    pub fn before(&self, second: &Definition) -> Option<Definition> {
        let earlier = || self.list.iter().filter(|d| d.path == second.path && d.loc.end <= second.loc.start);
        let stated = earlier().find(|d| matches!(d.kind, Kind::Heading | Kind::ListHeading | Kind::Key));
        stated.or_else(|| earlier().find(|d| d.kind == Kind::InKey)).or_else(|| earlier().next()).copied()
    }

    /// Where the next heading after an offset begins.
    pub fn next_heading(&self, after: usize) -> Option<usize> {
        let headings = self.list.iter().filter(|d| matches!(d.kind, Kind::Heading | Kind::ListHeading));
        headings.map(|d| d.whole.start).find(|&start| start >= after)
    }
}

struct Reader<'i> {
    source: Source<'i>,
    paths: Paths,
    list: Vec<Definition>,
    /// The table of the last heading.
    heading: usize,
    /// The heading being read: its kind and where it opened.
    open: Option<(Kind, usize)>,
    /// The parts of the key being read.
    key: Vec<(String, Loc)>,
    /// The path of the key whose value is being read.
    value: usize,
    frames: Vec<Frame>,
}

impl Reader<'_> {
    fn event(&mut self, event: &Event) {
        let span = event.span();
        match event.kind() {
            EventKind::StdTableOpen => self.open(Kind::Heading, span.start()),
            EventKind::ArrayTableOpen => self.open(Kind::ListHeading, span.start()),
            EventKind::StdTableClose | EventKind::ArrayTableClose => self.end_heading(span.end()),
            EventKind::SimpleKey => {
                let mut name = String::new();
                if let Some(raw) = self.source.get(event) {
                    raw.decode_key(&mut name, &mut ());
                }
                self.key.push((name, Loc { start: span.start(), end: span.end() }));
            }
            EventKind::KeyValSep => self.end_key(),
            EventKind::InlineTableOpen => {
                let path = self.begin_value();
                self.frames.push(Frame::Table(path));
            }
            EventKind::ArrayOpen => {
                let path = self.begin_value();
                self.frames.push(Frame::List(path, 0));
            }
            EventKind::Scalar => {
                self.begin_value();
            }
            EventKind::InlineTableClose | EventKind::ArrayClose => {
                self.key.clear();
                self.frames.pop();
            }
            EventKind::ValueSep => self.key.clear(),
            EventKind::Newline if self.frames.is_empty() => {
                // a heading or key that ends without its bracket or value
                self.open = None;
                self.key.clear();
            }
            EventKind::KeySep | EventKind::Whitespace | EventKind::Comment | EventKind::Newline | EventKind::Error => {}
        }
    }

    fn open(&mut self, kind: Kind, start: usize) {
        self.frames.clear();
        self.key.clear();
        self.open = Some((kind, start));
    }

    /// The path of a value that begins: its key, or its place in a list.
    fn begin_value(&mut self) -> usize {
        match self.frames.last_mut() {
            Some(Frame::List(path, n)) => {
                *n += 1;
                let step = (*path, Step::Entry(*n));
                self.paths.child(step.0, step.1)
            }
            Some(Frame::Table(_)) | None => self.value,
        }
    }

    fn end_heading(&mut self, end: usize) {
        let Some((kind, start)) = self.open.take() else { return };
        let whole = Loc { start, end };
        let path = self.define(ROOT, kind, Kind::InHeading, Some(whole));
        self.heading = path;
        if kind == Kind::ListHeading {
            *self.paths.entries.entry(path).or_insert(0) += 1;
            self.heading = self.paths.last_entry(path);
        }
    }

    fn end_key(&mut self) {
        if self.open.is_some() || self.key.is_empty() {
            return;
        }
        let table = match self.frames.last() {
            Some(Frame::Table(path) | Frame::List(path, _)) => *path,
            None => self.heading,
        };
        self.value = self.define(table, Kind::Key, Kind::InKey, None);
    }

    /// Notes what the key defines, seen from a table: its path as `kind`, the tables on the way as `on_the_way`.
    fn define(&mut self, table: usize, kind: Kind, on_the_way: Kind, whole: Option<Loc>) -> usize {
        let key = std::mem::take(&mut self.key);
        let ends = key.first().zip(key.last()).map(|(first, last)| Loc { start: first.1.start, end: last.1.end });
        let whole = whole.or(ends).unwrap_or(Loc::START);
        let mut path = table;
        let parts = key.len();
        for (i, (name, loc)) in key.into_iter().take(DEEPEST).enumerate() {
            if i > 0 {
                path = self.paths.last_entry(path);
            }
            path = self.paths.child(path, Step::Key(name));
            let kind = if i + 1 == parts { kind } else { on_the_way };
            self.list.push(Definition { path, kind, loc, whole });
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the definition that the last occurrence of `second` collides with.
    fn first<'t>(text: &'t str, second: &str) -> Option<(&'t str, usize, Kind)> {
        let start = text.rfind(second).unwrap();
        let all = Definitions::of(text);
        let d = all.at(Loc { start, end: start + second.len() }).expect("a key");
        all.before(&d).map(|d| (&text[d.whole.start..d.whole.end], d.whole.start, d.kind))
    }

    #[test]
    fn the_same_name_elsewhere_is_something_else() {
        assert_eq!(first("x = 1\n[t]\nx = 1\n", "x"), None);
        assert_eq!(first("[[f]]\nx = 1\n[[f]]\nx = 1\n", "x"), None, "entries of a list are apart");
        assert_eq!(first("a = [{ x = 1 }, { x = 1 }]\n", "x"), None);
        assert_eq!(first("[a]\nb.x = 1\n[c]\nb.x = 1\n", "x"), None);
        assert_eq!(first("[[f]]\nw.x = 1\n[f.v]\n[[f]]\n[f.v]\n", "v"), None, "of another entry");
    }

    #[test]
    fn the_same_name_in_the_same_table_is_found() {
        assert_eq!(first("x = 1\ny = 2\nx = 3\n", "x"), Some(("x", 0, Kind::Key)));
        assert_eq!(first("a = { x = 1, y = { x = 2 }, x = 3 }\n", "x"), Some(("x", 6, Kind::Key)));
        assert_eq!(first("[t]\na.x = 1\n\"a\".'x' = 2\n", "'x'"), Some(("a.x", 4, Kind::Key)), "however it is quoted");
        assert_eq!(first("[a.b]\n[ a . \"b\" ]\n", "\"b\""), Some(("[a.b]", 0, Kind::Heading)));
        assert_eq!(first("[[f]]\n[f.v]\n[f.v]\n", "v"), Some(("[f.v]", 6, Kind::Heading)));
        assert_eq!(first("[[f]]\n[[f]]\n[f]\n", "f"), Some(("[[f]]", 0, Kind::ListHeading)));
        assert_eq!(first("[u]\nb = {}\n[u.b]\n", "b"), Some(("b", 4, Kind::Key)));
        assert_eq!(first("[u.b]\n[u]\nb.x = 1\n", "b"), Some(("[u.b]", 0, Kind::Heading)));
        assert_eq!(first("u.b.x = 1\n[u.b]\n", "b"), Some(("u.b.x", 0, Kind::InKey)));
        assert_eq!(
            first("t = \"\"\"\nx = 1\n[t]\n\"\"\"\nx = 2\nx = 3\n", "x"),
            Some(("x", 22, Kind::Key)),
            "not in text"
        );
    }

    #[test]
    fn headings_after_lists_over_several_lines() {
        let text = "[a]\nx = [\n[1],\n]\nx = 2\n[b]\n";
        let all = Definitions::of(text);
        assert_eq!(all.next_heading(1), text.rfind("[b]"));
        assert_eq!(all.next_heading(text.len()), None);
    }
}
