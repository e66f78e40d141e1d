//! Prompts that no deployment could take: longer than its model reads, or larger than its quota ever holds.

use super::models::Deployments;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Context, DistSpec, Sizes, Workload};
use crate::scenario::raw::{RawContext, RawDeployment, RawScenario, RawSizes, RawWorkload};

/// Compares every workload with every deployment.
pub fn check(
    raw: &RawScenario,
    deployments: &Deployments,
    resolved: &[Resolved<RawDeployment>],
    workloads: &[Workload],
    cx: &mut Cx,
) {
    for w in workloads {
        let Some(written) = raw.workload.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == w.name) else {
            continue;
        };
        let prompts = Prompts::of(w, written.1, written.0.loc);
        for ((name, deployment), max_input) in deployments.entries.iter().zip(&deployments.max_input) {
            let Some(d) = deployment else { continue };
            if let Some((max, price)) = *max_input {
                too_long(w, &prompts, max, price, cx);
            }
            if let Some(bucket) = d.quota.and_then(|q| q.tokens) {
                let quota =
                    resolved.iter().find(|r| r.name.value == name.value).and_then(|r| r.value.as_ref()?.quota.as_ref());
                let loc = quota
                    .map_or(name.loc, |q| q.token_burst.map(|b| b.loc).or(q.tokens.map(|t| t.loc)).unwrap_or(q.loc));
                too_large(w, &prompts, bucket.capacity, loc, cx);
            }
        }
    }
}

/// What a model reads. A trace is as it is, so its rows are counted; everything else can be stated differently.
fn too_long(w: &Workload, prompts: &Prompts, max: u64, price: Loc, cx: &mut Cx) {
    if let (Context::Fresh, Sizes::Trace(t)) = (w.context, &w.sizes) {
        let (all, long) = (t.rows.len(), t.rows.iter().filter(|r| u64::from(r.1) > max).count());
        if long > 0 {
            let message =
                format!("{long} of the {all} rows of `{}` are longer than the {max} tokens a model reads", t.name);
            let d = if long == all { cx.error(prompts.loc, message) } else { cx.warning(prompts.loc, message) };
            d.note(price, "the model, by its price");
        }
        return;
    }
    let Some(most) = prompts.most.filter(|&most| most > max) else { return };
    let message = match w.context {
        Context::Growing { .. } if !prompts.from_sizes => {
            format!("the context may grow to {most} tokens, but a model reads at most {max}")
        }
        _ => format!("a prompt may have {most} tokens, but a model reads at most {max}"),
    };
    cx.error(prompts.loc, message).note(price, "the model, by its price");
}

/// What a bucket of tokens holds: the prompt and `max_output` are reserved together.
fn too_large(w: &Workload, prompts: &Prompts, capacity: u64, loc: Loc, cx: &mut Cx) {
    let output = u64::from(w.max_output_tokens);
    let least = prompts.least + output;
    if least > capacity {
        let message = format!(
            "the token bucket holds {capacity}, but a turn of `{}` reserves at least {least}: every one would be refused",
            w.name
        );
        cx.error(loc, message).help("a larger quota, or a smaller `max_output`");
    } else if let Some(most) = prompts.most.map(|most| most + output).filter(|&most| most > capacity) {
        let message = format!(
            "the token bucket holds {capacity}, but a turn of `{}` may reserve up to {most}: such turns would always be \
             refused",
            w.name
        );
        cx.warning(loc, message).help("a larger quota, or a smaller `max_output`, or shorter prompts");
    }
}

/// How long prompts can be.
struct Prompts {
    /// Shortest.
    least: u64,
    /// Longest, where the scenario bounds it.
    most: Option<u64>,
    /// Whether the sizes of the workload make the longest, and not its context.
    from_sizes: bool,
    /// Where the longest is stated.
    loc: Loc,
}

impl Prompts {
    fn of(w: &Workload, raw: &RawWorkload, name: Loc) -> Prompts {
        let (low, high) = match &w.sizes {
            Sizes::Fixed { input, .. } => (u64::from(*input), Some(u64::from(*input))),
            Sizes::Independent { input, .. } => match *input {
                DistSpec::Constant(x) => (x as u64, Some(x as u64)),
                DistSpec::Uniform { min, max } => (min as u64, Some(max as u64)),
                DistSpec::Exponential { .. } | DistSpec::LogNormal { .. } => (1, None),
            },
            Sizes::Trace(t) => {
                let inputs = || t.rows.iter().map(|r| u64::from(r.1));
                (inputs().min().unwrap_or(1), inputs().max())
            }
        };
        let sizes_loc = raw.sizes.as_ref().and_then(RawSizes::input_loc).unwrap_or(name);
        match (w.context, &raw.context) {
            (Context::Growing { system_tokens, max_tokens }, Some(RawContext::Growing(g))) => {
                let (system, max) = (u64::from(system_tokens), u64::from(max_tokens));
                // a message that is longer than the context by itself is sent all the same
                let from_sizes = high.is_some_and(|high| high > max);
                Prompts {
                    least: (system + low).min(max.max(low)),
                    most: Some(high.unwrap_or(0).max(max)),
                    from_sizes,
                    loc: if from_sizes { sizes_loc } else { g.max.as_ref().map_or(g.loc, |m| m.loc) },
                }
            }
            _ => Prompts { least: low.max(1), most: high, from_sizes: true, loc: sizes_loc },
        }
    }
}
