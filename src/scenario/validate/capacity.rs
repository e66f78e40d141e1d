//! Prompts that no deployment could take: longer than its model reads, or larger than its quota ever holds.

use super::models::Deployments;
use super::quota::SharedQuotas;
use crate::routing::limits::{Ask, LimiterConfig};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Context, DistSpec, QuotaUse, Sizes, Topology, Workload};
use crate::scenario::raw::{RawContext, RawScenario, RawSizes, RawTopology, RawWorkload};

/// Compares every workload with every deployment.
pub fn check(raw: &RawScenario, deployments: &Deployments, quotas: &SharedQuotas, workloads: &[Workload], cx: &mut Cx) {
    for w in workloads {
        let Some(written) = raw.workload.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == w.name) else {
            continue;
        };
        let prompts = Prompts::of(w, written.1, written.0.loc);
        for (i, (name, deployment)) in deployments.entries.iter().enumerate() {
            let Some(d) = deployment else { continue };
            if let Some((max, price)) = deployments.max_input[i] {
                too_long(w, &prompts, max, price, cx);
            }
            let limiter = match &d.quota {
                None => None,
                Some(QuotaUse::Own(q)) => Some(&q.limiter),
                Some(QuotaUse::Shared(q)) => quotas.entries[*q].1.as_ref().map(|q| &q.limiter),
            };
            if let Some(limiter) = limiter {
                too_large(w, limiter, deployments.quota_at[i].unwrap_or(name.loc), cx);
            }
        }
    }
}

/// Compares every workload with what the gateways of a topology let through.
pub fn gateways(
    resolved: &[Resolved<RawTopology>],
    topologies: &[(At<String>, Option<Topology>)],
    deployments: &Deployments,
    workloads: &[Workload],
    cx: &mut Cx,
) {
    for (name, topology) in topologies {
        let raw = resolved.iter().find(|r| r.name.value == name.value).and_then(|r| r.value.as_ref()?.limits.as_ref());
        for (deployment, limiter) in topology.iter().flat_map(|t| &t.limits) {
            let written = &deployments.entries[deployment.ix()].0.value;
            let quota = raw.into_iter().flat_map(|l| l.good()).find(|(n, _)| n.value == *written);
            let loc = quota.map_or(name.loc, |(_, q)| super::quota::loc(q));
            for w in workloads {
                too_large(w, limiter, loc, cx);
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

/// Whether a quota could let a workload's requests through: the shortest at least; that the longest never fits may be so in
/// production too, and is worth a warning.
fn too_large(w: &Workload, limiter: &LimiterConfig, loc: Loc, cx: &mut Cx) {
    let (least, most) = bounds(w);
    let never = |input: u64| {
        let input = u32::try_from(input).unwrap_or(u32::MAX);
        limiter.never_admits(&Ask { input, cached: 0, max_output: w.max_output_tokens })
    };
    const HELP: &str = "a larger quota, or a smaller `max_output`";
    if let Some(r) = never(least) {
        let message = format!(
            "the quota lets {} tokens through at most, but a turn of `{}` asks for at least {}: every one would be refused",
            r.most, w.name, r.asked
        );
        cx.error(loc, message).help(HELP);
    } else if let Some(r) = most.and_then(never) {
        let message = format!(
            "the quota lets {} tokens through at most, but a turn of `{}` may ask for {}: such turns would always be refused",
            r.most, w.name, r.asked
        );
        cx.warning(loc, message).help(HELP);
    }
}

/// How long prompts can be.
struct Prompts {
    /// Longest, where the scenario bounds it.
    most: Option<u64>,
    /// Whether the sizes of the workload make the longest, and not its context.
    from_sizes: bool,
    /// Where the longest is stated.
    loc: Loc,
}

impl Prompts {
    fn of(w: &Workload, raw: &RawWorkload, name: Loc) -> Prompts {
        let (_, most) = bounds(w);
        let (_, longest) = sizes(w);
        let sizes_loc = raw.sizes.as_ref().and_then(RawSizes::input_loc).unwrap_or(name);
        match (w.context, &raw.context) {
            (Context::Growing { max_tokens, .. }, Some(RawContext::Growing(g))) => {
                // a message that is longer than the context by itself is sent all the same
                let from_sizes = longest.is_some_and(|longest| longest > u64::from(max_tokens));
                let loc = if from_sizes { sizes_loc } else { g.max.as_ref().map_or(g.loc, |m| m.loc) };
                Prompts { most, from_sizes, loc }
            }
            _ => Prompts { most, from_sizes: true, loc: sizes_loc },
        }
    }
}

/// Shortest and, where the scenario bounds it, longest prompt of a turn.
pub(super) fn bounds(w: &Workload) -> (u64, Option<u64>) {
    let (low, high) = sizes(w);
    match w.context {
        Context::Growing { system_tokens, max_tokens } => {
            let (system, max) = (u64::from(system_tokens), u64::from(max_tokens));
            ((system + low).min(max.max(low)), Some(high.unwrap_or(0).max(max)))
        }
        Context::Fresh => (low.max(1), high),
    }
}

/// Shortest and, where it is bounded, longest input of a turn's own.
fn sizes(w: &Workload) -> (u64, Option<u64>) {
    match &w.sizes {
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
    }
}
