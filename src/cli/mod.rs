//! The command line: one file per command, arguments in, exit code out. Results go to standard output, progress and
//! warnings to standard error.

mod args;
mod catalog;
mod completions;
mod diff_policy;
mod exit;
mod explain;
mod explain_metric;
mod import;
mod init;
mod output;
mod progress;
mod run;
mod schema;
mod validate;

pub use exit::Exit;

use args::{Args, Command};
use clap::Parser;
use std::panic;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let code = if e.use_stderr() { Exit::Usage } else { Exit::Ok };
            return match e.print() {
                Ok(()) => code.into(),
                // `geodes --help | head`
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => code.into(),
                Err(_) => Exit::Error.into(),
            };
        }
    };
    // A panic is a bug; the default message says where, this one says how to go on.
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        default(info);
        eprintln!(
            "geodes {} has found a bug in itself. Please report it with the scenario, the seed and the lines above.",
            env!("CARGO_PKG_VERSION")
        );
    }));
    let outcome = panic::catch_unwind(move || match args.command {
        Command::Run(a) => run::run(&a),
        Command::Validate(a) => validate::run(&a),
        Command::Catalog(a) => catalog::run(&a),
        Command::Init(a) => init::run(&a),
        Command::Import(a) => import::run(&a),
        Command::Schema => schema::run(),
        Command::DiffPolicy(a) => diff_policy::run(&a),
        Command::Explain(a) => explain::run(&a),
        Command::ExplainMetric(a) => explain_metric::run(&a),
        Command::Completions(a) => completions::run(&a),
    });
    outcome.unwrap_or(Exit::Bug).into()
}
