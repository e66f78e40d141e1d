//! The arguments of every command.

use super::exit::Exit;
use super::output;
use crate::study::explain::Trait;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Deterministic discrete-event simulator and capacity planner for AI products that run in several regions.
#[derive(Parser, Debug)]
#[command(name = "geodes", version, about, after_help = format!("{}\n\n{}", Exit::HELP, output::ENVIRONMENT), max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Simulate every topology of a scenario and report latency, availability, fail-over and cost.
    Run(RunArgs),
    /// Tell the story of one request: every decision, who was out and why, what nobody knew.
    Explain(ExplainArgs),
    /// List the requests whose decision changes from one policy to another, by reason and with what that costs.
    DiffPolicy(DiffPolicyArgs),
    /// Check geodes against exact laws or published claims.
    Validate(ValidateArgs),
    /// Look into the shipped data: regions, cities, round trips, prices, quotas, traces, shapes, fits, presets, sources.
    Catalog(CatalogArgs),
    /// Write a commented starter scenario.
    Init(InitArgs),
    /// Turn a gateway's configuration into a scenario, and say what became of each setting.
    Import(ImportArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Say what a metric means, or list them all.
    ExplainMetric(ExplainMetricArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// Formats of standard output.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Tables for people.
    Text,
    /// Everything, for programs.
    Json,
    /// The comparison and the incidents, for a page or a pull request.
    Markdown,
}

/// `geodes run`
#[derive(clap::Args, Debug)]
pub struct RunArgs {
    /// Scenario file (TOML).
    pub scenario: PathBuf,
    /// Simulate only this topology (may be repeated); the baseline is always simulated.
    #[arg(long, value_name = "NAME")]
    pub topology: Vec<String>,
    /// Master seed, instead of the scenario's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Independent replications, instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub replications: Option<u32>,
    /// Worker threads, 1 to 1024; results do not depend on it. Default: one per processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Folder for result files; they go to a folder in it that is called like the scenario's file.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Write no result files.
    #[arg(long)]
    pub no_files: bool,
    /// Write no charts.
    #[arg(long)]
    pub no_plots: bool,
    /// Also write one format to a file (may be repeated): text, json, markdown, or trace, a time line of some requests for
    /// chrome://tracing or ui.perfetto.dev.
    #[arg(long, value_name = "KIND=PATH", value_parser = export)]
    pub export: Vec<(ExportKind, PathBuf)>,
    /// Requests in a trace, drawn at random from each topology's first replication.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: usize,
    /// End with exit code 99 if an objective of the scenario is missed, with 97 if one is inconclusive or was not
    /// measured.
    #[arg(long)]
    pub check_objectives: bool,
    /// Instead of reporting, run every topology twice and name the first event that differs.
    #[arg(long)]
    pub check_determinism: bool,
    /// Print neither progress nor where the results are; warnings and errors remain.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What `--export` can write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportKind {
    /// What could be printed too.
    Report(Format),
    /// A time line of some requests.
    Trace,
}

fn export(text: &str) -> Result<(ExportKind, PathBuf), String> {
    let (kind, path) = text.split_once('=').ok_or("expected KIND=PATH, for example json=out.json")?;
    let kind = match (kind, Format::from_str(kind, false)) {
        ("trace", _) => ExportKind::Trace,
        (_, Ok(format)) => ExportKind::Report(format),
        (_, Err(_)) => return Err(format!("unknown kind `{kind}`: expected text, json, markdown or trace")),
    };
    if path.is_empty() {
        return Err("the path is missing".to_owned());
    }
    Ok((kind, PathBuf::from(path)))
}

/// `geodes explain`
#[derive(clap::Args, Debug)]
pub struct ExplainArgs {
    /// Scenario file (TOML).
    pub scenario: PathBuf,
    /// Topology; without it, the baseline.
    #[arg(long, value_name = "NAME")]
    pub topology: Option<String>,
    /// Number of the request: those after the warm-up are numbered from 1 in the order in which they are sent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), required_unless_present = "find")]
    pub request: Option<u64>,
    /// Instead of telling a story, list the numbers of the first requests to end like this.
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "request")]
    pub find: Option<Wanted>,
    /// How many `--find` lists.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "find")]
    pub most: usize,
    /// Replication, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
    /// Master seed, instead of the scenario's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = TaleFormat::Text)]
    pub format: TaleFormat,
}

/// `geodes diff-policy`
#[derive(clap::Args, Debug)]
pub struct DiffPolicyArgs {
    /// The first side: FILE:TOPOLOGY, or FILE for its baseline.
    pub a: String,
    /// The second side: a topology of the same file, or FILE:TOPOLOGY, or FILE.
    pub b: String,
    /// Replication, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
    /// Master seed of both sides, instead of the scenario's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many of the changed requests to list in JSON or CSV. Default: none in JSON, all in CSV.
    #[arg(long, value_name = "N")]
    pub list: Option<usize>,
    /// What to print: the groups, the groups and requests, or a line per changed request.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
}

/// Formats of `diff-policy`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiffFormat {
    /// The groups, for people.
    Text,
    /// The groups, and the requests that `--list` asks for.
    Json,
    /// One line per changed request.
    Csv,
}

/// Formats of a story.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaleFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What `--find` looks for.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Requests that were not served.
    Failed,
    /// Requests whose first token took longer than `slow_over`.
    Slow,
    /// Requests with an answer of degraded quality.
    Degraded,
    /// Requests that somebody tried again.
    Retried,
    /// Requests for which two calls raced.
    Hedged,
    /// Requests whose answer is not the policy's first choice.
    Fallback,
    /// Requests that read a conversation older than their user's last message.
    Stale,
    /// Requests that waited in a region's queue.
    Queued,
    /// Requests that met a fault which whoever sent them there had not noticed.
    Unseen,
}

impl From<Wanted> for Trait {
    fn from(wanted: Wanted) -> Trait {
        match wanted {
            Wanted::Failed => Trait::Failed,
            Wanted::Slow => Trait::Slow,
            Wanted::Degraded => Trait::Degraded,
            Wanted::Retried => Trait::Retried,
            Wanted::Hedged => Trait::Hedged,
            Wanted::Fallback => Trait::Fallback,
            Wanted::Stale => Trait::Stale,
            Wanted::Queued => Trait::Queued,
            Wanted::Unseen => Trait::Unseen,
        }
    }
}

/// `geodes validate`
#[derive(clap::Args, Debug)]
pub struct ValidateArgs {
    /// What to check against.
    #[command(subcommand)]
    pub what: Validate,
}

/// What can be validated.
#[derive(Subcommand, Debug)]
pub enum Validate {
    /// Laws with exact answers: queues, loss systems, quotas, retries, availability, cost.
    Laws {
        /// A quick version with fewer customers.
        #[arg(long)]
        small: bool,
        /// What to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Published claims about multi-region AI products, each a scenario in `scenarios/claims/`.
    Claims {
        /// Folder of the claim scenarios.
        #[arg(long, value_name = "DIR", default_value = "scenarios/claims")]
        dir: PathBuf,
        /// What to print; `markdown` is the page `docs/claims.md`.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// `geodes catalog`
#[derive(clap::Args, Debug)]
pub struct CatalogArgs {
    /// What to look at.
    #[command(subcommand)]
    pub what: Catalog,
}

/// What the catalogue holds.
#[derive(Subcommand, Debug)]
pub enum Catalog {
    /// Cloud regions; an optional text narrows the list.
    Regions {
        /// Part of an id or city.
        filter: Option<String>,
    },
    /// Cities with their country and time zone.
    Cities {
        /// Part of a name.
        filter: Option<String>,
    },
    /// The round trip between two regions, or from a city to a region.
    Rtt {
        /// Region id or city.
        from: String,
        /// Region id.
        to: String,
    },
    /// Token prices.
    Prices {
        /// Part of a price key.
        filter: Option<String>,
    },
    /// Published limits of hosted models.
    Quotas {
        /// Part of a quota's name.
        filter: Option<String>,
    },
    /// Traces of requests, for replay or as sizes: requests, length and rate, mean tokens.
    Traces {
        /// Part of a name.
        filter: Option<String>,
    },
    /// Shapes of the rate over time: how long until they repeat, in which steps, least and most of the mean.
    Shapes {
        /// Part of a name.
        filter: Option<String>,
    },
    /// Log-normal fits of prompt and answer lengths: p50 and p95 in tokens, and their mean over that of the data.
    Fits {
        /// Part of a name.
        filter: Option<String>,
    },
    /// Latency presets: p50 and p95 of the time to first token and per token after it.
    Presets {
        /// Part of a name.
        filter: Option<String>,
    },
    /// Data sets with origin, date and licence.
    Sources,
}

/// `geodes init`
#[derive(clap::Args, Debug)]
pub struct InitArgs {
    /// Where to write it.
    #[arg(default_value = "scenario.toml")]
    pub path: PathBuf,
    /// Overwrite an existing file.
    #[arg(long)]
    pub force: bool,
}

/// `geodes import`
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// What to import.
    #[command(subcommand)]
    pub what: Import,
}

/// What can be imported.
#[derive(Subcommand, Debug)]
pub enum Import {
    /// The `config.yaml` of a LiteLLM proxy, as of version 1.106.2. Secrets are neither printed nor written.
    Litellm {
        /// The configuration.
        config: PathBuf,
        /// Where to write the scenario; without it, to standard output. The report goes to standard error.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite an existing file.
        #[arg(long, requires = "output")]
        force: bool,
    },
}

/// `geodes explain-metric`
#[derive(clap::Args, Debug)]
pub struct ExplainMetricArgs {
    /// A metric, such as `ttft_ms.p95`; without it, the whole list.
    pub metric: Option<String>,
}

/// `geodes completions`
#[derive(clap::Args, Debug)]
pub struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
