//! Hedging: what would never let calls race, and what means nothing beside it.

use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::model::{Pool, RetrySpec};
use crate::scenario::raw::{RawHedging, RawRetry, RawTimeout, RawTopology};
use crate::units::Span;

/// A second call that would come when the first is not out any more.
pub fn one_more(r: &RawRetry, first_token: Span, cx: &mut Cx) {
    let Some(hedge) = r.hedge_after else { return };
    cx.positive(hedge, "hedge_after");
    if hedge.value >= first_token {
        cx.error(
            hedge.loc,
            format!("a call is given up after {first_token}, so none is ever hedged after {}", hedge.value),
        )
        .help("a shorter `hedge_after`, or a longer `timeout.first_token`");
    }
}

/// Keys that mean nothing beside hedging in place of retries, and delays in which no call is out any more.
pub fn races(RawHedging::Grpc(g): &RawHedging, r: &RawRetry, timeout: &RawTimeout, cx: &mut Cx) {
    if let Some(hedge) = r.hedge_after {
        cx.error(hedge.loc, "`hedge_after` and `hedging` are two ways to let calls race")
            .note(g.loc, "the other one")
            .help("`hedge_after` for one more call at a time, `hedging.grpc` for all attempts of a pool");
    }
    if let Some(attempts) = r.attempts_per_pool {
        cx.error(attempts.loc, "with `hedging.grpc` its `max_attempts` says how many attempts a pool has")
            .note(g.loc, "that is here");
    }
    if r.backoff.is_some() {
        cx.warning(r.loc, "with `hedging.grpc` nothing is tried again after a pause, so `backoff` is without effect");
    }
    let first = cx.or_at(&timeout.first_token, &d::TIMEOUT_FIRST_TOKEN, timeout.loc);
    let total = cx.or_at(&timeout.total, &d::TIMEOUT_TOTAL, timeout.loc);
    let Some(delay) = g.delay else { return };
    if delay.value >= total.value {
        cx.error(
            delay.loc,
            format!("a call is given up after {}, so none is ever hedged after {}", total.value, delay.value),
        )
        .help("a shorter `delay`, or a longer `timeout.total`");
    } else if delay.value >= first.value {
        cx.warning(
            delay.loc,
            format!(
                "a streamed call without a token is given up after {}, so none is ever hedged after {}",
                first.value, delay.value
            ),
        );
    }
}

/// A hedged call goes to another member of the pool and counts as an attempt.
pub fn members(t: &RawTopology, chain: &[Pool], retry: &RetrySpec, cx: &mut Cx) {
    if let Some(RawHedging::Grpc(g)) = t.retry.as_ref().and_then(|r| r.hedging.as_ref()) {
        let largest = chain.iter().map(|p| p.members.len()).max().unwrap_or(0);
        if retry.attempts_per_pool as usize > largest {
            let all = retry.attempts_per_pool;
            cx.error(
                g.max_attempts.map_or(g.loc, |m| m.loc),
                format!("no pool of the chain has {all} deployments that {all} calls could go to"),
            )
            .help(format!("the largest has {largest}; each call goes to one that was not tried"));
        }
        return;
    }
    let Some(hedge) = t.retry.as_ref().and_then(|r| r.hedge_after) else { return };
    if retry.attempts_per_pool < 2 {
        cx.error(hedge.loc, "a hedged call counts as an attempt, and there is only one per pool")
            .help("`attempts_per_pool` of 2 or more, or no `hedge_after`");
    } else if chain.iter().all(|p| p.members.len() < 2) {
        cx.error(hedge.loc, "no pool of the chain has a second deployment that a hedged call could go to");
    }
}
