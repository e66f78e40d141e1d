//! Determinism made visible: a fingerprint of a run, and the first event in which two runs differ.
//!
//! Both cost nothing when they are not asked for: a run without observer compiles to the plain loop.

use super::engine::{Engine, World};
use super::order::{Class, EventNo, Key};
use crate::units::Time;
use std::fmt::{self, Debug};
use std::ops::Range;

/// A rolling 64-bit hash over the events of a run, with a mark every 2^k events, so that two runs of different builds or
/// machines can be compared by a few numbers and the place where they part be narrowed down to 2^k events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    every_log2: u32,
    hash: u64,
    events: EventNo,
    marks: Vec<u64>,
}

impl Fingerprint {
    /// Marks every 2^`every_log2` events.
    pub fn new(every_log2: u32) -> Fingerprint {
        Fingerprint { every_log2: every_log2.min(62), hash: 0, events: 0, marks: Vec::new() }
    }

    /// Takes in one event: its key and a digest of its payload (and of state, if the caller likes).
    #[inline]
    pub fn absorb(&mut self, at: Time, class: Class, digest: u64) {
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014; constants of Stafford's Mix13), chained: order matters.
        for word in [Key::new(at, class).bits(), digest] {
            let mut x = (self.hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            self.hash = x ^ (x >> 31);
        }
        self.events += 1;
        if self.events & ((1 << self.every_log2) - 1) == 0 {
            self.marks.push(self.hash);
        }
    }

    /// The hash over everything so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Number of events taken in.
    pub fn events(&self) -> EventNo {
        self.events
    }

    /// The range of event numbers that holds the first difference, or `None` if the two runs are the same.
    pub fn first_difference(&self, other: &Fingerprint) -> Option<Range<EventNo>> {
        assert_eq!(self.every_log2, other.every_log2, "fingerprints are compared mark by mark");
        if self == other {
            return None;
        }
        let common = self.marks.iter().zip(&other.marks).take_while(|(a, b)| a == b).count() as u64;
        let first = (common << self.every_log2) + 1;
        let last = ((common + 1) << self.every_log2).min(self.events.max(other.events));
        Some(first..last + 1)
    }
}

/// An event as a comparison of runs shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it happened.
    pub at: Time,
    /// Its class.
    pub class: Class,
    /// Its payload, as `Debug` prints it.
    pub event: String,
    /// The state digest after the event.
    pub digest: u64,
}

/// The first event in which two runs differ; `None` stands for a run that had ended already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Number of the event.
    pub no: EventNo,
    /// What the first run did.
    pub first: Option<Sighting>,
    /// What the second run did.
    pub second: Option<Sighting>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |f: &mut fmt::Formatter<'_>, s: &Option<Sighting>| match s {
            Some(s) => write!(f, "{:?}, {:?}, {}, state {:016x}", s.at, s.class, s.event, s.digest),
            None => write!(f, "the run had ended"),
        };
        write!(f, "the runs differ at event no. {}\n  first:  ", self.no)?;
        one(f, &self.first)?;
        write!(f, "\n  second: ")?;
        one(f, &self.second)
    }
}

/// Runs two engines side by side, event by event, and names the first event that differs in time, class, payload or in
/// the `digest` of the state after it. Side by side, because a run that is not deterministic could not be repeated to
/// find the place later. Payloads are compared through `PartialEq`.
///
/// Returns the number of equal events if there is no difference.
///
/// # Errors
/// The first event that differs.
pub fn first_divergence<W>(
    first: &mut Engine<W>,
    second: &mut Engine<W>,
    horizon: Time,
    mut digest: impl FnMut(&W) -> u64,
) -> Result<EventNo, Box<Divergence>>
where
    W: World,
    W::Event: Debug + PartialEq,
{
    let mut equal = 0;
    loop {
        let (a, b) = (step(first, horizon), step(second, horizon));
        let (da, db) = (digest(first.world()), digest(second.world()));
        match (&a, &b) {
            (None, None) => return Ok(equal),
            (Some(a), Some(b)) if a == b && da == db => equal += 1,
            _ => {
                let sighting = |s: Option<(Key, W::Event)>, digest| {
                    s.map(|(key, event)| Sighting {
                        at: key.time(),
                        class: key.class(),
                        event: format!("{event:?}"),
                        digest,
                    })
                };
                let (first, second) = (sighting(a, da), sighting(b, db));
                return Err(Box::new(Divergence { no: equal + 1, first, second }));
            }
        }
    }
}

fn step<W: World>(engine: &mut Engine<W>, horizon: Time) -> Option<(Key, W::Event)> {
    if engine.is_stopped() {
        return None;
    }
    engine.step(horizon).map(|(_, key, event)| (key, event))
}
