//! Limits per minute, as tests of quotas write them.

use geodes::routing::limits::{BucketConfig, WindowConfig};
use geodes::units::{PerNanos, Span};

pub fn per_min(n: u64) -> PerNanos {
    PerNanos { micro_count: n * 1_000_000, nanos: 60_000_000_000 }
}

/// A bucket that holds a minute's worth.
pub fn bucket(n: u64) -> BucketConfig {
    BucketConfig { rate: per_min(n), capacity: n }
}

pub fn minute(limit: u64) -> WindowConfig {
    WindowConfig { limit, window: Span::from_mins(1) }
}
