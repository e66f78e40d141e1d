//! What the configuration of a pool says about its balancer.

use super::{LeastRequestConfig, PeakEwma};
use crate::units::Span;

/// How a pool chooses.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Choose {
    /// [`super::Nearest`].
    Nearest,
    /// [`super::InOrder`].
    InOrder,
    /// [`super::Weighted`].
    Weighted,
    /// [`super::RoundRobin`].
    RoundRobin,
    /// [`super::LeastBusy`].
    LeastBusy,
    /// [`super::LeastRequest`].
    LeastRequest(LeastRequestConfig),
    /// [`super::RingHash`] with at least so many points.
    RingHash(u32),
    /// [`PeakEwma`] with this decay.
    PeakEwma(Span),
    /// [`super::OpenRouter`].
    OpenRouter,
}

impl Choose {
    /// One of each kind, with the constants of its source: for tables, tests and benchmarks of all of them.
    pub const fn each() -> [Choose; 9] {
        [
            Choose::Nearest,
            Choose::InOrder,
            Choose::Weighted,
            Choose::RoundRobin,
            Choose::LeastBusy,
            Choose::LeastRequest(LeastRequestConfig::ENVOY),
            Choose::RingHash(1024),
            Choose::PeakEwma(PeakEwma::DECAY),
            Choose::OpenRouter,
        ]
    }

    /// Its key in scenario files and in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Choose::Nearest => "nearest",
            Choose::InOrder => "in_order",
            Choose::Weighted => "weighted",
            Choose::RoundRobin => "round_robin",
            Choose::LeastBusy => "least_busy",
            Choose::LeastRequest(_) => "least_request",
            Choose::RingHash(_) => "ring_hash",
            Choose::PeakEwma(_) => "peak_ewma",
            Choose::OpenRouter => "openrouter",
        }
    }

    /// Whether the members' weights matter.
    pub const fn uses_weights(self) -> bool {
        matches!(self, Choose::Weighted | Choose::LeastRequest(_) | Choose::RingHash(_) | Choose::PeakEwma(_))
    }
}
