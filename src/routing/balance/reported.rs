//! Least load as last reported: a snapshot of the loads decides until the next one is taken.
//!
//! That is how gateways choose that read loads instead of counting them: from a metrics endpoint that is scraped, from
//! reports that the endpoints send every so often (xDS ORCA, out-of-band), or from a store that is written now and then.
//! Between two snapshots all who choose see the same least loaded member and go there together: they herd (Mitzenmacher,
//! How useful is old information?, IEEE TPDS 11(1), 2000).
//!
//! The load is the number of this gateway's calls in flight, which is the member's own while no other gateway calls it.
//! ASSUMPTION: all members report at the same moments, multiples of the period; reports take no time.

use super::{Balance, View};
use crate::routing::entropy::Entropy;
use crate::routing::reason::{Figure, Reason, ReasonSink};
use crate::units::{Span, Time};

/// A full scan of the snapshot; ties at random.
#[derive(Clone, PartialEq, Debug)]
pub struct Reported {
    every: Span,
    /// Loads at `taken`, one per member.
    loads: Vec<u32>,
    taken: Time,
    /// When the next reports are due.
    due: Time,
}

impl Reported {
    /// Nothing has been reported yet; members report every `every`, which is not zero.
    pub fn new(every: Span, members: usize) -> Reported {
        Reported { every, loads: vec![0; members], taken: Time::ZERO, due: Time::ZERO }
    }
}

impl Balance for Reported {
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        if view.now >= self.due {
            for (load, state) in self.loads.iter_mut().zip(view.states) {
                *load = state.in_flight;
            }
            let period = view.now.nanos() / self.every.nanos();
            self.taken = view.now;
            self.due = Time(period.saturating_add(1).saturating_mul(self.every.nanos()));
        }
        if reasons.on() {
            let age = Some(view.now.since(self.taken));
            for i in view.usable() {
                let deployment = view.members[i].deployment;
                let value = f64::from(self.loads[i]);
                reasons.push(Reason::Scored {
                    deployment,
                    figure: Figure::new("calls in flight as reported", value).aged(age),
                });
            }
        }
        let least = view.usable().map(|i| self.loads[i]).min()?;
        let equals = view.usable().filter(|i| self.loads[*i] == least);
        let n = entropy.pick(equals.clone().count());
        equals.clone().nth(n)
    }
}
