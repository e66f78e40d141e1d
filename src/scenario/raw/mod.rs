//! The language: every table and key of a scenario file, declared once. The doc comments become the descriptions of the
//! JSON Schema and of `docs/scenario.md`.

mod bifrost;
mod demand;
mod dist;
mod fault;
mod fleet;
mod gateway;
mod layout;
pub(in crate::scenario) mod litellm;
mod models;
mod pool;
mod portkey;
mod quota;
mod resilience;
mod steering;

pub use bifrost::{RawBifrostGateway, RawBifrostProvider};
pub use demand::{
    RawArrivals, RawClient, RawContext, RawDns, RawLink, RawLocation, RawPoisson, RawReplay, RawResidency, RawSizes,
    RawTurns, RawUsers, RawWorkload,
};
pub use dist::{DurationDist, TokenDist};
pub use fault::{RawBrownOut, RawDependency, RawFault, RawSpotWithdrawn, RawWhat};
pub use fleet::{RawFleet, RawPlacement, RawReplicas};
pub use gateway::RawGateway;
pub use layout::{
    RawApp, RawBackoff, RawBackoffTimes, RawCheck, RawClientLibrary, RawCooldown, RawHealth, RawHedging, RawQuorum,
    RawRetry, RawState, RawTimeout, RawTopology,
};
pub use litellm::{
    RawCounting, RawErrorPolicy, RawLiteLlmBudget, RawLiteLlmEntry, RawLiteLlmGateway, RawLiteLlmRequest,
    RawLiteLlmStrategy, RawRoutingGroup, RawStrategyArgs,
};
pub use models::{RawDeployment, RawLatency, RawPromptCache, RawTokenPrices};
pub use pool::{
    RawChoose, RawEnvoy, RawHosts, RawInference, RawLeastRequest, RawLocalityChoice, RawMaglev, RawPicker, RawPool,
    RawRingHash, RawSaturation,
};
pub use portkey::{
    RawPortkeyCircuit, RawPortkeyConditional, RawPortkeyGateway, RawPortkeyRequest, RawPortkeyRetry,
    RawPortkeyStrategy, RawPortkeyTarget,
};
pub use quota::{
    RawAnthropic, RawAzureOpenAi, RawAzureProvisioned, RawBedrock, RawEnvoyAiGateway, RawEnvoyRateLimit, RawLiteLlm,
    RawOpenAi, RawOutputCount, RawQuota, RawSharedPool, RawSubWindow, RawTokenBucket, RawVertexProvisioned, RawWindow,
};

pub use resilience::{
    RawActiveHealth, RawBreaker, RawBudget, RawFailurePercentage, RawGrpcBackoff, RawOutlier, RawSuccessRate,
    RawThrottle,
};
pub use steering::{
    RawAccelerator, RawAnycast, RawCapacity, RawClientProbing, RawCloudflareOutstanding, RawFrontDoor, RawGeolocation,
    RawSteering, RawWaterfall,
};

use demand::RawNetwork;

use super::decode::{List, Named, Start, table};
use super::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// A scenario: who uses the product, which models it calls, over which regions it may be laid out, and what goes
    /// wrong. Every topology is simulated under the same demand and the same faults.
    RawScenario "Scenario" {
        /// Title of the scenario.
        name: At<String> = Required,
        /// Free text.
        description: At<String> = Optional,
        /// Point in time at which the horizon begins (t = 0 of every report), with its offset from UTC. Local times of
        /// the users, weekdays and daylight saving follow from it.
        start: At<Start> = Or(&d::START),
        /// Simulated time after the warm-up. Arrivals stop at its end and what is in flight is finished. At most 366 days.
        horizon: At<Span> = Required,
        /// Simulated time before the start, which counts neither in latency nor in money.
        warmup: At<Span> = Or(&d::WARMUP),
        /// Seed of all random draws. The same seed gives the same result on every machine.
        seed: At<u64> = Or(&d::SEED),
        /// Independent replications, from which intervals are made.
        replications: At<u64> = Or(&d::REPLICATIONS),
        /// Name of the topology that multipliers refer to. The first topology of the file if not given.
        baseline: At<String> = Optional,
        /// A first token later than this after sending counts as slow.
        slow_over: At<Span> = Or(&d::SLOW_OVER),
        /// Length of an interval of the timelines.
        interval: At<Span> = Or(&d::INTERVAL),
        /// Most turns that a run of the scenario may simulate, over all topologies and replications. A larger scenario
        /// is refused before it starts; raise the number to run it all the same.
        max_turns: At<u64> = Or(&d::MAX_TURNS),
        /// Groups of users, by name. The shares of all groups add up to one.
        users: Named<RawUsers> = Required,
        /// Residency classes, by name: where the data of some users may be processed.
        residency: Named<RawResidency> = Optional,
        /// Workloads, by name: what the users do.
        workload: Named<RawWorkload> = Required,
        /// How a user's program connects to the application.
        client: RawClient = Optional,
        /// How names are resolved.
        dns: RawDns = Optional,
        /// Round trips that differ from the catalogue's.
        network: RawNetwork = Optional,
        /// Model deployments, by name.
        deployment: Named<RawDeployment> = Required,
        /// Quotas that several deployments share, by name: an account's, an organisation's, a source region's. A deployment
        /// takes part with `quota.shared = "<name>"`.
        quota: Named<RawQuota> = Optional,
        /// Pools of deployments that stand for each other, by name: what the chains of topologies name.
        pool: Named<RawPool> = Optional,
        /// Layouts of the product, by name. Each one that is not abstract is simulated.
        topology: Named<RawTopology> = Required,
        /// What goes wrong.
        fault: List<RawFault> = Optional,
        /// Lists of objectives. The key is `all`, or the name of the only workload. An objective reads
        /// `metric < value`; `geodes explain-metric` lists the metrics.
        objectives: Named<List<At<String>>> = Optional,
    }
}
