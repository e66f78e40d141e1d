//! The gateway process, which learns nothing from request to request, and the way of a request.
//!
//! A provider is drawn by its weight among those of the request's virtual key, a key by its weight among the provider's. After
//! a failure the same key follows after a pause (5xx, no connection), another after a pause (429) or another at once (401, 402,
//! 403), as long as `max_retries` lasts; after anything else, and in the end, the next provider with retries of its own. Keys of
//! a 429 come back when all others have been used too. If every provider fails, the caller sees the first one's failure.
//!
//! Pauses: `min(retry_backoff_initial * 2^k, retry_backoff_max)` times a uniform factor in [0.8, 1.2); `k` counts all retries of
//! the provider before. ASSUMPTION: those without a pause count as well, because the documentation's formula has the number of
//! the attempt.

use super::config::{Config, ConfigError, Provider};
use super::failure::{Kind, kind};
use super::journey::{Command, End, Journey};
use super::why::{Explain, Out, Why};
use crate::routing::calls::Calls;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::reason::ReasonSink;
use crate::units::{DeploymentIx, Span, Time};

/// Bifrost.
#[derive(Clone, Debug)]
pub struct Router {
    config: Config,
    /// By virtual key: the providers that may be first, with their weights and those that follow them.
    first: Vec<Vec<First>>,
}

#[derive(Clone, Debug)]
struct First {
    provider: usize,
    weight: f64,
    after: Vec<usize>,
}

impl Router {
    /// A gateway that knows nothing.
    ///
    /// # Errors
    /// [`ConfigError`] when it could never serve a request.
    pub fn new(config: Config) -> Result<Router, ConfigError> {
        config.check()?;
        let first = config.virtual_keys.iter().map(|key| {
            let may = key.weights.iter().filter(|(_, w)| *w > 0.0);
            may.map(|(p, w)| First { provider: *p, weight: *w, after: key.after(*p) }).collect()
        });
        Ok(Router { first: first.collect(), config })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Deployments that requests with a virtual key can be sent to, and those of them that may come first, both without
    /// repetition.
    pub fn reach(&self, virtual_key: usize) -> (Vec<DeploymentIx>, Vec<DeploymentIx>) {
        let (mut all, mut first) = (Vec::new(), Vec::new());
        let note = |list: &mut Vec<DeploymentIx>, p: usize| {
            for key in self.config.providers[p].keys.iter().filter(|k| k.weight > 0.0) {
                if !list.contains(&key.deployment) {
                    list.push(key.deployment);
                }
            }
        };
        for f in &self.first[virtual_key] {
            note(&mut first, f.provider);
            note(&mut all, f.provider);
        }
        for f in &self.first[virtual_key] {
            f.after.iter().for_each(|p| note(&mut all, *p));
        }
        (all, first)
    }

    /// Bifrost does nothing on its own.
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// A request with a virtual key arrives.
    pub fn on_request<E: Entropy, S: ReasonSink>(
        &mut self,
        _now: Time,
        virtual_key: usize,
        entropy: &mut E,
        reasons: &mut S,
    ) -> (Journey, Command) {
        let may = &self.first[virtual_key];
        if reasons.on() {
            let total: f64 = may.iter().map(|f| f.weight).sum();
            for f in may {
                reasons.why(|| Why::Weight { provider: f.provider as u8, share: f.weight / total });
            }
        }
        let drawn = if may.len() == 1 { 0 } else { entropy.weighted(may.iter().map(|f| f.weight)) };
        let mut journey = Journey {
            virtual_key: virtual_key as u16,
            first_provider: drawn as u8,
            hop: 0,
            provider: may[drawn].provider as u8,
            key: 0,
            used: 0,
            dead: 0,
            retries: 0,
            primary_end: None,
            calls: Calls::default(),
        };
        reasons.why(|| Why::Provider { provider: journey.provider });
        let command = self.rotate(&mut journey, entropy, reasons);
        (journey, command)
    }

    /// The call that [`Command::Attempt`] asked for has ended.
    pub fn on_outcome<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        seen: &Observation,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        journey.calls.ended();
        let Outcome::Failed { class, .. } = seen.outcome else { return Command::Succeed };
        if seen.first_token.is_some() {
            // a part of the answer has been passed on
            return Command::Fail { end: End::Call(class) };
        }
        let provider = &self.config.providers[usize::from(journey.provider)];
        let kind = kind(class);
        match kind {
            Kind::Final => {
                reasons.why(|| Why::NotRetried);
                return self.fall_back(journey, End::Call(class), entropy, reasons);
            }
            Kind::DeadKey => {
                journey.dead |= 1 << journey.key;
                let deployment = provider.keys[usize::from(journey.key)].deployment;
                reasons.why(|| Why::DeadKey { deployment });
                if journey.dead == usable(provider) {
                    reasons.why(|| Why::NoCredentials);
                    return self.fall_back(journey, End::NoCredentials, entropy, reasons);
                }
            }
            Kind::Transient | Kind::Limited => {}
        }
        if journey.retries >= provider.max_retries {
            reasons.why(|| Why::RetriesUsed);
            return self.fall_back(journey, End::Call(class), entropy, reasons);
        }
        let k = journey.retries;
        journey.retries += 1;
        match kind {
            Kind::Limited => journey.used |= 1 << journey.key,
            Kind::DeadKey => return self.rotate(journey, entropy, reasons),
            Kind::Transient | Kind::Final => {}
        }
        let pause = backoff(provider, k, entropy);
        reasons.why(|| Why::Pause { pause });
        Command::Wait { until: now + pause }
    }

    /// The pause that [`Command::Wait`] asked for is over.
    pub fn on_timeout<E: Entropy, S: ReasonSink>(
        &mut self,
        _now: Time,
        journey: &mut Journey,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        if journey.used >> journey.key & 1 == 1 {
            return self.rotate(journey, entropy, reasons);
        }
        self.call(journey, false, reasons)
    }

    /// Another key: by weight among those that are neither dead nor used in this round.
    fn rotate<E: Entropy, S: ReasonSink>(&self, journey: &mut Journey, entropy: &mut E, reasons: &mut S) -> Command {
        let provider = &self.config.providers[usize::from(journey.provider)];
        let alive = usable(provider) & !journey.dead;
        let mut free = alive & !journey.used;
        if free == 0 {
            reasons.why(|| Why::NewRound);
            journey.used = 0;
            free = alive;
        }
        if reasons.on() {
            let total: f64 =
                provider.keys.iter().enumerate().filter(|(i, _)| free >> i & 1 == 1).map(|(_, k)| k.weight).sum();
            for (i, key) in provider.keys.iter().enumerate() {
                let is = |bits: u64| bits >> i & 1 == 1;
                let out = match () {
                    () if is(journey.dead) => Some(Out::Dead),
                    () if !is(usable(provider)) => Some(Out::NoWeight),
                    () if !is(free) => Some(Out::Used),
                    () => None,
                };
                let chance = if out.is_none() { key.weight / total } else { 0.0 };
                reasons.why(|| Why::Key { deployment: key.deployment, weight: key.weight, chance, out });
            }
        }
        let before = journey.key;
        let weight = |i: usize| if free >> i & 1 == 1 { provider.keys[i].weight } else { 0.0 };
        journey.key = if free.count_ones() == 1 {
            free.trailing_zeros() as u8
        } else {
            entropy.weighted((0..provider.keys.len()).map(weight)) as u8
        };
        self.call(journey, journey.retries > 0 && journey.key != before, reasons)
    }

    fn call<S: ReasonSink>(&self, journey: &mut Journey, rotated: bool, reasons: &mut S) -> Command {
        let provider = &self.config.providers[usize::from(journey.provider)];
        let key = provider.keys[usize::from(journey.key)];
        let deployment = key.deployment;
        let fallback = journey.calls.made(deployment);
        reasons.why(|| Why::Called { deployment, rotated });
        Command::Attempt { deployment, timeout: provider.request_timeout, degraded: key.degraded, fallback }
    }

    /// The present provider has failed.
    fn fall_back<E: Entropy, S: ReasonSink>(
        &self,
        journey: &mut Journey,
        end: End,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Command {
        let primary = *journey.primary_end.get_or_insert(end);
        let first = &self.first[usize::from(journey.virtual_key)][usize::from(journey.first_provider)];
        let Some(next) = first.after.get(usize::from(journey.hop)) else {
            if journey.hop > 0 {
                reasons.why(|| Why::PrimaryFailure);
            }
            return Command::Fail { end: primary };
        };
        journey.hop += 1;
        journey.provider = *next as u8;
        (journey.used, journey.dead, journey.retries) = (0, 0, 0);
        reasons.why(|| Why::FellBack { provider: *next as u8 });
        self.rotate(journey, entropy, reasons)
    }
}

/// Keys with a weight, one bit each.
fn usable(provider: &Provider) -> u64 {
    provider.keys.iter().enumerate().filter(|(_, k)| k.weight > 0.0).fold(0, |bits, (i, _)| bits | 1 << i)
}

fn backoff<E: Entropy>(provider: &Provider, k: u32, entropy: &mut E) -> Span {
    let most = provider.retry_backoff_max.nanos();
    let doubled = if k >= 63 { u64::MAX } else { provider.retry_backoff_initial.nanos().saturating_mul(1 << k) };
    Span(doubled.min(most)).mul_f64(0.8 + 0.4 * entropy.uniform())
}
