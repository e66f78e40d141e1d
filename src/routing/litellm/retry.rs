//! Retries: how many, of what, and after which pause.
//!
//! Source: LiteLLM 1.106.2, `router.py: async_function_with_retries`, `should_retry_this_error`,
//! `_time_to_sleep_before_retry`; `utils.py: calculate_retry_after`; `router_utils/get_retry_from_policy.py`.
//!
//! * Budget: the request's `num_retries`, else the failed deployment's, else the router's. A retry policy, of the model or of
//!   the router, replaces it for the classes that it names and also overrides what follows, unless the request asks for 0.
//! * Not tried again: a prompt that is too long, if there are context-window fallbacks; a refusal by content policy, if
//!   there are fallbacks for that; statuses other than 408, 409, 429 and 5xx, except 401 and 403 where the model has more
//!   than one deployment; a 429 when nobody is healthy and there are fallbacks; anything when nobody is healthy.
//! * Pause: none if the model has more than one deployment and somebody is healthy. Otherwise, with r the Retry-After
//!   header and J uniform in [0, 0.75) s: r + J if 0 < r ≤ 60, else min(max(0.5 · 2^k, `retry_after`), 8) + J, where k
//!   counts from 0. J is drawn in either case. The pause is also made after the last retry has failed.

use super::chains::FallbackSet;
use super::config::Config;
use super::failure::{Exception, Failure, Policy};
use super::journey::Frame;
use super::plan::Plan;
use super::resolve::Resolution;
use super::state::State;
use crate::routing::entropy::Entropy;
use crate::units::{Span, Time};

/// Longest Retry-After that is obeyed, in seconds.
const MAX_RETRY_AFTER_S: u64 = 60;

/// Deployments of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Census {
    /// Neither cooling down nor blocked.
    pub healthy: usize,
    /// All; 0 when the model was asked for by a deployment's id.
    pub all: usize,
}

/// Counts a model's deployments, whatever the request's team and tags.
pub(super) fn census(plan: &Plan, state: &mut State, now: Time, frame: &Frame) -> Census {
    let Some(Resolution::Pool(pool)) = plan.models[frame.model.ix()].resolution.first() else {
        return Census { healthy: 0, all: 0 };
    };
    let mut healthy = 0;
    for c in pool {
        let ix = usize::from(c.deployment);
        healthy += usize::from(!plan.config.deployments[ix].blocked && state.health[ix].cooling(now).is_none());
    }
    Census { healthy, all: pool.len() }
}

/// Whether the failure is one that is tried again.
pub(super) fn is_tried_again(failure: &Failure, census: Census, fallbacks: &FallbackSet) -> bool {
    let exception = failure.exception();
    let refused = failure.status().is_some_and(|s| !Failure::retryable_status(s) && s != 401 && s != 403);
    let own_list = (exception == Exception::ContextWindow && fallbacks.context.is_some())
        || (exception == Exception::ContentPolicy && fallbacks.content.is_some());
    let alone = matches!(exception, Exception::Authentication | Exception::PermissionDenied) && census.all <= 1;
    !own_list && !refused && exception != Exception::NotFound && !alone && census.healthy > 0
}

/// How often the request may be tried again, and whether a policy says so.
pub(super) fn budget(plan: &Plan, frame: &Frame, options: &super::plan::Opts, failure: &Failure) -> (u32, bool) {
    let plain = frame.num_retries.or(failure.num_retries).unwrap_or(plan.config.num_retries);
    if frame.num_retries == Some(0) {
        return (plain, false);
    }
    let of_model: Option<Policy> = match &options.retry_policies {
        Some(own) => own[frame.model.ix()],
        None => plan.models[frame.model.ix()].retry_policy,
    };
    match of_model.or(plan.config.retry_policy).and_then(|p| p.retries(failure)) {
        Some(retries) => (retries, true),
        None => (plain, false),
    }
}

/// The pause before the next retry, in seconds.
pub(super) fn pause<E: Entropy>(
    config: &Config,
    failure: &Failure,
    census: Census,
    all_at_first: usize,
    retries_made: u32,
    entropy: &mut E,
) -> f64 {
    if all_at_first != 1 && census.healthy > 0 {
        return 0.0;
    }
    let b = config.backoff;
    let jitter = b.jitter_s * entropy.uniform();
    match failure.retry_after_s {
        Some(r) if r > 0 && r <= MAX_RETRY_AFTER_S => r as f64 + jitter,
        _ => {
            let mut delay = b.initial_s;
            for _ in 0..retries_made.min(64) {
                delay *= 2.0;
            }
            delay.max(config.retry_after_s).min(b.max_s) + jitter
        }
    }
}

/// As a span.
pub(super) fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds)
}
