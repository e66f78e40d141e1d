//! Even spread: every zone has its share of the spot replicas, and what is reclaimed is started again in its own zone, however
//! often that is refused.
//!
//! Source: the baseline "even spread" of SkyServe (Mao, Xia, Wu et al., EuroSys 2025, arXiv 2411.01438), which stands for the
//! static spread over zones of managed instance groups and clusters. ASSUMPTION: what does not divide goes to the first zones.

/// The shares.
#[derive(Clone, Debug)]
pub(super) struct EvenSpread {
    wanted: u32,
    zones: u32,
}

impl EvenSpread {
    /// So many replicas over so many zones.
    pub(super) fn new(wanted: u32, zones: usize) -> EvenSpread {
        EvenSpread { wanted, zones: zones as u32 }
    }

    /// What is missing of each zone's share.
    pub(super) fn plan(&self, spot: &[u32], start: &mut Vec<usize>) {
        let (each, rest) = (self.wanted / self.zones, self.wanted % self.zones);
        for (zone, there) in spot.iter().enumerate() {
            let share = each + u32::from((zone as u32) < rest);
            start.extend((*there..share).map(|_| zone));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_keeps_its_share_and_no_other_helps_out() {
        let even = EvenSpread::new(4, 3);
        let plan = |spot: &[u32]| {
            let mut start = Vec::new();
            even.plan(spot, &mut start);
            start
        };
        assert_eq!(plan(&[0, 0, 0]), [0, 0, 1, 2]);
        assert_eq!(plan(&[2, 0, 1]), [1]);
        assert!(plan(&[2, 1, 1]).is_empty());
    }
}
