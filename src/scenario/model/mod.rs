//! A validated scenario: every reference resolved to an index, every unit to base units, every default filled in.
//! The world builds only from this; nothing in here can be impossible, because validation refused it before.

mod bifrost;
mod client;
mod demand;
mod deployment;
mod dist;
mod fault;
mod fleet;
mod gateway;
mod place;
mod portkey;
mod prompt_cache;
mod quota;
mod steering;
mod topology;

pub use bifrost::{BifrostAsk, BifrostGateway};
pub use client::{Client, Dns};
pub use demand::{Arrivals, Context, Shape, Sizes, TraceRows, Turns, Workload};
pub use deployment::Deployment;
pub use dist::DistSpec;
pub use fault::{Dependency, Fault, FaultWhat, FaultWhen};
pub use fleet::{Fleet, Replicas, Zone};
pub use gateway::{Ask, Gateway, LiteLlmEntry, LiteLlmGateway};
pub use place::{Egress, Link, Place, Residency, UserGroup};
pub use portkey::{PortkeyAsk, PortkeyGateway};
pub use prompt_cache::PromptCache;
pub use quota::{Quota, QuotaUse, SharedQuota, Variation};
pub use steering::{Access, Steering};
pub use topology::{AppRegion, DeepCheck, Health, Pool, PoolLocality, RetrySpec, Service, StateSpec, Topology};

use crate::measure::Objective;
use crate::units::{GroupIx, RegionIx, Span};
use serde::Serialize;

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
    /// Most turns over all topologies and replications; see [`check_size`](super::check_size).
    pub max_turns: u64,
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
    /// Model deployments; [`crate::units::DeploymentIx`] indexes it.
    pub deployments: Vec<Deployment>,
    /// Quotas that several deployments share.
    pub quotas: Vec<SharedQuota>,
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
    /// Whether a deployment has a prompt cache.
    pub fn has_prompt_caches(&self) -> bool {
        self.deployments.iter().any(|d| d.prompt_cache.is_some())
    }

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
