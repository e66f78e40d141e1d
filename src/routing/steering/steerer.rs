//! A steering system: its policy and what it has learned so far.

use super::reason::explain;
use super::{
    Answer, BadPolicy, Endpoint, Location, Policy, Rule, failover, geolocation, geoproximity, lowest_latency,
    multivalue, weighted,
};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::units::Time;

/// From where a question comes.
#[derive(Clone, Copy, Debug)]
pub struct Vantage<'a> {
    /// Where that is, as the system's table of addresses has it.
    pub location: &'a Location,
    /// The regions as they are seen from there.
    pub endpoints: &'a [Endpoint],
}

/// A steering system.
#[derive(Clone, Debug)]
pub struct Steerer {
    policy: Policy,
}

impl Steerer {
    /// A system that has seen nothing yet, for so many endpoints.
    ///
    /// # Errors
    /// [`BadPolicy`] if the policy can never work.
    pub fn new(policy: Policy, endpoints: usize) -> Result<Steerer, BadPolicy> {
        policy.check(endpoints)?;
        Ok(Steerer { policy })
    }

    /// Where to go. Empty if there is no answer.
    pub fn steer<E: Entropy, S: ReasonSink>(
        &mut self,
        _now: Time,
        from: &Vantage<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Answer {
        let e = from.endpoints;
        let (answer, rule) = match &self.policy {
            Policy::Latency => (lowest_latency(e).into(), Rule::LowestLatency),
            Policy::Failover => (failover(e).into(), Rule::FirstInOrder),
            Policy::Weighted(weights) => (weighted(weights, e, entropy).into(), Rule::Weight),
            Policy::Geolocation(records) => (geolocation(records, from.location, e).into(), Rule::SmallestArea),
            Policy::Geoproximity(biases) => (geoproximity(biases, e).into(), Rule::LeastBiasedDistance),
            Policy::Multivalue => (multivalue(e, entropy), Rule::UpToEight),
        };
        explain(e, answer, rule, reasons);
        answer
    }
}
