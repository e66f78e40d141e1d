//! What a router reads and a scenario has no place for.

use super::read::Report;
use crate::routing::litellm::config::{Config, Fallbacks, GroupKind, Limit, Strategy};
use crate::scenario::import::{Kind, Node, Value};

/// Settings that were read but have no place in the scenario: told, and taken out where they would be in the way.
pub(super) fn lost(tree: &Node, config: &mut Config, report: &Report) {
    let nothing = Node::of(Value::Null);
    let list = tree.get("model_list").map(|n| &n.value);
    let entry = |i: usize| match list {
        Some(Value::Seq(nodes)) => nodes.get(i).unwrap_or(&nothing),
        _ => &nothing,
    };
    for (i, d) in config.deployments.iter().enumerate() {
        let at = |table: &str, key: &str| {
            (entry(i).get(table).and_then(|t| t.get(key)), format!("model_list[{i}].{table}.{key}"))
        };
        let told = |table: &str, key: &str, kind: Kind, why: &str| {
            if let (Some(node), path) = at(table, key) {
                report.tell(node, path, kind, why);
            }
        };
        if !d.tag_regex.is_empty() {
            told("litellm_params", "tag_regex", Kind::NotModelled, "users of a scenario have no user agent to match");
        }
        told("model_info", "team_id", Kind::NoEffect, "requests of a scenario belong to no team");
        told("model_info", "supports_web_search", Kind::NoEffect, "no turn of a scenario searches the web");
        told("model_info", "team_public_model_name", Kind::NoEffect, "requests of a scenario belong to no team");
        for (key, limit) in [("rpm", d.rpm), ("tpm", d.tpm)] {
            limits(entry(i), i, key, limit, report);
        }
        let one_price =
            "the router goes by it, but a bill needs both prices: the deployment has those of the catalogue";
        match (d.input_cost_per_token, d.output_cost_per_token) {
            (Some(_), None) => told("litellm_params", "input_cost_per_token", Kind::NotModelled, one_price),
            (None, Some(_)) => told("litellm_params", "output_cost_per_token", Kind::NotModelled, one_price),
            _ => {}
        }
    }
    if config.strategy == Strategy::ProviderBudget
        && let Some(node) = tree.get("router_settings").and_then(|t| t.get("routing_strategy"))
    {
        let what = "`provider-budget-routing` serves no request: LiteLLM accepts the name and has no such strategy";
        let other = "another strategy; `provider_budget_config` works with each of them";
        report.error(node.loc, what, other);
    }
    let names: Vec<String> = config.deployments.iter().map(|d| d.model_name.clone()).collect();
    // where a setting stands that counts: the library's only where the router has none
    let place = |key: &str| {
        let says = |n: &&Node| !matches!(&n.value, Value::Null) && !matches!(&n.value, Value::Seq(l) if l.is_empty());
        let at = |s: &str| Some((tree.get(s)?.get(key).filter(says)?, format!("{s}.{key}")));
        at("router_settings").or_else(|| at("litellm_settings"))
    };
    let tell = |key: &str, kind: Kind, why: String| {
        if let Some((node, path)) = place(key) {
            report.tell(node, path, kind, why);
        }
    };
    let has_defaults = place("default_fallbacks").is_some();
    let wildcard = names.iter().any(|n| n.contains('*'));
    config.routing_groups.retain_mut(|g| {
        for model in g.models.iter().filter(|m| !names.contains(m)) {
            tell("routing_groups", Kind::Unknown, format!("`{model}` of the group `{}` exists nowhere", g.name));
        }
        if let GroupKind::Priority(numbers) = &mut g.kind {
            let kept = g.models.iter().zip(&*numbers).filter(|(m, _)| names.contains(m));
            *numbers = kept.map(|(_, n)| *n).collect();
        }
        g.models.retain(|m| names.contains(m));
        if g.models.is_empty() {
            tell("routing_groups", Kind::Unknown, format!("the group `{}` has no models", g.name));
        }
        !g.models.is_empty()
    });
    let groups: Vec<String> = config.routing_groups.iter().map(|g| g.name.clone()).collect();
    let others: Vec<String> = config.aliases.iter().map(|(alias, _)| alias.clone()).collect();
    config.aliases.retain(|(alias, model)| {
        let found = wildcard || names.contains(model) || groups.contains(model);
        if !found {
            let why = match others.contains(model) {
                true => "is an alias itself: LiteLLM looks an alias up once and finds no deployment",
                false => "exists nowhere",
            };
            tell("model_group_alias", Kind::Unknown, format!("`{alias}` stands for `{model}`, which {why}"));
        }
        found
    });
    let mut known = names.clone();
    known.extend(config.aliases.iter().map(|(alias, _)| alias.clone()));
    known.extend(groups);
    let exists = |name: &str| wildcard || known.iter().any(|k| k == name);
    for (key, lists) in [
        ("fallbacks", &mut config.fallbacks),
        ("context_window_fallbacks", &mut config.context_window_fallbacks),
        ("content_policy_fallbacks", &mut config.content_policy_fallbacks),
    ] {
        if let Some(Fallbacks::List(targets)) = lists {
            let why = "a plain list: LiteLLM takes its last name for all models, and so does the scenario";
            tell(key, Kind::NotModelled, why.into());
            let last = targets.split_off(targets.len().saturating_sub(1));
            *lists = Some(Fallbacks::Chains(vec![("*".to_owned(), last)]));
        }
        let Some(Fallbacks::Chains(chains)) = lists else { continue };
        let mut stars = chains.iter().filter(|(m, _)| m == "*").count();
        chains.retain(|(model, _)| {
            let first_star = model == "*" && stars > 1;
            stars -= usize::from(first_star);
            if first_star {
                tell(key, Kind::NotModelled, "of several chains of `*` the scenario has the last".into());
            }
            let known = model == "*" || exists(model);
            if !known {
                tell(key, Kind::Unknown, format!("no model is called `{model}`, so nothing falls back from it"));
            }
            known && !first_star
        });
        let mut seen: Vec<String> = Vec::new();
        for (model, targets) in chains.iter_mut() {
            // the chain of `*` that is left is the last there was, and `default_fallbacks` come last
            let key = if key == "fallbacks" && model == "*" && has_defaults { "default_fallbacks" } else { key };
            if seen.contains(model) {
                tell(key, Kind::Unknown, format!("`{model}` has two chains; LiteLLM reads the first"));
            }
            seen.push(model.clone());
            targets.retain(|t| {
                let Some(name) = &t.model else {
                    let why = format!("a fallback of `{model}` that only changes parameters is not modelled");
                    tell(key, Kind::NotModelled, why);
                    return false;
                };
                if t.num_retries.is_some() {
                    let why = format!("`num_retries` of the fallback `{name}` is not modelled");
                    tell(key, Kind::NotModelled, why);
                }
                if name == model {
                    tell(key, Kind::NoEffect, format!("`{name}` falls back to itself, which LiteLLM skips"));
                } else if !exists(name) {
                    let why =
                        format!("no model is called `{name}`: LiteLLM fails there with 400 and goes on to the next");
                    tell(key, Kind::Unknown, why);
                }
                name != model && exists(name)
            });
        }
        // without a target, `*` says nothing; an empty chain of a model keeps it from the chain of `*`
        chains.retain(|(model, targets)| model != "*" || !targets.is_empty());
        if chains.is_empty() {
            *lists = None;
        }
    }
    config.model_retry_policies.retain(|(model, _)| {
        let found = exists(model);
        if !found {
            tell("model_group_retry_policy", Kind::Unknown, format!("no model is called `{model}`"));
        }
        found
    });
    if config.provider_budgets.iter().any(|(_, max, _)| max.is_none()) {
        tell(
            "provider_budget_config",
            Kind::NotModelled,
            "a budget without an amount shuts its provider out, which is not modelled".into(),
        );
    }
    if config.weighted_failover && config.strategy != Strategy::SimpleShuffle {
        tell("enable_weighted_failover", Kind::NoEffect, "it only acts in `simple-shuffle`".into());
        config.weighted_failover = false;
    }
    config.health = None;
}

/// A limit that stands in several places, or where only some rules read it: the scenario has one, which all of them read.
fn limits(entry: &Node, index: usize, key: &str, limit: Limit, report: &Report) {
    let tell = |table: Option<&str>, kind: Kind, why: &str| {
        let place = table.map_or(Some(entry), |t| entry.get(t)).and_then(|t| t.get(key));
        let path = table.map_or(format!("model_list[{index}].{key}"), |t| format!("model_list[{index}].{t}.{key}"));
        if let Some(node) = place {
            report.tell(node, path, kind, why);
        }
    };
    match limit {
        Limit { entry: Some(_), params: Some(_), .. } if limit.entry != limit.params => {
            let why = "LiteLLM's strategies by usage, latency and price obey it rather than that of `litellm_params`; the \
                       scenario has one place, and there stands that of `litellm_params`";
            tell(None, Kind::NotModelled, why);
        }
        Limit { entry: None, params: None, info: Some(_) } => {
            let why = "only some of LiteLLM's rules read it there; the scenario has one place, which all of them read";
            tell(Some("model_info"), Kind::NotModelled, why);
        }
        _ => {}
    }
    if limit.info.is_some() && (limit.entry.is_some() || limit.params.is_some()) {
        tell(
            Some("model_info"),
            Kind::NoEffect,
            "LiteLLM reads the limit of the entry or of its `litellm_params` first",
        );
    }
    if limit.entry.is_some() && limit.entry == limit.params {
        tell(None, Kind::NoEffect, "`litellm_params` has the same");
    }
}
