//! The randomness that routing needs, as a trait it owns: addressed draws in the simulator, an operating-system
//! generator in a gateway, a recorded tape in a proof.

/// A source of random choices.
pub trait Entropy {
    /// Uniform in the half-open interval [0, 1).
    fn uniform(&mut self) -> f64;

    /// One of `n` equally likely positions. `n` is at least 1.
    fn pick(&mut self, n: usize) -> usize {
        debug_assert!(n <= u32::MAX as usize, "the conversions are those of 32 bits, which cost less");
        ((self.uniform() * f64::from(n as u32)) as u32 as usize).min(n - 1)
    }

    /// A position with probability proportional to its weight: one uniform against the running sum, as gateways do.
    /// The weights are non-negative and not all zero.
    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let total: f64 = weights.clone().sum();
        let mut left = self.uniform() * total;
        let mut last = 0;
        for (i, w) in weights.enumerate() {
            if w > 0.0 {
                last = i;
                if left < w {
                    return i;
                }
                left -= w;
            }
        }
        last
    }

    /// Puts the items into a random order, each order equally likely (Fisher and Yates, from the end).
    fn permute<T: Copy>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.pick(last + 1);
            items.swap(last, other);
        }
    }
}
