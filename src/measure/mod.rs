//! What is measured and what the numbers mean: histograms and series of integers that merge exactly, one list of metric
//! names, objectives, confidence intervals, and the analysis of incidents. `docs/metrics.md` is the page for readers.

mod buckets;
mod coarse;
pub mod distribution;
mod histogram;
pub mod interval;
pub mod metric;
mod objective;
pub mod shift;
pub mod steady;
mod timeline;

pub use buckets::{Bucket, CdfPoint};
pub use coarse::CoarseHistogram;
pub use histogram::Histogram;
pub use interval::{Interval, ProportionInterval};
pub use metric::{KnownNames, MetricDef, MetricError, MetricRef, Selector, Stat, Unit, suggest};
pub use objective::{Objective, ObjectiveError, Op, Verdict};
pub use shift::{Moment, Shift, ShiftRule};
pub use timeline::{Counts, Merge, Timeline};
