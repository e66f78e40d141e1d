//! How fast traffic left a place in trouble, and when it came back: pure functions of arrivals per interval.
//!
//! *Share* is the target's arrivals divided by all arrivals over some stretch. The *baseline* is the share over the
//! trailing window before the incident. Traffic *has moved to level q* at the first moment from which the share over a
//! short **forward window** is at most `q` times the baseline, q = 1/2 and q = 1/100, and from which it **stays** so for as
//! long as the fault lasts: no stretch of [`ShiftRule::sustained`] that begins later and ends before the repair exceeds the
//! level by more than chance, and neither does the stretch that begins there. So a lull, in which all gateways happen to be
//! in cool-down, is no move.
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
    /// The shortest stretch over which a level has to be kept.
    pub sustained: Span,
}

impl Default for ShiftRule {
    /// ASSUMPTION: five minutes back, which is short against the daily curve and long against Poisson noise at one
    /// arrival per second; five seconds forward, half the usual interval of a health check; two minutes kept, longer than
    /// cool-downs and ejections, which gateways keep between 5 s and a minute.
    fn default() -> ShiftRule {
        let (baseline_window, least_window) = (Span::from_mins(5), Span::from_secs(5));
        ShiftRule { baseline_window, least_window, sustained: Span::from_mins(2) }
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
    /// When its share had fallen to half of that for good. `None` if it never did.
    pub moved_half: Option<Moment>,
    /// When its share had fallen to 1 % of that for good. `None` if it never did.
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
/// the repair of a short incident. A level that the series is too short to confirm is not reached.
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
    let sustained = rule.sustained.nanos().div_ceil(width) as usize;
    let repaired = end.map_or(all.len(), |e| (e.since(total.start()).nanos().div_ceil(width) as usize).min(all.len()));
    let scan = Scan { all, here: &here, base, least, sustained, repaired };
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
    /// Least length of a stretch that shows whether a level is kept, in intervals.
    sustained: usize,
    /// The first interval after the repair.
    repaired: usize,
}

impl<F: Fn(usize) -> u64> Scan<'_, F> {
    /// The first window from `first` on with share <= n/d of the baseline.
    fn first_at_most(&self, first: usize, n: u64, d: u64) -> Option<Window> {
        let expected = ENOUGH_ARRIVALS.max(ALLOWED_ARRIVALS * u128::from(d / n));
        let level = n as f64 / d as f64 * self.base.here as f64 / self.base.all as f64;
        let exceeds = |w: &Window| {
            let usual = level * w.sum.all as f64;
            w.sum.here as f64 > usual + 3.0 * libm::sqrt(usual)
        };
        let stretches = self.windows(first, self.sustained, expected);
        let within_fault = stretches.iter().filter(|w| w.first + w.cells <= self.repaired);
        let kept_from = within_fault.filter(|w| exceeds(w)).map(|w| w.first + 1).next_back().unwrap_or(first);
        // here / all <= n/d * base.here / base.all
        self.windows(first, self.least, expected).into_iter().find(|w| {
            w.first >= kept_from
                && w.sum.here * u128::from(d) * self.base.all <= u128::from(n) * self.base.here * w.sum.all
                && stretches.get(w.first - first).is_some_and(|s| !exceeds(s))
        })
    }

    /// The first window from `first` on with share >= n/d of the baseline.
    fn first_at_least(&self, first: usize, n: u64, d: u64) -> Option<Window> {
        let mut windows = self.windows(first, self.least, ENOUGH_ARRIVALS).into_iter();
        windows.find(|w| w.sum.here * u128::from(d) * self.base.all >= u128::from(n) * self.base.here * w.sum.all)
    }

    /// A window from each interval on, from `first`. Each is as short as allowed: at least `least` intervals, and so many
    /// arrivals that the baseline expects `expected` of them at the target. Those that would pass the end are left out.
    fn windows(&self, first: usize, least: usize, expected: u128) -> Vec<Window> {
        let enough = |all: u128| all * self.base.here >= expected * self.base.all;
        let mut windows = Vec::new();
        let mut sum = Arrivals { here: 0, all: 0 };
        let mut end = first;
        for i in first..self.all.len() {
            while end - i < least || !enough(sum.all) {
                let Some(all) = self.all.get(end) else { return windows };
                sum.all += u128::from(*all);
                sum.here += u128::from((self.here)(end));
                end += 1;
            }
            windows.push(Window { first: i, cells: end - i, sum });
            sum.all -= u128::from(self.all[i]);
            sum.here -= u128::from((self.here)(i));
        }
        windows
    }
}
