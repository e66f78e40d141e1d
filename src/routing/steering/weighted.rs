//! Weighted steering: Route 53 weighted records (Developer Guide, 2026: "Weighted routing" and "How Route 53 chooses
//! records when health checking is configured").
//!
//! A record is answered with probability weight / sum of the weights of the healthy ones. Records of weight 0 are
//! considered only when all others are unhealthy; if only such are left, or all weights are 0, they are equally likely.
//! When no record is healthy, all count as healthy.

use super::{Endpoint, fails_open};
use crate::routing::entropy::Entropy;

/// Position of the chosen endpoint; `None` when none is legal. One weight (0 to 255) per endpoint.
pub fn weighted<E: Entropy>(weights: &[u8], endpoints: &[Endpoint], entropy: &mut E) -> Option<usize> {
    let chances = chances(weights, endpoints);
    chances.clone().any(|c| c > 0.0).then(|| entropy.weighted(chances))
}

/// How likely each endpoint is, up to a factor; all 0 when none is legal.
pub(super) fn chances<'a>(weights: &'a [u8], endpoints: &'a [Endpoint]) -> impl Iterator<Item = f64> + Clone + 'a {
    let open = fails_open(endpoints);
    let fit = move |e: &Endpoint| e.legal && (e.healthy || open);
    let zero = !endpoints.iter().zip(weights).any(|(e, w)| fit(e) && *w > 0);
    endpoints.iter().zip(weights).map(move |(e, w)| match (fit(e), zero) {
        (false, _) => 0.0,
        (true, false) => f64::from(*w),
        (true, true) => 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    fn shares(weights: &[u8], endpoints: &[Endpoint]) -> Vec<u32> {
        let mut dice = Dice::new(7);
        let mut hits = vec![0; endpoints.len()];
        for _ in 0..25_600 {
            hits[weighted(weights, endpoints, &mut dice).unwrap()] += 1;
        }
        hits
    }

    /// "a tiny portion of your traffic to one resource": 1/256 and 255/256.
    #[test]
    fn route_53_weighted_routing_1_and_255() {
        let hits = shares(&[1, 255], &[up(0), up(0)]);
        assert!((100 - 40..100 + 40).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn weight_0_waits_until_all_others_are_unhealthy() {
        assert_eq!(shares(&[0, 3], &[up(0), up(0)]), [0, 25_600]);
        assert_eq!(shares(&[0, 3, 0], &[down(0), down(0), up(0)]), [0, 0, 25_600]);
        // none healthy: all count as healthy, so the weights hold again
        assert_eq!(shares(&[0, 3], &[down(0), down(0)]), [0, 25_600]);
    }

    #[test]
    fn all_weights_0_are_equally_likely() {
        let hits = shares(&[0, 0], &[up(0), up(0)]);
        assert!((12_800 - 400..12_800 + 400).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn an_unhealthy_record_leaves_its_share_to_the_rest() {
        let hits = shares(&[200, 10, 30], &[down(0), up(0), up(0)]);
        assert!(hits[0] == 0 && (6_400 - 300..6_400 + 300).contains(&hits[1]), "{hits:?}");
    }

    #[test]
    fn nothing_legal_no_answer() {
        assert_eq!(weighted(&[1], &[Endpoint { legal: false, ..up(0) }], &mut Dice::new(1)), None);
    }
}
