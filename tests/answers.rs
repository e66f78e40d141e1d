//! Which error a deployment answers: gateways act on the class, so each test changes that alone.

mod common;
#[path = "common/product.rs"]
mod product;

use common::{attempts, one, with_rate};
use geodes::routing::guard::{ActiveHealthConfig, GuardConfig, OutlierConfig};
use geodes::routing::health::ThresholdConfig;
use geodes::routing::outcome::{ErrorClass, ErrorSet};
use geodes::routing::steering::Policy;
use geodes::scenario::model::{
    Access, Arrivals, DeepCheck, DistSpec, Fault, FaultWhat, FaultWhen, Sizes, Steering, TraceRows,
};
use geodes::scenario::plain_region;
use geodes::units::{DeploymentIx, RegionIx, Span};
use geodes::world::Record;
use geodes::world::failure::Failure;
use product::{DOWN, product};
use std::sync::Arc;

/// `DOWN` with another answer.
fn down(error: &str) -> String {
    DOWN.replace("[\"a\"] }", &format!("[\"a\"], error = \"{error}\" }}"))
}

/// Three requests of ten fail at `a`, all the time.
fn sometimes(error: &str) -> String {
    format!(
        "[[fault]]\nname = \"some\"\nat = \"0 s\"\nlasts = \"10 min\"\nwhat.provider_brown_out = {{ deployments = [\"a\"], error_rate = 0.3, error = \"{error}\" }}\n"
    )
}

/// LiteLLM with these settings before groups, each of these deployments.
fn litellm(settings: &str, groups: &[(&str, &str)], more: &str) -> Record {
    let list: String = groups
        .iter()
        .map(|(group, d)| {
            format!("[[topology.proxy.gateway.litellm.model_list]]\nmodel_name = \"{group}\"\ndeployment = \"{d}\"\n")
        })
        .collect();
    one(&product("litellm", &format!("model = \"main\"\n{settings}\n{list}"), more))
}

/// `router.py: async_function_with_fallbacks_common_utils`: the list of the failure's own kind, and none of the others.
#[test]
fn litellm_falls_back_by_the_kind_of_the_error() {
    let groups = [("main", "a"), ("lenient", "b"), ("spare", "c")];
    let lists = |own: &str, error: &str| {
        let settings =
            format!("num_retries = 0\ndisable_cooldowns = true\nfallbacks = {{ main = [\"spare\"] }}\n{own}");
        let r = litellm(&settings, &groups, &sometimes(error));
        assert_eq!((r.failed(), r.deployments[0].attempts), (0, r.requests()));
        let (n, got) = (r.requests() as f64, attempts(&r));
        let hit = got[1] + got[2];
        // four standard deviations
        assert!((hit as f64 - 0.3 * n).abs() < 4.0 * (n * 0.21).sqrt(), "{got:?} of {n}");
        (got[1] == hit, got[2] == hit)
    };
    let (lenient, spare) = ((true, false), (false, true));
    let content = "content_policy_fallbacks = { main = [\"lenient\"] }";
    let context = "context_window_fallbacks = { main = [\"lenient\"] }";
    assert_eq!(lists(content, "content_policy"), lenient);
    assert_eq!(lists(context, "context_window"), lenient);
    for (own, error) in
        [(content, "context_window"), (context, "content_policy"), (content, "503"), ("", "content_policy")]
    {
        assert_eq!(lists(own, error), spare, "{own} {error}");
    }
}

/// `cooldown_handlers.py: _should_cooldown_deployment`: a status that no retry mends takes the deployment out at once, even if
/// it is alone; 403 is not among those that are looked at; 503 needs more than half of at least five calls, and another
/// deployment.
#[test]
fn litellm_cools_down_at_once_on_a_dead_key() {
    let settings = "num_retries = 0\ncooldown_time = \"30 s\"";
    let both = |error: &str| litellm(settings, &[("main", "a"), ("main", "b")], &down(error));
    // five minutes of 2.5 calls a second to each
    let refused = both("403");
    assert!((650..850).contains(&refused.failures[Failure::AccessRefused as usize]), "{}", refused.failed());
    for error in ["401", "402", "404"] {
        let r = both(error);
        // one per cool-down, and what was on its way
        assert!((10..25).contains(&r.failed()), "{error}: {}", r.failed());
        assert!(r.watches[0].detected.is_some());
    }
    for error in ["503", "500", "408"] {
        let r = both(error);
        assert!((26..200).contains(&r.failed()), "{error}: more than half of five calls: {}", r.failed());
    }
    let alone = |error: &str| litellm(settings, &[("main", "a")], &down(error));
    let (dead, down) = (alone("401"), alone("503"));
    let calls = |r: &Record| r.deployments[0].attempts - (r.requests() - r.failed());
    assert!(calls(&dead) < 25 && calls(&down) == down.failed(), "{} {}", calls(&dead), calls(&down));
}

/// `RetryPolicy`: a number of retries per class of errors.
#[test]
fn litellm_retries_by_class() {
    let with = |policy: &str, error: &str| {
        let settings = format!("num_retries = 0\ndisable_cooldowns = true\nretry_policy = {{ {policy} }}");
        let r = litellm(&settings, &[("main", "a")], &down(error));
        // those that fail took all their calls, but for the few that saw the end of the fault
        let (lost, calls) = (r.failed() as f64, (r.deployments[0].attempts - r.requests() + r.failed()) as f64);
        calls / lost
    };
    let cases = [
        ("authentication", "401"),
        ("bad_request", "400"),
        ("content_policy_violation", "content_policy"),
        ("internal_server", "500"),
        ("not_found", "404"),
        ("rate_limit", "429"),
        ("service_unavailable", "503"),
        ("timeout", "408"),
    ];
    for (name, error) in cases {
        for (other, _) in cases {
            let n = with(&format!("{other} = 2"), error);
            // 400 has the entry of its own subclass first, and no other class shares one
            let expected = if other == name || (other, error) == ("bad_request", "content_policy") { 3.0 } else { 1.0 };
            assert!((n - expected).abs() < 0.1, "{other} = 2: {n} calls of each failed with {error}");
        }
    }
}

/// `core` of Bifrost: 401, 402 and 403 take the key out of the request and lead to another at once; when none is left, the answer
/// is a 502 of its own.
#[test]
fn bifrost_leaves_a_dead_key_for_another() {
    let with = |retries: u32, keys: &str, error: &str| {
        let gateway = format!("weights.azure = 1\nprovider.azure = {{ max_retries = {retries}, keys = [{keys}] }}");
        one(&product("bifrost", &gateway, &down(error)))
    };
    let two = "{ deployment = \"a\", weight = 3 }, { deployment = \"b\" }";
    for error in ["401", "402", "403"] {
        let r = with(1, two, error);
        assert_eq!(r.failed(), 0, "{error}");
        let again = r.attempts - r.requests();
        assert!((1_000..1_250).contains(&again), "three of four of the outage's 1500 meet the dead key: {again}");
        // at once: 0.5 s of a pause would show in the slowest tenth
        let slowest = r.groups[0].e2e.percentile(0.99).unwrap();
        assert!(slowest < 1_000_000_000, "{slowest}");
    }
    let final_one = with(1, two, "404");
    assert!(
        final_one.failures[Failure::AccessRefused as usize] > 1_000,
        "it is not tried again: {}",
        final_one.failed()
    );
    let outage = with(1, two, "503");
    assert!(outage.failures[Failure::Unavailable as usize] > 900, "the same key again: {}", outage.failed());
    let alone = with(3, "{ deployment = \"a\" }", "401");
    assert!(alone.failures[Failure::BadGateway as usize] > 1_400, "{}", alone.failed());
    assert_eq!(alone.attempts, alone.requests());
}

/// Envoy's outlier detection: a gateway failure is 502, 503 or 504; an error of 5xx is 500 as well.
#[test]
fn envoy_tells_gateway_failures_from_other_errors() {
    let lost = |eject: OutlierConfig, error: ErrorClass| {
        let mut s = with_rate(2, 20);
        s.topologies[0].retry.on = ErrorSet::default();
        let eject = OutlierConfig { max_ejection_percent: 50, success_rate: None, ..eject };
        s.topologies[0].guards = vec![GuardConfig::Outlier(eject)];
        s.faults.push(fault("down", 600, 1200, FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error }));
        let r = one(&s);
        // the nearest gets everything until it is out
        r.failed() as f64 / (20.0 * 1200.0)
    };
    let off = OutlierConfig { consecutive_5xx: None, consecutive_gateway_failure: None, ..OutlierConfig::ENVOY };
    let gateway = OutlierConfig { consecutive_gateway_failure: Some(5), ..off };
    let errors = OutlierConfig { consecutive_5xx: Some(5), ..off };
    use ErrorClass::{BadGateway, GatewayTimeout, InternalError, Unauthorized, Unavailable};
    for class in [BadGateway, Unavailable, GatewayTimeout] {
        assert!(lost(gateway, class) < 0.1 && lost(errors, class) < 0.1, "{class:?}");
    }
    assert!(lost(gateway, InternalError) > 0.95 && lost(errors, InternalError) < 0.1);
    assert!(lost(errors, Unauthorized) > 0.95);
}

#[test]
fn portkey_picks_by_status_code() {
    let fallback = |codes: &str, error: &str| {
        let gateway = format!("strategy.fallback.on_status_codes = [{codes}]\ntargets = [\"a\", \"c\"]");
        one(&product("portkey", &gateway, &down(error))).failed()
    };
    assert_eq!(fallback("401, 404", "401"), 0);
    assert_eq!(fallback("401, 404", "404"), 0);
    assert!(fallback("401, 404", "403") > 1_300);
    assert!(fallback("500", "503") > 1_300 && fallback("500", "500") <= 3);
}

fn fault(name: &str, at: u64, lasts: u64, what: FaultWhat) -> Fault {
    Fault {
        name: name.to_owned(),
        when: FaultWhen::At { at: Span::from_secs(at), lasts: Span::from_secs(lasts) },
        what,
    }
}

/// The deployment's own errors are heard first, then those of brown-outs in the order of the file, whichever began first; an
/// outage is heard before all of them, and of two the one that stands first.
#[test]
fn of_several_errors_the_first_in_the_file_is_heard() {
    let mut s = with_rate(1, 20);
    s.topologies[0].retry.on = ErrorSet::default();
    (s.deployments[0].error_rate, s.deployments[0].error) = (0.2, ErrorClass::ContentPolicy);
    let deployments = || vec![DeploymentIx(0)];
    let brown =
        |error_rate, error| FaultWhat::ProviderBrownOut { deployments: deployments(), slower: 1.0, error_rate, error };
    let down = |error| FaultWhat::ProviderDown { deployments: deployments(), error };
    s.faults = vec![
        fault("late", 600, 2400, brown(0.5, ErrorClass::InternalError)),
        fault("early", 0, 3000, brown(0.5, ErrorClass::BadGateway)),
        fault("last", 3300, 300, down(ErrorClass::NotFound)),
        fault("before", 3000, 600, down(ErrorClass::Unavailable)),
    ];
    let r = one(&s);
    let of = |f: Failure| r.failures[f as usize] as f64 / 20.0;
    let expected = [
        // 3000 s at 0.2
        (Failure::ContentPolicy, 600.0),
        // 2400 s at 0.8 * 0.5
        (Failure::InternalError, 960.0),
        // 600 s at 0.8 * 0.5, 2400 s at 0.8 * 0.5 * 0.5
        (Failure::BadGateway, 240.0 + 480.0),
        (Failure::Unavailable, 300.0),
        (Failure::AccessRefused, 300.0),
    ];
    for (failure, seconds) in expected {
        // four standard deviations of a Poisson number
        let band = 4.0 * (seconds / 20.0f64).sqrt();
        assert!((of(failure) - seconds).abs() < band, "{failure:?}: {} s, not {seconds}", of(failure));
    }
    let known: f64 = expected.iter().map(|(f, _)| of(*f)).sum();
    assert!((known - r.failed() as f64 / 20.0).abs() < 1e-9, "other failures too: {:?}", r.failures);
}

/// A broken endpoint breaks what it has in service and fails checks. One that refuses requests does neither.
#[test]
fn whoever_refuses_requests_finishes_what_it_has() {
    let run = |error, guards: Vec<GuardConfig>| {
        let mut s = with_rate(2, 20);
        let rows: Vec<_> = (0..120).map(|i| (Span::from_secs(i), 100, 10)).collect();
        let trace = Arc::new(TraceRows { name: "test".to_owned(), rows });
        s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
        s.workloads[0].sizes = Sizes::Trace(trace);
        s.topologies[0].retry.on = ErrorSet::default();
        s.topologies[0].guards = guards;
        s.deployments[0].ttft = DistSpec::Constant(5.5);
        s.faults = vec![fault("down", 60, 60, FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error })];
        one(&s)
    };
    let (door, broken) = (run(ErrorClass::Unauthorized, vec![]), run(ErrorClass::InternalError, vec![]));
    // sent in the 60 s of the fault, and with an answer of 5.5 s those of the 5 s before
    assert_eq!(door.failures[Failure::AccessRefused as usize], 60);
    assert_eq!(broken.failures[Failure::InternalError as usize], 65);
    assert_eq!((door.failed(), broken.failed()), (60, 65));
    let checks = || {
        vec![GuardConfig::ActiveHealth(ActiveHealthConfig {
            interval: Span::from_secs(5),
            timeout: Span::from_secs(1),
            thresholds: ThresholdConfig { failures: 1, passes: 1 },
        })]
    };
    let (door, broken) = (run(ErrorClass::Unauthorized, checks()), run(ErrorClass::InternalError, checks()));
    assert_eq!((door.deployments[0].attempts, door.watches[0].detected), (120, None));
    // until the next check, at most 5 s
    assert!((60..=65).contains(&broken.deployments[0].attempts) && broken.watches[0].detected.is_some());
    assert_eq!(attempts(&broken).iter().sum::<u64>(), 120);
}

/// A deep check of a region sends a request as the application does: a dead key fails it, and a content filter does not.
#[test]
fn a_deep_check_meets_a_dead_key() {
    let elsewhere = |error| {
        let mut s = with_rate(2, 5);
        let t = &mut s.topologies[0];
        t.chain[0].members.truncate(1);
        t.regions.truncate(1);
        t.regions.push(plain_region(RegionIx::new(1)));
        // who finds no healthy region has the fallback
        let policy = Policy::CloudflareProximity { fallback: 1 };
        t.steering = Steering { policy, access: Access::Edge { edge_rtt: Span::ZERO } };
        t.health.deep = Some(DeepCheck { database: Span::ZERO, cache: Span::ZERO, model: Span::ZERO });
        s.faults =
            vec![fault("down", 600, 1200, FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error })];
        one(&s).regions[1].requests
    };
    for error in [ErrorClass::Unauthorized, ErrorClass::NotFound, ErrorClass::Unavailable, ErrorClass::RateLimited] {
        assert!(elsewhere(error) > 5_000, "{error:?}: {}", elsewhere(error));
    }
    assert_eq!(elsewhere(ErrorClass::ContentPolicy), 0);
}
