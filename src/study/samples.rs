//! One number per metric and replication: what intervals over replications rest on, and all that is kept of a
//! replication besides its part of the merged record.

use super::result::IntervalRow;
use crate::measure::interval::{Interval, mean_interval};
use crate::scenario::model::Scenario;
use std::collections::{BTreeMap, BTreeSet};

/// Confidence of every interval that a result carries.
pub const CONFIDENCE: f64 = 0.95;

/// Values of one topology's metrics, replication by replication: those of all users and those that objectives name.
#[derive(Clone, Debug)]
pub struct Samples {
    wanted: BTreeSet<String>,
    values: BTreeMap<String, Vec<f64>>,
    replications: u32,
}

impl Samples {
    /// Without any replication.
    pub(super) fn new(scenario: &Scenario) -> Samples {
        let wanted = scenario.objectives.iter().map(|o| o.metric().to_string()).collect();
        Samples { wanted, values: BTreeMap::new(), replications: 0 }
    }

    /// Adds the metrics of the next replication.
    pub(super) fn add(&mut self, metrics: BTreeMap<String, Option<f64>>) {
        self.replications += 1;
        for (name, value) in metrics {
            if let (Some(v), true) = (value, !name.contains('{') || self.wanted.contains(&name)) {
                self.values.entry(name).or_default().push(v);
            }
        }
    }

    /// Replications so far.
    pub fn replications(&self) -> u32 {
        self.replications
    }

    /// The values of a metric in the order of replications, without those replications in which it had none.
    pub fn values(&self, metric: &str) -> &[f64] {
        self.values.get(metric).map_or(&[], Vec::as_slice)
    }

    /// The 95 % interval (Student's t) of a metric over the replications that had a value; `None` with fewer than two.
    pub fn interval(&self, metric: &str) -> Option<Interval> {
        mean_interval(self.values(metric), CONFIDENCE)
    }

    /// All intervals.
    pub(super) fn intervals(&self) -> BTreeMap<String, IntervalRow> {
        self.values.keys().filter_map(|name| Some((name.clone(), self.interval(name)?.into()))).collect()
    }
}

impl From<Interval> for IntervalRow {
    fn from(i: Interval) -> IntervalRow {
        IntervalRow { mean: i.mean, low: i.low(), high: i.high(), replications: i.n as u32 }
    }
}
