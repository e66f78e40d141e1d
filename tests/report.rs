//! Every report format, on a made-up day: what a reader relies on must not change by accident.

#[path = "report/folder.rs"]
mod folder;
#[cfg(feature = "charts")]
#[path = "report/pictures.rs"]
mod pictures;
#[path = "report/sample.rs"]
mod sample;

use geodes::report::{csv, json, markdown};
use geodes::study::result::RunResult;

fn json_of(run: &RunResult) -> serde_json::Value {
    serde_json::from_str(&json::to_string_pretty(run)).expect("the report is JSON")
}

fn keys(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn json_has_the_keys_that_readers_rely_on_in_a_fixed_order() {
    let v = json_of(&sample::day());
    assert_eq!(keys(&v), ["format_version", "geodes_version", "scenario", "topologies", "incomplete"]);
    assert_eq!(v["format_version"], 1);
    assert_eq!(keys(&v["topologies"]), ["one-region", "active-passive", "active-active"]);
    let metrics = v["topologies"]["active-active"]["metrics"].as_object().unwrap();
    assert!(metrics.values().all(|m| m.is_number() || m.is_null()), "metrics are flat");
    let names: Vec<&String> = metrics.keys().collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(metrics["ttft_ms.p50"], 760.0);
    assert_eq!(
        keys(&v["topologies"]["one-region"]),
        [
            "name",
            "is_baseline",
            "metrics",
            "intervals",
            "regions",
            "users",
            "errors",
            "incidents",
            "incidents_not_shown",
            "cost",
            "objectives",
            "deployments",
            "fleets",
            "events",
            "turns"
        ]
    );
}

#[test]
fn json_of_one_topology_has_the_shape_of_the_whole() {
    let run = sample::day();
    let whole = json_of(&run);
    let one: serde_json::Value =
        serde_json::from_str(&json::topology_to_string_pretty(&run, &run.topologies[1])).unwrap();
    assert_eq!(keys(&one), keys(&whole));
    assert_eq!(keys(&one["topologies"]), ["active-passive"]);
    assert_eq!(one["topologies"]["active-passive"], whole["topologies"]["active-passive"]);
    assert_eq!(one["scenario"], whole["scenario"]);
}

#[test]
fn json_writes_null_for_what_was_not_measured_or_is_not_finite() {
    let v = json_of(&sample::empty());
    let t = &v["topologies"]["active-passive"];
    assert!(t["metrics"]["ttft_ms.p95"].is_null());
    assert!(t["metrics"]["never.finite"].is_null());
    assert!(t["users"][0]["ttft_ms"]["p95"].is_null());
    assert!(t["users"][0]["region_shares"][0].is_null());
    assert!(t["incidents"][0]["detected_s"].is_null());
    assert_eq!(t["users"][0]["requests"], 0);
}

fn read(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
    (head, rows)
}

#[test]
fn timeline_csv_reads_back_as_it_was() {
    let run = sample::day();
    let t = &run.topologies[2];
    let (head, rows) = read(&csv::timeline(&run, t).unwrap());
    assert_eq!(head, csv::TIMELINE);
    assert_eq!(rows.len(), 1440 * 4);
    let mut row = rows.iter();
    for minute in 0..1440 {
        for series in &t.timeline {
            let (row, cell) = (row.next().unwrap(), &series.cells[minute]);
            assert_eq!(row[0], (minute * 60).to_string());
            assert_eq!(row[2], series.region);
            assert_eq!(row[3], cell.requests.to_string());
            assert_eq!(row[5..7], [cell.degraded.to_string(), cell.slow.to_string()]);
            assert_eq!(row[7].parse::<f64>().ok(), cell.traffic_share);
            assert_eq!(row[9].parse::<f64>().ok(), cell.ttft_p95_ms);
            assert_eq!(row[11].parse::<f64>().unwrap(), cell.cost_usd);
        }
    }
    assert_eq!(rows[4 * 61][1], "2026-03-02T01:01:00Z");
}

#[test]
fn seconds_in_csv_have_no_tail_of_meaningless_digits() {
    let mut run = sample::day();
    // What 60 s and 29.4 s become when whole nanoseconds are multiplied by 1e-9.
    run.topologies[0].timeline.iter_mut().for_each(|s| s.interval_s = 60e9 * 1e-9);
    run.topologies[0].incidents[0].detected_s = Some(29.4e9 * 1e-9);
    let (_, rows) = read(&csv::timeline(&run, &run.topologies[0]).unwrap());
    assert_eq!(rows[2][0], "60");
    let (_, rows) = read(&csv::incidents(&run, &run.topologies[0]).unwrap());
    assert_eq!(rows[0][6], "29.4");
}

#[test]
fn other_csv_files_read_back_and_leave_empty_what_was_not_measured() {
    let run = sample::day();
    let t = &run.topologies[1];
    let (head, rows) = read(&csv::users(t).unwrap());
    assert_eq!(head[..csv::USERS.len()], *csv::USERS);
    let (shares, errors) = head[csv::USERS.len()..].split_at(2);
    assert_eq!(shares, ["share_aws:us-east-1", "share_aws:eu-west-1"]);
    assert!(errors.len() == 20 && errors.iter().all(|e| e.starts_with("errors_")), "{errors:?}");
    assert_eq!(rows.len(), t.users.len());
    assert_eq!(rows[1][0], "new-york");
    assert_eq!(rows[1][4].parse::<f64>().ok(), t.users[1].ttft_ms.p50);
    assert_eq!(rows[1][csv::USERS.len() + 1], "0.033");

    let (head, rows) = read(&csv::incidents(&run, t).unwrap());
    assert_eq!(head, csv::INCIDENTS);
    assert_eq!(rows[0][4], "2026-03-02T14:00:00Z");
    assert_eq!(rows[1][2], "gpt-eastus, gpt-sweden, gpt-japan", "a comma inside a field survives");
    assert_eq!(rows[1][7], "", "never half moved");

    let (head, rows) = read(&csv::bill(t).unwrap());
    assert_eq!(head, csv::BILL);
    assert_eq!(rows[0][6], "6498.77");
    assert_eq!(rows[2][1], "c7g.4xlarge, application server");

    let nothing = sample::empty();
    let (_, rows) = read(&csv::users(&nothing.topologies[0]).unwrap());
    assert_eq!(rows[0][4..14].join(""), "");
    let shares = csv::USERS.len()..rows[0].len() - 20;
    assert_eq!(rows[0][shares].join(""), "", "nobody was sent anywhere");
}

#[test]
fn a_start_that_is_no_instant_is_an_error_and_not_a_panic() {
    let mut run = sample::day();
    run.scenario.start = "soon".into();
    let error = csv::timeline(&run, &run.topologies[0]).unwrap_err();
    assert!(error.to_string().contains("soon"), "{error}");
    markdown::render(&run);
}

#[test]
fn markdown_tables_have_as_many_cells_as_heads() {
    let mut run = sample::day();
    run.topologies[0].name = "pipes | and *stars*".into();
    let text = markdown::render(&run);
    assert!(text.contains("| availability |"), "{text}");
    assert!(text.contains(r"| pipes \| and \*stars\* |"), "{text}");
    let cells = |line: &str| line.replace(r"\|", "").matches('|').count();
    for block in text.split("\n\n").filter(|b| b.starts_with('|')) {
        let counts: Vec<usize> = block.lines().map(cells).collect();
        assert!(counts.windows(2).all(|w| w[0] == w[1]), "{block}");
    }
    insta::assert_snapshot!("markdown", markdown::render(&sample::day()));
    insta::assert_snapshot!("markdown_replicated", markdown::render(&sample::replicated()));
}

#[cfg(feature = "cli")]
mod terminal {
    use super::{read, sample};
    use geodes::report::text::{TextOptions, render};
    use geodes::report::{csv, markdown};

    fn plain(width: usize) -> TextOptions {
        TextOptions { width, color: false }
    }

    #[test]
    fn at_80_columns() {
        insta::assert_snapshot!("text_80", render(&sample::one(), plain(80)));
    }

    #[test]
    fn at_120_columns() {
        insta::assert_snapshot!("text_120", render(&sample::one(), plain(120)));
    }

    #[test]
    fn three_topologies_at_100_columns() {
        insta::assert_snapshot!("text_100_day", render(&sample::day(), plain(100)));
    }

    /// Attempts that were given up get a column where there are any, so that attempts add up.
    #[test]
    fn attempts_that_were_given_up_are_shown_where_there_are_any() {
        let mut run = sample::one();
        assert!(!render(&run, plain(120)).contains("given up"));
        run.topologies[0].deployments[0].abandoned = 4_321;
        let text = render(&run, plain(120));
        assert!(text.contains("given up") && text.contains("4,321"), "{text}");
    }

    /// A fault that came back seven times: the median of each figure, the worst time, and where the others stand.
    #[test]
    fn a_fault_that_keeps_coming_back_has_two_rows() {
        let mut run = sample::crowd();
        run.topologies.truncate(1);
        let incidents = &run.topologies[0].incidents;
        let (_, all) = read(&csv::incidents(&run, &run.topologies[0]).unwrap());
        assert_eq!(all.len(), incidents.len(), "every one is in the CSV");
        let text = render(&run, plain(400));
        let rows: Vec<&str> = text.lines().filter(|l| l.contains("recurring brown-out of a provider")).collect();
        let [median, worst] = rows[..] else { panic!("{rows:#?}") };
        assert!(median.contains("provider, median") && median.contains("7 times"), "{median}");
        // failures of 0, 100, ... 600
        assert!(median.contains("300") && worst.contains("#7, worst") && worst.contains("600"), "{median}\n{worst}");
        assert!(text.contains("incidents.csv"), "{text}");
        assert!(!render(&sample::day(), plain(400)).contains("came back"), "nothing recurs there");
        let markdown = markdown::render(&run);
        assert_eq!(markdown.matches("recurring brown-out of a provider").count(), 2, "{markdown}");
        assert!(markdown.contains("incidents.csv"));
    }

    #[test]
    fn replications_at_80_columns() {
        insta::assert_snapshot!("text_80_replicated", render(&sample::replicated(), plain(80)));
    }

    #[test]
    fn no_line_is_longer_than_the_width() {
        let mut run = sample::day();
        run.topologies[1].name = "a-name-that-is-much-longer-than-anybody-would-choose-but-somebody-will".into();
        run.topologies[1].users[3].users = "users whose name does not fit into a column of forty".into();
        run.topologies[1].objectives[0].objective =
            "ttft_ms.p95{users=users whose name does not fit into a column of forty} < 2 s".into();
        for run in [&run, &sample::crowd(), &sample::empty(), &sample::replicated()] {
            for width in (40..=220).step_by(3).chain([80, 120]) {
                for line in render(run, plain(width)).lines() {
                    assert!(line.chars().count() <= width, "{width}: {} columns: {line}", line.chars().count());
                }
            }
        }
        // Narrower than that is drawn at 40.
        assert_eq!(render(&run, plain(10)), render(&run, plain(40)));
    }

    #[test]
    fn nothing_is_lost_when_tables_fall_apart() {
        let cells = |width| {
            let text = render(&sample::one(), plain(width));
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.retain(|w| w.contains(|c: char| c.is_ascii_digit()));
            words.sort();
            words.dedup();
            words
        };
        assert_eq!(cells(80), cells(400));
        assert_eq!(cells(120), cells(400));
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let text = render(&sample::empty(), plain(80));
        assert!(!text.contains("NaN") && !text.contains("None") && !text.contains("null"), "{text}");
        insta::assert_snapshot!("text_80_nothing_measured", text);
    }

    #[test]
    fn colour_only_adds_escapes() {
        let run = sample::day();
        let coloured = render(&run, TextOptions { width: 80, color: true });
        let mut bare = String::new();
        let mut rest = coloured.as_str();
        while let Some(i) = rest.find('\x1b') {
            bare.push_str(&rest[..i]);
            rest = &rest[i + rest[i..].find('m').unwrap() + 1..];
        }
        bare.push_str(rest);
        let text = render(&run, plain(80));
        assert_eq!(bare, text);
        assert!(!text.contains('\x1b'));
        let missed = coloured.lines().find(|l| l.contains("MISSED")).unwrap();
        assert!(missed.starts_with("\x1b[31m") && missed.ends_with("\x1b[0m"), "{missed:?}");
    }
}
