//! Made-up days that try the reports: replications, nothing measured, more than fits.

use super::run_of;
use geodes::study::result::*;

/// The whole day in eight replications: intervals, one verdict of each kind, and more faults than there are rows for.
pub fn replicated() -> RunResult {
    let mut run = run_of(1440, 0..3);
    run.scenario.replications = 8;
    for (t, noise) in run.topologies.iter_mut().zip([0.004, 0.02, 0.000_001]) {
        let around = |mean: f64, part: f64| IntervalRow {
            mean,
            low: mean * (1.0 - part),
            high: mean * (1.0 + part),
            replications: 8,
        };
        t.intervals = t.metrics.iter().filter_map(|(k, v)| Some((k.clone(), around((*v)?, noise)))).collect();
        let all = &t.users[0];
        let more = [
            ("ttft_ms.p99", all.ttft_ms.p99),
            ("e2e_ms.p95", all.e2e_ms.p95),
            ("cost_per_1k_requests_usd", all.cost_per_1k_usd),
        ];
        t.intervals.extend(more.into_iter().filter_map(|(k, v)| Some((k.to_owned(), around(v?, noise)))));
        // the baseline is itself in every replication
        t.intervals.insert("cost_multiplier_infra".into(), around(1.0, if t.is_baseline { 0.0 } else { noise }));
        t.intervals.insert("cross_region_share".into(), around(0.031, noise));
        t.intervals.insert("degraded_share".into(), around(0.0, noise));
        t.incidents_not_shown = 1_012;
        let first = &mut t.objectives[0];
        first.interval = first.value.map(|v| around(v, noise));
        let second = &mut t.objectives[1];
        second.interval = Some(IntervalRow { mean: 0.9991, low: 0.998_2, high: 1.000_03, replications: 8 });
        (second.verdict, second.met) = (ObjectiveVerdict::Inconclusive, false);
        t.objectives.push(ObjectiveRow {
            objective: "incident.over_s{incident=power cut} < 10 min".into(),
            value: None,
            interval: None,
            verdict: ObjectiveVerdict::NotMeasured,
            met: false,
            note: Some("its occurrence is none of the 64 that a run looks closely at".into()),
        });
    }
    run
}

/// A run in which nothing was measured: every figure that may be missing is.
pub fn empty() -> RunResult {
    let mut run = run_of(0, 1..2);
    let t = &mut run.topologies[0];
    for u in &mut t.users {
        u.requests = 0;
        u.failed = 0;
        u.ttft_ms = Percentiles::default();
        u.e2e_ms = Percentiles::default();
        u.availability = None;
        u.fallback_share = None;
        u.degraded_share = None;
        u.cross_region_share = None;
        u.slow_share = None;
        u.region_shares.fill(None);
        u.cost_per_1k_usd = None;
        u.cost_multiplier = None;
    }
    for r in &mut t.regions {
        r.requests = 0;
        r.traffic_share = None;
        r.utilisation = None;
        r.ttft_ms = Percentiles::default();
        r.e2e_ms = Percentiles::default();
    }
    for v in t.metrics.values_mut() {
        *v = None;
    }
    t.metrics.insert("never.finite".into(), Some(f64::NAN));
    t.errors.clear();
    for i in &mut t.incidents {
        (i.detected_s, i.moved_half_s, i.moved_99_s, i.over_s) = (None, None, None, None);
    }
    for o in &mut t.objectives {
        (o.value, o.met, o.verdict) = (None, false, ObjectiveVerdict::NotMeasured);
        o.note = Some("there was no sample".into());
    }
    t.cost.per_1k_requests_usd = None;
    t.cost.multiplier = None;
    t.cost.multiplier_infrastructure = None;
    for s in &mut t.timeline {
        s.cells = vec![SeriesCell::default(); 3];
    }
    t.distributions.clear();
    run
}

/// More of everything than a chart was made for: ten topologies with long names, nine faults close together, three days.
pub fn crowd() -> RunResult {
    let mut run = run_of(3 * 1440, 0..3);
    run.scenario.name =
        "A scenario with a name that goes on and on, as titles written by committees sometimes do, & <more>".into();
    run.scenario.start = "2026-03-02T09:17:00+01:00".into();
    let first = run.topologies.clone();
    for i in 3..10usize {
        let mut t = first[i % 3].clone();
        t.name = format!("{}-with-another-policy-and-a-long-name-{i}", t.name);
        t.is_baseline = false;
        run.topologies.push(t);
    }
    for (k, t) in run.topologies.iter_mut().enumerate() {
        let model = t.incidents[0].clone();
        for i in 0..7u32 {
            let mut incident = model.clone();
            incident.name = format!("recurring brown-out of a provider #{}", i + 1);
            incident.at_s = 90_000.0 + f64::from(i) * 9_000.0;
            incident.lasted_s = 300.0 + 900.0 * f64::from(i % 3);
            incident.failed = 100 * u64::from(i) + k as u64;
            t.incidents.push(incident);
        }
        for d in &mut t.distributions {
            for p in &mut d.cdf {
                p.0 *= 1.0 + 0.13 * k as f64;
            }
        }
    }
    run
}
