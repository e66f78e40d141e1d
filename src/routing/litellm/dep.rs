//! A deployment's settings as the rules read them: each strategy has its own idea of where a limit stands.

use super::config::{Config, Deployment, Limit, Options};
use super::names;
use super::plan::{Plan, intern};
use crate::units::Span;

/// A deployment as the rules read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Dep {
    /// `weight`, `rpm` and `tpm` of `litellm_params`, 0 where there is none.
    pub weights: [f64; 3],
    /// Limits of usage-based routing and of `enforce_model_rate_limits`; none is `u64::MAX`.
    pub tpm: u64,
    pub rpm: u64,
    /// Limits as latency- and cost-based routing read them: zero counts as none.
    pub tpm_or_none: u64,
    pub rpm_or_none: u64,
    /// Limits of the pre-call checks; none is `u64::MAX`.
    pub precheck_rpm: u64,
    pub max_input_tokens: u64,
    /// Slots; 0 is no limit.
    pub slots: u32,
    /// Dollars per token in and out together, as cost-based routing ranks them.
    pub cost: f64,
    /// Dollars per token in and out, as spend is counted.
    pub price: (f64, f64),
    /// Dollars per input token from the provider's prompt cache.
    pub cached_price: f64,
    /// Position among `provider_budgets`.
    pub provider_budget: Option<u16>,
    pub region: Option<u16>,
    pub tags: Vec<u16>,
    pub default_tag: bool,
    pub has_tag_regex: bool,
    pub fails_open: bool,
    pub team: Option<u16>,
    /// The group has one deployment only.
    pub alone: bool,
    /// A wildcard route: never cooled down.
    pub wildcard: bool,
    /// Health checks apply to its group.
    pub health_filtered: bool,
    /// Router limits apply to it (`enforce_model_rate_limits`).
    pub limited: bool,
    pub io_limited: bool,
    /// No check stands between a pick and its call.
    pub unchecked: bool,
    /// When a call is given up, of a stream in the second place, if the request has no time-outs of its own.
    pub timeouts: [Option<Span>; 2],
}

impl Plan {
    /// Reads a deployment.
    pub(super) fn dep(&mut self, ix: usize, d: &Deployment) -> Dep {
        let config = &self.config;
        let group = |name: &str| {
            config.deployments.iter().filter(|o| o.model_name == name).count()
                + config
                    .aliases
                    .iter()
                    .filter(|(alias, _)| alias == name)
                    .map(|(_, m)| group_size(config, m))
                    .sum::<usize>()
        };
        let none_if_zero = |limit: Option<u64>| limit.filter(|l| *l > 0).unwrap_or(u64::MAX);
        // the first place with a limit other than zero
        let truthy = |l: Limit| [l.entry, l.params, l.info].into_iter().find(|l| l.is_some_and(|l| l > 0));
        let params = |l: Limit| l.in_params().map_or(0.0, |l| l as f64);
        let slots = match (d.max_parallel_requests, d.rpm.in_params(), d.tpm.in_params(), config.default_max_parallel) {
            (Some(slots), ..) => u64::from(slots),
            (None, Some(rpm), ..) => rpm,
            (None, None, Some(tpm), _) => ((tpm as f64 / 1000.0 * 6.0) as u64).max(1),
            (None, None, None, default) => default.map_or(0, u64::from),
        };
        // a price of zero counts as none here (`router_strategy/lowest_cost.py`)
        let own = |price: Option<f64>| price.filter(|p| *p != 0.0);
        let cost = own(d.input_cost_per_token).or(d.listed_price.map(|p| p.0)).unwrap_or(5.0)
            + own(d.output_cost_per_token).or(d.listed_price.map(|p| p.1)).unwrap_or(5.0);
        let price = (
            d.input_cost_per_token.or(d.listed_price.map(|p| p.0)).unwrap_or(0.0),
            d.output_cost_per_token.or(d.listed_price.map(|p| p.1)).unwrap_or(0.0),
        );
        // ASSUMPTION: who states a price of input states it for all of it
        let cached_price = d.input_cost_per_token.or(d.listed_cached_price).unwrap_or(price.0);
        // a prefix that LiteLLM does not know by itself is a provider that was registered with it
        let prefix = d.model.split_once('/').map(|(prefix, _)| prefix);
        let provider = d.provider.as_deref().or(prefix).or_else(|| names::provider_of(&d.model));
        Dep {
            weights: [d.weight.unwrap_or(0.0), params(d.rpm), params(d.tpm)],
            tpm: d.tpm.anywhere().unwrap_or(u64::MAX),
            rpm: d.rpm.anywhere().unwrap_or(u64::MAX),
            tpm_or_none: none_if_zero(truthy(d.tpm).flatten()),
            rpm_or_none: none_if_zero(truthy(d.rpm).flatten()),
            precheck_rpm: d.rpm.in_params().unwrap_or(u64::MAX),
            max_input_tokens: d.max_input_tokens.unwrap_or(u64::MAX),
            slots: slots.min(u64::from(u32::MAX)) as u32,
            cost,
            price,
            cached_price,
            provider_budget: config
                .provider_budgets
                .iter()
                .position(|(p, ..)| Some(p.as_str()) == provider)
                .map(|p| p as u16),
            alone: group(&d.model_name) == 1,
            wildcard: d.model_name.contains('*'),
            health_filtered: config
                .health
                .as_ref()
                .is_some_and(|h| h.groups.as_ref().is_none_or(|g| g.contains(&d.model_name))),
            limited: d.tpm.anywhere().is_some() || d.rpm.anywhere().is_some(),
            io_limited: d.itpm.is_some() || d.otpm.is_some(),
            unchecked: slots == 0 && !self.registered.usage_v2 && !config.enforce_rate_limits,
            timeouts: [false, true].map(|streams| config.timeout_of(&Options::default(), ix, streams)),
            team: d.team.as_ref().map(|t| intern(&mut self.teams, t)),
            region: d.region_name.as_ref().map(|r| intern(&mut self.regions, r)),
            tags: d.tags.iter().map(|t| intern(&mut self.tags, t)).collect(),
            default_tag: d.tags.iter().any(|t| t == "default"),
            has_tag_regex: !d.tag_regex.is_empty(),
            fails_open: d.allow_fail_open,
        }
    }
}

fn group_size(config: &Config, model_name: &str) -> usize {
    config.deployments.iter().filter(|d| d.model_name == model_name).count()
}
