//! Entries of `model_list`: deployments of the scenario under the names of groups.

use super::{Known, Use, policy};
use crate::routing::litellm::config::{Budget, Deployment as Entry, Limit};
use crate::scenario::decode::{Cx, List};
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::raw::RawLiteLlmEntry;
use crate::scenario::raw::litellm::{MOST_ENTRIES, MOST_FAILS, MOST_PARALLEL, MOST_RETRIES};
use crate::units::DeploymentIx;

pub(super) fn entries(
    list: &List<RawLiteLlmEntry>,
    known: &Known<'_>,
    cx: &mut Cx,
) -> Option<Vec<(DeploymentIx, Entry)>> {
    if list.written == 0 {
        cx.error(list.loc, "`model_list` is empty").expected("at least one deployment");
        return None;
    }
    if list.written > MOST_ENTRIES {
        cx.error(list.loc, format!("{} entries of `model_list`", list.written))
            .expected(format!("at most {MOST_ENTRIES}"));
        return None;
    }
    let uses = |deployment: &str| {
        let named = |e: &&RawLiteLlmEntry| e.deployment.as_ref().is_some_and(|d| d.value == deployment);
        list.items.iter().filter(named).count()
    };
    let mut ids: Vec<(String, Loc)> = Vec::new();
    let mut out = Vec::new();
    for raw in &list.items {
        let Some(read) = entry(raw, known, uses, cx) else { continue };
        let loc = raw.id.as_ref().map_or(raw.loc, |id| id.loc);
        if let Some((_, first)) = ids.iter().find(|(id, _)| *id == read.1.id) {
            let first = *first;
            cx.error(loc, format!("two entries of `model_list` have the id `{}`", read.1.id)).note(first, "the first");
        }
        ids.push((read.1.id.clone(), loc));
        out.push(read);
    }
    (out.len() == list.written).then_some(out)
}

fn entry(
    raw: &RawLiteLlmEntry,
    known: &Known<'_>,
    uses: impl Fn(&str) -> usize,
    cx: &mut Cx,
) -> Option<(DeploymentIx, Entry)> {
    let group = raw.model_name.as_ref()?;
    let name = raw.deployment.as_ref()?;
    let ix = known.deployments.named(name, cx)?;
    let d = known.deployments.entries[ix].1.as_ref();
    let limit = |v: Option<At<u64>>| Limit { params: v.map(|v| v.value), ..Limit::default() };
    let max = raw.max_budget.as_ref();
    let budget = match (max, &raw.budget_duration) {
        (Some(max), Some(per)) => Some(Budget { max: max.value.0.as_dollars_f64(), per: per.value.0 }),
        (Some(max), None) => {
            cx.error(max.loc, "LiteLLM keeps a budget only together with its `budget_duration`");
            None
        }
        (None, Some(per)) => {
            cx.error(per.loc, "a `budget_duration` without a `max_budget` means nothing");
            None
        }
        (None, None) => None,
    };
    if let Some(w) = &raw.weight
        && w.value < 0.0
    {
        cx.error(w.loc, format!("negative weight {}", w.value));
    }
    let per_token = |p: crate::units::Price| p.cost(1_000_000).as_dollars_f64() / 1e6;
    let tags = raw.tags.iter().flat_map(|t| &t.items).map(|t| t.value.clone());
    let id = match (&raw.id, uses(&name.value)) {
        (Some(id), _) => id.value.clone(),
        (None, 1) => name.value.clone(),
        (None, _) => format!("{}/{}", group.value, name.value),
    };
    let entry = Entry {
        id,
        model_name: group.value.clone(),
        model: match (&raw.model, d) {
            (Some(model), _) => model.value.clone(),
            (None, Some(d)) => format!("{}/{}", d.provider, d.model),
            (None, None) => String::new(),
        },
        provider: match (&raw.custom_llm_provider, &raw.model) {
            (Some(provider), _) => Some(provider.value.clone()),
            // as LiteLLM derives it from the name
            (None, Some(_)) => None,
            (None, None) => d.map(|d| d.provider.clone()),
        },
        weight: raw.weight.map(|w| w.value),
        rpm: limit(raw.rpm),
        tpm: limit(raw.tpm),
        itpm: raw.itpm.map(|v| v.value),
        otpm: raw.otpm.map(|v| v.value),
        order: raw.order.map(|v| v.value),
        max_parallel_requests: raw
            .max_parallel_requests
            .map(|v| cx.count(v, "max_parallel_requests", 0..=MOST_PARALLEL)),
        timeout: raw.timeout.map(|v| v.value),
        stream_timeout: raw.stream_timeout.map(|v| v.value),
        num_retries: raw.num_retries.map(|v| cx.count(v, "num_retries", 0..=MOST_RETRIES)),
        cooldown_time: raw.cooldown_time.map(|v| v.value),
        region_name: raw.region_name.as_ref().map(|v| v.value.clone()),
        tags: tags.collect(),
        tag_regex: Vec::new(),
        budget,
        input_cost_per_token: raw.input_cost_per_token.as_ref().map(|v| per_token(v.value.0)),
        output_cost_per_token: raw.output_cost_per_token.as_ref().map(|v| per_token(v.value.0)),
        listed_price: d.map(|d| (per_token(d.input_price), per_token(d.output_price))),
        listed_cached_price: d.filter(|d| d.prompt_cache.is_some()).map(|d| per_token(d.cached_price)),
        max_input_tokens: raw.max_input_tokens.map(|v| v.value),
        max_output_tokens: raw.max_output_tokens.map(|v| v.value),
        blocked: raw.blocked.is_some_and(|b| b.value),
        allowed_fails: raw.allowed_fails.map(|v| cx.count(v, "allowed_fails", 0..=MOST_FAILS)),
        allowed_fails_policy: raw.allowed_fails_policy.as_ref().map(|p| policy(p, Use::AllowedFails, cx)),
        enable_tag_filtering: raw.enable_tag_filtering.map(|b| b.value),
        allow_fail_open: raw.allow_fail_open.is_some_and(|b| b.value),
        ..Entry::default()
    };
    Some((DeploymentIx::new(ix), entry))
}
