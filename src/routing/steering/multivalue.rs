//! Multivalue answers: up to eight healthy addresses at once, from which the client chooses (Route 53 Developer Guide, 2026:
//! "Multivalue answer routing").
//!
//! With at most eight healthy records all of them are answered, with more a random eight; if none is healthy, up to eight
//! unhealthy ones.

use super::{Answer, Endpoint, fails_open};
use crate::routing::entropy::Entropy;

/// Most addresses in one answer.
pub const MOST_VALUES: usize = 8;

/// The addresses answered; empty when none is legal.
pub fn multivalue<E: Entropy>(endpoints: &[Endpoint], entropy: &mut E) -> Answer {
    let open = fails_open(endpoints);
    let fit = endpoints.iter().enumerate().filter(|(_, e)| e.legal && (e.healthy || open));
    let mut answer: Answer = fit.map(|(i, _)| i).collect();
    if answer.len() > MOST_VALUES {
        let (mut left, mut drawn) = (answer, Answer::NONE);
        for _ in 0..MOST_VALUES {
            let one = left.nth(entropy.pick(left.len())).expect("a position below its length");
            left = left.without(one);
            drawn = drawn.with(one);
        }
        answer = drawn;
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    #[test]
    fn route_53_multivalue_up_to_eight_healthy_records() {
        let mut dice = Dice::new(3);
        let mut e = vec![up(0); 8];
        assert_eq!(multivalue(&e, &mut dice), (0..8).collect());
        e[2] = down(0);
        assert_eq!(multivalue(&e, &mut dice), (0..8).filter(|i| *i != 2).collect());
        let many = vec![up(0); 20];
        let mut seen = [0u32; 20];
        for _ in 0..5000 {
            let answer = multivalue(&many, &mut dice);
            assert_eq!(answer.len(), 8);
            answer.iter().for_each(|i| seen[i] += 1);
        }
        // 8 of 20: each in 40 % of the answers, 2000 with a standard deviation of 35
        assert!(seen.iter().all(|n| (1850..2150).contains(n)), "{seen:?}");
    }

    #[test]
    fn all_unhealthy_up_to_eight_unhealthy_ones() {
        let mut dice = Dice::new(3);
        assert_eq!(multivalue(&[down(0), down(0)], &mut dice), (0..2).collect());
        assert_eq!(multivalue(&vec![down(0); 30], &mut dice).len(), 8);
        assert!(multivalue(&[Endpoint { legal: false, ..up(0) }], &mut dice).is_empty());
    }
}
