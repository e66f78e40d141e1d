//! What changed between two policies: text for people, CSV with one line per changed request.

use super::csv::{Sheet, optional, plain};
use super::format as f;
use super::text::wrap;
use crate::study::policy_diff::{Effect, PolicyDiff};
use std::fmt::Write as _;
use std::io;

/// The groups, in lines of at most `width` columns (but 40 at least).
pub fn render(diff: &PolicyDiff, width: usize) -> String {
    let width = width.max(40);
    let mut out = String::new();
    let mut paragraph = |indent: usize, text: &str| {
        for line in wrap(text, width - indent) {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    };
    let (a, b) = (&diff.a, &diff.b);
    if a.scenario == b.scenario {
        paragraph(
            0,
            &format!("{}: A = {}, B = {}, replication {}", a.scenario, a.topology, b.topology, diff.replication),
        );
    } else {
        paragraph(0, &format!("A = {} of \"{}\"", a.topology, a.scenario));
        paragraph(0, &format!("B = {} of \"{}\", replication {}", b.topology, b.scenario, diff.replication));
    }
    let share = f::percent(Some(diff.changed as f64 / diff.requests as f64), 1);
    let only = match (diff.only_a, diff.only_b) {
        (0, 0) => String::new(),
        (x, y) => format!("; {} only in A, {} only in B", f::counted(x, "request"), f::count(y)),
    };
    paragraph(
        0,
        &format!(
            "{} in both, the decision changed for {} ({share}){only}",
            f::counted(diff.requests, "request"),
            f::count(diff.changed)
        ),
    );
    paragraph(0, "");
    paragraph(0, "All requests, changed or not, B against A:");
    paragraph(2, &effect(&diff.all));
    for group in &diff.groups {
        paragraph(0, "");
        paragraph(0, &format!("{}: {}", f::counted(group.effect.requests, "request"), group.reason));
        paragraph(2, &effect(&group.effect));
        let examples: Vec<String> = group
            .examples
            .iter()
            .map(|(a, b)| if a == b { a.to_string() } else { format!("{a} (in B {b})") })
            .collect();
        paragraph(2, &format!("for example {}", examples.join(", ")));
    }
    out
}

fn effect(e: &Effect) -> String {
    let both = match (e.ttft_ms, e.total_ms) {
        (Some(ttft), Some(total)) => format!(
            "first token {}, all {} (means over the {} served by both)",
            signed_ms(ttft),
            signed_ms(total),
            f::count(e.served_by_both)
        ),
        _ => "none served by both".to_owned(),
    };
    let sign = if e.token_cost_usd < 0.0 { "-" } else { "+" };
    format!(
        "failed {} -> {}, degraded {} -> {}; {both}; tokens {sign}${:.6}",
        f::count(e.failed_a),
        f::count(e.failed_b),
        f::count(e.degraded_a),
        f::count(e.degraded_b),
        e.token_cost_usd.abs()
    )
}

fn signed_ms(ms: f64) -> String {
    let sign = if ms < 0.0 { "-" } else { "+" };
    if ms == 0.0 { "+0 ms".to_owned() } else { format!("{sign}{}", f::latency(Some(ms.abs()))) }
}

/// One line per changed request.
///
/// # Errors
/// None that a writer in memory could have.
pub fn csv(diff: &PolicyDiff) -> io::Result<String> {
    let mut out = Sheet::new(&COLUMNS)?;
    for c in &diff.changes {
        let (a, b) = (&c.a, &c.b);
        out.row(&[
            c.reason.clone(),
            c.user.clone(),
            plain(c.sent_s),
            a.request.to_string(),
            b.request.to_string(),
            a.regions.join(" "),
            b.regions.join(" "),
            a.calls.join(" "),
            b.calls.join(" "),
            a.outcome.clone(),
            b.outcome.clone(),
            optional(a.ttft_ms),
            optional(b.ttft_ms),
            plain(a.total_ms),
            plain(b.total_ms),
            plain(a.token_cost_usd),
            plain(b.token_cost_usd),
        ])?;
    }
    out.finish()
}

const COLUMNS: [&str; 17] = [
    "reason",
    "user",
    "sent_s",
    "request_a",
    "request_b",
    "regions_a",
    "regions_b",
    "calls_a",
    "calls_b",
    "outcome_a",
    "outcome_b",
    "ttft_ms_a",
    "ttft_ms_b",
    "total_ms_a",
    "total_ms_b",
    "token_cost_usd_a",
    "token_cost_usd_b",
];
