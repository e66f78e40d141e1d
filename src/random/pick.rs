//! Weighted choice with one draw.

use super::mix::below;

/// Weighted choice by the cumulative sum of integer weights, O(log n). It rises with the bits, so when one weight
/// changes a little between two runs, most draws still pick the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cumulative {
    sums: Box<[u64]>,
}

impl Cumulative {
    /// From integer weights; `None` if they are all zero (or none), or if their sum exceeds 2^64 - 1.
    pub fn new(weights: &[u64]) -> Option<Cumulative> {
        let mut total = 0u64;
        let mut sums = Vec::with_capacity(weights.len());
        for w in weights {
            total = total.checked_add(*w)?;
            sums.push(total);
        }
        (total > 0).then(|| Cumulative { sums: sums.into() })
    }

    /// From shares of any scale, rounded to 2^-48 of their sum; `None` if one is negative or not finite, or none is
    /// positive.
    pub fn from_shares(shares: &[f64]) -> Option<Cumulative> {
        Cumulative::new(&weights_from_shares(shares)?)
    }

    /// The index that these bits pick.
    #[inline]
    pub fn pick(&self, bits: u64) -> usize {
        let total = self.sums.last().copied().unwrap_or(0);
        let target = below(bits, total);
        self.sums.partition_point(|s| *s <= target)
    }

    /// Number of choices.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Never: there is at least one choice with a positive weight.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}

/// Weighted choice in constant time by Walker's alias method (1977) in Vose's construction (1991), in integers. For many
/// choices that do not change: two tables with slightly different weights may pick very differently from the same bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Per column: below this fraction (of 2^64) the column itself, else its alias.
    columns: Box<[(u64, u32)]>,
}

impl Alias {
    /// From integer weights; `None` as for [`Cumulative::new`].
    pub fn new(weights: &[u64]) -> Option<Alias> {
        let total = weights.iter().try_fold(0u64, |t, w| t.checked_add(*w)).filter(|t| *t > 0)? as u128;
        let n = weights.len();
        // Heights of the columns in units in which the average is `total`.
        let mut heights: Vec<u128> = weights.iter().map(|w| *w as u128 * n as u128).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| heights[*i] < total);
        let mut columns: Vec<(u64, u32)> = (0..n).map(|i| (u64::MAX, i as u32)).collect();
        while let (Some(s), Some(l)) = (small.pop(), large.last().copied()) {
            // floor(height / total * 2^64), digit by digit because height * 2^64 may not fit.
            columns[s] = (fraction(heights[s], total), l as u32);
            heights[l] -= total - heights[s];
            if heights[l] < total {
                large.pop();
                small.push(l);
            }
        }
        Some(Alias { columns: columns.into() })
    }

    /// From shares of any scale; `None` as for [`Cumulative::from_shares`].
    pub fn from_shares(shares: &[f64]) -> Option<Alias> {
        Alias::new(&weights_from_shares(shares)?)
    }

    /// The index that these bits pick: the upper half of the product with n is the column, the lower half the height.
    #[inline]
    pub fn pick(&self, bits: u64) -> usize {
        let wide = bits as u128 * self.columns.len() as u128;
        let column = (wide >> 64) as usize;
        let (threshold, alias) = self.columns[column];
        if (wide as u64) < threshold { column } else { alias as usize }
    }
}

/// `part / whole` as a 64-bit fraction, rounded down; `part < whole < 2^64`.
fn fraction(part: u128, whole: u128) -> u64 {
    ((part << 64) / whole) as u64
}

fn weights_from_shares(shares: &[f64]) -> Option<Vec<u64>> {
    if shares.iter().any(|s| !s.is_finite() || *s < 0.0) {
        return None;
    }
    let sum: f64 = shares.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return None;
    }
    const SCALE: f64 = (1u64 << 48) as f64;
    Some(shares.iter().map(|s| (s / sum * SCALE + 0.5) as u64).collect())
}
