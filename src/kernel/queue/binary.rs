//! The textbook answer, kept for comparison: a binary heap on (key, sequence number).

use super::PendingSet;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

struct Numbered<T> {
    key: u64,
    seq: u64,
    item: T,
}

impl<T> PartialEq for Numbered<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.seq) == (other.key, other.seq)
    }
}
impl<T> Eq for Numbered<T> {}
impl<T> PartialOrd for Numbered<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Numbered<T> {
    // Reversed: the standard heap gives the greatest first.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (other.key, other.seq).cmp(&(self.key, self.seq))
    }
}

/// `std::collections::BinaryHeap` with a sequence number to break ties.
pub struct Binary<T> {
    heap: BinaryHeap<Numbered<T>>,
    seq: u64,
}

impl<T> Default for Binary<T> {
    fn default() -> Self {
        Binary { heap: BinaryHeap::new(), seq: 0 }
    }
}

impl<T: Copy> PendingSet<T> for Binary<T> {
    #[inline]
    fn push(&mut self, key: u64, item: T) {
        self.heap.push(Numbered { key, seq: self.seq, item });
        self.seq += 1;
    }

    #[inline]
    fn pop_at_most(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.heap.peek()?.key > limit {
            return None;
        }
        self.heap.pop().map(|n| (n.key, n.item))
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}
