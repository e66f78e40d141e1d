//! The checks between a pick and its call.
//!
//! Source: LiteLLM 1.106.2, `router.py: _acompletion` (the deployment's semaphore, then `async_routing_strategy_pre_call_checks`).
//! First the deployment must have a slot (`max_parallel_requests`), then usage-based routing v2 must find its limits kept, then
//! the deployment's own limits must hold (`enforce_model_rate_limits`).

use super::failure::{Cause, Failure};
use super::journey::Journey;
use super::plan::Plan;
use super::rate_limit::{self, Reservation};
use super::state::State;
use super::usage_v2;
use crate::units::{DeploymentIx, Time};
use std::num::NonZeroU32;

/// Why a deployment that was picked is not called.
pub(super) enum Refused {
    /// All its slots are in use.
    NoSlot(Failure),
    /// A limit of the router's own is reached.
    AtLimit(Failure),
}

/// Passes the checks of the deployment that was picked. The counter of the slot that the call has then, if slots are
/// counted; what it has reserved stands with the request. Who is refused holds nothing.
pub(super) fn admit(
    plan: &Plan,
    state: &mut State,
    now: Time,
    d: u16,
    journey: &mut Journey,
) -> Result<Option<NonZeroU32>, Refused> {
    let ix = usize::from(d);
    let (own, dep) = (&plan.config.deployments[ix], &plan.deps[ix]);
    if dep.unchecked {
        return Ok(None);
    }
    let deployment = Some(DeploymentIx(d));
    let slot = match dep.slots {
        0 => None,
        limit => match state.slots[ix].take(now, limit) {
            Some(counter) => Some(counter),
            None => {
                let failure = Failure::of(Cause::AllSlotsInUse);
                return Err(Refused::NoSlot(Failure { num_retries: own.num_retries, deployment, ..failure }));
            }
        },
    };
    if !plan.registered.usage_v2 && !plan.config.enforce_rate_limits {
        return Ok(slot);
    }
    match limits(plan, state, now, d, journey) {
        Ok(reservation) => {
            journey.memory.reservation = reservation;
            Ok(slot)
        }
        Err(num_retries) => {
            if let Some(counter) = slot {
                state.slots[ix].give_back(counter);
            }
            Err(Refused::AtLimit(Failure {
                retry_after_s: Some(rate_limit::RETRY_AFTER_S),
                num_retries: num_retries.or(own.num_retries),
                deployment,
                ..Failure::of(Cause::OwnRateLimit)
            }))
        }
    }
}

/// The limits of usage-based v2, then the deployment's own. `Err` holds the retries that the refusal allows.
fn limits(
    plan: &Plan,
    state: &mut State,
    now: Time,
    d: u16,
    journey: &Journey,
) -> Result<Option<Reservation>, Option<u32>> {
    let ix = usize::from(d);
    let (own, dep) = (&plan.config.deployments[ix], &plan.deps[ix]);
    let minute = plan.config.calendar.utc_minute(now);
    if plan.registered.usage_v2 && !usage_v2::check(minute, dep, &mut state.usage[ix]) {
        return Err(None);
    }
    let mut reservation = None;
    if plan.config.enforce_rate_limits {
        if dep.io_limited {
            reservation = state.io[ix].reserve(minute, own, journey.input_tokens, journey.max_output);
            if reservation.is_none() {
                return Err(Some(0));
            }
        }
        if dep.limited && !rate_limit::check(minute, own, dep, &mut state.usage[ix]) {
            if let Some(made) = reservation {
                state.io[ix].refund(made);
            }
            return Err(Some(0));
        }
    }
    Ok(reservation)
}
