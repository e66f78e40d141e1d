//! What is refused, and how it is said.

use super::common::GOOD;
use super::files::{bad, root, toml_files};
use geodes::scenario::diagnostic::Severity;
use geodes::scenario::{LARGEST_FILE, LoadError, load};
use std::io::Write;

/// What each broken file prints. Accept changes with `INSTA_UPDATE=always` after reading them.
#[test]
fn broken_files_say_what_is_wrong() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../broken/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = toml_files("tests/broken");
    assert!(files.len() >= 45, "{}", files.len());
    settings.bind(|| {
        for path in files {
            // relative, so that the messages do not depend on where the repository is
            let relative = path.strip_prefix(root()).unwrap();
            let text = match load(relative) {
                Ok(_) => panic!("{} was accepted", relative.display()),
                Err(e) => e.to_string(),
            };
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), text);
        }
    });
}

#[test]
fn files_that_are_no_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latin1.toml");
    std::fs::write(&path, b"name = \"x\"\n[users]\ns\xe3o-paulo = { city = \"S\xe3o Paulo\" }\n").unwrap();
    let LoadError::Invalid(d) = load(&path).unwrap_err() else { panic!() };
    let [only] = d.list() else { panic!("{d}") };
    assert_eq!((only.line, only.column), (3, 2));
    assert!(d.to_string().contains("not UTF-8: byte 0xe3 at offset 20"), "{d}");

    let path = dir.path().join("huge.toml");
    let mut file = std::fs::File::create(&path).unwrap();
    let line = b"# a comment that goes on and on, and is repeated until the file has fifty megabytes\n";
    for _ in 0..50_000_000 / line.len() + 1 {
        file.write_all(line).unwrap();
    }
    drop(file);
    let e = load(&path).unwrap_err();
    assert!(matches!(e, LoadError::TooLarge { bytes, .. } if bytes > LARGEST_FILE), "{e}");
    assert!(e.to_string().contains("too large for a scenario"), "{e}");

    let e = load(&dir.path().join("absent.toml")).unwrap_err();
    assert!(e.to_string().ends_with("absent.toml: there is no such file\n"), "{e}");
    let e = load(dir.path()).unwrap_err();
    assert!(e.to_string().contains("it is a directory"), "{e}");
}

/// Whatever megabytes of nonsense a file holds: an answer, with bounded work per byte.
#[test]
fn large_nonsense_is_answered() {
    const MB: usize = 1_000_000;
    let repeat = |line: &str| line.repeat(2 * MB / line.len());
    let numbered = |f: fn(usize) -> String| (0..2 * MB / 40).map(f).collect::<String>();
    let chain: String = (1..3000).map(|i| format!("[deployment.d{i}]\nextends = \"d{}\"\n", i - 1)).collect();
    for text in [
        repeat("[a]\n"),
        repeat("[[fault]]\n"),
        repeat("[[fault]]\nname = \"x\"\nat = \"1 s\"\n"),
        repeat("x = 1\n"),
        repeat("= "),
        format!("a = {}", repeat("[")),
        format!("name = \"{}\"", repeat("x")),
        numbered(|i| format!("key_that_nobody_knows_{i} = {i}\n")),
        numbered(|i| format!("k{i} = {{ x = {i} }}, ")),
        format!("[users]\n{}", numbered(|i| format!("u{i} = {{ city = \"Nowhere\", share = 2 }}\n"))),
        format!("{GOOD}{}", numbered(|i| format!("[deployment.d{i}]\nextends = \"gpt\"\n"))),
        format!("{GOOD}[deployment.d0]\nextends = \"gpt\"\n{chain}"),
    ] {
        let d = bad(&text);
        assert!(d.errors() > 0 && d.to_string().len() < 40_000, "{d}");
    }
}

/// Every `«...»` is exactly one error; there are no others.
#[test]
fn positions_are_exact() {
    for (from, to) in [
        ("share = 0.4", "«shar» = 0.4"),
        ("horizon = \"1 h\"", "horizon = «3600»"),
        ("\"aws:us-east-1\"", "«\"aws:us-east-9\"»"),
        ("chain = [\"gpt\"]", "chain = [«\"São\"», «\"x\"»]"),
        ("sizes.fixed = {", "sizes.«fixd» = {"),
        ("rate = \"2 sessions/s\"", "rate = «\"2 sessions\"»"),
        ("horizon = \"1 h\"", "dns.hit = «\"1 s\"»\nhorizon = \"1 h\""), // slower than the default of `miss`
        ("horizon = \"1 h\"", "dns.miss = «\"1 ms\"»\nhorizon = \"1 h\""),
        ("horizon = \"1 h\"", "horizon = «\"366 d\"»"), // in intervals of the default length
    ] {
        let marked = GOOD.replacen(from, to, 1);
        let (mut text, mut want, mut open) = (String::new(), Vec::new(), 0);
        for c in marked.chars() {
            match c {
                '«' => open = text.len(),
                '»' => want.push((open, text.len())),
                c => text.push(c),
            }
        }
        // a misspelt key is also a missing one: that error stands at the table
        let found: Vec<(usize, usize)> = bad(&text)
            .list()
            .iter()
            .filter(|d| d.severity == Severity::Error && !d.message.starts_with("missing key"))
            .map(|d| (d.loc.start, d.loc.end))
            .collect();
        assert_eq!(found, want, "{}", bad(&text));
        for d in bad(&text).list() {
            let before = &text[..d.loc.start];
            assert_eq!(
                d.line,
                before.lines().count() + usize::from(before.ends_with('\n')).max(usize::from(before.is_empty()))
            );
            let line = text.lines().nth(d.line - 1).unwrap();
            let column: String = line.chars().take(d.column - 1).collect();
            assert!(before.ends_with(&column));
        }
    }
}

#[test]
fn objectives_point_into_their_string() {
    let text = format!("{GOOD}\n[objectives]\nall = [\"availability > 99 %\", \"ttft_ms.p94 < 2 s\"]\n");
    let d = bad(&text);
    let [only] = d.list() else { panic!("{d}") };
    assert!("ttft_ms.p94 < 2 s".contains(&text[only.loc.start..only.loc.end]), "{d}");
    assert!(only.loc.start >= text.find("ttft_ms.p94").unwrap());
}
