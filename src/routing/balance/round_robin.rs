//! Round robin: in turn.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::units::Time;

/// The n-th call begins at member n of the list (counted round and round) and takes the first from there on that may
/// be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RoundRobin {
    turn: u64,
}

impl Balance for RoundRobin {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, _: &mut S) -> Option<usize> {
        let size = view.members.len();
        let start = (self.turn % size as u64) as usize;
        view.usable().min_by_key(|i| (i + size - start) % size)
    }

    fn on_sent(&mut self, _: Time, _: usize, _: &Request<'_>) {
        self.turn += 1;
    }
}
