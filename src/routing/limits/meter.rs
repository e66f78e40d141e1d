//! What all counters of one quantity have in common.

use crate::units::{Span, Time};

/// One quantity counted against one limit. Times never go back.
pub trait Meter {
    /// Time until `n` more fit if nothing else is counted meanwhile: zero when they fit now, `None` when they are more
    /// than ever fit at once.
    fn wait(&mut self, now: Time, n: u64) -> Option<Span>;

    /// Counts `n`, whether they fit or not.
    fn count(&mut self, now: Time, n: u64);

    /// Takes back `n` of what was counted at `then`, as far as that still counts.
    fn take_back(&mut self, now: Time, then: Time, n: u64);

    /// The most that ever fit at once.
    fn most(&self) -> u64;

    /// The next time at which more may fit than now although nothing was taken back; `None` when nothing is counted.
    fn next_change(&mut self, now: Time) -> Option<Time>;

    /// Counts `n` if they fit now.
    fn try_count(&mut self, now: Time, n: u64) -> bool {
        let fits = self.wait(now, n) == Some(Span::ZERO);
        if fits {
            self.count(now, n);
        }
        fits
    }
}

/// The earlier of two times that may not be there.
pub(super) fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
