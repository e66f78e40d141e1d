//! A day that never happened, with the shape of one that could: three topologies, a diurnal load, a region outage of 45
//! minutes and a provider brown-out. It exercises the reports; no figure in it is a result.

// Each test binary and feature set uses a part of it.
#![allow(dead_code)]

#[path = "extremes.rs"]
mod extremes;

pub use extremes::{crowd, empty, replicated};
use geodes::study::result::*;
use std::collections::BTreeMap;

/// Deterministic noise in 0..1 (SplitMix64).
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

const GROUPS: [(&str, &str, &str, f64, f64, f64, f64); 10] = [
    ("new-york", "New York City", "America/New_York", 40.7, -74.0, 0.17, -5.0),
    ("san-francisco", "San Francisco", "America/Los_Angeles", 37.8, -122.4, 0.11, -8.0),
    ("sao-paulo", "São Paulo", "America/Sao_Paulo", -23.5, -46.6, 0.07, -3.0),
    ("london", "London", "Europe/London", 51.5, -0.1, 0.11, 0.0),
    ("frankfurt", "Frankfurt", "Europe/Berlin", 50.1, 8.7, 0.12, 1.0),
    ("lagos", "Lagos", "Africa/Lagos", 6.5, 3.4, 0.04, 1.0),
    ("mumbai", "Mumbai", "Asia/Kolkata", 19.1, 72.9, 0.12, 5.5),
    ("singapore", "Singapore", "Asia/Singapore", 1.35, 103.8, 0.08, 8.0),
    ("tokyo", "Tokyo", "Asia/Tokyo", 35.7, 139.7, 0.13, 9.0),
    ("sydney", "Sydney", "Australia/Sydney", -33.9, 151.2, 0.05, 10.0),
];

/// Share of each group per region, for one, two and three regions.
fn home(group: usize, regions: usize) -> usize {
    match (regions, group) {
        (3, 0..=2) => 0,
        (3, 3..=5) => 1,
        (3, _) => 2,
        _ => 0,
    }
}

fn bump(x: f64, centre: f64, width: f64) -> f64 {
    let d = ((x - centre + 36.0).rem_euclid(24.0) - 12.0) / width;
    1.0 / (1.0 + d * d * d * d)
}

fn load(group: usize, hour: f64) -> f64 {
    GROUPS[group].5 * (0.25 + bump(hour + GROUPS[group].6, 14.5, 6.0))
}

fn percentiles(count: u64, p50: f64, tail: f64) -> Percentiles {
    Percentiles {
        count,
        mean: Some(p50 * 1.18),
        p50: Some(p50),
        p95: Some(p50 * tail),
        p99: Some(p50 * tail * 1.9),
        max: Some(p50 * tail * 7.3),
    }
}

/// Cumulative points of a log-logistic distribution, in steps as a histogram gives them.
fn cdf(p50: f64, steep: f64) -> Vec<(f64, f64)> {
    (0..=240)
        .map(|i| {
            let q = 1.0 - libm::pow(10.0, -4.2 * i as f64 / 240.0);
            let q = if i == 240 { 1.0 } else { q.max(0.0005) };
            let odds = libm::pow(q.min(0.99995) / (1.0 - q.min(0.99995)), 1.0 / steep);
            (p50 * odds, q)
        })
        .collect()
}

struct Layout {
    name: &'static str,
    regions: &'static [&'static str],
    base_ttft: f64,
    outage_fails: f64,
    cost: f64,
}

const LAYOUTS: [Layout; 3] = [
    Layout { name: "one-region", regions: &["aws:us-east-1"], base_ttft: 980.0, outage_fails: 1.0, cost: 21_456.78 },
    Layout {
        name: "active-passive",
        regions: &["aws:us-east-1", "aws:eu-west-1"],
        base_ttft: 960.0,
        outage_fails: 0.35,
        cost: 23_871.02,
    },
    Layout {
        name: "active-active",
        regions: &["aws:us-east-1", "aws:eu-west-1", "aws:ap-southeast-1"],
        base_ttft: 760.0,
        outage_fails: 0.12,
        cost: 27_004.11,
    },
];

/// Outage of the first region: minutes of the day.
pub const OUTAGE: std::ops::Range<usize> = 840..885;
/// Provider brown-out.
pub const BROWN_OUT: std::ops::Range<usize> = 1140..1170;

fn series(layout: &Layout, minutes: usize) -> Vec<RegionSeries> {
    let mut noise = Noise(7);
    let n = layout.regions.len();
    let mut all = RegionSeries { region: "all".into(), interval_s: 60.0, cells: Vec::new() };
    let mut each: Vec<RegionSeries> = layout
        .regions
        .iter()
        .map(|r| RegionSeries { region: (*r).into(), interval_s: 60.0, cells: Vec::new() })
        .collect();
    for m in 0..minutes {
        let hour = m as f64 / 60.0;
        let mut requests = vec![0.0; n];
        for g in 0..GROUPS.len() {
            let mut r = home(g, n);
            let wave = 1_450.0 * load(g, hour) * (0.93 + 0.14 * noise.next());
            if n > 1 && r == 0 && OUTAGE.start + 1 < m && m < OUTAGE.end + 8 {
                // New users leave quickly, live connections drain.
                let gone = 1.0 - libm::pow(0.55, (m - OUTAGE.start) as f64);
                requests[0] += wave * (1.0 - gone);
                r = 1;
                requests[r] += wave * gone;
            } else {
                requests[r] += wave;
            }
        }
        let total: f64 = requests.iter().sum();
        let mut sum = SeriesCell::default();
        for (i, s) in each.iter_mut().enumerate() {
            let dark = OUTAGE.contains(&m) && i == 0;
            let brown = BROWN_OUT.contains(&m);
            let fail = if dark && m > OUTAGE.start {
                if n == 1 { layout.outage_fails } else { layout.outage_fails * 1.8 }
            } else if brown {
                0.012 * (0.5 + noise.next())
            } else if noise.next() > 0.8 {
                0.001
            } else {
                0.0
            };
            let count = requests[i].round() as u64;
            let failed = (requests[i] * fail.min(1.0)).round() as u64;
            let slower = if brown { 2.1 } else { 1.0 };
            let ttft = layout.base_ttft * (0.94 + 0.12 * noise.next()) * slower * (0.9 + 0.2 * bump(hour, 15.0, 5.0));
            let served = count > failed;
            let cell = SeriesCell {
                requests: count,
                failed,
                degraded: if brown { count * 3 / 10 } else { 0 },
                slow: if brown { count / 5 } else { count / 200 },
                traffic_share: (total > 0.0).then(|| requests[i] / total),
                ttft_p50_ms: served.then_some(ttft),
                ttft_p95_ms: served.then_some(ttft * (1.9 + 0.5 * noise.next()) * if brown { 1.6 } else { 1.0 }),
                e2e_p95_ms: served.then_some(ttft * (9.0 + 2.0 * noise.next())),
                input_tokens: None,
                cost_usd: layout.cost / 1440.0 * requests[i] / 800.0,
            };
            sum.requests += cell.requests;
            sum.failed += cell.failed;
            sum.degraded += cell.degraded;
            sum.slow += cell.slow;
            sum.cost_usd += cell.cost_usd;
            if served && sum.ttft_p50_ms.is_none_or(|x| x < ttft) {
                sum.ttft_p50_ms = cell.ttft_p50_ms;
                sum.ttft_p95_ms = cell.ttft_p95_ms;
                sum.e2e_p95_ms = cell.e2e_p95_ms;
            }
            s.cells.push(cell);
        }
        sum.traffic_share = (sum.requests > 0).then_some(1.0);
        all.cells.push(sum);
    }
    let mut list = vec![all];
    list.extend(each);
    list
}

fn topology(i: usize, minutes: usize) -> TopologyResult {
    let layout = &LAYOUTS[i];
    let n = layout.regions.len();
    let turns = 2_112_340u64;
    let timeline = series(layout, minutes);
    let failed: u64 = timeline[0].cells.iter().map(|c| c.failed).sum();
    let multiplier = layout.cost / LAYOUTS[0].cost;
    let user = |name: &str, share: f64, far: f64, region_shares: Vec<f64>| UserRow {
        users: name.into(),
        requests: (turns as f64 * share) as u64,
        failed: (failed as f64 * share) as u64,
        errors: (failed > 0).then(|| ("region_down".to_owned(), (failed as f64 * share) as u64)).into_iter().collect(),
        ttft_ms: percentiles((turns as f64 * share) as u64, layout.base_ttft + far, 2.2),
        e2e_ms: percentiles((turns as f64 * share) as u64, layout.base_ttft * 4.4 + far, 2.6),
        availability: Some(1.0 - failed as f64 / turns as f64),
        fallback_share: Some(0.0213),
        degraded_share: Some(0.0064),
        cross_region_share: Some(if n == 1 { 0.0 } else { 0.018 }),
        slow_share: Some(0.043),
        stale_reads: if n == 1 { 0 } else { (4_211.0 * share) as u64 },
        region_shares: region_shares.into_iter().map(Some).collect(),
        cost_usd: layout.cost * share,
        cost_per_1k_usd: Some(layout.cost / turns as f64 * 1e3),
        cost_per_1k_served_usd: Some(layout.cost / (turns - failed) as f64 * 1e3),
        cost_multiplier: Some(multiplier),
    };
    let totals: Vec<f64> = (0..n).map(|r| (0..10).filter(|&g| home(g, n) == r).map(|g| GROUPS[g].5).sum()).collect();
    let mut users = vec![user("all", 1.0, 0.0, totals.clone())];
    for (g, row) in GROUPS.iter().enumerate() {
        let mut shares = vec![0.0; n];
        shares[home(g, n)] = 1.0;
        if n > 1 && home(g, n) == 0 {
            shares[0] = 0.967;
            shares[1] = 0.033;
        }
        let far = if n == 3 { 20.0 + 12.0 * (g % 4) as f64 } else { 30.0 + row.6.abs() * 45.0 };
        users.push(user(row.0, row.5, far, shares));
    }
    let mut metrics = BTreeMap::new();
    metrics.insert("ttft_ms.p50".to_owned(), users[0].ttft_ms.p50);
    metrics.insert("ttft_ms.p95".to_owned(), users[0].ttft_ms.p95);
    metrics.insert("availability".to_owned(), users[0].availability);
    metrics.insert("cost_usd".to_owned(), Some(layout.cost));
    metrics.insert("cost_multiplier".to_owned(), Some(multiplier));
    metrics.insert("ttft_ms.p95{users=singapore}".to_owned(), users[8].ttft_ms.p95);
    metrics.insert("ttft_ms.p95{users=nobody}".to_owned(), None);
    let tokens = 15_120.42;
    let parts = [
        ("tokens", tokens),
        ("compute", 3_100.0 + 2_400.0 * i as f64),
        ("service", 1_100.0 + 900.0 * i as f64),
        ("egress to users", 1_836.36),
        ("transfer between regions", 210.0 * i as f64),
    ];
    let total: f64 = parts.iter().map(|p| p.1).sum();
    let line =
        |category: &str, item: &str, region: &str, quantity: f64, unit: &str, price: &str, amount_usd: f64| CostLine {
            category: category.into(),
            item: item.into(),
            region: region.into(),
            quantity,
            unit: unit.into(),
            price: price.into(),
            amount_usd,
            source: "example price list, 2026-03-01".into(),
        };
    TopologyResult {
        name: layout.name.into(),
        is_baseline: i == 0,
        intervals: Default::default(),
        metrics,
        regions: layout
            .regions
            .iter()
            .zip(&totals)
            .map(|(r, share)| RegionRow {
                region: (*r).into(),
                requests: (turns as f64 * share) as u64,
                traffic_share: Some(*share),
                failed: (failed as f64 * share) as u64,
                ttft_ms: percentiles((turns as f64 * share) as u64 * u64::from(*share > 0.0), layout.base_ttft, 2.2),
                e2e_ms: percentiles((turns as f64 * share) as u64, layout.base_ttft * 4.4, 2.6),
                utilisation: Some(0.31),
                cache_hit_share: None,
                cost_usd: layout.cost * share,
            })
            .collect(),
        users,
        errors: vec![
            ErrorRow { class: "region_down".into(), count: failed * 9 / 10, share: failed as f64 * 0.9 / turns as f64 },
            ErrorRow { class: "rate_limited".into(), count: 312, share: 312.0 / turns as f64 },
            ErrorRow { class: "timeout_first_token".into(), count: 11, share: 11.0 / turns as f64 },
        ],
        incidents: vec![
            IncidentRow {
                name: "virginia down".into(),
                what: "region down".into(),
                target: "aws:us-east-1".into(),
                at_s: OUTAGE.start as f64 * 60.0,
                lasted_s: OUTAGE.len() as f64 * 60.0,
                watched_s: OUTAGE.len() as f64 * 60.0 + 1_800.0,
                detected_s: Some(29.4),
                moved_half_s: (n > 1).then_some(71.2),
                moved_99_s: (n > 1).then_some(412.8),
                over_s: Some(if n == 1 { 2_761.0 } else { 540.5 }),
                failed: failed * 9 / 10,
                slow: 8_121,
                degraded: 0,
                stale_reads: if n == 1 { 0 } else { 3_377 },
                writes_lost: (n > 1).then_some(41),
                requests: 71_234,
            },
            IncidentRow {
                name: "gpt brown-out".into(),
                what: "provider slower ×3, 25 % errors".into(),
                target: "gpt-eastus, gpt-sweden, gpt-japan".into(),
                at_s: BROWN_OUT.start as f64 * 60.0,
                lasted_s: BROWN_OUT.len() as f64 * 60.0,
                watched_s: BROWN_OUT.len() as f64 * 60.0 + 1_800.0,
                detected_s: Some(4.1),
                moved_half_s: None,
                moved_99_s: None,
                over_s: Some(1_815.0),
                failed: failed / 10,
                slow: 21_002,
                degraded: 13_518,
                stale_reads: 0,
                writes_lost: Some(0),
                requests: 44_871,
            },
        ],
        incidents_not_shown: 0,
        cost: CostSummary {
            total_usd: total,
            exact_usd: format!("{total:.12}"),
            infrastructure_usd: total - tokens,
            tokens_usd: tokens,
            per_1k_requests_usd: Some(total / turns as f64 * 1e3),
            per_month_usd: total * 730.0 / 24.0,
            multiplier: Some(multiplier),
            multiplier_infrastructure: Some(1.0 + 0.48 * i as f64),
            lines: vec![
                line("tokens", "gpt-4.1 output", "azure:eastus2", 812.345_678, "Mtok", "$8 / Mtok", 6_498.77),
                line("tokens", "gpt-4.1 input", "azure:eastus2", 3_100.234_567, "Mtok", "$2 / Mtok", 6_200.47),
                line("compute", "c7g.4xlarge, application server", "aws:us-east-1", 144.0, "h", "$0.58 / h", 83.52),
                line("egress to users", "internet egress", "aws:us-east-1", 412.25, "GB", "$0.09 / GB", 37.1),
            ],
            by_category: parts.iter().map(|p| (p.0.to_owned(), p.1)).collect(),
            by_region: layout.regions.iter().zip(&totals).map(|(r, s)| ((*r).to_owned(), total * s)).collect(),
        },
        objectives: vec![
            objective("ttft_ms.p95 < 2 s", layout.base_ttft * 2.2, layout.base_ttft * 2.2 < 2_000.0),
            objective(
                "availability > 99.9 %",
                1.0 - failed as f64 / turns as f64,
                (1.0 - failed as f64 / turns as f64) > 0.999,
            ),
            objective("cost_multiplier < 1.6", multiplier, multiplier < 1.6),
        ],
        fleets: if n == 1 { Vec::new() } else { vec![fleet()] },
        deployments: vec![
            DeploymentRow {
                deployment: "gpt-eastus".into(),
                provider: "azure".into(),
                region: "azure:eastus2".into(),
                attempts: 1_412_003,
                ok: 1_403_221,
                rate_limited: 8_300,
                failed: 482,
                abandoned: 0,
                spilled: 0,
                input_tokens: 3_100_234_567,
                cached_input_tokens: None,
                cache_write_tokens: None,
                cache_hit_share: None,
                output_tokens: 812_345_678,
                model_ttft_ms: percentiles(1_403_221, 512.0, 2.0),
            },
            DeploymentRow {
                deployment: "claude-tokyo".into(),
                provider: "bedrock".into(),
                region: "aws:ap-northeast-1".into(),
                attempts: 0,
                ok: 0,
                rate_limited: 0,
                failed: 0,
                abandoned: 0,
                spilled: 0,
                input_tokens: 0,
                cached_input_tokens: None,
                cache_write_tokens: None,
                cache_hit_share: None,
                output_tokens: 0,
                model_ttft_ms: Percentiles::default(),
            },
        ],
        timeline,
        distributions: std::iter::once(("all", 0.0))
            .chain(
                GROUPS.iter().enumerate().map(|(g, row)| {
                    (row.0, if n == 3 { 20.0 + 12.0 * (g % 4) as f64 } else { 30.0 + row.6.abs() * 45.0 })
                }),
            )
            .flat_map(|(name, far)| {
                [
                    Distribution {
                        metric: "ttft_ms".into(),
                        users: name.into(),
                        cdf: cdf(layout.base_ttft + far, 3.4 + 0.2 * i as f64),
                    },
                    Distribution {
                        metric: "e2e_ms".into(),
                        users: name.into(),
                        cdf: cdf(layout.base_ttft * 4.4 + far, 2.9),
                    },
                ]
            })
            .collect(),
        events: 41_002_331,
        turns,
    }
}

fn objective(text: &str, value: f64, met: bool) -> ObjectiveRow {
    let verdict = if met { ObjectiveVerdict::Met } else { ObjectiveVerdict::Missed };
    ObjectiveRow { objective: text.into(), value: Some(value), interval: None, verdict, met, note: None }
}

fn run_of(minutes: usize, topologies: std::ops::Range<usize>) -> RunResult {
    RunResult {
        format_version: FORMAT_VERSION,
        geodes_version: "0.1.0",
        scenario: ScenarioInfo {
            name: "Global chat: one region, a standby, or three regions".into(),
            slug: "global-chat".into(),
            start: "2026-03-02T00:00:00Z".into(),
            horizon_s: minutes as f64 * 60.0,
            warmup_s: 1_800.0,
            seed: 1,
            replications: 1,
            baseline: "one-region".into(),
            groups: GROUPS
                .iter()
                .map(|g| GroupInfo {
                    name: g.0.into(),
                    city: g.1.into(),
                    zone: g.2.into(),
                    lat: g.3,
                    lon: g.4,
                    share: g.5,
                })
                .collect(),
            network: vec![
                LinkInfo {
                    from: "aws:us-east-1".into(),
                    to: "aws:eu-west-1".into(),
                    rtt_ms: 67.5,
                    estimated: false,
                    origin: "measured matrix".into(),
                },
                LinkInfo {
                    from: "lagos".into(),
                    to: "aws:us-east-1".into(),
                    rtt_ms: 171.0,
                    estimated: true,
                    origin: "great circle".into(),
                },
            ],
            defaults: vec![
                DefaultUsed {
                    key: "topology.*.health.timeout".into(),
                    value: "4 s".into(),
                    provenance: "vendor documentation, 2026-01-15".into(),
                },
                DefaultUsed {
                    key: "service.database.price".into(),
                    value: "$0.50 / h".into(),
                    provenance: "ASSUMPTION: no open price list".into(),
                },
            ],
            slow_over_ms: 2_000.0,
        },
        topologies: topologies.map(|i| topology(i, minutes)).collect(),
        incomplete: false,
    }
}

/// The whole day under three layouts.
pub fn day() -> RunResult {
    run_of(1440, 0..3)
}

/// One layout with three regions, for comparing text.
pub fn one() -> RunResult {
    run_of(1440, 2..3)
}

fn fleet() -> FleetRow {
    FleetRow {
        fleet: "llama".into(),
        placement: "spothedge",
        target: 4,
        spot_h: 287.93,
        on_demand_h: 0.978,
        started: 35,
        reclaimed: 18,
        refused: 9_653,
        below_target_share: 0.0081,
        cost_usd: 1_887.25,
    }
}
