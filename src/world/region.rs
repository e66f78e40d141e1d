//! One region's application: slots for turns, a bounded queue, and the gateway that routes its model calls.

use super::event::SessionKey;
use super::gateway::Gateway;
use crate::routing::health::{Quorum, QuorumConfig};
use crate::units::{RegionIx, Time};
use std::collections::VecDeque;

/// What became of a turn that asked for a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It has one.
    Served,
    /// It waits.
    Queued,
    /// There was no room.
    Refused,
}

/// The application in one region.
#[derive(Debug)]
pub struct Region {
    /// Which place.
    pub place: RegionIx,
    /// The gateway.
    pub gateway: Gateway,
    /// The health checkers' verdict.
    pub health: Quorum,
    /// When the last check of it by each checker began.
    pub check_began: Vec<Time>,
    slots: u32,
    in_use: u32,
    queue_limit: usize,
    queue: VecDeque<(SessionKey, u16)>,
    busy_since: Time,
    busy_slot_ns: u128,
    count_from: Time,
    count_until: Time,
}

impl Region {
    /// An idle region; slot use is counted between two instants.
    pub fn new(
        place: RegionIx,
        gateway: Gateway,
        checks: &QuorumConfig,
        slots: u32,
        queue: u32,
        count_from: Time,
        count_until: Time,
    ) -> Region {
        Region {
            place,
            gateway,
            health: Quorum::new(checks),
            check_began: vec![Time::ZERO; checks.checkers as usize],
            slots,
            in_use: 0,
            queue_limit: queue as usize,
            queue: VecDeque::new(),
            busy_since: Time::ZERO,
            busy_slot_ns: 0,
            count_from,
            count_until,
        }
    }

    /// Slots in all.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Slots in use.
    pub fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Turns that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Slot-nanoseconds used in the counted time so far.
    pub fn busy_slot_ns(&mut self, now: Time) -> u128 {
        self.account(now);
        self.busy_slot_ns
    }

    fn account(&mut self, now: Time) {
        let from = self.busy_since.max(self.count_from);
        let until = now.min(self.count_until);
        self.busy_slot_ns += u128::from(until.since(from).nanos()) * u128::from(self.in_use);
        self.busy_since = now;
    }

    /// A turn asks for a slot.
    pub fn admit(&mut self, now: Time, session: SessionKey, epoch: u16) -> Admission {
        if self.in_use < self.slots {
            self.account(now);
            self.in_use += 1;
            return Admission::Served;
        }
        if self.queue.len() < self.queue_limit {
            self.queue.push_back((session, epoch));
            return Admission::Queued;
        }
        Admission::Refused
    }

    /// A turn leaves its slot; the next in the queue gets it. `waits` says whether a queued turn is still waiting (it may
    /// have been given up).
    pub fn release(&mut self, now: Time, waits: impl Fn(SessionKey, u16) -> bool) -> Option<(SessionKey, u16)> {
        while let Some((session, epoch)) = self.queue.pop_front() {
            if waits(session, epoch) {
                return Some((session, epoch)); // the slot passes on, its use is unbroken
            }
        }
        self.account(now);
        assert!(self.in_use > 0, "INV-5 broken: a slot is released that nobody held");
        self.in_use -= 1;
        // INV-7: nobody waits while a slot is free; the loop above has emptied the queue
        assert!(self.queue.is_empty(), "INV-7 broken: turns wait while a slot is free");
        None
    }

    /// A turn that waits is taken away.
    pub fn leave_queue(&mut self, session: SessionKey) {
        self.queue.retain(|(waiting, _)| *waiting != session);
    }

    /// The region dies: all slots and the queue are empty at once.
    pub fn clear(&mut self, now: Time) {
        self.account(now);
        self.in_use = 0;
        self.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::health::ThresholdConfig;
    use crate::scenario::plain;

    /// Who is taken away makes room for another who waits.
    #[test]
    fn a_queue_holds_those_who_wait_and_nobody_else() {
        let s = plain(1);
        let gateway = Gateway::new(&s, &s.topologies[0], RegionIx(0));
        let checks = QuorumConfig::one(ThresholdConfig { failures: 3, passes: 3 });
        let mut r = Region::new(RegionIx(0), gateway, &checks, 1, 2, Time::ZERO, Time::ZERO);
        let keys = [0, 1, 2, 3, 4].map(SessionKey::dangling);
        let admitted: Vec<Admission> = keys[..4].iter().map(|k| r.admit(Time::ZERO, *k, 0)).collect();
        assert_eq!(admitted, [Admission::Served, Admission::Queued, Admission::Queued, Admission::Refused]);
        r.leave_queue(keys[1]);
        assert_eq!((r.waiting(), r.admit(Time::ZERO, keys[4], 0)), (1, Admission::Queued));
        assert_eq!(r.release(Time::ZERO, |_, _| true), Some((keys[2], 0)));
    }
}
