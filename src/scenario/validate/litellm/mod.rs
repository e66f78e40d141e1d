//! LiteLLM as a gateway: names become deployments and groups, texts become numbers, and what LiteLLM would refuse or could
//! never do is an error.

mod doubts;
mod entries;
mod nowhere;

use super::gateway::{Known, Product};
use crate::routing::balance::Choose;
use crate::routing::litellm::config::{
    Budget, Config, FailureCounting, Fallbacks, GroupKind, Options, RoutingGroup, Strategy, StrategyArgs, Target,
};
use crate::routing::litellm::{Policy, Router};
use crate::scenario::decode::{Cx, List, Named};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Ask, Gateway, LiteLlmEntry, LiteLlmGateway, Pool};
use crate::scenario::raw::litellm::{
    MOST_FAILS, MOST_FALLBACKS, MOST_PARALLEL, MOST_RETRIES, MOST_SAMPLES, WIDEST_BUFFER,
};
use crate::scenario::raw::{
    RawCounting, RawErrorPolicy, RawLiteLlmBudget, RawLiteLlmEntry, RawLiteLlmGateway, RawLiteLlmRequest,
    RawLiteLlmStrategy, RawRoutingGroup, RawStrategyArgs,
};
use crate::scenario::suggest::listed;
use crate::units::{DeploymentIx, Span};

/// The gateway; `None` if something about it is wrong.
pub fn gateway(raw: &RawLiteLlmGateway, known: &Known<'_>, cx: &mut Cx) -> Option<Product> {
    let before = cx.errors();
    let list = raw.model_list.as_ref()?;
    let read = entries::entries(list, known, cx);
    let groups = Groups::new(raw, list);
    let degraded = degraded(raw, &groups, cx);
    let mut config = config(raw, &groups, cx);
    config.deployments = read.iter().flatten().map(|(_, e)| e.clone()).collect();
    let asks = asks(raw, known, &groups, cx);
    doubts::doubts(raw, list, &config, cx);
    let positions: Vec<LiteLlmEntry> = read?
        .iter()
        .map(|(deployment, e)| LiteLlmEntry { deployment: *deployment, degraded: degraded.contains(&e.model_name) })
        .collect();
    if cx.errors() > before {
        return None;
    }
    let (asks, places): (Vec<Ask>, Vec<Loc>) = asks?.into_iter().unzip();
    let gateway = LiteLlmGateway { config, entries: positions, asks };
    let router = match Router::new(gateway.config.clone()) {
        Ok(router) => router,
        Err(e) => {
            cx.error(raw.loc, format!("LiteLLM does not accept this: {e}"));
            return None;
        }
    };
    nowhere::check(raw, router, &gateway.asks, &places, cx);
    if cx.errors() > before {
        return None;
    }
    Some(Product { chain: chain(&gateway), timeouts: timeouts(&gateway), gateway: Gateway::LiteLlm(Box::new(gateway)) })
}

/// The names that a model can be asked for by.
struct Groups {
    groups: Vec<String>,
    all: Vec<String>,
}

impl Groups {
    fn new(raw: &RawLiteLlmGateway, list: &List<RawLiteLlmEntry>) -> Groups {
        let mut groups: Vec<String> = Vec::new();
        for name in list.items.iter().filter_map(|e| e.model_name.as_ref()) {
            if !groups.contains(&name.value) {
                groups.push(name.value.clone());
            }
        }
        let mut all = groups.clone();
        all.extend(raw.model_group_alias.iter().flat_map(|a| a.names()).map(str::to_owned));
        let routing = raw.routing_groups.iter().flat_map(|g| &g.items);
        all.extend(routing.filter_map(|g| g.group_name.as_ref()).map(|n| n.value.clone()));
        Groups { groups, all }
    }

    /// A name that a model can be asked for by, or an error.
    fn asked(&self, name: &At<String>, cx: &mut Cx) -> bool {
        // a wildcard route answers to many names
        let found = self.all.contains(&name.value) || self.groups.iter().any(|g| g.contains('*'));
        if !found {
            cx.unknown_name("model group", name, self.all.iter().map(String::as_str));
        }
        found
    }

    /// The name of a group, or an error.
    fn group(&self, name: &At<String>, cx: &mut Cx) -> bool {
        let found = self.groups.contains(&name.value);
        if !found {
            cx.unknown_name("model group", name, self.groups.iter().map(String::as_str));
        }
        found
    }
}

/// What an error policy counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Retries,
    AllowedFails,
}

fn policy(raw: &RawErrorPolicy, counts: Use, cx: &mut Cx) -> Policy {
    let (wrong, what, most) = match counts {
        Use::Retries => (raw.bad_gateway, "`bad_gateway` is no class of LiteLLM's retry policies", MOST_RETRIES),
        Use::AllowedFails => (raw.default, "LiteLLM's policies of allowed fails have no `default`", MOST_FAILS),
    };
    if let Some(wrong) = wrong {
        cx.error(wrong.loc, what);
    }
    let mut of = |v: Option<At<u64>>, key: &str| v.map(|v| cx.count(v, key, 0..=most));
    Policy {
        bad_request: of(raw.bad_request, "bad_request"),
        authentication: of(raw.authentication, "authentication"),
        timeout: of(raw.timeout, "timeout"),
        rate_limit: of(raw.rate_limit, "rate_limit"),
        content_policy: of(raw.content_policy_violation, "content_policy_violation"),
        internal_server: of(raw.internal_server, "internal_server"),
        service_unavailable: of(raw.service_unavailable, "service_unavailable"),
        bad_gateway: of(raw.bad_gateway, "bad_gateway"),
        not_found: of(raw.not_found, "not_found"),
        default: of(raw.default, "default"),
    }
}

fn degraded(raw: &RawLiteLlmGateway, groups: &Groups, cx: &mut Cx) -> Vec<String> {
    let names = raw.degraded.iter().flat_map(|l| &l.items);
    names.filter(|n| groups.group(n, cx)).map(|n| n.value.clone()).collect()
}

fn config(raw: &RawLiteLlmGateway, groups: &Groups, cx: &mut Cx) -> Config {
    let flag = |v: &Option<At<bool>>| v.is_some_and(|v| v.value);
    let library = cx.or_at(&raw.library_allowed_fails, &d::LITELLM_LIBRARY_ALLOWED_FAILS, raw.loc);
    let retries = cx.or_at(&raw.num_retries, &d::LITELLM_RETRIES, raw.loc);
    let fails = cx.or_at(&raw.allowed_fails, &d::LITELLM_ALLOWED_FAILS, raw.loc);
    let depth = cx.or_at(&raw.max_fallbacks, &d::LITELLM_MAX_FALLBACKS, raw.loc);
    let cooldown = cx.or_at(&raw.cooldown_time, &d::LITELLM_COOLDOWN, raw.loc);
    let budgets = |list: &Option<Named<RawLiteLlmBudget>>| {
        let read = |(name, b): (&At<String>, &RawLiteLlmBudget)| {
            let (limit, per) = (b.budget_limit.as_ref()?, b.time_period.as_ref()?);
            Some((name.value.clone(), Budget { max: limit.value.0.as_dollars_f64(), per: per.value.0 }))
        };
        list.iter().flat_map(|l| l.good().filter_map(read).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let mut general = fallbacks(&raw.fallbacks, groups, cx);
    if let Some(list) = &raw.default_fallbacks {
        let star = ("*".to_owned(), targets(list, None, groups, cx));
        match &mut general {
            Some(Fallbacks::Chains(chains)) => chains.push(star),
            _ => general = Some(Fallbacks::Chains(vec![star])),
        }
    }
    Config {
        strategy: strategy(&cx.or(&raw.routing_strategy, &d::LITELLM_STRATEGY)),
        strategy_args: args(raw.routing_strategy_args.as_ref(), raw.loc, cx),
        routing_groups: routing_groups(raw, groups, cx),
        aliases: aliases(raw, groups, cx),
        num_retries: cx.count(retries, "num_retries", 0..=MOST_RETRIES),
        retry_after_s: cx.or(&raw.retry_after, &d::LITELLM_RETRY_AFTER).value.as_secs_f64(),
        retry_policy: raw.retry_policy.as_ref().map(|p| policy(p, Use::Retries, cx)),
        model_retry_policies: model_policies(raw, groups, cx),
        allowed_fails: cx.count(fails, "allowed_fails", 0..=MOST_FAILS),
        library_allowed_fails: cx.count(library, "library_allowed_fails", 0..=MOST_FAILS),
        allowed_fails_policy: raw.allowed_fails_policy.as_ref().map(|p| policy(p, Use::AllowedFails, cx)),
        cooldown_time: cx.positive(cooldown, "cooldown_time"),
        disable_cooldowns: flag(&raw.disable_cooldowns),
        fallbacks: general,
        context_window_fallbacks: fallbacks(&raw.context_window_fallbacks, groups, cx),
        content_policy_fallbacks: fallbacks(&raw.content_policy_fallbacks, groups, cx),
        max_fallbacks: cx.count(depth, "max_fallbacks", 0..=MOST_FALLBACKS),
        pre_call_checks: flag(&raw.enable_pre_call_checks),
        tag_filtering: flag(&raw.enable_tag_filtering),
        tag_match_any: raw.tag_filtering_match_any.is_none_or(|v| v.value),
        tag_prefix: raw.tag_routing_prefix.as_ref().map_or(String::new(), |v| v.value.clone()),
        weighted_failover: flag(&raw.enable_weighted_failover),
        enforce_rate_limits: flag(&raw.enforce_model_rate_limits),
        default_max_parallel: raw
            .default_max_parallel_requests
            .map(|v| cx.count(v, "default_max_parallel_requests", 0..=MOST_PARALLEL)),
        provider_budgets: budgets(&raw.provider_budget_config)
            .into_iter()
            .map(|(provider, b)| (provider, Some(b.max), b.per))
            .collect(),
        tag_budgets: budgets(&raw.tag_budget_config),
        timeout: raw.timeout.map(|v| v.value),
        stream_timeout: raw.stream_timeout.map(|v| v.value),
        request_timeout: raw.request_timeout.map(|v| v.value),
        counting: match cx.or(&raw.failure_counting, &d::LITELLM_COUNTING) {
            RawCounting::Sdk(_) => FailureCounting::Sdk,
            RawCounting::Proxy(_) => FailureCounting::Proxy,
        },
        ..Config::default()
    }
}

fn model_policies(raw: &RawLiteLlmGateway, groups: &Groups, cx: &mut Cx) -> Vec<(String, Policy)> {
    let mut policies = Vec::new();
    for (name, p) in raw.model_group_retry_policy.iter().flat_map(|l| l.good()) {
        if groups.asked(name, cx) {
            policies.push((name.value.clone(), policy(p, Use::Retries, cx)));
        }
    }
    policies
}

fn strategy(raw: &RawLiteLlmStrategy) -> Strategy {
    match raw {
        RawLiteLlmStrategy::SimpleShuffle(_) => Strategy::SimpleShuffle,
        RawLiteLlmStrategy::LeastBusy(_) => Strategy::LeastBusy,
        RawLiteLlmStrategy::UsageV1(_) => Strategy::UsageV1,
        RawLiteLlmStrategy::UsageV2(_) => Strategy::UsageV2,
        RawLiteLlmStrategy::Latency(_) => Strategy::Latency,
        RawLiteLlmStrategy::Cost(_) => Strategy::Cost,
    }
}

fn args(raw: Option<&RawStrategyArgs>, loc: Loc, cx: &mut Cx) -> StrategyArgs {
    let Some(a) = raw else { return StrategyArgs::default() };
    let ttl = cx.or_at(&a.ttl, &d::LITELLM_TTL, loc);
    let buffer = cx.or_at(&a.lowest_latency_buffer, &d::LITELLM_BUFFER, loc);
    let samples = cx.or_at(&a.max_latency_list_size, &d::LITELLM_SAMPLES, loc);
    let percentile = a.ttft_percentile.map(|p| {
        if p.value.0 <= 0.0 {
            cx.error(p.loc, "`ttft_percentile` is 0").expected("above 0, for example \"95 %\"");
        }
        p.value.0
    });
    StrategyArgs {
        ttl: cx.positive(ttl, "ttl"),
        lowest_latency_buffer: cx.within_range(buffer, "lowest_latency_buffer", 0.0..=WIDEST_BUFFER),
        max_latency_list_size: cx.count(samples, "max_latency_list_size", 1..=MOST_SAMPLES) as usize,
        ttft_percentile: percentile,
    }
}

fn routing_groups(raw: &RawLiteLlmGateway, groups: &Groups, cx: &mut Cx) -> Vec<RoutingGroup> {
    let list = raw.routing_groups.iter().flat_map(|l| &l.items);
    list.filter_map(|g| routing_group(g, groups, cx)).collect()
}

fn routing_group(g: &RawRoutingGroup, groups: &Groups, cx: &mut Cx) -> Option<RoutingGroup> {
    if g.models.as_ref().is_some_and(|m| m.written == 0) {
        cx.error(g.loc, "a routing group without models").expected("at least one group of `model_list`");
    }
    let models: Vec<&At<String>> = g.models.iter().flat_map(|l| &l.items).filter(|m| groups.group(m, cx)).collect();
    let kind = match &g.model_priorities {
        Some(priorities) => {
            if g.routing_strategy.is_some() {
                cx.error(priorities.loc, "a routing group has priorities or a strategy, not both");
            }
            for (name, _) in priorities.good().filter(|(n, _)| !models.iter().any(|m| m.value == n.value)) {
                cx.error(name.loc, format!("`{}` is no model of the group", name.value))
                    .expected(listed(models.iter().map(|m| m.value.as_str())));
            }
            let of = |m: &&At<String>| {
                let found = priorities.good().find(|(n, _)| n.value == m.value).map(|(_, p)| p);
                if found.is_none_or(|p| p.value == 0) {
                    let loc = found.map_or(priorities.loc, |p| p.loc);
                    cx.error(loc, format!("`{}` has no priority", m.value)).expected("a number of at least 1");
                }
                found.map_or(1, |p| p.value.min(1_000_000) as i64)
            };
            GroupKind::Priority(models.iter().map(of).collect())
        }
        None => {
            let strategy = g.routing_strategy.as_ref().map_or(Strategy::SimpleShuffle, strategy);
            GroupKind::Strategy(strategy, args(g.routing_strategy_args.as_ref(), g.loc, cx))
        }
    };
    let models = models.into_iter().map(|m| m.value.clone()).collect();
    Some(RoutingGroup { name: g.group_name.as_ref()?.value.clone(), models, kind })
}

fn aliases(raw: &RawLiteLlmGateway, groups: &Groups, cx: &mut Cx) -> Vec<(String, String)> {
    let list = raw.model_group_alias.iter().flat_map(|a| a.good());
    list.filter(|(_, model)| groups.asked(model, cx))
        .map(|(alias, model)| (alias.value.clone(), model.value.clone()))
        .collect()
}

/// Chains by group; an empty list of chains counts as none, as in LiteLLM.
fn fallbacks(raw: &Option<Named<List<At<String>>>>, groups: &Groups, cx: &mut Cx) -> Option<Fallbacks> {
    let raw = raw.as_ref()?;
    let mut chains = Vec::new();
    for (name, list) in raw.good() {
        if name.value != "*" {
            groups.asked(name, cx);
        }
        chains.push((name.value.clone(), targets(list, Some(name), groups, cx)));
    }
    (!chains.is_empty()).then_some(Fallbacks::Chains(chains))
}

fn targets(list: &List<At<String>>, of: Option<&At<String>>, groups: &Groups, cx: &mut Cx) -> Vec<Target> {
    for target in &list.items {
        if groups.asked(target, cx) && of.is_some_and(|of| of.value == target.value) {
            cx.error(target.loc, format!("`{}` falls back to itself", target.value));
        }
    }
    list.items.iter().map(|t| Target::model(&t.value)).collect()
}

fn asks(raw: &RawLiteLlmGateway, known: &Known<'_>, groups: &Groups, cx: &mut Cx) -> Option<Vec<(Ask, Loc)>> {
    let model = raw.model.as_ref().filter(|m| groups.asked(m, cx));
    let mut asks = Vec::new();
    for r in raw.request.iter().flat_map(|l| &l.items) {
        asks.extend(ask(r, model, known, groups, cx).map(|a| (a, r.loc)));
    }
    let last = Ask { workload: None, class: None, model: model?.value.clone(), options: Options::default() };
    asks.push((last, model?.loc));
    Some(asks)
}

fn ask(
    r: &RawLiteLlmRequest,
    model: Option<&At<String>>,
    known: &Known<'_>,
    groups: &Groups,
    cx: &mut Cx,
) -> Option<Ask> {
    let workload = known.workload(r.workload.as_ref(), cx);
    let class = known.class(r.residency.as_ref(), cx);
    let own = r.model.as_ref().filter(|m| groups.asked(m, cx));
    let options = Options {
        num_retries: r.num_retries.map(|v| cx.count(v, "num_retries", 0..=MOST_RETRIES)),
        max_fallbacks: r.max_fallbacks.map(|v| cx.count(v, "max_fallbacks", 0..=MOST_FALLBACKS)),
        disable_fallbacks: r.disable_fallbacks.is_some_and(|v| v.value),
        tags: r.tags.iter().flat_map(|t| &t.items).map(|t| t.value.clone()).collect(),
        allowed_region: r.allowed_model_region.as_ref().map(|v| v.value.clone()),
        timeout: r.timeout.map(|v| v.value),
        stream_timeout: r.stream_timeout.map(|v| v.value),
        ..Options::default()
    };
    let model = own.or(model.filter(|_| r.model.is_none()))?.value.clone();
    Some(Ask { workload: workload?, class: class?, model, options })
}

/// The groups as the rest of the world sees them, the one that most turns ask for first.
fn chain(gateway: &LiteLlmGateway) -> Vec<Pool> {
    let config = &gateway.config;
    let mut router = Router::new(config.clone()).expect("accepted before");
    let asked = &gateway.asks[gateway.asks.len() - 1];
    let target = crate::routing::litellm::Target {
        model: router.model(&asked.model).expect("accepted before"),
        options: router
            .options(&Options { disable_fallbacks: true, ..asked.options.clone() })
            .expect("accepted before"),
    };
    let first = router.reachable(target);
    let pool = |name: &str, keep: &dyn Fn(usize) -> bool| Pool {
        name: name.to_owned(),
        members: members(gateway, keep),
        priorities: Vec::new(),
        localities: Vec::new(),
        choose: Choose::InOrder,
        degraded: false,
        max_requests: None,
    };
    let mut pools = vec![pool(&asked.model, &|i| first[i])];
    for (i, d) in config.deployments.iter().enumerate() {
        let new = !config.deployments[..i].iter().any(|e| e.model_name == d.model_name);
        if new && d.model_name != asked.model {
            pools.push(pool(&d.model_name, &|k| config.deployments[k].model_name == d.model_name));
        }
    }
    pools
}

fn members(gateway: &LiteLlmGateway, keep: &dyn Fn(usize) -> bool) -> Vec<(DeploymentIx, f64)> {
    let mut members: Vec<(DeploymentIx, f64)> = Vec::new();
    for (i, entry) in gateway.entries.iter().enumerate().filter(|(i, _)| keep(*i)) {
        let known = members.iter().any(|(d, _)| *d == entry.deployment);
        if !known && !gateway.config.deployments[i].blocked {
            members.push((entry.deployment, 1.0));
        }
    }
    members
}

/// The longest time-outs that any call has: of streams, which bounds the first token, and of others.
fn timeouts(gateway: &LiteLlmGateway) -> (Span, Span) {
    let longest = |streams: bool| {
        let of = |a: &Ask| {
            let of = |i| gateway.config.timeout_of(&a.options, i, streams).unwrap_or(LiteLlmGateway::TIMEOUT);
            (0..gateway.entries.len()).map(of).max()
        };
        gateway.asks.iter().filter_map(of).max().unwrap_or(LiteLlmGateway::TIMEOUT)
    };
    let (first, total) = (longest(true), longest(false));
    (first, total.max(first))
}
