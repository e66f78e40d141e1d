//! Quotas: what a provider lets through.

use crate::routing::limits::LimiterConfig;
use crate::units::Span;

/// A limiter, and what it is drawn from at random.
#[derive(Clone, PartialEq, Debug)]
pub struct Quota {
    /// Which algorithm, and its numbers.
    pub limiter: LimiterConfig,
    /// How the load of a shared pool's other customers varies around what the limiter's configuration says.
    pub others_vary: Option<Variation>,
    /// Counted for each calling region apart: requests count where the gateway stands that sends them.
    pub per_source_region: bool,
}

/// A quota with a name, which several deployments share: one count for all of them, or one per calling region.
#[derive(Clone, PartialEq, Debug)]
pub struct SharedQuota {
    /// Name in the file.
    pub name: String,
    /// What it is.
    pub quota: Quota,
}

/// A random factor around a mean: log-normal with mean 1, drawn anew every so often.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Variation {
    /// Coefficient of variation of the factor.
    pub by: f64,
    /// How long one draw holds.
    pub every: Span,
}

/// Which quota a deployment is under.
#[derive(Clone, PartialEq, Debug)]
pub enum QuotaUse {
    /// One of its own.
    Own(Box<Quota>),
    /// The shared one at this position of [`Scenario::quotas`](super::Scenario::quotas).
    Shared(usize),
}

impl QuotaUse {
    /// A limiter of its own.
    pub fn own(limiter: LimiterConfig) -> QuotaUse {
        QuotaUse::Own(Box::new(Quota { limiter, others_vary: None, per_source_region: false }))
    }
}
