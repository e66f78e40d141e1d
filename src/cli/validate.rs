//! `geodes validate`: laws with exact answers, and published claims.

use super::args::{Format, Validate, ValidateArgs};
use super::exit::Exit;
use super::output;
use crate::study::claims;
use crate::study::laws::{self, LawOptions, Progress, Size, Verdict};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Runs the command.
pub fn run(args: &ValidateArgs) -> Exit {
    output::code(match &args.what {
        Validate::Laws { small, format } => run_laws(*small, *format),
        Validate::Claims { dir, format } => run_claims(dir, *format),
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

fn run_claims(dir: &Path, format: Format) -> Result<(), Exit> {
    let line = Line::new();
    let results = claims::run(dir, &mut |p: claims::Progress| {
        line.say(&format!("running {} ({} of {} scenarios done)", p.running, p.done, p.total));
    });
    drop(line);
    let results = match results {
        Ok(results) => results,
        Err(e) => {
            eprintln!("{e}");
            return Err(Exit::InvalidScenario);
        }
    };
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&results).expect("the report is plain JSON"),
        Format::Text => claims::render_text(&results, output::width()),
        Format::Markdown => claims::render_markdown(&results),
    };
    output::print(&text)?;
    if results.iter().all(claims::ClaimResult::as_expected) { Ok(()) } else { Err(Exit::ObjectiveMissed) }
}
