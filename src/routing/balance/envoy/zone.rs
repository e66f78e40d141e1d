//! Zone-aware routing: as much traffic as possible stays in the caller's own locality while all hosts still get about as
//! many requests.
//!
//! Source: Envoy, `docs/root/intro/arch_overview/upstream/load_balancing/zone_aware.rst`, `load_balancer_impl.cc` and
//! `cluster_runtime.rst` (read 2026). Shares are in 1/10,000: of the callers' hosts, and of the available upstream hosts,
//! by locality. If the local upstream share is at least that of the callers, everything stays; otherwise
//! `upstream / callers` of it does, and the rest goes to the other localities in proportion to `upstream - callers`, where
//! that is positive. Preconditions: at least two localities on both sides, callers in the local one, `min_cluster_size` (6)
//! available hosts, no panic; first priority level only. (Not built: `force_local_zone`, and the newer
//! variant that goes by reported utilisation.)

use crate::routing::entropy::Entropy;

/// One locality as the caller's cluster knows it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Zone {
    /// Share of the callers' hosts there, 0 to 1.
    pub callers: f64,
    /// Available upstream hosts there.
    pub available: u32,
}

const WHOLE: u64 = 10_000;

/// The locality to send to; `None` if localities do not matter now.
pub fn choose<E: Entropy>(zones: &[Zone], local: usize, min_cluster_size: u32, entropy: &mut E) -> Option<usize> {
    let hosts: u32 = zones.iter().map(|z| z.available).sum();
    let callers = |z: &Zone| (z.callers * WHOLE as f64) as u64;
    let upstream = |z: &Zone| WHOLE * u64::from(z.available) / u64::from(hosts);
    let here = zones.get(local)?;
    let sides = [zones.iter().filter(|z| z.available > 0).count(), zones.iter().filter(|z| callers(z) > 0).count()];
    if hosts < min_cluster_size.max(1) || sides.iter().any(|n| *n < 2) || callers(here) == 0 || here.available == 0 {
        return None;
    }
    let (own, ours) = (upstream(here), callers(here));
    if own >= ours {
        return Some(local);
    }
    let direct = own * WHOLE / ours;
    if ((entropy.uniform() * WHOLE as f64) as u64) < direct {
        return Some(local);
    }
    let residual = |(i, z): (usize, &Zone)| {
        if i == local || z.available == 0 { 0 } else { upstream(z).saturating_sub(callers(z)) }
    };
    let total: u64 = zones.iter().enumerate().map(residual).sum();
    if total == 0 {
        // rounding alone: any other locality
        let others = || zones.iter().enumerate().filter(|(i, z)| *i != local && z.available > 0);
        return others().nth(entropy.pick(others().count())).map(|o| o.0);
    }
    Some(entropy.weighted(zones.iter().enumerate().map(|z| residual(z) as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::balance::tests::Tape;

    fn zones(callers: [f64; 3], available: [u32; 3]) -> [Zone; 3] {
        std::array::from_fn(|i| Zone { callers: callers[i], available: available[i] })
    }

    fn of(zones: &[Zone], tape: &[f64]) -> Option<usize> {
        choose(zones, 0, 6, &mut Tape(tape.to_vec()))
    }

    #[test]
    fn envoy_zone_aware_rst_all_of_it_stays_where_there_are_hosts_enough() {
        assert_eq!(of(&zones([0.25, 0.5, 0.25], [3, 4, 3]), &[]), Some(0));
        assert_eq!(of(&zones([0.3, 0.4, 0.3], [3, 4, 3]), &[]), Some(0), "as many as callers");
    }

    #[test]
    fn envoy_zone_aware_rst_the_rest_goes_where_capacity_is_left() {
        // half of the callers, a fifth of the hosts: 40 % stays; the others have 20 and 10 hundredths to spare
        let z = zones([0.5, 0.2, 0.3], [2, 4, 4]);
        assert_eq!(of(&z, &[0.3999]), Some(0));
        assert_eq!(of(&z, &[0.4001, 0.66]), Some(1));
        assert_eq!(of(&z, &[0.4001, 0.67]), Some(2));
        // no host of the world gets more than its part: 50 % of the traffic comes from here, 20 % stays
        assert_eq!(of(&zones([0.5, 0.5, 0.0], [2, 0, 8]), &[0.5, 0.0]), Some(2));
    }

    #[test]
    fn envoy_zone_aware_rst_preconditions() {
        assert_eq!(of(&zones([0.5, 0.5, 0.0], [2, 3, 0]), &[]), None, "five hosts");
        assert_eq!(of(&zones([1.0, 0.0, 0.0], [4, 3, 0]), &[]), None, "callers in one locality");
        assert_eq!(of(&zones([0.5, 0.5, 0.0], [7, 0, 0]), &[]), None, "hosts in one locality");
        assert_eq!(of(&zones([0.0, 0.5, 0.5], [4, 3, 0]), &[]), None, "no callers here");
        assert_eq!(of(&zones([0.5, 0.5, 0.0], [0, 4, 4]), &[]), None, "no hosts here");
    }
}
