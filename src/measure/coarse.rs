//! The per-interval histogram: small, sparse, at most 1.6 % off, for charts over time.

use super::buckets::{self, Bucket, CdfPoint};
use super::timeline::Merge;
use crate::units::Span;
use std::fmt;

/// Each power of two is cut into 32 buckets: percentiles are off by at most 2^-6 (1.6 %, the contract allows 3 %).
const BITS: u32 = 5;
const CHUNK: usize = 1 << BITS;

/// A distribution of integers in 128 bytes per power of two seen, nothing before the first record.
///
/// Same definitions as [`super::Histogram`] (exact count, sum, mean, min and max, nearest rank, middle of the bucket),
/// with a relative error of at most **2^-6**.
#[derive(Clone, PartialEq, Eq)]
pub struct CoarseHistogram {
    /// Which powers of two have a chunk. 60 are possible, so 64 bits do.
    present: u64,
    /// The chunks that are present, ascending, back to back.
    counts: Vec<u32>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl CoarseHistogram {
    /// The largest relative error of a percentile.
    pub const RELATIVE_ERROR: f64 = 1.0 / (2u64 << BITS) as f64;

    /// Without any record; allocates nothing.
    pub const fn new() -> CoarseHistogram {
        CoarseHistogram { present: 0, counts: Vec::new(), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Records one value.
    ///
    /// # Panics
    /// If one bucket would exceed `u32::MAX` records: intervals are far shorter than that.
    #[inline]
    pub fn record(&mut self, v: u64) {
        let i = buckets::index::<BITS>(v);
        let at = self.chunk_at(i >> BITS) + (i & (CHUNK - 1));
        add(&mut self.counts[at], 1);
        self.count += 1;
        self.sum += u128::from(v);
        self.min = self.min.min(v);
        self.max = self.max.max(v);
    }

    /// Records a duration in nanoseconds.
    #[inline]
    pub fn record_span(&mut self, s: Span) {
        self.record(s.nanos());
    }

    /// Where the chunk of an octave starts in `counts`, after making it if need be.
    #[inline]
    fn chunk_at(&mut self, octave: usize) -> usize {
        let bit = 1u64 << octave;
        let at = (self.present & (bit - 1)).count_ones() as usize * CHUNK;
        if self.present & bit == 0 {
            self.insert_chunk(at);
            self.present |= bit;
        }
        at
    }

    #[cold]
    #[inline(never)]
    fn insert_chunk(&mut self, at: usize) {
        self.counts.splice(at..at, [0; CHUNK]);
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
    /// The value of nearest rank at `p` percent; see [`super::Histogram::percentile`].
    ///
    /// # Panics
    /// If `p` is not in 0 to 100.
    pub fn percentile(&self, p: f64) -> Option<u64> {
        buckets::percentile(self.buckets(), p, self.count, self.min, self.max)
    }

    /// The non-empty buckets, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let octaves = (0..buckets::octaves(BITS)).filter(|o| self.present >> o & 1 == 1);
        octaves.zip(self.counts.chunks_exact(CHUNK)).flat_map(|(o, chunk)| {
            chunk
                .iter()
                .enumerate()
                .filter(|&(_, &n)| n > 0)
                .map(move |(i, &n)| buckets::bucket::<BITS>((o << BITS) + i, u64::from(n)))
        })
    }

    /// The cumulative distribution for a chart, in at most about `points` points; empty without records.
    pub fn cdf_points(&self, points: usize) -> Vec<CdfPoint> {
        buckets::cdf_points(self.buckets(), self.count, self.max, points)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
    }
}

#[inline]
fn add(to: &mut u32, n: u32) {
    *to = to.checked_add(n).expect("an interval's bucket holds at most 2^32 - 1 records");
}

impl Merge for CoarseHistogram {
    fn merge(&mut self, other: &CoarseHistogram) {
        let octaves = (0..buckets::octaves(BITS)).filter(|o| other.present >> o & 1 == 1);
        for (octave, theirs) in octaves.zip(other.counts.chunks_exact(CHUNK)) {
            let at = self.chunk_at(octave);
            for (m, &t) in self.counts[at..at + CHUNK].iter_mut().zip(theirs) {
                add(m, t);
            }
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Default for CoarseHistogram {
    fn default() -> CoarseHistogram {
        CoarseHistogram::new()
    }
}

impl fmt::Debug for CoarseHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoarseHistogram")
            .field("count", &self.count)
            .field("sum", &self.sum)
            .field("min", &self.min())
            .field("p50", &self.percentile(50.0))
            .field("max", &self.max())
            .finish()
    }
}
