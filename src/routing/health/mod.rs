//! Health of endpoints as checkers see it.

mod quorum;
mod threshold;

pub use quorum::{Quorum, QuorumConfig, ROUTE_53_SHARE};
pub use threshold::{Threshold, ThresholdConfig};
