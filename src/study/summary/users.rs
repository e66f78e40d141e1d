//! What users felt and what they cost: everybody first, then group by group.

use super::rows::percentiles;
use super::{Measured, ratio};
use crate::measure::{Histogram, Merge};
use crate::study::result::UserRow;
use crate::units::GroupIx;

impl Measured<'_> {
    pub(super) fn all_latencies(&self) -> (Histogram, Histogram) {
        let (mut ttft, mut e2e) = (Histogram::new(), Histogram::new());
        for g in &self.record.groups {
            ttft.merge(&g.ttft);
            e2e.merge(&g.e2e);
        }
        (ttft, e2e)
    }

    pub(super) fn users(&self, baseline: &Measured<'_>) -> Vec<UserRow> {
        let (ttft, e2e) = self.all_latencies();
        let n = self.topology().regions.len();
        let sum = |f: fn(&crate::world::record::GroupRecord) -> u64| self.record.groups.iter().map(f).sum::<u64>();
        let by_region = (0..n).map(|r| self.record.groups.iter().map(|g| g.by_region[r]).sum()).collect();
        let all = Group {
            name: "all",
            requests: sum(|g| g.requests),
            failed: sum(|g| g.failed),
            fallback: sum(|g| g.fallback),
            degraded: sum(|g| g.degraded),
            cross_region: sum(|g| g.cross_region),
            slow: sum(|g| g.slow),
            stale: sum(|g| g.stale),
            by_region,
            ttft: &ttft,
            e2e: &e2e,
            cost: self.usd(self.bill.total()),
            baseline_cost: baseline.usd(baseline.bill.total()),
            replications: f64::from(self.record.replications),
        };
        let mut rows = vec![all.row()];
        for (i, g) in self.record.groups.iter().enumerate() {
            let cost_of = |m: &Measured<'_>| m.usd(m.bill.sum_of_group(GroupIx::new(i), |_| true));
            let group = Group {
                name: &self.scenario.groups[i].name,
                requests: g.requests,
                failed: g.failed,
                fallback: g.fallback,
                degraded: g.degraded,
                cross_region: g.cross_region,
                slow: g.slow,
                stale: g.stale,
                by_region: g.by_region.clone(),
                ttft: &g.ttft,
                e2e: &g.e2e,
                cost: cost_of(self),
                baseline_cost: cost_of(baseline),
                replications: f64::from(self.record.replications),
            };
            rows.push(group.row());
        }
        rows
    }
}

/// Counts of some users.
struct Group<'a> {
    name: &'a str,
    requests: u64,
    failed: u64,
    fallback: u64,
    degraded: u64,
    cross_region: u64,
    slow: u64,
    stale: u64,
    by_region: Vec<u64>,
    ttft: &'a Histogram,
    e2e: &'a Histogram,
    /// Dollars per replication, like the baseline's.
    cost: f64,
    baseline_cost: f64,
    replications: f64,
}

impl Group<'_> {
    fn row(self) -> UserRow {
        let served = self.requests - self.failed;
        let sent: u64 = self.by_region.iter().sum();
        UserRow {
            users: self.name.to_owned(),
            requests: self.requests,
            failed: self.failed,
            ttft_ms: percentiles(self.ttft),
            e2e_ms: percentiles(self.e2e),
            availability: ratio(served, self.requests),
            fallback_share: ratio(self.fallback, served),
            degraded_share: ratio(self.degraded, served),
            cross_region_share: ratio(self.cross_region, self.requests),
            slow_share: ratio(self.slow, served),
            stale_reads: self.stale,
            region_shares: self.by_region.iter().map(|n| ratio(*n, sent)).collect(),
            cost_usd: self.cost,
            cost_per_1k_usd: (self.requests > 0).then(|| self.cost * self.replications / self.requests as f64 * 1000.0),
            cost_multiplier: (self.baseline_cost > 0.0).then(|| self.cost / self.baseline_cost),
        }
    }
}
