//! The catalogue as the validator needs it: base units, shared rows, and provenance as one line.

use crate::catalog::{self, CloudRegion, Destination};
use crate::scenario::model::{Egress, Service, Shape, TraceRows};
use crate::units::{Price, Span};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Id, publisher and date of a dataset.
pub fn provenance(id: &str) -> String {
    catalog::source(id).map_or_else(|| id.to_owned(), |s| format!("{}, {} ({})", s.id, s.date, s.origin))
}

/// Price of tokens.
pub struct TokenPriceRow {
    pub input: Price,
    pub output: Price,
    pub cached_input: Option<Price>,
    pub cache_write: Option<Price>,
    pub source: String,
    pub max_input: Option<u64>,
}

pub fn token_price(key: &str) -> Option<TokenPriceRow> {
    let p = catalog::token_price(key)?;
    Some(TokenPriceRow {
        input: p.input,
        output: p.output,
        cached_input: p.cached_input,
        // three rows of Azure state the price of reading in the column of writing, which costs nothing there
        cache_write: p.cache_write.filter(|_| p.cached_input.is_some()),
        source: format!("{key} in {}", provenance("token-prices")),
        max_input: p.max_input_tokens,
    })
}

/// Log-normal sizes: (median, 95th percentile) of input and output tokens.
pub struct Fit {
    pub input: (f64, f64),
    pub output: (f64, f64),
    pub source: String,
}

pub fn fit(name: &str) -> Option<Fit> {
    let f = catalog::size_fit(name)?;
    Some(Fit {
        input: (f.input.law.p50(), f.input.law.p95()),
        output: (f.output.law.p50(), f.output.law.p95()),
        source: format!("{name} in {}", provenance(f.source)),
    })
}

pub fn fit_names() -> Vec<&'static str> {
    catalog::size_fits().iter().map(|f| f.name.as_str()).collect()
}

/// Latency in seconds: (median, 95th percentile).
pub struct Preset {
    pub ttft: (f64, f64),
    pub per_output_token: (f64, f64),
    pub source: String,
}

pub fn preset(name: &str) -> Option<Preset> {
    let p = catalog::latency_preset(name)?;
    Some(Preset {
        ttft: (p.ttft_p50_ms * 1e-3, p.ttft_p95_ms * 1e-3),
        per_output_token: (p.tpot_p50_ms * 1e-3, p.tpot_p95_ms * 1e-3),
        source: format!("{}, {} requests from {} on {}; {}", p.source, p.requests, p.client, p.date, p.caveats),
    })
}

pub fn preset_names() -> Vec<&'static str> {
    catalog::latency_presets().iter().map(|p| p.name.as_str()).collect()
}

pub fn shape(name: &str) -> Option<Arc<Shape>> {
    let s = catalog::rate_shape(name)?;
    Some(Arc::new(Shape { name: s.name.to_owned(), step: s.step, weights: s.weights.clone() }))
}

fn rows(name: &str, trace: &catalog::Trace) -> Arc<TraceRows> {
    let rows = trace.rows.iter().map(|r| (r.arrival, r.input_tokens, r.output_tokens)).collect();
    Arc::new(TraceRows { name: name.to_owned(), rows })
}

pub fn trace(name: &str) -> Option<Arc<TraceRows>> {
    catalog::trace(name).map(|t| rows(name, t))
}

/// Largest trace file that is read: about 40 million rows.
const LARGEST_TRACE: u64 = 1 << 30;

/// A trace of the user's own, or why not.
pub fn trace_file(path: &Path) -> Result<Arc<TraceRows>, String> {
    let file = std::fs::File::open(path).map_err(|e| io(&e))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_TRACE + 1).read_to_end(&mut bytes).map_err(|e| io(&e))?;
    if bytes.len() as u64 > LARGEST_TRACE {
        return Err("it is larger than 1 GiB".to_owned());
    }
    let text =
        String::from_utf8(bytes).map_err(|e| format!("it is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))?;
    let trace = catalog::load_trace(&text).map_err(|e| e.to_string())?;
    let name = path.file_name().map_or_else(|| "trace".to_owned(), |n| n.to_string_lossy().into_owned());
    Ok(rows(&name, &trace))
}

/// An input error in words that are the same on every system.
pub fn io(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => e.to_string(),
    }
}

/// Nanoseconds of an hour.
const HOUR: u128 = 3_600_000_000_000;

/// Price, as written in a scenario, and where it comes from.
pub fn server_price(region: &CloudRegion) -> (Price, String, String) {
    let p = catalog::compute_price(region);
    (p.on_demand, hourly(p.on_demand), format!("one m5.large or its like, {}", p.origin))
}

/// Services of a region that nobody stated, each with its price as written.
pub fn services(region: &CloudRegion) -> Vec<(Service, String)> {
    use catalog::Service::{CacheNode, DatabaseNode, LoadBalancer};
    [("database", DatabaseNode), ("load balancer", LoadBalancer), ("cache", CacheNode)]
        .into_iter()
        .map(|(name, service)| {
            let (price, origin) = catalog::service_price(region, service);
            (Service { name: name.to_owned(), price, source: origin.to_string() }, hourly(price))
        })
        .collect()
}

/// `$0.096 / h`, rounded half to even to a hundred-thousandth of a dollar for display.
fn hourly(price: Price) -> String {
    let text = price.cost(HOUR).to_dollars_string(5);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("${text} / h")
}

/// Price and origin of data sent from a region to users, or to another region.
pub fn egress(from: &CloudRegion, to: Option<&CloudRegion>) -> Egress {
    let e = catalog::egress_price(from, to.map_or(Destination::Internet, Destination::Region));
    Egress { price: e.price, source: e.origin.to_string() }
}

/// Round trip between regions: time, whether it is an estimate, and where it comes from.
pub fn region_rtt(a: &CloudRegion, b: &CloudRegion) -> (Span, bool, String) {
    let r = catalog::rtt(a, b);
    (Span::from_millis_f64(r.ms), matches!(r.origin, catalog::RttOrigin::Estimated), r.origin.to_string())
}
