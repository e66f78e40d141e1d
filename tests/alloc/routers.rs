//! Routers by themselves: no allocation once their buffers have grown.

use super::{STRATEGIES, allocations};
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
use geodes::units::{DeploymentIx, Span, Time};

struct Random(geodes::random::Stream);

impl Entropy for Random {
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

/// An answer, or so often a failure, of every class; streamed if there is a first token.
fn end_of_call(entropy: &mut Random, sent: Time, fails: f64, first_token: Option<Time>) -> Observation {
    let fails = entropy.uniform() < fails;
    let class = ErrorClass::ALL[entropy.pick(ErrorClass::ALL.len())];
    Observation {
        outcome: if fails { Outcome::Failed { class, retry_after: None } } else { Outcome::Ok },
        sent,
        first_token: first_token.filter(|_| !fails),
        streamed: first_token.is_some(),
        input_tokens: 500,
        cached_tokens: 0,
        output_tokens: if fails { 0 } else { 50 },
    }
}

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
                            // mostly the first model fails
                            let often = if deployment.ix() < 20 { 0.4 } else { 0.05 };
                            let seen = end_of_call(&mut entropy, sent, often, None);
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
        hedging: None,
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
                            let often = if deployment.ix() < 20 { 0.06 } else { 0.02 };
                            let first_token = Some(sent + Span::from_millis(50));
                            let seen = end_of_call(&mut entropy, sent, often, first_token);
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
                        router::Command::Await => unreachable!("nothing races"),
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
