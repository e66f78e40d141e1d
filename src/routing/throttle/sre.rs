//! Client-side throttling of Google's SRE book: a client refuses its own calls with a probability that grows with the share
//! of calls that the backend refuses.
//!
//! Source: "Site Reliability Engineering", chapter "Handling Overload", "Client-side throttling": over the last two
//! minutes, `p = max(0, (requests - K * accepts) / (requests + 1))` with K = 2; calls refused here count as requests. A
//! backend refuses with 429, 503 or 529. The two minutes are kept in 24 slots of 5 s (ASSUMPTION: the book does not say).

use super::Permission;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::Outcome;
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

    /// Probability that a call is refused now.
    pub fn refusal(&self, now: Time) -> f64 {
        let number = self.number(now);
        let live = self.slots.iter().filter(|s| s.0 + SLOTS as u64 > number);
        let (requests, accepts) = live.fold((0.0, 0.0), |(r, a), s| (r + f64::from(s.1), a + f64::from(s.2)));
        let k = f64::from(self.config.k_thousandths) / 1000.0;
        ((requests - k * accepts) / (requests + 1.0)).max(0.0)
    }

    /// A call is about to go out.
    pub fn on_call<E: Entropy>(&mut self, now: Time, entropy: &mut E) -> Permission {
        let p = self.refusal(now);
        self.slot(now).1 += 1;
        if p > 0.0 && entropy.uniform() < p { Permission::Refused } else { Permission::Go }
    }

    /// A call has ended.
    pub fn on_end(&mut self, now: Time, outcome: Outcome) {
        let refused =
            matches!(outcome, Outcome::Failed { class, .. } if matches!(class.status(), Some(429 | 503 | 529)));
        if !refused {
            self.slot(now).2 += 1;
        }
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
