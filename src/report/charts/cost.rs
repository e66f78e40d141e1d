//! `cost.svg`: what each topology costs, by category, with its multiplier against the baseline beside the bar. Bars lie, so
//! that there is room for the names of topologies, however many there are.

use super::axes::{self, Entry, Frame, MARGIN, Mark, RIGHT, SMALL, Scale};
use super::canvas::{self, INK, Lettering, PAPER, Pen, SOFT};
use crate::report::format as f;
use crate::study::result::{RunResult, TopologyResult};
use plotters::style::Color;
use std::io;

const WIDTH: f64 = 960.0;

/// Height of the row of one topology.
const ROW: f64 = 52.0;

/// Height of a bar.
const BAR: f64 = 30.0;

/// Room for the names of topologies.
const NAMES: f64 = 168.0;

/// Space between a bar and the figures beside it, and between two panels.
const GAP: f64 = 8.0;
const BETWEEN: f64 = 40.0;

/// How names of topologies, multipliers and totals are written.
const NAME: Lettering = Lettering::new(13.0, INK);
const RATIO: Lettering = Lettering::new(15.0, INK).bold();
const TOTAL: Lettering = Lettering::new(SMALL, SOFT);

/// Lines of a name at most, and the height of one.
const MOST_LINES: usize = 3;
const NAME_LINE: f64 = 16.0;

/// The category that has a panel without it.
const TOKENS: &str = "tokens";

pub(super) fn draw(run: &RunResult) -> io::Result<String> {
    let title = "Cost by category, topologies compared";
    let what = format!(
        "Dollars for {}; beside each bar the total and its multiple of {}. {}",
        f::duration(Some(run.scenario.horizon_s)),
        run.scenario.baseline,
        run.scenario.name
    );
    let size = (WIDTH, 190.0 + ROW * run.topologies.len().max(2) as f64);
    canvas::picture(size, title, &what, |pen| {
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
        let top = axes::head(pen, WIDTH, title, &what, &legend)?;
        // Tokens are often nearly everything: what is left shows only on a scale of its own.
        let tokens = categories.iter().position(|c| *c == TOKENS);
        let infrastructure: Vec<usize> = (0..categories.len()).filter(|i| Some(*i) != tokens).collect();
        let mut panels = vec![Panel { title: "Everything", shown: (0..categories.len()).collect(), tokens: true }];
        if tokens.is_some() && !infrastructure.is_empty() {
            panels.push(Panel { title: "Without tokens", shown: infrastructure, tokens: false });
        }
        let left = MARGIN + NAMES + GAP;
        let width = (WIDTH - MARGIN - left - BETWEEN * (panels.len() - 1) as f64) / panels.len() as f64;
        let (top, bottom) = (top + 30.0, size.1 - 54.0);
        let row = (bottom - top) / run.topologies.len().max(1) as f64;
        for (i, t) in run.topologies.iter().enumerate() {
            let lines = name_lines(&t.name, NAMES);
            let middle = top + (i as f64 + 0.5) * row;
            for (n, line) in lines.iter().enumerate() {
                let y = middle + (n as f64 - (lines.len() - 1) as f64 / 2.0) * NAME_LINE;
                pen.text((left - GAP, y), NAME.right(), line)?;
            }
        }
        for (i, panel) in panels.iter().enumerate() {
            let left = left + i as f64 * (width + BETWEEN);
            panel.draw(pen, run, &categories, Frame { left, top, right: left + width, bottom }, row)?;
        }
        Ok(())
    })
}

/// Bars of some categories.
struct Panel {
    title: &'static str,
    /// Positions in the list of categories.
    shown: Vec<usize>,
    /// Whether tokens are among them.
    tokens: bool,
}

impl Panel {
    fn draw(&self, pen: &Pen<'_>, run: &RunResult, categories: &[&str], mut frame: Frame, row: f64) -> io::Result<()> {
        pen.text((frame.left, frame.top - 14.0), Lettering::new(13.0, INK).bold(), self.title)?;
        let figures = run.topologies.iter().map(|t| self.figures(t));
        let widest = figures.map(|(ratio, total)| RATIO.width(&ratio).max(TOTAL.width(&total))).fold(0.0, f64::max);
        frame.right -= (widest + 2.0 * GAP).max(RIGHT);
        let most = run.topologies.iter().map(|t| self.sum(t, categories)).fold(0.0, f64::max);
        let ticks = axes::linear_ticks(most, 4, |x| format!("${}", f::number(x)));
        // The longest bar reaches to the end, so that its figures stand where there is room for them.
        let shown = ticks.iter().take_while(|t| t.at <= most.max(ticks[1].at)).count();
        let x = Scale::linear(0.0, most.max(ticks[shown - 1].at), frame.left, frame.right);
        axes::x_axis(pen, frame, x, &ticks[..shown], "Cost in US dollars")?;
        for (i, t) in run.topologies.iter().enumerate() {
            self.bar(pen, t, categories, frame.top + (i as f64 + 0.5) * row, x)?;
        }
        axes::axis_lines(pen, frame)
    }

    fn sum(&self, t: &TopologyResult, categories: &[&str]) -> f64 {
        self.shown.iter().map(|i| amount(t, categories[*i])).sum()
    }

    /// Multiplier and total.
    fn figures(&self, t: &TopologyResult) -> (String, String) {
        let (ratio, total) = if self.tokens {
            (t.cost.multiplier, t.cost.total_usd)
        } else {
            (t.cost.multiplier_infrastructure, t.cost.infrastructure_usd)
        };
        (f::multiplier(ratio), f::dollars(total))
    }

    fn bar(&self, pen: &Pen<'_>, t: &TopologyResult, categories: &[&str], y: f64, x: Scale) -> io::Result<()> {
        let mut before = 0.0;
        for i in &self.shown {
            let share = amount(t, categories[*i]);
            let (from, to) = (x.px(before), x.px(before + share));
            pen.rect((from, y - BAR / 2.0), (to, y + BAR / 2.0), canvas::color(*i).mix(0.88))?;
            before += share;
        }
        let (ratio, total) = self.figures(t);
        let left = x.px(before) + GAP;
        // Grid lines must not run through the figures.
        let wide = RATIO.width(&ratio).max(TOTAL.width(&total));
        pen.rect((left - GAP / 2.0, y - 20.0), (left + wide, y + 20.0), PAPER.to_rgba())?;
        pen.text((left, y - 8.0), RATIO, &ratio)?;
        pen.text((left, y + 10.0), TOTAL, &total)
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
