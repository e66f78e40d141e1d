//! A run as a folder of files, `<out>/<scenario>/`.
//!
//! All files are written into a hidden folder beside their places first and renamed into place when every one of them is
//! whole: whoever looks, at whatever moment, finds either the old file or the new one and never half of either, and a run
//! that cannot be written leaves the old one as it was. [`manifest.json`](Written) lists what belongs to geodes. Of that,
//! what the new run no longer has is removed; what a user put there or changed stays, and so does another scenario's
//! result.

use super::atomic::check_writable;
use super::manifest::{self, Entry, Manifest};
use super::slug::{folder_name, folder_names};
use super::{csv, json};
use crate::study::result::RunResult;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

/// What is written beside the folders of the topologies; no topology may take its place.
const RESERVED: [&str; 5] = [SUMMARY, "comparison.svg", "cost.svg", "availability.svg", manifest::NAME];

/// Written last: whoever finds it new finds everything else new as well.
const SUMMARY: &str = "summary.json";

/// Around the number of the process in the name of the folder in which files are made.
const STAGE: (&str, &str) = (".geodes-", ".part");

/// The folder that one scenario's results go to.
#[derive(Clone, Debug)]
pub struct Folder {
    out: PathBuf,
    root: PathBuf,
    scenario: Option<PathBuf>,
}

/// What [`Folder::write`] did.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The files in the order written; the manifest is not among them.
    pub files: Vec<PathBuf>,
    /// Files of an earlier run that the new one does not have and that somebody has changed since; they were left alone.
    pub kept: Vec<PathBuf>,
}

/// Why a run cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// The folder holds the results of another scenario.
    AnotherScenario {
        /// The folder.
        folder: PathBuf,
        /// The file of the scenario that it belongs to.
        scenario: PathBuf,
        /// A folder that could take the results instead.
        instead: PathBuf,
    },
    /// Something stands at the place of a file, or of a folder, that geodes did not put there.
    InTheWay(PathBuf),
    /// A file or a folder cannot be read or written.
    Io(PathBuf, io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::AnotherScenario { folder, scenario, instead } => write!(
                f,
                "{} holds the results of another scenario, {}\n  = help: write these to another folder, for example with \
                 `--out {}`, or remove {0} if they are no longer wanted",
                folder.display(),
                scenario.display(),
                instead.display(),
            ),
            WriteError::InTheWay(path) => write!(
                f,
                "{} is in the way: geodes did not write it and does not overwrite it\n  = help: move it, or write to \
                 another folder with `--out`",
                path.display()
            ),
            WriteError::Io(path, e) => write!(f, "cannot write {}: {e}", path.display()),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WriteError::Io(_, e) => Some(e),
            _ => None,
        }
    }
}

/// Names the path in an error of the file system.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    move |e| WriteError::Io(path.to_path_buf(), e)
}

impl Folder {
    /// The folder below `out` for a scenario. `scenario` is its file; without one, the folder is shared by all scenarios
    /// of that slug.
    pub fn new(out: &Path, slug: &str, scenario: Option<&Path>) -> Folder {
        Folder { out: out.to_path_buf(), root: out.join(folder_name(slug)), scenario: scenario.map(Path::to_path_buf) }
    }

    /// Where the files go.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Whether a run could be written, without writing one: worth knowing before a long simulation. Leaves nothing behind.
    ///
    /// # Errors
    /// When the folder belongs to another scenario, or nothing can be written there.
    pub fn check(&self) -> Result<(), WriteError> {
        self.previous()?;
        check_writable(&self.root.join(SUMMARY))
    }

    /// Writes `<topology>/{summary.json, timeline.csv, users.csv, incidents.csv, bill.csv}`, `summary.json` and
    /// `manifest.json`; with `plots`, and when the crate is built with `charts`, also the SVG charts of each topology and
    /// of the scenario. Removes what the manifest of the run before lists and this run does not have, unless somebody has
    /// changed it.
    ///
    /// # Errors
    /// When the folder belongs to another scenario, something is in the way, a file or a folder cannot be written, or the
    /// scenario's start is no RFC 3339 instant. Until every file is whole, the folder stays as it was.
    pub fn write(&self, run: &RunResult, plots: bool) -> Result<Written, WriteError> {
        let mut made = Made::folders(&self.root).map_err(at(&self.root))?;
        // Two programs must not change the folder at once. Where folders cannot be locked, single files still are whole.
        let lock = File::open(&self.root).and_then(|f| f.lock().map(|()| f)).ok();
        if lock.is_some() {
            remove_abandoned(&self.root);
        }
        let before = self.previous()?;
        let mut stage = Stage::new(&self.root)?;
        write_all(&mut stage, run, plots)?;
        let written = self.replace(before, stage)?;
        made.keep();
        Ok(written)
    }

    /// The manifest of the run before, if there was one.
    ///
    /// # Errors
    /// When it is another scenario's, and that scenario still exists.
    fn previous(&self) -> Result<Option<Manifest>, WriteError> {
        let Some(manifest) = Manifest::read(&self.root) else { return Ok(None) };
        if let (Some(theirs), Some(mine)) = (&manifest.scenario, &self.scenario)
            && let Ok(theirs) = self.root.join(theirs).canonicalize()
            && theirs != real(mine)
        {
            let here = real(Path::new("."));
            let parent = real(mine).parent().and_then(Path::file_name).map_or_else(|| "other".into(), PathBuf::from);
            return Err(WriteError::AnotherScenario {
                folder: self.root.clone(),
                scenario: theirs.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(theirs),
                instead: self.out.join(parent),
            });
        }
        Ok(Some(manifest))
    }

    /// Puts the files of the stage into their places and removes those of the run before that have none.
    fn replace(&self, before: Option<Manifest>, stage: Stage) -> Result<Written, WriteError> {
        // A lost manifest must not make the results of all earlier runs unwritable.
        let adopted = before.is_none() && holds_results(&self.root);
        let old = before.map_or_else(Vec::new, |m| m.files);
        for new in &stage.entries {
            if let Some(path) = obstacle(&self.root, new, adopted || old.iter().any(|o| o.meets(new))) {
                return Err(WriteError::InTheWay(path));
            }
        }
        let (stale, replaced): (Vec<Entry>, Vec<Entry>) =
            old.into_iter().partition(|o| !stage.entries.iter().any(|new| new.path == o.path));
        let scenario = self.scenario.as_deref().map(|s| relative(&real(&self.root), &real(s)));
        // From here to the end, whatever stops the program, the manifest knows every file that may be there.
        let both = stale.iter().chain(&replaced).chain(&stage.entries).cloned().collect();
        stage.put_manifest(&Manifest::new(scenario.clone(), false, both))?;
        let mut written = Written::default();
        for old in &stale {
            let Some(path) = old.within(&self.root) else { continue };
            if old.is_unchanged(&path) {
                fs::remove_file(&path).map_err(at(&path))?;
                if let Some(folder) = path.parent().filter(|p| *p != self.root) {
                    // Only an empty folder can be removed; one that holds more stays.
                    let _ = fs::remove_dir(folder);
                }
            } else if fs::symlink_metadata(&path).is_ok() {
                written.kept.push(path);
            }
        }
        // A run that was killed while it replaced files leaves two entries for some of them.
        written.kept.retain(|p| fs::symlink_metadata(p).is_ok());
        written.kept.dedup();
        for new in &stage.entries {
            let path = self.root.join(&new.path);
            let folder = path.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(at(folder))?;
            fs::rename(stage.folder.join(&new.path), &path).map_err(at(&path))?;
            written.files.push(path);
        }
        stage.put_manifest(&Manifest::new(scenario, true, stage.entries.clone()))?;
        Ok(written)
    }
}

fn write_all(stage: &mut Stage, run: &RunResult, plots: bool) -> Result<(), WriteError> {
    let names: Vec<&str> = run.topologies.iter().map(|t| t.name.as_str()).collect();
    for (t, folder) in run.topologies.iter().zip(folder_names(&names, &RESERVED)) {
        let mut put = |name: &str, text: io::Result<String>| stage.put(&format!("{folder}/{name}"), text);
        put(SUMMARY, Ok(json::topology_to_string_pretty(run, t)))?;
        put("timeline.csv", csv::timeline(run, t))?;
        put("users.csv", csv::users(t))?;
        put("incidents.csv", csv::incidents(run, t))?;
        put("bill.csv", csv::bill(t))?;
        #[cfg(feature = "charts")]
        if plots {
            for (name, svg) in super::charts::of_topology(run, t).map_err(at(&stage.root))? {
                stage.put(&format!("{folder}/{name}"), Ok(svg))?;
            }
        }
    }
    #[cfg(feature = "charts")]
    if plots {
        for (name, svg) in super::charts::of_run(run).map_err(at(&stage.root))? {
            stage.put(name, Ok(svg))?;
        }
    }
    #[cfg(not(feature = "charts"))]
    let _ = plots;
    stage.put(SUMMARY, Ok(json::to_string_pretty(run)))
}

/// The hidden folder in which files are made; what is left of it goes with it.
struct Stage {
    folder: PathBuf,
    root: PathBuf,
    entries: Vec<Entry>,
}

impl Stage {
    fn new(root: &Path) -> Result<Stage, WriteError> {
        let folder = root.join(format!("{}{}{}", STAGE.0, std::process::id(), STAGE.1));
        fs::create_dir(&folder).map_err(at(&folder))?;
        Ok(Stage { folder, root: root.to_path_buf(), entries: Vec::new() })
    }

    fn put(&mut self, path: &str, text: io::Result<String>) -> Result<(), WriteError> {
        let file = self.folder.join(path);
        let write = |text: &str| {
            fs::create_dir_all(file.parent().unwrap_or(&self.folder))?;
            File::create_new(&file)?.write_all(text.as_bytes())
        };
        // An error names the place that the user knows.
        let text = text.map_err(at(&self.root.join(path)))?;
        write(&text).map_err(at(&self.root.join(path)))?;
        self.entries.push(Entry::of(path, &text));
        Ok(())
    }

    fn put_manifest(&self, manifest: &Manifest) -> Result<(), WriteError> {
        let (made, place) = (self.folder.join(manifest::NAME), self.root.join(manifest::NAME));
        let written =
            manifest.to_text().and_then(|text| fs::write(&made, text)).and_then(|()| fs::rename(&made, &place));
        written.map_err(at(&place))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Folders that were made for a run, to be removed if it cannot be written.
struct Made(Vec<PathBuf>);

impl Made {
    fn folders(root: &Path) -> io::Result<Made> {
        let missing = root.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists());
        let made = Made(missing.map(Path::to_path_buf).collect());
        fs::create_dir_all(root)?;
        Ok(made)
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for folder in &self.0 {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Removes what killed programs have left. The folder must be locked: then nobody else is at work in it.
fn remove_abandoned(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(STAGE.0).and_then(|n| n.strip_suffix(STAGE.1));
        if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a folder without a manifest holds what a run of geodes wrote.
fn holds_results(root: &Path) -> bool {
    let text = fs::read(root.join(SUMMARY)).unwrap_or_default();
    let summary: Option<serde_json::Value> = serde_json::from_slice(&text).ok();
    summary.is_some_and(|s| s.get("geodes_version").is_some())
}

/// What keeps a file from its place: a folder, a file where a folder has to be, or a file that is not geodes' own.
fn obstacle(root: &Path, entry: &Entry, own: bool) -> Option<PathBuf> {
    let path = root.join(&entry.path);
    let folders = path.ancestors().skip(1).take_while(|a| *a != root);
    if let Some(file) = folders.into_iter().find(|a| fs::symlink_metadata(a).is_ok() && !a.is_dir()) {
        return Some(file.to_path_buf());
    }
    let there = fs::symlink_metadata(&path).ok()?;
    (there.is_dir() || !own).then_some(path)
}

/// The path without links and steps upwards, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let canonical = path.canonicalize().or_else(|_| std::path::absolute(path));
    canonical.unwrap_or_else(|_| path.to_path_buf())
}

/// The way from a folder to a file, with `/`; both must be without links. The whole path where there is no way.
fn relative(folder: &Path, file: &Path) -> String {
    let (a, b): (Vec<Component<'_>>, Vec<Component<'_>>) = (folder.components().collect(), file.components().collect());
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    if common == 0 {
        return file.to_string_lossy().into_owned();
    }
    let up = a[common..].iter().map(|_| "..".into());
    let down = b[common..].iter().map(|c| c.as_os_str().to_string_lossy());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_a_folder_to_a_file() {
        let way = |a: &str, b: &str| relative(Path::new(a), Path::new(b));
        assert_eq!(way("/home/a/results/chat", "/home/a/scenarios/chat.toml"), "../../scenarios/chat.toml");
        assert_eq!(way("/home/a", "/home/a/b.toml"), "b.toml");
    }

    #[test]
    fn only_plain_folders_of_the_name_are_abandoned_stages() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".geodes-12.part", ".geodes-x.part", ".geodes-.part", "geodes-12.part"] {
            fs::create_dir_all(dir.path().join(name).join("inner")).unwrap();
        }
        remove_abandoned(dir.path());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".geodes-.part", ".geodes-x.part", "geodes-12.part"]);
    }
}
