//! What the router learns from calls: counters of strategies, spend, failures and cool-downs.
//!
//! LiteLLM does this in callbacks of its logging object. Called as a library, every attempt has such an object of its own.
//! In the proxy one object serves all attempts of a request, so each kind of callback hears of one failure only
//! ([`FailureCounting`]).

use super::config::{FailureCounting, Strategy, StrategyArgs};
use super::cooldown;
use super::failure::{Exception, Failure};
use super::journey::{Flight, Journey};
use super::lowest_latency::{Sample, TIMEOUT_PENALTY_S};
use super::plan::Plan;
use super::router::Router;
use super::why::{Explain, Why};
use crate::routing::outcome::{ErrorClass, Observation};
use crate::routing::reason::ReasonSink;
use crate::units::{DeploymentIx, Span, Time};

impl Router {
    pub(super) fn record_success(&mut self, now: Time, journey: &Journey, flight: &Flight, o: &Observation) {
        let (plan, state) = (&self.plan, &mut self.state);
        let (d, ix, model) = (flight.deployment.0, flight.deployment.ix(), flight.model.ix());
        let tokens = u64::from(o.input_tokens) + u64::from(o.output_tokens);
        let calendar = &plan.config.calendar;
        let (local, utc) = (calendar.local_minute(now), calendar.utc_minute(now));
        state.health[ix].succeeded(now);
        let hears = Hears::of(plan, journey);
        if hears.least_busy {
            state.least_busy[model].ended(now, d);
        }
        if hears.usage_v1 {
            state.usage_v1[model].succeeded(local, d, tokens);
        }
        if let Some(args) = &hears.latency {
            let sample = Sample {
                sent: o.sent,
                first_token: o.first_token,
                streamed: o.streamed,
                input_tokens: o.input_tokens,
                output_tokens: o.output_tokens,
            };
            state.latency[model].succeeded(now, local, args, d, sample);
        }
        if hears.cost {
            state.cost[model].succeeded(now, local, d, tokens);
        }
        // tokens of a stream are counted under a key that nobody reads: both callbacks name it by the model's name, which
        // answers that were put together from chunks do not carry (seen with a provider of OpenAI's kind, too)
        if hears.usage_v2 && !o.streamed {
            state.usage[ix].add_tpm(utc, tokens);
        }
        if plan.config.enforce_rate_limits && tokens > 0 && !o.streamed {
            state.usage[ix].add_tpm(utc, tokens);
        }
        if state.budgets.any {
            self.spend(now, journey, flight, o);
        }
    }

    fn spend(&mut self, now: Time, journey: &Journey, flight: &Flight, o: &Observation) {
        let (config, budgets) = (&self.plan.config, &mut self.state.budgets);
        let ix = flight.deployment.ix();
        let dep = &self.plan.deps[ix];
        let input =
            f64::from(o.input_tokens - o.cached_tokens) * dep.price.0 + f64::from(o.cached_tokens) * dep.cached_price;
        let cost = input + f64::from(o.output_tokens) * dep.price.1;
        if let Some(p) = dep.provider_budget.map(usize::from) {
            budgets.providers[p].add(now, config.provider_budgets[p].2, &config.calendar, cost);
        }
        if let Some(b) = config.deployments[ix].budget {
            budgets.deployments[ix].add(now, b.per, &config.calendar, cost);
        }
        let sent = &self.plan.options[journey.options.ix()].tags.sent;
        for (i, tag) in self.plan.tag_budgets.iter().enumerate() {
            if sent.contains(tag) || journey.memory.met_tags.contains(tag) {
                budgets.tags[i].add(now, config.tag_budgets[i].1.per, &config.calendar, cost);
            }
        }
    }

    pub(super) fn record_failure<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        flight: &Flight,
        o: &Observation,
        failure: &Failure,
        reasons: &mut S,
    ) {
        let proxy = self.plan.config.counting == FailureCounting::Proxy;
        let (d, ix) = (flight.deployment.0, flight.deployment.ix());
        let given = &self.plan.options[journey.options.ix()].given;
        let by_caller = proxy
            && failure.class() == Some(ErrorClass::Timeout)
            && given.timeout.is_some_and(|t| now.since(o.sent) >= t);
        let (sync, all) = (!journey.logged_sync, !journey.logged_asynchronously);
        journey.logged_sync |= proxy;
        journey.logged_asynchronously |= proxy;
        if sync && !by_caller {
            self.state.health[ix].failed(now);
            let time = cooldown::duration(&self.plan.config, &self.plan.config.deployments[ix], failure);
            let alternatives = self.plan.models[flight.model.ix()].group_has_alternatives;
            self.cool(now, d, failure, time, alternatives, reasons);
        }
        if all {
            let hears = Hears::of(&self.plan, journey);
            if hears.least_busy {
                self.state.least_busy[flight.model.ix()].ended(now, d);
            }
            if let Some(args) = hears.latency.filter(|_| failure.exception() == Exception::Timeout) {
                self.state.latency[flight.model.ix()].timed_out(now, &args, d);
                let seconds = TIMEOUT_PENALTY_S;
                reasons.why_if(|| Why::Penalty { deployment: flight.deployment, seconds });
            }
        }
        if let Some(made) = journey.memory.reservation.take() {
            self.state.io[ix].refund(made);
        }
    }

    /// In the proxy, a failure without a call is reported by a task of its own, which runs when the request next waits for
    /// something. By then the request's one logging object may describe the next call: the wrong deployment is counted as
    /// failed, and may be taken out for it.
    #[inline]
    pub(super) fn report<S: ReasonSink>(&mut self, now: Time, journey: &mut Journey, reasons: &mut S) {
        if let Some(failure) = journey.memory.unreported {
            journey.memory.unreported = None;
            self.report_failure(now, journey, failure, reasons);
        }
    }

    fn report_failure<S: ReasonSink>(&mut self, now: Time, journey: &mut Journey, failure: Failure, reasons: &mut S) {
        let (sync, all) = (!journey.logged_sync, !journey.logged_asynchronously);
        (journey.logged_sync, journey.logged_asynchronously) = (true, true);
        let Some((deployment, model)) = journey.last else { return };
        let d = deployment.ix();
        if all && Hears::of(&self.plan, journey).least_busy {
            self.state.least_busy[model.ix()].ended(now, deployment.0);
        }
        if sync {
            self.state.health[d].failed(now);
            let time = cooldown::duration(&self.plan.config, &self.plan.config.deployments[d], &failure);
            let alternatives = self.plan.models[model.ix()].group_has_alternatives;
            self.cool(now, deployment.0, &failure, time, alternatives, reasons);
        }
    }

    /// The fallback loop reports the failure of a level once more where the request's logging object no longer does.
    pub(super) fn report_again<S: ReasonSink>(&mut self, now: Time, failure: &Failure, reasons: &mut S) {
        let Some(d) = failure.deployment() else { return };
        self.state.health[d.ix()].failed(now);
        let time = cooldown::duration(&self.plan.config, &self.plan.config.deployments[d.ix()], failure);
        self.cool(now, d.0, failure, time, false, reasons);
    }

    pub(super) fn cool<S: ReasonSink>(
        &mut self,
        now: Time,
        d: u16,
        failure: &Failure,
        time: Span,
        group_has_alternatives: bool,
        reasons: &mut S,
    ) {
        let ix = usize::from(d);
        let (config, dep) = (&self.plan.config, &self.plan.deps[ix]);
        let ask = cooldown::Ask { config, deployment: &config.deployments[ix], dep, failure, group_has_alternatives };
        if self.state.health[ix].consider(now, ask, time) {
            let status = failure.status().unwrap_or(500);
            reasons.why_if(|| Why::CooledDown { deployment: DeploymentIx(d), status, time });
        }
    }
}

/// Which strategies hear of a request's answers: those that are registered, and in the proxy the one that the request asks
/// for in their place.
struct Hears {
    least_busy: bool,
    usage_v1: bool,
    usage_v2: bool,
    latency: Option<StrategyArgs>,
    cost: bool,
}

impl Hears {
    fn of(plan: &Plan, journey: &Journey) -> Hears {
        let r = &plan.registered;
        let own = plan.options[journey.options.ix()].given.strategy;
        let own = own.filter(|_| plan.config.counting == FailureCounting::Proxy);
        Hears {
            least_busy: r.least_busy || own == Some(Strategy::LeastBusy),
            usage_v1: r.usage_v1 || own == Some(Strategy::UsageV1),
            usage_v2: r.usage_v2 || own == Some(Strategy::UsageV2),
            latency: r.latency.or_else(|| (own == Some(Strategy::Latency)).then(StrategyArgs::default)),
            cost: r.cost || own == Some(Strategy::Cost),
        }
    }
}
