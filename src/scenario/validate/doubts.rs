//! What can be run but probably does not mean what was meant: definitions that nothing uses and statements without
//! effect. Warnings.

use super::Whole;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::{Extending, Resolved};
use crate::scenario::model::{Arrivals, DistSpec, FaultWhen, Gateway, Pool, QuotaUse, Sizes, Topology, Workload};
use crate::scenario::raw::RawSizes;
use crate::units::{RegionIx, Span};

/// Checks a scenario without errors.
pub fn check(whole: &Whole<'_>, pools: &[(At<String>, Option<Pool>)], cx: &mut Cx) {
    unused(whole, pools, cx);
    never_extended(whole.topologies, "topology", cx);
    never_extended(whole.deployments, "deployment", cx);
    nobody(whole, cx);
    for topology in &whole.scenario.topologies {
        repeated_pools(whole, topology, cx);
        slow_checks(whole, topology, cx);
    }
    for workload in &whole.scenario.workloads {
        nobody_comes(whole, workload, cx);
        cut_answers(whole, workload, cx);
    }
    for r in whole.deployments {
        let deployment = whole.scenario.deployments.iter().find(|d| d.name == r.name.value);
        if let (Some(raw), Some(cache)) = (&r.value, deployment.and_then(|d| d.prompt_cache.as_ref())) {
            super::prompt_cache::doubts(r.name.loc, raw, cache, &whole.scenario.workloads, cx);
        }
    }
    faults(whole, cx);
}

/// Pools, deployments, shared quotas and residency classes that nothing names.
fn unused(whole: &Whole<'_>, pools: &[(At<String>, Option<Pool>)], cx: &mut Cx) {
    let s = whole.scenario;
    for (name, _) in pools {
        let mut own = s.topologies.iter().filter(|t| matches!(t.gateway, Gateway::Own));
        if !own.any(|t| t.chain.iter().any(|p| p.name == name.value)) {
            cx.warning(name.loc, format!("no topology uses the pool `{}`", name.value));
        }
    }
    for (i, d) in s.deployments.iter().enumerate() {
        let products = s.topologies.iter().flat_map(|t| &t.chain);
        let mut pools = pools.iter().filter_map(|(_, p)| p.as_ref()).chain(products);
        let spilled = s.deployments.iter().any(|d| d.spill_over.is_some_and(|to| to.ix() == i));
        if !spilled && !pools.any(|p| p.members.iter().any(|(m, _)| m.ix() == i)) {
            let loc = whole.deployment(&d.name).unwrap_or(Loc::START);
            cx.warning(loc, format!("no pool uses the deployment `{}`", d.name))
                .help("if it is only there to be extended, say `abstract = true`");
        }
    }
    for (i, (name, _)) in whole.raw.quota.iter().flat_map(|q| &q.entries).enumerate() {
        if !s.deployments.iter().any(|d| d.quota == Some(QuotaUse::Shared(i))) {
            cx.warning(name.loc, format!("no deployment is under the quota `{}`", name.value));
        }
    }
    for (name, _) in whole.raw.residency.iter().flat_map(|r| &r.entries) {
        let used = s.groups.iter().any(|g| g.residency.is_some_and(|c| s.residency[c].name == name.value));
        if !used {
            cx.warning(name.loc, format!("no users have the residency class `{}`", name.value));
        }
    }
}

/// Abstract tables are only there to be extended.
fn never_extended<T: Extending>(all: &[Resolved<T>], what: &str, cx: &mut Cx) {
    let bases = || all.iter().filter_map(|r| r.own.as_ref()).flat_map(|t| t.bases());
    for r in all.iter().filter(|r| r.is_abstract) {
        if !bases().any(|b| b.value == r.name.value) {
            cx.warning(r.name.loc, format!("nothing extends the abstract {what} `{}`", r.name.value));
        }
    }
}

/// Groups without users, and places that none of the users may use.
fn nobody(whole: &Whole<'_>, cx: &mut Cx) {
    let s = whole.scenario;
    for (name, group) in whole.raw.users.iter().flat_map(|u| u.good()) {
        if let Some(share) = group.share.filter(|s| s.value.0 == 0.0) {
            cx.warning(share.loc, format!("users `{}` have no share, so nobody belongs to them", name.value));
        }
    }
    let legal = |place: RegionIx| {
        let mut groups = s.groups.iter().filter(|g| g.share > 0.0);
        groups.any(|g| g.residency.is_none_or(|c| s.residency[c].legal[place.ix()]))
    };
    for t in &s.topologies {
        let written = whole.topology(&t.name).and_then(|t| t.regions.as_ref());
        for id in written.iter().flat_map(|l| &l.items) {
            let place = t.regions.iter().map(|r| r.place).find(|p| s.places[p.ix()].id == id.value);
            if place.is_some_and(|p| !legal(p)) {
                cx.warning(id.loc, format!("residency keeps all users out of `{}`", id.value));
            }
        }
        for (d, _) in t.chain.iter().flat_map(|p| &p.members) {
            let d = &s.deployments[d.ix()];
            if !legal(d.place) {
                let loc = whole.deployment(&d.name).unwrap_or(Loc::START);
                cx.warning(loc, format!("residency keeps the data of all users out of the deployment `{}`", d.name));
            }
        }
    }
}

/// A fallback to what has just failed: a pool of a chain whose deployments were all tried before it is reached.
fn repeated_pools(whole: &Whole<'_>, t: &Topology, cx: &mut Cx) {
    let Some(written) = whole.topology(&t.name).and_then(|t| t.chain.as_ref()) else { return };
    let attempts = t.retry.attempts_per_pool as usize;
    for (i, pool) in t.chain.iter().enumerate().skip(1) {
        // a pool with more members than attempts leaves some of them untried, but its double has nothing new either
        let tried = |d| {
            t.chain[..i].iter().any(|p| {
                let exhausted = p.members.len() <= attempts || p.members.len() == pool.members.len();
                exhausted && p.members.iter().any(|(m, _)| *m == d)
            })
        };
        if pool.members.iter().all(|(d, _)| tried(*d))
            && let Some(item) = written.items.get(i)
        {
            cx.warning(item.loc, format!("the pool `{}` falls back to deployments that have just failed", pool.name))
                .help("a fallback needs a deployment that the pools before it do not have");
        }
    }
}

/// Health checks that are over before they can find anything out.
fn slow_checks(whole: &Whole<'_>, t: &Topology, cx: &mut Cx) {
    let s = whole.scenario;
    let Some(health) = whole.topology(&t.name).and_then(|t| t.health.as_ref()) else { return };
    // who states both means a region that is never found unhealthy
    let (Some(interval), None) = (health.interval, health.fail_after) else { return };
    let failures = t.health.quorum.thresholds.failures;
    // between the first and the last of them
    let needed = t.health.interval.times(u64::from(failures.saturating_sub(1)));
    let run = s.horizon + s.warmup;
    if needed.max(t.health.interval) >= run {
        let message = format!(
            "{failures} failed checks, {} apart, make a region unhealthy, but the run is over after {run}",
            t.health.interval
        );
        cx.warning(interval.loc, message).help("a shorter `interval`; if that is meant, state `fail_after` too");
    }
}

/// So few arrivals that an empty run is likely.
fn nobody_comes(whole: &Whole<'_>, w: &Workload, cx: &mut Cx) {
    let Arrivals::Poisson { rate, .. } = &w.arrivals else { return };
    let sessions = rate.per_sec_f64() * whole.scenario.horizon.as_secs_f64() * f64::from(whole.scenario.replications);
    if sessions < 1.0 {
        let loc = super::size::rate_loc(whole.raw, &w.name);
        let expected = format!("{sessions:.3}");
        let expected = expected.trim_end_matches('0').trim_end_matches('.');
        cx.warning(loc, format!("`{}` has {expected} sessions on average, so probably none", w.name))
            .help("a higher rate, a longer `horizon`, or more `replications`");
    }
}

/// Answers that are mostly longer than the request allows.
fn cut_answers(whole: &Whole<'_>, w: &Workload, cx: &mut Cx) {
    let max = f64::from(w.max_output_tokens);
    let median = match &w.sizes {
        Sizes::Fixed { output, .. } => f64::from(*output),
        Sizes::Independent { output, .. } => match *output {
            DistSpec::Constant(x) => x,
            DistSpec::Uniform { min, max } => (min + max) / 2.0,
            DistSpec::Exponential { mean } => mean * std::f64::consts::LN_2,
            DistSpec::LogNormal { p50, .. } => p50,
        },
        Sizes::Trace(t) => {
            let mut outputs: Vec<u32> = t.rows.iter().map(|r| r.2).collect();
            outputs.sort_unstable();
            outputs.get(outputs.len() / 2).map_or(0.0, |&n| f64::from(n))
        }
    };
    if median > max {
        let found = whole.raw.workload.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == w.name);
        let loc = found.and_then(|(_, raw)| {
            raw.max_output.as_ref().map(|m| m.loc).or_else(|| raw.sizes.as_ref().and_then(RawSizes::output_loc))
        });
        let which = match w.sizes {
            Sizes::Fixed { .. } | Sizes::Independent { output: DistSpec::Constant(_), .. } => "all",
            _ => "most",
        };
        let message = format!("{which} answers of `{}` are cut at `max_output`, {max} tokens", w.name);
        cx.warning(loc.unwrap_or(Loc::START), message).help("a larger `max_output`, or shorter answers");
    }
}

/// Faults that the run does not see, or not to their end.
fn faults(whole: &Whole<'_>, cx: &mut Cx) {
    let s = whole.scenario;
    let written = whole.raw.fault.iter().flat_map(|l| &l.items);
    for (fault, raw) in s.faults.iter().zip(written) {
        match fault.when {
            FaultWhen::At { at, lasts } => {
                let ends = Span::from_nanos(at.nanos().saturating_add(lasts.nanos()));
                if ends > s.horizon {
                    let loc = raw.lasts.map_or(raw.loc, |l| l.loc);
                    let message = format!("the fault ends {} after the horizon", ends.saturating_sub(s.horizon));
                    cx.warning(loc, message).help("the run does not see the recovery");
                }
            }
            FaultWhen::Recurring { mean_up, .. } => {
                let runs = s.horizon.as_secs_f64() * f64::from(s.replications);
                let strikes = runs / mean_up.as_secs_f64();
                if strikes < 0.1 {
                    let loc = raw.recurring.as_ref().map_or(raw.loc, |r| r.mean_up.map_or(r.loc, |m| m.loc));
                    let message = format!("a failure in {mean_up} on average: the fault probably never strikes");
                    cx.warning(loc, message)
                        .help("a shorter `mean_up`, a longer `horizon`, more `replications`, or `at` and `lasts`");
                }
            }
        }
    }
}
