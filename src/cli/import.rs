//! `geodes import`: a gateway's configuration becomes a scenario.

use super::args::{Import, ImportArgs};
use super::exit::Exit;
use super::output;
use crate::report::atomic::write_atomic;
use crate::scenario::import::litellm::{self, Imported};
use crate::scenario::import::{Finding, Kind};
use crate::scenario::{LARGEST_FILE, from_str};
use std::fmt::Write as _;
use std::path::Path;

/// Runs the command.
pub fn run(args: &ImportArgs) -> Exit {
    let Import::Litellm { config, output: place, force } = &args.what;
    output::code(litellm(config, place.as_deref(), *force))
}

fn litellm(config: &Path, place: Option<&Path>, force: bool) -> Result<(), Exit> {
    if let Some(place) = place.filter(|p| p.exists() && !force) {
        eprintln!("error: {} exists already; choose another name or overwrite it with --force", place.display());
        return Err(Exit::Error);
    }
    let file = config.display().to_string();
    let source = read(config)?;
    let title = config.file_name().map_or(file.clone(), |n| n.to_string_lossy().into_owned());
    let imported = litellm::scenario(&source, &title).map_err(|wrong| {
        eprint!("{}", wrong.render(output::color_stderr()));
        Exit::InvalidScenario
    })?;
    // whatever comes out can be run
    let loaded = from_str(&imported.scenario, "the scenario", None).map_err(|wrong| {
        eprintln!("error: {file} can be read, but what it asks for is no scenario:\n");
        eprint!("{}", wrong.render(output::color_stderr()));
        Exit::InvalidScenario
    })?;
    if !imported.warnings.is_empty() {
        eprint!("{}", imported.warnings.render(output::color_stderr()));
    }
    eprint!("{}", report(&file, &imported));
    if !loaded.warnings.is_empty() {
        eprintln!("\nwarnings of the scenario");
        for w in loaded.warnings.list() {
            eprintln!("  {}", w.message);
        }
    }
    match place {
        None => output::print(&imported.scenario),
        Some(place) => {
            write_atomic(place, &imported.scenario).map_err(|e| {
                eprintln!("error: {e}");
                Exit::Error
            })?;
            let place = place.display();
            output::print(&format!("{place} is written. Run it with\n\n    geodes run {place}\n"))
        }
    }
}

/// The text of the configuration, or what is in the way.
fn read(path: &Path) -> Result<String, Exit> {
    let fail = |why: String| {
        eprintln!("error: cannot read {}: {why}", path.display());
        Exit::InvalidScenario
    };
    let size = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
    if size > LARGEST_FILE {
        return Err(fail(format!("it has {size} bytes, and no configuration needs more than {LARGEST_FILE}")));
    }
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fail("it is no UTF-8 text".to_owned()))
}

/// The account of every setting, with the lines of the file.
fn report(file: &str, imported: &Imported) -> String {
    let mut out = String::new();
    let (entries, groups) = imported.size;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let name = if entries == 1 { "entry" } else { "entries" };
    let _ = writeln!(out, "{file}: {entries} {name} of `model_list` in {groups} group{}", plural(groups));
    let _ = writeln!(out, "\nmapped");
    for (line, text) in mapped(&imported.mapped) {
        let _ = writeln!(out, "  {:<9} {text}", lines(line));
    }
    for kind in Kind::ALL {
        let of: Vec<&Finding> = imported.findings.iter().filter(|f| f.kind == kind).collect();
        if !of.is_empty() {
            let _ = writeln!(out, "\n{}", kind.heading());
            for f in of {
                let _ = writeln!(out, "  {:<9} {}: {}", lines(f.line), f.path, f.why);
            }
        }
    }
    let _ = writeln!(out, "\nassumed, because the file does not say it (marked DEFAULT in the scenario)");
    for a in &imported.assumed {
        let _ = writeln!(out, "  {:<9} {}: {} ({})", lines(a.line), a.what, a.value, a.why);
    }
    out
}

fn lines(line: usize) -> String {
    if line == 0 { String::new() } else { format!("line {line}") }
}

/// Settings of one table in one line, at the line of the first.
fn mapped(all: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut tables: Vec<(usize, String, Vec<&str>)> = Vec::new();
    for (line, path) in all {
        let (table, key) = match (path.find("]."), path.split_once('.')) {
            (Some(end), _) => (&path[..=end], &path[end + 2..]),
            (None, Some((table, key))) => (table, key),
            (None, None) => ("", path.as_str()),
        };
        match tables.iter_mut().find(|(_, t, _)| t == table) {
            Some((_, _, keys)) => keys.push(key),
            None => tables.push((*line, table.to_owned(), vec![key])),
        }
    }
    tables.into_iter().map(|(line, table, keys)| (line, format!("{table}: {}", keys.join(", ")))).collect()
}
