//! The whole-run histogram: full precision, a few nanoseconds per record, exact merges.

use super::buckets::{self, Bucket, CdfPoint};
use super::timeline::Merge;
use crate::units::Span;
use std::fmt;

/// Each power of two is cut into 512 buckets: percentiles are off by at most 2^-10 (0.1 %).
const BITS: u32 = 9;
const CHUNK: usize = 1 << BITS;
const OCTAVES: usize = buckets::octaves(BITS);

/// A distribution of integers, by convention **nanoseconds** for latencies and plain numbers for counts.
///
/// * `count`, `sum`, `mean`, `min` and `max` are exact.
/// * A percentile is the value of nearest rank (the smallest recorded value such that at least `p` percent of the
///   records are at or below it), reported as the middle of its bucket and clamped to `[min, max]`. It is off by at
///   most **2^-10 of that value** (0.098 %), and exact for values below 1024, for the first and for the last rank.
/// * Merging adds integers: exact, commutative and associative, so the order of threads cannot show.
///
/// Memory is 4 KiB for each power of two that has been seen (latencies from 30 ms to 60 s: 11 of them, 44 KiB),
/// allocated at the first record there and never again, whatever the number of records.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    /// One chunk per power of two; present exactly when it holds a record, so that equality is equality of contents.
    chunks: [Option<Box<[u64; CHUNK]>>; OCTAVES],
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Histogram {
    /// The largest relative error of a percentile.
    pub const RELATIVE_ERROR: f64 = 1.0 / (2u64 << BITS) as f64;

    /// Without any record.
    pub fn new() -> Histogram {
        Histogram { chunks: [const { None }; OCTAVES], count: 0, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Records one value.
    #[inline]
    pub fn record(&mut self, v: u64) {
        self.record_n(v, 1);
    }

    /// Records a duration in nanoseconds.
    #[inline]
    pub fn record_span(&mut self, s: Span) {
        self.record_n(s.nanos(), 1);
    }

    /// Records `n` equal values; none when `n` is zero.
    #[inline]
    pub fn record_n(&mut self, v: u64, n: u64) {
        if n == 0 {
            return;
        }
        let i = buckets::index::<BITS>(v);
        let chunk = self.chunks[i >> BITS].get_or_insert_with(new_chunk);
        chunk[i & (CHUNK - 1)] += n;
        self.count += n;
        self.sum += u128::from(v) * u128::from(n);
        self.min = self.min.min(v);
        self.max = self.max.max(v);
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }
    /// True when nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// The exact sum of all values.
    pub fn sum(&self) -> u128 {
        self.sum
    }
    /// The mean: the exact sum, divided once. `None` without records.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
    /// The smallest value, exact. `None` without records.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }
    /// The largest value, exact. `None` without records.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value of nearest rank at `p` percent (99.9 for the 99.9th percentile), see [`Histogram`] for the definition
    /// and its error. `None` without records.
    ///
    /// # Panics
    /// If `p` is not in 0 to 100.
    pub fn percentile(&self, p: f64) -> Option<u64> {
        buckets::percentile(self.buckets(), p, self.count, self.min, self.max)
    }

    /// The non-empty buckets, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.chunks.iter().enumerate().filter_map(|(o, c)| c.as_ref().map(|c| (o, c))).flat_map(|(o, chunk)| {
            chunk
                .iter()
                .enumerate()
                .filter(|&(_, &n)| n > 0)
                .map(move |(i, &n)| buckets::bucket::<BITS>((o << BITS) + i, n))
        })
    }

    /// The share of records in buckets that lie wholly at or below `v`, 0 to 1. `None` without records. Records in
    /// the bucket that `v` cuts are not counted unless `v` is its upper end, so the result errs low by one bucket.
    pub fn share_at_or_below(&self, v: u64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        if v >= self.max {
            return Some(1.0);
        }
        let below: u64 = self.buckets().take_while(|b| b.upper <= v).map(|b| b.count).sum();
        Some(below as f64 / self.count as f64)
    }

    /// The cumulative distribution for a chart, in about `points` points and some more in the tail; empty without records.
    pub fn cdf_points(&self, points: usize) -> Vec<CdfPoint> {
        buckets::cdf_points(self.buckets(), self.count, self.max, points)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.chunks.iter().flatten().count() * size_of::<[u64; CHUNK]>()
    }
}

#[cold]
#[inline(never)]
fn new_chunk() -> Box<[u64; CHUNK]> {
    Box::new([0; CHUNK])
}

impl Merge for Histogram {
    fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.chunks.iter_mut().zip(&other.chunks) {
            if let Some(theirs) = theirs {
                let mine = mine.get_or_insert_with(new_chunk);
                for (m, t) in mine.iter_mut().zip(theirs.iter()) {
                    *m += t;
                }
            }
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("sum", &self.sum)
            .field("min", &self.min())
            .field("p50", &self.percentile(50.0))
            .field("p99", &self.percentile(99.0))
            .field("max", &self.max())
            .finish()
    }
}
