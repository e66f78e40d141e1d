//! A hosted model deployment as it really is: latency, bounded concurrency, failures, under a quota. Gateways see only
//! answers.

use super::faults::Condition;
use super::line::Line;
use super::past::Past;
use super::prompt_cache::{Found, Prefix, PromptCache};
use super::purpose::{DECODE, MODEL_ERROR, TTFT};
use super::quota::Quotas;
use super::replica::{ReplicaId, Replicas};
use super::sampler::Sampler;
use super::session::Call;
use super::story::Tokens;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::random::{Draws, EntityKey};
use crate::routing::balance::LoadReport;
use crate::routing::limits::{Ask, Grant, Limit, Usage};
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::scenario::model::{self, Deployment};
use crate::units::{DeploymentIx, RegionIx, Span, Time};

/// One of the requests that a deployment with bounded concurrency has in service.
#[derive(Clone, Copy, Debug)]
pub struct InService {
    /// At which of its replicas, if it is made of such.
    replica: Option<ReplicaId>,
}

/// One deployment.
pub struct Provider {
    /// Where it runs.
    pub place: RegionIx,
    ttft: Sampler,
    prefill_per_token: Span,
    per_output_token: Sampler,
    output_factor: f64,
    error_rate: f64,
    error: ErrorClass,
    concurrency: Option<u32>,
    /// With a queue: places and who waits for them.
    line: Option<Line>,
    /// What it is made of, if it is self-hosted.
    replicas: Option<Replicas>,
    /// Kept with bounded concurrency and without a queue, and with replicas.
    in_service: Slab<InService>,
    /// Kept where gateways ask for reports.
    past: Option<Past>,
    deployment: DeploymentIx,
    spill_over: Option<DeploymentIx>,
    /// What it keeps of prompts: one cache, or one per replica that serves. Empty without.
    caches: Vec<(Option<ReplicaId>, PromptCache)>,
    cache: Option<model::PromptCache>,
}

const SELF_HOSTED: &str = "fleets are of deployments with replicas";

/// What arrives at a provider.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Address of the turn.
    pub turn: EntityKey,
    /// Number of the attempt within the turn.
    pub attempt: u64,
    /// Region of the gateway that sends it, by its position in the topology.
    pub caller: u8,
    /// Prompt tokens.
    pub prompt: u32,
    /// Output tokens the reference model would write.
    pub output: u32,
    /// The request's `max_tokens`.
    pub max_output: u32,
    /// What a prompt cache can find, where there are such.
    pub prefix: Option<Prefix>,
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
        /// What its prompt cache saved.
        found: Found,
        /// The replica that serves it, if it is made of such.
        replica: Option<ReplicaId>,
        /// What its quota granted; it comes back with [`usage`] when the call is over.
        grant: Option<Grant>,
        /// Its place among the requests in service, to be left with [`Provider::free`]; stale when concurrency is not
        /// bounded.
        place: Key<InService>,
    },
    /// It is refused at once.
    Refused {
        /// What the caller sees.
        outcome: Outcome,
        /// Which limit of its quota refuses, if that is what does.
        limit: Option<Limit>,
        /// Who serves it all the same, in this one's place.
        spill_over: Option<DeploymentIx>,
    },
}

impl Provider {
    /// An idle deployment.
    pub fn new(deployment: DeploymentIx, spec: &Deployment) -> Provider {
        Provider {
            place: spec.place,
            ttft: Sampler::new(spec.ttft),
            prefill_per_token: spec.prefill_per_token,
            per_output_token: Sampler::new(spec.per_output_token),
            output_factor: spec.output_factor,
            error_rate: spec.error_rate,
            error: spec.error,
            concurrency: spec.concurrency,
            line: spec.concurrency.filter(|_| spec.queue > 0).map(|c| Line::new(c, spec.queue)),
            replicas: spec.replicas.as_ref().map(|r| Replicas::new(r.concurrency)),
            in_service: Slab::new(),
            past: None,
            deployment,
            spill_over: spec.spill_over,
            caches: spec
                .prompt_cache
                .iter()
                .filter(|_| spec.replicas.is_none())
                .map(|c| (None, PromptCache::new(c)))
                .collect(),
            cache: spec.prompt_cache,
        }
    }

    /// From now on gateways may ask for its load as it was up to so long ago.
    pub fn remember(&mut self, keep: Span) {
        self.past = (self.concurrency.is_some() || self.replicas.is_some()).then(|| Past::new(keep));
    }

    /// From now on it answers no questions about its load, or does so again.
    pub fn silent(&mut self, now: Time, silent: bool) {
        if let Some(past) = &mut self.past {
            past.silent(now, silent);
        }
    }

    /// The load as it was then; `None` where nobody may ask, or nobody was there to answer.
    pub fn report(&self, at: Time) -> Option<LoadReport> {
        let (waiting, running) = self.past.as_ref()?.at(at)?;
        // replicas report what they have room for now; those that leave still run what they have
        let slots = self.replicas.as_ref().map_or(self.concurrency, |r| Some(r.slots()))?;
        if slots == 0 {
            return None; // nobody is there to report
        }
        let utilisation = (u64::from(running) * 10_000 / u64::from(slots)).min(10_000) as u16;
        Some(LoadReport { at, waiting, running, utilisation })
    }

    /// The number in service has changed.
    fn changed(&mut self, now: Time) {
        if let Some(past) = self.past.as_mut().filter(|_| self.line.is_none()) {
            past.changed(now, self.in_service.len() as u32);
        }
    }

    /// Requests in service (only kept with bounded concurrency).
    pub fn in_service(&self) -> usize {
        self.in_service.len()
    }

    /// A request arrives. `condition` says what faults do to the deployment.
    ///
    /// The checks in their order: a provider that is down refuses with the error of its fault; the quota with 429 or what else
    /// it answers; bounded concurrency with 503 where no queue has room; then the request may fail at random with the error of
    /// what made it fail. What is refused by any of these has used nothing: what the quota had granted comes back at once.
    pub fn arrive(
        &mut self,
        now: Time,
        condition: &Condition<'_>,
        a: &Arrival,
        quotas: &mut Quotas,
        draws: &Draws,
    ) -> Service {
        let spill_over = self.spill_over;
        let refused = |class, retry_after, limit| {
            let outcome = Outcome::Failed { class, retry_after };
            Service::Refused { outcome, limit, spill_over }
        };
        if let Some(class) = condition.refuses {
            return refused(class, None, None);
        }
        let replica = self.replicas.as_ref().map(Replicas::choose);
        let cache = self.caches.iter().position(|(of, _)| *of == replica.flatten()).zip(a.prefix.as_ref());
        let found = cache.map_or(Found::default(), |(i, prefix)| self.caches[i].1.look_up(now, prefix));
        let ask = Ask { input: a.prompt, cached: found.cached, max_output: a.max_output };
        let grant = match quotas.admit(now, self.deployment, a.caller, &ask) {
            Ok(grant) => grant,
            Err(r) => return refused(r.class, r.retry_after, Some(r.limit)),
        };
        let error_rate = 1.0 - (1.0 - self.error_rate) * (1.0 - condition.error_rate);
        let begins = match (&mut self.line, self.concurrency, replica) {
            (_, _, Some(replica)) => replica.map(|_| now),
            (Some(line), ..) => line.begins(now),
            (None, Some(c), _) => (self.in_service.len() < c as usize).then_some(now),
            (None, None, _) => Some(now),
        };
        let fails = || {
            let u = if error_rate > 0.0 { draws.uniform(MODEL_ERROR, a.turn, a.attempt) } else { 1.0 };
            (u < error_rate).then(|| condition.class(u, self.error_rate, self.error))
        };
        let begins = match begins.ok_or(ErrorClass::Unavailable).and_then(|at| fails().map_or(Ok(at), Err)) {
            Ok(begins) => begins,
            Err(class) => {
                quotas.settle(now, self.deployment, a.caller, grant, &Usage::NOTHING);
                return refused(class, None, None);
            }
        };
        let replica = replica.flatten();
        let place = if replica.is_some() || (self.concurrency.is_some() && self.line.is_none()) {
            self.in_service.insert(InService { replica })
        } else {
            Key::NONE
        };
        if let (Some(replicas), Some(id)) = (&mut self.replicas, replica) {
            replicas.enters(id);
        }
        self.changed(now);
        let output = self.output(a);
        let draw = |purpose, sampler: &Sampler| {
            let u = if sampler.is_constant() { 0.5 } else { draws.uniform(purpose, a.turn, a.attempt) };
            sampler.at(u)
        };
        let base = draw(TTFT, &self.ttft) + self.prefill_per_token.as_secs_f64() * f64::from(a.prompt - found.cached);
        let first_token = Span::from_secs_f64(base * condition.slower);
        let per_token = draw(DECODE, &self.per_output_token) * condition.slower;
        let decode = Span::from_secs_f64(per_token * f64::from(output.saturating_sub(1)));
        if let Some(line) = &mut self.line {
            line.enter(now, begins, first_token + decode);
            if let Some(past) = &mut self.past {
                past.entered(now, begins, begins + first_token + decode);
            }
        }
        let waits = begins.since(now);
        if let Some((i, prefix)) = cache {
            self.caches[i].1.take_in(now, prefix, found, begins.saturating_add(first_token));
        }
        Service::Accepted {
            first_token: waits + first_token,
            complete: waits + first_token + decode,
            output,
            found,
            replica,
            grant,
            place,
        }
    }

    /// Output tokens that this model writes for a turn.
    fn output(&self, a: &Arrival) -> u32 {
        let n = (f64::from(a.output) * self.output_factor + 0.5) as u32;
        n.clamp(1, a.max_output.max(1))
    }

    /// The answer of a call has become part of its conversation.
    pub fn answered(&mut self, now: Time, call: &Call, conversation: EntityKey, turn: u32) {
        if let Some((_, cache)) = self.caches.iter_mut().find(|(of, _)| *of == call.replica) {
            cache.answered(now, conversation, turn, call.output);
        }
    }

    /// Its machines are gone, and what they kept of prompts with them.
    pub fn lose_memory(&mut self) {
        self.caches.iter_mut().for_each(|(_, cache)| cache.clear());
    }

    /// A request leaves service: it is finished, or the provider has heard that nobody waits for it any more. Nothing
    /// happens if it has left before.
    pub fn free(&mut self, now: Time, place: Key<InService>) {
        let left = self.in_service.remove(place).and_then(|s| s.replica);
        if let (Some(replicas), Some(id)) = (&mut self.replicas, left) {
            replicas.leaves(id);
        }
        self.changed(now);
    }

    /// Whether it would serve anybody, had it room: with replicas, whether there are any.
    pub fn serves(&self) -> bool {
        self.replicas.as_ref().is_none_or(Replicas::any)
    }

    /// A replica begins to serve.
    pub fn add_replica(&mut self, id: ReplicaId) {
        self.replicas.as_mut().expect(SELF_HOSTED).add(id);
        self.caches.extend(self.cache.iter().map(|spec| (Some(id), PromptCache::new(spec))));
    }

    /// A replica takes nothing new.
    pub fn drain(&mut self, id: ReplicaId) {
        self.replicas.as_mut().expect(SELF_HOSTED).drain(id);
    }

    /// Requests in service at a replica.
    pub fn busy(&self, id: ReplicaId) -> u32 {
        self.replicas.as_ref().expect(SELF_HOSTED).busy(id)
    }

    /// A replica is gone, and what it had in service with it: those requests.
    pub fn remove_replica(&mut self, now: Time, id: ReplicaId) -> Vec<Key<InService>> {
        let there = self.in_service.iter().filter(|(_, s)| s.replica == Some(id));
        let broken: Vec<Key<InService>> = there.map(|(key, _)| key).collect();
        for key in &broken {
            self.free(now, *key);
        }
        self.replicas.as_mut().expect(SELF_HOSTED).remove(id);
        self.caches.retain(|(of, _)| *of != Some(id));
        broken
    }

    /// Everything in service breaks off.
    pub fn break_off(&mut self, now: Time) {
        let all: Vec<Key<InService>> = self.in_service.iter().map(|(key, _)| key).collect();
        for key in all {
            self.free(now, key);
        }
        if let Some(line) = &mut self.line {
            line.clear();
            if let Some(past) = &mut self.past {
                past.cleared(now);
            }
        }
        for (_, cache) in &mut self.caches {
            // the memory of an engine is lost with it
            if self.cache.is_some_and(|c| c.in_engines()) { cache.clear() } else { cache.break_off(now) }
        }
        self.changed(now);
    }
}

/// What a call has used that a deployment bills so.
pub fn usage(deployment: &Deployment, billed: &Tokens) -> Usage {
    let Tokens { input, cached, written, output, .. } = *billed;
    Usage { input, cached, output, cost: deployment.token_cost(input, cached, written, output) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::scenario::plain;

    #[test]
    fn a_request_leaves_service_once_and_the_bound_holds() {
        let spec = Deployment { concurrency: Some(2), ..plain(1).deployments.remove(0) };
        let mut scenario = plain(1);
        scenario.deployments = vec![spec];
        let mut p = Provider::new(DeploymentIx(0), &scenario.deployments[0]);
        let draws = Draws::new(Seed { seed: 1, replication: 0 });
        let arrival = Arrival {
            turn: EntityKey::named("turn"),
            attempt: 1,
            caller: 0,
            prompt: 1,
            output: 1,
            max_output: 1,
            prefix: None,
        };
        let mut quotas = Quotas::new(&scenario, 1, &draws);
        let mut arrive = |p: &mut Provider| match p.arrive(Time::ZERO, &Condition::FINE, &arrival, &mut quotas, &draws)
        {
            Service::Accepted { place, .. } => Some(place),
            Service::Refused { .. } => None,
        };
        let (a, b) = (arrive(&mut p).unwrap(), arrive(&mut p).unwrap());
        assert_eq!((arrive(&mut p), p.in_service()), (None, 2));
        p.free(Time::ZERO, a);
        p.free(Time::ZERO, a); // its old end: it is not there any more, and nobody else leaves for it
        assert_eq!(p.in_service(), 1);
        let c = arrive(&mut p).unwrap();
        p.free(Time::ZERO, a); // the place has another tenant now
        assert_eq!(p.in_service(), 2);
        p.break_off(Time::ZERO);
        assert_eq!(p.in_service(), 0);
        let d = arrive(&mut p).unwrap();
        for old in [b, c] {
            p.free(Time::ZERO, old);
        }
        assert_eq!(p.in_service(), 1);
        p.free(Time::ZERO, d);
        assert_eq!(p.in_service(), 0);
    }
    /// Each replica remembers what it has worked through itself, and takes it with it.
    #[test]
    fn replicas_have_caches_of_their_own() {
        let mut scenario = plain(1);
        let price = crate::units::Price::new(crate::units::Money::ZERO, 1);
        let replicas = model::Replicas {
            concurrency: 1,
            start_up: Span::ZERO,
            notice: Span::ZERO,
            on_demand_price: price,
            zones: Vec::new(),
        };
        let cache = model::PromptCache { ttl: None, capacity: Some(10_000), minimum: 0, step: 16, answers: false };
        let d = &mut scenario.deployments[0];
        (d.replicas, d.prompt_cache) = (Some(replicas), Some(cache));
        let mut p = Provider::new(DeploymentIx(0), &scenario.deployments[0]);
        let draws = Draws::new(Seed { seed: 1, replication: 0 });
        let mut quotas = Quotas::new(&scenario, 1, &draws);
        let conversation = EntityKey::named("conversation");
        let prefix = Prefix {
            workload: EntityKey::named("chat"),
            system: 0,
            conversation,
            shared: 0,
            total: 321,
            turn: 0,
            failed: 0,
            recurs: true,
        };
        let turn = EntityKey::named("turn");
        let arrival =
            Arrival { turn, attempt: 1, caller: 0, prompt: 321, output: 1, max_output: 1, prefix: Some(prefix) };
        let mut ask = |p: &mut Provider| match p.arrive(Time(5), &Condition::FINE, &arrival, &mut quotas, &draws) {
            Service::Accepted { found, replica, place, .. } => (found.cached, replica, place),
            Service::Refused { .. } => panic!("there is room"),
        };
        p.add_replica(7);
        p.add_replica(3);
        let (cached, replica, first) = ask(&mut p);
        assert_eq!((cached, replica), (0, Some(7)));
        let (cached, replica, second) = ask(&mut p);
        assert_eq!((cached, replica), (0, Some(3)), "the other one has not seen it");
        p.free(Time(6), first);
        assert_eq!(ask(&mut p).0, 320);
        p.free(Time(6), second);
        p.remove_replica(Time(6), 3);
        p.add_replica(9);
        assert_eq!((ask(&mut p).0, p.caches.len()), (0, 2), "a new one starts cold");
    }
}
