//! What a load balancer finds out by itself: probes from its edges, load reports of the regions, and the moments at which it
//! is woken. A probe asks what a health check asks and measures the round trip; each edge probes at its own moments.
//!
//! Also here: what it means for users that their network has moved to another anycast site.

use super::event::{Event, HEALTH, TRAFFIC};
use super::outage::is_inside;
use super::purpose::{PROBE_PHASE, PROBE_RTT};
use super::session::Phase;
use super::story::What;
use super::{Cx, World};
use crate::random::EntityKey;
use crate::routing::steering::{Moved, Seen};
use crate::units::{GroupIx, Span, Time};

impl World<'_> {
    /// Schedules the first probe of every edge to every region, and the first wake-up.
    pub(super) fn start_steering(&mut self, cx: &mut Cx) {
        if let Some(interval) = self.steering.probe_interval() {
            for group in 0..self.scenario.groups.len() {
                for region in 0..self.regions.len() {
                    let key = self.edge_key(group, region);
                    let phase = interval.mul_f64(self.draws.uniform(PROBE_PHASE, key, 0));
                    let first = Event::ProbeBegins { group: GroupIx::new(group), region: region as u16 };
                    cx.schedule_in(phase, HEALTH, first);
                }
            }
        }
        self.schedule_wake_up(cx);
    }

    /// Address of what is drawn for the way between a group's edge and a region.
    fn edge_key(&self, group: usize, region: usize) -> EntityKey {
        let group = EntityKey::named(&self.scenario.groups[group].name);
        group.child_named(&self.scenario.places[self.regions[region].place.ix()].id)
    }

    /// A probe leaves an edge.
    pub(super) fn probe_begins(&mut self, group: GroupIx, region: u16, cx: &mut Cx) {
        let (now, index) = (cx.now(), usize::from(region));
        let key = self.edge_key(group.ix(), index);
        let (answered, took) = self.test_region(index, key, now);
        let rtt = self.user_links[group.ix() * self.regions.len() + index]
            .half(self.draws.uniform(PROBE_RTT, key, now.nanos()))
            .times(2);
        let took = if answered { rtt } else { took };
        let took_us = took.nanos().div_ceil(1000).min(u64::from(u32::MAX)) as u32;
        cx.schedule_in(took, HEALTH, Event::ProbeEnds { group, region, answered, took_us });
        if let Some(interval) = self.steering.probe_interval().filter(|_| now < self.end) {
            cx.schedule_in(interval, HEALTH, Event::ProbeBegins { group, region });
        }
    }

    /// A probe has its result.
    pub(super) fn probe_ends(&mut self, group: GroupIx, region: u16, answered: bool, took: Span, cx: &mut Cx) {
        let (now, index) = (cx.now(), usize::from(region));
        if self.steering.probed(now, group, index, answered.then_some(took)) {
            let asked = Time(now.nanos().saturating_sub(took.nanos()));
            self.watch_unhealthy(asked, now, index);
        }
    }

    /// The next wake-up of the steering system is scheduled, if there is one.
    pub(super) fn schedule_wake_up(&mut self, cx: &mut Cx) {
        if let Some(at) = self.steering.wake_up().filter(|at| *at < self.end) {
            cx.schedule(at, HEALTH, Event::SteeringWakes);
        }
    }

    /// The steering system is woken: regions report their load, networks move.
    pub(super) fn steering_wakes(&mut self, cx: &mut Cx) {
        for (i, region) in self.regions.iter().enumerate() {
            self.steering.report(i, f64::from(region.in_use()) / f64::from(region.slots().max(1)));
        }
        self.steering.woken(cx.now());
        while let Some((group, network, moved)) = self.steering.moved() {
            self.network_moves(group, network, moved, cx);
        }
        self.schedule_wake_up(cx);
    }

    /// A network's packets go to another site from now on: that one knows nothing of its users' connections and resets them.
    fn network_moves(&mut self, group: GroupIx, network: u32, moved: Moved, cx: &mut Cx) {
        let now = cx.now();
        let members: Vec<_> =
            self.sessions.iter().filter(|(_, s)| s.group == group && s.unit == network).map(|(k, _)| k).collect();
        for session in members {
            let s = &mut self.sessions[session];
            s.connected_until = Time::ZERO;
            let under_way = is_inside(s) || s.request.phase == Phase::Travelling;
            if !under_way || Some(usize::from(s.request.region)) != moved.from {
                continue;
            }
            self.chronicle.note(session, now, || What::NetworkMoved);
            self.give_up_calls(session, cx);
            let request = &self.sessions[session].request;
            match request.phase {
                Phase::BackingOff => self.tell_gateway(session).on_given_up(now),
                Phase::Queued => self.regions[usize::from(request.region)].leave_queue(session),
                _ => {}
            }
            self.leaves_region(session, cx);
            if moved.to.is_none() {
                self.sessions[session].request.try_began = now; // nobody resets, the client notices after a time-out
                self.client_waits_in_vain(session, cx);
            } else {
                self.steering_done(session, now, Seen::Failed);
                let epoch = self.sessions[session].request.step(Phase::Unanswered);
                cx.schedule(now, TRAFFIC, Event::ClientGivesUp { session, epoch });
            }
        }
    }
}
