//! A set of deployments that is emptied in one step: membership without a search and without clearing.

/// The set.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    stamps: Vec<u32>,
    now: u32,
}

impl Marks {
    /// Makes it the set of these.
    pub fn set(&mut self, deployments: &[u16]) {
        if self.now == u32::MAX {
            self.stamps.iter_mut().for_each(|s| *s = 0);
            self.now = 0;
        }
        self.now += 1;
        for d in deployments {
            let ix = usize::from(*d);
            if ix >= self.stamps.len() {
                self.stamps.resize(ix + 1, 0);
            }
            self.stamps[ix] = self.now;
        }
    }

    /// Whether it is in the set.
    #[inline]
    pub fn has(&self, deployment: u16) -> bool {
        self.stamps.get(usize::from(deployment)) == Some(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_set_forgets_the_old_one() {
        let mut m = Marks::default();
        m.set(&[3, 1]);
        assert!(m.has(3) && m.has(1) && !m.has(2) && !m.has(9));
        m.set(&[2]);
        assert!(m.has(2) && !m.has(3));
        m.now = u32::MAX;
        m.set(&[1]);
        assert!(m.has(1) && !m.has(2));
    }
}
