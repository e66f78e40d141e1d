//! Replicas of deployments, and the fleets of topologies that keep them running.

use super::models::Deployments;
use super::pools::repeated;
use crate::routing::placement::{PlacementConfig, PlacementError, Placer, Policy, SpotHedgeConfig};
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Deployment, Fleet, Pool, Replicas, Zone};
use crate::scenario::raw::{RawDeployment, RawFleet, RawPlacement, RawReplicas, RawTopology};
use crate::scenario::suggest::listed;
use crate::units::{DeploymentIx, Span};

/// Most replicas of a fleet: a controller looks at each of them every time.
const MOST_REPLICAS: u32 = 10_000;

/// What the replicas of a deployment are made of; `None` if it has none.
pub fn replicas(raw: &RawDeployment, cx: &mut Cx) -> Option<Replicas> {
    let r = raw.replicas.as_ref()?;
    let instead =
        [raw.concurrency.map(|c| (c.loc, "concurrency")), raw.queue.filter(|q| q.value > 0).map(|q| (q.loc, "queue"))];
    for (loc, key) in instead.into_iter().flatten() {
        let help = match key {
            "concurrency" => "`replicas.concurrency` says how many requests one replica serves at once",
            _ => "a replica that is busy refuses with 503, and its gateway tries again",
        };
        cx.error(loc, format!("both `{key}` and `replicas`")).note(r.loc, "the replicas").help(help);
    }
    let concurrency = r.concurrency.map(|c| cx.count(c, "concurrency", 1..=1_000_000));
    let start_up = cx.or_at(&r.start_up, &d::REPLICA_START_UP, r.loc).value;
    let notice = cx.or_at(&r.notice, &d::REPLICA_NOTICE, r.loc).value;
    for (span, key, given) in [(start_up, "start_up", &r.start_up), (notice, "notice", &r.notice)] {
        if span > Span::from_hours(24) {
            let loc = given.map_or(r.loc, |g| g.loc);
            cx.error(loc, format!("`{key}` is {span}, which is out of range")).expected("0 s to 24 h");
        }
    }
    let zones = zones(r, cx);
    Some(Replicas {
        concurrency: concurrency?,
        start_up,
        notice,
        on_demand_price: r.on_demand_price.as_ref()?.value.0,
        zones: zones?,
    })
}

fn zones(r: &RawReplicas, cx: &mut Cx) -> Option<Vec<Zone>> {
    let Some(zones) = &r.zone else { return Some(Vec::new()) };
    let list: Vec<Zone> = zones
        .good()
        .filter_map(|(name, z)| {
            let capacity = z.capacity.map(|c| cx.count(c, "capacity", 1..=MOST_REPLICAS));
            Some(Zone { name: name.value.clone(), spot_price: z.spot_price.as_ref()?.value.0, capacity })
        })
        .collect();
    (list.len() == zones.entries.len()).then_some(list)
}

/// The fleets of a topology. `chain`: whom it calls, unless that is broken. A fleet that is inherited, and of whose deployments
/// none is called here, is left out.
pub fn fleets(
    r: &Resolved<RawTopology>,
    t: &RawTopology,
    chain: Option<&[Pool]>,
    deployments: &Deployments,
    cx: &mut Cx,
) -> Option<Vec<Fleet>> {
    let mut claimed: Vec<(usize, Loc)> = Vec::new();
    let mut list = Vec::new();
    let mut broken = t.bad.contains(&"fleet");
    for (name, raw) in t.fleet.iter().flat_map(|f| &f.entries) {
        let Some(raw) = raw else {
            broken = true;
            continue;
        };
        let own = r.own.as_ref().and_then(|own| own.fleet.as_ref()).is_some_and(|f| f.position(&name.value).is_some());
        if !own && chain.is_some_and(|c| !called(raw, c, deployments)) {
            continue;
        }
        let members = members(&r.name, raw, chain, deployments, &mut claimed, cx);
        let fleet = one(name, raw, members, deployments, cx);
        broken |= fleet.is_none();
        list.extend(fleet);
    }
    if broken {
        return None;
    }
    if let Some(chain) = chain {
        orphans(&r.name, t, chain, &claimed, deployments, cx);
    }
    Some(list)
}

/// Whether any deployment of a fleet is called.
fn called(raw: &RawFleet, chain: &[Pool], deployments: &Deployments) -> bool {
    let names = raw.deployments.iter().flat_map(|d| &d.items);
    names.filter_map(|n| deployments.position(&n.value)).any(|ix| calls(chain, ix))
}

/// The deployments of a fleet, without those that are wrong.
fn members(
    topology: &At<String>,
    raw: &RawFleet,
    chain: Option<&[Pool]>,
    deployments: &Deployments,
    claimed: &mut Vec<(usize, Loc)>,
    cx: &mut Cx,
) -> Option<Vec<DeploymentIx>> {
    let list = raw.deployments.as_ref()?;
    if list.written == 0 {
        cx.error(list.loc, "the list is empty").expected("at least one deployment");
        return None;
    }
    repeated(list, "deployment", cx);
    let mut members = Vec::new();
    for item in &list.items {
        let Some(ix) = deployments.named(item, cx) else { continue };
        if let Some((_, first)) = claimed.iter().find(|(d, loc)| *d == ix && !list.items.iter().any(|i| i.loc == *loc))
        {
            cx.error(item.loc, format!("two fleets keep the replicas of `{}` running", item.value))
                .note(*first, "the other fleet");
        }
        claimed.push((ix, item.loc));
        let Some(deployment) = &deployments.entries[ix].1 else { continue };
        if deployment.replicas.is_none() {
            let with = deployments.entries.iter().filter(|(_, d)| d.as_ref().is_none_or(|d| d.replicas.is_some()));
            cx.error(item.loc, format!("deployment `{}` has no `replicas`", item.value))
                .expected(listed(with.map(|(n, _)| n.value.as_str())))
                .help("`replicas = { concurrency = 8, on_demand_price = \"$3 / h\" }` in the deployment");
            continue;
        }
        if chain.is_some_and(|c| !calls(c, ix)) {
            let message = format!("no pool in the chain of topology `{}` has `{}`", topology.value, item.value);
            cx.error(item.loc, message).help("a fleet for deployments that are called");
            continue;
        }
        members.push(DeploymentIx::new(ix));
    }
    (members.len() == list.written).then_some(members)
}

fn calls(chain: &[Pool], deployment: usize) -> bool {
    chain.iter().any(|p| p.members.iter().any(|(m, _)| m.ix() == deployment))
}

/// Deployments that are called and whose replicas nobody starts.
fn orphans(
    topology: &At<String>,
    t: &RawTopology,
    chain: &[Pool],
    claimed: &[(usize, Loc)],
    deployments: &Deployments,
    cx: &mut Cx,
) {
    for (ix, (name, deployment)) in deployments.entries.iter().enumerate() {
        let has = deployment.as_ref().is_some_and(|d| d.replicas.is_some());
        if has && calls(chain, ix) && !claimed.iter().any(|(d, _)| *d == ix) {
            let loc = t.chain.as_ref().map_or(topology.loc, |c| c.loc);
            let message =
                format!("topology `{}` calls `{}`, and no fleet starts its replicas", topology.value, name.value);
            cx.error(loc, message).note(name.loc, "the deployment").help(format!(
                "[topology.{:?}.fleet.own] with `deployments = [{:?}]`, `target` and `placement`",
                topology.value, name.value
            ));
        }
    }
}

fn one(
    name: &At<String>,
    raw: &RawFleet,
    members: Option<Vec<DeploymentIx>>,
    deployments: &Deployments,
    cx: &mut Cx,
) -> Option<Fleet> {
    let target = raw.target.map(|t| cx.count(t, "target", 1..=MOST_REPLICAS));
    let interval = cx.or_at(&raw.interval, &d::FLEET_INTERVAL, raw.loc);
    if interval.value < Span::from_secs(1) || interval.value > Span::from_hours(1) {
        cx.error(interval.loc, format!("`interval` is {}, which is out of range", interval.value))
            .expected("1 s to 1 h");
    }
    let written = raw.placement.as_ref()?;
    let policy = policy(written, name, cx);
    let (members, target) = (members?, target?);
    let placement = PlacementConfig { target, interval: interval.value, policy };
    let good: Vec<&Deployment> = members.iter().filter_map(|d| deployments.entries[d.ix()].1.as_ref()).collect();
    let zones: Vec<&Zone> = good.iter().filter_map(|d| d.replicas.as_ref()).flat_map(|r| &r.zones).collect();
    let loc = at(written).unwrap_or(name.loc);
    let prices: Vec<_> = zones.iter().map(|z| z.spot_price.cost(1)).collect();
    match Placer::new(placement, &prices) {
        Ok(_) => too_few(&placement, &zones, raw, loc, cx),
        Err(PlacementError::NoZones) => {
            let names = listed(good.iter().map(|d| d.name.as_str()));
            cx.error(loc, format!("there are no spot instances: no zone in the `replicas` of {names}")).help(
                "`replicas.zone.a = { spot_price = \"$1 / h\" }` in a deployment, or `placement = \"on_demand\"`",
            );
        }
        Err(PlacementError::TooManyOnDemand) => {
            cx.error(loc, "more replicas are always on demand than there are to be")
                .expected(format!("`always_on_demand` of at most {target}, the target"));
        }
        Err(PlacementError::NoSpot) => {
            cx.error(loc, "all replicas are always on demand: SpotHedge has nothing to do")
                .expected("`always_on_demand` below the target, or some `extra`")
                .help("`placement = \"on_demand\"` says the same");
        }
        // their own values were refused above
        Err(PlacementError::NoTarget | PlacementError::NoInterval) => {}
    }
    Some(Fleet { name: name.value.clone(), deployments: members, placement })
}

fn policy(raw: &RawPlacement, name: &At<String>, cx: &mut Cx) -> Policy {
    let extra = |given: &Option<At<u64>>, default, loc: Loc, cx: &mut Cx| {
        let extra = cx.or_at(given, default, loc);
        cx.count(extra, "extra", 0..=MOST_REPLICAS)
    };
    match raw {
        RawPlacement::OnDemand(_) => Policy::OnDemand,
        RawPlacement::EvenSpread(s) => Policy::EvenSpread { extra: extra(&s.extra, &d::SPREAD_EXTRA, s.loc, cx) },
        RawPlacement::RoundRobin(s) => Policy::RoundRobin { extra: extra(&s.extra, &d::SPREAD_EXTRA, s.loc, cx) },
        RawPlacement::SpotHedge(s) => {
            let always = cx.or_at(&s.always_on_demand, &d::ALWAYS_ON_DEMAND, name.loc);
            Policy::SpotHedge(SpotHedgeConfig {
                extra: extra(&s.extra, &d::SPOTHEDGE_EXTRA, s.loc, cx),
                always_on_demand: cx.count(always, "always_on_demand", 0..=MOST_REPLICAS),
            })
        }
    }
}

fn at(raw: &RawPlacement) -> Option<Loc> {
    match raw {
        RawPlacement::OnDemand(_) => None,
        RawPlacement::EvenSpread(s) | RawPlacement::RoundRobin(s) => Some(s.loc),
        RawPlacement::SpotHedge(s) => Some(s.loc),
    }
}

/// Zones that cannot hold what the policy wants.
fn too_few(config: &PlacementConfig, zones: &[&Zone], raw: &RawFleet, loc: Loc, cx: &mut Cx) {
    let wanted = match config.policy {
        Policy::OnDemand => return,
        Policy::EvenSpread { extra } | Policy::RoundRobin { extra } => config.target + extra,
        Policy::SpotHedge(s) => config.target + s.extra - s.always_on_demand,
    };
    let room = zones.iter().try_fold(0u32, |sum, z| Some(sum.saturating_add(z.capacity?)));
    if let Some(room) = room.filter(|r| *r < wanted) {
        let message = format!("{wanted} spot replicas are wanted, and the zones have {room} at most");
        let target = raw.target.map_or(loc, |t| t.loc);
        cx.warning(loc, message).note(target, "the target");
    }
}
