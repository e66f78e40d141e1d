//! The hash behind consistent hashing: a bijection of 64 bits with good avalanche. Envoy hashes with xxHash; which good
//! hash it is changes who gets which key, not the algorithm's properties.

/// Mixes a key with a number (the finaliser of MurmurHash3 with the constants of "mix 13", D. Stafford 2011, twice).
pub(super) const fn mixed(key: u64, n: u64) -> u64 {
    mix(mix(key) ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
