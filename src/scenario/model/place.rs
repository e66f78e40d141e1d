//! Where things are and how far apart: cloud regions, paths between them, groups of users, residency.

use crate::routing::steering::Location;
use crate::units::{LatLon, Price, Span};

/// A cloud region of the catalogue that the scenario uses.
#[derive(Clone, Debug)]
pub struct Place {
    /// Id such as `aws:us-east-1`.
    pub id: String,
    /// Where it is.
    pub place: LatLon,
    /// ISO 3166 alpha-2 country.
    pub country: String,
    /// Data sent to users.
    pub egress_internet: Egress,
    /// Data sent to each other place (indexed by [`crate::units::RegionIx`]).
    pub egress_to: Vec<Egress>,
}

/// What data cost on their way out of a place.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Dollars per byte.
    pub price: Price,
    /// Where the price comes from.
    pub source: String,
}

/// A network path.
#[derive(Clone, Debug)]
pub struct Link {
    /// Typical (median) round trip.
    pub rtt: Span,
    /// Standard deviation of a round trip relative to it.
    pub jitter: f64,
    /// No measurement exists: a great-circle estimate.
    pub estimated: bool,
    /// Dataset or formula.
    pub origin: String,
}

/// Users in one place.
#[derive(Clone, Debug)]
pub struct UserGroup {
    /// Name in the file; the entity key of its draws.
    pub name: String,
    /// City for tables.
    pub city: String,
    /// IANA time zone.
    pub zone: String,
    /// Where they are.
    pub place: LatLon,
    /// The same in the words of name services.
    pub location: Location,
    /// Share of all sessions, 0 to 1.
    pub share: f64,
    /// Index into [`super::Scenario::residency`].
    pub residency: Option<usize>,
}

/// Where the data of some users may be processed.
#[derive(Clone, Debug)]
pub struct Residency {
    /// Name in the file.
    pub name: String,
    /// Legal places, one flag per [`super::Scenario::places`] entry. Applications and deployments alike.
    pub legal: Vec<bool>,
}
