//! `availability.svg`: the share of requests that failed, per topology, around each fault.

use super::axes::{self, Entry, Frame, Labels, Mark, RIGHT, Scale, TimeAxis, Window};
use super::canvas::{self, Pen};
use crate::study::result::{RunResult, SeriesCell, TopologyResult};
use std::io;

const WIDTH: f64 = 960.0;

/// Height of one plot with its axis and labels.
const ROW: f64 = 300.0;

/// Faults shown at most; with more, those that cost the most requests.
const MOST_PANELS: usize = 6;

pub(super) fn draw(run: &RunResult) -> io::Result<String> {
    let title = "Failed requests around each fault, topologies compared";
    let all = faults(run);
    let mut panels: Vec<(f64, f64)> = worst(run, &all).into_iter().map(|w| span(run, w)).collect();
    let mut what = format!("Share of requests that failed, per {}.", interval(run));
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
        .map(|(i, t)| Entry { label: t.name.clone(), color: canvas::color(i), mark: Mark::Line(2.0) })
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

/// The faults with the most failed requests over all topologies, in order of time.
fn worst<'a>(run: &RunResult, all: &'a [Window]) -> Vec<&'a Window> {
    let failed = |w: &Window| -> u64 {
        let rows = run.topologies.iter().flat_map(|t| &t.incidents);
        rows.filter(|i| i.name == w.name && i.at_s == w.at_s).map(|i| i.failed).sum()
    };
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(failed(&all[i])), i));
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
    let frame = Frame { top: frame.top + labels.height(), ..frame };
    let lines: Vec<Vec<(f64, Option<f64>)>> = run.topologies.iter().map(|t| failed_share(t, from, to)).collect();
    let most = lines.iter().flatten().filter_map(|p| p.1).fold(0.0, f64::max);
    // A few failures in a thousand are noise at the bottom of the plot, not its top.
    let ticks = axes::linear_ticks(most.max(0.005), 5, axes::share_label);
    let y = Scale::linear(0.0, ticks.last().map_or(1.0, |t| t.at), frame.bottom, frame.top);
    axes::x_axis(pen, frame, axis.scale, &axis.ticks(frame), &axis.title())?;
    axes::y_axis(pen, frame, y, &ticks, "Share of requests failed")?;
    axes::shade(pen, frame, &axis, windows)?;
    for (i, line) in lines.iter().enumerate() {
        let points = line.iter().map(|&(at, share)| share.map(|s| (axis.scale.px(at), y.px(s))));
        pen.polyline(points, canvas::color(i), 2.0)?;
    }
    axes::name_windows(pen, frame, &axis, windows, &labels)?;
    axes::axis_lines(pen, frame)
}

/// Middle of each interval in seconds and the share that failed; `None` where nobody asked.
fn failed_share(t: &TopologyResult, from: f64, to: f64) -> Vec<(f64, Option<f64>)> {
    let Some(series) = t.timeline.first() else { return Vec::new() };
    let share = |c: &SeriesCell| (c.requests > 0).then(|| c.failed as f64 / c.requests as f64);
    let at = |i: usize| (i as f64 + 0.5) * series.interval_s;
    let cells = series.cells.iter().enumerate().map(|(i, c)| (at(i), share(c)));
    cells.filter(|p| p.0 >= from && p.0 <= to).collect()
}
