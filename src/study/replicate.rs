//! Every topology of a scenario in every replication, in parallel, and one result.
//!
//! Runs are independent and each is a pure function of (scenario, topology, seed, replication), so threads only decide
//! who computes what. Records are merged in the order of replications, never in the order of completion.

use super::result::{FORMAT_VERSION, GroupInfo, IntervalRow, LinkInfo, RunResult, ScenarioInfo};
use super::summary::Measured;
use crate::measure::interval::mean_interval;
use crate::random::Seed;
use crate::scenario::model::Scenario;
use crate::world::{Record, Run};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hears of progress, from any thread.
pub trait Observer: Sync {
    /// A run has reached this share of its simulated time.
    fn progress(&self, topology: usize, replication: u32, share: f64);
    /// True when everything should stop as soon as possible.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&self, _: usize, _: u32, _: f64) {}
}

/// The merged records of a scenario.
pub struct Records {
    /// One per topology, in the order of the scenario.
    pub topologies: Vec<Record>,
    /// Per topology, its replications one by one.
    pub replications: Vec<Vec<Record>>,
    /// Replications that were finished for every topology.
    pub finished: u32,
    /// The observer stopped the study before all replications were finished.
    pub incomplete: bool,
}

/// Runs every topology in every replication on the threads of the present rayon pool. `None` if the study was stopped
/// before one replication was complete.
///
/// # Panics
/// When an invariant is broken in a run.
pub fn records(scenario: &Scenario, observer: &impl Observer) -> Option<Records> {
    let topologies = scenario.topologies.len();
    let jobs: Vec<(u32, usize)> =
        (0..scenario.replications).flat_map(|r| (0..topologies).map(move |t| (r, t))).collect();
    let stopped = AtomicBool::new(false);
    let done: Vec<Option<Record>> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|&(replication, topology)| {
            let mut run = Run::new(scenario, topology, Seed { seed: scenario.seed, replication });
            let finished = run.advance(&mut |share| {
                observer.progress(topology, replication, share);
                if observer.stop() {
                    stopped.store(true, Ordering::Relaxed);
                }
                if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            finished.ok().map(|()| run.finish())
        })
        .collect();
    let mut replications: Vec<Vec<Record>> = vec![Vec::new(); topologies];
    let mut finished = 0;
    let mut rounds = done.into_iter();
    for _ in 0..scenario.replications {
        let round: Option<Vec<Record>> = rounds.by_ref().take(topologies).collect();
        let Some(round) = round else { break };
        for (t, record) in round.into_iter().enumerate() {
            replications[t].push(record);
        }
        finished += 1;
    }
    if finished == 0 {
        return None;
    }
    let merged = replications.iter().map(|list| {
        let mut first = list[0].clone();
        list[1..].iter().for_each(|r| first.merge(r));
        first
    });
    let topologies = merged.collect();
    Some(Records { topologies, replications, finished, incomplete: finished < scenario.replications })
}

/// Runs a scenario and works out everything the reports show. `None` if it was stopped before one replication was
/// complete.
pub fn run(scenario: &Scenario, observer: &impl Observer) -> Option<RunResult> {
    records(scenario, observer).map(|records| result(scenario, &records))
}

/// The figures of finished records.
pub fn result(scenario: &Scenario, records: &Records) -> RunResult {
    let measured: Vec<Measured<'_>> =
        records.topologies.iter().enumerate().map(|(i, r)| Measured::new(scenario, i, r)).collect();
    let baseline = &measured[scenario.baseline];
    RunResult {
        format_version: FORMAT_VERSION,
        geodes_version: env!("CARGO_PKG_VERSION"),
        scenario: info(scenario, records.finished),
        topologies: measured
            .iter()
            .enumerate()
            .map(|(t, m)| m.result(baseline, intervals(scenario, records, t)))
            .collect(),
        incomplete: records.incomplete,
    }
}

/// 95 % intervals of a topology's metrics of all users; empty with a single replication.
fn intervals(scenario: &Scenario, records: &Records, topology: usize) -> BTreeMap<String, IntervalRow> {
    let list = &records.replications[topology];
    if list.len() < 2 {
        return BTreeMap::new();
    }
    let metrics: Vec<BTreeMap<String, Option<f64>>> = list
        .par_iter()
        .zip(&records.replications[scenario.baseline])
        .map(|(record, baseline)| {
            let baseline = Measured::new(scenario, scenario.baseline, baseline);
            Measured::new(scenario, topology, record).metrics_only(&baseline)
        })
        .collect();
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for one in metrics {
        for (name, value) in one {
            if let (Some(v), false) = (value, name.contains('{')) {
                values.entry(name).or_default().push(v);
            }
        }
    }
    let interval = |v: &Vec<f64>| {
        let i = mean_interval(v, 0.95)?;
        Some(IntervalRow { mean: i.mean, low: i.low(), high: i.high(), replications: v.len() as u32 })
    };
    values.iter().filter_map(|(name, v)| Some((name.clone(), interval(v)?))).collect()
}

fn info(scenario: &Scenario, replications: u32) -> ScenarioInfo {
    let start = jiff::Timestamp::from_second(scenario.start_unix_s).expect("validation bounds the calendar");
    let mut network = Vec::new();
    let used: Vec<_> = {
        let mut regions: Vec<_> = scenario.topologies.iter().flat_map(|t| t.regions.iter().map(|r| r.place)).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    };
    let link = |from: &str, to: &str, l: &crate::scenario::model::Link| LinkInfo {
        from: from.to_owned(),
        to: to.to_owned(),
        rtt_ms: l.rtt.as_millis_f64(),
        estimated: l.estimated,
        origin: l.origin.clone(),
    };
    for (g, group) in scenario.groups.iter().enumerate() {
        for p in &used {
            let l = scenario.user_link(crate::units::GroupIx::new(g), *p);
            network.push(link(&group.name, &scenario.places[p.ix()].id, l));
        }
    }
    let mut targets: Vec<_> = scenario.deployments.iter().map(|d| d.place).chain(used.iter().copied()).collect();
    targets.sort_unstable();
    targets.dedup();
    for a in &used {
        for b in &targets {
            if a != b {
                let l = scenario.place_link(*a, *b);
                network.push(link(&scenario.places[a.ix()].id, &scenario.places[b.ix()].id, l));
            }
        }
    }
    ScenarioInfo {
        name: scenario.name.clone(),
        slug: scenario.slug.clone(),
        start: start.to_string(),
        horizon_s: scenario.horizon.as_secs_f64(),
        warmup_s: scenario.warmup.as_secs_f64(),
        seed: scenario.seed,
        replications,
        baseline: scenario.topologies[scenario.baseline].name.clone(),
        groups: scenario
            .groups
            .iter()
            .map(|g| GroupInfo {
                name: g.name.clone(),
                city: g.city.clone(),
                zone: g.zone.clone(),
                lat: g.place.lat,
                lon: g.place.lon,
                share: g.share,
            })
            .collect(),
        network,
        defaults: scenario.defaults.clone(),
        slow_over_ms: scenario.slow_over.as_millis_f64(),
    }
}
