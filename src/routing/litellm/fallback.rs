//! Fallbacks: where a request goes after a model's retries have failed.
//!
//! Source: LiteLLM 1.106.2, `router.py: async_function_with_fallbacks_common_utils`, `_maybe_run_weighted_failover`;
//! `router_utils/fallback_event_handlers.py`. The mechanisms, in this order:
//!
//! 1. **Order**: the model's deployments have more than one order and the failure is neither about the context window nor
//!    about content: the higher orders, one after the other, then the model's general fallbacks, as one list. If all of it
//!    fails, the last failure is the answer.
//! 2. **Weighted failover** (if enabled, with simple-shuffle, and not for those two failures): the same model without the
//!    deployment that failed, while healthy others remain. If it fails, the search goes on.
//! 3. **The request's own plain list**, as it stands.
//! 4. **Context-window and content-policy fallbacks** for those two failures: a list without a chain for the model ends the
//!    search; without a list the general fallbacks serve.
//! 5. **General fallbacks**: the chain of the model, else of the model that was asked for at first; each by exact name, then
//!    by the name without or with its provider. `*` only when neither has one. After 3 to 5 a failure of all leaves the
//!    failure of the model itself as the answer.
//!
//! A list is only entered below `max_fallbacks` hops, but then walked to its end. A target that was tried for this request
//! is skipped, and so is the model that has just failed. A target has retries and fallbacks of its own; its own chain
//! missing, it resumes the one of the model that was asked for, so a list is flat in effect.
//!
//! A stream that breaks before its first token is not retried: the search for fallbacks goes on from the model that was
//! streaming, without the levels around it. After the first token the provider's failure is the answer, and so it is at any
//! time if it is a 4xx other than 429 (`litellm_core_utils/streaming_handler.py: _handle_stream_fallback_error`).

use super::chains::{Chains, FallbackSet, Hop, Lookup};
use super::failure::{Exception, Failure};
use super::journey::{Attempted, Frame, Journey, Memory, Walk};
use super::plan::{ModelIx, Plan};
use super::state::State;
use super::why::Mechanism;
use crate::units::Time;

/// The chain of a list for a model on the way to which `asked` was asked for.
fn chain_of(list: &Chains, model: ModelIx, asked: ModelIx) -> Option<u16> {
    match list {
        Chains::Plain(chain) => Some(*chain),
        Chains::ByModel(by_model) => {
            let of = |m: ModelIx| by_model.get(m.ix()).copied().flatten();
            let found: [Option<Lookup>; 2] = [of(model), of(asked)];
            let specific = found.into_iter().flatten().find(|l| l.specific);
            specific.or(found.into_iter().flatten().next()).map(|l| l.chain)
        }
    }
}

/// Whether the failure has fallbacks of its own kind, which order and failover leave it to.
fn has_own_kind(failure: &Failure) -> bool {
    !failure.in_stream && matches!(failure.exception(), Exception::ContextWindow | Exception::ContentPolicy)
}

/// What a level does about its failure.
pub(super) enum Turn {
    /// It walks a list.
    Walk(Walk),
    /// It fails with this.
    Fail(Failure),
}

/// Everything a decision needs to read.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub plan: &'a Plan,
    pub lists: &'a FallbackSet,
    pub asked: ModelIx,
}

fn walk(frame: &Frame, by: Mechanism, orders: (usize, usize), chain: Option<u16>, last: Failure) -> Walk {
    Walk {
        by,
        orders,
        chain,
        next: 0,
        depth: frame.depth,
        model: frame.model,
        num_retries: frame.num_retries,
        excluded: frame.excluded,
        last,
    }
}

/// The first mechanism that applies to a level that has just failed.
pub(super) fn first(view: View<'_>, frame: &Frame, failure: Failure) -> Option<Turn> {
    let model = &view.plan.models[frame.model.ix()];
    if model.orders.len() < 2 || has_own_kind(&failure) {
        return None;
    }
    let tried = frame.target_order.unwrap_or(model.orders[0]);
    let higher = model.orders.partition_point(|o| *o <= tried);
    let orders = (higher, model.orders.len() - higher);
    let chain = view.lists.general.as_ref().and_then(|l| chain_of(l, frame.model, view.asked));
    let any = orders.1 > 0 || chain.is_some_and(|c| !view.plan.chains[usize::from(c)].is_empty());
    any.then(|| Turn::Walk(walk(frame, Mechanism::Order, orders, chain, failure)))
}

/// Weighted failover, if it applies: remembers the deployment that failed.
pub(super) fn failover(
    view: View<'_>,
    state: &mut State,
    now: Time,
    excluded: &mut Vec<u16>,
    frame: &mut Frame,
    is_shuffle: bool,
    failure: Failure,
) -> Option<Turn> {
    let failed = failure.deployment().filter(|_| view.plan.config.weighted_failover && is_shuffle)?.0;
    if has_own_kind(&failure) {
        return None;
    }
    let mut remains = false;
    for c in &view.plan.models[frame.model.ix()].listed {
        let known = c.deployment == failed || excluded[..frame.remembered].contains(&c.deployment);
        remains |= !known && state.health[usize::from(c.deployment)].cooling(now).is_none();
    }
    if !remains {
        return None;
    }
    excluded.truncate(frame.remembered);
    if !excluded.contains(&failed) {
        excluded.push(failed);
    }
    frame.remembered = excluded.len();
    let hop = Walk { excluded: excluded.len(), ..walk(frame, Mechanism::WeightedFailover, (0, 1), None, failure) };
    Some(Turn::Walk(hop))
}

/// What follows when order and failover do not apply, or failover has failed.
pub(super) fn lists(view: View<'_>, frame: &Frame, failure: Failure) -> Turn {
    let enter = |by, chain| Turn::Walk(walk(frame, by, (0, 0), Some(chain), failure));
    if let Some(Chains::Plain(chain)) = view.lists.general
        && view.lists.any_general
    {
        return enter(Mechanism::List, chain);
    }
    let own = match failure.exception() {
        _ if !has_own_kind(&failure) => None,
        Exception::ContextWindow => view.lists.context.as_ref().map(|l| (Mechanism::ContextWindow, l)),
        Exception::ContentPolicy => view.lists.content.as_ref().map(|l| (Mechanism::ContentPolicy, l)),
        _ => None,
    };
    let (by, list) = match (own, &view.lists.general) {
        (Some(own), _) => own,
        (None, Some(general)) => (Mechanism::General, general),
        (None, None) => return Turn::Fail(failure),
    };
    chain_of(list, frame.model, view.asked).map_or(Turn::Fail(failure), |chain| enter(by, chain))
}

/// Marks the start of a walk: the model that failed counts as tried. The model that was asked for starts from an empty list.
pub(super) fn enter(memory: &mut Memory) {
    let level = memory.frames.last().expect("a level walks");
    if level.depth == 0 {
        memory.attempted.clear();
    }
    record(&mut memory.attempted, Attempted::Key(u32::from(level.model.0)));
}

fn record(attempted: &mut Vec<Attempted>, key: Attempted) -> bool {
    let new = !attempted.contains(&key);
    if new {
        attempted.push(key);
    }
    new
}

/// The next level of the walk of the innermost level, or `None` when its list is at its end.
pub(super) fn next_hop(plan: &Plan, memory: &mut Memory) -> Option<Frame> {
    let at = memory.frames.len() - 1;
    let frame = memory.frames[at];
    let mut walk = frame.walk.expect("a level that walks has a list");
    let chain: &[Hop] = walk.chain.map_or(&[], |c| &plan.chains[usize::from(c)]);
    let mut hop = None;
    while walk.next < walk.orders.1 + chain.len() {
        let next = walk.next;
        walk.next += 1;
        let mut order = None;
        if next < walk.orders.1 {
            // an entry of the same model: another order, or other deployments
            if walk.by == Mechanism::Order {
                let target = plan.models[frame.model.ix()].orders[walk.orders.0 + next];
                if !record(&mut memory.attempted, Attempted::Order(frame.model, target)) {
                    continue;
                }
                order = Some(target);
            }
            walk.model = frame.model;
        } else {
            let entry = chain[next - walk.orders.1];
            if entry.bare && entry.model == Some(frame.model) {
                continue;
            }
            if !record(&mut memory.attempted, Attempted::Key(entry.key)) {
                continue;
            }
            walk.model = entry.model.unwrap_or(walk.model);
            walk.num_retries = entry.num_retries.or(walk.num_retries);
        }
        walk.depth += 1;
        let mut level = Frame::new(walk.model, walk.depth, walk.num_retries, memory.refused.len());
        level.target_order = order;
        level.excluded = walk.excluded;
        level.remembered = frame.remembered.max(walk.excluded);
        hop = Some(level);
        break;
    }
    memory.frames[at].walk = Some(walk);
    hop
}

/// Ends the innermost level: what it kept in the shared lists is dropped.
pub(super) fn leave(journey: &mut Journey) {
    let memory: &mut Memory = &mut journey.memory;
    let Some(level) = memory.frames.pop() else { return };
    memory.refused.truncate(level.refused_from);
    if let Some(outer) = memory.frames.last() {
        memory.excluded.truncate(outer.remembered);
    }
}
