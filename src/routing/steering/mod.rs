//! Which region a user is sent to.
//!
//! Every policy answers from what a name service knows: a distance table and the verdicts of its health checks. When
//! no legal region is healthy all legal ones count as healthy (Route 53 documentation, "How Route 53 chooses records
//! when health checking is configured": if all records are unhealthy, all are treated as healthy).

mod failover;
mod latency;

pub use failover::failover;
pub use latency::lowest_latency;

/// One region as the name service knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The health checks' present verdict.
    pub healthy: bool,
    /// Whether the user's data may go there.
    pub legal: bool,
    /// Round trip in nanoseconds from the user's network, as the name service's table has it.
    pub latency_ns: u64,
}
