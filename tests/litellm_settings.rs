//! `gateway.litellm` in the world, one setting at a time: each test fails if its setting is taken out.

mod common;
#[path = "common/product.rs"]
mod product;

use common::{attempts, one};
use geodes::scenario::model::{DistSpec, Scenario};
use geodes::world::Record;
use geodes::world::failure::Failure;
use product::{DOWN, product};

/// Five requests a second for ten minutes ask for `main`; entries are (group, deployment, more keys).
fn scenario(settings: &str, entries: &[(&str, &str, &str)], more: &str) -> Scenario {
    let list: String = entries
        .iter()
        .map(|(group, deployment, keys)| {
            format!(
                "[[topology.proxy.gateway.litellm.model_list]]\nmodel_name = \"{group}\"\ndeployment = \"{deployment}\"\n{keys}\n"
            )
        })
        .collect();
    let model = if settings.contains("\nmodel = ") { "" } else { "model = \"main\"" };
    product("litellm", &format!("{model}{settings}\n{list}"), more)
}

fn run(settings: &str, entries: &[(&str, &str, &str)], more: &str) -> Record {
    one(&scenario(&format!("\n{settings}"), entries, more))
}

const A_AND_C: [(&str, &str, &str); 2] = [("main", "a", ""), ("main", "c", "")];

/// What an answer to the scenario's requests costs: 100 tokens at $2 and 10 at $8 per million.
const ANSWER: f64 = 0.000_28;

/// How many answers a budget pays for: the last one oversteps it, and what is in flight then is not counted yet.
fn paid(budget: f64, calls: u64) -> bool {
    let least = (budget / ANSWER).ceil() as u64;
    (least..least + 8).contains(&calls)
}

#[test]
fn a_provider_over_its_budget_is_left() {
    let with = |budget: &str| run(budget, &A_AND_C, "");
    let free = with("");
    assert!(free.deployments[0].attempts > 1_300);
    let day = with("provider_budget_config.azure = { budget_limit = \"$0.1\", time_period = \"1 d\" }");
    assert!(paid(0.1, day.deployments[0].attempts) && day.failed() == 0, "{:?}", attempts(&day));
    // a window begins with the first answer after the one before has run out
    let minute = with("provider_budget_config.azure = { budget_limit = \"$0.014\", time_period = \"1 min\" }");
    let each = minute.deployments[0].attempts as f64 / 10.0;
    assert!((50.0..56.0).contains(&each) && minute.failed() == 0, "{each}");
    let both = "provider_budget_config = { azure = { budget_limit = \"$0.1\", time_period = \"1 d\" }, openai = { budget_limit = \"$0.2\", time_period = \"1 d\" } }";
    let both = with(both);
    assert!(paid(0.3, both.requests() - both.failed()), "{} of {}", both.failed(), both.requests());
}

#[test]
fn a_tag_over_its_budget_is_refused() {
    let budget = "tag_budget_config.free = { budget_limit = \"$0.1\", time_period = \"1 d\" }\n";
    let with = |settings: &str| run(settings, &A_AND_C, "");
    let asks = |tag: &str| format!("request = [{{ tags = [\"{tag}\"] }}]\n");
    let over = with(&format!("{budget}{}", asks("free")));
    assert!(paid(0.1, over.requests() - over.failed()), "{} of {}", over.failed(), over.requests());
    assert_eq!(with(&format!("{budget}{}", asks("paid"))).failed(), 0);
    assert_eq!(with(budget).failed(), 0);
}

/// `tag_based_routing.py`: `x` is wished for, `&x` required, `!x` excluded.
#[test]
fn tags_say_who_may_answer() {
    let tagged = [
        ("main", "a", "tags = [\"x\"]"),
        ("main", "b", "tags = [\"x\", \"y\"]"),
        ("main", "c", "tags = [\"default\"]"),
    ];
    let who = |settings: &str, tags: &str| {
        let r =
            run(&format!("enable_tag_filtering = true\n{settings}\nrequest = [{{ tags = [{tags}] }}]"), &tagged, "");
        assert!(r.failed() == 0 || r.failed() == r.requests());
        attempts(&r).into_iter().map(|n| n > 0).collect::<Vec<_>>()
    };
    assert_eq!(who("", "\"x\""), [true, true, false]);
    assert_eq!(who("", "\"y\""), [false, true, false]);
    assert_eq!(who("", "\"x\", \"y\""), [true, true, false]);
    assert_eq!(who("tag_filtering_match_any = false", "\"x\", \"y\""), [false, true, false]);
    assert_eq!(who("", "\"x\", \"!y\""), [true, false, false]);
    assert_eq!(who("", "\"&y\""), [false, true, false]);
    assert_eq!(who("", "\"unknown\""), [false, false, true], "those tagged `default`");
    assert_eq!(who("", "\"y\", \"!y\""), [false; 3], "the wish is known to the group, so nobody else serves it");
    assert_eq!(who("tag_routing_prefix = \"route:\"", "\"route:y\""), [false, true, false]);
    // without tags, `default` again; without the switch, everybody
    let plain = |switch: &str| attempts(&run(switch, &tagged, ""));
    assert_eq!(plain("enable_tag_filtering = true")[..2], [0, 0]);
    assert!(plain("").iter().all(|n| *n > 800));
}

#[test]
fn tags_that_nobody_has_are_refused_unless_the_group_fails_open() {
    let with = |keys: &str| {
        let entries = [("main", "a", "tags = [\"x\"]"), ("main", "b", keys)];
        run("enable_tag_filtering = true\nrequest = [{ tags = [\"z\"] }]", &entries, "")
    };
    let shut = with("tags = [\"y\"]");
    assert_eq!((shut.failed(), shut.attempts), (shut.requests(), 0));
    let open = with("tags = [\"y\"]\nallow_fail_open = true");
    assert!(open.failed() == 0 && attempts(&open)[..2].iter().all(|n| *n > 1_300), "{:?}", attempts(&open));
    // the switch of the group alone
    let entry = |keys: &'static str| [("main", "a", "tags = [\"x\"]"), ("main", "b", keys)];
    let of_group = run("request = [{ tags = [\"x\"] }]", &entry("tags = [\"y\"]\nenable_tag_filtering = true"), "");
    assert_eq!(of_group.deployments[1].attempts, 0);
}

/// `_pre_call_checks`: prompts of 100 tokens do not fit into 50, and 12 picks a minute are not 13.
#[test]
fn checks_before_the_call_look_at_the_prompt_and_at_the_rate() {
    let checks = "enable_pre_call_checks = true\n";
    let small = [("main", "a", "max_input_tokens = 50"), ("main", "b", "max_input_tokens = 5000"), ("large", "c", "")];
    let r = run(checks, &small, "");
    assert_eq!((r.deployments[0].attempts, r.failed()), (0, 0));
    assert!(run("", &small, "").deployments[0].attempts > 1_300);
    let [a, _, c] = small;
    let alone = run(checks, &[a, c], "");
    assert_eq!(alone.failures[Failure::ContextWindow as usize], alone.requests());
    let falls = run(&format!("{checks}context_window_fallbacks = {{ main = [\"large\"] }}"), &[a, c], "");
    assert_eq!((falls.failed(), attempts(&falls)), (0, vec![0, 0, falls.requests()]));

    let limited = [("main", "a", "rpm = 12\nweight = 1.0"), ("main", "b", "weight = 1.0")];
    let r = run(checks, &limited, "");
    let a = r.deployments[0].attempts;
    assert!((108..=120).contains(&a) && r.failed() == 0, "{a} in windows of 60 s that begin with a pick");
    assert!(run("", &limited, "").deployments[0].attempts > 1_300);
}

#[test]
fn a_routing_group_has_a_strategy_of_its_own() {
    let entries = [
        ("main", "a", ""),
        ("spare", "b", "input_cost_per_token = \"$1 / Mtok\"\noutput_cost_per_token = \"$1 / Mtok\""),
    ];
    let group = |rule: &str, more: &str| {
        let settings = format!(
            "model = \"both\"\nnum_retries = 0\nrouting_groups = [{{ group_name = \"both\", models = [\"main\", \"spare\"]{rule} }}]"
        );
        run(&settings, &entries, more)
    };
    let even = group("", "");
    assert!(attempts(&even)[..2].iter().all(|n| *n > 1_300), "{:?}", attempts(&even));
    let cheap = group(", routing_strategy = \"cost-based-routing\"", "");
    assert_eq!(attempts(&cheap), [0, cheap.requests(), 0]);
    let first =
        |a: u32, b: u32, more: &str| group(&format!(", model_priorities = {{ main = {a}, spare = {b} }}"), more);
    assert_eq!(attempts(&first(1, 2, ""))[1], 0);
    assert_eq!(attempts(&first(2, 1, ""))[0], 0);
    let down = first(1, 2, DOWN);
    assert!(down.deployments[1].attempts > 1_000 && down.failed() < 100, "{:?} {}", attempts(&down), down.failed());
}

#[test]
fn a_group_has_a_retry_policy_of_its_own() {
    let calls = |own: &str| {
        let settings =
            format!("num_retries = 0\ndisable_cooldowns = true\nretry_policy.service_unavailable = 1\n{own}");
        let r = run(&settings, &[("main", "a", "")], DOWN);
        (r.attempts - r.requests()) as f64 / 1_500.0
    };
    let near =
        |got: f64, expected: f64| assert!((got - expected).abs() < 0.1 * expected.max(0.1), "{got}, not {expected}");
    near(calls(""), 1.0);
    near(calls("model_group_retry_policy.main.service_unavailable = 3"), 3.0);
    near(calls("model_group_retry_policy.main.service_unavailable = 0"), 0.0);
}

/// The rule by shares takes a deployment out after five calls; a deployment's own numbers come before it.
#[test]
fn a_deployment_has_allowed_fails_of_its_own() {
    let lost = |keys: &str| {
        run("num_retries = 0\ncooldown_time = \"1 min\"", &[("main", "a", keys), ("main", "b", "")], DOWN).failed()
    };
    let rule = lost("");
    let never = lost("allowed_fails = 10000");
    assert!(rule < 100 && never > 600, "{rule} {never}");
    // counted in windows of one cool-down: 50 each time, in 20 s
    let some = lost("allowed_fails = 50");
    assert!((150..300).contains(&some), "{some}");
    let by_class = |class: &str| lost(&format!("allowed_fails_policy.{class} = 10000"));
    assert_eq!(by_class("service_unavailable"), never);
    assert!(by_class("rate_limit") < 100, "{}", by_class("rate_limit"));
}

/// Streams are compared by their time to first token: `a` begins early and writes slowly. The percentile decides when early
/// beginnings vary.
#[test]
fn streams_are_compared_by_their_first_token() {
    let share = |args: &str, streamed: bool, ttft: [DistSpec; 2], per_token: [f64; 2]| {
        let settings = format!("\nrouting_strategy = \"latency-based-routing\"\n{args}");
        let mut s = scenario(&settings, &A_AND_C, "");
        s.workloads[0].streamed = streamed;
        for (i, d) in [0, 2].into_iter().enumerate() {
            s.deployments[d].ttft = ttft[i];
            s.deployments[d].per_output_token = DistSpec::Constant(per_token[i]);
        }
        let r = one(&s);
        r.deployments[0].attempts as f64 / r.attempts as f64
    };
    let early = [DistSpec::Constant(0.1), DistSpec::Constant(0.5)];
    assert!(share("", true, early, [0.2, 0.01]) > 0.95);
    assert!(share("", false, early, [0.2, 0.01]) < 0.05);
    let varies = [DistSpec::LogNormal { p50: 0.1, p95: 0.6 }, DistSpec::Constant(0.5)];
    let at = |p: &str| share(&format!("routing_strategy_args.ttft_percentile = {p}"), true, varies, [0.01, 0.01]);
    let (median, longest) = (at("0.5"), at("1.0"));
    assert!(median > 0.8 && longest < 0.2, "{median} {longest}");
}

/// One place for 290 ms and five requests a second: Erlang's formula for 1.45 calls' worth of load refuses 59 %.
#[test]
fn calls_in_flight_have_a_default_bound() {
    let with = |settings: &str| run(&format!("num_retries = 0\n{settings}"), &[("main", "a", "")], "");
    assert_eq!(with("").failed(), 0);
    let r = with("default_max_parallel_requests = 1\ndisable_cooldowns = true");
    let refused = r.failures[Failure::Shed as usize] as f64 / r.requests() as f64;
    assert!(r.failed() > 0 && (0.53..0.65).contains(&refused), "{refused}");
}

/// In the proxy one logging object serves all attempts of a request, so retries do not count: the first cool-down comes later,
/// as in the recordings (1.3 s and 4.1 s after the same beginning).
#[test]
fn the_proxy_counts_one_failure_of_a_request() {
    let detected = |counting: &str| {
        let settings =
            format!("num_retries = 2\nallowed_fails = 8\ncooldown_time = \"30 s\"\nfailure_counting = \"{counting}\"");
        let r = run(&settings, &[("main", "a", "weight = 9.0"), ("main", "b", "weight = 1.0")], DOWN);
        let w = &r.watches[0];
        w.detected.unwrap().since(w.occurrence.begins).as_secs_f64()
    };
    let (sdk, proxy) = (detected("sdk"), detected("proxy"));
    // nine failures: of three calls of most requests each, or of one
    assert!(proxy > 1.5 * sdk, "{sdk} s, {proxy} s");
}

/// The proxy's logging object has heard of `a`'s failure when `c` fails; the loop over fallbacks reports that of `c` all the same.
#[test]
fn the_last_failure_of_a_fallback_is_reported_again() {
    let calls = |settings: &str| {
        let all = DOWN.replace("[\"a\"]", "[\"a\", \"c\"]");
        let settings = format!(
            "num_retries = 0\nallowed_fails = 2\ncooldown_time = \"30 s\"\nfallbacks = {{ main = [\"spare\"] }}\n{settings}"
        );
        // the first is never taken out, so every request begins with a failure of its own
        let entries = [("main", "a", "cooldown_time = \"0 s\""), ("spare", "c", "")];
        let r = run(&settings, &entries, &all);
        r.deployments[2].attempts
    };
    let (proxy, never) =
        (calls("failure_counting = \"proxy\""), calls("failure_counting = \"proxy\"\ndisable_cooldowns = true"));
    assert!(never > 1_300 && proxy < never / 4, "{proxy} {never}");
}
