//! The comparison as plain text.

use super::result::{Comparison, Coverage, LawResult, Verdict};
use std::fmt::Write;

/// Narrower than this the table does not get.
const NARROWEST: usize = 72;

/// Wider than this is hard to read.
const WIDEST: usize = 110;

/// The tables of laws and of coverage for a terminal of `width` columns (80 is enough): one block per law, its source
/// under its name.
pub fn render_table(laws: &[LawResult], coverage: &[Coverage], width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut out = String::new();
    if !laws.is_empty() {
        // parameters take what the numbers leave: 11 + 11 + 24 + 5 with one blank before each
        let first = (width - 55).min(34);
        row(&mut out, first, "law", "exact", "simulated", "interval", "");
        let _ = writeln!(out, "{}", "-".repeat(first + 55));
        for block in laws.chunk_by(|a, b| a.law == b.law) {
            let _ = writeln!(out, "{}", block[0].law);
            wrapped(&mut out, block[0].source, width);
            for r in block {
                let interval = match r.comparison {
                    Comparison::Interval => format!("{} .. {}", number(r.low), number(r.high)),
                    Comparison::Equal => "must be equal".to_owned(),
                };
                let verdict = if r.verdict == Verdict::Pass { "pass" } else { "FAIL" };
                let name = format!("  {}", r.parameters);
                row(&mut out, first, &name, &number(r.exact), &number(r.simulated), &interval, verdict);
            }
        }
        let failed = laws.iter().filter(|r| r.verdict == Verdict::Fail).count();
        let _ = writeln!(out, "\n{} of {} comparisons hold.", laws.len() - failed, laws.len());
        let confidence = laws.iter().filter(|r| r.comparison == Comparison::Interval).map(|r| r.confidence);
        if let Some(c) = confidence.reduce(f64::min) {
            let note = format!(
                "Intervals hold with {} % each, by Student's t over independent replications, so that all of them \
                 together hold with 99.9 %.",
                trimmed(100.0 * c)
            );
            wrapped(&mut out, &note, width);
        }
    }
    if !coverage.is_empty() {
        if !laws.is_empty() {
            out.push('\n');
        }
        let first = (width - 41).min(50);
        let _ = writeln!(out, "{:first$} {:>11} {:>6} {:>6} {:>7} ", "coverage", "exact", "seeds", "missed", "allowed");
        let _ = writeln!(out, "{}", "-".repeat(first + 39));
        for c in coverage {
            let name = format!("{}, {}", c.law, c.parameters);
            let verdict = if c.pass { "pass" } else { "FAIL" };
            let (exact, seeds) = (number(c.exact), c.seeds);
            let _ = writeln!(out, "{name:first$} {exact:>11} {seeds:>6} {:>6} {:>7} {verdict}", c.missed, c.allowed);
        }
    }
    out
}

fn row(out: &mut String, first: usize, name: &str, exact: &str, simulated: &str, interval: &str, verdict: &str) {
    let line = format!("{name:first$} {exact:>11} {simulated:>11} {interval:>24} {verdict:>4}");
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Five significant digits.
fn number(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let magnitude = libm::floor(libm::log10(v.abs())) as i32;
    if !(-5..9).contains(&magnitude) {
        return format!("{v:.4e}");
    }
    format!("{v:.*}", (4 - magnitude).max(0) as usize)
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
