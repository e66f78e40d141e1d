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
use crate::routing::reason::{Figure, Reason, ReasonSink};

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
pub fn choose<E: Entropy, S: ReasonSink>(
    zones: &[Zone],
    local: usize,
    min_cluster_size: u32,
    entropy: &mut E,
    reasons: &mut S,
) -> Option<usize> {
    let hosts: u32 = zones.iter().map(|z| z.available).sum();
    let callers = |z: &Zone| (z.callers * WHOLE as f64) as u64;
    let upstream = |z: &Zone| WHOLE * u64::from(z.available) / u64::from(hosts);
    let here = zones.get(local)?;
    if reasons.on() && hosts > 0 {
        let percent = |share: u64| share as f64 / 100.0;
        for (i, z) in zones.iter().enumerate() {
            let mut say = |figure| reasons.push(Reason::Locality { locality: i as u16, figure });
            say(Figure::new("share of the callers in %", percent(callers(z))));
            say(Figure::new("share of the hosts in service in %", percent(upstream(z))));
            if i == local {
                let stays = (upstream(z) * WHOLE).checked_div(callers(z)).unwrap_or(0).min(WHOLE);
                say(Figure::new("part of this zone's calls that stays in %", percent(stays)));
            } else {
                say(Figure::new(
                    "left over for other zones' calls in %",
                    percent(upstream(z).saturating_sub(callers(z))),
                ));
            }
        }
    }
    let sides = [zones.iter().filter(|z| z.available > 0).count(), zones.iter().filter(|z| callers(z) > 0).count()];
    let off = match () {
        () if hosts < min_cluster_size.max(1) => {
            Some("zones do not count: fewer hosts in service than min_cluster_size")
        }
        () if sides[0] < 2 => Some("zones do not count: all hosts in service stand in one"),
        () if sides[1] < 2 => Some("zones do not count: all callers stand in one"),
        () if callers(here) == 0 => Some("zones do not count: no caller stands in this one"),
        () if here.available == 0 => Some("zones do not count: no host in service stands in this one"),
        () => None,
    };
    let mut chose = |locality: Option<usize>, by| {
        if reasons.on() {
            reasons.push(Reason::LocalityChosen { locality: locality.map(|z| z as u16), by });
        }
        locality
    };
    if let Some(why) = off {
        return chose(None, why);
    }
    let (own, ours) = (upstream(here), callers(here));
    if own >= ours {
        return chose(Some(local), "the hosts here are enough for the callers here: everything stays");
    }
    let direct = own * WHOLE / ours;
    if ((entropy.uniform() * WHOLE as f64) as u64) < direct {
        return chose(Some(local), "the part that stays");
    }
    let residual = |(i, z): (usize, &Zone)| {
        if i == local || z.available == 0 { 0 } else { upstream(z).saturating_sub(callers(z)) }
    };
    let total: u64 = zones.iter().enumerate().map(residual).sum();
    if total == 0 {
        // rounding alone: any other locality
        let others = || zones.iter().enumerate().filter(|(i, z)| *i != local && z.available > 0);
        let other = others().nth(entropy.pick(others().count())).map(|o| o.0);
        return chose(other, "any other locality: nobody has anything left over");
    }
    let chosen = entropy.weighted(zones.iter().enumerate().map(|z| residual(z) as f64));
    chose(Some(chosen), "the part that goes to others, in proportion to what they have left over")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::balance::tests::Tape;
    use crate::routing::reason::Silent;

    fn zones(callers: [f64; 3], available: [u32; 3]) -> [Zone; 3] {
        std::array::from_fn(|i| Zone { callers: callers[i], available: available[i] })
    }

    fn of(zones: &[Zone], tape: &[f64]) -> Option<usize> {
        choose(zones, 0, 6, &mut Tape(tape.to_vec()), &mut Silent)
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
