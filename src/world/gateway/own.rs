//! geodes' own router as a gateway.

use super::super::session::Limits;
use super::{Attempt, Command, Ride, Turn, TurnEntropy, With};
use crate::random::EntityKey;
use crate::routing::balance::{LoadReport, Locality, Member};
use crate::routing::guard::Probed;
use crate::routing::router::{self, Journey, LimitsConfig, PoolConfig, Router, RouterConfig};
use crate::scenario::model::{Pool, PoolLocality, Residency, Scenario, Topology};
use crate::units::{DeploymentIx, RegionIx, Time};
use crate::world::failure::Failure;
use crate::world::run::epoch;

/// Tokens over which a deployment's price is compared.
const MILLION: u128 = 1_000_000;

/// The own router and the time-outs of its calls.
#[derive(Debug)]
pub struct Own {
    router: Router,
    limits: Limits,
}

/// The draws of a turn at its present attempt.
pub(super) fn entropy<'a>(turn: &Turn<'a>) -> TurnEntropy<'a> {
    let next = match &turn.ride.with {
        With::Own(journey) => journey.draws_from(),
        _ => unreachable!("a turn that is with the own router has its journey"),
    };
    TurnEntropy { draws: turn.draws, turn: turn.key, next }
}

impl Own {
    /// A router that knows nothing yet.
    pub fn new(scenario: &Scenario, topology: &Topology, from: RegionIx) -> Own {
        let router = Router::new(router_config(scenario, topology, from), scenario.deployments.len())
            .expect("validation refuses chains that can never serve");
        let retry = &topology.retry;
        Own { router, limits: Limits { first_token: retry.first_token_timeout, total: retry.total_timeout } }
    }

    /// Whether every guard admits the deployment.
    pub fn available(&self, now: Time, deployment: DeploymentIx) -> bool {
        self.router.available(now, deployment)
    }

    /// See [`Router::on_report`].
    pub fn on_report(&mut self, deployment: DeploymentIx, report: LoadReport) {
        self.router.on_report(deployment, report);
    }

    /// See [`Router::report`].
    pub fn reported_at(&self, deployment: DeploymentIx) -> Option<Time> {
        self.router.report(deployment).map(|r| r.at)
    }

    /// See [`Router::on_probe`].
    pub fn on_probe(&mut self, now: Time, deployment: DeploymentIx, probed: Probed) -> bool {
        self.router.on_probe(now, deployment, probed)
    }

    /// See [`Router::outstanding`].
    pub fn outstanding(&self) -> u64 {
        self.router.outstanding()
    }

    /// A turn comes in: it gets its journey, unless it brings one.
    pub(super) fn begin(&self, ride: &mut Ride) {
        if !matches!(ride.with, With::Own(_)) {
            ride.with = With::Own(Journey::new(ride.class));
        }
    }

    /// Asks the router what to do next for a turn.
    pub(super) fn ask(
        &mut self,
        ride: &mut Ride,
        question: impl FnOnce(&mut Router, &mut Journey) -> router::Command,
    ) -> Command {
        let command = self.tell(ride, question);
        self.command(command)
    }

    /// Tells the router what became of a turn.
    pub(super) fn tell<T>(&mut self, ride: &mut Ride, news: impl FnOnce(&mut Router, &mut Journey) -> T) -> T {
        match &mut ride.with {
            With::Own(journey) => news(&mut self.router, journey),
            _ => unreachable!("a turn that is with the own router has its journey"),
        }
    }

    pub(super) fn command(&self, command: router::Command) -> Command {
        match command {
            router::Command::Attempt { deployment, degraded, fallback } => {
                Command::Attempt(Attempt { deployment, degraded, fallback, limits: self.limits })
            }
            router::Command::Wait { until } => Command::Wait { until },
            router::Command::Shed => Command::Refuse { why: Failure::Shed },
            router::Command::Succeed => Command::Succeed,
            router::Command::Await => Command::Await,
            router::Command::Fail { class } => Command::Fail { class },
        }
    }
}

/// The router of a topology's gateway in one place: what it knows of its deployments, and its policies. Whoever drives a
/// [`Router`] in front of real endpoints can take it from a scenario. For a topology with a product as its gateway it means
/// nothing.
pub fn router_config(scenario: &Scenario, topology: &Topology, from: RegionIx) -> RouterConfig {
    let chain = topology.chain.iter().map(|pool| PoolConfig {
        members: pool
            .members
            .iter()
            .enumerate()
            .map(|(i, (deployment, weight))| {
                let d = &scenario.deployments[deployment.ix()];
                Member {
                    deployment: *deployment,
                    weight: *weight,
                    distance: scenario.place_link(from, d.place).rtt,
                    key: EntityKey::named(&d.name).0,
                    price: (d.input_price.cost(MILLION) + d.output_price.cost(MILLION)).as_dollars_f64()
                        / MILLION as f64,
                    priority: pool.priorities.get(i).copied().unwrap_or(0),
                    locality: pool.localities.iter().position(|l| l.members.contains(&(i as u16))).unwrap_or(0) as u16,
                }
            })
            .collect(),
        localities: localities(scenario, topology, pool, from),
        choose: pool.choose,
        degraded: pool.degraded,
        max_requests: pool.max_requests,
    });
    let legal = |r: &Residency| -> Vec<bool> { scenario.deployments.iter().map(|d| r.legal[d.place.ix()]).collect() };
    RouterConfig {
        chain: chain.collect(),
        attempts_per_pool: topology.retry.attempts_per_pool,
        delay: topology.retry.delay,
        hedging: topology.retry.hedging,
        budget: topology.retry.budget,
        throttle: topology.throttle,
        limits: LimitsConfig { of: topology.limits.clone(), epoch: epoch(scenario) },
        on: topology.retry.on,
        guards: topology.guards.clone(),
        legal: scenario.residency.iter().map(legal).collect(),
    }
}

/// The localities of a pool as the gateway in one place has them. A gateway stands in that of the member nearest to it;
/// callers are the application's servers.
fn localities(scenario: &Scenario, topology: &Topology, pool: &Pool, from: RegionIx) -> Vec<Locality> {
    let own = |place: RegionIx| {
        let away = |l: &&PoolLocality| {
            let members = l.members.iter().map(|m| pool.members[usize::from(*m)].0);
            members.map(|d| scenario.place_link(place, scenario.deployments[d.ix()].place).rtt).min()
        };
        let nearest = pool.localities.iter().min_by_key(away);
        nearest.and_then(|n| pool.localities.iter().position(|l| l == n))
    };
    let servers: f64 = topology.regions.iter().map(|r| f64::from(r.servers)).sum();
    let callers = |z: usize| {
        let there = topology.regions.iter().filter(|r| own(r.place) == Some(z));
        there.map(|r| f64::from(r.servers)).sum::<f64>() / servers
    };
    let locality = |(z, l): (usize, &PoolLocality)| Locality {
        weight: l.weight,
        callers: callers(z),
        local: own(from) == Some(z),
    };
    pool.localities.iter().enumerate().map(locality).collect()
}
