//! TOML syntax: the spanned tree, or every syntax error in words.

use super::decode::Cx;
use super::definitions::{Definition, Definitions, Kind};
use super::diagnostic::Loc;
use toml::de::DeTable;

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
    let mut definitions: Option<Definitions> = None;
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
        if message == "duplicate key" || message.starts_with(NOT_A_TABLE) {
            let all = definitions.get_or_insert_with(|| Definitions::of(text));
            if let Some(second) = all.at(loc) {
                twice(text, &second, all.before(&second), cx);
                if matches!(second.kind, Kind::Heading | Kind::ListHeading | Kind::InHeading) {
                    // a table that collides with something: its keys are not at fault
                    skip_until = all.next_heading(second.whole.end).unwrap_or(text.len());
                }
                continue;
            }
        }
        let (message, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let begins_line = head(text, loc.start).trim_end_matches([' ', '\t']).ends_with('\n');
        let unclosed = begins_line && message.contains("missing comma");
        // an error at the first byte has a place, unlike one of the whole file
        let loc =
            if loc == Loc::START { Loc { start: 0, end: text.chars().next().map_or(0, char::len_utf8) } } else { loc };
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

/// How the `toml` crate begins its errors about a dotted key or heading through something that is no table, or a table in
/// braces.
const NOT_A_TABLE: &str = "cannot extend value of type";

/// Something is defined twice: the error stands at the second definition, with a note at the first.
fn twice(text: &str, second: &Definition, first: Option<Definition>, cx: &mut Cx) {
    let of = |loc: Loc| text.get(loc.start..loc.end).unwrap_or("");
    let (name, heading) = (of(second.loc).trim_matches(['"', '\'']), of(second.whole));
    let first_kind = first.map(|f| f.kind);
    let d = match (second.kind, first_kind) {
        (Kind::Heading, Some(Kind::Heading)) => {
            let d = cx.error(second.loc, format!("`{heading}` is defined twice"));
            d.help("merge the two tables, or give one of them another name")
        }
        (Kind::Heading, Some(Kind::ListHeading)) => {
            let d = cx.error(second.loc, format!("`{heading}` is a list further up"));
            d.help(format!("`[{heading}]` adds an entry to the list"))
        }
        (Kind::ListHeading, Some(Kind::Heading)) => {
            let d = cx.error(second.loc, format!("`{heading}` is a single table further up"));
            d.help("write double brackets around every entry of a list, the first included")
        }
        (Kind::Heading | Kind::ListHeading, Some(_)) => {
            let d = cx.error(second.loc, format!("`{heading}` is defined as a key further up"));
            d.help("put what belongs to it into one place")
        }
        (Kind::InHeading, Some(_)) => {
            let d = cx.error(second.loc, format!("`{heading}` goes into `{name}`, which is complete further up"));
            d.help("put what belongs to it into one place")
        }
        (Kind::Key | Kind::InKey, Some(Kind::Heading | Kind::ListHeading)) => {
            let d = cx.error(second.loc, format!("`{name}` has a heading of its own further up"));
            d.help("put what belongs to it under that heading")
        }
        (Kind::InKey, Some(Kind::Key)) => {
            let d = cx.error(second.loc, format!("`{heading}` goes into `{name}`, which is complete further up"));
            d.help("put what belongs to it into one place")
        }
        _ => cx.error(second.loc, format!("duplicate key `{name}`")),
    };
    if let Some(first) = first {
        let loc = if matches!(first.kind, Kind::Heading | Kind::ListHeading) { first.whole } else { first.loc };
        d.note(loc, "first defined here");
    }
}

/// The text before an offset, and from it on; nothing if the offset is inside a character.
fn head(text: &str, at: usize) -> &str {
    text.get(..at).unwrap_or("")
}
fn tail(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or("")
}
