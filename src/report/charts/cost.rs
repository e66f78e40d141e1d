//! `cost.svg`: what each topology costs, by category, with its multiplier against the baseline above the bar.

use super::axes::{self, Entry, Frame, Mark, RIGHT, SMALL, Scale};
use super::canvas::{self, INK, Lettering, Pen, SOFT};
use crate::report::format as f;
use crate::study::result::{RunResult, TopologyResult};
use plotters::style::Color;
use std::io;

const SIZE: (f64, f64) = (960.0, 520.0);

/// Space between the texts of neighbouring bars.
const GAP: f64 = 6.0;

/// Widest bar in pixels.
const WIDEST_BAR: f64 = 120.0;

/// How names of topologies are written.
const NAME: Lettering = Lettering::new(13.0, INK);

/// Lines of a name at most, and the height of one.
const MOST_LINES: usize = 3;
const NAME_LINE: f64 = 16.0;

pub(super) fn draw(run: &RunResult) -> io::Result<String> {
    let title = "Cost by category, topologies compared";
    let what = format!(
        "Dollars for {}; above each bar the total and its multiple of {}. {}",
        f::duration(Some(run.scenario.horizon_s)),
        run.scenario.baseline,
        run.scenario.name
    );
    canvas::picture(SIZE, title, &what, |pen| {
        let mut categories: Vec<&str> = Vec::new();
        for (name, amount) in run.topologies.iter().flat_map(|t| &t.cost.by_category) {
            if *amount > 0.0 && !categories.contains(&name.as_str()) {
                categories.push(name);
            }
        }
        let legend: Vec<Entry> = categories
            .iter()
            .enumerate()
            .map(|(i, c)| Entry { label: (*c).to_owned(), color: canvas::color(i), mark: Mark::Box })
            .collect();
        let top = axes::head(pen, SIZE.0, title, &what, &legend)?;
        // Tokens are often nearly everything: what is left shows only on a scale of its own.
        let tokens = categories.iter().position(|c| *c == TOKENS);
        let infrastructure: Vec<usize> = (0..categories.len()).filter(|i| Some(*i) != tokens).collect();
        let mut panels = vec![Panel { title: "Everything", shown: (0..categories.len()).collect(), tokens: true }];
        if tokens.is_some() && !infrastructure.is_empty() {
            panels.push(Panel { title: "Without tokens", shown: infrastructure, tokens: false });
        }
        let width = (SIZE.0 - RIGHT) / panels.len() as f64;
        for (i, panel) in panels.iter().enumerate() {
            let left = i as f64 * width;
            let frame = Frame { left: left + 100.0, top: top + 64.0, right: left + width - 6.0, bottom: SIZE.1 };
            pen.text((frame.left - 10.0, top + 12.0), Lettering::new(13.0, INK).bold(), panel.title)?;
            panel.draw(pen, run, &categories, frame)?;
        }
        Ok(())
    })
}

/// The category that has a panel without it.
const TOKENS: &str = "tokens";

/// Bars of some categories.
struct Panel {
    title: &'static str,
    /// Positions in the list of categories.
    shown: Vec<usize>,
    /// Whether tokens are among them.
    tokens: bool,
}

impl Panel {
    fn draw(&self, pen: &Pen<'_>, run: &RunResult, categories: &[&str], mut frame: Frame) -> io::Result<()> {
        let slot = frame.width() / run.topologies.len().max(1) as f64;
        let lines = run.topologies.iter().map(|t| name_lines(&t.name, slot - GAP).len()).max().unwrap_or(1);
        frame.bottom -= 20.0 + NAME_LINE * lines as f64;
        let most = run.topologies.iter().map(|t| self.sum(t, categories)).fold(0.0, f64::max);
        let ticks = axes::linear_ticks(most, 6, |x| format!("${}", f::number(x)));
        let y = Scale::linear(0.0, ticks.last().map_or(1.0, |t| t.at), frame.bottom, frame.top);
        axes::y_axis(pen, frame, y, &ticks, "Cost in US dollars")?;
        for (i, t) in run.topologies.iter().enumerate() {
            self.bar(pen, t, categories, frame.left + (i as f64 + 0.5) * slot, slot, y, frame.bottom)?;
        }
        axes::axis_lines(pen, frame)
    }

    fn sum(&self, t: &TopologyResult, categories: &[&str]) -> f64 {
        self.shown.iter().map(|i| amount(t, categories[*i])).sum()
    }

    #[allow(clippy::too_many_arguments, reason = "places on the canvas, each a number of its own")]
    fn bar(
        &self,
        pen: &Pen<'_>,
        t: &TopologyResult,
        categories: &[&str],
        middle: f64,
        slot: f64,
        y: Scale,
        bottom: f64,
    ) -> io::Result<()> {
        let half = (slot * 0.6).min(WIDEST_BAR) / 2.0;
        let mut below = 0.0;
        for i in &self.shown {
            let share = amount(t, categories[*i]);
            let (from, to) = (y.px(below), y.px(below + share));
            pen.rect((middle - half, to), (middle + half, from), canvas::color(*i).mix(0.88))?;
            below += share;
        }
        let head = y.px(below);
        let room = slot - GAP;
        let mut big = Lettering::new(17.0, INK).bold().centred();
        let mut small = Lettering::new(SMALL, SOFT).centred();
        let (ratio, total) = if self.tokens {
            (t.cost.multiplier, t.cost.total_usd)
        } else {
            (t.cost.multiplier_infrastructure, t.cost.infrastructure_usd)
        };
        let (ratio, total) = (f::multiplier(ratio), f::dollars(total));
        // With many topologies there is less room for each.
        while small.size > 8.0 && (big.width(&ratio) > room || small.width(&total) > room) {
            big.size -= 1.0;
            small.size -= 0.75;
        }
        // Grid lines must not run through the figures.
        let wide = big.width(&ratio).max(small.width(&total)) / 2.0;
        pen.rect((middle - wide, head - 40.0), (middle + wide, head - 2.0), canvas::PAPER.to_rgba())?;
        pen.text((middle, head - 29.0), big, &ratio)?;
        pen.text((middle, head - 11.0), small, &total)?;
        for (i, line) in name_lines(&t.name, room).iter().enumerate() {
            pen.text((middle, bottom + 15.0 + NAME_LINE * i as f64), NAME.centred(), line)?;
        }
        Ok(())
    }
}

fn amount(t: &TopologyResult, category: &str) -> f64 {
    t.cost.by_category.iter().filter(|c| c.0 == category).map(|c| c.1.max(0.0)).sum()
}

/// A name on as few lines as fit, at most [`MOST_LINES`], broken after hyphens, underscores and blanks.
fn name_lines(name: &str, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive(['-', '_', ' ']) {
        let line = lines.last().map_or("", String::as_str);
        if line.is_empty() || NAME.width(line) + NAME.width(part) <= room || lines.len() == MOST_LINES {
            lines.last_mut().expect("never empty").push_str(part);
        } else {
            lines.push(part.to_owned());
        }
    }
    lines.iter().map(|l| NAME.fit(l, room)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_as_few_lines_as_fit() {
        assert_eq!(name_lines("one-region", 200.0), ["one-region"]);
        assert_eq!(name_lines("active-passive", 70.0), ["active-", "passive"]);
        let long = name_lines("active-passive-with-another-policy-and-more", 70.0);
        assert_eq!(long.len(), MOST_LINES);
        assert!(long.iter().all(|l| NAME.width(l) <= 70.0), "{long:?}");
    }
}
