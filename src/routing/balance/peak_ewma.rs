//! Lowest latency as Kong has it: an exponentially weighted moving average of response times, decayed by the time since it
//! was last fed.
//!
//! Source: Kong/kong, `kong/runloop/balancer/ewma.lua` (read 2026): decay 10 s,
//! `e' = e * exp(-dt / 10 s) + response * (1 - exp(-dt / 10 s))`; a member's score is its average decayed to the time of the
//! choice. All targets known when the balancer is made begin at 0 then (later ones would begin at the mean; a pool has
//! none), so a first answer soon after the start weighs little. As in the stored code all members are compared, not two,
//! in a random order, of which the first of equals is taken; unlike it, the score is divided by the member's own weight
//! (Kong divides by that of the first address, which makes no difference).
//!
//! ASSUMPTION: the balancer is made at the gateway's first choice; it does not know when its process began.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Observation;
use crate::routing::reason::{Reason, ReasonSink};
use crate::units::{Span, Time};

/// The averages.
#[derive(Clone, Debug)]
pub struct PeakEwma {
    decay: Span,
    /// The first choice.
    start: Option<Time>,
    /// Average in seconds, and when it was last fed, if it was.
    members: Vec<(f64, Option<Time>)>,
}

impl PeakEwma {
    /// Kong's decay.
    pub const DECAY: Span = Span::from_secs(10);

    /// For a pool of so many members.
    pub fn new(decay: Span, members: usize) -> PeakEwma {
        PeakEwma { decay, start: None, members: vec![(0.0, None); members] }
    }

    fn left(&self, since: Span) -> f64 {
        let x = -since.as_secs_f64() / self.decay.as_secs_f64();
        // below this the exponential is 0; libm takes ten times as long to say so
        if x < -746.0 { 0.0 } else { libm::exp(x) }
    }

    /// What a member is judged by, and how old the average is that it comes from.
    fn score(&self, view: &View<'_>, position: usize) -> (f64, Option<Span>) {
        let (e, fed) = self.members[position];
        let age = fed.map(|at| view.now.since(at));
        let decayed = age.map_or(0.0, |age| e * self.left(age));
        let weight = view.members[position].weight;
        (if weight > 0.0 { decayed / weight } else { f64::INFINITY }, age)
    }
}

impl Balance for PeakEwma {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        self.start.get_or_insert(view.now);
        let (mut best, mut equals): (Option<(f64, usize)>, usize) = (None, 1);
        for i in view.usable() {
            let (score, age) = self.score(view, i);
            if reasons.on() {
                let deployment = view.members[i].deployment;
                reasons.push(Reason::Scored { deployment, what: "decayed response time in s", value: score, age });
            }
            match best {
                Some((least, _)) if score > least => {}
                Some((least, _)) if score == least => equals += 1,
                _ => (best, equals) = (Some((score, i)), 1),
            }
        }
        let (least, first) = best?;
        if equals == 1 {
            return Some(first);
        }
        // the first of equals in a random order is any of them
        let chosen = entropy.pick(equals);
        view.usable().filter(|i| self.score(view, *i).0 == least).nth(chosen)
    }

    fn on_end(&mut self, now: Time, position: usize, seen: &Observation) {
        let response = now.since(seen.sent).as_secs_f64();
        let (e, fed) = self.members[position];
        let since = fed.or(self.start).unwrap_or(seen.sent);
        let left = self.left(now.since(since));
        self.members[position] = (e * left + response * (1.0 - left), Some(now));
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

    fn pick_at(b: &mut PeakEwma, at_s: u64, tape: &[f64]) -> Option<usize> {
        let members = [member(0, 1.0, 1), member(1, 1.0, 1)];
        let states = [state(Usable, 0); 2];
        let view = View { now: Time(at_s * 1_000_000_000), request: &REQUEST, members: &members, states: &states };
        b.pick(&view, &mut Tape(tape.to_vec()), &mut Silent)
    }

    fn pick(b: &mut PeakEwma, at_s: u64) -> Option<usize> {
        pick_at(b, at_s, &[])
    }

    /// `decay_ewma`, by hand: targets begin at 0 when the balancer is made.
    #[test]
    fn ewma_lua_averages_from_the_first_answer_on() {
        let mut b = PeakEwma::new(PeakEwma::DECAY, 2);
        assert_eq!([0.0, 0.4, 0.5, 0.9].map(|u| pick_at(&mut b, 0, &[u])), [0, 0, 1, 1].map(Some), "equals by lot");
        answered(&mut b, 1, 0, 500);
        // 0.5 s × (1 − e^(−1/10)): a tenth of the response after a tenth of the decay time
        assert!((b.members[0].0 - 0.5 * 0.095_162_581_964_040_43).abs() < 1e-12, "{}", b.members[0].0);
        assert_eq!(pick(&mut b, 1), Some(1), "who was never called is at 0");
        answered(&mut b, 10, 1, 200);
        assert!((b.members[1].0 - 0.2 * 0.632_120_558_828_557_7).abs() < 1e-12, "{}", b.members[1].0);
        // 0.0476 decayed over 9 s is 0.0193: less than 0.1264
        assert_eq!(pick(&mut b, 10), Some(0));
    }

    #[test]
    fn the_faster_member_until_its_average_is_fresher_and_worse() {
        let mut b = PeakEwma::new(PeakEwma::DECAY, 2);
        pick_at(&mut b, 0, &[0.0]);
        answered(&mut b, 10, 0, 400);
        answered(&mut b, 10, 1, 100);
        assert_eq!(pick(&mut b, 10), Some(1));
        // ten seconds later a slow answer moves the average by 1 - 1/e towards it
        let before = b.members[1].0;
        answered(&mut b, 20, 1, 2000);
        let e = b.members[1].0;
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
