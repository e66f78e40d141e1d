//! How users reach the product: their clients and their name resolution.

use crate::units::Span;

/// How a user's program connects to the application.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Client {
    /// Give up connecting after this long.
    pub connect_timeout: Span,
    /// Tries per turn, the first included; before each further try the name is resolved again.
    pub tries: u32,
    /// Pause before a further try.
    pub retry_pause: Span,
    /// An idle connection is kept for this long, and with it the region.
    pub keep_alive: Span,
    /// Round trips before the request on a new connection (TCP and TLS 1.3: 2).
    pub handshake_round_trips: u32,
}

/// Name resolution.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dns {
    /// Caching resolvers per user group; each caches the answer for the record's TTL.
    pub resolvers_per_group: u32,
    /// Share of resolvers that stand where another group of users is and do not say where their own users are.
    pub elsewhere_share: f64,
    /// Share of resolvers that keep records longer than the TTL.
    pub extending_share: f64,
    /// By how much those multiply the TTL.
    pub extension: f64,
    /// Answer from a resolver's cache.
    pub hit: Span,
    /// Answer that the resolver has to fetch.
    pub miss: Span,
}
