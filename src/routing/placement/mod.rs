//! Where replicas of a self-hosted model are started: policies over zones with spot instances. One algorithm per file.
//!
//! The world has no instances that can be reclaimed yet; the algorithms stand by themselves, as in the controller of a
//! serving system.

mod spothedge;

pub use spothedge::{Plan, SpotHedge, SpotHedgeConfig};
