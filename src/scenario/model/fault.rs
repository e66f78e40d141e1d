//! What goes wrong and when.

use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, RegionIx, Span};

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
    /// Deployments refuse everything at once.
    ProviderDown {
        /// Which.
        deployments: Vec<DeploymentIx>,
        /// With what.
        error: ErrorClass,
    },
    /// Deployments are slow and fail sometimes (grey failure).
    ProviderBrownOut {
        /// Which.
        deployments: Vec<DeploymentIx>,
        /// Latencies are multiplied by this.
        slower: f64,
        /// Additional probability that a request fails.
        error_rate: f64,
        /// With what.
        error: ErrorClass,
    },
    /// Spot replicas are reclaimed after their notice, and none is to be had.
    SpotWithdrawn {
        /// Of which deployment.
        deployment: DeploymentIx,
        /// In which of its zones.
        zones: Vec<usize>,
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
