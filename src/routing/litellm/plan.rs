//! A configuration with its names turned into positions, so that no request meets a string.
//!
//! Names are taken in before the first request ([`Plan::model`], [`Plan::options`]); everything that depends on them is
//! then worked out again, whole. What a name leads to, and in which order LiteLLM looks: `resolve.rs`.

use super::chains::{self, FallbackSet, Hop};
use super::config::{Config, ConfigError, Fallbacks, GroupKind, Options, Strategy, StrategyArgs};
use super::dep::Dep;
use super::failure::Policy;
use super::resolve::{self, Resolution};
use super::tags::TagRequest;

/// A model's name, as a position in the router's list of names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModelIx(pub(super) u16);

/// What a request brings besides its prompt, as a position in the router's list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OptionsIx(pub(super) u16);

impl ModelIx {
    pub(super) const fn ix(self) -> usize {
        self.0 as usize
    }
}

impl OptionsIx {
    pub(super) const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// A deployment that stands for a name, with the order it has there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Candidate {
    pub deployment: u16,
    pub order: Option<i64>,
}

/// What a name means.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub name: String,
    /// By team: first for requests without one.
    pub resolution: Vec<Resolution>,
    /// `specific_deployment`: deployments whose own model has this name.
    pub specific: Vec<Candidate>,
    /// The name behind an alias or a default fallback.
    pub resolved: ModelIx,
    pub strategy: Strategy,
    pub args: StrategyArgs,
    /// The strategy where LiteLLM takes its synchronous path.
    pub sync_strategy: Strategy,
    /// `get_model_list`: what order levels and weighted failover count.
    pub listed: Vec<Candidate>,
    /// Distinct orders among them, ascending.
    pub orders: Vec<i64>,
    /// It is a routing group of more than one deployment, or an alias of one.
    pub group_has_alternatives: bool,
    /// Tags of the deployments with this name.
    pub known_tags: Vec<u16>,
    pub tag_filtering: Option<bool>,
    /// Some candidate has an order.
    pub ordered: bool,
    pub retry_policy: Option<Policy>,
}

/// A request's options.
#[derive(Clone, Debug)]
pub(super) struct Opts {
    pub given: Options,
    /// In place of the router's own, where a request brings its own.
    pub fallbacks: FallbackSet,
    pub tags: TagRequest,
    pub region: Option<u16>,
    pub unknown_region: bool,
    /// By model: weights by deployment.
    pub weights: Vec<Option<Vec<f64>>>,
    pub any_weights: bool,
    /// It has time-outs of its own.
    pub any_timeouts: bool,
    /// Position in `Model::resolution`; a team without deployments has that of no team, and is marked.
    pub team_slot: usize,
    pub team: Option<u16>,
    pub retry_policies: Option<Vec<Option<Policy>>>,
}

/// Which strategies have been registered to hear of answers, and with which arguments: one of each, the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Registered {
    pub least_busy: bool,
    pub usage_v1: bool,
    pub usage_v2: bool,
    pub latency: Option<StrategyArgs>,
    pub cost: bool,
}

/// The whole.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub config: Config,
    pub deps: Vec<Dep>,
    pub models: Vec<Model>,
    pub options: Vec<Opts>,
    pub chains: Vec<Vec<Hop>>,
    pub fallbacks: FallbackSet,
    pub registered: Registered,
    /// LiteLLM decides synchronously: without budgets and tags.
    pub sync: bool,
    /// Some deployment belongs to a team; some is blocked. Without any, nobody has to be asked.
    pub any_team: bool,
    pub any_blocked: bool,
    pub tags: Vec<String>,
    pub teams: Vec<String>,
    pub regions: Vec<String>,
    pub tag_budgets: Vec<u16>,
    /// Entries of lists that are no bare names.
    pub(super) entries: Vec<String>,
}

/// The number of a text in a list of texts, which grows when it is new.
pub(super) fn intern(list: &mut Vec<String>, text: &str) -> u16 {
    let at = list.iter().position(|t| t == text).unwrap_or_else(|| {
        list.push(text.to_owned());
        list.len() - 1
    });
    at.min(usize::from(u16::MAX)) as u16
}

impl Plan {
    /// Takes a configuration in.
    pub fn new(config: Config) -> Result<Plan, ConfigError> {
        check(&config)?;
        let mut plan = Plan {
            deps: Vec::new(),
            models: Vec::new(),
            options: Vec::new(),
            chains: Vec::new(),
            fallbacks: FallbackSet::default(),
            registered: registered(&config),
            // the synchronous path serves every strategy of the router that has no asynchronous selector
            sync: matches!(config.strategy, Strategy::UsageV1 | Strategy::ProviderBudget),
            any_team: config.deployments.iter().any(|d| d.team.is_some()),
            any_blocked: config.deployments.iter().any(|d| d.blocked),
            tags: Vec::new(),
            teams: Vec::new(),
            regions: Vec::new(),
            tag_budgets: Vec::new(),
            entries: Vec::new(),
            config,
        };
        for d in &plan.config.deployments {
            if let Some(team) = &d.team {
                intern(&mut plan.teams, team);
            }
        }
        plan.tag_budgets = plan.config.tag_budgets.iter().map(|(tag, _)| intern(&mut plan.tags, tag)).collect();
        plan.deps = plan.config.deployments.clone().iter().enumerate().map(|(i, d)| plan.dep(i, d)).collect();
        let config = &plan.config;
        let mut known: Vec<String> = config.deployments.iter().map(|d| d.model_name.clone()).collect();
        known.extend(config.aliases.iter().flat_map(|(alias, model)| [alias.clone(), model.clone()]));
        known.extend(config.routing_groups.iter().map(|g| g.name.clone()));
        for name in known {
            plan.add_model(&name)?;
        }
        plan.settle()?;
        Ok(plan)
    }

    /// The position of a name, taken in if it is new.
    pub fn model(&mut self, name: &str) -> Result<ModelIx, ConfigError> {
        if let Some(known) = self.models.iter().position(|m| m.name == name) {
            return Ok(ModelIx(known as u16));
        }
        let ix = self.add_model(name)?;
        self.settle()?;
        Ok(ix)
    }

    /// The position of a set of options, taken in if it is new.
    pub fn options(&mut self, given: &Options) -> Result<OptionsIx, ConfigError> {
        if let Some(known) = self.options.iter().position(|o| o.given == *given) {
            return Ok(OptionsIx(known as u16));
        }
        let ix = u16::try_from(self.options.len()).map_err(|_| ConfigError::TooMany)?;
        let tags = TagRequest::new(given, &self.config.tag_prefix, &mut self.tags);
        let region = given.allowed_region.as_ref().map(|r| self.regions.iter().position(|known| known == r));
        let team = given.team.as_ref().map(|t| self.teams.iter().position(|known| known == t));
        self.options.push(Opts {
            given: given.clone(),
            fallbacks: FallbackSet::default(),
            tags,
            region: region.flatten().map(|r| r as u16),
            unknown_region: region == Some(None),
            weights: Vec::new(),
            any_weights: !given.weights.is_empty(),
            any_timeouts: given.timeout.is_some() || given.stream_timeout.is_some(),
            team_slot: team.flatten().map_or(0, |t| t + 1),
            team: team.map(|t| t.map_or(u16::MAX, |t| t as u16)),
            retry_policies: None,
        });
        self.settle()?;
        Ok(OptionsIx(ix))
    }

    fn add_model(&mut self, name: &str) -> Result<ModelIx, ConfigError> {
        if let Some(known) = self.models.iter().position(|m| m.name == name) {
            return Ok(ModelIx(known as u16));
        }
        let ix = u16::try_from(self.models.len()).map_err(|_| ConfigError::TooMany)?;
        let teams = 1 + self.teams.len();
        let found: Vec<(Resolution, String)> =
            (0..teams).map(|slot| resolve::resolve(&self.config, &self.teams, name, slot)).collect();
        let resolved = found[0].1.clone();
        let (strategy, args) = resolve::strategy_of(&self.config, name);
        let listed = resolve::listed(&self.config, name);
        let mut orders: Vec<i64> = listed.iter().filter_map(|c| c.order).collect();
        orders.sort_unstable();
        orders.dedup();
        let group = self.config.deployments.iter().filter(|d| d.model_name == resolved);
        let mut known_tags: Vec<u16> = Vec::new();
        for tag in group.clone().flat_map(|d| &d.tags) {
            let tag = intern(&mut self.tags, tag);
            if !known_tags.contains(&tag) {
                known_tags.push(tag);
            }
        }
        let ordered = found.iter().any(|(r, _)| r.candidates().iter().any(|c| c.order.is_some()));
        self.models.push(Model {
            name: name.to_owned(),
            resolution: found.into_iter().map(|(r, _)| r).collect(),
            specific: resolve::by_own_model(&self.config, name),
            resolved: ModelIx(ix),
            strategy,
            args,
            sync_strategy: resolve::strategy_of(&self.config, &resolved).0,
            listed,
            orders,
            group_has_alternatives: resolve::group_has_alternatives(&self.config, name),
            known_tags,
            tag_filtering: group.filter_map(|d| d.enable_tag_filtering).next(),
            ordered,
            retry_policy: None,
        });
        if resolved != name {
            self.models[usize::from(ix)].resolved = self.add_model(&resolved)?;
        }
        Ok(ModelIx(ix))
    }

    /// Works out everything that depends on the list of names.
    fn settle(&mut self) -> Result<(), ConfigError> {
        // fallbacks name models, which are taken in here; their own fallbacks are the same lists
        let lists = [
            self.config.fallbacks.clone(),
            self.config.context_window_fallbacks.clone(),
            self.config.content_policy_fallbacks.clone(),
        ];
        let own: Vec<[Option<Fallbacks>; 3]> = self
            .options
            .iter()
            .map(|o| {
                let pick = |own: &Option<Option<Fallbacks>>, router: &Option<Fallbacks>| match own {
                    Some(list) => list.clone(),
                    None => router.clone(),
                };
                [
                    pick(&o.given.fallbacks, &lists[0]),
                    pick(&o.given.context_window_fallbacks, &lists[1]),
                    pick(&o.given.content_policy_fallbacks, &lists[2]),
                ]
            })
            .collect();
        for target in lists.iter().chain(own.iter().flatten()).flatten().flat_map(chains::targets) {
            if let Some(model) = &target.model {
                self.add_model(model)?;
            }
        }
        self.chains.clear();
        self.fallbacks = self.fallback_set(&lists)?;
        for (i, lists) in own.iter().enumerate() {
            let set = self.fallback_set(lists)?;
            self.options[i].fallbacks = set;
        }
        let policy = |list: &[(String, Policy)], name: &str| list.iter().find(|(n, _)| n == name).map(|(_, p)| *p);
        for m in &mut self.models {
            m.retry_policy = policy(&self.config.model_retry_policies, &m.name);
        }
        for o in &mut self.options {
            let of = |list: &Vec<(String, Policy)>| self.models.iter().map(|m| policy(list, &m.name)).collect();
            o.retry_policies = o.given.model_retry_policies.as_ref().map(of);
            let deployments = &self.config.deployments;
            let weights = &o.given.weights;
            o.weights = (self.models.iter())
                .map(|m| {
                    // weights stand with the model behind an alias
                    let name = resolve::alias(&self.config, &m.name).unwrap_or(&m.name);
                    let of_model = || weights.iter().filter(|(model, ..)| model == name);
                    of_model().next()?;
                    let weight = |id: &str| of_model().find(|(_, d, _)| d == id).map_or(0.0, |(.., w)| *w);
                    Some(deployments.iter().map(|d| weight(&d.id)).collect())
                })
                .collect();
        }
        Ok(())
    }

    /// The lists of fallbacks that hold for a request.
    pub fn fallbacks_of(&self, options: OptionsIx) -> &FallbackSet {
        &self.options[options.ix()].fallbacks
    }
}

/// Selectors are made for the router's strategy first, then for each group. LiteLLM's list of callbacks takes one object
/// of a class, so the first one's arguments hold for what is recorded (`logging_callback_manager.py`).
fn registered(config: &Config) -> Registered {
    let mut r = Registered::default();
    let of_groups = config.routing_groups.iter().filter_map(|g| match &g.kind {
        GroupKind::Strategy(strategy, args) => Some((*strategy, *args)),
        GroupKind::Priority(_) => None,
    });
    for (strategy, args) in std::iter::once((config.strategy, config.strategy_args)).chain(of_groups) {
        match strategy {
            Strategy::LeastBusy => r.least_busy = true,
            Strategy::UsageV1 => r.usage_v1 = true,
            Strategy::UsageV2 => r.usage_v2 = true,
            Strategy::Latency => {
                r.latency.get_or_insert(args);
            }
            Strategy::Cost => r.cost = true,
            Strategy::SimpleShuffle | Strategy::ProviderBudget => {}
        }
    }
    r
}

fn check(config: &Config) -> Result<(), ConfigError> {
    if config.deployments.is_empty() {
        return Err(ConfigError::NoDeployments);
    }
    if config.deployments.len() > usize::from(u16::MAX) {
        return Err(ConfigError::TooMany);
    }
    let mut ids: Vec<&str> = config.deployments.iter().map(|d| d.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|w| w[0] == w[1]) {
        return Err(ConfigError::DuplicateId(twice[0].to_owned()));
    }
    resolve::check_groups(config)?;
    let args = config.routing_groups.iter().filter_map(|g| match &g.kind {
        GroupKind::Strategy(_, args) => Some(args),
        GroupKind::Priority(_) => None,
    });
    for a in args.chain([&config.strategy_args]) {
        if a.ttft_percentile.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return Err(ConfigError::Percentile);
        }
        if a.max_latency_list_size == 0 {
            return Err(ConfigError::LatencyListSize);
        }
        number("lowest_latency_buffer", a.lowest_latency_buffer)?;
    }
    for d in &config.deployments {
        number("weight", d.weight.unwrap_or(0.0))?;
        number("input_cost_per_token", d.input_cost_per_token.unwrap_or(0.0))?;
        number("output_cost_per_token", d.output_cost_per_token.unwrap_or(0.0))?;
        number("max_budget", d.budget.map_or(0.0, |b| b.max))?;
    }
    number("retry_after", config.retry_after_s)?;
    let b = config.backoff;
    [("initial_s", b.initial_s), ("max_s", b.max_s), ("jitter_s", b.jitter_s)]
        .into_iter()
        .try_for_each(|(n, v)| number(n, v))
}

fn number(what: &'static str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(ConfigError::Number(what)) }
}
