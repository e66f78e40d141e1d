//! Pools: their members, where they stand, and what each balancer needs of them.

use super::choose::choose;
use super::models::Deployments;
use crate::routing::balance::Choose;
use crate::routing::balance::envoy::{EnvoyConfig, LocalityPolicy};
use crate::routing::balance::inference::scorer::Weights;
use crate::routing::router::MAX_POOL;
use crate::scenario::decode::{Cx, Decode, List, Named};
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Pool, PoolLocality};
use crate::scenario::raw::{RawChoose, RawPool};
use crate::units::DeploymentIx;

/// Most pools.
const MOST_POOLS: usize = 256;

/// Pools by name; a broken one is `None`.
pub fn pools(raw: &Named<RawPool>, deployments: &Deployments, cx: &mut Cx) -> Vec<(At<String>, Option<Pool>)> {
    if raw.entries.len() > MOST_POOLS {
        cx.error(raw.loc, format!("{} pools", raw.entries.len())).expected(format!("at most {MOST_POOLS}"));
        return raw.entries.iter().map(|(name, _)| (name.clone(), None)).collect();
    }
    raw.entries
        .iter()
        .map(|(name, p)| (name.clone(), p.as_ref().and_then(|p| pool(name, p, deployments, cx))))
        .collect()
}

fn pool(name: &At<String>, p: &RawPool, deployments: &Deployments, cx: &mut Cx) -> Option<Pool> {
    let size = p.deployments.as_ref().map_or(0, |list| list.written);
    let choose = choose(p, size, cx);
    let degraded = cx.or(&p.degraded, &crate::scenario::defaults::DEGRADED).value;
    let list = p.deployments.as_ref()?;
    if size == 0 {
        cx.error(list.loc, format!("pool `{}` has no members", name.value)).expected("at least one deployment");
        return None;
    }
    if size > MAX_POOL {
        cx.error(list.loc, format!("pool `{}` has {size} members", name.value)).expected(format!("at most {MAX_POOL}"));
        return None;
    }
    repeated(list, "member", cx);
    unused(p, choose, cx);
    let weights: Vec<f64> = by_member(&p.weights, list, cx)
        .into_iter()
        .map(|w| w.map_or(1.0, |(name, w)| cx.within_range(w, &name, 0.0..=1e9)))
        .collect();
    let members: Vec<Option<(DeploymentIx, f64)>> = list
        .items
        .iter()
        .zip(&weights)
        .map(|(m, &w)| deployments.named(m, cx).map(|i| (DeploymentIx::new(i), w)))
        .collect();
    if choose.uses_weights() && weights.iter().all(|&w| w == 0.0) {
        let loc = p.weights.as_ref().map_or(name.loc, |w| w.loc);
        cx.error(loc, format!("all weights of pool `{}` are 0", name.value)).expected("at least one positive weight");
    }
    let priorities = priorities(p, list, cx);
    let members: Option<Vec<(DeploymentIx, f64)>> = members.into_iter().collect();
    let members = members.filter(|m| m.len() == size)?;
    let localities = if choose.uses_localities() { localities(p, list, &members, deployments, cx) } else { Vec::new() };
    reporting(p, choose, &members, deployments, cx);
    if let Choose::Envoy(config) = choose {
        possible(p, &config, &priorities, &localities, cx);
    }
    Some(Pool {
        name: name.value.clone(),
        members,
        priorities,
        localities,
        choose,
        degraded,
        max_requests: p.max_requests.map(|n| cx.count(n, "max_requests", 1..=1_000_000_000)),
    })
}

/// Reports entries that occur twice.
pub fn repeated(list: &List<At<String>>, what: &str, cx: &mut Cx) {
    for (i, item) in list.items.iter().enumerate() {
        if let Some(first) = list.items[..i].iter().find(|f| f.value == item.value) {
            cx.error(item.loc, format!("duplicate {what} `{}`", item.value)).note(first.loc, "first named here");
        }
    }
}

/// What a table gives to members, with their names, in the order of the list; names that are no members are reported.
fn by_member<T: Decode + Clone>(
    table: &Option<Named<T>>,
    list: &List<At<String>>,
    cx: &mut Cx,
) -> Vec<Option<(String, T)>> {
    let mut out = vec![None; list.items.len()];
    for (name, value) in table.iter().flat_map(|t| &t.entries) {
        match list.items.iter().position(|m| m.value == name.value) {
            Some(i) => out[i] = value.clone().map(|v| (name.value.clone(), v)),
            None => drop(cx.unknown_name("member", name, list.items.iter().map(|m| m.value.as_str()))),
        }
    }
    out
}

/// Warns of what the pool's policy does not look at.
fn unused(p: &RawPool, choose: Choose, cx: &mut Cx) {
    if p.choose.is_none() && p.bad.contains(&"choose") {
        return; // the policy that was meant is not known
    }
    let mut warn = |loc: Option<Loc>, what: &str, used: bool, help: &str| {
        if let Some(loc) = loc.filter(|_| !used) {
            cx.warning(loc, format!("{what} have no effect")).help(help);
        }
    };
    let weighted = matches!(choose, Choose::Envoy(EnvoyConfig { localities: LocalityPolicy::Weighted, .. }));
    warn(p.weights.as_ref().map(|w| w.loc), "weights", choose.uses_weights(), "`choose = \"weighted\"` uses them");
    let levels = choose.uses_priorities();
    warn(p.priorities.as_ref().map(|w| w.loc), "priorities", levels, "`choose = \"envoy\"` uses them");
    let zones = choose.uses_localities();
    let help = "`choose.envoy = { localities = \"weighted\" }` or `{ localities = \"zone_aware\" }` uses them";
    warn(p.localities.as_ref().map(|w| w.loc), "localities", zones, help);
    let help = "`choose.envoy = { localities = \"weighted\" }` uses them";
    warn(p.locality_weights.as_ref().map(|w| w.loc), "weights of localities", weighted, help);
}

/// The members' priority levels; empty if none is given.
fn priorities(p: &RawPool, list: &List<At<String>>, cx: &mut Cx) -> Vec<u8> {
    let Some(table) = &p.priorities else { return Vec::new() };
    let given = by_member(&p.priorities, list, cx);
    let levels: Vec<u8> =
        given.into_iter().map(|l| l.map_or(0, |(name, level)| cx.within_range(level, &name, 0..=127) as u8)).collect();
    let highest = levels.iter().copied().max().unwrap_or(0);
    if let Some(missing) = (0..highest).find(|l| !levels.contains(l)) {
        cx.error(table.loc, format!("no member has priority {missing}, but one has {highest}"))
            .expected("levels from 0 without a gap (Envoy refuses others)");
    }
    levels
}

/// The localities of the members, in the order in which they are first met.
fn localities(
    p: &RawPool,
    list: &List<At<String>>,
    members: &[(DeploymentIx, f64)],
    deployments: &Deployments,
    cx: &mut Cx,
) -> Vec<PoolLocality> {
    let mut out: Vec<PoolLocality> = Vec::new();
    let given = by_member(&p.localities, list, cx);
    for (i, ((deployment, _), own)) in members.iter().zip(given).enumerate() {
        let name = own.map_or_else(|| deployments.regions[deployment.ix()].clone(), |(_, l)| l.value);
        match out.iter_mut().find(|l| l.name == name) {
            Some(l) => l.members.push(i as u16),
            None => out.push(PoolLocality { name, weight: 1.0, members: vec![i as u16] }),
        }
    }
    for (name, weight) in p.locality_weights.iter().flat_map(|t| &t.entries) {
        match (out.iter().position(|l| l.name == name.value), weight) {
            (Some(i), Some(w)) => out[i].weight = cx.within_range(*w, &name.value, 0.0..=1e9),
            (None, _) => drop(cx.unknown_name("locality", name, out.iter().map(|l| l.name.as_str()))),
            (Some(_), None) => {}
        }
    }
    out
}

/// Somebody must answer a policy that asks for loads.
fn reporting(p: &RawPool, choose: Choose, members: &[(DeploymentIx, f64)], deployments: &Deployments, cx: &mut Cx) {
    let (loc, help) = match (choose, &p.choose) {
        (Choose::Inference(c), Some(RawChoose::Inference(i))) => {
            let asks = c.weights.running + c.weights.utilisation > 0.0 || c.saturation.is_some();
            (
                Some(i.loc).filter(|_| asks),
                "`active_requests` counts the gateway's own calls, `prefix` looks at prompts",
            )
        }
        (Choose::SelectivePush(_), Some(RawChoose::SelectivePush(s))) => {
            (Some(s.loc), "without one a deployment always has room: `nearest` does the same")
        }
        _ => (None, ""),
    };
    let known = |d: &DeploymentIx| deployments.entries[d.ix()].1.as_ref();
    if let (Choose::Inference(c), Some(RawChoose::Inference(i))) = (choose, &p.choose) {
        let others = Weights { queue: 0.0, load_aware: 0.0, ..c.weights };
        let queues = members.iter().any(|m| known(&m.0).is_none_or(|d| d.queue > 0));
        if !c.weights.is_zero() && others.is_zero() && !queues {
            cx.error(i.loc, "no member has a `queue`: this picker would find all of them alike")
                .help("`running` or `utilisation` of deployments with a `concurrency`, `active_requests` or `prefix`");
        }
    }
    // a broken deployment may have been meant to have one
    let silent = !members.iter().any(|m| known(&m.0).is_none_or(|d| d.concurrency.is_some() || d.replicas.is_some()));
    if let Some(loc) = loc.filter(|_| silent) {
        cx.error(loc, "no member reports its load: none has a `concurrency` or `replicas`").help(help);
    }
}

/// Refuses rules of Envoy's that could never do anything in this pool.
fn possible(p: &RawPool, config: &EnvoyConfig, priorities: &[u8], localities: &[PoolLocality], cx: &mut Cx) {
    let Some(RawChoose::Envoy(e)) = &p.choose else { return };
    if config.attempts_per_priority.is_some() && priorities.iter().all(|l| *l == 0) {
        let loc = e.attempts_per_priority.map_or(e.loc, |n| n.loc);
        cx.error(loc, "there is one priority level: no other one could be tried").help("`priorities` in the pool");
    } else if let Some(most) = config.attempts_per_priority {
        let hosts = |level: u8| (level, priorities.iter().filter(|l| **l == level).count());
        let smallest = priorities.iter().map(|l| hosts(*l)).min_by_key(|(level, n)| (*n, *level));
        if let Some((level, n)) = smallest.filter(|(_, n)| *n < most as usize) {
            let loc = e.attempts_per_priority.map_or(e.loc, |n| n.loc);
            let members = if n == 1 { "one member".to_owned() } else { format!("{n} members") };
            cx.error(
                loc,
                format!("the level of priority {level} has {members}, so it is never called {most} times in a row"),
            )
            .expected(format!("at most {n}: who has failed a request is called again only after the pause"))
            .help("more members in the level");
        }
    }
    if config.localities == LocalityPolicy::Ignored {
        return;
    }
    let first = |member: &u16| priorities.get(usize::from(*member)).is_none_or(|l| *l == 0);
    let in_first = localities.iter().flat_map(|l| &l.members).filter(|m| first(m)).count();
    if localities.len() < 2 {
        cx.error(e.loc, format!("all members stand in `{}`: there is no locality to choose", localities[0].name))
            .help("`localities` in the pool names others");
    } else if localities.iter().all(|l| l.weight == 0.0) {
        cx.error(e.loc, "all weights of localities are 0").expected("at least one positive weight");
    } else if let LocalityPolicy::ZoneAware { min_cluster_size } = config.localities
        && in_first < min_cluster_size as usize
    {
        cx.error(
            e.loc,
            format!("the first level has {in_first} members, and localities matter from {min_cluster_size} on: never"),
        )
        .help("a smaller `min_cluster_size`");
    }
}
