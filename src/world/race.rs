//! Hedging: two calls of a turn that race, and what becomes of a call that is given up.
//!
//! The race of streamed answers is decided by the first token at the gateway, which passes it on: from then on the turn is
//! that call's, even if its answer breaks off. A whole answer decides the race of others. The loser is *abandoned*: it is
//! neither answered nor failed, the router hears of no outcome, and it is paid for what the provider writes until it hears
//! of it. A failure counts only when no other call is out.
//!
//! Deciding at the first token is what gateways that hedge streams do; after it nothing can be taken back (gRPC proposal A6:
//! once a response has been committed to the caller, the other attempts are cancelled).

use super::call::{live, meet};
use super::event::{Event, SessionKey, TRAFFIC};
use super::gateway::Command;
use super::log::Happening;
use super::provider::Arrival;
use super::session::{Call, Leg, Phase};
use super::story::What;
use super::{Cx, World};
use crate::kernel::slab::Key;
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

impl Leg {
    /// The one that it races.
    pub(super) fn other(self) -> Leg {
        match self {
            Leg::First => Leg::Second,
            Leg::Second => Leg::First,
        }
    }
}

impl World<'_> {
    /// The first call has been out for long enough: a second one races it, if the router has somebody to call.
    pub(super) fn hedge_due(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session).filter(|s| s.request.epoch == epoch) else { return };
        if s.request.phase != Phase::Calling || !s.request.out || s.request.call.begun(cx.now()) {
            return;
        }
        self.chronicle.note(session, cx.now(), || What::HedgeDue);
        let command = self.ask_gateway(session, cx.now()).on_hedge(cx.now());
        if let Some(Command::Attempt(attempt)) = command {
            self.note_unseen_deployments(session, cx.now());
            let deployment = attempt.deployment;
            let call = self.send_call(session, Leg::Second, attempt, cx);
            self.sessions[session].request.race = self.races.insert(call);
            self.note(cx.now(), session, Happening::Hedged { deployment });
        }
    }

    /// The first token of a call is at the gateway: if it races another, it has won.
    pub(super) fn first_token(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session) else { return };
        if live(s, &mut self.races, leg, serial).is_some() {
            self.give_up(session, leg.other(), cx);
        }
    }

    /// A call is no longer out.
    pub(super) fn close_leg(&mut self, session: SessionKey, leg: Leg) {
        let r = &mut self.sessions[session].request;
        match leg {
            Leg::First => r.out = false,
            Leg::Second => {
                self.races.remove(std::mem::replace(&mut r.race, Key::NONE));
            }
        }
    }

    /// A call is given up, if it is out: the router is told, the provider hears of it, what it has written by then is paid
    /// for, and what was reserved of its quota beyond that goes back.
    pub(super) fn give_up(&mut self, session: SessionKey, leg: Leg, cx: &mut Cx) {
        let now = cx.now();
        let s = &self.sessions[session];
        let call = match leg {
            Leg::First => s.request.out.then_some(s.request.call),
            Leg::Second => self.races.get(s.request.race).copied(),
        };
        let Some(call) = call else { return };
        if call.arrived {
            let output = call.paid_output(now);
            let prompt = s.request.prompt;
            self.settle(&call, s.request.region, prompt, output, now, cx);
            self.count_abandoned(session, &call, output);
            let (attempt, usage) = (call.attempt, call.billed(prompt, output));
            self.chronicle.note(session, now, || What::GivenUp { attempt, usage });
        } else {
            let arrival = s.arrival(self.demand[usize::from(s.workload)].max_output);
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
            self.give_up(session, Leg::First, cx);
            self.give_up(session, Leg::Second, cx);
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
            self.count_tokens(sent, group, usize::from(region), call.served_by, arrival.prompt, output);
            let (attempt, usage) = (call.attempt, call.billed(arrival.prompt, output));
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
        let usage = self.providers[deployment.ix()].usage(prompt, output);
        self.quotas.settle(cx.now(), deployment, caller, call.grant, &usage);
        if call.place != Key::NONE {
            let (finished, heard) = (call.complete_at_provider(), given_up + call.half_rtt);
            let leaves = if call.streamed { finished.min(heard) } else { finished };
            // an end that is due later finds it gone
            cx.schedule_in(leaves.since(cx.now()), TRAFFIC, Event::ProviderFrees { deployment, place: call.place });
        }
    }
}
