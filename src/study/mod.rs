//! Questions asked of many runs: replication, comparison, validation. Rayon and wall clocks may be used from here up.

mod billing;
pub mod claims;
pub mod determinism;
mod incidents;
pub mod laws;
pub mod replicate;
pub mod result;
mod summary;

pub use billing::Prices;
pub use summary::Measured;
