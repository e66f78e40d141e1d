//! AWS Global Accelerator: endpoint groups with traffic dials, endpoints with weights (Developer Guide, 2026: "Use traffic
//! dials to adjust traffic flow to Regions", "How endpoint weights work", "How failover works for unhealthy endpoints").
//!
//! A new connection goes to the endpoint group nearest to the client; the group's dial lets that percentage in, the rest
//! goes to the next nearest. Inside the group, weight / sum of the weights of the healthy endpoints. If the group has no
//! healthy endpoint with a weight above zero, the three nearest groups are tried *whatever their dials say*; if none of
//! them has one, the system fails open to any endpoint of the nearest group. Established connections stay.
//!
//! ASSUMPTION: what the dials of all groups turn away stays with the farthest group that is dialled up at all. With two
//! groups at 50 % that gives the guide's example; it says nothing of more.

use super::{Answer, Endpoint};
use crate::routing::entropy::Entropy;

/// Groups that a failover tries.
const FAILOVER_GROUPS: usize = 3;

/// The endpoints of one AWS Region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointGroup {
    /// Percentage of the traffic directed to the group that it takes, 0 to 100.
    pub dial: u8,
    /// Endpoints by position, with their weights (0 to 255). At least one.
    pub members: Vec<(u8, u8)>,
}

impl EndpointGroup {
    fn fit<'a>(&'a self, endpoints: &'a [Endpoint]) -> impl Iterator<Item = f64> + Clone + 'a {
        self.members.iter().map(|(e, weight)| {
            let e = &endpoints[usize::from(*e)];
            if e.legal && e.healthy { f64::from(*weight) } else { 0.0 }
        })
    }

    fn pick<E: Entropy>(&self, endpoints: &[Endpoint], entropy: &mut E) -> Option<usize> {
        let any = self.fit(endpoints).any(|w| w > 0.0);
        any.then(|| usize::from(self.members[entropy.weighted(self.fit(endpoints))].0))
    }

    fn nearest_member(&self, endpoints: &[Endpoint]) -> Option<u64> {
        let legal = self.members.iter().map(|(e, _)| &endpoints[usize::from(*e)]).filter(|e| e.legal);
        legal.map(|e| e.latency_ns).min()
    }
}

/// Where a new connection goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialled {
    /// Position of the endpoint.
    pub endpoint: usize,
    /// Endpoints of groups whose dials have turned the connection away.
    pub turned_away: Answer,
    /// The group that the dials led to had no healthy endpoint with a weight: others were tried whatever their dials.
    pub failed_over: bool,
}

/// The endpoint for a new connection; `None` when none is legal.
pub fn accelerator<E: Entropy>(groups: &[EndpointGroup], endpoints: &[Endpoint], entropy: &mut E) -> Option<Dialled> {
    let nearest_after = |after: Option<(u64, usize)>| {
        let groups = groups.iter().enumerate();
        groups
            .filter_map(|(i, g)| g.nearest_member(endpoints).map(|ns| (ns, i)))
            .filter(|place| after.is_none_or(|after| *place > after))
            .min()
    };
    let mut place = nearest_after(None);
    let mut original = None;
    let mut turned_away = Answer::NONE;
    while let Some((ns, i)) = place {
        let dial = groups[i].dial;
        if dial > 0 {
            original = Some(i);
            if dial >= 100 || entropy.uniform() * 100.0 < f64::from(dial) {
                break;
            }
        }
        turned_away = groups[i].members.iter().fold(turned_away, |all, (e, _)| all.with(usize::from(*e)));
        place = nearest_after(Some((ns, i)));
    }
    if let Some(group) = original.map(|i| &groups[i])
        && let Some(endpoint) = group.pick(endpoints, entropy)
    {
        let own = group.members.iter().map(|(e, _)| usize::from(*e));
        let turned_away = own.fold(turned_away, Answer::without);
        return Some(Dialled { endpoint, turned_away, failed_over: false });
    }
    let failed_over = |endpoint| Dialled { endpoint, turned_away: Answer::NONE, failed_over: true };
    let nearest = nearest_after(None)?;
    let mut place = Some(nearest);
    for _ in 0..FAILOVER_GROUPS {
        let Some((ns, i)) = place else { break };
        if let Some(endpoint) = groups[i].pick(endpoints, entropy) {
            return Some(failed_over(endpoint));
        }
        place = nearest_after(Some((ns, i)));
    }
    let members = &groups[nearest.1].members;
    let legal = || members.iter().map(|(e, _)| usize::from(*e)).filter(|e| endpoints[*e].legal);
    let n = legal().count();
    legal().nth(entropy.pick(n)).map(failed_over)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    fn group(dial: u8, members: &[(u8, u8)]) -> EndpointGroup {
        EndpointGroup { dial, members: members.to_vec() }
    }

    fn shares(groups: &[EndpointGroup], endpoints: &[Endpoint]) -> Vec<u32> {
        let mut dice = Dice::new(11);
        let mut hits = vec![0; endpoints.len()];
        for _ in 0..10_000 {
            hits[accelerator(groups, endpoints, &mut dice).unwrap().endpoint] += 1;
        }
        hits
    }

    fn about(n: u32, expected: u32) -> bool {
        n.abs_diff(expected) < 200
    }

    /// "us-west-2 and us-east-1 … traffic dials to 50%": each coast gives half of its requests to either group.
    #[test]
    fn global_accelerator_dials_of_50_mix_the_traffic_of_two_regions() {
        let groups = [group(50, &[(0, 128)]), group(50, &[(1, 128)])];
        for coast in [[up(10), up(70)], [up(70), up(10)]] {
            let hits = shares(&groups, &coast);
            assert!(about(hits[0], 5000) && about(hits[1], 5000), "{hits:?}");
        }
    }

    /// "weights of 1 and 255": 1/256 and 255/256.
    #[test]
    fn global_accelerator_weights_of_1_and_255() {
        let hits = shares(&[group(100, &[(0, 1), (1, 255)])], &[up(10), up(10)]);
        assert!((39 - 25..39 + 25).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn a_dial_of_0_takes_nothing_until_a_failover() {
        let groups = [group(0, &[(0, 128)]), group(100, &[(1, 128)])];
        assert_eq!(shares(&groups, &[up(10), up(70)]), [0, 10_000]);
        assert_eq!(shares(&groups, &[up(10), down(70)]), [10_000, 0]);
    }

    #[test]
    fn failover_looks_at_the_three_nearest_groups_and_then_fails_open_to_the_nearest() {
        let groups: Vec<EndpointGroup> = (0..4).map(|i| group(100, &[(i, 128)])).collect();
        assert_eq!(shares(&groups, &[down(10), down(20), up(30), up(40)])[2], 10_000);
        assert_eq!(shares(&groups, &[down(10), down(20), down(30), up(40)])[0], 10_000);
        // a weight of zero is as bad as failing health checks
        let drained = [group(100, &[(0, 0)]), group(100, &[(1, 128)])];
        assert_eq!(shares(&drained, &[up(10), up(20)]), [0, 10_000]);
    }

    #[test]
    fn what_the_dials_turn_away_stays_with_the_farthest_group() {
        let groups = [group(50, &[(0, 128)]), group(50, &[(1, 128)]), group(100, &[(2, 128)])];
        let hits = shares(&groups, &[up(10), up(20), up(30)]);
        assert!(about(hits[0], 5000) && about(hits[1], 2500) && about(hits[2], 2500), "{hits:?}");
        assert_eq!(accelerator(&groups[..1], &[Endpoint { legal: false, ..up(1) }], &mut Dice::new(1)), None);
    }
}
