//! The command line as a user meets it.
#![cfg(feature = "cli")]

#[path = "cli/stories.rs"]
mod stories;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn geodes(dir: &Path, args: &[&str]) -> Output {
    let mut geodes = Command::new(env!("CARGO_BIN_EXE_geodes"));
    geodes.args(args).current_dir(dir).env("NO_COLOR", "1").env_remove("COLUMNS").output().unwrap()
}

fn out(o: &Output) -> String {
    String::from_utf8(o.stdout.clone()).unwrap()
}

fn err(o: &Output) -> String {
    String::from_utf8(o.stderr.clone()).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A scenario that runs in a moment.
const SMALL: &str = r#"
name = "Small"
start = "2026-03-02T00:00:00Z"
horizon = "20 min"
baseline = "one"

[users]
berlin = { city = "Berlin", share = 0.5 }
new-york = { city = "New York City", share = 0.5 }

[workload.chat]
arrivals.poisson = { rate = "2 sessions/s" }
turns.fixed = 2
think_time.constant = "5 s"
sizes.fixed = { input = "200 tokens", output = "100 tokens" }

[deployment.model]
provider = "azure"
region = "azure:eastus2"
model = "gpt-4.1"
price.catalog = "azure/gpt-4.1"
latency.preset = "gpt-4.1-2026"

[pool.models]
deployments = ["model"]
choose = "nearest"

[topology.one]
regions = ["aws:us-east-1"]
chain = ["models"]

[topology.two]
extends = "one"
regions = ["aws:us-east-1", "aws:eu-west-1"]

[[fault]]
name = "virginia down"
at = "10 min"
lasts = "3 min"
what.region_down = { region = "aws:us-east-1" }

[objectives]
all = ["availability > 99.99 %"]
"#;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("small.toml"), SMALL).unwrap();
        Place { dir }
    }
    fn path(&self) -> &Path {
        self.dir.path()
    }
    fn geodes(&self, args: &[&str]) -> Output {
        geodes(self.path(), args)
    }
}

#[test]
fn a_run_prints_tables_that_fit_eighty_columns_and_writes_its_files() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let text = out(&o);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    for word in ["one", "two", "berlin", "new-york", "virginia down", "availability"] {
        assert!(text.contains(word), "{word} is missing from\n{text}");
    }
    assert!(err(&o).contains("results are in results"), "{}", err(&o));
    for file in [
        "summary.json",
        "cost.svg",
        "comparison.svg",
        "one/summary.json",
        "one/timeline.csv",
        "two/latency.svg",
        "two/traffic.svg",
        "two/distribution.svg",
        "two/incidents.csv",
    ] {
        let path = p.path().join("results/small").join(file);
        assert!(path.is_file(), "{} is missing", path.display());
    }
}

#[test]
fn columns_set_the_width_where_there_is_no_terminal() {
    let p = Place::new();
    let widest = |columns: &str| {
        let mut geodes = Command::new(env!("CARGO_BIN_EXE_geodes"));
        geodes.args(["run", "small.toml", "--no-files", "--quiet"]).current_dir(p.path()).env("COLUMNS", columns);
        out(&geodes.output().unwrap()).lines().map(|l| l.chars().count()).max().unwrap()
    };
    assert_eq!(widest("60"), 60);
    assert_eq!(widest("100"), 100);
    assert_eq!(widest("no number"), 80);
}

#[test]
fn json_has_flat_metrics_under_the_names_of_objectives() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml", "--format", "json", "--no-files", "--quiet"]);
    let v: serde_json::Value = serde_json::from_str(&out(&o)).unwrap();
    let m = &v["topologies"]["two"]["metrics"];
    for name in [
        "ttft_ms.p95",
        "e2e_ms.p99",
        "availability",
        "cost_usd",
        "cost_multiplier",
        "ttft_ms.p95{users=berlin}",
        "traffic_share{region=aws:eu-west-1}",
        "incident.detected_s{incident=virginia down}",
    ] {
        assert!(m[name].is_number(), "{name}: {}", m[name]);
    }
    assert_eq!(v["format_version"], 1);
    assert!(v["scenario"]["defaults"].as_array().unwrap().len() > 5);
    assert!(err(&o).is_empty(), "{}", err(&o));
    assert!(!p.path().join("results").exists());
}

#[test]
fn a_group_without_any_turn_has_no_share_of_any_region() {
    let p = Place::new();
    let lonely =
        SMALL.replace("share = 0.5 }\n\n", "share = 0.5 }\nlonely = { city = \"Helsinki\", share = 1e-9 }\n\n");
    std::fs::write(p.path().join("lonely.toml"), lonely).unwrap();
    let o = p.geodes(&["run", "lonely.toml", "--format", "json", "--no-plots", "--quiet"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let v: serde_json::Value = serde_json::from_str(&out(&o)).unwrap();
    let users = v["topologies"]["two"]["users"].as_array().unwrap();
    assert_eq!((&users[3]["users"], &users[3]["requests"]), (&"lonely".into(), &0.into()));
    assert_eq!(users[3]["region_shares"], serde_json::json!([null, null]));
    assert!(users[1]["region_shares"][0].is_number());
    let table = std::fs::read_to_string(p.path().join("results/lonely/two/users.csv")).unwrap();
    let (head, row) = (table.lines().next().unwrap(), table.lines().find(|l| l.starts_with("lonely,0,0,")).unwrap());
    let of = |key: &str| head.split(',').zip(row.split(',')).find(|(h, _)| *h == key).map(|(_, value)| value);
    assert_eq!((of("share_aws:us-east-1"), of("share_aws:eu-west-1")), (Some(""), Some("")), "{head}\n{row}");
    assert_eq!(of("errors_unreachable"), Some("0"));
    assert_eq!(head.matches(',').count(), row.matches(',').count());
}

#[test]
fn neither_threads_nor_plots_nor_files_change_the_result() {
    let p = Place::new();
    let json = |extra: &[&str]| {
        let mut args = vec!["run", "small.toml", "--format", "json", "--quiet"];
        args.extend_from_slice(extra);
        out(&p.geodes(&args))
    };
    let first = json(&["--no-files", "--threads", "1"]);
    assert_eq!(first, json(&["--threads", "2"]));
    assert_eq!(first, json(&["--threads", "8", "--no-plots"]));
    let file = std::fs::read_to_string(p.path().join("results/small/summary.json")).unwrap();
    assert_eq!(first.trim_end(), file.trim_end());
}

#[test]
fn exit_codes_say_what_happened() {
    let p = Place::new();
    let code = |args: &[&str]| p.geodes(args).status.code();
    assert_eq!(code(&["run"]), Some(2));
    assert_eq!(code(&["fly"]), Some(2));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["run", "absent.toml"]), Some(3));
    assert_eq!(code(&["run", "small.toml", "--topology", "three"]), Some(2));
    assert_eq!(code(&["run", "small.toml", "--replications", "0"]), Some(4));
    assert_eq!(code(&["run", "small.toml", "--no-files", "--check-objectives"]), Some(99));
    assert_eq!(code(&["catalog", "regions", "no such place"]), Some(4));
    assert_eq!(code(&["catalog", "rtt", "Atlantis", "aws:us-east-1"]), Some(2));
    assert_eq!(code(&["explain-metric", "ttft_ms.p96"]), Some(2));
}

#[test]
fn replications_that_could_not_finish_are_refused_before_they_start() {
    let p = Place::new();
    for (n, fits) in [("1000000", "at most 138888 replications"), ("4000000000", "at most 1000000")] {
        let o = p.geodes(&["run", "small.toml", "--replications", n, "--no-files"]);
        assert_eq!(o.status.code(), Some(3), "{}", err(&o));
        let text = err(&o);
        assert!(text.starts_with(&format!("error: {n} replications are too many to finish\n")), "{text}");
        for word in [fits, "turns in", "of memory", "= help: "] {
            assert!(text.contains(word), "{word} is missing from {text}");
        }
    }
    // fewer topologies, more replications: what counts is what would run
    let most = p.geodes(&["run", "small.toml", "--replications", "1000000", "--topology", "one"]);
    assert!(err(&most).contains("at most 277777 replications"), "{}", err(&most));
}

#[test]
fn objectives_decide_the_exit_code_only_when_asked_and_by_their_intervals() {
    let p = Place::new();
    let run = |objectives: &str, extra: &[&str]| {
        let text = SMALL.replace("\"availability > 99.99 %\"", objectives);
        std::fs::write(p.path().join("o.toml"), text).unwrap();
        let mut args = vec!["run", "o.toml", "--no-files", "--quiet", "--topology", "one"];
        args.extend_from_slice(extra);
        let o = p.geodes(&args);
        (o.status.code(), out(&o), err(&o))
    };
    let check = ["--check-objectives", "--replications", "4"];
    assert_eq!(run("\"availability > 50 %\"", &check).0, Some(0));
    // about 4,800 requests, some 70 more or less
    let (code, text, said) = run("\"requests < 4800\"", &check);
    assert_eq!(code, Some(97), "{said}{text}");
    assert!(said.contains("1 inconclusive") && text.contains("inconclusive"), "{said}{text}");
    let (code, text, said) = run("\"ttft_ms.p95{region=aws:eu-west-1} < 2 s\"", &check);
    assert_eq!(code, Some(97), "{said}{text}");
    assert!(said.contains("1 not measured") && text.contains("this topology has nothing in"), "{said}{text}");
    let both = "\"requests < 4800\", \"availability > 99.99 %\"";
    assert_eq!(run(both, &check).0, Some(99));
    assert_eq!(run(both, &["--replications", "4"]).0, Some(0));
}

#[test]
fn a_misspelt_key_is_shown_where_it_stands() {
    let p = Place::new();
    std::fs::write(p.path().join("bad.toml"), SMALL.replace("horizon", "horzion")).unwrap();
    let o = p.geodes(&["run", "bad.toml"]);
    assert_eq!(o.status.code(), Some(3));
    let text = err(&o);
    assert!(text.contains("bad.toml:4:1") && text.contains("horizon") && text.contains('^'), "{text}");
    assert!(out(&o).is_empty());
    assert!(!p.path().join("results").exists());
}

#[test]
fn only_some_topologies_keep_the_baseline() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml", "--topology", "two", "--format", "markdown", "--no-files", "--quiet"]);
    let text = out(&o);
    assert!(text.contains("one") && text.contains("two"), "{text}");
    let o = p.geodes(&["run", "small.toml", "--topology", "one", "--format", "markdown", "--no-files", "--quiet"]);
    assert!(!out(&o).contains("two"), "{}", out(&o));
}

#[test]
fn exports_are_written_beside_the_printed_report() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml", "--no-files", "--export", "json=a.json", "--export", "markdown=b.md"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(p.path().join("a.json")).unwrap()).unwrap();
    assert!(std::fs::read_to_string(p.path().join("b.md")).unwrap().contains('|'));
    let o = p.geodes(&["run", "small.toml", "--no-files", "--export", "xml=a.xml"]);
    assert_eq!(o.status.code(), Some(2));
}

#[test]
fn determinism_is_checked_event_by_event() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml", "--check-determinism"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    assert_eq!(out(&o).matches("two runs agree").count(), 2, "{}", out(&o));
}

#[test]
fn init_writes_a_scenario_that_runs_and_overwrites_nothing() {
    let p = Place::new();
    assert_eq!(p.geodes(&["init", "mine.toml"]).status.code(), Some(0));
    let o = p.geodes(&["run", "mine.toml", "--quiet"]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    let before = std::fs::read(p.path().join("mine.toml")).unwrap();
    assert_eq!(p.geodes(&["init", "mine.toml"]).status.code(), Some(1));
    assert_eq!(before, std::fs::read(p.path().join("mine.toml")).unwrap());
    assert_eq!(p.geodes(&["init", "mine.toml", "--force"]).status.code(), Some(0));
}

#[test]
fn the_printed_schema_is_the_committed_one() {
    let o = geodes(&root(), &["schema"]);
    let committed = std::fs::read_to_string(root().join("schema/scenario.schema.json")).unwrap();
    assert!(out(&o).trim_end() == committed.trim_end(), "differs: UPDATE_SCHEMA=1 cargo test --test scenario");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["catalog", "prices"][..], &["--help"], &["run", "--help"], &["--version"], &["schema"]] {
        let mut geodes = Command::new(env!("CARGO_BIN_EXE_geodes"));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let o = geodes.args(args).stdout(writer).output().unwrap();
        assert_eq!((o.status.code(), err(&o).as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_reader_that_goes_away_during_a_run_is_no_error_and_the_files_are_there() {
    let p = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_geodes"))
        .args(["run", "small.toml", "--quiet"])
        .current_dir(p.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let o = child.wait_with_output().unwrap();
    assert_eq!((o.status.code(), err(&o).as_str()), (Some(0), ""));
    assert!(p.path().join("results/small/two/bill.csv").is_file());
}

#[test]
fn quiet_means_that_nothing_but_the_result_is_printed() {
    let p = Place::new();
    let o = p.geodes(&["run", "small.toml", "--quiet"]);
    assert_eq!((o.status.code(), err(&o).as_str()), (Some(0), ""));
    assert!(out(&o).contains("Topologies compared") && !out(&o).contains('\x1b'));
}

#[test]
fn a_second_run_leaves_nothing_of_the_first_beside_it() {
    let p = Place::new();
    let files = |args: &[&str]| {
        let mut all = vec!["run", "small.toml", "--quiet"];
        all.extend_from_slice(args);
        let o = p.geodes(&all);
        assert_eq!(o.status.code(), Some(0), "{}", err(&o));
        let there = |f: &str| p.path().join("results/small").join(f).exists();
        ["one/bill.csv", "two/bill.csv", "two", "cost.svg"].map(there)
    };
    assert_eq!(files(&[]), [true; 4]);
    std::fs::write(p.path().join("results/small/notes.md"), "mine").unwrap();
    assert_eq!(files(&["--topology", "one"]), [true, false, false, true]);
    assert_eq!(files(&["--no-plots"]), [true, true, true, false]);
    let changed = p.path().join("results/small/two/bill.csv");
    std::fs::write(&changed, "corrected").unwrap();
    let o = p.geodes(&["run", "small.toml", "--quiet", "--topology", "one"]);
    assert!(err(&o).starts_with("warning: ") && err(&o).contains("bill.csv"), "{}", err(&o));
    assert!(changed.exists() && p.path().join("results/small/notes.md").exists());
}

#[test]
fn scenarios_of_one_name_get_results_of_their_own() {
    let p = Place::new();
    for file in ["v1/chat.toml", "v2/chat.toml", "東京.toml", "大阪.toml"] {
        let path = p.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, SMALL).unwrap();
    }
    let run = |args: &[&str]| p.geodes(&[&["run", "--quiet", "--no-plots", "--topology", "one"], args].concat());
    assert_eq!(run(&["v1/chat.toml"]).status.code(), Some(0));
    let o = run(&["v2/chat.toml"]);
    assert_eq!((o.status.code(), out(&o).as_str()), (Some(1), ""), "refused before the simulation");
    let text = err(&o).replace('\\', "/");
    for part in ["error: results/chat holds", "another scenario, v1/chat.toml", "`--out results/v2`"] {
        assert!(text.contains(part), "{part} is missing from {text}");
    }
    assert_eq!(run(&["v2/chat.toml", "--no-files"]).status.code(), Some(0));
    assert_eq!(run(&["v2/chat.toml", "--out", "results/v2"]).status.code(), Some(0));
    assert_eq!(run(&["./v1/../v1/chat.toml"]).status.code(), Some(0));
    assert_eq!(run(&["東京.toml"]).status.code(), Some(0));
    assert_eq!(run(&["大阪.toml"]).status.code(), Some(0));
    assert_eq!(std::fs::read_dir(p.path().join("results")).unwrap().count(), 4, "chat, v2 and the two cities");
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_simulated() {
    let p = Place::new();
    std::fs::write(p.path().join("results"), "a file").unwrap();
    let before = std::fs::read_dir(p.path()).unwrap().count();
    let refused = |args: &[&str]| {
        let o = p.geodes(&[&["run", "small.toml"], args].concat());
        assert_eq!((o.status.code(), out(&o).as_str()), (Some(1), ""), "{}", err(&o));
        assert!(err(&o).starts_with("error: cannot write ") && err(&o).lines().count() == 1, "{}", err(&o));
    };
    refused(&[]);
    refused(&["--no-files", "--export", "json=results/out.json"]);
    refused(&["--no-files", "--export", "json=."]);
    assert_eq!(std::fs::read_dir(p.path()).unwrap().count(), before);
    assert_eq!(std::fs::read_to_string(p.path().join("results")).unwrap(), "a file");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run_with_130_and_writes_nothing_half() {
    let p = Place::new();
    let long = SMALL.replace("horizon = \"20 min\"", "horizon = \"2000 h\"\ninterval = \"1 h\"");
    std::fs::write(p.path().join("long.toml"), long).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_geodes"))
        .args(["run", "long.toml"])
        .current_dir(p.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let o = child.wait_with_output().unwrap();
    assert_eq!(o.status.code(), Some(130), "{}", err(&o));
    assert!(err(&o).contains("interrupted"), "{}", err(&o));
    assert!(!p.path().join("results").exists());
}

#[test]
fn the_catalogue_can_be_looked_into() {
    let look = |args: &[&str]| {
        let o = geodes(&root(), args);
        assert_eq!(o.status.code(), Some(0), "{args:?}: {}", err(&o));
        out(&o)
    };
    assert!(look(&["catalog", "regions", "us-east-1"]).contains("aws:us-east-1"));
    assert!(look(&["catalog", "cities", "frankfurt"]).contains("Europe/Berlin"));
    assert!(look(&["catalog", "rtt", "Singapore", "aws:us-east-1"]).contains("estimate"));
    assert!(look(&["catalog", "rtt", "azure:eastus", "azure:westeurope"]).contains(" ms"));
    assert!(look(&["catalog", "prices", "azure/gpt-4.1"]).contains("Mtok"));
    let quotas = look(&["catalog", "quotas", "azure/gpt-4o/standard"]);
    assert_eq!(quotas.lines().count(), 2);
    assert!(quotas.contains("900 requests/min") && quotas.contains("150000 tokens/min"));
    assert!(look(&["catalog", "quotas", "tier-4"]).contains("400000 output tokens/min"));
    let traces = look(&["catalog", "traces"]);
    assert!(traces.lines().count() == 2 && traces.contains("azure-2023-code") && traces.contains("requests in"));
    let shapes = look(&["catalog", "shapes", "M-MID"]);
    assert!(shapes.lines().count() == 2 && shapes.contains("24 h in steps of 10 min"), "{shapes}");
    let fit = look(&["catalog", "fits", "m-large-61"]);
    assert!(fit.contains("in p50 822 p95 2385 (mean x0.89)") && fit.contains("out p50 290 p95 865 ("), "{fit}");
    assert!(look(&["catalog", "presets", "gpt-4.1"]).contains("gpt-4.1-2026"));
    assert!(look(&["catalog", "sources"]).contains("CC-BY"));
    assert!(look(&["explain-metric", "ttft_ms"]).contains("first"));
    assert!(look(&["explain-metric"]).contains("availability"));
    assert!(look(&["completions", "bash"]).contains("geodes"));
}
