//! Name resolution: caching resolvers between the users and a name service that steers by health and latency.
//!
//! A user asks one of its group's resolvers. The resolver answers from its cache until the record's TTL has run out
//! (some resolvers keep records longer) and asks the name service otherwise. So after a fail-over each resolver's users
//! move when that resolver's record runs out: spread over one TTL.

use super::purpose::{RESOLVER_EXTENDS, RESOLVER_PHASE};
use crate::random::{Draws, EntityKey};
use crate::routing::steering::{Endpoint, failover, lowest_latency};
use crate::scenario::model::{Scenario, Steering, Topology};
use crate::units::{GroupIx, Span, Time};

/// What a resolver remembers.
#[derive(Clone, Copy, Debug)]
struct CachedRecord {
    region: Option<u8>,
    expires: Time,
}

/// All resolvers, and the name service's view of the regions.
#[derive(Clone, Debug)]
pub struct Resolvers {
    per_group: u32,
    steering: Steering,
    ttl: Span,
    hit: Span,
    miss: Span,
    /// Group by group.
    cache: Vec<CachedRecord>,
    /// TTL of each resolver: the record's, or longer.
    kept: Vec<Span>,
    /// Per group: the regions as the name service sees them from there.
    endpoints: Vec<Vec<Endpoint>>,
}

/// Answer to a user's question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Position of the region; `None` if none is legal for this user.
    pub region: Option<u8>,
    /// How long the answer took.
    pub took: Span,
}

impl Resolvers {
    /// Everything is healthy, and every resolver holds a record of some age: caches that were filled at the same instant
    /// would expire together for hours.
    pub fn new(scenario: &Scenario, topology: &Topology, draws: &Draws) -> Resolvers {
        let dns = &scenario.dns;
        let n = scenario.groups.len() * dns.resolvers_per_group as usize;
        let (Steering::DnsLatency { ttl } | Steering::DnsFailover { ttl }) = topology.steering;
        let kept = scenario.groups.iter().flat_map(|g| {
            let key = EntityKey::named(&g.name);
            (0..u64::from(dns.resolvers_per_group)).map(move |r| {
                let extends = draws.chance(RESOLVER_EXTENDS, key, r, dns.extending_share);
                if extends { ttl.mul_f64(dns.extension) } else { ttl }
            })
        });
        let endpoints = (0..scenario.groups.len()).map(|g| {
            let group = GroupIx::new(g);
            let class = scenario.groups[g].residency;
            let endpoint = |r: &crate::scenario::model::AppRegion| Endpoint {
                healthy: true,
                legal: class.is_none_or(|c| scenario.residency[c].legal[r.place.ix()]),
                latency_ns: scenario.user_link(group, r.place).rtt.nanos(),
            };
            topology.regions.iter().map(endpoint).collect()
        });
        let mut resolvers = Resolvers {
            per_group: dns.resolvers_per_group,
            steering: topology.steering,
            ttl,
            hit: dns.hit,
            miss: dns.miss,
            cache: vec![CachedRecord { region: None, expires: Time::ZERO }; n],
            kept: kept.collect(),
            endpoints: endpoints.collect(),
        };
        for (g, group) in scenario.groups.iter().enumerate() {
            let (key, region) = (EntityKey::named(&group.name), resolvers.authoritative(GroupIx::new(g)));
            for r in 0..dns.resolvers_per_group as usize {
                let i = g * dns.resolvers_per_group as usize + r;
                let left = resolvers.kept[i].mul_f64(draws.uniform(RESOLVER_PHASE, key, r as u64));
                resolvers.cache[i] = CachedRecord { region, expires: Time(left.nanos()) };
            }
        }
        resolvers
    }

    /// Time to live of the record.
    pub fn ttl(&self) -> Span {
        self.ttl
    }

    /// A health verdict changes: the name service answers accordingly from now on.
    pub fn set_health(&mut self, region: usize, healthy: bool) {
        for list in &mut self.endpoints {
            list[region].healthy = healthy;
        }
    }

    /// What the name service answers a resolver of this group now.
    pub fn authoritative(&self, group: GroupIx) -> Option<u8> {
        let list = &self.endpoints[group.ix()];
        let chosen = match self.steering {
            Steering::DnsLatency { .. } => lowest_latency(list),
            Steering::DnsFailover { .. } => failover(list),
        };
        chosen.map(|r| r as u8)
    }

    /// A user asks its resolver.
    pub fn resolve(&mut self, now: Time, group: GroupIx, resolver: u32) -> Answer {
        let i = group.ix() * self.per_group as usize + resolver as usize;
        if now < self.cache[i].expires {
            return Answer { region: self.cache[i].region, took: self.hit };
        }
        let region = self.authoritative(group);
        self.cache[i] = CachedRecord { region, expires: now + self.kept[i] };
        Answer { region, took: self.miss }
    }

    /// The legal region with the lowest latency for a group, healthy or not.
    pub fn nearest(&self, group: GroupIx) -> Option<u8> {
        let list = self.endpoints[group.ix()].iter().enumerate();
        list.filter(|(_, e)| e.legal).min_by_key(|(i, e)| (e.latency_ns, *i)).map(|(i, _)| i as u8)
    }
}
