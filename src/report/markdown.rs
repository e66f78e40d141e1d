//! Markdown: the comparison and the incidents, for a README, a wiki or a comment on a pull request.

use super::format as f;
use super::tables::{self, Grid};
use crate::study::result::RunResult;

/// The comparison of all topologies, their objectives and what each fault did.
pub fn render(run: &RunResult) -> String {
    let mut out = format!("# {}\n\n", escape(&run.scenario.name));
    if run.incomplete {
        out.push_str("**Incomplete:** the run was interrupted; only finished replications are counted.\n\n");
    }
    out.push_str(&format!(
        "{} from {}, seed {}, replications: {}. Multipliers are against `{}`.\n\n",
        f::duration(Some(run.scenario.horizon_s)),
        run.scenario.start,
        run.scenario.seed,
        run.scenario.replications,
        run.scenario.baseline
    ));
    grid(&mut out, &tables::comparison(run));
    if let Some(note) = tables::about_half_widths(run) {
        out.push_str(&format!("\n{note}\n"));
    }
    for t in &run.topologies {
        if t.incidents.is_empty() && t.objectives.is_empty() {
            continue;
        }
        out.push_str(&format!("\n## {}\n", escape(&t.name)));
        if !t.objectives.is_empty() {
            out.push('\n');
            grid(&mut out, &tables::objectives(t));
            for note in tables::about_objectives(run, t) {
                out.push_str(&format!("\n{}\n", escape(&note)));
            }
        }
        if !t.incidents.is_empty() {
            out.push('\n');
            grid(&mut out, &tables::incidents(run, t));
            if let Some(note) = tables::about_incidents(t) {
                out.push_str(&format!("\n{note}\n"));
            }
        }
    }
    out.push_str(
        "\nTTFT: time to first token as users see it, from the intended arrival. Times of incidents count from the start \
         of the fault.\n",
    );
    out
}

fn grid(out: &mut String, g: &Grid) {
    let heads = std::iter::once(g.key.to_owned()).chain(g.columns.iter().map(|c| c.head_in_one_line()));
    row(out, heads);
    out.push_str("|---|");
    for c in &g.columns {
        out.push_str(if c.text { "---|" } else { "---:|" });
    }
    out.push('\n');
    for r in &g.rows {
        row(out, r.iter().map(|cell| escape(cell)));
    }
}

fn row(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push('|');
    for cell in cells {
        out.push_str(&format!(" {cell} |"));
    }
    out.push('\n');
}

/// Keeps names from ending a cell, starting a line or becoming markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '`' | '<' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
