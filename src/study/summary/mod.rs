//! From a merged record to the figures of the reports: rows for people, and one flat map of metrics for objectives.

mod cost;
mod metrics;
mod rows;
mod timeline;
mod users;

pub(super) use metrics::multipliers;

use super::billing::Prices;
use super::incidents::{self, Totals};
use super::objectives::Judge;
use super::result::{IncidentRow, TopologyResult};
use super::samples::Samples;
use crate::cost::{Bill, Multipliers};
use crate::scenario::model::{Scenario, Topology};
use crate::units::{GroupIx, Money};
use crate::world::Record;

/// One topology's record, its bill and its incidents.
pub struct Measured<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Position of the topology.
    pub index: usize,
    /// One replication, or all of them merged.
    pub record: &'a Record,
    /// Its bill.
    pub bill: Bill,
    /// What each fault did.
    pub incidents: Vec<IncidentRow>,
}

impl<'a> Measured<'a> {
    /// Prices a record and works out its incidents from its watches.
    pub fn new(scenario: &'a Scenario, index: usize, record: &'a Record) -> Measured<'a> {
        let mut incidents = Totals::default();
        incidents.add(incidents::rows(scenario, &scenario.topologies[index], &record.watches));
        Measured::merged(scenario, index, record, incidents.rows())
    }

    /// The same where the incidents are known already.
    pub(super) fn merged(
        scenario: &'a Scenario,
        index: usize,
        record: &'a Record,
        incidents: Vec<IncidentRow>,
    ) -> Measured<'a> {
        let bill = Prices::new(scenario, &scenario.topologies[index]).bill(record);
        Measured { scenario, index, record, bill, incidents }
    }

    fn topology(&self) -> &'a Topology {
        &self.scenario.topologies[self.index]
    }

    /// The bill for what multipliers need of it.
    pub(super) fn priced(&self) -> Priced<'_> {
        Priced { bill: &self.bill, replications: self.record.replications }
    }

    /// Money per replication, in dollars.
    fn usd(&self, m: Money) -> f64 {
        self.priced().usd(m)
    }

    /// Everything the reports show.
    pub(super) fn result(&self, baseline: Priced<'_>, samples: &Samples) -> TopologyResult {
        let mut metrics = self.own_metrics();
        metrics.extend(self.multipliers(baseline));
        let objectives = Judge { measured: self, metrics: &metrics, samples }.rows();
        TopologyResult {
            name: self.topology().name.clone(),
            is_baseline: self.index == self.scenario.baseline,
            objectives,
            metrics,
            intervals: samples.intervals(),
            regions: self.regions(),
            users: self.users(baseline),
            errors: self.errors(),
            incidents: self.incidents.clone(),
            incidents_not_shown: self.record.unwatched.iter().sum(),
            cost: self.cost(baseline),
            deployments: self.deployments(),
            fleets: self.fleets(),
            timeline: self.timeline(),
            distributions: self.distributions(),
            events: self.record.events,
            turns: self.record.turns,
        }
    }
}

/// A bill and the number of replications that it covers: what multipliers compare.
#[derive(Clone, Copy)]
pub(super) struct Priced<'a> {
    pub bill: &'a Bill,
    pub replications: u32,
}

impl Priced<'_> {
    /// Money per replication, in dollars.
    fn usd(self, m: Money) -> f64 {
        m.as_dollars_f64() / f64::from(self.replications)
    }

    /// What some users cost per replication, in dollars; all of them without a group.
    fn of_users(self, group: Option<GroupIx>) -> f64 {
        self.usd(group.map_or(self.bill.total(), |g| self.bill.sum_of_group(g, |_| true)))
    }

    /// How many times the baseline some users cost.
    fn multiplier(self, baseline: Priced<'_>, group: Option<GroupIx>) -> Option<f64> {
        let (own, baseline) = (self.of_users(group), baseline.of_users(group));
        (baseline > 0.0).then(|| own / baseline)
    }

    /// How many times the baseline the parts of the bill cost.
    fn multipliers(self, baseline: Priced<'_>) -> Multipliers {
        let m = self.bill.multipliers(baseline.bill);
        let scale = f64::from(baseline.replications) / f64::from(self.replications);
        let scaled = |m: Option<f64>| m.map(|m| m * scale);
        Multipliers { total: scaled(m.total), infrastructure: scaled(m.infrastructure), tokens: scaled(m.tokens) }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
