//! No allocation per event once the buffers have grown: counted by the allocator itself.
#![allow(unsafe_code, reason = "a global allocator can only be written with unsafe; it forwards to the system's")]

use geodes::kernel::{Class, Context, Engine, Slab, World, slab};
use geodes::random::{Draws, EntityKey, ExpZiggurat, Purpose, Seed};
use geodes::routing::balance::inference::InferenceConfig;
use geodes::routing::balance::{Choose, Locality, Member, NetworkCostConfig, SelectivePushConfig};
use geodes::routing::entropy::Entropy;
use geodes::routing::guard::{
    ActiveHealthConfig, BreakerConfig, CooldownConfig, GuardConfig, HystrixConfig, OutlierConfig,
};
use geodes::routing::health::ThresholdConfig;
use geodes::routing::limits::{LimiterConfig, PlainConfig, WindowConfig};
use geodes::routing::litellm::config::{
    Budget, BudgetTime, Config, Deployment, Fallbacks, Limit, Options, Strategy, Target as RoutedTo,
};
use geodes::routing::litellm::{self, Command};
use geodes::routing::outcome::{ErrorClass, ErrorSet, Observation, Outcome};
use geodes::routing::reason::Silent;
use geodes::routing::request::Request;
use geodes::routing::retry::Delay;
use geodes::routing::retry::budget::{
    AwsQuotaConfig, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig,
};
use geodes::routing::router::{self, Journey, LimitsConfig, PoolConfig, RouterConfig};
use geodes::routing::throttle::{SreConfig, ThrottleConfig};
use geodes::scenario::model::{
    Ask, BifrostAsk, BifrostGateway, DistSpec, Fault, FaultWhat, FaultWhen, Gateway, LiteLlmEntry, LiteLlmGateway,
    PortkeyAsk, PortkeyGateway,
};
use geodes::study::replicate;
use geodes::units::{DeploymentIx, RegionIx, Span, Time};
use geodes::world::Run;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Per thread, so that tests that run at the same time do not count each other's. `const`, so that it needs no
    /// allocation itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that are allocated at present, and the most there were.
    static BYTES: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

fn count(allocations: u64, bytes: i64) {
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + allocations));
    let _ = BYTES.try_with(|b| {
        let now = b.get().0 + bytes;
        b.set((now, b.get().1.max(now)));
    });
}

// SAFETY: every method forwards to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, new_size as i64 - layout.size() as i64);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

const GAP: Purpose = Purpose(1);
const LIFE: Purpose = Purpose(2);
const FIRST: Class = Class::new(0);
const LAST: Class = Class::new(15);

/// Customers come, live for a while with a timer running, and end before it or by it: slab, cancellation by stale keys,
/// draws, many ties (times are rounded to a coarse grid), a population that rises and falls.
struct Crowd {
    draws: Draws,
    zig: ExpZiggurat,
    alive: Slab<Customer>,
    born: u64,
    timed_out: u64,
}

struct Customer {
    /// Only there to make a customer a realistic size.
    _state: [u64; 6],
}

#[derive(Clone, Copy)]
enum Event {
    Arrive,
    Leave(slab::Key<Customer>),
    Timeout(slab::Key<Customer>),
}

const MEAN_LIFE_NS: f64 = 1e9;

impl World for Crowd {
    type Event = Event;
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrive => {
                self.born += 1;
                let key = self.alive.insert(Customer { _state: [self.born; 6] });
                let entity = EntityKey(self.born);
                let life = self.zig.at(&self.draws, LIFE, entity, 0) * MEAN_LIFE_NS;
                cx.schedule_in(Span(life as u64 / 1_000_000 * 1_000_000), FIRST, Event::Leave(key));
                cx.schedule_in(Span(2_000_000_000), LAST, Event::Timeout(key));
                // A slow wave: between 0.3 and 1.7 times the mean rate.
                let wave = 1.0 + 0.7 * libm::sin(cx.now().as_secs_f64() / 20.0);
                let gap = self.zig.at(&self.draws, GAP, EntityKey(0), self.born) * 100_000.0 / wave;
                cx.schedule_in(Span(gap as u64 / 1_000 * 1_000), FIRST, Event::Arrive);
            }
            Event::Leave(key) => drop(self.alive.remove(key)),
            Event::Timeout(key) => self.timed_out += u64::from(self.alive.remove(key).is_some()),
        }
    }
}

#[test]
fn after_warm_up_no_event_allocates() {
    let draws = Draws::new(Seed { seed: 5, replication: 0 });
    let world = Crowd { draws, zig: ExpZiggurat::new(), alive: Slab::new(), born: 0, timed_out: 0 };
    let mut engine = Engine::new(world);
    engine.schedule(Time::ZERO, FIRST, Event::Arrive);
    engine.run_until(Time(400_000_000_000));
    let (warm, handled) = (allocations(), engine.events_handled());
    assert!(warm > 0, "the counter counts");

    engine.run_until(Time(600_000_000_000));
    let events = engine.events_handled() - handled;
    let figures = (events, engine.pending(), engine.world().timed_out);
    assert!(events > 4_000_000 && engine.pending() > 5_000 && engine.world().timed_out > 100_000, "{figures:?}");
    assert_eq!(allocations() - warm, 0, "allocations during {events} events");
}

/// Takes an event out and puts it back an exponential time of a thousand seconds later.
struct Hold {
    draws: Draws,
    zig: ExpZiggurat,
}

impl World for Hold {
    type Event = [u64; 3];
    fn handle(&mut self, event: [u64; 3], cx: &mut Context<[u64; 3]>) {
        let gap = self.zig.at(&self.draws, GAP, EntityKey(event[0]), cx.events_handled()) * 1e12;
        cx.schedule_in(Span(gap as u64), Class::new(7), event);
    }
}

#[test]
fn the_memory_of_pending_events_is_that_of_the_population_however_long_the_run() {
    const PENDING: u64 = 20_000;
    let before = BYTES.with(Cell::get).0;
    let world = Hold { draws: Draws::new(Seed { seed: 6, replication: 0 }), zig: ExpZiggurat::new() };
    let mut engine = Engine::new(world);
    for i in 0..PENDING {
        engine.schedule(Time(i), Class::FIRST, [i; 3]);
    }
    // Two days: the clock's highest bits change eight times while everything is pending.
    engine.run_until(Time(2 * 86_400_000_000_000));
    assert_eq!(engine.pending() as u64, PENDING);
    assert!(engine.events_handled() > 3_000_000);
    let bytes = BYTES.with(Cell::get).1 - before;
    // Key and payload take 32 bytes. The pool doubles when it grows, old and new exist side by side then: three times.
    // The table of buckets, the ziggurat and blocks that are not full come on top.
    let limit = 3 * PENDING as i64 * 32 + 300_000;
    assert!(bytes < limit, "{bytes} bytes for {PENDING} pending events, limit {limit}");
}

/// The most memory that a study of so many replications takes at a time, in bytes, on one thread.
fn peak_of_a_study(replications: u32) -> i64 {
    let mut s = geodes::scenario::plain(2);
    s.horizon = Span::from_hours(2);
    s.interval = Span::from_mins(1);
    s.replications = replications;
    for d in &mut s.deployments {
        d.ttft = DistSpec::LogNormal { p50: 0.5, p95: 1.5 };
    }
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_mins(30), lasts: Span::from_mins(20) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let before = BYTES.with(Cell::get).0;
        let records = replicate::records(&s, &replicate::Unobserved).unwrap();
        let one = &records.topologies[0];
        assert_eq!((records.finished, one.record.replications), (replications, replications));
        assert_eq!((one.incidents.len(), one.samples.values("ttft_ms.p95").len()), (1, replications as usize));
        BYTES.with(Cell::get).1 - before
    })
}

#[test]
fn the_memory_of_a_study_does_not_grow_with_its_replications() {
    let (few, many) = (peak_of_a_study(4), peak_of_a_study(32));
    // some hundred numbers for each replication, and merged histograms are a little wider
    let numbers = 28 * 8 * 200;
    assert!(many < few + few / 10 + numbers, "{many} bytes for 32 replications, {few} for 4");
}

struct Random(geodes::random::Stream);

impl Entropy for Random {
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

const STRATEGIES: [Strategy; 6] = [
    Strategy::SimpleShuffle,
    Strategy::LeastBusy,
    Strategy::UsageV1,
    Strategy::UsageV2,
    Strategy::Latency,
    Strategy::Cost,
];

/// A LiteLLM router with 30 deployments in two models and everything switched on that counts or filters.
fn busy_router(strategy: Strategy) -> (litellm::Router, Vec<litellm::Target>) {
    let deployments = (0..30).map(|i| Deployment {
        id: format!("d{i}"),
        model_name: ["a", "b"][i / 20].to_owned(),
        model: format!("openai/{i}"),
        weight: Some(1.0),
        rpm: Limit { params: Some(40 + i as u64), ..Limit::default() },
        itpm: (i % 3 == 0).then_some(1_000_000),
        order: Some(1 + (i % 2) as i64),
        max_parallel_requests: Some(10),
        max_input_tokens: Some(8_192),
        tags: vec!["default".to_owned(), ["x", "y"][i % 2].to_owned()],
        budget: Some(Budget { max: 1e6, per: BudgetTime::Span(Span::from_mins(10)) }),
        input_cost_per_token: Some(1e-6),
        ..Deployment::default()
    });
    let chain = |to: &str| Some(Fallbacks::Chains(vec![("*".to_owned(), vec![RoutedTo::model(to)])]));
    let config = Config {
        deployments: deployments.collect(),
        strategy,
        pre_call_checks: true,
        tag_filtering: true,
        weighted_failover: true,
        enforce_rate_limits: true,
        fallbacks: chain("b"),
        context_window_fallbacks: chain("b"),
        ..Config::default()
    };
    let mut router = litellm::Router::new(config).unwrap();
    let model = router.model("a").unwrap();
    let given = [
        Options::default(),
        Options { tags: vec!["x".to_owned()], ..Options::default() },
        Options { weights: vec![("a".to_owned(), "d1".to_owned(), 2.0)], ..Options::default() },
    ];
    let targets = given.iter().map(|o| litellm::Target { model, options: router.options(o).unwrap() }).collect();
    (router, targets)
}

#[test]
fn after_warm_up_the_litellm_router_does_not_allocate() {
    for strategy in STRATEGIES {
        let (mut router, targets) = busy_router(strategy);
        let mut entropy = Random(geodes::random::Stream::new(3));
        let (mut served, mut retried, mut fell_back) = (0, 0, 0);
        let mut now = Time::ZERO;
        let mut go_on = |from: u64, to: u64| {
            for i in from..to {
                now = now.max(Time(i * 300_000_000));
                let request =
                    Request { streams: false, input_tokens: 500, max_output: Some(100), affinity: 0, blocks: &[] };
                let target = targets[i as usize % targets.len()];
                let (mut journey, mut command) = router.on_request(now, target, &request, &mut entropy, &mut Silent);
                loop {
                    command = match command {
                        Command::Attempt { deployment, .. } => {
                            let sent = now;
                            now += Span::from_millis(100 + i % 50);
                            // mostly the first model fails, with every class
                            let fails = entropy.uniform() < if deployment.ix() < 20 { 0.4 } else { 0.05 };
                            let class = ErrorClass::ALL[entropy.pick(ErrorClass::ALL.len())];
                            let outcome =
                                if fails { Outcome::Failed { class, retry_after: None } } else { Outcome::Ok };
                            let seen = Observation {
                                outcome,
                                sent,
                                first_token: None,
                                streamed: false,
                                input_tokens: 500,
                                cached_tokens: 0,
                                output_tokens: if fails { 0 } else { 50 },
                            };
                            router.on_outcome(now, &mut journey, deployment, &seen, &mut entropy, &mut Silent)
                        }
                        Command::Wait { until } => {
                            now = until;
                            router.on_timeout(now, &mut journey, &mut entropy, &mut Silent)
                        }
                        Command::Succeed => {
                            served += 1;
                            retried += u64::from(journey.retries());
                            fell_back += u64::from(journey.fallbacks());
                            break;
                        }
                        Command::Fail { .. } => break,
                    };
                }
                router.on_abandoned(now, &mut journey); // it has ended: nothing more comes back
            }
        };
        go_on(0, 20_000);
        let warm = allocations();
        go_on(20_000, 60_000);
        let more = allocations() - warm;
        assert!(served > 10_000 && retried > 100 && fell_back > 100, "{strategy:?}: {served} {retried} {fell_back}");
        assert_eq!(more, 0, "{strategy:?}: allocations after warm-up");
    }
}

/// The same in the world: its events, its gateway and the requests that are with LiteLLM.
#[test]
fn after_warm_up_a_world_with_litellm_does_not_allocate() {
    for strategy in STRATEGIES {
        let deployment = |i: usize| Deployment {
            id: format!("d{i}"),
            model_name: ["a", "b"][i / 3].to_owned(),
            model: format!("openai/{i}"),
            max_parallel_requests: Some(4),
            ..Deployment::default()
        };
        let config = Config {
            deployments: (0..4).map(deployment).collect(),
            strategy,
            fallbacks: Some(Fallbacks::Chains(vec![("a".to_owned(), vec![RoutedTo::model("b")])])),
            ..Config::default()
        };
        let gateway = LiteLlmGateway {
            config,
            entries: (0..4).map(|d| LiteLlmEntry { deployment: DeploymentIx::new(d), degraded: d == 3 }).collect(),
            asks: vec![Ask { workload: None, class: None, model: "a".to_owned(), options: Options::default() }],
        };
        last_hour_of_four(Gateway::LiteLlm(Box::new(gateway)), strategy.name());
    }
}

/// Four hours of four deployments that often fail behind this gateway, of which the last answers degraded: the last hour
/// allocates nothing.
fn last_hour_of_four(gateway: Gateway, name: &str) {
    let mut s = geodes::scenario::plain(4);
    (s.horizon, s.interval) = (Span::from_hours(4), Span::from_hours(4));
    for (i, d) in s.deployments.iter_mut().enumerate() {
        // no chance: histograms take memory for values of a size that they have never seen
        d.ttft = DistSpec::Constant(0.5 + i as f64);
        d.error_rate = 0.3;
    }
    s.topologies[0].gateway = gateway;
    let mut run = Run::new(&s, 0, Seed { seed: 1, replication: 0 });
    run.advance_to(Time::ZERO + Span::from_hours(3));
    let warm = allocations();
    run.advance_to(Time::ZERO + s.horizon);
    let more = allocations() - warm;
    run.advance_observed(&mut |_, _, _, _| ());
    let record = run.finish();
    let degraded: u64 = record.groups.iter().map(|g| g.degraded).sum();
    assert!(record.requests() > 14_000 && record.attempts > 15_000 && degraded > 50, "{name}: {degraded}");
    assert_eq!(more, 0, "{name}: allocations in the last of four hours");
}

/// Conditions, shared load, fallbacks, retries and circuits of Portkey.
#[test]
fn after_warm_up_a_world_with_portkey_does_not_allocate() {
    use geodes::routing::portkey as p;
    let target =
        |name: &str, what| p::Target { name: name.to_owned(), weight: 1.0, settings: p::Settings::default(), what };
    let call =
        |d: usize| target(&format!("d{d}"), p::What::Deployment { deployment: DeploymentIx::new(d), degraded: d == 3 });
    let strategy = |name: &str, mode, targets| target(name, p::What::Strategy(p::Strategy { mode, targets }));
    let asked = vec![p::Test::In(vec![p::Value::Text("chat".to_owned()), p::Value::Text("gpt".to_owned())])];
    let condition =
        |key: &str, test| p::Condition { query: p::Query(vec![p::Clause::Field(key.to_owned(), test)]), then: 1 };
    let conditions = vec![
        condition("params.max_tokens", vec![p::Test::Above(p::Value::Text("1e9 tokens".to_owned()))]),
        condition("params.model", asked),
    ];
    let shared = strategy("shared", p::Mode::LoadBalance, vec![call(0), call(1)]);
    let fallback = p::Mode::Fallback { on_status_codes: None };
    let all = strategy("all", fallback, vec![shared, call(2), call(3)]);
    let mut root = strategy("root", p::Mode::Conditional { conditions, default: Some(0) }, vec![call(3), all]);
    root.settings = p::Settings {
        retry: Some(p::Retry { attempts: 1, ..p::Retry::default() }),
        request_timeout: Some(Span::from_secs(20)),
        circuit: Some(p::CircuitConfig {
            failure_threshold: Some(20),
            failure_threshold_percentage: None,
            minimum_requests: 0,
            cooldown_interval: Span::from_secs(30),
            failure_status_codes: Some(vec![500, 503]),
        }),
    };
    let config = p::Config { root };
    let names = p::Router::new(&config).unwrap().names().map(str::to_owned).collect();
    let ask = PortkeyAsk { workload: None, class: None, model: Some("gpt".to_owned()), metadata: Vec::new() };
    last_hour_of_four(Gateway::Portkey(Box::new(PortkeyGateway { config, names, asks: vec![ask] })), "Portkey");
}

/// Providers, keys that rotate, and fallbacks of Bifrost.
#[test]
fn after_warm_up_a_world_with_bifrost_does_not_allocate() {
    use geodes::routing::bifrost as b;
    let provider = |name: &str, deployments: &[usize]| {
        let key = |d: &usize| b::ProviderKey { deployment: DeploymentIx::new(*d), weight: 1.0, degraded: *d == 3 };
        b::Provider { max_retries: 1, ..b::Provider::new(name, deployments.iter().map(key).collect()) }
    };
    let config = b::Config {
        providers: vec![provider("first", &[0, 1, 2]), provider("second", &[3])],
        virtual_keys: vec![b::VirtualKey { weights: vec![(0, 3.0), (1, 1.0)], fallbacks: None }],
    };
    let asks = vec![BifrostAsk { workload: None, class: None }];
    last_hour_of_four(Gateway::Bifrost(Box::new(BifrostGateway { config, asks })), "Bifrost");
}

/// A router of 30 deployments in two pools with every guard, a budget and a throttle, that chooses so.
fn crowded_router(choose: Choose, budget: BudgetConfig, throttle: ThrottleConfig) -> router::Router {
    let member = |i: usize| Member {
        deployment: DeploymentIx::new(i),
        weight: 1.0 + (i % 3) as f64,
        distance: Span::from_millis(10 + i as u64),
        key: (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        price: 1e-6 * (1 + i % 5) as f64,
        priority: (i % 2) as u8,
        locality: (i % 3) as u16,
    };
    let pool = |members: std::ops::Range<usize>| PoolConfig {
        members: members.map(member).collect(),
        localities: (0..3).map(|i| Locality { weight: 1.0, callers: 1.0 / 3.0, local: i == 0 }).collect(),
        choose,
        degraded: false,
        max_requests: None,
    };
    let minute = |limit| Some(WindowConfig { limit, window: Span::from_mins(1) });
    let windows = PlainConfig { requests: minute(40), tokens: minute(40_000), retry_after: false };
    let limited = |i| (DeploymentIx::new(i), LimiterConfig::FixedWindow(windows));
    let cooldown = CooldownConfig { failures: 3, time: Span::from_secs(5), rate_limited_at_once: true };
    let config = RouterConfig {
        chain: vec![pool(0..20), pool(20..30)],
        attempts_per_pool: 3,
        delay: Delay::AwsStandard,
        budget: Some(budget),
        throttle: Some(throttle),
        limits: LimitsConfig { of: (0..30).step_by(3).map(limited).collect(), epoch: Span::ZERO },
        on: ErrorSet::of(&ErrorClass::ALL),
        guards: vec![
            GuardConfig::Cooldown(cooldown),
            GuardConfig::Outlier(OutlierConfig::ENVOY),
            GuardConfig::Breaker(BreakerConfig::RESILIENCE4J),
            GuardConfig::Hystrix(HystrixConfig::DEFAULT),
            GuardConfig::ActiveHealth(ActiveHealthConfig {
                interval: Span::from_secs(5),
                timeout: Span::from_secs(1),
                thresholds: ThresholdConfig { failures: 3, passes: 2 },
            }),
        ],
        legal: Vec::new(),
    };
    router::Router::new(config, 30).unwrap()
}

#[test]
fn after_warm_up_no_balancer_guard_budget_or_throttle_allocates() {
    let budgets = [
        BudgetConfig::Finagle(FinagleConfig::DEFAULT),
        BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE),
        BudgetConfig::Aws(AwsQuotaConfig::STANDARD),
        BudgetConfig::Concurrent(ConcurrentRetriesConfig::BUDGET),
    ];
    let throttles = [ThrottleConfig::Sre(SreConfig::BOOK), ThrottleConfig::AwsAdaptive];
    for (k, choose) in Choose::each().into_iter().enumerate() {
        // an index of prompts grows until it forgets: let it forget soon
        let choose = match choose {
            Choose::Inference(c) => Choose::Inference(InferenceConfig { lru_blocks: 100, ..c }),
            Choose::NetworkCost(c) => Choose::NetworkCost(NetworkCostConfig { lru_blocks: 100, ..c }),
            Choose::SelectivePush(c) => Choose::SelectivePush(SelectivePushConfig { lru_blocks: 100, ..c }),
            other => other,
        };
        let mut router = crowded_router(choose, budgets[k % 4], throttles[k % 2]);
        let mut entropy = Random(geodes::random::Stream::new(3));
        let (mut served, mut retried) = (0, 0);
        let mut now = Time::ZERO;
        let mut go_on = |from: u64, to: u64| {
            for i in from..to {
                now = now.max(Time(i * 100_000_000));
                // a prompt of 64 blocks, half of which others share
                let block = |b: u64| if b < 32 { b + i % 7 * 100 } else { b + i * 1_000 };
                let blocks: [u64; 64] = std::array::from_fn(|b| block(b as u64));
                let request =
                    Request { streams: true, input_tokens: 1_024, max_output: Some(100), affinity: i, blocks: &blocks };
                let mut journey = Journey::new(None);
                let mut command = router.on_request(now, &mut journey, &request, &mut entropy, &mut Silent);
                loop {
                    command = match command {
                        router::Command::Attempt { deployment, .. } => {
                            let sent = now;
                            now += Span::from_millis(100 + i % 50);
                            let fails = entropy.uniform() < if deployment.ix() < 20 { 0.06 } else { 0.02 };
                            let class = ErrorClass::ALL[entropy.pick(ErrorClass::ALL.len())];
                            let outcome =
                                if fails { Outcome::Failed { class, retry_after: None } } else { Outcome::Ok };
                            let seen = Observation {
                                outcome,
                                sent,
                                first_token: (!fails).then_some(sent + Span::from_millis(50)),
                                streamed: true,
                                input_tokens: 1_024,
                                cached_tokens: 0,
                                output_tokens: if fails { 0 } else { 50 },
                            };
                            let (next, _) = router.on_outcome(
                                now,
                                &mut journey,
                                &request,
                                deployment,
                                &seen,
                                &mut entropy,
                                &mut Silent,
                            );
                            next
                        }
                        router::Command::Wait { until } => {
                            now = now.max(until);
                            router.on_timeout(now, &mut journey, &request, &mut entropy, &mut Silent)
                        }
                        router::Command::Succeed => {
                            served += 1;
                            retried += u64::from(journey.attempts() > 1);
                            break;
                        }
                        router::Command::Fail { .. } | router::Command::Shed => break,
                    };
                }
            }
        };
        go_on(0, 5_000);
        let warm = allocations();
        go_on(5_000, 15_000);
        let more = allocations() - warm;
        let name = choose.name();
        assert!(served > 5_000 && retried > 100, "{name}: {served} {retried}");
        assert_eq!(more, 0, "{name}: allocations after warm-up");
    }
}
