//! Maglev: consistent hashing by a table in which every member has entries in proportion to its weight; one look per choice.
//!
//! Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, 3.4, and Envoy,
//! `maglev_lb.cc` (read 2026): a table of a prime number of entries (65,537); each member's preferences are
//! `(offset + j * skip) mod size` with two hashes of its name; in turns every member takes the next entry it prefers that is
//! free, members of less weight in fewer turns. Every member with a weight gets an entry. Envoy builds the table of the
//! members in service; here it is built once, and a key whose member is out of service goes on along the table: no other
//! key moves.

use super::hash::mixed;
use super::{Balance, View};
use crate::routing::balance::Member;
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// Envoy's size of a table.
pub const MAGLEV_TABLE: u32 = 65_537;

/// The table.
#[derive(Clone, Debug)]
pub struct Maglev {
    /// Position of the member that owns each entry; empty when nobody has a weight.
    table: Vec<u16>,
}

impl Maglev {
    /// The table of a pool; its size is a prime number, larger than the pool.
    pub fn new(size: u32, members: &[Member]) -> Maglev {
        const FREE: u16 = u16::MAX;
        let (size, most) = (u64::from(size), members.iter().map(|m| m.weight).fold(0.0, f64::max));
        if most <= 0.0 {
            return Maglev { table: Vec::new() };
        }
        let mut table = vec![FREE; size as usize];
        // next preference, step, entries taken
        let start = |m: &Member| (mixed(m.key, 0) % size, mixed(m.key, 1) % (size - 1) + 1, 0_u32);
        let mut takers: Vec<(u64, u64, u32)> = members.iter().map(start).collect();
        let (mut left, mut turn) = (size, 0_u32);
        'fill: loop {
            turn += 1;
            for (i, m) in members.iter().enumerate() {
                let (next, skip, taken) = &mut takers[i];
                if m.weight <= 0.0 || f64::from(turn) * m.weight < f64::from(*taken) * most {
                    continue;
                }
                while table[*next as usize] != FREE {
                    *next = (*next + *skip) % size;
                }
                table[*next as usize] = i as u16;
                *taken += 1;
                left -= 1;
                if left == 0 {
                    break 'fill;
                }
            }
        }
        Maglev { table }
    }
}

impl Balance for Maglev {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, _: &mut S) -> Option<usize> {
        view.usable().next()?;
        let start = match self.table.len() {
            0 => 0,
            n => (mixed(view.request.affinity, 0) % n as u64) as usize,
        };
        let on = self.table[start..].iter().chain(&self.table[..start]).map(|i| usize::from(*i));
        on.into_iter().find(|i| view.is_usable(*i)).or_else(|| view.usable().next())
    }
}

/// Whether a number is prime, for sizes of tables.
pub fn is_prime(n: u32) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::MemberState;
    use crate::routing::balance::Standing::{Out, Usable};
    use crate::routing::reason::Silent;
    use crate::routing::request::Request;
    use crate::units::Time;

    fn of(b: &mut Maglev, members: &[Member], states: &[MemberState], affinity: u64) -> usize {
        let request = Request { affinity, ..REQUEST };
        let view = View { now: Time::ZERO, request: &request, members, states };
        b.pick(&view, &mut Tape(vec![]), &mut Silent).unwrap()
    }

    /// Eisenbud et al. 2016: every backend gets an almost equal share of the table.
    #[test]
    fn maglev_paper_entries_are_shared_almost_exactly() {
        let members: Vec<Member> = (0..10).map(|i| member(i, 1.0, 1)).collect();
        let m = Maglev::new(MAGLEV_TABLE, &members);
        for i in 0..10 {
            let n = m.table.iter().filter(|t| **t == i).count();
            assert!((6553..=6554).contains(&n), "{n} of 65537 / 10");
        }
        let weighted = [member(0, 1.0, 1), member(1, 2.0, 1), member(2, 5.0, 1)];
        let m = Maglev::new(MAGLEV_TABLE, &weighted);
        let shares = [0, 1, 2].map(|i| m.table.iter().filter(|t| **t == i).count() as f64 / 65_537.0);
        for (share, expected) in shares.iter().zip([0.125, 0.25, 0.625]) {
            assert!((share - expected).abs() < 0.001, "{shares:?}");
        }
    }

    #[test]
    fn keys_stay_and_only_those_of_a_lost_member_move() {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1), member(2, 2.0, 1), member(3, 0.0, 1)];
        let mut b = Maglev::new(MAGLEV_TABLE, &members);
        let all = [state(Usable, 0); 4];
        let mut without = all;
        without[1] = state(Out, 0);
        let mut inherited = [0; 4];
        for key in 0..10_000 {
            let home = of(&mut b, &members, &all, key);
            assert_ne!(home, 3, "no weight, no entry");
            let now = of(&mut b, &members, &without, key);
            assert!(if home == 1 { now != 1 } else { now == home });
            inherited[now] += usize::from(home == 1);
        }
        assert!(inherited[0] > 600 && inherited[2] > 1200, "{inherited:?} of some 2500");
        // a spare is called when nobody else is left
        let spare = [state(Out, 0), state(Out, 0), state(Out, 0), state(Usable, 0)];
        assert_eq!(of(&mut b, &members, &spare, 1), 3);
    }

    /// Most keys stay where they were when a member joins: the table is not built at random.
    #[test]
    fn a_new_member_moves_few_other_keys() {
        let members: Vec<Member> = (0..6).map(|i| member(i, 1.0, 1)).collect();
        let (five, six) = (Maglev::new(MAGLEV_TABLE, &members[..5]), Maglev::new(MAGLEV_TABLE, &members));
        let moved = five.table.iter().zip(&six.table).filter(|(a, b)| a != b && **b != 5).count();
        assert!(moved < 65_537 / 10, "{moved} entries moved between old members");
    }

    #[test]
    fn sizes_of_tables_are_prime() {
        assert_eq!((0..30).filter(|n| is_prime(*n)).collect::<Vec<_>>(), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert!(is_prime(MAGLEV_TABLE) && !is_prime(65_536));
    }
}
