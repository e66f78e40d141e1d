//! Client libraries as a whole: what `retry.client` sets, what wins over it, and which attempts and pauses follow in the world.

mod common;

use common::{good, small};
use geodes::random::Seed;
use geodes::routing::outcome::ErrorClass;
use geodes::routing::retry::Delay;
use geodes::routing::retry::budget::{AwsQuotaConfig, BudgetConfig};
use geodes::routing::throttle::ThrottleConfig;
use geodes::scenario::model::{Arrivals, Scenario, TraceRows};
use geodes::units::Span;
use geodes::world::gateway::Command;
use geodes::world::log::Happening;
use geodes::world::{Record, Run, run};
use std::sync::Arc;

/// One deployment with these keys, and a topology with those.
fn scenario(gpt: &str, topology: &str) -> Scenario {
    let gpt = format!("{gpt}\n\n[pool.gpt]\ndeployments = [\"gpt\"]");
    let rest = format!("[topology.one]\nregions = [\"aws:us-east-1\"]\nchain = [\"gpt\"]\n{topology}\n");
    good(&small(&["Berlin"], &gpt, &rest))
}

fn preset(name: &str, more: &str) -> Scenario {
    scenario("", &format!("retry.client = \"{name}\"\n{more}"))
}

/// A turn at each of these seconds, with patience for hours.
fn turns(mut s: Scenario, seconds: &[u64]) -> Record {
    let rows = seconds.iter().map(|&at| (Span::from_secs(at), 100, 50)).collect();
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::new(TraceRows { name: "seconds".to_owned(), rows }) };
    s.workloads[0].limit = Span::from_hours(2);
    run(&s, 0, 0)
}

#[test]
fn a_preset_is_everything_that_the_client_does() {
    let secs = Span::from_secs;
    let openai = [ErrorClass::RequestTimeout, ErrorClass::Conflict, ErrorClass::ProviderOverloaded];
    let both = [
        ErrorClass::RateLimited,
        ErrorClass::QuotaExhausted,
        ErrorClass::InternalError,
        ErrorClass::BadGateway,
        ErrorClass::Unavailable,
        ErrorClass::GatewayTimeout,
        ErrorClass::Timeout,
        ErrorClass::ConnectionFailed,
    ];
    let standard = Some(BudgetConfig::Aws(AwsQuotaConfig::STANDARD));
    let classic = Some(BudgetConfig::Aws(AwsQuotaConfig::CLASSIC));
    let adaptive = Some(ThrottleConfig::AwsAdaptive);
    let cases = [
        ("openai", Delay::OpenAi, None, None, [5, 600, 600], true),
        ("anthropic", Delay::Anthropic, None, None, [5, 600, 600], true),
        ("aws_standard", Delay::AwsStandard, standard, None, [60, 60, 60], false),
        ("aws_adaptive", Delay::AwsStandard, standard, adaptive, [60, 60, 60], false),
        ("aws_classic", Delay::AwsClassic, classic, None, [60, 60, 60], false),
    ];
    for (name, delay, budget, throttle, times, sdk) in cases {
        let s = preset(name, "");
        let t = &s.topologies[0];
        let r = &t.retry;
        assert_eq!((r.attempts_per_pool, r.delay, r.budget, t.throttle), (3, delay, budget, throttle), "{name}");
        assert_eq!([r.connect_timeout, r.first_token_timeout, r.total_timeout], times.map(secs), "{name}");
        assert!(t.guards.is_empty() && r.hedging.is_none(), "{name}: nobody is taken out");
        for class in ErrorClass::ALL {
            let retried = both.contains(&class) || (sdk && openai.contains(&class));
            assert_eq!(r.on.contains(class), retried, "{name}: {}", class.name());
        }
        // where each value is from is part of the result, and the general defaults are not
        let key = |k: &str| format!("topology.*.{k} (client {name})");
        for k in ["retry.attempts_per_pool", "retry.backoff", "retry.on", "timeout.connect", "cooldown.enabled"] {
            let found = s.defaults.iter().find(|d| d.key == key(k)).unwrap_or_else(|| panic!("{name}: {k}"));
            assert!(!found.provenance.is_empty());
            assert!(s.defaults.iter().all(|d| d.key != format!("topology.*.{k}")), "{k} has two defaults");
        }
    }
}

#[test]
fn what_is_stated_wins_key_by_key() {
    let one = |more: &str| preset("aws_adaptive", more).topologies.remove(0);
    let plain = one("");
    let r = one("retry.attempts_per_pool = 5").retry;
    assert_eq!((r.attempts_per_pool, r.delay, r.on), (5, Delay::AwsStandard, plain.retry.on));
    let r = one("retry.backoff = \"openai\"").retry;
    assert_eq!((r.attempts_per_pool, r.delay, r.budget), (3, Delay::OpenAi, plain.retry.budget));
    let r = one("retry.on = [\"503\"]").retry;
    assert!(r.on.contains(ErrorClass::Unavailable) && !r.on.contains(ErrorClass::RateLimited));
    assert!(matches!(one("throttle = \"sre\"").throttle, Some(ThrottleConfig::Sre(_))));
    assert!(matches!(one("retry.budget = \"finagle\"").retry.budget, Some(BudgetConfig::Finagle(_))));
    // one time-out for both: the one that is stated bounds the other
    let times = |more: &str| {
        let r = one(more).retry;
        [r.connect_timeout, r.first_token_timeout, r.total_timeout].map(|t| t.nanos() / 1_000_000_000)
    };
    assert_eq!(times("timeout.total = \"20 s\""), [60, 20, 20]);
    assert_eq!(times("timeout.first_token = \"90 s\""), [60, 90, 90]);
    assert_eq!(times("timeout = { first_token = \"10 s\", total = \"90 s\", connect = \"1 s\" }"), [1, 10, 90]);
    // whoever says anything of a cool-down has one
    assert_eq!(one("cooldown.after = 2").guards.len(), 1);
    assert_eq!(one("cooldown.enabled = false").guards.len(), 0);
    // what is inherited counts as stated
    let base = "[topology.base]\nabstract = true\nretry.attempts_per_pool = 2\n\n[topology.two]\nextends = [\"one\", \"base\"]";
    let two = preset("openai", &format!("\n{base}")).topologies.remove(1);
    assert_eq!((two.retry.attempts_per_pool, two.retry.delay), (2, Delay::OpenAi));
}

/// Calls per request for each error, by a deployment that answers nothing else.
#[test]
fn each_client_retries_its_own_errors() {
    let calls = |name: &str, error: &str| {
        let mut s = scenario(&format!("error = \"{error}\"\nerror_rate = 0.5"), &format!("retry.client = \"{name}\""));
        s.deployments[0].error_rate = 1.0;
        turns(s, &[0]).attempts
    };
    for (error, sdk, aws) in [("503", 3, 3), ("529", 3, 1), ("409", 3, 1), ("408", 3, 1), ("404", 1, 1), ("401", 1, 1)]
    {
        assert_eq!([calls("openai", error), calls("anthropic", error)], [sdk; 2], "{error}");
        let all = ["aws_standard", "aws_adaptive", "aws_classic"].map(|name| calls(name, error));
        assert_eq!(all, [aws; 3], "{error}");
    }
}

/// A 429 that asks for 190 s: the OpenAI client gives up, Anthropic's waits, those of AWS try twice
/// more within seconds.
#[test]
fn each_client_takes_retry_after_in_its_way() {
    let quota = "quota.token_bucket = { requests = \"18 requests/h\", request_burst = 1, retry_after = true }";
    let after = |name: &str| {
        // one every 200 s: the second comes 10 s after the first
        let r = turns(scenario(quota, &format!("retry.client = \"{name}\"")), &[0, 10]);
        let slowest_s = r.groups[0].ttft.max().map_or(0, |ns| ns / 1_000_000_000);
        (r.attempts, r.failed(), slowest_s)
    };
    let (attempts, failed, slowest_s) = after("openai");
    assert!(slowest_s < 5, "{slowest_s}");
    assert_eq!((attempts, failed), (2, 1));
    let (attempts, failed, slowest_s) = after("anthropic");
    assert_eq!((attempts, failed), (3, 0));
    assert!((189..=192).contains(&slowest_s), "{slowest_s}");
    for name in ["aws_standard", "aws_adaptive", "aws_classic"] {
        let (attempts, failed, slowest_s) = after(name);
        // the classic rule lets a longer Retry-After win
        let expected = if name == "aws_classic" { (3, 0) } else { (4, 1) };
        assert_eq!((attempts, failed), expected, "{name}: {slowest_s}");
    }
}

/// The pauses of each request at a deployment that always answers 503, in ms.
fn pauses(name: &str, turns: u64) -> Vec<Vec<f64>> {
    let mut s = preset(name, "");
    s.deployments[0].error_rate = 1.0;
    let rows = (0..turns).map(|i| (Span::from_secs(i * 10), 100, 50)).collect();
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::new(TraceRows { name: "seconds".to_owned(), rows }) };
    let mut r = Run::new(&s, 0, Seed { seed: 1, replication: 0 });
    r.keep_log();
    r.advance_observed(&mut |_, _, _, _| ());
    let mut requests: Vec<Vec<f64>> = Vec::new();
    for entry in r.finish_with_log().1 {
        match entry.what {
            Happening::Asked => requests.push(Vec::new()),
            Happening::Obeyed(Command::Wait { until }) => {
                requests.last_mut().unwrap().push(until.since(entry.at).as_millis_f64());
            }
            _ => {}
        }
    }
    requests
}

/// Between three attempts at 503 stand two pauses by the client's rule; AWS's stop when 500 tokens have paid for their retries.
#[test]
fn each_client_pauses_by_its_rule() {
    // so many requests that never succeed can pay for both retries: 14 tokens each, or 5
    for (name, (least, most), paying) in [
        ("openai", ([375.0, 750.0], [500.0, 1000.0]), 40),
        ("anthropic", ([375.0, 750.0], [500.0, 1000.0]), 40),
        ("aws_standard", ([0.0, 0.0], [50.0, 100.0]), 500 / 14 / 2),
        ("aws_adaptive", ([0.0, 0.0], [50.0, 100.0]), 500 / 14 / 2),
        ("aws_classic", ([0.0, 0.0], [1000.0, 2000.0]), 40),
    ] {
        let seen = pauses(name, 40);
        assert_eq!(seen.iter().filter(|p| p.len() == 2).count(), paying, "{name}");
        for k in 0..2 {
            let of_k: Vec<f64> = seen.iter().filter_map(|p| p.get(k).copied()).collect();
            assert!(of_k.iter().all(|p| (least[k]..=most[k]).contains(p)), "{name} {k}: {of_k:?}");
            // they fill the range of their rule
            let (low, high) = of_k.iter().fold((f64::MAX, 0.0f64), |(l, h), p| (l.min(*p), h.max(*p)));
            assert!(high - low > 0.6 * (most[k] - least[k]), "{name} {k}: {low} to {high}");
        }
    }
}
