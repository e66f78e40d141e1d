//! Units: time, money, tokens, rates, identifiers and coordinates. The ground floor: every other room stands on it.

mod geo;
mod ids;
mod money;
mod quantity;
mod time;

pub use geo::{Continent, LatLon, great_circle_km};
pub use ids::{DeploymentIx, GroupIx, ModelIx, ProviderIx, RegionIx};
pub use money::{Money, Price, PriceError};
pub use quantity::{
    HOURS_PER_MONTH, PerNanos, QuantityError, parse_count_rate, parse_duration, parse_money_per,
    parse_percent_or_fraction, parse_tokens,
};
pub use time::{Span, Time};
