//! What one request keeps, and what the router tells its gateway to do.

use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, Span, Time};

/// What the gateway must do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// When to give it up if the status of its answer is not there, measured from now.
        timeout: Span,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the deployment that the request was sent to first.
        fallback: bool,
    },
    /// Call [`Router::on_timeout`](super::Router::on_timeout) at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// The answer is complete.
    Succeed,
    /// All providers have failed.
    Fail {
        /// The first provider's failure, which is the one that the caller sees.
        end: End,
    },
}

/// How a provider has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With the failure of its last call.
    Call(ErrorClass),
    /// All its keys are dead for the request: 502 `upstream_credentials_exhausted`.
    NoCredentials,
}

/// One request on its way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Journey {
    pub(super) virtual_key: u16,
    /// Position of the first provider among those that may be first.
    pub(super) first_provider: u8,
    /// Providers tried before the present one.
    pub(super) hop: u8,
    pub(super) provider: u8,
    pub(super) key: u8,
    /// Keys used in this round, one bit each.
    pub(super) used: u64,
    /// Keys that are dead for the request.
    pub(super) dead: u64,
    /// Retries with the present provider.
    pub(super) retries: u32,
    pub(super) primary_end: Option<End>,
    pub(super) first: Option<DeploymentIx>,
    pub(super) calling: bool,
    pub(super) attempts: u32,
}

impl Journey {
    /// Calls so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}
