//! Cloudflare proximity steering: the pool nearest on the map to the data centre that took the request (Cloudflare Load
//! Balancing documentation, 2026: "Proximity steering"). When all pools are unhealthy, the fallback pool.

use super::Endpoint;

/// Position of the nearest healthy legal pool; ties to the first. `None` when there is none: the fallback pool's turn.
pub fn nearest_on_the_map(endpoints: &[Endpoint]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, e) in endpoints.iter().enumerate().filter(|(_, e)| e.legal && e.healthy) {
        if best.is_none_or(|(_, least)| e.distance_km < least) {
            best = Some((i, e.distance_km));
        }
    }
    best.map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{down, up};
    use super::*;

    #[test]
    fn the_map_decides_and_not_the_round_trip() {
        let near = Endpoint { distance_km: 100.0, ..up(300) };
        let far = Endpoint { distance_km: 5000.0, ..up(10) };
        assert_eq!(nearest_on_the_map(&[far, near]), Some(1));
        assert_eq!(nearest_on_the_map(&[far, Endpoint { healthy: false, ..near }]), Some(0));
        assert_eq!(nearest_on_the_map(&[Endpoint { legal: false, ..far }, down(1)]), None);
    }
}
