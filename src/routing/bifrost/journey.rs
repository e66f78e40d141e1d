//! What one request keeps, and what the router tells its gateway to do.

use crate::routing::calls::{self, Calls};
use crate::routing::outcome::ErrorClass;

/// What the gateway must do next; a request that fails ends as its first provider did.
pub type Command = calls::Command<End>;

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
    pub(super) calls: Calls,
}
