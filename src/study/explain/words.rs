//! What reasons and steps are called, in words for somebody who knows the product and not the program.

use crate::routing::balance::Choose;
use crate::routing::limits::Limit;
use crate::routing::litellm::{Cause, Filter, Mechanism, Why};
use crate::routing::outcome::Outcome;
use crate::routing::reason::{Exclusion, Figure, Reason};
use crate::scenario::model::{Dependency, FaultWhat, QuotaUse, Scenario, Topology};
use crate::study::incidents::errors;
use crate::units::{DeploymentIx, Span, Time};
use crate::world::story::{Ending, What};

/// Names of a topology, and the clock of a story.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its topology.
    pub topology: &'a Topology,
    /// When the story begins: its times count from here.
    pub sent: Time,
    /// Position in the chain of the pool that is chosen from.
    pub pool: u8,
}

impl Names<'_> {
    /// Name of a deployment.
    pub fn deployment(&self, d: DeploymentIx) -> &str {
        &self.scenario.deployments[d.ix()].name
    }

    /// Id of a region of the topology.
    pub fn region(&self, position: u8) -> &str {
        &self.scenario.places[self.topology.regions[usize::from(position)].place.ix()].id
    }

    /// Name of a locality of the pool that is chosen from.
    pub fn locality(&self, position: u16) -> &'_ str {
        &self.topology.chain[usize::from(self.pool)].localities[usize::from(position)].name
    }

    /// A pool's name and how it chooses.
    fn pool(&self, position: u8) -> (&str, String) {
        let pool = &self.topology.chain[usize::from(position)];
        (&pool.name, rule_name(pool.choose))
    }

    /// An instant of the future on the story's clock.
    pub fn until(&self, now: Time, until: Time) -> String {
        format!("for {} more, until {}", short(until.since(now)), clock(until, self.sent))
    }

    /// A fault in force, since when, and what it does.
    pub fn fault(&self, fault: u16, since: Time, now: Time) -> String {
        let fault = &self.scenario.faults[usize::from(fault)];
        let what = match &fault.what {
            FaultWhat::RegionDown { .. } => "everything there is down".to_owned(),
            FaultWhat::DependencyDown { dependency: Dependency::Database, .. } => "its database is down".to_owned(),
            FaultWhat::DependencyDown { dependency: Dependency::Cache, .. } => "its cache is down".to_owned(),
            FaultWhat::SpotWithdrawn { .. } => "its spot instances are withdrawn".to_owned(),
            FaultWhat::ProviderDown { error, .. } => format!("it refuses everything with {}", error.name()),
            FaultWhat::ProviderBrownOut { slower, error_rate, error, .. } => {
                let errors = errors(*error_rate, *error);
                format!("brown-out, {slower} times slower, {errors}")
            }
        };
        format!("\"{}\" since {}: {what}", fault.name, short(now.since(since)))
    }

    /// What is true and not known, in words; empty for steps that are something else.
    pub fn unseen(&self, now: Time, what: &What) -> String {
        let checked =
            |t: Option<Time>| t.map_or(String::new(), |t| format!(" (last check {} ago)", short(now.since(t))));
        match *what {
            What::UnseenFault { deployment, fault, since } => {
                format!(
                    "{} counts as in service here, but {}",
                    self.deployment(deployment),
                    self.fault(fault, since, now)
                )
            }
            What::UnseenRepair { deployment } => {
                format!("{} counts as out of service here, but no fault is in force there", self.deployment(deployment))
            }
            What::UnseenRegionFault { region, fault, since, noticed, checked: last } => {
                let known = if noticed {
                    "its health checks have noticed, what led the request there has not"
                } else {
                    "nobody has noticed"
                };
                format!("{}: {}; {known}{}", self.region(region), self.fault(fault, since, now), checked(last))
            }
            What::UnseenRegionRepair { region, checked: last } => {
                format!("{} counts as unhealthy{}, but no fault is in force there", self.region(region), checked(last))
            }
            _ => String::new(),
        }
    }

    /// Whose count refused: which limit of which quota, and of which caller where it is counted per source region.
    pub fn quota(&self, d: DeploymentIx, caller: u8, limit: Limit) -> String {
        let what = match limit {
            Limit::Requests => "its limit on requests",
            Limit::RequestsPerDay => "its limit on requests per day",
            Limit::Tokens => "its limit on tokens",
            Limit::TokensPerDay => "its limit on tokens per day",
            Limit::InputTokens => "its limit on input tokens",
            Limit::OutputTokens => "its limit on output tokens",
            Limit::Provisioned => "its provisioned throughput",
            Limit::Shared => "the capacity that others leave",
            Limit::Credit => "its credit",
        };
        let (name, quota) = match &self.scenario.deployments[d.ix()].quota {
            None => return String::new(),
            Some(QuotaUse::Own(quota)) => (String::new(), &**quota),
            Some(QuotaUse::Shared(i)) => {
                let shared = &self.scenario.quotas[*i];
                (format!(", of the shared quota {}", shared.name), &shared.quota)
            }
        };
        let caller = match quota.per_source_region {
            true => format!(", as counted for callers in {}", self.region(caller)),
            false => String::new(),
        };
        format!(" ({what}{name}{caller})")
    }

    /// A reason in words.
    pub fn reason(&self, now: Time, reason: &Reason) -> String {
        match reason {
            Reason::Candidate { deployment, in_flight } => {
                format!(
                    "{} may be called, {in_flight} of this gateway's calls are out there",
                    self.deployment(*deployment)
                )
            }
            Reason::Drawn { deployment } => format!("{} is drawn to be compared", self.deployment(*deployment)),
            Reason::Scored { deployment, figure } => {
                format!("{} has {}", self.deployment(*deployment), score(figure))
            }
            Reason::Known { figure } => score(figure),
            Reason::Chosen { deployment, pool, .. } => {
                let (name, choose) = self.pool(*pool);
                format!("{} is chosen from pool {name} by {choose}", self.deployment(*deployment))
            }
            Reason::Excluded { deployment, because } => {
                format!("{} is out: {}", self.deployment(*deployment), self.exclusion(now, *because))
            }
            Reason::AttemptsUsed { allowed } => match allowed {
                1 => "the one attempt of this pool is used up".to_owned(),
                n => format!("the {n} attempts of this pool are used up"),
            },
            Reason::TakenOut { deployment, guard, until } => {
                let until = until.map_or(String::new(), |t| format!(" {}", self.until(now, t)));
                format!("{} is taken out of service: {guard}{until}", self.deployment(*deployment))
            }
            Reason::NextPool { pool } => {
                format!("nothing left to call in this pool, the next one is {}", self.pool(*pool).0)
            }
            Reason::Panic => "every deployment is out of service: the guards are ignored".to_owned(),
            Reason::BudgetSpent { left } => {
                format!("the retry budget is spent: no further attempt; {}", score(left))
            }
            Reason::Paced { until, known } => {
                format!("the gateway's throttle holds the call back {}; {}", self.until(now, *until), score(known))
            }
            Reason::Held { until } => {
                format!("nobody has room: the request waits at the gateway {}", self.until(now, *until))
            }
            Reason::Shed { known } => format!("the gateway's throttle refuses the call; {}", score(known)),
            Reason::Overflow { pool } => {
                format!("as many calls to pool {} are out as may be: the gateway refuses the call", self.pool(*pool).0)
            }
            Reason::Level { level, load_percent, panic, health_percent, available, total, attempted } => {
                let panic = if *panic { "; panic: its health is ignored" } else { "" };
                let attempted = if *attempted { "; the request has been there often enough" } else { "" };
                format!(
                    "priority level {level} gets {load_percent} % of the traffic: {available} of {total} hosts are in \
                     service, which is a health of {health_percent} %{panic}{attempted}"
                )
            }
            Reason::PushedBack { until } => {
                format!("its Retry-After holds the next call that would race back for {}", short(until.since(now)))
            }
            Reason::LevelChosen { level } => format!("the request goes to priority level {level}"),
            Reason::Locality { locality, figure } => {
                format!("locality {}: {}", self.locality(*locality), score(figure))
            }
            Reason::LocalityChosen { locality: Some(locality), by } => {
                format!("locality {} is chosen: {by}", self.locality(*locality))
            }
            Reason::LocalityChosen { locality: None, by } => format!("no locality is chosen: {by}"),
            Reason::BackedOff { until } => {
                format!("whoever may be called has failed this request already: back-off {}", self.until(now, *until))
            }
            Reason::NotRetryable { class } => format!("{} is not an error that is tried again", class.name()),
            Reason::Exhausted => "nothing is left to try".to_owned(),
            Reason::Steering(reason) => self.steering(now, reason),
            Reason::LiteLlm(why) => self.litellm(now, why),
            Reason::Portkey(why) => self.portkey(now, why),
            Reason::Bifrost(why) => self.bifrost(why),
        }
    }

    fn exclusion(&self, now: Time, because: Exclusion) -> String {
        match because {
            Exclusion::Out { guard, until } => {
                format!("{guard}{}", until.map_or(String::new(), |t| format!(" {}", self.until(now, t))))
            }
            Exclusion::Residency => "the user's data may not go there".to_owned(),
            Exclusion::AlreadyTried => "it was called for this request already".to_owned(),
            Exclusion::AtLimit { limit, until } => {
                let until = until.map_or(String::new(), |t| format!(" {}", self.until(now, t)));
                format!("the gateway's own limit of {} lets nothing through{until}", spaced(&format!("{limit:?}")))
            }
        }
    }

    fn litellm(&self, now: Time, why: &Why) -> String {
        let name = |d: &DeploymentIx| self.deployment(*d).to_owned();
        match why {
            Why::Excluded { deployment, by } => format!("{} is out: {}", name(deployment), self.filter(now, *by)),
            Why::AtLimit { deployment } => {
                format!("{} is out: its tokens or requests of this minute are at their limit", name(deployment))
            }
            Why::Usage { deployment, tokens } => format!("{}: {tokens} tokens this minute", name(deployment)),
            Why::Strategy(strategy) => format!("{} chooses among those that are left", strategy.name()),
            Why::Minute { local, elapsed } => {
                let clock = if *local { "local time" } else { "UTC" };
                format!("usage counts for the minute of {clock} that began {} ago", short(*elapsed))
            }
            Why::Candidate { deployment, score: by } => format!("{} may be called: {}", name(deployment), score(by)),
            Why::Slower { deployment, score: by } => {
                format!("{} is out, too far above the lowest: {}", name(deployment), score(by))
            }
            Why::Known { deployment, figure } => format!("{}: {}", name(deployment), score(figure)),
            Why::Shuffled { deployment } => {
                format!("{} is in the list of latencies that is shuffled", name(deployment))
            }
            Why::Picked { deployment } => format!("{} is chosen", name(deployment)),
            Why::Failed { failure } => match failure.cause() {
                Cause::Attempt(class) => format!("the call has failed: {}", class.name()),
                other => format!("nobody can be called: {}", spaced(&format!("{other:?}"))),
            },
            Why::CooledDown { deployment, status, time } => {
                format!("{} is cooled down for {} because of status {status}", name(deployment), short(*time))
            }
            // LiteLLM makes that pause after its last retry too, so nothing is promised
            Why::RetryPause { seconds: 0.0 } => "no pause before a retry".to_owned(),
            Why::RetryPause { seconds } => format!("a pause of {} s before a retry", figure(*seconds)),
            Why::NotRetried => "the failure is not one that is tried again".to_owned(),
            Why::Hop { depth, by } => format!("fallback no. {depth}, by {}", mechanism(*by)),
            Why::TooDeep => "the request is as many fallbacks deep as it may go".to_owned(),
            Why::Penalty { deployment, seconds } => {
                format!("{} is entered with {} s because it did not answer in time", name(deployment), figure(*seconds))
            }
            Why::Until(until) => format!("the gateway waits {}", self.until(now, *until)),
        }
    }

    fn filter(&self, now: Time, by: Filter) -> String {
        let text = match by {
            Filter::CoolingDown { until, since, status } => {
                let ago = short(now.since(since));
                return format!("cool-down {}, because of status {status} {ago} ago", self.until(now, until));
            }
            Filter::Team => "it belongs to another team",
            Filter::WebSearch => "it has no web search",
            Filter::Health => "the gateway's health checks found it unhealthy",
            Filter::Blocked => "it is blocked",
            Filter::Budget => "a budget is spent",
            Filter::ContextWindow => "the prompt is longer than its context window",
            Filter::Rpm => "its requests of this minute are at their limit",
            Filter::Region => "it is not in a region that the request allows",
            Filter::ResponseFormat => "it has no response_format",
            Filter::Tags => "its tags do not fit",
            Filter::Order => "another order comes first",
            Filter::FailedOver => "it has failed this request already",
            Filter::RefusedBefore => "it has refused this request for good",
        };
        text.to_owned()
    }
}

/// What a candidate is judged by.
pub fn score(f: &Figure) -> String {
    let of = f.of.map_or(String::new(), |of| format!(" of {}", figure(of)));
    let samples = match f.samples {
        None => None,
        Some(1) => Some("1 sample".to_owned()),
        Some(n) => Some(format!("{n} samples")),
    };
    let age = f.age.map(|a| format!("{} old", short(a)));
    let known = match (samples, age) {
        (None, None) => String::new(),
        (Some(n), Some(age)) => format!(" ({n}, the newest {age})"),
        (one, other) => format!(" ({})", one.or(other).unwrap_or_default()),
    };
    format!("{}: {}{of}{known}", f.what, figure(f.value))
}

/// How a pool chooses.
pub fn rule_name(choose: Choose) -> String {
    spaced(&format!("{choose:?}"))
}

/// How a turn ended.
pub fn outcome(ending: Option<Ending>) -> String {
    match ending {
        None => "under way".to_owned(),
        Some(Ending::Served { degraded: true, .. }) => "served, degraded".to_owned(),
        Some(Ending::Served { .. }) => "served".to_owned(),
        Some(Ending::Failed { why, .. }) => format!("failed: {}", why.name()),
    }
}

/// How an attempt ended.
pub fn ended(outcome: Outcome) -> String {
    match outcome {
        Outcome::Ok => "is answered".to_owned(),
        Outcome::Failed { class, retry_after } => {
            let after = retry_after.map_or(String::new(), |t| format!(", Retry-After {}", short(t)));
            format!("fails: {}{after}", class.name())
        }
    }
}

fn mechanism(by: Mechanism) -> &'static str {
    match by {
        Mechanism::Order => "the next order of the same model",
        Mechanism::WeightedFailover => "another deployment of the same model",
        Mechanism::List => "the request's own list",
        Mechanism::ContextWindow => "context_window_fallbacks",
        Mechanism::ContentPolicy => "content_policy_fallbacks",
        Mechanism::General => "fallbacks",
    }
}

/// A duration with three digits or so: `812 us`, `45.1 ms`, `3.42 s`, `12 min`.
pub fn short(span: Span) -> String {
    let s = span.as_secs_f64();
    match span.nanos() {
        0 => "0 s".to_owned(),
        1..1_000_000 => format!("{:.0} us", s * 1e6),
        1_000_000..10_000_000 => format!("{:.2} ms", s * 1e3),
        10_000_000..1_000_000_000 => format!("{:.0} ms", s * 1e3),
        1_000_000_000..10_000_000_000 => format!("{s:.2} s"),
        10_000_000_000..120_000_000_000 => format!("{s:.1} s"),
        120_000_000_000..7_200_000_000_000 => format!("{:.1} min", s / 60.0),
        _ => format!("{:.1} h", s / 3600.0),
    }
}

/// An instant on a story's clock: seconds after it was sent.
pub fn clock(at: Time, sent: Time) -> String {
    let ms = (at.since(sent).nanos() + 500_000) / 1_000_000;
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// A figure with four digits that matter, without needless zeros.
fn figure(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    if x.abs() >= 1000.0 || x.fract() == 0.0 {
        return format!("{x:.0}");
    }
    if x.abs() < 1e-3 {
        return format!("{x:.3e}");
    }
    format!("{x:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The name of a variant in words: `LeastRequest(..)` becomes `least request`.
fn spaced(debug: &str) -> String {
    let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_spans_are_short_and_true() {
        assert_eq!(figure(0.25), "0.25");
        assert_eq!(figure(0.123_456), "0.1235");
        assert_eq!(figure(12_345.6), "12346");
        assert_eq!(figure(2e-7), "2.000e-7");
        assert_eq!(short(Span::from_millis(45)), "45 ms");
        assert_eq!(short(Span::from_millis(3_421)), "3.42 s");
        assert_eq!(short(Span::from_mins(12)), "12.0 min");
        assert_eq!(clock(Time(3_000_000_000), Time(1_500_000_000)), "1.500 s");
        assert_eq!(spaced("LeastRequest(LeastRequestConfig { x: 1 })"), "least request");
        assert_eq!(spaced("InOrder"), "in order");
    }
}
