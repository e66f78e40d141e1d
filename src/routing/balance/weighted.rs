//! Weighted: at random in proportion to the weights.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// One uniform draw against the running sum of the weights. Members without weight are spares: they share the traffic
/// evenly when no member with weight may be called. Keeps nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weighted;

impl Balance for Weighted {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        let weight = |i: usize| view.members[i].weight;
        view.score(reasons, "weight", weight);
        if view.usable().any(|i| weight(i) > 0.0) {
            Some(view.nth(entropy.weighted(view.usable().map(weight))))
        } else {
            view.any(entropy)
        }
    }
}
