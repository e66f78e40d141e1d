//! Nearest: the member with the lowest typical network round trip from the gateway.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// Lowest round trip; ties to the first in the list. Keeps nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Nearest;

impl Balance for Nearest {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, reasons: &mut S) -> Option<usize> {
        view.score(reasons, "round trip in ms", |i| view.members[i].distance.as_millis_f64());
        view.usable().min_by_key(|i| (view.members[*i].distance, *i))
    }

    fn favourite(&self, view: &View<'_>) -> Option<usize> {
        view.legal().min_by_key(|i| (view.members[*i].distance, *i))
    }
}
