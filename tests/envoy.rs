//! Envoy's way with a cluster, in the world: levels, panic, localities, the circuit breaker, and what is refused.

mod common;

use common::{good, one, shares, small, with_rate};
use geodes::routing::balance::Choose;
use geodes::routing::balance::envoy::EnvoyConfig;
use geodes::routing::guard::{ActiveHealthConfig, CooldownConfig, GuardConfig};
use geodes::routing::health::ThresholdConfig;
use geodes::routing::outcome::ErrorClass;
use geodes::scenario::model::{DistSpec, Fault, FaultWhat, FaultWhen, Scenario};
use geodes::units::{DeploymentIx, Span};
use geodes::world::Record;
use geodes::world::failure::Failure;

/// One gateway before deployments at these priority levels, 20 requests a second for an hour.
fn cluster(config: EnvoyConfig, priorities: &[u8]) -> Scenario {
    let mut s = with_rate(priorities.len(), 20);
    s.topologies[0].chain[0].choose = Choose::Envoy(config);
    s.topologies[0].chain[0].priorities = priorities.to_vec();
    s.topologies[0].retry.attempts_per_pool = 4;
    // who fails once is out for the rest of the day
    let cooldown = CooldownConfig { failures: 1, time: Span::from_hours(24), rate_limited_at_once: true };
    s.topologies[0].guards = vec![GuardConfig::Cooldown(cooldown)];
    s
}

#[test]
fn half_of_the_first_level_gets_seven_tenths() {
    let mut s = cluster(EnvoyConfig::DEFAULT, &[0, 0, 1, 1]);
    let got = shares(&one(&s));
    assert!((got[0] - 0.5).abs() < 0.001 && got[2] + got[3] == 0.0, "all well, all on the first level: {got:?}");
    s.deployments[1].error_rate = 1.0;
    let got = shares(&one(&s));
    for (g, expected) in got.iter().zip([0.7, 0.0, 0.15, 0.15]) {
        assert!((g - expected).abs() < 0.005, "{got:?}");
    }
}

#[test]
fn panic_calls_those_that_are_out_and_without_it_the_rest_takes_all() {
    let with = |config| {
        let mut s = cluster(config, &[0; 4]);
        (0..3).for_each(|d| s.deployments[d].error_rate = 1.0);
        one(&s)
    };
    let panic: Record = with(EnvoyConfig::DEFAULT);
    assert!(panic.deployments[0].attempts > panic.requests() / 5, "a quarter is left: all are called");
    let never = with(EnvoyConfig { panic_threshold: 0, ..EnvoyConfig::DEFAULT });
    assert_eq!(never.deployments[0].attempts, 1);
    assert_eq!(never.failed(), 0);
    let fails = with(EnvoyConfig { fail_traffic_on_panic: true, ..EnvoyConfig::DEFAULT });
    assert!(fails.failed() > fails.requests() * 9 / 10, "{} of {}", fails.failed(), fails.requests());
}

#[test]
fn one_attempt_per_priority_walks_down_the_providers() {
    let attempts = |attempts_per_priority| {
        let mut s = cluster(EnvoyConfig { attempts_per_priority, ..EnvoyConfig::DEFAULT }, &[0, 0, 0, 1]);
        s.topologies[0].guards.clear();
        (0..3).for_each(|d| s.deployments[d].error_rate = 1.0);
        let r = one(&s);
        assert_eq!(r.failed(), 0);
        r.attempts as f64 / r.requests() as f64
    };
    assert_eq!(attempts(None), 4.0, "the first level is in service, so its members are tried one by one");
    assert_eq!(attempts(Some(1)), 2.0);
    assert_eq!(attempts(Some(2)), 3.0);
}

#[test]
fn more_calls_than_a_cluster_may_have_out_are_refused_by_the_gateway() {
    let with = |max_requests| {
        let mut s = cluster(EnvoyConfig::DEFAULT, &[0, 0]);
        s.deployments.iter_mut().for_each(|d| d.ttft = DistSpec::Constant(1.0));
        s.topologies[0].chain[0].max_requests = max_requests;
        one(&s)
    };
    assert_eq!(with(None).failed(), 0);
    let r = with(Some(10));
    // Erlang's formula for 20 calls' worth of load on 10 places: more than half is refused
    let refused = r.failed() as f64 / r.requests() as f64;
    assert!((0.50..0.60).contains(&refused), "{refused}");
    assert_eq!(r.attempts, r.requests() - r.failed(), "nothing else is tried");
    assert_eq!(r.failures[Failure::Shed as usize], r.failed());
}

#[test]
fn active_checks_take_out_what_is_down_before_users_find_out() {
    let outage = |guards: Vec<GuardConfig>, what: FaultWhat| {
        let mut s = cluster(EnvoyConfig { panic_threshold: 0, ..EnvoyConfig::DEFAULT }, &[0, 0]);
        s.topologies[0].guards = guards;
        let (at, lasts) = (Span::from_mins(10), Span::from_mins(20));
        s.faults.push(Fault { name: "down".to_owned(), when: FaultWhen::At { at, lasts }, what });
        let r = one(&s);
        assert_eq!(r.failed(), 0);
        // calls that failed over all requests of the outage
        (r.attempts - r.requests()) as f64 / (20.0 * 1200.0)
    };
    let provider = || FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error: ErrorClass::Unavailable };
    let checks = GuardConfig::ActiveHealth(ActiveHealthConfig {
        interval: Span::from_secs(5),
        timeout: Span::from_secs(1),
        thresholds: ThresholdConfig { failures: 3, passes: 2 },
    });
    let without = outage(vec![], provider());
    // two take turns, and a retry is a turn too: after it the next request begins with the same one again
    assert!(without > 0.95, "nearly every request meets it: {without}");
    // an error counts at once, so until the next check: at most 5 of 1200 seconds
    let with = outage(vec![checks], provider());
    assert!(with > 0.0 && with < 6.0 / 1200.0, "{with}");
}

/// Users and gateways on two continents, three deployments on each.
fn two_continents(choose: &str) -> String {
    let rest = format!(
        r#"
[deployment.us1]
extends = "gpt"
[deployment.us2]
extends = "gpt"
[deployment.us3]
extends = "gpt"
[deployment.eu1]
extends = "gpt"
region = "azure:swedencentral"
[deployment.eu2]
extends = "eu1"
[deployment.eu3]
extends = "eu1"
[pool.gpt]
deployments = ["us1", "us2", "us3", "eu1", "eu2", "eu3"]
{choose}
[topology.two]
regions = ["aws:us-east-1", "aws:eu-central-1"]
chain = ["gpt"]
"#
    );
    small(&["Berlin", "Chicago"], "abstract = true", &rest)
}

fn messages(choose: &str) -> Vec<String> {
    common::messages(&two_continents(choose))
}

/// Share of each deployment's work that comes from Chicago, whose users go to the American gateway.
fn from_america(choose: &str) -> Vec<f64> {
    let r = one(&good(&two_continents(choose)));
    let tokens = |group: usize, d: usize| r.usage.input_tokens[group * 6 + d] as f64;
    (0..6).map(|d| tokens(1, d) / (tokens(0, d) + tokens(1, d))).collect()
}

#[test]
fn zone_aware_routing_keeps_calls_on_their_continent() {
    let without = from_america("choose = \"envoy\"");
    assert!(without.iter().all(|s| (0.4..0.6).contains(s)), "{without:?}");
    let with = from_america("choose.envoy = { localities = \"zone_aware\" }");
    assert_eq!(with, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    // with too few members it does not begin
    let late = messages("choose.envoy = { localities.zone_aware = { min_cluster_size = 7 } }");
    assert_eq!(late, ["the first level has 6 members, and localities matter from 7 on: never"]);
}

#[test]
fn what_could_never_do_anything_is_refused() {
    let cases = [
        ("choose.envoy = { attempts_per_priority = 1 }", "there is one priority level: no other one could be tried"),
        ("choose = \"envoy\"\npriorities = { us1 = 2 }", "no member has priority 1, but one has 2"),
        (
            "choose.envoy = { panic_threshold = 0, fail_traffic_on_panic = true }",
            "a level that never panics has no traffic to fail",
        ),
        (
            "choose.envoy = { hosts = \"maglev\", slow_start = { window = \"1 min\" } }",
            "slow start has no effect on hosts that are chosen at random or by hash",
        ),
        (
            "choose.envoy = { hosts = \"ring_hash\", localities = \"weighted\" }",
            "a host that is found by hash has no locality that could be chosen before",
        ),
        (
            "choose.envoy = { localities = \"weighted\" }\nlocality_weights = { \"azure:eastus2\" = 0.0, \"azure:swedencentral\" = 0.0 }",
            "all weights of localities are 0",
        ),
        ("choose.envoy = { localities = \"weighted\" }\nlocality_weights = { mars = 1.0 }", "unknown locality `mars`"),
        (
            "choose.envoy = { localities = \"weighted\" }\nlocalities = { us1 = \"x\", us2 = \"x\", us3 = \"x\", eu1 = \"x\", eu2 = \"x\", eu3 = \"x\" }",
            "all members stand in `x`: there is no locality to choose",
        ),
        ("choose.maglev = { table_size = 1000 }", "a table of 1000 entries: the size must be a prime number"),
        ("choose.maglev = { table_size = 5 }", "a table of 5 entries is too small for 6 members"),
        (
            "choose = \"maglev\"\nweights = { us1 = 0, us2 = 0, us3 = 0, eu1 = 0, eu2 = 0, eu3 = 0 }",
            "all weights of pool `gpt` are 0",
        ),
        ("max_requests = 0", "`max_requests` is 0, which is out of range"),
        // warnings
        ("priorities = { us1 = 0 }", "priorities have no effect"),
        ("choose = \"envoy\"\nlocalities = { us1 = \"x\" }", "localities have no effect"),
        (
            "choose.envoy = { localities = \"zone_aware\" }\nlocality_weights = { \"azure:eastus2\" = 2.0 }",
            "weights of localities have no effect",
        ),
    ];
    for (choose, expected) in cases {
        assert_eq!(messages(choose), [expected], "{choose}");
    }
}
