//! Round robin: each start goes to the next zone, whether the one before it came to something or not.
//!
//! Source: the baseline "round robin" of SkyServe (Mao, Xia, Wu et al., EuroSys 2025, arXiv 2411.01438): zones in turn, also
//! after a replica was reclaimed or refused.

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(super) struct RoundRobin {
    wanted: u32,
    zones: usize,
    next: usize,
}

impl RoundRobin {
    /// So many replicas over so many zones.
    pub(super) fn new(wanted: u32, zones: usize) -> RoundRobin {
        RoundRobin { wanted, zones, next: 0 }
    }

    /// A zone for each that is missing.
    pub(super) fn plan(&mut self, spot: &[u32], start: &mut Vec<usize>) {
        for _ in spot.iter().sum::<u32>()..self.wanted {
            start.push(self.next);
            self.next = (self.next + 1) % self.zones;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_take_turns_over_all_starts() {
        let mut robin = RoundRobin::new(4, 3);
        let mut plan = |spot: &[u32]| {
            let mut start = Vec::new();
            robin.plan(spot, &mut start);
            start
        };
        assert_eq!(plan(&[0, 0, 0]), [0, 1, 2, 0]);
        // two were reclaimed in zone 0: the turn goes on after the last start
        assert_eq!(plan(&[0, 1, 1]), [1, 2]);
        // nothing came of the second: the next zone
        assert_eq!(plan(&[0, 2, 1]), [0]);
        assert!(plan(&[1, 2, 1]).is_empty());
    }
}
