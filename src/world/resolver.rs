//! Caching resolvers between the users and a name service.
//!
//! A user asks one of its group's resolvers. The resolver answers from its cache until the record's TTL has run out
//! (some resolvers keep records longer) and asks the name service otherwise. So after a fail-over each resolver's users
//! move when that resolver's record runs out: spread over one TTL.

use super::purpose::{RESOLVER_EXTENDS, RESOLVER_PHASE};
use super::story::What;
use crate::random::{Draws, EntityKey};
use crate::routing::steering::Answer;
use crate::scenario::model::Scenario;
use crate::units::{GroupIx, Span, Time};

/// What a resolver remembers.
#[derive(Clone, Copy, Debug)]
struct CachedRecord {
    answer: Answer,
    expires: Time,
    /// Questions that this resolver has sent to the name service.
    questions: u32,
}

/// A question of a resolver to the name service: address of what is drawn for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// For users of this group.
    pub group: GroupIx,
    /// By this resolver of the group.
    pub resolver: u32,
    /// Number of the resolver's questions before.
    pub number: u32,
}

/// All resolvers.
#[derive(Clone, Debug)]
pub struct Resolvers {
    per_group: u32,
    hit: Span,
    miss: Span,
    /// Group by group.
    cache: Vec<CachedRecord>,
    /// TTL of each resolver: the record's, or longer.
    kept: Vec<Span>,
}

impl Resolvers {
    /// Every resolver holds a record of some age: caches that were filled at the same instant would expire together for
    /// hours. `ask` is the name service.
    pub fn new(scenario: &Scenario, ttl: Span, draws: &Draws, mut ask: impl FnMut(Question) -> Answer) -> Resolvers {
        let dns = &scenario.dns;
        let per_group = dns.resolvers_per_group;
        let n = scenario.groups.len() * per_group as usize;
        let (mut cache, mut kept) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for (g, group) in scenario.groups.iter().enumerate() {
            let key = EntityKey::named(&group.name);
            for resolver in 0..per_group {
                let r = u64::from(resolver);
                let extends = draws.chance(RESOLVER_EXTENDS, key, r, dns.extending_share);
                let keeps = if extends { ttl.mul_f64(dns.extension) } else { ttl };
                let left = keeps.mul_f64(draws.uniform(RESOLVER_PHASE, key, r));
                let answer = ask(Question { group: GroupIx::new(g), resolver, number: 0 });
                cache.push(CachedRecord { answer, expires: Time(left.nanos()), questions: 1 });
                kept.push(keeps);
            }
        }
        Resolvers { per_group, hit: dns.hit, miss: dns.miss, cache, kept }
    }

    /// What a story says of a question that the resolver can answer from its cache; `None` if it has to ask.
    pub(super) fn cached(&self, now: Time, group: GroupIx, resolver: u32) -> Option<What> {
        let i = group.ix() * self.per_group as usize + resolver as usize;
        let record = &self.cache[i];
        let asked = record.expires.nanos().checked_sub(self.kept[i].nanos()).map(Time);
        (now < record.expires)
            .then_some(What::Cached { asked: asked.filter(|_| record.questions > 1), expires: record.expires })
    }

    /// A user asks its resolver, which may ask the name service. The answer, and how long it took.
    pub fn resolve(
        &mut self,
        now: Time,
        group: GroupIx,
        resolver: u32,
        ask: impl FnOnce(Question) -> Answer,
    ) -> (Answer, Span) {
        let i = group.ix() * self.per_group as usize + resolver as usize;
        let record = &mut self.cache[i];
        if now < record.expires {
            return (record.answer, self.hit);
        }
        let answer = ask(Question { group, resolver, number: record.questions });
        *record = CachedRecord { answer, expires: now + self.kept[i], questions: record.questions.wrapping_add(1) };
        (answer, self.miss)
    }
}
