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
//!
//! Averages decay at the same rate, so their order changes with new answers only. A choice therefore compares them decayed to
//! one moment of the past, which needs no exponential per member, and works the scores themselves out only where rounding
//! could decide: among those that are lowest or so close to it, and where an exponential may have come to nothing.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Observation;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::units::{Span, Time};

/// The averages.
#[derive(Clone, Debug)]
pub struct PeakEwma {
    decay: Span,
    /// The first choice.
    start: Option<Time>,
    /// Average in seconds, and when it was last fed, if it was.
    members: Vec<(f64, Option<Time>)>,
    /// The averages, decayed (or grown) to the anchor.
    anchored: Vec<f64>,
    anchor: Time,
}

/// How many times the decay the anchor may lie in the past: an average grows by e^300 = 2e130 at most until it is moved.
const ANCHOR_LIFE: u64 = 300;

/// Scores that differ by more than this part are in the same order whatever the rounding: the exponents, of at most some
/// hundreds, are right to 1e-12.
const CLOSE: f64 = 1e-9;

/// Anchored averages from here on are normal numbers at the time of the choice too: they lose a factor of e^300 at most.
const SAFE: f64 = 1e-150;

impl PeakEwma {
    /// Kong's decay.
    pub const DECAY: Span = Span::from_secs(10);

    /// For a pool of so many members.
    pub fn new(decay: Span, members: usize) -> PeakEwma {
        let anchored = vec![0.0; members];
        PeakEwma { decay, start: None, members: vec![(0.0, None); members], anchored, anchor: Time::ZERO }
    }

    fn left(&self, since: Span) -> f64 {
        let x = -since.as_secs_f64() / self.decay.as_secs_f64();
        // below this the exponential is 0; libm takes ten times as long to say so
        if x < -746.0 { 0.0 } else { libm::exp(x) }
    }

    /// Moves the anchor up to now if it lies too far in the past.
    fn look_after_anchor(&mut self, now: Time) {
        if now.since(self.anchor) > self.decay.times(ANCHOR_LIFE) {
            self.anchor = now;
            for i in 0..self.members.len() {
                self.anchored[i] = self.decayed(now, i).0;
            }
        }
    }

    /// The only one whose score can be the lowest, if it is certain that there is only one.
    fn lowest(&self, view: &View<'_>) -> Option<usize> {
        let score = |i: usize| {
            let weight = view.members[i].weight;
            if weight > 0.0 { self.anchored[i] / weight } else { f64::INFINITY }
        };
        let least = view.usable().map(score).fold(f64::INFINITY, f64::min);
        let bound = (least + CLOSE * least).max(SAFE);
        let mut near = view.usable().filter(|i| !(score(*i) > bound && self.anchored[*i] >= SAFE));
        let only = near.next();
        if near.next().is_none() { only } else { None }
    }

    /// A member's average at a moment, and how long ago it was fed.
    fn decayed(&self, now: Time, position: usize) -> (f64, Option<Span>) {
        let (e, fed) = self.members[position];
        let age = fed.map(|at| now.since(at));
        (age.map_or(0.0, |age| e * self.left(age)), age)
    }

    /// What a member is judged by, and how old the average is that it comes from.
    fn score(&self, view: &View<'_>, position: usize) -> (f64, Option<Span>) {
        let (decayed, age) = self.decayed(view.now, position);
        let weight = view.members[position].weight;
        (if weight > 0.0 { decayed / weight } else { f64::INFINITY }, age)
    }
}

impl Balance for PeakEwma {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        self.start.get_or_insert(view.now);
        self.look_after_anchor(view.now);
        if !reasons.on()
            && let Some(only) = self.lowest(view)
        {
            return Some(only);
        }
        let (mut best, mut equals): (Option<(f64, usize)>, usize) = (None, 1);
        for i in view.usable() {
            let (score, age) = self.score(view, i);
            if reasons.on() {
                let deployment = view.members[i].deployment;
                reasons.push(Reason::Scored {
                    deployment,
                    figure: Figure::new("decayed response time in s", score).aged(age),
                });
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
        let fed = e * left + response * (1.0 - left);
        self.members[position] = (fed, Some(now));
        self.look_after_anchor(now);
        let grown = now.since(self.anchor).as_secs_f64() / self.decay.as_secs_f64();
        self.anchored[position] = fed * libm::exp(grown);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{REQUEST, Tape, member, state};
    use super::*;
    use crate::routing::balance::Member;
    use crate::routing::balance::Standing::{Out, Usable};
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

    /// Who asks for reasons has every score worked out; who does not, gets the same choice from the same draws. Pauses are
    /// such that averages are fresh, many decays old, or vanish; equal members and members without a weight are there.
    #[test]
    fn the_order_at_the_anchor_is_the_order_of_the_scores() {
        let mut bits = 1_u64;
        let mut below = |n: u64| {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (bits >> 33) % n
        };
        let (mut single, mut ties) = (0, 0);
        for round in 0..400 {
            let n = 1 + below(6) as usize;
            let weights = [1.0, 1.0, 1.0, 3.0, 0.25, if round % 7 == 0 { 0.0 } else { 1e-12 }];
            let members: Vec<Member> = (0..n).map(|i| member(i as u16, weights[below(6) as usize], 1)).collect();
            let mut b = PeakEwma::new(Span::from_millis([10_000, 50, 1][round % 3]), n);
            let mut now = Time::ZERO;
            for _ in 0..60 {
                let longest = [1_000_000, 10_000_000_000, 4_000_000_000_000][below(3) as usize];
                now += Span(below(longest));
                let states: Vec<_> = (0..n).map(|_| state(if below(9) == 0 { Out } else { Usable }, 0)).collect();
                let view = View { now, request: &REQUEST, members: &members, states: &states };
                let tape = vec![below(1000) as f64 / 1000.0];
                let (mut told, mut asked) = (b.clone(), Tape(tape.clone()));
                let by_scores = told.pick(&view, &mut asked, &mut Vec::<Reason>::new());
                let mut drawn = Tape(tape);
                assert_eq!((b.pick(&view, &mut drawn, &mut Silent), &drawn.0), (by_scores, &asked.0), "{b:?}");
                if b.lowest(&view).is_some() {
                    single += 1
                } else {
                    ties += 1
                }
                // two that are fed alike stay equal
                let sent = Time(now.nanos().saturating_sub(1 + below(3) * 1_000_000_000));
                let seen = Observation { outcome: Outcome::Ok, ..Observation::failed(sent, ErrorClass::Timeout, None) };
                for _ in 0..below(3) {
                    b.on_end(now, below(n as u64) as usize, &seen);
                }
            }
        }
        assert!(single > 5_000 && ties > 2_000, "both ways are taken: {single} and {ties}");
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
