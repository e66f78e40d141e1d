//! A client that sends less when it is refused: one algorithm per file.

mod aws_adaptive;
mod sre;

pub use aws_adaptive::{AwsAdaptive, Turn};
pub use sre::{Sre, SreConfig};

use crate::routing::entropy::Entropy;
use crate::routing::outcome::Outcome;
use crate::routing::reason::Figure;
use crate::units::Time;

/// What a throttle says to a call that is about to go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// It goes.
    Go,
    /// It waits, and asks again then.
    Wait(Time),
    /// It is refused on the spot.
    Refused,
}

/// What the configuration says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ThrottleConfig {
    /// [`Sre`].
    Sre(SreConfig),
    /// [`AwsAdaptive`].
    AwsAdaptive,
}

/// A throttle of any kind, with what it remembers.
#[derive(Clone, Debug)]
pub enum Throttle {
    /// See [`Sre`].
    Sre(Box<Sre>),
    /// See [`AwsAdaptive`].
    AwsAdaptive(AwsAdaptive),
}

impl Throttle {
    /// A throttle that has seen nothing yet.
    pub fn new(config: ThrottleConfig) -> Throttle {
        match config {
            ThrottleConfig::Sre(c) => Throttle::Sre(Box::new(Sre::new(c))),
            ThrottleConfig::AwsAdaptive => Throttle::AwsAdaptive(AwsAdaptive::default()),
        }
    }

    /// A call is about to go out. `turn` is what a call that waits keeps between its questions; at first `None`.
    pub fn on_call<E: Entropy>(&mut self, now: Time, turn: &mut Option<Turn>, entropy: &mut E) -> Permission {
        match self {
            Throttle::Sre(t) => t.on_call(now, entropy),
            Throttle::AwsAdaptive(t) => t.on_call(now, turn, entropy),
        }
    }

    /// A call that would not wait is about to go out: whether it may.
    pub fn on_call_at_once<E: Entropy>(&mut self, now: Time, entropy: &mut E) -> bool {
        match self {
            Throttle::Sre(t) => t.on_call(now, entropy) == Permission::Go,
            Throttle::AwsAdaptive(t) => t.on_call_at_once(now),
        }
    }

    /// A call that has waited is not made.
    pub fn give_up(&mut self, turn: Turn) {
        match self {
            Throttle::Sre(_) => {}
            Throttle::AwsAdaptive(t) => t.give_up(turn),
        }
    }

    /// What it goes by now, for whoever asks why.
    pub fn known(&self, now: Time) -> Figure {
        match self {
            Throttle::Sre(t) => t.known(now),
            Throttle::AwsAdaptive(t) => t.known(),
        }
    }

    /// A call has ended.
    pub fn on_end(&mut self, now: Time, outcome: Outcome) {
        match self {
            Throttle::Sre(t) => t.on_end(now, outcome),
            Throttle::AwsAdaptive(t) => t.on_end(now, outcome),
        }
    }
}
