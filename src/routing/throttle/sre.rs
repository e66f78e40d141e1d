//! Client-side throttling of Google's SRE book: a client refuses its own calls with a probability that grows with the share
//! of calls that the backend refuses.
//!
//! Source: "Site Reliability Engineering", chapter "Handling Overload", "Client-side throttling": over the last two
//! minutes, `p = max(0, (requests - K * accepts) / (requests + 1))` with K = 2; calls refused here count as requests. A
//! backend refuses with 429, 503 or 529. The two minutes are kept in 24 slots of 5 s (ASSUMPTION: the book does not say).
//!
//! A request counts when it is known whether it was accepted: when its call ends, or when it is refused here. So do
//! libraries that have this throttle (go-kratos/aegis, `circuitbreaker/sre`, with its middleware, read 2026). Counted when they
//! are sent, calls in flight would count as refused, and answers of minutes would make a healthy backend look overloaded. A
//! call that is given up counts as nothing.

use super::Permission;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Outcome;
use crate::routing::reason::Figure;
use crate::units::{Span, Time};

/// Parameters. [`SreConfig::BOOK`] has the book's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SreConfig {
    /// K in thousandths; at least 1000.
    pub k_thousandths: u32,
    /// How far back it looks.
    pub window: Span,
}

impl SreConfig {
    /// The book's values.
    pub const BOOK: SreConfig = SreConfig { k_thousandths: 2000, window: Span::from_mins(2) };
}

const SLOTS: usize = 24;

/// The counts of the last two minutes.
#[derive(Clone, Debug)]
pub struct Sre {
    config: SreConfig,
    /// Number of the slot since time zero, requests, accepts.
    slots: [(u64, u32, u32); SLOTS],
}

impl Sre {
    /// Nothing counted yet.
    pub fn new(config: SreConfig) -> Sre {
        Sre { config, slots: [(0, 0, 0); SLOTS] }
    }

    fn slot(&mut self, now: Time) -> &mut (u64, u32, u32) {
        let number = self.number(now);
        let slot = &mut self.slots[(number % SLOTS as u64) as usize];
        if slot.0 != number {
            *slot = (number, 0, 0);
        }
        slot
    }

    fn number(&self, now: Time) -> u64 {
        now.nanos() / (self.config.window.nanos() / SLOTS as u64).max(1)
    }

    /// Requests and accepts of the window.
    fn counts(&self, now: Time) -> (f64, f64) {
        let number = self.number(now);
        let live = self.slots.iter().filter(|s| s.0 + SLOTS as u64 > number);
        live.fold((0.0, 0.0), |(r, a), s| (r + f64::from(s.1), a + f64::from(s.2)))
    }

    /// The probability that a call is refused, and of how many requests that is.
    pub(super) fn known(&self, now: Time) -> Figure {
        let samples = Some(self.counts(now).0 as u32);
        Figure { samples, ..Figure::new("probability that a call is refused", self.refusal(now)) }
    }

    /// Probability that a call is refused now.
    pub fn refusal(&self, now: Time) -> f64 {
        let (requests, accepts) = self.counts(now);
        let k = f64::from(self.config.k_thousandths) / 1000.0;
        ((requests - k * accepts) / (requests + 1.0)).max(0.0)
    }

    /// A call is about to go out.
    pub fn on_call<E: Entropy>(&mut self, now: Time, entropy: &mut E) -> Permission {
        let p = self.refusal(now);
        if p > 0.0 && entropy.uniform() < p {
            self.slot(now).1 += 1;
            return Permission::Refused;
        }
        Permission::Go
    }

    /// A call has ended.
    pub fn on_end(&mut self, now: Time, outcome: Outcome) {
        let refused =
            matches!(outcome, Outcome::Failed { class, .. } if matches!(class.status(), Some(429 | 503 | 529)));
        let slot = self.slot(now);
        slot.1 += 1;
        slot.2 += u32::from(!refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::balance::tests::Tape;
    use crate::routing::outcome::ErrorClass;

    const OVERLOADED: Outcome = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };

    #[test]
    fn a_backend_that_refuses_everything_is_spared_more_and_more() {
        let mut s = Sre::new(SreConfig::BOOK);
        let t = Time(600_000_000_000);
        for n in 0..100 {
            assert_eq!(s.refusal(t), f64::from(n) / f64::from(n + 1));
            s.on_call(t, &mut Tape(vec![0.999_999]));
            s.on_end(t, OVERLOADED);
        }
        assert_eq!(s.on_call(t, &mut Tape(vec![0.5])), Permission::Refused);
        assert_eq!(s.refusal(t + Span::from_secs(120)), 0.0, "two minutes later all is forgotten");
    }

    /// The book's requests and accepts of calls that take long: what is in flight is neither.
    #[test]
    fn handling_overload_calls_in_flight_are_not_refused_calls() {
        let mut s = Sre::new(SreConfig::BOOK);
        let at = |seconds: u64| Time(seconds * 1_000_000_000);
        for i in 0..50 {
            assert_eq!(s.refusal(at(i)), 0.0);
            assert_eq!(s.on_call(at(i), &mut Tape(vec![])), Permission::Go);
        }
        // half of what has ended was accepted, 50 are still out
        (0..20).for_each(|i| s.on_end(at(60), if i % 2 == 0 { Outcome::Ok } else { OVERLOADED }));
        assert_eq!(s.refusal(at(60)), 0.0);
        (0..10).for_each(|_| s.on_end(at(60), OVERLOADED));
        assert_eq!(s.refusal(at(60)), 10.0 / 31.0);
        // a call that is refused here is a request that was not accepted
        assert_eq!(s.on_call(at(60), &mut Tape(vec![0.3])), Permission::Refused);
        assert_eq!(s.refusal(at(60)), 11.0 / 32.0);
    }

    #[test]
    fn half_accepted_is_still_let_through() {
        let mut s = Sre::new(SreConfig::BOOK);
        for i in 0..100 {
            assert_eq!(s.on_call(Time::ZERO, &mut Tape(vec![0.99])), Permission::Go);
            s.on_end(Time::ZERO, if i % 2 == 0 { Outcome::Ok } else { OVERLOADED });
        }
        assert_eq!(s.refusal(Time::ZERO), 0.0);
    }
}
