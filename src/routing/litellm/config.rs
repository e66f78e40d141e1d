//! What a LiteLLM router is told: `model_list`, the arguments of `Router.__init__` and the settings of the library that
//! it falls back to. Plain data with names; `plan` turns names into indices.
//!
//! Defaults: LiteLLM 1.106.2, `router.py: Router.__init__`, `constants.py`, `__init__.py`. They can be changed by
//! environment variables there, which is why the constants of the backoff are fields here.

use super::cache::Calendar;
use super::failure::Policy;
use crate::units::Span;

/// An entry of `model_list`. Its position is its [`DeploymentIx`](crate::units::DeploymentIx).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Deployment {
    /// `model_info.id`.
    pub id: String,
    /// `model_name`: the group.
    pub model_name: String,
    /// `litellm_params.model`, for example `azure/gpt-4o`.
    pub model: String,
    /// The provider that LiteLLM derives from it, for provider budgets.
    pub provider: Option<String>,
    /// `litellm_params.weight`.
    pub weight: Option<f64>,
    /// Requests per minute.
    pub rpm: Limit,
    /// Tokens per minute.
    pub tpm: Limit,
    /// Input tokens per minute, for `enforce_model_rate_limits`.
    pub itpm: Option<u64>,
    /// Output tokens per minute, for `enforce_model_rate_limits`.
    pub otpm: Option<u64>,
    /// `order`: lower is preferred.
    pub order: Option<i64>,
    /// `litellm_params.max_parallel_requests`.
    pub max_parallel_requests: Option<u32>,
    /// `litellm_params.timeout`.
    pub timeout: Option<Span>,
    /// `litellm_params.stream_timeout`.
    pub stream_timeout: Option<Span>,
    /// `litellm_params.num_retries`.
    pub num_retries: Option<u32>,
    /// `cooldown_time` of `model_info`, else of `litellm_params`; a negative one counts as none.
    pub cooldown_time: Option<Span>,
    /// `litellm_params.region_name`.
    pub region_name: Option<String>,
    /// `litellm_params.tags`.
    pub tags: Vec<String>,
    /// `litellm_params.tag_regex`, as written.
    pub tag_regex: Vec<String>,
    /// `litellm_params.max_budget` and `budget_duration`, which only count together.
    pub budget: Option<Budget>,
    /// `litellm_params.input_cost_per_token`, in dollars.
    pub input_cost_per_token: Option<f64>,
    /// `litellm_params.output_cost_per_token`, in dollars.
    pub output_cost_per_token: Option<f64>,
    /// Prices per token (input, output) of LiteLLM's own price list for this model, in dollars.
    pub listed_price: Option<(f64, f64)>,
    /// Dollars per input token that the provider read from its prompt cache, by the price list.
    pub listed_cached_price: Option<f64>,
    /// `model_info.max_input_tokens`, else that of LiteLLM's list.
    pub max_input_tokens: Option<u64>,
    /// The model's largest answer, reserved against `otpm` when a request sets no bound.
    pub max_output_tokens: Option<u64>,
    /// `model_info.blocked`.
    pub blocked: bool,
    /// `model_info.allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `model_info.allowed_fails_policy`.
    pub allowed_fails_policy: Option<Policy>,
    /// `model_info.enable_tag_filtering`.
    pub enable_tag_filtering: Option<bool>,
    /// `model_info.allow_fail_open`.
    pub allow_fail_open: bool,
    /// `model_info.supports_web_search` is false.
    pub no_web_search: bool,
    /// The model does not support `response_format`.
    pub no_response_format: bool,
    /// `model_info.team_id`.
    pub team: Option<String>,
    /// `model_info.team_public_model_name`.
    pub team_public_model_name: Option<String>,
}

/// A limit per minute and where it stands: the strategies look at all three places in this order, some rules only at the
/// second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limit {
    /// At the top of the entry, beside `model_name`.
    pub entry: Option<u64>,
    /// In `litellm_params`.
    pub params: Option<u64>,
    /// In `model_info`.
    pub info: Option<u64>,
}

impl Limit {
    /// What the strategies obey.
    pub fn anywhere(&self) -> Option<u64> {
        self.entry.or(self.params).or(self.info)
    }

    /// What is read from `litellm_params`: LiteLLM copies the entry's limit there when it has none.
    pub fn in_params(&self) -> Option<u64> {
        self.params.or(self.entry)
    }
}

/// A sum of money per time. A limit of zero is no limit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Budget {
    /// Dollars.
    pub max: f64,
    /// Per this time.
    pub per: BudgetTime,
}

/// Length of a budget's window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BudgetTime {
    /// A fixed span.
    Span(Span),
    /// Calendar months.
    Months(u32),
}

/// How a deployment is chosen among those that passed the filters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Strategy {
    /// `simple-shuffle`.
    #[default]
    SimpleShuffle,
    /// `least-busy`.
    LeastBusy,
    /// `usage-based-routing`, the first version.
    UsageV1,
    /// `usage-based-routing-v2`.
    UsageV2,
    /// `latency-based-routing`.
    Latency,
    /// `cost-based-routing`.
    Cost,
    /// `provider-budget-routing`: a name that LiteLLM accepts and for which it has no selector. No request is served.
    ProviderBudget,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 7] = [
        Strategy::SimpleShuffle,
        Strategy::LeastBusy,
        Strategy::UsageV1,
        Strategy::UsageV2,
        Strategy::Latency,
        Strategy::Cost,
        Strategy::ProviderBudget,
    ];

    /// LiteLLM's name.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::SimpleShuffle => "simple-shuffle",
            Strategy::LeastBusy => "least-busy",
            Strategy::UsageV1 => "usage-based-routing",
            Strategy::UsageV2 => "usage-based-routing-v2",
            Strategy::Latency => "latency-based-routing",
            Strategy::Cost => "cost-based-routing",
            Strategy::ProviderBudget => "provider-budget-routing",
        }
    }

    /// The strategy of that name.
    pub fn from_name(name: &str) -> Option<Strategy> {
        Strategy::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// `routing_strategy_args`: only latency-based routing reads any.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StrategyArgs {
    /// `ttl` of the group's map of latencies.
    pub ttl: Span,
    /// `lowest_latency_buffer`: a fraction of the lowest score within which the choice is random.
    pub lowest_latency_buffer: f64,
    /// `max_latency_list_size`.
    pub max_latency_list_size: usize,
    /// `ttft_percentile`: this percentile of the times to first token in place of their mean.
    pub ttft_percentile: Option<f64>,
}

impl Default for StrategyArgs {
    /// `router_strategy/lowest_latency.py: RoutingArgs`.
    fn default() -> StrategyArgs {
        StrategyArgs {
            ttl: Span::from_hours(1),
            lowest_latency_buffer: 0.0,
            max_latency_list_size: 10,
            ttft_percentile: None,
        }
    }
}

/// `routing_groups`: models with a strategy of their own, callable together under the group's name.
#[derive(Clone, PartialEq, Debug)]
pub struct RoutingGroup {
    /// `group_name`.
    pub name: String,
    /// `models`, by `model_name`.
    pub models: Vec<String>,
    /// What the group does.
    pub kind: GroupKind,
}

/// What a routing group does.
#[derive(Clone, PartialEq, Debug)]
pub enum GroupKind {
    /// A strategy for its members, however they are called.
    Strategy(Strategy, StrategyArgs),
    /// `priority`: the number of each of `models` becomes the order of its deployments, in calls of the group only.
    Priority(Vec<i64>),
}

/// Where a fallback leads: a model, and what the hop changes about the request.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// The model; `None` for an entry that only changes parameters of the same call.
    pub model: Option<String>,
    /// `num_retries` for the hop and, as LiteLLM merges entries into the request, for all that follow it.
    pub num_retries: Option<u32>,
    /// The entry as written, if it is more than a name: two entries that are written alike are tried once.
    pub entry: Option<String>,
}

impl Target {
    /// A bare name.
    pub fn model(name: &str) -> Target {
        Target { model: Some(name.to_owned()), num_retries: None, entry: None }
    }
}

/// A list of fallbacks.
#[derive(Clone, PartialEq, Debug)]
pub enum Fallbacks {
    /// `[{group: [targets]}, …]`; the group `*` stands for all without a chain of their own.
    Chains(Vec<(String, Vec<Target>)>),
    /// A plain list, tried as it stands, whatever failed.
    List(Vec<Target>),
}

/// Which failures the failure callback sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FailureCounting {
    /// Each attempt has a logging object of its own, as when the library is called directly: every failing attempt counts.
    #[default]
    Sdk,
    /// One logging object serves all attempts of a request, as in the proxy: only the first failing attempt is seen, and
    /// the last failure of each fallback is reported again by the fallback loop.
    Proxy,
}

/// `enable_health_check_routing`.
#[derive(Clone, PartialEq, Debug)]
pub struct HealthRouting {
    /// `health_check_staleness_threshold`: older results count as healthy.
    pub staleness: Span,
    /// `background_health_check_model_groups`: only these groups are filtered.
    pub groups: Option<Vec<String>>,
}

/// Backoff before a retry: `INITIAL_RETRY_DELAY`, `MAX_RETRY_DELAY` and `JITTER` of `constants.py`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Backoff {
    /// First delay, in seconds.
    pub initial_s: f64,
    /// Longest delay without jitter, in seconds.
    pub max_s: f64,
    /// Width of the uniform jitter, in seconds.
    pub jitter_s: f64,
}

/// A router's configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The gateway's calendar.
    pub calendar: Calendar,
    /// `model_list`, in order: ties go to the first.
    pub deployments: Vec<Deployment>,
    /// `routing_strategy`.
    pub strategy: Strategy,
    /// `routing_strategy_args`.
    pub strategy_args: StrategyArgs,
    /// `routing_groups`.
    pub routing_groups: Vec<RoutingGroup>,
    /// `model_group_alias`: (alias, model).
    pub aliases: Vec<(String, String)>,
    /// `num_retries`.
    pub num_retries: u32,
    /// `retry_after`, in seconds: the shortest computed delay.
    pub retry_after_s: f64,
    /// Constants of the backoff.
    pub backoff: Backoff,
    /// `retry_policy`.
    pub retry_policy: Option<Policy>,
    /// `model_group_retry_policy`: (model, policy).
    pub model_retry_policies: Vec<(String, Policy)>,
    /// `allowed_fails`.
    pub allowed_fails: u32,
    /// The library's `allowed_fails`: a router with the same number counts as having none.
    pub library_allowed_fails: u32,
    /// `allowed_fails_policy`.
    pub allowed_fails_policy: Option<Policy>,
    /// `cooldown_time`.
    pub cooldown_time: Span,
    /// `disable_cooldowns`.
    pub disable_cooldowns: bool,
    /// `fallbacks`, `default_fallbacks` included as a last chain of `*`.
    pub fallbacks: Option<Fallbacks>,
    /// `context_window_fallbacks`.
    pub context_window_fallbacks: Option<Fallbacks>,
    /// `content_policy_fallbacks`.
    pub content_policy_fallbacks: Option<Fallbacks>,
    /// `max_fallbacks`.
    pub max_fallbacks: u32,
    /// `enable_pre_call_checks`.
    pub pre_call_checks: bool,
    /// `enable_tag_filtering`.
    pub tag_filtering: bool,
    /// `tag_filtering_match_any`.
    pub tag_match_any: bool,
    /// `tag_routing_prefix`.
    pub tag_prefix: String,
    /// `enable_weighted_failover`.
    pub weighted_failover: bool,
    /// `enforce_model_rate_limits` among `optional_pre_call_checks`.
    pub enforce_rate_limits: bool,
    /// `default_max_parallel_requests`.
    pub default_max_parallel: Option<u32>,
    /// `provider_budget_config`: (provider, budget). A limit of `None` is LiteLLM's odd case of a provider that is
    /// filtered out for good.
    pub provider_budgets: Vec<(String, Option<f64>, BudgetTime)>,
    /// `tag_budget_config`: (tag, budget).
    pub tag_budgets: Vec<(String, Budget)>,
    /// `enable_health_check_routing`.
    pub health: Option<HealthRouting>,
    /// `timeout`.
    pub timeout: Option<Span>,
    /// `stream_timeout`.
    pub stream_timeout: Option<Span>,
    /// `litellm_settings.request_timeout`, per attempt, where the router has a time-out too.
    pub request_timeout: Option<Span>,
    /// Which failures are counted.
    pub counting: FailureCounting,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            calendar: Calendar::default(),
            deployments: Vec::new(),
            strategy: Strategy::SimpleShuffle,
            strategy_args: StrategyArgs::default(),
            routing_groups: Vec::new(),
            aliases: Vec::new(),
            num_retries: 2,
            retry_after_s: 0.0,
            backoff: Backoff { initial_s: 0.5, max_s: 8.0, jitter_s: 0.75 },
            retry_policy: None,
            model_retry_policies: Vec::new(),
            allowed_fails: 3,
            library_allowed_fails: 3,
            allowed_fails_policy: None,
            cooldown_time: Span::from_secs(5),
            disable_cooldowns: false,
            fallbacks: None,
            context_window_fallbacks: None,
            content_policy_fallbacks: None,
            max_fallbacks: 5,
            pre_call_checks: false,
            tag_filtering: false,
            tag_match_any: true,
            tag_prefix: String::new(),
            weighted_failover: false,
            enforce_rate_limits: false,
            default_max_parallel: None,
            provider_budgets: Vec::new(),
            tag_budgets: Vec::new(),
            health: None,
            timeout: None,
            stream_timeout: None,
            request_timeout: None,
            counting: FailureCounting::Sdk,
        }
    }
}

impl Config {
    /// When to give a call up: the request's own time-out, the deployment's, `request_timeout`, the router's. Zero counts as
    /// none. A stream asks for its own time-outs first. `None`: nothing sets one.
    pub fn timeout_of(&self, given: &Options, deployment: usize, streams: bool) -> Option<Span> {
        let own = &self.deployments[deployment];
        let set = |t: &Option<Span>| t.filter(|t| *t > Span::ZERO);
        let of_streams = [given.stream_timeout, own.stream_timeout, self.stream_timeout, self.request_timeout];
        let of_all = [given.timeout, own.timeout, self.request_timeout, self.timeout];
        let stream = streams.then(|| of_streams.iter().find_map(set)).flatten();
        stream.or_else(|| of_all.iter().find_map(set))
    }
}

/// What a request brings besides its prompt: the keyword arguments of `acompletion` that routing reads.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// `num_retries`.
    pub num_retries: Option<u32>,
    /// `max_fallbacks`.
    pub max_fallbacks: Option<u32>,
    /// `disable_fallbacks`.
    pub disable_fallbacks: bool,
    /// `fallbacks`; `Some(None)` is an explicit null, which switches the router's own off.
    pub fallbacks: Option<Option<Fallbacks>>,
    /// `context_window_fallbacks`.
    pub context_window_fallbacks: Option<Option<Fallbacks>>,
    /// `content_policy_fallbacks`.
    pub content_policy_fallbacks: Option<Option<Fallbacks>>,
    /// `model_group_retry_policy`.
    pub model_retry_policies: Option<Vec<(String, Policy)>>,
    /// `routing_strategy`.
    pub strategy: Option<Strategy>,
    /// `_router_weights`, as the proxy forwards them: (model, deployment id, weight).
    pub weights: Vec<(String, String, f64)>,
    /// `metadata.tags`.
    pub tags: Vec<String>,
    /// `metadata.inherited_tags`.
    pub inherited_tags: Option<Vec<String>>,
    /// For a request with a `metadata.user_agent`: per deployment, whether one of its `tag_regex` matches
    /// `User-Agent: …`. Matching is the caller's business.
    pub agent_matches: Option<Vec<bool>>,
    /// `enable_tag_filtering`.
    pub tag_filtering: bool,
    /// `allowed_model_region`.
    pub allowed_region: Option<String>,
    /// `timeout`.
    pub timeout: Option<Span>,
    /// `stream_timeout`.
    pub stream_timeout: Option<Span>,
    /// `metadata.user_api_key_team_id`.
    pub team: Option<String>,
    /// The request has a tool of type `web_search` or `web_search_preview`.
    pub web_search: bool,
    /// The request asks for a `response_format`.
    pub response_format: bool,
    /// `specific_deployment`: the model is the `litellm_params.model` of deployments.
    pub specific: bool,
}

/// Why a configuration is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// There is no deployment.
    NoDeployments,
    /// More deployments or names than an index can count.
    TooMany,
    /// Two deployments have this id.
    DuplicateId(String),
    /// A routing group cannot work.
    RoutingGroup {
        /// Its name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// `ttft_percentile` is not within (0, 1].
    Percentile,
    /// `max_latency_list_size` is zero: LiteLLM would fail at the first answer.
    LatencyListSize,
    /// A number that must be finite and not negative is neither.
    Number(&'static str),
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConfigError::NoDeployments => write!(f, "there is no deployment"),
            ConfigError::TooMany => write!(f, "there are more than 65,535 deployments or names"),
            ConfigError::DuplicateId(id) => write!(f, "two deployments have the id `{id}`"),
            ConfigError::RoutingGroup { name, why } => write!(f, "routing group `{name}`: {why}"),
            ConfigError::Percentile => write!(f, "`ttft_percentile` must be above 0 and at most 1"),
            ConfigError::LatencyListSize => write!(f, "`max_latency_list_size` must be at least 1"),
            ConfigError::Number(what) => write!(f, "`{what}` must be a finite number that is not negative"),
        }
    }
}

impl std::error::Error for ConfigError {}
