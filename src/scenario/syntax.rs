//! TOML syntax: the spanned tree, or every syntax error in words.

use super::decode::Cx;
use super::diagnostic::Loc;
use toml::de::{DeTable, DeValue};

/// The tree of a text without syntax errors. With errors, all of them are reported (one per line, since one mistake
/// often upsets the rest of its line) and nothing is returned: what the parser recovers is no basis for further checks.
pub fn parse<'i>(text: &'i str, cx: &mut Cx) -> Option<DeTable<'i>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(table.into_inner());
    }
    let mut errors: Vec<(Loc, &str)> =
        errors.iter().map(|e| (Loc::new(e.span().unwrap_or(0..0)), e.message())).collect();
    errors.sort_by_key(|(loc, _)| loc.start);
    let mut line_end = None;
    let mut skip_until = 0;
    for (loc, message) in errors {
        if line_end.is_some_and(|end| loc.start < end) || loc.start < skip_until {
            continue;
        }
        if cx.errors() >= MOST_ERRORS {
            break;
        }
        line_end = tail(text, loc.start).find('\n').map(|i| loc.start + i).or(Some(text.len()));
        if message == "duplicate key" {
            if duplicate(text, table.get_ref(), loc, cx) {
                // a table that is there twice: its keys are not at fault
                skip_until = tail(text, loc.end).find("\n[").map_or(text.len(), |i| loc.end + i + 1);
            }
            continue;
        }
        let (message, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let begins_line = head(text, loc.start).trim_end_matches([' ', '\t']).ends_with('\n');
        let unclosed = begins_line && message.contains("missing comma");
        let d = cx.error(loc, format!("not valid TOML: {message}"));
        if unclosed {
            d.expected("`]` or `,` before this line").help("a list further up is not closed");
            break;
        }
        if message.contains("must be quoted") {
            d.expected("quotes around text, and around quantities with their unit: \"24 h\"");
        } else if !expected.is_empty() {
            d.expected(expected);
        }
    }
    None
}

/// Most syntax errors that are reported: the hundredth explains nothing.
const MOST_ERRORS: usize = 40;

/// A key or table that is defined twice, with the place of the first definition if it can be told. True for a table.
fn duplicate(text: &str, tree: &DeTable<'_>, loc: Loc, cx: &mut Cx) -> bool {
    let name = text.get(loc.start..loc.end).unwrap_or("").trim_matches(['"', '\'']).to_owned();
    let line_start = head(text, loc.start).rfind('\n').map_or(0, |i| i + 1);
    let line = |from: usize| tail(text, from).lines().next().unwrap_or("").trim();
    let own = line(line_start);
    if own.starts_with('[') {
        // a heading: the same heading further up
        let heading = own.split('#').next().unwrap_or(own).trim_end();
        let mut offset = 0;
        let mut first = None;
        for l in text.split_inclusive('\n') {
            if offset < line_start && first.is_none() && l.split('#').next().unwrap_or(l).trim() == heading {
                first = Some(offset + (l.len() - l.trim_start().len()));
            }
            offset += l.len();
        }
        let d = cx.error(loc, format!("`{heading}` is defined twice"));
        if let Some(first) = first {
            d.note(Loc { start: first, end: first + heading.len() }, "first defined here");
        }
        d.help("merge the two tables, or give one of them another name");
        return true;
    }
    let mut found = Vec::new();
    keys(tree, &name, &mut found);
    // in the same table means: between the last heading and here, the nearest before it
    let section = head(text, line_start).rfind("\n[").map_or(0, |i| i + 1);
    let first = found.into_iter().filter(|l| l.start >= section && l.end <= loc.start).max_by_key(|l| l.start);
    let d = cx.error(loc, format!("duplicate key `{name}`"));
    if let Some(first) = first {
        d.note(first, "first defined here");
    }
    false
}

/// The text before an offset, and from it on; nothing if the offset is inside a character.
fn head(text: &str, at: usize) -> &str {
    text.get(..at).unwrap_or("")
}
fn tail(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or("")
}

/// Places of all keys of that name.
fn keys(table: &DeTable<'_>, name: &str, out: &mut Vec<Loc>) {
    for (key, value) in table {
        if key.get_ref() == name {
            out.push(Loc::new(key.span()));
        }
        match value.get_ref() {
            DeValue::Table(t) => keys(t, name, out),
            DeValue::Array(a) => {
                for v in a.iter() {
                    if let DeValue::Table(t) = v.get_ref() {
                        keys(t, name, out);
                    }
                }
            }
            _ => {}
        }
    }
}
