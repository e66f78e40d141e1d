//! Further calls that race those of a request that are out: when they are due, whether they are sent, and what a failure
//! among several calls means. The rules stand at [`Hedging`].

use super::{Command, Journey, Router};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Reason, ReasonSink};
use crate::routing::request::Request;
use crate::routing::retry::Hedging;
use crate::routing::throttle::Permission;
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
        if !self.somebody_is_usable(now, journey, request, reasons)
            || self.is_full(journey)
            || !self.clear(now, journey, reasons)
        {
            return None;
        }
        // nobody is chosen before the call may go out: the draws of a choice that comes to nothing are saved
        let chosen = match self.permission(now, entropy) {
            Permission::Go => self.choose(now, journey, request, false, entropy, reasons),
            Permission::Wait(_) | Permission::Refused => None,
        };
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
            None => {}
            Some(Hedging::OneMore { after }) => {
                if journey.out == 1 {
                    journey.hedge_at = Some(now + after);
                }
            }
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
