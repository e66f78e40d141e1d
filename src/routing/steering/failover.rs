//! Failover steering: the first healthy region in a fixed order (Route 53 failover routing with one record per rank;
//! both unhealthy answers the primary).

use super::Endpoint;

/// Position of the chosen endpoint: first legal healthy one, first legal one if none is healthy. `None` when none is
/// legal.
pub fn failover(endpoints: &[Endpoint]) -> Option<usize> {
    endpoints.iter().position(|e| e.legal && e.healthy).or_else(|| endpoints.iter().position(|e| e.legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_healthy_one_and_the_primary_when_none_is() {
        let e = |healthy, legal| Endpoint { healthy, legal, latency_ns: 0, distance_km: 0.0 };
        assert_eq!(failover(&[e(true, true), e(true, true)]), Some(0));
        assert_eq!(failover(&[e(false, true), e(true, true)]), Some(1));
        assert_eq!(failover(&[e(false, true), e(false, true)]), Some(0));
        assert_eq!(failover(&[e(true, false), e(false, true)]), Some(1));
    }
}
