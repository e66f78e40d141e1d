//! The definitions as text: the table of `docs/metrics.md`, and the explanation of one metric.

use super::definitions::{Better, MetricDef, Selector, definition, definitions};
use super::errors::ERROR_CLASSES;
use super::reference::{MetricError, MetricRef};
use std::fmt::Write;

/// The table of all metrics for the documentation, in Markdown.
pub fn markdown_table() -> String {
    let mut out =
        String::from("| metric | unit | better | statistics | selectors | meaning |\n|---|---|---|---|---|---|\n");
    for d in definitions() {
        let stats = if d.is_distribution() { "yes" } else { "" };
        let selectors: Vec<String> = d
            .selectors
            .iter()
            .map(|s| if d.required.contains(s) { format!("**{}**", s.name()) } else { s.name().to_owned() })
            .collect();
        let selectors = selectors.join(if d.together { " and " } else { ", " });
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} |",
            d.name,
            d.unit.symbol(),
            d.better.name(),
            stats,
            selectors,
            d.meaning
        );
    }
    out
}

/// What a metric means, as a short text of several lines. Takes a bare name (`ttft_ms`) or a full reference
/// (`ttft_ms.p95{users=berlin}`).
///
/// # Errors
/// [`MetricError`] if there is no such metric.
pub fn explain(text: &str) -> Result<String, MetricError> {
    let def = match definition(text.trim()) {
        Some(def) => def,
        None => MetricRef::parse(text)?.def(),
    };
    Ok(describe(def))
}

fn describe(d: &MetricDef) -> String {
    let mut out = format!("{}\n  {}\n  unit: {}\n", d.name, d.meaning, d.unit.symbol());
    let better = match d.better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
        Better::Neither => "describes the traffic; neither way is better",
    };
    let _ = writeln!(out, "  {better}");
    if d.is_distribution() {
        let names: Vec<&str> = d.stats.iter().map(|s| s.name()).collect();
        let _ = writeln!(out, "  statistics: {}", names.join(", "));
    }
    if !d.selectors.is_empty() {
        let names: Vec<&str> = d.selectors.iter().map(|s| s.name()).collect();
        let how = if d.together { "" } else { " (one at a time)" };
        let _ = writeln!(out, "  selectors: {}{}", names.join(", "), if names.len() > 1 { how } else { "" });
    }
    if d.selectors.contains(&Selector::Error) {
        let _ = writeln!(out, "  error classes: {}", ERROR_CLASSES.join(", "));
    }
    let stat = if d.is_distribution() { ".p95" } else { "" };
    let selector = d.required.first().or(d.selectors.first()).map(|s| format!("{{{}=NAME}}", s.name()));
    let _ = writeln!(out, "  written: {}{stat}{}", d.name, selector.unwrap_or_default());
    out
}
