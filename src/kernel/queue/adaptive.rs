//! The engine's pending-event set: a short sorted list in front of a radix heap.
//!
//! The next few events stand in a small sorted array, where insertion and removal touch one or two cache lines; all
//! others are dealt into the buckets of a radix heap. A small population never leaves the array. A large one enters the
//! array bucket by bucket, each sorted once, which replaces the last rounds of dealing out.
//!
//! **Invariants.** Every key in the array is below `fence`, every key in the buckets at or above it, and new keys go to
//! where they belong by that rule; so equal keys are always in the same place. In the array a key is inserted behind its
//! equals; a split that moves the later half to the buckets never parts equals; buckets are stable as in [`super::Radix`].
//! One exception: of many keys equal to the lowest, a part enters the array while the rest waits. The fence then stands
//! *at* that key, nothing can be inserted before it any more, and newcomers queue up behind the rest.

use super::{Entry, PendingSet};

/// Most events that the array holds before its later half is moved to the buckets.
const FRONT: usize = 64;
/// Buckets up to this size are sorted into the array instead of being dealt out again.
const TAKE: usize = 32;

/// A sorted array in front of a radix heap; see the module's text.
pub struct Adaptive<T> {
    /// Descending: the next event is last, so that taking it is a `pop`.
    front: Vec<Entry<T>>,
    fence: u64,
    /// The key popped last: a lower bound of all keys that are in or will come.
    now: u64,
    /// Lower bound of the keys in the buckets, and what their bits are compared with.
    last: u64,
    /// Bit `b` is set while bucket `b` is occupied.
    occupied: u64,
    /// Bucket `b` holds keys whose highest bit of difference from `last` is `b`.
    buckets: [Vec<Entry<T>>; 64],
    /// Keys equal to `last`; the first `head` are gone already.
    equal: Vec<Entry<T>>,
    head: usize,
    len: usize,
}

impl<T: Copy> Default for Adaptive<T> {
    fn default() -> Self {
        Adaptive::new()
    }
}

impl<T: Copy> Adaptive<T> {
    /// An empty set; allocates the array.
    pub fn new() -> Adaptive<T> {
        Adaptive {
            front: Vec::with_capacity(FRONT),
            fence: u64::MAX,
            now: 0,
            last: 0,
            occupied: 0,
            buckets: [const { Vec::new() }; 64],
            equal: Vec::new(),
            head: 0,
            len: 0,
        }
    }

    /// Puts an event into the array, behind its equals.
    #[inline]
    fn insert(&mut self, entry: Entry<T>) {
        if self.front.len() == FRONT {
            self.split();
            if entry.key >= self.fence {
                self.place(entry);
                return;
            }
        }
        // The array is descending and equals popped earlier stand further back: skip everything that goes first.
        let mut i = self.front.len();
        self.front.push(entry);
        while i > 0 && self.front[i - 1].key <= entry.key {
            self.front[i] = self.front[i - 1];
            i -= 1;
        }
        self.front[i] = entry;
    }

    /// Moves the later half of the array to the buckets.
    #[cold]
    #[inline(never)]
    fn split(&mut self) {
        if self.occupied == 0 && self.head == self.equal.len() {
            self.last = self.now;
        }
        // Equals stay together, or some would land behind later ones that are in the buckets already.
        let mut cut = FRONT / 2;
        self.fence = self.front[cut - 1].key;
        while cut < FRONT && self.front[cut].key == self.fence {
            cut += 1;
        }
        // From the earliest of them to the latest, so that equals keep their order.
        for i in (0..cut).rev() {
            self.place(self.front[i]);
        }
        self.front.copy_within(cut.., 0);
        self.front.truncate(FRONT - cut);
    }

    #[inline]
    fn place(&mut self, entry: Entry<T>) {
        let differ = entry.key ^ self.last;
        if differ == 0 {
            self.equal.push(entry);
        } else {
            let b = 63 - differ.leading_zeros();
            self.occupied |= 1 << b;
            self.buckets[b as usize].push(entry);
        }
    }

    /// Fills the empty array from the buckets, unless their lowest key is above `limit`.
    #[inline(never)]
    fn refill(&mut self, limit: u64) -> bool {
        loop {
            if self.head < self.equal.len() {
                if self.last > limit {
                    return false;
                }
                let taken = (self.equal.len() - self.head).min(FRONT / 2);
                self.front.extend(self.equal[self.head..self.head + taken].iter().rev());
                self.head += taken;
                if self.head == self.equal.len() {
                    self.equal.clear();
                    self.head = 0;
                }
                // Keys equal to the fence go to the buckets from here on, behind those that are there.
                self.fence = self.last;
                return true;
            }
            if self.occupied == 0 {
                self.fence = u64::MAX;
                return false;
            }
            let b = self.occupied.trailing_zeros() as usize;
            let lowest = self.buckets[b].iter().map(|e| e.key).min().expect("the bucket is marked occupied");
            if lowest > limit {
                return false;
            }
            self.last = lowest;
            self.occupied &= self.occupied - 1;
            if self.buckets[b].len() <= TAKE {
                self.take(b);
                return true;
            }
            let mut bucket = std::mem::take(&mut self.buckets[b]);
            for entry in &bucket {
                self.place(*entry);
            }
            bucket.clear();
            self.buckets[b] = bucket;
        }
    }

    /// Sorts the content of bucket `b` into the empty array.
    fn take(&mut self, b: usize) {
        for i in 0..self.buckets[b].len() {
            let entry = self.buckets[b][i];
            let mut i = self.front.len();
            self.front.push(entry);
            while i > 0 && self.front[i - 1].key <= entry.key {
                self.front[i] = self.front[i - 1];
                i -= 1;
            }
            self.front[i] = entry;
        }
        self.buckets[b].clear();
        // All that could still come into this bucket's range belongs to the array now.
        self.fence = if self.occupied == 0 { u64::MAX } else { (self.last | ((1 << b) - 1)).saturating_add(1) };
    }
}

impl<T: Copy> PendingSet<T> for Adaptive<T> {
    #[inline]
    fn push(&mut self, key: u64, item: T) {
        debug_assert!(key >= self.now, "a monotone queue takes no key below the one popped last");
        self.len += 1;
        let entry = Entry { key, item };
        if key < self.fence {
            self.insert(entry);
        } else {
            self.place(entry);
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
