//! Pending-event sets: the one that the engine uses ([`Adaptive`]) and the ones it is measured against.

mod adaptive;
mod binary;
mod buckets;
mod radix;

pub use adaptive::Adaptive;
pub use binary::Binary;
pub use radix::Radix;

/// A priority queue of events by integer key, first in first out among equal keys.
///
/// All are *monotone*: a key that is pushed may not be lower than the key popped last. [`super::Engine`] checks that
/// for its users; the sets themselves only check it in debug builds.
pub trait PendingSet<T: Copy> {
    /// Adds an event.
    fn push(&mut self, key: u64, item: T);

    /// Takes out the event with the lowest key, of those the one pushed first, if that key is not above `limit`.
    fn pop_at_most(&mut self, limit: u64) -> Option<(u64, T)>;

    /// Takes out the event with the lowest key, of those the one pushed first.
    #[inline]
    fn pop(&mut self) -> Option<(u64, T)> {
        self.pop_at_most(u64::MAX)
    }

    /// Number of events.
    fn len(&self) -> usize;

    /// Whether there is none.
    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A key and what waits for it.
#[derive(Clone, Copy)]
struct Entry<T> {
    key: u64,
    item: T,
}
