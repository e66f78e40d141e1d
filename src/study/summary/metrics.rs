//! The flat map from metric name to number, under the names that objectives use: every metric of the list that a run
//! measures, without a selector and with each single one.

use super::{Measured, Priced, ratio};
use crate::cost::{BillLine, Category};
use crate::measure::{Histogram, Merge, MetricRef, Selector, Stat, Unit};
use crate::scenario::model::{Deployment, Scenario};
use crate::units::{GroupIx, Money};
use crate::world::failure::Failure;
use std::collections::BTreeMap;

impl Measured<'_> {
    /// All metrics but those that compare with a baseline.
    pub(in crate::study) fn own_metrics(&self) -> BTreeMap<String, Option<f64>> {
        let mut m = Metrics::default();
        self.metrics_of_users(&mut m);
        self.metrics_of_regions(&mut m);
        self.metrics_of_places_and_providers(&mut m);
        self.metrics_of_errors(&mut m);
        self.metrics_of_models(&mut m);
        self.metrics_of_incidents(&mut m);
        // with one region nothing survives that could lack a write
        let survivors = self.scenario.topologies[self.index].regions.len() > 1;
        let lost = survivors.then(|| self.per_replication(self.record.writes_lost)).flatten();
        m.put("writes_lost", &[], lost);
        m.put("residency_violations", &[], self.per_replication(self.record.residency_violations));
        m.put("cost_per_month_usd", &[], Some(self.per_month_usd()));
        m.0
    }

    /// The metrics that compare with a baseline.
    pub(in crate::study) fn multipliers(&self, baseline: Priced<'_>) -> BTreeMap<String, Option<f64>> {
        multipliers(self.scenario, self.priced(), baseline)
    }

    fn per_replication(&self, n: u64) -> Option<f64> {
        Some(n as f64 / f64::from(self.record.replications))
    }

    fn metrics_of_users(&self, m: &mut Metrics) {
        for (i, g) in self.groups().iter().enumerate() {
            let named = [(Selector::Users, g.name)];
            let by: &[(Selector, &str)] = if i == 0 { &[] } else { &named };
            m.distribution("ttft_ms", by, &g.ttft);
            m.distribution("e2e_ms", by, &g.e2e);
            m.put("availability", by, g.availability());
            m.put("error_rate", by, g.availability().map(|a| 1.0 - a));
            m.put("degraded_share", by, g.degraded_share());
            m.put("fallback_share", by, g.fallback_share());
            m.put("cross_region_share", by, g.cross_region_share());
            m.put("slow_share", by, g.slow_share());
            m.put("requests", by, self.per_replication(g.requests));
            m.put("errors", by, self.per_replication(g.failed));
            m.put("stale_reads", by, self.per_replication(g.stale));
            m.put("cost_per_1k_requests_usd", by, g.cost_per_1k());
            m.put("cost_per_1k_served_usd", by, g.cost_per_1k_served());
            let sum = |which: &dyn Fn(&BillLine) -> bool| match i {
                0 => self.bill.sum(which),
                _ => self.bill.sum_of_group(GroupIx::new(i - 1), which),
            };
            m.put("cost_usd", by, Some(g.cost));
            m.put("cost_tokens_usd", by, Some(self.usd(sum(&is_token))));
            m.put("cost_infra_usd", by, Some(self.usd(sum(&|l| !is_token(l)))));
        }
    }

    fn metrics_of_regions(&self, m: &mut Metrics) {
        let total: u64 = self.record.regions.iter().map(|r| r.requests).sum();
        for (i, spec) in self.topology().regions.iter().enumerate() {
            let name = self.scenario.places[spec.place.ix()].id.as_str();
            let by = &[(Selector::Region, name)];
            let r = &self.record.regions[i];
            m.distribution("ttft_ms", by, &r.ttft);
            m.distribution("e2e_ms", by, &r.e2e);
            m.put("availability", by, ratio(r.requests - r.failed, r.requests));
            m.put("error_rate", by, ratio(r.failed, r.requests));
            m.put("requests", by, self.per_replication(r.requests));
            m.put("errors", by, self.per_replication(r.failed));
            m.put("traffic_share", by, ratio(r.requests, total));
            for (g, group) in self.record.groups.iter().zip(&self.scenario.groups) {
                let by = &[(Selector::Users, group.name.as_str()), (Selector::Region, name)];
                m.put("traffic_share", by, ratio(g.by_region[i], g.by_region.iter().sum()));
            }
        }
    }

    /// Money by every place and every provider of the bill: application regions and the regions of deployments.
    fn metrics_of_places_and_providers(&self, m: &mut Metrics) {
        let mut money = |by: &[(Selector, &str)], whole: Money, owns: &dyn Fn(&BillLine) -> bool| {
            m.put("cost_usd", by, Some(self.usd(whole)));
            m.put("cost_tokens_usd", by, Some(self.usd(self.bill.sum(|l| owns(l) && is_token(l)))));
            m.put("cost_infra_usd", by, Some(self.usd(self.bill.sum(|l| owns(l) && !is_token(l)))));
        };
        for (place, amount) in self.bill.by_region() {
            let Some(place) = place else { continue };
            let by = &[(Selector::Region, self.scenario.places[place.ix()].id.as_str())];
            money(by, amount, &|l| l.region == Some(place));
        }
        for (provider, amount) in self.bill.by_provider() {
            let Some(provider) = provider else { continue };
            money(&[(Selector::Provider, provider)], amount, &|l| l.provider.as_deref() == Some(provider));
        }
    }

    fn metrics_of_errors(&self, m: &mut Metrics) {
        let requests = self.record.requests();
        for class in Failure::ALL {
            let count = self.record.failures[class as usize];
            let by = &[(Selector::Error, class.name())];
            m.put("error_rate", by, ratio(count, requests));
            m.put("errors", by, self.per_replication(count));
        }
        m.put("attempts_per_request", &[], ratio(self.record.attempts, requests));
    }

    fn metrics_of_models(&self, m: &mut Metrics) {
        let mut providers: BTreeMap<&str, Histogram> = BTreeMap::new();
        let mut whole = Histogram::new();
        for (d, spec) in self.record.deployments.iter().zip(&self.scenario.deployments) {
            m.distribution("model_ttft_ms", &[(Selector::Deployment, spec.name.as_str())], &d.ttft);
            providers.entry(&spec.provider).or_default().merge(&d.ttft);
            whole.merge(&d.ttft);
        }
        for (provider, h) in &providers {
            m.distribution("model_ttft_ms", &[(Selector::Provider, provider)], h);
        }
        m.distribution("model_ttft_ms", &[], &whole);
        let providers: Vec<&str> = providers.into_keys().collect();
        let abandoned = |of: &dyn Fn(&Deployment) -> bool| {
            let rows = self.record.deployments.iter().zip(&self.scenario.deployments).filter(|(_, spec)| of(spec));
            let (abandoned, attempts) = rows.fold((0, 0), |(n, all), (d, _)| (n + d.abandoned, all + d.attempts));
            ratio(abandoned, attempts)
        };
        m.put("abandoned_share", &[], abandoned(&|_| true));
        for provider in &providers {
            m.put("abandoned_share", &[(Selector::Provider, provider)], abandoned(&|d| d.provider == *provider));
        }
        for spec in &self.scenario.deployments {
            m.put("abandoned_share", &[(Selector::Deployment, &spec.name)], abandoned(&|d| d.name == spec.name));
        }
        if self.scenario.has_prompt_caches() {
            self.metrics_of_prompt_caches(&providers, m);
        }
    }

    fn metrics_of_prompt_caches(&self, providers: &[&str], m: &mut Metrics) {
        let (usage, n) = (&self.record.usage, self.scenario.deployments.len());
        let mut put = |by: &[(Selector, &str)], of: &dyn Fn(&Deployment) -> bool| {
            let sum = |tokens: &[u64]| -> u64 {
                let owned = tokens.iter().enumerate().filter(|(i, _)| of(&self.scenario.deployments[i % n]));
                owned.map(|(_, t)| t).sum()
            };
            let cached = sum(&usage.cached_tokens);
            m.put("cached_input_tokens", by, self.per_replication(cached));
            m.put("cache_hit_share", by, ratio(cached, sum(&usage.input_tokens)));
        };
        put(&[], &|_| true);
        for provider in providers {
            put(&[(Selector::Provider, provider)], &|d| d.provider == *provider);
        }
        for spec in &self.scenario.deployments {
            put(&[(Selector::Deployment, &spec.name)], &|d| d.name == spec.name);
        }
        for (i, spec) in self.topology().regions.iter().enumerate() {
            let by = &[(Selector::Region, self.scenario.places[spec.place.ix()].id.as_str())];
            m.put("cache_hit_share", by, self.region_cache_share(i));
        }
    }

    fn metrics_of_incidents(&self, m: &mut Metrics) {
        for row in &self.incidents {
            let by = &[(Selector::Incident, row.name.as_str())];
            m.put("incident.detected_s", by, row.detected_s);
            m.put("incident.moved_half_s", by, row.moved_half_s);
            m.put("incident.moved_99_s", by, row.moved_99_s);
            m.put("incident.over_s", by, row.over_s);
            m.put("incident.requests", by, self.per_replication(row.requests));
            m.put("incident.failed", by, self.per_replication(row.failed));
            m.put("incident.slow", by, self.per_replication(row.slow));
            m.put("incident.degraded", by, self.per_replication(row.degraded));
            m.put("incident.stale_reads", by, self.per_replication(row.stale_reads));
            m.put("incident.writes_lost", by, row.writes_lost.and_then(|n| self.per_replication(n)));
        }
    }
}

/// The metrics that compare a bill with that of the baseline under the same demand.
pub(in crate::study) fn multipliers(
    scenario: &Scenario,
    own: Priced<'_>,
    baseline: Priced<'_>,
) -> BTreeMap<String, Option<f64>> {
    let mut m = Metrics::default();
    m.put("cost_multiplier", &[], own.multiplier(baseline, None));
    for (i, group) in scenario.groups.iter().enumerate() {
        let by = &[(Selector::Users, group.name.as_str())];
        m.put("cost_multiplier", by, own.multiplier(baseline, Some(GroupIx::new(i))));
    }
    m.put("cost_multiplier_infra", &[], own.multipliers(baseline).infrastructure);
    m.0
}

fn is_token(line: &BillLine) -> bool {
    line.category == Category::Tokens
}

/// Collects metrics under the names that objectives use.
#[derive(Default)]
struct Metrics(BTreeMap<String, Option<f64>>);

impl Metrics {
    fn put(&mut self, name: &str, by: &[(Selector, &str)], value: Option<f64>) {
        self.0.insert(MetricRef::new(name, None, by).to_string(), value.filter(|v| v.is_finite()));
    }

    fn distribution(&mut self, name: &str, by: &[(Selector, &str)], h: &Histogram) {
        for stat in Stat::ALL {
            self.0.insert(MetricRef::new(name, Some(stat), by).to_string(), stat.of(h, Unit::Milliseconds));
        }
    }
}
