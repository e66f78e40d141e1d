//! Least request as Envoy has it: the less busy of a few members drawn at random, or weighted round robin when weights
//! differ.
//!
//! Source: Envoy, "Supported load balancers" and `api/envoy/extensions/load_balancing_policies/least_request/v3` (read
//! 2026): with equal weights `choice_count` members (2) are drawn with replacement and the one with fewer active requests
//! is taken, the first of equals; otherwise an earliest-deadline-first schedule with the weight
//! `weight / (active + 1) ^ active_request_bias` (bias 1.0) at the time of the choice. Draws fall among the members that may
//! be called. Members without weight, which Envoy does not have, are spares: they take turns by their calls in flight when
//! no member with weight may be called.

use super::edf::Edf;
use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::Time;

/// Parameters. [`LeastRequestConfig::ENVOY`] has Envoy's defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LeastRequestConfig {
    /// Members drawn for one choice; at least 1.
    pub choice_count: u32,
    /// Exponent of the calls in flight in a weight.
    pub active_request_bias: f64,
}

impl LeastRequestConfig {
    /// Envoy's defaults.
    pub const ENVOY: LeastRequestConfig = LeastRequestConfig { choice_count: 2, active_request_bias: 1.0 };
}

/// The schedule; unused while weights are equal.
#[derive(Clone, Debug)]
pub struct LeastRequest {
    config: LeastRequestConfig,
    schedule: Edf,
    spares: Edf,
}

impl LeastRequest {
    /// For a pool of so many members.
    pub fn new(config: LeastRequestConfig, members: usize) -> LeastRequest {
        LeastRequest { config, schedule: Edf::new(members), spares: Edf::new(members) }
    }

    fn scheduled(&mut self, view: &View<'_>) -> Option<usize> {
        let bias = self.config.active_request_bias;
        let calls = |i: usize| {
            let calls = f64::from(view.states[i].in_flight) + 1.0;
            if bias == 1.0 { calls } else { libm::pow(calls, bias) }
        };
        let chosen = self.schedule.due(view.usable(), |i| view.members[i].weight / calls(i));
        chosen.or_else(|| self.spares.due(view.usable(), |i| 1.0 / calls(i)))
    }
}

impl Balance for LeastRequest {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        view.score(reasons, "calls in flight", |i| f64::from(view.states[i].in_flight));
        let first = view.members.first()?.weight;
        if view.members.iter().any(|m| m.weight != first) {
            return self.scheduled(view);
        }
        self.schedule.pass();
        self.spares.pass();
        let n = view.count();
        if n == 0 {
            return None;
        }
        let mut draw = || {
            let drawn = view.nth(entropy.pick(n));
            if reasons.on() {
                reasons.push(Reason::Drawn { deployment: view.members[drawn].deployment });
            }
            drawn
        };
        let mut chosen = draw();
        for _ in 1..self.config.choice_count {
            let other = draw();
            if view.states[other].in_flight < view.states[chosen].in_flight {
                chosen = other;
            }
        }
        Some(chosen)
    }

    fn on_sent(&mut self, _: Time, _: usize, _: &Request<'_>) {
        // nobody of either is due after a choice by lot
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
    fn the_less_busy_of_two_drawn_with_replacement() {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1), member(2, 1.0, 1)];
        let states = [state(Usable, 5), state(Usable, 1), state(Usable, 5)];
        let mut b = LeastRequest::new(LeastRequestConfig::ENVOY, 3);
        assert_eq!(choice(&mut b, &members, &states, &[0.0, 0.5]), Some(1));
        assert_eq!(choice(&mut b, &members, &states, &[0.9, 0.0]), Some(2), "equals: the first drawn");
        assert_eq!(choice(&mut b, &members, &states, &[0.0, 0.0]), Some(0), "the same member twice");
        let states = [state(Usable, 5), state(Out, 0), state(Usable, 1)];
        assert_eq!(choice(&mut b, &members, &states, &[0.0, 0.6]), Some(2), "draws among those in service");
    }

    #[test]
    fn spares_are_called_when_nobody_with_weight_may_be() {
        let members = [member(0, 1.0, 1), member(1, 0.0, 1), member(2, 0.0, 1)];
        let mut b = LeastRequest::new(LeastRequestConfig::ENVOY, 3);
        let all = [state(Usable, 9), state(Usable, 0), state(Usable, 0)];
        assert!((0..10).all(|_| choice(&mut b, &members, &all, &[]) == Some(0)));
        let spares = [state(Out, 0), state(Usable, 0), state(Usable, 2)];
        let mut counts = [0; 3];
        (0..40).for_each(|_| counts[choice(&mut b, &members, &spares, &[]).unwrap()] += 1);
        assert_eq!(counts, [0, 30, 10], "one against three calls, the new one included");
        assert_eq!(choice(&mut b, &members, &[state(Out, 0); 3], &[]), None);
    }

    #[test]
    fn unequal_weights_share_in_their_proportion_and_business_counts_against_a_member() {
        let members = [member(0, 1.0, 1), member(1, 3.0, 1)];
        let mut b = LeastRequest::new(LeastRequestConfig::ENVOY, 2);
        let idle = [state(Usable, 0); 2];
        let to_second = (0..400).filter(|_| choice(&mut b, &members, &idle, &[]) == Some(1)).count();
        assert_eq!(to_second, 300);
        let busy = [state(Usable, 0), state(Usable, 2)];
        let to_second = (0..400).filter(|_| choice(&mut b, &members, &busy, &[]) == Some(1)).count();
        assert!((199..=201).contains(&to_second), "3 / (2 + 1) is a weight of 1: {to_second}");
    }
}
