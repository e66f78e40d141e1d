//! What a decision of routing costs, by algorithm and by how many there are to choose from.
//!
//! `cargo bench --bench decision`, or `-- "router with"` for the rows that have that in their names; the table at the end has
//! medians of interleaved rounds. Reasons are off. Targets: 100 ns among 3, 1 µs among 30, and never worse than linear. What
//! is timed:
//!
//! * balancer: one choice, with members that have been called before, a tenth of them out of service;
//! * 250 blocks: the same where a prompt of 4,000 tokens is looked up in the index of every member, all of which have it;
//! * guard: what one choice asks (is each member admitted?) and what one call tells it;
//! * router: a request arrives at a gateway with a cool-down and is given up again;
//! * portkey, bifrost: a request arrives and is given up again, among targets, or keys, that have been called before (300 are
//!   five strategies of 60 targets, or five providers of 60 keys); the targets have circuits, the answers were all good;
//! * steering: one answer among 3, 30 and 64 regions (the most there may be);
//! * budget, throttle, limiter: one request with one retry, one call, one grant that is settled; they have no members.

mod contest;

use contest::{Contestant, compete};
use criterion::Criterion;
use geodes::random::Stream;
use geodes::routing::balance::{Balance, Balancer, Choose, LoadReport, Locality, Member, MemberState, Standing, View};
use geodes::routing::bifrost::{self, Provider, ProviderKey, VirtualKey};
use geodes::routing::calls;
use geodes::routing::entropy::Entropy;
use geodes::routing::guard::ActiveHealthConfig;
use geodes::routing::guard::{
    AnyGuard, BreakerConfig, CooldownConfig, Guard, GuardConfig, HystrixConfig, OutlierConfig,
};
use geodes::routing::health::ThresholdConfig;
use geodes::routing::limits::{
    AnthropicConfig, Ask, AzureOpenAiConfig, AzureProvisionedConfig, BedrockConfig, BucketConfig, EnvoyAiGatewayConfig,
    EnvoyRateLimitConfig, Limiter, LimiterConfig, LiteLlmConfig, OpenAiConfig, OutputCount, PlainConfig,
    SharedPoolConfig, SubWindowConfig, TokenCost, Usage, VertexProvisionedConfig, WindowConfig,
};
use geodes::routing::outcome::{ErrorClass, ErrorSet, Observation, Outcome};
use geodes::routing::portkey::{self, CircuitConfig, Context, Mode, Settings, Strategy, Target, What};
use geodes::routing::reason::Silent;
use geodes::routing::request::Request;
use geodes::routing::retry::budget::{
    AwsQuotaConfig, Budget, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig, Load, RetryBudget,
};
use geodes::routing::retry::{Backoff, Delay, Jitter};
use geodes::routing::router::{Command, Journey, LimitsConfig, PoolConfig, Router, RouterConfig};
use geodes::routing::steering::{
    Area, Capacity, ClientProbingConfig, Endpoint, EndpointGroup, GeoRecords, Location, Origin, OriginGroup, Policy,
    Seen, Source, Steerer, Vantage, WaterfallConfig,
};
use geodes::routing::throttle::{SreConfig, Throttle, ThrottleConfig};
use geodes::units::{DeploymentIx, Money, PerNanos, Span, Time};
use std::hint::black_box;
use std::time::Duration;

struct Random(Stream);

impl Entropy for Random {
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

fn random() -> Random {
    Random(Stream::new(1))
}

/// Blocks of a prompt of 4,000 tokens, 16 tokens each.
const BLOCKS: [u64; 250] = {
    let mut blocks = [0; 250];
    let mut i = 0;
    while i < blocks.len() {
        blocks[i] = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        i += 1;
    }
    blocks
};

const REQUEST: Request<'static> =
    Request { streams: true, input_tokens: 4_000, max_output: Some(500), affinity: 7, blocks: &[] };

const SECOND: Span = Span::from_secs(1);

fn member(i: usize) -> Member {
    Member {
        deployment: DeploymentIx::new(i),
        weight: 1.0 + (i % 3) as f64,
        distance: Span::from_millis(10 + (i * 37 % 200) as u64),
        key: (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        price: 1e-6 * (1 + i % 5) as f64,
        priority: (i % 2) as u8,
        locality: (i % 3) as u16,
    }
}

fn localities() -> Vec<Locality> {
    (0..3).map(|i| Locality { weight: 1.0, callers: 1.0 / 3.0, local: i == 0 }).collect()
}

/// The call sent at `now` has been answered half a second later.
fn answered(now: Time) -> Observation {
    Observation {
        outcome: Outcome::Ok,
        sent: now,
        first_token: Some(now + Span::from_millis(300)),
        streamed: true,
        input_tokens: 1_000,
        cached_tokens: 0,
        output_tokens: 100,
    }
}

/// A balancer among `n`, all of which have been called with the same prompt.
fn balancer(choose: Choose, n: usize, blocks: &'static [u64]) -> impl FnMut(u64) {
    let sent = Request { blocks, ..REQUEST };
    let members: Vec<Member> = (0..n).map(member).collect();
    let state = |i: usize| MemberState {
        standing: if i % 10 == 9 { Standing::Out } else { Standing::Usable },
        in_flight: (i * 7 % 5) as u32,
        tried: false,
        report: Some(LoadReport {
            at: Time::ZERO + SECOND,
            waiting: (i % 4) as u32,
            running: (i * 7 % 5) as u32,
            utilisation: (i * 700 % 7000) as u16,
        }),
    };
    let states: Vec<MemberState> = (0..n).map(state).collect();
    let mut b = Balancer::new(choose, &members, &localities());
    for i in 0..n {
        b.on_sent(Time::ZERO, i, &sent);
        b.on_end(Time::ZERO + Span::from_millis(500 + i as u64), i, &answered(Time::ZERO));
    }
    let (mut entropy, mut now, mut affinity) = (random(), Time::ZERO + SECOND, 0);
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(1);
            affinity += 1;
            let request = Request { affinity, ..sent };
            let view = View { now, request: &request, members: &members, states: &states };
            black_box(b.pick(&view, &mut entropy, &mut Silent));
        }
    }
}

fn guard(config: GuardConfig, n: usize) -> impl FnMut(u64) {
    let mut g = AnyGuard::new(config, n, n);
    let (mut now, mut i) = (Time::ZERO, 0);
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(1);
            i = (i + 1) % n;
            g.advance(now);
            black_box((0..n).filter(|d| g.admits(now, *d)).count());
            g.on_sent(now, i);
            // one call in eleven fails
            let seen = match now.nanos() / 1_000_000 % 11 {
                0 => Observation::failed(now, ErrorClass::Unavailable, None),
                _ => answered(now),
            };
            black_box(g.on_end(now + Span::from_millis(500), i, &seen));
        }
    }
}

fn router(choose: Choose, n: usize) -> impl FnMut(u64) {
    let config = RouterConfig {
        chain: vec![PoolConfig {
            members: (0..n).map(member).collect(),
            localities: localities(),
            choose,
            degraded: false,
            max_requests: None,
        }],
        attempts_per_pool: 2,
        delay: Delay::Backoff(Backoff { base: SECOND, cap: SECOND, jitter: Jitter::Full }),
        hedging: None,
        budget: None,
        throttle: None,
        limits: LimitsConfig::default(),
        on: ErrorSet::of(&[ErrorClass::Unavailable]),
        guards: vec![GuardConfig::Cooldown(CooldownConfig {
            failures: 3,
            time: Span::from_secs(30),
            rate_limited_at_once: true,
        })],
        legal: Vec::new(),
    };
    let mut router = Router::new(config, n).expect("it is valid");
    let (mut entropy, mut now, mut affinity) = (random(), Time::ZERO, 0);
    let mut go = move |ops: u64, answer: bool| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            affinity += 1;
            let request = Request { affinity, ..REQUEST };
            let mut journey = Journey::new(None);
            let command = router.on_request(now, &mut journey, &request, &mut entropy, &mut Silent);
            let Command::Attempt { deployment, .. } = black_box(command) else { panic!("nobody is out: {command:?}") };
            if answer {
                let done = now + Span::from_millis(5);
                let end = (&mut journey, &request, deployment, &answered(now));
                black_box(router.on_outcome(done, end.0, end.1, end.2, end.3, &mut entropy, &mut Silent));
            } else {
                router.on_abandoned(now, &mut journey, deployment);
            }
        }
    };
    go(100 * n as u64, true);
    move |ops| go(ops, false)
}

/// Most that stand in one list of a product's, here.
const LIST: usize = 60;

fn portkey(mode: &Mode, n: usize) -> impl FnMut(u64) + use<> {
    let circuit = CircuitConfig {
        failure_threshold: Some(5),
        failure_threshold_percentage: None,
        minimum_requests: 1,
        cooldown_interval: CircuitConfig::LEAST_COOLDOWN,
        failure_status_codes: None,
    };
    let settings = Settings { circuit: Some(circuit), ..Settings::default() };
    let target = |i: usize, what| Target {
        name: format!("t{i}"),
        weight: 1.0 + (i % 3) as f64,
        settings: Settings::default(),
        what,
    };
    let call = |i| target(i, What::Deployment { deployment: DeploymentIx::new(i), degraded: false });
    let group = |i, targets| target(i, What::Strategy(Strategy { mode: mode.clone(), targets }));
    let calls: Vec<Target> = (0..n).map(call).collect();
    let mut lists: Vec<Target> = calls.chunks(LIST).enumerate().map(|(i, list)| group(n + i, list.to_vec())).collect();
    let root = if lists.len() == 1 { lists.remove(0) } else { group(2 * n, lists) };
    let config = portkey::Config { root: Target { settings, ..root } };
    let mut router = portkey::Router::new(&config).expect("it is valid");
    let (context, mut entropy, mut now) = (Context::default(), random(), Time::ZERO);
    let mut go = move |ops: u64, answer: bool| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            let (mut journey, command) = router.on_request(now, &context, &mut entropy, &mut Silent);
            assert!(matches!(black_box(command), calls::Command::Attempt { .. }), "no circuit is open: {command:?}");
            if answer {
                let seen = answered(now);
                black_box(router.on_outcome(now, &mut journey, &context, &seen, &mut entropy, &mut Silent));
            }
        }
    };
    go(100 * n as u64, true);
    move |ops| go(ops, false)
}

fn bifrost(n: usize) -> impl FnMut(u64) {
    let key = |i| ProviderKey { deployment: DeploymentIx::new(i), weight: 1.0 + (i % 3) as f64, degraded: false };
    let keys: Vec<ProviderKey> = (0..n).map(key).collect();
    let providers: Vec<Provider> = keys.chunks(LIST).map(|keys| Provider::new("p", keys.to_vec())).collect();
    let weights = (0..providers.len()).map(|p| (p, 1.0)).collect();
    let virtual_keys = vec![VirtualKey { weights, fallbacks: None }];
    let mut router = bifrost::Router::new(bifrost::Config { providers, virtual_keys }).expect("it is valid");
    let (mut entropy, mut now) = (random(), Time::ZERO);
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            let (journey, command) = router.on_request(now, 0, &mut entropy, &mut Silent);
            assert!(matches!(black_box(command), calls::Command::Attempt { .. }), "there are keys: {command:?}");
            black_box(journey);
        }
    }
}

fn steering(policy: Policy, n: usize) -> impl FnMut(u64) {
    let endpoint = |i: usize| Endpoint {
        healthy: i % 10 != 9,
        legal: true,
        latency_ns: 1_000_000 * (10 + i as u64 * 37 % 200),
        distance_km: 100.0 * (i * 37 % 200) as f64,
    };
    let endpoints: Vec<Endpoint> = (0..n).map(endpoint).collect();
    let source = Source { endpoints: &endpoints, inflated: false };
    let mut steerer = Steerer::new(policy, [source].into_iter()).expect("it is valid");
    for i in 0..n {
        steerer.on_probe(Time::ZERO, 0, i, Some(Span::from_millis(10 + i as u64 * 37 % 200)));
        steerer.on_sent(0, i);
        steerer.on_done(Time::ZERO, 0, i, Seen::Answered(Span::from_millis(500 + i as u64)));
    }
    let (mut entropy, mut now) = (random(), Time::ZERO);
    let location = Location { country: Some(*b"DE"), ..Location::default() };
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(1);
            let from = Vantage { source: 0, location: &location, endpoints: &endpoints };
            black_box(steerer.steer(now, &from, &mut entropy, &mut Silent));
        }
    }
}

fn budget(config: BudgetConfig) -> impl FnMut(u64) {
    let (mut b, mut now) = (Budget::new(config), Time::ZERO);
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            b.on_request(now);
            let failure = Some(ErrorClass::Unavailable);
            let failed = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };
            b.on_outcome(now, failed, None);
            let paid = black_box(b.withdraw(now, failure, Load { active: 20, retries: 2 }));
            b.on_outcome(now, Outcome::Ok, paid);
        }
    }
}

fn throttle(config: ThrottleConfig) -> impl FnMut(u64) {
    let (mut t, mut now, mut entropy) = (Throttle::new(config), Time::ZERO, random());
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            black_box(t.on_call(now, &mut None, &mut entropy));
            t.on_end(now, Outcome::Ok);
        }
    }
}

fn limiter(config: &LimiterConfig) -> impl FnMut(u64) + use<> {
    let (mut l, mut now) = (Limiter::new(config, Time::ZERO, Span::ZERO), Time::ZERO);
    let ask = Ask { input: 1_000, cached: 0, max_output: 500 };
    let usage = Usage { input: 1_000, cached: 0, output: 100, cost: Money::ZERO };
    move |ops| {
        for _ in 0..ops {
            now += Span::from_millis(10);
            if let Ok(grant) = black_box(l.admit(now, &ask)) {
                l.settle(now, grant, &usage);
            }
        }
    }
}

/// Every limiter, with limits that let 100 requests a second pass.
fn limiters() -> Vec<LimiterConfig> {
    let per_min = |n: u64| PerNanos { micro_count: n * 1_000_000, nanos: 60_000_000_000 };
    let bucket = |n| BucketConfig { rate: per_min(n), capacity: n };
    let minute = |limit| WindowConfig { limit, window: Span::from_mins(1) };
    let sub = |n| SubWindowConfig { rate: per_min(n), window: SECOND };
    let (requests, tokens) = (10_000, 20_000_000);
    let windows = PlainConfig { requests: Some(minute(requests)), tokens: Some(minute(tokens)), retry_after: true };
    let pool = SharedPoolConfig {
        rate: per_min(tokens),
        burst: Span::from_secs(2),
        others: vec![100_000; 24],
        step: Span::from_hours(1),
        by_clock: true,
    };
    vec![
        LimiterConfig::TokenBucket(PlainConfig {
            requests: Some(bucket(requests)),
            tokens: Some(bucket(tokens)),
            retry_after: true,
        }),
        LimiterConfig::FixedWindow(windows),
        LimiterConfig::AnchoredWindow(windows),
        LimiterConfig::SlidingLog(windows),
        LimiterConfig::SlidingCounter(windows),
        LimiterConfig::SubWindow(PlainConfig {
            requests: Some(sub(requests)),
            tokens: Some(sub(tokens)),
            retry_after: true,
        }),
        LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
            tokens_per_min: tokens,
            micro_requests_per_min: requests * 1_000_000,
            evaluated_over: SECOND,
            retry_after: true,
        }),
        LimiterConfig::AzureProvisioned(AzureProvisionedConfig {
            units: 10_000,
            input_per_min: 2_500,
            output_per_min: 833,
            window: Span::from_mins(1),
            retry_after: true,
        }),
        LimiterConfig::OpenAi(OpenAiConfig {
            requests: Some(bucket(requests)),
            requests_per_day: None,
            tokens: Some(bucket(tokens)),
            tokens_per_day: None,
            credit: None,
            retry_after: true,
        }),
        LimiterConfig::Anthropic(AnthropicConfig {
            requests: Some(bucket(requests)),
            input: Some(bucket(tokens)),
            output: Some(bucket(tokens)),
            output_count: OutputCount::AsGenerated,
            overload: Some(pool.clone()),
            retry_after: true,
        }),
        LimiterConfig::Bedrock(BedrockConfig {
            requests: Some(bucket(requests)),
            tokens: bucket(tokens),
            tokens_per_day: None,
            output_burndown: 5,
            retry_after: false,
        }),
        LimiterConfig::VertexShared(pool),
        LimiterConfig::VertexProvisioned(VertexProvisionedConfig {
            rate: per_min(tokens),
            window: Span::from_secs(30),
            output_weight: 4,
        }),
        LimiterConfig::EnvoyRateLimit(EnvoyRateLimitConfig { limits: vec![minute(requests)], retry_after: true }),
        LimiterConfig::EnvoyAiGateway(EnvoyAiGatewayConfig {
            rules: vec![(TokenCost::Total, minute(tokens))],
            retry_after: true,
        }),
        LimiterConfig::LiteLlm(LiteLlmConfig {
            rpm: Some(requests),
            tpm: Some(tokens),
            itpm: Some(tokens),
            otpm: Some(tokens),
        }),
    ]
}

/// A policy for so many regions.
type PolicyOf = Box<dyn Fn(usize) -> Policy>;

/// Every steering policy, by its key.
fn policies() -> Vec<(&'static str, PolicyOf)> {
    vec![
        ("dns_latency", Box::new(|_| Policy::Latency)),
        ("dns_failover", Box::new(|_| Policy::Failover)),
        ("dns_weighted", Box::new(|n| Policy::Weighted((0..n).map(|i| 1 + i as u8).collect()))),
        (
            "dns_geolocation",
            Box::new(|n| {
                let country = |i: usize| (Area::Country([b'A' + (i / 26) as u8, b'A' + (i % 26) as u8]), i as u8);
                Policy::Geolocation(GeoRecords::new((1..n).map(country).chain([(Area::Default, 0)])))
            }),
        ),
        ("dns_geoproximity", Box::new(|n| Policy::Geoproximity(vec![10; n]))),
        ("dns_multivalue", Box::new(|_| Policy::Multivalue)),
        ("anycast", Box::new(|_| Policy::Anycast)),
        (
            "global_accelerator",
            Box::new(|n| {
                let group = |i| EndpointGroup { dial: 90, members: vec![(i as u8, 128)] };
                Policy::Accelerator((0..n).map(group).collect())
            }),
        ),
        ("cloudflare_dynamic", Box::new(|_| Policy::CloudflareDynamic { fallback: 0 })),
        ("cloudflare_proximity", Box::new(|_| Policy::CloudflareProximity { fallback: 0 })),
        (
            "cloudflare_least_outstanding",
            Box::new(|n| Policy::CloudflareOutstanding { weights: vec![1.0; n], fallback: 0 }),
        ),
        (
            "google_waterfall",
            Box::new(|_| {
                let capacity = Capacity::Utilization(0.8);
                Policy::Waterfall(WaterfallConfig { capacity, interval: SECOND, lag: SECOND })
            }),
        ),
        (
            "azure_front_door",
            Box::new(|n| {
                let origin = |i: usize| Origin { priority: 1 + (i % 2) as u8, weight: 50 };
                let origins = (0..n).map(origin).collect();
                let band = Span::from_millis(50);
                Policy::FrontDoor(OriginGroup { origins, band, samples: 4, successes: 2, interval: SECOND })
            }),
        ),
        (
            "client_probing",
            Box::new(|_| {
                let penalty = Span::from_secs(10);
                Policy::ClientProbing(ClientProbingConfig { explore: 0.05, window: 10, penalty })
            }),
        ),
    ]
}

type Work = Box<dyn FnMut(u64)>;

/// One line of the table: name and what is timed, by number of members.
struct Row(String, Vec<Work>);

fn sized<F: FnMut(u64) + 'static>(name: String, sizes: [usize; 3], of: impl Fn(usize) -> F) -> Row {
    Row(name, sizes.into_iter().map(|n| Box::new(of(n)) as Work).collect())
}

fn rows() -> Vec<(&'static str, Vec<Row>)> {
    const SIZES: [usize; 3] = [3, 30, 300];
    let guards = [
        ("cool-down", GuardConfig::Cooldown(CooldownConfig { failures: 3, time: SECOND, rate_limited_at_once: true })),
        ("outlier", GuardConfig::Outlier(OutlierConfig::ENVOY)),
        (
            "active health",
            GuardConfig::ActiveHealth(ActiveHealthConfig {
                interval: SECOND,
                timeout: SECOND,
                thresholds: ThresholdConfig { failures: 3, passes: 2 },
            }),
        ),
        ("resilience4j", GuardConfig::Breaker(BreakerConfig::RESILIENCE4J)),
        ("hystrix", GuardConfig::Hystrix(HystrixConfig::DEFAULT)),
    ];
    let budgets = [
        ("finagle", BudgetConfig::Finagle(FinagleConfig::DEFAULT)),
        ("grpc", BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE)),
        ("aws_standard", BudgetConfig::Aws(AwsQuotaConfig::STANDARD)),
        ("envoy", BudgetConfig::Concurrent(ConcurrentRetriesConfig::BUDGET)),
    ];
    let throttles = [("sre", ThrottleConfig::Sre(SreConfig::BOOK)), ("aws_adaptive", ThrottleConfig::AwsAdaptive)];
    let looking = Choose::each().into_iter().filter(|c| c.uses_blocks());
    vec![
        ("balancer", Choose::each().map(|c| sized(c.name().to_owned(), SIZES, |n| balancer(c, n, &[]))).into()),
        ("250 blocks", looking.map(|c| sized(c.name().to_owned(), SIZES, |n| balancer(c, n, &BLOCKS))).collect()),
        ("router with", Choose::each().map(|c| sized(c.name().to_owned(), SIZES, |n| router(c, n))).into()),
        ("guard", guards.map(|(name, g)| sized(name.to_owned(), SIZES, |n| guard(g, n))).into()),
        (
            "portkey",
            [Mode::LoadBalance, Mode::Fallback { on_status_codes: None }]
                .map(|m| sized(m.name().to_owned(), SIZES, |n| portkey(&m, n)))
                .into(),
        ),
        ("bifrost", vec![sized("keys by weight".to_owned(), SIZES, bifrost)]),
        (
            "steering",
            policies().iter().map(|(name, p)| sized((*name).to_owned(), [3, 30, 64], |n| steering(p(n), n))).collect(),
        ),
        ("budget", budgets.map(|(name, b)| Row(name.to_owned(), vec![Box::new(budget(b))])).into()),
        ("throttle", throttles.map(|(name, t)| Row(name.to_owned(), vec![Box::new(throttle(t))])).into()),
        ("limiter", limiters().iter().map(|l| Row(l.name().to_owned(), vec![Box::new(limiter(l)) as Work])).collect()),
    ]
}

fn main() {
    // some 130 of them: Criterion's own seconds for each would be half an hour
    let (warm_up, measured) = (Duration::from_millis(50), Duration::from_millis(100));
    let quick = Criterion::default().sample_size(10).warm_up_time(warm_up).measurement_time(measured);
    let mut criterion = quick.configure_from_args();
    let wanted = std::env::args().nth(1).filter(|a| !a.starts_with('-')).unwrap_or_default();
    let mut table = Vec::new();
    for (family, mut rows) in rows() {
        rows.retain(|r| format!("{family} {}", r.0).contains(&wanted));
        if rows.is_empty() {
            continue;
        }
        let mut group = criterion.benchmark_group(family);
        let mut contestants: Vec<Contestant<'_>> = Vec::new();
        let mut names = Vec::new();
        for Row(name, works) in rows {
            for (k, work) in works.into_iter().enumerate() {
                contestants.push(Contestant::new(format!("{name}/{k}"), work));
            }
            names.push(name);
        }
        compete(&mut group, &mut contestants, 9, 20_000);
        group.finish();
        let per_row = contestants.len() / names.len();
        for (name, cells) in names.into_iter().zip(contestants.chunks(per_row)) {
            table.push((format!("{family} {name}"), cells.iter().map(Contestant::median).collect::<Vec<_>>()));
        }
    }
    println!("\n{:<42}{:>8}{:>8}{:>8}   (ns)", "", "3", "30", "300");
    for (name, medians) in table {
        println!("{name:<42}{}", medians.iter().map(|m| format!("{m:>8.0}")).collect::<String>());
    }
}
