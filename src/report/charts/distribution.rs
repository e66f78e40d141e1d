//! `distribution.svg` and `comparison.svg`: how latency is distributed. The left plot shows everybody, the right one the
//! slowest tenth on a logarithmic scale, where 99 % and 99.9 % are as far apart as they are in the lives of users.

use super::axes::{self, Entry, Frame, Mark, RIGHT, Scale, Tick};
use super::canvas::{self, Lettering, Pen, SOLID, Stroke};
use crate::study::result::{Distribution, RunResult, TopologyResult};
use plotters::style::Color;
use std::io;

const SIZE: (f64, f64) = (960.0, 500.0);

/// Smallest share of requests that the right plot shows.
const RAREST: f64 = 1e-4;

struct Curve<'a> {
    cdf: &'a [(f64, f64)],
    look: Stroke,
}

/// `distribution.svg`: time to first token and total latency of one topology.
pub(super) fn of_topology(run: &RunResult, t: &TopologyResult) -> io::Result<String> {
    let title = format!("Distribution of latency: {}", t.name);
    let what = format!("As users see it, from the intended arrival. {}", run.scenario.name);
    let mut curves: Vec<Curve<'_>> = Vec::new();
    let groups: Vec<&Distribution> =
        t.distributions.iter().filter(|d| d.metric == "ttft_ms" && d.users != "all" && !d.cdf.is_empty()).collect();
    // A single group is everybody.
    let several = groups.iter().filter(|_| groups.len() > 1);
    curves.extend(several.map(|d| Curve { cdf: &d.cdf, look: Stroke::solid(canvas::color(4).mix(0.7), 1.0) }));
    let mut legend = Vec::new();
    for (metric, label, i) in [("ttft_ms", "time to first token", 0), ("e2e_ms", "time to last token", 5)] {
        if let Some(d) = everybody(&t.distributions, metric) {
            curves.push(Curve { cdf: &d.cdf, look: Stroke::solid(canvas::color(i), 2.25) });
            legend.push(Entry { label: label.into(), color: canvas::color(i), mark: Mark::Line(2.25, SOLID) });
        }
    }
    if curves.iter().any(|c| c.look.width < 2.0) {
        let label = "time to first token of each group of users".into();
        legend.insert(
            1.min(legend.len()),
            Entry { label, color: canvas::color(4).mix(0.7), mark: Mark::Line(1.0, SOLID) },
        );
    }
    draw(&title, &what, &legend, &curves, "Latency (log scale)")
}

/// `comparison.svg`: time to first token of all topologies.
pub(super) fn of_run(run: &RunResult) -> io::Result<String> {
    let title = "Time to first token, topologies compared";
    let what = format!("All users, from the intended arrival. {}", run.scenario.name);
    let mut legend = Vec::new();
    let mut curves = Vec::new();
    for (i, t) in run.topologies.iter().enumerate() {
        if let Some(d) = everybody(&t.distributions, "ttft_ms") {
            curves.push(Curve { cdf: &d.cdf, look: Stroke::compared(i) });
            legend.push(Entry::compared(i, &t.name));
        }
    }
    draw(title, &what, &legend, &curves, "Time to first token (log scale)")
}

fn everybody<'a>(list: &'a [Distribution], metric: &str) -> Option<&'a Distribution> {
    list.iter().find(|d| d.metric == metric && d.users == "all")
}

fn draw(title: &str, what: &str, legend: &[Entry], curves: &[Curve<'_>], x_title: &str) -> io::Result<String> {
    canvas::picture(SIZE, title, what, |pen| {
        let top = axes::head(pen, SIZE.0, title, what, legend)? + 22.0;
        let bottom = SIZE.1 - 54.0;
        let left = Frame { left: 84.0, top, right: 452.0, bottom };
        let right = Frame { left: 590.0, top, right: SIZE.0 - RIGHT, bottom };
        let bold = Lettering::new(axes::SMALL, canvas::INK).bold();
        pen.text((left.left, top - 13.0), bold, "All requests")?;
        pen.text((right.left, top - 13.0), bold, "The slowest tenth")?;
        if curves.iter().all(|c| c.cdf.is_empty()) {
            for frame in [left, right] {
                axes::nothing(pen, frame)?;
                axes::axis_lines(pen, frame)?;
            }
            return Ok(());
        }

        let ticks: Vec<Tick> =
            [0.0, 0.25, 0.5, 0.75, 0.95].into_iter().map(|at| Tick { at, label: axes::share_label(at) }).collect();
        let ends = range(curves, 0.002, 0.995);
        let x_ticks = axes::log_ticks(ends.0, ends.1, axes::latency_label);
        let x = log_over(&x_ticks, left);
        let y = Scale::linear(0.0, 1.0, left.bottom, left.top);
        axes::x_axis(pen, left, x, &x_ticks, x_title)?;
        axes::y_axis(pen, left, y, &ticks, "Share of requests at most as slow")?;
        for c in curves {
            let limit = x_ticks.last().map_or(f64::INFINITY, |t| t.at);
            let points = c.cdf.iter().filter(|p| p.0 > 0.0 && p.0 <= limit);
            line(pen, c, points.map(|&(ms, q)| Some((x.px(ms), y.px(q)))))?;
        }
        axes::axis_lines(pen, left)?;

        let ends = range(curves, 0.9, 1.0 - RAREST);
        let x_ticks = axes::log_ticks(ends.0, ends.1, axes::latency_label);
        let x = log_over(&x_ticks, right);
        let y = Scale::log(RAREST, 0.1, right.bottom, right.top);
        let ticks = [(0.1, "p90"), (0.05, "p95"), (0.01, "p99"), (0.001, "p99.9"), (0.0001, "p99.99")];
        let ticks = ticks.map(|(at, name)| Tick { at, label: format!("{name}: {}", axes::share_label(at)) });
        axes::x_axis(pen, right, x, &x_ticks, x_title)?;
        axes::y_axis(pen, right, y, &ticks, "Share of requests slower (log scale)")?;
        for c in curves {
            line(pen, c, tail(c.cdf).into_iter().map(|(ms, rest)| Some((x.px(ms), y.px(rest)))))?;
        }
        axes::axis_lines(pen, right)
    })
}

fn line(pen: &Pen<'_>, c: &Curve<'_>, points: impl Iterator<Item = Option<(f64, f64)>>) -> io::Result<()> {
    pen.polyline(points, c.look)
}

fn log_over(ticks: &[Tick], frame: Frame) -> Scale {
    let (a, b) = (ticks.first().map_or(1.0, |t| t.at), ticks.last().map_or(10.0, |t| t.at));
    Scale::log(a, b, frame.left, frame.right)
}

/// Smallest and largest latency between two quantiles of any curve.
fn range(curves: &[Curve<'_>], from: f64, to: f64) -> (f64, f64) {
    let mut ends = (f64::INFINITY, 0.0f64);
    for c in curves {
        let low = c.cdf.iter().find(|p| p.1 >= from && p.0 > 0.0).map(|p| p.0);
        let high = c.cdf.iter().find(|p| p.1 >= to).or(c.cdf.last()).map(|p| p.0);
        ends = (ends.0.min(low.unwrap_or(f64::INFINITY)), ends.1.max(high.unwrap_or(0.0)));
    }
    ends
}

/// Points (latency, share slower) between a tenth and [`RAREST`], with the points in between where the curve enters and
/// leaves.
fn tail(cdf: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for &(ms, q) in cdf.iter().filter(|p| p.0 > 0.0) {
        let rest = 1.0 - q;
        let cut = |(ms0, rest0): (f64, f64), at: f64| ms0 + (ms - ms0) * (rest0 - at) / (rest0 - rest);
        match before {
            Some(b) if b.1 > 0.1 && rest < 0.1 => out.push((cut(b, 0.1), 0.1)),
            _ => {}
        }
        if rest < RAREST {
            if let Some(b) = before.filter(|b| b.1 > RAREST) {
                out.push((cut(b, RAREST), RAREST));
            }
            break;
        }
        if rest <= 0.1 {
            out.push((ms, rest));
        }
        before = Some((ms, rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_starts_at_a_tenth_and_ends_at_the_rarest() {
        let points = tail(&[(10.0, 0.5), (20.0, 0.94), (30.0, 0.99), (40.0, 1.0)]);
        assert_eq!(points.first().map(|p| p.1), Some(0.1));
        assert!((points[0].0 - (10.0 + 10.0 * 0.4 / 0.44)).abs() < 1e-9);
        assert_eq!(points.last().map(|p| p.1), Some(RAREST));
        assert!(points.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 > w[1].1));
        assert!(tail(&[]).is_empty());
    }
}
