//! The tables of a report, before any format: which columns, in which order, with which figures as text. The terminal and
//! Markdown draw the same tables.

use super::format as f;
use super::format::Clock;
use super::occurrences::{self, Rows};
use crate::measure::{MetricRef, Objective};
use crate::study::result::{IncidentRow, IntervalRow, Percentiles, RunResult, TopologyResult, UserRow};

/// Lines of the bill that a table shows; all of them are in `bill.csv` and `summary.json`.
const BIGGEST_LINES: usize = 8;

/// A table with a first column that names the row.
pub(crate) struct Grid {
    /// Head of the first column.
    pub key: &'static str,
    /// All other columns.
    pub columns: Vec<Column>,
    /// One row per thing; the first cell belongs to the key column.
    pub rows: Vec<Vec<String>>,
}

/// One column.
pub(crate) struct Column {
    /// Columns of one band stay together when a table is too wide and falls apart into several.
    pub band: u8,
    /// What the column shows. A line break is where a terminal starts a new line, a soft hyphen before it where it may
    /// break the word; see [`Column::head_in_one_line`].
    pub head: String,
    /// Text is left-aligned and may wrap; figures are right-aligned and never do.
    pub text: bool,
}

impl Column {
    /// The head where there is room.
    pub fn head_in_one_line(&self) -> String {
        self.head.replace("\u{AD}\n", "").replace("-\n", "-").replace('\n', " ")
    }

    /// The head on several short lines.
    pub fn head_in_lines(&self) -> String {
        self.head.replace('\u{AD}', "-")
    }
}

impl Grid {
    fn new(key: &'static str) -> Grid {
        Grid { key, columns: Vec::new(), rows: Vec::new() }
    }

    /// Columns of figures that belong together.
    fn figures(mut self, heads: &[&str]) -> Grid {
        let band = self.next_band();
        self.columns.extend(heads.iter().map(|h| Column { band, head: (*h).into(), text: false }));
        self
    }

    /// A column of text in a band of its own with the figures that follow.
    fn text(mut self, head: &str) -> Grid {
        let band = self.next_band();
        self.columns.push(Column { band, head: head.into(), text: true });
        self
    }

    /// Joins the last two bands, so that they are split only when they must be.
    fn together(mut self) -> Grid {
        if let Some(last) = self.columns.last().map(|c| c.band) {
            for c in self.columns.iter_mut().filter(|c| c.band == last) {
                c.band = last.saturating_sub(1);
            }
        }
        self
    }

    fn next_band(&self) -> u8 {
        self.columns.last().map_or(0, |c| c.band.saturating_add(1))
    }

    fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len() + 1, "{}", self.key);
        self.rows.push(cells);
    }
}

/// All topologies side by side.
pub(crate) fn comparison(run: &RunResult) -> Grid {
    let mut g = Grid::new("topology")
        .figures(&["TTFT\np50", "TTFT\np95", "TTFT\np99", "e2e\np95"])
        .figures(&["availa\u{AD}\nbility", "degraded", "cross-\nregion"])
        .figures(&["cost", "$ per\n1k", "$ per 1k\nserved", "multi\u{AD}\nplier", "infra\nonly"]);
    for t in &run.topologies {
        let all = t.users.first();
        let ttft = all.map(|u| u.ttft_ms).unwrap_or_default();
        g.row(vec![
            t.name.clone(),
            f::latency(ttft.p50),
            f::latency(ttft.p95),
            f::latency(ttft.p99),
            f::latency(all.and_then(|u| u.e2e_ms.p95)),
            f::availability(all.and_then(|u| u.availability)),
            f::percent(all.and_then(|u| u.degraded_share), 2),
            f::percent(all.and_then(|u| u.cross_region_share), 1),
            f::dollars(t.cost.total_usd),
            f::rate_dollars(t.cost.per_1k_requests_usd),
            f::rate_dollars(all.and_then(|u| u.cost_per_1k_served_usd)),
            f::multiplier(t.cost.multiplier),
            f::multiplier(t.cost.multiplier_infrastructure),
        ]);
        if !t.intervals.is_empty() {
            let half_widths = COMPARED.iter().map(|name| half_width(t, name));
            g.row(std::iter::once(HALF_WIDTH.to_owned()).chain(half_widths).collect());
        }
    }
    g
}

/// The metrics in the columns of [`comparison`].
const COMPARED: [&str; 12] = [
    "ttft_ms.p50",
    "ttft_ms.p95",
    "ttft_ms.p99",
    "e2e_ms.p95",
    "availability",
    "degraded_share",
    "cross_region_share",
    "cost_usd",
    "cost_per_1k_requests_usd",
    "cost_per_1k_served_usd",
    "cost_multiplier",
    "cost_multiplier_infra",
];

/// Names the row of [`comparison`] under each topology that says how sure its figures are.
const HALF_WIDTH: &str = "±";

/// What [`HALF_WIDTH`] means; `None` with a single replication, which says nothing about its own error.
pub(crate) fn about_half_widths(run: &RunResult) -> Option<String> {
    let n = run.scenario.replications;
    run.topologies
        .iter()
        .any(|t| !t.intervals.is_empty())
        .then(|| format!("{HALF_WIDTH}: half of the 95 % interval of the mean over {n} replications (Student's t)."))
}

fn half_width(t: &TopologyResult, name: &str) -> String {
    match (MetricRef::parse(name), t.intervals.get(name)) {
        (Ok(metric), Some(i)) => f::metric_margin(&metric, (i.high - i.low) / 2.0),
        _ => f::MISSING.into(),
    }
}

/// What each group felt and cost.
pub(crate) fn users(t: &TopologyResult) -> Grid {
    let mut g = Grid::new("users")
        .figures(&["requests"])
        .figures(&["TTFT\np50", "TTFT\np95", "TTFT\np99", "TTFT\nmax"])
        .together()
        .figures(&["e2e\np50", "e2e\np95", "e2e\np99", "e2e\nmax"])
        .figures(&["availa\u{AD}\nbility", "slow", "fallback", "degraded", "cross-\nregion", "stale\nreads"])
        .figures(&["cost", "$ per\n1k", "multi\u{AD}\nplier"]);
    for u in &t.users {
        let mut row = vec![u.users.clone(), f::count(u.requests)];
        row.extend(percentiles(u.ttft_ms));
        row.extend(percentiles(u.e2e_ms));
        row.extend([
            f::availability(u.availability),
            f::percent(u.slow_share, 1),
            f::percent(u.fallback_share, 2),
            f::percent(u.degraded_share, 2),
            f::percent(u.cross_region_share, 1),
            f::count(u.stale_reads),
            f::dollars(u.cost_usd),
            f::rate_dollars(u.cost_per_1k_usd),
            f::multiplier(u.cost_multiplier),
        ]);
        g.row(row);
    }
    g
}

fn percentiles(p: Percentiles) -> [String; 4] {
    [p.p50, p.p95, p.p99, p.max].map(f::latency)
}

/// Each application region.
pub(crate) fn regions(t: &TopologyResult) -> Grid {
    let caches = t.regions.iter().any(|r| r.cache_hit_share.is_some());
    let mut g = Grid::new("region")
        .figures(&["requests", "share", "failed"])
        .figures(&["TTFT\np50", "TTFT\np95", "e2e\np95"])
        .figures(if caches { &["slots\nin use", "input\ncached", "cost"] } else { &["slots\nin use", "cost"] });
    for r in &t.regions {
        let mut row = vec![
            r.region.clone(),
            f::count(r.requests),
            f::percent(r.traffic_share, 1),
            f::count(r.failed),
            f::latency(r.ttft_ms.p50),
            f::latency(r.ttft_ms.p95),
            f::latency(r.e2e_ms.p95),
            f::percent(r.utilisation, 1),
        ];
        row.extend(caches.then(|| f::percent(r.cache_hit_share, 1)));
        row.push(f::dollars(r.cost_usd));
        g.row(row);
    }
    g
}

/// Which share of each group's turns went to which region; `None` with a single region, where it says nothing.
pub(crate) fn user_regions(t: &TopologyResult) -> Option<Grid> {
    if t.regions.len() < 2 {
        return None;
    }
    let mut g = Grid::new("users");
    for r in &t.regions {
        g = g.figures(&[&r.region]);
    }
    let shares = |u: &UserRow| -> Vec<String> {
        (0..t.regions.len()).map(|i| f::percent(u.region_shares.get(i).copied().flatten(), 1)).collect()
    };
    for u in &t.users {
        let mut row = vec![u.users.clone()];
        row.extend(shares(u));
        g.row(row);
    }
    Some(g)
}

/// Failed turns by class.
pub(crate) fn errors(t: &TopologyResult) -> Grid {
    let mut g = Grid::new("class").figures(&["turns", "of all\nturns"]);
    for e in &t.errors {
        g.row(vec![e.class.clone(), f::count(e.count), f::percent(Some(e.share), 3)]);
    }
    g
}

/// Failed turns of each group of users by class; `None` when one group is all there is.
pub(crate) fn user_errors(t: &TopologyResult) -> Option<Grid> {
    let failing = || t.users.iter().skip(1).filter(|u| !u.errors.is_empty());
    if t.users.len() < 3 || failing().next().is_none() {
        return None;
    }
    let classes: Vec<&str> = t.errors.iter().map(|e| e.class.as_str()).collect();
    let headings: Vec<String> = classes.iter().map(|c| c.replace('_', "\n")).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut g = Grid::new("users").figures(&headings);
    for u in failing() {
        let counts = classes.iter().map(|c| f::count(u.errors.get(*c).copied().unwrap_or(0)));
        g.row(std::iter::once(u.users.clone()).chain(counts).collect());
    }
    Some(g)
}

/// What each fault did.
pub(crate) fn incidents(run: &RunResult, t: &TopologyResult) -> Grid {
    let clock = Clock::new(&run.scenario.start).ok();
    let mut g = Grid::new("incident")
        .text("what happened")
        .figures(&["from\n(UTC)", "for"])
        .together()
        .figures(&["detected\nafter", "half\nmoved", "99 %\nmoved", "over\nafter"])
        .figures(&["requests", "failed", "slow", "degraded", "stale\nreads", "writes\nlost"]);
    let at = |i: &IncidentRow| {
        clock.map_or_else(|| f::duration(Some(i.at_s)), |c| time_of(c, run.scenario.horizon_s, i.at_s))
    };
    for rows in occurrences::rows(&t.incidents) {
        match rows {
            Rows::One(i) => g.row(incident(i, i.name.clone(), at(i))),
            Rows::Recurring(all) => {
                let (median, worst) = (occurrences::median(&all), occurrences::worst(&all));
                let times = format!("{} times", all.len());
                g.row(incident(&median, format!("{}, median", median.name), times));
                if worst.failed + worst.slow + worst.degraded > 0 {
                    g.row(incident(worst, format!("{}, worst", worst.name), at(worst)));
                }
            }
        }
    }
    g
}

fn incident(i: &IncidentRow, name: String, from: String) -> Vec<String> {
    let target = if i.what.contains(&i.target) { String::new() } else { format!(": {}", i.target) };
    vec![
        name,
        format!("{}{target}", i.what),
        from,
        f::duration(Some(i.lasted_s)),
        f::duration(i.detected_s),
        f::duration(i.moved_half_s),
        f::duration(i.moved_99_s),
        f::duration(i.over_s),
        f::count(i.requests),
        f::count(i.failed),
        f::count(i.slow),
        f::count(i.degraded),
        f::count(i.stale_reads),
        i.writes_lost.map_or_else(|| f::MISSING.to_owned(), f::count),
    ]
}

/// Time of day; with the date when the horizon is longer than a day.
fn time_of(clock: Clock, horizon_s: f64, at_s: f64) -> String {
    if horizon_s > 86_400.0 {
        format!("{} {}", clock.date(at_s), clock.time_of_day(at_s))
    } else {
        clock.time_of_day(at_s)
    }
}

/// The bill by category, with the total and both multipliers.
pub(crate) fn categories(t: &TopologyResult) -> Grid {
    let mut g = Grid::new("category").figures(&["amount", "of total"]);
    let c = &t.cost;
    let of_total = |x: f64| f::percent((c.total_usd > 0.0).then(|| x / c.total_usd), 1);
    for (name, amount) in &c.by_category {
        g.row(vec![name.clone(), f::dollars(*amount), of_total(*amount)]);
    }
    g.row(vec!["total".into(), f::dollars(c.total_usd), of_total(c.total_usd)]);
    g
}

/// The biggest lines of the bill.
pub(crate) fn biggest_lines(t: &TopologyResult) -> Grid {
    let mut g = Grid::new("biggest lines").text("region").together().text("price").together();
    g = g.figures(&["quantity"]).together().figures(&["amount"]).together();
    for l in t.cost.lines.iter().take(BIGGEST_LINES) {
        g.row(vec![
            l.item.clone(),
            l.region.clone(),
            l.price.clone(),
            format!("{} {}", f::number(l.quantity), l.unit),
            f::dollars(l.amount_usd),
        ]);
    }
    g
}

/// How many lines [`biggest_lines`] leaves out.
pub(crate) fn lines_left_out(t: &TopologyResult) -> usize {
    t.cost.lines.len().saturating_sub(BIGGEST_LINES)
}

/// Model deployments as called.
pub(crate) fn deployments(t: &TopologyResult) -> Grid {
    let races = t.deployments.iter().any(|d| d.abandoned > 0);
    let spills = t.deployments.iter().any(|d| d.spilled > 0);
    let caches = t.deployments.iter().any(|d| d.cached_input_tokens.is_some());
    let mut ends = vec!["attempts", "ok", "429", "failed"];
    ends.extend(races.then_some("given up"));
    ends.extend(spills.then_some("spilled\nover"));
    let mut g = Grid::new("deployment")
        .text("region")
        .figures(&ends)
        .together()
        .figures(&["model\nTTFT p50", "model\nTTFT p95"])
        .figures(if caches {
            &["input\ntokens", "input\ncached", "output\ntokens"]
        } else {
            &["input\ntokens", "output\ntokens"]
        });
    for d in &t.deployments {
        let mut row = vec![d.deployment.clone(), d.region.clone()];
        row.extend([d.attempts, d.ok, d.rate_limited, d.failed].map(f::count));
        row.extend(races.then(|| f::count(d.abandoned)));
        row.extend(spills.then(|| f::count(d.spilled)));
        row.extend([f::latency(d.model_ttft_ms.p50), f::latency(d.model_ttft_ms.p95), tokens(d.input_tokens)]);
        row.extend(caches.then(|| f::percent(d.cache_hit_share, 1)));
        row.push(tokens(d.output_tokens));
        g.row(row);
    }
    g
}

/// Fleets of replicas.
pub(crate) fn fleets(t: &TopologyResult) -> Grid {
    let mut g = Grid::new("fleet")
        .text("placement")
        .figures(&["target", "below\ntarget"])
        .together()
        .figures(&["spot\nhours", "on-demand\nhours", "cost"])
        .figures(&["started", "reclaimed", "refused"]);
    for r in &t.fleets {
        g.row(vec![
            r.fleet.clone(),
            r.placement.into(),
            f::count(u64::from(r.target)),
            f::percent(Some(r.below_target_share), 2),
            f::number(r.spot_h),
            f::number(r.on_demand_h),
            f::dollars(r.cost_usd),
            f::count(r.started),
            f::count(r.reclaimed),
            f::count(r.refused),
        ]);
    }
    g
}

/// Tokens in the unit that prices use.
fn tokens(n: u64) -> String {
    if n < 1_000_000 { f::count(n) } else { format!("{} M", f::number(n as f64 / 1e6)) }
}

/// Objectives and what came out.
pub(crate) fn objectives(t: &TopologyResult) -> Grid {
    let with_intervals = t.objectives.iter().any(|o| o.interval.is_some());
    let mut g = Grid::new("objective").figures(&["value"]);
    if with_intervals {
        g = g.figures(&["95 % interval"]).together();
    }
    g = g.text("verdict").together();
    for o in &t.objectives {
        let metric = Objective::parse(&o.objective).ok().map(|parsed| parsed.metric().clone());
        let show = |value: Option<f64>| match &metric {
            Some(metric) => f::metric_value(metric, value),
            None => value.map_or_else(|| f::MISSING.into(), f::number),
        };
        let mut row = vec![o.objective.clone(), show(o.value)];
        if with_intervals {
            let within = |x: f64| Some(metric.as_ref().map_or(x, |m| f::within_unit(m, x)));
            let ends = |i: IntervalRow| format!("{} to {}", show(within(i.low)), show(within(i.high)));
            row.push(o.interval.map_or_else(|| f::MISSING.into(), ends));
        }
        row.push(o.verdict.name().into());
        g.row(row);
    }
    g
}

/// What has to be said about verdicts beside the table: how they came about, and why there are values missing.
pub(crate) fn about_objectives(run: &RunResult, t: &TopologyResult) -> Vec<String> {
    let mut notes = Vec::new();
    if t.objectives.iter().any(|o| o.interval.is_some()) {
        notes.push(format!(
            "The interval of the mean over {} replications decides: inconclusive when the limit lies inside it.",
            run.scenario.replications
        ));
    }
    let reasons = t.objectives.iter().filter_map(|o| Some(format!("{}: {}.", o.objective, o.note.as_ref()?)));
    notes.extend(reasons);
    notes
}

/// What the rows of incidents leave out; `None` if nothing.
pub(crate) fn about_incidents(t: &TopologyResult) -> Option<String> {
    let shortened = occurrences::are_shortened(&t.incidents).then(|| {
        format!(
            "Faults that came back more than {} times: the median of each figure (of a duration over the times that have \
             one) and the time with the most failed requests; every single one is in incidents.csv and summary.json.",
            occurrences::MOST_SHOWN
        )
    });
    let notes: Vec<String> = shortened.into_iter().chain(unseen(t)).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// Occurrences of faults that were not looked at closely.
fn unseen(t: &TopologyResult) -> Option<String> {
    let further = match t.incidents_not_shown {
        0 => return None,
        1 => "1 further occurrence not shown".to_owned(),
        n => format!("{} further occurrences not shown", f::count(n)),
    };
    Some(format!("{further}: a run looks closely at 64 at the most, those at a fixed time first."))
}
