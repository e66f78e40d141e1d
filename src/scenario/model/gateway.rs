//! Which router the gateways of a topology run.

use super::{BifrostGateway, PortkeyGateway};
use crate::routing::litellm::config::{Config, Options};
use crate::units::{DeploymentIx, Span};

/// The router of every region's gateway.
#[derive(Clone, PartialEq, Debug)]
pub enum Gateway {
    /// geodes' own: the topology's chain, retries, guards and throttle.
    Own,
    /// LiteLLM's.
    LiteLlm(Box<LiteLlmGateway>),
    /// Portkey's.
    Portkey(Box<PortkeyGateway>),
    /// Bifrost.
    Bifrost(Box<BifrostGateway>),
}

/// LiteLLM as a gateway.
#[derive(Clone, PartialEq, Debug)]
pub struct LiteLlmGateway {
    /// What the router is told; its calendar is that of the run.
    pub config: Config,
    /// Whom each entry of `model_list` calls.
    pub entries: Vec<LiteLlmEntry>,
    /// What turns ask for: the first that fits counts. The last fits all.
    pub asks: Vec<Ask>,
}

/// What an entry of `model_list` stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiteLlmEntry {
    /// The scenario's deployment.
    pub deployment: DeploymentIx,
    /// Answers count as degraded.
    pub degraded: bool,
}

/// What some turns ask for.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// Only turns of this workload.
    pub workload: Option<usize>,
    /// Only turns of users of this residency class.
    pub class: Option<usize>,
    /// Group, alias or routing group.
    pub model: String,
    /// What the request brings besides.
    pub options: Options,
}

impl LiteLlmGateway {
    /// Time-out of a call that nothing sets: `litellm.request_timeout` of LiteLLM 1.106.2, `__init__.py`.
    pub const TIMEOUT: Span = Span::from_secs(6000);

    /// What turns of a workload by users of a residency class ask for.
    ///
    /// # Panics
    /// If the last of `asks` does not fit all.
    pub fn ask(&self, workload: usize, class: Option<usize>) -> &Ask {
        let fits = |a: &&Ask| a.workload.is_none_or(|w| w == workload) && a.class.is_none_or(|c| Some(c) == class);
        self.asks.iter().find(fits).expect("the last fits all")
    }
}
