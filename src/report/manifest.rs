//! `manifest.json`: what geodes wrote into a folder of results, so that the next run can remove what it no longer writes
//! and leaves alone whatever else lies there.

use super::slug::hash;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The manifest's own name.
pub(super) const NAME: &str = "manifest.json";

/// For whoever opens the file.
const ABOUT: &str = "The files that geodes wrote here. The next run of this scenario replaces them and removes those that \
                     it no longer writes, unless somebody has changed them. It touches nothing else.";

/// What the file holds. Readers ignore unknown keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    #[serde(default)]
    about: String,
    /// Version of the program that wrote it.
    #[serde(default)]
    geodes_version: String,
    /// The scenario's file, relative to the manifest's folder; absent if the scenario came from no file.
    #[serde(default)]
    pub scenario: Option<String>,
    /// False while files are being replaced, and after a run that was killed meanwhile.
    #[serde(default)]
    pub complete: bool,
    /// Everything that may be geodes' own.
    #[serde(default)]
    pub files: Vec<Entry>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Relative to the manifest's folder, with `/`.
    pub path: String,
    /// Length.
    pub bytes: u64,
    /// FNV-1a with 64 bits of the content, in hexadecimal digits.
    pub fnv1a: String,
}

impl Entry {
    pub fn of(path: &str, content: &str) -> Entry {
        Entry { path: path.to_owned(), bytes: content.len() as u64, fnv1a: digits(content.as_bytes()) }
    }

    /// Where the file is; `None` if the path leaves the folder, which geodes never writes.
    pub fn within(&self, root: &Path) -> Option<PathBuf> {
        let path = Path::new(&self.path);
        let plain = path.components().all(|c| matches!(c, Component::Normal(_))) && path.components().next().is_some();
        plain.then(|| root.join(path))
    }

    /// Whether the file still is what geodes wrote.
    pub fn is_unchanged(&self, file: &Path) -> bool {
        let same_length = fs::symlink_metadata(file).is_ok_and(|m| m.is_file() && m.len() == self.bytes);
        same_length && fs::read(file).is_ok_and(|content| digits(&content) == self.fnv1a)
    }

    /// Whether both are one file where the file system ignores case.
    pub fn meets(&self, other: &Entry) -> bool {
        self.path.to_lowercase() == other.path.to_lowercase()
    }
}

fn digits(content: &[u8]) -> String {
    format!("{:016x}", hash(content))
}

impl Manifest {
    pub fn new(scenario: Option<String>, complete: bool, files: Vec<Entry>) -> Manifest {
        Manifest {
            about: ABOUT.to_owned(),
            geodes_version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario,
            complete,
            files,
        }
    }

    /// The manifest of a folder; `None` where there is none, or none that can be read: then nothing is known to be
    /// geodes' own.
    pub fn read(root: &Path) -> Option<Manifest> {
        serde_json::from_slice(&fs::read(root.join(NAME)).ok()?).ok()
    }

    /// As text.
    ///
    /// # Errors
    /// None that can happen with these types.
    pub fn to_text(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Manifest::read(dir.path()).is_none());
        let files = vec![Entry::of("one/bill.csv", "a,b\n"), Entry::of("summary.json", "{}")];
        let m = Manifest::new(Some("../../a.toml".into()), true, files.clone());
        fs::write(dir.path().join(NAME), m.to_text().unwrap()).unwrap();
        let back = Manifest::read(dir.path()).unwrap();
        assert_eq!((back.files, back.scenario.as_deref(), back.complete), (files, Some("../../a.toml"), true));
        fs::write(dir.path().join(NAME), "{\"files\": 3}").unwrap();
        assert!(Manifest::read(dir.path()).is_none());
    }

    #[test]
    fn no_entry_leads_out_of_the_folder() {
        let root = Path::new("results/x");
        for bad in ["../y", "a/../../y", "/etc/passwd", "", "./a"] {
            assert_eq!(Entry::of(bad, "").within(root), None, "{bad}");
        }
        assert_eq!(Entry::of("a/b.csv", "").within(root), Some(root.join("a/b.csv")));
    }

    #[test]
    fn a_file_that_somebody_changed_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let entry = Entry::of("f", "abc");
        assert!(!entry.is_unchanged(&file));
        fs::write(&file, "abc").unwrap();
        assert!(entry.is_unchanged(&file));
        fs::write(&file, "abd").unwrap();
        assert!(!entry.is_unchanged(&file));
    }
}
