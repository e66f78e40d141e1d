//! Configurations of gateways as they are used in production become parts of a scenario.
//!
//! Nothing is dropped silently: what has no place in a scenario is a [`Finding`] with its line and the reason. Values that
//! are or may be secrets are neither kept nor shown (`secrets.rs`).

mod finding;
pub mod litellm;
mod secrets;
mod tree;

pub use finding::{Assumption, Finding, Kind};
pub use secrets::redacted;
pub use tree::{Entry, Node, Value};
