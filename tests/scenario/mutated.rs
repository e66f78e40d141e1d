//! Damaged and extreme files: an answer to each, never a panic.

use super::common::GOOD;
use super::files::EVERY_KEY;
use geodes::scenario::diagnostic::Loc;
use geodes::scenario::model::{Arrivals, FaultWhen, Scenario};
use geodes::scenario::{Loaded, from_str, schema, starter};
use geodes::units::{PerNanos, Span};
use geodes::world::run;
use proptest::prelude::*;

/// Pieces that turn up where they should not.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "[[fault]]\n",
    "[topology.one]\n",
    "extends = \"one\"\n",
    "extends = [\"base\", \"base\"]\n",
    "abstract = true\n",
    "-1",
    "0",
    "1e400",
    "nan",
    "99999999999999999999",
    "\"0 s\"",
    "\"1 d\"",
    "\"-3 s\"",
    "\"9999999 d\"",
    "\"1e9 s\"",
    "\"$0 / Mtok\"",
    "true",
    "[]",
    "{}",
    "\u{0}",
    "é",
    "🦀",
    "\"\"",
    "\"\\u0000\"",
    "2026-03-02",
    "inf",
    "share = 1\n",
    "= {",
    "\"aws:eu-west-1\"",
    "\"all\"",
    "\"gpt\"",
    // values that are right for some key, at the ends of what it takes
    "1",
    "0.0",
    "1000000000",
    "false",
    "\"1 ns\"",
    "\"7 d\"",
    "\"1 h\"",
    "\"100 ms\"",
    "\"1 tokens\"",
    "\"4G tokens\"",
    "\"1 tokens/min\"",
    "\"0.001 sessions/s\"",
    "\"100 %\"",
    "\"deep\"",
    "\"dns_failover\"",
    "\"weighted\"",
    "\"least_busy\"",
    "\"round_robin\"",
    "\"in_order\"",
    "{ constant = \"0 s\" }",
    "{ constant = \"1 d\" }",
    "{ exponential = { mean = \"1 h\" } }",
    "{ uniform = { min = \"0 s\", max = \"1 d\" } }",
    "{ lognormal = { p50 = \"1 ns\", p95 = \"1 d\" } }",
    "\"3660 d\"",
    "{ constant = \"3660 d\" }",
    "{ exponential = { mean = \"3660 d\" } }",
    "{ lognormal = { p50 = \"1 s\", p95 = \"3660 d\" } }",
];

#[derive(Clone, Debug)]
enum Mutation {
    Cut(usize, usize),
    Insert(usize, usize),
    Copy(usize, usize),
    Truncate(usize),
    Value(usize, usize),
    Swap(usize, usize),
    Number(usize, usize),
}

/// Numbers at the ends of what some key takes, or beyond.
const NUMBERS: &[&str] = &["0", "1", "2", "3", "0.5", "0.001", "17", "100", "1000", "1e6", "9e9"];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0usize..100_000;
    prop_oneof![
        (at.clone(), 1usize..40).prop_map(|(a, n)| Mutation::Cut(a, n)),
        (at.clone(), 0..PIECES.len()).prop_map(|(a, p)| Mutation::Insert(a, p)),
        (at.clone(), at.clone()).prop_map(|(a, b)| Mutation::Copy(a, b)),
        at.clone().prop_map(Mutation::Truncate),
        value_mutation(),
    ]
}

/// Mutations after which the text is mostly still TOML.
fn value_mutation() -> impl Strategy<Value = Mutation> {
    let at = 0usize..100_000;
    prop_oneof![
        2 => (at.clone(), 0..PIECES.len()).prop_map(|(a, p)| Mutation::Value(a, p)),
        1 => (at.clone(), at.clone()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        6 => number_mutation(),
    ]
}

/// A number that stands alone or with a unit is replaced.
fn number_mutation() -> impl Strategy<Value = Mutation> {
    (0usize..100_000, 0..NUMBERS.len()).prop_map(|(a, n)| Mutation::Number(a, n))
}

/// Where the n-th value of a text begins and ends: from a `=` to the next delimiter.
fn value_at(chars: &[char], n: usize) -> Option<(usize, usize)> {
    let equals: Vec<usize> = chars.iter().enumerate().filter(|(_, c)| **c == '=').map(|(i, _)| i).collect();
    let start = *equals.get(n % equals.len().max(1))? + 1;
    let length = chars[start..].iter().position(|c| matches!(c, ',' | '\n' | '}'));
    Some((start, length.map_or(chars.len(), |i| start + i)))
}

fn apply(text: &str, m: &Mutation) -> String {
    let chars: Vec<char> = text.chars().collect();
    let n = chars.len().max(1);
    let join = |parts: &[&[char]]| parts.iter().flat_map(|p| p.iter()).collect::<String>();
    match *m {
        Mutation::Cut(a, len) => {
            let a = a % n;
            let b = (a + len).min(chars.len());
            join(&[&chars[..a.min(b)], &chars[b..]])
        }
        Mutation::Insert(a, p) => {
            let a = (a % n).min(chars.len());
            let piece: Vec<char> = PIECES[p].chars().collect();
            join(&[&chars[..a], &piece, &chars[a..]])
        }
        Mutation::Copy(a, b) => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (a, b) = (a % lines.len().max(1), b % lines.len().max(1));
            lines
                .iter()
                .enumerate()
                .map(|(i, l)| if i == b { format!("{l}{}", lines[a]) } else { (*l).to_owned() })
                .collect()
        }
        Mutation::Truncate(a) => chars[..(a % n).min(chars.len())].iter().collect(),
        Mutation::Value(a, p) => {
            let Some((start, end)) = value_at(&chars, a) else { return text.to_owned() };
            let piece: Vec<char> = format!(" {} ", PIECES[p]).chars().collect();
            join(&[&chars[..start], &piece, &chars[end..]])
        }
        Mutation::Number(a, n) => {
            let starts: Vec<usize> = (1..chars.len())
                .filter(|&i| chars[i].is_ascii_digit() && matches!(chars[i - 1], ' ' | '"' | '$'))
                .collect();
            let Some(&start) = starts.get(a % starts.len().max(1)) else { return text.to_owned() };
            let length = chars[start..].iter().position(|c| !matches!(c, '0'..='9' | '.'));
            let number: Vec<char> = NUMBERS[n].chars().collect();
            join(&[&chars[..start], &number, &chars[start + length.unwrap_or(0)..]])
        }
        Mutation::Swap(a, b) => {
            let (Some((start, end)), Some((from, to))) = (value_at(&chars, a), value_at(&chars, b)) else {
                return text.to_owned();
            };
            join(&[&chars[..start], &chars[from..to], &chars[end..]])
        }
    }
}

/// Mutated files per run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500)
}

/// Changes a scenario so that a run of it takes milliseconds: a minute is enough to meet every kind of event.
fn briefly(scenario: &mut Scenario) {
    scenario.horizon = scenario.horizon.min(Span::from_mins(1));
    scenario.warmup = scenario.warmup.min(Span::from_secs(10));
    scenario.interval = scenario.interval.max(Span::from_secs(1));
    for f in &mut scenario.faults {
        if let FaultWhen::At { at, lasts } = &mut f.when {
            (*at, *lasts) = ((*at).min(Span::from_secs(20)), (*lasts).min(Span::from_secs(20)));
        }
    }
    for w in &mut scenario.workloads {
        if let Arrivals::Poisson { rate, .. } = &mut w.arrivals
            && rate.per_sec_f64() > 5.0
        {
            *rate = PerNanos { micro_count: 5_000_000, nanos: 1_000_000_000 };
        }
    }
}

/// Every value of the language, one after the other, at a quarter of the ends of what it takes: each time another quarter.
#[test]
fn values_at_their_extremes_are_refused_or_can_be_run() {
    at_extremes(4);
}

/// At all of them.
#[test]
#[ignore = "minutes"]
fn every_value_at_its_extremes_is_refused_or_can_be_run() {
    at_extremes(1);
}

fn at_extremes(one_in: usize) {
    let values = EVERY_KEY.matches('=').count();
    let extremes = PIECES.iter().enumerate().filter(|(_, p)| {
        p.starts_with("{ ") || p.trim_start_matches('"').starts_with(|c: char| c.is_ascii_digit()) && !p.contains('-')
    });
    let extremes: Vec<usize> = extremes.map(|(i, _)| i).collect();
    let (mut ran, mut refused) = (0, 0);
    for value in 0..values {
        let before = EVERY_KEY.match_indices('=').nth(value).map_or("", |(at, _)| &EVERY_KEY[..at]);
        let heading = before.lines().rfind(|l| l.starts_with('[')).unwrap_or("").trim_matches(['[', ']']);
        let own = heading.strip_prefix("topology.").unwrap_or("one");
        let own = own.split('.').next().unwrap_or(own);
        for &piece in extremes.iter().skip(value % one_in).step_by(one_in) {
            let text = apply(EVERY_KEY, &Mutation::Value(value, piece));
            let Ok(Loaded { mut scenario, .. }) = from_str(&text, "extreme.toml", None) else {
                refused += 1;
                continue;
            };
            briefly(&mut scenario);
            let topology = scenario.topologies.iter().position(|t| t.name == own).unwrap_or(0);
            let record = run(&scenario, topology, 0);
            assert!(record.failed() <= record.requests());
            ran += 1;
        }
    }
    assert!(ran > 500 / one_in && refused > 500 / one_in, "{ran} {refused}");
}

/// What the tests with mutated values do not state, they do not test. A replayed file needs a file and excludes a trace.
#[test]
fn the_scenario_with_every_key_has_every_key() {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let words: Vec<&str> = EVERY_KEY.split(|c| !word(c)).collect();
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut missing = Vec::new();
    for (name, definition) in definitions {
        let variants = definition.get("oneOf").and_then(|o| o.as_array()).into_iter().flatten();
        let tables = variants.chain([definition]).filter_map(|d| d.get("properties")?.as_object());
        let keys = tables.flat_map(|t| t.keys().map(String::as_str));
        missing.extend(keys.filter(|key| *key != "file" && !words.contains(key)).map(|key| format!("{name}: {key}")));
    }
    assert_eq!(missing, [""; 0], "add them to tests/every_key.toml");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file holds, the answer is a scenario or errors that can be printed and that say where they are. More
    /// with `PROPTEST_CASES=200000 cargo test --release --test scenario mutated`.
    #[test]
    fn mutated_scenarios_never_panic(which in 0usize..3, mutations in prop::collection::vec(mutation(), 1..6)) {
        let chat = include_str!("../../scenarios/global-chat.toml");
        let mut text = [chat, starter(), GOOD][which].to_owned();
        for m in &mutations {
            text = apply(&text, m);
        }
        match from_str(&text, "fuzz.toml", None) {
            Ok(loaded) => prop_assert_eq!(loaded.warnings.errors(), 0),
            Err(d) => {
                prop_assert!(d.errors() > 0);
                prop_assert!(!d.to_string().is_empty() && !d.render(true).is_empty());
                for one in d.list() {
                    prop_assert!(one.line >= 1 && one.column >= 1 && one.loc.start <= text.len());
                    prop_assert!(!one.render("fuzz.toml", &text).is_empty());
                    let whole_file = one.message.starts_with("missing key") && !one.message.contains(" in `")
                        || one.message.starts_with("the file ");
                    prop_assert!(whole_file || one.loc != Loc::START, "without a place: {}", one.message);
                }
            }
        }
    }
    /// What validation lets through can be run: no invariant breaks and nothing panics, however odd the values are.
    #[test]
    fn mutated_scenarios_that_load_can_be_run(
        which in 0usize..3,
        mutations in prop::collection::vec(value_mutation(), 1..4),
    ) {
        let mut text = [starter(), GOOD, EVERY_KEY][which].to_owned();
        for m in &mutations {
            text = apply(&text, m);
        }
        let Ok(Loaded { mut scenario, .. }) = from_str(&text, "fuzz.toml", None) else { return Ok(()) };
        briefly(&mut scenario);
        for topology in 0..scenario.topologies.len() {
            let record = run(&scenario, topology, 0);
            prop_assert!(record.failed() <= record.requests());
        }
    }
}
