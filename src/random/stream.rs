//! Counter streams for samplers that need several uniforms for one variate.

use super::mix::{GOLDEN, moremur, open01};
use std::convert::Infallible;

/// A generator whose n-th output is the mixed n-th multiple of an odd constant, off a start that belongs to one address:
/// SplitMix64 with another finaliser. Period 2^64. Implements `rand`'s traits, so oracles can run on it.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream that starts from these bits (an address's own draw, see [`super::Draws::stream`]).
    #[inline]
    pub const fn new(bits: u64) -> Stream {
        // Mixed once more, so that a stream is not a run of neighbouring draws of its address.
        Stream { state: moremur(bits ^ 0xa076_1d64_78bd_642f) }
    }

    /// The next 64 bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        moremur(self.state)
    }

    /// The next number in the open interval (0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        open01(self.bits())
    }
}

impl rand::TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let bytes = self.bits().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}
