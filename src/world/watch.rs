//! A close look at the time around one fault: second by second, what was sent where and how it ended.

use super::faults::Occurrence;
use crate::measure::Counts;
use crate::units::{Span, Time};

/// Occurrences that a run looks closely at; a scenario with hundreds of recurring faults is about availability, not about
/// single incidents.
pub const MOST: usize = 64;
/// Length of one step of the detailed record.
pub const STEP: Span = Span::from_secs(1);
/// How long before a fault the record begins: what the usual level and its usual ups and downs are, is learnt from it.
/// ASSUMPTION: half an hour has enough minutes to know how much a minute varies, and is short against the daily curve.
pub const BEFORE: Span = Span::from_mins(30);
/// How long after the repair it goes on: traffic that has to come back does so within minutes (TTLs, cool-downs).
pub const AFTER: Span = Span::from_mins(30);

/// Outcomes of turns that were sent within the record are awaited for this long after it.
pub const AWAIT: Span = Span::from_hours(1);

/// How some turns ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// All of them.
    pub requests: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Of those, served slowly.
    pub slow: u64,
    /// Of those, served degraded.
    pub degraded: u64,
    /// Of those, stale reads.
    pub stale: u64,
}

impl Ends {
    /// Adds others.
    pub fn add(&mut self, other: &Ends) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.slow += other.slow;
        self.degraded += other.degraded;
        self.stale += other.stale;
    }
}

/// Counts per second around one occurrence of a fault, by the time at which a turn was sent or a decision was made
/// (`to_*`). Turns are counted when they have ended. Those that were in flight when the fault struck stand apart: what
/// became of them says nothing about the time before it.
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
    /// Turns that had been sent before the fault struck and had not ended; not in the counts per second.
    pub in_flight: Ends,
    /// When a health check or a gateway first took the target out of service.
    pub detected: Option<Time>,
    /// Acknowledged writes that no surviving region had. `None` if no region survived that could have had them: what the
    /// region holds is unavailable until it is back, and there all the same.
    pub writes_lost: Option<u64>,
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
            in_flight: Ends::default(),
            writes_lost: Some(0),
        }
    }

    /// Counts a decision to send something, to what the fault hits or elsewhere. What is decided after the record is not
    /// part of it, although ends are still awaited then.
    pub fn decided(&mut self, now: Time, to_target: bool) {
        if now < self.until {
            self.to_any.add(now, 1);
            self.to_target.add(now, u64::from(to_target));
        }
    }

    /// Counts the turns that have ended at `now` and had been sent at `sent`; `start` is the end of the warm-up, whose
    /// turns belong to nobody.
    pub fn ended(&mut self, start: Time, sent: Time, now: Time, turns: &Ends) {
        let begins = self.occurrence.begins;
        if sent < begins && now >= begins {
            if sent >= start {
                self.in_flight.add(turns);
            }
            return;
        }
        if sent >= self.until {
            return;
        }
        self.requests.add(sent, turns.requests);
        let bad = [
            (&mut self.failed, turns.failed),
            (&mut self.slow, turns.slow),
            (&mut self.degraded, turns.degraded),
            (&mut self.stale, turns.stale),
        ];
        for (counts, n) in bad {
            // most turns are good
            if n > 0 {
                counts.add(sent, n);
            }
        }
    }

    /// How the turns ended that were sent in the second of `t`; the turns in flight when the fault struck are left out.
    pub fn at(&self, t: Time) -> Ends {
        Ends {
            requests: self.requests.at(t),
            failed: self.failed.at(t),
            slow: self.slow.at(t),
            degraded: self.degraded.at(t),
            stale: self.stale.at(t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends are awaited after the record, decisions are not: they may belong to the next fault.
    #[test]
    fn what_is_decided_or_sent_after_the_record_is_not_in_it() {
        let at = |min| Time::ZERO + Span::from_mins(min);
        let occurrence = Occurrence { fault: 0, number: 0, begins: at(60), ends: at(70) };
        let mut w = Watch::new(occurrence, Time::ZERO, at(1000));
        assert_eq!((w.from, w.until), (at(30), at(100)));
        for min in [65, 99, 100, 150] {
            w.decided(at(min), true);
            w.ended(Time::ZERO, at(min), at(151), &Ends { requests: 1, failed: 1, ..Ends::default() });
        }
        let counted = |min| (w.to_any.at(at(min)), w.to_target.at(at(min)), w.at(at(min)).failed);
        assert_eq!([65, 99, 100, 150].map(counted), [(1, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0)]);
    }
}
