//! The way through the tree: down to a target, and on after it has answered.
//!
//! Source: Portkey-AI/gateway 669825c, `handlerUtils.ts: tryTargetsRecursively`. Targets whose circuit is open are taken out of a
//! strategy's list when it is entered, unless all of them are open. `loadbalance` draws one uniform number against the running
//! sum of weights and never turns to another target. `fallback` ends with the first answer whose status is not in its list, or
//! that is successful if it has no list; if all fail, with the last one. A request that no condition fits is refused as
//! a whole, whatever fallbacks stand above.
//!
//! ASSUMPTION: only targets that call have circuits; a strategy has none, because the original tells the breaker of calls
//! only.

use super::circuit::Circuit;
use super::config::{Condition, Mode};
use super::journey::{End, Journey, Level};
use super::plan::{Kind, Plan, TargetIx, decide};
use super::query::Context;
use super::why::{Excerpt, Explain, Why};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::units::Time;

/// The tree and the state of its circuits at one moment.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub plan: &'a Plan,
    /// By node.
    pub circuits: &'a [Circuit],
    pub now: Time,
}

/// Where a way down ends.
pub(super) enum Stop {
    /// At a target that is called.
    Call(TargetIx),
    /// At a strategy with nobody to choose: an answer without a status.
    Nobody,
}

/// The fields that each condition looks at, until one holds.
fn say_what_was_looked_at<S: ReasonSink>(conditions: &[Condition], context: &Context, reasons: &mut S) {
    for (i, c) in conditions.iter().enumerate() {
        let holds = c.query.look(context, &mut |key, field, holds| {
            let value = field.map(|f| f.excerpt());
            reasons.why(|| Why::Looked { condition: i as u16, field: Excerpt::of(key), value, holds });
        });
        if holds {
            return;
        }
    }
}

impl View<'_> {
    /// Down from a node. An error ends the request.
    pub fn descend<E: Entropy, S: ReasonSink>(
        self,
        journey: &mut Journey,
        mut node: TargetIx,
        context: &Context,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Result<Stop, End> {
        loop {
            let Kind::Strategy { mode, targets } = &self.plan.nodes[node.ix()].kind else {
                return Ok(Stop::Call(node));
            };
            reasons.why(|| Why::Entered { strategy: node, mode: mode.name() });
            let mut left = 0;
            let position = match mode {
                Mode::Conditional { conditions, default } => {
                    if reasons.on() {
                        say_what_was_looked_at(conditions, context, reasons);
                    }
                    let Some((then, by)) = decide(conditions, *default, context) else {
                        reasons.why(|| Why::NoMatch);
                        return Err(End::NoMatch);
                    };
                    let target = targets[then];
                    reasons.why(|| match by {
                        Some(i) => Why::Matched { condition: i as u16, target },
                        None => Why::Default { target },
                    });
                    then
                }
                Mode::Single | Mode::Fallback { .. } => {
                    let fit = self.in_service(targets, reasons);
                    if matches!(mode, Mode::Fallback { .. }) {
                        left = fit & (fit - 1);
                    }
                    journey.passed_over |= fit & 1 == 0;
                    fit.trailing_zeros() as usize
                }
                Mode::LoadBalance => {
                    let fit = self.in_service(targets, reasons);
                    let weight =
                        |i: usize| if fit >> i & 1 == 1 { self.plan.nodes[targets[i].ix()].weight } else { 0.0 };
                    if reasons.on() {
                        let total: f64 = (0..targets.len()).map(weight).sum();
                        for i in (0..targets.len()).filter(|i| fit >> i & 1 == 1) {
                            let chance = if total > 0.0 { weight(i) / total } else { 0.0 };
                            reasons.why(|| Why::Weight { target: targets[i], weight: weight(i), chance });
                        }
                    }
                    if (0..targets.len()).all(|i| weight(i) == 0.0) {
                        reasons.why(|| Why::NoTarget);
                        return Ok(Stop::Nobody);
                    }
                    entropy.weighted((0..targets.len()).map(weight))
                }
            };
            journey.levels[usize::from(journey.depth)] = Level { strategy: node, left };
            journey.depth += 1;
            node = targets[position];
        }
    }

    /// Targets that are not left out, one bit each; at least one.
    fn in_service<S: ReasonSink>(self, targets: &[TargetIx], reasons: &mut S) -> u64 {
        let all = if targets.len() == 64 { u64::MAX } else { (1 << targets.len()) - 1 };
        let mut fit = all;
        for (i, t) in targets.iter().enumerate() {
            if let Some(until) = self.circuits[t.ix()].open(self.now) {
                fit &= !(1 << i);
                reasons.why(|| Why::Open { deployment: self.plan.call(*t).deployment, until });
            } else if reasons.on()
                && let Some((failures, answers)) = self.circuits[t.ix()].counted(self.now)
            {
                let deployment = self.plan.call(*t).deployment;
                reasons.why(|| Why::Counted { deployment, failures, answers });
            }
        }
        if fit == 0 {
            reasons.why(|| Why::AllOpen);
            return all;
        }
        fit
    }

    /// The target that is tried next after an answer with this status, or nobody.
    pub fn next<S: ReasonSink>(self, journey: &mut Journey, status: Option<u16>, reasons: &mut S) -> Option<TargetIx> {
        while journey.depth > 0 {
            let level = &mut journey.levels[usize::from(journey.depth) - 1];
            let Kind::Strategy { mode, targets } = &self.plan.nodes[level.strategy.ix()].kind else {
                unreachable!("levels are strategies")
            };
            if let Mode::Fallback { on_status_codes } = mode {
                // only failures come here, so without a list every answer leads on
                let goes_on = on_status_codes.as_ref().is_none_or(|codes| status.is_some_and(|s| codes.contains(&s)));
                if goes_on && level.left != 0 {
                    let target = targets[level.left.trailing_zeros() as usize];
                    level.left &= level.left - 1;
                    reasons.why(|| Why::FellBack { target });
                    return Some(target);
                }
                if !goes_on {
                    let strategy = level.strategy;
                    reasons.why(|| Why::Kept { strategy });
                }
            }
            journey.depth -= 1;
        }
        None
    }
}
