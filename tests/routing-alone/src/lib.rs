//! The routing room on the units room alone. If this builds, routing needs neither clock, generator nor simulator.

#[path = "../../../src/units/mod.rs"]
pub mod units;

#[path = "../../../src/routing/mod.rs"]
pub mod routing;
