//! Gateways that are products, in the world: each setting must change what it is for.

mod common;
#[path = "common/product.rs"]
mod product;

use common::{attempts, one};
use geodes::routing::litellm::config::Strategy;
use geodes::scenario::model::{DistSpec, Gateway, LiteLlmGateway, Scenario};
use geodes::units::Span;
use geodes::world::failure::Failure;
use geodes::world::{Record, run};
use product::{DOWN, product};

/// A topology with LiteLLM before all three deployments as one group, and what a test adds to it.
fn litellm(gateway: &str, more: &str) -> Scenario {
    product("litellm", &format!("model = \"gpt\"\n{gateway}"), more)
}

const ALL: &str = r#"model_list = [
  { model_name = "gpt", deployment = "a" },
  { model_name = "gpt", deployment = "b" },
  { model_name = "gpt", deployment = "c" },
]"#;

fn spec(s: &Scenario) -> &LiteLlmGateway {
    match &s.topologies[0].gateway {
        Gateway::LiteLlm(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// LiteLLM 1.106.2, recorded: 10,000 picks with weights 1, 2 and 7 go 986, 1978 and 7036 ways.
#[test]
fn litellm_shuffles_by_weight() {
    let weights = r#"model_list = [
  { model_name = "gpt", deployment = "a", weight = 1 },
  { model_name = "gpt", deployment = "b", weight = 2 },
  { model_name = "gpt", deployment = "c", weight = 7 },
]"#;
    let r = one(&litellm(weights, ""));
    let (n, got) = (r.requests() as f64, attempts(&r));
    assert!(r.requests() > 2_800 && r.failed() == 0, "{got:?}");
    for (share, got) in [0.1, 0.2, 0.7].iter().zip(&got) {
        // four standard deviations
        let band = 4.0 * (n * share * (1.0 - share)).sqrt();
        assert!((*got as f64 - n * share).abs() < band, "{got} of {n}, not {share}");
    }
    // a deployment without the metric that another has gets nothing (recorded as shuffle_partial_rpm)
    let partial = ALL.replacen(r#""b""#, r#""b", rpm = 1000"#, 1);
    let got = attempts(&one(&litellm(&partial, "")));
    assert!(got[1] > 2_800 && got[0] == 0 && got[2] == 0, "{got:?}");
}

#[test]
fn litellm_retries_and_cools_down() {
    let with = |settings: &str| one(&litellm(&format!("{ALL}\n{settings}"), DOWN));
    // of three deployments one refuses: two retries hide it but for three picks of the same in a row
    let usual = with("failure_counting = \"sdk\"");
    let rate = |r: &Record| r.failed() as f64 / r.requests() as f64;
    assert!(rate(&usual) < 0.01, "{}", rate(&usual));
    let patient = with("num_retries = 0\nfailure_counting = \"sdk\"");
    assert!(patient.failed() > 2 * usual.failed(), "{} {}", patient.failed(), usual.failed());
    let warm = with("num_retries = 0\ndisable_cooldowns = true");
    let third = warm.requests() as f64 / 2.0 / 3.0;
    assert!((warm.failed() as f64 - third).abs() < 0.2 * third, "{} of {third}", warm.failed());
    // the proxy counts only the first failing attempt of a request, so it calls the broken one more often
    let proxy = with("failure_counting = \"proxy\"");
    assert!(
        proxy.deployments[0].attempts > usual.deployments[0].attempts,
        "{:?} {:?}",
        attempts(&proxy),
        attempts(&usual)
    );
    // a long cool-down spares it
    let long = with("cooldown_time = \"2 min\"\nfailure_counting = \"sdk\"");
    assert!(long.deployments[0].attempts < usual.deployments[0].attempts);
    // the incident shows when the gateway took it out
    let watch = &usual.watches[0];
    assert!(watch.detected.is_some(), "{watch:?}");
}

#[test]
fn litellm_falls_back_to_groups_and_counts_degraded_answers() {
    let groups = r#"degraded = ["small"]
fallbacks = { gpt = ["small"] }
model_list = [
  { model_name = "gpt", deployment = "a" },
  { model_name = "small", deployment = "c" },
]"#;
    let r = one(&litellm(groups, DOWN));
    let (calls, degraded): (u64, u64) = (r.deployments[2].attempts, r.groups[0].degraded);
    assert!(r.failed() <= 3, "only a stream that the fault breaks is lost");
    assert!(calls > 1_300 && degraded == calls && r.deployments[1].attempts == 0, "{calls} {degraded}");
    let alone = one(&litellm(&groups.replace("fallbacks = { gpt = [\"small\"] }\n", ""), DOWN));
    assert!(alone.failed() > 1_300 && alone.groups[0].degraded == 0, "{}", alone.failed());
    // nothing is left in service: the router refuses the request itself
    let refused = alone.failures[Failure::NoDeployment as usize];
    let failed = alone.failures[Failure::Unavailable as usize];
    assert_eq!(refused + failed, alone.failed());
}

/// HTTPX: a time-out is the longest wait for a chunk, so it bounds the first token of a stream and the whole of others.
#[test]
fn litellm_times_out_streams_by_their_first_token() {
    let timeout = |t: &str, ttft: f64, streamed: bool| {
        let mut s = litellm(&format!("{ALL}\nnum_retries = 0\n{t}"), "");
        s.workloads[0].streamed = streamed;
        s.deployments.iter_mut().for_each(|d| d.ttft = DistSpec::Constant(ttft));
        one(&s)
    };
    // 90 ms follow the first token
    let r = timeout("timeout = \"1 s\"", 0.95, true);
    assert_eq!(r.failed(), 0);
    let r = timeout("timeout = \"1 s\"", 0.95, false);
    assert_eq!(r.failures[Failure::ModelTimeout as usize] + r.failures[Failure::NoDeployment as usize], r.requests());
    let r = timeout("stream_timeout = \"1 s\"\ntimeout = \"1 min\"", 1.05, true);
    assert!(r.failed() == r.requests() && r.failures[Failure::ModelTimeout as usize] > 0);
    let r = timeout("stream_timeout = \"1 s\"\ntimeout = \"1 min\"", 1.05, false);
    assert_eq!(r.failed(), 0);
}

#[test]
fn litellm_limits_and_budgets_refuse() {
    let limited = ALL.replace("deployment = \"a\"", "deployment = \"a\", rpm = 10, tpm = 1000000");
    let enforced = one(&litellm(&format!("{limited}\nenforce_model_rate_limits = true\nnum_retries = 0"), ""));
    // 10 of a minute, of 10 or 11 minutes begun; simple-shuffle picks by rpm, so nobody else is called
    assert!((100..=110).contains(&enforced.deployments[0].attempts), "{:?}", attempts(&enforced));
    assert!(enforced.failures[Failure::Shed as usize] > 0);
    // a hundredth of a dollar is 35 requests of 280 millionths each; requests in flight overshoot
    let dear =
        ALL.replace("deployment = \"a\"", "deployment = \"a\", max_budget = \"$0.01\", budget_duration = \"1 d\"");
    let got = attempts(&one(&litellm(&dear, "")));
    assert!((35..=45).contains(&got[0]) && got[1] > 1_000, "{got:?}");
    let parallel = ALL.replace("deployment = \"a\"", "deployment = \"a\", max_parallel_requests = 1");
    let r = one(&litellm(&format!("{parallel}\nnum_retries = 0"), ""));
    assert!(r.failed() > 100 && r.failures[Failure::Shed as usize] == r.failed(), "{}", r.failed());
}

#[test]
fn litellm_serves_what_each_workload_and_residency_class_asks_for() {
    let requests = r#"
request = [{ residency = "eu", model = "legal", disable_fallbacks = true }]
fallbacks = { "*" = ["gpt"] }
model_list = [
  { model_name = "gpt", deployment = "a" },
  { model_name = "legal", deployment = "eu" },
]"#;
    let more = r#"
[residency.eu]
continents = ["europe"]
regions = ["aws:us-east-1"]
[deployment.eu]
extends = "a"
region = "aws:eu-west-1"
"#;
    // the application stands in a place that the class allows, deployments beside it do not
    let text = litellm(requests, more);
    assert_eq!(spec(&text).ask(0, Some(0)).model, "legal");
    assert_eq!(spec(&text).ask(0, None).model, "gpt");
    let mut s = text;
    s.groups[0].residency = Some(0);
    let r = one(&s);
    assert!(
        r.failed() == 0 && r.deployments[0].attempts == 0 && r.deployments[3].attempts > 2_800,
        "{:?}",
        attempts(&r)
    );
}

/// A region that dies takes what its gateway knew with it, and every request that was with it.
#[test]
fn a_region_that_dies_forgets_what_litellm_knew() {
    let fault = |what: &str, at: &str| {
        format!(
            "[[fault]]\nname = \"{what}\"\nat = \"{at}\"\nlasts = \"10 s\"\nwhat.region_down = {{ region = \"{what}\" }}\n"
        )
    };
    for strategy in Strategy::ALL.into_iter().filter(|s| *s != Strategy::ProviderBudget) {
        let settings = format!("{ALL}\nrouting_strategy = \"{}\"", strategy.name());
        let faults = fault("aws:us-east-1", "1 min")
            + &fault("aws:us-east-1", "3 min").replace("\"aws:us-east-1\"\nat", "\"again\"\nat");
        let r = one(&litellm(&settings, &faults));
        // what the world checks at its end: no call and no request is left over (INV-1, INV-5)
        assert!(r.failed() > 20 && r.failed() < r.requests() / 10, "{strategy:?}: {} of {}", r.failed(), r.requests());
    }
}

/// Two runs of the same scenario agree, and the second kind of gateway in a file does not touch the first.
#[test]
fn gateways_are_repeatable_and_apart() {
    let both = format!(
        "{}\n[pool.gpt]\ndeployments = [\"a\", \"b\", \"c\"]\n[topology.own]\nregions = [\"aws:us-east-1\"]\nchain = [\"gpt\"]\n",
        DOWN
    );
    let s = litellm(ALL, &both);
    let (a, b) = (run(&s, 0, 0), run(&s, 0, 0));
    assert_eq!(attempts(&a), attempts(&b));
    assert_eq!(a.requests(), run(&s, 1, 0).requests());
    assert_eq!(s.topologies[1].retry.total_timeout, Span::from_secs(60));
}
