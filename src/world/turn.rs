//! The life of a turn, step by step: user, region, gateway, provider, and back. Each step is one method, called by the
//! dispatch table; `Phase` says where a turn is.

use super::event::{Event, SessionKey, TRAFFIC};
use super::failure::Failure;
use super::gateway::Ride;
use super::log::Happening;
use super::purpose::{OVERHEAD, STATE_READ, STATE_WRITE, USER_LINK};
use super::region::Admission;
use super::session::{Phase, Write};
use super::steering::{Asker, NoWay};
use super::story::{Ending, Taken, What};
use super::{Cx, World};
use crate::routing::steering::Seen;
use crate::units::{Span, Time};

/// How long the application waits for its conversation store.
/// ASSUMPTION: the two seconds that guides to deep health checks give a database probe.
const DATABASE_TIMEOUT: Span = Span::from_secs(2);

/// How long the application waits for its cache before it goes on without.
/// ASSUMPTION: the one second that guides to deep health checks give a cache probe.
const CACHE_TIMEOUT: Span = Span::from_secs(1);

impl World<'_> {
    /// The user sends a turn.
    pub(super) fn turn_begins(&mut self, session: SessionKey, cx: &mut Cx) {
        self.compose(session);
        let now = cx.now();
        let counted = self.counted(now);
        let s = &mut self.sessions[session];
        let class = self.scenario.groups[s.group.ix()].residency.map(|c| c as u8);
        let r = &mut s.request;
        r.sent = now;
        r.tries = 0;
        r.admitted = false;
        r.stale = false;
        r.ride = Ride::new(class);
        self.record.turns += 1;
        if counted {
            self.chronicle.begins(session, s);
            self.record.groups[s.group.ix()].requests += 1;
        }
        self.connect(session, cx);
    }

    /// The user's program sends the turn over its open connection, or finds a region and opens a new one.
    fn connect(&mut self, session: SessionKey, cx: &mut Cx) {
        let now = cx.now();
        let s = &mut self.sessions[session];
        let turn = s.key.child(u64::from(s.turn));
        let r = &mut s.request;
        r.tries += 1;
        r.try_began = now;
        let asker = Asker {
            group: s.group,
            unit: s.unit,
            turn,
            number: r.tries,
            before: (r.tries > 1).then_some(r.region),
            open: (now < s.connected_until).then_some(s.connected_to),
        };
        self.chronicle.note(session, now, || What::TryBegins { number: asker.number });
        let route = match self.steering.route(now, &asker, self.chronicle.listener(session, now)) {
            Ok(route) => route,
            Err(no_way) => {
                // whoever gets no region counts where it was before, or would have gone
                r.region = asker.before.or(self.steering.nearest(s.group)).unwrap_or(0);
                self.chronicle.note(session, now, || What::NoWay);
                return match no_way {
                    NoWay::Refused(why) => self.turn_fails(session, why, cx),
                    NoWay::Silence => self.client_waits_in_vain(session, cx),
                };
            }
        };
        let region = route.region;
        r.region = region;
        r.steered = true;
        let link = &self.user_links[s.group.ix() * self.regions.len() + usize::from(region)];
        let u = self.draws.uniform(USER_LINK, turn, u64::from(r.tries));
        r.half_rtt = link.half(u);
        let travel = route.took + r.half_rtt.times(2 * u64::from(route.handshakes) + 1);
        let epoch = r.step(Phase::Travelling);
        let (took, handshakes, half_rtt) = (route.took, route.handshakes, r.half_rtt);
        self.chronicle.note(session, now, || What::Routed { region, took, handshakes, half_rtt });
        self.note_unseen_regions(session, now);
        cx.schedule_in(travel, TRAFFIC, Event::ReachesRegion { session, epoch });
        self.watch_region_choice(now, usize::from(region));
    }

    /// The turn is at the region's door.
    pub(super) fn reaches_region(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session).filter(|s| s.request.epoch == epoch) else { return };
        let now = cx.now();
        let index = usize::from(s.request.region);
        if self.damage.region_down(self.regions[index].place) {
            // nobody answers: the client notices when its connect time-out runs out
            return self.client_waits_in_vain(session, cx);
        }
        let admission = self.regions[index].admit(now, session, epoch);
        let region = &self.regions[index];
        self.chronicle.note(session, now, || What::Arrives {
            taken: match admission {
                Admission::Served => Taken::In,
                Admission::Queued => Taken::Queued,
                Admission::Refused => Taken::Refused,
            },
            in_use: region.in_use(),
            slots: region.slots(),
            waiting: region.waiting() as u32,
        });
        match admission {
            Admission::Served => self.enters_application(session, cx),
            Admission::Queued => s.request.phase = Phase::Queued,
            Admission::Refused => {
                s.request.admitted = true;
                self.turn_fails(session, Failure::Overloaded, cx);
            }
        }
    }

    /// The turn has a slot: the application reads the conversation and does its own work.
    fn enters_application(&mut self, session: SessionKey, cx: &mut Cx) {
        let now = cx.now();
        let s = &mut self.sessions[session];
        let turn = s.key.child(u64::from(s.turn));
        let index = usize::from(s.request.region);
        let region = &self.regions[index];
        let class = self.scenario.groups[s.group.ix()].residency;
        let legal = class.is_none_or(|c| self.scenario.residency[c].legal[region.place.ix()]);
        self.record.residency_violations += u64::from(!legal);
        s.request.admitted = true;
        s.request.holds_slot = true;
        let n = u64::from(s.request.tries);
        if s.turn > 0 && self.store.is_stale(&self.draws, now, index, s.key, s.last_write) {
            s.request.stale = true;
        }
        let read = self.state_read.span(self.draws.uniform(STATE_READ, turn, n));
        let overhead = self.overheads[index].span(self.draws.uniform(OVERHEAD, turn, n));
        let mut work = read + overhead;
        let (database_down, cache_down) =
            (self.damage.database_down(region.place), self.damage.cache_down(region.place));
        if database_down {
            work = DATABASE_TIMEOUT; // the read waits in vain
        }
        if cache_down {
            work += CACHE_TIMEOUT;
        }
        let stale = s.request.stale;
        self.chronicle.note(session, now, || What::Works { takes: work, stale, database_down, cache_down });
        let epoch = s.request.step(Phase::InApplication);
        cx.schedule_in(work, TRAFFIC, Event::CallsModel { session, epoch });
    }

    /// The application is ready to call a model: the gateway decides which.
    pub(super) fn calls_model(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session).filter(|s| s.request.epoch == epoch) else { return };
        let region = &self.regions[usize::from(s.request.region)];
        if self.damage.database_down(region.place) {
            return self.turn_fails(session, Failure::Database, cx);
        }
        self.note(cx.now(), session, Happening::Asked);
        self.chronicle.note(session, cx.now(), || What::GatewayAsked);
        let command = self.ask_gateway(session, cx.now()).on_request(cx.now());
        self.obey(session, command, cx);
    }

    /// The gateway's pause is over.
    pub(super) fn backoff_over(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        if self.sessions.get(session).is_some_and(|s| s.request.epoch == epoch) {
            self.chronicle.note(session, cx.now(), || What::PauseOver);
            let command = self.ask_gateway(session, cx.now()).on_timeout(cx.now());
            self.obey(session, command, cx);
        }
    }

    /// The answer is complete at the gateway.
    pub(super) fn turn_served(&mut self, session: SessionKey, cx: &mut Cx) {
        let now = cx.now();
        let s = &mut self.sessions[session];
        let r = &s.request;
        let first = r.call.first_byte() + r.half_rtt;
        let last = now + r.half_rtt;
        assert!(r.sent <= first && first <= last, "INV-3 broken: an answer of {session:?} comes before its question");
        let limit = self.demand[usize::from(s.workload)].limit;
        let (ttft, e2e) = (first.since(r.sent), last.since(r.sent));
        let index = usize::from(r.region);
        if e2e > limit {
            return self.turn_fails(session, Failure::OverLimit, cx);
        }
        let write = self.state_write.span(self.draws.uniform(STATE_WRITE, s.key.child(u64::from(s.turn)), 0));
        let written = now + write; // while the last tokens travel; the user does not wait for it
        s.last_write = Some(Write { region: r.region, at: written, turn: s.turn, lost: false });
        s.history = s.history.saturating_add(r.input).saturating_add(r.call.output);
        s.failed <<= 1;
        let call = r.call;
        let (key, turn, class) = (s.key, s.turn, self.scenario.groups[s.group.ix()].residency);
        self.providers[call.served_by.ix()].answered(now, &call, key, turn);
        self.store.acknowledge(index, key, turn, written, class);
        self.count_served(session, ttft, e2e, now);
        let (call, slow) = (self.sessions[session].request.call, ttft > self.scenario.slow_over);
        self.chronicle.note(session, first, || What::UserSees);
        self.chronicle.ends(session, last, || Ending::Served {
            ttft,
            e2e,
            deployment: call.deployment,
            degraded: call.degraded,
            fallback: call.fallback,
            slow,
        });
        self.steering_done(session, now, Seen::Answered(first.since(self.sessions[session].request.try_began)));
        self.leaves_region(session, cx);
        self.turn_over(session, last, true, cx);
    }

    /// The turn ends without an answer.
    pub(super) fn turn_fails(&mut self, session: SessionKey, why: Failure, cx: &mut Cx) {
        let now = cx.now();
        self.count_failed(session, why, now);
        self.steering_done(session, now, if why.is_the_regions() { Seen::Failed } else { Seen::Nothing });
        self.leaves_region(session, cx);
        let s = &mut self.sessions[session];
        s.failed = s.failed << 1 | 1;
        let (sent, half_rtt) = (self.sessions[session].request.sent, self.sessions[session].request.half_rtt);
        let connected = !matches!(why, Failure::Unreachable | Failure::Residency | Failure::NoRegion);
        let at = if connected { now + half_rtt } else { now };
        self.chronicle.ends(session, at, || Ending::Failed { why, after: at.since(sent) });
        self.turn_over(session, at, connected, cx);
    }

    /// The turn is no longer on its way as far as the steering system is concerned.
    pub(super) fn steering_done(&mut self, session: SessionKey, now: Time, seen: Seen) {
        let s = &mut self.sessions[session];
        if std::mem::take(&mut s.request.steered) {
            self.steering.done(now, s.group, s.unit, s.request.region, seen);
        }
    }

    /// The slot, if the turn has one, goes to the next in the queue.
    pub(super) fn leaves_region(&mut self, session: SessionKey, cx: &mut Cx) {
        let r = &mut self.sessions[session].request;
        if !std::mem::take(&mut r.holds_slot) {
            return;
        }
        let index = usize::from(r.region);
        let sessions = &self.sessions;
        let waits = |k, e| {
            sessions
                .get(k)
                .is_some_and(|s: &super::session::Session| s.request.epoch == e && s.request.phase == Phase::Queued)
        };
        if let Some((next, _)) = self.regions[index].release(cx.now(), waits) {
            self.chronicle.note(next, cx.now(), || What::LeavesQueue);
            self.enters_application(next, cx);
        }
    }

    /// The turn is over for the user at `at`: the next one follows after a pause, or the session ends.
    fn turn_over(&mut self, session: SessionKey, at: Time, connected: bool, cx: &mut Cx) {
        self.ended += 1;
        let s = &mut self.sessions[session];
        s.request.step(Phase::Thinking);
        s.turn += 1;
        if connected {
            s.connected_to = s.request.region;
            s.connected_until = at + self.scenario.client.keep_alive;
        } else {
            s.connected_until = Time::ZERO;
        }
        let demand = &self.demand[usize::from(s.workload)];
        if s.turn < s.turns {
            let next = at + demand.think(&self.draws, s.key, s.turn);
            if next < self.end {
                cx.schedule(next, TRAFFIC, Event::TurnBegins { session });
                return;
            }
        }
        self.sessions.remove(session);
    }

    /// Nobody answers; the client waits for its connect time-out, counted from the start of this try.
    pub(super) fn client_waits_in_vain(&mut self, session: SessionKey, cx: &mut Cx) {
        let now = cx.now();
        self.steering_done(session, now, Seen::Failed);
        let timeout = self.scenario.client.connect_timeout;
        let s = &mut self.sessions[session];
        s.connected_until = Time::ZERO;
        let until = s.request.try_began + timeout;
        self.chronicle.note(session, now, || What::Silence { until });
        let wait = until.since(now);
        let epoch = s.request.step(Phase::Unanswered);
        cx.schedule_in(wait, TRAFFIC, Event::ClientGivesUp { session, epoch });
    }

    /// The client's connect time-out: another try with a fresh look at the name, or the turn has failed.
    pub(super) fn client_gives_up(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session).filter(|s| s.request.epoch == epoch) else { return };
        let client = &self.scenario.client;
        if s.request.phase == Phase::Unanswered {
            self.chronicle.note(session, cx.now(), || What::ClientGivesUp);
            if u32::from(s.request.tries) >= client.tries {
                return self.turn_fails(session, Failure::Unreachable, cx);
            }
            if client.retry_pause > Span::ZERO {
                // the pause is a step of its own: the same event, in the phase that connects
                let epoch = s.request.step(Phase::Travelling);
                cx.schedule_in(client.retry_pause, TRAFFIC, Event::ClientGivesUp { session, epoch });
                return;
            }
        }
        s.request.ride = s.request.ride.restart();
        self.connect(session, cx);
    }
}
