//! Network-aware choice: the member with the least expected time to first token, from the round trip, the part of the prompt
//! that it would have to compute, and the calls that are before it.
//!
//! Source: GORGO (Ricci Toniolo, Thorstenson, Dinesh, arXiv 2602.11688, 2026): a proxy that tracks all requests chooses the
//! least sum of network latency, prefill cost of uncached tokens and queueing delay; its profile of one GPU is 0.0938 ms per
//! uncached token. The weights of the paper's second version are tuned online by an evolutionary search; here they are
//! given. What is cached is guessed as in [`super::inference::prefix`]. ASSUMPTION: every call in flight delays by the same
//! time, which the configuration says; the paper does not print its weight.

use super::inference::prefix::{self, MOST_BLOCKS, PrefixIndex};
use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::{Span, Time};

/// Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkCostConfig {
    /// Time for a prompt token that is not cached.
    pub prefill_per_token: Span,
    /// Time for a call of this gateway in flight.
    pub per_call: Span,
    /// Blocks that the prefix index remembers per member; at least 1.
    pub lru_blocks: u32,
}

impl NetworkCostConfig {
    /// GORGO's prefill.
    pub const GORGO_PREFILL: Span = Span(93_800);

    /// The expected cost of a call in nanoseconds.
    pub fn cost(&self, round_trip: Span, uncached_tokens: u64, in_flight: u32) -> u64 {
        let prefill = self.prefill_per_token.nanos().saturating_mul(uncached_tokens);
        let queue = self.per_call.nanos().saturating_mul(u64::from(in_flight));
        round_trip.nanos().saturating_add(prefill).saturating_add(queue)
    }
}

/// The balancer.
#[derive(Clone, Debug)]
pub struct NetworkCost {
    config: NetworkCostConfig,
    prefixes: Vec<PrefixIndex>,
}

impl NetworkCost {
    /// For a pool of so many members.
    pub fn new(config: NetworkCostConfig, members: usize) -> NetworkCost {
        NetworkCost { config, prefixes: (0..members).map(|_| PrefixIndex::new(config.lru_blocks)).collect() }
    }
}

impl Balance for NetworkCost {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        let (tokens, blocks) = (u64::from(view.request.input_tokens), view.request.blocks);
        let total = blocks.len().min(MOST_BLOCKS) as u64;
        let cost = |i: usize| {
            let matched = if total == 0 { 0 } else { self.prefixes[i].matched(blocks) as u64 };
            let cached = (tokens * matched).checked_div(total).unwrap_or(0);
            self.config.cost(view.members[i].distance, tokens - cached, view.states[i].in_flight)
        };
        if reasons.on() {
            let ms = |nanos: u64| nanos as f64 / 1e6;
            for i in view.usable() {
                let deployment = view.members[i].deployment;
                let mut say = |figure| reasons.push(Reason::Scored { deployment, figure });
                say(Figure::new("expected time to first token in ms", ms(cost(i))));
                let (way, in_flight) = (view.members[i].distance, view.states[i].in_flight);
                say(Figure::new("of that, round trip in ms", ms(way.nanos())));
                let prefill = cost(i) - self.config.cost(way, 0, in_flight);
                say(Figure::new("of that, prompt that is not cached in ms", ms(prefill)));
                say(Figure::new("of that, calls before it in ms", ms(self.config.cost(Span::ZERO, 0, in_flight))));
                say(prefix::figure(&self.prefixes[i], blocks));
            }
        }
        view.usable().map(|i| (cost(i), i)).min().map(|c| c.1)
    }

    fn on_sent(&mut self, _: Time, position: usize, request: &Request<'_>) {
        self.prefixes[position].enter(request.blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::Standing::Usable;
    use crate::routing::reason::Silent;

    /// GORGO 2026: round trips from Ashburn of 37, 279 and 456 ms, 0.0938 ms per uncached token.
    #[test]
    fn gorgo_round_trips_and_prefill() {
        let config = NetworkCostConfig {
            prefill_per_token: NetworkCostConfig::GORGO_PREFILL,
            per_call: Span::from_millis(50),
            lru_blocks: 1000,
        };
        let members = [member(0, 1.0, 37), member(1, 1.0, 279), member(2, 1.0, 456)];
        let mut b = NetworkCost::new(config, 3);
        let pick = |b: &mut NetworkCost, tokens, blocks: &[u64], in_flight: [u32; 3]| {
            let request = Request { input_tokens: tokens, blocks, ..REQUEST };
            let states = in_flight.map(|n| state(Usable, n));
            let view = View { now: Time::ZERO, request: &request, members: &members, states: &states };
            b.pick(&view, &mut Tape(vec![]), &mut Silent)
        };
        let prompt: Vec<u64> = (0..100).collect();
        assert_eq!(pick(&mut b, 4000, &prompt, [0; 3]), Some(0), "nobody has it: the nearest");
        // Frankfurt has all of it: 279 ms against 37 + 375 ms
        b.on_sent(Time::ZERO, 1, &Request { blocks: &prompt, ..REQUEST });
        assert_eq!(pick(&mut b, 4000, &prompt, [0; 3]), Some(1));
        // a short prompt is not worth the way: 37 + 94 ms
        assert_eq!(pick(&mut b, 1000, &prompt, [0; 3]), Some(0));
        // five calls more at home than there: 37 + 250 ms
        assert_eq!(pick(&mut b, 0, &[], [4, 0, 0]), Some(0));
        assert_eq!(pick(&mut b, 0, &[], [5, 0, 0]), Some(1));
        assert_eq!(config.cost(Span::from_millis(279), 1000, 2), 279_000_000 + 93_800_000 + 100_000_000);
    }
}
