//! Price-weighted choice as OpenRouter documented it: at random with weight 1 / price², members with a recent outage last.
//!
//! Source: OpenRouter, "Provider routing" (documentation as of 2025; the newer formula is not public): providers without a
//! significant outage in the last 30 s are drawn with the inverse square of their price, the others are fallbacks. What a
//! significant outage is, is not said. ASSUMPTION: at least half of the calls that ended in the last 30 s failed, counted in
//! six slots of 5 s, and not through the request's own fault.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};

const SLOTS: usize = 6;
const SLOT: Span = Span::from_secs(5);

/// What ended lately, per member and slot: number of the slot since time zero, calls, failures.
#[derive(Clone, Debug)]
pub struct OpenRouter {
    members: Vec<[(u64, u32, u32); SLOTS]>,
    /// Weights of a choice; kept only to be used again.
    weights: Vec<f64>,
}

impl OpenRouter {
    /// For a pool of so many members.
    pub fn new(members: usize) -> OpenRouter {
        OpenRouter { members: vec![[(0, 0, 0); SLOTS]; members], weights: Vec::with_capacity(members) }
    }

    fn is_out(&self, now: Time, position: usize) -> bool {
        let number = now.nanos() / SLOT.nanos();
        let live = self.members[position].iter().filter(|s| s.0 + SLOTS as u64 > number);
        let (calls, failures) = live.fold((0u64, 0u64), |(c, f), s| (c + u64::from(s.1), f + u64::from(s.2)));
        calls > 0 && 2 * failures >= calls
    }
}

impl Balance for OpenRouter {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        // what is free has no finite weight: it is as cheap as a thousandth of a millionth of a dollar per token
        let weight = |i: usize| {
            let price = view.members[i].price.max(1e-9);
            1.0 / (price * price)
        };
        view.score(reasons, "1 / price²", weight);
        let mut weights = std::mem::take(&mut self.weights);
        weights.clear();
        weights.extend(view.usable().map(|i| if self.is_out(view.now, i) { 0.0 } else { weight(i) }));
        if weights.iter().all(|w| *w == 0.0) {
            weights.clear();
            weights.extend(view.usable().map(weight));
        }
        let chosen = (!weights.is_empty()).then(|| view.nth(entropy.weighted(weights.iter().copied())));
        self.weights = weights;
        chosen
    }

    fn on_end(&mut self, now: Time, position: usize, seen: &Observation) {
        let number = now.nanos() / SLOT.nanos();
        let slot = &mut self.members[position][(number % SLOTS as u64) as usize];
        if slot.0 != number {
            *slot = (number, 0, 0);
        }
        slot.1 += 1;
        slot.2 += u32::from(matches!(seen.outcome, Outcome::Failed { class, .. } if !class.is_of_the_request()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::Member;
    use crate::routing::balance::Standing::Usable;
    use crate::routing::outcome::ErrorClass;
    use crate::routing::reason::Silent;

    fn members() -> [Member; 3] {
        // the documentation's example: A costs 1 dollar, B 2, C 3
        [1.0, 2.0, 3.0].map(|price| Member { price: price * 1e-6, ..member(0, 1.0, 1) })
    }

    fn pick(b: &mut OpenRouter, at_s: u64, u: f64) -> usize {
        let (members, states) = (members(), [state(Usable, 0); 3]);
        let view = View { now: Time(at_s * 1_000_000_000), request: &REQUEST, members: &members, states: &states };
        b.pick(&view, &mut Tape(vec![u]), &mut Silent).unwrap()
    }

    #[test]
    fn nine_times_more_for_a_third_of_the_price_and_outages_last() {
        let mut b = OpenRouter::new(3);
        let failed = Observation::failed(Time(0), ErrorClass::Unavailable, None);
        b.on_end(Time(100_000_000_000), 1, &failed);
        let draws = 10_000;
        let count = |b: &mut OpenRouter, at, who| {
            (0..draws).filter(|i| pick(b, at, (*i as f64 + 0.5) / f64::from(draws)) == who).count()
        };
        assert_eq!([0, 1, 2].map(|who| count(&mut b, 110, who)), [9000, 0, 1000]);
        // half a minute later B is drawn again: 1 : 1/4 : 1/9
        assert_eq!([0, 1, 2].map(|who| count(&mut b, 130, who)), [7347, 1837, 816]);
    }
}
