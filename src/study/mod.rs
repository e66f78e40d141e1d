//! Questions asked of many runs: replication, comparison, validation. Rayon and wall clocks may be used from here up.

mod billing;
pub mod claims;
pub mod determinism;
pub mod explain;
mod incidents;
mod info;
pub mod laws;
mod objectives;
mod ordered;
mod over;
pub mod policy_diff;
pub mod replicate;
pub mod result;
mod samples;
mod summary;
pub mod trace;

pub use billing::Prices;
pub use samples::Samples;
pub use summary::Measured;
