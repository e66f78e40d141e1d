//! Ring hash: consistent hashing on a ring, so that a request's key stays with its member while that is in service, and a
//! lost member's keys spread over the others.
//!
//! Source: Envoy, `ring_hash_lb.cc` and "Supported load balancers" (read 2026): every member has points on the ring in
//! proportion to its weight, at least `minimum_ring_size` (1024) in all; a request goes to the first point at or after its
//! hash. Envoy builds the ring of the members in service; going on to the next point in service is the same.

use super::hash::mixed;
use super::{Balance, View};
use crate::routing::balance::Member;
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// Most points of a ring (Envoy's limit is 8 Mi; a ring is built per gateway here).
pub const LARGEST_RING: u32 = 65_536;

/// The ring.
#[derive(Clone, Debug)]
pub struct RingHash {
    /// Hash and position of the member, by hash.
    points: Vec<(u64, u16)>,
}

impl RingHash {
    /// The ring of a pool, with at least so many points.
    pub fn new(minimum_ring_size: u32, members: &[Member]) -> RingHash {
        let total: f64 = members.iter().map(|m| m.weight).sum();
        let share = |m: &Member| if total > 0.0 { m.weight / total } else { 1.0 / members.len() as f64 };
        let least = members.iter().map(share).filter(|s| *s > 0.0).fold(1.0, f64::min);
        let scale = ((least * f64::from(minimum_ring_size)).ceil() / least).min(f64::from(LARGEST_RING));
        let mut points = Vec::new();
        let (mut target, mut placed) = (0.0, 0.0);
        for (i, m) in members.iter().enumerate() {
            target += scale * share(m);
            let mut n = 0;
            while placed < target {
                points.push((mixed(m.key, n), i as u16));
                n += 1;
                placed += 1.0;
            }
        }
        points.sort_unstable();
        RingHash { points }
    }
}

impl Balance for RingHash {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, _: &mut S) -> Option<usize> {
        view.usable().next()?;
        let hash = mixed(view.request.affinity, 0);
        let start = self.points.partition_point(|p| p.0 < hash);
        let on = self.points[start..].iter().chain(&self.points[..start]).map(|p| usize::from(p.1));
        on.into_iter().find(|i| view.is_usable(*i)).or_else(|| view.usable().next())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{member, state};
    use super::*;
    use crate::routing::balance::Standing::{Out, Usable};
    use crate::routing::balance::{MemberState, tests::REQUEST, tests::Tape};
    use crate::routing::reason::Silent;
    use crate::routing::request::Request;
    use crate::units::Time;

    fn of(b: &mut RingHash, members: &[Member], states: &[MemberState], affinity: u64) -> usize {
        let request = Request { affinity, ..REQUEST };
        let view = View { now: Time::ZERO, request: &request, members, states };
        b.pick(&view, &mut Tape(vec![]), &mut Silent).unwrap()
    }

    #[test]
    fn keys_stay_and_only_those_of_a_lost_member_move() {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1), member(2, 2.0, 1)];
        let mut b = RingHash::new(1024, &members);
        let all = [state(Usable, 0); 3];
        let without = [state(Usable, 0), state(Out, 0), state(Usable, 0)];
        let mut counts = [0; 3];
        for key in 0..10_000 {
            let home = of(&mut b, &members, &all, key);
            counts[home] += 1;
            let now = of(&mut b, &members, &without, key);
            assert!(if home == 1 { now != 1 } else { now == home });
            assert_eq!(of(&mut b, &members, &all, key), home);
        }
        assert!((4500..5500).contains(&counts[2]), "twice the weight, half of the keys: {counts:?}");
        assert!(counts[0] > 2000 && counts[1] > 2000, "{counts:?}");
    }

    #[test]
    fn a_new_member_takes_keys_only_for_itself() {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1), member(2, 1.0, 1)];
        // as many points for each of them in both rings; with `minimum_ring_size` alone a larger pool has fewer for each
        let (mut two, mut three) = (RingHash::new(1024, &members[..2]), RingHash::new(1536, &members));
        let states = [state(Usable, 0); 3];
        for key in 0..2000 {
            let (before, after) =
                (of(&mut two, &members[..2], &states[..2], key), of(&mut three, &members, &states, key));
            assert!(after == before || after == 2);
        }
    }
}
