//! Regular expressions of conditions, as JavaScript's `new RegExp(pattern).test(value)` reads them.
//!
//! Source: ECMA-262 (2024), section 22.2 "RegExp Objects", without flags; Portkey-AI/gateway 669825c, `conditionalRouter.ts`. A
//! pattern is not anchored, knows upper and lower case, and sees a text as its UTF-16 units, so that `.` stands for half of an
//! emoji. It is translated for `regex-lite`, which finds a match exactly when JavaScript does, because what makes the two
//! differ is either written out (`.`, `\s`, classes, units) or refused: look-around, references to groups and modifiers, which
//! that engine lacks, and the leftovers of Annex B (a bare `{`, `]` or `}`, escaped letters without a meaning, octal numbers),
//! which mean something else in either. A field that the request does not bring is tested as the word `undefined`, as
//! JavaScript does.

use regex_lite::Regex;
use std::fmt;

/// A pattern that was understood.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

/// Why a pattern is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternError {
    /// Position of the first character that is meant, from 1.
    pub at: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "character {}: {}", self.at, self.what)
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for what JavaScript does not accept, and what only JavaScript can do.
    pub fn new(source: &str) -> Result<Pattern, PatternError> {
        let text: Vec<char> = source.chars().collect();
        let mut reader = Reader { text, at: 0, open: 0, out: String::new() };
        reader.read()?;
        let regex =
            Regex::new(&reader.out).map_err(|_| PatternError { at: 1, what: "more than the engine can hold" })?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the text has a match.
    pub fn test(&self, text: &str) -> bool {
        // only characters beyond the first plane are more than one unit
        if text.bytes().all(|b| b < 0xf0) {
            return self.regex.is_match(text);
        }
        let mut units = String::new();
        text.chars().for_each(|c| push_units(&mut units, c));
        self.regex.is_match(&units)
    }
}

/// A character as its UTF-16 units: those of a pair as two characters that stand for them. The stand-ins are themselves beyond
/// the first plane, so no text has them once it is written as units.
fn push_units(out: &mut String, c: char) {
    if (c as u32) < 0x1_0000 {
        return out.push(c);
    }
    let stand_in = |unit: u16| char::from_u32(0xf_0000 + u32::from(unit)).expect("in a plane for private use");
    out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|u| stand_in(*u)));
}

/// `WhiteSpace` and `LineTerminator` of ECMA-262, for the inside of a class.
const SPACE: &str = r"\t\n\x0b\x0c\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
/// The complement of [`SPACE`], for the inside of a class.
const NO_SPACE: &str = r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}";
const DIGIT: &str = "0-9";
const NO_DIGIT: &str = r"\x{0}-\x{2f}\x{3a}-\x{10ffff}";
const WORD: &str = "0-9A-Za-z_";
const NO_WORD: &str = r"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}";

/// Reads the pattern and writes that of the engine.
struct Reader {
    text: Vec<char>,
    at: usize,
    open: usize,
    out: String,
}

/// What an escape stands for.
enum Escape {
    Char(char),
    Class(&'static str),
}

impl Reader {
    fn fail<T>(&self, at: usize, what: &'static str) -> Result<T, PatternError> {
        Err(PatternError { at: at + 1, what })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn read(&mut self) -> Result<(), PatternError> {
        // whether a quantifier may follow
        let mut atom = false;
        let mut groups = Vec::new();
        while let Some(c) = self.peek(0) {
            let at = self.at;
            self.at += 1;
            match c {
                '|' => {
                    self.out.push('|');
                    atom = false;
                }
                '^' | '$' => {
                    self.out.push_str(if c == '^' { r"\A" } else { r"\z" });
                    atom = false;
                }
                '(' => {
                    self.group(at)?;
                    groups.push(at);
                    self.open += 1;
                    atom = false;
                }
                ')' => {
                    if groups.pop().is_none() {
                        return self.fail(at, "a `)` without its `(`");
                    }
                    self.open -= 1;
                    self.out.push(')');
                    atom = true;
                }
                '*' | '+' | '?' | '{' => {
                    self.quantifier(at, c, atom)?;
                    atom = false;
                }
                '.' => {
                    self.out.push_str(r"[^\n\r\x{2028}\x{2029}]");
                    atom = true;
                }
                '[' => {
                    self.class(at)?;
                    atom = true;
                }
                ']' | '}' => return self.fail(at, "a bracket that has to be escaped"),
                '\\' => match self.peek(0) {
                    Some(b @ ('b' | 'B')) => {
                        self.at += 1;
                        self.out.extend(['\\', b]);
                        atom = false;
                    }
                    _ => {
                        match self.escape(at)? {
                            Escape::Char(c) => self.literal(c),
                            Escape::Class(class) => {
                                self.out.extend(["[", class, "]"]);
                            }
                        }
                        atom = true;
                    }
                },
                c => {
                    self.literal(c);
                    atom = true;
                }
            }
        }
        match groups.last() {
            Some(at) => self.fail(*at, "a `(` without its `)`"),
            None => Ok(()),
        }
    }

    /// A character that stands for itself. A quantifier behind a pair of units is about the second.
    fn literal(&mut self, c: char) {
        let mut units = String::new();
        push_units(&mut units, c);
        units.chars().for_each(|c| self.code(c));
    }

    fn code(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!(r"\x{{{:x}}}", c as u32));
        }
    }

    fn group(&mut self, at: usize) -> Result<(), PatternError> {
        if self.peek(0) != Some('?') {
            self.out.push('(');
            return Ok(());
        }
        match (self.peek(1), self.peek(2)) {
            (Some(':'), _) => self.at += 2,
            (Some('='), _) | (Some('!'), _) => return self.fail(at, "look-ahead, which the engine lacks"),
            (Some('<'), Some('=' | '!')) => return self.fail(at, "look-behind, which the engine lacks"),
            (Some('<'), _) => {
                let name: String = self.text[self.at + 2..].iter().take_while(|c| **c != '>').collect();
                let letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
                let fits = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
                if !fits || self.peek(2 + name.len()) != Some('>') {
                    return self.fail(at, "a group with a name that is none");
                }
                // names are of no use without references
                self.at += 3 + name.len();
            }
            _ => return self.fail(at, "a group with modifiers, which the engine lacks"),
        }
        self.out.push_str("(?:");
        Ok(())
    }

    fn quantifier(&mut self, at: usize, c: char, atom: bool) -> Result<(), PatternError> {
        let mut written = c.to_string();
        if c == '{' {
            let inside: String = self.text[self.at..].iter().take_while(|c| **c != '}').collect();
            let (least, most) = match inside.split_once(',') {
                None => (inside.as_str(), Some(inside.as_str())),
                Some((least, "")) => (least, None),
                Some((least, most)) => (least, Some(most)),
            };
            let number = |s: &str| s.parse::<u32>().ok().filter(|_| s.bytes().all(|b| b.is_ascii_digit()));
            let closed = self.peek(inside.chars().count()) == Some('}');
            let (Some(from), true) = (number(least), closed) else {
                return self.fail(at, "a bracket that has to be escaped");
            };
            match most.map(number) {
                Some(None) => return self.fail(at, "a bracket that has to be escaped"),
                Some(Some(to)) if to < from => return self.fail(at, "a quantifier whose numbers are out of order"),
                _ => {}
            }
            self.at += inside.chars().count() + 1;
            written = format!("{{{inside}}}");
        }
        if !atom {
            return self.fail(at, "a quantifier of nothing");
        }
        self.out.push_str(&written);
        if self.peek(0) == Some('?') {
            self.at += 1; // as few as possible: the same for whether there is a match
        }
        Ok(())
    }

    /// What stands behind a backslash at `at`.
    fn escape(&mut self, at: usize) -> Result<Escape, PatternError> {
        let Some(c) = self.peek(0) else { return self.fail(at, "a `\\` that escapes nothing") };
        self.at += 1;
        let hex = |reader: &Reader, digits: usize| -> Option<u32> {
            let text: String = reader.text.get(reader.at..reader.at + digits)?.iter().collect();
            u32::from_str_radix(&text, 16).ok().filter(|_| text.chars().all(|c| c.is_ascii_hexdigit()))
        };
        let char = |c: char| Ok(Escape::Char(c));
        match c {
            'd' => Ok(Escape::Class(DIGIT)),
            'D' => Ok(Escape::Class(NO_DIGIT)),
            'w' => Ok(Escape::Class(WORD)),
            'W' => Ok(Escape::Class(NO_WORD)),
            's' => Ok(Escape::Class(SPACE)),
            'S' => Ok(Escape::Class(NO_SPACE)),
            'n' => char('\n'),
            'r' => char('\r'),
            't' => char('\t'),
            'v' => char('\u{b}'),
            'f' => char('\u{c}'),
            '0' if !self.peek(0).is_some_and(|c| c.is_ascii_digit()) => char('\0'),
            '0' => self.fail(at, "an octal number"),
            '1'..='9' | 'k' => self.fail(at, "a reference to a group, which the engine lacks"),
            'x' | 'u' => {
                let digits = if c == 'x' { 2 } else { 4 };
                match hex(self, digits).and_then(char::from_u32) {
                    Some(c) => {
                        self.at += digits;
                        char(c)
                    }
                    None => self.fail(at, "an escape that is no character"),
                }
            }
            c if c.is_ascii_alphanumeric() => self.fail(at, "an escaped letter without a meaning"),
            c => char(c),
        }
    }

    fn class(&mut self, at: usize) -> Result<(), PatternError> {
        let not = self.peek(0) == Some('^');
        self.at += usize::from(not);
        let mut items = String::new();
        loop {
            match self.peek(0) {
                None => return self.fail(at, "a `[` without its `]`"),
                Some(']') => break,
                Some(_) => {}
            }
            let from_at = self.at;
            let from = self.class_atom()?;
            let range = self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']');
            if !range {
                self.class_item(&mut items, from);
                continue;
            }
            self.at += 1;
            let to = self.class_atom()?;
            let (Escape::Char(from), Escape::Char(to)) = (from, to) else {
                return self.fail(from_at, "a range that begins or ends with a class");
            };
            if from as u32 > 0xffff || to as u32 > 0xffff {
                return self.fail(from_at, "a range of characters of two units");
            }
            if from > to {
                return self.fail(from_at, "a range that is out of order");
            }
            items.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", from as u32, to as u32));
        }
        self.at += 1;
        match (items.is_empty(), not) {
            (true, true) => self.out.push_str(r"[\x{0}-\x{10ffff}]"),
            (true, false) => self.out.push_str(r"[^\x{0}-\x{10ffff}]"),
            (false, not) => self.out.extend([if not { "[^" } else { "[" }, &items, "]"]),
        }
        Ok(())
    }

    fn class_atom(&mut self) -> Result<Escape, PatternError> {
        let at = self.at;
        self.at += 1;
        match self.text[at] {
            '\\' if self.peek(0) == Some('b') => {
                self.at += 1;
                Ok(Escape::Char('\u{8}'))
            }
            '\\' => self.escape(at),
            c => Ok(Escape::Char(c)),
        }
    }

    fn class_item(&self, items: &mut String, item: Escape) {
        match item {
            Escape::Class(class) => items.push_str(class),
            Escape::Char(c) => {
                let mut units = String::new();
                push_units(&mut units, c);
                units.chars().for_each(|c| items.push_str(&format!(r"\x{{{:x}}}", c as u32)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as a JavaScript engine answers `new RegExp(pattern).test(text)`.
    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        let rows: &[(&str, &str, bool)] = &[
            ("^gpt", "gpt-4o", true),
            ("^gpt", "my gpt", false),
            ("4o", "gpt-4o-mini", true),
            ("GPT", "gpt", false),
            ("^(gpt|claude)-[0-9]+(\\.[0-9])?$", "claude-3.5", true),
            ("^(gpt|claude)-[0-9]+(\\.[0-9])?$", "claude-3.", false),
            ("", "", true),
            ("a{2,3}b", "caaab", true),
            ("^a{2}$", "aaa", false),
            ("^a{2,}?$", "aaa", true),
            ("^(?:eu|us)-\\w+-\\d$", "eu-west-1", true),
            ("^(?<place>eu)-", "eu-west-1", true),
            ("\\bpro\\b", "a pro user", true),
            ("\\bpro\\b", "a professional", false),
            // a line end ends neither text nor line, and `.` is none of four
            ("^a$", "a\n", false),
            ("^a.b$", "a\rb", false),
            ("^a.b$", "a\u{2028}b", false),
            ("^a.b$", "a\u{85}b", true),
            // white space beyond ASCII, letters and digits within
            ("^\\s$", "\u{a0}", true),
            ("^\\S$", "\u{a0}", false),
            ("^[\\s]$", "\u{feff}", true),
            ("^\\w$", "\u{e9}", false),
            ("^\\W$", "\u{e9}", true),
            ("^\\d$", "\u{663}", false),
            // units of UTF-16
            ("^.$", "\u{1f600}", false),
            ("^..$", "\u{1f600}", true),
            ("^\u{1f600}+$", "\u{1f600}\u{1f600}", false),
            ("\u{1f600}", "a \u{1f600}", true),
            ("^[\u{1f600}]$", "\u{1f600}", false),
            ("^[\u{1f600}]{2}$", "\u{1f600}", true),
            // classes: brackets and operators of other engines stand for themselves
            ("^[[a]+$", "[a[", true),
            ("^[a&&b]+$", "&a", true),
            ("^[\\]\\-a]+$", "-]a", true),
            ("^[a-]+$", "a-", true),
            ("^[^]$", "\n", true),
            ("^[]", "a", false),
            ("^[\\b]$", "\u{8}", true),
            ("^\\x41\\u0042\\/\\.$", "AB/.", true),
            ("a||b", "c", true),
            ("^#x y$", "#x y", true),
        ];
        for (pattern, text, expected) in rows {
            let found = Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}")).test(text);
            assert_eq!(found, *expected, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_would_mean_something_else_is_refused_where_it_stands() {
        for (pattern, at, what) in [
            ("a(?=b)", 2, "look-ahead"),
            ("a(?!b)", 2, "look-ahead"),
            ("(?<=a)b", 1, "look-behind"),
            ("(?<!a)b", 1, "look-behind"),
            ("(a)\\1", 4, "a reference"),
            ("(?<n>a)\\k<n>", 8, "a reference"),
            ("(?i:a)", 1, "a group with modifiers"),
            ("(?i)a", 1, "a group with modifiers"),
            ("a{", 2, "a bracket"),
            ("a{,3}", 2, "a bracket"),
            ("a{3,2}", 2, "a quantifier whose numbers"),
            ("a]", 2, "a bracket"),
            ("a**", 3, "a quantifier of nothing"),
            ("a*+", 3, "a quantifier of nothing"),
            ("^*", 2, "a quantifier of nothing"),
            ("+a", 1, "a quantifier of nothing"),
            ("(a", 1, "a `(`"),
            ("a)", 2, "a `)`"),
            ("[a", 1, "a `[`"),
            ("[a--b]", 2, "a range that is out of order"),
            ("[\\d-z]", 2, "a range that begins"),
            ("\\A", 1, "an escaped letter"),
            ("\\p{L}", 1, "an escaped letter"),
            ("\\012", 1, "an octal"),
            ("\\xg0", 1, "an escape"),
            ("\\ud800", 1, "an escape"),
            ("a\\", 2, "a `\\`"),
            ("(a{9}){9}{9}", 10, "a quantifier of nothing"),
            ("((a{1000}){1000}){1000}", 1, "more than"),
        ] {
            let error = Pattern::new(pattern).expect_err(pattern);
            assert_eq!(error.at, at, "{pattern}: {error}");
            assert!(error.what.starts_with(what), "{pattern}: {error}");
        }
    }
}
