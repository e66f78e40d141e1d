//! What is wrong with a scenario file, and where: severity, message, position, what was expected and what to do.

use super::render::{self, Paint};
use std::fmt;
use std::sync::Arc;

/// A byte range of the scenario file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Loc {
    /// First byte.
    pub start: usize,
    /// One past the last byte; equal to `start` for a point.
    pub end: usize,
}

impl Loc {
    /// From a byte range.
    pub fn new(range: std::ops::Range<usize>) -> Loc {
        Loc { start: range.start, end: range.end.max(range.start) }
    }
    /// The point at the beginning of the file: what concerns the file as a whole. No line is shown for it.
    pub const START: Loc = Loc { start: 0, end: 0 };
}

/// A value and where it stands in the file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub loc: Loc,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// It can, but probably does not mean what was meant.
    Warning,
}

impl Severity {
    /// As printed.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Another place in the file that explains the diagnostic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Where.
    pub loc: Loc,
    /// What is there, for example `first defined here`.
    pub message: String,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, one line.
    pub message: String,
    /// Byte range in the file.
    pub loc: Loc,
    /// Line, from 1. Zero until the diagnostic is part of [`Diagnostics`].
    pub line: usize,
    /// Column in characters, from 1. Zero until the diagnostic is part of [`Diagnostics`].
    pub column: usize,
    /// What would have been right.
    pub expected: Option<String>,
    /// What to do about it; a suggestion where something similar exists.
    pub help: Option<String>,
    /// Other places that explain it.
    pub notes: Vec<Note>,
}

impl Diagnostic {
    /// A diagnostic without expectation, help and notes.
    pub fn new(severity: Severity, loc: Loc, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            message: message.into(),
            loc,
            line: 0,
            column: 0,
            expected: None,
            help: None,
            notes: Vec::new(),
        }
    }
    /// Says what would have been right.
    pub fn expected(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        self.expected = Some(text.into());
        self
    }
    /// Says what to do.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(text.into());
        self
    }
    /// Says what to do, if anything is known.
    pub fn maybe_help(&mut self, text: Option<String>) -> &mut Diagnostic {
        if text.is_some() {
            self.help = text;
        }
        self
    }
    /// Points at another place.
    pub fn note(&mut self, loc: Loc, text: impl Into<String>) -> &mut Diagnostic {
        self.notes.push(Note { loc, message: text.into() });
        self
    }

    /// Compiler style: the message, `file:line:column`, the line with a caret, what was expected and the help.
    pub fn render(&self, file: &str, source: &str) -> String {
        render::diagnostic(self, file, source, Paint::Plain)
    }
}

/// At most so many diagnostics of a severity are printed; the rest is counted.
pub const SHOWN: usize = 20;

/// Everything that is wrong with one file, sorted by position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostics {
    file: String,
    source: Arc<str>,
    list: Vec<Diagnostic>,
    /// Errors and warnings beyond those in the list.
    dropped: [usize; 2],
}

impl Diagnostics {
    /// Sorts by position (then severity and message), drops exact repetitions, and fills in lines and columns.
    /// `dropped` counts errors and warnings that are not in the list.
    pub fn new(
        file: impl Into<String>,
        source: impl Into<Arc<str>>,
        mut list: Vec<Diagnostic>,
        dropped: [usize; 2],
    ) -> Diagnostics {
        let source = source.into();
        list.sort_by(|a, b| (a.loc, a.severity, &a.message).cmp(&(b.loc, b.severity, &b.message)));
        list.dedup_by(|a, b| a.loc == b.loc && a.message == b.message);
        let mut sweep = render::Sweep::new(&source);
        for d in &mut list {
            (d.line, d.column) = sweep.position(d.loc.start);
        }
        Diagnostics { file: file.into(), source, list, dropped }
    }
    /// All of them, sorted by position.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }
    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.dropped == [0; 2]
    }
    /// How many errors.
    pub fn errors(&self) -> usize {
        self.dropped[0] + self.list.iter().filter(|d| d.severity == Severity::Error).count()
    }
    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.dropped[1] + self.list.iter().filter(|d| d.severity == Severity::Warning).count()
    }
    /// Name of the file, as given.
    pub fn file(&self) -> &str {
        &self.file
    }
    /// Everything as text: at most [`SHOWN`] of each severity, then a summary line. With `color` for a terminal.
    pub fn render(&self, color: bool) -> String {
        let paint = if color { Paint::Ansi } else { Paint::Plain };
        let mut out = String::new();
        let mut hidden: usize = self.dropped.iter().sum();
        let mut counts = [0; 2];
        for d in &self.list {
            let count = &mut counts[usize::from(d.severity == Severity::Warning)];
            *count += 1;
            if *count > SHOWN {
                hidden += 1;
                continue;
            }
            out.push_str(&render::diagnostic(d, &self.file, &self.source, paint));
            out.push('\n');
        }
        if hidden > 0 {
            out.push_str(&format!("... and {hidden} more\n\n"));
        }
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        match (self.errors(), self.warnings()) {
            (0, 0) => {}
            (0, w) => out.push_str(&format!("{}: {w} warning{}\n", self.file, plural(w))),
            (e, 0) => out.push_str(&format!("{}: {e} error{}\n", self.file, plural(e))),
            (e, w) => {
                out.push_str(&format!("{}: {e} error{}, {w} warning{}\n", self.file, plural(e), plural(w)));
            }
        }
        out
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
