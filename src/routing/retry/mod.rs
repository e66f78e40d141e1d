//! When and how often a failed attempt is tried again.

mod backoff;
pub mod budget;
mod delay;

pub use backoff::{Backoff, Jitter};
pub use delay::{Delay, GrpcBackoff};
