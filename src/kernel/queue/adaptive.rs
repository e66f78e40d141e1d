//! The engine's pending-event set: a short sorted list in front of a radix heap.
//!
//! The next few events stand in a small sorted array, where insertion and removal touch one or two cache lines; all
//! others are dealt into buckets. A small population never leaves the array. A large one enters the array bucket by
//! bucket, each sorted once, which replaces the last rounds of dealing out.
//!
//! **Invariants.** Every key in the array is below `fence`, every key in the buckets at or above it, and new keys go to
//! where they belong by that rule; so equal keys are always in the same place. In the array a key is inserted behind its
//! equals; a split that moves the later half to the buckets never parts equals; buckets are stable, see
//! [`super::buckets`]. One exception: of many keys equal to the lowest, a part enters the array while the rest waits. The
//! fence then stands *at* that key, nothing can be inserted before it any more, and newcomers queue up behind the rest.

use super::buckets::{BLOCK, Buckets};
use super::{Entry, PendingSet};

/// Most events that the array holds before its later half is moved to the buckets. Measured, see `docs/engine.md`.
const FRONT: usize = 48;
/// Buckets up to this size are sorted into the array instead of being dealt out again. The distance to [`FRONT`] leaves
/// room for newcomers, so that filling and splitting do not alternate.
const TAKE: u32 = 32;

/// A sorted array in front of a radix heap; see the module's text.
pub struct Adaptive<T> {
    /// Descending: the next event is last, so that taking it is a `pop`.
    front: Vec<Entry<T>>,
    fence: u64,
    /// The key popped last: a lower bound of all keys that are in or will come.
    now: u64,
    len: usize,
    buckets: Buckets<T>,
}

impl<T: Copy> Default for Adaptive<T> {
    fn default() -> Self {
        Adaptive::new()
    }
}

impl<T: Copy> Adaptive<T> {
    /// An empty set; allocates the array.
    pub fn new() -> Adaptive<T> {
        const { assert!(TAKE as usize <= FRONT && BLOCK <= FRONT) }
        Adaptive { front: Vec::with_capacity(FRONT), fence: u64::MAX, now: 0, len: 0, buckets: Buckets::new() }
    }

    /// Puts an event into the array, which has room, behind its equals.
    #[inline]
    fn insert(front: &mut Vec<Entry<T>>, entry: Entry<T>) {
        // The array is descending and equals popped earlier stand further back: skip everything that goes first.
        let mut i = front.len();
        front.push(entry);
        while i > 0 && front[i - 1].key <= entry.key {
            front[i] = front[i - 1];
            i -= 1;
        }
        front[i] = entry;
    }

    /// Moves the later half of the array to the buckets, and the new event to where it belongs then.
    #[cold]
    #[inline(never)]
    fn split(&mut self, entry: Entry<T>) {
        if self.buckets.is_empty() {
            self.buckets.rebase(self.now);
        }
        // Equals stay together, or some would land behind later ones that are in the buckets already.
        let mut cut = FRONT / 2;
        self.fence = self.front[cut - 1].key;
        while cut < FRONT && self.front[cut].key == self.fence {
            cut += 1;
        }
        // From the earliest of them to the latest, so that equals keep their order.
        for i in (0..cut).rev() {
            self.buckets.push(self.front[i]);
        }
        self.front.copy_within(cut.., 0);
        self.front.truncate(FRONT - cut);
        if entry.key < self.fence {
            Self::insert(&mut self.front, entry);
        } else {
            self.buckets.push(entry);
        }
    }

    /// Fills the empty array from the buckets, unless their lowest key is above `limit`.
    #[inline(never)]
    fn refill(&mut self, limit: u64) -> bool {
        loop {
            let Some((place, bucket)) = self.buckets.lowest() else {
                self.fence = u64::MAX;
                return false;
            };
            if bucket.min > limit {
                return false;
            }
            if bucket.count <= TAKE {
                self.buckets.detach(place);
                self.buckets.rebase(bucket.min);
                self.buckets.empty_into(bucket, |entry| Self::insert(&mut self.front, entry));
                // All that could still come into this bucket's range belongs to the array now.
                self.fence = if self.buckets.is_empty() { u64::MAX } else { place.end_of_range(bucket.min) };
                return true;
            }
            if place.is_single_key() {
                self.buckets.first_block_into(place, |entry| self.front.push(entry));
                self.front.reverse();
                self.fence = bucket.min;
                return true;
            }
            self.buckets.detach(place);
            self.buckets.deal_out(bucket);
        }
    }
}

impl<T: Copy> PendingSet<T> for Adaptive<T> {
    #[inline]
    fn push(&mut self, key: u64, item: T) {
        debug_assert!(key >= self.now, "a monotone queue takes no key below the one popped last");
        self.len += 1;
        let entry = Entry { key, item };
        if key >= self.fence {
            self.buckets.push(entry);
        } else if self.front.len() < FRONT {
            Self::insert(&mut self.front, entry);
        } else {
            self.split(entry);
        }
    }

    #[inline]
    fn pop_at_most(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.front.is_empty() && !self.refill(limit) {
            return None;
        }
        let entry = *self.front.last()?;
        if entry.key > limit {
            return None;
        }
        self.front.truncate(self.front.len() - 1);
        self.now = entry.key;
        self.len -= 1;
        Some((entry.key, entry.item))
    }

    fn len(&self) -> usize {
        self.len
    }
}
