//! `traffic.svg`: which region served how much of the traffic over the horizon, and below it how much traffic there was
//! and how much of it failed.

use super::axes::{self, Entry, Frame, Labels, Mark, RIGHT, Scale, TimeAxis};
use super::canvas::{self, FAILED, INK, Pen, SOLID, Stroke};
use crate::report::format as f;
use crate::study::result::{RunResult, TopologyResult};
use plotters::style::Color;
use std::io;

const SIZE: (f64, f64) = (960.0, 616.0);

/// Height of the lower plot.
const VOLUME: f64 = 136.0;

/// More intervals than this are merged, whole numbers of them, for drawing: an area cannot show less than a pixel.
const MOST_BINS: usize = 1_500;

/// Counts of one bin: per region, all, failed.
struct Bin {
    regions: Vec<u64>,
    all: u64,
    failed: u64,
}

pub(super) fn draw(run: &RunResult, t: &TopologyResult) -> io::Result<String> {
    let title = format!("Traffic per region over time: {}", t.name);
    let (bins, width_s) = bins(t);
    let what = format!(
        "Where requests went, per {}; a gap means that nobody asked. {}",
        axes::interval_name(width_s),
        run.scenario.name
    );
    canvas::picture(SIZE, &title, &what, |pen| {
        let windows = axes::windows(t);
        let mut legend: Vec<Entry> = t
            .timeline
            .iter()
            .skip(1)
            .enumerate()
            .map(|(i, s)| Entry { label: s.region.clone(), color: canvas::color(i), mark: Mark::Box })
            .collect();
        legend.push(Entry { label: "all requests".into(), color: INK.to_rgba(), mark: Mark::Line(1.75, SOLID) });
        legend.push(Entry { label: "failed".into(), color: FAILED.to_rgba(), mark: Mark::Line(1.75, SOLID) });
        if !windows.is_empty() {
            legend.push(axes::fault_entry());
        }
        let top = axes::head(pen, SIZE.0, &title, &what, &legend)?;
        let lower = SIZE.1 - 54.0;
        let mut frame = Frame { left: 92.0, top, right: SIZE.0 - RIGHT, bottom: lower - VOLUME - 24.0 };
        let end = run.scenario.horizon_s.max(bins.len() as f64 * width_s);
        let axis = TimeAxis::new(run, frame, 0.0, end)?;
        let labels = Labels::place(&windows, &axis, frame);
        frame.top += labels.height();

        let y = Scale::linear(0.0, 1.0, frame.bottom, frame.top);
        shares(pen, &bins, width_s, &axis, y)?;
        axes::y_axis(pen, frame, y, &axes::linear_ticks(1.0, 5, axes::share_label), "Share of requests")?;
        axes::shade(pen, frame, &axis, &windows)?;
        axes::name_windows(pen, frame, &axis, &windows, &labels)?;
        axes::axis_lines(pen, frame)?;

        let frame = Frame { top: lower - VOLUME, bottom: lower, ..frame };
        // the cells count all replications together
        let per_minute = |n: u64| n as f64 * 60.0 / width_s / f64::from(run.scenario.replications);
        let most = bins.iter().map(|b| per_minute(b.all)).fold(0.0, f64::max);
        let ticks = axes::linear_ticks(most, 3, f::number);
        let y = Scale::linear(0.0, ticks.last().map_or(1.0, |t| t.at), frame.bottom, frame.top);
        axes::x_axis(pen, frame, axis.scale, &axis.ticks(frame), &axis.title())?;
        axes::y_axis(pen, frame, y, &ticks, "Requests per minute")?;
        axes::shade(pen, frame, &axis, &windows)?;
        let line = |of: fn(&Bin) -> u64| {
            let points = bins.iter().enumerate();
            points.map(|(i, b)| Some((middle(&axis, i, width_s), y.px(per_minute(of(b)))))).collect::<Vec<_>>()
        };
        pen.polyline(line(|b| b.all), Stroke::solid(INK.to_rgba(), 1.25))?;
        if bins.iter().any(|b| b.failed > 0) {
            pen.polyline(line(|b| b.failed), Stroke::solid(FAILED.to_rgba(), 1.25))?;
        }
        axes::axis_lines(pen, frame)
    })
}

fn middle(axis: &TimeAxis, i: usize, width_s: f64) -> f64 {
    axis.scale.px((i as f64 + 0.5) * width_s)
}

/// Counts per interval of drawing and its length in seconds. Regions are every series after the first, which is all.
fn bins(t: &TopologyResult) -> (Vec<Bin>, f64) {
    let Some((all, regions)) = t.timeline.split_first() else { return (Vec::new(), 60.0) };
    let merge = all.cells.len().div_ceil(MOST_BINS).max(1);
    let bins = all
        .cells
        .chunks(merge)
        .enumerate()
        .map(|(i, chunk)| {
            let of = |s: &crate::study::result::RegionSeries| -> u64 {
                s.cells.iter().skip(i * merge).take(chunk.len()).map(|c| c.requests).sum()
            };
            Bin {
                regions: regions.iter().map(of).collect(),
                all: chunk.iter().map(|c| c.requests).sum(),
                failed: chunk.iter().map(|c| c.failed).sum(),
            }
        })
        .collect();
    (bins, all.interval_s * merge as f64)
}

/// Stacked areas, one piece per stretch without a gap. What reached no region stays white at the top.
fn shares(pen: &Pen<'_>, bins: &[Bin], width_s: f64, axis: &TimeAxis, y: Scale) -> io::Result<()> {
    let regions = bins.first().map_or(0, |b| b.regions.len());
    let mut start = 0;
    for piece in bins.chunk_by(|a, b| (a.all == 0) == (b.all == 0)) {
        if piece[0].all > 0 {
            // The first and the last interval are drawn to their outer edges.
            let edges = (axis.scale.px(start as f64 * width_s), axis.scale.px((start + piece.len()) as f64 * width_s));
            for r in 0..regions {
                let below = outline(piece, r, start, width_s, axis, y, edges);
                let mut shape = outline(piece, r + 1, start, width_s, axis, y, edges);
                let border = shape.clone();
                shape.extend(below.into_iter().rev());
                pen.polygon(&shape, canvas::color(r).mix(0.82))?;
                pen.polyline(border.into_iter().map(Some), Stroke::solid(canvas::PAPER.mix(0.9), 0.75))?;
            }
        }
        start += piece.len();
    }
    Ok(())
}

/// The upper edge of the first `n` regions together.
fn outline(
    piece: &[Bin],
    n: usize,
    start: usize,
    width_s: f64,
    axis: &TimeAxis,
    y: Scale,
    edges: (f64, f64),
) -> Vec<(f64, f64)> {
    let height = |b: &Bin| y.px(b.regions[..n].iter().sum::<u64>() as f64 / b.all as f64);
    let mut line = vec![(edges.0, height(&piece[0]))];
    line.extend(piece.iter().enumerate().map(|(i, b)| (middle(axis, start + i, width_s), height(b))));
    line.push((edges.1, height(&piece[piece.len() - 1])));
    line
}
