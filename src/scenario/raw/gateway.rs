//! Gateways that are products: what a topology says in place of a chain of pools.

use super::bifrost::RawBifrostGateway;
use super::litellm::RawLiteLlmGateway;
use super::portkey::RawPortkeyGateway;
use crate::scenario::decode::choice;
use crate::scenario::diagnostic::Loc;

choice! {
    merging
    /// A gateway that is a product, in place of geodes' own router: what stands here decides whom a turn is sent to, how often
    /// and after which errors. `chain`, `retry`, `cooldown`, `outlier`, `breaker`, `throttle`, `limits` and the time-outs of answers
    /// belong to the own router and are refused beside it. In `extends` the keys of one product merge; another product replaces
    /// it.
    RawGateway "Gateway" {
        /// LiteLLM's router, version 1.106.2.
        "litellm" => LiteLlm(RawLiteLlmGateway),
        /// Portkey's gateway, open source and circuit breaker.
        "portkey" => Portkey(RawPortkeyGateway),
        /// Bifrost, open source.
        "bifrost" => Bifrost(RawBifrostGateway),
    }
}

impl RawGateway {
    /// Where it stands.
    pub fn loc(&self) -> Loc {
        match self {
            RawGateway::LiteLlm(raw) => raw.loc,
            RawGateway::Portkey(raw) => raw.loc,
            RawGateway::Bifrost(raw) => raw.loc,
        }
    }
}
