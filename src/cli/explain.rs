//! `geodes explain`: the story of one request.

use super::args::{ExplainArgs, TaleFormat};
use super::exit::Exit;
use super::output;
use super::run::{load, topology};
use crate::report::{json, tale};
use crate::study::explain::{self, NoSuchRequest};

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Exit {
    output::code(try_run(args))
}

fn try_run(args: &ExplainArgs) -> Result<(), Exit> {
    let mut scenario = load(&args.scenario)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let topology = match &args.topology {
        Some(name) => topology(&scenario, name)?,
        None => scenario.baseline,
    };
    if let Some(wanted) = args.find {
        let found = explain::find(&scenario, topology, args.replication, wanted.into(), args.most);
        if found.is_empty() {
            eprintln!("no such request in replication {}", args.replication);
            return Err(Exit::NothingToRun);
        }
        return output::print(&match args.format {
            TaleFormat::Text => tale::render_found(&found, output::width()),
            TaleFormat::Json => json::pretty(&found),
        });
    }
    let number = args.request.expect("the arguments ask for a number unless they ask to find one");
    match explain::explain(&scenario, topology, args.replication, number) {
        Ok(told) => output::print(&match args.format {
            TaleFormat::Text => tale::render(&told, output::width()),
            TaleFormat::Json => json::pretty(&told),
        }),
        Err(NoSuchRequest { requests: 0 }) => {
            eprintln!("error: the run has no request that counts");
            Err(Exit::NothingToRun)
        }
        Err(NoSuchRequest { requests }) => {
            eprintln!("error: there is no request {number}: the run has {requests}, numbered from 1");
            eprintln!("help: --find failed, slow, degraded, retried, ... lists numbers worth a look");
            Err(Exit::Usage)
        }
    }
}
