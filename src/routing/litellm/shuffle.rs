//! `simple-shuffle`: a weighted random choice.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/simple_shuffle.py`. No state. The weights are those that the request brings
//! for this model (by deployment id, missing ones count 0), else `weight`, else `rpm`, else `tpm` of `litellm_params`: the
//! first of these lists whose largest number is above zero, divided by that number. One weighted draw; without any list
//! one uniform draw. A deployment that lacks the number in use has weight 0 and is never chosen, and one `weight` anywhere
//! among the candidates hides `rpm` and `tpm` of all.

use super::dep::Dep;
use super::why::{Explain, Why};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Figure;
use crate::units::DeploymentIx;

/// One of the candidates, which are not empty. `own` are the weights of the request.
pub(super) fn pick<E: Entropy, S: Explain>(
    deps: &[Dep],
    own: Option<&[f64]>,
    candidates: &[u16],
    entropy: &mut E,
    reasons: &mut S,
) -> u16 {
    let lists = own.map(Weights::Own).into_iter().chain((0..3).map(Weights::Of));
    for list in lists {
        let weight = |c: &u16| match list {
            Weights::Own(own) => own[usize::from(*c)],
            Weights::Of(metric) => deps[usize::from(*c)].weights[metric],
        };
        let largest = candidates.iter().map(weight).fold(0.0, f64::max);
        if largest <= 0.0 {
            continue;
        }
        let share = |c: &u16| weight(c) / largest;
        if reasons.on() {
            let total: f64 = candidates.iter().map(weight).sum();
            for c in candidates {
                let score = Figure::new(list.name(), weight(c));
                reasons.why(Why::Candidate { deployment: DeploymentIx(*c), score });
                reasons.known(*c, || Figure::new("chance", weight(c) / total));
            }
        }
        return candidates[entropy.weighted(candidates.iter().map(share))];
    }
    if reasons.on() {
        let score = Figure::new("chance, without weights", 1.0 / candidates.len() as f64);
        candidates.iter().for_each(|c| reasons.why(Why::Candidate { deployment: DeploymentIx(*c), score }));
    }
    candidates[entropy.pick(candidates.len())]
}

#[derive(Clone, Copy)]
enum Weights<'a> {
    Own(&'a [f64]),
    Of(usize),
}

impl Weights<'_> {
    fn name(self) -> &'static str {
        match self {
            Weights::Own(_) => "weight that the request brings",
            Weights::Of(0) => "weight",
            Weights::Of(1) => "weight, from rpm",
            Weights::Of(_) => "weight, from tpm",
        }
    }
}
