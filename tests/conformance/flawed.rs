//! Gateways that drive a router wrongly in one respect each: what the suite must find.

use crate::policy::{Next, Policy};
use geodes::routing::entropy::Entropy;
use geodes::routing::outcome::{Observation, Outcome};
use geodes::routing::request::Request;
use geodes::units::{DeploymentIx, Time};

/// What the gateway does wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Flaw {
    /// Does not read the Retry-After header.
    DropsRetryAfter,
    /// Does not tell the router of a call that it gives up.
    ForgetsWhatItGivesUp,
    /// Does not tell the router of a failure while another call is out.
    HidesLosers,
    /// Calls again before the pause is over.
    Impatient,
    /// Uses the same draws for every question.
    Unrandom,
    /// Never asks for a second call.
    NeverHedges,
    /// Takes a call's start for its end.
    MeasuresNothing,
}

/// All of them.
pub const FLAWS: [Flaw; 7] = [
    Flaw::DropsRetryAfter,
    Flaw::ForgetsWhatItGivesUp,
    Flaw::HidesLosers,
    Flaw::Impatient,
    Flaw::Unrandom,
    Flaw::NeverHedges,
    Flaw::MeasuresNothing,
];

/// A router behind a driver with a flaw.
pub struct Flawed<P> {
    pub inner: P,
    pub flaw: Flaw,
}

/// Always the same number.
struct Constant;

impl Entropy for Constant {
    fn uniform(&mut self) -> f64 {
        0.5
    }
}

impl<P: Policy> Policy for Flawed<P> {
    type Journey = P::Journey;

    fn begin<E: Entropy>(&mut self, now: Time, request: &Request<'_>, entropy: &mut E) -> (P::Journey, Next) {
        let (j, next) = match self.flaw {
            Flaw::Unrandom => self.inner.begin(now, request, &mut Constant),
            _ => self.inner.begin(now, request, entropy),
        };
        (j, self.after(now, next))
    }
    fn resume<E: Entropy>(&mut self, now: Time, j: &mut P::Journey, request: &Request<'_>, entropy: &mut E) -> Next {
        let next = self.inner.resume(now, j, request, entropy);
        self.after(now, next)
    }
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut P::Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        let mut seen = *seen;
        if let (Flaw::DropsRetryAfter, Outcome::Failed { retry_after, .. }) = (self.flaw, &mut seen.outcome) {
            *retry_after = None;
        }
        if self.flaw == Flaw::MeasuresNothing {
            seen.sent = now;
            seen.first_token = seen.first_token.map(|_| now);
        }
        let next = match self.flaw {
            Flaw::Unrandom => self.inner.ended(now, j, request, deployment, &seen, &mut Constant),
            _ => self.inner.ended(now, j, request, deployment, &seen, entropy),
        };
        self.after(now, next)
    }
    fn hedge<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut P::Journey,
        request: &Request<'_>,
        entropy: &mut E,
    ) -> Option<Next> {
        let next = self.inner.hedge(now, j, request, entropy)?;
        if let (Flaw::NeverHedges, Next::Call { deployment, .. }) = (self.flaw, next) {
            self.inner.given_up(now, j, deployment);
            return None;
        }
        Some(next)
    }
    fn failed_in_race<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut P::Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        if self.flaw == Flaw::HidesLosers {
            self.inner.given_up(now, j, deployment);
            return Next::Await;
        }
        self.ended(now, j, request, deployment, seen, entropy)
    }
    fn hedge_at(j: &P::Journey) -> Option<Time> {
        P::hedge_at(j)
    }
    fn given_up(&mut self, now: Time, j: &mut P::Journey, deployment: DeploymentIx) {
        if self.flaw != Flaw::ForgetsWhatItGivesUp {
            self.inner.given_up(now, j, deployment);
        }
    }
    fn first_token(&mut self, now: Time, j: &mut P::Journey, deployment: DeploymentIx) {
        self.inner.first_token(now, j, deployment);
    }
    fn next_timeout(&self) -> Option<Time> {
        self.inner.next_timeout()
    }
    fn wake(&mut self, now: Time) {
        self.inner.wake(now);
    }
    fn draws_from(j: &P::Journey) -> u64 {
        P::draws_from(j)
    }
}

impl<P> Flawed<P> {
    fn after(&self, now: Time, next: Next) -> Next {
        match (self.flaw, next) {
            (Flaw::Impatient, Next::Wait { .. }) => Next::Wait { until: now },
            _ => next,
        }
    }
}
