//! What users felt and what they cost: everybody first, then group by group.

use super::rows::percentiles;
use super::{Measured, Priced, ratio};
use crate::measure::{Histogram, Merge};
use crate::study::result::UserRow;
use crate::units::GroupIx;
use crate::world::failure::Failure;
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Measured<'_> {
    /// Everybody, then group by group.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let (ttft, e2e) = self.all_latencies();
        let n = self.topology().regions.len();
        let sum = |f: fn(&crate::world::record::GroupRecord) -> u64| self.record.groups.iter().map(f).sum::<u64>();
        let mut groups = vec![Group {
            name: "all",
            requests: sum(|g| g.requests),
            failed: sum(|g| g.failed),
            failures: self.record.failures.to_vec(),
            fallback: sum(|g| g.fallback),
            degraded: sum(|g| g.degraded),
            cross_region: sum(|g| g.cross_region),
            slow: sum(|g| g.slow),
            stale: sum(|g| g.stale),
            by_region: (0..n).map(|r| self.record.groups.iter().map(|g| g.by_region[r]).sum()).collect(),
            ttft: Cow::Owned(ttft),
            e2e: Cow::Owned(e2e),
            cost: self.priced().of_users(None),
            replications: f64::from(self.record.replications),
        }];
        groups.extend(self.record.groups.iter().enumerate().map(|(i, g)| Group {
            name: &self.scenario.groups[i].name,
            requests: g.requests,
            failed: g.failed,
            failures: g.failures.to_vec(),
            fallback: g.fallback,
            degraded: g.degraded,
            cross_region: g.cross_region,
            slow: g.slow,
            stale: g.stale,
            by_region: g.by_region.clone(),
            ttft: Cow::Borrowed(&g.ttft),
            e2e: Cow::Borrowed(&g.e2e),
            cost: self.priced().of_users(Some(GroupIx::new(i))),
            replications: f64::from(self.record.replications),
        }));
        groups
    }

    /// The rows for people, in the order of [`Measured::groups`].
    pub(super) fn users(&self, baseline: Priced<'_>) -> Vec<UserRow> {
        let group = |i: usize| i.checked_sub(1).map(GroupIx::new);
        let rows = self.groups().into_iter().enumerate();
        rows.map(|(i, g)| g.row(self.priced().multiplier(baseline, group(i)))).collect()
    }

    pub(super) fn all_latencies(&self) -> (Histogram, Histogram) {
        let (mut ttft, mut e2e) = (Histogram::new(), Histogram::new());
        for g in &self.record.groups {
            ttft.merge(&g.ttft);
            e2e.merge(&g.e2e);
        }
        (ttft, e2e)
    }
}

/// Counts of some users.
pub(super) struct Group<'a> {
    pub name: &'a str,
    pub requests: u64,
    pub failed: u64,
    pub failures: Vec<u64>,
    pub fallback: u64,
    pub degraded: u64,
    pub cross_region: u64,
    pub slow: u64,
    pub stale: u64,
    pub by_region: Vec<u64>,
    pub ttft: Cow<'a, Histogram>,
    pub e2e: Cow<'a, Histogram>,
    /// Dollars per replication.
    pub cost: f64,
    pub replications: f64,
}

impl Group<'_> {
    fn served(&self) -> u64 {
        self.requests - self.failed
    }
    pub fn availability(&self) -> Option<f64> {
        ratio(self.served(), self.requests)
    }
    pub fn fallback_share(&self) -> Option<f64> {
        ratio(self.fallback, self.served())
    }
    pub fn degraded_share(&self) -> Option<f64> {
        ratio(self.degraded, self.served())
    }
    pub fn cross_region_share(&self) -> Option<f64> {
        ratio(self.cross_region, self.requests)
    }
    pub fn slow_share(&self) -> Option<f64> {
        ratio(self.slow, self.served())
    }
    pub fn cost_per_1k(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.cost * self.replications / self.requests as f64 * 1000.0)
    }

    pub fn cost_per_1k_served(&self) -> Option<f64> {
        (self.served() > 0).then(|| self.cost * self.replications / self.served() as f64 * 1000.0)
    }

    /// Failed turns by the name of their class, without empty classes.
    fn errors(&self) -> BTreeMap<String, u64> {
        let classes = Failure::ALL.into_iter().map(|class| (class.name().to_owned(), self.failures[class as usize]));
        classes.filter(|(_, count)| *count > 0).collect()
    }

    fn row(self, multiplier: Option<f64>) -> UserRow {
        let sent: u64 = self.by_region.iter().sum();
        UserRow {
            users: self.name.to_owned(),
            requests: self.requests,
            failed: self.failed,
            errors: self.errors(),
            ttft_ms: percentiles(&self.ttft),
            e2e_ms: percentiles(&self.e2e),
            availability: self.availability(),
            fallback_share: self.fallback_share(),
            degraded_share: self.degraded_share(),
            cross_region_share: self.cross_region_share(),
            slow_share: self.slow_share(),
            stale_reads: self.stale,
            region_shares: self.by_region.iter().map(|n| ratio(*n, sent)).collect(),
            cost_usd: self.cost,
            cost_per_1k_usd: self.cost_per_1k(),
            cost_per_1k_served_usd: self.cost_per_1k_served(),
            cost_multiplier: multiplier,
        }
    }
}
