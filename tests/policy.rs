//! Golden tables of policies: every policy of `scenarios/policies/regression.toml` against every fault, and against a quota.
//! A change of a policy shows as a change of figures. Accept with `INSTA_UPDATE=always cargo test --test policy`, and say in
//! the commit why they moved. And what `geodes diff-policy` says of two of them.

use geodes::routing::balance::{Choose, LeastRequestConfig};
use geodes::scenario::from_str;
use geodes::scenario::model::{FaultWhen, Scenario};
use geodes::study::Prices;
use geodes::study::policy_diff::{NothingInCommon, PolicyDiff, Side, compare};
use geodes::study::replicate::{Unobserved, run};
use geodes::study::result::TopologyResult;
use geodes::units::Span;
use geodes::world::Record;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The whole of one fault: a minute before, a minute of it, two minutes after.
const HORIZON: Span = Span::from_mins(4);
const AT: Span = Span::from_mins(1);
const LASTS: Span = Span::from_mins(1);

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/policies/regression.toml");
    std::fs::read_to_string(path).unwrap()
}

fn scenario(text: &str) -> Scenario {
    let mut s = from_str(text, "regression.toml", None).unwrap_or_else(|e| panic!("{e}")).scenario;
    s.horizon = HORIZON;
    s.replications = 1;
    s
}

/// The scenario with one of its faults alone.
fn with_fault(name: &str) -> Scenario {
    let mut s = scenario(&text());
    s.faults.retain(|f| f.name == name);
    assert_eq!(s.faults.len(), 1, "{name}");
    s.faults[0].when = FaultWhen::At { at: AT, lasts: LASTS };
    s
}

/// The scenario without a fault, under the quota that its file has as a comment.
fn with_quota() -> Scenario {
    let text = text();
    let commented = "# quota.token_bucket";
    assert_eq!(text.matches(commented).count(), 1);
    let mut s = scenario(&text.replace(commented, "quota.token_bucket"));
    s.faults.clear();
    s
}

type Column = (&'static str, fn(&TopologyResult) -> String);

fn metric(t: &TopologyResult, name: &str) -> Option<f64> {
    *t.metrics.get(name).unwrap_or_else(|| panic!("no metric {name}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |s| format!("{:.2}", 100.0 * s))
}

/// Seconds from the beginning of the fault until users are no longer affected; none without a fault that the topology
/// could meet.
fn over(t: &TopologyResult) -> Option<Option<f64>> {
    t.metrics.iter().find(|(name, _)| name.starts_with("incident.over_s")).map(|(_, v)| *v)
}

fn seconds(after: Option<Option<f64>>) -> String {
    after.map_or("-".into(), |v| v.map_or("never".into(), |v| format!("{v:.0}")))
}

const COLUMNS: [Column; 8] = [
    ("success %", |t| percent(metric(t, "availability"))),
    ("p50 ms", |t| metric(t, "ttft_ms.p50").map_or("-".into(), |v| format!("{v:.0}"))),
    ("p95 ms", |t| metric(t, "ttft_ms.p95").map_or("-".into(), |v| format!("{v:.0}"))),
    ("attempts", |t| metric(t, "attempts_per_request").map_or("-".into(), |v| format!("{v:.3}"))),
    ("degraded %", |t| percent(metric(t, "degraded_share"))),
    ("tokens $", |t| metric(t, "cost_tokens_usd").map_or("-".into(), |v| format!("{v:.4}"))),
    ("over s", |t| seconds(over(t))),
    // from the end of the fault; 0 for whoever users had stopped to feel it with before
    ("recover s", |t| seconds(over(t).map(|o| o.map(|s| (s - LASTS.as_secs_f64()).max(0.0))))),
];

fn table(scenario: &Scenario) -> String {
    table_of(scenario, &COLUMNS)
}

fn table_of(scenario: &Scenario, columns: &[Column]) -> String {
    let result = run(scenario, &Unobserved).expect("nothing stops it");
    let mut out = format!("{:<19}", "");
    for (title, _) in columns {
        let _ = write!(out, "{title:>11}");
    }
    for t in &result.topologies {
        let _ = write!(out, "\n{:<19}", t.name);
        for (_, cell) in columns {
            let _ = write!(out, "{:>11}", cell(t));
        }
    }
    out.push('\n');
    out
}

#[test]
fn outage() {
    insta::assert_snapshot!(table(&with_fault("outage")));
}

#[test]
fn brown_out() {
    insta::assert_snapshot!(table(&with_fault("brown-out")));
}

#[test]
fn slow() {
    insta::assert_snapshot!(table(&with_fault("slow")));
}

#[test]
fn silence() {
    insta::assert_snapshot!(table(&with_fault("silence")));
}

#[test]
fn region() {
    insta::assert_snapshot!(table(&with_fault("region")));
}

/// The spot instances of one region are taken away, which concerns topologies with a fleet alone. What they spend on
/// instances is in a column of its own: tokens cost the same with each.
#[test]
fn reclaimed() {
    let mut s = with_fault("reclaimed");
    s.topologies.retain(|t| !t.fleets.is_empty());
    s.baseline = 0;
    let replicas: Column = ("replicas $", |t| metric(t, "cost_infra_usd").map_or("-".into(), |v| format!("{v:.4}")));
    insta::assert_snapshot!(table_of(&s, &[&COLUMNS[..], &[replicas]].concat()));
}

#[test]
fn quota() {
    insta::assert_snapshot!(table(&with_quota()));
}

/// No row is there for nothing: each policy differs from each other one in some table. OpenAI's and Anthropic's clients wait
/// alike until somebody tells them to come back in more than two minutes, which nobody does here; and LiteLLM's second strategy by
/// usage, which counts no tokens of streams, has nothing left but the shuffle.
#[test]
fn every_policy_makes_a_difference() {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for fault in ["outage", "brown_out", "slow", "silence", "region", "quota", "reclaimed"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/policy__{fault}.snap"));
        let table = std::fs::read_to_string(path).unwrap();
        for line in table.lines().skip_while(|l| !l.contains("success %")).skip(1) {
            let (name, figures) = line.split_once(' ').unwrap();
            rows.entry(name.to_owned()).or_default().push(figures.trim().to_owned());
        }
    }
    let all: Vec<&str> = rows.keys().map(String::as_str).collect();
    let loaded = from_str(&text(), "regression.toml", None).unwrap();
    assert_eq!(loaded.warnings.render(false), "");
    assert_eq!(loaded.scenario.topologies.len(), all.len());
    for t in &loaded.scenario.topologies {
        let tables = if t.fleets.is_empty() { 6 } else { 7 };
        assert_eq!(rows.get(&t.name).map(Vec::len), Some(tables), "{} is missing in {all:?}", t.name);
    }
    let mut same: BTreeMap<&[String], Vec<&str>> = BTreeMap::new();
    for (name, figures) in &rows {
        same.entry(figures).or_default().push(name);
    }
    same.retain(|_, names| names.len() > 1);
    let mut alike: Vec<Vec<&str>> = same.into_values().collect();
    alike.sort_unstable();
    assert_eq!(alike, [["backoff-anthropic", "backoff-openai"], ["litellm-shuffle", "litellm-usage"]]);
}

/// What the tables are there for: a policy that is changed a little shows.
#[test]
fn a_changed_policy_changes_its_row_and_no_other() {
    let before = table(&with_fault("outage"));
    let text = text().replace(r#"cooldown = { enabled = true, after = 3"#, r#"cooldown = { enabled = true, after = 6"#);
    let mut s = scenario(&text);
    s.faults.retain(|f| f.name == "outage");
    s.faults[0].when = FaultWhen::At { at: AT, lasts: LASTS };
    let after = table(&s);
    let changed: Vec<&str> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(changed, ["cooldown"]);
}

fn position(s: &Scenario, name: &str) -> usize {
    s.topologies.iter().position(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn diff(s: &Scenario, a: &str, b: &str) -> PolicyDiff {
    let side = |name| Side { scenario: s, topology: position(s, name) };
    compare(side(a), side(b), 0, usize::MAX).unwrap()
}

fn group<'a>(d: &'a PolicyDiff, reason: &str) -> &'a geodes::study::policy_diff::Group {
    let reasons: Vec<&str> = d.groups.iter().map(|g| g.reason.as_str()).collect();
    d.groups.iter().find(|g| g.reason.starts_with(reason)).unwrap_or_else(|| panic!("no {reason} in {reasons:#?}"))
}

/// What counts agree with: the records of the two runs, and the tokens on their bills.
#[test]
fn a_diff_adds_up_to_the_difference_of_the_records() {
    let s = with_fault("outage");
    for (a, b) in
        [("no-retry", "retry"), ("retry", "cooldown"), ("hedging", "least-request"), ("breaker", "retry-budget")]
    {
        let d = diff(&s, a, b);
        let record = |name| geodes::world::run(&s, position(&s, name), 0);
        let (first, second) = (record(a), record(b));
        let requests = |r: &Record| r.groups.iter().map(|g| g.requests).sum::<u64>();
        assert_eq!((d.requests + d.only_a, d.requests + d.only_b), (requests(&first), requests(&second)));
        let failed = |r: &Record| r.failures.iter().sum::<u64>();
        assert_eq!((d.all.failed_a, d.all.failed_b), (failed(&first), failed(&second)), "{a} {b}");
        let degraded = |r: &Record| r.groups.iter().map(|g| g.degraded).sum::<u64>();
        assert_eq!((d.all.degraded_a, d.all.degraded_b), (degraded(&first), degraded(&second)));
        let tokens = |r: &Record, name| {
            let bill = Prices::new(&s, &s.topologies[position(&s, name)]).bill(r);
            let lines = bill.lines().iter().filter(|l| matches!(l.key, geodes::cost::PriceKey::Tokens { .. }));
            lines.map(|l| l.amount.as_dollars_f64()).sum::<f64>()
        };
        let change = tokens(&second, b) - tokens(&first, a);
        assert!((d.all.token_cost_usd - change).abs() < 1e-8, "{} {change}", d.all.token_cost_usd);
        assert_eq!(d.groups.iter().map(|g| g.effect.requests).sum::<u64>(), d.changed);
        assert_eq!(d.changes.len() as u64, d.changed);
        assert!(
            d.changes
                .iter()
                .all(|c| c.a.regions != c.b.regions || c.a.calls != c.b.calls || c.a.outcome != c.b.outcome)
        );
        // the other way round the same requests have changed
        let back = diff(&s, b, a);
        assert_eq!((back.changed, back.all.failed_a), (d.changed, d.all.failed_b));
        assert!((back.all.token_cost_usd + d.all.token_cost_usd).abs() < 1e-12);
    }
}

#[test]
fn the_same_policy_changes_nothing() {
    let s = with_fault("brown-out");
    let d = diff(&s, "hedging", "hedging");
    assert_eq!((d.changed, d.groups.len(), d.only_a, d.only_b), (0, 0, 0, 0));
    assert_eq!((d.all.ttft_ms, d.all.token_cost_usd), (Some(0.0), 0.0));
    assert!(d.requests > 900);
}

/// Each change is put down to what caused it.
#[test]
fn changes_are_grouped_by_their_reason() {
    let s = with_fault("outage");
    let d = diff(&s, "no-retry", "retry");
    let again = group(&d, "B calls again (after 503), A does not");
    assert_eq!(again.effect.failed_a, again.effect.requests);
    assert!(again.effect.requests > 30 && again.effect.failed_b == 0, "{again:?}");
    let d = diff(&s, "retry", "cooldown");
    let out = group(&d, "A's choice is out in B: cool-down");
    assert!(out.effect.ttft_ms.unwrap() < 0.0, "whoever does not call the dead is faster: {out:?}");
    let d = diff(&s, "retry", "retry-budget");
    let spent = group(&d, "A calls again (after 503), B does not (the retry budget is spent)");
    assert_eq!(spent.effect.failed_b, spent.effect.requests);
    let d = diff(&s, "round-robin", "least-request");
    assert!(group(&d, "chosen by round robin in A, by least request in B").effect.requests > 200);
    let d = diff(&with_fault("slow"), "hedging", "retry");
    let second = group(&d, "A sends a second call to race the first, B: answered");
    assert!(second.effect.ttft_ms.unwrap() > 0.0 && second.effect.token_cost_usd < 0.0, "{second:?}");
    // an example is one that can be looked at
    let (a, b) = second.examples[0];
    let told = |name, n| geodes::study::explain::explain(&with_fault("slow"), position(&s, name), 0, n).unwrap();
    assert_eq!((told("hedging", a).attempts, told("retry", b).attempts), (2, 1));
}

#[test]
fn two_files_are_compared_by_names_and_only_if_they_have_requests_in_common() {
    let s = with_fault("outage");
    // the same product in another file: other order of deployments, without one of them
    let other = scenario(
        &text()
            .replacen(r#"deployments = ["east", "west", "ireland"]"#, r#"deployments = ["west", "ireland"]"#, 1)
            .replace("limits.east.", "limits.small.")
            .replace("attempts_per_pool = 3, hedging", "attempts_per_pool = 2, hedging"),
    );
    let side = |s, name| Side { scenario: s, topology: position(s, name) };
    let d = compare(side(&s, "round-robin"), side(&other, "round-robin"), 0, 5).unwrap();
    assert_eq!((d.requests, d.changes.len()), (diff(&s, "retry", "retry").requests, 5));
    assert!(d.changed > 100 && d.changes.iter().all(|c| !c.b.calls.contains(&"east".to_owned())));
    let strangers = scenario(&text().replace("new-york = ", "boston = ").replace("london = ", "leeds = "));
    assert_eq!(compare(side(&s, "retry"), side(&strangers, "retry"), 0, 5), Err(NothingInCommon));
}

/// The same rule with other settings is not the same rule, and a fault that lasts for years does not take for ever.
#[test]
fn other_settings_are_a_reason_of_their_own() {
    let mut s = with_fault("outage");
    let rule = |s: &Scenario| s.topologies[position(s, "least-request")].chain[0].choose;
    let Choose::LeastRequest(config) = rule(&s) else { panic!("{:?}", rule(&s)) };
    let mut other = s.clone();
    let i = position(&other, "least-request");
    other.topologies[i].chain[0].choose = Choose::LeastRequest(LeastRequestConfig { choice_count: 9, ..config });
    for f in s.faults.iter_mut().chain(&mut other.faults) {
        f.when = FaultWhen::At { at: AT, lasts: Span::from_hours(24 * 3650) };
    }
    let side = |s| Side { scenario: s, topology: i };
    let d = compare(side(&s), side(&other), 0, 3).unwrap();
    assert!(group(&d, "chosen by least request with other settings").effect.requests > 20);
    assert!(d.groups.iter().all(|g| !g.reason.contains("stands elsewhere")));
    // the first of them, in order
    assert!(d.changes.is_sorted_by_key(|c| c.a.request) && d.changes.len() == 3);
    let firsts: Vec<u64> = d.groups.iter().flat_map(|g| g.examples.first()).map(|e| e.0).collect();
    assert_eq!(firsts.iter().min(), d.changes.first().map(|c| &c.a.request));
}
