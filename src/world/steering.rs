//! The way of a user to a region: who decides, what it knows, and how the decision reaches the user.
//!
//! The decision is [`crate::routing::steering`]'s. What it knows comes from here: verdicts of health checks, probes, load
//! reports, ends of requests. A name service's answers reach users through caching resolvers; an edge, an accelerator, a
//! network or a program decides by itself, and what it decides holds for a turn or a connection.
//!
//! ASSUMPTION: users of a group share an edge location near them; between the edge and the region a turn takes the way that
//! it would take from the user, so an edge only shortens handshakes. ASSUMPTION: the name of what has no records of its own
//! per region (an edge, an anycast address) is always in the resolver's cache: its time to live can be long.

use super::failure::Failure;
use super::purpose::{ADDRESS, CONVERGENCE, INFLATED, RESOLVER_PLACE, STEERING, STEERING_TRY};
use super::resolver::{Question, Resolvers};
use super::sampler::Sampler;
use super::story::{Listener, What};
use crate::random::{Draws, EntityKey, Purpose};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{ReasonSink, Silent};
use crate::routing::steering::{Answer, Endpoint, Location, Moved, Policy, Seen, Source, Steerer, Vantage};
use crate::scenario::model::{Access, AppRegion, Scenario, Topology};
use crate::units::{GroupIx, Span, Time, great_circle_km};
use std::collections::BTreeMap;

/// Somebody who wants to send a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// Group of the user.
    pub group: GroupIx,
    /// Which of the group's resolvers, networks or programs is the user's.
    pub unit: u32,
    /// Address of the turn's draws.
    pub turn: EntityKey,
    /// Number of the try, from 1.
    pub number: u8,
    /// Region of the try before, if this is not the first.
    pub before: Option<u8>,
    /// Region that the open connection led to last.
    pub open: Option<u8>,
}

/// Where a user's try goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Position of the region.
    pub region: u8,
    /// How long it took to get to know it, handshakes with an edge included.
    pub took: Span,
    /// Round trips to the region before the turn can be sent.
    pub handshakes: u32,
}

/// Why there is no way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoWay {
    /// The turn fails at once.
    Refused(Failure),
    /// Nobody answers at the address.
    Silence,
}

/// How users find a region, in one topology.
#[derive(Clone, Debug)]
pub struct Steering {
    draws: Draws,
    steerer: Steerer,
    access: Access,
    places: Places,
    /// Resolvers, networks or programs per group.
    units: u32,
    /// Only a name service has any.
    resolvers: Option<Resolvers>,
    /// Answer from a resolver's cache.
    hit: Span,
    /// Handshakes of a new connection.
    handshakes: u32,
    /// Time for which a wake-up is scheduled.
    due: Option<Time>,
    probe_interval: Option<Span>,
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
    /// By group and resolver, for those that stand where another group is: that group, and the regions as they are seen
    /// from there by this group's data.
    elsewhere: BTreeMap<(usize, u32), (usize, Vec<Endpoint>)>,
}

impl Places {
    fn new(scenario: &Scenario, topology: &Topology) -> Places {
        let view = |g: usize| {
            let group = &scenario.groups[g];
            let endpoint = |r: &AppRegion| Endpoint {
                healthy: true,
                legal: group.residency.is_none_or(|c| scenario.residency[c].legal[r.place.ix()]),
                latency_ns: scenario.user_link(GroupIx::new(g), r.place).rtt.nanos(),
                distance_km: great_circle_km(group.place, scenario.places[r.place.ix()].place),
            };
            topology.regions.iter().map(endpoint).collect()
        };
        let views: Vec<Vec<Endpoint>> = (0..scenario.groups.len()).map(view).collect();
        Places {
            elsewhere: BTreeMap::new(),
            keys: scenario.groups.iter().map(|g| EntityKey::named(&g.name)).collect(),
            views,
            locations: scenario.groups.iter().map(|g| g.location).collect(),
        }
    }

    /// Resolvers that stand where another group of users is.
    fn misplace(&mut self, per_group: u32, share: f64, draws: &Draws) {
        let groups = self.keys.len() as u64;
        if share == 0.0 || groups < 2 {
            return;
        }
        for (g, key) in self.keys.iter().enumerate() {
            for resolver in 0..per_group {
                let index = 2 * u64::from(resolver);
                if !draws.chance(RESOLVER_PLACE, *key, index, share) {
                    continue;
                }
                let other = draws.below(RESOLVER_PLACE, *key, index + 1, groups - 1) as usize;
                let other = if other < g { other } else { other + 1 };
                let seen = self.views[other].iter().zip(&self.views[g]);
                let seen = seen.map(|(there, own)| Endpoint { legal: own.legal, ..*there }).collect();
                self.elsewhere.insert((g, resolver), (other, seen));
            }
        }
    }

    fn set_health(&mut self, region: usize, healthy: bool) {
        for list in self.views.iter_mut().chain(self.elsewhere.values_mut().map(|(_, list)| list)) {
            list[region].healthy = healthy;
        }
    }

    fn vantage(&self, group: GroupIx, source: usize) -> Vantage<'_> {
        Vantage { source, location: &self.locations[group.ix()], endpoints: &self.views[group.ix()] }
    }

    /// As the name service sees a resolver.
    fn of_resolver(&self, group: GroupIx, resolver: u32) -> Vantage<'_> {
        match self.elsewhere.get(&(group.ix(), resolver)) {
            Some((other, endpoints)) => Vantage { source: *other, location: &self.locations[*other], endpoints },
            None => self.vantage(group, group.ix()),
        }
    }
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
        let (access, policy) = (topology.steering.access, &topology.steering.policy);
        let mut places = Places::new(scenario, topology);
        if let Access::Name { .. } = access {
            places.misplace(scenario.dns.resolvers_per_group, scenario.dns.elsewhere_share, draws);
        }
        let (units, inflated_share) = match access {
            Access::Name { .. } => (scenario.dns.resolvers_per_group, 0.0),
            Access::Network { networks_per_group, inflated_share, .. } => (networks_per_group, inflated_share),
            Access::Client { clients_per_group } => (clients_per_group, 0.0),
            Access::Edge { .. } | Access::Accelerator { .. } => (1, 0.0),
        };
        let sources = (0..scenario.groups.len()).flat_map(|g| {
            let (key, endpoints) = (places.keys[g], &places.views[g]);
            (0..u64::from(units))
                .map(move |u| Source { endpoints, inflated: draws.chance(INFLATED, key, u, inflated_share) })
        });
        let mut steerer =
            Steerer::new(policy.clone(), sources).expect("validation refuses policies that can never work");
        let resolvers = match access {
            Access::Name { ttl } => Some(Resolvers::new(scenario, ttl, draws, |q| {
                ask(&mut steerer, &places, draws, Time::ZERO, q, &mut Silent)
            })),
            _ => None,
        };
        let probe_interval = match policy {
            Policy::CloudflareDynamic { .. } => Some(topology.health.interval),
            Policy::FrontDoor(group) => Some(group.interval),
            _ => None,
        };
        let (hit, handshakes) = (scenario.dns.hit, scenario.client.handshake_round_trips);
        Steering {
            draws: *draws,
            steerer,
            access,
            places,
            units,
            resolvers,
            hit,
            handshakes,
            due: None,
            probe_interval,
        }
    }

    /// Resolvers, networks or programs per group.
    pub fn units(&self) -> u32 {
        self.units
    }

    /// Which way a try goes. `story` hears of it.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn route(&mut self, now: Time, asker: &Asker, mut story: Option<Listener<'_>>) -> Result<Route, NoWay> {
        if let (Some(region), Access::Name { .. } | Access::Network { .. } | Access::Accelerator { .. }) =
            (asker.open, self.access)
        {
            if let Some(told) = story {
                told.story.push(now, What::Connected { region });
            }
            return Ok(Route { region, took: Span::ZERO, handshakes: 0 });
        }
        let (answer, took) = match &mut story {
            Some(told) => {
                let cached = self.resolvers.as_ref().and_then(|r| r.cached(now, asker.group, asker.unit));
                told.story.push(now, cached.unwrap_or(What::Steered));
                self.answer(now, asker, told)
            }
            None => self.answer(now, asker, &mut Silent),
        };
        let Some(region) = address(&self.draws, asker, answer) else {
            return Err(self.no_way(asker.group));
        };
        let region = region as u8;
        let (took, handshakes) = match self.access {
            Access::Name { .. } | Access::Network { .. } => (took, self.handshakes),
            // the edge takes the TCP connection, what comes on top of it (TLS) is for the region
            Access::Accelerator { edge_rtt } => (took + edge_rtt.times(1), self.handshakes.saturating_sub(1)),
            Access::Edge { .. } if asker.open.is_some() => (Span::ZERO, 0),
            Access::Edge { edge_rtt } => (took + edge_rtt.times(u64::from(self.handshakes)), 0),
            Access::Client { .. } if asker.open == Some(region) => (Span::ZERO, 0),
            Access::Client { .. } => (took, self.handshakes),
        };
        self.steerer.on_sent(self.source(asker.group, asker.unit), usize::from(region));
        Ok(Route { region, took, handshakes })
    }

    /// What is answered, and how long that takes to learn.
    fn answer<S: ReasonSink>(&mut self, now: Time, asker: &Asker, reasons: &mut S) -> (Answer, Span) {
        let source = self.source(asker.group, asker.unit);
        let Steering { draws, steerer, places, resolvers, .. } = self;
        if let Some(resolvers) = resolvers {
            return resolvers.resolve(now, asker.group, asker.unit, |q| ask(steerer, places, draws, now, q, reasons));
        }
        let next = u64::from(asker.number) << 8;
        let mut choices = Choices { draws, purpose: STEERING_TRY, entity: asker.turn, next };
        let answer = steerer.steer(now, &places.vantage(asker.group, source), &mut choices, reasons);
        (answer, self.hit)
    }

    fn no_way(&self, group: GroupIx) -> NoWay {
        if !self.places.views[group.ix()].iter().any(|e| e.legal) {
            NoWay::Refused(Failure::Residency)
        } else if let Access::Network { .. } = self.access {
            NoWay::Silence
        } else {
            NoWay::Refused(Failure::NoRegion)
        }
    }

    /// Number of an edge, network or program among all of them.
    fn source(&self, group: GroupIx, unit: u32) -> usize {
        match self.access {
            Access::Name { .. } => group.ix(),
            Access::Edge { .. } | Access::Accelerator { .. } => group.ix(),
            Access::Network { .. } | Access::Client { .. } => group.ix() * self.units as usize + unit as usize,
        }
    }

    /// A turn that `route` has found a way for has left its region, or never got there.
    pub fn done(&mut self, now: Time, group: GroupIx, unit: u32, region: u8, seen: Seen) {
        self.steerer.on_done(now, self.source(group, unit), usize::from(region), seen);
    }

    /// A health check that began at `asked` has ended; `healthy` is the verdict of all of them together now.
    pub fn checked(&mut self, now: Time, asked: Time, region: usize, healthy: bool) {
        self.steerer.on_check(now, asked, region, healthy);
    }

    /// A verdict of the health checks changes: it is known from now on.
    pub fn set_health(&mut self, now: Time, region: usize, healthy: bool) {
        self.places.set_health(region, healthy);
        let Access::Network { convergence, .. } = self.access else { return };
        let (sampler, keys, draws, units) =
            (Sampler::new(convergence), &self.places.keys, &self.draws, self.units as usize);
        self.steerer.on_health(now, region, healthy, |source| {
            let network = keys[source / units].child((source % units) as u64);
            sampler.span(draws.uniform(CONVERGENCE, network, now.nanos()))
        });
    }

    /// Time between two probes of a group's edge to a region, if there are any.
    pub fn probe_interval(&self) -> Option<Span> {
        self.probe_interval
    }

    /// A probe of a group's edge has its result. True if the edge now takes the region for unhealthy and did not before.
    pub fn probed(&mut self, now: Time, group: GroupIx, region: usize, answered: Option<Span>) -> bool {
        self.steerer.on_probe(now, group.ix(), region, answered)
    }

    /// A region reports its utilisation.
    pub fn report(&mut self, region: usize, utilisation: f64) {
        self.steerer.on_report(region, utilisation);
    }

    /// When to wake the system, unless that is scheduled already.
    pub fn wake_up(&mut self) -> Option<Time> {
        let next = self.steerer.next_timeout()?;
        if self.due.is_some_and(|due| due <= next) {
            return None;
        }
        self.due = Some(next);
        Some(next)
    }

    /// The system is woken.
    pub fn woken(&mut self, now: Time) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
        }
        let Steering { steerer, places, .. } = self;
        steerer.on_timeout(now, |source| &places.views[source]);
    }

    /// A network that has moved to another site: its group, its number there, and from where to where.
    pub fn moved(&mut self) -> Option<(GroupIx, u32, Moved)> {
        let moved = self.steerer.poll_moved()?;
        let units = self.units as usize;
        Some((GroupIx::new(moved.source / units), (moved.source % units) as u32, moved))
    }

    /// Turns that are counted as being on their way.
    pub fn outstanding(&self) -> u64 {
        self.steerer.outstanding()
    }

    /// The legal region with the lowest latency for a group, healthy or not.
    pub fn nearest(&self, group: GroupIx) -> Option<u8> {
        let list = self.places.views[group.ix()].iter().enumerate();
        list.filter(|(_, e)| e.legal).min_by_key(|(i, e)| (e.latency_ns, *i)).map(|(i, _)| i as u8)
    }
}

/// What the name service answers a resolver now.
fn ask<S: ReasonSink>(
    steerer: &mut Steerer,
    places: &Places,
    draws: &Draws,
    now: Time,
    q: Question,
    reasons: &mut S,
) -> Answer {
    let entity = places.keys[q.group.ix()].child(u64::from(q.resolver));
    let mut choices = Choices { draws, purpose: STEERING, entity, next: u64::from(q.number) << 8 };
    steerer.steer(now, &places.of_resolver(q.group, q.resolver), &mut choices, reasons)
}

/// Which of the addresses in an answer the client takes: a random one, another than the last time if there is another.
fn address(draws: &Draws, asker: &Asker, answer: Answer) -> Option<usize> {
    if answer.len() <= 1 {
        return answer.nth(0);
    }
    let rest = asker.before.map_or(answer, |b| answer.without(usize::from(b)));
    rest.nth(draws.below(ADDRESS, asker.turn, u64::from(asker.number), rest.len() as u64) as usize)
}
