//! Latency-based steering: the healthy region with the lowest latency in the name service's table (Route 53 latency
//! routing: a table per region and network, not a live measurement).

use super::Endpoint;

/// Position of the chosen endpoint: lowest latency among legal healthy ones, among legal ones if none is healthy
/// (fail-open); ties to the first. `None` when none is legal.
pub fn lowest_latency(endpoints: &[Endpoint]) -> Option<usize> {
    let open = !endpoints.iter().any(|e| e.legal && e.healthy);
    endpoints
        .iter()
        .enumerate()
        .filter(|(_, e)| e.legal && (e.healthy || open))
        .min_by_key(|(i, e)| (e.latency_ns, *i))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(healthy: bool, legal: bool, ms: u64) -> Endpoint {
        Endpoint { healthy, legal, latency_ns: ms * 1_000_000, distance_km: 0.0 }
    }

    #[test]
    fn nearest_healthy_legal_region_and_fail_open() {
        assert_eq!(lowest_latency(&[e(true, true, 90), e(true, true, 10)]), Some(1));
        assert_eq!(lowest_latency(&[e(true, true, 90), e(false, true, 10)]), Some(0));
        assert_eq!(lowest_latency(&[e(true, false, 5), e(true, true, 10)]), Some(1));
        assert_eq!(lowest_latency(&[e(false, true, 90), e(false, true, 10)]), Some(1));
        assert_eq!(lowest_latency(&[e(true, false, 5)]), None);
    }
}
