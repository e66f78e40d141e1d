//! Who there is to choose from.

use crate::units::{DeploymentIx, Span};

/// One deployment in a pool, as seen from one gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Member {
    /// Which deployment.
    pub deployment: DeploymentIx,
    /// Weight, for policies that have weights.
    pub weight: f64,
    /// Typical network round trip from this gateway.
    pub distance: Span,
    /// Hash of its name: where it stands in consistent hashing.
    pub key: u64,
    /// Dollars for an input token and an output token together, as price-aware policies compare deployments.
    pub price: f64,
    /// Priority level, 0 for the first, for policies that have levels.
    pub priority: u8,
    /// Position of its locality in [`PoolConfig::localities`](crate::routing::router::PoolConfig::localities), for policies that know localities.
    pub locality: u16,
}

/// A place where members of a pool stand, and callers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Locality {
    /// Weight, for policies that have weights of localities.
    pub weight: f64,
    /// Share of all callers that stand there, 0 to 1.
    pub callers: f64,
    /// Whether this gateway stands there.
    pub local: bool,
}
