//! `geodes run`: simulate a scenario and report.

use super::args::{ExportKind, Format, RunArgs};
use super::exit::Exit;
use super::output;
use super::progress::{Progress, catch_interrupt};
use crate::report::{atomic, files, format, json, markdown, text};
use crate::scenario::model::Scenario;
use crate::scenario::{self, LoadError, did_you_mean};
use crate::study::result::{ObjectiveVerdict, RunResult};
use crate::study::{determinism, replicate, trace};
use std::path::Path;

/// Runs the command.
pub fn run(args: &RunArgs) -> Exit {
    output::code(try_run(args))
}

/// Loads a scenario; prints what is wrong with it.
pub fn load(path: &Path) -> Result<Scenario, Exit> {
    match scenario::load(path) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                eprint!("{}", loaded.warnings.render(output::color_stderr()));
            }
            Ok(loaded.scenario)
        }
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{}", diagnostics.render(output::color_stderr()));
            Err(Exit::InvalidScenario)
        }
        Err(e) => {
            eprintln!("{}", e.to_string().trim_end());
            Err(Exit::InvalidScenario)
        }
    }
}

fn try_run(args: &RunArgs) -> Result<(), Exit> {
    if args.replications == Some(0) {
        eprintln!("error: no replication, nothing to run; give --replications a number of at least 1");
        return Err(Exit::NothingToRun);
    }
    if let Some(n) = args.threads {
        // fails only if the pool exists already, which nothing before this line can cause
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(n)).build_global();
    }
    let mut scenario = load(&args.scenario)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.replications = args.replications.unwrap_or(scenario.replications);
    keep_topologies(&mut scenario, &args.topology)?;
    // the file was checked with its own number of replications
    scenario::check_size(&scenario).map_err(|too_large| {
        eprint!("{too_large}");
        Exit::InvalidScenario
    })?;
    if args.check_determinism {
        return check_determinism(&scenario);
    }
    let folder = (!args.no_files).then(|| files::Folder::new(&args.out, &scenario.slug, Some(&args.scenario)));
    // better known before a long simulation than after it
    let places = args.export.iter().map(|(_, path)| atomic::check_writable(path));
    places.chain(folder.as_ref().map(files::Folder::check)).collect::<Result<(), _>>().map_err(|e| cannot_write(&e))?;
    catch_interrupt();
    let progress = Progress::new(scenario.topologies.len(), scenario.replications, args.quiet);
    let result = replicate::run(&scenario, &progress);
    progress.finish();
    let Some(result) = result else {
        eprintln!("interrupted before the first replication was finished; nothing was written");
        return Err(Exit::Interrupted);
    };
    report(args, folder.as_ref(), &result, &scenario)?;
    if result.incomplete {
        eprintln!(
            "interrupted after {} of {}; the result is marked incomplete",
            result.scenario.replications,
            format::counted(scenario.replications.into(), "replication")
        );
        return Err(Exit::Interrupted);
    }
    if args.check_objectives { check_objectives(&result) } else { Ok(()) }
}

/// Says how many objectives were not met, and ends with the code for the worst of them.
fn check_objectives(result: &RunResult) -> Result<(), Exit> {
    let count = |verdict: ObjectiveVerdict| {
        result.topologies.iter().flat_map(|t| &t.objectives).filter(|o| o.verdict == verdict).count()
    };
    let missed = count(ObjectiveVerdict::Missed);
    let (inconclusive, not_measured) = (count(ObjectiveVerdict::Inconclusive), count(ObjectiveVerdict::NotMeasured));
    if missed + inconclusive + not_measured == 0 {
        return Ok(());
    }
    eprintln!("objectives: {missed} missed, {inconclusive} inconclusive, {not_measured} not measured");
    Err(if missed > 0 { Exit::ObjectiveMissed } else { Exit::Inconclusive })
}

/// Position of the topology with that name; says which there are if there is none.
pub fn topology(scenario: &Scenario, name: &str) -> Result<usize, Exit> {
    let names = || scenario.topologies.iter().map(|t| t.name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let known: Vec<&str> = names().collect();
        eprintln!("error: no topology is called `{name}`; the scenario has {}", known.join(", "));
        if let Some(help) = did_you_mean(name, names()) {
            eprintln!("help: {help}");
        }
        Exit::Usage
    })
}

/// Drops the topologies that were not asked for; the baseline stays, because multipliers need it.
fn keep_topologies(scenario: &mut Scenario, wanted: &[String]) -> Result<(), Exit> {
    if wanted.is_empty() {
        return Ok(());
    }
    for name in wanted {
        topology(scenario, name)?;
    }
    let baseline = scenario.topologies[scenario.baseline].name.clone();
    scenario.topologies.retain(|t| t.name == baseline || wanted.contains(&t.name));
    let position = scenario.topologies.iter().position(|t| t.name == baseline);
    scenario.baseline = position.expect("the baseline was kept");
    Ok(())
}

fn check_determinism(scenario: &Scenario) -> Result<(), Exit> {
    for topology in 0..scenario.topologies.len() {
        let name = &scenario.topologies[topology].name;
        match determinism::compare(scenario, scenario, topology) {
            Ok(events) => output::print(&format!("{name}: two runs agree in all {events} events"))?,
            Err(divergence) => {
                eprintln!("error: {name} is not deterministic: {divergence}");
                return Err(Exit::Bug);
            }
        }
    }
    Ok(())
}

fn report(args: &RunArgs, folder: Option<&files::Folder>, result: &RunResult, scenario: &Scenario) -> Result<(), Exit> {
    // What cannot be written to a file is printed all the same: it took time to simulate.
    let mut outcome = Ok(());
    for (kind, path) in &args.export {
        let text = match kind {
            ExportKind::Report(format) => render(*format, result, 120, false),
            ExportKind::Trace => json::compact(&trace::trace(scenario, args.sample)),
        };
        outcome = outcome.and(atomic::write_atomic(path, &text).map_err(|e| cannot_write(&e)));
    }
    let written = folder.map(|f| f.write(result, !args.no_plots).map_err(|e| cannot_write(&e))).transpose();
    output::print(&render(args.format, result, output::width(), output::color_stdout()))?;
    for kept in written.iter().flatten().flat_map(|w| &w.kept) {
        eprintln!("warning: {} is of an earlier run and was changed since; it was left as it is", kept.display());
    }
    if let (Some(folder), Ok(_), false) = (folder, &written, args.quiet) {
        eprintln!("results are in {}", folder.path().display());
    }
    outcome.and(written.map(|_| ()))
}

fn cannot_write(e: &files::WriteError) -> Exit {
    eprintln!("error: {e}");
    Exit::Error
}

fn render(format: Format, result: &RunResult, width: usize, color: bool) -> String {
    match format {
        Format::Text => text::render(result, text::TextOptions { width, color }),
        Format::Json => json::to_string_pretty(result),
        Format::Markdown => markdown::render(result),
    }
}
