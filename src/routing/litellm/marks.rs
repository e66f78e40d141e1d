//! A set of deployments that is emptied in one step: membership without a search and without clearing.

/// Deployments with a bit of their own.
const FEW: u16 = 64;

/// The set.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Of the first deployments, one bit each.
    few: u64,
    /// Of the others, when they were last in the set.
    stamps: Vec<u32>,
    now: u32,
}

impl Marks {
    /// Makes it the set of these.
    #[inline]
    pub fn set(&mut self, deployments: &[u16]) {
        if self.now == u32::MAX {
            self.stamps.iter_mut().for_each(|s| *s = 0);
            self.now = 0;
        }
        self.now += 1;
        self.few = 0;
        for d in deployments {
            if *d < FEW {
                self.few |= 1 << d;
            } else {
                self.stamp(usize::from(*d - FEW));
            }
        }
    }

    fn stamp(&mut self, ix: usize) {
        if ix >= self.stamps.len() {
            self.stamps.resize(ix + 1, 0);
        }
        self.stamps[ix] = self.now;
    }

    /// Whether it is in the set.
    #[inline]
    pub fn has(&self, deployment: u16) -> bool {
        if deployment < FEW {
            return self.few >> deployment & 1 == 1;
        }
        self.stamps.get(usize::from(deployment - FEW)) == Some(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_set_forgets_the_old_one() {
        // among those with a bit, among those without, and across
        for [a, b, c, d] in [[3, 1, 2, 9], [70, 64, 65, 99], [63, 64, 127, 128]] {
            let mut m = Marks::default();
            m.set(&[a, b]);
            assert!(m.has(a) && m.has(b) && !m.has(c) && !m.has(d));
            m.set(&[c]);
            assert!(m.has(c) && !m.has(a) && !m.has(b));
            m.now = u32::MAX;
            m.set(&[b]);
            assert!(m.has(b) && !m.has(c));
        }
    }
}
