//! Choice of one deployment among those that stand for each other.

mod pick;

pub use pick::{Candidate, pick};

/// How a pool chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choose {
    /// The lowest network round trip from the calling gateway; ties to the first in the list.
    Nearest,
    /// The order of the list.
    InOrder,
    /// At random in proportion to the weights.
    Weighted,
    /// In turn.
    RoundRobin,
    /// The fewest calls of this gateway in flight; ties to the first in the list.
    LeastBusy,
}
