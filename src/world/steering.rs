//! The way of a user to a region: who decides, what it knows, and how the decision reaches the user.
//!
//! The decision is [`crate::routing::steering`]'s. A name service's answers reach the users through caching resolvers.

use super::failure::Failure;
use super::purpose::{ADDRESS, STEERING};
use super::resolver::{Question, Resolvers};
use crate::random::{Draws, EntityKey, Purpose};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Silent;
use crate::routing::steering::{Answer, Endpoint, Location, Steerer, Vantage};
use crate::scenario::model::{Access, AppRegion, Scenario, Topology};
use crate::units::{GroupIx, Span, Time, great_circle_km};

/// Somebody who wants to send a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// Group of the user.
    pub group: GroupIx,
    /// Position of the resolver that the user asks.
    pub resolver: u32,
    /// Address of the turn's draws.
    pub turn: EntityKey,
    /// Number of the try, from 1.
    pub number: u8,
    /// Region of the try before, if this is not the first.
    pub before: Option<u8>,
    /// Region of an open connection.
    pub open: Option<u8>,
}

/// Where a user's try goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Position of the region.
    pub region: u8,
    /// How long it took to learn that.
    pub took: Span,
    /// Round trips to the region before the turn can be sent.
    pub handshakes: u32,
}

/// How users find a region, in one topology.
#[derive(Clone, Debug)]
pub struct Steering {
    draws: Draws,
    steerer: Steerer,
    places: Places,
    resolvers: Resolvers,
    /// Handshakes of a new connection.
    handshakes: u32,
}

/// The user groups as the steering system has them in its tables.
#[derive(Clone, Debug)]
struct Places {
    /// Address of a group's draws.
    keys: Vec<EntityKey>,
    /// The regions as they are seen from there.
    views: Vec<Vec<Endpoint>>,
    /// Where that is.
    locations: Vec<Location>,
}

/// The n-th choice at an address.
struct Choices<'a> {
    draws: &'a Draws,
    purpose: Purpose,
    entity: EntityKey,
    next: u64,
}

impl Entropy for Choices<'_> {
    fn uniform(&mut self) -> f64 {
        self.next += 1;
        self.draws.uniform(self.purpose, self.entity, self.next)
    }
}

impl Steering {
    /// Everything is healthy.
    ///
    /// # Panics
    /// If the policy does not fit the topology, which validation rules out.
    pub fn new(scenario: &Scenario, topology: &Topology, draws: &Draws) -> Steering {
        let groups = || (0..scenario.groups.len()).map(GroupIx::new);
        let view = |g: GroupIx| {
            let class = scenario.groups[g.ix()].residency;
            let endpoint = |r: &AppRegion| Endpoint {
                healthy: true,
                legal: class.is_none_or(|c| scenario.residency[c].legal[r.place.ix()]),
                latency_ns: scenario.user_link(g, r.place).rtt.nanos(),
                distance_km: great_circle_km(scenario.groups[g.ix()].place, scenario.places[r.place.ix()].place),
            };
            topology.regions.iter().map(endpoint).collect()
        };
        let places = Places {
            keys: scenario.groups.iter().map(|g| EntityKey::named(&g.name)).collect(),
            views: groups().map(view).collect(),
            locations: scenario.groups.iter().map(|g| g.location).collect(),
        };
        let mut steerer = Steerer::new(topology.steering.policy.clone(), topology.regions.len())
            .expect("validation refuses policies that can never work");
        let Access::Name { ttl } = topology.steering.access;
        let resolvers = Resolvers::new(scenario, ttl, draws, |q| ask(&mut steerer, &places, draws, Time::ZERO, q));
        let handshakes = scenario.client.handshake_round_trips;
        Steering { draws: *draws, steerer, places, resolvers, handshakes }
    }

    /// A health verdict changes: it is known from now on.
    pub fn set_health(&mut self, region: usize, healthy: bool) {
        for list in &mut self.places.views {
            list[region].healthy = healthy;
        }
    }

    /// Which way a try goes.
    ///
    /// # Errors
    /// Why there is none.
    pub fn route(&mut self, now: Time, asker: &Asker) -> Result<Route, Failure> {
        if let Some(region) = asker.open {
            return Ok(Route { region, took: Span::ZERO, handshakes: 0 });
        }
        let Steering { draws, steerer, places, resolvers, .. } = self;
        let (answer, took) =
            resolvers.resolve(now, asker.group, asker.resolver, |q| ask(steerer, places, draws, now, q));
        let region = address(draws, asker, answer).ok_or_else(|| {
            let legal = places.views[asker.group.ix()].iter().any(|e| e.legal);
            if legal { Failure::NoRegion } else { Failure::Residency }
        })?;
        Ok(Route { region: region as u8, took, handshakes: self.handshakes })
    }

    /// The legal region with the lowest latency for a group, healthy or not.
    pub fn nearest(&self, group: GroupIx) -> Option<u8> {
        let list = self.places.views[group.ix()].iter().enumerate();
        list.filter(|(_, e)| e.legal).min_by_key(|(i, e)| (e.latency_ns, *i)).map(|(i, _)| i as u8)
    }
}

/// What the name service answers a resolver now.
fn ask(steerer: &mut Steerer, places: &Places, draws: &Draws, now: Time, q: Question) -> Answer {
    let group = q.group.ix();
    let from = Vantage { location: &places.locations[group], endpoints: &places.views[group] };
    let entity = places.keys[group].child(u64::from(q.resolver));
    let mut choices = Choices { draws, purpose: STEERING, entity, next: u64::from(q.number) << 8 };
    steerer.steer(now, &from, &mut choices, &mut Silent)
}

/// Which of the addresses in an answer the client takes: a random one, another than the last time if there is another.
fn address(draws: &Draws, asker: &Asker, answer: Answer) -> Option<usize> {
    if answer.len() <= 1 {
        return answer.nth(0);
    }
    let rest = asker.before.map_or(answer, |b| answer.without(usize::from(b)));
    rest.nth(draws.below(ADDRESS, asker.turn, u64::from(asker.number), rest.len() as u64) as usize)
}
