//! What holds whatever is switched on: nothing is lost, counted twice or sent where it may not be.

use geodes::scenario::model::Scenario;
use geodes::study::{Measured, Prices};
use geodes::units::Money;
use geodes::world::Record;
use geodes::world::record::GroupRecord;
use proptest::prelude::*;

/// What holds for every run.
pub fn check(s: &Scenario, r: &Record) -> Result<(), TestCaseError> {
    // every turn has one end, and every breakdown adds up to the whole
    prop_assert_eq!(r.failures.iter().sum::<u64>(), r.failed());
    for g in &r.groups {
        prop_assert_eq!(g.ttft.count() + g.failed, g.requests);
        prop_assert_eq!(g.e2e.count(), g.ttft.count());
        prop_assert!(g.by_region.iter().sum::<u64>() <= g.requests);
        prop_assert!(g.degraded <= g.ttft.count() && g.fallback <= g.ttft.count());
        prop_assert!(g.ttft.max() <= g.e2e.max());
    }
    let by_region: u64 = r.regions.iter().map(|x| x.requests).sum();
    prop_assert_eq!(by_region, r.groups.iter().flat_map(|g| &g.by_region).sum::<u64>());
    prop_assert_eq!(r.regions.iter().map(|x| x.failed).sum::<u64>(), r.failed());
    prop_assert_eq!(r.deployments.iter().map(|d| d.attempts).sum::<u64>(), r.attempts);
    for d in &r.deployments {
        prop_assert_eq!(d.ok + d.rate_limited + d.failed + d.abandoned, d.attempts);
    }
    let cells = r.timeline.iter().flat_map(|t| t.iter().filter_map(|(_, c)| c));
    let (mut turns, mut failed, mut degraded, mut slow) = (0, 0, 0, 0);
    for c in cells {
        turns += c.requests;
        failed += c.failed;
        degraded += c.degraded;
        slow += c.slow;
    }
    prop_assert_eq!((turns, failed), (by_region, r.failed()));
    let groups = |of: fn(&GroupRecord) -> u64| r.groups.iter().map(of).sum::<u64>();
    prop_assert_eq!((degraded, slow), (groups(|g| g.degraded), groups(|g| g.slow)));
    prop_assert!(r.turns >= r.requests() && r.residency_violations == 0);
    for (region, spec) in r.regions.iter().zip(&s.topologies[0].regions) {
        let all = u128::from(s.horizon.nanos()) * u128::from(spec.servers) * u128::from(spec.slots_per_server);
        prop_assert!(region.busy_slot_ns <= all);
    }
    // INV-4 is checked by the bill itself
    let measured = Measured::new(s, 0, r);
    let tokens: u64 = r.usage.input_tokens.iter().sum();
    prop_assert_eq!(measured.bill.tokens() == Money::ZERO, tokens == 0);
    // whoever gets a degraded answer got it after the pool that comes first
    prop_assert!(!s.topologies[0].chain[0].degraded && r.groups.iter().all(|g| g.degraded <= g.fallback));
    adds_up(s, r)?;
    stays_where_it_may_be(s, r)?;
    incidents_claim_no_more_than_there_is(&measured)
}

/// The timeline of cost against the bill, to the last unit.
pub fn adds_up(s: &Scenario, r: &Record) -> Result<(), TestCaseError> {
    let prices = Prices::new(s, &s.topologies[0]);
    let timeline = prices.timeline(r);
    prop_assert_eq!(timeline.len(), s.topologies[0].regions.len());
    for cells in &timeline {
        prop_assert_eq!(cells.len() as u64, s.horizon.nanos().div_ceil(s.interval.nanos()));
    }
    let sum: Money = timeline.iter().flatten().copied().sum();
    prop_assert_eq!(sum, prices.bill(r).total());
    Ok(())
}

/// Nothing of a bound group is served, sent or copied outside of its places; seen from the record, not from INV-6.
fn stays_where_it_may_be(s: &Scenario, r: &Record) -> Result<(), TestCaseError> {
    let Some(class) = s.residency.first() else { return Ok(()) };
    let (n, regions) = (s.deployments.len(), &s.topologies[0].regions);
    for (g, group) in s.groups.iter().enumerate().filter(|(_, g)| g.residency.is_some()) {
        for d in (0..n).filter(|d| !class.legal[s.deployments[*d].place.ix()]) {
            prop_assert_eq!(r.usage.input_tokens[g * n + d], 0, "{}", group.name);
            prop_assert_eq!(r.usage.output_tokens[g * n + d], 0);
        }
        for i in (0..regions.len()).filter(|i| !class.legal[regions[*i].place.ix()]) {
            prop_assert_eq!(r.groups[g].by_region[i], 0);
            prop_assert_eq!(r.usage.bytes_to_users[g * regions.len() + i], 0);
        }
    }
    if s.groups.iter().all(|g| g.residency.is_some()) {
        for (p, _) in class.legal.iter().enumerate().filter(|(_, legal)| !**legal) {
            prop_assert!((0..regions.len()).all(|i| r.usage.bytes_between[i * s.places.len() + p] == 0));
            prop_assert!((0..n).all(|d| s.deployments[d].place.ix() != p || r.deployments[d].attempts == 0));
        }
    }
    Ok(())
}

/// A failed turn is claimed by one incident, unless incidents overlap: then each claims it.
fn incidents_claim_no_more_than_there_is(measured: &Measured<'_>) -> Result<(), TestCaseError> {
    let rows = &measured.incidents;
    let failed = measured.record.failed();
    let mut sum = 0;
    let mut free_from = f64::NEG_INFINITY;
    for row in rows {
        prop_assert!(row.failed <= failed, "{row:?} of {failed} failures");
        prop_assert!(row.failed + row.degraded.max(row.slow) <= row.requests, "{row:?}");
        prop_assert!(row.requests <= measured.record.requests());
        // in order of time; a turn that was sent while one lasted may take minutes to fail
        if row.at_s >= free_from {
            sum += row.failed;
            let over = row.over_s.map_or(f64::INFINITY, |s| s.max(row.lasted_s));
            free_from = row.at_s + over + 300.0;
        }
    }
    prop_assert!(sum <= failed, "{sum} failures claimed of {failed}: {rows:#?}");
    Ok(())
}
