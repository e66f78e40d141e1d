//! What Portkey's gateway is told, and which trees are refused.
//!
//! Source: Portkey-AI/gateway 669825c, `src/types/requestBody.ts`, `src/globals.ts`.

use super::circuit::CircuitConfig;
use super::query::Query;
use crate::units::{DeploymentIx, Span};
use std::fmt;

/// Most strategies above one another: a request remembers where it stands in each. ASSUMPTION: nobody nests deeper; Portkey
/// itself has no bound.
pub const MAX_DEPTH: usize = 8;

/// Most targets of one strategy: a request remembers which of them are left.
pub const MAX_TARGETS: usize = 64;

/// Most targets of a whole tree.
pub const MAX_NODES: usize = 4096;

/// Most retries of a target (`MAX_RETRIES`).
pub const MAX_RETRIES: u32 = 5;

/// Retries of a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retry {
    /// Attempts after the first.
    pub attempts: u32,
    /// Statuses that are tried again.
    pub on_status_codes: Vec<u16>,
    /// Whether the Retry-After of a 429 replaces the pause.
    pub use_retry_after_header: bool,
}

impl Retry {
    /// `RETRY_STATUS_CODES`.
    pub const STATUS_CODES: [u16; 5] = [429, 500, 502, 503, 504];
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { attempts: 0, on_status_codes: Retry::STATUS_CODES.to_vec(), use_retry_after_header: false }
    }
}

/// Settings that a target has, or inherits whole from the nearest one above that has them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Settings {
    /// Retries.
    pub retry: Option<Retry>,
    /// Time until the status of an answer is there; later it counts as 408.
    pub request_timeout: Option<Span>,
    /// When a target is left out (`cb_config`).
    pub circuit: Option<CircuitConfig>,
}

/// A condition of a conditional strategy.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    /// What a request must bring.
    pub query: Query,
    /// Position of the target that it is then sent to.
    pub then: usize,
}

/// How a strategy chooses among its targets.
#[derive(Clone, PartialEq, Debug)]
pub enum Mode {
    /// The first.
    Single,
    /// One at random by weight.
    LoadBalance,
    /// One after the other, as long as answers have one of these statuses; `None`: as long as they are not successful.
    Fallback {
        /// The statuses.
        on_status_codes: Option<Vec<u16>>,
    },
    /// The target of the first condition that holds.
    Conditional {
        /// In their order.
        conditions: Vec<Condition>,
        /// Position of the target when none holds; `None`: the request is refused.
        default: Option<usize>,
    },
}

impl Mode {
    /// Its name in a config.
    pub const fn name(&self) -> &'static str {
        match self {
            Mode::Single => "single",
            Mode::LoadBalance => "loadbalance",
            Mode::Fallback { .. } => "fallback",
            Mode::Conditional { .. } => "conditional",
        }
    }
}

/// An inner node of the tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Strategy {
    /// How it chooses.
    pub mode: Mode,
    /// Among whom.
    pub targets: Vec<Target>,
}

/// What a target is.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A call of this deployment.
    Deployment {
        /// Which.
        deployment: DeploymentIx,
        /// Its answers count as degraded.
        degraded: bool,
    },
    /// A strategy with targets of its own.
    Strategy(Strategy),
}

/// A node of the tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Weight among its siblings when they share the load.
    pub weight: f64,
    /// What it sets for itself and below.
    pub settings: Settings,
    /// What it is.
    pub what: What,
}

/// The tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Its root.
    pub root: Target,
}

/// Why a tree is refused. Each names the target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A strategy without targets.
    NoTargets(String),
    /// More than [`MAX_TARGETS`] targets.
    ManyTargets(String),
    /// More than [`MAX_DEPTH`] strategies above one another.
    TooDeep(String),
    /// More than [`MAX_NODES`] targets in all.
    TooMany,
    /// A weight that is negative or no number.
    BadWeight(String),
    /// All targets that share a load have the weight zero.
    ZeroWeights(String),
    /// A conditional strategy without conditions.
    NoConditions(String),
    /// A condition leads to a target that is not there.
    NoSuchTarget(String),
    /// More retries than [`MAX_RETRIES`].
    ManyRetries(String),
    /// A fallback after no status at all.
    NeverFallsBack(String),
    /// A circuit that never opens.
    NeverOpens(String),
    /// A circuit that stays open for less than the product accepts.
    ShortCooldown(String),
    /// A time-out of zero.
    NoTime(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::NoTargets(name) => write!(f, "the strategy of `{name}` has no targets"),
            ConfigError::ManyTargets(name) => write!(f, "`{name}` has more than {MAX_TARGETS} targets"),
            ConfigError::TooDeep(name) => write!(f, "`{name}` stands below more than {MAX_DEPTH} strategies"),
            ConfigError::TooMany => write!(f, "the tree has more than {MAX_NODES} targets"),
            ConfigError::BadWeight(name) => write!(f, "the weight of `{name}` is not a number from 0 on"),
            ConfigError::ZeroWeights(name) => write!(f, "all targets of `{name}` have the weight 0"),
            ConfigError::NoConditions(name) => write!(f, "`{name}` has no conditions"),
            ConfigError::NoSuchTarget(name) => write!(f, "a condition of `{name}` leads to no target"),
            ConfigError::ManyRetries(name) => write!(f, "`{name}` has more than {MAX_RETRIES} retries"),
            ConfigError::NeverFallsBack(name) => write!(f, "`{name}` falls back after no status"),
            ConfigError::NeverOpens(name) => write!(f, "the circuit of `{name}` never opens"),
            ConfigError::ShortCooldown(name) => {
                write!(f, "the circuit of `{name}` stays open for less than {}", CircuitConfig::LEAST_COOLDOWN)
            }
            ConfigError::NoTime(name) => write!(f, "the time-out of `{name}` is 0"),
        }
    }
}

impl Config {
    /// Refuses what could never serve a request.
    ///
    /// # Errors
    /// The first thing found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut nodes = 0;
        self.root.check(0, &mut nodes)
    }
}

impl Target {
    fn check(&self, depth: usize, nodes: &mut usize) -> Result<(), ConfigError> {
        let name = || self.name.clone();
        *nodes += 1;
        if *nodes > MAX_NODES {
            return Err(ConfigError::TooMany);
        }
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(ConfigError::BadWeight(name()));
        }
        self.settings.check(&self.name)?;
        let What::Strategy(strategy) = &self.what else { return Ok(()) };
        if depth >= MAX_DEPTH {
            return Err(ConfigError::TooDeep(name()));
        }
        let targets = &strategy.targets;
        if targets.is_empty() {
            return Err(ConfigError::NoTargets(name()));
        }
        if targets.len() > MAX_TARGETS {
            return Err(ConfigError::ManyTargets(name()));
        }
        match &strategy.mode {
            Mode::Single => {}
            Mode::LoadBalance => {
                if targets.iter().all(|t| t.weight == 0.0) {
                    return Err(ConfigError::ZeroWeights(name()));
                }
            }
            Mode::Fallback { on_status_codes } => {
                if on_status_codes.as_ref().is_some_and(Vec::is_empty) {
                    return Err(ConfigError::NeverFallsBack(name()));
                }
            }
            Mode::Conditional { conditions, default } => {
                if conditions.is_empty() {
                    return Err(ConfigError::NoConditions(name()));
                }
                if conditions.iter().map(|c| &c.then).chain(default).any(|t| *t >= targets.len()) {
                    return Err(ConfigError::NoSuchTarget(name()));
                }
            }
        }
        targets.iter().try_for_each(|t| t.check(depth + 1, nodes))
    }
}

impl Settings {
    fn check(&self, name: &str) -> Result<(), ConfigError> {
        let name = || name.to_owned();
        if self.retry.as_ref().is_some_and(|r| r.attempts > MAX_RETRIES) {
            return Err(ConfigError::ManyRetries(name()));
        }
        if self.request_timeout == Some(Span::ZERO) {
            return Err(ConfigError::NoTime(name()));
        }
        let Some(circuit) = &self.circuit else { return Ok(()) };
        let never =
            circuit.failure_threshold.is_none() && circuit.failure_threshold_percentage.is_none_or(|p| p >= 100.0);
        if never || circuit.failure_status_codes.as_ref().is_some_and(Vec::is_empty) {
            return Err(ConfigError::NeverOpens(name()));
        }
        if circuit.cooldown_interval < CircuitConfig::LEAST_COOLDOWN {
            return Err(ConfigError::ShortCooldown(name()));
        }
        Ok(())
    }
}
