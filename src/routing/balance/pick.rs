//! One choice among candidates, by any of the simple policies. Linear in the candidates, no allocation.

use super::Choose;
use crate::routing::entropy::Entropy;
use crate::units::Span;

/// A member of a pool that may be called now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Candidate {
    /// Position in the pool's list.
    pub position: usize,
    /// Weight of the member.
    pub weight: f64,
    /// Network round trip from the gateway.
    pub distance: Span,
    /// Calls of this gateway in flight.
    pub in_flight: u32,
}

/// The chosen candidate, `None` when there is none. `turn` counts the pool's earlier choices (for round robin), `size`
/// is the length of the pool's list.
pub fn pick<E: Entropy>(
    choose: Choose,
    candidates: impl Iterator<Item = Candidate> + Clone,
    turn: u64,
    size: usize,
    entropy: &mut E,
) -> Option<Candidate> {
    match choose {
        Choose::Nearest => candidates.min_by_key(|c| (c.distance, c.position)),
        Choose::InOrder => candidates.min_by_key(|c| c.position),
        Choose::LeastBusy => candidates.min_by_key(|c| (c.in_flight, c.position)),
        Choose::RoundRobin => {
            let start = (turn % size.max(1) as u64) as usize;
            candidates.min_by_key(|c| (c.position + size - start) % size)
        }
        Choose::Weighted => {
            if candidates.clone().any(|c| c.weight > 0.0) {
                let i = entropy.weighted(candidates.clone().map(|c| c.weight));
                candidates.into_iter().nth(i)
            } else {
                // every weighted member is out: the zero-weight ones serve as spares, equally
                let n = candidates.clone().count();
                if n == 0 { None } else { candidates.into_iter().nth(entropy.pick(n)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tape(Vec<f64>);
    impl Entropy for Tape {
        fn uniform(&mut self) -> f64 {
            self.0.remove(0)
        }
    }

    fn members() -> Vec<Candidate> {
        let c = |position, weight, ms, in_flight| Candidate {
            position,
            weight,
            distance: Span::from_millis(ms),
            in_flight,
        };
        vec![c(0, 1.0, 90, 3), c(1, 2.0, 5, 2), c(2, 7.0, 150, 2)]
    }

    fn picked(choose: Choose, turn: u64, tape: &[f64]) -> usize {
        let m = members();
        pick(choose, m.iter().copied(), turn, 3, &mut Tape(tape.to_vec())).unwrap().position
    }

    #[test]
    fn every_policy_picks_by_its_own_rule() {
        assert_eq!(picked(Choose::Nearest, 0, &[]), 1);
        assert_eq!(picked(Choose::InOrder, 0, &[]), 0);
        assert_eq!(picked(Choose::LeastBusy, 0, &[]), 1);
        assert_eq!([0, 1, 2, 3].map(|t| picked(Choose::RoundRobin, t, &[])), [0, 1, 2, 0]);
        assert_eq!([0.05, 0.15, 0.35, 0.99].map(|u| picked(Choose::Weighted, 0, &[u])), [0, 1, 2, 2]);
    }

    #[test]
    fn round_robin_skips_what_is_missing_and_zero_weights_are_spares() {
        let m: Vec<Candidate> = members().into_iter().filter(|c| c.position != 1).collect();
        let rr = |turn| pick(Choose::RoundRobin, m.iter().copied(), turn, 3, &mut Tape(vec![])).unwrap().position;
        assert_eq!([0, 1, 2].map(rr), [0, 2, 2]);
        let zero: Vec<Candidate> = members().into_iter().map(|c| Candidate { weight: 0.0, ..c }).collect();
        let p = pick(Choose::Weighted, zero.iter().copied(), 0, 3, &mut Tape(vec![0.5])).unwrap().position;
        assert_eq!(p, 1);
        assert_eq!(pick(Choose::Weighted, [].into_iter(), 0, 0, &mut Tape(vec![])), None);
    }
}
