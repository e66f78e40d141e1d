//! Further calls that race those of a request that are out: when they are due, whether they are sent, and what a failure
//! among several calls means. The rules stand at [`Hedging`].

use super::{Command, Journey, Router};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::routing::retry::Hedging;
use crate::units::{Span, Time};

impl Router {
    /// The time of [`Journey::hedge_at`] has come and no call of the request has begun to answer: the deployment to call
    /// beside those that are out, if the pool has an attempt and an untried member left and budget and throttle let it.
    pub fn on_hedge<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<Command> {
        journey.hedge_at = None;
        let command = self.hedge(now, journey, request, entropy, reasons);
        if command.is_none() && self.replaces_retries() {
            // its time is over, and it is not made up for
            journey.attempts_in_pool = journey.attempts_in_pool.saturating_add(1);
            journey.missed = journey.missed.wrapping_add(1);
            self.plan_hedge(now, journey);
        }
        command
    }

    fn hedge<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<Command> {
        if !self.has_attempts(journey) {
            reasons.push(Reason::AttemptsUsed { allowed: self.config.attempts_per_pool });
            return None;
        }
        if !self.somebody_is_usable(now, journey, request, reasons) {
            return None;
        }
        if self.is_full(journey) {
            reasons.push(Reason::Overflow { pool: journey.pool });
            return None;
        }
        if !self.clear(now, journey, reasons) {
            return None;
        }
        let known = self.throttle.as_ref().filter(|_| reasons.on()).map(|t| t.known(now));
        // nobody is chosen before the call may go out: the draws of a choice that comes to nothing are saved
        let may = self.throttle.as_mut().is_none_or(|t| t.on_call_at_once(now, entropy));
        if let Some(known) = known.filter(|_| !may) {
            reasons.push(Reason::Shed { known });
        }
        let chosen = if may { self.choose(now, journey, request, false, entropy, reasons) } else { None };
        match chosen {
            Some(position) => Some(self.attempt(now, journey, request, position, reasons)),
            None => {
                self.on_given_up(journey);
                None
            }
        }
    }

    /// Notes when the next call is due that races those that are out, after one was sent or passed over.
    #[inline]
    pub(super) fn plan_hedge(&self, now: Time, journey: &mut Journey) {
        match self.config.hedging {
            Some(Hedging::OneMore { after }) if journey.out == 1 => journey.hedge_at = Some(now + after),
            None | Some(Hedging::OneMore { .. }) => {}
            Some(Hedging::Grpc { delay }) => {
                journey.hedge_at = self.has_attempts(journey).then_some(now + delay);
            }
        }
    }

    /// A call has failed with an error that is not fatal, and hedging replaces retries: what follows in this pool. `None`:
    /// nothing more is out or held back, so the choice among who is left decides.
    pub(super) fn after_non_fatal<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        retry_after: Option<Span>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<Command> {
        let others = journey.out > 0;
        if !self.has_attempts(journey) {
            return others.then_some(Command::Await);
        }
        let Some(pushback) = retry_after.filter(|s| *s > Span::ZERO) else {
            return others.then(|| self.on_hedge(now, journey, request, entropy, reasons).unwrap_or(Command::Await));
        };
        let until = now + pushback;
        if others {
            journey.hedge_at = Some(until);
            reasons.push(Reason::PushedBack { until });
            return Some(Command::Await);
        }
        journey.hedge_at = None;
        if !self.somebody_is_usable(now, journey, request, reasons) {
            return None; // to wait for nobody helps nobody
        }
        journey.paced = true;
        reasons.push(Reason::PushedBack { until });
        Some(Command::Wait { until })
    }

    /// Whether hedging takes the place of retries.
    pub(super) fn replaces_retries(&self) -> bool {
        self.config.hedging.is_some_and(Hedging::replaces_retries)
    }

    /// Whether the present pool has attempts left.
    pub(super) fn has_attempts(&self, journey: &Journey) -> bool {
        u32::from(journey.attempts_in_pool) < self.config.attempts_per_pool
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Half, UNAVAILABLE, attempt, d, ended, router};
    use super::super::{PoolConfig, RouterConfig};
    use super::*;
    use crate::routing::balance::Choose;
    use crate::routing::balance::tests::{REQUEST, member};
    use crate::routing::outcome::{ErrorClass, ErrorSet, Outcome};
    use crate::routing::reason::Silent;
    use crate::routing::retry::budget::{BudgetConfig, GrpcThrottleConfig};
    use crate::units::DeploymentIx;

    const DELAY: Span = Span::from_millis(500);

    fn ms(n: u64) -> Time {
        Time::ZERO + Span::from_millis(n)
    }

    /// The example of the proposal: four attempts, half a second apart.
    fn example() -> Router {
        let old = router(4, None).config().clone();
        let pool = PoolConfig {
            members: (0..6).map(|i| member(i, 1.0, 5)).collect(),
            choose: Choose::InOrder,
            ..old.chain[0].clone()
        };
        let config = RouterConfig {
            chain: vec![pool],
            hedging: Some(Hedging::Grpc { delay: DELAY }),
            on: ErrorSet::of(&[ErrorClass::Unavailable, ErrorClass::InternalError]),
            legal: Vec::new(),
            ..old
        };
        Router::new(config, 6).unwrap()
    }

    fn hedged(r: &mut Router, now: Time, j: &mut Journey) -> Option<u16> {
        assert_eq!(j.hedge_at(), Some(now));
        r.on_hedge(now, j, &REQUEST, &mut Half, &mut Silent).map(|c| attempt(c).0)
    }

    fn end(r: &mut Router, now: Time, j: &mut Journey, who: u16, outcome: Outcome) -> Command {
        r.on_outcome(now, j, &REQUEST, d(who), &ended(outcome), &mut Half, &mut Silent).0
    }

    #[test]
    fn a6_one_call_after_1_ms_two_after_501_three_after_1001_four_after_1501() {
        let (mut r, mut j) = (example(), Journey::new(None));
        assert_eq!(attempt(r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut Silent)).0, 0);
        for (n, at) in [(1, 500), (2, 1000), (3, 1500)] {
            assert_eq!(u64::from(j.out), n);
            assert_eq!(hedged(&mut r, ms(at), &mut j), Some(n as u16));
        }
        assert_eq!((j.out, j.hedge_at()), (4, None), "maxAttempts");
        for loser in [0, 1, 3] {
            r.on_abandoned(ms(1600), &mut j, d(loser));
        }
        assert_eq!(end(&mut r, ms(1600), &mut j, 2, Outcome::Ok), Command::Succeed);
        assert_eq!(r.outstanding(), 0);
    }

    #[test]
    fn a6_the_five_kinds_of_answers() {
        let (mut r, mut j) = (example(), Journey::new(None));
        r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut Silent);
        assert_eq!(hedged(&mut r, ms(500), &mut j), Some(1));
        // not fatal: the next at once, from where the delay counts
        assert_eq!(attempt(end(&mut r, ms(600), &mut j, 0, UNAVAILABLE)).0, 2);
        assert_eq!(j.hedge_at(), Some(ms(1100)));
        // pushback: after so long, not before, and not after the delay
        let pushback = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: Some(Span::from_millis(2000)) };
        assert_eq!(end(&mut r, ms(700), &mut j, 1, pushback), Command::Await);
        assert_eq!(hedged(&mut r, ms(2700), &mut j), Some(3));
        // no attempt is left: the last call may still answer
        assert_eq!(end(&mut r, ms(2800), &mut j, 3, UNAVAILABLE), Command::Await);
        // fatal: the end, also with others out
        let fatal = Outcome::Failed { class: ErrorClass::BadRequest, retry_after: None };
        let fail = Command::Fail { class: Some(ErrorClass::BadRequest) };
        assert_eq!(end(&mut r, ms(2900), &mut j, 2, fatal), fail);
        assert_eq!(r.outstanding(), 0);
        let mut j = Journey::new(None);
        r.on_request(ms(3000), &mut j, &REQUEST, &mut Half, &mut Silent);
        hedged(&mut r, ms(3500), &mut j);
        assert_eq!(end(&mut r, ms(3600), &mut j, 1, fatal), fail);
        assert_eq!(j.out, 1, "to be given up");
    }

    #[test]
    fn a_pushback_with_nothing_out_is_a_wait_and_every_member_is_called_once() {
        let (mut r, mut j) = (example(), Journey::new(None));
        r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut Silent);
        let pushback = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: Some(Span::from_millis(100)) };
        let mut called: Vec<u16> = vec![0];
        let mut command = end(&mut r, ms(0), &mut j, 0, pushback);
        while let Command::Wait { until } = command {
            let next = attempt(r.on_timeout(until, &mut j, &REQUEST, &mut Half, &mut Silent)).0;
            called.push(next);
            assert_eq!(j.hedge_at(), (called.len() < 4).then(|| until + DELAY));
            command = end(&mut r, until, &mut j, next, pushback);
        }
        assert_eq!(called, [0, 1, 2, 3]);
        assert_eq!(command, Command::Fail { class: Some(ErrorClass::Unavailable) });
    }

    #[test]
    fn a6_throttled_hedges_are_cancelled_and_the_call_that_is_out_goes_on() {
        let budget = Some(BudgetConfig::Grpc(GrpcThrottleConfig { max_tokens: 2, ratio_thousandths: 1000 }));
        let mut r = Router::new(RouterConfig { budget, ..example().config().clone() }, 6).unwrap();
        let mut j = Journey::new(None);
        r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut Silent);
        assert_eq!(hedged(&mut r, ms(500), &mut j), Some(1));
        assert_eq!(end(&mut r, ms(600), &mut j, 1, UNAVAILABLE), Command::Await, "a hedge that fails costs a token");
        assert_eq!(hedged(&mut r, ms(1100), &mut j), None, "its time is over");
        assert_eq!(j.hedge_at(), None, "four have had theirs");
        assert_eq!(r.outstanding(), 3, "by deployment, by pool and in all");
        assert_eq!(end(&mut r, ms(1200), &mut j, 0, Outcome::Ok), Command::Succeed);
        // the success has earned one: hedges go out again
        let mut j = Journey::new(None);
        r.on_request(ms(2000), &mut j, &REQUEST, &mut Half, &mut Silent);
        assert_eq!(hedged(&mut r, ms(2500), &mut j), Some(1));
    }

    #[test]
    fn draws_of_questions_without_a_call_are_not_used_again() {
        let mut config = example().config().clone();
        config.chain[0].max_requests = Some(1);
        let (mut r, mut j) = (Router::new(config, 6).unwrap(), Journey::new(None));
        r.on_request(Time::ZERO, &mut j, &REQUEST, &mut Half, &mut Silent);
        let mut seen = vec![j.draws_from()];
        while let Some(at) = j.hedge_at() {
            assert_eq!(hedged(&mut r, at, &mut j), None);
            assert!(!seen.contains(&j.draws_from()), "{seen:?}");
            seen.push(j.draws_from());
        }
        assert_eq!(seen.len(), 4);
        assert_eq!(r.in_flight(DeploymentIx(0)), 1);
    }
}
