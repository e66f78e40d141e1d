//! Bifrost.
//!
//! Time-outs: `default_request_timeout` bounds the wait for the headers (`core` tests of the header time-out, 2026).
//! ASSUMPTION: a provider sends them with the first token of a stream and with the whole of any other answer.

use super::product::{Product, Rules, Step};
use super::{Command, TurnEntropy};
use crate::routing::bifrost::{self, End, Journey, Router};
use crate::routing::outcome::{ErrorClass, Observation};
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::scenario::model::{BifrostGateway, Scenario};
use crate::units::{DeploymentIx, Time};

/// Bifrost's rules.
pub struct Bifrost {
    router: Router,
}

impl Bifrost {
    /// A gateway that knows nothing.
    pub fn new(scenario: &Scenario, spec: &BifrostGateway) -> Product<Bifrost> {
        let router = Router::new(spec.config.clone()).expect("validation refuses what can never serve");
        Product::new(scenario, Bifrost { router }, |_, workload, class| spec.virtual_key(workload, class))
    }
}

impl Rules for Bifrost {
    type Journey = Journey;
    /// The virtual key.
    type Brings = usize;

    fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        virtual_key: &usize,
        _request: &Request<'_>,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Journey, Step) {
        let (journey, command) = self.router.on_request(now, *virtual_key, entropy, sink);
        (journey, step(command))
    }

    fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        _virtual_key: &usize,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> Step {
        step(self.router.on_timeout(now, journey, entropy, sink))
    }

    /// It takes nothing out of service.
    fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        _virtual_key: &usize,
        seen: &Observation,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Step, bool) {
        (step(self.router.on_outcome(now, journey, seen, entropy, sink)), false)
    }

    /// It learns nothing from request to request.
    fn available(&self, _now: Time, _deployment: DeploymentIx) -> bool {
        true
    }
}

fn step(command: bifrost::Command) -> Step {
    Step::of(command, |end| match end {
        End::Call(class) => Command::Fail { class: Some(class) },
        // what the caller sees is 502
        End::NoCredentials => Command::Fail { class: Some(ErrorClass::BadGateway) },
    })
}
