//! `geodes completions`: scripts for shells.

use super::args::{Args, CompletionsArgs};
use super::exit::Exit;
use super::output;
use clap::CommandFactory;

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "geodes", &mut script);
    output::code(output::print(&String::from_utf8_lossy(&script)))
}
