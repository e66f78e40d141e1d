//! `availability.svg`: the shares of requests that failed, were answered degraded or answered slowly, per topology,
//! around each fault.

use super::axes::{self, Entry, Frame, Labels, RIGHT, Scale, TimeAxis, Window};
use super::canvas::{self, Pen, Stroke};
use crate::report::format as f;
use crate::study::result::{RunResult, SeriesCell, TopologyResult};
use std::io;

const WIDTH: f64 = 960.0;

/// Height of the plots of one fault with their axis and labels.
const ROW: f64 = 440.0;

/// Space between plots above each other.
const GAP: f64 = 16.0;

/// Faults shown at most; with more, those that hit the most requests.
const MOST_PANELS: usize = 6;

pub(super) fn draw(run: &RunResult) -> io::Result<String> {
    let title = "Failed, degraded and slow requests around each fault";
    let all = faults(run);
    let mut panels: Vec<(f64, f64)> = worst(run, &all).into_iter().map(|w| span(run, w)).collect();
    let mut what = format!(
        "Shares of the requests of each {}. Slow: first token after more than {}.",
        interval(run),
        f::duration(Some(run.scenario.slow_over_ms / 1e3))
    );
    if all.len() > MOST_PANELS {
        what.push_str(&format!(" The {MOST_PANELS} faults of {} that hit most.", all.len()));
    }
    what = format!("{what} {}", run.scenario.name);
    if panels.is_empty() {
        panels.push((0.0, run.scenario.horizon_s));
    }
    let columns = panels.len().min(2);
    let rows = panels.len().div_ceil(columns);
    let legend: Vec<Entry> = run
        .topologies
        .iter()
        .enumerate()
        .map(|(i, t)| Entry::compared(i, &t.name))
        .chain((!all.is_empty()).then(axes::fault_entry))
        .collect();
    let size = (WIDTH, 120.0 + ROW * rows as f64);
    canvas::picture(size, title, &what, |pen| {
        let top = axes::head(pen, WIDTH, title, &what, &legend)?;
        let row = (size.1 - top) / rows as f64;
        let column = (WIDTH - RIGHT) / columns as f64;
        for (i, &(from, to)) in panels.iter().enumerate() {
            let (r, c) = (i / columns, i % columns);
            let frame = Frame {
                left: column * c as f64 + 84.0,
                top: top + row * r as f64,
                right: column * (c as f64 + 1.0),
                bottom: top + row * (r as f64 + 1.0) - 54.0,
            };
            panel(pen, run, &all, frame, from, to)?;
        }
        Ok(())
    })
}

fn interval(run: &RunResult) -> String {
    let s = run.topologies.iter().find_map(|t| t.timeline.first()).map_or(60.0, |s| s.interval_s);
    axes::interval_name(s)
}

/// Every fault that any topology met, in order of time.
fn faults(run: &RunResult) -> Vec<Window> {
    let mut all: Vec<Window> = Vec::new();
    for w in run.topologies.iter().flat_map(axes::windows) {
        if !all.contains(&w) {
            all.push(w);
        }
    }
    all.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then_with(|| a.name.cmp(&b.name)));
    all
}

/// The faults that hit most requests over all topologies, in order of time.
fn worst<'a>(run: &RunResult, all: &'a [Window]) -> Vec<&'a Window> {
    let hit = |w: &Window| -> u64 {
        let rows = run.topologies.iter().flat_map(|t| &t.incidents);
        rows.filter(|i| i.name == w.name && i.at_s == w.at_s).map(|i| i.failed + i.degraded + i.slow).sum()
    };
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(hit(&all[i])), i));
    order.truncate(MOST_PANELS);
    order.sort_unstable();
    order.into_iter().map(|i| &all[i]).collect()
}

/// The time shown around a fault: a bit before it, and after it until users were no longer affected, though never more
/// than four times as long as the fault.
fn span(run: &RunResult, w: &Window) -> (f64, f64) {
    let around = (w.lasted_s * 0.35).max(600.0);
    let rows = run.topologies.iter().flat_map(|t| &t.incidents);
    let over =
        rows.filter(|i| i.name == w.name && i.at_s == w.at_s).filter_map(|i| i.over_s).fold(w.lasted_s, f64::max);
    let end = w.at_s + over.min(w.lasted_s * 4.0 + 600.0) + around;
    ((w.at_s - around).max(0.0), end.min(run.scenario.horizon_s.max(w.at_s + w.lasted_s)))
}

fn panel(pen: &Pen<'_>, run: &RunResult, windows: &[Window], frame: Frame, from: f64, to: f64) -> io::Result<()> {
    let axis = TimeAxis::new(run, frame, from, to)?;
    let labels = Labels::place(windows, &axis, frame);
    let top = frame.top + labels.height();
    let height = (frame.bottom - top - GAP * (WHAT.len() - 1) as f64) / WHAT.len() as f64;
    let ticks = axis.ticks(frame);
    for (i, what) in WHAT.iter().enumerate() {
        let top = top + (height + GAP) * i as f64;
        let strip = Frame { top, bottom: top + height, ..frame };
        if i + 1 == WHAT.len() {
            axes::x_axis(pen, strip, axis.scale, &ticks, &axis.title())?;
        } else {
            axes::x_grid(pen, strip, axis.scale, &ticks)?;
        }
        what.draw(pen, run, &axis, strip, windows)?;
        if i == 0 {
            axes::name_windows(pen, strip, &axis, windows, &labels)?;
        }
        axes::axis_lines(pen, strip)?;
    }
    Ok(())
}

/// One thing that may happen to a request.
struct What {
    name: &'static str,
    count: fn(&SeriesCell) -> u64,
}

const WHAT: [What; 3] = [
    What { name: "Failed", count: |c| c.failed },
    What { name: "Degraded", count: |c| c.degraded },
    What { name: "Slow", count: |c| c.slow },
];

impl What {
    fn draw(
        &self,
        pen: &Pen<'_>,
        run: &RunResult,
        axis: &TimeAxis,
        frame: Frame,
        windows: &[Window],
    ) -> io::Result<()> {
        let lines: Vec<Vec<Step>> = run.topologies.iter().map(|t| self.steps(t, axis.from_s, axis.to_s)).collect();
        let most = lines.iter().flatten().filter_map(|s| s.share).fold(0.0, f64::max);
        // A few requests in a thousand are noise at the bottom of the plot, not its top.
        let ticks = axes::linear_ticks(most.max(0.005), 3, axes::share_label);
        let y = Scale::linear(0.0, ticks.last().map_or(1.0, |t| t.at), frame.bottom, frame.top);
        axes::y_axis(pen, frame, y, &ticks, self.name)?;
        axes::shade(pen, frame, axis, windows)?;
        for (i, steps) in lines.iter().enumerate() {
            // A share belongs to a whole interval; a slope between two would say more than was measured.
            let points = steps.iter().flat_map(|s| {
                let y = s.share.map(|share| y.px(share));
                [s.from_s, s.to_s].map(|at| y.map(|y| (axis.scale.px(at), y)))
            });
            pen.polyline(points, Stroke::compared(i))?;
        }
        if lines.iter().flatten().all(|s| s.share.is_none()) {
            axes::nothing(pen, frame)?;
        }
        Ok(())
    }

    fn steps(&self, t: &TopologyResult, from: f64, to: f64) -> Vec<Step> {
        let Some(series) = t.timeline.first() else { return Vec::new() };
        let step = |(i, c): (usize, &SeriesCell)| Step {
            from_s: i as f64 * series.interval_s,
            to_s: (i + 1) as f64 * series.interval_s,
            share: (c.requests > 0).then(|| (self.count)(c) as f64 / c.requests as f64),
        };
        series.cells.iter().enumerate().map(step).filter(|s| s.to_s > from && s.from_s < to).collect()
    }
}

/// The share of one interval; `None` where nobody asked.
struct Step {
    from_s: f64,
    to_s: f64,
    share: Option<f64>,
}
