//! How users find a region.

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
    /// As the answer of a name service, which resolvers keep for its time to live.
    Name {
        /// Time to live of the record.
        ttl: Span,
    },
}

impl Steering {
    /// By a name service.
    pub fn dns(policy: Policy, ttl: Span) -> Steering {
        Steering { policy, access: Access::Name { ttl } }
    }
}
