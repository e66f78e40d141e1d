//! Questions asked of many runs: replication, comparison, validation. Rayon and wall clocks may be used from here up.

pub mod result;
