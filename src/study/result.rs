//! What a study hands to the reports: plain, serialisable data in display units. Every format reads these types and
//! nothing else, so text, JSON, CSV and charts cannot disagree.

pub use crate::scenario::model::DefaultUsed;
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the JSON form of these types. Readers ignore unknown keys; a change that breaks them raises this.
pub const FORMAT_VERSION: u32 = 1;

/// The answer of `geodes run`: every topology of one scenario, simulated with the same demand and the same faults.
#[derive(Clone, Debug, Serialize)]
pub struct RunResult {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the program that made the result.
    pub geodes_version: &'static str,
    /// What was asked.
    pub scenario: ScenarioInfo,
    /// One entry per topology, in the order of the file. Serialised as a map from name to result.
    #[serde(serialize_with = "by_name")]
    pub topologies: Vec<TopologyResult>,
    /// True when the run was interrupted and only finished replications are counted.
    pub incomplete: bool,
}

/// The identity of a scenario and of the demand that was simulated.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioInfo {
    /// Title from the file.
    pub name: String,
    /// File stem, or the name of the built-in scenario: the folder under `results/`.
    pub slug: String,
    /// RFC 3339 start of the horizon (end of the warm-up).
    pub start: String,
    /// Simulated seconds after the warm-up.
    pub horizon_s: f64,
    /// Seconds of warm-up before the start; they count neither in latency nor in money.
    pub warmup_s: f64,
    /// Master seed.
    pub seed: u64,
    /// Independent replications that were merged.
    pub replications: u32,
    /// Name of the baseline topology of all multipliers.
    pub baseline: String,
    /// User groups in file order.
    pub groups: Vec<GroupInfo>,
    /// Round trips that the run used, with their origin.
    pub network: Vec<LinkInfo>,
    /// Every default that the file did not state, with its source or the word ASSUMPTION.
    pub defaults: Vec<DefaultUsed>,
    /// A time to first token above this many milliseconds counts as slow.
    pub slow_over_ms: f64,
}

/// A user group as simulated.
#[derive(Clone, Debug, Serialize)]
pub struct GroupInfo {
    /// Name in the file.
    pub name: String,
    /// Place name for tables and maps.
    pub city: String,
    /// IANA time zone.
    pub zone: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Share of all sessions, 0 to 1.
    pub share: f64,
}

/// One network path that the run used.
#[derive(Clone, Debug, Serialize)]
pub struct LinkInfo {
    /// User group or region id.
    pub from: String,
    /// Region id.
    pub to: String,
    /// Typical round trip in milliseconds, last mile included for user groups.
    pub rtt_ms: f64,
    /// True when no measurement exists and the value is a great-circle estimate.
    pub estimated: bool,
    /// Dataset or formula.
    pub origin: String,
}

/// Everything reported about one topology.
#[derive(Clone, Debug, Serialize)]
pub struct TopologyResult {
    /// Name in the file.
    pub name: String,
    /// True for the topology that multipliers refer to.
    pub is_baseline: bool,
    /// Flat map from metric name (the names that objectives use) to value; `None` (JSON `null`) where there was no
    /// sample.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// With two and more replications: 95 % intervals (Student's t over replications) of the metrics of all users and of
    /// those that objectives name, under the same names. Percentiles carry the histogram's bucket error besides.
    pub intervals: BTreeMap<String, IntervalRow>,
    /// Application regions in fail-over order.
    pub regions: Vec<RegionRow>,
    /// All users, then one row per group.
    pub users: Vec<UserRow>,
    /// Failed requests by class, most frequent first.
    pub errors: Vec<ErrorRow>,
    /// One row per occurrence of a fault, up to 64 of each replication: those at a fixed time first.
    pub incidents: Vec<IncidentRow>,
    /// Further occurrences, over all replications, of which no row tells.
    pub incidents_not_shown: u64,
    /// What it costs.
    pub cost: CostSummary,
    /// Objectives and whether they were met.
    pub objectives: Vec<ObjectiveRow>,
    /// Model deployments as called.
    pub deployments: Vec<DeploymentRow>,
    /// Fleets of replicas of self-hosted models; empty without such.
    pub fleets: Vec<FleetRow>,
    /// One series per region and one for the whole topology (`region` = `"all"`, first).
    #[serde(skip)]
    pub timeline: Vec<RegionSeries>,
    /// Distribution of time to first token and of total latency of all users, and of time to first token of each group,
    /// for charts.
    #[serde(skip)]
    pub distributions: Vec<Distribution>,
    /// Simulation events handled, over all replications.
    pub events: u64,
    /// Turns simulated, over all replications, warm-up included.
    pub turns: u64,
}

/// A 95 % interval of the mean over replications.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IntervalRow {
    /// Mean of the replications' values; for percentiles and ratios not quite the value of the merged replications.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Replications that had a value.
    pub replications: u32,
}

/// Percentiles of one latency in milliseconds; all `None` when nothing was measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// Number of samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Largest sample.
    pub max: Option<f64>,
}

/// What a set of users felt. `requests` are turns that arrived after the warm-up and before the horizon.
#[derive(Clone, Debug, Serialize)]
pub struct UserRow {
    /// `"all"` or the group's name.
    pub users: String,
    /// Turns.
    pub requests: u64,
    /// Turns not served within their time limit.
    pub failed: u64,
    /// Those by class, without classes that did not occur.
    pub errors: BTreeMap<String, u64>,
    /// Time to first token as the user perceives it.
    pub ttft_ms: Percentiles,
    /// From sending the turn to its last token.
    pub e2e_ms: Percentiles,
    /// Served / requests, 0 to 1.
    pub availability: Option<f64>,
    /// Share of served turns that took at least one fallback (another deployment than the first choice).
    pub fallback_share: Option<f64>,
    /// Share of served turns answered in degraded mode.
    pub degraded_share: Option<f64>,
    /// Share of turns served from another application region than the topology's nearest legal one, or by a deployment
    /// that is not the nearest of its pool to that region.
    pub cross_region_share: Option<f64>,
    /// Share of served turns with a time to first token over the scenario's slow limit.
    pub slow_share: Option<f64>,
    /// Turns that read a state older than the user's last acknowledged write.
    pub stale_reads: u64,
    /// Share of turns per application region, in the order of [`TopologyResult::regions`]; `None` where none was sent to
    /// any.
    pub region_shares: Vec<Option<f64>>,
    /// Dollars, shared costs split by requests.
    pub cost_usd: f64,
    /// Dollars per thousand requests.
    pub cost_per_1k_usd: Option<f64>,
    /// Dollars per thousand requests that were served.
    pub cost_per_1k_served_usd: Option<f64>,
    /// Against the same users in the baseline topology.
    pub cost_multiplier: Option<f64>,
}

/// One application region.
#[derive(Clone, Debug, Serialize)]
pub struct RegionRow {
    /// Id such as `aws:us-east-1`.
    pub region: String,
    /// Turns that reached it.
    pub requests: u64,
    /// Of all turns that reached a region.
    pub traffic_share: Option<f64>,
    /// Of those, failed.
    pub failed: u64,
    /// Time to first token as its users perceive it.
    pub ttft_ms: Percentiles,
    /// Total latency.
    pub e2e_ms: Percentiles,
    /// Mean share of the region's request slots in use.
    pub utilisation: Option<f64>,
    /// Share of the input tokens that its gateway bought which was read from prompt caches; none where no deployment has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_hit_share: Option<f64>,
    /// Dollars for what was served here: the region's servers, services and traffic, and the tokens its gateway bought,
    /// wherever the deployments run. (The metric `cost_usd{region=...}` goes by where the bill is due.)
    pub cost_usd: f64,
}

/// One model deployment as called by the gateways.
#[derive(Clone, Debug, Serialize)]
pub struct DeploymentRow {
    /// Name in the file.
    pub deployment: String,
    /// Provider.
    pub provider: String,
    /// Region it runs in.
    pub region: String,
    /// Attempts sent to it.
    pub attempts: u64,
    /// Attempts that ended well.
    pub ok: u64,
    /// Attempts refused for quota (429).
    pub rate_limited: u64,
    /// Attempts that failed otherwise.
    pub failed: u64,
    /// Attempts that the gateway gave up before they ended: the other call of a race had won, or the gateway died.
    pub abandoned: u64,
    /// Attempts that it refused and that spilled over to another deployment, whose tokens they are.
    pub spilled: u64,
    /// Tokens billed, input.
    pub input_tokens: u64,
    /// Of the input, tokens read from its prompt cache; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
    /// Of the input, tokens written to its prompt cache; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Share of the input that was read from its prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_hit_share: Option<f64>,
    /// Tokens billed, output.
    pub output_tokens: u64,
    /// The deployment's own time to first token, network between gateway and provider included.
    pub model_ttft_ms: Percentiles,
}

/// One fleet of replicas.
#[derive(Clone, Debug, Serialize)]
pub struct FleetRow {
    /// Name in the file.
    pub fleet: String,
    /// The policy, as the file names it.
    pub placement: &'static str,
    /// Replicas that the load needs.
    pub target: u32,
    /// Hours of spot replicas, mean of one replication.
    pub spot_h: f64,
    /// Hours of on-demand replicas, mean of one replication.
    pub on_demand_h: f64,
    /// Replicas started, over all replications.
    pub started: u64,
    /// Spot replicas reclaimed, over all replications.
    pub reclaimed: u64,
    /// Starts that were refused, over all replications.
    pub refused: u64,
    /// Share of the time with fewer replicas in service than the target, 0 to 1.
    pub below_target_share: f64,
    /// What its replicas cost, mean of one replication.
    pub cost_usd: f64,
}

/// Failures of one class.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorRow {
    /// Class name, such as `rate_limited` or `region_down`.
    pub class: String,
    /// Turns.
    pub count: u64,
    /// Of all turns.
    pub share: f64,
}

/// What one fault did. Times are seconds after the fault began; `None` means it never happened.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentRow {
    /// Name in the file, with a counter when it recurs.
    pub name: String,
    /// What failed, in words.
    pub what: String,
    /// Region id or deployment names that were hit.
    pub target: String,
    /// Seconds after the start of the horizon.
    pub at_s: f64,
    /// Seconds until the cause was repaired.
    pub lasted_s: f64,
    /// Seconds after the start of the fault until which it was watched; what happened later was not seen.
    pub watched_s: f64,
    /// First health check or gateway that took the target out of service.
    pub detected_s: Option<f64>,
    /// Half of the target's traffic had moved away, and stayed away while the fault lasted.
    pub moved_half_s: Option<f64>,
    /// 99 % of the target's traffic had moved away, and stayed away while the fault lasted.
    pub moved_99_s: Option<f64>,
    /// Users were no longer affected: last failed, degraded or slow turn of the last minute with more than usual.
    pub over_s: Option<f64>,
    /// Of `requests`, failed.
    pub failed: u64,
    /// Of `requests`, served over the slow limit.
    pub slow: u64,
    /// Of `requests`, served in degraded mode.
    pub degraded: u64,
    /// Of `requests`, stale reads.
    pub stale_reads: u64,
    /// Acknowledged writes that no surviving region had when the target failed. `None` if no region survived: the writes
    /// were unavailable until it was back.
    pub writes_lost: Option<u64>,
    /// Turns in flight when it struck and turns sent from then until it was repaired and over for the users.
    pub requests: u64,
}

/// A bill in display units; the exact amounts are strings in `exact_usd`.
#[derive(Clone, Debug, Serialize)]
pub struct CostSummary {
    /// Dollars for the simulated horizon.
    pub total_usd: f64,
    /// The same to the last pico-dollar, as a decimal string.
    pub exact_usd: String,
    /// Without tokens.
    pub infrastructure_usd: f64,
    /// Tokens alone.
    pub tokens_usd: f64,
    /// Dollars per thousand requests.
    pub per_1k_requests_usd: Option<f64>,
    /// The horizon's cost scaled to a month of 730 hours.
    pub per_month_usd: f64,
    /// Total against the baseline topology.
    pub multiplier: Option<f64>,
    /// Infrastructure alone against the baseline topology.
    pub multiplier_infrastructure: Option<f64>,
    /// Lines, largest first.
    pub lines: Vec<CostLine>,
    /// By category, in a fixed order.
    pub by_category: Vec<(String, f64)>,
    /// By region, largest first.
    pub by_region: Vec<(String, f64)>,
}

/// One line of the bill.
#[derive(Clone, Debug, Serialize)]
pub struct CostLine {
    /// Tokens, compute, service, egress to users, transfer between regions.
    pub category: String,
    /// What was bought.
    pub item: String,
    /// Region it is booked on.
    pub region: String,
    /// How much, in `unit`.
    pub quantity: f64,
    /// Unit of the quantity.
    pub unit: String,
    /// Price as text, such as `$3 / Mtok`.
    pub price: String,
    /// Dollars.
    pub amount_usd: f64,
    /// Where the price comes from, with its date.
    pub source: String,
}

/// An objective of the scenario and what came out.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectiveRow {
    /// As written.
    pub objective: String,
    /// The metric's value, of all replications together.
    pub value: Option<f64>,
    /// With two and more replications: the interval that the verdict goes by.
    pub interval: Option<IntervalRow>,
    /// What became of it.
    pub verdict: ObjectiveVerdict,
    /// Whether the verdict is [`ObjectiveVerdict::Met`].
    pub met: bool,
    /// Why there is no value, or none in some replications.
    pub note: Option<String>,
}

/// What became of an objective.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveVerdict {
    /// The value keeps the limit; with several replications, the whole interval does.
    Met,
    /// The value breaks the limit; with several replications, the whole interval does.
    Missed,
    /// The limit lies inside the interval, or some replications had no value.
    Inconclusive,
    /// The topology has no such value.
    NotMeasured,
}

impl ObjectiveVerdict {
    /// As reports show it.
    pub const fn name(self) -> &'static str {
        match self {
            ObjectiveVerdict::Met => "met",
            ObjectiveVerdict::Missed => "MISSED",
            ObjectiveVerdict::Inconclusive => "inconclusive",
            ObjectiveVerdict::NotMeasured => "not measured",
        }
    }
}

/// Per-interval figures of one region (or of all).
#[derive(Clone, Debug)]
pub struct RegionSeries {
    /// Region id, or `"all"`.
    pub region: String,
    /// Length of an interval in seconds.
    pub interval_s: f64,
    /// One cell per interval from the start of the horizon.
    pub cells: Vec<SeriesCell>,
}

/// One interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeriesCell {
    /// Turns that arrived.
    pub requests: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Of those, served degraded.
    pub degraded: u64,
    /// Of those, served with a time to first token over the scenario's slow limit.
    pub slow: u64,
    /// Share of all turns of the interval (1 for `"all"`), `None` when there were none.
    pub traffic_share: Option<f64>,
    /// Median time to first token, ms.
    pub ttft_p50_ms: Option<f64>,
    /// 95th percentile of time to first token, ms.
    pub ttft_p95_ms: Option<f64>,
    /// 95th percentile of total latency, ms.
    pub e2e_p95_ms: Option<f64>,
    /// Input tokens billed, and those of them read from prompt caches; `None` where no deployment has one.
    pub input_tokens: Option<(u64, u64)>,
    /// Dollars: tokens, compute and traffic of the interval.
    pub cost_usd: f64,
}

/// A latency distribution for drawing.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Metric name: `ttft_ms` or `e2e_ms`.
    pub metric: String,
    /// `"all"` or a group's name.
    pub users: String,
    /// Cumulative points: (milliseconds, share of samples at or below), increasing in both.
    pub cdf: Vec<(f64, f64)>,
}

fn by_name<S: serde::Serializer>(list: &[TopologyResult], s: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let mut map = s.serialize_map(Some(list.len()))?;
    for t in list {
        map.serialize_entry(&t.name, t)?;
    }
    map.end()
}
