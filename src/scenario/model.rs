//! A validated scenario: every reference resolved to an index, every unit to base units, every default filled in.
//! The world builds only from this; nothing in here can be impossible, because validation refused it before.

use crate::measure::Objective;
use crate::routing::balance::Choose;
use crate::routing::cooldown::CooldownConfig;
use crate::routing::health::ThresholdConfig;
use crate::routing::limits::BucketConfig;
use crate::routing::outcome::ErrorSet;
use crate::routing::retry::Backoff;
use crate::units::{DeploymentIx, GroupIx, LatLon, Money, PerNanos, Price, RegionIx, Span};
use serde::Serialize;
use std::sync::Arc;

/// A whole scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Title.
    pub name: String,
    /// File stem: the folder under `results/`.
    pub slug: String,
    /// Free text.
    pub description: String,
    /// Unix seconds of the start of the horizon (t = 0 of every report).
    pub start_unix_s: i64,
    /// Simulated time after the warm-up; arrivals stop at its end and what is in flight is finished.
    pub horizon: Span,
    /// Simulated time before the start; counts neither in latency nor in money.
    pub warmup: Span,
    /// Master seed.
    pub seed: u64,
    /// Independent replications.
    pub replications: u32,
    /// Index of the topology that multipliers refer to.
    pub baseline: usize,
    /// A time to first token above this is slow.
    pub slow_over: Span,
    /// Length of a timeline interval.
    pub interval: Span,
    /// Every cloud region the scenario mentions; [`RegionIx`] indexes it.
    pub places: Vec<Place>,
    /// Round trips between places, row-major `places.len()` squared; the diagonal is inside one region.
    pub place_links: Vec<Link>,
    /// Groups of users; [`GroupIx`] indexes it. Shares add up to one.
    pub groups: Vec<UserGroup>,
    /// Round trips from groups to places, row-major `groups.len() * places.len()`, last mile included.
    pub user_links: Vec<Link>,
    /// Residency classes.
    pub residency: Vec<Residency>,
    /// Workloads.
    pub workloads: Vec<Workload>,
    /// How clients connect.
    pub client: Client,
    /// How names are resolved.
    pub dns: Dns,
    /// Model deployments; [`DeploymentIx`] indexes it.
    pub deployments: Vec<Deployment>,
    /// Topologies to simulate, in file order (fragments marked `abstract` are not in here).
    pub topologies: Vec<Topology>,
    /// Faults, in file order.
    pub faults: Vec<Fault>,
    /// Objectives, in file order.
    pub objectives: Vec<Objective>,
    /// What the file left open.
    pub defaults: Vec<DefaultUsed>,
}

impl Scenario {
    /// The link between two places.
    pub fn place_link(&self, a: RegionIx, b: RegionIx) -> &Link {
        &self.place_links[a.ix() * self.places.len() + b.ix()]
    }
    /// The link from a group of users to a place.
    pub fn user_link(&self, g: GroupIx, p: RegionIx) -> &Link {
        &self.user_links[g.ix() * self.places.len() + p.ix()]
    }
}

/// A value that the scenario file left open.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultUsed {
    /// Where it would be written in the file, such as `topology.*.health.interval`.
    pub key: String,
    /// The value, as it would be written.
    pub value: String,
    /// Source with date, or `ASSUMPTION:` and the reason.
    pub provenance: String,
}

/// A cloud region of the catalogue that the scenario uses.
#[derive(Clone, Debug)]
pub struct Place {
    /// Id such as `aws:us-east-1`.
    pub id: String,
    /// Where it is.
    pub place: LatLon,
    /// ISO 3166 alpha-2 country.
    pub country: String,
    /// Price of data sent to users.
    pub egress_internet: Price,
    /// Price of data sent to each other place (indexed by [`RegionIx`]).
    pub egress_to: Vec<Price>,
    /// Where the egress prices come from.
    pub egress_source: String,
}

/// A network path.
#[derive(Clone, Debug)]
pub struct Link {
    /// Typical (median) round trip.
    pub rtt: Span,
    /// Standard deviation of a round trip relative to it.
    pub jitter: f64,
    /// No measurement exists: a great-circle estimate.
    pub estimated: bool,
    /// Dataset or formula.
    pub origin: String,
}

/// Users in one place.
#[derive(Clone, Debug)]
pub struct UserGroup {
    /// Name in the file; the entity key of its draws.
    pub name: String,
    /// City for tables.
    pub city: String,
    /// IANA time zone.
    pub zone: String,
    /// Where they are.
    pub place: LatLon,
    /// Share of all sessions, 0 to 1.
    pub share: f64,
    /// Index into [`Scenario::residency`].
    pub residency: Option<usize>,
}

/// Where the data of some users may be processed.
#[derive(Clone, Debug)]
pub struct Residency {
    /// Name in the file.
    pub name: String,
    /// Legal places, one flag per [`Scenario::places`] entry. Applications and deployments alike.
    pub legal: Vec<bool>,
}

/// What arrives.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Name in the file.
    pub name: String,
    /// When sessions start.
    pub arrivals: Arrivals,
    /// Turns of a session.
    pub turns: Turns,
    /// Pause of the user between an answer and the next turn.
    pub think: DistSpec,
    /// Tokens of a turn.
    pub sizes: Sizes,
    /// Whether earlier turns are sent again.
    pub context: Context,
    /// The request's `max_tokens`: outputs are cut here and quotas may reserve it.
    pub max_output_tokens: u32,
    /// Served means: last token within this time of sending the turn.
    pub limit: Span,
}

/// When sessions start.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Poisson; non-homogeneous when a shape is given, in each group's local time.
    Poisson {
        /// Mean over the shape's period, all groups together.
        rate: PerNanos,
        /// Relative rate over local time.
        shape: Option<Arc<Shape>>,
    },
    /// Each row of the trace is one session of one turn, at its time after the start of the horizon.
    Replay {
        /// Rows in order of arrival.
        trace: Arc<TraceRows>,
    },
}

/// Relative request rate over a local period.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Name in the catalogue.
    pub name: String,
    /// Length of one step; the period is `step * weights.len()`, a whole number of days.
    pub step: Span,
    /// Relative rate per step, mean 1; the first step starts at local midnight (of a Monday for periods of weeks).
    pub weights: Vec<f64>,
}

/// Rows of a request trace.
#[derive(Clone, Debug)]
pub struct TraceRows {
    /// Name in the catalogue or file name.
    pub name: String,
    /// (arrival after the first row, input tokens, output tokens), sorted by arrival.
    pub rows: Vec<(Span, u32, u32)>,
}

/// Number of turns of a session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Turns {
    /// Always the same.
    Fixed(u32),
    /// Geometric on 1, 2, ... with this mean.
    Geometric {
        /// Mean number of turns, at least 1.
        mean: f64,
    },
}

/// Tokens that the user adds and the model answers, per turn.
#[derive(Clone, Debug)]
pub enum Sizes {
    /// Always the same.
    Fixed {
        /// New input tokens.
        input: u32,
        /// Output tokens.
        output: u32,
    },
    /// Independent distributions (in tokens).
    Independent {
        /// New input tokens.
        input: DistSpec,
        /// Output tokens.
        output: DistSpec,
    },
    /// A row of the trace drawn at random, input and output together.
    Trace(Arc<TraceRows>),
}

/// What is sent besides the turn's own input.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Context {
    /// Nothing.
    Fresh,
    /// A system prompt and all earlier turns of the session, cut at `max_tokens`.
    Growing {
        /// Tokens in front of every conversation.
        system_tokens: u32,
        /// Longest prompt that is sent; older turns are dropped beyond.
        max_tokens: u32,
    },
}

/// A distribution as a scenario states it; base units are seconds for durations and tokens for sizes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DistSpec {
    /// Always the same value.
    Constant(f64),
    /// Between `min` and `max`.
    Uniform {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Log-normal by median and 95th percentile.
    LogNormal {
        /// Median.
        p50: f64,
        /// 95th percentile, at least the median.
        p95: f64,
    },
}

/// How a user's program connects to the application.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Client {
    /// Give up connecting after this long.
    pub connect_timeout: Span,
    /// Tries per turn, the first included; before each further try the name is resolved again.
    pub tries: u32,
    /// Pause before a further try.
    pub retry_pause: Span,
    /// An idle connection is kept for this long, and with it the region.
    pub keep_alive: Span,
    /// Round trips before the request on a new connection (TCP and TLS 1.3: 2).
    pub handshake_round_trips: u32,
}

/// Name resolution.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dns {
    /// Caching resolvers per user group; each caches the answer for the record's TTL.
    pub resolvers_per_group: u32,
    /// Share of resolvers that keep records longer than the TTL.
    pub extending_share: f64,
    /// By how much those multiply the TTL.
    pub extension: f64,
    /// Answer from a resolver's cache.
    pub hit: Span,
    /// Answer that the resolver has to fetch.
    pub miss: Span,
}

/// One model served by one provider in one region under one quota.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Name in the file.
    pub name: String,
    /// Provider's name.
    pub provider: String,
    /// Model's name.
    pub model: String,
    /// Where it runs.
    pub place: RegionIx,
    /// Price of input tokens.
    pub input_price: Price,
    /// Price of output tokens.
    pub output_price: Price,
    /// Where the prices come from.
    pub price_source: String,
    /// Time to first token in an unloaded system without the network, before prefill of long prompts.
    pub ttft: DistSpec,
    /// Added to the time to first token per input token.
    pub prefill_per_token: Span,
    /// Time per output token after the first (one draw per request: its decode speed).
    pub per_output_token: DistSpec,
    /// Outputs are this much longer (or shorter) than the workload's sizes say: another model answers differently.
    pub output_factor: f64,
    /// Provider-side quota.
    pub quota: Option<Quota>,
    /// Requests served at once; one more is refused with 503. `None`: no bound.
    pub concurrency: Option<u32>,
    /// Background probability that a request fails with 503.
    pub error_rate: f64,
}

/// A provider-side quota: token buckets on requests and on tokens; a request that does not fit is refused with 429.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Quota {
    /// Requests.
    pub requests: Option<BucketConfig>,
    /// Tokens: the prompt plus `max_output_tokens` is taken on arrival, the unused part given back at the end.
    pub tokens: Option<BucketConfig>,
    /// Answer 429 with a Retry-After header.
    pub retry_after: bool,
}

/// A layout of the product.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Name in the file.
    pub name: String,
    /// Application regions in fail-over order.
    pub regions: Vec<AppRegion>,
    /// How users find a region.
    pub steering: Steering,
    /// How regions are checked.
    pub health: Health,
    /// Model pools in fallback order; every region's gateway walks the same chain.
    pub chain: Vec<Pool>,
    /// Attempts, time-outs and backoff of the gateways.
    pub retry: RetrySpec,
    /// When a gateway stops calling a failing deployment.
    pub cooldown: Option<CooldownConfig>,
    /// Conversation state.
    pub state: StateSpec,
}

/// The application in one region.
#[derive(Clone, Debug)]
pub struct AppRegion {
    /// Which region.
    pub place: RegionIx,
    /// Application servers.
    pub servers: u32,
    /// Turns that one server holds at once.
    pub slots_per_server: u32,
    /// Turns that may wait for a slot; one more is refused with 503.
    pub queue: u32,
    /// Work of the application before the model is called.
    pub overhead: DistSpec,
    /// Price of one server.
    pub server_price: Price,
    /// Where that price comes from.
    pub server_price_source: String,
    /// Everything else that is paid by the month in this region.
    pub services: Vec<Service>,
}

/// A service paid by time.
#[derive(Clone, Debug)]
pub struct Service {
    /// What it is: `database`, `load balancer`, ...
    pub name: String,
    /// Its price.
    pub price: Price,
    /// Where the price comes from.
    pub source: String,
}

/// How users find a region.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Steering {
    /// The healthy region with the lowest round trip from the user's place.
    DnsLatency {
        /// Time to live of the record.
        ttl: Span,
    },
    /// The first healthy region in fail-over order.
    DnsFailover {
        /// Time to live of the record.
        ttl: Span,
    },
}

/// Health checks of the regions, as seen by the name service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Health {
    /// Time between checks.
    pub interval: Span,
    /// Consecutive results that change the state.
    pub thresholds: ThresholdConfig,
    /// Time-out of reaching the region at all.
    pub connect_timeout: Span,
    /// `Some` for deep checks, which test the dependencies one after the other; `None` for shallow ones, which only
    /// ask whether the region answers.
    pub deep: Option<DeepCheck>,
}

/// Time-outs of the parts of a deep check.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DeepCheck {
    /// Database.
    pub database: Span,
    /// Cache.
    pub cache: Span,
    /// Model endpoint: passes when any deployment of the first pool answers.
    pub model: Span,
}

/// Deployments that stand for each other.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Name in the file.
    pub name: String,
    /// Members and their weights.
    pub members: Vec<(DeploymentIx, f64)>,
    /// How a member is chosen.
    pub choose: Choose,
    /// Answers from here count as degraded.
    pub degraded: bool,
}

/// Retry behaviour of the gateways.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetrySpec {
    /// Attempts per pool, the first included; each goes to a member not yet tried while there is one.
    pub attempts_per_pool: u32,
    /// Pause before a member is tried again.
    pub backoff: Backoff,
    /// A second call races the first when that has not begun to answer after this long; `None`: never.
    pub hedge_after: Option<Span>,
    /// Errors after which the next attempt or pool is tried; any other ends the request.
    pub on: ErrorSet,
    /// An endpoint that does not accept the connection within this time counts as failed.
    pub connect_timeout: Span,
    /// An attempt without its first token after this long is abandoned.
    pub first_token_timeout: Span,
    /// An attempt that is not complete after this long is abandoned.
    pub total_timeout: Span,
}

/// Conversation state.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StateSpec {
    /// Time from the acknowledged write to its visibility in another region.
    pub lag: DistSpec,
    /// Read of the conversation in the region.
    pub read: DistSpec,
    /// Write of the turn in the region.
    pub write: DistSpec,
    /// Bytes stored and replicated per token of a turn.
    pub bytes_per_token: u32,
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name in the file; the entity key of its draws.
    pub name: String,
    /// When.
    pub when: FaultWhen,
    /// What.
    pub what: FaultWhat,
}

/// When a fault strikes. Times count from the start of the horizon.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FaultWhen {
    /// Once.
    At {
        /// Start.
        at: Span,
        /// Duration.
        lasts: Span,
    },
    /// Again and again: exponential time between repair and the next failure, exponential time to repair.
    Recurring {
        /// Mean time from repair to failure.
        mean_up: Span,
        /// Mean time to repair.
        mean_down: Span,
    },
}

/// What a fault does.
#[derive(Clone, PartialEq, Debug)]
pub enum FaultWhat {
    /// Everything in the region stops: application, state, and deployments placed there.
    RegionDown {
        /// Which.
        region: RegionIx,
    },
    /// One dependency of the application in a region fails; the region still answers shallow checks.
    DependencyDown {
        /// Which region.
        region: RegionIx,
        /// Which dependency.
        dependency: Dependency,
    },
    /// Deployments answer 503 at once.
    ProviderDown {
        /// Which.
        deployments: Vec<DeploymentIx>,
    },
    /// Deployments are slow and fail sometimes (grey failure).
    ProviderBrownOut {
        /// Which.
        deployments: Vec<DeploymentIx>,
        /// Latencies are multiplied by this.
        slower: f64,
        /// Additional probability of a 503.
        error_rate: f64,
    },
}

/// A dependency of the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dependency {
    /// Conversation store: every turn fails.
    Database,
    /// Cache: turns are slower by the cache's time-out but succeed.
    Cache,
}

/// Dollars that a month of the given services costs; helper for checks.
pub fn monthly(services: &[Service]) -> Money {
    services.iter().map(|s| s.price.cost(730 * 3_600_000_000_000)).sum()
}
