//! Are two runs the same, event by event? If not, which is the first that differs?

use crate::kernel::EventNo;
use crate::kernel::trace::Divergence;
use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::world::Run;

/// Runs a topology twice, side by side, and compares every event and the state after it. The two scenarios are the same
/// one when determinism is checked; different ones show that the check can fail.
///
/// Returns the number of events.
///
/// # Errors
/// The first event that differs.
pub fn compare(first: &Scenario, second: &Scenario, topology: usize) -> Result<EventNo, Box<Divergence>> {
    let seed = Seed { seed: first.seed, replication: 0 };
    Run::new(first, topology, seed).first_divergence(Run::new(second, topology, seed))
}
