//! The mixing function under all draws, and the mapping from 64 bits to a uniform number.

/// 2^64 divided by the golden ratio, made odd: the increment of SplitMix64 (Steele, Lea, Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014). Multiples of it spread small integers over all bits.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser *moremur* by Pelle Evensen ("Mostly mangling", 2019): a bijection of 64 bits in which each bit of the
/// input flips each bit of the output with probability close to one half.
#[inline]
pub const fn moremur(mut x: u64) -> u64 {
    x ^= x >> 27;
    x = x.wrapping_mul(0x3c79_ac49_2ba7_b653);
    x ^= x >> 33;
    x = x.wrapping_mul(0x1c69_b3f7_4ac4_ae35);
    x ^ (x >> 27)
}

/// A uniform number in the **open** interval (0, 1) from the upper 52 bits: the midpoints of 2^52 equal cells. Neither 0
/// nor 1 can come out (smallest 2^-53, largest 1 - 2^-53), every value and its complement are exact, and the logarithm of
/// either is finite.
#[inline]
pub fn open01(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// An integer in `0..n` by multiplication (Lemire, "Fast random integer generation in an interval", 2019) without the
/// rejection step, so that exactly one draw is used: values differ in probability by at most 2^-64, relatively n / 2^64
/// (for a million values: 5e-14). `n = 0` gives 0.
#[inline]
pub const fn below(bits: u64, n: u64) -> u64 {
    ((bits as u128 * n as u128) >> 64) as u64
}
