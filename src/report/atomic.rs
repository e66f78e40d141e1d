//! Single files that a user asks for: written whole or not at all.

use super::files::{WriteError, at};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Whether a file could be written at this place, its folders made if they are missing. Leaves nothing behind.
///
/// # Errors
/// When it could not.
pub fn check_writable(path: &Path) -> Result<(), WriteError> {
    if is_special(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(WriteError::Io(path.to_path_buf(), io::ErrorKind::IsADirectory.into()));
    }
    let here = Path::new(".");
    let mut folders = path.ancestors().skip(1).map(|a| if a.as_os_str().is_empty() { here } else { a });
    let folder = folders.find(|a| fs::symlink_metadata(a).is_ok()).unwrap_or(here);
    let probe = folder.join(format!(".geodes-{}.part", std::process::id()));
    File::create(&probe).map_err(at(path))?;
    fs::remove_file(&probe).map_err(at(&probe))
}

/// Writes a whole file beside its place and renames it into place. A link stays a link, and what is no file (a pipe, a
/// terminal) is written to as it is.
///
/// # Errors
/// When it cannot be written; nothing is left behind then and an older file of that name is untouched.
pub fn write_atomic(path: &Path, text: &str) -> Result<(), WriteError> {
    if is_special(path) {
        let open = File::options().write(true).open(path);
        return open.and_then(|mut f| f.write_all(text.as_bytes())).map_err(at(path));
    }
    let place = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = place.file_name().ok_or_else(|| at(path)(io::ErrorKind::InvalidInput.into()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    // Two programs writing into one folder must not write into one file.
    hidden.push(format!(".{}.part", std::process::id()));
    let temporary = place.with_file_name(hidden);
    let result = File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, &place));
    if result.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(at(path))
}

/// What must not be replaced by a file: pipes, devices, and the names that a system has for what is open.
fn is_special(path: &Path) -> bool {
    let is_thing = fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
    is_thing || ["/dev", "/proc"].iter().any(|d| path.starts_with(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("occupied");
        fs::create_dir_all(target.join("inner")).unwrap();
        assert!(write_atomic(&target, "text").is_err());
        assert!(check_writable(&target).is_err());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["occupied"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_pipes_stay_pipes() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, pipe) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("pipe"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");

        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        check_writable(&pipe).unwrap();
        write_atomic(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
