//! What became of each objective: the value and its interval against the limit, and the reason where there is no value.
//!
//! With one replication the value decides. With several, the 95 % interval over replications does: an objective is met
//! or missed when all of it is on one side of the limit, and inconclusive otherwise.

use super::incidents::NO_TARGET;
use super::result::{ObjectiveRow, ObjectiveVerdict as Verdict};
use super::samples::Samples;
use super::summary::Measured;
use crate::measure::{MetricRef, Objective, Op, Selector, Verdict as Judged};
use crate::units::Span;
use crate::world::watch::MOST;
use std::collections::BTreeMap;

/// Why no write was lost and none kept.
const NO_SURVIVOR: &str = "no region survived: writes were unavailable, not lost";

/// Judges the objectives of a scenario in one topology.
pub struct Judge<'a> {
    /// The topology.
    pub measured: &'a Measured<'a>,
    /// Its metrics, of all replications together.
    pub metrics: &'a BTreeMap<String, Option<f64>>,
    /// The same, replication by replication.
    pub samples: &'a Samples,
}

impl Judge<'_> {
    /// One row per objective, in the order of the file.
    pub fn rows(&self) -> Vec<ObjectiveRow> {
        self.measured.scenario.objectives.iter().map(|o| self.row(o)).collect()
    }

    fn row(&self, objective: &Objective) -> ObjectiveRow {
        let name = objective.metric().to_string();
        let value = self.metrics.get(&name).copied().flatten();
        let replications = self.measured.record.replications;
        let with_value = self.samples.values(&name).len() as u32;
        let interval = if replications > 1 { self.samples.interval(&name) } else { None };
        let (verdict, note) = match (value, &interval) {
            (None, _) => self.absent(objective, &name),
            (Some(v), None) if replications == 1 => (point(objective, v), None),
            (Some(_), Some(i)) if with_value == replications => (judged(objective.judge(i)), None),
            (Some(_), _) => {
                let without = replications - with_value;
                (Verdict::Inconclusive, Some(format!("no value in {without} of {replications} replications")))
            }
        };
        let interval = interval.map(Into::into);
        ObjectiveRow { objective: objective.to_string(), value, interval, verdict, met: verdict == Verdict::Met, note }
    }

    /// The verdict on a metric that had no value in any replication, and why it had none.
    fn absent(&self, objective: &Objective, name: &str) -> (Verdict, Option<String>) {
        let metric = objective.metric();
        if let Some(incident) = metric.selector(Selector::Incident) {
            return self.absent_incident(objective, metric, incident);
        }
        let why = match metric.selector(Selector::Region) {
            Some(region) if !self.metrics.contains_key(name) => format!("this topology has nothing in {region}"),
            _ if metric.def().name == "writes_lost" => NO_SURVIVOR.to_owned(),
            _ => "there was no sample".to_owned(),
        };
        (Verdict::NotMeasured, Some(why))
    }

    fn absent_incident(&self, objective: &Objective, metric: &MetricRef, incident: &str) -> (Verdict, Option<String>) {
        let Measured { scenario, record, incidents, .. } = self.measured;
        if let Some(row) = incidents.iter().find(|i| i.name == incident) {
            if row.target == NO_TARGET {
                return (Verdict::NotMeasured, Some(format!("the fault hits {NO_TARGET}")));
            }
            let (verdict, what) = match metric.def().name {
                "incident.detected_s" => {
                    (later_than(objective, row.watched_s), "nothing took the target out of service")
                }
                "incident.over_s" => (later_than(objective, row.watched_s), "users were still affected at the end"),
                "incident.writes_lost" => return (Verdict::NotMeasured, Some(NO_SURVIVOR.to_owned())),
                _ => (Verdict::NotMeasured, "traffic did not move so far and stay away, or was too thin to tell"),
            };
            let record = Span::from_secs_f64(row.watched_s.round());
            return (verdict, Some(format!("{what}; the record of the incident ends {record} after its start")));
        }
        let fault = scenario.faults.iter().position(|f| f.name == incident);
        let why = match fault.and_then(|f| record.unwatched.get(f)) {
            Some(&n) if n > 0 => format!("its occurrence is none of the {MOST} that a run looks closely at"),
            _ => "it did not strike in the time that counts, or for the first time in the warm-up".to_owned(),
        };
        (Verdict::NotMeasured, Some(why))
    }
}

/// The verdict on a time that is only known to be later than this.
fn later_than(objective: &Objective, time_s: f64) -> Verdict {
    let upper_limit = matches!(objective.op(), Op::Less | Op::LessOrEqual);
    match (objective.check(time_s), upper_limit) {
        (false, true) => Verdict::Missed,
        (true, false) => Verdict::Met,
        _ => Verdict::NotMeasured,
    }
}

/// The verdict of a single value.
fn point(objective: &Objective, value: f64) -> Verdict {
    if objective.check(value) { Verdict::Met } else { Verdict::Missed }
}

fn judged(verdict: Judged) -> Verdict {
    match verdict {
        Judged::Met => Verdict::Met,
        Judged::Missed => Verdict::Missed,
        Judged::Inconclusive => Verdict::Inconclusive,
    }
}
