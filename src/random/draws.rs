//! Addresses of draws and the draws themselves.

use super::mix::{GOLDEN, below, moremur, open01};
use super::stream::Stream;

/// What distinguishes one replication of a run from another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Seed {
    /// The seed of the study, as the user writes it.
    pub seed: u64,
    /// The replication, counted from 0.
    pub replication: u32,
}

/// What a draw is for. The rooms that draw declare their purposes as named constants; no two may share a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Purpose(pub u32);

/// Whose draw it is: a hash of stable names and of ordinals within a parent, **never** a position in an arena or list,
/// which would shift when something is added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntityKey(pub u64);

impl EntityKey {
    /// The entity of a name: FNV-1a in 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv) over the bytes, then mixed. Part of
    /// what makes results reproducible: it never changes.
    pub const fn named(name: &str) -> EntityKey {
        let bytes = name.as_bytes();
        let mut h: u64 = 0xcbf2_9ce4_8422_2325;
        let mut i = 0;
        while i < bytes.len() {
            h = (h ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        EntityKey(moremur(h))
    }

    /// The child with this ordinal: session 17 of a group, turn 3 of a session.
    #[inline]
    pub const fn child(self, ordinal: u64) -> EntityKey {
        EntityKey(moremur(self.0 ^ ordinal.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// The child with this name: a pair such as (group, region), independent of the children by ordinal.
    pub const fn child_named(self, name: &str) -> EntityKey {
        EntityKey(moremur(self.0.rotate_left(32) ^ EntityKey::named(name).0))
    }
}

/// All draws of one replication. Cheap to copy; holds no state that a draw would change.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    base: u64,
}

impl Draws {
    /// The draws of a seed and replication.
    pub const fn new(seed: Seed) -> Draws {
        // Two rounds, so that (seed, replication) pairs that are close give unrelated bases.
        let study = moremur(seed.seed ^ GOLDEN);
        Draws { base: moremur(study ^ (seed.replication as u64 + 1).wrapping_mul(GOLDEN)) }
    }

    /// 64 bits. Purpose and entity are mixed once, the index spreads over all bits and the whole is mixed again, so for a
    /// given purpose and entity all 2^64 indices give different bits.
    #[inline]
    pub const fn bits(&self, purpose: Purpose, entity: EntityKey, index: u64) -> u64 {
        moremur(self.row(purpose, entity) ^ index.wrapping_mul(GOLDEN))
    }

    /// A number in the open interval (0, 1); see [`open01`].
    #[inline]
    pub fn uniform(&self, purpose: Purpose, entity: EntityKey, index: u64) -> f64 {
        open01(self.bits(purpose, entity, index))
    }

    /// An integer in `0..n`, biased by less than n / 2^64; see [`below`].
    #[inline]
    pub const fn below(&self, purpose: Purpose, entity: EntityKey, index: u64, n: u64) -> u64 {
        below(self.bits(purpose, entity, index), n)
    }

    /// True with the given probability (never below 0, always from 1 upwards).
    #[inline]
    pub fn chance(&self, purpose: Purpose, entity: EntityKey, index: u64, probability: f64) -> bool {
        self.uniform(purpose, entity, index) < probability
    }

    /// A sub-stream for a sampler that needs several uniforms for one variate. It shares no draw with [`Draws::bits`].
    #[inline]
    pub const fn stream(&self, purpose: Purpose, entity: EntityKey, index: u64) -> Stream {
        Stream::new(self.bits(purpose, entity, index))
    }

    /// The bits from which every index of one purpose and entity is drawn.
    #[inline]
    const fn row(&self, purpose: Purpose, entity: EntityKey) -> u64 {
        let purpose = (purpose.0 as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
        moremur((entity.0 ^ self.base).wrapping_add(purpose))
    }
}
