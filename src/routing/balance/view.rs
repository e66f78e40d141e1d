//! What a balancer sees at the moment of a choice, and what every balancer answers to.

use crate::routing::balance::Member;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Observation;
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::units::{Span, Time};

/// Whether a member may be called now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It may.
    Usable,
    /// It has failed this request already.
    Tried,
    /// The gateway has taken it out of service: cool-down, ejection, open breaker.
    Out,
    /// It is at the gateway's own limit.
    Limited,
    /// This request's data may not go there.
    Illegal,
}

/// What a gateway knows of a member of a pool at the moment of a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberState {
    /// Whether it may be called.
    pub standing: Standing,
    /// Calls of this gateway in flight there.
    pub in_flight: u32,
    /// Whether it has failed this request already, in service or not.
    pub tried: bool,
    /// What it last reported of itself; `None` where nobody asks it.
    pub report: Option<LoadReport>,
}

/// What a deployment reports of itself. A report is always old: by its way, and by the time since it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadReport {
    /// The moment that the numbers are of.
    pub at: Time,
    /// Requests that it has accepted and not begun.
    pub waiting: u32,
    /// Requests in service.
    pub running: u32,
    /// Part of what bounds it that is in use (memory of a cache, slots), in 1/10,000.
    pub utilisation: u16,
}

/// The moment of a choice. A member is named by its position in the pool's list.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// When.
    pub now: Time,
    /// For which request.
    pub request: &'a Request<'a>,
    /// The pool's members.
    pub members: &'a [Member],
    /// Their states, in the same order.
    pub states: &'a [MemberState],
}

impl<'a> View<'a> {
    /// Positions of the members that may be called, in the order of the list.
    pub fn usable(&self) -> impl Iterator<Item = usize> + Clone + use<'a> {
        self.states.iter().enumerate().filter(|(_, s)| s.standing == Standing::Usable).map(|(i, _)| i)
    }

    /// Whether the member at that position may be called.
    pub fn is_usable(&self, position: usize) -> bool {
        self.states[position].standing == Standing::Usable
    }

    /// Positions of the members that this request's data may go to, whether they are in service or not.
    pub fn legal(&self) -> impl Iterator<Item = usize> + Clone + use<'a> {
        self.states.iter().enumerate().filter(|(_, s)| s.standing != Standing::Illegal).map(|(i, _)| i)
    }

    /// Number of members that may be called.
    pub fn count(&self) -> usize {
        self.usable().count()
    }

    /// The `n`-th member that may be called.
    ///
    /// # Panics
    /// If fewer than `n + 1` may.
    pub fn nth(&self, n: usize) -> usize {
        self.usable().nth(n).expect("the choice is among those that may be called")
    }

    /// Says what each member that may be called is judged by; does nothing when nobody listens.
    pub fn score<S: ReasonSink>(&self, reasons: &mut S, what: &'static str, value: impl Fn(usize) -> f64) {
        if reasons.on() {
            for i in self.usable() {
                reasons.scored(self.members[i].deployment, what, value(i));
            }
        }
    }

    /// One of those that may be called, each as likely as the others; `None` when none may.
    pub fn any<E: Entropy>(&self, entropy: &mut E) -> Option<usize> {
        match self.count() {
            0 => None,
            n => Some(self.nth(entropy.pick(n))),
        }
    }
}

/// An algorithm that chooses one member of a pool, with whatever it has to remember. One instance serves one pool of one
/// gateway.
pub trait Balance {
    /// The member to call: a position whose standing is [`Standing::Usable`], or `None` when there is none or the
    /// algorithm calls nobody. Algorithms with a panic rule of their own may name one that is [`Standing::Out`].
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize>;

    /// When [`Balance::pick`] names nobody although some may be called: ask again after the first span, for at most the
    /// second. `None`: it is no use waiting.
    fn holds(&self, _view: &View<'_>) -> Option<(Span, Span)> {
        None
    }

    /// Whether the algorithm has a rule of its own for the time when too few members are in service. For the others the
    /// router ignores its guards when nobody at all is left.
    fn has_panic_rule(&self) -> bool {
        false
    }

    /// The member that the algorithm always prefers while it may be called, for algorithms that have one: calling another
    /// is a fallback.
    fn favourite(&self, _view: &View<'_>) -> Option<usize> {
        None
    }

    /// The request has been sent to that member, which was the last choice. Not every choice is sent: the gateway's own
    /// limits, a throttle or a budget may refuse the call. So algorithms that go by turns count one here.
    fn on_sent(&mut self, _now: Time, _position: usize, _request: &Request<'_>) {}

    /// A call to that member has ended.
    fn on_end(&mut self, _now: Time, _position: usize, _seen: &Observation) {}

    /// A call to that member was given up without an outcome.
    fn on_abandoned(&mut self, _now: Time, _position: usize) {}
}
