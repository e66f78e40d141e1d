//! `geodes init`: a commented starter scenario.

use super::args::InitArgs;
use super::exit::Exit;
use super::output;
use crate::report::atomic::write_atomic;

/// Runs the command.
pub fn run(args: &InitArgs) -> Exit {
    if args.path.exists() && !args.force {
        eprintln!("error: {} exists already; choose another name or overwrite it with --force", args.path.display());
        return Exit::Error;
    }
    if let Err(e) = write_atomic(&args.path, crate::scenario::starter()) {
        eprintln!("error: {e}");
        return Exit::Error;
    }
    let path = args.path.display();
    output::code(output::print(&format!("{path} is written. Run it with\n\n    geodes run {path}\n")))
}
