//! The list of metrics: name, unit, meaning, which statistics and selectors apply, which way is better.

use super::super::Histogram;

/// What a metric is measured in. The value of a metric is always a number in this unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Milliseconds (recorded as nanoseconds).
    Milliseconds,
    /// Seconds.
    Seconds,
    /// A share between 0 and 1, written as a percentage in objectives.
    Share,
    /// How many.
    Count,
    /// US dollars.
    Dollars,
    /// A quotient of two amounts; 1 means the same.
    Ratio,
}

impl Unit {
    /// The unit in a table head.
    pub const fn symbol(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Share => "share, 0 to 1",
            Unit::Count => "count",
            Unit::Dollars => "USD",
            Unit::Ratio => "ratio",
        }
    }
}

/// A statistic of a distribution, written behind the metric's name: `ttft_ms.p95`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stat {
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The mean.
    Mean,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// How many values there are.
    Count,
}

impl Stat {
    /// All, in the order of the documentation.
    pub const ALL: [Stat; 9] =
        [Stat::P50, Stat::P90, Stat::P95, Stat::P99, Stat::P999, Stat::Mean, Stat::Max, Stat::Min, Stat::Count];

    /// As written in a metric's name.
    pub const fn name(self) -> &'static str {
        match self {
            Stat::P50 => "p50",
            Stat::P90 => "p90",
            Stat::P95 => "p95",
            Stat::P99 => "p99",
            Stat::P999 => "p999",
            Stat::Mean => "mean",
            Stat::Max => "max",
            Stat::Min => "min",
            Stat::Count => "count",
        }
    }

    /// The statistic of that name.
    pub fn parse(name: &str) -> Option<Stat> {
        Stat::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The percentage of a percentile; `None` for the others.
    pub const fn percent(self) -> Option<f64> {
        match self {
            Stat::P50 => Some(50.0),
            Stat::P90 => Some(90.0),
            Stat::P95 => Some(95.0),
            Stat::P99 => Some(99.0),
            Stat::P999 => Some(99.9),
            _ => None,
        }
    }

    /// The statistic of a histogram in the metric's unit: nanoseconds become milliseconds or seconds, everything else
    /// stays as recorded. `None` without records, except for the count, which is then 0.
    pub fn of(self, h: &Histogram, unit: Unit) -> Option<f64> {
        let scale = match unit {
            Unit::Milliseconds => 1e6,
            Unit::Seconds => 1e9,
            Unit::Share | Unit::Count | Unit::Dollars | Unit::Ratio => 1.0,
        };
        let value = match self {
            Stat::Count => return Some(h.count() as f64),
            Stat::Mean => h.mean()?,
            Stat::Max => h.max()? as f64,
            Stat::Min => h.min()? as f64,
            Stat::P50 | Stat::P90 | Stat::P95 | Stat::P99 | Stat::P999 => h.percentile(self.percent()?)? as f64,
        };
        Some(value / scale)
    }
}

/// A restriction of a metric to a part of the requests, written in braces: `{users=singapore, region=aws:eu-west-1}`.
/// The order of the variants is the order in which they are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Selector {
    /// Requests of one user group.
    Users,
    /// Requests last sent to one application region, or charges booked on it.
    Region,
    /// Failures of one error class.
    Error,
    /// One incident, named as in the scenario.
    Incident,
    /// Model calls to, or charges of, one provider.
    Provider,
    /// Model calls to one deployment.
    Deployment,
}

impl Selector {
    /// All, in the order in which they are written.
    pub const ALL: [Selector; 6] = [
        Selector::Users,
        Selector::Region,
        Selector::Error,
        Selector::Incident,
        Selector::Provider,
        Selector::Deployment,
    ];

    /// As written in braces.
    pub const fn name(self) -> &'static str {
        match self {
            Selector::Users => "users",
            Selector::Region => "region",
            Selector::Error => "error",
            Selector::Incident => "incident",
            Selector::Provider => "provider",
            Selector::Deployment => "deployment",
        }
    }

    /// The selector of that name.
    pub fn parse(name: &str) -> Option<Selector> {
        Selector::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Which way a metric improves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// Lower values are better.
    Lower,
    /// Higher values are better.
    Higher,
    /// Neither: it describes the traffic.
    Neither,
}

impl Better {
    /// For a table.
    pub const fn name(self) -> &'static str {
        match self {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "-",
        }
    }
}

/// What one metric means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MetricDef {
    /// The name, with the unit last where it has one.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// What exactly is measured, in one or two sentences.
    pub meaning: &'static str,
    /// The statistics that apply: all of them for a distribution (then one must be named), none for a single number.
    pub stats: &'static [Stat],
    /// The selectors that may stand in braces, in order.
    pub selectors: &'static [Selector],
    /// The selectors without which the metric says nothing.
    pub required: &'static [Selector],
    /// True if several selectors may stand together; otherwise it is measured by one at a time.
    pub together: bool,
    /// Which way it improves.
    pub better: Better,
}

impl MetricDef {
    /// True if it is a distribution, of which a statistic has to be named.
    pub const fn is_distribution(&self) -> bool {
        !self.stats.is_empty()
    }
}

const ALL_STATS: &[Stat] = &Stat::ALL;
const SINGLE: &[Stat] = &[];

/// A distribution.
const fn dist(name: &'static str, unit: Unit, selectors: &'static [Selector], meaning: &'static str) -> MetricDef {
    let (required, together) = (&[], false);
    MetricDef { name, unit, meaning, stats: ALL_STATS, selectors, required, together, better: Better::Lower }
}

/// A single number.
const fn one(
    name: &'static str,
    unit: Unit,
    selectors: &'static [Selector],
    better: Better,
    meaning: &'static str,
) -> MetricDef {
    MetricDef { name, unit, meaning, stats: SINGLE, selectors, required: &[], together: false, better }
}

/// A number of one incident, which has to be named.
const fn of_incident(name: &'static str, unit: Unit, better: Better, meaning: &'static str) -> MetricDef {
    let selectors = &[Selector::Incident];
    MetricDef { name, unit, meaning, stats: SINGLE, selectors, required: selectors, together: false, better }
}

use Better::{Higher, Lower, Neither};
use Selector::{Deployment, Error, Provider, Region, Users};
use Unit::{Count, Dollars, Milliseconds, Ratio, Seconds, Share};

static DEFINITIONS: &[MetricDef] = &[
    dist(
        "ttft_ms",
        Milliseconds,
        &[Users, Region],
        "Time to first token as the user perceives it, of served requests: from the moment the user meant to send the \
         turn to the first byte of the answer, name resolution, connection, queueing, retries and fallbacks included.",
    ),
    dist(
        "model_ttft_ms",
        Milliseconds,
        &[Provider, Deployment],
        "Time to first token of answered model-call attempts as the gateway sees it: from sending the attempt to its \
         first token (the whole answer, where answers are not streamed) back at the gateway, the network between gateway \
         and provider included.",
    ),
    dist(
        "e2e_ms",
        Milliseconds,
        &[Users, Region],
        "End-to-end latency of served requests: from the moment the user meant to send the turn to the last byte of the \
         answer.",
    ),
    one(
        "attempts_per_request",
        Ratio,
        &[],
        Lower,
        "Model-call attempts (first tries, retries, hedges and fallbacks alike) divided by requests. Above 1 it says how \
         much load retries add; below 1, that requests ended before any model was called.",
    ),
    one(
        "abandoned_share",
        Share,
        &[Provider, Deployment],
        Lower,
        "Model-call attempts that the gateway gave up before they ended, because the other call of a race had won or the \
         gateway's region died, divided by model-call attempts. They count neither as answered nor as failed; their \
         prompts and what the provider had written are paid for.",
    ),
    one(
        "cached_input_tokens",
        Count,
        &[Provider, Deployment],
        Higher,
        "Tokens of billed prompts that their provider read from its prompt cache and did not work through again. Only in \
         scenarios in which a deployment has a prompt cache.",
    ),
    one(
        "cache_hit_share",
        Share,
        &[Region, Provider, Deployment],
        Higher,
        "Tokens of billed prompts that were read from prompt caches, divided by all tokens of billed prompts: of all model \
         calls, or of those that the gateway of one application region made. Only in scenarios in which a deployment has a \
         prompt cache.",
    ),
    one(
        "availability",
        Share,
        &[Users, Region],
        Higher,
        "Requests served within the time limit, divided by requests. Degraded answers count as served and are shown \
         apart; refusals for residency or quota count as failures of that class.",
    ),
    one(
        "error_rate",
        Share,
        &[Users, Region, Error],
        Lower,
        "Failed requests divided by requests: 1 minus the availability, or the part of it that is of one error class.",
    ),
    one(
        "degraded_share",
        Share,
        &[Users],
        Lower,
        "Served requests answered by a pool that the fallback chain marks as degraded (another model than the one asked \
         for), divided by served requests.",
    ),
    one(
        "fallback_share",
        Share,
        &[Users],
        Lower,
        "Served requests answered by another deployment than the policy's first choice, or from another pool than the \
         first that may serve them, divided by served requests.",
    ),
    one(
        "cross_region_share",
        Share,
        &[Users],
        Lower,
        "Served requests whose application region was not the topology's nearest legal one for the user, or whose answer \
         came from a deployment that is not the nearest of its pool to that region, divided by requests.",
    ),
    MetricDef {
        required: &[Region],
        together: true,
        ..one(
            "traffic_share",
            Share,
            &[Users, Region],
            Neither,
            "Requests that were last sent to this application region, divided by all requests (of the same users, where \
             users are given).",
        )
    },
    one(
        "slow_share",
        Share,
        &[Users],
        Lower,
        "Served requests with a time to first token over the scenario's slow limit, divided by served requests.",
    ),
    one(
        "requests",
        Count,
        &[Users, Region],
        Neither,
        "Requests (turns) sent between the end of the warm-up and the horizon, whatever became of them.",
    ),
    one("errors", Count, &[Users, Region, Error], Lower, "Requests that failed, all or of one error class."),
    one(
        "stale_reads",
        Count,
        &[Users],
        Lower,
        "Requests that read a conversation state older than the last write which their user had been told was stored.",
    ),
    one(
        "writes_lost",
        Count,
        &[],
        Lower,
        "Writes that had been acknowledged and that no surviving region had when their region failed. None with one \
         region: its writes are unavailable while it is down, not lost.",
    ),
    one(
        "residency_violations",
        Count,
        &[],
        Lower,
        "Requests of which data was processed or stored outside the places that their residency class permits.",
    ),
    one(
        "cost_usd",
        Dollars,
        &[Users, Region, Provider],
        Lower,
        "What the measured period costs, everything included. With users given, shared items are split by requests; with a \
         region given, it is what is due there, tokens where the deployment runs.",
    ),
    one(
        "cost_infra_usd",
        Dollars,
        &[Users, Region, Provider],
        Lower,
        "The cost without model tokens: servers, services and data transfer.",
    ),
    one("cost_tokens_usd", Dollars, &[Users, Region, Provider], Lower, "The cost of model tokens alone."),
    one("cost_per_1k_requests_usd", Dollars, &[Users], Lower, "The cost divided by requests, times 1000."),
    one(
        "cost_per_1k_served_usd",
        Dollars,
        &[Users],
        Lower,
        "The cost divided by requests that were served, times 1000. A layout that fails saves tokens; here that does not \
         make it look cheap.",
    ),
    one(
        "cost_per_month_usd",
        Dollars,
        &[],
        Lower,
        "The cost extrapolated to a month of 730 hours, as if every hour cost what the measured ones did on average.",
    ),
    one(
        "cost_multiplier",
        Ratio,
        &[Users],
        Lower,
        "The cost divided by the cost of the baseline topology (for the same users) under the same demand.",
    ),
    one(
        "cost_multiplier_infra",
        Ratio,
        &[],
        Lower,
        "The cost without model tokens, divided by that of the baseline topology under the same demand.",
    ),
    of_incident(
        "incident.detected_s",
        Seconds,
        Lower,
        "From the incident's start until a health check or a gateway first took the affected target out of service. \
         None if nothing did.",
    ),
    of_incident(
        "incident.moved_half_s",
        Seconds,
        Lower,
        "From the incident's start until the affected target's share of what was sent had fallen to half of what it was \
         before, and stayed so for as long as the fault lasted, two minutes at least. None if it never did.",
    ),
    of_incident(
        "incident.moved_99_s",
        Seconds,
        Lower,
        "From the incident's start until the affected target's share of what was sent had fallen to 1 % of what it was \
         before, and stayed so for as long as the fault lasted, two minutes at least. None if it never did.",
    ),
    of_incident(
        "incident.over_s",
        Seconds,
        Lower,
        "From the incident's start until users were no longer affected: until the last request that failed, was degraded \
         or was slow in the last minute that had more of them than usual, by when requests were sent. 0 if there was no \
         such minute, none if the record ends with one.",
    ),
    of_incident(
        "incident.requests",
        Count,
        Neither,
        "Requests in flight when the incident struck, and those sent from then until it was over for its users, at least \
         until the repair.",
    ),
    of_incident("incident.failed", Count, Lower, "Of `incident.requests`, those that failed."),
    of_incident("incident.slow", Count, Lower, "Of `incident.requests`, those served over the scenario's slow limit."),
    of_incident("incident.degraded", Count, Lower, "Of `incident.requests`, those that got a degraded answer."),
    of_incident("incident.stale_reads", Count, Lower, "Of `incident.requests`, the stale reads."),
    of_incident(
        "incident.writes_lost",
        Count,
        Lower,
        "Acknowledged writes that no surviving region had when the incident struck. None if no region survived: its writes \
         were unavailable until it was back, not lost.",
    ),
];

/// All metrics, in the order of the documentation.
pub fn definitions() -> &'static [MetricDef] {
    DEFINITIONS
}

/// The metric of that name.
pub fn definition(name: &str) -> Option<&'static MetricDef> {
    DEFINITIONS.iter().find(|d| d.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_their_unit() {
        for (i, d) in definitions().iter().enumerate() {
            assert!(definitions()[..i].iter().all(|e| e.name != d.name), "{} twice", d.name);
            match d.unit {
                Unit::Milliseconds => assert!(d.name.ends_with("_ms"), "{}", d.name),
                Unit::Seconds => assert!(d.name.ends_with("_s"), "{}", d.name),
                Unit::Dollars => assert!(d.name.ends_with("_usd"), "{}", d.name),
                Unit::Share | Unit::Count | Unit::Ratio => {}
            }
            assert!(d.selectors.is_sorted(), "{}", d.name);
            assert!(d.required.iter().all(|r| d.selectors.contains(r)), "{}", d.name);
            assert!(d.meaning.ends_with('.') && !d.meaning.contains("  "), "{}: {}", d.name, d.meaning);
        }
    }
}
