//! A fingerprint of a scenario's whole result: the same on every machine, with any number of threads and any feature set.
//! `cargo run --release --example fingerprint -- scenarios/code-trace.toml`
//!
//! The embedding API in one page: load, run, read a metric, serialise.

use geodes::report::json;
use geodes::study::replicate::{Unobserved, run};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let path = path.map_or_else(|| PathBuf::from("scenarios/code-trace.toml"), PathBuf::from);
    let scenario = match geodes::scenario::load(&path) {
        Ok(loaded) => loaded.scenario,
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::from(3);
        }
    };
    let result = run(&scenario, &Unobserved).expect("nothing stops it");
    for t in &result.topologies {
        match t.metrics["ttft_ms.p95"] {
            Some(ms) => println!("{}: 95 % of the first tokens came within {ms:.0} ms", t.name),
            None => println!("{}: nothing was served", t.name),
        }
    }
    // FNV-1a over the bytes of the JSON form
    let hash = json::to_string_pretty(&result)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    println!("fingerprint {hash:016x}");
    ExitCode::SUCCESS
}
