//! Fast exponential variates: the ziggurat method with 256 layers (Marsaglia, Tsang, "The ziggurat method for generating
//! random variables", Journal of Statistical Software 5(8), 2000).
//!
//! In 98.9 % of all cases one draw, one table lookup and one multiplication; no logarithm. Unlike inversion the result
//! does not rise with the bits, but it is still a pure function of its address, and a mean is a mere factor, so two runs
//! that differ in the mean stay coupled.

use super::draws::{Draws, EntityKey, Purpose};
use super::mix::open01;
use super::stream::Stream;

/// Start of the tail for 256 layers, from the paper.
#[allow(clippy::excessive_precision, reason = "the published digits")]
const R: f64 = 7.697_117_470_131_049_72;
/// Area of each layer for 256 layers, from the paper.
#[allow(clippy::excessive_precision, reason = "the published digits")]
const V: f64 = 0.003_949_659_822_581_557_199_3;

/// The tables, four kilobytes, computed with `libm` and so the same everywhere. Make one per run and keep it.
#[derive(Clone, Debug)]
pub struct ExpZiggurat {
    /// Right edges of the layers, descending; the first is the width that the bottom layer would have as a rectangle.
    x: Box<[f64; 257]>,
    /// exp(-x).
    f: Box<[f64; 257]>,
}

impl Default for ExpZiggurat {
    fn default() -> Self {
        ExpZiggurat::new()
    }
}

impl ExpZiggurat {
    /// Computes the tables.
    pub fn new() -> ExpZiggurat {
        let (mut x, mut f) = (Box::new([0.0; 257]), Box::new([1.0; 257]));
        x[0] = V * libm::exp(R);
        x[1] = R;
        for i in 2..256 {
            x[i] = -libm::log(libm::exp(-x[i - 1]) + V / x[i - 1]);
        }
        for i in 0..256 {
            f[i] = libm::exp(-x[i]);
        }
        ExpZiggurat { x, f }
    }

    /// The next variate of mean 1 from a stream.
    #[inline]
    pub fn from_stream(&self, stream: &mut Stream) -> f64 {
        let bits = stream.bits();
        match self.quick(bits) {
            Some(x) => x,
            None => self.slow(bits, stream),
        }
    }

    /// The variate of mean 1 of an address. Rejections go on in the address's own stream.
    #[inline]
    pub fn at(&self, draws: &Draws, purpose: Purpose, entity: EntityKey, index: u64) -> f64 {
        let bits = draws.bits(purpose, entity, index);
        match self.quick(bits) {
            Some(x) => x,
            None => self.slow(bits, &mut Stream::new(bits)),
        }
    }

    /// The layer from the lowest 8 bits, the place in it from the upper 52.
    #[inline(always)]
    fn quick(&self, bits: u64) -> Option<f64> {
        let layer = (bits & 0xff) as usize;
        let x = open01(bits) * self.x[layer];
        (x < self.x[layer + 1]).then_some(x)
    }

    #[cold]
    #[inline(never)]
    fn slow(&self, mut bits: u64, stream: &mut Stream) -> f64 {
        loop {
            if let Some(x) = self.quick(bits) {
                return x;
            }
            let layer = (bits & 0xff) as usize;
            if layer == 0 {
                // Memoryless: beyond R the tail is the distribution again.
                return R - libm::log(stream.uniform());
            }
            let x = open01(bits) * self.x[layer];
            if self.f[layer] + (self.f[layer + 1] - self.f[layer]) * stream.uniform() < libm::exp(-x) {
                return x;
            }
            bits = stream.bits();
        }
    }
}
