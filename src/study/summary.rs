//! From a merged record to the figures of the reports: rows for people, and one flat map of metrics for objectives.

use super::billing::Prices;
use super::incidents;
use super::result::{
    CostLine, CostSummary, DeploymentRow, Distribution, ErrorRow, IncidentRow, IntervalRow, ObjectiveRow, Percentiles,
    RegionRow, RegionSeries, SeriesCell, TopologyResult, UserRow,
};
use crate::cost::{Bill, Category};
use crate::measure::{CoarseHistogram, Histogram, Merge, MetricRef, Selector, Stat, Unit};
use crate::scenario::model::{Scenario, Topology};
use crate::units::{GroupIx, Money, Price, Span, Time};
use crate::world::Record;
use crate::world::failure::Failure;
use std::collections::BTreeMap;

/// One topology's record and its bill.
pub struct Measured<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Position of the topology.
    pub index: usize,
    /// All replications.
    pub record: &'a Record,
    /// Their bill.
    pub bill: Bill,
}

impl<'a> Measured<'a> {
    /// Prices a record.
    pub fn new(scenario: &'a Scenario, index: usize, record: &'a Record) -> Measured<'a> {
        let bill = Prices::new(scenario, &scenario.topologies[index]).bill(record);
        Measured { scenario, index, record, bill }
    }

    fn topology(&self) -> &'a Topology {
        &self.scenario.topologies[self.index]
    }

    /// Money per replication, in dollars.
    fn usd(&self, m: Money) -> f64 {
        m.as_dollars_f64() / f64::from(self.record.replications)
    }

    /// Everything the reports show.
    pub fn result(&self, baseline: &Measured<'_>, intervals: BTreeMap<String, IntervalRow>) -> TopologyResult {
        let users = self.users(baseline);
        let regions = self.regions();
        let incidents = self.incidents();
        let cost = self.cost(baseline);
        let metrics = self.metrics(&users, &incidents, &cost);
        let objectives = self.scenario.objectives.iter().map(|o| {
            let value = metrics.get(&o.metric().to_string()).copied().flatten();
            ObjectiveRow { objective: o.to_string(), value, met: value.is_some_and(|v| o.check(v)) }
        });
        TopologyResult {
            name: self.topology().name.clone(),
            is_baseline: self.index == self.scenario.baseline,
            objectives: objectives.collect(),
            metrics,
            intervals,
            regions,
            users,
            errors: self.errors(),
            incidents,
            cost,
            deployments: self.deployments(),
            timeline: self.timeline(),
            distributions: self.distributions(),
            events: self.record.events,
            turns: self.record.turns,
        }
    }

    /// The metrics alone.
    pub fn metrics_only(&self, baseline: &Measured<'_>) -> BTreeMap<String, Option<f64>> {
        self.metrics(&self.users(baseline), &self.incidents(), &self.cost(baseline))
    }

    fn all_latencies(&self) -> (Histogram, Histogram) {
        let (mut ttft, mut e2e) = (Histogram::new(), Histogram::new());
        for g in &self.record.groups {
            ttft.merge(&g.ttft);
            e2e.merge(&g.e2e);
        }
        (ttft, e2e)
    }

    fn users(&self, baseline: &Measured<'_>) -> Vec<UserRow> {
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

    fn regions(&self) -> Vec<RegionRow> {
        let total: u64 = self.record.regions.iter().map(|r| r.requests).sum();
        let horizon = self.scenario.horizon.nanos() as f64 * f64::from(self.record.replications);
        let costs = Prices::new(self.scenario, self.topology()).timeline(self.record);
        let rows =
            self.topology().regions.iter().zip(&self.record.regions).enumerate().map(|(i, (spec, r))| RegionRow {
                region: self.scenario.places[spec.place.ix()].id.clone(),
                requests: r.requests,
                traffic_share: ratio(r.requests, total),
                failed: r.failed,
                ttft_ms: percentiles(&r.ttft),
                e2e_ms: percentiles(&r.e2e),
                utilisation: {
                    let slots = f64::from(spec.servers) * f64::from(spec.slots_per_server);
                    (slots > 0.0).then(|| r.busy_slot_ns as f64 / (slots * horizon))
                },
                cost_usd: self.usd(costs[i].iter().copied().sum()),
            });
        rows.collect()
    }

    fn errors(&self) -> Vec<ErrorRow> {
        let requests = self.record.requests();
        let mut rows: Vec<ErrorRow> = Failure::ALL
            .into_iter()
            .map(|class| (class, self.record.failures[class as usize]))
            .filter(|(_, count)| *count > 0)
            .map(|(class, count)| ErrorRow {
                class: class.name().to_owned(),
                count,
                share: ratio(count, requests).unwrap_or(0.0),
            })
            .collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.class.cmp(&b.class)));
        rows
    }

    fn incidents(&self) -> Vec<IncidentRow> {
        let start = Time(self.scenario.warmup.nanos());
        let rows = self.record.watches.iter().map(|w| incidents::row(self.scenario, self.topology(), w, start));
        incidents::merge_replications(rows)
    }

    fn deployments(&self) -> Vec<DeploymentRow> {
        let n = self.scenario.deployments.len();
        let total = |list: &[u64], d: usize| list.iter().skip(d).step_by(n).sum();
        let rows = self.scenario.deployments.iter().zip(&self.record.deployments).enumerate().map(|(d, (spec, r))| {
            DeploymentRow {
                deployment: spec.name.clone(),
                provider: spec.provider.clone(),
                region: self.scenario.places[spec.place.ix()].id.clone(),
                attempts: r.attempts,
                ok: r.ok,
                rate_limited: r.rate_limited,
                failed: r.failed,
                input_tokens: total(&self.record.usage.input_tokens, d),
                output_tokens: total(&self.record.usage.output_tokens, d),
                model_ttft_ms: percentiles(&r.ttft),
            }
        });
        rows.collect()
    }

    fn cost(&self, baseline: &Measured<'_>) -> CostSummary {
        let replications = u64::from(self.record.replications);
        let mean = |m: Money| Price::new(m, replications).cost(1);
        let total = mean(self.bill.total());
        let multipliers = self.bill.multipliers(&baseline.bill);
        let scale = f64::from(baseline.record.replications) / f64::from(self.record.replications);
        let place = |r: Option<crate::units::RegionIx>| {
            r.map_or_else(|| "–".to_owned(), |r| self.scenario.places[r.ix()].id.clone())
        };
        let mut lines: Vec<(Money, CostLine)> = self
            .bill
            .lines()
            .iter()
            .map(|l| {
                let (quantity, unit) = l.unit.readable(l.quantity);
                let line = CostLine {
                    category: l.category.name().to_owned(),
                    item: l.service.clone(),
                    region: place(l.region),
                    quantity: quantity / f64::from(self.record.replications),
                    unit: unit.to_owned(),
                    price: price_text(l.price, unit),
                    amount_usd: self.usd(l.amount),
                    source: l.provenance.to_string(),
                };
                (l.amount, line)
            })
            .collect();
        lines.sort_by_key(|l| std::cmp::Reverse(l.0)); // stable: equal amounts stay in the order of the book
        let by_category = self.bill.by_category();
        let mut by_region: Vec<(Money, String)> =
            self.bill.by_region().into_iter().map(|(r, m)| (m, place(r))).collect();
        by_region.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        CostSummary {
            total_usd: total.as_dollars_f64(),
            exact_usd: total.to_dollars_string(12).replace(',', ""),
            infrastructure_usd: self.usd(self.bill.infrastructure()),
            tokens_usd: self.usd(self.bill.tokens()),
            per_1k_requests_usd: self.bill.per_1k_requests().map(Money::as_dollars_f64),
            per_month_usd: crate::cost::extrapolated_to_month(total, self.scenario.horizon).as_dollars_f64(),
            multiplier: multipliers.total.map(|m| m * scale),
            multiplier_infrastructure: multipliers.infrastructure.map(|m| m * scale),
            lines: lines.into_iter().map(|l| l.1).collect(),
            by_category: Category::ALL
                .into_iter()
                .filter_map(|c| by_category.get(&c).map(|m| (c.name().to_owned(), self.usd(*m))))
                .collect(),
            by_region: by_region.into_iter().map(|(m, r)| (r, self.usd(m))).collect(),
        }
    }

    fn timeline(&self) -> Vec<RegionSeries> {
        let interval = self.scenario.interval;
        let costs = Prices::new(self.scenario, self.topology()).timeline(self.record);
        let n = self.scenario.horizon.nanos().div_ceil(interval.nanos()) as usize;
        let empty = CoarseHistogram::new();
        let mut all: Vec<(SeriesCell, CoarseHistogram, CoarseHistogram)> =
            vec![(SeriesCell::default(), CoarseHistogram::new(), CoarseHistogram::new()); n];
        let mut series = Vec::new();
        for (r, spec) in self.topology().regions.iter().enumerate() {
            let mut cells = Vec::with_capacity(n);
            for (i, whole) in all.iter_mut().enumerate() {
                let cell = self.record.timeline[r].get(i);
                let cost = self.usd(costs[r][i]);
                let (ttft, e2e) = cell.map_or((&empty, &empty), |c| (&c.ttft, &c.e2e));
                let mut out = SeriesCell { cost_usd: cost, ..latencies(ttft, e2e) };
                if let Some(c) = cell {
                    out.requests = c.requests;
                    out.failed = c.failed;
                    out.degraded = c.degraded;
                    out.slow = c.slow;
                }
                whole.0.requests += out.requests;
                whole.0.failed += out.failed;
                whole.0.degraded += out.degraded;
                whole.0.slow += out.slow;
                whole.0.cost_usd += cost;
                whole.1.merge(ttft);
                whole.2.merge(e2e);
                cells.push(out);
            }
            series.push(RegionSeries {
                region: self.scenario.places[spec.place.ix()].id.clone(),
                interval_s: interval.as_secs_f64(),
                cells,
            });
        }
        for s in &mut series {
            for (cell, whole) in s.cells.iter_mut().zip(&all) {
                cell.traffic_share = ratio(cell.requests, whole.0.requests);
            }
        }
        let whole = all.into_iter().map(|(cell, ttft, e2e)| SeriesCell {
            requests: cell.requests,
            failed: cell.failed,
            degraded: cell.degraded,
            slow: cell.slow,
            cost_usd: cell.cost_usd,
            traffic_share: (cell.requests > 0).then_some(1.0),
            ..latencies(&ttft, &e2e)
        });
        let all = RegionSeries { region: "all".to_owned(), interval_s: interval.as_secs_f64(), cells: whole.collect() };
        series.insert(0, all);
        series
    }

    fn distributions(&self) -> Vec<Distribution> {
        let (ttft, e2e) = self.all_latencies();
        [("ttft_ms", &ttft), ("e2e_ms", &e2e)]
            .into_iter()
            .map(|(metric, h)| Distribution {
                metric: metric.to_owned(),
                users: "all".to_owned(),
                cdf: h.cdf_points(400).into_iter().map(|p| (p.value as f64 / 1e6, p.share)).collect(),
            })
            .collect()
    }

    /// The flat map. Every metric of the list that this run measures, without a selector and with each single one.
    fn metrics(
        &self,
        users: &[UserRow],
        incidents: &[IncidentRow],
        cost: &CostSummary,
    ) -> BTreeMap<String, Option<f64>> {
        let mut m = Metrics::default();
        let reps = f64::from(self.record.replications);
        let per_replication = |n: u64| Some(n as f64 / reps);
        let (ttft, e2e) = self.all_latencies();
        m.distribution("ttft_ms", &[], &ttft);
        m.distribution("e2e_ms", &[], &e2e);
        for (g, spec) in self.record.groups.iter().zip(&self.scenario.groups) {
            let by = &[(Selector::Users, spec.name.as_str())];
            m.distribution("ttft_ms", by, &g.ttft);
            m.distribution("e2e_ms", by, &g.e2e);
        }
        for (i, u) in users.iter().enumerate() {
            let named = [(Selector::Users, u.users.as_str())];
            let by: &[(Selector, &str)] = if i == 0 { &[] } else { &named };
            m.put("availability", by, u.availability);
            m.put("error_rate", by, u.availability.map(|a| 1.0 - a));
            m.put("degraded_share", by, u.degraded_share);
            m.put("fallback_share", by, u.fallback_share);
            m.put("cross_region_share", by, u.cross_region_share);
            m.put("slow_share", by, u.slow_share);
            m.put("requests", by, per_replication(u.requests));
            m.put("errors", by, per_replication(u.failed));
            m.put("stale_reads", by, per_replication(u.stale_reads));
            m.put("cost_usd", by, Some(u.cost_usd));
            m.put("cost_per_1k_requests_usd", by, u.cost_per_1k_usd);
            m.put("cost_multiplier", by, u.cost_multiplier);
            let split = |bill: &Bill, tokens: bool| {
                let of = |l: &crate::cost::BillLine| (l.category == Category::Tokens) == tokens;
                if i == 0 { bill.sum(of) } else { bill.sum_of_group(GroupIx::new(i - 1), of) }
            };
            m.put("cost_tokens_usd", by, Some(self.usd(split(&self.bill, true))));
            m.put("cost_infra_usd", by, Some(self.usd(split(&self.bill, false))));
        }
        let total: u64 = self.record.regions.iter().map(|r| r.requests).sum();
        for (i, spec) in self.topology().regions.iter().enumerate() {
            let name = self.scenario.places[spec.place.ix()].id.as_str();
            let by = &[(Selector::Region, name)];
            let r = &self.record.regions[i];
            m.distribution("ttft_ms", by, &r.ttft);
            m.distribution("e2e_ms", by, &r.e2e);
            m.put("availability", by, ratio(r.requests - r.failed, r.requests));
            m.put("error_rate", by, ratio(r.failed, r.requests));
            m.put("requests", by, per_replication(r.requests));
            m.put("errors", by, per_replication(r.failed));
            m.put("traffic_share", by, ratio(r.requests, total));
            for (g, group) in self.record.groups.iter().zip(&self.scenario.groups) {
                let by = &[(Selector::Users, group.name.as_str()), (Selector::Region, name)];
                m.put("traffic_share", by, ratio(g.by_region[i], g.by_region.iter().sum()));
            }
        }
        // every place of the bill: application regions and the regions of deployments
        for (place, amount) in self.bill.by_region() {
            let Some(place) = place else { continue };
            let by = &[(Selector::Region, self.scenario.places[place.ix()].id.as_str())];
            let of =
                |tokens: bool| self.bill.sum(|l| l.region == Some(place) && (l.category == Category::Tokens) == tokens);
            m.put("cost_usd", by, Some(self.usd(amount)));
            m.put("cost_tokens_usd", by, Some(self.usd(of(true))));
            m.put("cost_infra_usd", by, Some(self.usd(of(false))));
        }
        for (provider, amount) in self.bill.by_provider() {
            let Some(provider) = provider else { continue };
            let by = &[(Selector::Provider, provider)];
            let of = |tokens: bool| {
                let is = |l: &crate::cost::BillLine| l.provider.as_deref() == Some(provider);
                self.bill.sum(|l| is(l) && (l.category == Category::Tokens) == tokens)
            };
            m.put("cost_usd", by, Some(self.usd(amount)));
            m.put("cost_tokens_usd", by, Some(self.usd(of(true))));
            m.put("cost_infra_usd", by, Some(self.usd(of(false))));
        }
        let requests = self.record.requests();
        for class in Failure::ALL {
            let count = self.record.failures[class as usize];
            let by = &[(Selector::Error, class.name())];
            m.put("error_rate", by, ratio(count, requests));
            m.put("errors", by, per_replication(count));
        }
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
        m.put("attempts_per_request", &[], ratio(self.record.attempts, requests));
        m.put("writes_lost", &[], per_replication(self.record.writes_lost));
        m.put("residency_violations", &[], per_replication(self.record.residency_violations));
        m.put("cost_per_month_usd", &[], Some(cost.per_month_usd));
        m.put("cost_multiplier_infra", &[], cost.multiplier_infrastructure);
        for row in incidents {
            let by = &[(Selector::Incident, row.name.as_str())];
            m.put("incident.detected_s", by, row.detected_s);
            m.put("incident.moved_half_s", by, row.moved_half_s);
            m.put("incident.moved_99_s", by, row.moved_99_s);
            m.put("incident.over_s", by, row.over_s);
            m.put("incident.requests", by, per_replication(row.requests));
            m.put("incident.failed", by, per_replication(row.failed));
            m.put("incident.slow", by, per_replication(row.slow));
            m.put("incident.degraded", by, per_replication(row.degraded));
            m.put("incident.stale_reads", by, per_replication(row.stale_reads));
            m.put("incident.writes_lost", by, per_replication(row.writes_lost));
        }
        m.0
    }
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

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn percentiles(h: &Histogram) -> Percentiles {
    let stat = |s: Stat| s.of(h, Unit::Milliseconds);
    Percentiles {
        count: h.count(),
        mean: stat(Stat::Mean),
        p50: stat(Stat::P50),
        p95: stat(Stat::P95),
        p99: stat(Stat::P99),
        max: stat(Stat::Max),
    }
}

fn latencies(ttft: &CoarseHistogram, e2e: &CoarseHistogram) -> SeriesCell {
    let ms = |v: Option<u64>| v.map(|v| v as f64 / 1e6);
    SeriesCell {
        ttft_p50_ms: ms(ttft.percentile(50.0)),
        ttft_p95_ms: ms(ttft.percentile(95.0)),
        e2e_p95_ms: ms(e2e.percentile(95.0)),
        ..SeriesCell::default()
    }
}

/// A price per readable unit, such as `$3 / Mtok`.
fn price_text(price: Price, unit: &str) -> String {
    let per = |n: u128| price.cost(n);
    let (amount, unit) = match unit {
        "tokens" | "Mtok" => (per(1_000_000), "Mtok"),
        "GB" => (per(1_000_000_000), "GB"),
        "h" => (per(u128::from(Span::from_hours(1).nanos())), "h"),
        other => (per(1), other),
    };
    let text = amount.to_dollars_string(6);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("${text} / {unit}")
}
