//! Hedging: what would never let calls race, and what means nothing beside it.

use super::idle::of_backoff;
use crate::scenario::decode::Cx;
use crate::scenario::model::{Pool, RetrySpec};
use crate::scenario::raw::{RawHedging, RawRetry, RawTopology};
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

/// Keys that mean nothing beside hedging in place of retries, and delays in which no call is out any more: calls are given up
/// after `first` without a token, and after `total` in any case.
pub fn races(RawHedging::Grpc(g): &RawHedging, r: &RawRetry, first: Span, total: Span, cx: &mut Cx) {
    if let Some(hedge) = r.hedge_after {
        cx.error(hedge.loc, "`hedge_after` and `hedging` are two ways to let calls race")
            .note(g.loc, "the other one")
            .help("`hedge_after` for one more call at a time, `hedging.grpc` for all attempts of a pool");
    }
    if let Some(backoff) = &r.backoff {
        cx.warning(
            of_backoff(backoff),
            "with `hedging.grpc` nothing is tried again after a pause, so `backoff` is without effect",
        );
    }
    let Some(delay) = g.delay else { return };
    if delay.value >= total {
        cx.error(
            delay.loc,
            format!("a call is given up after {}, so none is ever hedged after {}", total, delay.value),
        )
        .help("a shorter `delay`, or a longer `timeout.total`");
    } else if delay.value >= first {
        cx.warning(
            delay.loc,
            format!(
                "a streamed call without a token is given up after {}, so none is ever hedged after {}",
                first, delay.value
            ),
        )
        .help("a shorter `delay`, or a longer `timeout.first_token`");
    }
}

/// A hedged call goes to another member of the pool and counts as an attempt.
pub fn members(t: &RawTopology, chain: &[Pool], retry: &RetrySpec, cx: &mut Cx) {
    let Some(r) = &t.retry else { return };
    let (loc, key) = match (&r.hedging, r.hedge_after) {
        (Some(RawHedging::Grpc(g)), _) => (g.loc, "hedging"),
        (None, Some(hedge)) => (hedge.loc, "hedge_after"),
        (None, None) => return,
    };
    let (largest, attempts) = (chain.iter().map(|p| p.members.len()).max().unwrap_or(0), retry.attempts_per_pool);
    if attempts < 2 {
        cx.error(loc, "a hedged call counts as an attempt, and there is only one per pool")
            .help(format!("`attempts_per_pool` of 2 or more, or no `{key}`"));
    } else if largest < 2 {
        cx.error(loc, "no pool of the chain has a second deployment that a hedged call could go to");
    } else if r.hedging.is_some() && attempts as usize > largest {
        let at = r.attempts_per_pool.map_or(loc, |a| a.loc);
        cx.error(at, format!("no pool of the chain has {attempts} deployments that {attempts} calls could go to"))
            .help(format!("the largest has {largest}, and each call that races goes to one that was not tried"));
    }
}
