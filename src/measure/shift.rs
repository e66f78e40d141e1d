//! How fast traffic left a place in trouble, and when it came back: pure functions of arrivals per interval.
//!
//! *Share* is the target's arrivals divided by all arrivals over some stretch. The *baseline* is the share over the
//! trailing window before the incident. Traffic *has moved to level q* at the first moment from which the share over a
//! short **forward window** is at most `q` times the baseline, q = 1/2 and q = 1/100.
//!
//! Counts can be sparse and noisy, and chance must not decide. So the forward window is as long as it takes for the
//! baseline to expect `max(100, 3/q)` arrivals at the target (100 for the half, 300 for 99 %), but not shorter
//! than [`ShiftRule::least_window`]. When the switch is abrupt, the first window that keeps the level begins a little
//! before it and still holds some old traffic: its share divided by the baseline says how much of the window lies before
//! the switch. That much is added to the window's begin, so that the answer is exact in expectation for an abrupt switch;
//! for a steady decline the half is found in the middle of its window, which is exact too. Coming back is the mirror
//! image. Each answer carries the length of its window: its resolution.

use super::timeline::Counts;
use crate::units::{Span, Time};

/// The windows of the analysis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShiftRule {
    /// How far back the baseline looks; further if that has fewer than 100 arrivals at the target.
    pub baseline_window: Span,
    /// The shortest forward window.
    pub least_window: Span,
}

impl Default for ShiftRule {
    /// ASSUMPTION: five minutes back, which is short against the daily curve and long against Poisson noise at one
    /// arrival per second; five seconds forward, half the usual interval of a health check.
    fn default() -> ShiftRule {
        ShiftRule { baseline_window: Span::from_mins(5), least_window: Span::from_secs(5) }
    }
}

/// A moment found, relative to the start of the incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// How long after the start of the incident.
    pub after: Span,
    /// The length of the window that showed it: it cannot be known more precisely.
    pub resolution: Span,
}

/// What became of the traffic of one target in one incident.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shift {
    /// The target's share of arrivals before the incident, 0 to 1.
    pub baseline_share: f64,
    /// When its share had fallen to half of that. `None` if it never did.
    pub moved_half: Option<Moment>,
    /// When its share had fallen to 1 % of that. `None` if it never did.
    pub moved_99: Option<Moment>,
    /// When its share was back at half of the baseline, after the incident had ended. `None` if it had never fallen
    /// below, or never came back.
    pub back_half: Option<Moment>,
    /// When its share was back at 90 % of the baseline, after the incident had ended. `None` likewise. A window
    /// of 100 arrivals varies by 10 %, so chance can make this a window or two late.
    pub back_90: Option<Moment>,
}

/// Arrivals at the target that the baseline must hold at least: below, its share is off by a quarter and more.
const FEWEST_ARRIVALS: u128 = 20;

/// Arrivals at the target that the baseline expects in a forward window. Searching half an hour of windows for the first
/// one with a property finds the unlikely, so each must be very unlikely by chance: a Poisson number with mean 100 is at
/// most 50 with probability 1e-8 (with mean 20, at most 10 with 1e-2, which is too often).
const ENOUGH_ARRIVALS: u128 = 100;

/// Arrivals that a forward window may still hold when it keeps its level. With 3 of 300 for the level of 1 %, a remainder
/// of 8.7 % (clients that keep using an old address) passes for none with probability 1e-8; with 1 of 100 it would with
/// 2e-3, which is too often.
const ALLOWED_ARRIVALS: u128 = 3;

/// Analyses one incident. `total` and `target` are arrivals per interval of the same grid, all and those at the
/// affected target; `start` and `end` are when the incident's fault struck and was repaired (`None`: not before the end
/// of the run).
///
/// `None` if there is no baseline: fewer than 20 arrivals at the target before the start. An interval that the start
/// cuts belongs to neither side. The search goes on to the end of the series: what a slow detection causes may come after
/// the repair of a short incident.
///
/// # Panics
/// If the two series are on different grids or the target had more arrivals than there were.
pub fn analyse(total: &Counts, target: &Counts, start: Time, end: Option<Time>, rule: ShiftRule) -> Option<Shift> {
    assert!(total.start() == target.start() && total.width() == target.width(), "series on different grids");
    let all = total.values();
    let here = |i: usize| target.values().get(i).copied().unwrap_or(0);
    assert!((0..target.values().len().max(all.len())).all(|i| here(i) <= all.get(i).copied().unwrap_or(0)));

    let width = total.width().nanos();
    let whole_intervals_until = |t: Time| t.since(total.start()).nanos() / width;
    let before = (whole_intervals_until(start) as usize).min(all.len());
    let first = start.since(total.start()).nanos().div_ceil(width) as usize;
    let base = baseline(all, &here, before, rule.baseline_window.nanos().div_ceil(width) as usize)?;

    let least = rule.least_window.nanos().div_ceil(width).max(1) as usize;
    let scan = Scan { all, here: &here, base, least };
    let half = scan.first_at_most(first, 1, 2);
    let ninety_nine = scan.first_at_most(first, 1, 100);
    let back = |numerator: u64, denominator: u64| {
        let repaired = end?.since(total.start()).nanos().div_ceil(width) as usize;
        scan.first_at_least(repaired.max(half?.first), numerator, denominator)
    };
    let moment = |w: Window, before: u128| {
        let length = width * w.cells as u64;
        let old = (u128::from(length) * before / (w.sum.all * base.here)) as u64;
        Moment { after: (total.start_of(w.first) + Span(old)).since(start), resolution: Span(length) }
    };
    // how much of a window lies before an abrupt switch, times `all * base.here`
    let left = |w: Window| moment(w, w.sum.here * base.all);
    let returned = |w: Window| moment(w, (w.sum.all * base.here).saturating_sub(w.sum.here * base.all));
    Some(Shift {
        baseline_share: base.here as f64 / base.all as f64,
        moved_half: half.map(left),
        moved_99: ninety_nine.map(left),
        back_half: back(1, 2).map(returned),
        back_90: back(9, 10).map(returned),
    })
}

/// Arrivals over some stretch.
#[derive(Clone, Copy)]
struct Arrivals {
    here: u128,
    all: u128,
}

/// The `window` intervals that end at `before`, or more until there are enough arrivals at the target.
fn baseline(all: &[u64], here: &impl Fn(usize) -> u64, before: usize, window: usize) -> Option<Arrivals> {
    let mut sum = Arrivals { here: 0, all: 0 };
    for (taken, i) in (0..before).rev().enumerate() {
        if taken >= window && sum.here >= ENOUGH_ARRIVALS {
            break;
        }
        sum.here += u128::from(here(i));
        sum.all += u128::from(all[i]);
    }
    (sum.here >= FEWEST_ARRIVALS).then_some(sum)
}

/// A forward window: its first interval, its length in intervals, what arrived in it.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    cells: usize,
    sum: Arrivals,
}

/// The search for the first forward window with a property.
struct Scan<'a, F> {
    all: &'a [u64],
    here: &'a F,
    base: Arrivals,
    least: usize,
}

impl<F: Fn(usize) -> u64> Scan<'_, F> {
    /// The first window from `first` on with share <= n/d of the baseline.
    fn first_at_most(&self, first: usize, n: u64, d: u64) -> Option<Window> {
        let expected = ENOUGH_ARRIVALS.max(ALLOWED_ARRIVALS * u128::from(d / n));
        // here / all <= n/d * base.here / base.all
        self.first(first, expected, |w| {
            w.here * u128::from(d) * self.base.all <= u128::from(n) * self.base.here * w.all
        })
    }

    /// The first window from `first` on with share >= n/d of the baseline.
    fn first_at_least(&self, first: usize, n: u64, d: u64) -> Option<Window> {
        self.first(first, ENOUGH_ARRIVALS, |w| {
            w.here * u128::from(d) * self.base.all >= u128::from(n) * self.base.here * w.all
        })
    }

    /// Slides a window over the series. It is as short as allowed: at least `least` intervals, and so many arrivals
    /// that the baseline expects `expected` of them at the target. A window that would pass the end is not looked at.
    fn first(&self, first: usize, expected: u128, keeps: impl Fn(Arrivals) -> bool) -> Option<Window> {
        let enough = |all: u128| all * self.base.here >= expected * self.base.all;
        let mut sum = Arrivals { here: 0, all: 0 };
        let mut end = first;
        for i in first..self.all.len() {
            while end - i < self.least || !enough(sum.all) {
                sum.all += u128::from(*self.all.get(end)?);
                sum.here += u128::from((self.here)(end));
                end += 1;
            }
            if keeps(sum) {
                return Some(Window { first: i, cells: end - i, sum });
            }
            sum.all -= u128::from(self.all[i]);
            sum.here -= u128::from((self.here)(i));
        }
        None
    }
}
