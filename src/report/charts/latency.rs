//! `latency.svg`: median and 95th percentile of time to first token over the horizon, with the windows of the faults.

use super::axes::{self, Entry, Frame, Labels, Mark, RIGHT, Scale, TimeAxis};
use super::canvas::{self, SOFT, SOLID, Stroke};
use crate::report::format as f;
use crate::study::result::{RunResult, SeriesCell, TopologyResult};
use plotters::style::Color;
use std::io;

const SIZE: (f64, f64) = (960.0, 500.0);

pub(super) fn draw(run: &RunResult, t: &TopologyResult) -> io::Result<String> {
    let title = format!("Time to first token over time: {}", t.name);
    let series = t.timeline.first();
    let interval = series.map_or(60.0, |s| s.interval_s);
    let cells = series.map_or(&[][..], |s| &s.cells);
    let slow = run.scenario.slow_over_ms;
    let what = format!(
        "All users, per {}; a gap means that no request was served. {}",
        axes::interval_name(interval),
        run.scenario.name
    );
    canvas::picture(SIZE, &title, &what, |pen| {
        let windows = axes::windows(t);
        let mut legend = vec![
            Entry { label: "median".into(), color: canvas::color(0), mark: Mark::Line(2.0, SOLID) },
            Entry { label: "95th percentile".into(), color: canvas::color(5), mark: Mark::Line(2.0, SOLID) },
            Entry {
                label: format!("slow: over {}", f::duration(Some(slow / 1e3))),
                color: SOFT.to_rgba(),
                mark: Mark::Line(1.25, axes::LIMIT),
            },
        ];
        if !windows.is_empty() {
            legend.push(axes::fault_entry());
        }
        let top = axes::head(pen, SIZE.0, &title, &what, &legend)?;
        let mut frame = Frame { left: 92.0, top, right: SIZE.0 - RIGHT, bottom: SIZE.1 - 54.0 };
        let end = run.scenario.horizon_s.max(cells.len() as f64 * interval);
        let axis = TimeAxis::new(run, frame, 0.0, end)?;
        let labels = Labels::place(&windows, &axis, frame);
        frame.top += labels.height();

        let values = cells.iter().flat_map(|c| [c.ttft_p50_ms, c.ttft_p95_ms]).flatten().filter(|v| *v > 0.0);
        let (low, high) = values.fold((slow, slow), |(a, b), v| (a.min(v), b.max(v)));
        let ticks = axes::log_ticks(low, high, axes::latency_label);
        let ends = (ticks.first().map_or(1.0, |t| t.at), ticks.last().map_or(10.0, |t| t.at));
        let y = Scale::log(ends.0, ends.1, frame.bottom, frame.top);
        axes::x_axis(pen, frame, axis.scale, &axis.ticks(frame), &axis.title())?;
        axes::y_axis(pen, frame, y, &ticks, "Time to first token (log scale)")?;
        axes::shade(pen, frame, &axis, &windows)?;
        let limit = Stroke { color: SOFT.to_rgba(), width: 1.25, dash: axes::LIMIT };
        pen.polyline([Some((frame.left, y.px(slow))), Some((frame.right, y.px(slow)))], limit)?;
        let line = |of: fn(&SeriesCell) -> Option<f64>| {
            let px = move |(i, c): (usize, &SeriesCell)| {
                let ms = of(c).filter(|ms| *ms > 0.0)?;
                Some((axis.scale.px((i as f64 + 0.5) * interval), y.px(ms)))
            };
            cells.iter().enumerate().map(px).collect::<Vec<_>>()
        };
        pen.polyline(line(|c| c.ttft_p95_ms), Stroke::solid(canvas::color(5), 1.2))?;
        pen.polyline(line(|c| c.ttft_p50_ms), Stroke::solid(canvas::color(0), 1.2))?;
        if cells.iter().all(|c| c.ttft_p50_ms.is_none()) {
            axes::nothing(pen, frame)?;
        }
        axes::name_windows(pen, frame, &axis, &windows, &labels)?;
        axes::axis_lines(pen, frame)
    })
}
