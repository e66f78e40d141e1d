//! Gateways other than LiteLLM, in the world: each setting must change what it is for.

use geodes::scenario::model::{DistSpec, Scenario};
use geodes::scenario::{Loaded, from_str};
use geodes::study::explain;
use geodes::world::failure::Failure;
use geodes::world::{Record, run};

/// Users in Berlin, an application in Virginia, deployments `a`, `b` and `c` beside it that answer 10 tokens at 10 ms each
/// after 200 ms, and what a test adds: topologies, faults.
fn scenario(more: &str) -> Scenario {
    let text = format!(
        r#"
name = "Gateways"
horizon = "10 min"
warmup = "0"

[users.berlin]
city = "Berlin"
share = 1.0

[workload.chat]
arrivals.poisson = {{ rate = "5 sessions/s" }}
sizes.fixed = {{ input = "100 tokens", output = "10 tokens" }}

[deployment.a]
provider = "azure"
model = "gpt"
region = "aws:us-east-1"
price = {{ input = "$2 / Mtok", output = "$8 / Mtok" }}
latency = {{ ttft.constant = "200 ms", prefill_per_token = "0 s", per_output_token.constant = "10 ms" }}
[deployment.b]
extends = "a"
[deployment.c]
extends = "a"
provider = "openai"

{more}"#
    );
    let Loaded { scenario, .. } = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    scenario
}

/// A topology with a product before all three deployments, and what a test adds to it.
fn product(product: &str, gateway: &str, more: &str) -> Scenario {
    scenario(&format!(
        r#"
[topology.proxy]
regions = ["aws:us-east-1"]
[topology.proxy.gateway.{product}]
{gateway}

{more}"#
    ))
}

fn portkey(gateway: &str, more: &str) -> Scenario {
    product("portkey", gateway, more)
}

fn one(s: &Scenario) -> Record {
    run(s, 0, 0)
}

fn attempts(r: &Record) -> Vec<u64> {
    r.deployments.iter().map(|d| d.attempts).collect()
}

/// Half of the requests come while `a` refuses everything with 503.
const DOWN: &str = r#"
[[fault]]
name = "down"
at = "2 min"
lasts = "5 min"
what.provider_down = { deployments = ["a"] }
"#;

#[test]
fn portkey_balances_by_weight_and_tries_nobody_else() {
    let weights = r#"
strategy = "loadbalance"
targets = ["third", "b", "none"]
target = { third = { deployment = "a", weight = 3 }, none = { deployment = "c", weight = 0 } }
"#;
    let s = portkey(weights, "");
    let r = one(&s);
    let (n, got) = (r.requests() as f64, attempts(&r));
    // four standard deviations
    let band = 4.0 * (n * 0.75 * 0.25).sqrt();
    assert!(r.failed() == 0 && (got[0] as f64 - 0.75 * n).abs() < band && got[2] == 0, "{got:?} of {n}");
    let r = one(&portkey(weights, DOWN));
    let hit = 0.75 * r.requests() as f64 / 2.0;
    assert!((r.failed() as f64 - hit).abs() < 0.1 * hit, "{} of {hit}", r.failed());
}

#[test]
fn portkey_falls_back_on_its_status_codes() {
    let fallback = |strategy: &str| {
        one(&portkey(
            &format!(
                "strategy = {strategy}\ntargets = [\"a\", \"small\"]\ntarget.small = {{ deployment = \"c\", degraded = true }}"
            ),
            DOWN,
        ))
    };
    let any = fallback("\"fallback\"");
    let (calls, degraded) = (any.deployments[2].attempts, any.groups[0].degraded);
    assert!(any.failed() <= 3 && calls > 1_300 && calls == degraded, "{calls} {degraded} {}", any.failed());
    let listed = fallback("{ fallback.on_status_codes = [503] }");
    assert_eq!(attempts(&listed), attempts(&any));
    let other = fallback("{ fallback.on_status_codes = [429, 500] }");
    assert!(other.deployments[2].attempts == 0 && other.failures[Failure::Unavailable as usize] > 1_300);
}

#[test]
fn portkey_retries_with_pauses_of_its_own() {
    let with = |settings: &str| one(&portkey(&format!("strategy = \"single\"\ntargets = [\"a\"]\n{settings}"), DOWN));
    let none = with("");
    let lost = none.failed();
    assert_eq!(none.deployments[0].attempts, none.requests());
    // two retries, 1 s and 2 s after the call before: whoever begins within 3 s of the end of the fault is served
    let two = with("retry.attempts = 2");
    let more = two.deployments[0].attempts - two.requests();
    assert!(more.abs_diff(2 * lost) < lost / 20, "{more} retries for {lost}");
    assert!(two.failed() < lost && lost - two.failed() < 60, "{} of {lost}", two.failed());
    let others = with("retry = { attempts = 2, on_status_codes = [429] }");
    assert!(others.deployments[0].attempts < others.requests() + 10, "503 is not in the list");
}

/// `retryHandler.ts`: the time-out ends with the headers, so it bounds the first token of a stream and the whole of others,
/// and it is status 408.
#[test]
fn portkey_times_out_with_408() {
    let timeout = |settings: &str, ttft: f64, streamed: bool| {
        let mut s = portkey(&format!("targets = [\"a\", \"c\"]\n{settings}"), "");
        s.workloads[0].streamed = streamed;
        s.deployments[0].ttft = DistSpec::Constant(ttft);
        one(&s)
    };
    let one_second = "strategy.fallback.on_status_codes = [408]\nrequest_timeout = \"1 s\"";
    // 90 ms follow the first token
    assert_eq!(attempts(&timeout(one_second, 0.95, true))[2], 0);
    for (ttft, streamed) in [(0.95, false), (1.05, true)] {
        let r = timeout(one_second, ttft, streamed);
        assert_eq!((attempts(&r)[0], attempts(&r)[2], r.failed()), (r.requests(), r.requests(), 0));
    }
    let r = timeout("strategy.fallback.on_status_codes = [500, 503]\nrequest_timeout = \"1 s\"", 1.05, true);
    assert_eq!(r.failures[Failure::ModelTimeout as usize], r.requests());
}

#[test]
fn portkey_circuits_spare_who_is_down() {
    let with =
        |settings: &str| one(&portkey(&format!("strategy = \"fallback\"\ntargets = [\"a\", \"c\"]\n{settings}"), DOWN));
    let (without, circuit) = (with(""), with("cb_config = { failure_threshold = 5, cooldown_interval = \"1 min\" }"));
    let calls = |r: &Record| r.deployments[0].attempts;
    // five minutes of 5 calls a second; with a circuit 6 at the beginning of each minute, and the rest of the last one
    let spared = calls(&without) - calls(&circuit);
    assert!((1_350..1_900).contains(&spared), "{} {}", calls(&without), calls(&circuit));
    assert!(circuit.failed() <= 3, "{}", circuit.failed());
    assert!(without.watches[0].detected.is_none() && circuit.watches[0].detected.is_some());
    let share = with("cb_config = { failure_threshold_percentage = \"90 %\", cooldown_interval = \"1 min\" }");
    assert_eq!(calls(&share), calls(&without), "the two minutes before keep the share below 90 %, and then it is over");
}

#[test]
fn portkey_conditions_see_what_turns_bring() {
    let more = r#"
[workload.batch]
arrivals.poisson = { rate = "5 sessions/s" }
sizes.fixed = { input = "100 tokens", output = "10 tokens" }
streamed = false
max_output = "64 tokens"
"#;
    let r = |query: &str| {
        let gateway = format!(
            r#"
model = "gpt"
request = [{{ workload = "batch", model = "mini", metadata = {{ tier = "paid" }} }}]
targets = ["a", "b"]
[topology.proxy.gateway.portkey.strategy.conditional]
default = "b"
conditions = [{{ query = {query}, then = "a" }}]
"#
        );
        one(&portkey(&gateway, more))
    };
    let [all, none] = [r("{ \"metadata.region\" = \"aws:us-east-1\" }"), r("{ \"metadata.residency\" = \"eu\" }")];
    assert_eq!((attempts(&all)[1], attempts(&none)[0]), (0, 0));
    let batch = r("{ \"metadata.workload\" = \"batch\" }");
    let both = attempts(&batch);
    assert!(both[0] > 2_700 && both[1] > 2_700, "{both:?}");
    for same in [
        "{ \"params.stream\" = false }",
        "{ \"params.max_tokens\" = { \"$lt\" = 100 } }",
        "{ \"params.model\" = { \"$ne\" = \"gpt\" } }",
        "{ \"metadata.tier\" = { \"$in\" = [\"paid\"] } }",
    ] {
        assert_eq!(attempts(&r(same)), both, "{same}");
    }
}

/// A region that dies takes what its gateway knew with it, and every request that was with it, waiting ones included.
#[test]
fn portkey_survives_the_death_of_its_region() {
    let faults = format!(
        r#"{DOWN}
[[fault]]
name = "region"
at = "3 min"
lasts = "10 s"
what.region_down = {{ region = "aws:us-east-1" }}
[[fault]]
name = "again"
at = "5 min"
lasts = "10 s"
what.region_down = {{ region = "aws:us-east-1" }}
"#
    );
    let s = portkey(
        "strategy = \"fallback\"\ntargets = [\"a\", \"c\"]\nretry = { attempts = 1 }\ncb_config = { failure_threshold = 5, cooldown_interval = \"30 s\" }",
        &faults,
    );
    let (r, again) = (one(&s), one(&s));
    // what the world checks at its end: no call and no request is left over (INV-1, INV-5)
    assert!(r.failed() > 20 && r.failed() < r.requests() / 10, "{} of {}", r.failed(), r.requests());
    assert_eq!(attempts(&r), attempts(&again));
}

/// The story of a request that was retried, fell back and met an open circuit, in words.
#[test]
fn portkey_explains_itself() {
    let s = portkey(
        "strategy.fallback.on_status_codes = [503]\ntargets = [\"a\", \"spare\"]\nretry.attempts = 1\ncb_config = { failure_threshold = 5, cooldown_interval = \"1 min\" }\ntarget.spare = { deployment = \"c\" }",
        DOWN,
    );
    let mut texts: Vec<String> = Vec::new();
    for found in explain::find(&s, 0, 0, explain::Trait::Fallback, 40) {
        let tale = explain::explain(&s, 0, 0, found.request).unwrap();
        texts.extend(tale.steps.iter().filter(|t| t.step == "portkey").map(|t| t.text.clone()));
    }
    for wanted in [
        "the root chooses by fallback",
        "a is called",
        "the same target again, after 1.00 s",
        "the retries of the target are used up",
        "the target's answer is 503",
        "the circuit of a opens for 60.0 s more, until ",
        "fallback: spare",
        "c is called as spare",
        "a is out: its circuit is open for ",
    ] {
        assert!(texts.iter().any(|t| t.starts_with(wanted)), "{wanted} is not among {texts:#?}");
    }
}
