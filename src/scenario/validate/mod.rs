//! From raw to valid: names become indices, text becomes base units, what is not stated gets its documented default, and
//! everything that could not be simulated is refused. Errors are collected; a part with errors is left out of further
//! checks instead of causing more of them.

mod bifrost;
mod capacity;
mod choose;
mod clients;
mod dist;
mod doubts;
mod faults;
mod fleets;
mod gateway;
mod hedging;
mod idle;
mod impossible;
mod layout;
mod litellm;
mod lookup;
mod models;
mod network;
mod objectives;
mod places;
mod pools;
mod portkey;
mod products;
mod prompt_cache;
mod quota;
mod residency;
mod resilience;
mod size;
mod steering;
mod take;
mod users;
mod workload;

pub use lookup::io;
pub use size::{TooLarge, check_size};
pub use take::default_value;

use super::decode::Cx;
use super::defaults as d;
use super::diagnostic::{At, Loc};
use super::extends::{Resolved, resolve};
use super::model::{DefaultUsed, Deployment, Scenario, SharedQuota, Topology};
use super::raw::{RawDeployment, RawScenario, RawTopology};
use super::suggest::did_you_mean;
use crate::units::Span;
use std::path::Path;

/// Longest horizon.
const LONGEST: Span = Span::from_hours(24 * 366);

/// Where a scenario comes from.
pub struct Origin<'a> {
    /// Its text.
    pub source: &'a str,
    /// Name of the folder for results.
    pub slug: String,
    /// Folder that paths in the file are relative to.
    pub base_dir: Option<&'a Path>,
}

/// The file and what became of it, for checks over the whole.
pub struct Whole<'a> {
    /// As written.
    pub raw: &'a RawScenario,
    /// Topologies with what they inherit.
    pub topologies: &'a [Resolved<RawTopology>],
    /// Deployments with what they inherit.
    pub deployments: &'a [Resolved<RawDeployment>],
    /// As it is to be simulated.
    pub scenario: &'a Scenario,
}

impl<'a> Whole<'a> {
    /// A topology as written, with what it inherits.
    pub fn topology(&self, name: &str) -> Option<&'a RawTopology> {
        self.topologies.iter().find(|r| r.name.value == name)?.value.as_ref()
    }
    /// Where a deployment is defined.
    pub fn deployment(&self, name: &str) -> Option<Loc> {
        self.deployments.iter().find(|r| r.name.value == name).map(|r| r.name.loc)
    }
}

/// The validated scenario; `None` if there are errors, which are in `cx` then.
pub fn validate(raw: &RawScenario, origin: &Origin<'_>, cx: &mut Cx) -> Option<Scenario> {
    let horizon = horizon(raw, cx);
    let warmup = cx.or_at(&raw.warmup, &d::WARMUP, Loc::START);
    longest(warmup, "warmup", cx);
    let interval = cx.or_at(&raw.interval, &d::INTERVAL, Loc::START);
    cx.positive(interval, "interval");
    let slow_over = cx.or_at(&raw.slow_over, &d::SLOW_OVER, Loc::START);
    cx.positive(slow_over, "slow_over");
    let replications = cx.or_at(&raw.replications, &d::REPLICATIONS, Loc::START);
    let replications = cx.count(replications, "replications", 1..=size::MOST_REPLICATIONS);
    let name = raw.name.as_ref();
    if let Some(name) = name.filter(|n| n.value.trim().is_empty()) {
        cx.error(name.loc, "the name is empty");
    }

    let mut places = places::Places::default();
    let topologies_raw = raw.topology.as_ref().map_or(Vec::new(), |t| resolve(t, "topology", cx));
    let deployments_raw = raw.deployment.as_ref().map_or(Vec::new(), |t| resolve(t, "deployment", cx));
    layout::places(&topologies_raw, &mut places, cx);
    let section = |loc: Option<Loc>| loc.unwrap_or(Loc::START);
    let quotas = quota::shared(raw.quota.as_ref(), cx);
    let deployments_at = section(raw.deployment.as_ref().map(|n| n.loc));
    let deployments = models::deployments(&deployments_raw, deployments_at, &quotas, &mut places, cx);
    let pools = raw.pool.as_ref().map_or(Vec::new(), |p| pools::pools(p, &deployments, cx));
    let known = gateway::Known::new(raw, &deployments);
    let parts = layout::Parts { pools: &pools, places: &places, known: &known };
    let topologies = layout::topologies(&topologies_raw, section(raw.topology.as_ref().map(|n| n.loc)), &parts, cx);

    let residency = places::residency(raw, &places, cx);
    let groups = users::groups(raw, &residency, cx);
    let workloads = workload::workloads(raw, origin.base_dir, horizon.map(|h| h.value), cx);
    let client = workload::client(raw, cx);
    let dns = workload::dns(raw, cx);
    let (place_links, user_links) = network::links(raw, &places, &groups, cx);

    let good: Vec<&Topology> = topologies.iter().filter_map(|(_, t)| t.as_ref()).collect();
    let broken = good.len() < topologies.len() || topologies.is_empty();
    let targets =
        faults::Targets { places: &places, deployments: &deployments, topologies: good.clone(), broken, horizon };
    let faults = faults::faults(raw, &targets, cx);
    let good_deployments: Vec<&Deployment> = deployments.entries.iter().filter_map(|(_, d)| d.as_ref()).collect();
    residency::check(raw, &residency, &topologies, &topologies_raw, &good_deployments, &deployments, &places, cx);
    steering::check(raw, &groups, &residency, &topologies, &topologies_raw, cx);
    capacity::check(raw, &deployments, &quotas, &workloads, cx);
    capacity::gateways(&topologies_raw, &topologies, &deployments, &workloads, cx);
    quota::check(&quotas, &deployments, horizon.map_or(Span::ZERO, |h| h.value) + warmup.value, cx);
    let baseline = baseline(raw, &topologies, cx);

    let known = objectives::known(
        raw.users.as_ref().map_or(Vec::new(), |u| u.names().map(str::to_owned).collect()),
        places.list.iter().map(|p| p.id.clone()).collect(),
        deployments.names().map(str::to_owned).collect(),
        good_deployments.iter().map(|d| d.provider.clone()).collect(),
        raw.fault.iter().flat_map(|f| &f.items).filter_map(|f| f.name.as_ref()).map(|n| n.value.clone()).collect(),
    );
    let objectives = objectives::objectives(raw, origin.source, &workloads, &known, cx);
    let max_turns = cx.or(&raw.max_turns, &d::MAX_TURNS).value;
    if let Some(horizon) = horizon {
        let load = size::Load {
            workloads: &workloads,
            horizon: horizon.value,
            warmup: warmup.value,
            topologies: topologies.len(),
            replications,
            max_turns,
        };
        size::check(raw, &load, interval, cx);
        let lasts = Span(horizon.value.nanos().saturating_add(warmup.value.nanos()));
        steering::finishes(&topologies, &topologies_raw, groups.len(), lasts, cx);
    }

    let start = cx.or(&raw.start, &d::START).value;
    let seed = cx.or(&raw.seed, &d::SEED).value;
    if cx.errors() > 0 {
        return None;
    }
    let defaults = cx
        .defaults
        .iter()
        .map(|(key, (value, provenance))| DefaultUsed {
            key: key.clone(),
            value: value.clone(),
            provenance: provenance.clone(),
        })
        .collect();
    let scenario = Scenario {
        name: name?.value.clone(),
        slug: origin.slug.clone(),
        description: raw.description.as_ref().map_or(String::new(), |d| d.value.clone()),
        start_unix_s: start.unix_s,
        horizon: horizon?.value,
        warmup: warmup.value,
        seed,
        replications,
        max_turns,
        baseline,
        slow_over: slow_over.value,
        interval: interval.value,
        places: network::places(&places),
        place_links,
        groups,
        user_links,
        residency,
        workloads,
        client,
        dns,
        deployments: deployments.entries.into_iter().map(|(_, d)| d).collect::<Option<_>>()?,
        quotas: quotas
            .entries
            .into_iter()
            .map(|(name, quota)| Some(SharedQuota { name: name.value, quota: quota? }))
            .collect::<Option<_>>()?,
        topologies: topologies.into_iter().map(|(_, t)| t).collect::<Option<_>>()?,
        faults,
        objectives,
        defaults,
    };
    let whole = Whole { raw, topologies: &topologies_raw, deployments: &deployments_raw, scenario: &scenario };
    impossible::check(&whole, cx);
    quota::check_source(&whole, cx);
    products::check(&whole, cx);
    doubts::check(&whole, &pools, cx);
    idle::check(&whole, cx);
    (cx.errors() == 0).then_some(scenario)
}

fn horizon(raw: &RawScenario, cx: &mut Cx) -> Option<At<Span>> {
    let horizon = raw.horizon?;
    if horizon.value == Span::ZERO {
        cx.error(horizon.loc, "the horizon is 0, so nothing would be simulated").expected("for example \"24 h\"");
        return None;
    }
    longest(horizon, "horizon", cx).then_some(horizon)
}

fn longest(value: At<Span>, key: &str, cx: &mut Cx) -> bool {
    if value.value > LONGEST {
        cx.error(value.loc, format!("`{key}` is longer than a year")).expected("at most 366 d");
        return false;
    }
    true
}

fn baseline(raw: &RawScenario, topologies: &[(At<String>, Option<Topology>)], cx: &mut Cx) -> usize {
    let Some(name) = &raw.baseline else {
        if let Some((first, _)) = topologies.first() {
            cx.used("baseline", format!("{:?}", first.value), "the first topology of the file");
        }
        return 0;
    };
    if let Some(i) = topologies.iter().position(|(n, _)| n.value == name.value) {
        return i;
    }
    let is_abstract = raw.topology.as_ref().is_some_and(|t| t.position(&name.value).is_some());
    if topologies.is_empty() {
        // that is an error of its own
    } else if is_abstract {
        let help = did_you_mean(&name.value, topologies.iter().map(|(n, _)| n.value.as_str()));
        cx.error(
            name.loc,
            format!("topology `{}` is abstract, so it is not simulated and cannot be the baseline", name.value),
        )
        .expected(super::suggest::listed(topologies.iter().map(|(n, _)| n.value.as_str())))
        .maybe_help(help);
    } else if raw.topology.is_some() {
        cx.unknown_name("topology", name, topologies.iter().map(|(n, _)| n.value.as_str()));
    }
    0
}
