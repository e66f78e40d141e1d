//! `geodes validate`: laws with exact answers, and published claims.

use super::args::{Format, Validate, ValidateArgs};
use super::exit::Exit;
use super::output;
use crate::study::laws::{self, LawOptions, Progress, Size, Verdict};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Runs the command.
pub fn run(args: &ValidateArgs) -> Exit {
    output::code(match &args.what {
        Validate::Laws { small, format } => run_laws(*small, *format),
    })
}

/// One line on a terminal that is written over; nothing otherwise.
struct Line(bool);

impl Line {
    fn new() -> Line {
        Line(std::io::stderr().is_terminal())
    }
    fn say(&self, text: &str) {
        if self.0 {
            // a terminal that has gone away is no reason to stop
            let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.say("");
    }
}

#[derive(Serialize)]
struct LawReport<'a> {
    laws: &'a [laws::LawResult],
    coverage: &'a [laws::Coverage],
}

fn run_laws(small: bool, format: Format) -> Result<(), Exit> {
    let line = Line::new();
    let mut progress =
        |p: Progress| line.say(&format!("checking laws: {} ({} of {} groups done)", p.running, p.done, p.total));
    let options = LawOptions::new(if small { Size::Small } else { Size::Full });
    let results = laws::run(options, &mut progress);
    let coverage = laws::coverage(options, &mut progress);
    drop(line);
    let text = match format {
        Format::Json => {
            let report = LawReport { laws: &results, coverage: &coverage };
            serde_json::to_string_pretty(&report).expect("the report is plain JSON")
        }
        Format::Text => laws::render_table(&results, &coverage, output::width()),
        Format::Markdown => format!("```text\n{}```\n", laws::render_table(&results, &coverage, 100)),
    };
    output::print(&text)?;
    let good = results.iter().all(|l| l.verdict == Verdict::Pass) && coverage.iter().all(|c| c.pass);
    if good { Ok(()) } else { Err(Exit::ObjectiveMissed) }
}
