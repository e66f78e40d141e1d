//! Topologies.

use super::clients;
use super::dist::durations;
use super::gateway;
use super::hedging;
use super::models::Deployments;
use super::places::Places;
use super::pools::repeated;
use super::quota;
use super::resilience;
use crate::routing::guard::{CooldownConfig, GuardConfig};
use crate::routing::health::{QuorumConfig, ThresholdConfig};
use crate::routing::limits::LimiterConfig;
use crate::routing::outcome::{ErrorClass, ErrorSet};
use crate::routing::retry::{Delay, Hedging};
use crate::routing::throttle::ThrottleConfig;
use crate::scenario::decode::{Cx, Decode, List};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{AppRegion, DeepCheck, Gateway, Health, Pool, RetrySpec, Service, StateSpec, Topology};
use crate::scenario::raw::{
    RawApp, RawCheck, RawCooldown, RawHealth, RawHedging, RawQuorum, RawRetry, RawState, RawTimeout, RawTopology,
};
use crate::scenario::suggest::listed;
use crate::units::{DeploymentIx, RegionIx, Span};
use std::collections::BTreeSet;

/// Most topologies of a scenario.
const MOST_TOPOLOGIES: usize = 64;
/// Most application regions of a topology.
const MOST_REGIONS: usize = 64;
/// Longest fallback chain.
const MOST_POOLS: usize = 32;

/// The parts of a scenario that a topology names.
pub struct Parts<'a> {
    /// Pools; a broken one is `None`.
    pub pools: &'a [(At<String>, Option<Pool>)],
    /// Places.
    pub places: &'a Places,
    /// What a product's settings may name.
    pub known: &'a gateway::Known<'a>,
}

/// Adds the application regions of all topologies to the places, in file order.
pub fn places(resolved: &[Resolved<RawTopology>], places: &mut Places, cx: &mut Cx) {
    for r in resolved {
        for id in r.value.iter().flat_map(|t| &t.regions).flat_map(|l| &l.items) {
            if r.is_abstract {
                super::places::known(id, cx);
            } else {
                places.add(id, cx);
            }
        }
    }
}

/// Name and topology in file order, without abstract ones; a broken one is `None`.
pub fn topologies(
    resolved: &[Resolved<RawTopology>],
    section: Loc,
    parts: &Parts<'_>,
    cx: &mut Cx,
) -> Vec<(At<String>, Option<Topology>)> {
    let concrete: Vec<&Resolved<RawTopology>> = resolved.iter().filter(|r| !r.is_abstract).collect();
    if concrete.is_empty() {
        // without the key at all, that is what was reported
        if !resolved.is_empty() {
            cx.error(section, "no topology to simulate")
                .help("all of them are abstract; add one without `abstract = true`");
        } else if section != Loc::START {
            cx.error(section, "no topology to simulate").help("a topology is a table: [topology.one-region]");
        }
    }
    if concrete.len() > MOST_TOPOLOGIES {
        cx.error(section, format!("{} topologies", concrete.len())).expected(format!("at most {MOST_TOPOLOGIES}"));
        return concrete.into_iter().map(|r| (r.name.clone(), None)).collect();
    }
    for r in resolved {
        overrides(r, cx);
    }
    concrete.into_iter().map(|r| (r.name.clone(), r.value.as_ref().and_then(|t| one(r, t, parts, cx)))).collect()
}

/// Overrides for regions that the topology does not have.
fn overrides(r: &Resolved<RawTopology>, cx: &mut Cx) {
    let (Some(own), Some(merged)) = (&r.own, &r.value) else { return };
    let Some(overrides) = &own.region else { return };
    for (id, _) in &overrides.entries {
        if super::places::known(id, cx).is_none() || r.is_abstract {
            continue;
        }
        if let Some(regions) = &merged.regions
            && !regions.items.iter().any(|r| r.value == id.value)
        {
            let message = format!("topology `{}` has no application in `{}`", r.name.value, id.value);
            cx.error(id.loc, message).expected(listed(regions.items.iter().map(|r| r.value.as_str())));
        }
    }
}

fn one(r: &Resolved<RawTopology>, t: &RawTopology, parts: &Parts<'_>, cx: &mut Cx) -> Option<Topology> {
    let name = &r.name;
    let regions = regions(name, t, parts.places, cx);
    let steering = super::steering::steering(name, t, cx);
    let health = health(t, cx);
    let routing = match (&t.gateway, t.bad.contains(&"gateway")) {
        (None, false) => own_router(r, t, parts, cx),
        _ => gateway::product(name, t, parts.known, cx).map(|p| Routing {
            retry: gateway::timeouts(t, &p, cx),
            gateway: p.gateway,
            chain: p.chain,
            guards: Vec::new(),
            throttle: None,
            limits: Vec::new(),
        }),
    };
    let chain = routing.as_ref().map(|r| r.chain.as_slice());
    let fleets = super::fleets::fleets(r, t, chain, parts.known.deployments, cx);
    let state = state(t, cx);
    let routing = routing?;
    Some(Topology {
        name: name.value.clone(),
        regions: regions?,
        steering: steering?,
        health,
        gateway: routing.gateway,
        chain: routing.chain,
        retry: routing.retry,
        guards: routing.guards,
        throttle: routing.throttle,
        limits: routing.limits,
        fleets: fleets?,
        state: state?,
    })
}

/// What the gateways do.
struct Routing {
    gateway: Gateway,
    chain: Vec<Pool>,
    retry: RetrySpec,
    guards: Vec<GuardConfig>,
    throttle: Option<ThrottleConfig>,
    limits: Vec<(DeploymentIx, LimiterConfig)>,
}

fn own_router(r: &Resolved<RawTopology>, t: &RawTopology, parts: &Parts<'_>, cx: &mut Cx) -> Option<Routing> {
    if t.chain.is_none() && !t.bad.contains(&"chain") && !r.broken {
        let desc = <List<At<String>> as Decode>::desc();
        cx.within("topology", |cx| cx.within(&r.name.value, |cx| cx.missing_key(r.name.loc, "chain", &desc)));
    }
    let chain = chain(&r.name, t, parts.pools, cx);
    let retry = retry(t, cx);
    if let (Some(chain), Some(retry)) = (&chain, &retry) {
        hedging::members(t, chain, retry, cx);
    }
    let guards = guards(t, chain.as_deref(), cx);
    let throttle = clients::or(&t.throttle, clients::of(t).throttle, cx).map(|t| resilience::throttle(&t, cx));
    let limits = limits(&r.name, t, chain.as_deref(), parts.known.deployments, cx);
    Some(Routing { gateway: Gateway::Own, chain: chain?, retry: retry?, guards, throttle, limits })
}

/// What the gateways themselves let through.
fn limits(
    name: &At<String>,
    t: &RawTopology,
    chain: Option<&[Pool]>,
    deployments: &Deployments,
    cx: &mut Cx,
) -> Vec<(DeploymentIx, LimiterConfig)> {
    let mut limits = Vec::new();
    for (deployment, raw) in t.limits.iter().flat_map(|l| l.good()) {
        let limiter = quota::of_gateway(raw, cx);
        let Some(ix) = deployments.named(deployment, cx).map(DeploymentIx::new) else { continue };
        if chain.is_some_and(|c| !c.iter().any(|p| p.members.iter().any(|(m, _)| *m == ix))) {
            let message = format!("no pool in the chain of topology `{}` has `{}`", name.value, deployment.value);
            cx.error(deployment.loc, message);
        }
        limits.extend(limiter.map(|l| (ix, l)));
    }
    limits
}

fn regions(name: &At<String>, t: &RawTopology, places: &Places, cx: &mut Cx) -> Option<Vec<AppRegion>> {
    let list = t.regions.as_ref()?;
    if list.written == 0 {
        cx.error(list.loc, format!("topology `{}` has no regions", name.value)).expected("at least one");
        return None;
    }
    if list.written > MOST_REGIONS {
        cx.error(list.loc, format!("{} regions", list.written)).expected(format!("at most {MOST_REGIONS}"));
        return None;
    }
    repeated(list, "region", cx);
    let apps: Vec<Option<AppRegion>> = list
        .items
        .iter()
        .map(|id| {
            let own = t.region.as_ref().and_then(|m| m.good().find(|(n, _)| n.value == id.value).map(|(_, a)| a));
            let mut app = own.cloned().unwrap_or_else(|| RawApp::empty(name.loc));
            if let Some(base) = &t.app {
                app.merge(base);
            }
            places.find(&id.value).and_then(|place| app_region(place, &app, places, cx))
        })
        .collect();
    if list.items.len() < list.written {
        return None;
    }
    apps.into_iter().collect()
}

fn app_region(place: RegionIx, app: &RawApp, places: &Places, cx: &mut Cx) -> Option<AppRegion> {
    let region = places.get(place);
    let servers = cx.or_at(&app.servers, &d::SERVERS, app.loc);
    let slots = cx.or_at(&app.slots_per_server, &d::SLOTS, app.loc);
    let queue = cx.or_at(&app.queue, &d::QUEUE, app.loc);
    let overhead = cx.or(&app.overhead, &d::OVERHEAD);
    let (server_price, server_price_source) = match &app.server_price {
        Some(own) => (own.value.0, "the scenario".to_owned()),
        None => {
            let (price, written, source) = super::lookup::server_price(region);
            cx.used(
                format!("topology.*.region.\"{}\".server_price", region.id),
                format!("\"{written}\""),
                source.clone(),
            );
            (price, source)
        }
    };
    let services = match &app.services {
        Some(own) => own
            .good()
            .map(|(name, price)| Service {
                name: name.value.clone(),
                price: price.value.0,
                source: "the scenario".to_owned(),
            })
            .collect(),
        None => super::lookup::services(region)
            .into_iter()
            .map(|(service, written)| {
                let key = format!("topology.*.region.\"{}\".services.{:?}", region.id, service.name);
                cx.used(key, format!("\"{written}\""), service.source.clone());
                service
            })
            .collect(),
    };
    let (servers, slots_per_server) =
        (cx.count(servers, "servers", 1..=100_000), cx.count(slots, "slots_per_server", 1..=1_000_000));
    if u64::from(servers) * u64::from(slots_per_server) > 1_000_000_000 {
        cx.error(app.loc, "more than 10^9 slots in a region");
    }
    Some(AppRegion {
        place,
        servers,
        slots_per_server,
        queue: cx.count(queue, "queue", 0..=1_000_000_000),
        overhead: durations(&overhead, cx)?,
        server_price,
        server_price_source,
        services,
    })
}

fn chain(name: &At<String>, t: &RawTopology, pools: &[(At<String>, Option<Pool>)], cx: &mut Cx) -> Option<Vec<Pool>> {
    let list = t.chain.as_ref()?;
    if list.written == 0 {
        cx.error(list.loc, format!("the fallback chain of topology `{}` is empty", name.value))
            .expected("at least one pool");
        return None;
    }
    if list.written > MOST_POOLS {
        cx.error(list.loc, format!("{} pools in a chain", list.written)).expected(format!("at most {MOST_POOLS}"));
        return None;
    }
    for (i, item) in list.items.iter().enumerate() {
        if let Some(first) = list.items[..i].iter().find(|f| f.value == item.value) {
            cx.error(
                item.loc,
                format!("pool `{}` is in the chain twice: its members were all tried before", item.value),
            )
            .note(first.loc, "first named here");
        }
    }
    let chain: Vec<Option<Pool>> = list
        .items
        .iter()
        .map(|pool| {
            let found = pools.iter().find(|(n, _)| n.value == pool.value);
            if found.is_none() {
                cx.unknown_name("pool", pool, pools.iter().map(|(n, _)| n.value.as_str()));
            }
            found.and_then(|(_, p)| p.clone())
        })
        .collect();
    if list.items.len() < list.written { None } else { chain.into_iter().collect() }
}

fn health(t: &RawTopology, cx: &mut Cx) -> Health {
    let h = t.health.clone().unwrap_or_else(|| RawHealth::empty(t.loc));
    let interval = cx.or_at(&h.interval, &d::HEALTH_INTERVAL, h.loc);
    if interval.value < Span::from_millis(100) || interval.value > Span::from_hours(1) {
        cx.error(interval.loc, format!("`interval` is {}, which is out of range", interval.value))
            .expected("100 ms to 1 h");
    }
    let fail = cx.or_at(&h.fail_after, &d::HEALTH_FAIL_AFTER, h.loc);
    let pass = cx.or_at(&h.pass_after, &d::HEALTH_PASS_AFTER, h.loc);
    let connect = cx.or_at(&h.connect_timeout, &d::HEALTH_CONNECT, h.loc);
    let deep = match cx.or(&h.check, &d::HEALTH_CHECK) {
        RawCheck::Shallow(_) => None,
        RawCheck::Deep(deep) => {
            let database = cx.or_at(&deep.database, &d::DEEP_DATABASE, deep.loc);
            let cache = cx.or_at(&deep.cache, &d::DEEP_CACHE, deep.loc);
            let model = cx.or_at(&deep.model, &d::DEEP_MODEL, deep.loc);
            Some(DeepCheck {
                database: cx.positive(database, "database"),
                cache: cx.positive(cache, "cache"),
                model: cx.positive(model, "model"),
            })
        }
    };
    let thresholds = ThresholdConfig {
        failures: cx.count(fail, "fail_after", 1..=100),
        passes: cx.count(pass, "pass_after", 1..=100),
    };
    let (checkers, above) = quorum(h.quorum.as_ref(), cx);
    let fail_on_the_way = h.fail_on_the_way.map_or(0.0, |share| {
        if share.value.0 >= 1.0 {
            cx.error(share.loc, "no check would ever pass").expected("a share below 1");
        }
        share.value.0
    });
    Health {
        interval: interval.value,
        quorum: QuorumConfig { checkers, thresholds, above },
        fail_on_the_way,
        connect_timeout: cx.positive(connect, "connect_timeout"),
        deep,
    }
}

/// Number of checkers, and the thousandths of them that have to be surpassed.
fn quorum(q: Option<&RawQuorum>, cx: &mut Cx) -> (u32, u32) {
    let Some(q) = q else { return (1, 0) };
    let checkers = cx.or_at(&q.checkers, &d::QUORUM_CHECKERS, q.loc);
    let above = cx.or_at(&q.above, &d::QUORUM_ABOVE, q.loc);
    if above.value.0 >= 1.0 {
        cx.error(above.loc, "more than all checkers can never say that a region is healthy")
            .expected("a share below 1");
    }
    let thousandths = above.value.0 * 1000.0;
    if (thousandths - thousandths.round()).abs() > 1e-6 {
        cx.error(above.loc, format!("`above` is {}, which is finer than a thousandth", above.value.0))
            .expected("a share in whole thousandths, for example 0.18");
    }
    (cx.count(checkers, "checkers", 1..=1000), thousandths.round() as u32)
}

fn retry(t: &RawTopology, cx: &mut Cx) -> Option<RetrySpec> {
    let r = t.retry.clone().unwrap_or_else(|| RawRetry::empty(t.loc));
    let client = clients::of(t);
    let attempts = cx.or_at(&r.attempts_per_pool, client.attempts, r.loc);
    let attempts_per_pool = cx.count(attempts, "attempts_per_pool", 1..=8);
    let delay = resilience::delay(&cx.or(&r.backoff, client.backoff), cx);
    if (matches!(delay, Some(Delay::Grpc(_))) || r.hedging.is_some()) && attempts_per_pool > 5 {
        cx.warning(attempts.loc, "gRPC clients make at most 5 attempts, whatever `maxAttempts` says (proposal A6)");
    }
    let budget = clients::or(&r.budget, client.budget, cx).map(|b| resilience::budget(&b, cx));
    let on = cx.or(&r.on, client.on);
    for (i, item) in on.items.iter().enumerate() {
        if r.on.is_some() && on.items[..i].iter().any(|f| f.value == item.value) {
            cx.error(item.loc, format!("duplicate error class `{}`", item.value.0.name()));
        }
    }
    let classes: Vec<ErrorClass> = on.items.iter().map(|i| i.value.0).collect();
    let pools = t.chain.as_ref().map_or(1, |c| c.written);
    // calls that race need no error
    if on.written == 0 && ((attempts_per_pool > 1 && r.hedging.is_none()) || pools > 1) {
        cx.error(on.loc, "the gateway retries after no error at all, so it never reaches a second attempt or pool")
            .expected(format!("some of {}", listed(ErrorClass::ALL.map(ErrorClass::name))))
            .help("for no retries, say `attempts_per_pool = 1` and a chain of one pool");
    }
    let timeout = t.timeout.clone().unwrap_or_else(|| RawTimeout::empty(t.loc));
    let connect = cx.or_at(&timeout.connect, client.connect, timeout.loc);
    let mut first = cx.or_at(&timeout.first_token, client.first_token, timeout.loc);
    let mut total = cx.or_at(&timeout.total, client.total, timeout.loc);
    if r.client.is_some() {
        // a client library has one time-out for both: whichever is stated alone bounds the other
        match (timeout.first_token, timeout.total) {
            (None, Some(stated)) => first.value = first.value.min(stated.value),
            (Some(stated), None) => total.value = total.value.max(stated.value),
            _ => {}
        }
    }
    if total.value < first.value {
        let (loc, other) = if timeout.total.is_some() { (total.loc, first.loc) } else { (first.loc, total.loc) };
        let d = cx.error(
            loc,
            format!(
                "the time-out of the whole answer ({}) is shorter than that of its first token ({})",
                total.value, first.value
            ),
        );
        if timeout.total.is_some() && timeout.first_token.is_some() {
            d.note(other, "the first token's");
        }
    }
    hedging::one_more(&r, first.value, cx);
    if let Some(raw) = &r.hedging {
        hedging::races(raw, &r, first.value, total.value, cx);
    }
    Some(RetrySpec {
        attempts_per_pool,
        delay: delay?,
        budget,
        hedging: match &r.hedging {
            Some(RawHedging::Grpc(g)) => Some(Hedging::Grpc { delay: g.delay?.value }),
            None => r.hedge_after.map(|h| Hedging::OneMore { after: h.value }),
        },
        on: ErrorSet::of(&classes),
        connect_timeout: cx.positive(connect, "connect"),
        first_token_timeout: cx.positive(first, "first_token"),
        total_timeout: cx.positive(total, "total"),
    })
}

/// Everything that takes deployments out of service, in the order in which reasons name it.
fn guards(t: &RawTopology, chain: Option<&[Pool]>, cx: &mut Cx) -> Vec<GuardConfig> {
    let mut guards: Vec<GuardConfig> = cooldown(t, cx).map(GuardConfig::Cooldown).into_iter().collect();
    if let (Some(o), Some(chain)) = (&t.outlier, chain) {
        let hosts: BTreeSet<_> = chain.iter().flat_map(|p| p.members.iter().map(|m| m.0)).collect();
        guards.push(resilience::outlier(o, hosts.len(), cx));
    }
    guards.extend(t.active_health.as_ref().and_then(|h| resilience::active_health(h, cx)));
    guards.extend(t.breaker.as_ref().map(|b| resilience::breaker(b, cx)));
    guards
}

fn cooldown(t: &RawTopology, cx: &mut Cx) -> Option<CooldownConfig> {
    let c = t.cooldown.clone().unwrap_or_else(|| RawCooldown::empty(t.loc));
    // whoever says anything of a cool-down has one
    let enabled = if t.cooldown.is_none() { clients::of(t).cooldown } else { &d::COOLDOWN_ENABLED };
    if !cx.or(&c.enabled, enabled).value {
        return None;
    }
    let after = cx.or_at(&c.after, &d::COOLDOWN_AFTER, c.loc);
    let lasts = cx.or_at(&c.lasts, &d::COOLDOWN_LASTS, c.loc);
    Some(CooldownConfig {
        failures: cx.count(after, "after", 1..=1000),
        time: cx.positive(lasts, "lasts"),
        rate_limited_at_once: cx.or(&c.on_429_at_once, &d::COOLDOWN_429).value,
    })
}

fn state(t: &RawTopology, cx: &mut Cx) -> Option<StateSpec> {
    let RawState::Replicated(s) = cx.or(&t.state, &d::STATE);
    let loc = if t.state.is_some() { s.loc } else { t.loc };
    let lag = durations(&cx.or(&s.lag, &d::STATE_LAG), cx);
    let read = durations(&cx.or(&s.read, &d::STATE_READ), cx);
    let write = durations(&cx.or(&s.write, &d::STATE_WRITE), cx);
    let bytes = cx.or_at(&s.bytes_per_token, &d::BYTES_PER_TOKEN, loc);
    Some(StateSpec {
        lag: lag?,
        read: read?,
        write: write?,
        bytes_per_token: cx.count(bytes, "bytes_per_token", 1..=10_000),
    })
}
