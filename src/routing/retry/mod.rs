//! When and how often a failed attempt is tried again.

mod backoff;
pub mod budget;
mod delay;
mod hedging;

pub use backoff::{Backoff, Jitter};
pub use delay::{Delay, GrpcBackoff};
pub use hedging::Hedging;
