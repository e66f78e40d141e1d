//! The radix heap under the engine's set: six bits per level, and buckets that are chains of blocks from one pool.
//!
//! As in [`super::Radix`] a key sits where its highest difference from `last`, a lower bound of all keys, puts it; but by
//! digits of six bits rather than single bits, so an event is dealt out a sixth as often. All buckets share one pool of
//! blocks, so memory is that of the peak population. (With a growing array per bucket every new high bit of the clock
//! would sooner or later cost an array for all that is pending.)
//!
//! Equal keys stay in order for the same reason as in [`super::Radix`]: the place depends on key and `last` alone, a push
//! appends, and dealing out walks a chain from its front into buckets that are empty at that time. On level 0 all keys of
//! a bucket are equal.

use super::Entry;

/// Bits per digit.
const DIGIT: u32 = 6;
/// Number of levels, rounded up from 64 / 6 to a power of two so that an index can be masked.
const LEVELS: usize = 16;
/// Events per block: a kilobyte with an event of 24 bytes.
pub(super) const BLOCK: usize = 32;
/// No block.
const NONE: u32 = u32::MAX;

struct Block<T> {
    entries: [Entry<T>; BLOCK],
    len: u32,
    next: u32,
}

/// A bucket: a chain of blocks of which only the last is not full.
#[derive(Clone, Copy)]
pub(super) struct Bucket {
    /// The lowest key in it.
    pub(super) min: u64,
    /// Number of events in it.
    pub(super) count: u32,
    first: u32,
    last: u32,
}

const EMPTY: Bucket = Bucket { min: u64::MAX, count: 0, first: NONE, last: NONE };

/// Where a bucket stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    level: u32,
    digit: u32,
}

impl Place {
    #[inline]
    fn index(self) -> usize {
        ((self.level << DIGIT) | self.digit) as usize & ((LEVELS << DIGIT) - 1)
    }

    /// Whether all keys of a bucket at this place are equal.
    #[inline]
    pub(super) fn is_single_key(self) -> bool {
        self.level == 0
    }

    /// The first key above the range of the bucket that holds `key` at this place, if there is one.
    #[inline]
    pub(super) fn end_of_range(self, key: u64) -> u64 {
        (key | ((1 << (self.level * DIGIT)) - 1)).saturating_add(1)
    }
}

/// The buckets and their pool.
pub(super) struct Buckets<T> {
    /// Lower bound of the keys here, and what their digits are compared with.
    last: u64,
    /// Bit `l` is set while a bucket of level `l` is occupied.
    levels: u32,
    /// Per level, bit `d` is set while bucket `d` is occupied.
    digits: [u64; LEVELS],
    buckets: Box<[Bucket; LEVELS << DIGIT]>,
    pool: Vec<Block<T>>,
    free: u32,
}

impl<T: Copy> Buckets<T> {
    pub(super) fn new() -> Buckets<T> {
        let buckets = Box::new([EMPTY; LEVELS << DIGIT]);
        Buckets { last: 0, levels: 0, digits: [0; LEVELS], buckets, pool: Vec::new(), free: NONE }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.levels == 0
    }

    /// Raises the lower bound to `last`. There must be no bucket, or `last` must be the lowest key of the lowest bucket
    /// after that was taken out.
    #[inline]
    pub(super) fn rebase(&mut self, last: u64) {
        self.last = last;
    }

    /// Adds an event behind its equals. Its key must not be below the lower bound.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry<T>) {
        debug_assert!(entry.key >= self.last, "a monotone queue takes no key below the one popped last");
        // With the lowest bit set, equality counts as a difference on level 0.
        let level = (63 - ((entry.key ^ self.last) | 1).leading_zeros()) / DIGIT;
        let place = Place { level, digit: (entry.key >> (level * DIGIT)) as u32 & ((1 << DIGIT) - 1) };
        self.levels |= 1 << level;
        self.digits[level as usize % LEVELS] |= 1 << place.digit;
        let bucket = &mut self.buckets[place.index()];
        bucket.count += 1;
        bucket.min = bucket.min.min(entry.key);
        if let Some(block) = self.pool.get_mut(bucket.last as usize)
            && let Some(free) = block.entries.get_mut(block.len as usize)
        {
            *free = entry;
            block.len += 1;
        } else {
            self.append_block(place, entry);
        }
    }

    #[inline(never)]
    fn append_block(&mut self, place: Place, entry: Entry<T>) {
        let new = self.free;
        let new = if new == NONE {
            let new = u32::try_from(self.pool.len()).ok().filter(|n| *n != NONE);
            self.pool.push(Block { entries: [entry; BLOCK], len: 1, next: NONE });
            new.expect("fewer than 2^32 - 1 blocks of pending events")
        } else {
            let block = &mut self.pool[new as usize];
            self.free = block.next;
            (block.entries[0], block.len, block.next) = (entry, 1, NONE);
            new
        };
        let bucket = &mut self.buckets[place.index()];
        if bucket.last == NONE {
            bucket.first = new;
        } else {
            self.pool[bucket.last as usize].next = new;
        }
        bucket.last = new;
    }

    /// The place of the bucket that holds the lowest key, and the bucket.
    #[inline]
    pub(super) fn lowest(&self) -> Option<(Place, Bucket)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros();
        let place = Place { level, digit: self.digits[level as usize % LEVELS].trailing_zeros() };
        Some((place, self.buckets[place.index()]))
    }

    /// Takes the bucket out; its blocks belong to the caller, who must pass them to [`Buckets::deal_out`] or
    /// [`Buckets::empty_into`].
    #[inline]
    pub(super) fn detach(&mut self, place: Place) {
        self.buckets[place.index()] = EMPTY;
        let digits = &mut self.digits[place.level as usize % LEVELS];
        *digits &= !(1 << place.digit);
        if *digits == 0 {
            self.levels &= !(1 << place.level);
        }
    }

    /// Deals a detached bucket out to lower levels around its lowest key.
    pub(super) fn deal_out(&mut self, bucket: Bucket) {
        self.last = bucket.min;
        let mut at = bucket.first;
        while at != NONE {
            for i in 0..self.pool[at as usize].len as usize {
                let entry = self.pool[at as usize].entries[i];
                self.push(entry);
            }
            at = self.release(at);
        }
    }

    /// Shows the events of a detached bucket in order.
    #[inline]
    pub(super) fn empty_into(&mut self, bucket: Bucket, mut take: impl FnMut(Entry<T>)) {
        let mut at = bucket.first;
        while at != NONE {
            let block = &self.pool[at as usize];
            block.entries[..block.len as usize].iter().for_each(|e| take(*e));
            at = self.release(at);
        }
    }

    /// Shows the first block of a bucket, at most [`BLOCK`] events, in order, and drops it from the bucket, which must
    /// have others.
    pub(super) fn first_block_into(&mut self, place: Place, mut take: impl FnMut(Entry<T>)) {
        let at = self.buckets[place.index()].first;
        let block = &self.pool[at as usize];
        let len = block.len;
        block.entries[..len as usize].iter().for_each(|e| take(*e));
        let next = self.release(at);
        debug_assert!(next != NONE);
        let bucket = &mut self.buckets[place.index()];
        bucket.first = next;
        bucket.count -= len;
    }

    /// Gives a block back to the pool and answers the one that followed it.
    #[inline]
    fn release(&mut self, at: u32) -> u32 {
        let block = &mut self.pool[at as usize];
        let next = block.next;
        block.next = self.free;
        self.free = at;
        next
    }
}
