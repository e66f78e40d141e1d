//! Model calls: what the gateway does with the router's commands, and the way of a call to a provider and back.
//!
//! A turn has one call out at a time, or two when a second one races a slow first one (hedging). The first complete
//! answer counts (a gateway that forwards the first token of either needs no second call to be complete: not modelled); the
//! other call is abandoned. A failure counts only when no other call is out.

use super::event::{Event, SessionKey, TRAFFIC};
use super::failure::Failure;
use super::provider::{Arrival, Service};
use super::purpose::MODEL_LINK;
use super::session::{Call, Leg, Phase, Session};
use super::{Cx, World};
use crate::kernel::Slab;
use crate::kernel::slab::Key;
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::router::Command;
use crate::units::{DeploymentIx, Span, Time};

/// The call that an event is about, if it is still out.
fn live<'a>(s: &'a mut Session, races: &'a mut Slab<Call>, leg: Leg, serial: u16) -> Option<&'a mut Call> {
    if s.request.phase != Phase::Calling {
        return None;
    }
    let call = match leg {
        Leg::First if s.request.out => Some(&mut s.request.call),
        Leg::First => None,
        Leg::Second => races.get_mut(s.request.race),
    };
    call.filter(|c| c.serial == serial)
}

impl World<'_> {
    /// Does what the router commands.
    pub(super) fn obey(&mut self, session: SessionKey, command: Command, cx: &mut Cx) {
        match command {
            Command::Attempt { deployment, degraded, fallback } => {
                let epoch = self.sessions[session].request.step(Phase::Calling);
                self.sessions[session].request.out = true;
                let call = self.send_call(session, Leg::First, deployment, degraded, fallback, cx);
                self.sessions[session].request.call = call;
                if let Some(after) = self.topology.retry.hedge_after {
                    cx.schedule_in(after, TRAFFIC, Event::HedgeDue { session, epoch });
                }
            }
            Command::Wait { until } => {
                let epoch = self.sessions[session].request.step(Phase::BackingOff);
                cx.schedule(until, TRAFFIC, Event::BackoffOver { session, epoch });
            }
            Command::Shed => self.turn_fails(session, Failure::Shed, cx),
            Command::Succeed => self.turn_served(session, cx),
            Command::Fail { class } => self.turn_fails(session, Failure::of_chain(class), cx),
        }
    }

    /// The first call has been out for long enough: a second one races it, if the router has somebody to call.
    pub(super) fn hedge_due(&mut self, session: SessionKey, epoch: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session).filter(|s| s.request.epoch == epoch) else { return };
        let begun = s.request.call.accepted && s.request.call.first_token <= cx.now();
        if s.request.phase != Phase::Calling || !s.request.out || begun {
            return;
        }
        let command = self.ask_router(session).on_hedge(cx.now());
        if let Some(Command::Attempt { deployment, degraded, fallback }) = command {
            let call = self.send_call(session, Leg::Second, deployment, degraded, fallback, cx);
            self.sessions[session].request.race = self.races.insert(call);
        }
    }

    /// A call leaves the gateway.
    fn send_call(
        &mut self,
        session: SessionKey,
        leg: Leg,
        deployment: DeploymentIx,
        degraded: bool,
        fallback: bool,
        cx: &mut Cx,
    ) -> Call {
        let now = cx.now();
        let s = &mut self.sessions[session];
        let class = self.scenario.groups[s.group.ix()].residency;
        let legal = class.is_none_or(|c| self.scenario.residency[c].legal[self.providers[deployment.ix()].place.ix()]);
        self.record.residency_violations += u64::from(!legal);
        let region = usize::from(s.request.region);
        let link = &self.model_links[region * self.providers.len() + deployment.ix()];
        let attempt = s.request.journey.attempts();
        let half_rtt = link.half(self.draws.uniform(MODEL_LINK, s.key.child(u64::from(s.turn)), u64::from(attempt)));
        let serial = s.request.next_serial();
        let (sent, prompt) = (s.request.sent, s.request.prompt);
        cx.schedule(now + half_rtt, TRAFFIC, Event::ReachesProvider { session, leg, serial });
        self.count_call(sent, region, deployment, prompt);
        self.watch_call(now, deployment);
        Call {
            serial,
            attempt,
            deployment,
            degraded,
            fallback,
            sent: now,
            half_rtt,
            first_token: Time::ZERO,
            outcome: Outcome::Ok,
            reserved: 0,
            output: 0,
            accepted: false,
        }
    }

    /// The call is at the provider: everything about its answer is decided here, and seen by nobody before it arrives.
    pub(super) fn reaches_provider(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let Some(s) = self.sessions.get_mut(session) else { return };
        let (key, turn, workload) = (s.key, s.turn, usize::from(s.workload));
        let (prompt, output) = (s.request.prompt, s.request.output);
        let Some(call) = live(s, &mut self.races, leg, serial) else { return };
        let now = cx.now();
        let d = call.deployment;
        let provider = &mut self.providers[d.ix()];
        let retry = &self.topology.retry;
        let failed = |class| Outcome::Failed { class, retry_after: None };
        let at = if self.damage.region_down(provider.place) {
            call.outcome = failed(ErrorClass::ConnectionFailed);
            call.sent + retry.connect_timeout
        } else {
            let arrival = Arrival {
                turn: key.child(u64::from(turn)),
                attempt: u64::from(call.attempt),
                prompt,
                output,
                max_output: self.demand[workload].max_output,
            };
            let (down, brown) = (self.damage.deployment_down(d), self.damage.brown_out(d));
            match provider.arrive(now, down, brown, &arrival, &self.draws) {
                Service::Refused(outcome) => {
                    call.outcome = outcome;
                    now + call.half_rtt
                }
                Service::Accepted { first_token, complete, output, reserved, place } => {
                    call.accepted = true;
                    call.output = output;
                    call.reserved = reserved;
                    call.first_token = now + first_token + call.half_rtt;
                    let at = attempt_end(call, now + complete + call.half_rtt, retry);
                    if place != Key::NONE {
                        // an abandoned call is dropped when the provider hears of it
                        let served_until = (now + complete).min(at + call.half_rtt);
                        cx.schedule(served_until, TRAFFIC, Event::ProviderFrees { deployment: d, place });
                    }
                    at
                }
            }
        };
        cx.schedule(at.max(now), TRAFFIC, Event::AttemptEnds { session, leg, serial });
    }

    /// The gateway sees how a call ended.
    pub(super) fn attempt_ends(&mut self, session: SessionKey, leg: Leg, serial: u16, cx: &mut Cx) {
        let now = cx.now();
        let Some(s) = self.sessions.get_mut(session) else { return };
        let Some(call) = live(s, &mut self.races, leg, serial).copied() else { return };
        self.providers[call.deployment.ix()].give_back(now, call.reserved);
        let raced = s.request.out && self.races.contains(s.request.race);
        self.count_attempt(session, &call);
        if raced && call.outcome != Outcome::Ok {
            // the other call may still answer
            self.close_leg(session, leg);
            if self.ask_router(session).observe(now, &call) {
                self.watch_taken_out(now, call.deployment);
            }
            return;
        }
        self.close_leg(session, leg);
        if raced {
            let other = if leg == Leg::First { Leg::Second } else { Leg::First };
            self.abandon_leg(session, other, now);
        }
        self.sessions[session].request.call = call;
        let (mut command, taken_out) = self.ask_router(session).on_outcome(now, &call);
        if taken_out {
            self.watch_taken_out(now, call.deployment);
        }
        if let Outcome::Failed { class, .. } = call.outcome
            && call.accepted
            && call.first_token <= now
        {
            // a part of the answer is with the user already: no gateway can take that back and try elsewhere
            match command {
                Command::Attempt { deployment, .. } => self.ask_router(session).on_abandoned(now, deployment),
                Command::Wait { .. } => self.ask_router(session).on_given_up(),
                Command::Shed | Command::Succeed | Command::Fail { .. } => {}
            }
            command = Command::Fail { class: Some(class) };
        }
        self.obey(session, command, cx);
    }

    /// A call is no longer out.
    fn close_leg(&mut self, session: SessionKey, leg: Leg) {
        let r = &mut self.sessions[session].request;
        match leg {
            Leg::First => r.out = false,
            Leg::Second => {
                self.races.remove(std::mem::replace(&mut r.race, Key::NONE));
            }
        }
    }

    /// A call that is out is given up: what it used is paid for, the provider's reserve is settled, the router told.
    fn abandon_leg(&mut self, session: SessionKey, leg: Leg, now: Time) {
        let r = &self.sessions[session].request;
        let call = match leg {
            Leg::First => r.out.then_some(r.call),
            Leg::Second => self.races.get(r.race).copied(),
        };
        let Some(mut call) = call else { return };
        call.outcome = Outcome::Failed { class: ErrorClass::ConnectionFailed, retry_after: None };
        self.providers[call.deployment.ix()].give_back(now, call.reserved);
        self.count_attempt(session, &call);
        self.ask_router(session).on_abandoned(now, call.deployment);
        self.close_leg(session, leg);
    }

    /// All calls of a turn that are out are given up.
    pub(super) fn abandon_calls(&mut self, session: SessionKey, now: Time) {
        if self.sessions[session].request.phase == Phase::Calling {
            self.abandon_leg(session, Leg::First, now);
            self.abandon_leg(session, Leg::Second, now);
        }
    }

    /// Calls being served by the deployments that `hit` names break: their gateways hear of it half a round trip later.
    pub(super) fn break_calls(&mut self, hit: impl Fn(DeploymentIx) -> bool, class: ErrorClass, cx: &mut Cx) {
        for (_, provider) in self.providers.iter_mut().enumerate().filter(|(d, _)| hit(DeploymentIx::new(*d))) {
            provider.break_off();
        }
        let mut broken: Vec<(SessionKey, Leg, Span)> = Vec::new();
        for (session, s) in self.sessions.iter_mut().filter(|(_, s)| s.request.phase == Phase::Calling) {
            let fresh = [s.request.next_serial(), s.request.next_serial()];
            let first = s.request.out.then_some((&mut s.request.call, Leg::First));
            let second = self.races.get_mut(s.request.race).map(|c| (c, Leg::Second));
            for ((call, leg), serial) in first.into_iter().chain(second).zip(fresh) {
                if call.accepted && hit(call.deployment) {
                    call.outcome = Outcome::Failed { class, retry_after: None };
                    call.serial = serial; // its own end is void
                    broken.push((session, leg, call.half_rtt));
                }
            }
        }
        for (session, leg, after) in broken {
            let r = &self.sessions[session].request;
            let call = if leg == Leg::First { &r.call } else { &self.races[r.race] };
            cx.schedule_in(after, TRAFFIC, Event::AttemptEnds { session, leg, serial: call.serial });
        }
    }
}

/// When an accepted call ends for the gateway: complete, or abandoned at one of the time-outs. Sets its outcome.
fn attempt_end(call: &mut Call, complete: Time, retry: &crate::scenario::model::RetrySpec) -> Time {
    let first_limit = call.sent + retry.first_token_timeout;
    let limit = call.sent + retry.total_timeout;
    let timeout = Outcome::Failed { class: ErrorClass::Timeout, retry_after: None };
    let (at, outcome) = if call.first_token > first_limit {
        (first_limit, timeout)
    } else if complete > limit {
        (limit, timeout)
    } else {
        (complete, Outcome::Ok)
    };
    call.outcome = outcome;
    at
}
