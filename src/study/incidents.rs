//! What each fault did to the users: from the second-by-second record around it.

use crate::measure::interval::CompensatedSum;
use crate::measure::shift::{ShiftRule, analyse};
use crate::routing::outcome::ErrorClass;
use crate::scenario::model::{Dependency, FaultWhat, Scenario, Topology};
use crate::study::over::over;
use crate::study::result::IncidentRow;
use crate::units::{Span, Time};
use crate::world::Target;
use crate::world::watch::{STEP, Watch};

/// The target of a fault that hits nothing.
pub const NO_TARGET: &str = "nothing this topology uses";

/// The rows of the watched occurrences of one run, in order of time.
pub fn rows(scenario: &Scenario, topology: &Topology, watches: &[Watch]) -> Vec<IncidentRow> {
    let start = Time(scenario.warmup.nanos());
    watches.iter().map(|w| row(scenario, topology, w, start)).collect()
}

/// The row of one watched occurrence. `start` is the end of the warm-up.
fn row(scenario: &Scenario, topology: &Topology, watch: &Watch, start: Time) -> IncidentRow {
    let o = watch.occurrence;
    let fault = &scenario.faults[usize::from(o.fault)];
    let after = |t: Time| t.since(o.begins).as_secs_f64();
    let shift = analyse(&watch.to_any, &watch.to_target, o.begins, Some(o.ends), ShiftRule::default());
    let moment = |m: Option<crate::measure::Moment>| m.map(|m| m.after.as_secs_f64());
    let over = over(watch);
    let until = over.map_or(watch.until, |t| t.max(o.ends)).min(watch.until);
    let mut ends = watch.in_flight;
    let mut t = o.begins;
    while t < until {
        ends.add(&watch.at(t));
        t += STEP;
    }
    IncidentRow {
        name: if o.number == 0 { fault.name.clone() } else { format!("{} #{}", fault.name, o.number + 1) },
        what: describe(scenario, &fault.what),
        target: target(scenario, topology, &fault.what),
        at_s: o.begins.since(start).as_secs_f64(),
        lasted_s: after(o.ends),
        watched_s: after(watch.until),
        detected_s: watch.detected.map(after),
        moved_half_s: shift.and_then(|s| moment(s.moved_half)),
        // the two levels are found in windows of different lengths: the later one cannot come first
        moved_99_s: shift.and_then(|s| {
            let half = s.moved_half.map_or(Span::ZERO, |m| m.after);
            s.moved_99.map(|m| m.after.max(half).as_secs_f64())
        }),
        over_s: over.map(after),
        failed: ends.failed,
        slow: ends.slow,
        degraded: ends.degraded,
        stale_reads: ends.stale,
        writes_lost: watch.writes_lost,
        requests: ends.requests,
    }
}

/// Incidents over replications: times are means over the replications in which they happened (at all, if in some they
/// did not), counts are totals, as everywhere.
#[derive(Default)]
pub struct Totals(Vec<Total>);

impl Totals {
    /// Adds the rows of one more replication.
    pub fn add(&mut self, rows: Vec<IncidentRow>) {
        for row in rows {
            match self.0.iter_mut().find(|t| t.row.name == row.name) {
                Some(total) => total.add(&row),
                None => self.0.push(Total::new(row)),
            }
        }
    }

    /// One row per incident, in the order in which they were first added.
    pub fn rows(&self) -> Vec<IncidentRow> {
        self.0.iter().map(Total::row).collect()
    }
}

/// One incident.
struct Total {
    /// Names of the first replication that had it, counts of all, the shortest record.
    row: IncidentRow,
    at: Mean,
    lasted: Mean,
    detected: Mean,
    moved_half: Mean,
    moved_99: Mean,
    over: Mean,
}

impl Total {
    fn new(row: IncidentRow) -> Total {
        Total {
            at: Mean::of(Some(row.at_s)),
            lasted: Mean::of(Some(row.lasted_s)),
            detected: Mean::of(row.detected_s),
            moved_half: Mean::of(row.moved_half_s),
            moved_99: Mean::of(row.moved_99_s),
            over: Mean::of(row.over_s),
            row,
        }
    }

    fn add(&mut self, row: &IncidentRow) {
        self.at.add(Some(row.at_s));
        self.lasted.add(Some(row.lasted_s));
        self.detected.add(row.detected_s);
        self.moved_half.add(row.moved_half_s);
        self.moved_99.add(row.moved_99_s);
        self.over.add(row.over_s);
        let sum = &mut self.row;
        sum.watched_s = sum.watched_s.min(row.watched_s);
        sum.failed += row.failed;
        sum.slow += row.slow;
        sum.degraded += row.degraded;
        sum.stale_reads += row.stale_reads;
        sum.writes_lost = match (sum.writes_lost, row.writes_lost) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b), // lost in those replications in which a region survived
        };
        sum.requests += row.requests;
    }

    fn row(&self) -> IncidentRow {
        IncidentRow {
            at_s: self.at.value().expect("every occurrence has a time"),
            lasted_s: self.lasted.value().expect("every occurrence has a length"),
            detected_s: self.detected.value(),
            moved_half_s: self.moved_half.value(),
            moved_99_s: self.moved_99.value(),
            over_s: self.over.value(),
            ..self.row.clone()
        }
    }
}

/// The mean of what there was, folded in the order of the replications.
#[derive(Default)]
struct Mean {
    sum: CompensatedSum,
    n: u32,
}

impl Mean {
    fn of(value: Option<f64>) -> Mean {
        let mut mean = Mean::default();
        mean.add(value);
        mean
    }
    fn add(&mut self, value: Option<f64>) {
        if let Some(v) = value {
            self.sum.add(v);
            self.n += 1;
        }
    }
    fn value(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum.value() / f64::from(self.n))
    }
}

fn describe(scenario: &Scenario, what: &FaultWhat) -> String {
    match what {
        FaultWhat::RegionDown { .. } => "region down".to_owned(),
        FaultWhat::DependencyDown { dependency: Dependency::Database, .. } => "database down".to_owned(),
        FaultWhat::DependencyDown { dependency: Dependency::Cache, .. } => "cache down".to_owned(),
        FaultWhat::ProviderDown { deployments, error: ErrorClass::Unavailable } => {
            format!("{} down", providers(scenario, deployments))
        }
        FaultWhat::ProviderDown { deployments, error } => {
            format!("{} refuses everything with {}", providers(scenario, deployments), error.name())
        }
        FaultWhat::SpotWithdrawn { deployment, zones } => {
            let d = &scenario.deployments[deployment.ix()];
            let of = |z: &usize| d.replicas.as_ref().map(|r| r.zones[*z].name.as_str());
            let zones: Vec<&str> = zones.iter().filter_map(of).collect();
            format!("spot instances of {} withdrawn in {}", d.name, zones.join(", "))
        }
        FaultWhat::ProviderBrownOut { deployments, slower, error_rate, error } => {
            let errors = errors(*error_rate, *error);
            format!("{} brown-out: {slower} times slower, {errors}", providers(scenario, deployments))
        }
    }
}

/// How many errors a brown-out adds, and which where they are not the usual 503.
pub fn errors(rate: f64, class: ErrorClass) -> String {
    match class {
        ErrorClass::Unavailable => format!("{} % errors", 100.0 * rate),
        class => format!("{} % errors ({})", 100.0 * rate, class.name()),
    }
}

fn providers(scenario: &Scenario, deployments: &[crate::units::DeploymentIx]) -> String {
    let mut names: Vec<&str> = deployments.iter().map(|d| scenario.deployments[d.ix()].provider.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// What traffic could move away from, by name.
fn target(scenario: &Scenario, topology: &Topology, what: &FaultWhat) -> String {
    let regions: Vec<_> = topology.regions.iter().map(|r| r.place).collect();
    let places: Vec<_> = scenario.deployments.iter().map(|d| d.place).collect();
    match Target::of(what, &regions, &places) {
        Target::Region(i) => scenario.places[regions[i].ix()].id.clone(),
        Target::Deployments(flags) => {
            let names = scenario.deployments.iter().zip(flags).filter(|(_, hit)| *hit).map(|(d, _)| d.name.as_str());
            names.collect::<Vec<_>>().join(", ")
        }
        Target::Replicas(d) if topology.fleets.iter().any(|f| f.on_spot() && f.deployments.contains(&d)) => {
            scenario.deployments[d.ix()].name.clone()
        }
        Target::Replicas(_) | Target::Nothing => NO_TARGET.to_owned(),
    }
}
