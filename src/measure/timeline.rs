//! Series over fixed intervals of simulated time: [`Counts`] for integers, [`Timeline`] for anything bigger.

use crate::units::{Span, Time};

/// Adding up what was measured apart. Must be exact, commutative and associative, so that neither the order nor the
/// number of threads shows in a result.
pub trait Merge {
    /// Adds `other` to `self`.
    fn merge(&mut self, other: &Self);
}

impl Merge for u64 {
    fn merge(&mut self, other: &u64) {
        *self += other;
    }
}

/// More intervals than any sensible chart or file has: a time so late is a bug upstream, not a reason to fill memory.
/// (A year of seconds is 31.5 million.)
const MAX_CELLS: usize = 1 << 26;

/// The grid of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Grid {
    start: Time,
    width: Span,
}

impl Grid {
    fn new(start: Time, width: Span) -> Grid {
        assert!(width > Span::ZERO, "an interval has a length");
        Grid { start, width }
    }

    #[inline]
    fn index_of(self, t: Time) -> Option<usize> {
        let i = t.nanos().checked_sub(self.start.nanos())? / self.width.nanos();
        assert!(i < MAX_CELLS as u64, "{t:?} is interval {i} of a series that starts at {:?}", self.start);
        Some(i as usize)
    }

    fn start_of(self, i: usize) -> Time {
        self.start + self.width.times(i as u64)
    }
}

/// Whole numbers per interval: arrivals per second, bytes per minute. Eight bytes per interval up to the last one used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counts {
    grid: Grid,
    cells: Vec<u64>,
}

impl Counts {
    /// An empty series whose first interval begins at `start`.
    ///
    /// # Panics
    /// If `width` is zero.
    pub fn new(start: Time, width: Span) -> Counts {
        Counts { grid: Grid::new(start, width), cells: Vec::new() }
    }

    /// With room for intervals up to `end`, so that no record before it allocates.
    ///
    /// # Panics
    /// If `width` is zero or the series would be longer than 2^26 intervals.
    pub fn until(start: Time, width: Span, end: Time) -> Counts {
        let mut counts = Counts::new(start, width);
        counts.cells.reserve(counts.grid.index_of(end).map_or(0, |i| i + 1));
        counts
    }

    /// Adds `n` to the interval that contains `t`. Times before the start of the series (warm-up) are left out.
    ///
    /// # Panics
    /// If `t` lies more than 2^26 intervals after the start.
    #[inline]
    pub fn add(&mut self, t: Time, n: u64) {
        if let Some(i) = self.grid.index_of(t) {
            if i >= self.cells.len() {
                self.cells.resize(i + 1, 0);
            }
            self.cells[i] += n;
        }
    }

    /// The number of the interval that contains `t`; zero if never touched or before the start.
    pub fn at(&self, t: Time) -> u64 {
        self.grid.index_of(t).and_then(|i| self.cells.get(i)).copied().unwrap_or(0)
    }
    /// All intervals from the start up to the last one used.
    pub fn values(&self) -> &[u64] {
        &self.cells
    }
    /// The sum over all intervals.
    pub fn total(&self) -> u64 {
        self.cells.iter().sum()
    }
    /// When the first interval begins.
    pub fn start(&self) -> Time {
        self.grid.start
    }
    /// The length of an interval.
    pub fn width(&self) -> Span {
        self.grid.width
    }
    /// When interval `i` begins.
    pub fn start_of(&self, i: usize) -> Time {
        self.grid.start_of(i)
    }
}

impl Merge for Counts {
    /// # Panics
    /// If the two series do not have the same start and width.
    fn merge(&mut self, other: &Counts) {
        assert_eq!(self.grid, other.grid, "series on different grids cannot be added");
        if self.cells.len() < other.cells.len() {
            self.cells.resize(other.cells.len(), 0);
        }
        for (m, t) in self.cells.iter_mut().zip(&other.cells) {
            *m += t;
        }
    }
}

/// A cell of type `T` per interval, made when first used; one pointer per interval until then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline<T> {
    grid: Grid,
    cells: Vec<Option<Box<T>>>,
}

impl<T: Default> Timeline<T> {
    /// An empty series whose first interval begins at `start`.
    ///
    /// # Panics
    /// If `width` is zero.
    pub fn new(start: Time, width: Span) -> Timeline<T> {
        Timeline { grid: Grid::new(start, width), cells: Vec::new() }
    }

    /// The cell of the interval that contains `t`, made if need be. `None` for times before the start (warm-up).
    ///
    /// # Panics
    /// If `t` lies more than 2^26 intervals after the start.
    #[inline]
    pub fn cell_mut(&mut self, t: Time) -> Option<&mut T> {
        let i = self.grid.index_of(t)?;
        if i >= self.cells.len() {
            self.cells.resize_with(i + 1, || None);
        }
        Some(self.cells[i].get_or_insert_with(Box::default))
    }
}

impl<T> Timeline<T> {
    /// The cell of the interval that contains `t`; `None` if it was never used.
    pub fn cell(&self, t: Time) -> Option<&T> {
        self.get(self.grid.index_of(t)?)
    }
    /// The cell of interval `i`; `None` if it was never used.
    pub fn get(&self, i: usize) -> Option<&T> {
        self.cells.get(i)?.as_deref()
    }
    /// Intervals from the start up to the last one used.
    pub fn len(&self) -> usize {
        self.cells.len()
    }
    /// True when no interval was used.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
    /// When the first interval begins.
    pub fn start(&self) -> Time {
        self.grid.start
    }
    /// The length of an interval.
    pub fn width(&self) -> Span {
        self.grid.width
    }
    /// When interval `i` begins.
    pub fn start_of(&self, i: usize) -> Time {
        self.grid.start_of(i)
    }
    /// Each interval with its beginning, up to the last one used; `None` for those never used.
    pub fn iter(&self) -> impl Iterator<Item = (Time, Option<&T>)> {
        self.cells.iter().enumerate().map(|(i, c)| (self.grid.start_of(i), c.as_deref()))
    }
}

impl<T: Merge + Clone> Merge for Timeline<T> {
    /// # Panics
    /// If the two series do not have the same start and width.
    fn merge(&mut self, other: &Timeline<T>) {
        assert_eq!(self.grid, other.grid, "series on different grids cannot be added");
        if self.cells.len() < other.cells.len() {
            self.cells.resize_with(other.cells.len(), || None);
        }
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            match (mine, theirs) {
                (Some(m), Some(t)) => m.merge(t),
                (m @ None, Some(t)) => *m = Some(t.clone()),
                (_, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Time {
        Time::ZERO + Span::from_secs(s)
    }

    #[test]
    fn counts_fall_into_their_interval_and_leave_out_the_warm_up() {
        let mut c = Counts::until(secs(10), Span::from_secs(1), secs(20));
        for (t, n) in [(9, 7), (10, 1), (12, 2)] {
            c.add(secs(t), n);
        }
        c.add(Time(secs(13).nanos() - 1), 1);
        assert_eq!(c.values(), [1, 0, 3]);
        assert_eq!((c.at(secs(12)), c.at(secs(9)), c.at(secs(99)), c.total()), (3, 0, 0, 4));
        assert_eq!(c.start_of(2), secs(12));
    }

    #[test]
    fn merging_aligns_intervals() {
        let mut a: Timeline<u64> = Timeline::new(Time::ZERO, Span::from_secs(1));
        let mut b = a.clone();
        *a.cell_mut(secs(1)).unwrap() += 1;
        *b.cell_mut(secs(1)).unwrap() += 2;
        *b.cell_mut(secs(3)).unwrap() += 4;
        let mut ab = a.clone();
        ab.merge(&b);
        let mut ba = b.clone();
        ba.merge(&a);
        assert_eq!(ab, ba);
        assert_eq!(ab.iter().map(|(_, c)| c.copied()).collect::<Vec<_>>(), [None, Some(3), None, Some(4)]);
    }

    #[test]
    #[should_panic(expected = "different grids")]
    fn series_on_different_grids_do_not_merge() {
        Counts::new(Time::ZERO, Span::from_secs(1)).merge(&Counts::new(Time::ZERO, Span::from_secs(2)));
    }

    #[test]
    #[should_panic(expected = "is interval")]
    fn a_time_without_end_is_a_bug_and_not_an_allocation() {
        Counts::new(Time::ZERO, Span::from_secs(1)).add(Time::NEVER, 1);
    }
}
