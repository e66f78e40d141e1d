//! The comparison as plain text.

use super::result::{Comparison, Coverage, LawResult, Verdict};
use std::fmt::Write;

/// Narrower than this the table does not get.
const NARROWEST: usize = 72;

/// Wider than this is hard to read.
const WIDEST: usize = 110;

/// Columns of the numbers, a blank before each: exact, simulated, interval, verdict.
const NUMBERS: usize = 10 + 10 + 23 + 4 + 4;

/// The tables of laws and of coverage for a terminal of `width` columns (80 is enough): one block per law, its source
/// under its name.
pub fn render_table(laws: &[LawResult], coverage: &[Coverage], width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut out = String::new();
    if !laws.is_empty() {
        table_of_laws(&mut out, laws, width);
    }
    if !coverage.is_empty() {
        if !laws.is_empty() {
            out.push('\n');
        }
        table_of_coverage(&mut out, coverage, width);
    }
    out
}

fn table_of_laws(out: &mut String, laws: &[LawResult], width: usize) {
    let first = (width - NUMBERS).min(36);
    row(out, first, "law", ["exact", "simulated", "interval", ""]);
    let _ = writeln!(out, "{}", "-".repeat(first + NUMBERS));
    for block in laws.chunk_by(|a, b| a.law == b.law) {
        let _ = writeln!(out, "{}", block[0].law);
        wrapped(out, block[0].source, width);
        for r in block {
            let interval = match r.comparison {
                Comparison::Interval => format!("{} .. {}", number(r.low), number(r.high)),
                Comparison::Equal => "must be equal".to_owned(),
            };
            let name = format!("  {}", r.parameters);
            row(out, first, &name, [&number(r.exact), &number(r.simulated), &interval, r.verdict.name()]);
        }
    }
    let held = laws.iter().filter(|r| r.verdict == Verdict::Pass).count();
    let _ = writeln!(out, "\n{held} of {} comparisons hold.", laws.len());
    let intervals = laws.iter().filter(|r| r.comparison == Comparison::Interval);
    if let Some(c) = intervals.map(|r| r.confidence).reduce(f64::min) {
        let note = format!(
            "Each interval holds with {} %, by Student's t over independent replications, so that all of them together \
             hold with 99.9 %.",
            trimmed(100.0 * c)
        );
        wrapped(out, &note, width);
    }
}

fn table_of_coverage(out: &mut String, coverage: &[Coverage], width: usize) {
    let first = (width - 31).min(56);
    let _ = writeln!(out, "{:first$} {:>10} {:>6} {:>7}", "coverage", "exact", "missed", "allowed");
    let _ = writeln!(out, "{}", "-".repeat(first + 31));
    for c in coverage {
        let name = format!("{}, {}", c.law, c.parameters);
        let verdict = Verdict::of(c.pass).name();
        let _ = writeln!(out, "{name:first$} {:>10} {:>6} {:>7} {verdict:>4}", number(c.exact), c.missed, c.allowed);
    }
    let c = &coverage[0];
    let note = format!(
        "Intervals of {} % over {} replications, for {} seeds fixed beforehand: how many miss the exact value. A correct \
         method misses at most {} with 99.9 %.",
        trimmed(100.0 * c.confidence),
        c.replications,
        c.seeds,
        c.allowed
    );
    out.push('\n');
    wrapped(out, &note, width);
}

fn row(out: &mut String, first: usize, name: &str, [exact, simulated, interval, verdict]: [&str; 4]) {
    let line = format!("{name:first$} {exact:>10} {simulated:>10} {interval:>23} {verdict:>4}");
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Five significant digits.
fn number(v: f64) -> String {
    // the exponent of the rounded value, so that 9.99999 is 10.000
    let scientific = format!("{v:.4e}");
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok());
    match exponent {
        Some(e @ -4..9) if v != 0.0 => format!("{v:.*}", (4 - e).max(0) as usize),
        Some(_) if v != 0.0 => scientific,
        _ => format!("{v}"),
    }
}

/// Without zeros at the end.
fn trimmed(v: f64) -> String {
    format!("{v:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Words in lines of at most `width` columns.
fn wrapped(out: &mut String, text: &str, width: usize) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}
