//! What each fault did to the users: from the second-by-second record around it.

use crate::measure::interval::compensated_sum;
use crate::measure::shift::{ShiftRule, analyse};
use crate::scenario::model::{Dependency, FaultWhat, Scenario, Topology};
use crate::study::result::IncidentRow;
use crate::units::{Span, Time};
use crate::world::Target;
use crate::world::watch::{BEFORE, STEP, Watch};

/// Window in which "users are affected" is judged.
/// ASSUMPTION: a minute holds enough requests of a small service to see one bad answer in a hundred.
const WINDOW: usize = 60;

/// The row of one watched occurrence. `start` is the end of the warm-up.
pub fn row(scenario: &Scenario, topology: &Topology, watch: &Watch, start: Time) -> IncidentRow {
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

/// One row per incident from the rows of all replications: times are means over the replications in which they happened
/// (at all, if in some they did not), counts are totals, as everywhere.
pub fn merge_replications(rows: impl Iterator<Item = IncidentRow>) -> Vec<IncidentRow> {
    let mut groups: Vec<Vec<IncidentRow>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|g| g[0].name == row.name) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.into_iter().map(merge).collect()
}

fn merge(rows: Vec<IncidentRow>) -> IncidentRow {
    if let [row] = rows.as_slice() {
        return row.clone();
    }
    let mean = |f: fn(&IncidentRow) -> Option<f64>| {
        let seen: Vec<f64> = rows.iter().filter_map(f).collect();
        (!seen.is_empty()).then(|| compensated_sum(seen.iter().copied()) / seen.len() as f64)
    };
    let sum = |f: fn(&IncidentRow) -> u64| rows.iter().map(f).sum();
    IncidentRow {
        at_s: mean(|r| Some(r.at_s)).unwrap_or(rows[0].at_s),
        lasted_s: mean(|r| Some(r.lasted_s)).unwrap_or(rows[0].lasted_s),
        detected_s: mean(|r| r.detected_s),
        moved_half_s: mean(|r| r.moved_half_s),
        moved_99_s: mean(|r| r.moved_99_s),
        over_s: mean(|r| r.over_s),
        failed: sum(|r| r.failed),
        slow: sum(|r| r.slow),
        degraded: sum(|r| r.degraded),
        stale_reads: sum(|r| r.stale_reads),
        writes_lost: sum(|r| r.writes_lost),
        requests: sum(|r| r.requests),
        ..rows[0].clone()
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
        Target::Nothing => "nothing this topology uses".to_owned(),
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
