//! How much memory a long run takes, and how much a study of many replications.
//!
//! `cargo run --release --example memory` runs 100 million turns of a small chat product and prints the peak of what the
//! process held (about two minutes; `-- --small` does 2 million). Memory follows what is alive, not what has happened:
//! the two sizes need nearly the same.
//!
//! `cargo run --release --example memory -- --replications 16` does the same for so many replications of
//! `scenarios/global-chat.toml` on two threads: what a replication leaves behind is folded and goes.
#![allow(clippy::disallowed_methods, reason = "an example may print the peak that the system reports")]

use geodes::scenario::model::{Arrivals, Context, DistSpec, Sizes, Turns};
use geodes::scenario::plain;
use geodes::study::replicate;
use geodes::units::{PerNanos, Span};
use geodes::world;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().position(|a| a == "--replications") {
        None => long_run(if args.iter().any(|a| a == "--small") { 2_000_000 } else { 100_000_000 }),
        Some(i) => match args.get(i + 1).and_then(|n| n.parse().ok()) {
            Some(n) if n > 0 => many_replications(n),
            _ => return eprintln!("--replications needs a number of at least 1"),
        },
    }
    match peak_kib() {
        Some(kib) => println!("peak memory of the process: {:.1} MB", kib as f64 * 1024.0 / 1e6),
        None => println!("this system does not tell the peak memory of a process"),
    }
}

fn many_replications(replications: u32) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/global-chat.toml");
    let mut scenario = geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    scenario.replications = replications;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads can be started");
    let result = pool.install(|| replicate::run(&scenario, &replicate::Unobserved)).expect("nothing stops it");
    let turns: u64 = result.topologies.iter().map(|t| t.turns).sum();
    println!("{replications} replications of {} topologies, {turns} turns", result.topologies.len());
}

/// One day of a small chat product with so many turns.
fn long_run(turns: u64) {
    let mut s = plain(3);
    // one day; four turns per session
    let sessions_per_day = turns / 4;
    s.horizon = Span::from_hours(24);
    let w = &mut s.workloads[0];
    w.arrivals = Arrivals::Poisson {
        rate: PerNanos { micro_count: sessions_per_day * 1_000_000, nanos: 86_400_000_000_000 },
        shape: None,
    };
    w.turns = Turns::Geometric { mean: 4.0 };
    w.think = DistSpec::LogNormal { p50: 25.0, p95: 120.0 };
    w.sizes = Sizes::Independent {
        input: DistSpec::LogNormal { p50: 100.0, p95: 400.0 },
        output: DistSpec::LogNormal { p50: 200.0, p95: 600.0 },
    };
    w.context = Context::Growing { system_tokens: 200, max_tokens: 16_000 };
    w.max_output_tokens = 1024;
    for d in &mut s.deployments {
        d.ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.2 };
        d.per_output_token = DistSpec::LogNormal { p50: 0.012, p95: 0.02 };
    }
    let record = world::run(&s, 0, 0);
    println!("{} turns of {} sessions, {} events", record.turns, record.sessions, record.events);
}

/// Peak resident set in KiB, where `/proc` tells it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
