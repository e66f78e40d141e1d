//! CSV for spreadsheets and notebooks: one header line, one row per thing, plain numbers in the unit that the column
//! name ends in, an empty field where there was no sample.

use super::format::Clock;
use crate::measure::metric::ERROR_CLASSES;
use crate::study::result::{RunResult, TopologyResult};
use std::io;

/// Columns of [`timeline`].
pub const TIMELINE: &[&str] = &[
    "time_s",
    "time_utc",
    "region",
    "requests",
    "failed",
    "degraded",
    "slow",
    "traffic_share",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "e2e_p95_ms",
    "cost_usd",
];

/// Further columns of [`timeline`] where a deployment has a prompt cache.
pub const TIMELINE_OF_CACHES: &[&str] = &["input_tokens", "cached_input_tokens"];

/// Columns of [`users`] before the share of each region (`share_<region>`).
pub const USERS: &[&str] = &[
    "users",
    "requests",
    "failed",
    "ttft_mean_ms",
    "ttft_p50_ms",
    "ttft_p95_ms",
    "ttft_p99_ms",
    "ttft_max_ms",
    "e2e_mean_ms",
    "e2e_p50_ms",
    "e2e_p95_ms",
    "e2e_p99_ms",
    "e2e_max_ms",
    "availability",
    "fallback_share",
    "degraded_share",
    "cross_region_share",
    "slow_share",
    "stale_reads",
    "cost_usd",
    "cost_per_1k_usd",
    "cost_per_1k_served_usd",
    "cost_multiplier",
];

/// Columns of [`incidents`]. Times except `at_s` count from the start of the fault.
pub const INCIDENTS: &[&str] = &[
    "incident",
    "what",
    "target",
    "at_s",
    "at_utc",
    "lasted_s",
    "detected_s",
    "moved_half_s",
    "moved_99_s",
    "over_s",
    "requests",
    "failed",
    "slow",
    "degraded",
    "stale_reads",
    "writes_lost",
];

/// Columns of [`bill`].
pub const BILL: &[&str] = &["category", "item", "region", "quantity", "unit", "price", "amount_usd", "source"];

/// Per-interval figures of one topology: for each interval, the whole topology (`all`) and then each region. `time_s` is
/// the start of the interval in seconds after the start of the horizon.
///
/// # Errors
/// When the scenario's start is no RFC 3339 instant.
pub fn timeline(run: &RunResult, topology: &TopologyResult) -> io::Result<String> {
    let clock = clock(run)?;
    let caches = topology.timeline.iter().flat_map(|s| &s.cells).any(|c| c.input_tokens.is_some());
    let more = if caches { TIMELINE_OF_CACHES } else { &[] };
    let header: Vec<&str> = TIMELINE.iter().chain(more).copied().collect();
    let mut out = Sheet::new(&header)?;
    let intervals = topology.timeline.iter().map(|s| s.cells.len()).max().unwrap_or(0);
    for i in 0..intervals {
        for series in &topology.timeline {
            let Some(c) = series.cells.get(i) else { continue };
            let at = micros(i as f64 * series.interval_s);
            let mut row = vec![
                plain(at),
                clock.rfc3339(at),
                series.region.clone(),
                c.requests.to_string(),
                c.failed.to_string(),
                c.degraded.to_string(),
                c.slow.to_string(),
                optional(c.traffic_share),
                optional(c.ttft_p50_ms),
                optional(c.ttft_p95_ms),
                optional(c.e2e_p95_ms),
                plain(c.cost_usd),
            ];
            if caches {
                let (input, cached) = c.input_tokens.unwrap_or_default();
                row.extend([input, cached].map(|n| n.to_string()));
            }
            out.row(&row)?;
        }
    }
    out.finish()
}

/// What each group of users felt and cost; the first row is everybody (`all`).
///
/// # Errors
/// When the table cannot be written, which does not happen in memory.
pub fn users(topology: &TopologyResult) -> io::Result<String> {
    let shares: Vec<String> = topology.regions.iter().map(|r| format!("share_{}", r.region)).collect();
    let errors: Vec<String> = ERROR_CLASSES.iter().map(|class| format!("errors_{class}")).collect();
    let header = USERS.iter().copied().chain(shares.iter().chain(&errors).map(String::as_str));
    let header: Vec<&str> = header.collect();
    let mut out = Sheet::new(&header)?;
    for u in &topology.users {
        let (t, e) = (u.ttft_ms, u.e2e_ms);
        let mut row = vec![u.users.clone(), u.requests.to_string(), u.failed.to_string()];
        row.extend([t.mean, t.p50, t.p95, t.p99, t.max, e.mean, e.p50, e.p95, e.p99, e.max].map(optional));
        row.extend(
            [u.availability, u.fallback_share, u.degraded_share, u.cross_region_share, u.slow_share].map(optional),
        );
        row.extend([u.stale_reads.to_string(), plain(u.cost_usd)]);
        row.extend([u.cost_per_1k_usd, u.cost_per_1k_served_usd, u.cost_multiplier].map(optional));
        row.extend((0..shares.len()).map(|i| optional(u.region_shares.get(i).copied().flatten())));
        row.extend(ERROR_CLASSES.iter().map(|class| u.errors.get(*class).copied().unwrap_or(0).to_string()));
        out.row(&row)?;
    }
    out.finish()
}

/// What each fault did.
///
/// # Errors
/// When the scenario's start is no RFC 3339 instant.
pub fn incidents(run: &RunResult, topology: &TopologyResult) -> io::Result<String> {
    let clock = clock(run)?;
    let mut out = Sheet::new(INCIDENTS)?;
    for i in &topology.incidents {
        let mut row =
            vec![i.name.clone(), i.what.clone(), i.target.clone(), plain(micros(i.at_s)), clock.rfc3339(i.at_s)];
        row.push(plain(micros(i.lasted_s)));
        row.extend([i.detected_s, i.moved_half_s, i.moved_99_s, i.over_s].map(|s| optional(s.map(micros))));
        row.extend([i.requests, i.failed, i.slow, i.degraded, i.stale_reads].map(|n| n.to_string()));
        row.push(i.writes_lost.map_or_else(String::new, |n| n.to_string()));
        out.row(&row)?;
    }
    out.finish()
}

/// Every line of the bill, largest first, with its price and where that comes from.
///
/// # Errors
/// When the table cannot be written, which does not happen in memory.
pub fn bill(topology: &TopologyResult) -> io::Result<String> {
    let mut out = Sheet::new(BILL)?;
    for l in &topology.cost.lines {
        out.row(&[
            l.category.clone(),
            l.item.clone(),
            l.region.clone(),
            plain(l.quantity),
            l.unit.clone(),
            l.price.clone(),
            plain(l.amount_usd),
            l.source.clone(),
        ])?;
    }
    out.finish()
}

/// A CSV document in memory.
pub(super) struct Sheet(::csv::Writer<Vec<u8>>);

impl Sheet {
    pub fn new(header: &[&str]) -> io::Result<Sheet> {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(header)?;
        Ok(Sheet(writer))
    }

    pub fn row(&mut self, fields: &[String]) -> io::Result<()> {
        Ok(self.0.write_record(fields)?)
    }

    pub fn finish(self) -> io::Result<String> {
        let bytes = self.0.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// The shortest decimal that reads back as the same number; empty when it is not finite.
pub(super) fn plain(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { String::new() }
}

pub(super) fn optional(x: Option<f64>) -> String {
    x.map(plain).unwrap_or_default()
}

/// Seconds to the microsecond: nanoseconds turned into seconds carry a tail of digits that mean nothing.
fn micros(s: f64) -> f64 {
    (s * 1e6).round() / 1e6
}

fn clock(run: &RunResult) -> io::Result<Clock> {
    Clock::new(&run.scenario.start).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
