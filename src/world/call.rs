//! Model calls: what the gateway does with the router's commands, and the way of a call to a provider and back. A turn has
//! one call out at a time, or several that race (`race.rs`).

use super::event::{Event, SessionKey, TRAFFIC};
use super::failure::Failure;
use super::faults::Damage;
use super::gateway::{Attempt, Command};
use super::log::Happening;
use super::prompt::Prompt;
use super::provider::{Arrival, Provider, Service, usage};
use super::purpose::MODEL_LINK;
use super::quota::Quotas;
use super::race::{Racer, call_of};
use super::session::{Call, Leg, Phase, Request, Session};
use super::story::{Refused, What};
use super::{Cx, World};
use crate::kernel::MAX_TIME;
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::random::Draws;
use crate::routing::limits::Limit;
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::retry::Hedging;
use crate::units::{DeploymentIx, Time};

/// The call that an event is about, if it is still out.
pub(super) fn live<'a>(s: &'a mut Session, races: &'a mut Slab<Racer>, leg: Leg, serial: u16) -> Option<&'a mut Call> {
    if s.request.phase != Phase::Calling {
        return None;
    }
    call_of(&mut s.request, races, leg).filter(|c| c.serial == serial)
}

impl World<'_> {
    /// What a provider gets to see of the turn in flight.
    pub(super) fn arrival(&self, s: &Session) -> Arrival {
        let workload = usize::from(s.workload);
        let prefix = self.workload_keys.get(workload).map(|key| {
            let prompt = Prompt {
                keys: [*key, s.key, s.key.child(u64::from(s.turn))],
                history: s.history,
                input: s.request.input,
                total: s.request.prompt,
            };
            prompt.prefix(&self.scenario.workloads[workload].context, s.turn, s.failed)
        });
        s.arrival(self.demand[workload].max_output, prefix)
    }

    /// Does what the gateway commands.
    pub(super) fn obey(&mut self, session: SessionKey, command: Command, cx: &mut Cx) {
        self.note(cx.now(), session, Happening::Obeyed(command));
        if command != Command::Succeed {
            self.note_unseen_deployments(session, cx.now());
        }
        match command {
            Command::Attempt(attempt) => {
                let r = &mut self.sessions[session].request;
                r.step(Phase::Calling);
                (r.out, r.legs) = (true, 0);
                let call = self.send_call(session, Leg::FIRST, attempt, cx);
                self.sessions[session].request.call = call;
                if self.topology.retry.hedging.is_some() {
                    self.await_hedge(session, cx);
                }
            }
            // at the end of time it would wait for ever
            Command::Wait { until } if until > MAX_TIME => {
                self.tell_gateway(session).on_given_up(cx.now());
                self.turn_fails(session, Failure::Shed, cx);
            }
            Command::Wait { until } => {
                self.chronicle.note(session, cx.now(), || What::Pauses { until });
                let epoch = self.sessions[session].request.step(Phase::BackingOff);
                cx.schedule_in(until.since(cx.now()), TRAFFIC, Event::BackoffOver { session, epoch });
            }
            Command::Succeed => self.turn_served(session, cx),
            Command::Await => unreachable!("what is awaited is no news"),
            Command::Fail { class } => self.turn_fails(session, Failure::of_chain(class), cx),
            Command::Refuse { why } => self.turn_fails(session, why, cx),
        }
    }

    /// A call leaves the gateway.
    pub(super) fn send_call(&mut self, session: SessionKey, leg: Leg, to: Attempt, cx: &mut Cx) -> Call {
        let Attempt { deployment, degraded, fallback, limits } = to;
        let now = cx.now();
        let s = &mut self.sessions[session];
        let class = self.scenario.groups[s.group.ix()].residency;
        let legal = class.is_none_or(|c| self.scenario.residency[c].legal[self.providers[deployment.ix()].place.ix()]);
        self.record.residency_violations += u64::from(!legal);
        let region = usize::from(s.request.region);
        let link = &self.model_links[region * self.providers.len() + deployment.ix()];
        let attempt = s.request.ride.attempts();
        let half_rtt = link.half(self.draws.uniform(MODEL_LINK, s.key.child(u64::from(s.turn)), u64::from(attempt)));
        let serial = s.request.next_serial();
        let (sent, prompt, workload) = (s.request.sent, s.request.prompt, usize::from(s.workload));
        cx.schedule_in(half_rtt, TRAFFIC, Event::ReachesProvider { session, leg, serial });
        self.chronicle.note(session, now, || What::Sent { attempt, deployment, leg, degraded, fallback });
        self.count_call(sent, region, deployment, prompt);
        self.watch_call(now, deployment);
        let streamed = self.demand[workload].streamed;
        Call { attempt, degraded, fallback, limits, half_rtt, streamed, ..Call::new(serial, deployment, now) }
    }

    /// The call is at the provider: everything about its answer is decided here, and seen by nobody before it arrives.
    pub(super) fn reaches_provider(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get(session) else { return };
        let sent = s.request.sent;
        let arrival = self.arrival(&self.sessions[session]);
        let caller = arrival.caller;
        let s = &mut self.sessions[session];
        let Some(call) = live(s, &mut self.races, leg, serial) else { return };
        let now = cx.now();
        let retry = &self.topology.retry;
        let mut limit = None;
        let ends = if self.damage.region_down(self.providers[call.deployment.ix()].place) {
            call.arrived = true;
            call.outcome = Outcome::Failed { class: ErrorClass::ConnectionFailed, retry_after: None };
            call.sent + retry.connect_timeout
        } else {
            limit = meet(call, now, &mut self.providers, &mut self.quotas, &self.damage, arrival, &self.draws);
            if call.accepted { call.complete } else { now + call.half_rtt }
        };
        let at = call.ends_for_gateway(ends);
        if call.place != Key::NONE {
            // an abandoned call is dropped when the provider hears of it, if anything is sent that nobody takes
            let finished = call.complete_at_provider();
            let served_until = if call.streamed { finished.min(at + call.half_rtt) } else { finished };
            let frees = Event::ProviderFrees { deployment: call.served_by, place: call.place };
            cx.schedule_in(served_until.since(now), TRAFFIC, frees);
        }
        if call.accepted && call.streamed && retry.hedging.is_some() && call.first_token <= at {
            cx.schedule(call.first_token, TRAFFIC, Event::FirstToken { session, leg, serial });
        }
        let (attempt, first_byte) = (call.attempt, call.first_byte());
        let begins = (call.accepted && first_byte <= at).then_some(first_byte);
        let refused = (!call.accepted).then_some(Refused { outcome: call.outcome, limit, caller });
        let spilled = (call.served_by != call.deployment).then_some(call.served_by);
        let (deployment, cached) = (call.deployment, call.found.cached);
        if spilled.is_some() {
            self.count_spilled(sent, deployment);
        }
        self.chronicle.note(session, now, || What::AtProvider { attempt, refused, spilled, cached });
        if let Some(first_byte) = begins {
            self.chronicle.note(session, first_byte, || What::FirstByte { attempt });
        }
        cx.schedule_in(at.since(now), TRAFFIC, Event::AttemptEnds { session, leg, serial });
    }

    /// The gateway sees how a call ended.
    pub(super) fn attempt_ends(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let now = cx.now();
        let Some(s) = self.sessions.get_mut(session) else { return };
        let Some(call) = live(s, &mut self.races, leg, serial).copied() else { return };
        let (prompt, region) = (s.request.prompt, s.request.region);
        let output = match call.outcome {
            Outcome::Failed { class: ErrorClass::Timeout, .. } => call.paid_output(now),
            // ASSUMPTION: an answer that the provider breaks off is billed for its prompt (`break_calls` leaves no output)
            _ => call.output,
        };
        let usage = usage(&self.scenario.deployments[call.served_by.ix()], &call.billed(prompt, output));
        self.quotas.settle(now, call.served_by, region, call.grant, &usage);
        self.count_attempt(session, &call, output);
        self.note(now, session, Happening::Ended { deployment: call.deployment, outcome: call.outcome });
        let (attempt, outcome, usage) = (call.attempt, call.outcome, call.billed(prompt, output));
        self.chronicle.note(session, now, || What::AttemptEnds { attempt, outcome, usage });
        self.close_leg(session, leg);
        // after an answer there is nothing to choose, and the others have lost
        let done = call.outcome == Outcome::Ok;
        if done {
            self.give_up_calls(session, cx);
        }
        let raced = self.others_out(session);
        let s = &mut self.sessions[session];
        if !raced {
            s.request.call = call;
        }
        let hedge_at = s.request.ride.hedge_at();
        let settled = done || (raced && !self.topology.retry.hedging.is_some_and(Hedging::replaces_retries));
        let question = if settled { self.tell_gateway(session) } else { self.ask_gateway(session, now) };
        let (command, taken_out) = question.on_outcome(now, &call);
        if taken_out {
            self.watch_taken_out(call.sent, now, call.deployment);
        }
        if raced {
            match command {
                Command::Await if self.sessions[session].request.ride.hedge_at() == hedge_at => return,
                Command::Await => return self.await_hedge(session, cx),
                Command::Attempt(attempt) => return self.join_race(session, attempt, cx),
                _ => {}
            }
            // the failure ends the turn
            self.give_up_calls(session, cx);
            self.sessions[session].request.call = call;
        }
        if !done && call.begun(now) {
            // a part of the answer is with the user already: no gateway can take that back and try elsewhere
            assert!(matches!(command, Command::Fail { .. }), "a gateway takes back half an answer: {command:?}");
            self.chronicle.note(session, now, || What::HalfAnswered);
        }
        self.obey(session, command, cx);
    }

    /// Everything in service at the deployments that `hit` names breaks.
    pub(super) fn break_deployments(&mut self, hit: impl Fn(DeploymentIx) -> bool, class: ErrorClass, cx: &mut Cx) {
        for (_, provider) in self.providers.iter_mut().enumerate().filter(|(d, _)| hit(DeploymentIx::new(*d))) {
            provider.break_off(cx.now());
        }
        self.break_calls(|call| hit(call.served_by), class, cx);
    }

    /// Calls being served that `hit` names break: their gateways hear of it half a round trip later.
    pub(super) fn break_calls(&mut self, hit: impl Fn(&Call) -> bool, class: ErrorClass, cx: &mut Cx) {
        let now = cx.now();
        let mut broken: Vec<(SessionKey, Leg)> = Vec::new();
        for (session, s) in self.sessions.iter_mut().filter(|(_, s)| s.request.phase == Phase::Calling) {
            let Request { call: first, out, race, serials, .. } = &mut s.request;
            let mut look_at = |call: &mut Call, leg: Leg| {
                // what has left the provider arrives
                if call.accepted && hit(call) && call.complete_at_provider() > now {
                    call.outcome = Outcome::Failed { class, retry_after: None };
                    call.output = 0; // nobody is billed for half an answer that the provider breaks off
                    *serials = serials.wrapping_add(1);
                    call.serial = *serials; // its own end is void
                    let attempt = call.attempt;
                    self.chronicle.note(session, now, || What::BrokenOff { attempt });
                    broken.push((session, leg));
                }
            };
            if *out {
                look_at(first, Leg::FIRST);
            }
            let mut next = *race;
            while let Some(racer) = self.races.get_mut(next) {
                look_at(&mut racer.call, racer.leg);
                next = racer.next;
            }
        }
        for (session, leg) in broken {
            let call =
                call_of(&mut self.sessions[session].request, &mut self.races, leg).expect("it has just been found");
            let (serial, heard) = (call.serial, call.ends_for_gateway(now + call.half_rtt));
            if call.streamed && self.topology.retry.hedging.is_some() && (now..=heard).contains(&call.first_token) {
                // its first token is on the way; a token that was there before has been seen
                cx.schedule_in(call.first_token.since(now), TRAFFIC, Event::FirstToken { session, leg, serial });
            }
            cx.schedule_in(heard.since(now), TRAFFIC, Event::AttemptEnds { session, leg, serial });
        }
    }
}

/// A call meets a provider that is there: whether it is taken in, and what the answer will be. What a provider refuses that
/// spills over is passed on at once, as Azure does with everything that is not a 200 (documentation of 2026). Returned is the
/// limit of a quota that refuses it, if one does.
pub(super) fn meet(
    call: &mut Call,
    now: Time,
    providers: &mut [Provider],
    quotas: &mut Quotas,
    damage: &Damage,
    arrival: Arrival,
    draws: &Draws,
) -> Option<Limit> {
    let arrival = Arrival { attempt: u64::from(call.attempt), ..arrival };
    call.arrived = true;
    let mut arrive = |d: DeploymentIx| providers[d.ix()].arrive(now, &damage.condition(d), &arrival, quotas, draws);
    let mut service = arrive(call.deployment);
    if let Service::Refused { spill_over: Some(other), .. } = service {
        call.served_by = other;
        service = arrive(other);
    }
    match service {
        Service::Refused { outcome, limit, .. } => {
            call.outcome = outcome;
            limit
        }
        Service::Accepted { first_token, complete, output, found, replica, grant, place } => {
            (call.found, call.replica) = (found, replica);
            call.accepted = true;
            call.output = output;
            call.grant = grant;
            call.place = place;
            call.first_token = now + first_token + call.half_rtt;
            call.complete = now + complete + call.half_rtt;
            None
        }
    }
}
