//! Quotas that a provider counts per source region: who calls has to be in one of its regions.

use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::{Quota, QuotaUse, Topology};
use crate::scenario::raw::RawQuota;
use crate::scenario::validate::Whole;
use crate::units::DeploymentIx;

/// Prefix of the regions that Amazon Bedrock counts by.
const AWS: &str = "aws:";

/// Refuses callers that no region of the provider stands for, and warns of counts that are never apart.
pub fn check(whole: &Whole<'_>, cx: &mut Cx) {
    let s = whole.scenario;
    for topology in &s.topologies {
        callers(whole, topology, cx);
    }
    let apart = |quota: &Quota, under: &dyn Fn(usize) -> bool| {
        let calls = |t: &&Topology| members(t).any(|d| under(d.ix()));
        let mut callers = s.topologies.iter().filter(calls).map(|t| t.regions.len()).peekable();
        // one that nobody calls is warned of elsewhere
        quota.per_source_region && callers.peek().is_some() && callers.all(|regions| regions < 2)
    };
    const ONE: &str = "is counted per source region, but every topology calls from one region only";
    for (i, shared) in s.quotas.iter().enumerate() {
        if apart(&shared.quota, &|d| s.deployments[d].quota == Some(QuotaUse::Shared(i))) {
            let written = whole.raw.quota.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == shared.name);
            cx.warning(written.map_or(Loc::START, |(_, q)| stated(q)), format!("the quota `{}` {ONE}", shared.name));
        }
    }
    for (i, deployment) in s.deployments.iter().enumerate() {
        if let Some(QuotaUse::Own(quota)) = &deployment.quota
            && apart(quota, &|d| d == i)
        {
            cx.warning(of_deployment(whole, &deployment.name), format!("the quota of `{}` {ONE}", deployment.name));
        }
    }
}

/// Application regions of other clouds are no source regions.
fn callers(whole: &Whole<'_>, t: &Topology, cx: &mut Cx) {
    let s = whole.scenario;
    let Some(elsewhere) = t.regions.iter().map(|r| &s.places[r.place.ix()].id).find(|id| !id.starts_with(AWS)) else {
        return;
    };
    for d in members(t) {
        let deployment = &s.deployments[d.ix()];
        let loc = match &deployment.quota {
            Some(QuotaUse::Own(q)) if q.per_source_region => of_deployment(whole, &deployment.name),
            Some(QuotaUse::Shared(i)) if s.quotas[*i].quota.per_source_region => {
                let written = whole.raw.quota.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == s.quotas[*i].name);
                written.map_or(Loc::START, |(_, q)| stated(q))
            }
            _ => continue,
        };
        let message = format!(
            "the quota of `{}` is counted per source region, but topology `{}` calls it from `{elsewhere}`, which is no region \
             of AWS",
            deployment.name, t.name
        );
        cx.error(loc, message)
            .expected("callers in regions of AWS")
            .help("for calls from elsewhere the region that is called counts: a quota without `per_source_region`");
        return;
    }
}

fn members(t: &Topology) -> impl Iterator<Item = DeploymentIx> {
    t.chain.iter().flat_map(|p| &p.members).map(|(d, _)| *d)
}

/// Where a quota says that it is counted per source region.
fn stated(raw: &RawQuota) -> Loc {
    match raw {
        RawQuota::Bedrock(q) => q.per_source_region.map_or(q.loc, |p| p.loc),
        raw => super::loc(raw),
    }
}

fn of_deployment(whole: &Whole<'_>, name: &str) -> Loc {
    let found = whole.deployments.iter().find(|r| r.name.value == name);
    let quota = found.and_then(|r| r.value.as_ref()?.quota.as_ref());
    quota.map_or(Loc::START, stated)
}
