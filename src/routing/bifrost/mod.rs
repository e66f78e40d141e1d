//! Bifrost: providers with several keys, retries within a provider, fallbacks to others.
//!
//! Source of every rule: maximhq/bifrost, `docs/features/retries-and-fallbacks.mdx` and
//! `docs/features/governance/routing.mdx` (documentation of 2026), and `core/utils.go` and `core/bifrost.go` for the statuses that
//! are retried and for what leads to fallbacks.
//!
//! | file | what |
//! |---|---|
//! | `config` | providers, keys, virtual keys, and which are refused |
//! | `failure` | what a failure means for the key and for the request |
//! | `router`, `journey` | the process, the request |
//! | `why` | reasons |
//!
//! What is left out: the guard of the throughput of streams, circuit breakers by response headers and adaptive load balancing
//! (enterprise), budgets and rate limits of virtual keys, lists of allowed models, the cache, and plugins that halt fallbacks.

pub mod config;
mod failure;
mod journey;
mod router;
#[cfg(test)]
mod tests;
mod why;

pub use config::{Config, ConfigError, Provider, ProviderKey, VirtualKey};
pub use journey::{Command, End, Journey};
pub use router::Router;
pub use why::{Out, Why};
