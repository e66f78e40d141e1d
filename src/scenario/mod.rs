//! A scenario file becomes a validated scenario, or diagnostics with line and column.

pub mod model;
mod plain;

pub use plain::{plain, plain_region};
