//! What a gateway itself lets through to its deployments: one limiter each, asked after the choice and before the call.
//!
//! A deployment that is at its limit is passed over like one that is out of service: another member is chosen, then the
//! next pool; a request that finds everybody at the limit fails as rate limited, without a call. Nothing is queued. Limits
//! hold in a panic, too. Each gateway counts what it sends itself.

use crate::routing::limits::{Ask, Grant, Limit, Limiter, LimiterConfig, Refusal, Usage};
use crate::routing::outcome::Observation;
use crate::routing::request::Request;
use crate::units::{DeploymentIx, Money, Span, Time};

/// Limits of a gateway.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LimitsConfig {
    /// Which deployments, and what is let through to them.
    pub of: Vec<(DeploymentIx, LimiterConfig)>,
    /// Unix time of [`Time::ZERO`], for windows that follow the clock.
    pub epoch: Span,
}

/// What a call was granted, until it is over.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Held {
    deployment: DeploymentIx,
    grant: Grant,
    input: u32,
}

/// What the calls of one request that are out hold: the head of a list in the gateway's [`Limits`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Holding(u32);

impl Holding {
    /// Nothing, and the end of a list.
    pub const NOTHING: Holding = Holding(u32::MAX);
}

/// A limit that has just refused: a request at least as large would be refused as well until then, unless something is
/// given back before.
#[derive(Clone, Copy, Debug)]
struct Shut {
    until: Time,
    least: Ask,
    limit: Limit,
}

#[derive(Clone, Debug)]
struct One {
    limiter: Limiter,
    shut: Option<Shut>,
}

/// The limiters of one gateway.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// By deployment.
    of: Vec<Option<One>>,
    /// Granted to the call that is about to be made.
    next: Option<Held>,
    /// What calls hold that are out, each with what else the same request holds; what has come back is used again.
    held: Vec<(Held, Holding)>,
    /// Head of the list of what has come back.
    free: Holding,
}

impl Limits {
    pub fn new(config: &LimitsConfig, deployments: usize) -> Limits {
        let mut of: Vec<Option<One>> = vec![None; deployments];
        for (d, limiter) in &config.of {
            of[d.ix()] = Some(One { limiter: Limiter::new(limiter, Time::ZERO, config.epoch), shut: None });
        }
        Limits { of, next: None, held: Vec::new(), free: Holding::NOTHING }
    }

    /// The limit of the deployment that is known to refuse this request.
    pub fn refusing(&self, now: Time, deployment: DeploymentIx, request: &Request<'_>) -> Option<(Limit, Time)> {
        let shut = self.of[deployment.ix()].as_ref()?.shut?;
        let ask = ask(request);
        let smaller = ask.input < shut.least.input || ask.max_output < shut.least.max_output;
        (now < shut.until && !smaller).then_some((shut.limit, shut.until))
    }

    /// Asks the deployment's limiter, if it has one. What it grants belongs to the next call.
    ///
    /// # Errors
    /// The deployment is at its limit.
    pub fn admit(&mut self, now: Time, deployment: DeploymentIx, request: &Request<'_>) -> Result<(), Refusal> {
        let Some(one) = &mut self.of[deployment.ix()] else { return Ok(()) };
        let ask = ask(request);
        match one.limiter.admit(now, &ask) {
            Ok(grant) => {
                self.next = Some(Held { deployment, grant, input: ask.input });
                Ok(())
            }
            Err(refusal) => {
                one.shut = refusal.wait.map(|wait| Shut { until: now + wait, least: ask, limit: refusal.limit });
                Err(refusal)
            }
        }
    }

    /// A call is made, which holds what was granted to it.
    pub fn take(&mut self, holding: &mut Holding) {
        let Some(held) = self.next.take() else { return };
        if self.free == Holding::NOTHING {
            self.held.push((held, *holding));
            *holding = Holding((self.held.len() - 1) as u32);
        } else {
            let place = self.free;
            self.free = std::mem::replace(&mut self.held[place.0 as usize], (held, *holding)).1;
            *holding = place;
        }
    }

    /// The call is not made after all.
    pub fn hand_back(&mut self, now: Time) {
        if let Some(held) = self.next.take() {
            self.settle(now, held, &Usage::NOTHING);
        }
    }

    /// A call to the deployment is over. `None`: it was given up, so that its prompt is all that the gateway knows of.
    pub fn end(&mut self, now: Time, holding: &mut Holding, deployment: DeploymentIx, seen: Option<&Observation>) {
        let Some(held) = self.release(holding, deployment) else { return };
        let usage = match seen {
            Some(o) => {
                Usage { input: o.input_tokens, cached: o.cached_tokens, output: o.output_tokens, cost: Money::ZERO }
            }
            None => Usage { input: held.input, ..Usage::NOTHING },
        };
        self.settle(now, held, &usage);
    }

    /// What the call to the deployment held, if it held anything.
    fn release(&mut self, holding: &mut Holding, deployment: DeploymentIx) -> Option<Held> {
        let (mut before, mut place) = (Holding::NOTHING, *holding);
        while place != Holding::NOTHING {
            let (held, after) = self.held[place.0 as usize];
            if held.deployment == deployment {
                match before {
                    Holding::NOTHING => *holding = after,
                    before => self.held[before.0 as usize].1 = after,
                }
                self.held[place.0 as usize].1 = std::mem::replace(&mut self.free, place);
                return Some(held);
            }
            (before, place) = (place, after);
        }
        None
    }

    fn settle(&mut self, now: Time, held: Held, usage: &Usage) {
        if let Some(one) = &mut self.of[held.deployment.ix()] {
            one.limiter.settle(now, held.grant, usage);
            one.shut = None;
        }
    }

    /// Grants that have not come back.
    pub fn outstanding(&self) -> u64 {
        self.of.iter().flatten().map(|one| one.limiter.outstanding()).sum()
    }
}

fn ask(request: &Request<'_>) -> Ask {
    Ask { input: request.input_tokens, cached: 0, max_output: request.max_output.unwrap_or(0) }
}
