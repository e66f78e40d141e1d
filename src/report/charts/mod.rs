//! Charts as SVG: what a person looks at before reading any table.
//!
//! Every chart has a title, axes with units, a legend and, over time, the windows of the faults. Colours are the palette
//! of Okabe and Ito ("Color Universal Design", 2008), which people with any common colour vision can tell apart. The
//! bytes depend on the result alone: logarithms come from `libm` and text is never measured with a font of the machine.

mod availability;
mod axes;
mod canvas;
mod cost;
mod distribution;
mod latency;
mod traffic;

use crate::study::result::{RunResult, TopologyResult};
use std::io;

/// A chart: file name and SVG text.
pub type Chart = (&'static str, String);

/// The charts of one topology: `latency.svg`, `traffic.svg` and `distribution.svg`.
///
/// # Errors
/// When the scenario's start is no RFC 3339 instant, or the drawing backend fails.
pub fn of_topology(run: &RunResult, topology: &TopologyResult) -> io::Result<Vec<Chart>> {
    Ok(vec![
        ("latency.svg", latency::draw(run, topology)?),
        ("traffic.svg", traffic::draw(run, topology)?),
        ("distribution.svg", distribution::of_topology(run, topology)?),
    ])
}

/// The charts of the whole scenario: `comparison.svg`, `cost.svg` and `availability.svg`.
///
/// # Errors
/// When the scenario's start is no RFC 3339 instant, or the drawing backend fails.
pub fn of_run(run: &RunResult) -> io::Result<Vec<Chart>> {
    Ok(vec![
        ("comparison.svg", distribution::of_run(run)?),
        ("cost.svg", cost::draw(run)?),
        ("availability.svg", availability::draw(run)?),
    ])
}
