//! Who of a pool may be called, and whom the balancer takes.

use super::{Journey, PoolConfig, Router};
use crate::routing::balance::{Balance, MemberState, Standing, View};
use crate::routing::entropy::Entropy;
use crate::routing::guard::Guard;
use crate::routing::outcome::ErrorClass;
use crate::routing::reason::{Exclusion, Reason, ReasonSink};
use crate::routing::request::Request;
use crate::units::{DeploymentIx, Time};

impl Router {
    /// Position in the pool of the member to call, if any may be called. In a panic the guards are ignored.
    pub(super) fn choose<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        panic: bool,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Option<usize> {
        self.look(now, journey, request, panic);
        let p = usize::from(journey.pool);
        if reasons.on() {
            self.say_who_stands_where(now, &self.config.chain[p], request, reasons);
        }
        loop {
            let pool = &self.config.chain[p];
            let view = View { now, request, members: &pool.members, states: &self.states };
            let chosen = self.balancers[p].pick(&view, entropy, reasons)?;
            let deployment = pool.members[chosen].deployment;
            if let Some(limits) = &mut self.limits
                && let Err(refusal) = limits.admit(now, deployment, request)
            {
                let until = refusal.wait.map(|wait| now + wait);
                reasons
                    .push(Reason::Excluded { deployment, because: Exclusion::AtLimit { limit: refusal.limit, until } });
                journey.last_error.get_or_insert(ErrorClass::RateLimited);
                if std::mem::replace(&mut self.states[chosen].standing, Standing::Limited) == Standing::Limited {
                    return None; // whoever names one that may not be called has nobody else to name
                }
                continue;
            }
            if journey.first.is_none() {
                journey.passed_over |= self.balancers[p].favourite(&view).is_some_and(|f| f != chosen);
            }
            return Some(chosen);
        }
    }

    /// Whether some member of the present pool may be called, as far as its state goes; says why not where nobody may.
    pub(super) fn somebody_is_usable<S: ReasonSink>(
        &mut self,
        now: Time,
        journey: &mut Journey,
        request: &Request<'_>,
        reasons: &mut S,
    ) -> bool {
        self.look(now, journey, request, false);
        let usable = self.states.iter().any(|s| s.standing == Standing::Usable);
        if !usable && reasons.on() {
            self.say_who_stands_where(now, &self.config.chain[usize::from(journey.pool)], request, reasons);
        }
        usable
    }

    /// Notes the present states of the pool's members.
    fn look(&mut self, now: Time, journey: &mut Journey, request: &Request<'_>, panic: bool) {
        self.on_wake(now);
        let Router { config, states, guards, in_flight, limits, reports, .. } = self;
        let legal = journey.class.map(|c| config.legal[usize::from(c)].as_slice());
        states.clear();
        states.extend(config.chain[usize::from(journey.pool)].members.iter().enumerate().map(|(i, m)| {
            let d = m.deployment.ix();
            let tried = journey.tried.contains(i);
            let standing = if legal.is_some_and(|l| !l[d]) {
                Standing::Illegal
            } else if !panic && !guards.iter().all(|g| g.admits(now, d)) {
                Standing::Out
            } else if tried {
                Standing::Tried
            } else if limits.as_ref().is_some_and(|l| l.refusing(now, m.deployment, request).is_some()) {
                Standing::Limited
            } else {
                Standing::Usable
            };
            MemberState { standing, in_flight: in_flight[d], tried, report: reports[d] }
        }));
        if states.iter().any(|s| s.standing == Standing::Limited) {
            journey.last_error.get_or_insert(ErrorClass::RateLimited);
        }
    }

    /// The first guard that keeps the deployment out of service, and until when.
    pub(super) fn out(&self, now: Time, deployment: DeploymentIx) -> Option<(&'static str, Option<Time>)> {
        let d = deployment.ix();
        let (guard, config) = self.guards.iter().zip(&self.config.guards).find(|(g, _)| !g.admits(now, d))?;
        Some((config.name(), guard.until(now, d)))
    }

    /// Who may be called, and why the others may not.
    fn say_who_stands_where<S: ReasonSink>(
        &self,
        now: Time,
        pool: &PoolConfig,
        request: &Request<'_>,
        reasons: &mut S,
    ) {
        for (m, state) in pool.members.iter().zip(&self.states) {
            let deployment = m.deployment;
            let because = match state.standing {
                Standing::Usable => {
                    reasons.push(Reason::Candidate { deployment, in_flight: state.in_flight });
                    continue;
                }
                Standing::Tried => Exclusion::AlreadyTried,
                Standing::Illegal => Exclusion::Residency,
                Standing::Limited => {
                    let shut = self.limits.as_ref().and_then(|l| l.refusing(now, m.deployment, request));
                    let (limit, until) = shut.expect("its limit refuses");
                    Exclusion::AtLimit { limit, until: Some(until) }
                }
                Standing::Out => {
                    let (guard, until) = self.out(now, deployment).expect("somebody has taken it out");
                    Exclusion::Out { guard, until }
                }
            };
            reasons.push(Reason::Excluded { deployment, because });
        }
    }

    /// Whether the present pool has a member that the request's data may go to.
    pub(super) fn has_legal_member(&self, journey: &Journey) -> bool {
        let legal = journey.class.map(|c| self.config.legal[usize::from(c)].as_slice());
        let members = &self.config.chain[usize::from(journey.pool)].members;
        members.iter().any(|m| legal.is_none_or(|l| l[m.deployment.ix()]))
    }

    /// Whether waiting opens somebody of the present pool who has failed this request but is in service. The states are
    /// those that the choice before has noted.
    pub(super) fn retry_would_help(&self, journey: &Journey) -> bool {
        self.states.iter().enumerate().any(|(i, s)| s.standing == Standing::Tried && journey.tried.opens(i))
    }
}
