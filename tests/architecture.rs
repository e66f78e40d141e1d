//! The rooms: imports go down only, neighbours do not import each other, and routing stands on units alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; rooms on one line are neighbours.
const FLOORS: &[&[&str]] = &[
    &["units"],
    &["kernel", "random"],
    &["routing"],
    &["catalog"],
    &["measure", "cost"],
    &["scenario"],
    &["world"],
    &["study"],
    &["report"],
    &["cli"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Rooms that code names, by `crate::room`, `geodes::room`, or `super::` paths that leave the room, each with the
/// number of its line. Lists in braces may nest and run over several lines.
fn rooms_named(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let word = |s: &str| s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    for prefix in ["crate::", "geodes::", &"super::".repeat(depth)] {
        for (at, _) in code.match_indices(prefix) {
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + prefix.len()..];
            let Some(list) = rest.strip_prefix('{') else {
                found.push((line, word(rest)));
                continue;
            };
            let mut open = 1;
            let mut starts = vec![0];
            for (i, c) in list.char_indices() {
                match c {
                    '{' => open += 1,
                    '}' => open -= 1,
                    ',' if open == 1 => starts.push(i + 1),
                    _ => {}
                }
                if open == 0 {
                    break;
                }
            }
            found.extend(starts.into_iter().map(|start| (line, word(&list[start..]))));
        }
    }
    found
}

/// The text without comment lines, which stay as empty ones.
fn code(text: &str) -> String {
    text.lines().map(|l| if l.trim_start().starts_with("//") { "\n".to_owned() } else { format!("{l}\n") }).collect()
}

#[test]
fn imports_go_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for rooms in FLOORS {
        for room in *rooms {
            let own = floor(room).unwrap();
            let mut files = Vec::new();
            sources(&src.join(room), &mut files);
            assert!(!files.is_empty(), "the room {room} is empty");
            for file in files {
                // src/room/mod.rs is one `super` below the crate, src/room/x.rs two, src/room/x/y.rs three
                let below = file.strip_prefix(src.join(room)).unwrap();
                let is_mod = below.file_name().unwrap() == "mod.rs";
                let depth = below.components().count() + usize::from(!is_mod);
                let text = fs::read_to_string(&file).unwrap();
                for (line, named) in rooms_named(&code(&text), depth) {
                    let Some(other) = floor(&named) else { continue };
                    if other > own || (other == own && named != *room) {
                        wrong.push(format!("{}:{line}: {room} uses {named}", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that climb or cross:\n{}", wrong.join("\n"));
}

#[test]
fn routing_stands_on_units_alone() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routing");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = code(&text);
        for (n, line) in code.lines().enumerate() {
            for banned in ["std::time", "std::thread", "std::fs", "std::net", "tokio", "rand::", "async "] {
                assert!(!line.contains(banned), "{}:{}: {banned} has no place in routing", file.display(), n + 1);
            }
        }
        for (line, named) in rooms_named(&code, 99) {
            let allowed = floor(&named).is_none() || named == "units" || named == "routing";
            assert!(allowed, "{}:{line}: routing uses {named}", file.display());
        }
    }
}

#[test]
fn every_module_of_the_crate_is_a_room() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules: Vec<&str> =
        lib.lines().filter_map(|l| l.strip_prefix("pub mod ")).map(|l| l.trim_end_matches(';')).collect();
    for m in &modules {
        assert!(floor(m).is_some(), "the module {m} has no floor: add it to FLOORS and to docs/architecture.md");
    }
    assert_eq!(modules.len(), FLOORS.iter().map(|f| f.len()).sum::<usize>());
}

/// `const NAME: Purpose = Purpose(N);` in a line of code; `Err` if a purpose is made in any other way.
fn purpose_declared(line: &str) -> Result<Option<(String, u32)>, ()> {
    let Some((before, after)) = line.split_once("Purpose(") else { return Ok(None) };
    if before.trim_start() == "pub struct " {
        return Ok(None); // the type itself
    }
    let name = before.trim_start().trim_start_matches("pub ").strip_prefix("const ");
    let name = name.and_then(|n| n.strip_suffix(": Purpose = ")).ok_or(())?;
    let number = after.split_once(");").and_then(|(n, _)| n.parse().ok()).ok_or(())?;
    Ok(Some((name.to_owned(), number)))
}

/// Two uses of randomness with one number would draw the same bits for the same entity. Several modules may use one
/// constant, but every constant has a number of its own, and none is made up in passing.
#[test]
fn every_purpose_of_randomness_has_a_number_of_its_own() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut declared: BTreeMap<u32, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (n, line) in code(&text).lines().enumerate() {
            let here = format!("{}:{}", file.display(), n + 1);
            match purpose_declared(line) {
                Ok(None) => (),
                Ok(Some((name, number))) => {
                    if let Some(other) = declared.insert(number, format!("{name} ({here})")) {
                        wrong.push(format!("{here}: {name} has the number {number} of {other}"));
                    }
                }
                Err(()) => wrong.push(format!("{here}: a purpose without a name")),
            }
        }
    }
    assert!(wrong.is_empty(), "purposes that share their draws:\n{}", wrong.join("\n"));
    assert!(declared.len() >= 30, "only {} purposes were found", declared.len());
}

#[test]
fn the_check_itself_sees_what_it_should() {
    assert_eq!(purpose_declared("pub const TTFT: Purpose = Purpose(15);"), Ok(Some(("TTFT".to_owned(), 15))));
    assert_eq!(purpose_declared("const GAP: Purpose = Purpose(1);"), Ok(Some(("GAP".to_owned(), 1))));
    assert_eq!(purpose_declared("let u = draws.uniform(Purpose(3), key, 0);"), Err(()));
    assert_eq!(purpose_declared("pub struct Purpose(pub u32);"), Ok(None));
    let names = |code: &str| rooms_named(code, 2).into_iter().map(|n| n.1).collect::<Vec<_>>();
    assert_eq!(names("use crate::world::Record;"), ["world"]);
    assert_eq!(names("use crate::{units, cli::x};"), ["units", "cli"]);
    assert_eq!(names("use crate::{units::{Span, Time}, cli::x}; let y = (a, b);"), ["units", "cli"]);
    assert_eq!(names("let x = super::super::report::json();"), ["report"]);
    assert_eq!(names("let x = geodes::study::run();"), ["study"]);
    assert_eq!(
        rooms_named("\nuse crate::{\n    units,\n    cli,\n};", 2),
        [(2, "units".to_owned()), (2, "cli".to_owned()), (2, String::new())]
    );
    assert_eq!(code("a\n  // crate::cli\nb"), "a\n\nb\n");
}
