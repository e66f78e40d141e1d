//! Reading a scenario: file, text, diagnostics.

use super::decode::{Cx, Decode};
use super::diagnostic::{Diagnostic, Diagnostics, Loc, Severity};
use super::model::Scenario;
use super::raw::RawScenario;
use super::syntax;
use super::validate::{Origin, io, validate};
use std::fmt;
use std::io::Read;
use std::path::Path;
use toml::Spanned;
use toml::de::DeValue;

/// Largest file that is read. Handwritten scenarios have kilobytes; whatever is larger is something else.
pub const LARGEST_FILE: u64 = 10 << 20;

/// A valid scenario, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Warnings; may be empty.
    pub warnings: Diagnostics,
}

/// Why a file is no scenario.
#[derive(Clone, Debug)]
pub enum LoadError {
    /// The file could not be read.
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        why: String,
    },
    /// The file is larger than [`LARGEST_FILE`]; it was not read.
    TooLarge {
        /// Its name.
        file: String,
        /// Its size in bytes, as far as it was measured.
        bytes: u64,
    },
    /// The file was read and is wrong.
    Invalid(Diagnostics),
}

impl LoadError {
    /// As text, ending in a line break; with colours for a terminal.
    pub fn render(&self, color: bool) -> String {
        match self {
            LoadError::Unreadable { file, why } => format!("error: cannot read {file}: {why}\n"),
            LoadError::TooLarge { file, bytes } => format!(
                "error: {file} has {}.{} MB, too large for a scenario\n  = expected: at most {} MB\n",
                bytes / 1_000_000,
                bytes / 100_000 % 10,
                LARGEST_FILE / 1_000_000
            ),
            LoadError::Invalid(d) => d.render(color),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for LoadError {}

/// Reads and validates a scenario file. Paths in it are relative to its folder.
///
/// # Errors
/// [`LoadError`]: unreadable, too large (refused before it is read), or wrong, with everything that is wrong.
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    let file = path.display().to_string();
    let unreadable = |e: std::io::Error| LoadError::Unreadable { file: file.clone(), why: io(&e) };
    let handle = std::fs::File::open(path).map_err(unreadable)?;
    let meta = handle.metadata().map_err(unreadable)?;
    if meta.is_dir() {
        return Err(LoadError::Unreadable { file, why: "it is a directory".to_owned() });
    }
    if meta.len() > LARGEST_FILE {
        return Err(LoadError::TooLarge { file, bytes: meta.len() });
    }
    // pipes have no length, so the limit counts while reading too
    let mut bytes = Vec::new();
    handle.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(LoadError::TooLarge { file, bytes: bytes.len() as u64 });
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => return Err(LoadError::Invalid(not_utf8(&file, &e))),
    };
    from_str(&text, &file, path.parent()).map_err(LoadError::Invalid)
}

/// The text up to the first byte that is no UTF-8, and an error there.
fn not_utf8(file: &str, e: &std::string::FromUtf8Error) -> Diagnostics {
    let at = e.utf8_error().valid_up_to();
    let byte = e.as_bytes().get(at).copied().unwrap_or(0);
    let shown = String::from_utf8_lossy(e.as_bytes()).into_owned();
    let mut d = Diagnostic::new(
        Severity::Error,
        Loc { start: at, end: at + char::REPLACEMENT_CHARACTER.len_utf8() },
        format!("the file is not UTF-8: byte 0x{byte:02x} at offset {at}"),
    );
    d.expected("UTF-8 text").help("save the file as UTF-8 (it may be Latin-1 or Windows-1252)");
    Diagnostics::new(file, shown, vec![d], [0; 2])
}

/// Validates the text of a scenario. `file` is its name in messages; its stem becomes the folder for results. Paths in the
/// text are relative to `base_dir` (the current folder if `None`).
///
/// # Errors
/// Everything that is wrong, warnings included.
pub fn from_str(text: &str, file: &str, base_dir: Option<&Path>) -> Result<Loaded, Diagnostics> {
    let mut cx = Cx::new();
    let scenario = decode(text, file, base_dir, &mut cx);
    let diagnostics = Diagnostics::new(file, text, cx.diagnostics, cx.dropped);
    match scenario {
        Some(scenario) if diagnostics.errors() == 0 => Ok(Loaded { scenario, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

fn decode(text: &str, file: &str, base_dir: Option<&Path>, cx: &mut Cx) -> Option<Scenario> {
    if text.len() as u64 > LARGEST_FILE {
        cx.error(Loc::START, "the text is too large for a scenario")
            .expected(format!("at most {} MB", LARGEST_FILE / 1_000_000));
        return None;
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        cx.error(Loc::START, "the file is empty").help("`geodes init` writes a scenario to start from");
        return None;
    }
    let table = syntax::parse(text, cx)?;
    if table.is_empty() {
        cx.error(Loc::START, "the file holds nothing but comments")
            .help("`geodes init` writes a scenario to start from");
        return None;
    }
    let root = Spanned::new(0..0, DeValue::Table(table));
    let raw = RawScenario::decode(&root, Loc::START, cx)?;
    let slug = Path::new(file).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let slug = if slug.is_empty() { "scenario".to_owned() } else { slug };
    validate(&raw, &Origin { source: text, slug, base_dir }, cx)
}
