//! Retry settings of the own router that can never act in this scenario, whatever happens in a run. Only what a topology states in
//! its own table is warned of: what it inherits may act elsewhere.

use super::Whole;
use crate::routing::balance::Choose;
use crate::routing::limits::LimiterConfig;
use crate::routing::outcome::ErrorClass;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::{FaultWhat, Gateway, QuotaUse, Scenario, Topology};
use crate::scenario::raw::{RawBackoff, RawBudget, RawRetry};

/// Checks a scenario without errors.
pub fn check(whole: &Whole<'_>, cx: &mut Cx) {
    for t in whole.scenario.topologies.iter().filter(|t| matches!(t.gateway, Gateway::Own)) {
        let own = whole.topologies.iter().find(|r| r.name.value == t.name).and_then(|r| r.own.as_ref());
        if let Some(retry) = own.and_then(|o| o.retry.as_ref()) {
            no_pause(whole.scenario, t, retry, cx);
            no_retry(t, retry, cx);
            nobody_answers(whole.scenario, t, retry, cx);
        }
    }
}

/// A pause is made before a member is called again. While members are left that have not failed the request, none is.
fn no_pause(s: &Scenario, t: &Topology, retry: &RawRetry, cx: &mut Cx) {
    // hedging in place of retries has a warning of its own
    let Some(backoff) = retry.backoff.as_ref().filter(|_| retry.hedging.is_none()) else { return };
    let attempts = t.retry.attempts_per_pool as usize;
    if attempts == 1 {
        cx.warning(of_backoff(backoff), "every pool is tried once, so this pause is never made")
            .help("more `attempts_per_pool`, or no `backoff`");
        return;
    }
    // guards, limits and residency take members away, and so do policies that leave out who is full or out of favour
    let picky = |c: Choose| matches!(c, Choose::Envoy(_) | Choose::Inference(_) | Choose::SelectivePush(_));
    let always_there = t.guards.is_empty() && t.limits.is_empty() && s.groups.iter().all(|g| g.residency.is_none());
    if always_there && t.chain.iter().all(|p| p.members.len() >= attempts && !picky(p.choose)) {
        cx.warning(
            of_backoff(backoff),
            format!("each of the {attempts} attempts in a pool finds another deployment, so this pause is never made"),
        )
        .help("a pause is made before a deployment is called again: more `attempts_per_pool` than the pool has deployments");
    }
}

/// A retry is an attempt after the first.
fn no_retry(t: &Topology, retry: &RawRetry, cx: &mut Cx) {
    if let Some(budget) = &retry.budget
        && t.retry.attempts_per_pool == 1
        && t.chain.len() == 1
    {
        cx.warning(of_budget(budget), "one attempt in one pool: there is no retry that the budget could refuse")
            .help("more `attempts_per_pool`, or a second pool in the `chain`");
    }
}

/// Errors that are listed although no deployment of the chain ever answers them. Those that every list has are left in peace.
fn nobody_answers(s: &Scenario, t: &Topology, retry: &RawRetry, cx: &mut Cx) {
    for item in retry.on.iter().flat_map(|on| &on.items) {
        let class = item.value.0;
        let deliberate = matches!(
            class,
            ErrorClass::BadRequest
                | ErrorClass::Unauthorized
                | ErrorClass::PaymentRequired
                | ErrorClass::Forbidden
                | ErrorClass::NotFound
                | ErrorClass::Unprocessable
                | ErrorClass::ContextWindow
                | ErrorClass::ContentPolicy
        );
        if deliberate && !answered(s, t, class) {
            let message = format!("no deployment of the chain ever answers `{}`", class.name());
            cx.warning(item.loc, message).help("`error` of a deployment or a fault says who does");
        }
    }
}

/// Whether a deployment of the topology may answer this error: by its own errors, a fault's, or its quota's.
fn answered(s: &Scenario, t: &Topology, class: ErrorClass) -> bool {
    let called = t.chain.iter().flat_map(|p| &p.members).map(|(d, _)| *d);
    called.flat_map(|d| [Some(d), s.deployments[d.ix()].spill_over]).flatten().any(|d| {
        let deployment = &s.deployments[d.ix()];
        let own = deployment.error_rate > 0.0 && deployment.error == class;
        let limiter = deployment.quota.as_ref().map(|q| match q {
            QuotaUse::Own(q) => &q.limiter,
            QuotaUse::Shared(i) => &s.quotas[*i].quota.limiter,
        });
        let quota = match limiter {
            None => false,
            Some(LimiterConfig::Anthropic(_)) => {
                matches!(class, ErrorClass::RateLimited | ErrorClass::ProviderOverloaded)
            }
            Some(_) => matches!(class, ErrorClass::RateLimited | ErrorClass::QuotaExhausted),
        };
        let fault = s.faults.iter().any(|f| match &f.what {
            FaultWhat::ProviderDown { deployments, error } => *error == class && deployments.contains(&d),
            FaultWhat::ProviderBrownOut { deployments, error_rate, error, .. } => {
                *error == class && *error_rate > 0.0 && deployments.contains(&d)
            }
            FaultWhat::RegionDown { .. } | FaultWhat::DependencyDown { .. } | FaultWhat::SpotWithdrawn { .. } => false,
        });
        own || quota || fault
    })
}

/// Where a backoff stands.
pub(super) fn of_backoff(backoff: &RawBackoff) -> Loc {
    match backoff {
        RawBackoff::Exponential(t)
        | RawBackoff::FullJitter(t)
        | RawBackoff::EqualJitter(t)
        | RawBackoff::DecorrelatedJitter(t) => t.loc,
        RawBackoff::Grpc(g) => g.loc,
        RawBackoff::Envoy(e) => e.loc,
        RawBackoff::AwsStandard(n)
        | RawBackoff::AwsClassic(n)
        | RawBackoff::OpenAi(n)
        | RawBackoff::Anthropic(n)
        | RawBackoff::Portkey(n)
        | RawBackoff::Bifrost(n) => n.loc,
    }
}

fn of_budget(budget: &RawBudget) -> Loc {
    match budget {
        RawBudget::Finagle(f) => f.loc,
        RawBudget::Grpc(g) => g.loc,
        RawBudget::Envoy(e) => e.loc,
        RawBudget::AwsStandard(n) | RawBudget::AwsClassic(n) => n.loc,
    }
}
