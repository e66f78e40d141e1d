//! Least busy: the fewest calls of this gateway in flight.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// A full scan; ties to the first in the list. Keeps nothing: the router counts the calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeastBusy;

impl Balance for LeastBusy {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        view.score(reasons, "calls in flight", |i| f64::from(view.states[i].in_flight));
        view.usable().min_by_key(|i| (view.states[*i].in_flight, *i))
    }
}
