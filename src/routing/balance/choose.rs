//! What the configuration of a pool says about its balancer.

use super::envoy::{EnvoyConfig, HostPolicy, LocalityPolicy};
use super::inference::InferenceConfig;
use super::inference::prefix::LRU_BLOCKS;
use super::{LeastRequestConfig, MAGLEV_TABLE, NetworkCostConfig, PeakEwma, SelectivePushConfig};
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
    /// [`Reported`](super::Reported), with reports this far apart.
    Reported(Span),
    /// [`super::OpenRouter`].
    OpenRouter,
    /// [`super::WeightedRoundRobin`].
    WeightedRoundRobin,
    /// [`super::Maglev`] with so many entries.
    Maglev(u32),
    /// [`super::envoy::Envoy`].
    Envoy(EnvoyConfig),
    /// [`super::inference::Inference`].
    Inference(InferenceConfig),
    /// [`super::NetworkCost`].
    NetworkCost(NetworkCostConfig),
    /// [`super::SelectivePush`].
    SelectivePush(SelectivePushConfig),
}

impl Choose {
    /// One of each kind, with the constants of its source: for tables, tests and benchmarks of all of them.
    pub const fn each() -> [Choose; 16] {
        [
            Choose::Nearest,
            Choose::InOrder,
            Choose::Weighted,
            Choose::RoundRobin,
            Choose::LeastBusy,
            Choose::LeastRequest(LeastRequestConfig::ENVOY),
            Choose::RingHash(1024),
            Choose::PeakEwma(PeakEwma::DECAY),
            Choose::Reported(Span::from_secs(10)),
            Choose::OpenRouter,
            Choose::WeightedRoundRobin,
            Choose::Maglev(MAGLEV_TABLE),
            Choose::Envoy(EnvoyConfig::DEFAULT),
            Choose::Inference(InferenceConfig::SAMPLE),
            Choose::NetworkCost(NetworkCostConfig {
                prefill_per_token: NetworkCostConfig::GORGO_PREFILL,
                per_call: Span::from_millis(50),
                lru_blocks: LRU_BLOCKS,
            }),
            Choose::SelectivePush(SelectivePushConfig::EXAMPLE),
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
            Choose::Reported(_) => "reported_load",
            Choose::OpenRouter => "openrouter",
            Choose::WeightedRoundRobin => "weighted_round_robin",
            Choose::Maglev(_) => "maglev",
            Choose::Envoy(_) => "envoy",
            Choose::Inference(_) => "inference",
            Choose::NetworkCost(_) => "network_cost",
            Choose::SelectivePush(_) => "selective_push",
        }
    }

    /// Whether the members' weights matter.
    pub const fn uses_weights(self) -> bool {
        match self {
            Choose::Weighted
            | Choose::LeastRequest(_)
            | Choose::RingHash(_)
            | Choose::PeakEwma(_)
            | Choose::WeightedRoundRobin
            | Choose::Maglev(_) => true,
            Choose::Envoy(config) => !matches!(config.hosts, HostPolicy::Random),
            Choose::Nearest
            | Choose::InOrder
            | Choose::RoundRobin
            | Choose::LeastBusy
            | Choose::Reported(_)
            | Choose::OpenRouter
            | Choose::Inference(_)
            | Choose::NetworkCost(_)
            | Choose::SelectivePush(_) => false,
        }
    }

    /// Whether the members' priority levels matter.
    pub const fn uses_priorities(self) -> bool {
        matches!(self, Choose::Envoy(_))
    }

    /// Whether it looks into prompts.
    pub const fn uses_blocks(self) -> bool {
        match self {
            Choose::Inference(config) => config.weights.prefix > 0.0,
            Choose::NetworkCost(_) | Choose::SelectivePush(_) => true,
            _ => false,
        }
    }

    /// How often members are asked for a report; `None` if they are not.
    pub fn asks_every(self) -> Option<Span> {
        match self {
            Choose::Inference(c) if c.weights.uses_reports() || c.saturation.is_some() => Some(c.refresh),
            Choose::SelectivePush(c) => Some(c.refresh),
            _ => None,
        }
    }

    /// Whether the members' localities matter.
    pub const fn uses_localities(self) -> bool {
        matches!(self, Choose::Envoy(config) if !matches!(config.localities, LocalityPolicy::Ignored))
    }
}
