//! Quotas in scenarios: what each key means, what is refused and what several deployments share. What they do in a run:
//! `quota_world.rs`.

mod common;
#[path = "common/limits.rs"]
mod limits;

use common::{good, messages, small};
use geodes::routing::limits::{
    AnthropicConfig, AzureOpenAiConfig, AzureProvisionedConfig, BedrockConfig, BucketConfig, EnvoyAiGatewayConfig,
    EnvoyRateLimitConfig, LimiterConfig, LiteLlmConfig, OpenAiConfig, OutputCount, PlainConfig, SharedPoolConfig,
    SubWindowConfig, TokenCost, VertexProvisionedConfig, WindowConfig,
};
use geodes::scenario::model::QuotaUse;
use geodes::units::{Money, PerNanos, Span};
use limits::{bucket, minute, per_min};
use std::collections::BTreeSet;

/// Two deployments with more keys of each, after which tables may follow.
fn with(quota: &str, second: &str) -> String {
    let rest = format!(
        r#"
[deployment.one]
extends = "gpt"
provider = "acme"
region = "aws:us-east-1"
model = "m"
{quota}

[deployment.two]
extends = "one"
region = "aws:eu-west-1"
{second}

[pool.both]
deployments = ["one", "two"]

[topology.t]
regions = ["aws:us-east-1"]
chain = ["both"]
"#
    );
    let text = small(&["Berlin"], "abstract = true", &rest);
    text.replace("\n[deployment.gpt]", "max_output = \"200 tokens\"\n\n[deployment.gpt]")
}

/// The limiter that a deployment's `quota` becomes.
fn limiter(quota: &str) -> LimiterConfig {
    match &good(&with(&format!("quota.{quota}"), "")).deployments[0].quota {
        Some(QuotaUse::Own(q)) => q.limiter.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_algorithm_can_be_written() {
    let windows = PlainConfig { requests: Some(minute(60)), tokens: Some(minute(90_000)), retry_after: false };
    let window = "{ requests = \"60 requests/min\", tokens = \"90k tokens/min\", retry_after = false }";
    let sub = |rate| Some(SubWindowConfig { rate, window: Span::from_secs(1) });
    let pool = || SharedPoolConfig {
        rate: per_min(40_000_000),
        burst: Span::from_secs(2),
        others: vec![500_000, 900_000],
        step: Span::from_hours(12),
        by_clock: true,
    };
    const DAY: u64 = 86_400_000_000_000;
    let cases: Vec<(String, LimiterConfig)> = vec![
        (
            "token_bucket = { tokens = \"450k tokens/min\", request_burst = 7, requests = \"100 requests/s\" }".into(),
            LimiterConfig::TokenBucket(PlainConfig {
                requests: Some(BucketConfig {
                    rate: PerNanos { micro_count: 100_000_000, nanos: 1_000_000_000 },
                    capacity: 7,
                }),
                tokens: Some(bucket(450_000)),
                retry_after: true,
            }),
        ),
        (format!("fixed_window = {window}"), LimiterConfig::FixedWindow(windows)),
        (format!("anchored_window = {window}"), LimiterConfig::AnchoredWindow(windows)),
        (format!("sliding_log = {window}"), LimiterConfig::SlidingLog(windows)),
        (format!("sliding_counter = {window}"), LimiterConfig::SlidingCounter(windows)),
        (
            "sub_window = { requests = \"60k requests/min\" }".into(),
            LimiterConfig::SubWindow(PlainConfig { requests: sub(per_min(60_000)), tokens: None, retry_after: true }),
        ),
        (
            "azure_openai = { tokens = \"450k tokens/min\", evaluated_over = \"10 s\" }".into(),
            LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
                tokens_per_min: 450_000,
                micro_requests_per_min: 2_700_000_000, // the published 2,700 of gpt-4o
                evaluated_over: Span::from_secs(10),
                retry_after: true,
            }),
        ),
        (
            "azure_openai = { tokens = \"5M tokens/min\", requests_per_1k_tokens = 0.1 }".into(),
            LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
                tokens_per_min: 5_000_000,
                micro_requests_per_min: 500_000_000, // the published 500 of o1-mini
                evaluated_over: Span::from_secs(1),
                retry_after: true,
            }),
        ),
        (
            "azure_provisioned = { units = 15, input_tokens = \"2500 tokens/min\", output_tokens = \"833 tokens/min\" }"
                .into(),
            LimiterConfig::AzureProvisioned(AzureProvisionedConfig {
                units: 15,
                input_per_min: 2_500,
                output_per_min: 833,
                window: Span::from_mins(1),
                retry_after: true,
            }),
        ),
        (
            "openai = { requests = \"60k requests/min\", burst = \"1 s\", requests_per_day = \"200 requests/d\", tokens = \
             \"2M tokens/min\", tokens_per_day = \"20M tokens/d\", credit = \"$500\" }"
                .into(),
            LimiterConfig::OpenAi(OpenAiConfig {
                requests: Some(BucketConfig { rate: per_min(60_000), capacity: 1_000 }),
                requests_per_day: Some(BucketConfig {
                    rate: PerNanos { micro_count: 200_000_000, nanos: DAY },
                    capacity: 200,
                }),
                tokens: Some(bucket(2_000_000)),
                tokens_per_day: Some(BucketConfig {
                    rate: PerNanos { micro_count: 20_000_000_000_000, nanos: DAY },
                    capacity: 20_000_000,
                }),
                credit: Some(Money::from_dollars(500)),
                retry_after: true,
            }),
        ),
        (
            "anthropic = { requests = \"50 requests/min\", burst = \"1 s\", input_tokens = \"30k tokens/min\", output_tokens \
             = \"8k tokens/min\", output_counts = \"reserved\", overload = { pool = \"40M tokens/min\", others = [\"50 %\", \
             0.9], burst = \"2 s\" } }"
                .into(),
            LimiterConfig::Anthropic(AnthropicConfig {
                requests: Some(BucketConfig { rate: per_min(50), capacity: 1 }),
                input: Some(bucket(30_000)),
                output: Some(bucket(8_000)),
                output_count: OutputCount::Reserved,
                overload: Some(pool()),
                retry_after: true,
            }),
        ),
        (
            "bedrock = { tokens = \"2M tokens/min\", output_burndown = 5 }".into(),
            LimiterConfig::Bedrock(BedrockConfig {
                requests: None,
                tokens: bucket(2_000_000),
                tokens_per_day: None,
                output_burndown: 5,
                retry_after: false,
            }),
        ),
        (
            "vertex_shared = { pool = \"40M tokens/min\", others = [\"50 %\", \"90 %\"], burst = \"2 s\" }".into(),
            LimiterConfig::VertexShared(pool()),
        ),
        (
            "vertex_provisioned = { units = 2, tokens = \"3360 tokens/s\", output_weight = 4 }".into(),
            LimiterConfig::VertexProvisioned(VertexProvisionedConfig {
                rate: PerNanos { micro_count: 6_720_000_000, nanos: 1_000_000_000 },
                window: Span::from_secs(30),
                output_weight: 4,
            }),
        ),
        (
            "envoy_ratelimit = { requests = [\"100 requests/s\", \"1M requests/d\"] }".into(),
            LimiterConfig::EnvoyRateLimit(EnvoyRateLimitConfig {
                limits: vec![
                    WindowConfig { limit: 100, window: Span::from_secs(1) },
                    WindowConfig { limit: 1_000_000, window: Span::from_hours(24) },
                ],
                retry_after: false,
            }),
        ),
        (
            "envoy_ai_gateway = { tokens = \"1k tokens/h\", output_tokens = \"500 tokens/min\" }".into(),
            LimiterConfig::EnvoyAiGateway(EnvoyAiGatewayConfig {
                rules: vec![
                    (TokenCost::Total, WindowConfig { limit: 1_000, window: Span::from_hours(1) }),
                    (TokenCost::Output, minute(500)),
                ],
                retry_after: false,
            }),
        ),
        (
            "litellm = { requests = \"60 requests/min\", output_tokens = \"5k tokens/min\" }".into(),
            LimiterConfig::LiteLlm(LiteLlmConfig { rpm: Some(60), tpm: None, itpm: None, otpm: Some(5_000) }),
        ),
        (
            "catalog = \"azure/o1/data_zone_standard/default\"".into(),
            LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
                tokens_per_min: 600_000,
                micro_requests_per_min: 100_000_000,
                evaluated_over: Span::from_secs(1),
                retry_after: true,
            }),
        ),
        (
            "catalog = \"anthropic/opus-sonnet-4.x/tier-2\"".into(),
            LimiterConfig::Anthropic(AnthropicConfig {
                requests: Some(bucket(1_000)),
                input: Some(bucket(450_000)),
                output: Some(bucket(90_000)),
                output_count: OutputCount::AsGenerated,
                overload: None,
                retry_after: true,
            }),
        ),
    ];
    for (text, expected) in &cases {
        assert_eq!(limiter(text), *expected, "{text}");
        let key = text.split([' ', '=']).next().unwrap();
        assert!(key == expected.name() || key == "catalog", "{key} becomes {}", expected.name());
    }
    // the documentation's table has a row for each, and no other
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/routing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = page
        .split("\n## Limits")
        .nth(1)
        .unwrap()
        .split("### The algorithms")
        .nth(1)
        .unwrap()
        .split("### ")
        .next()
        .unwrap();
    let listed: BTreeSet<&str> = table.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).collect();
    let known: BTreeSet<&str> = cases.iter().map(|(_, limiter)| limiter.name()).collect();
    assert_eq!(listed, known);
}

/// A published limit is part of the result with its source.
#[test]
fn a_published_limit_names_its_source() {
    let s = good(&with("quota.catalog = \"azure/gpt-4o/standard/default\"", ""));
    let used = s.defaults.iter().find(|d| d.key.contains("azure/gpt-4o/standard/default")).unwrap();
    assert_eq!(used.value, "requests = \"900 requests/min\", tokens = \"150000 tokens/min\"");
    assert!(used.provenance.contains("azure-openai-quotas") && used.provenance.contains("per region, subscription"));
}

#[test]
fn deployments_share_a_named_quota() {
    let org = "[quota.org]\nopenai = { tokens = \"2M tokens/min\" }\n";
    let s = good(&with("quota.shared = \"org\"", org));
    assert_eq!(s.quotas.len(), 1);
    assert!(s.deployments.iter().all(|d| d.quota == Some(QuotaUse::Shared(0))));
}

/// The message for each way of writing what cannot be meant or never lets anything through.
#[test]
fn what_cannot_be_meant_is_refused() {
    let cases = [
        ("fixed_window = { requests = \"0.5 requests/s\" }", "a window counts whole numbers"),
        ("fixed_window = {}", "a quota without a limit"),
        (
            "sub_window = { requests = \"60 requests/min\", evaluated_over = \"0 s\" }",
            "`evaluated_over` must be longer than 0",
        ),
        (
            "azure_openai = { tokens = \"450k tokens/min\", evaluated_over = \"5 s\" }",
            "Azure OpenAI watches requests over other windows",
        ),
        ("azure_openai = { tokens = \"1M tokens/d\" }", "this limit is kept per minute"),
        (
            "azure_openai = { tokens = \"450k tokens/min\", requests = \"1 requests/min\", requests_per_1k_tokens = 6.0 }",
            "both requests per minute and requests per 1,000 tokens",
        ),
        (
            "azure_provisioned = { units = 0, input_tokens = \"2500 tokens/min\", output_tokens = \"833 tokens/min\" }",
            "`units` is 0, which is out of range",
        ),
        (
            "azure_provisioned = { units = 1, input_tokens = \"2M tokens/min\", output_tokens = \"833 tokens/min\" }",
            "one unit processes no more than 1M tokens per minute",
        ),
        ("openai = {}", "a quota without a limit"),
        ("openai = { credit = \"$0\" }", "a credit of nothing refuses everything"),
        ("openai = { credit = \"500\" }", "missing unit behind `500` in `deployment.one.quota.openai.credit`"),
        ("anthropic = { retry_after = true }", "a quota without a limit"),
        ("bedrock = { tokens = \"2M tokens/min\" }", "missing key `output_burndown` in `deployment.one.quota.bedrock`"),
        ("vertex_shared = { pool = \"40M tokens/min\", others = [] }", "nothing is said of the other customers"),
        (
            "vertex_shared = { pool = \"40M tokens/min\", others = \"100 %\" }",
            "other customers use all of the pool all the time, so nothing is ever served",
        ),
        (
            "vertex_shared = { pool = \"40M tokens/min\", others = [0, 0, 0, 0, 0, 0, 0] }",
            "7 shares do not divide a day evenly",
        ),
        (
            "vertex_shared = { pool = \"40M tokens/min\", others = 0.5, others_vary = { by = 0.2, every = \"10 ms\" } }",
            "a load that changes more often than every second",
        ),
        ("envoy_ratelimit = { requests = [] }", "a quota without a limit"),
        ("envoy_ai_gateway = { tokens = \"1M tokens/ms\" }", "Envoy counts per second, minute, hour or day"),
        ("litellm = {}", "a quota without a limit"),
        (
            "catalog = \"azure/gpt-4o/standard/defualt\"",
            "unknown quota `azure/gpt-4o/standard/defualt` of the catalogue",
        ),
        ("shared = \"org\"", "unknown quota `org`"),
        // a turn asks for 100 + 200 tokens
        (
            "fixed_window = { tokens = \"299 tokens/min\" }",
            "the quota lets 299 tokens through at most, but a turn of `chat` asks for at least 300: every one would be refused",
        ),
        (
            "sub_window = { tokens = \"6k tokens/min\" }",
            "the quota lets 100 tokens through at most, but a turn of `chat` asks for at least 300: every one would be refused",
        ),
        (
            "bedrock = { tokens = \"10k tokens/min\", tokens_per_day = \"250 tokens/d\", output_burndown = 1 }",
            "the quota lets 250 tokens through at most, but a turn of `chat` asks for at least 300: every one would be refused",
        ),
        (
            "anthropic = { output_tokens = \"150 tokens/min\", output_counts = \"reserved\" }",
            "the quota lets 150 tokens through at most, but a turn of `chat` asks for at least 200: every one would be refused",
        ),
        (
            "vertex_provisioned = { units = 1, tokens = \"20 tokens/s\", output_weight = 4 }",
            "the quota lets 600 tokens through at most, but a turn of `chat` asks for at least 900: every one would be refused",
        ),
        (
            "vertex_shared = { pool = \"6k tokens/min\", others = 0.5 }",
            "the quota lets 100 tokens through at most, but a turn of `chat` asks for at least 300: every one would be refused",
        ),
        (
            "litellm = { input_tokens = \"99 tokens/min\" }",
            "the quota lets 99 tokens through at most, but a turn of `chat` asks for at least 100: every one would be refused",
        ),
    ];
    for (quota, message) in cases {
        let found =
            messages(&with(&format!("quota.{quota}"), "quota.token_bucket = { requests = \"9 requests/min\" }"));
        assert_eq!(found, [message], "{quota}");
    }
}

/// What may grow beyond the quota is worth a warning: it happens in production, too.
#[test]
fn a_longest_request_that_never_fits_is_warned_of() {
    let bedrock = "quota.bedrock = { tokens = \"10k tokens/min\", output_burndown = 1 }";
    let growing = with(bedrock, "").replace(
        "max_output",
        "context.growing = { max = \"9900 tokens\" }\nturns.fixed = 2\nthink_time.constant = \"1 s\"\nmax_output",
    );
    let message = "the quota lets 10000 tokens through at most, but a turn of `chat` may ask for 10100: such turns would \
                   always be refused";
    assert_eq!(messages(&growing), [message]); // said once of both
    let fits = growing.replace("9900 tokens", "9800 tokens");
    assert_eq!(messages(&fits), [""; 0]);
}

#[test]
fn a_shared_quota_is_one_accounts() {
    let org = "[quota.org]\nbedrock = { tokens = \"2M tokens/min\", output_burndown = 5 }\n";
    let shared = "quota.shared = \"org\"";
    let case = |second: &str| messages(&with(shared, &format!("{second}\n{org}")));
    assert_eq!(case(""), [""; 0]);
    assert_eq!(
        case("provider = \"other\""),
        ["deployment `two` is under the quota `org` of another provider: `other`, not `acme`"]
    );
    assert_eq!(case("model = \"n\""), ["deployment `two` is under the quota `org` of another model: `n`, not `m`"]);
    // OpenAI's limits may be one for a family of models
    let family = "model = \"n\"\n[quota.org]\nopenai = { tokens = \"2M tokens/min\" }\n";
    assert_eq!(messages(&with(shared, family)), [""; 0]);
    assert_eq!(
        messages(&with("quota.token_bucket = { requests = \"9 requests/min\" }", org)),
        ["no deployment is under the quota `org`"]
    );
    let chained = "[quota.org]\nshared = \"other\"\n[quota.other]\nopenai = { tokens = \"2M tokens/min\" }\n";
    assert_eq!(messages(&with(shared, chained))[0], "the shared quota `org` refers to another one");
}
