//! Faults.

use super::models::Deployments;
use super::places::Places;
use crate::routing::outcome::ErrorClass;
use crate::scenario::decode::{Cx, List};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Dependency, Fault, FaultWhat, FaultWhen, Topology};
use crate::scenario::raw::{RawBrownOut, RawDependency, RawFault, RawScenario, RawSpotWithdrawn, RawWhat};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::{DeploymentIx, RegionIx, Span};

/// Most faults of a scenario.
const MOST_FAULTS: usize = 1000;
/// Shortest mean cycle of a recurring fault over the horizon: more occurrences than this are a mistake in the unit.
const MOST_OCCURRENCES: u64 = 100_000;

/// What faults refer to.
pub struct Targets<'a> {
    /// Places in use.
    pub places: &'a Places,
    /// Deployments.
    pub deployments: &'a Deployments,
    /// Topologies without errors.
    pub topologies: Vec<&'a Topology>,
    /// Whether any topology had errors, so that nothing can be said about what they use.
    pub broken: bool,
    /// The horizon, if it is valid.
    pub horizon: Option<At<Span>>,
}

impl Targets<'_> {
    /// A region in use; while topologies are broken, nothing is said about regions that only they might use.
    fn region(&self, id: &At<String>, cx: &mut Cx) -> Option<RegionIx> {
        if self.broken && self.places.find(&id.value).is_none() {
            super::places::known(id, cx);
            return None;
        }
        self.places.used(id, cx)
    }
}

/// The faults in file order.
pub fn faults(raw: &RawScenario, targets: &Targets<'_>, cx: &mut Cx) -> Vec<Fault> {
    let Some(list) = &raw.fault else { return Vec::new() };
    if list.written > MOST_FAULTS {
        cx.error(list.loc, format!("{} faults", list.written)).expected(format!("at most {MOST_FAULTS}"));
        return Vec::new();
    }
    for (i, fault) in list.items.iter().enumerate() {
        let Some(name) = &fault.name else { continue };
        let first = list.items[..i].iter().filter_map(|f| f.name.as_ref()).find(|f| f.value == name.value);
        if let Some(first) = first {
            cx.error(name.loc, format!("duplicate fault name `{}`", name.value))
                .note(first.loc, "first used here")
                .help("reports and objectives tell faults apart by name");
        }
        if name.value.trim().is_empty() {
            cx.error(name.loc, "the name is empty");
        }
    }
    list.items.iter().filter_map(|f| one(f, targets, cx)).collect()
}

fn one(fault: &RawFault, targets: &Targets<'_>, cx: &mut Cx) -> Option<Fault> {
    let when = when(fault, targets.horizon, cx);
    let what = fault.what.as_ref().and_then(|w| what(w, targets, cx));
    Some(Fault { name: fault.name.as_ref()?.value.clone(), when: when?, what: what? })
}

fn when(fault: &RawFault, horizon: Option<At<Span>>, cx: &mut Cx) -> Option<FaultWhen> {
    if let Some(r) = &fault.recurring {
        if let Some(at) = fault.at.or(fault.lasts) {
            cx.error(at.loc, "both a point in time and `recurring`")
                .expected("`at` and `lasts`, or `recurring`")
                .note(r.loc, "recurring");
        }
        let (up, down) = (r.mean_up?, r.mean_down?);
        let (mean_up, mean_down) = (cx.positive(up, "mean_up"), cx.positive(down, "mean_down"));
        let cycle = mean_up.nanos().saturating_add(mean_down.nanos()).max(1);
        if let Some(h) = horizon
            && h.value.nanos() / cycle > MOST_OCCURRENCES
        {
            cx.error(r.loc, format!("the fault would strike about {} times", h.value.nanos() / cycle))
                .expected(format!("at most {MOST_OCCURRENCES} times"));
        }
        return Some(FaultWhen::Recurring { mean_up, mean_down });
    }
    if fault.bad.iter().any(|k| matches!(*k, "at" | "lasts" | "recurring")) {
        return None;
    }
    for (missing, key) in [(fault.at.is_none(), "at"), (fault.lasts.is_none(), "lasts")] {
        if missing {
            cx.error(fault.loc, format!("missing key `{key}` in a fault"))
                .expected("`at = \"10 h\"` and `lasts = \"45 min\"`, or `recurring = { mean_up = \"30 d\", mean_down = \"2 h\" }`");
        }
    }
    let (at, lasts) = (fault.at?, fault.lasts?);
    cx.positive(lasts, "lasts");
    if let Some(h) = horizon
        && at.value >= h.value
    {
        cx.error(at.loc, format!("the fault begins at {}, but the horizon ends at {}", at.value, h.value))
            .note(h.loc, "the horizon");
    }
    Some(FaultWhen::At { at: at.value, lasts: lasts.value })
}

fn what(w: &RawWhat, targets: &Targets<'_>, cx: &mut Cx) -> Option<FaultWhat> {
    match w {
        RawWhat::RegionDown(r) => {
            let region = targets.region(r.region.as_ref()?, cx)?;
            Some(FaultWhat::RegionDown { region })
        }
        RawWhat::DependencyDown(f) => {
            let id = f.region.as_ref()?;
            let region = targets.region(id, cx)?;
            application(region, id, targets, cx);
            let dependency = match f.dependency.as_ref()? {
                RawDependency::Database(_) => Dependency::Database,
                RawDependency::Cache(_) => Dependency::Cache,
            };
            Some(FaultWhat::DependencyDown { region, dependency })
        }
        RawWhat::ProviderDown(f) => {
            let whose =
                Whose { provider: &f.provider, list: &f.deployments, region: &f.region, loc: f.loc, bad: &f.bad };
            let error = cx.or(&f.error, &d::DOWN_ERROR).value.0;
            Some(FaultWhat::ProviderDown { deployments: whose.deployments(targets, cx)?, error })
        }
        RawWhat::ProviderBrownOut(f) => {
            let whose =
                Whose { provider: &f.provider, list: &f.deployments, region: &f.region, loc: f.loc, bad: &f.bad };
            let deployments = whose.deployments(targets, cx);
            let (slower, error_rate, error) = strength(f, cx);
            Some(FaultWhat::ProviderBrownOut { deployments: deployments?, slower, error_rate, error })
        }
        RawWhat::SpotWithdrawn(f) => spot_withdrawn(f, targets.deployments, cx),
    }
}

/// Zones with spot instances, of a deployment that has some.
fn spot_withdrawn(f: &RawSpotWithdrawn, all: &Deployments, cx: &mut Cx) -> Option<FaultWhat> {
    let name = f.deployment.as_ref()?;
    let ix = all.named(name, cx)?;
    let deployment = all.entries[ix].1.as_ref()?;
    let zones = deployment.replicas.as_ref().map_or(&[][..], |r| &r.zones);
    if zones.is_empty() {
        let what = if deployment.replicas.is_none() { "`replicas`" } else { "zones in its `replicas`" };
        cx.error(name.loc, format!("deployment `{}` has no {what}, so it has no spot instances", name.value));
        return None;
    }
    let Some(list) = &f.zones else {
        return Some(FaultWhat::SpotWithdrawn { deployment: DeploymentIx::new(ix), zones: (0..zones.len()).collect() });
    };
    if list.written == 0 {
        cx.error(list.loc, "the list is empty").expected("at least one zone");
    }
    super::pools::repeated(list, "zone", cx);
    let mut chosen = Vec::new();
    for item in &list.items {
        match zones.iter().position(|z| z.name == item.value) {
            Some(zone) => chosen.push(zone),
            None => {
                cx.unknown_name("zone", item, zones.iter().map(|z| z.name.as_str()));
            }
        }
    }
    (chosen.len() == list.written)
        .then_some(FaultWhat::SpotWithdrawn { deployment: DeploymentIx::new(ix), zones: chosen })
}

/// The application's dependencies exist only where the application runs.
fn application(region: RegionIx, id: &At<String>, targets: &Targets<'_>, cx: &mut Cx) {
    let runs = targets.topologies.iter().any(|t| t.regions.iter().any(|r| r.place == region));
    if !runs && !targets.broken {
        let mut ids: Vec<&str> = targets
            .topologies
            .iter()
            .flat_map(|t| &t.regions)
            .map(|r| targets.places.get(r.place).id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        cx.error(id.loc, format!("no topology runs the application in `{}`", id.value)).expected(listed(ids));
    }
}

/// How much slower it is, how often it fails, and with what.
fn strength(f: &RawBrownOut, cx: &mut Cx) -> (f64, f64, ErrorClass) {
    let slower = cx.or_at(&f.slower, &d::SLOWER, f.loc);
    let slower = cx.within_range(slower, "slower", 1.0..=1000.0);
    let error_rate = cx.or(&f.error_rate, &d::BROWN_OUT_ERRORS).value.0;
    if slower == 1.0 && error_rate == 0.0 && f.bad.is_empty() {
        cx.error(f.loc, "a brown-out that is neither slower nor fails does nothing")
            .expected("`slower` above 1, `error_rate` above 0, or both");
    }
    let error = match &f.error {
        // a default that nothing uses is no part of the result
        None if error_rate == 0.0 => ErrorClass::Unavailable,
        error => cx.or(error, &d::BROWN_OUT_ERROR).value.0,
    };
    if error_rate == 0.0
        && f.bad.is_empty()
        && let Some(e) = &f.error
    {
        cx.error(e.loc, "an error that never happens").expected("`error_rate` above 0 beside it");
    }
    (slower, error_rate, error)
}

/// Which deployments a fault hits.
struct Whose<'a> {
    provider: &'a Option<At<String>>,
    list: &'a Option<List<At<String>>>,
    region: &'a Option<At<String>>,
    loc: Loc,
    bad: &'a [&'static str],
}

impl Whose<'_> {
    fn deployments(&self, targets: &Targets<'_>, cx: &mut Cx) -> Option<Vec<DeploymentIx>> {
        let all = targets.deployments;
        let region = match self.region {
            Some(id) => Some(targets.region(id, cx)?),
            None => None,
        };
        let mut chosen: Vec<usize> = match (self.provider, self.list) {
            (Some(provider), None) => {
                let providers: Vec<&str> =
                    all.entries.iter().filter_map(|(_, d)| Some(d.as_ref()?.provider.as_str())).collect();
                if !providers.contains(&provider.value.as_str()) {
                    if all.entries.iter().all(|(_, d)| d.is_some()) {
                        let mut names = providers.clone();
                        names.sort_unstable();
                        names.dedup();
                        let help = did_you_mean(&provider.value, names.iter().copied());
                        cx.error(provider.loc, format!("no deployment has the provider `{}`", provider.value))
                            .expected(listed(names))
                            .maybe_help(help);
                    }
                    return None;
                }
                (0..all.entries.len())
                    .filter(|&i| all.entries[i].1.as_ref().is_some_and(|d| d.provider == provider.value))
                    .collect()
            }
            (None, Some(list)) => {
                if list.written == 0 {
                    cx.error(list.loc, "the list is empty").expected("at least one deployment");
                }
                super::pools::repeated(list, "deployment", cx);
                list.items.iter().filter_map(|name| all.named(name, cx)).collect()
            }
            (Some(provider), Some(list)) => {
                cx.error(list.loc, "both `provider` and `deployments`")
                    .expected("one of them")
                    .note(provider.loc, "the provider");
                return None;
            }
            (None, None) => {
                if self.bad.is_empty() {
                    cx.error(self.loc, "a fault of nobody")
                        .expected("`provider = \"azure\"` or `deployments = [\"gpt-eastus\"]`");
                }
                return None;
            }
        };
        if let (Some(region), Some(id)) = (region, self.region) {
            let before = chosen.len();
            chosen.retain(|&i| all.entries[i].1.as_ref().is_none_or(|d| d.place == region));
            if chosen.is_empty() && before > 0 {
                cx.error(id.loc, format!("none of these deployments runs in `{}`", id.value));
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        Some(chosen.into_iter().map(DeploymentIx::new).collect())
    }
}
