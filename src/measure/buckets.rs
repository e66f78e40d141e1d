//! The log-linear bucket rule that both histograms share: every power of two is cut into `2^BITS` equal buckets.
//!
//! This is the layout of HDR histograms (Gil Tene, HdrHistogram, 2012) and of the log-linear histograms of Circonus
//! (2018). Values below `2^(BITS + 1)` have a bucket of their own; above, a bucket is at most `2^-BITS` of its lower
//! bound wide, so its middle is at most `2^-(BITS + 1)` away from any value in it, relative to that value.

/// A bucket that holds at least one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// The smallest value that falls into it.
    pub lower: u64,
    /// The largest value that falls into it (inclusive).
    pub upper: u64,
    /// How many values did.
    pub count: u64,
}

impl Bucket {
    /// The value that stands for the bucket: its middle, rounded down.
    pub fn middle(&self) -> u64 {
        self.lower + (self.upper - self.lower) / 2
    }
}

/// One point of a cumulative distribution.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CdfPoint {
    /// A value.
    pub value: u64,
    /// The share of records at or below it, 0 to 1.
    pub share: f64,
}

/// Octaves (chunks of `2^BITS` buckets) that cover all of `u64`.
pub(super) const fn octaves(bits: u32) -> usize {
    (65 - bits) as usize
}

/// The bucket of `v`: `index >> BITS` is its octave, the low `BITS` bits its place therein.
#[inline]
pub(super) const fn index<const BITS: u32>(v: u64) -> usize {
    let top = 63 - (v | (1 << BITS)).leading_zeros();
    let shift = top - BITS;
    ((shift as usize) << BITS) + (v >> shift) as usize
}

/// The bucket at `index`, with `count` values.
pub(super) const fn bucket<const BITS: u32>(index: usize, count: u64) -> Bucket {
    let i = index as u64;
    if index < (2 << BITS) {
        return Bucket { lower: i, upper: i, count };
    }
    let shift = (i >> BITS) - 1;
    let lower = ((i & ((1 << BITS) - 1)) | (1 << BITS)) << shift;
    Bucket { lower, upper: lower + ((1 << shift) - 1), count }
}

/// The nearest rank of percentile `p` among `n > 0` sorted values, 1 to `n`: the smallest rank whose share of the
/// values is at least `p` percent. `p` is taken to the nearest millionth of a percent and the rest is integer
/// arithmetic, so that the 99.9th of 1000 is the 999th and not, by a rounding error, the 1000th.
///
/// # Panics
/// If `p` is not in 0 to 100.
pub(super) fn nearest_rank(p: f64, n: u64) -> u64 {
    assert!((0.0..=100.0).contains(&p), "a percentile is between 0 and 100, not {p}");
    let millionths = (p * 1e6 + 0.5) as u128;
    let rank = (millionths * u128::from(n)).div_ceil(100_000_000) as u64;
    rank.clamp(1, n)
}

/// Percentile `p` of the values in `buckets` (ascending, `n` values in all, extremes known exactly).
pub(super) fn percentile(buckets: impl Iterator<Item = Bucket>, p: f64, n: u64, min: u64, max: u64) -> Option<u64> {
    if n == 0 {
        return None;
    }
    let rank = nearest_rank(p, n);
    if rank == 1 {
        return Some(min);
    }
    if rank == n {
        return Some(max);
    }
    let mut below = 0u64;
    for b in buckets {
        below += b.count;
        if below >= rank {
            return Some(b.middle().clamp(min, max));
        }
    }
    unreachable!("buckets hold fewer values than were recorded")
}

/// The cumulative distribution of `buckets`, thinned to at most about `points` points: one is kept when the share has
/// grown by `1 / points` since the last kept one, or what is left has shrunk by a twentieth (so that the tail of a million
/// values has its shape, at the price of some 270 points); the first and the last are always kept.
pub(super) fn cdf_points(buckets: impl Iterator<Item = Bucket>, n: u64, max: u64, points: usize) -> Vec<CdfPoint> {
    let step = 1.0 / points.max(1) as f64;
    let mut kept: Vec<CdfPoint> = Vec::new();
    let mut below = 0u64;
    for b in buckets {
        below += b.count;
        let point = CdfPoint { value: b.upper.min(max), share: below as f64 / n as f64 };
        // a step of share in the body, a twentieth of what is left in the tail: the slowest of a million still show
        let new = |last: &CdfPoint| point.share - last.share >= step || 1.0 - point.share <= 0.95 * (1.0 - last.share);
        if below == n || kept.last().is_none_or(new) {
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_tile_the_range_without_gap_or_overlap() {
        fn check<const BITS: u32>() {
            let last = index::<BITS>(u64::MAX);
            assert_eq!(last + 1, octaves(BITS) << BITS);
            let mut expected = 0u64;
            for i in 0..=last {
                let b = bucket::<BITS>(i, 1);
                assert_eq!(b.lower, expected, "bucket {i}");
                assert_eq!(index::<BITS>(b.lower), i);
                assert_eq!(index::<BITS>(b.upper), i);
                expected = b.upper.wrapping_add(1);
            }
            assert_eq!(expected, 0, "the last bucket ends at u64::MAX");
        }
        check::<5>();
        check::<9>();
    }

    #[test]
    fn nearest_ranks() {
        assert_eq!(nearest_rank(99.9, 1000), 999);
        assert_eq!(nearest_rank(50.0, 5), 3);
        assert_eq!(nearest_rank(50.0, 4), 2);
        assert_eq!(nearest_rank(0.0, 4), 1);
        assert_eq!(nearest_rank(100.0, 4), 4);
        assert_eq!(nearest_rank(99.9, u64::MAX), 18428297329635842064);
    }

    proptest! {
        #[test]
        fn the_middle_is_close(v in any::<u64>()) {
            let b = bucket::<9>(index::<9>(v), 1);
            prop_assert!(b.lower <= v && v <= b.upper);
            prop_assert!(u128::from(b.middle().abs_diff(v)) << 10 <= u128::from(v));
            let c = bucket::<5>(index::<5>(v), 1);
            prop_assert!(u128::from(c.middle().abs_diff(v)) * 100 <= u128::from(v) * 3);
        }
    }
}
