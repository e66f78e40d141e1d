//! Portkey's gateway.
//!
//! Time-outs: `request_timeout` is stopped when the status and the headers are there (`retryHandler.ts`, `fetchWithTimeout`).
//! ASSUMPTION: a provider sends them with the first token of a stream and with the whole of any other answer. Without it the
//! client's own [`UNLIMITED`](portkey::UNLIMITED) holds in the same way.

use super::super::failure::Failure;
use super::product::{Product, Rules, Step};
use super::{Command, TurnEntropy};
use crate::routing::outcome::Observation;
use crate::routing::portkey::{self, Context, End, Journey, Router};
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::scenario::model::{PortkeyGateway, Scenario};
use crate::units::{DeploymentIx, RegionIx, Time};

/// The rules of Portkey's gateway.
pub struct Portkey {
    router: Router,
}

impl Portkey {
    /// A gateway of a region that knows nothing yet.
    pub fn new(scenario: &Scenario, spec: &PortkeyGateway, from: RegionIx) -> Product<Portkey> {
        let router = Router::new(&spec.config).expect("validation refuses trees that can never serve");
        let region = &scenario.places[from.ix()].id;
        Product::new(scenario, Portkey { router }, |_, workload, class| {
            let class = class.map(|c| (c, scenario.residency[c].name.as_str()));
            spec.context((workload, &scenario.workloads[workload]), class, region)
        })
    }
}

impl Rules for Portkey {
    type Journey = Journey;
    /// The fields that conditions look at.
    type Brings = Context;

    fn on_request<S: ReasonSink>(
        &mut self,
        now: Time,
        context: &Context,
        _request: &Request<'_>,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Journey, Step) {
        let (journey, command) = self.router.on_request(now, context, entropy, sink);
        (journey, step(command))
    }

    /// That a target is taken out of service here is told nobody.
    fn on_timeout<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        context: &Context,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> Step {
        step(self.router.on_timeout(now, journey, context, entropy, sink).0)
    }

    /// Targets are taken out of service by their circuits.
    fn on_outcome<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        context: &Context,
        seen: &Observation,
        entropy: &mut TurnEntropy<'_>,
        sink: &mut S,
    ) -> (Step, bool) {
        let (command, opened) = self.router.on_outcome(now, journey, context, seen, entropy, sink);
        (step(command), opened)
    }

    fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.router.available(now, deployment)
    }
}

fn step(command: portkey::Command) -> Step {
    Step::of(command, |end| match end {
        End::Call(class) => Command::Fail { class: Some(class) },
        End::NoMatch | End::NoTarget => Command::Refuse { why: Failure::NoDeployment },
    })
}
