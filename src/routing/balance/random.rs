//! Random: anybody, whatever their weights.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// Each member that may be called with the same probability (Envoy's `RANDOM`). Keeps nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Random;

impl Balance for Random {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, _: &mut S) -> Option<usize> {
        view.any(entropy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{choice, member, state};
    use super::*;
    use crate::routing::balance::Standing::{Out, Usable};

    #[test]
    fn everybody_in_service_alike() {
        let members = [member(0, 9.0, 1), member(1, 0.0, 1), member(2, 1.0, 1)];
        let states = [state(Usable, 0), state(Out, 0), state(Usable, 0)];
        let picked = [0.0, 0.49, 0.5, 0.99].map(|u| choice(&mut Random, &members, &states, &[u]));
        assert_eq!(picked, [Some(0), Some(0), Some(2), Some(2)]);
    }
}
