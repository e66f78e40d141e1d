//! How users find a region.

use super::DistSpec;
use crate::routing::steering::Policy;
use crate::units::Span;

/// How users find a region.
#[derive(Clone, PartialEq, Debug)]
pub struct Steering {
    /// Who decides, and by which algorithm; lists have one entry per region of the topology.
    pub policy: Policy,
    /// How the decision reaches the user.
    pub access: Access,
}

/// How a decision reaches the user, and with that, when a new one can take effect.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Access {
    /// As the answer of a name service, which resolvers keep for its time to live. Open connections stay.
    Name {
        /// Time to live of the record.
        ttl: Span,
    },
    /// By the routes of the users' networks. Open connections stay until their network moves to another site, which breaks
    /// them.
    Network {
        /// Networks per user group, each with routes of its own.
        networks_per_group: u32,
        /// Share of networks whose routes lead past the nearest site.
        inflated_share: f64,
        /// Time until a network follows the withdrawal or the return of an announcement.
        convergence: DistSpec,
    },
    /// By an edge that takes TCP connections and passes them on: every new connection is decided anew, open ones stay.
    Accelerator {
        /// Round trip between users and their edge.
        edge_rtt: Span,
    },
    /// By an edge that takes requests: every turn is decided anew, those under way stay.
    Edge {
        /// Round trip between users and their edge.
        edge_rtt: Span,
    },
    /// By the user's program: every turn is decided anew, those under way stay.
    Client {
        /// Programs per user group, each with a memory of its own.
        clients_per_group: u32,
    },
}

impl Steering {
    /// By a name service.
    pub fn dns(policy: Policy, ttl: Span) -> Steering {
        Steering { policy, access: Access::Name { ttl } }
    }
}
