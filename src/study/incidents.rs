//! What each fault did to the users: from the second-by-second record around it.

use crate::measure::interval::CompensatedSum;
use crate::measure::shift::{ShiftRule, analyse};
use crate::scenario::model::{Dependency, FaultWhat, Scenario, Topology};
use crate::study::result::IncidentRow;
use crate::units::{Span, Time};
use crate::world::Target;
use crate::world::watch::{BEFORE, STEP, Watch};

/// Window in which "users are affected" is judged.
/// ASSUMPTION: a minute holds enough requests of a small service to see one bad answer in a hundred.
const WINDOW: usize = 60;

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
    let sum = |counts: &crate::measure::Counts| -> u64 {
        let mut t = o.begins;
        let mut total = 0;
        while t < until {
            total += counts.at(t);
            t += STEP;
        }
        total
    };
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
        failed: sum(&watch.failed) + watch.broken,
        slow: sum(&watch.slow),
        degraded: sum(&watch.degraded),
        stale_reads: sum(&watch.stale),
        writes_lost: watch.writes_lost,
        requests: sum(&watch.requests),
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
        sum.writes_lost += row.writes_lost;
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

/// So long without an affected minute after the repair, and it is over: what comes later is another story.
/// ASSUMPTION: longer than the usual TTLs and cool-downs that bring traffic back.
const QUIET: usize = 600;

/// When users were no longer affected: the last bad turn (failed or slow) of the last affected minute. A minute is
/// affected when its bad turns exceed what the level before the fault lets expect by more than three turns, one percent
/// of its turns and three standard errors. The start of the fault if there was no such minute; `None` if the record ends
/// with one.
fn over(watch: &Watch) -> Option<Time> {
    let seconds = (watch.until.since(watch.from).nanos() / STEP.nanos()) as usize;
    let at = |i: usize| watch.from + STEP.times(i as u64);
    let begin = (watch.occurrence.begins.since(watch.from).nanos() / STEP.nanos()) as usize;
    let count = |range: std::ops::Range<usize>| {
        range.fold((0u64, 0u64), |(all, bad), i| {
            (all + watch.requests.at(at(i)), bad + watch.failed.at(at(i)) + watch.slow.at(at(i)))
        })
    };
    let before_steps = (BEFORE.nanos() / STEP.nanos()) as usize;
    let (all, bad) = count(begin.saturating_sub(before_steps)..begin);
    let level = if all == 0 { 0.0 } else { bad as f64 / all as f64 };
    let affected = |from: usize, to: usize| {
        let (n, bad) = count(from..to);
        let n = n as f64;
        let chance = 3.0 * libm::sqrt(n * level * (1.0 - level));
        bad as f64 - level * n > chance.max(0.01 * n).max(3.0)
    };
    let repaired = (watch.occurrence.ends.since(watch.from).nanos() / STEP.nanos()) as usize;
    // the last second that was bad inside an affected minute
    let mut last = None;
    let mut i = begin;
    while i < seconds && i < last.unwrap_or(begin).max(repaired) + QUIET {
        let to = (i + WINDOW).min(seconds);
        if affected(i, to) {
            last = (i..to).rev().find(|s| watch.failed.at(at(*s)) + watch.slow.at(at(*s)) > 0);
        }
        i += WINDOW / 4;
    }
    match last {
        None => Some(watch.occurrence.begins),
        Some(s) if s + WINDOW >= seconds => None,
        Some(s) => Some(at(s + 1)),
    }
}

fn describe(scenario: &Scenario, what: &FaultWhat) -> String {
    match what {
        FaultWhat::RegionDown { .. } => "region down".to_owned(),
        FaultWhat::DependencyDown { dependency: Dependency::Database, .. } => "database down".to_owned(),
        FaultWhat::DependencyDown { dependency: Dependency::Cache, .. } => "cache down".to_owned(),
        FaultWhat::ProviderDown { deployments } => format!("{} down", providers(scenario, deployments)),
        FaultWhat::ProviderBrownOut { deployments, slower, error_rate } => {
            let errors = 100.0 * error_rate;
            format!("{} brown-out: {slower} times slower, {errors} % errors", providers(scenario, deployments))
        }
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
        Target::Nothing => NO_TARGET.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::faults::Occurrence;

    /// Ten turns per second from minute 0 to 60, a fault from minute 10 to 20.
    fn watch(bad: impl Fn(u64) -> u64) -> Watch {
        let minute = |m: u64| Time(Span::from_mins(m).nanos());
        let occurrence = Occurrence { fault: 0, number: 0, begins: minute(10), ends: minute(20) };
        let mut w = Watch::new(occurrence, Time::ZERO, minute(60));
        let mut t = w.from;
        while t < w.until {
            w.requests.add(t, 10);
            w.failed.add(t, bad(t.nanos() / 1_000_000_000));
            t += STEP;
        }
        w
    }

    fn over_s(w: &Watch) -> Option<f64> {
        over(w).map(|t| t.since(w.occurrence.begins).as_secs_f64())
    }

    #[test]
    fn the_last_bad_second_of_the_trouble_ends_it() {
        let trouble = |from: u64, to: u64| move |s: u64| if (from..to).contains(&s) { 8 } else { 0 };
        assert_eq!(over_s(&watch(trouble(600, 690))), Some(90.0));
        assert_eq!(over_s(&watch(trouble(600, 1230))), Some(630.0));
        assert_eq!(over_s(&watch(|_| 0)), Some(0.0));
        assert_eq!(over_s(&watch(trouble(600, 3600))), None);
    }

    #[test]
    fn the_usual_level_is_no_trouble_and_neither_is_a_single_bad_turn() {
        let usual = |s: u64| u64::from(s.is_multiple_of(3));
        assert_eq!(over_s(&watch(usual)), Some(0.0));
        assert_eq!(over_s(&watch(|s| u64::from(s == 1500))), Some(0.0));
        // trouble on top of the usual level cannot be told from it to the second, but to the minute
        let over = over_s(&watch(|s| usual(s) + if (600..700).contains(&s) { 5 } else { 0 })).unwrap();
        assert!((100.0..160.0).contains(&over), "{over}");
    }

    #[test]
    fn trouble_long_after_the_repair_is_another_story() {
        let s = |s: u64| if (600..660).contains(&s) || (2400..2500).contains(&s) { 9 } else { 0 };
        assert_eq!(over_s(&watch(s)), Some(60.0));
    }
}
