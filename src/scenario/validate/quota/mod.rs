//! Quotas: which algorithm with which numbers, and which deployments share one.

mod limiters;
mod rates;
mod source;

use super::models::Deployments;
use crate::routing::limits::LimiterConfig;
use crate::scenario::decode::{Cx, Named};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Deployment, Quota, QuotaUse};
use crate::scenario::raw::RawQuota;
use crate::units::Span;

pub use source::check as check_source;

/// Most changes of a random load over a run.
const MOST_CHANGES: u64 = 5_000_000;

/// The named quotas of a scenario.
pub struct SharedQuotas {
    /// Name, and the quota unless it is broken, in file order.
    pub entries: Vec<(At<String>, Option<Quota>)>,
}

/// Validates the quotas that deployments can share.
pub fn shared(raw: Option<&Named<RawQuota>>, cx: &mut Cx) -> SharedQuotas {
    let entries = raw.iter().flat_map(|named| &named.entries).map(|(name, quota)| {
        let quota = quota.as_ref().and_then(|raw| match raw {
            RawQuota::Shared(other) => {
                cx.error(other.loc, format!("the shared quota `{}` refers to another one", name.value))
                    .expected("an algorithm with its limits");
                None
            }
            raw => own(raw, cx),
        });
        (name.clone(), quota)
    });
    SharedQuotas { entries: entries.collect() }
}

/// Validates the quota of a deployment.
pub fn of_deployment(raw: &RawQuota, shared: &SharedQuotas, cx: &mut Cx) -> Option<QuotaUse> {
    let RawQuota::Shared(name) = raw else { return own(raw, cx).map(|q| QuotaUse::Own(Box::new(q))) };
    let position = shared.entries.iter().position(|(n, _)| n.value == name.value);
    if position.is_none() {
        cx.unknown_name("quota", name, shared.entries.iter().map(|(n, _)| n.value.as_str()));
    }
    position.map(QuotaUse::Shared)
}

/// Validates what a gateway itself lets through: nobody else's load has a part in it, and every gateway counts for itself.
pub fn of_gateway(raw: &RawQuota, cx: &mut Cx) -> Option<LimiterConfig> {
    match raw {
        RawQuota::Shared(other) => {
            cx.error(other.loc, "a gateway counts what it sends for itself").expected("an algorithm with its limits");
            None
        }
        RawQuota::VertexShared(q) => {
            cx.error(q.loc, "a gateway does not see what others take from a shared pool")
                .expected("another algorithm with its limits");
            None
        }
        RawQuota::Bedrock(q) if q.per_source_region.is_some_and(|p| p.value) => {
            let loc = q.per_source_region.map_or(q.loc, |p| p.loc);
            cx.error(loc, "a gateway counts only what it sends itself, and that comes from one region");
            None
        }
        raw => {
            let quota = own(raw, cx)?;
            if quota.others_vary.is_some() {
                cx.error(loc(raw), "a gateway does not see the load of a provider's other customers");
            }
            Some(quota.limiter)
        }
    }
}

/// Where a quota stands.
pub fn loc(raw: &RawQuota) -> Loc {
    match raw {
        RawQuota::TokenBucket(q) => q.token_burst.map(|b| b.loc).or(q.tokens.map(|t| t.loc)).unwrap_or(q.loc),
        RawQuota::FixedWindow(q)
        | RawQuota::AnchoredWindow(q)
        | RawQuota::SlidingLog(q)
        | RawQuota::SlidingCounter(q) => q.tokens.map_or(q.loc, |t| t.loc),
        RawQuota::SubWindow(q) => q.tokens.map_or(q.loc, |t| t.loc),
        RawQuota::AzureOpenAi(q) => q.loc,
        RawQuota::AzureProvisioned(q) => q.loc,
        RawQuota::OpenAi(q) => q.loc,
        RawQuota::Anthropic(q) => q.loc,
        RawQuota::Bedrock(q) => q.loc,
        RawQuota::VertexShared(q) => q.loc,
        RawQuota::VertexProvisioned(q) => q.loc,
        RawQuota::EnvoyRateLimit(q) => q.loc,
        RawQuota::EnvoyAiGateway(q) => q.loc,
        RawQuota::LiteLlm(q) => q.loc,
        RawQuota::Catalog(name) | RawQuota::Shared(name) => name.loc,
    }
}

fn own(raw: &RawQuota, cx: &mut Cx) -> Option<Quota> {
    let mut others_vary = None;
    let limiter = match raw {
        RawQuota::TokenBucket(q) => LimiterConfig::TokenBucket(limiters::token_bucket(q, cx)?),
        RawQuota::FixedWindow(q) => LimiterConfig::FixedWindow(limiters::windows(q, cx)?),
        RawQuota::AnchoredWindow(q) => LimiterConfig::AnchoredWindow(limiters::windows(q, cx)?),
        RawQuota::SlidingLog(q) => LimiterConfig::SlidingLog(limiters::windows(q, cx)?),
        RawQuota::SlidingCounter(q) => LimiterConfig::SlidingCounter(limiters::windows(q, cx)?),
        RawQuota::SubWindow(q) => LimiterConfig::SubWindow(limiters::sub_window(q, cx)?),
        RawQuota::AzureOpenAi(q) => LimiterConfig::AzureOpenAi(limiters::azure_openai(q, cx)?),
        RawQuota::AzureProvisioned(q) => LimiterConfig::AzureProvisioned(limiters::azure_provisioned(q, cx)?),
        RawQuota::OpenAi(q) => LimiterConfig::OpenAi(limiters::openai(q, cx)?),
        RawQuota::Anthropic(q) => LimiterConfig::Anthropic(limiters::anthropic(q, &mut others_vary, cx)?),
        RawQuota::Bedrock(q) => LimiterConfig::Bedrock(limiters::bedrock(q, cx)?),
        RawQuota::VertexShared(q) => LimiterConfig::VertexShared(limiters::shared_pool(q, &mut others_vary, cx)?),
        RawQuota::VertexProvisioned(q) => LimiterConfig::VertexProvisioned(limiters::vertex_provisioned(q, cx)?),
        RawQuota::EnvoyRateLimit(q) => LimiterConfig::EnvoyRateLimit(limiters::envoy_ratelimit(q, cx)?),
        RawQuota::EnvoyAiGateway(q) => LimiterConfig::EnvoyAiGateway(limiters::envoy_ai_gateway(q, cx)?),
        RawQuota::LiteLlm(q) => LimiterConfig::LiteLlm(limiters::litellm(q, cx)?),
        RawQuota::Catalog(name) => limiters::published(name, cx)?,
        RawQuota::Shared(_) => return None,
    };
    let per_source_region = match raw {
        RawQuota::Bedrock(q) => cx.or(&q.per_source_region, &d::BEDROCK_PER_SOURCE).value,
        _ => false,
    };
    Some(Quota { limiter, others_vary, per_source_region })
}

/// The deployments under a named quota.
fn members(quota: usize, deployments: &Deployments) -> impl Iterator<Item = (&At<String>, &Deployment)> {
    let all = deployments.entries.iter().filter_map(|(name, d)| Some((name, d.as_ref()?)));
    all.filter(move |(_, d)| d.quota == Some(QuotaUse::Shared(quota)))
}

/// What deployments that share a quota must have in common, and how often a random load may change.
pub fn check(shared: &SharedQuotas, deployments: &Deployments, length: Span, cx: &mut Cx) {
    for (i, (quota_name, quota)) in shared.entries.iter().enumerate() {
        let mut members = members(i, deployments);
        let Some((first_name, first)) = members.next() else { continue };
        // a quota that a provider keeps per model is no quota of two models
        let per_model = matches!(
            quota.as_ref().map(|q| &q.limiter),
            Some(
                LimiterConfig::AzureOpenAi(_)
                    | LimiterConfig::AzureProvisioned(_)
                    | LimiterConfig::Bedrock(_)
                    | LimiterConfig::VertexShared(_)
                    | LimiterConfig::VertexProvisioned(_)
            )
        );
        for (name, d) in members {
            let (what, own, other) = if d.provider != first.provider {
                ("provider", &d.provider, &first.provider)
            } else if per_model && d.model != first.model {
                ("model", &d.model, &first.model)
            } else {
                continue;
            };
            let (name, quota, loc) = (&name.value, &quota_name.value, name.loc);
            cx.error(
                loc,
                format!("deployment `{name}` is under the quota `{quota}` of another {what}: `{own}`, not `{other}`"),
            )
            .expected("deployments whose requests are counted together")
            .note(first_name.loc, "the first deployment under it");
        }
    }
    let own = |d: &Deployment| match &d.quota {
        Some(QuotaUse::Own(q)) => q.others_vary,
        _ => None,
    };
    let varying = shared.entries.iter().map(|(name, q)| (name.loc, q.as_ref().and_then(|q| q.others_vary)));
    let deployed = deployments.entries.iter().zip(&deployments.quota_at);
    let varying = varying.chain(deployed.map(|((name, d), at)| (at.unwrap_or(name.loc), d.as_ref().and_then(own))));
    for (loc, vary) in varying {
        if vary.is_some_and(|v| length.nanos() / v.every.nanos() > MOST_CHANGES) {
            cx.error(loc, "the load of the other customers changes too often for so long a run")
                .expected(format!("at most {MOST_CHANGES} changes"));
        }
    }
}
