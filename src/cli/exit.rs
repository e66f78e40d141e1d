//! Exit codes: one documented list.

use std::process::ExitCode;

/// Why the program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Everything as asked.
    Ok = 0,
    /// Something outside the scenario went wrong: a file could not be written, standard output is closed.
    Error = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The scenario is invalid.
    InvalidScenario = 3,
    /// There is nothing to run.
    NothingToRun = 4,
    /// An invariant is broken: a bug in geodes.
    Bug = 70,
    /// With `--check-objectives`: none was missed, but an objective is inconclusive or was not measured.
    Inconclusive = 97,
    /// With `--check-objectives`: an objective of the scenario was missed. Or a law or a claim was.
    ObjectiveMissed = 99,
    /// Interrupted by the user; what was finished is written and marked incomplete.
    Interrupted = 130,
}

impl Exit {
    /// With `diff-policy`: decisions changed. One code for that and for errors, as `diff` has it for scripts.
    pub const CHANGED: Exit = Exit::Error;

    /// All codes with their meaning, for `--help`.
    pub const HELP: &'static str = "\
Exit codes:
    0  ok
    1  error (a file could not be written, ...); diff-policy: decisions changed
    2  wrong use of the command line
    3  invalid scenario
    4  nothing to run
   70  broken invariant: a bug in geodes
   97  no objective missed, but one is inconclusive or was not measured (with --check-objectives)
   99  objective missed (with --check-objectives), or a validation failed
  130  interrupted; what was finished is written, marked incomplete";
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> ExitCode {
        ExitCode::from(e as u8)
    }
}
