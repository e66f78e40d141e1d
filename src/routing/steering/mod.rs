//! Which region a user is sent to.
//!
//! One file per algorithm, most of them a function of `&[Endpoint]`. A [`Steerer`] is one system with its policy and what
//! it has learned; it answers a question that comes from a [`Vantage`]. Of each region it sees what the real system could
//! know: the verdict of health checks, a table of latencies, a map. What a system measures itself goes in as
//! observations.

mod accelerator;
mod answer;
mod anycast;
mod client_probing;
mod cloudflare_dynamic;
mod cloudflare_outstanding;
mod cloudflare_proximity;
mod failover;
mod front_door;
mod geolocation;
mod geoproximity;
mod latency;
mod multivalue;
mod policy;
mod reason;
mod steerer;
#[cfg(test)]
mod tests;
mod waterfall;
mod weighted;
mod why;

pub use accelerator::{Dialled, EndpointGroup, accelerator};
pub use answer::{Answer, MOST_ENDPOINTS};
pub use anycast::{Anycast, Moved};
pub use client_probing::{Choice, ClientProbing, ClientProbingConfig};
pub use cloudflare_dynamic::{EWMA_WEIGHT, RttProfiles, fallback_pool};
pub use cloudflare_outstanding::Outstanding;
pub use cloudflare_proximity::nearest_on_the_map;
pub use failover::failover;
pub use front_door::{FrontDoor, MOST_SAMPLES, Origin, OriginGroup};
pub use geolocation::{Area, GeoRecords, Location, geolocation};
pub use geoproximity::{biased_km, geoproximity};
pub use latency::lowest_latency;
pub use multivalue::{MOST_VALUES, multivalue};
pub use policy::{BadPolicy, Policy};
pub use reason::{Rule, SteeringReason, Unfit, Verdict};
pub use steerer::{Seen, Source, Steerer, Vantage};
pub use waterfall::{Capacity, Waterfall, WaterfallConfig, fill};
pub use weighted::weighted;

/// One region as the steering system knows it from one vantage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Endpoint {
    /// The health checks' present verdict.
    pub healthy: bool,
    /// Whether the user's data may go there. Users of a residency class have a name (or an address) of their own, behind
    /// which there are legal regions only.
    pub legal: bool,
    /// Round trip in nanoseconds from the vantage, as the system's table has it.
    pub latency_ns: u64,
    /// Kilometres on the map from the vantage.
    pub distance_km: f64,
}

/// Whether all legal endpoints count as healthy because none is (Route 53 documentation of 2026, "How Route 53 chooses
/// records when health checking is configured": if all records are unhealthy, all are treated as healthy).
pub fn fails_open(endpoints: &[Endpoint]) -> bool {
    !endpoints.iter().any(|e| e.legal && e.healthy)
}
