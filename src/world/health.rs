//! Health checks of the regions, as the name service makes them.
//!
//! A deep check asks the database, the cache and the model endpoint one after the other, each with its own time-out, so
//! a failing check takes seconds; its verdict counts when it ends. A shallow check only asks whether the region answers
//! and misses a broken dependency. A region that is down answers neither: the check ends with its connect time-out.
//!
//! Each checker tests each region at its own moments; together they are a [`crate::routing::health::Quorum`]. What they see
//! differs by time only, unless checks fail on the way.

use super::event::{Event, HEALTH};
use super::purpose::{CHECK_FAILS, CHECK_PHASE};
use super::{Cx, World};
use crate::random::EntityKey;
use crate::units::{Span, Time};

impl World<'_> {
    /// Schedules the first check of every region by every checker: each at its own phase within the interval.
    pub(super) fn start_checks(&mut self, cx: &mut Cx) {
        let health = self.topology.health;
        if !self.topology.steering.policy.uses_verdicts() {
            return;
        }
        for region in 0..self.regions.len() {
            let key = self.region_key(region);
            for checker in 0..health.quorum.checkers {
                let phase = health.interval.mul_f64(self.draws.uniform(CHECK_PHASE, key, u64::from(checker)));
                let first = Event::CheckBegins { region: region as u16, checker: checker as u16 };
                cx.schedule_in(phase, HEALTH, first);
            }
        }
    }

    /// Address of what is drawn for a region.
    fn region_key(&self, region: usize) -> EntityKey {
        EntityKey::named(&self.scenario.places[self.regions[region].place.ix()].id)
    }

    /// A check of a region begins: what it will find and how long that takes.
    pub(super) fn check_begins(&mut self, region: u16, checker: u16, cx: &mut Cx) {
        let (now, index) = (cx.now(), usize::from(region));
        let key = self.region_key(index).child(u64::from(checker));
        self.regions[index].check_began[usize::from(checker)] = now;
        let (passed, took) = self.test_region(index, key, now);
        cx.schedule_in(took, HEALTH, Event::CheckEnds { region, checker, passed });
        if now < self.end {
            cx.schedule_in(self.topology.health.interval.max(took), HEALTH, Event::CheckBegins { region, checker });
        }
    }

    /// What a test of a region that begins now will find, and how long that takes. `key` is the address of its draws.
    pub(super) fn test_region(&self, region: usize, key: EntityKey, now: Time) -> (bool, Span) {
        let health = self.topology.health;
        let place = self.regions[region].place;
        let (mut passed, mut took) = (true, Span::ZERO);
        let mut part = |ok: bool, timeout: Span| {
            if !ok {
                passed = false;
                took += timeout;
            }
        };
        let lost =
            health.fail_on_the_way > 0.0 && self.draws.chance(CHECK_FAILS, key, now.nanos(), health.fail_on_the_way);
        if lost || self.damage.region_down(place) {
            part(false, health.connect_timeout);
        } else if let Some(deep) = health.deep {
            part(!self.damage.database_down(place), deep.database);
            part(!self.damage.cache_down(place), deep.cache);
            part(self.some_model_answers(), deep.model);
        }
        (passed, took)
    }

    /// Whether any deployment of the first pool is up: the model endpoint as the application uses it.
    fn some_model_answers(&self) -> bool {
        self.topology.chain[0].members.iter().any(|(d, _)| {
            let provider = &self.providers[d.ix()];
            // it sends a request of its own, as the application does: one that nobody refuses for what it says
            let refuses = self.damage.refuses(*d).is_some_and(|c| !c.is_of_the_request());
            !refuses && !self.damage.region_down(provider.place) && provider.serves()
        })
    }

    /// A check has ended.
    pub(super) fn check_ends(&mut self, region: u16, checker: u16, passed: bool, cx: &mut Cx) {
        let index = usize::from(region);
        let asked = self.regions[index].check_began[usize::from(checker)];
        let health = &mut self.regions[index].health;
        let changed = health.observe(&self.topology.health.quorum, usize::from(checker), passed);
        let healthy = health.healthy();
        self.steering.checked(cx.now(), asked, index, healthy);
        if changed {
            self.steering.set_health(cx.now(), index, healthy);
            self.schedule_wake_up(cx);
            if !healthy {
                self.watch_unhealthy(asked, cx.now(), index);
            }
        }
    }
}
