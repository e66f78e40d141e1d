//! The exact laws in their small version: every comparison holds, intervals cover, and a wrong value is noticed.

use geodes::study::laws::theory::{self, Renewal};
use geodes::study::laws::{self, LawOptions, LawResult, Size, Verdict};
use std::sync::OnceLock;

fn small() -> &'static [LawResult] {
    static RESULTS: OnceLock<Vec<LawResult>> = OnceLock::new();
    RESULTS.get_or_init(|| laws::run(LawOptions::new(Size::Small), &mut |_| ()))
}

#[test]
fn every_law_holds() {
    let failed = small().iter().filter(|r| r.verdict == Verdict::Fail).count();
    assert!(failed == 0, "{}", laws::render_table(small(), &[], 100));
}

#[test]
fn intervals_cover() {
    let coverage = laws::coverage(LawOptions::new(Size::Small), &mut |_| ());
    assert!(coverage.iter().all(|c| c.pass && c.seeds == 200), "{}", laws::render_table(&[], &coverage, 100));
    // intervals too wide to say anything would never miss: 1000 of 99 % all hold with probability e^-10
    assert!(coverage.iter().map(|c| c.missed).sum::<u32>() > 0);
}

/// The value that theory gives for slightly wrong parameters lies outside of the interval, for each law that is
/// compared by interval: the comparison can fail.
#[test]
fn a_slightly_wrong_value_is_noticed() {
    let region = Renewal { up: 3600.0, down: 900.0 * 1.2 };
    let wrong = [
        // load off by 5 %
        ("M/M/c mean wait", "c = 1, load 0.5", theory::mmc_wait(1, 0.525)),
        ("M/M/c mean wait", "c = 1, load 0.8", theory::mmc_wait(1, 0.84)),
        ("M/M/c mean wait", "c = 4, load 0.8", theory::mmc_wait(4, 0.84)),
        ("M/M/c p99 of sojourn", "c = 4, load 0.8", theory::mmc_sojourn_quantile(4, 0.84, 0.99)),
        ("M/G/1 mean wait", "constant, load 0.5", theory::mg1_wait(0.525, 1.0)),
        ("M/G/1 mean wait", "log-normal, load 0.5", theory::mg1_wait(0.55, 3.0)),
        ("M/M/c/c loss", "c = 4, a = 3.2", theory::erlang_b(4, 3.2 * 1.05)),
        ("M/M/c/c loss", "c = 100, a = 90.0", theory::erlang_b(100, 90.0 * 1.05)),
        ("M/G/1 processor sharing", "exponential, load 0.5", theory::sharing_sojourn(0.525)),
        ("utilisation law", "c = 4, load 0.9", 0.9 * 1.05),
        ("power of two choices", "k = 3, load 0.9", theory::two_choices_tail(0.9 * 1.05, 3)),
        ("provider: loss", "c = 10, a = 8, log-normal", theory::erlang_b(10, 8.0 * 1.05)),
        ("provider: request quota", "20/s, quota 10/s", 10.0 * 1.01),
        ("provider: token quota", "1000/s, quota 2000/s", 1000.0 * 1.05),
        ("gateway: attempts", "p = 0.3, n = 3", theory::retry_amplification(0.3 * 1.05, 3)),
        ("gateway: attempts", "p = 1, n = 4", 4.0),
        ("gateway: success", "p = 0.5, n = 5", theory::retry_success(0.5 * 1.05, 5)),
        ("gateway: hedged latency", "h = 0", 1.0 - 0.5 * 0.95),
        ("gateway: hedged calls", "h = 1", 1.0 + 1.05 * 0.367879),
        ("gateway: raced latency", "h = 0, n = 3", 1.05 / 3.0),
        ("gateway: raced calls", "h = 1, n = 3", 1.0 + 1.05 * (0.367879 + 0.049787)),
        ("region: M/M/c sojourn", "c = 4, load 0.8", 1.0 + theory::mmc_wait(4, 0.84)),
        ("region: utilisation", "c = 4, load 0.8", 3.2 * 1.05),
        // down for a fifth longer
        ("regions: availability", "n = 1, checks every 600 s", theory::failover_availability(region, 1, 600.0)),
    ];
    for (law, parameters, value) in wrong {
        let found = small().iter().find(|r| r.law == law && r.parameters == parameters);
        let result = found.unwrap_or_else(|| panic!("no row {law}, {parameters}"));
        assert_eq!(result.judge(value), Verdict::Fail, "{law}, {parameters}: {value} would pass as {result:?}");
    }
    // every law is in the list above, but for those that are compared as integers
    for r in small().iter().filter(|r| r.confidence < 1.0) {
        assert!(wrong.iter().any(|w| w.0 == r.law), "{} is never compared with a wrong value", r.law);
    }
}

/// Detection windows matter: with checks every ten minutes the textbook formula for perfect knowledge is refuted.
#[test]
fn slow_health_checks_cost_availability() {
    let r = small().iter().find(|r| r.parameters == "n = 2, checks every 600 s").expect("it is in the list");
    let perfect = 1.0 - 0.2 * 0.2;
    assert_eq!((r.verdict, r.judge(perfect)), (Verdict::Pass, Verdict::Fail), "{r:?}");
}

#[test]
fn the_table_fits_its_width_and_names_every_law() {
    let rows = small();
    for width in [80, 100, 200] {
        let table = laws::render_table(rows, &[], width);
        assert!(table.lines().all(|l| l.chars().count() <= width), "{table}");
        assert!(rows.iter().all(|r| table.contains(r.law) && table.contains(&r.parameters)));
    }
    let mut broken = rows[..1].to_vec();
    broken[0].verdict = Verdict::Fail;
    assert!(laws::render_table(&broken, &[], 80).contains("FAIL"));
}

/// `docs/validation.md` prints the full run; its rows and exact values are the same in the small one.
#[test]
fn the_page_has_every_row() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/validation.md")).unwrap();
    let table = laws::render_table(small(), &[], 80);
    let (rows, shown): (Vec<&str>, Vec<&str>) = (
        table.lines().filter(|l| l.ends_with("pass")).collect(),
        page.lines().filter(|l| l.ends_with("pass") && l.starts_with("  ")).collect(),
    );
    // parameters and exact value, which for equalities is the sample path's own
    let known = |line: &str| line.chars().take(if line.contains("equal") { 26 } else { 38 }).collect::<String>();
    assert_eq!(rows.iter().map(|l| known(l)).collect::<Vec<_>>(), shown.iter().map(|l| known(l)).collect::<Vec<_>>());
}
