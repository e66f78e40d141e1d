//! The story of one request as text: one line per step, what happened at the left, why and what was not known below it.

use crate::report::format as f;
use crate::report::text::wrap;
use crate::study::explain::{Found, Kind, Tale};
use std::fmt::Write as _;

/// Columns of the time at the left of a line.
const CLOCK: usize = 11;

/// The story in lines of at most `width` columns (but 40 at least).
pub fn render(tale: &Tale, width: usize) -> String {
    let width = width.max(40);
    let mut out = String::new();
    let mut paragraph = |text: &str| {
        for line in wrap(text, width) {
            let _ = writeln!(out, "{line}");
        }
    };
    paragraph(&format!(
        "Request {} of \"{}\", topology {}, replication {}, seed {}",
        tale.request, tale.scenario, tale.topology, tale.replication, tale.seed
    ));
    paragraph(&format!(
        "{}, workload {}, turn {} of the session, {} prompt tokens; sent {} ({:.3} s)",
        tale.user, tale.workload, tale.turn, tale.prompt_tokens, tale.sent, tale.sent_s
    ));
    let by = tale.deployment.as_ref().map_or(String::new(), |d| format!(" by {d}"));
    let through = tale.region.as_ref().map_or(String::new(), |r| format!(" through {r}"));
    let first = tale.ttft_ms.map_or(String::new(), |ms| format!("first token {:.3} s, ", ms / 1e3));
    let attempts = f::counted(tale.attempts as u64, "attempt");
    paragraph(&format!(
        "{}{by}{through}: {first}all {:.3} s, {attempts}, tokens ${:.6}",
        tale.outcome,
        tale.total_ms / 1e3,
        tale.token_cost_usd
    ));
    out.push('\n');
    let mut shown = None;
    for step in &tale.steps {
        let clock = format!("{:>8.3} s ", step.at_ms / 1e3);
        // a time is written once for all that happens at it
        let clock = if shown.as_ref() == Some(&clock) { " ".repeat(CLOCK) } else { clock };
        let (mark, indent) = match step.kind {
            Kind::Event => ("", 0),
            Kind::Reason => ("- ", 2),
            Kind::Unknown => ("! ", 2),
        };
        let hang = CLOCK + indent + mark.len();
        for (i, line) in wrap(&step.text, width - hang).iter().enumerate() {
            if i == 0 {
                let _ = writeln!(out, "{clock:<CLOCK$}{}{mark}{line}", " ".repeat(indent));
            } else {
                let _ = writeln!(out, "{}{line}", " ".repeat(hang));
            }
        }
        if clock.trim() != "" {
            shown = Some(clock);
        }
    }
    if tale.steps.iter().any(|s| s.kind == Kind::Unknown) {
        out.push_str("\n! true at that moment, and not known to whoever decided\n");
    }
    out
}

/// Requests that were found, a line each.
pub fn render_found(found: &[Found], width: usize) -> String {
    let mut out = format!("{:>10}  {:>12}  what happened\n", "request", "sent");
    for f in found {
        let region = f.region.as_deref().unwrap_or("no region");
        let called = if f.called.is_empty() { "no call".to_owned() } else { f.called.join(", ") };
        let text = format!("{} -> {region} -> {called}: {} after {:.3} s", f.user, f.outcome, f.total_ms / 1e3);
        for (i, line) in wrap(&text, width.max(60) - 26).iter().enumerate() {
            if i == 0 {
                let _ = writeln!(out, "{:>10}  {:>10.3} s  {line}", f.request, f.sent_s);
            } else {
                let _ = writeln!(out, "{:26}{line}", "");
            }
        }
    }
    out
}
