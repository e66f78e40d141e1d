//! A hosted model deployment as it really is: latency, quota, bounded concurrency, failures. Gateways see only answers.

use super::purpose::{DECODE, MODEL_ERROR, TTFT};
use super::sampler::Sampler;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::random::{Draws, EntityKey};
use crate::routing::limits::{Meter, TokenBucket};
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::scenario::model::Deployment;
use crate::units::{RegionIx, Span, Time};

/// One of the requests that a deployment with bounded concurrency has in service.
#[derive(Clone, Copy, Debug)]
pub struct InService;

/// One deployment.
pub struct Provider {
    /// Where it runs.
    pub place: RegionIx,
    ttft: Sampler,
    prefill_per_token: Span,
    per_output_token: Sampler,
    output_factor: f64,
    error_rate: f64,
    concurrency: Option<u32>,
    /// Kept with bounded concurrency only.
    in_service: Slab<InService>,
    requests: Option<TokenBucket>,
    tokens: Option<TokenBucket>,
    retry_after: bool,
}

/// What arrives at a provider.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Address of the turn.
    pub turn: EntityKey,
    /// Number of the attempt within the turn.
    pub attempt: u64,
    /// Prompt tokens.
    pub prompt: u32,
    /// Output tokens the reference model would write.
    pub output: u32,
    /// The request's `max_tokens`.
    pub max_output: u32,
}

impl Arrival {
    /// What a quota of tokens sets aside on arrival.
    fn quota_tokens(&self) -> u64 {
        u64::from(self.prompt) + u64::from(self.max_output)
    }
}

/// What the provider makes of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Service {
    /// It is answered: first token and last token after these spans.
    Accepted {
        /// Until the first token leaves.
        first_token: Span,
        /// Until the last token leaves.
        complete: Span,
        /// Tokens written.
        output: u32,
        /// Tokens taken from the quota for an output that will not be that long.
        reserved: u32,
        /// Its place among the requests in service, to be left with [`Provider::free`]; stale when concurrency is not
        /// bounded.
        place: Key<InService>,
    },
    /// It is refused at once.
    Refused(Outcome),
}

impl Provider {
    /// An idle deployment with full quota buckets.
    pub fn new(spec: &Deployment) -> Provider {
        let quota = spec.quota;
        let bucket = |config| TokenBucket::new(config, Time::ZERO);
        Provider {
            place: spec.place,
            ttft: Sampler::new(spec.ttft),
            prefill_per_token: spec.prefill_per_token,
            per_output_token: Sampler::new(spec.per_output_token),
            output_factor: spec.output_factor,
            error_rate: spec.error_rate,
            concurrency: spec.concurrency,
            in_service: Slab::new(),
            requests: quota.and_then(|q| q.requests).map(bucket),
            tokens: quota.and_then(|q| q.tokens).map(bucket),
            retry_after: quota.is_some_and(|q| q.retry_after),
        }
    }

    /// Requests in service (only kept with bounded concurrency).
    pub fn in_service(&self) -> usize {
        self.in_service.len()
    }

    /// A request arrives. `brown` is the present brown-out: (latency factor, additional error rate).
    ///
    /// The checks in their order: a provider that is down refuses with 503; the quota with 429 (requests, then prompt
    /// plus `max_tokens`); bounded concurrency with 503; then the request may fail at random with 503. What is refused with
    /// 503 has used no tokens: those that the quota had set aside go back.
    pub fn arrive(&mut self, now: Time, down: bool, brown: (f64, f64), a: &Arrival, draws: &Draws) -> Service {
        const UNAVAILABLE: Service =
            Service::Refused(Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None });
        if down {
            return UNAVAILABLE;
        }
        if let Some(wait) = self.over_quota(now, a) {
            let retry_after = self.retry_after.then_some(wait);
            return Service::Refused(Outcome::Failed { class: ErrorClass::RateLimited, retry_after });
        }
        if self.concurrency.is_some_and(|c| self.in_service.len() >= c as usize) {
            self.return_all(now, a);
            return UNAVAILABLE;
        }
        let (slower, extra_errors) = brown;
        let error_rate = 1.0 - (1.0 - self.error_rate) * (1.0 - extra_errors);
        if error_rate > 0.0 && draws.chance(MODEL_ERROR, a.turn, a.attempt, error_rate) {
            self.return_all(now, a);
            return UNAVAILABLE;
        }
        let place = match self.concurrency {
            Some(_) => self.in_service.insert(InService),
            None => Key::NONE,
        };
        let output = self.output(a);
        let reserved = match &mut self.tokens {
            Some(_) => a.max_output.saturating_sub(output),
            None => 0,
        };
        let draw = |purpose, sampler: &Sampler| {
            let u = if sampler.is_constant() { 0.5 } else { draws.uniform(purpose, a.turn, a.attempt) };
            sampler.at(u)
        };
        let base = draw(TTFT, &self.ttft) + self.prefill_per_token.as_secs_f64() * f64::from(a.prompt);
        let first_token = Span::from_secs_f64(base * slower);
        let per_token = draw(DECODE, &self.per_output_token) * slower;
        let decode = Span::from_secs_f64(per_token * f64::from(output.saturating_sub(1)));
        Service::Accepted { first_token, complete: first_token + decode, output, reserved, place }
    }

    /// Output tokens that this model writes for a turn.
    fn output(&self, a: &Arrival) -> u32 {
        let n = (f64::from(a.output) * self.output_factor + 0.5) as u32;
        n.clamp(1, a.max_output.max(1))
    }

    /// Takes the request from the quota, or says how long to wait. Nothing is taken from one bucket if the other refuses.
    fn over_quota(&mut self, now: Time, a: &Arrival) -> Option<Span> {
        let wanted = a.quota_tokens();
        // a request that could never fit waits for a full bucket: the longest Retry-After there is
        let wait = |b: &mut TokenBucket, n: u64| b.wait(now, n.min(b.capacity())).unwrap_or(Span::ZERO);
        if let Some(b) = &mut self.requests
            && b.wait(now, 1) != Some(Span::ZERO)
        {
            return Some(wait(b, 1));
        }
        if let Some(b) = &mut self.tokens
            && !b.try_count(now, wanted)
        {
            return Some(wait(b, wanted));
        }
        if let Some(b) = &mut self.requests {
            let taken = b.try_count(now, 1);
            debug_assert!(taken);
        }
        None
    }

    /// Tokens set aside for a request that is not served after all go back.
    fn return_all(&mut self, now: Time, a: &Arrival) {
        if let Some(b) = &mut self.tokens {
            b.give_back(now, a.quota_tokens());
        }
    }

    /// Tokens reserved for an output that stayed shorter go back.
    pub fn give_back(&mut self, now: Time, tokens: u32) {
        if tokens > 0
            && let Some(b) = &mut self.tokens
        {
            b.give_back(now, u64::from(tokens));
        }
    }

    /// A request leaves service: it is finished, or the provider has heard that nobody waits for it any more. Nothing
    /// happens if it has left before.
    pub fn free(&mut self, place: Key<InService>) {
        self.in_service.remove(place);
    }

    /// Everything in service breaks off.
    pub fn break_off(&mut self) {
        let all: Vec<Key<InService>> = self.in_service.iter().map(|(key, _)| key).collect();
        for key in all {
            self.in_service.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::scenario::plain;

    #[test]
    fn a_request_leaves_service_once_and_the_bound_holds() {
        let spec = Deployment { concurrency: Some(2), ..plain(1).deployments.remove(0) };
        let mut p = Provider::new(&spec);
        let draws = Draws::new(Seed { seed: 1, replication: 0 });
        let arrival = Arrival { turn: EntityKey::named("turn"), attempt: 1, prompt: 1, output: 1, max_output: 1 };
        let arrive = |p: &mut Provider| match p.arrive(Time::ZERO, false, (1.0, 0.0), &arrival, &draws) {
            Service::Accepted { place, .. } => Some(place),
            Service::Refused(_) => None,
        };
        let (a, b) = (arrive(&mut p).unwrap(), arrive(&mut p).unwrap());
        assert_eq!((arrive(&mut p), p.in_service()), (None, 2));
        p.free(a);
        p.free(a); // its old end: it is not there any more, and nobody else leaves for it
        assert_eq!(p.in_service(), 1);
        let c = arrive(&mut p).unwrap();
        p.free(a); // the place has another tenant now
        assert_eq!(p.in_service(), 2);
        p.break_off();
        assert_eq!(p.in_service(), 0);
        let d = arrive(&mut p).unwrap();
        for old in [b, c] {
            p.free(old);
        }
        assert_eq!(p.in_service(), 1);
        p.free(d);
        assert_eq!(p.in_service(), 0);
    }
}
