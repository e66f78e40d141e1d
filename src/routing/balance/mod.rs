//! Choice of one deployment among those that stand for each other: one algorithm per file, behind [`Balance`].
//!
//! A new algorithm is a file here, a variant of [`Choose`] (what the configuration says) and of [`Balancer`] (what the
//! gateway keeps), and a variant of the scenario's `choose`.

mod choose;
mod edf;
pub mod envoy;
mod hash;
mod in_order;
pub mod inference;
mod least_busy;
mod least_request;
mod maglev;
mod member;
mod nearest;
mod network_cost;
mod openrouter;
mod peak_ewma;
mod random;
mod reported;
mod ring_hash;
mod round_robin;
mod selective_push;
#[cfg(test)]
pub(in crate::routing) mod tests;
mod view;
mod weighted;
mod weighted_round_robin;

pub use choose::Choose;
pub use in_order::InOrder;
pub use least_busy::LeastBusy;
pub use least_request::{LeastRequest, LeastRequestConfig};
pub use maglev::{MAGLEV_TABLE, Maglev, is_prime};
pub use member::{Locality, Member};
pub use nearest::Nearest;
pub use network_cost::{NetworkCost, NetworkCostConfig};
pub use openrouter::OpenRouter;
pub use peak_ewma::PeakEwma;
pub use random::Random;
pub use reported::Reported;
pub use ring_hash::{LARGEST_RING, RingHash};
pub use round_robin::RoundRobin;
pub use selective_push::{SelectivePush, SelectivePushConfig};
pub use view::{Balance, LoadReport, MemberState, Standing, View};
pub use weighted::Weighted;
pub use weighted_round_robin::WeightedRoundRobin;

use crate::routing::entropy::Entropy;
use crate::routing::outcome::Observation;
use crate::routing::reason::ReasonSink;
use crate::routing::request::Request;
use crate::units::{Span, Time};
use envoy::Envoy;
use inference::Inference;

/// A balancer of any kind, with what it remembers.
#[derive(Clone, Debug)]
pub enum Balancer {
    /// See [`Nearest`].
    Nearest(Nearest),
    /// See [`InOrder`].
    InOrder(InOrder),
    /// See [`Weighted`].
    Weighted(Weighted),
    /// See [`RoundRobin`].
    RoundRobin(RoundRobin),
    /// See [`LeastBusy`].
    LeastBusy(LeastBusy),
    /// See [`LeastRequest`].
    LeastRequest(LeastRequest),
    /// See [`RingHash`].
    RingHash(RingHash),
    /// See [`PeakEwma`].
    PeakEwma(PeakEwma),
    /// See [`Reported`].
    Reported(Reported),
    /// See [`OpenRouter`].
    OpenRouter(OpenRouter),
    /// See [`WeightedRoundRobin`].
    WeightedRoundRobin(WeightedRoundRobin),
    /// See [`Maglev`].
    Maglev(Maglev),
    /// See [`Envoy`].
    Envoy(Box<Envoy>),
    /// See [`Inference`].
    Inference(Inference),
    /// See [`NetworkCost`].
    NetworkCost(NetworkCost),
    /// See [`SelectivePush`].
    SelectivePush(SelectivePush),
}

/// The same call on whichever algorithm it is.
macro_rules! each {
    ($self:expr, $balancer:ident => $call:expr) => {
        match $self {
            Balancer::Nearest($balancer) => $call,
            Balancer::InOrder($balancer) => $call,
            Balancer::Weighted($balancer) => $call,
            Balancer::RoundRobin($balancer) => $call,
            Balancer::LeastBusy($balancer) => $call,
            Balancer::LeastRequest($balancer) => $call,
            Balancer::RingHash($balancer) => $call,
            Balancer::PeakEwma($balancer) => $call,
            Balancer::Reported($balancer) => $call,
            Balancer::OpenRouter($balancer) => $call,
            Balancer::WeightedRoundRobin($balancer) => $call,
            Balancer::Maglev($balancer) => $call,
            Balancer::Envoy($balancer) => $call,
            Balancer::Inference($balancer) => $call,
            Balancer::NetworkCost($balancer) => $call,
            Balancer::SelectivePush($balancer) => $call,
        }
    };
}

impl Balancer {
    /// A balancer that knows nothing yet, for a pool of these members.
    pub fn new(choose: Choose, members: &[Member], localities: &[Locality]) -> Balancer {
        let n = members.len();
        match choose {
            Choose::Nearest => Balancer::Nearest(Nearest),
            Choose::InOrder => Balancer::InOrder(InOrder),
            Choose::Weighted => Balancer::Weighted(Weighted),
            Choose::RoundRobin => Balancer::RoundRobin(RoundRobin::default()),
            Choose::LeastBusy => Balancer::LeastBusy(LeastBusy),
            Choose::LeastRequest(c) => Balancer::LeastRequest(LeastRequest::new(c, n)),
            Choose::RingHash(points) => Balancer::RingHash(RingHash::new(points, members)),
            Choose::PeakEwma(decay) => Balancer::PeakEwma(PeakEwma::new(decay, n)),
            Choose::Reported(every) => Balancer::Reported(Reported::new(every, n)),
            Choose::OpenRouter => Balancer::OpenRouter(OpenRouter::new(n)),
            Choose::WeightedRoundRobin => Balancer::WeightedRoundRobin(WeightedRoundRobin::new(n)),
            Choose::Maglev(size) => Balancer::Maglev(Maglev::new(size, members)),
            Choose::Inference(config) => Balancer::Inference(Inference::new(config, n)),
            Choose::SelectivePush(config) => Balancer::SelectivePush(SelectivePush::new(config, n)),
            Choose::NetworkCost(config) => Balancer::NetworkCost(NetworkCost::new(config, n)),
            Choose::Envoy(config) => Balancer::Envoy(Box::new(Envoy::new(config, members, localities))),
        }
    }
}

impl Balance for Balancer {
    #[inline]
    fn pick<E: Entropy, S: ReasonSink>(&mut self, view: &View<'_>, entropy: &mut E, reasons: &mut S) -> Option<usize> {
        each!(self, b => b.pick(view, entropy, reasons))
    }
    fn holds(&self, view: &View<'_>) -> Option<(Span, Span)> {
        each!(self, b => b.holds(view))
    }
    fn has_panic_rule(&self) -> bool {
        each!(self, b => b.has_panic_rule())
    }
    fn favourite(&self, view: &View<'_>) -> Option<usize> {
        each!(self, b => b.favourite(view))
    }
    fn on_sent(&mut self, now: Time, position: usize, request: &Request<'_>) {
        each!(self, b => b.on_sent(now, position, request));
    }
    fn on_end(&mut self, now: Time, position: usize, seen: &Observation) {
        each!(self, b => b.on_end(now, position, seen));
    }
    fn on_abandoned(&mut self, now: Time, position: usize) {
        each!(self, b => b.on_abandoned(now, position));
    }
}
