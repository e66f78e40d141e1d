//! Health of endpoints as checkers see it.

mod threshold;

pub use threshold::{Threshold, ThresholdConfig};
