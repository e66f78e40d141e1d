//! Settings that can be run and do nothing, or less than they seem to.

use crate::routing::litellm::config::{Config, Deployment, Strategy};
use crate::routing::litellm::names;
use crate::scenario::decode::{Cx, List};
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::raw::{RawLiteLlmEntry, RawLiteLlmGateway, RawLiteLlmRequest, RawLiteLlmStrategy};
use crate::scenario::suggest::did_you_mean;

/// What can be run and does nothing.
pub(super) fn doubts(raw: &RawLiteLlmGateway, list: &List<RawLiteLlmEntry>, config: &Config, cx: &mut Cx) {
    let reads_args = |s: Strategy| s == Strategy::Latency;
    if let Some(a) = raw.routing_strategy_args.as_ref().filter(|_| !reads_args(config.strategy)) {
        cx.warning(a.loc, format!("`{}` reads no arguments", config.strategy.name()))
            .help("they are those of `latency-based-routing`");
    }
    for g in raw.routing_groups.iter().flat_map(|l| &l.items) {
        let latency = matches!(g.routing_strategy, Some(RawLiteLlmStrategy::Latency(_)));
        if let Some(a) = g.routing_strategy_args.as_ref().filter(|_| !latency) {
            cx.warning(a.loc, "the strategy of the group reads no arguments")
                .help("they are those of `latency-based-routing`");
        }
    }
    if config.weighted_failover && config.strategy != Strategy::SimpleShuffle {
        let loc = raw.enable_weighted_failover.map_or(raw.loc, |v| v.loc);
        cx.error(loc, "weighted failover only acts in `simple-shuffle`");
    }
    let filters = |e: &RawLiteLlmEntry| e.enable_tag_filtering.is_some_and(|v| v.value);
    let tags_count = config.tag_filtering || list.items.iter().any(filters);
    for r in raw.request.iter().flat_map(|l| &l.items) {
        if let Some(tags) = r.tags.as_ref().filter(|_| !tags_count && config.tag_budgets.is_empty()) {
            cx.error(tags.loc, "tags of requests do nothing without `enable_tag_filtering`");
        }
        if let Some(region) = r.allowed_model_region.as_ref().filter(|_| !config.pre_call_checks) {
            cx.error(region.loc, "`allowed_model_region` does nothing without `enable_pre_call_checks`");
        }
    }
    switches(raw, list, config, tags_count, cx);
    weights(list, cx);
    providers(raw, config, cx);
    requests(raw, cx);
    empty(raw, cx);
    itself(raw, cx);
}

/// Settings whose rule is off: one warning for each, at the first.
fn switches(raw: &RawLiteLlmGateway, list: &List<RawLiteLlmEntry>, config: &Config, tags_count: bool, cx: &mut Cx) {
    let first = |of: &dyn Fn(&RawLiteLlmEntry) -> Option<Loc>| list.items.iter().find_map(of);
    let tag_budgets = !config.tag_budgets.is_empty();
    for (loc, what, on, switch) in [
        (first(&|e| e.tags.as_ref().map(|t| t.loc)), "`tags`", tags_count || tag_budgets, "enable_tag_filtering"),
        (first(&|e| e.itpm.map(|v| v.loc)), "`itpm`", config.enforce_rate_limits, "enforce_model_rate_limits"),
        (first(&|e| e.otpm.map(|v| v.loc)), "`otpm`", config.enforce_rate_limits, "enforce_model_rate_limits"),
        (
            first(&|e| e.max_input_tokens.map(|v| v.loc)),
            "`max_input_tokens`",
            config.pre_call_checks,
            "enable_pre_call_checks",
        ),
        (raw.tag_filtering_match_any.map(|v| v.loc), "`tag_filtering_match_any`", tags_count, "enable_tag_filtering"),
        (raw.tag_routing_prefix.as_ref().map(|v| v.loc), "`tag_routing_prefix`", tags_count, "enable_tag_filtering"),
    ] {
        if let (Some(loc), false) = (loc, on) {
            cx.warning(loc, format!("{what} has no effect")).help(format!("it needs `{switch}`"));
        }
    }
}

/// Groups of which every weight is 0: they count as not given.
fn weights(list: &List<RawLiteLlmEntry>, cx: &mut Cx) {
    let group = |e: &RawLiteLlmEntry| e.model_name.as_ref().map(|n| n.value.clone());
    for (i, e) in list.items.iter().enumerate() {
        let (Some(weight), Some(name)) = (&e.weight, group(e)) else { continue };
        let of_group = |e: &&RawLiteLlmEntry| group(e).as_ref() == Some(&name);
        let seen = list.items[..i].iter().filter(of_group).any(|e| e.weight.is_some());
        let any = list.items.iter().filter(of_group).any(|e| e.weight.as_ref().is_some_and(|w| w.value != 0.0));
        if !seen && !any {
            cx.warning(weight.loc, format!("all weights of `{name}` are 0, so they count as not given"))
                .help("`blocked = true` takes an entry out");
        }
    }
}

/// Budgets of providers that no entry has.
fn providers(raw: &RawLiteLlmGateway, config: &Config, cx: &mut Cx) {
    let provider = |e: &Deployment| e.provider.clone().or_else(|| names::provider_of(&e.model).map(str::to_owned));
    let known: Vec<String> = config.deployments.iter().filter_map(provider).collect();
    for name in raw.provider_budget_config.iter().flat_map(|b| b.entries.iter().map(|e| &e.0)) {
        if !known.contains(&name.value) {
            cx.warning(name.loc, format!("no entry of `model_list` has the provider `{}`", name.value))
                .maybe_help(did_you_mean(&name.value, known.iter().map(String::as_str)));
        }
    }
}

/// Requests that an earlier one always takes the turns of.
fn requests(raw: &RawLiteLlmGateway, cx: &mut Cx) {
    let list: Vec<&RawLiteLlmRequest> = raw.request.iter().flat_map(|l| &l.items).collect();
    for (i, r) in list.iter().enumerate() {
        let covers = |own: &Option<At<String>>, other: &Option<At<String>>| {
            own.as_ref().is_none_or(|own| other.as_ref().is_some_and(|o| o.value == own.value))
        };
        let earlier = list[..i].iter().find(|e| covers(&e.workload, &r.workload) && covers(&e.residency, &r.residency));
        if let Some(earlier) = earlier {
            let first = earlier.loc;
            cx.warning(r.loc, "no turn ever gets to this request")
                .note(first, "this one comes before and fits all its turns");
        }
    }
}

/// Lists of fallbacks for all models that have nothing in them.
fn empty(raw: &RawLiteLlmGateway, cx: &mut Cx) {
    if let Some(list) = raw.default_fallbacks.as_ref().filter(|l| l.written == 0) {
        cx.warning(list.loc, "`default_fallbacks` is empty and says nothing");
    }
}

/// Fallbacks that lead back to their own model by another name.
fn itself(raw: &RawLiteLlmGateway, cx: &mut Cx) {
    let aliases: Vec<(&At<String>, &At<String>)> = raw.model_group_alias.iter().flat_map(|a| a.good()).collect();
    let behind =
        |name: &str| aliases.iter().find(|(a, _)| a.value == name).map_or(name.to_owned(), |(_, m)| m.value.clone());
    for lists in [&raw.fallbacks, &raw.context_window_fallbacks, &raw.content_policy_fallbacks] {
        for (model, targets) in lists.iter().flat_map(|l| l.good()) {
            for target in &targets.items {
                if target.value != model.value && behind(&target.value) == behind(&model.value) {
                    let what =
                        format!("`{}` is another name of `{}`, which has just failed", target.value, model.value);
                    cx.warning(target.loc, what);
                }
            }
        }
    }
}
