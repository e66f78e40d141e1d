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
    let mut last_line = usize::MAX;
    for e in errors {
        let span = e.span().unwrap_or(0..0);
        let line = text.get(..span.start).map_or(0, |t| t.bytes().filter(|&b| b == b'\n').count());
        if line == last_line {
            continue;
        }
        last_line = line;
        let loc = Loc::new(span);
        if e.message() == "duplicate key" {
            duplicate(text, table.get_ref(), loc, cx);
        } else {
            let (message, expected) = e.message().split_once(", expected ").unwrap_or((e.message(), ""));
            let d = cx.error(loc, format!("not valid TOML: {message}"));
            if !expected.is_empty() {
                d.expected(expected);
            }
        }
    }
    None
}

/// A key or table that is defined twice, with the place of the first definition if it can be told.
fn duplicate(text: &str, tree: &DeTable<'_>, loc: Loc, cx: &mut Cx) {
    let name = text.get(loc.start..loc.end).unwrap_or("").trim_matches(['"', '\'']).to_owned();
    let line_start = text[..loc.start].rfind('\n').map_or(0, |i| i + 1);
    let line = |from: usize| text[from..].lines().next().unwrap_or("").trim();
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
        return;
    }
    let mut found = Vec::new();
    keys(tree, &name, &mut found);
    // in the same table means: between the last heading and here, the nearest before it
    let section = text[..line_start].rfind("\n[").map_or(0, |i| i + 1);
    let first = found.into_iter().filter(|l| l.start >= section && l.end <= loc.start).max_by_key(|l| l.start);
    let d = cx.error(loc, format!("duplicate key `{name}`"));
    if let Some(first) = first {
        d.note(first, "first defined here");
    }
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
