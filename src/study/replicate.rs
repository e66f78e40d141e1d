//! Every topology of a scenario in every replication, in parallel, and one result.
//!
//! Runs are independent and each is a pure function of (scenario, topology, seed, replication), so threads only decide
//! who computes what. Runs are begun in order, replication by replication (`ordered`), and what they leave behind is
//! folded in that order: records into one per topology, and a few numbers per replication for intervals. So memory does
//! not grow with replications but for those numbers, and a study that is stopped has its first replications, whole.

use super::incidents::{self, Totals};
use super::info::info;
use super::ordered::{self, Brake};
use super::result::{FORMAT_VERSION, IncidentRow, RunResult};
use super::samples::Samples;
use super::summary::{Measured, Priced, multipliers};
use crate::cost::Bill;
use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::world::{Record, Run};
use std::collections::BTreeMap;
use std::mem;
use std::ops::ControlFlow;

/// Hears of progress, from any thread.
pub trait Observer: Sync {
    /// A run has reached this share of its simulated time; 1 is heard exactly once, shortly before the run is finished.
    fn progress(&self, topology: usize, replication: u32, share: f64);
    /// True when everything should stop as soon as possible. Runs that have reached the end of their simulated time are
    /// finished all the same, and so is one for which as many finished ones wait as there are threads.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&self, _: usize, _: u32, _: f64) {}
}

/// What the finished replications of a scenario left behind.
pub struct Records {
    /// One per topology, in the order of the scenario.
    pub topologies: Vec<Merged>,
    /// Replications that were finished for every topology: the first ones.
    pub finished: u32,
    /// The observer stopped the study before all replications were finished.
    pub incomplete: bool,
}

/// All finished replications of one topology.
pub struct Merged {
    /// Their records added up. The detailed records around faults are not in it; what they say is in `incidents`.
    pub record: Record,
    /// What each fault did.
    pub incidents: Vec<IncidentRow>,
    /// Metrics replication by replication; empty if there was to be only one.
    pub samples: Samples,
}

/// Runs every topology in every replication, on as many threads as the present rayon pool has. `None` if the study was
/// stopped before one replication was complete.
///
/// # Panics
/// When an invariant is broken in a run.
pub fn records(scenario: &Scenario, observer: &impl Observer) -> Option<Records> {
    let topologies = scenario.topologies.len();
    let jobs = scenario.replications as usize * topologies;
    let mut fold = Fold::new(scenario);
    let work = |job: usize, brake: Brake<'_>| {
        let (replication, topology) = ((job / topologies) as u32, job % topologies);
        let mut run = Run::new(scenario, topology, Seed { seed: scenario.seed, replication });
        let finished = run.advance(&mut |share| {
            observer.progress(topology, replication, share);
            if share < 1.0 && brake(observer.stop()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        finished.ok().map(|()| Finished::new(scenario, topology, run.finish()))
    };
    ordered::run(jobs, rayon::current_num_threads(), work, |_, finished| fold.add(finished));
    fold.end()
}

/// Runs a scenario and works out everything the reports show. `None` if it was stopped before one replication was
/// complete.
pub fn run(scenario: &Scenario, observer: &impl Observer) -> Option<RunResult> {
    records(scenario, observer).map(|records| result(scenario, &records))
}

/// The figures of finished records.
pub fn result(scenario: &Scenario, records: &Records) -> RunResult {
    let topologies = records.topologies.iter().enumerate();
    let measured: Vec<Measured<'_>> =
        topologies.map(|(t, m)| Measured::merged(scenario, t, &m.record, m.incidents.clone())).collect();
    let baseline = measured[scenario.baseline].priced();
    let results = measured.iter().zip(&records.topologies).map(|(m, merged)| m.result(baseline, &merged.samples));
    RunResult {
        format_version: FORMAT_VERSION,
        geodes_version: env!("CARGO_PKG_VERSION"),
        scenario: info(scenario, records.finished),
        topologies: results.collect(),
        incomplete: records.incomplete,
    }
}

/// What a run leaves behind, as far as it can be worked out from this run alone: the part that takes time and does not
/// have to wait for its turn.
struct Finished {
    record: Record,
    bill: Bill,
    incidents: Vec<IncidentRow>,
    metrics: BTreeMap<String, Option<f64>>,
}

impl Finished {
    fn new(scenario: &Scenario, topology: usize, mut record: Record) -> Finished {
        let watches = mem::take(&mut record.watches);
        let incidents = incidents::rows(scenario, &scenario.topologies[topology], &watches);
        let measured = Measured::merged(scenario, topology, &record, incidents);
        let metrics = if scenario.replications > 1 { measured.own_metrics() } else { BTreeMap::new() };
        let Measured { bill, incidents, .. } = measured;
        Finished { record, bill, incidents, metrics }
    }

    fn priced(&self) -> Priced<'_> {
        Priced { bill: &self.bill, replications: 1 }
    }
}

/// Takes finished runs in order: replication by replication, and within one topology by topology.
struct Fold<'a> {
    scenario: &'a Scenario,
    /// The runs of the replication that is not complete yet.
    round: Vec<Finished>,
    /// Per topology, once a replication was complete.
    whole: Vec<Whole>,
    finished: u32,
}

struct Whole {
    record: Record,
    incidents: Totals,
    samples: Samples,
}

impl<'a> Fold<'a> {
    fn new(scenario: &'a Scenario) -> Fold<'a> {
        Fold { scenario, round: Vec::new(), whole: Vec::new(), finished: 0 }
    }

    fn add(&mut self, run: Finished) {
        self.round.push(run);
        if self.round.len() == self.scenario.topologies.len() {
            self.replication();
        }
    }

    /// Folds a complete replication. Multipliers compare a topology with the baseline in the same replication.
    fn replication(&mut self) {
        let mut round = mem::take(&mut self.round);
        if self.scenario.replications > 1 {
            let against =
                |run: &Finished| multipliers(self.scenario, run.priced(), round[self.scenario.baseline].priced());
            let multipliers: Vec<_> = round.iter().map(against).collect();
            round.iter_mut().zip(multipliers).for_each(|(run, m)| run.metrics.extend(m));
        }
        for (t, run) in round.into_iter().enumerate() {
            let whole = match self.whole.get_mut(t) {
                Some(whole) => {
                    whole.record.merge(&run.record);
                    whole
                }
                None => {
                    let samples = Samples::new(self.scenario);
                    self.whole.push(Whole { record: run.record, incidents: Totals::default(), samples });
                    self.whole.last_mut().expect("just pushed")
                }
            };
            whole.incidents.add(run.incidents);
            whole.samples.add(run.metrics);
        }
        self.finished += 1;
    }

    fn end(self) -> Option<Records> {
        if self.finished == 0 {
            return None;
        }
        let merged = |w: Whole| Merged { record: w.record, incidents: w.incidents.rows(), samples: w.samples };
        Some(Records {
            topologies: self.whole.into_iter().map(merged).collect(),
            finished: self.finished,
            incomplete: self.finished < self.scenario.replications,
        })
    }
}
