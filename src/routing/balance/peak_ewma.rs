//! Lowest latency as Kong has it: an exponentially weighted moving average of response times, decayed by the time since it
//! was last fed.
//!
//! Source: Kong/kong, `kong/runloop/balancer/ewma.lua` (read 2026): decay 10 s,
//! `e' = e * exp(-dt / 10 s) + response * (1 - exp(-dt / 10 s))`; a member's score is its average decayed to the time of the
//! choice; a member not yet called starts with the mean of the others. As in the stored code all members are compared, not
//! two; unlike it, the score is divided by the member's own weight (Kong divides by that of the first address, which makes
//! no difference).

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Observation;
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{Span, Time};

/// The averages.
#[derive(Clone, Debug)]
pub struct PeakEwma {
    decay: Span,
    members: Vec<Option<(f64, Time)>>,
}

impl PeakEwma {
    /// Kong's decay.
    pub const DECAY: Span = Span::from_secs(10);

    /// For a pool of so many members.
    pub fn new(decay: Span, members: usize) -> PeakEwma {
        PeakEwma { decay, members: vec![None; members] }
    }

    fn left(&self, since: Span) -> f64 {
        let x = -since.as_secs_f64() / self.decay.as_secs_f64();
        // below this the exponential is 0; libm takes ten times as long to say so
        if x < -746.0 { 0.0 } else { libm::exp(x) }
    }
}

impl Balance for PeakEwma {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        let weight = |i: usize| view.members[i].weight;
        let mut best: Option<(f64, usize)> = None;
        for i in view.usable() {
            let (score, age) = match self.members[i] {
                Some((e, at)) => {
                    let age = view.now.since(at);
                    (e * self.left(age), Some(age))
                }
                None => (0.0, None),
            };
            let score = if weight(i) > 0.0 { score / weight(i) } else { f64::INFINITY };
            if reasons.on() {
                let deployment = view.members[i].deployment;
                reasons.push(Reason::Scored { deployment, what: "decayed response time in s", value: score, age });
            }
            if best.is_none_or(|(least, _)| score < least) {
                best = Some((score, i));
            }
        }
        best.map(|b| b.1)
    }

    fn on_end(&mut self, now: Time, position: usize, seen: &Observation) {
        let response = now.since(seen.sent).as_secs_f64();
        let known = self.members.iter().flatten().count();
        let mean =
            if known == 0 { 0.0 } else { self.members.iter().flatten().map(|m| m.0).sum::<f64>() / known as f64 };
        let e = match self.members[position] {
            Some((e, at)) => {
                let left = self.left(now.since(at));
                e * left + response * (1.0 - left)
            }
            None if known == 0 => response,
            None => f64::midpoint(mean, response),
        };
        self.members[position] = Some((e, now));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::Standing::Usable;
    use crate::routing::outcome::{ErrorClass, Outcome};
    use crate::routing::reason::Silent;

    fn answered(b: &mut PeakEwma, at_s: u64, position: usize, took_ms: u64) {
        let now = Time(at_s * 1_000_000_000);
        let sent = Time(now.nanos() - took_ms * 1_000_000);
        let seen = Observation { outcome: Outcome::Ok, ..Observation::failed(sent, ErrorClass::Timeout, None) };
        b.on_end(now, position, &seen);
    }

    fn pick(b: &mut PeakEwma, at_s: u64) -> Option<usize> {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1)];
        let states = [state(Usable, 0); 2];
        let view = View { now: Time(at_s * 1_000_000_000), request: &REQUEST, members: &members, states: &states };
        b.pick(&view, &mut Tape(vec![]), &mut Silent)
    }

    #[test]
    fn the_faster_member_until_its_average_is_fresher_and_worse() {
        let mut b = PeakEwma::new(PeakEwma::DECAY, 2);
        answered(&mut b, 10, 0, 400);
        answered(&mut b, 10, 1, 100);
        assert_eq!(pick(&mut b, 10), Some(1));
        // ten seconds later a slow answer moves the average by 1 - 1/e towards it
        answered(&mut b, 20, 1, 2000);
        let (e, _) = b.members[1].unwrap();
        let before = f64::midpoint(0.4, 0.1);
        assert!((e - (before * libm::exp(-1.0) + 2.0 * (1.0 - libm::exp(-1.0)))).abs() < 1e-12, "{e}");
        assert_eq!(pick(&mut b, 20), Some(0));
    }

    #[test]
    fn what_was_not_called_for_long_is_tried_again() {
        let mut b = PeakEwma::new(PeakEwma::DECAY, 2);
        answered(&mut b, 10, 0, 5000);
        for s in 11..60 {
            answered(&mut b, s, 1, 200);
        }
        // 5 s decayed over 60 s is less than what was measured just now
        assert_eq!(pick(&mut b, 60), Some(0));
    }
}
