//! Worlds with a product before their deployments, or with a fleet behind them: the last hours allocate nothing.

use super::{STRATEGIES, allocations};
use geodes::random::Seed;
use geodes::routing::limits::{BucketConfig, LimiterConfig, PlainConfig};
use geodes::routing::litellm::config::{Config, Deployment, Fallbacks, Options, Target as RoutedTo};
use geodes::routing::placement::{PlacementConfig, Policy, SpotHedgeConfig};
use geodes::routing::retry::Hedging;
use geodes::scenario::model::{
    Arrivals, Ask, BifrostAsk, BifrostGateway, DistSpec, Fleet, Gateway, LiteLlmEntry, LiteLlmGateway, PortkeyAsk,
    PortkeyGateway, Replicas, Scenario, TraceRows, Zone,
};
use geodes::units::{DeploymentIx, Money, PerNanos, Price, Span, Time};
use geodes::world::{Record, Run};
use std::sync::Arc;

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
    let record = last_hour(&s, name);
    let degraded: u64 = record.groups.iter().map(|g| g.degraded).sum();
    assert!(record.requests() > 14_000 && record.attempts > 15_000 && degraded > 50, "{name}: {degraded}");
}

/// Runs four hours of which the last may not allocate.
fn last_hour(s: &Scenario, name: &str) -> Record {
    let mut run = Run::new(s, 0, Seed { seed: 1, replication: 0 });
    run.advance_to(Time::ZERO + Span::from_hours(3));
    let warm = allocations();
    run.advance_to(Time::ZERO + s.horizon);
    let more = allocations() - warm;
    run.advance_observed(&mut |_, _, _, _| ());
    assert_eq!(more, 0, "{name}: allocations in the last of four hours");
    run.finish()
}

/// Three calls of every turn race, of which two lose and some fail; what they hold of the gateway's limits comes back.
#[test]
fn after_warm_up_a_world_in_which_calls_race_does_not_allocate() {
    for delay in [Span::ZERO, Span::from_millis(300)] {
        let mut s = geodes::scenario::plain(3);
        (s.horizon, s.interval) = (Span::from_hours(4), Span::from_hours(4));
        // even arrivals: a crowd that is larger than any before takes memory
        let rows = (0..16_000).map(|i| (Span::from_millis(900 * i), 1, 1)).collect();
        s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::new(TraceRows { name: "even".to_owned(), rows }) };
        for (i, d) in s.deployments.iter_mut().enumerate() {
            d.ttft = DistSpec::Constant(1.0 + i as f64);
            d.error_rate = 0.3;
        }
        let t = &mut s.topologies[0];
        t.retry.attempts_per_pool = 3;
        t.retry.hedging = Some(Hedging::Grpc { delay });
        let rate = PerNanos { micro_count: 1_000_000_000, nanos: 1_000_000_000 };
        let bucket = BucketConfig { rate, capacity: 10_000 };
        let config = PlainConfig { requests: Some(bucket), tokens: None, retry_after: false };
        t.limits = (0..3).map(|d| (DeploymentIx::new(d), LimiterConfig::TokenBucket(config))).collect();
        let record = last_hour(&s, "hedging");
        assert!(record.attempts > 2 * record.requests(), "{} of {}", record.attempts, record.requests());
    }
}

/// A controller that looks at its replicas every 20 s and is refused more of them every time.
#[test]
fn after_warm_up_a_world_with_a_fleet_does_not_allocate() {
    let mut s = geodes::scenario::plain(1);
    (s.horizon, s.interval) = (Span::from_hours(4), Span::from_hours(4));
    let price = |dollars| Price::new(Money::from_dollars(dollars), 3_600_000_000_000);
    s.deployments[0].replicas = Some(Replicas {
        concurrency: 8,
        start_up: Span::from_secs(60),
        notice: Span::ZERO,
        on_demand_price: price(3),
        zones: vec![Zone { name: "a".to_owned(), spot_price: price(1), capacity: Some(1) }],
    });
    let policy = Policy::SpotHedge(SpotHedgeConfig { extra: 1, always_on_demand: 1 });
    let placement = PlacementConfig { target: 3, interval: Span::from_secs(20), policy };
    s.topologies[0].fleets = vec![Fleet { name: "own".to_owned(), deployments: vec![DeploymentIx::new(0)], placement }];
    let record = last_hour(&s, "fleet");
    assert_eq!((record.fleets[0].refused, record.failed()), (719 * 2, 0), "two at every look");
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

/// Prompt caches in which entries come and go all the time: by age, and for want of room.
#[test]
fn after_warm_up_a_world_with_prompt_caches_does_not_allocate() {
    use geodes::scenario::model::{Context, PromptCache, Sizes};
    let service =
        PromptCache { ttl: Some(Span::from_mins(5)), capacity: None, minimum: 1_024, step: 128, answers: false };
    let engine = PromptCache { ttl: None, capacity: Some(100_000), minimum: 0, step: 16, answers: true };
    for (cache, name) in [(service, "service"), (engine, "engine")] {
        let mut s = geodes::scenario::plain(1);
        (s.horizon, s.interval) = (Span::from_hours(4), Span::from_hours(4));
        s.workloads[0].context = Context::Growing { system_tokens: 1_500, max_tokens: 100_000 };
        s.workloads[0].sizes = Sizes::Fixed { input: 500, output: 1 };
        s.deployments[0].ttft = DistSpec::Constant(0.5);
        s.deployments[0].prompt_cache = Some(cache);
        let record = last_hour(&s, name);
        assert!(record.usage.cached_tokens[0] > record.requests() * 1_400, "{name}");
    }
}
