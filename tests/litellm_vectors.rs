//! Sequences recorded from the real LiteLLM Router 1.106.2 are replayed against ours: the same attempts, cool-downs,
//! pauses and outcomes, with the recorded tape of random draws and with CPython's generator itself.
//!
//! `GEODES_LITELLM_VECTORS=DIR cargo test --test litellm_vectors` replays the files of another folder. One line per file,
//! and `N passed, M failed` at the end.

#[path = "litellm/mt19937.rs"]
mod mt19937;
#[path = "litellm/mutations.rs"]
mod mutations;
#[path = "litellm/replay.rs"]
mod replay;
#[path = "litellm/tape.rs"]
mod tape;
#[path = "litellm/vector.rs"]
mod vector;

use geodes::routing::entropy::Entropy;
use mt19937::Mt19937;
use replay::Mode;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vector::File;

/// Folders of recorded files that belong to the tests, and how many there are.
const FOLDERS: [(&str, usize); 2] = [("tests/litellm/vectors", 63), ("tests/litellm/random", 48)];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|a| a == "--list") {
        println!("litellm_vectors: test");
        return ExitCode::SUCCESS;
    }
    // what panics is one file's failure; its message is part of the line
    std::panic::set_hook(Box::new(|_| {}));
    let wanted: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    let elsewhere = std::env::var_os("GEODES_LITELLM_VECTORS").map(PathBuf::from);
    let mut passed = 0;
    let mut failed = 0;
    let mut line = |name: &str, result: Result<(), String>| match result {
        Ok(()) => {
            passed += 1;
            println!("ok {name}");
        }
        Err(e) => {
            failed += 1;
            println!("FAILED {name}: {}", e.replace('\n', " "));
        }
    };
    let folders: Vec<(PathBuf, Option<usize>)> = match &elsewhere {
        Some(dir) => vec![(dir.clone(), None)],
        None => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            FOLDERS.iter().map(|(dir, n)| (root.join(dir), Some(*n))).collect()
        }
    };
    for (dir, expected) in folders {
        match files(&dir) {
            Err(e) => line(&dir.display().to_string(), Err(e)),
            Ok(files) => {
                if let Some(n) = expected.filter(|n| *n != files.len()) {
                    line(&dir.display().to_string(), Err(format!("{} files, there should be {n}", files.len())));
                }
                for path in files {
                    let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                    if is_wanted(&name) {
                        line(&name, guarded(|| check(&read(&path)?)));
                    }
                }
            }
        }
    }
    if elsewhere.is_none() && is_wanted("mutations") {
        line("mutations", guarded(|| mutations::are_noticed(Path::new(env!("CARGO_MANIFEST_DIR")))));
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("cannot be read: {e}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_some_and(|e| e == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err("no .json file is there".to_owned()) } else { Ok(files) }
}

fn guarded(f: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

fn check(text: &str) -> Result<(), String> {
    match vector::parse(text)? {
        File::Generator(map) => generator(&map),
        File::Picks(file) => replay::picks(&file),
        File::Sequence(file) => {
            for mode in [Mode::Tape, Mode::Generator] {
                replay::sequence(&file, mode).map_err(|e| format!("({mode:?}) {e}"))?;
            }
            Ok(())
        }
    }
}

/// The generator against lists of its values; each list starts from the seed.
fn generator(map: &Map<String, Value>) -> Result<(), String> {
    let list = |key: &str| map.get(key).and_then(Value::as_array).ok_or_else(|| format!("no list `{key}`"));
    let same = |key: &str, f: &mut dyn FnMut() -> Value| -> Result<(), String> {
        for (i, expected) in list(key)?.iter().enumerate() {
            let own = f();
            if own != *expected {
                return Err(format!("{key}[{i}]: {own}, recorded {expected}"));
            }
        }
        Ok(())
    };
    let new = || Mt19937::new(42);
    let mut g = new();
    same("random", &mut || g.uniform().into())?;
    let mut g = new();
    same("getrandbits_2", &mut || g.bits(2).into())?;
    let mut g = new();
    same("getrandbits_32", &mut || g.bits(32).into())?;
    let mut g = new();
    same("choice_of_3", &mut || g.pick(3).into())?;
    let mut g = new();
    let mut first = true;
    same("choice_of_1_then_random", &mut || {
        let value = if first { g.pick(1).into() } else { g.uniform().into() };
        first = false;
        value
    })?;
    for n in [3_u16, 7] {
        let mut g = new();
        same(&format!("sample_{n}_of_{n}"), &mut || {
            let mut order: Vec<u16> = (0..n).collect();
            g.permute(&mut order);
            order.into()
        })?;
    }
    let mut g = new();
    same("choices_w_1_2_7", &mut || g.weighted([1.0, 2.0, 7.0].into_iter()).into())
}
