//! Diagnostics as text in the style of a compiler. Works without the terminal crates, and plain text is the same
//! everywhere.

use super::diagnostic::{Diagnostic, Loc, Severity};
use std::fmt::Write;

/// Whether to add escape codes for a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paint {
    /// Text only.
    Plain,
    /// ANSI colours.
    Ansi,
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const CYAN: &str = "1;36";

/// Longest piece of a source line that is shown, in characters.
const WIDTH: usize = 110;

/// Line and column (both from 1; the column counts characters) of a byte offset. Offsets beyond the end or inside a
/// character are moved to the nearest character before.
pub fn position(source: &str, offset: usize) -> (usize, usize) {
    let offset = floor_char(source, offset);
    let before = &source[..offset];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// [`position`] of ascending offsets in one pass over the source, however many there are.
pub struct Sweep<'a> {
    source: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Sweep<'a> {
    /// At the beginning.
    pub fn new(source: &'a str) -> Sweep<'a> {
        Sweep { source, offset: 0, line: 1, column: 1 }
    }
    /// Line and column of an offset that is not before the last one.
    pub fn position(&mut self, offset: usize) -> (usize, usize) {
        let offset = floor_char(self.source, offset).max(self.offset);
        for c in self.source[self.offset..offset].chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset = offset;
        (self.line, self.column)
    }
}

fn floor_char(source: &str, offset: usize) -> usize {
    let mut o = offset.min(source.len());
    while !source.is_char_boundary(o) {
        o -= 1;
    }
    o
}

/// One diagnostic, ending in a line break.
pub fn diagnostic(d: &Diagnostic, file: &str, source: &str, paint: Paint) -> String {
    let color = if d.severity == Severity::Error { RED } else { YELLOW };
    let mut out =
        format!("{}{}\n", paint.wrap(color, d.severity.name()), paint.wrap(BOLD, &format!(": {}", clean(&d.message))));
    let gutter = std::iter::once(d.loc)
        .chain(d.notes.iter().map(|n| n.loc))
        .map(|l| position(source, l.start).0.to_string().len())
        .max()
        .unwrap_or(1);
    snippet(&mut out, file, source, d.loc, gutter, '^', color, paint);
    let pad = " ".repeat(gutter);
    let bar = paint.wrap(BLUE, "=");
    if let Some(expected) = &d.expected {
        let _ = writeln!(out, "{pad} {bar} {}: {}", paint.wrap(BOLD, "expected"), clean(expected));
    }
    if let Some(help) = &d.help {
        let _ = writeln!(out, "{pad} {bar} {}: {}", paint.wrap(CYAN, "help"), clean(help));
    }
    for note in &d.notes {
        let _ = writeln!(out, "{}: {}", paint.wrap(BOLD, "note"), clean(&note.message));
        snippet(&mut out, file, source, note.loc, gutter, '-', BLUE, paint);
    }
    out
}

/// `file:line:column`, the line, and a mark below it.
#[expect(clippy::too_many_arguments, reason = "one private call site each for main place and notes")]
fn snippet(out: &mut String, file: &str, source: &str, loc: Loc, gutter: usize, mark: char, color: &str, paint: Paint) {
    let (line, column) = position(source, loc.start);
    let pad = " ".repeat(gutter);
    let _ = writeln!(out, "{pad}{} {file}:{line}:{column}", paint.wrap(BLUE, "-->"));
    // what concerns the whole file stands at no line of it
    if source.is_empty() || loc == Loc::START {
        return;
    }
    let start = floor_char(source, loc.start);
    let line_start = source[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
    let text = source[line_start..line_end].trim_end_matches('\r');
    let end = floor_char(source, loc.end).clamp(start, (line_start + text.len()).max(start));
    let mut length = source[start..end].chars().count().max(1);
    let mut offset = column - 1;
    // a long line is cut to a window around the mark
    let chars: Vec<char> = text.chars().collect();
    let mut from = 0;
    if chars.len() > WIDTH {
        from = offset.saturating_sub(WIDTH / 3).min(chars.len() - WIDTH);
        offset -= from;
        length = length.min(WIDTH - offset.min(WIDTH - 1));
    }
    let shown: String = chars.iter().skip(from).take(WIDTH).map(|&c| if c.is_control() { ' ' } else { c }).collect();
    let (left, right) = (if from > 0 { "..." } else { "" }, if chars.len() > from + WIDTH { "..." } else { "" });
    let bar = paint.wrap(BLUE, "|");
    let _ = writeln!(out, "{pad} {bar}");
    let number = paint.wrap(BLUE, &format!("{line:>gutter$}"));
    let _ = writeln!(out, "{}", format!("{number} {bar} {left}{shown}{right}").trim_end());
    let marks: String = std::iter::repeat_n(mark, length).collect();
    let _ = writeln!(out, "{pad} {bar} {}{}", " ".repeat(offset + left.len()), paint.wrap(color, &marks));
}

/// Control characters (the file may hold anything) must not reach a terminal; line breaks continue indented.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = "a\nSão = 1\r\nx";
        assert_eq!(position(source, 0), (1, 1));
        assert_eq!(position(source, 2), (2, 1));
        assert_eq!(position(source, source.find('=').unwrap()), (2, 5));
        assert_eq!(position(source, source.len() + 10), (3, 2));
        let mut sweep = Sweep::new(source);
        for offset in 0..source.len() + 3 {
            assert_eq!(sweep.position(offset), position(source, offset), "{offset}");
        }
    }

    #[test]
    fn a_caret_stands_below_what_is_wrong() {
        let source = "a = 1\nSão = \"x\"\n";
        let start = source.find("\"x\"").unwrap();
        let mut d = Diagnostic::new(Severity::Error, Loc { start, end: start + 3 }, "no");
        d.help("yes").note(Loc { start: 0, end: 1 }, "here");
        let want = "error: no\n --> f.toml:2:7\n  |\n2 | São = \"x\"\n  |       ^^^\n  = help: yes\nnote: here\n \
                    --> f.toml:1:1\n  |\n1 | a = 1\n  | -\n";
        assert_eq!(d.render("f.toml", source), want);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark_and_nothing_panics() {
        let source = format!("k = \"{}ä!{}\"", "x".repeat(500), "y".repeat(500));
        for start in 0..source.len() + 2 {
            let d = Diagnostic::new(Severity::Warning, Loc { start, end: start + 3 }, "w");
            assert!(d.render("f", &source).lines().all(|l| l.chars().count() <= WIDTH + 12));
        }
    }
}
