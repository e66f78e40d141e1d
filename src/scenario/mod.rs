//! A scenario file becomes a validated scenario, or diagnostics with line and column.

pub mod model;
