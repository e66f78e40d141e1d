//! The full life of a turn of `scenarios/global-chat.toml` with every feature on: turns per second of one core for each
//! topology, and replications on two threads against one. `cargo bench --bench hosted_day`; targets: at least 500,000
//! turns/s on one core (aim 1,000,000); two threads at least 1.9 times one, with identical bytes.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod contest;

use contest::{Contestant, compete, only_testing};
use criterion::Criterion;
use geodes::scenario::{self, model::Scenario};
use geodes::study::replicate::{Unobserved, records};
use geodes::units::Span;
use geodes::world;
use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

fn global_chat() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/global-chat.toml");
    let mut s = scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    if only_testing() {
        s.horizon = Span::from_mins(10);
        s.faults.clear();
    }
    s
}

/// Whole days of one topology; the number of turns of a day is the number of operations.
fn turns(s: &Scenario, topology: usize) -> u64 {
    world::run(s, topology, 0).turns
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let s = global_chat();
    let day: Vec<u64> = (0..s.topologies.len()).map(|t| turns(&s, t)).collect();
    // each operation is one whole day of one topology
    let replication = Cell::new(0);
    let mut contestants: Vec<Contestant<'_>> = (0..s.topologies.len())
        .map(|t| {
            let (s, replication) = (&s, &replication);
            Contestant::new(s.topologies[t].name.clone(), move |days| {
                for _ in 0..days {
                    replication.set(replication.get() + 1);
                    black_box(world::run(s, t, replication.get()));
                }
            })
        })
        .collect();
    let mut group = criterion.benchmark_group("hosted_day");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    compete_days(&mut group, &mut contestants);
    group.finish();

    // replications: the same eight runs of four hours of the last topology on one thread and on two
    let mut short = s.clone();
    short.topologies = vec![s.topologies[s.topologies.len() - 1].clone()];
    short.baseline = 0;
    short.horizon = Span(short.horizon.nanos().min(Span::from_hours(4).nanos()));
    short.faults.clear();
    short.replications = 8;
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads can be started");
    let (one, two) = (pool(1), pool(2));
    let study = |pool: &rayon::ThreadPool| pool.install(|| records(&short, &Unobserved)).expect("nothing stops it");
    let bytes = |r: &world::Record| format!("{r:?}");
    assert_eq!(
        bytes(&study(&one).topologies[0].record),
        bytes(&study(&two).topologies[0].record),
        "threads changed a result"
    );
    let mut studies = [
        Contestant::new("replications, 1 thread", |n| (0..n).for_each(|_| drop(black_box(study(&one))))),
        Contestant::new("replications, 2 threads", |n| (0..n).for_each(|_| drop(black_box(study(&two))))),
    ];
    let mut group = criterion.benchmark_group("replications");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    compete_days(&mut group, &mut studies);
    group.finish();
    criterion.final_summary();

    println!("\none day of global-chat, one core, medians of interleaved rounds");
    println!("{:<26} {:>12} {:>12} {:>14}", "", "turns", "s/day", "turns/s");
    for (c, turns) in contestants.iter().zip(&day) {
        let s = c.median() / 1e9;
        println!("{:<26} {turns:>12} {s:>12.2} {:>14.0}", c.name, *turns as f64 / s);
    }
    println!("\neight replications of four hours, identical bytes");
    println!("{:<26} {:>12} {:>22}", "", "s", "speed against 1 thread");
    let first = studies[0].median();
    for c in &studies {
        println!("{:<26} {:>12.2} {:>22.2}", c.name, c.median() / 1e9, first / c.median());
    }
}

/// One operation per round: a day is long enough to be timed alone.
fn compete_days(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    contestants: &mut [Contestant<'_>],
) {
    compete(group, contestants, 5, 1);
}
