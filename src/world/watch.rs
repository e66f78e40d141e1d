//! A close look at the time around one fault: second by second, what was sent where and how it ended.

use super::faults::Occurrence;
use crate::measure::Counts;
use crate::units::{Span, Time};

/// Occurrences that a run looks closely at; a scenario with hundreds of recurring faults is about availability, not about
/// single incidents.
pub const MOST: usize = 64;
/// Length of one step of the detailed record.
pub const STEP: Span = Span::from_secs(1);
/// How long before a fault the record begins: the level that "before" means.
pub const BEFORE: Span = Span::from_mins(5);
/// How long after the repair it goes on: traffic that has to come back does so within minutes (TTLs, cool-downs).
pub const AFTER: Span = Span::from_mins(30);

/// Outcomes of turns that were sent within the record are awaited for this long after it.
pub const AWAIT: Span = Span::from_hours(1);

/// Counts per second around one occurrence of a fault, by the time at which a turn was sent (`sent_*`) or a decision
/// was made (`to_*`).
#[derive(Clone, Debug)]
pub struct Watch {
    /// What happened when.
    pub occurrence: Occurrence,
    /// Start of the record.
    pub from: Time,
    /// End of the record.
    pub until: Time,
    /// Decisions to send something anywhere: tries of users for a region fault, calls of gateways for a provider fault.
    pub to_any: Counts,
    /// Of those, to what the fault hits.
    pub to_target: Counts,
    /// Turns sent.
    pub requests: Counts,
    /// Of those, failed.
    pub failed: Counts,
    /// Of those, served slowly.
    pub slow: Counts,
    /// Of those, served degraded.
    pub degraded: Counts,
    /// Of those, stale reads.
    pub stale: Counts,
    /// When a health check or a gateway first took the target out of service.
    pub detected: Option<Time>,
    /// Turns sent before the fault struck that failed while it lasted.
    pub broken: u64,
    /// Acknowledged writes that no surviving region had.
    pub writes_lost: u64,
}

impl Watch {
    /// An empty record around an occurrence in a run that counts from `start` to `end`.
    pub fn new(occurrence: Occurrence, start: Time, end: Time) -> Watch {
        // whole steps before the fault: no step holds turns from before and after its beginning
        let before = occurrence.begins.since(start).min(BEFORE).nanos() / STEP.nanos();
        let from = Time(occurrence.begins.max(start).nanos() - before * STEP.nanos());
        let until = occurrence.ends.saturating_add(AFTER).min(end);
        let counts = || Counts::new(from, STEP);
        Watch {
            occurrence,
            from,
            until,
            to_any: counts(),
            to_target: counts(),
            requests: counts(),
            failed: counts(),
            slow: counts(),
            degraded: counts(),
            stale: counts(),
            detected: None,
            broken: 0,
            writes_lost: 0,
        }
    }
}
