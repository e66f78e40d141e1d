//! Figures per interval, for CSV and charts over time.

use super::{Measured, ratio};
use crate::measure::{CoarseHistogram, Merge};
use crate::study::Prices;
use crate::study::result::{RegionSeries, SeriesCell};

impl Measured<'_> {
    pub(super) fn timeline(&self) -> Vec<RegionSeries> {
        let interval = self.scenario.interval;
        let costs = Prices::new(self.scenario, self.topology()).timeline(self.record);
        let n = self.scenario.horizon.nanos().div_ceil(interval.nanos()) as usize;
        let caches = self.scenario.has_prompt_caches();
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
                if caches {
                    let tokens = cell.map_or((0, 0), |c| self.input_tokens(c));
                    let all = whole.0.input_tokens.get_or_insert((0, 0));
                    *all = (all.0 + tokens.0, all.1 + tokens.1);
                    out.input_tokens = Some(tokens);
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
            input_tokens: cell.input_tokens,
            cost_usd: cell.cost_usd,
            traffic_share: (cell.requests > 0).then_some(1.0),
            ..latencies(&ttft, &e2e)
        });
        let all = RegionSeries { region: "all".to_owned(), interval_s: interval.as_secs_f64(), cells: whole.collect() };
        series.insert(0, all);
        series
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
