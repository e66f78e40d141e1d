//! `geodes explain-metric`: what a number means.

use super::args::ExplainMetricArgs;
use super::exit::Exit;
use super::output;
use crate::measure::metric;

/// Runs the command.
pub fn run(args: &ExplainMetricArgs) -> Exit {
    let Some(name) = &args.metric else {
        let lines = metric::definitions().iter().map(|d| format!("{:<26} {}\n", d.name, d.unit.symbol()));
        return output::code(output::print(&lines.collect::<String>()));
    };
    match metric::explain(name) {
        Ok(text) => output::code(output::print(&text)),
        Err(e) => {
            eprintln!("error: {e}");
            if let Some(help) = e.help() {
                eprintln!("help: {help}");
            }
            Exit::Usage
        }
    }
}
