//! Claims as text for a terminal and as the page `docs/claims.md`.

use super::{ClaimResult, Verdict};
use std::fmt::Write;

/// Narrowest text: labels and a few words.
const LEAST_WIDTH: usize = 50;
/// Width of the labels' column.
const LABEL: usize = 12;

/// Words filled into lines of at most `width` characters. A longer word stands alone.
fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let n = word.chars().count();
        match lines.last_mut() {
            Some(line) if length + 1 + n <= width => {
                line.push(' ');
                line.push_str(word);
                length += 1 + n;
            }
            _ => {
                lines.push(word.to_owned());
                length = n;
            }
        }
    }
    lines
}

fn heading(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Reproduced => "reproduced",
        Verdict::ReproducedUnder(_) => "reproduced under an assumption",
        Verdict::Refuted => "refuted",
    }
}

fn tally(results: &[ClaimResult]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| results.iter().filter(|r| wanted(&r.verdict)).count();
    format!(
        "{} claims: {} reproduced, {} reproduced under a named assumption, {} refuted",
        results.len(),
        count(|v| *v == Verdict::Reproduced),
        count(|v| matches!(v, Verdict::ReproducedUnder(_))),
        count(|v| *v == Verdict::Refuted)
    )
}

/// The claims for a terminal `width` characters wide (at least 50), ending in a line break.
pub fn render_text(results: &[ClaimResult], width: usize) -> String {
    let width = width.max(LEAST_WIDTH);
    let mut out = String::new();
    let row = |out: &mut String, label: &str, text: &str| {
        for (i, line) in fill(text, width - 2 - LABEL).iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            let _ = writeln!(out, "  {label:LABEL$}{line}");
        }
    };
    for r in results {
        let _ = writeln!(out, "Claim {}: {}", r.number, heading(&r.verdict));
        row(&mut out, "claim", r.claim);
        row(&mut out, "published", r.published);
        row(&mut out, "ours", &r.ours);
        if let Verdict::ReproducedUnder(assumption) = &r.verdict {
            row(&mut out, "assuming", assumption);
        }
        row(&mut out, "because", &r.explanation);
        row(&mut out, "scenario", &r.scenario);
        if !r.as_expected() {
            row(&mut out, "CHANGED", &format!("this version was released with: {}", r.expected));
        }
        out.push('\n');
    }
    for line in fill(&format!("{}.", tally(results)), width) {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// Up to three decimals, without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The page `docs/claims.md`.
pub fn render_markdown(results: &[ClaimResult]) -> String {
    let mut out = String::from(
        "# Claims\n\n\
         What guides to AI products in several regions say, run as scenarios. `geodes validate claims` prints this page's\n\
         content; the test `claims` compares it with the file and writes it anew with `UPDATE_DOCS=1`. A claim is\n\
         *reproduced* if its figures come out under the inputs that it states, *reproduced under a named assumption* if\n\
         they need one that it does not state, and *refuted* otherwise. Round trips between users and regions are\n\
         estimates unless a line says otherwise: [data.md](data.md) has the fit and its error.\n\n",
    );
    let _ = writeln!(out, "{}.\n", tally(results));
    out.push_str("| claim | published | ours | verdict |\n|---|---|---|---|\n");
    for r in results {
        let _ = writeln!(out, "| [{0}](#claim-{0}) | {1} | {2} | {3} |", r.number, r.published, r.ours, r.verdict);
    }
    for r in results {
        let _ = writeln!(out, "\n## Claim {}\n", r.number);
        let mut paragraph = |label: &str, text: &str| {
            for line in fill(&format!("**{label}:** {text}"), 120) {
                let _ = writeln!(out, "{line}");
            }
            out.push('\n');
        };
        paragraph("Claim", r.claim);
        paragraph("Published", r.published);
        paragraph("Ours", &r.ours);
        paragraph("Verdict", &r.verdict.to_string());
        paragraph("Explanation", &r.explanation);
        paragraph("Tolerance", r.tolerance);
        let files: Vec<String> = r.scenario.split(", ").map(|f| format!("[`{f}`](../scenarios/claims/{f})")).collect();
        paragraph("Scenario", &files.join(", "));
        out.push_str("| figure | value |\n|---|---:|\n");
        for (name, value) in &r.figures {
            let _ = writeln!(out, "| `{name}` | {} |", number(*value));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_and_keeps_every_word() {
        let text = "one two three four five six seven";
        for width in 5..40 {
            let lines = fill(text, width);
            assert!(lines.iter().all(|l| l.chars().count() <= width), "{width}: {lines:?}");
            assert_eq!(lines.join(" "), text);
        }
        assert_eq!(fill("immeasurably long", 4), ["immeasurably", "long"]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(288.3401), "288.34");
        assert_eq!(number(4.0), "4");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(100.0), "100");
    }
}
