//! A layout of the product: regions, steering, health checks, fallback chain, retries, conversation state.

use super::{DistSpec, Fleet, Gateway, Steering};
use crate::routing::balance::Choose;
use crate::routing::guard::GuardConfig;
use crate::routing::health::QuorumConfig;
use crate::routing::limits::LimiterConfig;
use crate::routing::outcome::ErrorSet;
use crate::routing::retry::budget::BudgetConfig;
use crate::routing::retry::{Delay, Hedging};
use crate::routing::throttle::ThrottleConfig;
use crate::units::{DeploymentIx, Price, RegionIx, Span};

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
    /// The router of every region's gateway.
    pub gateway: Gateway,
    /// Model pools in fallback order; every region's gateway walks the same chain. For a gateway that is a product: its groups
    /// of deployments, the one that turns ask for first; how it chooses and what follows what is its own business.
    pub chain: Vec<Pool>,
    /// Attempts, time-outs and backoff of the gateways. For a product only the time-outs mean anything: the longest there are.
    pub retry: RetrySpec,
    /// When a gateway stops calling a failing deployment.
    pub guards: Vec<GuardConfig>,
    /// What makes a gateway send less when it is refused.
    pub throttle: Option<ThrottleConfig>,
    /// What each gateway itself lets through to deployments.
    pub limits: Vec<(DeploymentIx, LimiterConfig)>,
    /// Who keeps the replicas of self-hosted models running.
    pub fleets: Vec<Fleet>,
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

/// Health checks of the regions, as seen by the name service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Health {
    /// Time between checks.
    pub interval: Span,
    /// How many checkers there are, and what makes up one's mind and theirs together.
    pub quorum: QuorumConfig,
    /// Probability that a check gets lost on the way and fails, 0 or above and below 1.
    pub fail_on_the_way: f64,
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
    /// Priority level of each member; empty when all are on the first.
    pub priorities: Vec<u8>,
    /// The localities in which members stand; empty when nobody asks.
    pub localities: Vec<PoolLocality>,
    /// How a member is chosen.
    pub choose: Choose,
    /// Answers from here count as degraded.
    pub degraded: bool,
    /// Calls of one gateway that may be out at once.
    pub max_requests: Option<u32>,
}

/// Where some members of a pool stand.
#[derive(Clone, PartialEq, Debug)]
pub struct PoolLocality {
    /// Name in the file.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// Positions of its members in [`Pool::members`].
    pub members: Vec<u16>,
}

/// Retry behaviour of the gateways.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetrySpec {
    /// Attempts per pool, the first included; each goes to a member not yet tried while there is one.
    pub attempts_per_pool: u32,
    /// Pause before a member is tried again.
    pub delay: Delay,
    /// What bounds the retries of all requests of a gateway together.
    pub budget: Option<BudgetConfig>,
    /// When further calls race those that are out; `None`: never. With gRPC's hedging the attempts per pool are its own, and
    /// nothing is tried again after a pause.
    pub hedging: Option<Hedging>,
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
