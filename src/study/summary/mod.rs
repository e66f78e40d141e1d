//! From a merged record to the figures of the reports: rows for people, and one flat map of metrics for objectives.

mod cost;
mod metrics;
mod rows;
mod timeline;
mod users;

use super::billing::Prices;
use super::result::{IntervalRow, ObjectiveRow, TopologyResult};
use crate::cost::Bill;
use crate::scenario::model::{Scenario, Topology};
use crate::units::Money;
use crate::world::Record;
use std::collections::BTreeMap;

/// One topology's record and its bill.
pub struct Measured<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Position of the topology.
    pub index: usize,
    /// All replications.
    pub record: &'a Record,
    /// Their bill.
    pub bill: Bill,
}

impl<'a> Measured<'a> {
    /// Prices a record.
    pub fn new(scenario: &'a Scenario, index: usize, record: &'a Record) -> Measured<'a> {
        let bill = Prices::new(scenario, &scenario.topologies[index]).bill(record);
        Measured { scenario, index, record, bill }
    }

    fn topology(&self) -> &'a Topology {
        &self.scenario.topologies[self.index]
    }

    /// Money per replication, in dollars.
    fn usd(&self, m: Money) -> f64 {
        m.as_dollars_f64() / f64::from(self.record.replications)
    }

    /// Everything the reports show.
    pub fn result(&self, baseline: &Measured<'_>, intervals: BTreeMap<String, IntervalRow>) -> TopologyResult {
        let users = self.users(baseline);
        let regions = self.regions();
        let incidents = self.incidents();
        let cost = self.cost(baseline);
        let metrics = self.metrics(&users, &incidents, &cost);
        let objectives = self.scenario.objectives.iter().map(|o| {
            let value = metrics.get(&o.metric().to_string()).copied().flatten();
            ObjectiveRow { objective: o.to_string(), value, met: value.is_some_and(|v| o.check(v)) }
        });
        TopologyResult {
            name: self.topology().name.clone(),
            is_baseline: self.index == self.scenario.baseline,
            objectives: objectives.collect(),
            metrics,
            intervals,
            regions,
            users,
            errors: self.errors(),
            incidents,
            cost,
            deployments: self.deployments(),
            timeline: self.timeline(),
            distributions: self.distributions(),
            events: self.record.events,
            turns: self.record.turns,
        }
    }

    /// The metrics alone.
    pub fn metrics_only(&self, baseline: &Measured<'_>) -> BTreeMap<String, Option<f64>> {
        self.metrics(&self.users(baseline), &self.incidents(), &self.cost(baseline))
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
