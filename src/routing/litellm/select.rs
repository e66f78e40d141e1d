//! The pipeline of a pick: from a model's name to one deployment.
//!
//! Source: LiteLLM 1.106.2, `router.py: _async_get_available_deployment`, `async_get_healthy_deployments`,
//! `get_available_deployment` (the synchronous path). In this order:
//!
//! 1. what the name leads to (`resolve.rs`); a deployment asked for by its id skips all that follows;
//! 2. other teams' deployments, and those without web search when the request wants it, are dropped;
//! 3. those that background health checks found unhealthy (unless that would drop all);
//! 4. those that cool down; 5. those that are blocked; 6. those over their budget;
//! 7. pre-call checks; 8. tags;
//! 9. order: the one that a fallback hop aims at, else the lowest among those left (who has none is dropped as soon as one
//!    has one);
//! 10. those that weighted failover excludes; 11. those that have refused this request for good, unless that leaves none;
//! 12. nothing left: the router's own rate-limit error.
//!
//! Then the strategy: the request's, else the routing group's, else the router's. Where the router's own strategy is
//! usage-based v1, LiteLLM decides synchronously, and that path knows neither teams, web search, budgets nor tags.

use super::config::Strategy;
use super::dep::Dep;
use super::failure::{Cause, Failure};
use super::plan::{Candidate, ModelIx, OptionsIx, Opts, Plan};
use super::resolve::Resolution;
use super::state::State;
use super::why::{Explain, Filter, Why};
use super::{budget, lowest_latency, precheck, rate_limit, shuffle, tags, usage_v2};
use crate::routing::entropy::Entropy;
use crate::routing::reason::Figure;
use crate::units::{DeploymentIx, Time};

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub now: Time,
    pub model: ModelIx,
    pub options: OptionsIx,
    pub streams: bool,
    pub input_tokens: u32,
    /// Only this order.
    pub target_order: Option<i64>,
    /// Deployments that weighted failover excludes.
    pub excluded: &'a [u16],
    /// Deployments that have refused this request for good.
    pub refused: &'a [u16],
    /// Tags of the deployments that the request was sent to before, for budgets of tags.
    pub met_tags: &'a [u16],
}

/// The pick.
pub(super) fn select<E: Entropy, S: Explain>(
    plan: &Plan,
    state: &mut State,
    ask: &Ask<'_>,
    entropy: &mut E,
    reasons: &mut S,
) -> Result<u16, Failure> {
    let model = &plan.models[ask.model.ix()];
    let options = &plan.options[ask.options.ix()];
    let resolution = model.resolution.get(options.team_slot).unwrap_or(&Resolution::Unknown);
    let pool: &[Candidate] = match resolution {
        _ if options.given.specific => &model.specific,
        Resolution::Pool(pool) => pool,
        Resolution::Unknown => return Err(Failure::of(Cause::UnknownModel)),
        Resolution::One(d) => {
            if plan.config.deployments[usize::from(*d)].blocked {
                return Err(Failure::of(Cause::Blocked));
            }
            override_check(plan, state, ask, options, *d)?;
            return Ok(*d);
        }
    };
    filter(plan, state, ask, pool, reasons).map_err(Failure::of)?;
    strategy(plan, state, ask, entropy, reasons)
}

/// Steps 2 to 12. What is left stands in `state.candidates`.
fn filter<S: Explain>(
    plan: &Plan,
    state: &mut State,
    ask: &Ask<'_>,
    pool: &[Candidate],
    reasons: &mut S,
) -> Result<(), Cause> {
    let config = &plan.config;
    let model = &plan.models[ask.model.ix()];
    let options = &plan.options[ask.options.ix()];
    let full = !plan.sync;
    let mut left = std::mem::take(&mut state.candidates);
    left.clear();
    if full && (plan.any_team || options.given.web_search) {
        for c in pool {
            let (ix, d) = (usize::from(c.deployment), c.deployment);
            let by = if plan.deps[ix].team.is_some() && plan.deps[ix].team != options.team {
                Filter::Team
            } else if options.given.web_search && config.deployments[ix].no_web_search {
                Filter::WebSearch
            } else {
                left.push(d);
                continue;
            };
            reasons.why_if(|| Why::Excluded { deployment: DeploymentIx(d), by });
        }
    } else {
        left.extend(pool.iter().map(|c| c.deployment));
    }
    let result = narrow(plan, state, ask, model, options, pool, &mut left, reasons);
    state.candidates = left;
    result
}

#[expect(clippy::too_many_arguments, reason = "one step of a pipeline that shares all of it")]
fn narrow<S: Explain>(
    plan: &Plan,
    state: &mut State,
    ask: &Ask<'_>,
    model: &super::plan::Model,
    options: &Opts,
    pool: &[Candidate],
    left: &mut Vec<u16>,
    reasons: &mut S,
) -> Result<(), Cause> {
    let (config, now, full) = (&plan.config, ask.now, !plan.sync);
    let out = |reasons: &mut S, d: u16, by| reasons.why_if(|| Why::Excluded { deployment: DeploymentIx(d), by });
    if config.health.as_ref().is_some_and(|h| config.allowed_fails_policy.is_none() || h.groups.is_some()) {
        let sick = |d: &u16| plan.deps[usize::from(*d)].health_filtered && state.is_unhealthy(now, *d, config);
        if !left.iter().all(sick) {
            left.retain(|d| {
                let keep = !sick(d);
                if !keep {
                    out(reasons, *d, Filter::Health);
                }
                keep
            });
        }
    }
    let bypass = config.health.is_some() && config.allowed_fails_policy.is_some();
    if bypass {
        state.before.clear();
        state.before.extend_from_slice(left);
    }
    let health = &mut state.health;
    if left.iter().any(|d| health[usize::from(*d)].has_cooled()) {
        left.retain(|d| match health[usize::from(*d)].cooling(now) {
            None => true,
            Some(until) => {
                let (since, status) = health[usize::from(*d)].cooled_by().expect("it cools down");
                out(reasons, *d, Filter::CoolingDown { until, since, status });
                false
            }
        });
    }
    if left.is_empty() && bypass {
        // cool-downs that come from health checks fail open
        left.extend_from_slice(&state.before);
    }
    if plan.any_blocked {
        left.retain(|d| {
            let keep = !config.deployments[usize::from(*d)].blocked;
            if !keep {
                out(reasons, *d, Filter::Blocked);
            }
            keep
        });
    }
    if full && state.budgets.any && !left.is_empty() {
        let spent = |tags: &[u16]| {
            let over = |(i, tag): (usize, &u16)| {
                tags.contains(tag) && state.budgets.tags[i].is_over(now, config.tag_budgets[i].1.max)
            };
            plan.tag_budgets.iter().enumerate().any(over)
        };
        let tags_over = spent(&options.tags.sent) || spent(ask.met_tags);
        left.retain(|d| {
            let rules = budget::Rules {
                providers: &config.provider_budgets,
                deployment: config.deployments[usize::from(*d)].budget,
                provider: plan.deps[usize::from(*d)].provider_budget,
            };
            let keep = !tags_over && state.budgets.allows(now, *d, &rules);
            if !keep {
                out(reasons, *d, Filter::Budget);
                if reasons.on() {
                    let spent = |what, (spend, max): (f64, Option<f64>)| {
                        let figure = Figure::new(what, spend);
                        max.map_or(figure, |max| figure.of(max))
                    };
                    let budgets = &state.budgets;
                    if let Some(p) = rules.provider.map(usize::from) {
                        let of = (budgets.providers[p].dollars(now), rules.providers[p].1);
                        reasons.known(*d, || spent("dollars spent of its provider's budget", of));
                    }
                    if let Some(b) = rules.deployment {
                        let of = (budgets.deployments[usize::from(*d)].dollars(now), Some(b.max));
                        reasons.known(*d, || spent("dollars spent of its own budget", of));
                    }
                    for (i, tag) in plan.tag_budgets.iter().enumerate() {
                        let of = (budgets.tags[i].dollars(now), Some(config.tag_budgets[i].1.max));
                        if options.tags.sent.contains(tag) || ask.met_tags.contains(tag) {
                            reasons.known(*d, || spent("dollars spent of a tag's budget", of));
                        }
                    }
                }
            }
            keep
        });
        if left.is_empty() {
            return Err(Cause::OverBudget);
        }
    }
    if config.pre_call_checks {
        let minute = config.calendar.utc_minute(now);
        let (v1, picks) = (&mut state.usage_v1[model.resolved.ix()], &state.picks);
        let facts = |d: u16| {
            let dep = &plan.deps[usize::from(d)];
            precheck::Facts {
                max_input_tokens: dep.max_input_tokens,
                rpm: dep.precheck_rpm,
                counted: v1.requests_for_check(minute, d),
                region_fits: !options.unknown_region && options.region.is_none_or(|r| dep.region == Some(r)),
                format_fits: !(options.given.response_format && config.deployments[usize::from(d)].no_response_format),
            }
        };
        let check_rpm = config.strategy != Strategy::UsageV2;
        let count = |d: u16| picks[usize::from(d)];
        precheck::filter(now, u64::from(ask.input_tokens), check_rpm, left, count, facts, reasons)?;
    }
    if full && !left.is_empty() && (options.given.tag_filtering || model.tag_filtering.unwrap_or(config.tag_filtering))
    {
        let cx = tags::TagContext { deps: &plan.deps, model, match_any: config.tag_match_any };
        if reasons.on() {
            state.before.clear();
            state.before.extend_from_slice(left);
        }
        tags::filter(&options.tags, &cx, left, &mut state.scratch).map_err(|()| Cause::NoMatchingTag)?;
        if reasons.on() {
            state.before.iter().filter(|d| !left.contains(d)).for_each(|d| out(reasons, *d, Filter::Tags));
        }
    }
    if model.ordered || ask.target_order.is_some() {
        let marks = &mut state.marks;
        marks.set(left);
        let lowest = || pool.iter().filter(|c| marks.has(c.deployment)).filter_map(|c| c.order).min();
        if let Some(order) = ask.target_order.or_else(lowest) {
            let same = |c: &&Candidate| c.order == Some(order);
            if reasons.on() {
                let others = pool.iter().filter(|c| marks.has(c.deployment) && !same(c));
                others.for_each(|c| out(reasons, c.deployment, Filter::Order));
            }
            left.clear();
            left.extend(pool.iter().filter(|c| marks.has(c.deployment)).filter(same).map(|c| c.deployment));
        }
    }
    if !ask.excluded.is_empty() {
        drop_listed(ask.excluded, left, Filter::FailedOver, reasons);
    }
    if !ask.refused.is_empty() && left.iter().any(|d| !ask.refused.contains(d)) {
        drop_listed(ask.refused, left, Filter::RefusedBefore, reasons);
    }
    if left.is_empty() { Err(Cause::NoDeployment) } else { Ok(()) }
}

fn drop_listed<S: Explain>(listed: &[u16], left: &mut Vec<u16>, by: Filter, reasons: &mut S) {
    left.retain(|d| {
        let keep = !listed.contains(d);
        if !keep {
            reasons.why_if(|| Why::Excluded { deployment: DeploymentIx(*d), by });
        }
        keep
    });
}

/// What a strategy that counts chooses from.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub now: Time,
    /// Minute of the strategy's own calendar.
    pub minute: u64,
    pub deps: &'a [Dep],
    pub input_tokens: u64,
    pub candidates: &'a [u16],
}

/// The strategy's choice among `state.candidates`.
fn strategy<E: Entropy, S: Explain>(
    plan: &Plan,
    state: &mut State,
    ask: &Ask<'_>,
    entropy: &mut E,
    reasons: &mut S,
) -> Result<u16, Failure> {
    let (config, now) = (&plan.config, ask.now);
    let model = &plan.models[ask.model.ix()];
    let options = &plan.options[ask.options.ix()];
    // the synchronous path goes on with the name behind an alias or a default fallback
    let key = if plan.sync { model.resolved } else { ask.model };
    let own = if plan.sync { model.sync_strategy } else { model.strategy };
    let strategy = options.given.strategy.unwrap_or(own);
    let default_args = super::config::StrategyArgs::default();
    let args = match options.given.strategy {
        // an override takes the router's selector if that has the strategy, else one without arguments
        Some(s) if s == config.strategy => &config.strategy_args,
        Some(_) => &default_args,
        None if plan.sync => &plan.models[key.ix()].args,
        None => &model.args,
    };
    let candidates = std::mem::take(&mut state.candidates);
    let input_tokens = u64::from(ask.input_tokens);
    let choice = |minute: u64| Choice { now, minute, deps: &plan.deps, input_tokens, candidates: &candidates };
    reasons.why_if(|| Why::Strategy(strategy));
    let minutes = match strategy {
        Strategy::UsageV2 => Some(false),
        Strategy::UsageV1 | Strategy::Latency | Strategy::Cost => Some(true),
        Strategy::SimpleShuffle | Strategy::LeastBusy | Strategy::ProviderBudget => None,
    };
    if let Some(local) = minutes {
        reasons.why_if(|| Why::Minute { local, elapsed: config.calendar.into_minute(now, local) });
    }
    let picked = match strategy {
        Strategy::SimpleShuffle => {
            let weights = options.any_weights.then(|| options.weights[key.ix()].as_deref()).flatten();
            Ok(shuffle::pick(&plan.deps, weights, &candidates, entropy, reasons))
        }
        Strategy::LeastBusy => Ok(state.least_busy[key.ix()].pick(now, &candidates, reasons)),
        Strategy::UsageV1 => {
            state.marks.set(&candidates);
            let minute = config.calendar.local_minute(now);
            let v1 = &mut state.usage_v1[key.ix()];
            v1.pick(choice(minute), &state.marks, reasons).ok_or(Cause::NoDeployment)
        }
        Strategy::UsageV2 => {
            let minute = config.calendar.utc_minute(now);
            let usage = |d: u16| state.usage[usize::from(d)];
            usage_v2::pick(choice(minute), usage, &mut state.scratch, entropy, reasons).ok_or(if plan.sync {
                Cause::AllAtLimitSync
            } else {
                Cause::AllAtLimit
            })
        }
        Strategy::Latency => {
            state.marks.set(&candidates);
            let minute = config.calendar.local_minute(now);
            let a = lowest_latency::Ask { choice: choice(minute), args, streams: ask.streams };
            let map = &mut state.latency[key.ix()];
            map.pick(a, &state.marks, &mut state.latency_scratch, entropy, reasons).ok_or(Cause::NoDeployment)
        }
        // the synchronous path has no selector for this strategy
        Strategy::Cost if plan.sync => Err(Cause::NoDeployment),
        Strategy::Cost => {
            state.marks.set(&candidates);
            let minute = config.calendar.local_minute(now);
            let map = &mut state.cost[key.ix()];
            map.pick(choice(minute), &state.marks, reasons).ok_or(Cause::NoDeployment)
        }
        Strategy::ProviderBudget => Err(Cause::NoDeployment),
    };
    state.candidates = candidates;
    match picked {
        Ok(d) => {
            override_check(plan, state, ask, options, d)?;
            reasons.why_if(|| Why::Picked { deployment: DeploymentIx(d) });
            Ok(d)
        }
        Err(cause @ Cause::AllAtLimit) => {
            Err(Failure { retry_after_s: Some(usage_v2::RETRY_AFTER_S), ..Failure::of(cause) })
        }
        Err(cause) => Err(Failure::of(cause)),
    }
}

/// A strategy that only this request asks for is not registered, so its check of requests per minute runs here, for this
/// request alone (`_async_override_selector_pre_call_check`).
fn override_check(plan: &Plan, state: &mut State, ask: &Ask<'_>, options: &Opts, d: u16) -> Result<(), Failure> {
    let overridden = options.given.strategy == Some(Strategy::UsageV2) && plan.config.strategy != Strategy::UsageV2;
    let minute = plan.config.calendar.utc_minute(ask.now);
    let ix = usize::from(d);
    if overridden && !usage_v2::check(minute, &plan.deps[ix], &mut state.usage[ix]) {
        return Err(Failure { retry_after_s: Some(rate_limit::RETRY_AFTER_S), ..Failure::of(Cause::OwnRateLimit) });
    }
    Ok(())
}
