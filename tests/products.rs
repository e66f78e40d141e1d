//! Gateways other than LiteLLM, in the world: each setting must change what it is for.

mod common;
#[path = "common/product.rs"]
mod product;

use common::{attempts, good, messages, one};
use geodes::scenario::model::{DistSpec, Scenario};
use geodes::study::explain;
use geodes::world::Record;
use geodes::world::failure::Failure;
use product::{DOWN, product, product_text, text};

fn portkey(gateway: &str, more: &str) -> Scenario {
    product("portkey", gateway, more)
}

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

#[test]
fn portkey_settings_without_effect_are_warned_of() {
    let warnings = |gateway: &str| messages(&product_text("portkey", gateway, ""));
    let tree = |strategy: &str, big: &str, retry: &str| {
        format!(
            "strategy = {strategy}\ntargets = [\"big\", \"b\", \"c\"]\ntarget.big = {{ deployment = \"a\"{big} }}\nretry = {{ {retry} }}"
        )
    };
    const NONE: [&str; 0] = [];
    assert_eq!(warnings(&tree("\"loadbalance\"", ", weight = 3", "attempts = 2, on_status_codes = [503]")), NONE);
    assert_eq!(warnings(&tree("\"fallback\"", "", "attempts = 0")), NONE);
    assert_eq!(warnings(&tree("\"fallback\"", ", weight = 3", "attempts = 1")), ["`weight` has no effect"]);
    let retry = "attempts = 0, on_status_codes = [503], use_retry_after_header = true";
    let both = ["`on_status_codes` has no effect", "`use_retry_after_header` has no effect"];
    assert_eq!(warnings(&tree("\"fallback\"", "", retry)), both);
    // one strategy that shares the load is enough
    let nested = "strategy = \"fallback\"\ntargets = [\"pair\", \"big\", \"c\"]\n\
                  target.pair = { strategy = \"loadbalance\", targets = [\"big\", \"b\"] }\n\
                  target.big = { deployment = \"a\", weight = 3 }";
    assert_eq!(warnings(nested), NONE);
    let unused = format!("{nested}\ntarget.nobody = {{ deployment = \"c\", weight = 2 }}");
    assert_eq!(warnings(&unused), ["no strategy leads to the target `nobody`"]);
}

fn bifrost(gateway: &str, more: &str) -> Scenario {
    product("bifrost", gateway, more)
}

#[test]
fn bifrost_balances_providers_and_keys_by_weight() {
    let r = one(&bifrost(
        r#"
weights = { azure = 3, openai = 1 }
provider.azure.keys = [{ deployment = "a", weight = 2 }, { deployment = "b" }]
provider.openai.keys = [{ deployment = "c" }]
"#,
        "",
    ));
    let (n, got) = (r.requests() as f64, attempts(&r));
    for (share, got) in [0.5, 0.25, 0.25].iter().zip(&got) {
        // four standard deviations
        let band = 4.0 * (n * share * (1.0 - share)).sqrt();
        assert!((*got as f64 - n * share).abs() < band, "{got} of {n}, not {share}");
    }
    assert_eq!(r.failed(), 0);
}

/// "Real-world scenarios", 2: an outage is retried with the same key, then the other provider answers; by default there are no
/// retries.
#[test]
fn bifrost_survives_an_outage_of_the_provider() {
    let with = |settings: &str| {
        let providers = format!(
            "weights = {{ azure = 1, openai = 0 }}\nprovider.azure = {{ keys = [{{ deployment = \"a\" }}, {{ deployment = \"b\" }}]{settings} }}\nprovider.openai.keys = [{{ deployment = \"c\", degraded = true }}]"
        );
        one(&bifrost(&providers, &DOWN.replace("[\"a\"]", "[\"a\", \"b\"]")))
    };
    let (none, two) = (with(""), with(", max_retries = 2"));
    let calls = |r: &Record| r.deployments[0].attempts + r.deployments[1].attempts;
    let hit = none.deployments[2].attempts;
    assert!(none.failed() <= 3 && hit > 1_300 && none.groups[0].degraded == hit, "{} {hit}", none.failed());
    assert_eq!(calls(&none), none.requests());
    // retries are over within 2 s, so only those of the last seconds of the outage are served by azure
    let more = calls(&two) - two.requests();
    assert!(more.abs_diff(2 * hit) < hit / 20, "{more} retries for {hit}");
    assert!(two.failed() <= 3 && two.deployments[2].attempts <= hit);
}

/// "Real-world scenarios", 1: a key at its limit is left for another of the same provider.
#[test]
fn bifrost_rotates_keys_that_are_at_their_limit() {
    let with = |retries: u32, other: &str| {
        let more = "[deployment.small]\nextends = \"a\"\nquota.fixed_window = { requests = \"60 requests/min\" }\n";
        let s = bifrost(
            &format!(
                "weights.azure = 1\nprovider.azure = {{ max_retries = {retries}, keys = [{{ deployment = \"small\" }}{other}] }}"
            ),
            more,
        );
        one(&s)
    };
    let alone = with(3, "");
    assert!(alone.failures[Failure::RateLimited as usize] > 2_000, "{}", alone.failed());
    let both = with(1, ", { deployment = \"b\" }");
    assert_eq!(both.failed(), 0, "whoever is refused by the one key is served with the other");
    let none = with(0, ", { deployment = \"b\" }");
    assert!(none.failures[Failure::RateLimited as usize] > 500, "{}", none.failed());
}

/// `core` tests of the header time-out: it is not retried, the fallback follows at once.
#[test]
fn bifrost_times_out_once_per_provider() {
    let timeout = |ttft: f64, streamed: bool| {
        let mut s = bifrost(
            "weights = { azure = 1, openai = 0 }\nprovider.azure = { keys = [{ deployment = \"a\" }], max_retries = 3, default_request_timeout = \"1 s\" }\nprovider.openai.keys = [{ deployment = \"c\" }]",
            "",
        );
        s.workloads[0].streamed = streamed;
        s.deployments[0].ttft = DistSpec::Constant(ttft);
        one(&s)
    };
    // 90 ms follow the first token
    assert_eq!(attempts(&timeout(0.95, true))[2], 0);
    for (ttft, streamed) in [(0.95, false), (1.05, true)] {
        let r = timeout(ttft, streamed);
        assert_eq!((attempts(&r)[0], attempts(&r)[2], r.failed()), (r.requests(), r.requests(), 0));
    }
}

#[test]
fn bifrost_virtual_keys_are_those_of_workload_and_residency() {
    let more = r#"
[workload.batch]
arrivals.poisson = { rate = "5 sessions/s" }
sizes.fixed = { input = "100 tokens", output = "10 tokens" }
[residency.eu]
continents = ["europe"]
regions = ["aws:us-east-1"]
"#;
    let mut s = bifrost(
        r#"
weights.azure = 1
virtual_key = [{ residency = "eu", weights.legal = 1 }, { workload = "batch", weights.openai = 1 }]
provider = { azure.keys = [{ deployment = "a" }], openai.keys = [{ deployment = "b" }], legal.keys = [{ deployment = "c" }] }
"#,
        more,
    );
    let plain = attempts(&one(&s));
    assert!(plain[0] > 2_700 && plain[1] > 2_700 && plain[2] == 0, "{plain:?}");
    s.groups[0].residency = Some(0);
    let legal = attempts(&one(&s));
    assert_eq!((legal[0], legal[1]), (0, 0), "{legal:?}");
}

#[test]
fn bifrost_survives_the_death_of_its_region_and_explains_itself() {
    let faults = format!(
        "{}\n[[fault]]\nname = \"region\"\nat = \"3 min\"\nlasts = \"10 s\"\nwhat.region_down = {{ region = \"aws:us-east-1\" }}\n",
        DOWN.replace("[\"a\"]", "[\"a\", \"b\"]")
    );
    let s = bifrost(
        "weights = { azure = 9, openai = 1 }\nprovider.azure = { keys = [{ deployment = \"a\" }, { deployment = \"b\" }], max_retries = 1 }\nprovider.openai.keys = [{ deployment = \"c\" }]",
        &faults,
    );
    // what the world checks at its end: no call and no request is left over (INV-1, INV-5)
    let (r, again) = (one(&s), one(&s));
    assert!(r.failed() > 20 && r.failed() < r.requests() / 10, "{} of {}", r.failed(), r.requests());
    assert_eq!(attempts(&r), attempts(&again));
    let mut texts: Vec<String> = Vec::new();
    for found in explain::find(&s, 0, 0, explain::Trait::Fallback, 40) {
        let tale = explain::explain(&s, 0, 0, found.request).unwrap();
        texts.extend(tale.steps.iter().filter(|t| t.step == "bifrost").map(|t| t.text.clone()));
    }
    for wanted in [
        "azure is first for 90 % of requests",
        "azure is first",
        "the key of a may be used: weight 1",
        "a is called",
        "a pause of ",
        "the retries of the provider are used up",
        "fallback: openai",
        "c is called",
    ] {
        assert!(texts.iter().any(|t| t.starts_with(wanted)), "{wanted} is not among {texts:#?}");
    }
}

/// Kong's AI Proxy Advanced in terms of the own router (see `docs/routing.md`): tiers are pools, `failover_criteria` are
/// `retry.on`, the circuit is a cool-down, and every target of a tier is called once before the next tier.
fn kong(on: &str, cooldown: &str, more: &str) -> Record {
    one(&good(&text(&format!(
        r#"
[pool.first]
deployments = ["a", "b"]
choose = "weighted_round_robin"
weights = {{ a = 3, b = 1 }}
[pool.second]
deployments = ["c"]
[topology.kong]
regions = ["aws:us-east-1"]
chain = ["first", "second"]
retry = {{ attempts_per_pool = 2, on = [{on}] }}
cooldown = {{ {cooldown} }}

{more}"#
    ))))
}

/// developer.konghq.com, AI Gateway load balancing (2026): the targets of the highest priority by weight, the next tier only when
/// all of it has failed; `failover_criteria` say what a failure is.
#[test]
fn kong_priority_tiers_and_failover_criteria() {
    const NONE: &str = "enabled = false";
    let usual = kong("\"connection\", \"timeout\"", NONE, "");
    let (n, got) = (usual.requests(), attempts(&usual));
    assert!(got[0].abs_diff(3 * n / 4) <= 2 && got[1].abs_diff(n / 4) <= 2 && got[2] == 0, "{got:?} of {n}");
    // one of the tier is down: the other takes its calls, and the next tier none
    let http_503 = "\"connection\", \"timeout\", \"503\"";
    let one_down = kong(http_503, NONE, DOWN);
    assert!(one_down.failed() <= 3 && attempts(&one_down)[2] == 0, "{:?}", attempts(&one_down));
    // the whole tier is down: each of its targets is called once, then the next tier answers
    let both_down = DOWN.replace("[\"a\"]", "[\"a\", \"b\"]");
    let tier = kong(http_503, NONE, &both_down);
    let spilled = attempts(&tier)[2];
    assert!(tier.failed() <= 3 && spilled > 1_300, "{} {spilled}", tier.failed());
    assert_eq!(attempts(&tier)[0] + attempts(&tier)[1], tier.requests() + spilled);
    // what is no criterion is the answer
    let other = kong("\"connection\", \"timeout\"", NONE, &both_down);
    assert!(other.failures[Failure::Unavailable as usize] > 1_300 && attempts(&other)[2] == 0);
}

/// developer.konghq.com, "Health check and circuit breaker": after `max_fails` failures a target is left out for `fail_timeout`.
#[test]
fn kong_max_fails_and_fail_timeout() {
    let both_down = DOWN.replace("[\"a\"]", "[\"a\", \"b\"]");
    let circuit = "after = 3, lasts = \"10 s\", on_429_at_once = false";
    let r = kong("\"503\"", circuit, &both_down);
    let without = kong("\"503\"", "enabled = false", &both_down);
    let of_tier = |r: &Record| attempts(r)[0] + attempts(r)[1] - (r.requests() - attempts(r)[2]);
    // in each of 30 periods of 10 s three calls of each target find out, and what is under way at the same time
    let (calls, all) = (of_tier(&r), of_tier(&without));
    assert!(r.failed() <= 3 && (150..400).contains(&calls) && all > 2_600, "{calls} of {all}");
}
