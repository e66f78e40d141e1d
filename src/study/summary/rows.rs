//! Rows of the smaller tables: regions, deployments, error classes, and the distributions that charts draw.

use super::{Measured, ratio};
use crate::cost::PriceKey;
use crate::measure::{Histogram, Stat, Unit};
use crate::study::Prices;
use crate::study::result::{DeploymentRow, Distribution, ErrorRow, FleetRow, Percentiles, RegionRow};
use crate::world::failure::Failure;
use crate::world::record::Cell;

impl Measured<'_> {
    pub(super) fn regions(&self) -> Vec<RegionRow> {
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
                cache_hit_share: self.scenario.has_prompt_caches().then(|| self.region_cache_share(i)).flatten(),
                cost_usd: self.usd(costs[i].iter().copied().sum()),
            });
        rows.collect()
    }

    /// Input tokens that a region's gateway bought and those of them that were cached, in one interval.
    pub(super) fn input_tokens(&self, cell: &Cell) -> (u64, u64) {
        let n = self.scenario.deployments.len();
        let sum = |column: usize| cell.tokens.iter().skip(column * n).take(n).sum();
        (sum(0), sum(2))
    }

    /// Share of the input tokens that a region's gateway bought which was read from prompt caches.
    pub(super) fn region_cache_share(&self, region: usize) -> Option<f64> {
        let cells = &self.record.timeline[region];
        let tokens = (0..cells.len()).filter_map(|i| cells.get(i)).map(|c| self.input_tokens(c));
        let (input, cached) = tokens.fold((0, 0), |(a, b), (input, cached)| (a + input, b + cached));
        ratio(cached, input)
    }

    pub(super) fn errors(&self) -> Vec<ErrorRow> {
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

    pub(super) fn deployments(&self) -> Vec<DeploymentRow> {
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
                abandoned: r.abandoned,
                spilled: r.spilled,
                input_tokens: total(&self.record.usage.input_tokens, d),
                cached_input_tokens: spec.prompt_cache.map(|_| total(&self.record.usage.cached_tokens, d)),
                cache_write_tokens: spec.prompt_cache.map(|_| total(&self.record.usage.written_tokens, d)),
                cache_hit_share: spec.prompt_cache.and_then(|_| {
                    ratio(total(&self.record.usage.cached_tokens, d), total(&self.record.usage.input_tokens, d))
                }),
                output_tokens: total(&self.record.usage.output_tokens, d),
                model_ttft_ms: percentiles(&r.ttft),
            }
        });
        rows.collect()
    }

    pub(super) fn fleets(&self) -> Vec<FleetRow> {
        let n = f64::from(self.record.replications);
        let hours = |ns: &[u128]| ns.iter().sum::<u128>() as f64 / 3.6e12 / n;
        let rows = self.topology().fleets.iter().zip(&self.record.fleets).map(|(fleet, r)| {
            let zones = fleet.zones(&self.scenario.deployments).len();
            let own = |key: &PriceKey| matches!(key, PriceKey::Replicas { deployment, .. } if fleet.deployments.contains(deployment));
            FleetRow {
                fleet: fleet.name.clone(),
                placement: fleet.placement.policy.name(),
                target: fleet.placement.target,
                spot_h: hours(&r.paid_ns[..zones]),
                on_demand_h: hours(&r.paid_ns[zones..]),
                started: r.started,
                reclaimed: r.reclaimed,
                refused: r.refused,
                below_target_share: r.short_ns as f64 / self.scenario.horizon.nanos() as f64 / n,
                cost_usd: self.usd(self.bill.sum(|l| own(&l.key))),
            }
        });
        rows.collect()
    }

    pub(super) fn distributions(&self) -> Vec<Distribution> {
        let (ttft, e2e) = self.all_latencies();
        let of = |metric: &str, users: &str, h: &Histogram, points: usize| Distribution {
            metric: metric.to_owned(),
            users: users.to_owned(),
            cdf: h.cdf_points(points).into_iter().map(|p| (p.value as f64 / 1e6, p.share)).collect(),
        };
        let mut all = vec![of("ttft_ms", "all", &ttft, 400), of("e2e_ms", "all", &e2e, 400)];
        // Thin lines in the background of a chart, of which there may be many.
        let groups = self.scenario.groups.iter().zip(&self.record.groups);
        all.extend(groups.map(|(spec, g)| of("ttft_ms", &spec.name, &g.ttft, 100)));
        all
    }
}

pub(super) fn percentiles(h: &Histogram) -> Percentiles {
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
