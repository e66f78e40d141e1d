//! A run as a folder of files. Each file is written under another name and then renamed, so that whoever looks, at
//! whatever moment, finds either the old file or the new one and never half of either.

use super::{csv, json};
use crate::study::result::RunResult;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Longest folder name made from a topology's name, in bytes (file systems allow 255).
const LONGEST_NAME: usize = 80;

/// What [`write_run`] writes beside the folders of the topologies.
const RESERVED: [&str; 4] = ["summary.json", "comparison.svg", "cost.svg", "availability.svg"];

/// Writes `<dir>/<scenario>/<topology>/{summary.json, timeline.csv, users.csv, incidents.csv, bill.csv}` and
/// `<dir>/<scenario>/summary.json`; with `plots`, and when the crate is built with `charts`, also the SVG charts of each
/// topology and of the scenario. Returns the files in the order written.
///
/// # Errors
/// When a folder or a file cannot be written, or the scenario's start is no RFC 3339 instant. Files written before the
/// error stay.
pub fn write_run(dir: &Path, run: &RunResult, plots: bool) -> io::Result<Vec<PathBuf>> {
    let root = dir.join(folder_name(&run.scenario.slug));
    let mut written = Vec::new();
    // Files of the scenario's own folder; no topology may take their place.
    let mut taken: BTreeSet<String> = RESERVED.iter().map(|n| (*n).to_owned()).collect();
    for t in &run.topologies {
        let folder = root.join(unique(folder_name(&t.name), &mut taken));
        fs::create_dir_all(&folder)?;
        let mut put = |name: &str, text: &str| write_file(&folder.join(name), text, &mut written);
        put("summary.json", &json::topology_to_string_pretty(run, t))?;
        put("timeline.csv", &csv::timeline(run, t)?)?;
        put("users.csv", &csv::users(t)?)?;
        put("incidents.csv", &csv::incidents(run, t)?)?;
        put("bill.csv", &csv::bill(t)?)?;
        #[cfg(feature = "charts")]
        if plots {
            for (name, svg) in super::charts::of_topology(run, t)? {
                put(name, &svg)?;
            }
        }
    }
    fs::create_dir_all(&root)?;
    #[cfg(feature = "charts")]
    if plots {
        for (name, svg) in super::charts::of_run(run)? {
            write_file(&root.join(name), &svg, &mut written)?;
        }
    }
    #[cfg(not(feature = "charts"))]
    let _ = plots;
    // Last: whoever finds it new finds everything else new as well.
    write_file(&root.join("summary.json"), &json::to_string_pretty(run), &mut written)?;
    Ok(written)
}

/// A name that is one plain folder on every file system: letters, digits, `-`, `_` and `.` stay, everything else becomes
/// `-`; never empty, never hidden, never a step upwards.
pub fn folder_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .take(LONGEST_NAME)
        .collect();
    let trimmed = plain.trim_matches(['.', '-']);
    if trimmed.is_empty() { "unnamed".into() } else { trimmed.to_owned() }
}

/// Two names that differ only in what [`folder_name`] drops (or in case, which some file systems ignore) get numbers.
fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.clone();
    let mut n = 2;
    while !taken.insert(candidate.to_ascii_lowercase()) {
        candidate = format!("{name}-{n}");
        n += 1;
    }
    candidate
}

/// Writes a whole file beside its place and renames it into place.
///
/// # Errors
/// When it cannot be written; nothing is left behind then and an older file of that name is untouched.
pub fn write_atomic(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    // Two programs writing into one folder must not write into one file.
    hidden.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(hidden);
    let result = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

fn write_file(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> io::Result<()> {
    write_atomic(path, text)?;
    written.push(path.to_path_buf());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_plain_folder() {
        assert_eq!(folder_name("active-active"), "active-active");
        assert_eq!(folder_name("../../etc/passwd"), "etc-passwd");
        assert_eq!(folder_name("São Paulo: two"), "S-o-Paulo--two");
        assert_eq!(folder_name(".."), "unnamed");
        assert_eq!(folder_name(""), "unnamed");
        assert_eq!(folder_name(&"x".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn names_that_fall_together_get_numbers() {
        let mut taken = BTreeSet::new();
        assert_eq!(unique("eu".into(), &mut taken), "eu");
        assert_eq!(unique("EU".into(), &mut taken), "EU-2");
        assert_eq!(unique("eu".into(), &mut taken), "eu-3");
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("occupied");
        fs::create_dir_all(target.join("inner")).unwrap();
        assert!(write_atomic(&target, "text").is_err());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["occupied"]);
    }
}
