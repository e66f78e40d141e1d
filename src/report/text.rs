//! The report on a terminal: tables that fit the width they are given, wide ones falling apart into several narrow ones
//! that repeat the first column.

use super::format as f;
use super::tables::{self, Grid};
use crate::study::result::{ObjectiveVerdict, RunResult, TopologyResult};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

/// Narrower terminals get tables of this width all the same.
const NARROWEST: usize = 40;

/// Widest running text, in columns: longer lines are hard to read.
const WIDEST_TEXT: usize = 110;

/// How wide a column of text may be before it wraps, when the table has to be made narrower.
const TEXT_WRAP: usize = 26;

/// Blanks between columns: one of padding and one where a rule would stand.
const GAP: u16 = 2;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions {
    /// Columns of the terminal; no line is longer (40 at the least).
    pub width: usize,
    /// Bold headings and red for what was missed, as ANSI escapes.
    pub color: bool,
}

/// The whole report: the comparison first, then each topology.
pub fn render(run: &RunResult, options: TextOptions) -> String {
    let mut page = Page { width: options.width.max(NARROWEST), color: options.color, out: String::new() };
    page.head(run);
    if run.topologies.is_empty() {
        page.paragraph("Nothing was simulated.");
    } else {
        page.heading("Topologies compared");
        page.grid(&tables::comparison(run));
        page.paragraph(&format!("Multipliers are against {}; infra only = without tokens.", run.scenario.baseline));
        if let Some(note) = tables::about_half_widths(run) {
            page.paragraph(&note);
        }
    }
    for t in &run.topologies {
        page.topology(run, t);
    }
    page.foot(run);
    page.out
}

struct Page {
    width: usize,
    color: bool,
    out: String,
}

impl Page {
    fn head(&mut self, run: &RunResult) {
        let s = &run.scenario;
        self.title(&s.name);
        let turns: u64 = run.topologies.iter().map(|t| t.turns).sum();
        let events: u64 = run.topologies.iter().map(|t| t.events).sum();
        self.paragraph(&format!(
            "{} from {} after {} of warm-up, seed {}, {}; {} and {} simulated.",
            f::duration(Some(s.horizon_s)),
            s.start,
            f::duration(Some(s.warmup_s)),
            s.seed,
            f::counted(s.replications.into(), "replication"),
            f::counted(turns, "turn"),
            f::counted(events, "event"),
        ));
        if s.replications > 1 {
            self.paragraph("Counts are totals of all replications; money and hours are the mean of one.");
        }
        if run.incomplete {
            self.alarm("INCOMPLETE: the run was interrupted; only finished replications are counted.");
        }
    }

    fn topology(&mut self, run: &RunResult, t: &TopologyResult) {
        let regions: Vec<&str> = t.regions.iter().map(|r| r.region.as_str()).collect();
        self.out.push('\n');
        let baseline = if t.is_baseline { " (baseline)" } else { "" };
        self.title(&format!("{}{baseline}", t.name));
        self.paragraph(&regions.join(", "));

        if !t.objectives.is_empty() {
            self.heading("Objectives");
            self.grid(&tables::objectives(t));
            for note in tables::about_objectives(run, t) {
                self.paragraph(&note);
            }
        }
        self.heading("What users felt and cost");
        self.grid(&tables::users(t));
        self.heading("Traffic per region");
        self.grid(&tables::regions(t));
        if let Some(g) = tables::user_regions(t) {
            self.heading("Share of each group's requests per region");
            self.grid(&g);
        }
        self.heading("Errors");
        if t.errors.is_empty() {
            self.paragraph("No request failed.");
        } else {
            self.grid(&tables::errors(t));
            if let Some(g) = tables::user_errors(t) {
                self.grid(&g);
            }
        }
        if !t.incidents.is_empty() {
            self.heading("Incidents");
            self.grid(&tables::incidents(run, t));
            self.paragraph(&format!(
                "Times count from the start of the fault. Slow: first token after more than {}.",
                f::duration(Some(run.scenario.slow_over_ms / 1e3))
            ));
            if t.incidents.iter().any(|i| i.writes_lost.is_none()) {
                self.paragraph("Writes lost: – where no region survived; writes are unavailable then, not lost.");
            }
            if let Some(note) = tables::about_incidents(t) {
                self.paragraph(&note);
            }
        }
        if !t.deployments.is_empty() {
            self.heading("Model deployments");
            self.grid(&tables::deployments(t));
        }
        if !t.fleets.is_empty() {
            self.heading("Replicas of self-hosted models");
            self.grid(&tables::fleets(t));
        }
        self.heading("Cost");
        self.grid(&tables::categories(t));
        self.out.push('\n');
        self.paragraph(&format!(
            "{} per 1,000 requests, {} per month of 730 h, {} the baseline ({} without tokens).",
            f::rate_dollars(t.cost.per_1k_requests_usd),
            f::dollars(t.cost.per_month_usd),
            f::multiplier(t.cost.multiplier),
            f::multiplier(t.cost.multiplier_infrastructure),
        ));
        if !t.cost.lines.is_empty() {
            self.out.push('\n');
            self.grid(&tables::biggest_lines(t));
        }
        match tables::lines_left_out(t) {
            0 => {}
            1 => self.paragraph("One smaller line is in bill.csv."),
            n => self.paragraph(&format!("{n} smaller lines are in bill.csv.")),
        }
    }

    fn foot(&mut self, run: &RunResult) {
        let s = &run.scenario;
        self.out.push('\n');
        self.title("How to read this");
        self.paragraph(
            "TTFT is the time to first token and e2e the time to the last one, as users see them: from the moment they \
             meant to send the request, with name resolution, connection, queueing and retries in it. Of 100 requests, \
             95 were at most as slow as p95. Availability counts requests served within their time limit; degraded \
             answers count as served and are shown apart.",
        );
        let estimated = s.network.iter().filter(|l| l.estimated).count();
        let assumed = s.defaults.iter().filter(|d| d.provenance.contains("ASSUMPTION")).count();
        let mut notes = Vec::new();
        if estimated > 0 {
            notes.push(format!("{estimated} of {} network paths are estimated from distance", s.network.len()));
        }
        if !s.defaults.is_empty() {
            notes.push(format!(
                "{} that the file did not state came from defaults, {assumed} of them marked ASSUMPTION",
                if s.defaults.len() == 1 { "1 value".into() } else { format!("{} values", s.defaults.len()) }
            ));
        }
        if !notes.is_empty() {
            self.paragraph(&format!("{}. summary.json lists each with its source.", notes.join("; ")));
        }
    }

    /// Bold line with a rule under it.
    fn title(&mut self, text: &str) {
        for line in wrap(text, self.width) {
            self.styled("1", &line);
        }
        self.line(&"═".repeat(self.width.min(WIDEST_TEXT)));
    }

    fn heading(&mut self, text: &str) {
        self.out.push('\n');
        for line in wrap(text, self.width) {
            self.styled("1", &line);
        }
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrap(text, self.width.min(WIDEST_TEXT)) {
            self.line(&line);
        }
    }

    fn alarm(&mut self, text: &str) {
        for line in wrap(text, self.width) {
            self.styled("1;31", &line);
        }
    }

    fn grid(&mut self, grid: &Grid) {
        for (i, columns) in split(grid, self.width).into_iter().enumerate() {
            if i > 0 {
                self.out.push('\n');
            }
            for line in draw(grid, &columns, self.width) {
                if line.trim_end().ends_with(ObjectiveVerdict::Missed.name()) {
                    self.styled("31", line.trim_end());
                } else {
                    self.line(line.trim_end());
                }
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A whole line in one ANSI style; plain without colour.
    fn styled(&mut self, sgr: &str, text: &str) {
        if self.color && !text.is_empty() {
            self.line(&format!("\x1b[{sgr}m{text}\x1b[0m"));
        } else {
            self.line(text);
        }
    }
}

/// Which columns go into which of the narrow tables: whole bands as long as they fit, a band that is too wide for a table
/// of its own column by column. Index 0 is the key column and not listed.
fn split(grid: &Grid, width: usize) -> Vec<Vec<usize>> {
    let natural = natural_widths(grid);
    let wanted = |c: usize| -> usize {
        let w = natural[c];
        let flexible = c == 0 || grid.columns[c - 1].text;
        (if flexible { w.min(TEXT_WRAP) } else { w }) + if c == 0 { 0 } else { GAP as usize }
    };
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut used = width + 1;
    let all: Vec<usize> = (1..=grid.columns.len()).collect();
    for band in all.chunk_by(|&a, &b| grid.columns[a - 1].band == grid.columns[b - 1].band) {
        let band_width: usize = band.iter().map(|&c| wanted(c)).sum();
        if used + band_width <= width {
            parts.last_mut().expect("the first band opens a table").extend(band);
            used += band_width;
            continue;
        }
        parts.push(Vec::new());
        used = wanted(0);
        for &c in band {
            if used + wanted(c) > width && !parts.last().is_some_and(Vec::is_empty) {
                parts.push(Vec::new());
                used = wanted(0);
            }
            parts.last_mut().expect("just opened").push(c);
            used += wanted(c);
        }
    }
    parts
}

/// Width of every column if nothing wraps except heads, at blanks.
fn natural_widths(grid: &Grid) -> Vec<usize> {
    table(grid, &(1..=grid.columns.len()).collect::<Vec<_>>())
        .column_max_content_widths()
        .into_iter()
        .map(usize::from)
        .collect()
}

fn table(grid: &Grid, columns: &[usize]) -> Table {
    const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table.load_style(STYLE);
    let head = |c: usize| match c {
        0 => grid.key.to_owned(),
        c => grid.columns[c - 1].head_in_lines(),
    };
    let all: Vec<usize> = std::iter::once(0).chain(columns.iter().copied()).collect();
    let align = |c: usize| match c {
        0 => CellAlignment::Left,
        c if grid.columns[c - 1].text => CellAlignment::Left,
        _ => CellAlignment::Right,
    };
    // Heads of one line stand on the line next to the figures.
    let lines = all.iter().map(|&c| head(c).matches('\n').count()).max().unwrap_or(0);
    table.set_header(all.iter().map(|&c| {
        let text = head(c);
        let above = lines - text.matches('\n').count();
        Cell::new(format!("{}{text}", " \n".repeat(above))).set_alignment(align(c))
    }));
    for row in &grid.rows {
        table.add_row(all.iter().map(|&c| Cell::new(&row[c]).set_alignment(align(c))));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { GAP - 1 }, 0));
    }
    table
}

fn draw(grid: &Grid, columns: &[usize], width: usize) -> Vec<String> {
    let mut t = table(grid, columns);
    let natural: Vec<usize> = t.column_max_content_widths().into_iter().map(usize::from).collect();
    let gaps = columns.len() * GAP as usize;
    if natural.iter().sum::<usize>() + gaps > width {
        let flexible: Vec<bool> =
            std::iter::once(true).chain(columns.iter().map(|&c| grid.columns[c - 1].text)).collect();
        let fixed: usize = natural.iter().zip(&flexible).filter(|(_, f)| !**f).map(|(w, _)| w).sum();
        let room = width.saturating_sub(fixed + gaps);
        let shares = share_out(&natural, &flexible, room);
        t.set_content_arrangement(ContentArrangement::Dynamic);
        t.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        for (i, column) in t.column_iter_mut().enumerate() {
            let w = u16::try_from(shares[i]).unwrap_or(u16::MAX);
            let pad = if i == 0 { 0 } else { GAP - 1 };
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(w + pad)));
        }
    }
    t.lines().collect()
}

/// Gives flexible columns what they want, the widest ones less until all fit into `room`; each keeps at least 8.
fn share_out(natural: &[usize], flexible: &[bool], room: usize) -> Vec<usize> {
    let mut widths = natural.to_vec();
    loop {
        let used: usize = widths.iter().zip(flexible).filter(|(_, f)| **f).map(|(w, _)| w).sum();
        let widest = (0..widths.len()).filter(|&i| flexible[i]).max_by_key(|&i| (widths[i], i));
        match widest {
            Some(i) if used > room && widths[i] > 8 => widths[i] -= 1,
            _ => return widths,
        }
    }
}

/// Breaks text at blanks; a word longer than the width is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        let line = lines.last_mut().expect("never empty");
        if used > 0 && used + 1 + rest.len() <= width {
            line.push(' ');
            line.extend(&rest);
            used += 1 + rest.len();
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            lines.last_mut().expect("never empty").extend(&rest);
            lines.push(String::new());
            rest = tail;
        }
        lines.last_mut().expect("never empty").extend(&rest);
        used = rest.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_blanks_and_cuts_what_cannot() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
