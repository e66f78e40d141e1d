//! Hedging: calls of a turn that race, and what becomes of a call that is given up.
//!
//! The race of streamed answers is decided by the first token at the gateway, which passes it on: from then on the turn is
//! that call's, even if its answer breaks off. A whole answer decides the race of others. The losers are *abandoned*: they
//! are neither answered nor failed, the router hears of no outcome, and they are paid for what the provider writes until it
//! hears of it. What a failure means while other calls are out, and when another one joins them, is the router's to say
//! ([`Hedging`](crate::routing::retry::Hedging)).
//!
//! The first call of a turn has its place in the session; those that race it are a list in a slab, so that turns without a
//! race stay small.
//!
//! Deciding at the first token is what gateways that hedge streams do; after it nothing can be taken back (gRPC proposal A6:
//! once a response has been committed to the caller, the other attempts are cancelled).

use super::call::{live, meet};
use super::event::{Event, SessionKey, TRAFFIC};
use super::gateway::{Attempt, Command};
use super::log::Happening;
use super::provider::{Arrival, usage};
use super::session::{Call, Leg, Phase, Request};
use super::story::What;
use super::{Cx, World};
use crate::kernel::slab::Key;
use crate::kernel::{MAX_TIME, Slab};
use crate::units::{GroupIx, Time};

/// A call that was given up before it reached its provider. Nothing can call it back: it arrives, and the news that nobody
/// waits for it comes after it over the same connection.
#[derive(Clone, Copy, Debug)]
pub struct Stray {
    call: Call,
    arrival: Arrival,
    given_up: Time,
    /// When its turn was sent, by whom, and through which region: who pays.
    sent: Time,
    group: GroupIx,
    region: u8,
}

/// A call that races the first one of its turn.
#[derive(Clone, Copy, Debug)]
pub struct Racer {
    pub(super) call: Call,
    pub(super) leg: Leg,
    /// The one that joined after it.
    pub(super) next: Key<Racer>,
}

/// The call of a turn with that number, if it is out.
pub(super) fn call_of<'a>(r: &'a mut Request, races: &'a mut Slab<Racer>, leg: Leg) -> Option<&'a mut Call> {
    if leg == Leg::FIRST {
        return r.out.then_some(&mut r.call);
    }
    let mut key = r.race;
    while races.get(key)?.leg != leg {
        key = races[key].next;
    }
    Some(&mut races[key].call)
}

impl World<'_> {
    /// The calls of a turn that are out, in the order in which they were sent.
    fn calls_out(&self, session: SessionKey) -> impl Iterator<Item = (Leg, &Call)> {
        let r = &self.sessions[session].request;
        let first = r.out.then_some((Leg::FIRST, &r.call));
        let racers = std::iter::successors(self.races.get(r.race), |racer| self.races.get(racer.next));
        first.into_iter().chain(racers.map(|racer| (racer.leg, &racer.call)))
    }

    /// Whether a call of the turn is out.
    pub(super) fn others_out(&self, session: SessionKey) -> bool {
        let r = &self.sessions[session].request;
        r.out || self.races.contains(r.race)
    }

    /// The gateway will be asked for another call when it wants to be.
    pub(super) fn await_hedge(&mut self, session: SessionKey, cx: &mut Cx) {
        let r = &self.sessions[session].request;
        if let Some(at) = r.ride.hedge_at().filter(|at| *at <= MAX_TIME) {
            cx.schedule(at, TRAFFIC, Event::HedgeDue { session, epoch: r.epoch });
        }
    }

    /// Calls have been out for long enough: another one races them, if the router has somebody to call.
    pub(super) fn hedge_due(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let now = cx.now();
        let Some(s) = self.sessions.get(session).filter(|s| s.request.epoch == epoch) else { return };
        // a call that has failed meanwhile may have changed the time
        if s.request.phase != Phase::Calling || s.request.ride.hedge_at() != Some(now) {
            return;
        }
        if self.calls_out(session).any(|(_, call)| call.begun(now)) {
            return;
        }
        let out = self.calls_out(session).count() as u8;
        self.chronicle.note(session, now, || What::HedgeDue { out });
        match self.ask_gateway(session, now).on_hedge(now) {
            Some(Command::Attempt(attempt)) => self.join_race(session, attempt, cx),
            _ => self.await_hedge(session, cx),
        }
    }

    /// Another call races those that are out.
    pub(super) fn join_race(&mut self, session: SessionKey, attempt: Attempt, cx: &mut Cx) {
        self.note_unseen_deployments(session, cx.now());
        let r = &mut self.sessions[session].request;
        r.legs += 1;
        let leg = Leg(r.legs);
        let call = self.send_call(session, leg, attempt, cx);
        let joined = self.races.insert(Racer { call, leg, next: Key::NONE });
        let (mut last, mut next) = (Key::NONE, self.sessions[session].request.race);
        while let Some(racer) = self.races.get(next) {
            (last, next) = (next, racer.next);
        }
        match self.races.get_mut(last) {
            Some(last) => last.next = joined,
            None => self.sessions[session].request.race = joined,
        }
        self.note(cx.now(), session, Happening::Hedged { deployment: attempt.deployment });
        self.await_hedge(session, cx);
    }

    /// The first token of a call is at the gateway: if it races others, it has won.
    pub(super) fn first_token(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session) else { return };
        if live(s, &mut self.races, leg, serial).is_some() {
            self.give_up_others(session, Some(leg), cx);
        }
    }

    /// A call is no longer out.
    pub(super) fn close_leg(&mut self, session: SessionKey, leg: Leg) {
        let r = &mut self.sessions[session].request;
        if leg == Leg::FIRST {
            r.out = false;
            return;
        }
        let (mut before, mut key) = (Key::NONE, r.race);
        while self.races[key].leg != leg {
            (before, key) = (key, self.races[key].next);
        }
        let next = self.races.remove(key).expect("it has just been looked at").next;
        match self.races.get_mut(before) {
            Some(before) => before.next = next,
            None => r.race = next,
        }
    }

    /// A call is given up, if it is out: the router is told, the provider hears of it, what it has written by then is paid
    /// for, and what was reserved of its quota beyond that goes back.
    pub(super) fn give_up(&mut self, session: SessionKey, leg: Leg, cx: &mut Cx) {
        let now = cx.now();
        let s = &self.sessions[session];
        let Some(call) = self.calls_out(session).find(|(out, _)| *out == leg).map(|(_, call)| *call) else { return };
        if call.arrived {
            let output = call.paid_output(now);
            let prompt = s.request.prompt;
            self.settle(&call, s.request.region, prompt, output, now, cx);
            self.count_abandoned(session, &call, output);
            let (attempt, usage) = (call.attempt, call.billed(prompt, output));
            self.chronicle.note(session, now, || What::GivenUp { attempt, usage });
        } else {
            let arrival = self.arrival(s);
            let (sent, group, region) = (s.request.sent, s.group, s.request.region);
            let stray = self.strays.insert(Stray { call, arrival, given_up: now, sent, group, region });
            cx.schedule_in((call.sent + call.half_rtt).since(cx.now()), TRAFFIC, Event::StrayArrives { stray });
            self.count_abandoned(session, &call, 0);
            self.chronicle.strays(session, stray);
            let (attempt, usage) = (call.attempt, call.billed(0, 0));
            self.chronicle.note(session, now, || What::GivenUp { attempt, usage });
        }
        self.note(now, session, Happening::GivenUp { deployment: call.deployment });
        self.tell_gateway(session).on_abandoned(now, call.deployment);
        self.close_leg(session, leg);
    }

    /// All calls of a turn that are out are given up.
    pub(super) fn give_up_calls(&mut self, session: SessionKey, cx: &mut Cx) {
        if self.sessions[session].request.phase == Phase::Calling {
            self.give_up_others(session, None, cx);
        }
    }

    /// All calls of a turn that are out are given up, in the order in which they were sent, but for the winner.
    fn give_up_others(&mut self, session: SessionKey, winner: Option<Leg>, cx: &mut Cx) {
        loop {
            let loser = self.calls_out(session).map(|(leg, _)| leg).find(|leg| Some(*leg) != winner);
            let Some(leg) = loser else { return };
            self.give_up(session, leg, cx);
        }
    }

    /// A call that was given up on its way is at the provider.
    pub(super) fn stray_arrives(&mut self, stray: Key<Stray>, cx: &mut Cx) {
        let key = stray;
        let Some(Stray { mut call, arrival, given_up, sent, group, region }) = self.strays.remove(key) else {
            return;
        };
        if self.damage.region_down(self.providers[call.deployment.ix()].place) {
            return self.chronicle.stray_arrives(key, cx.now(), None);
        }
        meet(&mut call, cx.now(), &mut self.providers, &mut self.quotas, &self.damage, arrival, &self.draws);
        if call.accepted {
            let output = call.paid_output(given_up);
            self.settle(&call, arrival.caller, arrival.prompt, output, given_up, cx);
            let tokens = call.billed(arrival.prompt, output);
            self.count_tokens(sent, group, usize::from(region), tokens);
            let (attempt, usage) = (call.attempt, tokens);
            self.chronicle.stray_arrives(key, cx.now(), Some(What::StrayArrives { attempt, usage }));
        } else {
            self.chronicle.stray_arrives(key, cx.now(), None);
        }
    }

    /// The quota and the concurrency of a call that was given up, for which the provider writes no more than `output`.
    fn settle(&mut self, call: &Call, caller: u8, prompt: u32, output: u32, given_up: Time, cx: &mut Cx) {
        if !call.accepted {
            return;
        }
        let deployment = call.served_by;
        let usage = usage(&self.scenario.deployments[deployment.ix()], &call.billed(prompt, output));
        self.quotas.settle(cx.now(), deployment, caller, call.grant, &usage);
        if call.place != Key::NONE {
            let (finished, heard) = (call.complete_at_provider(), given_up + call.half_rtt);
            let leaves = if call.streamed { finished.min(heard) } else { finished };
            // an end that is due later finds it gone
            cx.schedule_in(leaves.since(cx.now()), TRAFFIC, Event::ProviderFrees { deployment, place: call.place });
        }
    }
}
