//! Conversation state: a full copy in every region, written where the turn ran, replicated asynchronously.
//!
//! A write is visible in another region after the lag, which is drawn per write and destination only when somebody
//! looks: the draw is addressed, so looking late gives the same lag as looking early. What a region had acknowledged but
//! no other region had received when it died is lost for the others.

use super::purpose::STATE_LAG;
use super::sampler::Sampler;
use super::session::Write;
use crate::random::{Draws, EntityKey};
use crate::scenario::model::{Scenario, StateSpec, Topology};
use crate::units::Time;
use std::collections::VecDeque;

/// A write that may still be on its way.
#[derive(Clone, Copy, Debug)]
struct Recent {
    session: EntityKey,
    turn: u32,
    at: Time,
    class: Option<u8>,
}

/// The replicated store of one topology.
#[derive(Debug)]
pub struct Store {
    lag: Sampler,
    /// Hash of each region's name: the destination's part of the address of a lag.
    names: Vec<u64>,
    /// Writes of each region that may not have arrived everywhere, oldest first.
    recent: Vec<VecDeque<Recent>>,
    /// No lag is longer than this, but for one write in a billion.
    longest_lag_ns: u64,
    keep_recent: bool,
    /// Per residency class: the regions that may hold its data.
    legal: Vec<Vec<bool>>,
}

impl Store {
    /// An empty store. Recent writes are only remembered if some fault can take a region down.
    pub fn new(scenario: &Scenario, topology: &Topology, can_lose: bool) -> Store {
        let StateSpec { lag, .. } = topology.state;
        let lag = Sampler::new(lag);
        let n = topology.regions.len();
        Store {
            lag,
            names: topology.regions.iter().map(|r| EntityKey::named(&scenario.places[r.place.ix()].id).0).collect(),
            recent: vec![VecDeque::new(); n],
            longest_lag_ns: lag.span(1.0 - 1e-9).nanos(),
            keep_recent: can_lose && n > 1,
            legal: scenario
                .residency
                .iter()
                .map(|class| topology.regions.iter().map(|r| class.legal[r.place.ix()]).collect())
                .collect(),
        }
    }

    /// When a write of `turn` acknowledged at `at` is visible in region `to`.
    fn visible(&self, draws: &Draws, session: EntityKey, turn: u32, at: Time, to: usize) -> Time {
        let u = draws.uniform(STATE_LAG, session.child(u64::from(turn)), self.names[to]);
        at.saturating_add(self.lag.span(u))
    }

    /// Whether a read in `region` misses the user's last acknowledged write.
    pub fn is_stale(&self, draws: &Draws, now: Time, region: usize, session: EntityKey, last: Option<Write>) -> bool {
        match last {
            None => false,
            Some(w) if usize::from(w.region) == region => false,
            Some(w) => w.lost || now < self.visible(draws, session, w.turn, w.at, region),
        }
    }

    /// Whether a region may hold data of a residency class: replication goes nowhere else.
    pub fn may_hold(&self, class: Option<usize>, region: usize) -> bool {
        class.is_none_or(|c| self.legal[c][region])
    }

    /// A write is acknowledged.
    pub fn acknowledge(&mut self, region: usize, session: EntityKey, turn: u32, at: Time, class: Option<usize>) {
        if !self.keep_recent {
            return;
        }
        let longest = self.longest_lag_ns;
        let list = &mut self.recent[region];
        while list.front().is_some_and(|w| w.at.nanos().saturating_add(longest) < at.nanos()) {
            list.pop_front();
        }
        list.push_back(Recent { session, turn, at, class: class.map(|c| c as u8) });
    }

    /// Whether a write of the region that died had reached none of the surviving regions. With no other region there is
    /// nobody to miss it.
    pub fn is_lost(&self, death: &Death<'_>, session: EntityKey, turn: u32, at: Time, class: Option<usize>) -> bool {
        let survives = |r: &usize| *r != death.region && death.up[*r] && self.may_hold(class, *r);
        let mut survivors = (0..self.names.len()).filter(survives).peekable();
        survivors.peek().is_some() && survivors.all(|r| self.visible(death.draws, session, turn, at, r) > death.at)
    }

    /// A region dies: how many acknowledged writes none of the surviving regions has. `None` if no region survives: its
    /// writes are unavailable until it is back, and then nobody has missed one.
    pub fn lose(&mut self, death: &Death<'_>) -> Option<u64> {
        let list = std::mem::take(&mut self.recent[death.region]);
        let lost =
            |w: &&Recent| w.at <= death.at && self.is_lost(death, w.session, w.turn, w.at, w.class.map(usize::from));
        let survivors = (0..self.names.len()).any(|r| r != death.region && death.up[r]);
        survivors.then(|| list.iter().filter(lost).count() as u64)
    }
}

/// The death of a region.
#[derive(Clone, Copy, Debug)]
pub struct Death<'a> {
    /// The run's draws: lags come from them.
    pub draws: &'a Draws,
    /// When.
    pub at: Time,
    /// Which region, by position.
    pub region: usize,
    /// Which regions are up after it.
    pub up: &'a [bool],
}
