//! What a study makes of its replications: the merged record, the numbers behind intervals, and verdicts on objectives.

use geodes::measure::Objective;
use geodes::measure::interval::mean_interval;
use geodes::scenario::model::{Dependency, DistSpec, Fault, FaultWhat, FaultWhen, Scenario};
use geodes::scenario::{plain, plain_region};
use geodes::study::Measured;
use geodes::study::replicate::{Unobserved, records, run};
use geodes::study::result::{ObjectiveRow, ObjectiveVerdict, TopologyResult};
use geodes::units::{RegionIx, Span};
use geodes::world;

/// Two layouts under one demand, the second with a second region; the first region is down for a while.
fn scenario() -> Scenario {
    let mut s = plain(2);
    for d in &mut s.deployments {
        d.ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.5 };
    }
    let mut second = s.topologies[0].clone();
    second.name = "second".to_owned();
    second.regions.push(plain_region(RegionIx(1)));
    s.topologies.push(second);
    s.faults.push(region_down("down", Span::from_mins(20), Span::from_mins(5), 0));
    s
}

fn region_down(name: &str, at: Span, lasts: Span, region: u16) -> Fault {
    let what = FaultWhat::RegionDown { region: RegionIx(region) };
    Fault { name: name.to_owned(), when: FaultWhen::At { at, lasts }, what }
}

fn objectives(s: &mut Scenario, texts: &[&str]) {
    s.objectives = texts.iter().map(|t| Objective::parse(t).unwrap_or_else(|e| panic!("{t}: {e}"))).collect();
}

fn result(s: &Scenario) -> Vec<TopologyResult> {
    run(s, &Unobserved).expect("nothing stops it").topologies
}

/// The record and the numbers per replication are those of single runs, in their order, whoever folds them.
#[test]
fn a_study_is_the_sum_of_its_runs() {
    let mut s = scenario();
    s.replications = 5;
    let study = records(&s, &Unobserved).expect("nothing stops it");
    for (t, merged) in study.topologies.iter().enumerate() {
        let runs: Vec<_> = (0..5).map(|r| world::run(&s, t, r)).collect();
        let mut sum = runs[0].clone();
        runs[1..].iter().for_each(|r| sum.merge(r));
        sum.watches.clear();
        assert_eq!(format!("{:?}", merged.record), format!("{sum:?}"));

        let requests: Vec<f64> = runs.iter().map(|r| r.requests() as f64).collect();
        assert_eq!(merged.samples.values("requests"), requests);
        let p95: Vec<f64> =
            runs.iter().map(|r| r.groups[0].ttft.percentile(95.0).expect("somebody was served") as f64 / 1e6).collect();
        assert_eq!(merged.samples.values("ttft_ms.p95"), p95);

        let failed: u64 = runs.iter().map(|r| Measured::new(&s, t, r).incidents[0].failed).sum();
        assert!(failed > 0);
        assert_eq!((merged.incidents.len(), merged.incidents[0].failed), (1, failed));
        let interval = mean_interval(&p95, 0.95).unwrap();
        let row = result(&s)[t].intervals["ttft_ms.p95"];
        assert_eq!((row.mean, row.low, row.high), (interval.mean, interval.low(), interval.high()));
    }
}

/// Multipliers compare topologies in the same replication, before anything is averaged.
#[test]
fn multipliers_are_paired() {
    let mut s = scenario();
    s.replications = 4;
    for t in &mut s.topologies {
        for r in &mut t.regions {
            r.server_price = geodes::units::Price::new(geodes::units::Money::from_dollars(1), 3_600_000_000_000);
        }
    }
    let study = records(&s, &Unobserved).expect("nothing stops it");
    // twice as many servers at all times: exactly 2 in every replication
    assert_eq!(study.topologies[1].samples.values("cost_multiplier_infra"), [2.0; 4]);
    assert_eq!(study.topologies[0].samples.values("cost_multiplier"), [1.0; 4]);
}

fn verdicts(rows: &[ObjectiveRow]) -> Vec<ObjectiveVerdict> {
    rows.iter().map(|o| o.verdict).collect()
}

#[test]
fn the_interval_decides_over_replications_and_the_value_in_a_single_one() {
    use ObjectiveVerdict::{Inconclusive, Met, Missed};
    let mut s = scenario();
    s.replications = 6;
    let metric = "ttft_ms.mean{users=users}";
    objectives(&mut s, &[&format!("{metric} < 1 s")]);
    let first = &result(&s)[0].objectives[0];
    let interval = first.interval.expect("six replications have an interval");
    assert!(interval.low < interval.mean && interval.mean < interval.high && interval.replications == 6);

    let limit = |ms: f64| format!("{metric} < {} ns", (ms * 1e6) as u64);
    let texts = [limit(interval.high + 0.01), limit(interval.low - 0.01), limit(interval.mean)];
    objectives(&mut s, &texts.each_ref().map(String::as_str));
    let several = &result(&s)[0];
    assert_eq!(verdicts(&several.objectives), [Met, Missed, Inconclusive]);
    assert_eq!(several.objectives.iter().map(|o| o.met).collect::<Vec<_>>(), [true, false, false]);
    assert!(several.intervals.contains_key(metric), "objectives have their interval in the list of all");

    s.replications = 1;
    let single = &result(&s)[0];
    assert!(single.intervals.is_empty() && single.objectives.iter().all(|o| o.interval.is_none()));
    let value = single.objectives[0].value.unwrap();
    let texts = [limit(value + 0.01), limit(value - 0.01)];
    objectives(&mut s, &texts.each_ref().map(String::as_str));
    assert_eq!(verdicts(&result(&s)[0].objectives), [Met, Missed]);
}

/// What the note says, and the verdict.
fn noted(row: &ObjectiveRow) -> (ObjectiveVerdict, &str) {
    (row.verdict, row.note.as_deref().unwrap_or(""))
}

#[test]
fn an_incident_that_nobody_watched_is_not_measured() {
    let mut s = scenario();
    // sixty-six faults: two more than get a close look
    s.faults = (0..66)
        .map(|i| region_down(&format!("cut {i}"), Span::from_secs(30 * (i + 1)), Span::from_secs(1), 0))
        .collect();
    s.faults.push(Fault {
        name: "never".to_owned(),
        when: FaultWhen::Recurring { mean_up: Span::from_hours(1_000_000), mean_down: Span::from_mins(1) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let texts = ["incident.failed{incident=cut 0} < 1000", "incident.failed{incident=cut 65} < 1000"];
    objectives(&mut s, &[texts[0], texts[1], "incident.over_s{incident=never} < 1 h"]);
    for replications in [1, 2] {
        s.replications = replications;
        let t = &result(&s)[0];
        assert_eq!(t.incidents.len(), 64);
        assert_eq!(t.incidents_not_shown, 2 * u64::from(replications));
        assert_eq!(t.objectives[0].verdict, ObjectiveVerdict::Met);
        let (verdict, note) = noted(&t.objectives[1]);
        assert_eq!(verdict, ObjectiveVerdict::NotMeasured);
        assert!(note.contains("none of the 64"), "{note}");
        let (verdict, note) = noted(&t.objectives[2]);
        assert_eq!(verdict, ObjectiveVerdict::NotMeasured);
        assert!(note.contains("did not strike"), "{note}");
        assert!(t.objectives[1..].iter().all(|o| !o.met));
    }
}

#[test]
fn what_never_happened_breaks_the_limits_that_the_record_reaches() {
    let mut s = scenario();
    // a database that only the second layout has, and a region that is down beyond the end of the day
    let (at, lasts) = (Span::from_mins(20), Span::from_mins(5));
    let what = FaultWhat::DependencyDown { region: RegionIx(1), dependency: Dependency::Database };
    s.faults = vec![
        Fault { name: "other".to_owned(), when: FaultWhen::At { at, lasts }, what },
        region_down("late", Span::from_mins(55), Span::from_mins(30), 0),
    ];
    objectives(
        &mut s,
        &[
            "incident.detected_s{incident=other} < 1 min",
            "incident.over_s{incident=late} < 1 min",
            "incident.over_s{incident=late} < 6 min",
            "ttft_ms.p95{region=plain:1} < 1 h",
        ],
    );
    let topologies = result(&s);
    let [detected, over, longer, region] = &topologies[0].objectives[..] else { panic!("four objectives") };
    assert_eq!(noted(detected), (ObjectiveVerdict::NotMeasured, "the fault hits nothing this topology uses"));
    assert_eq!(over.verdict, ObjectiveVerdict::Missed);
    assert!(noted(over).1.contains("still affected") && noted(over).1.contains("5 min"), "{:?}", over.note);
    assert_eq!(longer.verdict, ObjectiveVerdict::NotMeasured, "the record ends before the limit");
    assert_eq!(noted(region), (ObjectiveVerdict::NotMeasured, "this topology has nothing in plain:1"));
    // there it has a region, but nobody was served in it: the model it calls first went down with the other
    assert_eq!(noted(&topologies[1].objectives[3]), (ObjectiveVerdict::NotMeasured, "there was no sample"));
}

/// The times of an incident that shows in some replications only cannot be judged by those.
#[test]
fn values_that_only_some_replications_have_are_inconclusive() {
    let mut s = scenario();
    s.replications = 12;
    s.faults = vec![Fault {
        name: "now and then".to_owned(),
        when: FaultWhen::Recurring { mean_up: Span::from_hours(1), mean_down: Span::from_mins(2) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    }];
    objectives(&mut s, &["incident.failed{incident=now and then} < 100000"]);
    let row = &result(&s)[0].objectives[0];
    assert_eq!(row.verdict, ObjectiveVerdict::Inconclusive);
    let note = noted(row).1;
    assert!(note.starts_with("no value in ") && note.ends_with(" of 12 replications"), "{note}");
}

/// When each incident was over in one layout, replication 0.
fn over_s(s: &Scenario, topology: usize) -> Vec<Option<f64>> {
    let record = geodes::world::run(s, topology, 0);
    Measured::new(s, topology, &record).incidents.iter().map(|i| i.over_s).collect()
}

fn harmless(s: &Scenario, minute: u64) -> Fault {
    let region = s.topologies[0].regions[0].place;
    let what = FaultWhat::DependencyDown { region, dependency: Dependency::Cache };
    let when = FaultWhen::At { at: Span::from_mins(minute), lasts: Span::from_millis(1) };
    Fault { name: format!("harmless {minute}"), when, what }
}

/// Demand that comes in bursts of large prompts, a few percent of them slow: nobody feels a fault without effect.
#[test]
fn a_harmless_fault_is_over_at_once_in_bursty_demand() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/code-trace.toml");
    let mut s = geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    let real = s.faults.clone();
    for seed in 1..=12 {
        s.seed = seed;
        s.faults = [2, 10, 20, 30].map(|m| harmless(&s, m)).to_vec();
        for topology in 0..2 {
            assert_eq!(over_s(&s, topology), [Some(0.0); 4], "seed {seed}, layout {topology}");
        }
        // ten minutes of outage: one layout has nowhere to go, the other has moved after about four minutes
        s.faults.clone_from(&real);
        let [one, two] = [0, 1].map(|t| over_s(&s, t)[0].expect("it is over"));
        // the trace has nobody in the last eleven seconds of it
        assert!((585.0..=600.0).contains(&one), "seed {seed}: {one} s");
        // the trace is silent from 16 s to 80 s after the strike, and with seed 11 nobody fails after the silence
        assert!((15.0..=360.0).contains(&two), "seed {seed}: {two} s");
    }
}

/// The same with smooth demand and a model that fails now and then.
#[test]
fn a_harmless_fault_is_over_at_once_in_smooth_demand() {
    let mut s = scenario();
    for (seed, error_rate) in (1..=12).flat_map(|seed| [(seed, 0.003), (seed, 0.1)]) {
        s.seed = seed;
        s.topologies.iter_mut().for_each(|t| t.retry.attempts_per_pool = 1);
        s.deployments.iter_mut().for_each(|d| d.error_rate = error_rate);
        s.faults = [2, 15, 35].map(|m| harmless(&s, m)).to_vec();
        assert_eq!(over_s(&s, 0), [Some(0.0); 3], "seed {seed}, error rate {error_rate}");
    }
}
