//! `geodes diff-policy`: the requests whose decision changes from one policy to another.

use super::args::{DiffFormat, DiffPolicyArgs};
use super::exit::Exit;
use super::output;
use super::run::{load, topology};
use crate::report::{json, policy_diff as report};
use crate::scenario::model::Scenario;
use crate::study::policy_diff::{self, Side};
use std::path::Path;

/// Runs the command.
pub fn run(args: &DiffPolicyArgs) -> Exit {
    output::code(try_run(args))
}

fn try_run(args: &DiffPolicyArgs) -> Result<(), Exit> {
    let Some((file, name)) = split(&args.a) else {
        eprintln!("error: there is no file {}", args.a);
        eprintln!("help: A is a scenario file, or FILE:TOPOLOGY");
        return Err(Exit::InvalidScenario);
    };
    let mut first = load(Path::new(file))?;
    first.seed = args.seed.unwrap_or(first.seed);
    let a = position(&first, name)?;
    let second = match split(&args.b) {
        Some((file, name)) => {
            let mut second = load(Path::new(file))?;
            second.seed = args.seed.unwrap_or(second.seed);
            let position = position(&second, name)?;
            Some((second, position))
        }
        None => None,
    };
    let a = Side { scenario: &first, topology: a };
    let b = match &second {
        Some((scenario, topology)) => Side { scenario, topology: *topology },
        None => Side { scenario: &first, topology: topology(&first, &args.b)? },
    };
    let list = args.list.unwrap_or(if args.format == DiffFormat::Csv { usize::MAX } else { 0 });
    let Ok(diff) = policy_diff::compare(a, b, args.replication, list) else {
        eprintln!("error: the two have no request in common: they differ in users, workloads, warm-up or seed");
        eprintln!(
            "help: compare topologies of one scenario, or scenarios that differ in topologies, deployments or faults only"
        );
        return Err(Exit::NothingToRun);
    };
    let text = match args.format {
        DiffFormat::Text => report::render(&diff, output::width()),
        DiffFormat::Json => json::pretty(&diff),
        DiffFormat::Csv => report::csv(&diff).map_err(|e| {
            eprintln!("error: {e}");
            Exit::Error
        })?,
    };
    output::print(&text)?;
    if diff.changed > 0 { Err(Exit::CHANGED) } else { Ok(()) }
}

/// `FILE` or `FILE:TOPOLOGY`, if there is such a file.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if Path::new(text).is_file() {
        return Some((text, None));
    }
    let (file, name) = text.rsplit_once(':')?;
    // a file that is missing is reported by whoever loads it
    (Path::new(file).is_file() || file.ends_with(".toml")).then_some((file, Some(name)))
}

fn position(scenario: &Scenario, name: Option<&str>) -> Result<usize, Exit> {
    name.map_or(Ok(scenario.baseline), |name| topology(scenario, name))
}
