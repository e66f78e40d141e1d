//! Scales, ticks, axes, legends and the windows of faults: what every chart has around its data.

use super::canvas::{Dash, GRID, INK, LINE, Lettering, PAPER, Pen, SOFT, Stroke};
use crate::report::format::{self as f, Clock};
use crate::study::result::{RunResult, TopologyResult};
use plotters::style::{Color, RGBAColor};
use std::io;

/// Space at the left and right edge of every picture.
pub(super) const MARGIN: f64 = 24.0;

/// Space to the right of a plot, for half of the last label of its axis.
pub(super) const RIGHT: f64 = 36.0;

/// Size of axis labels and legends in pixels.
pub(super) const SMALL: f64 = 12.5;

/// Height of one line of labels above a plot.
const LANE: f64 = 17.0;

/// Lines of labels above a plot at most; further ones are left out.
const LANES: usize = 3;

/// The rectangle that data are drawn in, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }
}

/// From values to pixels, linear or logarithmic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    log: bool,
    start_px: f64,
    end_px: f64,
}

impl Scale {
    pub fn linear(from: f64, to: f64, start_px: f64, end_px: f64) -> Scale {
        Scale { from, to: if to > from { to } else { from + 1.0 }, log: false, start_px, end_px }
    }

    /// Both ends must be positive.
    pub fn log(from: f64, to: f64, start_px: f64, end_px: f64) -> Scale {
        let from = from.max(f64::MIN_POSITIVE);
        let to = if to > from { to } else { from * 10.0 };
        Scale { from: libm::log10(from), to: libm::log10(to), log: true, start_px, end_px }
    }

    /// Where a value is; values outside end up at the nearer end.
    pub fn px(&self, value: f64) -> f64 {
        let v = if self.log { libm::log10(value.max(f64::MIN_POSITIVE)) } else { value };
        let part = ((v - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.start_px + part * (self.end_px - self.start_px)
    }
}

/// A mark on an axis: the value and what it says; an empty text is a grid line only.
pub(super) struct Tick {
    pub at: f64,
    pub label: String,
}

/// Round steps from zero to at least `max`: at most `count` of them, each 1, 2 or 5 times a power of ten.
pub(super) fn linear_ticks(max: f64, count: usize, label: impl Fn(f64) -> String) -> Vec<Tick> {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let raw = max / count.max(1) as f64;
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|k| k * power).find(|s| *s >= raw * 0.999_999).unwrap_or(raw);
    let last = libm::ceil(max / step - 1e-9).max(1.0) as usize;
    (0..=last).map(|i| Tick { at: i as f64 * step, label: label(i as f64 * step) }).collect()
}

/// The 1, 2 and 5 times powers of ten from the last one at or below `min` to the first at or above `max`, with more steps
/// where that would be less than five marks; over more than three decades only the powers of ten are labelled.
pub(super) fn log_ticks(min: f64, max: f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
    let min = if min.is_finite() && min > 0.0 { min } else { 1.0 };
    let max = if max.is_finite() && max > min { max } else { min * 10.0 };
    let coarse = log_steps(min, max, &[1.0, 2.0, 5.0], &label);
    if coarse.len() < 5 { log_steps(min, max, &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0], &label) } else { coarse }
}

fn log_steps(min: f64, max: f64, steps: &[f64], label: impl Fn(f64) -> String) -> Vec<Tick> {
    let (first, last) = (libm::floor(libm::log10(min)) as i32 - 1, libm::ceil(libm::log10(max)) as i32 + 1);
    let mut all: Vec<(f64, bool)> = Vec::new();
    for exponent in first..=last {
        // Dividing by a power that is exact keeps 0.2 and 0.5 the numbers they are.
        let power = libm::pow(10.0, f64::from(exponent.abs()));
        for &k in steps {
            all.push((if exponent < 0 { k / power } else { k * power }, k == 1.0));
        }
    }
    let start = all.iter().rposition(|t| t.0 <= min * 1.000_001).unwrap_or(0);
    let end = all.iter().position(|t| t.0 >= max * 0.999_999).unwrap_or(all.len() - 1);
    let crowded = libm::log10(all[end].0 / all[start].0) > 3.01;
    all[start..=end]
        .iter()
        .map(|&(at, decade)| Tick { at, label: if crowded && !decade { String::new() } else { label(at) } })
        .collect()
}

/// A latency on an axis, for round values: `500 ms`, `2 s`.
pub(super) fn latency_label(ms: f64) -> String {
    if ms < 999.5 { format!("{} ms", f::number(ms)) } else { format!("{} s", f::number(ms / 1e3)) }
}

/// A share on an axis: `95 %`.
pub(super) fn share_label(share: f64) -> String {
    format!("{} %", f::number(share * 100.0))
}

/// The head of a picture: title, a line that says what is shown, and the legend. Returns where the plot may begin.
pub(super) fn head(pen: &Pen<'_>, width: f64, title: &str, what: &str, legend: &[Entry]) -> io::Result<f64> {
    let room = width - 2.0 * MARGIN;
    let big = Lettering::new(19.0, INK).bold();
    pen.text((MARGIN, 28.0), big, &big.fit(title, room))?;
    let small = Lettering::new(13.0, SOFT);
    let mut y = 51.0;
    for line in two_lines(small, what, room) {
        pen.text((MARGIN, y), small, &line)?;
        y += 18.0;
    }
    y += 8.0;
    let above = y - 11.0;
    let mut x = MARGIN;
    let l = Lettering::new(SMALL, INK);
    for e in legend {
        let text = l.fit(&e.label, room - 34.0);
        // A pattern needs some length to be seen.
        let long = if matches!(e.mark, Mark::Line(_, dash) if !dash.is_empty()) { 34.0 } else { 18.0 };
        let wide = long + 8.0 + l.width(&text) + 20.0;
        if x > MARGIN && x + wide - 20.0 > width - MARGIN {
            x = MARGIN;
            y += 20.0;
        }
        match e.mark {
            Mark::Line(width, dash) => {
                pen.polyline([Some((x, y)), Some((x + long, y))], Stroke { color: e.color, width, dash })?;
            }
            Mark::Box => pen.rect((x, y - 6.0), (x + 18.0, y + 6.0), e.color)?,
            Mark::Window => window(pen, (x, y - 7.0), (x + 18.0, y + 7.0))?,
        }
        pen.text((x + long + 8.0, y), l, &text)?;
        x += wide;
    }
    Ok(if legend.is_empty() { above } else { y + 16.0 })
}

/// A text on one line, or on two if it does not fit: the last sentence on a line of its own if the rest fits, else as much
/// as fits on the first one. The second one is cut if need be.
fn two_lines(l: Lettering, text: &str, room: f64) -> Vec<String> {
    if l.width(text) <= room {
        return vec![text.to_owned()];
    }
    let fits = |end: &usize| l.width(&text[..*end]) <= room;
    let sentence = text.rfind(". ").map(|dot| dot + 1).filter(fits);
    let words = text.char_indices().filter(|c| c.1 == ' ').map(|c| c.0);
    match sentence.or_else(|| words.take_while(fits).last()) {
        Some(end) => vec![text[..end].to_owned(), l.fit(text[end..].trim_start(), room)],
        None => vec![l.fit(text, room)],
    }
}

/// The line at a limit, such as the one above which an answer is slow.
pub(super) const LIMIT: Dash = &[4.0, 4.0];

/// The entry that explains the shading.
pub(super) fn fault_entry() -> Entry {
    Entry { label: "fault at work".into(), color: SOFT.to_rgba(), mark: Mark::Window }
}

/// The length of an interval, after "per".
pub(super) fn interval_name(s: f64) -> String {
    if (s - 60.0).abs() < 1e-6 { "minute".into() } else { f::duration(Some(s)) }
}

/// One entry of a legend.
pub(super) struct Entry {
    pub label: String,
    pub color: RGBAColor,
    pub mark: Mark,
}

impl Entry {
    /// For the `i`-th of several lines that are compared.
    pub fn compared(i: usize, label: &str) -> Entry {
        let Stroke { color, width, dash } = Stroke::compared(i);
        Entry { label: label.to_owned(), color, mark: Mark::Line(width, dash) }
    }
}

/// What stands before the text.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// A line of this width and pattern.
    Line(f64, Dash),
    /// A filled box.
    Box,
    /// The shading of a fault.
    Window,
}

/// The vertical axis with its grid, and its title reading upwards.
pub(super) fn y_axis(pen: &Pen<'_>, frame: Frame, scale: Scale, ticks: &[Tick], title: &str) -> io::Result<()> {
    let l = Lettering::new(SMALL, SOFT).right();
    let mut widest: f64 = 0.0;
    let mut last_label: Option<f64> = None;
    for t in ticks {
        let y = scale.px(t.at);
        pen.line((frame.left, y), (frame.right, y), GRID, 1.0)?;
        // Marks that come too close together keep their line and lose their text.
        if !t.label.is_empty() && last_label.is_none_or(|p| (p - y).abs() >= 14.0) {
            pen.text((frame.left - 7.0, y), l, &t.label)?;
            widest = widest.max(l.width(&t.label));
            last_label = Some(y);
        }
    }
    let title_l = Lettering::new(SMALL, SOFT).centred().turned();
    // Plots above each other have their titles in line.
    let x = (frame.left - 7.0 - widest - 13.0).min(frame.left - 62.0).max(9.0);
    pen.text((x, (frame.top + frame.bottom) / 2.0), title_l, title)
}

/// The grid of a horizontal axis whose marks stand under a plot further down.
pub(super) fn x_grid(pen: &Pen<'_>, frame: Frame, scale: Scale, ticks: &[Tick]) -> io::Result<()> {
    ticks.iter().map(|t| scale.px(t.at)).try_for_each(|x| pen.line((x, frame.top), (x, frame.bottom), GRID, 1.0))
}

/// The horizontal axis with its grid, and its title below.
pub(super) fn x_axis(pen: &Pen<'_>, frame: Frame, scale: Scale, ticks: &[Tick], title: &str) -> io::Result<()> {
    x_grid(pen, frame, scale, ticks)?;
    let l = Lettering::new(SMALL, SOFT).centred();
    let mut free_from = f64::NEG_INFINITY;
    for t in ticks {
        let x = scale.px(t.at);
        let half = l.width(&t.label) / 2.0;
        if !t.label.is_empty() && x - half >= free_from {
            pen.text((x, frame.bottom + 14.0), l, &t.label)?;
            free_from = x + half + 6.0;
        }
    }
    if !title.is_empty() {
        pen.text(((frame.left + frame.right) / 2.0, frame.bottom + 35.0), l, title)?;
    }
    Ok(())
}

/// Says in the middle of an empty plot why it is empty.
pub(super) fn nothing(pen: &Pen<'_>, frame: Frame) -> io::Result<()> {
    let middle = ((frame.left + frame.right) / 2.0, (frame.top + frame.bottom) / 2.0);
    pen.text(middle, Lettering::new(14.0, SOFT).centred(), "nothing was measured")
}

/// The two lines of the axes, drawn last so that data do not cover them.
pub(super) fn axis_lines(pen: &Pen<'_>, frame: Frame) -> io::Result<()> {
    pen.line((frame.left, frame.bottom), (frame.right, frame.bottom), LINE, 1.0)?;
    pen.line((frame.left, frame.top), (frame.left, frame.bottom), LINE, 1.0)
}

/// Simulated time on a horizontal axis, as wall-clock time in UTC.
pub(super) struct TimeAxis {
    clock: Clock,
    /// First second shown, after the start of the horizon.
    pub from_s: f64,
    /// Last second shown.
    pub to_s: f64,
    pub scale: Scale,
}

impl TimeAxis {
    pub fn new(run: &RunResult, frame: Frame, from_s: f64, to_s: f64) -> io::Result<TimeAxis> {
        let clock = Clock::new(&run.scenario.start).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let to_s = if to_s > from_s { to_s } else { from_s + 1.0 };
        Ok(TimeAxis { clock, from_s, to_s, scale: Scale::linear(from_s, to_s, frame.left, frame.right) })
    }

    /// Ticks at round times of day.
    pub fn ticks(&self, frame: Frame) -> Vec<Tick> {
        const STEPS_S: [f64; 15] = [
            60.0,
            120.0,
            300.0,
            600.0,
            900.0,
            1_800.0,
            3_600.0,
            7_200.0,
            10_800.0,
            21_600.0,
            43_200.0,
            86_400.0,
            172_800.0,
            604_800.0,
            2_592_000.0,
        ];
        let room = (frame.width() / 56.0).max(2.0);
        let span = self.to_s - self.from_s;
        let step = STEPS_S.into_iter().find(|s| span / s <= room).unwrap_or(span / 2.0);
        let midnight = -self.clock.start_of_day_s();
        let mut ticks = Vec::new();
        let mut i = libm::ceil((self.from_s - midnight) / step - 1e-9);
        while midnight + i * step <= self.to_s + 1e-6 {
            let at = midnight + i * step;
            let of_day = self.clock.time_of_day(at);
            let date = self.clock.date(at);
            let label = if span > 86_400.0 && of_day == "00:00" { date[5..].to_owned() } else { of_day };
            ticks.push(Tick { at, label });
            i += 1.0;
        }
        ticks
    }

    /// What the axis shows, with its unit.
    pub fn title(&self) -> String {
        let (first, last) = (self.clock.date(self.from_s), self.clock.date((self.to_s - 1.0).max(self.from_s)));
        if first == last {
            format!("Time of day in hours, UTC ({first})")
        } else {
            format!("Time, UTC ({first} to {last})")
        }
    }
}

/// When a fault was at work and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    pub name: String,
    pub at_s: f64,
    pub lasted_s: f64,
}

/// The faults of one topology.
pub(super) fn windows(t: &TopologyResult) -> Vec<Window> {
    t.incidents
        .iter()
        .map(|i| Window { name: i.name.clone(), at_s: i.at_s, lasted_s: i.lasted_s })
        .filter(|w| w.at_s.is_finite() && w.lasted_s.is_finite())
        .collect()
}

/// Where the label of each window goes: pixels from the left, and the line above the plot; `None` when there is no room.
pub(super) struct Labels {
    placed: Vec<Option<(f64, usize)>>,
    lanes: usize,
}

impl Labels {
    /// Puts labels over their windows, pushes them back inside the frame and onto further lines where they would meet.
    pub fn place(windows: &[Window], axis: &TimeAxis, frame: Frame) -> Labels {
        let l = Lettering::new(SMALL, INK);
        let mut free_from = [f64::NEG_INFINITY; LANES];
        let mut order: Vec<usize> = (0..windows.len()).collect();
        order.sort_by(|&a, &b| windows[a].at_s.total_cmp(&windows[b].at_s).then(a.cmp(&b)));
        let mut placed = vec![None; windows.len()];
        for i in order {
            let w = &windows[i];
            if w.at_s > axis.to_s || w.at_s + w.lasted_s < axis.from_s {
                continue;
            }
            let half = l.width(&label(w)).min(frame.width()) / 2.0;
            let middle = (axis.scale.px(w.at_s) + axis.scale.px(w.at_s + w.lasted_s)) / 2.0;
            let x = middle.clamp(frame.left + half, (frame.right - half).max(frame.left + half));
            if let Some(lane) = (0..LANES).find(|&n| x - half >= free_from[n]) {
                free_from[lane] = x + half + 10.0;
                placed[i] = Some((x, lane));
            }
        }
        let lanes = placed.iter().flatten().map(|p: &(f64, usize)| p.1 + 1).max().unwrap_or(0);
        Labels { placed, lanes }
    }

    /// Height of the strip above the plot that the labels need.
    pub fn height(&self) -> f64 {
        self.lanes as f64 * LANE + 6.0
    }
}

fn label(w: &Window) -> String {
    format!("{} ({})", w.name, f::duration(Some(w.lasted_s)))
}

/// Shades the windows of faults over a plot.
pub(super) fn shade(pen: &Pen<'_>, frame: Frame, axis: &TimeAxis, windows: &[Window]) -> io::Result<()> {
    for w in windows.iter().filter(|w| w.at_s <= axis.to_s && w.at_s + w.lasted_s >= axis.from_s) {
        let (a, b) = (axis.scale.px(w.at_s), axis.scale.px(w.at_s + w.lasted_s));
        // A fault shorter than a pixel must be seen all the same.
        window(pen, (a, frame.top), (b.max(a + 1.5), frame.bottom))?;
    }
    Ok(())
}

/// Names the windows in the strip above the plot.
pub(super) fn name_windows(
    pen: &Pen<'_>,
    frame: Frame,
    axis: &TimeAxis,
    windows: &[Window],
    labels: &Labels,
) -> io::Result<()> {
    let l = Lettering::new(SMALL, INK).centred();
    let lane_y = |lane: usize| frame.top - 10.0 - lane as f64 * LANE;
    // Upper lines first: what connects a label with its window then lies under the labels in between.
    for lane in (0..labels.lanes).rev() {
        for (w, place) in windows.iter().zip(&labels.placed) {
            if place.is_some_and(|p| p.1 == lane) && lane > 0 {
                let at = (axis.scale.px(w.at_s) + axis.scale.px(w.at_s + w.lasted_s)) / 2.0;
                pen.line((at, lane_y(lane) + 8.0), (at, frame.top), LINE, 0.75)?;
            }
        }
        for (w, place) in windows.iter().zip(&labels.placed) {
            let Some((x, _)) = place.filter(|p| p.1 == lane) else { continue };
            let (y, text) = (lane_y(lane), l.fit(&label(w), frame.width()));
            let half = l.width(&text) / 2.0;
            pen.rect((x - half, y - 8.0), (x + half, y + 8.0), PAPER.to_rgba())?;
            pen.text((x, y), l, &text)?;
        }
    }
    Ok(())
}

fn window(pen: &Pen<'_>, a: (f64, f64), b: (f64, f64)) -> io::Result<()> {
    pen.rect(a, b, INK.mix(0.13))?;
    // Edges would make a narrow window black.
    if b.0 - a.0 < 4.0 {
        return pen.rect(a, b, INK.mix(0.25));
    }
    pen.line(a, (a.0, b.1), INK, 0.5)?;
    pen.line((b.0, a.1), b, INK, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(ticks: &[Tick]) -> Vec<f64> {
        ticks.iter().map(|t| t.at).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_cover_the_range() {
        assert_eq!(values(&linear_ticks(28_176.0, 6, f::number)), [0.0, 5e3, 1e4, 1.5e4, 2e4, 2.5e4, 3e4]);
        assert_eq!(values(&linear_ticks(1.0, 5, f::number)).last(), Some(&1.0));
        assert_eq!(values(&linear_ticks(f64::NAN, 2, f::number)), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn log_ticks_are_one_two_five_and_cover_the_range() {
        assert_eq!(values(&log_ticks(430.0, 3_100.0, f::number)), [200.0, 500.0, 1e3, 2e3, 5e3]);
        assert_eq!(values(&log_ticks(0.2, 0.5, f::number)), [0.2, 0.3, 0.4, 0.5]);
        assert_eq!(values(&log_ticks(1_100.0, 4_600.0, f::number)), [1e3, 1.5e3, 2e3, 3e3, 4e3, 5e3]);
        assert!(log_ticks(0.001, 100.0, f::number).iter().filter(|t| !t.label.is_empty()).count() == 6);
    }

    #[test]
    fn a_long_description_takes_two_lines() {
        let l = Lettering::new(13.0, SOFT);
        assert_eq!(two_lines(l, "short", 100.0), ["short"]);
        assert_eq!(two_lines(l, "two words", 50.0), ["two", "words"]);
        assert_eq!(two_lines(l, "One thing. Two things", 120.0), ["One thing.", "Two things"]);
        let lines = two_lines(l, "far too many words for two lines of this kind", 90.0);
        assert!(lines.len() == 2 && lines[1].ends_with('…') && lines.iter().all(|t| l.width(t) <= 90.0), "{lines:?}");
        assert_eq!(two_lines(l, "onelongword", 30.0).len(), 1);
    }

    #[test]
    fn scales_meet_their_ends() {
        let s = Scale::log(100.0, 10_000.0, 0.0, 200.0);
        assert_eq!((s.px(100.0), s.px(1_000.0), s.px(10_000.0), s.px(1.0)), (0.0, 100.0, 200.0, 0.0));
    }

    #[test]
    fn labels_of_neighbouring_windows_take_further_lines() {
        let frame = Frame { left: 60.0, top: 100.0, right: 900.0, bottom: 400.0 };
        let axis = TimeAxis {
            clock: Clock::new("2026-03-02T00:00:00Z").unwrap(),
            from_s: 0.0,
            to_s: 86_400.0,
            scale: Scale::linear(0.0, 86_400.0, frame.left, frame.right),
        };
        let w = |name: &str, at_s: f64| Window { name: name.into(), at_s, lasted_s: 600.0 };
        let list = [w("first fault of the day", 0.0), w("second", 1_200.0), w("third", 2_400.0), w("late", 80_000.0)];
        let labels = Labels::place(&list, &axis, frame);
        let lanes: Vec<Option<usize>> = labels.placed.iter().map(|p| p.map(|p| p.1)).collect();
        assert_eq!(lanes, [Some(0), Some(1), Some(2), Some(0)]);
        let first = labels.placed[0].unwrap().0;
        assert!(first - Lettering::new(SMALL, INK).width(&label(&list[0])) / 2.0 >= frame.left - 1e-9);
    }
}
