//! What a model's name leads to, in the order in which LiteLLM looks: a deployment's id, an alias, a routing group, the
//! name of a group, a team's name, a wildcard route, a deployment's own model, the first default fallback.
//!
//! Source: LiteLLM 1.106.2, `router.py: _common_checks_available_deployment`, `get_model_list`, `_get_routing_context`,
//! `router_utils/routing_groups.py`.

use super::config::{Config, ConfigError, Deployment, Fallbacks, GroupKind, RoutingGroup, Strategy, StrategyArgs};
use super::names;
use super::plan::Candidate;

/// What a name leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Resolution {
    /// Nothing: a 400.
    Unknown,
    /// One deployment, asked for by its id: no filter, no strategy.
    One(u16),
    /// Deployments to choose from.
    Pool(Vec<Candidate>),
}

impl Resolution {
    pub fn candidates(&self) -> &[Candidate] {
        match self {
            Resolution::Pool(list) => list,
            _ => &[],
        }
    }
}

fn candidate(i: usize, d: &Deployment) -> Candidate {
    Candidate { deployment: i as u16, order: d.order }
}

fn all<'a>(config: &'a Config, keep: impl Fn(&Deployment) -> bool + 'a) -> impl Iterator<Item = Candidate> + 'a {
    config.deployments.iter().enumerate().filter(move |(_, d)| keep(d)).map(|(i, d)| candidate(i, d))
}

fn is_group(config: &Config, name: &str) -> bool {
    config.deployments.iter().any(|d| d.model_name == name)
}

/// The model behind an alias.
pub(super) fn alias<'a>(config: &'a Config, name: &str) -> Option<&'a str> {
    config.aliases.iter().find(|(alias, _)| alias == name).map(|(_, model)| model.as_str())
}

/// The routing group callable by this name: models and aliases of the same name hide it.
fn routing_group<'a>(config: &'a Config, name: &str) -> Option<&'a RoutingGroup> {
    let group = config.routing_groups.iter().find(|g| g.name == name)?;
    (!is_group(config, name) && alias(config, name).is_none()).then_some(group)
}

/// Deployments of a model's name that a team may call (`get_all_deployments`): its own under the public name, or else
/// those of the name that belong to nobody or to it. Without a team all of the name are listed.
fn of_name(config: &Config, name: &str, team: Option<&str>) -> Vec<Candidate> {
    if let Some(team) = team {
        let own: Vec<Candidate> =
            all(config, |d| d.team.as_deref() == Some(team) && d.team_public_model_name.as_deref() == Some(name))
                .collect();
        if !own.is_empty() {
            return own;
        }
    }
    all(config, |d| d.model_name == name && (team.is_none() || d.team.is_none() || d.team.as_deref() == team)).collect()
}

fn of_group(config: &Config, group: &RoutingGroup, team: Option<&str>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (i, model) in group.models.iter().enumerate() {
        for mut c in of_name(config, model, team) {
            if let GroupKind::Priority(priorities) = &group.kind {
                c.order = priorities.get(i).copied();
            }
            found.push(c);
        }
    }
    found
}

/// Deployments of the most specific wildcard route that matches, with the provider in front of the name if not without.
fn of_route(config: &Config, name: &str) -> Vec<Candidate> {
    let mut routes: Vec<&str> = Vec::new();
    for d in config.deployments.iter().filter(|d| d.model_name.contains('*')) {
        if !routes.contains(&d.model_name.as_str()) {
            routes.push(&d.model_name);
            routes.sort_by_key(|r| std::cmp::Reverse(names::route_specificity(r)));
        }
    }
    let with_provider = format!("{}/{name}", names::provider_of(name).unwrap_or("None"));
    for name in [name, &with_provider] {
        if let Some(route) = routes.iter().find(|r| names::matches_route(r, name)) {
            return all(config, |d| d.model_name == **route).collect();
        }
    }
    Vec::new()
}

/// Deployments whose own model has this name.
pub(super) fn by_own_model(config: &Config, name: &str) -> Vec<Candidate> {
    all(config, |d| d.model == name).collect()
}

/// What a name leads to, and the name behind it. `slot` 0 is for requests without a team.
pub(super) fn resolve(config: &Config, teams: &[String], name: &str, slot: usize) -> (Resolution, String) {
    let team = slot.checked_sub(1).map(|t| teams[t].as_str());
    if !is_group(config, name)
        && let Some(ix) = config.deployments.iter().position(|d| d.id == name)
    {
        return (Resolution::One(ix as u16), name.to_owned());
    }
    let name = alias(config, name).unwrap_or(name);
    if let Some(group) = routing_group(config, name) {
        let found = of_group(config, group, team);
        if !found.is_empty() {
            return (Resolution::Pool(found), name.to_owned());
        }
    } else if !is_group(config, name) {
        let own = if team.is_some() { of_name(config, name, team) } else { Vec::new() };
        let found = if own.is_empty() { of_route(config, name) } else { own };
        if !found.is_empty() {
            return (Resolution::Pool(found), name.to_owned());
        }
    }
    let mut found = of_name(config, name, team);
    if found.is_empty() {
        found = by_own_model(config, name);
    }
    let mut resolved = name;
    if found.is_empty()
        && let Some(default) = first_default_fallback(config)
    {
        resolved = default;
        found = of_name(config, default, team);
    }
    if found.is_empty() {
        (Resolution::Unknown, name.to_owned())
    } else {
        (Resolution::Pool(found), resolved.to_owned())
    }
}

/// The first target of the first chain of `*`.
fn first_default_fallback(config: &Config) -> Option<&str> {
    let Some(Fallbacks::Chains(chains)) = &config.fallbacks else { return None };
    chains.iter().filter(|(key, _)| key == "*").find_map(|(_, targets)| targets.first()?.model.as_deref())
}

/// What `get_model_list` lists under a name: its deployments, those behind an alias, those of a routing group; a wildcard
/// route only when there are none.
pub(super) fn listed(config: &Config, name: &str) -> Vec<Candidate> {
    let mut found = of_name(config, name, None);
    if let Some(model) = alias(config, name) {
        match routing_group(config, model) {
            Some(group) => found.extend(of_group(config, group, None)),
            None => found.extend(of_name(config, model, None)),
        }
    }
    if let Some(group) = routing_group(config, name) {
        found.extend(of_group(config, group, None));
    }
    if found.is_empty() {
        found = of_route(config, name);
    }
    found
}

/// The strategy for a name: that of the routing group called by it, or that it belongs to, or the router's.
pub(super) fn strategy_of(config: &Config, name: &str) -> (Strategy, StrategyArgs) {
    let name = alias(config, name).unwrap_or(name);
    let group = routing_group(config, name).or_else(|| {
        let owns = |g: &&RoutingGroup| matches!(g.kind, GroupKind::Strategy(..)) && g.models.iter().any(|m| m == name);
        config.routing_groups.iter().find(owns)
    });
    match group.map(|g| &g.kind) {
        Some(GroupKind::Strategy(strategy, args)) => (*strategy, *args),
        Some(GroupKind::Priority(_)) => (Strategy::SimpleShuffle, StrategyArgs::default()),
        None => (config.strategy, config.strategy_args),
    }
}

/// Whether the name is that of a routing group with more than one deployment.
pub(super) fn group_has_alternatives(config: &Config, name: &str) -> bool {
    let name = alias(config, name).unwrap_or(name);
    let size = |g: &RoutingGroup| -> usize {
        g.models.iter().map(|m| config.deployments.iter().filter(|d| d.model_name == *m).count()).sum()
    };
    routing_group(config, name).is_some_and(|g| size(g) > 1)
}

/// The rules of `parse_routing_groups` and of `RoutingGroup` itself.
pub(super) fn check_groups(config: &Config) -> Result<(), ConfigError> {
    let groups = &config.routing_groups;
    let refuse = |g: &RoutingGroup, why| Err(ConfigError::RoutingGroup { name: g.name.clone(), why });
    for (i, g) in groups.iter().enumerate() {
        if g.name.is_empty() {
            return refuse(g, "the name is empty");
        }
        if g.name == "default" {
            return refuse(g, "`default` is the name of the group that the router makes itself");
        }
        if groups[..i].iter().any(|o| o.name == g.name) {
            return refuse(g, "there are two groups of this name");
        }
        match &g.kind {
            GroupKind::Priority(priorities) => {
                if g.models.is_empty() || g.models.iter().enumerate().any(|(i, m)| g.models[..i].contains(m)) {
                    return refuse(g, "a group of priorities needs models, each once");
                }
                if priorities.len() != g.models.len() {
                    return refuse(g, "every model of a group of priorities needs one");
                }
                if is_group(config, &g.name) || alias(config, &g.name).is_some() {
                    return refuse(g, "a group of priorities may not have the name of a model or an alias");
                }
            }
            GroupKind::Strategy(..) => {
                let shares = |o: &&RoutingGroup| {
                    matches!(o.kind, GroupKind::Strategy(..)) && o.models.iter().any(|m| g.models.contains(m))
                };
                if groups[..i].iter().any(|o| shares(&o)) {
                    return refuse(g, "a model belongs to two groups with a strategy");
                }
            }
        }
    }
    Ok(())
}
