//! A monotone radix heap that keeps equal keys in order, after Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for
//! the shortest path problem", Journal of the ACM 37 (1990).
//!
//! `last` is a lower bound of all keys that are in or will come. A key sits in the bucket numbered by the highest bit in
//! which it differs from `last`; bucket 0 holds keys equal to `last`. When the lowest buckets run empty, `last` moves up
//! to the lowest key of the next bucket and that bucket is dealt out anew; each move takes an event to a lower bucket, so
//! an event moves at most 64 times and in practice a few.
//!
//! **Why equal keys stay in order.** Where a key sits depends on the key and `last` alone, so equal keys are always in the
//! same bucket. Pushing appends. Dealing out walks a bucket from front to back and appends to buckets that are all empty
//! at that time (only lower ones than the lowest occupied bucket are filled). So in each bucket equal keys stand in the
//! order in which they were pushed, and bucket 0 is emptied from the front.

use super::{Entry, PendingSet};

/// The bare radix heap, with 64 buckets of one bit each.
pub struct Radix<T> {
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

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Radix { last: 0, occupied: 0, buckets: [const { Vec::new() }; 64], equal: Vec::new(), head: 0, len: 0 }
    }
}

impl<T: Copy> Radix<T> {
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

    /// Deals out the lowest bucket around its lowest key, unless that key is above `limit`.
    fn refill(&mut self, limit: u64) -> bool {
        if self.occupied == 0 {
            return false;
        }
        let b = self.occupied.trailing_zeros() as usize;
        let lowest = self.buckets[b].iter().map(|e| e.key).min().expect("the bucket is marked occupied");
        if lowest > limit {
            return false;
        }
        self.last = lowest;
        self.occupied &= self.occupied - 1;
        self.equal.clear();
        self.head = 0;
        // Taken out while its content goes to lower buckets, and put back for the sake of its capacity.
        let mut bucket = std::mem::take(&mut self.buckets[b]);
        for entry in &bucket {
            self.place(*entry);
        }
        bucket.clear();
        self.buckets[b] = bucket;
        true
    }
}

impl<T: Copy> PendingSet<T> for Radix<T> {
    #[inline]
    fn push(&mut self, key: u64, item: T) {
        debug_assert!(key >= self.last, "a monotone queue takes no key below the one popped last");
        self.len += 1;
        self.place(Entry { key, item });
    }

    #[inline]
    fn pop_at_most(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.head == self.equal.len() && !self.refill(limit) {
            return None;
        }
        if self.last > limit {
            return None;
        }
        let entry = self.equal[self.head];
        self.head += 1;
        self.len -= 1;
        if self.head == self.equal.len() {
            self.equal.clear();
            self.head = 0;
        }
        Some((entry.key, entry.item))
    }

    fn len(&self) -> usize {
        self.len
    }
}
