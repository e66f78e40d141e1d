//! Shipped data: regions, round trips, cities, prices, traces, rate shapes, incidents, latencies and quotas. Data only;
//! every row has a source with date and licence ([`sources`]), and every estimate says that it is one.
//!
//! The files are embedded in the binary and parsed once, when first asked for. `docs/data.md` lists the datasets, the
//! fits with their figures, and the assumptions.

mod city;
mod compute;
mod country;
mod egress;
mod fit;
mod incident;
mod latency;
mod origin;
mod quota;
mod region;
mod rtt;
mod shape;
mod size;
mod source;
mod table;
mod token_price;
mod trace;
mod us_state;
mod user;
mod zone;

pub use city::{City, CityError, cities, city};
pub use compute::{ComputePrice, Service, compute_price, compute_price_by_id, service_price};
pub use country::{Country, countries, country};
pub use egress::{Destination, EgressPrice, egress_price};
pub use fit::{DistanceLine, LogNormal, Z95, fit_distance_line, quantile};
pub use incident::{IncidentStats, all_incident_stats, incident_stats};
pub use latency::{LatencyPreset, ONE_SENTENCE_TOKENS, SEOUL_NETWORK_MS, TPOT_SPREAD, latency_preset, latency_presets};
pub use origin::PriceOrigin;
pub use quota::{Quota, quota, quotas};
pub use region::{CloudRegion, region, regions, suggest_region};
pub use rtt::{RTT_ESTIMATE, Rtt, RttDataset, RttOrigin, SAME_REGION_MS, rtt, rtt_directed};
pub use shape::{RateShape, SHAPES, rate_shape};
pub use size::{FitMethod, SizeFit, TokenLaw, size_fit, size_fits};
pub use source::{File, Source, notice, source, sources};
pub use token_price::{TokenPrice, suggest_token_price, token_price, token_prices};
pub use trace::{Summary, TRACES, Trace, TraceError, TraceFault, TraceRow, TraceStats, load_trace, trace};
pub use us_state::{US_STATES, us_state};
pub use user::{
    INTERNET_PATH, InternetPath, LAST_MILE_P50_MS, LAST_MILE_P95_MS, REGION_JITTER, USER_JITTER, UserRtt, last_mile,
    user_rtt,
};
pub use zone::{zone_names, zone_of};
