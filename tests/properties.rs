//! Properties of the world over random scenarios, with features switched on and off at random. The invariants INV-1 to
//! INV-7 are assertions inside the world: a run that comes back has kept them.

use geodes::routing::balance::Choose;
use geodes::routing::health::{QuorumConfig, ThresholdConfig};
use geodes::routing::limits::{
    AnthropicConfig, AzureOpenAiConfig, AzureProvisionedConfig, BedrockConfig, BucketConfig, EnvoyAiGatewayConfig,
    EnvoyRateLimitConfig, LimiterConfig, LiteLlmConfig, OpenAiConfig, OutputCount, PlainConfig, SharedPoolConfig,
    SubWindowConfig, TokenCost, VertexProvisionedConfig, WindowConfig,
};
use geodes::routing::outcome::ErrorClass;
use geodes::routing::retry::Hedging;
use geodes::routing::steering::{
    Area, Capacity, ClientProbingConfig, EndpointGroup, GeoRecords, Origin, OriginGroup, Policy, WaterfallConfig,
};
use geodes::scenario::model::{
    Access, Arrivals, Context, DeepCheck, Dependency, DistSpec, Fault, FaultWhat, FaultWhen, Link, Pool, Quota,
    QuotaUse, Residency, Scenario, Service, SharedQuota, Sizes, Steering, Turns, Variation,
};
use geodes::scenario::{plain, plain_region};
use geodes::units::{DeploymentIx, Money, PerNanos, Price, RegionIx, Span};
use geodes::world::run;
use proptest::prelude::*;

#[path = "properties/check.rs"]
mod check;
#[path = "properties/fleet.rs"]
mod fleet;
#[path = "properties/gateway.rs"]
mod gateway;
#[path = "properties/prompt_cache.rs"]
mod prompt_cache;

use check::{adds_up, check};

fn ms(n: u64) -> Span {
    Span::from_millis(n)
}

/// What is switched on.
#[derive(Clone, Debug)]
struct Knobs {
    places: usize,
    regions: usize,
    groups: usize,
    rate: u64,
    turns: u32,
    seed: u64,
    links_ms: u64,
    jitter: bool,
    growing: bool,
    quota: Option<u64>,
    limiter: u8,
    shared_quota: bool,
    concurrency: Option<u32>,
    slots: u32,
    queue: u32,
    steering: u8,
    deep: bool,
    cooldown: bool,
    hedge: u8,
    streamed: bool,
    second_pool: bool,
    residency: u8,
    interval_ms: u64,
    choose: u8,
    error_rate: f64,
    faults: Vec<(u8, u64, u64, u16)>,
    recurring: bool,
    warmup: bool,
    tries: u32,
    gateway: gateway::Knobs,
    fleet: Option<fleet::Knobs>,
    prompt_cache: Option<prompt_cache::Knobs>,
}

fn knobs() -> impl Strategy<Value = Knobs> {
    let shape = (1usize..=4, 1usize..=3, 1usize..=3, 1u64..=6, 1u32..=4, any::<u64>());
    let net = (0u64..300, any::<bool>(), any::<bool>(), proptest::option::of(1u64..300), 0u8..16, any::<bool>());
    let limits = (proptest::option::of(1u32..20), 1u32..40, 0u32..5, 0u8..14, any::<bool>(), any::<bool>());
    let more =
        (0u8..4, any::<bool>(), 0u8..3, 0u8..Choose::each().len() as u8, 0.0f64..0.6, 7_001u64..400_000, any::<bool>());
    let faults = (
        proptest::collection::vec((0u8..5, 0u64..900, 1u64..600, any::<u16>()), 0..4),
        any::<bool>(),
        any::<bool>(),
        1u32..4,
    );
    let own = (gateway::knobs(), fleet::knobs(), prompt_cache::knobs());
    (shape, net, limits, more, faults, own).prop_map(|(s, n, l, m, f, (gateway, fleet, prompt_cache))| Knobs {
        places: s.0,
        regions: s.1.min(s.0),
        groups: s.2,
        rate: s.3,
        turns: s.4,
        seed: s.5,
        links_ms: n.0,
        jitter: n.1,
        growing: n.2,
        quota: n.3,
        limiter: n.4,
        shared_quota: n.5,
        concurrency: l.0,
        slots: l.1,
        queue: l.2,
        steering: l.3,
        deep: l.4,
        cooldown: l.5,
        hedge: m.0,
        second_pool: m.1,
        residency: m.2,
        choose: m.3,
        error_rate: m.4,
        interval_ms: m.5,
        streamed: m.6,
        faults: f.0,
        recurring: f.1,
        warmup: f.2,
        tries: f.3,
        gateway,
        fleet,
        prompt_cache,
    })
}

/// Every way to steer, with parameters that make it do something.
fn steering(k: &Knobs, ttl: Span) -> Steering {
    let n = k.regions as u8;
    let regions = || 0..n;
    let last = n - 1;
    let edge = Access::Edge { edge_rtt: ms(10) };
    let policy = match k.steering {
        0 => Policy::Latency,
        1 => Policy::Failover,
        2 => Policy::Weighted(regions().map(|i| i * 3).collect()),
        3 => Policy::Geolocation(GeoRecords::new([(Area::Country(*b"DE"), last), (Area::Default, 0)])),
        4 => Policy::Geoproximity(regions().map(|i| 30 * i as i8).collect()),
        5 => Policy::Multivalue,
        6 => Policy::Anycast,
        7 => Policy::Accelerator(
            regions().map(|i| EndpointGroup { dial: 100 - 40 * i, members: vec![(i, 128)] }).collect(),
        ),
        8 => Policy::CloudflareDynamic { fallback: last },
        9 => Policy::CloudflareProximity { fallback: last },
        10 => Policy::CloudflareOutstanding { weights: vec![0.5; k.regions], fallback: last },
        11 => Policy::Waterfall(WaterfallConfig {
            capacity: Capacity::Utilization(0.5),
            interval: Span::from_secs(7),
            lag: Span::from_secs(3),
        }),
        12 => Policy::FrontDoor(OriginGroup {
            origins: regions().map(|i| Origin { priority: 1 + i % 2, weight: 50 }).collect(),
            band: ms(50),
            samples: 4,
            successes: 2,
            interval: Span::from_secs(12),
        }),
        _ => Policy::ClientProbing(ClientProbingConfig { explore: 0.2, window: 5, penalty: Span::from_secs(10) }),
    };
    let access = match k.steering {
        0..=5 => Access::Name { ttl },
        6 => Access::Network {
            networks_per_group: 4,
            inflated_share: 0.3,
            convergence: DistSpec::LogNormal { p50: 3.0, p95: 30.0 },
        },
        7 => Access::Accelerator { edge_rtt: ms(10) },
        8..=12 => edge,
        _ => Access::Client { clients_per_group: 3 },
    };
    Steering { policy, access }
}

/// A quota of about `n` requests of 400 tokens a minute, by one of the algorithms.
fn quota(kind: u8, n: u64, retry_after: bool) -> Quota {
    let (minute, second) = (Span::from_mins(1), Span::from_secs(1));
    let per_min = |n: u64| PerNanos { micro_count: n * 1_000_000, nanos: minute.nanos() };
    let bucket = |n: u64| BucketConfig { rate: per_min(n), capacity: n };
    let window = |limit: u64| WindowConfig { limit, window: minute };
    let sub = |n: u64| SubWindowConfig { rate: per_min(n), window: second };
    let buckets = PlainConfig { requests: Some(bucket(n)), tokens: Some(bucket(n * 400)), retry_after };
    let windows = PlainConfig { requests: Some(window(n)), tokens: Some(window(n * 400)), retry_after };
    let subs = PlainConfig { requests: Some(sub(n)), tokens: Some(sub(n * 24_000)), retry_after };
    let pool = || SharedPoolConfig {
        rate: per_min(n * 4_000),
        burst: second,
        others: (0..24).map(|h| 30_000 * h).collect(),
        step: Span::from_hours(1),
        by_clock: true,
    };
    let limiter = match kind {
        0 => LimiterConfig::TokenBucket(buckets),
        1 => LimiterConfig::FixedWindow(windows),
        2 => LimiterConfig::AnchoredWindow(windows),
        3 => LimiterConfig::SlidingLog(windows),
        4 => LimiterConfig::SlidingCounter(windows),
        5 => LimiterConfig::SubWindow(subs),
        6 => LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
            tokens_per_min: n * 400,
            micro_requests_per_min: n * 1_000_000,
            evaluated_over: second,
            retry_after,
        }),
        7 => LimiterConfig::AzureProvisioned(AzureProvisionedConfig {
            units: n as u32,
            input_per_min: 2_500,
            output_per_min: 833,
            window: second,
            retry_after,
        }),
        8 => LimiterConfig::OpenAi(OpenAiConfig {
            requests: Some(bucket(n)),
            requests_per_day: Some(bucket(n * 10)),
            tokens: Some(bucket(n * 400)),
            tokens_per_day: None,
            credit: Some(Money::from_dollars(1)),
            retry_after,
        }),
        9 => LimiterConfig::Anthropic(AnthropicConfig {
            requests: Some(bucket(n)),
            input: Some(bucket(n * 200)),
            output: Some(bucket(n * 200)),
            output_count: if retry_after { OutputCount::AsGenerated } else { OutputCount::Reserved },
            overload: Some(pool()),
            retry_after,
        }),
        10 => LimiterConfig::Bedrock(BedrockConfig {
            requests: Some(bucket(n)),
            tokens: bucket(n * 400),
            tokens_per_day: Some(bucket(n * 4_000)),
            output_burndown: 5,
            retry_after,
        }),
        11 => LimiterConfig::VertexShared(pool()),
        12 => LimiterConfig::VertexProvisioned(VertexProvisionedConfig {
            rate: per_min(n * 400),
            window: Span::from_secs(30),
            output_weight: 4,
        }),
        13 => LimiterConfig::EnvoyRateLimit(EnvoyRateLimitConfig { limits: vec![window(n)], retry_after }),
        14 => LimiterConfig::EnvoyAiGateway(EnvoyAiGatewayConfig {
            rules: vec![(TokenCost::Total, window(n * 400))],
            retry_after,
        }),
        _ => LimiterConfig::LiteLlm(LiteLlmConfig {
            rpm: Some(n),
            tpm: Some(n * 400),
            itpm: Some(n * 200),
            otpm: Some(n * 200),
        }),
    };
    let varies = matches!(limiter, LimiterConfig::VertexShared(_) | LimiterConfig::Anthropic(_));
    let per_source_region = matches!(limiter, LimiterConfig::Bedrock(_)) && n.is_multiple_of(2);
    let others_vary = varies.then_some(Variation { by: 0.3, every: Span::from_secs(7) });
    Quota { limiter, others_vary, per_source_region }
}

fn build(k: &Knobs) -> Scenario {
    let mut s = plain(k.places);
    s.seed = k.seed;
    s.horizon = Span::from_mins(20);
    s.interval = ms(k.interval_ms); // hardly ever a divisor of the horizon
    s.warmup = if k.warmup { Span::from_mins(2) } else { Span::ZERO };
    let link = |i: usize| Link {
        rtt: ms(k.links_ms * (1 + i as u64 % 3)),
        jitter: if k.jitter { 0.2 } else { 0.0 },
        estimated: true,
        origin: "random".to_owned(),
    };
    s.place_links = (0..k.places * k.places).map(link).collect();
    let group = s.groups[0].clone();
    s.groups = (0..k.groups)
        .map(|i| {
            let mut g = group.clone();
            g.name = format!("group-{i}");
            g.share = 1.0 / k.groups as f64;
            g.residency = (k.residency == 2 || (k.residency == 1 && i == 0)).then_some(0);
            g.location.country = (i == 1).then_some(*b"DE");
            g
        })
        .collect();
    s.user_links = (0..k.groups * k.places).map(link).collect();
    if k.residency > 0 {
        // the first place, which has an application and a deployment, is always legal
        s.residency =
            vec![Residency { name: "home".to_owned(), legal: (0..k.places).map(|p| p == 0 || p == 2).collect() }];
    }
    let w = &mut s.workloads[0];
    w.arrivals =
        Arrivals::Poisson { rate: PerNanos { micro_count: k.rate * 250_000, nanos: 1_000_000_000 }, shape: None };
    w.turns = if k.turns == 1 { Turns::Fixed(1) } else { Turns::Geometric { mean: f64::from(k.turns) } };
    w.think = DistSpec::Exponential { mean: 8.0 };
    w.sizes = Sizes::Independent {
        input: DistSpec::LogNormal { p50: 60.0, p95: 300.0 },
        output: DistSpec::LogNormal { p50: 80.0, p95: 200.0 },
    };
    w.max_output_tokens = 300;
    w.streamed = k.streamed;
    if k.growing {
        w.context = Context::Growing { system_tokens: 50, max_tokens: 2000 };
    }
    w.limit = Span::from_secs(40);
    s.slow_over = Span::from_secs(1);
    s.client.tries = k.tries;
    s.client.keep_alive = Span::from_secs(20);
    s.client.handshake_round_trips = 2;
    s.dns.resolvers_per_group = 3;
    s.dns.extending_share = 0.3;
    s.dns.extension = 3.0;
    for (i, d) in s.deployments.iter_mut().enumerate() {
        d.ttft = DistSpec::LogNormal { p50: 0.4, p95: 1.5 };
        d.per_output_token = DistSpec::Uniform { min: 0.005, max: 0.02 };
        d.input_price = Price::new(Money::from_dollars(3), 1_000_000);
        d.output_price = Price::new(Money::from_dollars(15), 1_000_000);
        d.concurrency = k.concurrency;
        d.queue = if k.cooldown { k.queue } else { 0 };
        d.error_rate = if i % 2 == 0 { k.error_rate } else { 0.0 };
        d.quota = k.quota.map(|n| match k.shared_quota {
            true => QuotaUse::Shared(0),
            false => QuotaUse::Own(Box::new(quota(k.limiter, n, k.deep))),
        });
    }
    if let Some(n) = k.quota {
        let quota = quota(k.limiter, n, k.deep);
        s.quotas = vec![SharedQuota { name: "account".to_owned(), quota }];
    }
    for place in &mut s.places {
        place.egress_internet.price = Price::new(Money::from_dollars(9), 100 << 30);
        place.egress_to.iter_mut().for_each(|e| e.price = Price::new(Money::from_dollars(2), 100 << 30));
    }
    let t = &mut s.topologies[0];
    t.regions = (0..k.regions)
        .map(|i| {
            let mut r = plain_region(RegionIx::new(i));
            r.slots_per_server = k.slots;
            r.queue = k.queue;
            r.server_price = Price::new(Money::from_dollars(1), 3_600_000_000_000);
            r.services = vec![Service {
                name: "database".to_owned(),
                price: Price::new(Money::from_dollars(7), 3_600_000_000_000),
                source: "test".to_owned(),
            }];
            r
        })
        .collect();
    let ttl = Span::from_secs(15);
    t.steering = steering(k, ttl);
    t.health.quorum = QuorumConfig::one(ThresholdConfig { failures: 2, passes: 2 });
    t.health.deep = k.deep.then_some(DeepCheck { database: ms(2000), cache: ms(1000), model: ms(5000) });
    t.retry.attempts_per_pool = 1 + k.turns;
    t.retry.hedging = match k.hedge {
        0 => None,
        1 => Some(Hedging::OneMore { after: ms(500) }),
        2 => Some(Hedging::Grpc { delay: ms(200) }),
        _ => Some(Hedging::Grpc { delay: Span::ZERO }),
    };
    t.retry.first_token_timeout = Span::from_secs(2);
    t.retry.total_timeout = Span::from_secs(5);
    t.chain[0].choose = Choose::each()[usize::from(k.choose)];
    t.chain[0].priorities = (0..t.chain[0].members.len()).map(|i| (i % 2) as u8).collect();
    if k.second_pool {
        t.chain.push(Pool {
            name: "spare".to_owned(),
            members: vec![(DeploymentIx::new(k.places - 1), 1.0)],
            priorities: Vec::new(),
            localities: Vec::new(),
            choose: Choose::InOrder,
            degraded: true,
            max_requests: None,
        });
    }
    gateway::set(&k.gateway, k.cooldown, t);
    if let Some(n) = k.gateway.limit {
        t.limits = vec![(DeploymentIx::new(0), quota(k.limiter, n, k.deep).limiter)];
    }
    t.state.lag = DistSpec::LogNormal { p50: 0.2, p95: 2.0 };
    t.state.bytes_per_token = 4;
    for (i, &(kind, at, lasts, which)) in k.faults.iter().enumerate() {
        let region = RegionIx::new(usize::from(which) % k.places);
        let deployments = vec![DeploymentIx::new(usize::from(which) % k.places)];
        let what = match kind {
            0 => FaultWhat::RegionDown { region },
            1 => FaultWhat::DependencyDown { region, dependency: Dependency::Database },
            2 => FaultWhat::DependencyDown { region, dependency: Dependency::Cache },
            3 => FaultWhat::ProviderDown { deployments, error: ErrorClass::Unavailable },
            _ => FaultWhat::ProviderBrownOut {
                deployments,
                slower: 3.0,
                error_rate: 0.4,
                error: ErrorClass::Unavailable,
            },
        };
        let when = if k.recurring && i == 0 {
            FaultWhen::Recurring { mean_up: Span::from_mins(3), mean_down: Span::from_secs(30) }
        } else {
            FaultWhen::At { at: Span::from_secs(at), lasts: Span::from_secs(lasts) }
        };
        s.faults.push(Fault { name: format!("fault-{i}"), when, what });
    }
    if let Some(fleet) = &k.fleet {
        fleet::set(fleet, &mut s);
    }
    if let Some(cache) = &k.prompt_cache {
        prompt_cache::set(cache, &mut s);
    }
    s
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_switched_on_everything_is_conserved(k in knobs()) {
        let s = build(&k);
        let mut r = run(&s, 0, 0);
        check(&s, &r)?;
        k.fleet.iter().try_for_each(|f| fleet::check(f, &s, &r))?;
        prompt_cache::check(&s, &r)?;
        if k.places == 4 {
            // replications together
            r.merge(&run(&s, 0, 1));
            adds_up(&s, &r)?;
        }
    }

    #[test]
    fn the_same_run_twice_is_the_same_to_the_last_bit(k in knobs()) {
        let s = build(&k);
        prop_assert_eq!(format!("{:?}", run(&s, 0, 3)), format!("{:?}", run(&s, 0, 3)));
    }

    /// Common random numbers: what a policy does shifts nobody's arrivals.
    #[test]
    fn a_change_of_layout_leaves_the_users_alone(k in knobs()) {
        let a = build(&k);
        let mut b = a.clone();
        b.faults.clear();
        b.topologies[0].retry.attempts_per_pool = 1;
        b.topologies[0].retry.hedging = None;
        b.topologies[0].regions.truncate(1);
        b.topologies[0].steering = Steering::dns(Policy::Latency, Span::from_secs(30));
        let (ra, rb) = (run(&a, 0, 0), run(&b, 0, 0));
        prop_assert_eq!(ra.sessions, rb.sessions);
    }
}

/// A long search: 5000 scenarios, or as many as `GEODES_CASES` says.
#[test]
#[ignore = "minutes"]
fn many_more_random_scenarios() {
    let cases = std::env::var("GEODES_CASES").map_or(5000, |n| n.parse().expect("GEODES_CASES is a number"));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&knobs(), |k| {
            let s = build(&k);
            check(&s, &run(&s, 0, 0))
        })
        .unwrap();
}
