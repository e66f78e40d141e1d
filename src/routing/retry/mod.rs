//! When and how often a failed attempt is tried again.

mod backoff;

pub use backoff::{Backoff, Jitter};
