//! A run as a folder of files: what a second run replaces, removes and leaves alone, and what it refuses.

use crate::sample;
use geodes::report::files::{Folder, WriteError, Written};
use geodes::report::json;
use geodes::study::result::RunResult;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder, with `/`.
fn names(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut todo = vec![dir.to_path_buf()];
    while let Some(d) = todo.pop() {
        for entry in fs::read_dir(d).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                all.push(slashed(dir, &path));
            }
        }
    }
    all.sort();
    all
}

fn slashed(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap().to_string_lossy().replace('\\', "/")
}

/// A project: a folder with scenarios and a folder for results.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Project {
        Project { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// A scenario's file; what is in it is of no interest here.
    fn file(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.to_string_lossy().as_bytes()).unwrap();
        path
    }

    fn folder(&self, scenario: &Path) -> Folder {
        Folder::new(&self.path("results"), "global-chat", Some(scenario))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn results(&self) -> Vec<String> {
        names(&self.path("results"))
    }
}

/// A run of some of the topologies of the made-up day.
fn run(topologies: &[usize]) -> RunResult {
    let mut run = sample::day();
    let mut all = std::mem::take(&mut run.topologies);
    all.truncate(3);
    run.topologies = topologies.iter().map(|&i| all[i].clone()).collect();
    run
}

fn write(folder: &Folder, run: &RunResult) -> Written {
    folder.check().unwrap();
    folder.write(run, false).unwrap()
}

#[test]
fn a_run_becomes_a_folder_and_nothing_temporary_stays() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    let day = sample::day();
    let written = write(&folder, &day).files;
    // Again over the first: files are replaced, none is added.
    assert_eq!(written, write(&folder, &day).files);
    let mut listed: Vec<String> = written.iter().map(|f| slashed(&p.path("results"), f)).collect();
    assert_eq!(listed.last().unwrap(), "global-chat/summary.json", "new last, so that it announces the others");
    listed.push("global-chat/manifest.json".to_owned());
    listed.sort();
    assert_eq!(listed, p.results());
    assert_eq!(listed.len(), 3 * 5 + 2);
    assert!(listed.contains(&"global-chat/active-active/timeline.csv".to_owned()));
    assert_eq!(p.read("results/global-chat/summary.json"), json::to_string_pretty(&day));
    assert_eq!(folder.path(), p.path("results/global-chat"));
}

#[test]
fn the_same_run_gives_the_same_bytes_wherever_it_is_done() {
    let (a, b) = (Project::new(), Project::new());
    for p in [&a, &b] {
        p.folder(&p.file("scenarios/global-chat.toml")).write(&sample::day(), true).unwrap();
    }
    assert_eq!(a.results(), b.results());
    for name in a.results() {
        let name = format!("results/{name}");
        assert!(a.read(&name) == b.read(&name), "{name} differs");
    }
    assert!(a.read("results/global-chat/manifest.json").contains("\"../../scenarios/global-chat.toml\""));
}

#[test]
fn names_cannot_leave_the_folder_or_meet_in_it() {
    let p = Project::new();
    let mut day = sample::day();
    day.topologies[0].name = "../../up".into();
    day.topologies[1].name = "UP".into();
    day.topologies[2].name = "summary.json".into();
    let folder = Folder::new(&p.path("results"), "../outside", None);
    for path in folder.write(&day, false).unwrap().files {
        assert!(path.starts_with(p.path("results/outside")), "{}", path.display());
        assert!(!path.components().any(|c| c == std::path::Component::ParentDir), "{}", path.display());
    }
    let bills: Vec<String> = p.results().into_iter().filter(|n| n.ends_with("/bill.csv")).collect();
    assert_eq!(bills.len(), 3, "{bills:?}");
    assert!(bills.iter().all(|b| ["UP-", "up-", "summary.json-"].iter().any(|s| b["outside/".len()..].starts_with(s))));
}

#[test]
fn what_a_later_run_does_not_have_is_removed_and_nothing_else() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    folder.write(&run(&[0, 1, 2]), true).unwrap();
    let mine = ["notes.md", "active-passive/remarks.txt", "own/data.csv"];
    for name in mine {
        p.file(&format!("results/global-chat/{name}"));
    }
    p.file("results/other/summary.json");
    fs::write(p.path("results/global-chat/active-active/bill.csv"), "corrected by hand").unwrap();
    let written = write(&folder, &run(&[0]));
    // One changed file stays and is named; the run after that knows nothing of it.
    assert_eq!(written.kept, [p.path("results/global-chat/active-active/bill.csv")]);
    assert!(write(&folder, &run(&[0])).kept.is_empty());
    assert_eq!(
        p.results(),
        [
            "global-chat/active-active/bill.csv",
            "global-chat/active-passive/remarks.txt",
            "global-chat/manifest.json",
            "global-chat/notes.md",
            "global-chat/one-region/bill.csv",
            "global-chat/one-region/incidents.csv",
            "global-chat/one-region/summary.json",
            "global-chat/one-region/timeline.csv",
            "global-chat/one-region/users.csv",
            "global-chat/own/data.csv",
            "global-chat/summary.json",
            "other/summary.json",
        ]
    );
    assert_eq!(p.read("results/global-chat/active-active/bill.csv"), "corrected by hand");
}

#[test]
fn folders_that_become_empty_go_too() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    write(&folder, &run(&[0, 1]));
    write(&folder, &run(&[0]));
    assert!(!p.path("results/global-chat/active-passive").exists());
    assert!(p.path("results/global-chat/one-region").is_dir());
}

#[test]
fn two_scenarios_of_one_name_do_not_overwrite_each_other() {
    let p = Project::new();
    let (first, second) = (p.file("v1/global-chat.toml"), p.file("v2/global-chat.toml"));
    write(&p.folder(&first), &run(&[0]));
    let before = p.read("results/global-chat/manifest.json");
    for result in [p.folder(&second).check(), p.folder(&second).write(&run(&[1]), false).map(|_| ())] {
        let error = result.unwrap_err();
        assert!(matches!(error, WriteError::AnotherScenario { .. }), "{error}");
        let text = error.to_string();
        for part in ["another scenario", "v1", "global-chat.toml", "--out", "results/v2"] {
            assert!(text.replace('\\', "/").contains(part), "{part} is missing from {text}");
        }
    }
    assert_eq!(before, p.read("results/global-chat/manifest.json"));
    assert!(!p.path("results/global-chat/active-passive").exists());
    // The same file by another way, and a scenario that is no more, are no such case.
    write(&p.folder(&p.path("v2/../v1/global-chat.toml")), &run(&[0]));
    fs::remove_file(&first).unwrap();
    write(&p.folder(&second), &run(&[1]));
    assert!(p.path("results/global-chat/active-passive/bill.csv").exists());
    assert!(!p.path("results/global-chat/one-region").exists());
}

#[test]
fn what_geodes_did_not_write_is_not_overwritten() {
    let p = Project::new();
    let scenario = p.file("a/global-chat.toml");
    let in_the_way = |name: &str| {
        let error = p.folder(&scenario).write(&run(&[0]), false).unwrap_err();
        assert!(matches!(&error, WriteError::InTheWay(path) if *path == p.path(name)), "{error}");
        assert!(error.to_string().contains("--out"));
    };
    // Before there is any result, and beside one.
    p.file("results/global-chat/summary.json");
    in_the_way("results/global-chat/summary.json");
    fs::remove_file(p.path("results/global-chat/summary.json")).unwrap();
    write(&p.folder(&scenario), &run(&[1]));
    p.file("results/global-chat/one-region/users.csv");
    in_the_way("results/global-chat/one-region/users.csv");
    fs::remove_dir_all(p.path("results/global-chat/one-region")).unwrap();
    p.file("results/global-chat/one-region");
    in_the_way("results/global-chat/one-region");
    fs::remove_file(p.path("results/global-chat/one-region")).unwrap();
    fs::create_dir_all(p.path("results/global-chat/one-region/bill.csv/deep")).unwrap();
    in_the_way("results/global-chat/one-region/bill.csv");
    // Each time the earlier result is whole.
    assert_eq!(names(&p.path("results/global-chat/active-passive")).len(), 5);
    assert_eq!(p.read("results/global-chat/summary.json"), json::to_string_pretty(&run(&[1])));
}

#[test]
fn a_run_that_cannot_be_written_leaves_everything_as_it_was() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    let mut broken = run(&[0, 2]);
    // Found out in the middle: the first topology's summary has been made by then.
    broken.scenario.start = "soon".into();
    let error = folder.write(&broken, false).unwrap_err();
    assert!(error.to_string().contains("soon") && error.to_string().contains("timeline.csv"), "{error}");
    assert!(!p.path("results").exists(), "not even a folder");
    write(&folder, &run(&[0, 1]));
    let contents = || p.results().iter().map(|n| p.read(&format!("results/{n}"))).collect::<Vec<_>>();
    let before = contents();
    folder.write(&broken, false).unwrap_err();
    assert_eq!(before, contents());
    // A file where the folder for results should be.
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    p.file("results");
    for error in [folder.check().unwrap_err(), folder.write(&run(&[0]), false).unwrap_err()] {
        assert!(error.to_string().contains("cannot write"), "{error}");
    }
    assert!(p.path("results").is_file());
}

#[test]
fn looking_whether_a_run_could_be_written_leaves_nothing_behind() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    folder.check().unwrap();
    assert_eq!(names(p.dir.path()), ["a/global-chat.toml"]);
    assert!(!p.path("results").exists());
}

#[test]
fn a_killed_run_is_cleared_away_by_the_next() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    write(&folder, &run(&[0, 1]));
    // As if killed while files were being replaced: half of the new ones are there, and the folder in which they were made.
    let text = p.read("results/global-chat/manifest.json").replace("\"complete\": true", "\"complete\": false");
    fs::write(p.path("results/global-chat/manifest.json"), text).unwrap();
    fs::remove_file(p.path("results/global-chat/active-passive/users.csv")).unwrap();
    p.file("results/global-chat/.geodes-4000000000.part/one-region/bill.csv");
    assert!(write(&folder, &run(&[0])).kept.is_empty());
    assert_eq!(names(&p.path("results/global-chat")).len(), 5 + 2);
    assert!(p.read("results/global-chat/manifest.json").contains("\"complete\": true"));
}

#[test]
fn a_manifest_cannot_make_geodes_remove_what_is_elsewhere() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    write(&folder, &run(&[0, 1]));
    // The same content as a file that geodes wrote, so that only the place tells it apart.
    fs::copy(p.path("results/global-chat/active-passive/bill.csv"), p.path("bill.csv")).unwrap();
    let text = p.read("results/global-chat/manifest.json").replace("active-passive/bill.csv", "../../bill.csv");
    fs::write(p.path("results/global-chat/manifest.json"), text).unwrap();
    write(&folder, &run(&[0]));
    assert!(p.path("bill.csv").exists());
}

#[test]
fn a_lost_manifest_loses_only_the_right_to_remove() {
    let p = Project::new();
    let folder = p.folder(&p.file("a/global-chat.toml"));
    write(&folder, &run(&[0, 1]));
    fs::remove_file(p.path("results/global-chat/manifest.json")).unwrap();
    write(&folder, &run(&[0]));
    assert_eq!(names(&p.path("results/global-chat/active-passive")).len(), 5);
    assert!(p.path("results/global-chat/manifest.json").is_file());
}
