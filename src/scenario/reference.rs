//! The language reference in Markdown, from the declarations of the language.

use super::decode::{Decode, Desc, FieldDesc, Need};
use super::raw::RawScenario;
use std::fmt::Write;

const HEAD: &str = include_str!("reference_head.md");

/// The text of `docs/scenario.md`.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    let mut done = Vec::new();
    section(&RawScenario::desc(), "", 0, &mut done, &mut out);
    let mut text: String = out.trim_end().to_owned();
    text.push('\n');
    text
}

/// One heading per table and choice, in the order of the declarations; each type is described where it first occurs.
fn section(desc: &Desc, path: &str, depth: usize, done: &mut Vec<&'static str>, out: &mut String) {
    match desc {
        Desc::List(inner) | Desc::OneOrMany(inner) => section(inner, path, depth, done, out),
        Desc::Named(inner) => section(inner, &format!("{path}.NAME"), depth, done, out),
        Desc::Table { name, doc, fields, .. } => {
            if done.contains(name) {
                return;
            }
            done.push(name);
            heading(name, path, depth, doc, out);
            out.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
            for f in fields {
                row(f, out);
            }
            for f in fields {
                section(&f.desc, &join(path, f.name), depth + 1, done, out);
            }
        }
        Desc::Choice { name, doc, variants } => {
            if done.contains(name) {
                return;
            }
            done.push(name);
            heading(name, path, depth, doc, out);
            out.push_str("\n| choice | content | meaning |\n|---|---|---|\n");
            for (variant, doc, content, bare) in variants {
                let how = match (content, bare) {
                    (Desc::Nothing, _) => format!("`\"{variant}\"`"),
                    (c, true) if c.may_be_empty() => format!("{}; `\"{variant}\"` for its defaults", kind(c)),
                    (c, _) => kind(c),
                };
                let _ = writeln!(out, "| `{variant}` | {} | {} |", cell(&how), cell(doc));
            }
            for (variant, _, content, _) in variants {
                section(content, &join(path, variant), depth + 1, done, out);
            }
        }
        Desc::Leaf { .. } | Desc::Nothing => {}
    }
}

fn heading(name: &str, path: &str, depth: usize, doc: &str, out: &mut String) {
    let marks = "#".repeat((depth + 2).min(4));
    let place = if path.is_empty() { String::new() } else { format!(" (`{path}`)") };
    let _ = write!(out, "\n{marks} {name}{place}\n\n{doc}\n");
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn row(f: &FieldDesc, out: &mut String) {
    let default = match f.need {
        Need::Required => "**required**".to_owned(),
        Need::Optional => String::new(),
        Need::Or(d) => format!("`{}`", d.value),
    };
    let source = match f.need {
        Need::Or(d) => format!(" *Default: {}.*", d.provenance),
        Need::Required | Need::Optional => String::new(),
    };
    let _ = writeln!(
        out,
        "| `{}` | {} | {} | {}{} |",
        f.name,
        cell(&kind(&f.desc)),
        cell(&default),
        cell(&f.doc),
        cell(&source)
    );
}

/// A type in a few words.
fn kind(desc: &Desc) -> String {
    match desc {
        Desc::Leaf { what, example, .. } => {
            let what = what.trim_start_matches("an ").trim_start_matches("a ");
            if matches!(what, "string" | "boolean" | "whole number" | "number") {
                what.to_owned()
            } else {
                format!("{what}, `{example}`")
            }
        }
        Desc::List(inner) => match &**inner {
            Desc::Table { .. } => format!("list of tables: {}", kind(inner)),
            inner => format!("list of {}", kind(inner)),
        },
        Desc::OneOrMany(inner) => format!("{}, or a list", kind(inner)),
        Desc::Named(inner) => format!("tables by name: {}", kind(inner)),
        Desc::Table { name, .. } => format!("[{name}](#{})", anchor(name)),
        Desc::Choice { name, .. } => format!("one of [{name}](#{})", anchor(name)),
        Desc::Nothing => "nothing".to_owned(),
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
