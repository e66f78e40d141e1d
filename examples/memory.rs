//! How much memory a long run takes: 100 million turns of a small chat product, and the peak of what was allocated and
//! of what the process held. `cargo run --release --example memory` (about two minutes; `-- --small` does 2 million).
//!
//! Memory follows what is alive, not what has happened: the two sizes need nearly the same.
#![allow(clippy::disallowed_methods, reason = "an example may print the peak that the system reports")]

use geodes::scenario::model::{Arrivals, Context, DistSpec, Sizes, Turns};
use geodes::scenario::plain;
use geodes::units::{PerNanos, Span};
use geodes::world;

fn main() {
    let small = std::env::args().any(|a| a == "--small");
    let turns: u64 = if small { 2_000_000 } else { 100_000_000 };
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
    match peak_kib() {
        Some(kib) => println!("peak memory of the process: {:.1} MB", kib as f64 * 1024.0 / 1e6),
        None => println!("this system does not tell the peak memory of a process"),
    }
}

/// Peak resident set in KiB, where `/proc` tells it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
