//! What ejection, breakers, retry budgets and throttles do in the world: each is switched on alone and must change what it
//! is for.

mod common;

use common::{GOOD, good, messages, one, small, with_rate};
use geodes::routing::balance::envoy::EnvoyConfig;
use geodes::routing::balance::{Choose, LeastRequestConfig, MAGLEV_TABLE, PeakEwma};
use geodes::routing::guard::{BreakerConfig, GuardConfig, HystrixConfig, OutlierConfig};
use geodes::routing::limits::{BucketConfig, LimiterConfig, PlainConfig};
use geodes::routing::outcome::{ErrorClass, ErrorSet};
use geodes::routing::retry::budget::{
    AwsQuotaConfig, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig,
};
use geodes::routing::throttle::{SreConfig, ThrottleConfig};
use geodes::scenario::model::{DistSpec, QuotaUse, Scenario};
use geodes::units::{DeploymentIx, PerNanos, Span};
use geodes::world::Record;
use geodes::world::failure::Failure;

/// One gateway before `n` deployments, 20 requests a second for an hour; deployment 0 always fails.
fn first_fails(n: usize) -> Scenario {
    let mut s = with_rate(n, 20);
    s.deployments[0].error_rate = 1.0;
    s.topologies[0].chain[0].choose = Choose::RoundRobin;
    s.topologies[0].retry.attempts_per_pool = 4;
    s
}

#[test]
fn guards_keep_calls_away_from_what_always_fails() {
    let plain = one(&first_fails(2));
    assert!(plain.deployments[0].attempts > plain.requests() / 3);
    let eject = OutlierConfig { max_ejection_percent: 50, ..OutlierConfig::ENVOY };
    for guard in [
        GuardConfig::Outlier(eject),
        GuardConfig::Breaker(BreakerConfig::RESILIENCE4J),
        GuardConfig::Hystrix(HystrixConfig::DEFAULT),
    ] {
        let mut s = first_fails(2);
        s.topologies[0].guards = vec![guard];
        let r = one(&s);
        assert!(r.deployments[0].attempts < plain.deployments[0].attempts / 20, "{guard:?}: {:?}", r.deployments[0]);
        assert_eq!(r.failed(), 0);
    }
}

#[test]
fn a_retry_budget_bounds_what_a_full_outage_multiplies() {
    let outage = |budget| {
        let mut s = first_fails(1);
        s.topologies[0].retry.budget = budget;
        let r = one(&s);
        assert_eq!(r.failed(), r.requests());
        r.attempts as f64 / r.requests() as f64
    };
    assert_eq!(outage(None), 4.0, "N retries multiply the load by N + 1");
    // 100 retries in reserve every 10 s, of 200 requests, and a fifth of them
    let finagle = outage(Some(BudgetConfig::Finagle(FinagleConfig::DEFAULT)));
    assert!((finagle - 1.7).abs() < 0.02, "{finagle}");
    let tenth = FinagleConfig { min_retries_per_sec: 0, percent: 10, ..FinagleConfig::DEFAULT };
    let tenth = outage(Some(BudgetConfig::Finagle(tenth)));
    assert!((1.09..=1.1).contains(&tenth), "{tenth}: a budget of 10 % caps it at 1.1");
    for budget in [BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE), BudgetConfig::Aws(AwsQuotaConfig::STANDARD)] {
        let factor = outage(Some(budget));
        assert!((1.0..1.001).contains(&factor), "{budget:?}: {factor}");
    }
}

#[test]
fn concurrent_retries_are_bounded_by_number() {
    // every call takes 10 s, times out after 1 s, and 20 a second arrive: without a bound 4 times 20 are out
    let attempts = |budget| {
        let mut s = first_fails(1);
        s.deployments[0].error_rate = 0.0;
        s.deployments[0].ttft = DistSpec::Constant(10.0);
        s.topologies[0].retry.first_token_timeout = Span::from_secs(1);
        s.topologies[0].retry.total_timeout = Span::from_secs(1);
        s.topologies[0].retry.on = ErrorSet::of(&[ErrorClass::Timeout]);
        s.topologies[0].retry.budget = budget;
        let r = one(&s);
        r.attempts as f64 / r.requests() as f64
    };
    assert_eq!(attempts(None), 4.0);
    // at most three at once, for a second and a pause of at most 0.4 s each: 2.1 to 3 retries a second for 20 requests
    let bounded = attempts(Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig::MAX_RETRIES)));
    assert!((1.0 + 2.1 / 20.0..=1.0 + 3.0 / 20.0).contains(&bounded), "{bounded}");
}

#[test]
fn a_throttle_spares_a_backend_that_refuses_and_says_so() {
    let mut s = first_fails(1);
    s.topologies[0].retry.attempts_per_pool = 1;
    s.topologies[0].throttle = Some(ThrottleConfig::Sre(SreConfig::BOOK));
    let r = one(&s);
    assert_eq!(r.failed(), r.requests());
    assert!(r.attempts < r.requests() / 500, "{} of {}", r.attempts, r.requests());
    assert_eq!(r.failures[Failure::Shed as usize], r.requests() - r.attempts);
}

/// A gateway that knows the provider's quota sends no call that would be refused: the provider refuses nothing, and the
/// same requests are served. Without the limit every refused call costs a round trip.
#[test]
fn a_gateways_own_limit_spares_the_provider_what_it_would_refuse() {
    let rate = |per_second: u64| {
        let rate = PerNanos { micro_count: per_second * 1_000_000, nanos: 1_000_000_000 };
        let bucket = BucketConfig { rate, capacity: 10 };
        LimiterConfig::TokenBucket(PlainConfig { requests: Some(bucket), tokens: None, retry_after: false })
    };
    let mut s = first_fails(2);
    s.deployments[0].error_rate = 0.0;
    s.deployments[0].quota = Some(QuotaUse::own(rate(5)));
    s.topologies[0].chain[0].choose = Choose::InOrder;
    let without = one(&s);
    s.topologies[0].limits = vec![(DeploymentIx(0), rate(5))];
    let with = one(&s);
    let refused = |r: &Record| r.deployments[0].rate_limited;
    let served = |r: &Record| r.deployments[0].attempts - refused(r);
    assert_eq!((without.failed(), with.failed()), (0, 0));
    assert!(refused(&without) > without.requests() / 2, "{}", refused(&without));
    assert_eq!(refused(&with), 0);
    assert!(served(&with).abs_diff(5 * 3600) < 20 && served(&without).abs_diff(5 * 3600) < 20);
}

const ONE_TOPOLOGY: &str = r#"
[topology.one]
regions = ["aws:us-east-1"]
chain = ["gpt"]
"#;

/// A bare key of the language means the constants of the library, whose tests name their source.
#[test]
fn what_a_key_means_without_more_is_what_the_library_says() {
    let deployments: String = (1..10).map(|i| format!("[deployment.gpt-{i}]\nextends = \"gpt\"\n")).collect();
    let topology = |pool: &str, topology: &str| {
        let names: Vec<String> = (1..10).map(|i| format!("\"gpt-{i}\"")).collect();
        let text = format!("{deployments}[pool.gpt]\ndeployments = [\"gpt\", {}]\n{pool}\n", names.join(", "));
        good(&small(&["Berlin"], "concurrency = 100", &format!("{text}{ONE_TOPOLOGY}{topology}"))).topologies[0].clone()
    };
    let guard = |lines: &str, expected: GuardConfig| {
        let guards = topology("", lines).guards;
        assert!(guards.contains(&expected), "{lines}: {guards:?}");
    };
    guard("breaker = \"resilience4j\"", GuardConfig::Breaker(BreakerConfig::RESILIENCE4J));
    guard("breaker = \"hystrix\"", GuardConfig::Hystrix(HystrixConfig::DEFAULT));
    guard("outlier = {}", GuardConfig::Outlier(OutlierConfig::ENVOY));
    let budget = |name: &str| topology("", &format!("retry.budget = \"{name}\"")).retry.budget;
    assert_eq!(budget("finagle"), Some(BudgetConfig::Finagle(FinagleConfig::DEFAULT)));
    assert_eq!(budget("grpc"), Some(BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE)));
    assert_eq!(budget("aws_standard"), Some(BudgetConfig::Aws(AwsQuotaConfig::STANDARD)));
    assert_eq!(budget("aws_classic"), Some(BudgetConfig::Aws(AwsQuotaConfig::CLASSIC)));
    assert_eq!(budget("envoy"), Some(BudgetConfig::Concurrent(ConcurrentRetriesConfig::BUDGET)));
    assert_eq!(topology("", "throttle = \"sre\"").throttle, Some(ThrottleConfig::Sre(SreConfig::BOOK)));
    let choose = |name: &str| topology(&format!("choose = \"{name}\""), "").chain[0].choose;
    assert_eq!(choose("envoy"), Choose::Envoy(EnvoyConfig::DEFAULT));
    assert_eq!(choose("least_request"), Choose::LeastRequest(LeastRequestConfig::ENVOY));
    assert_eq!(choose("peak_ewma"), Choose::PeakEwma(PeakEwma::DECAY));
    assert_eq!(choose("maglev"), Choose::Maglev(MAGLEV_TABLE));
}

/// gRPC proposal A6: clients treat a `maxAttempts` above 5 as 5.
#[test]
fn more_attempts_than_a_grpc_client_makes_are_warned_of() {
    let text = |attempts: u32, backoff: &str| {
        std::fs::read_to_string("tests/broken/envoy_priority_skipped.toml")
            .unwrap()
            .replace("priorities = { gpt-eu = 2 }", "")
            .replace(
                "[topology.two]",
                &format!("retry = {{ attempts_per_pool = {attempts}, {backoff} }}\n[topology.two]"),
            )
    };
    let warned = |attempts, backoff| {
        messages(&text(attempts, backoff)).iter().any(|message| message.contains("at most 5 attempts"))
    };
    let grpc = "backoff.grpc = { initial = \"100 ms\", max = \"1 s\", multiplier = 2.0 }";
    assert!(warned(6, grpc) && !warned(5, grpc) && !warned(6, "backoff = \"openai\""));
}

#[test]
fn every_form_of_the_language_reaches_the_router() {
    let said = |lines: &str| {
        let t = &good(&format!("{GOOD}{lines}")).topologies[0];
        format!("{:?} {:?} {:?} {:?} {:?}", t.retry.delay, t.retry.budget, t.guards, t.throttle, t.limits)
    };
    let plain = said("");
    let mut seen = vec![plain];
    for lines in [
        "retry.backoff = \"aws_standard\"",
        "retry.backoff = \"aws_classic\"",
        "retry.backoff.grpc = { initial = \"100 ms\", max = \"1 s\", multiplier = 1.6 }",
        "retry.backoff = \"openai\"",
        "retry.backoff = \"anthropic\"",
        "retry.backoff = \"envoy\"",
        "retry.backoff = \"portkey\"",
        "retry.backoff = \"bifrost\"",
        "retry.budget = \"finagle\"",
        "retry.budget = \"grpc\"",
        "retry.budget = \"aws_standard\"",
        "retry.budget = \"aws_classic\"",
        "retry.budget = \"envoy\"",
        "outlier = { always_eject_one_host = true }",
        "breaker = \"resilience4j\"",
        "breaker = \"hystrix\"",
        "throttle = \"sre\"",
        "throttle = \"aws_adaptive\"",
        "limits.gpt.token_bucket.requests = \"60 requests/min\"",
        "limits.gpt.catalog = \"azure/gpt-4o/standard/default\"",
    ] {
        let now = said(lines);
        assert!(!seen.contains(&now), "{lines} changes nothing");
        seen.push(now);
    }
    assert!(seen[14].contains("consecutive_5xx: Some(5)"), "{}", seen[14]);
    assert!(seen[11].contains("cost: 14"), "{}", seen[11]);
}
