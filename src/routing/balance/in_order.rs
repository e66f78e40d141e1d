//! In order: the first of the list that may be called.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// The order of the list. Keeps nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InOrder;

impl Balance for InOrder {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, _: &mut E, _: &mut S) -> Option<usize> {
        view.usable().next()
    }

    fn favourite(&self, view: &View<'_>) -> Option<usize> {
        view.legal().next()
    }
}
