//! Weighted round robin as Envoy and Kong have it: in turn, in proportion to the weights, never in bursts.

use super::edf::Edf;
use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::units::Time;

/// An earliest-deadline-first schedule by weight. Members without weight are spares: they take turns when no member with
/// weight may be called.
#[derive(Clone, Debug)]
pub struct WeightedRoundRobin {
    schedule: Edf,
    spares: Edf,
}

impl WeightedRoundRobin {
    /// For a pool of so many members.
    pub fn new(members: usize) -> WeightedRoundRobin {
        WeightedRoundRobin { schedule: Edf::new(members), spares: Edf::new(members) }
    }
}

impl Balance for WeightedRoundRobin {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        view.score(reasons, "weight", |i| view.members[i].weight);
        let chosen = self.schedule.due(view.usable(), |i| view.members[i].weight);
        chosen.or_else(|| self.spares.due(view.usable(), |_| 1.0))
    }

    fn on_sent(&mut self, _: Time, _: usize, _: &Request<'_>) {
        // spares are asked only when nobody of the schedule is due
        if !self.schedule.take() {
            self.spares.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{choice, member, state};
    use super::*;
    use crate::routing::balance::Standing::{Out, Usable};

    #[test]
    fn shares_by_weight_and_what_is_out_leaves_its_turns_to_all() {
        let members = [member(0, 1.0, 1), member(1, 2.0, 1), member(2, 1.0, 1), member(3, 0.0, 1)];
        let mut b = WeightedRoundRobin::new(4);
        let mut shares = |out: usize| {
            let mut states = [state(Usable, 0); 4];
            if out < 4 {
                states[out].standing = Out;
            }
            let mut counts = [0; 4];
            for _ in 0..120 {
                counts[choice(&mut b, &members, &states, &[]).unwrap()] += 1;
            }
            counts
        };
        assert_eq!(shares(4), [30, 60, 30, 0]);
        // 80 and 40, where plain round robin would give both turns of a missing neighbour to the next in the list
        assert_eq!(shares(0), [0, 80, 40, 0]);
        let mut spare = [state(Out, 0); 4];
        spare[3].standing = Usable;
        assert_eq!(choice(&mut b, &members, &spare, &[]), Some(3));
    }
}
