//! Quotas at work: what each algorithm does to a run, and what several deployments share. The algorithms themselves are tested
//! beside their files in `src/routing/limits`.

mod common;
#[path = "common/limits.rs"]
mod limits;

use common::{good, messages, small};
use geodes::routing::guard::{CooldownConfig, GuardConfig};
use geodes::routing::limits::{
    AnthropicConfig, AzureOpenAiConfig, AzureProvisionedConfig, BedrockConfig, BucketConfig, LimiterConfig,
    OpenAiConfig, OutputCount, PlainConfig, SharedPoolConfig, SubWindowConfig, VertexProvisionedConfig,
};
use geodes::routing::retry::Hedging;
use geodes::routing::steering::Policy;
use geodes::scenario::model::{
    Arrivals, DistSpec, Fault, FaultWhat, FaultWhen, Quota, QuotaUse, Scenario, SharedQuota, Sizes, Steering,
    TraceRows, Variation,
};
use geodes::scenario::{plain, plain_region};
use geodes::study::explain::{Trait, explain, find};
use geodes::units::{DeploymentIx, Money, PerNanos, Price, RegionIx, Span};
use geodes::world::failure::Failure;
use geodes::world::{Record, run};
use limits::{bucket, minute, per_min};
use std::sync::Arc;

/// `per_second` requests of 100 tokens in and 50 out every second for ten minutes; one deployment per place. A turn's
/// `max_tokens` is 200.
fn world(places: usize, per_second: u64) -> Scenario {
    let mut s = plain(places);
    s.horizon = Span::from_mins(10);
    let row = |i: u64| (Span(i * 1_000_000_000 / per_second + 1_000_000), 100, 50);
    let rows = (0..600 * per_second).map(row).collect();
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::new(TraceRows { name: "even".to_owned(), rows }) };
    s.workloads[0].sizes = Sizes::Fixed { input: 100, output: 50 };
    s.workloads[0].max_output_tokens = 200;
    for d in &mut s.deployments {
        d.input_price = Price::new(Money::from_dollars(2), 1_000_000);
        d.output_price = Price::new(Money::from_dollars(8), 1_000_000);
    }
    s
}

fn limited(s: &mut Scenario, limiter: LimiterConfig) {
    s.deployments[0].quota = Some(QuotaUse::own(limiter));
}

fn served(r: &Record) -> u64 {
    r.requests() - r.failed()
}

/// At ten requests a second under 120 requests a minute, each kind of counter lets through what its algorithm says.
#[test]
fn counters_let_through_what_their_algorithm_says() {
    let config = minute(120);
    let plain = PlainConfig { requests: Some(config), tokens: None, retry_after: true };
    let bucket = BucketConfig { rate: per_min(120), capacity: 120 };
    let cases = [
        // a full bucket, and two a second
        (
            LimiterConfig::TokenBucket(PlainConfig { requests: Some(bucket), tokens: None, retry_after: true }),
            120 + 1199,
        ),
        (LimiterConfig::FixedWindow(plain), 10 * 120),
        // the first event opens a window, the next window opens with the first event after it: a tenth of a second later
        (LimiterConfig::AnchoredWindow(plain), 10 * 120),
        (LimiterConfig::SlidingLog(plain), 10 * 120),
        (
            LimiterConfig::SubWindow(PlainConfig {
                requests: Some(SubWindowConfig { rate: per_min(120), window: Span::from_secs(1) }),
                tokens: None,
                retry_after: true,
            }),
            1200,
        ),
    ];
    for (limiter, expected) in cases {
        let mut s = world(1, 10);
        limited(&mut s, limiter.clone());
        let r = run(&s, 0, 0);
        assert_eq!(served(&r), expected, "{}", limiter.name());
        assert_eq!(r.failures[Failure::RateLimited as usize], r.failed());
    }
    // the weight of the minute before keeps the counter below the limit of each sliding minute
    let mut s = world(1, 10);
    limited(&mut s, LimiterConfig::SlidingCounter(plain));
    let n = served(&run(&s, 0, 0));
    assert!((1080..1200).contains(&n), "{n}");
}

/// Azure counts 300 tokens for each of these requests, though they use 150; a bucket with reserve gives the rest back.
#[test]
fn azure_counts_max_tokens_and_a_reserve_gives_it_back() {
    let mut s = world(1, 10);
    limited(
        &mut s,
        LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
            tokens_per_min: 30_000,
            micro_requests_per_min: 1_000_000_000,
            evaluated_over: Span::from_secs(1),
            retry_after: true,
        }),
    );
    assert_eq!(served(&run(&s, 0, 0)), 10 * 100);
    let windows = PlainConfig { requests: None, tokens: Some(minute(30_000)), retry_after: true };
    limited(&mut s, LimiterConfig::FixedWindow(windows));
    assert_eq!(served(&run(&s, 0, 0)), 10 * 199); // while 300 are left
}

/// The bucket of Bedrock settles at input plus five times the output: 350 tokens a request.
#[test]
fn bedrock_burns_output_five_times() {
    for (output_burndown, per_request) in [(1, 150), (5, 350)] {
        let mut s = world(1, 10);
        limited(
            &mut s,
            LimiterConfig::Bedrock(BedrockConfig {
                requests: None,
                tokens: bucket(35_000),
                tokens_per_day: None,
                output_burndown,
                retry_after: false,
            }),
        );
        let n = served(&run(&s, 0, 0));
        let tokens = 35_000 + 350_000;
        assert!(n <= tokens / per_request && n + 3 >= tokens / per_request, "{n}");
    }
}

/// Anthropic's output limit as written counts 50 tokens for a request, with `max_tokens` reserved as much; input binds first.
#[test]
fn anthropic_limits_input_and_output_apart() {
    let config = |input, output| {
        LimiterConfig::Anthropic(AnthropicConfig {
            requests: None,
            input,
            output,
            output_count: OutputCount::AsGenerated,
            overload: None,
            retry_after: true,
        })
    };
    let mut s = world(1, 10);
    limited(&mut s, config(Some(bucket(6_000)), Some(bucket(30_000))));
    assert_eq!(served(&run(&s, 0, 0)), 60 + 599); // one a second
    limited(&mut s, config(Some(bucket(600_000)), Some(bucket(3_000))));
    let n = served(&run(&s, 0, 0));
    assert!((659..=662).contains(&n), "{n}");
}

/// What a pool has left follows what others use, hour by hour; a provider short of capacity answers 529, a shared quota 429
/// without Retry-After.
#[test]
fn a_shared_pool_has_what_others_leave() {
    let pool = |others: u32| SharedPoolConfig {
        rate: per_min(60_000), // 1,000 a second
        burst: Span::from_secs(1),
        others: vec![others],
        step: Span::from_hours(24),
        by_clock: true,
    };
    for (others, served_at_least, served_at_most) in [(0, 3_995, 4_010), (850_000, 595, 615), (970_000, 115, 125)] {
        let mut s = world(1, 10);
        s.deployments[0].ttft = DistSpec::Constant(0.0);
        limited(&mut s, LimiterConfig::VertexShared(pool(others)));
        let r = run(&s, 0, 0);
        let n = served(&r);
        // 150 tokens a request, and the pool is full at first
        assert!((served_at_least..=served_at_most).contains(&n), "{others}: {n}");
        assert_eq!(r.failures[Failure::RateLimited as usize], r.failed());
        limited(
            &mut s,
            LimiterConfig::Anthropic(AnthropicConfig {
                requests: None,
                input: None,
                output: None,
                output_count: OutputCount::AsGenerated,
                overload: Some(pool(others)),
                retry_after: true,
            }),
        );
        let r = run(&s, 0, 0);
        assert_eq!(served(&r), n);
        assert_eq!(r.failures[Failure::ProviderOverloaded as usize], r.failed());
    }
}

/// Varying load of the others refuses requests that the mean would let through, at times that the seed decides.
#[test]
fn a_varying_load_refuses_at_times() {
    let limiter = LimiterConfig::VertexShared(SharedPoolConfig {
        rate: per_min(1_000_000),
        burst: Span::from_secs(1),
        others: vec![850_000],
        step: Span::from_hours(24),
        by_clock: true,
    });
    let mut s = world(1, 10); // 1,500 tokens a second of the 2,500 that others leave
    s.deployments[0].quota = Some(QuotaUse::own(limiter.clone()));
    assert_eq!(run(&s, 0, 0).failed(), 0);
    let others_vary = Some(Variation { by: 0.2, every: Span::from_secs(30) });
    s.deployments[0].quota = Some(QuotaUse::Own(Box::new(Quota { limiter, others_vary, per_source_region: false })));
    let failed = [run(&s, 0, 0).failed(), run(&s, 0, 1).failed()];
    assert!(failed.iter().all(|f| (100..4_000).contains(f)) && failed[0] != failed[1], "{failed:?}");
}

/// Used-up credit is an error of its own, counted with those of rate limits, and stays.
#[test]
fn used_up_credit_stays_used_up() {
    let mut s = world(1, 10);
    limited(
        &mut s,
        LimiterConfig::OpenAi(OpenAiConfig {
            requests: None,
            requests_per_day: None,
            tokens: None,
            tokens_per_day: None,
            credit: Some(Money::from_dollars(1)),
            retry_after: true,
        }),
    );
    let r = run(&s, 0, 0);
    // 100 * $2 + 50 * $8 per million: $0.0006 a request
    assert_eq!(served(&r), 1_667);
    assert_eq!(r.failures[Failure::RateLimited as usize], r.failed());
    assert_eq!(r.deployments[0].rate_limited, r.failed());
}

/// Two deployments on one account in the first pool, another provider in the second: once the credit is used up, the second
/// pool serves, by default, and nobody waits for what no waiting mends.
#[test]
fn used_up_credit_leads_to_the_next_pool() {
    let account = r#"
[quota.account]
openai = { credit = "$1" }
[deployment.one]
extends = "gpt"
quota.shared = "account"
[deployment.twin]
extends = "one"
[pool.first]
deployments = ["one", "twin"]
[pool.second]
deployments = ["gpt"]
[topology.one]
regions = ["aws:us-east-1"]
chain = ["first", "second"]
"#;
    let with = |more: &str| {
        let r = run(&good(&small(&["Berlin"], "", &format!("{account}{more}"))), 0, 0);
        // 100 * $2 + 50 * $8 per million: $0.0006 a request, and some are under way when the last cent goes
        let paid = r.deployments[1].ok + r.deployments[2].ok;
        assert!((1_667..1_700).contains(&paid), "{paid}");
        (r.requests() - paid, r)
    };
    let (late, usual) = with("");
    assert!(late > 5_000 && usual.failed() == 0, "{} of {late}", usual.failed());
    assert_eq!(usual.deployments[0].ok, late);
    // without cool-downs each request learns it anew, and from everybody once
    let (late, learning) = with("cooldown.enabled = false\nretry.attempts_per_pool = 8\n");
    let refused = |d: usize| learning.deployments[d].rate_limited;
    assert_eq!((learning.failed(), refused(1), refused(2)), (0, late, late));
    // whoever leaves it out of the list gets the error
    let (late, listed) = with("cooldown.enabled = false\nretry.on = [\"429\", \"500\", \"503\"]\n");
    assert_eq!((listed.failures[Failure::RateLimited as usize], listed.failed()), (late, late));
}

/// A quota of one's own each, and one that both share: quotas add up over regions only where each region has its own.
#[test]
fn quotas_add_up_unless_they_are_shared() {
    let limiter = || {
        LimiterConfig::TokenBucket(PlainConfig {
            requests: Some(BucketConfig { rate: per_min(240), capacity: 1 }),
            tokens: None,
            retry_after: true,
        })
    };
    let mut s = world(2, 10);
    s.topologies[0].retry.attempts_per_pool = 2;
    for d in &mut s.deployments {
        d.quota = Some(QuotaUse::own(limiter()));
    }
    let own = served(&run(&s, 0, 0));
    for d in &mut s.deployments {
        d.quota = Some(QuotaUse::Shared(0));
    }
    s.quotas = vec![SharedQuota {
        name: "account".to_owned(),
        quota: Quota { limiter: limiter(), others_vary: None, per_source_region: false },
    }];
    let shared = served(&run(&s, 0, 0));
    assert!(own >= 2 * shared - 4, "{own} {shared}");
    assert!((2_000..=2_401).contains(&shared), "{shared}");
}

/// Ten requests a second from so many regions together, all to the model in the third place: an inference profile.
fn profile(regions: usize, limiter: LimiterConfig, per_source_region: bool) -> Scenario {
    let mut s = world(3, 10);
    let quota = Quota { limiter, others_vary: None, per_source_region };
    s.quotas = vec![SharedQuota { name: "us-profile".to_owned(), quota }];
    for d in &mut s.deployments {
        d.quota = Some(QuotaUse::Shared(0));
    }
    s.topologies[0].regions = (0..regions).map(|i| plain_region(RegionIx::new(i))).collect();
    s.topologies[0].chain[0].members = vec![(DeploymentIx(2), 1.0)];
    // each region has half of the users: those whose name it answers first
    s.topologies[0].steering = Steering::dns(Policy::Weighted(vec![1; regions]), Span::from_nanos(1));
    s
}

/// Bedrock counts what goes through an inference profile in the region that calls: two calling regions have two counts, and each
/// lets through exactly what one would. Without it both share one count.
#[test]
fn a_profile_is_counted_where_it_is_called() {
    // no refill that matters; a request reserves 300 tokens and gives 150 back
    let limiter = || {
        LimiterConfig::Bedrock(BedrockConfig {
            requests: None,
            tokens: BucketConfig { rate: PerNanos { micro_count: 1, nanos: 60_000_000_000 }, capacity: 12_150 },
            tokens_per_day: None,
            output_burndown: 1,
            retry_after: false,
        })
    };
    let served_with = |regions, per_source_region| served(&run(&profile(regions, limiter(), per_source_region), 0, 0));
    // 12,150 - 80 * 150 = 150: the next reservation of 300 does not fit
    assert_eq!(served_with(1, false), 80);
    assert_eq!(served_with(1, true), 80);
    assert_eq!(served_with(2, false), 80);
    assert_eq!(served_with(2, true), 160);
    // calls given up on their way and races, and a calling region that dies with calls under way: the grants of each count come
    // back to it (INV-5 ends the run otherwise)
    let mut s = profile(2, limiter(), true);
    s.place_links.iter_mut().for_each(|l| l.rtt = Span::from_millis(400));
    s.deployments.iter_mut().for_each(|d| d.ttft = DistSpec::LogNormal { p50: 0.3, p95: 0.9 });
    s.topologies[0].chain[0].members = vec![(DeploymentIx(0), 1.0), (DeploymentIx(1), 1.0), (DeploymentIx(2), 1.0)];
    s.topologies[0].retry.attempts_per_pool = 3;
    s.topologies[0].retry.hedging = Some(Hedging::OneMore { after: Span::from_millis(100) });
    s.topologies[0].retry.first_token_timeout = Span::from_millis(750);
    for (at, region) in [(1, 0), (2, 2)] {
        let when = FaultWhen::At { at: Span::from_secs(at), lasts: Span::from_millis(1500) };
        let what = FaultWhat::RegionDown { region: RegionIx(region) };
        s.faults.push(Fault { name: format!("down-{region}"), when, what });
    }
    let r = run(&s, 0, 0);
    assert!(r.deployments.iter().all(|d| d.rate_limited > 0) && served(&r) > 0);
}

/// The language: who may call, where it says nothing, and that the story of a request names the caller whose count refused it.
#[test]
fn a_count_per_source_region_needs_several_regions_of_aws() {
    let text = |regions: &str, per: &str| {
        small(
            &["Berlin", "Toronto"],
            &format!(
                "quota.shared = \"profile\"\n\n[quota.profile]\nbedrock = {{ tokens = \"15k tokens/min\", output_burndown = 5{per} }}\n\n\
                 [pool.gpt]\ndeployments = [\"gpt\"]"
            ),
            &format!("[topology.one]\nregions = [{regions}]\nchain = [\"gpt\"]\n"),
        )
    };
    let (both, per) = (r#""aws:us-east-1", "aws:eu-west-1""#, ", per_source_region = true");
    let warned = ["the quota `profile` is counted per source region, but every topology calls from one region only"];
    assert_eq!(messages(&text(r#""aws:us-east-1""#, per)), warned);
    assert!(messages(&text(r#""aws:us-east-1""#, "")).is_empty());
    assert!(messages(&text(both, per)).is_empty());
    let s = good(&text(both, per));
    assert!(s.quotas[0].quota.per_source_region);
    assert!(!good(&text(both, "")).quotas[0].quota.per_source_region);
    // one of the two callers is told apart from the other
    let failed = find(&s, 0, 0, Trait::Failed, 200);
    for region in ["aws:us-east-1", "aws:eu-west-1"] {
        let whose = format!("(its limit on tokens, of the shared quota profile, as counted for callers in {region})");
        let one = failed.iter().find(|f| f.region.as_deref() == Some(region) && !f.called.is_empty());
        let one = one.unwrap_or_else(|| panic!("nothing failed in {region}: {failed:?}"));
        let tale = explain(&s, 0, 0, one.request).unwrap();
        assert!(tale.steps.iter().any(|s| s.text.ends_with(&whose)), "{whose}: {:?}", tale.steps);
    }
}

/// What a failed request reserved comes back: it used nothing.
#[test]
fn a_request_that_fails_gives_its_tokens_back() {
    let mut s = world(1, 10);
    s.deployments[0].error_rate = 0.5;
    s.deployments[0].quota = Some(QuotaUse::own(LimiterConfig::TokenBucket(PlainConfig {
        requests: None,
        tokens: Some(bucket(60_000)), // enough for 400 requests of 150 tokens a minute, of the 300 that do not fail
        retry_after: true,
    })));
    let r = run(&s, 0, 0);
    assert_eq!(r.failures[Failure::RateLimited as usize], 0);
    assert!(r.failures[Failure::Unavailable as usize] > 2_500);
}

/// Two deployments in one place, of which the first has provisioned throughput for a sixth of what is asked of it.
fn provisioned(limiter: LimiterConfig) -> Scenario {
    let mut s = world(2, 10);
    limited(&mut s, limiter);
    s.deployments[1].place = s.deployments[0].place;
    s.topologies[0].chain[0].members.truncate(1);
    s
}

/// What provisioned throughput refuses is served elsewhere in its place: the gateway sees no refusal, takes nothing out of
/// service, and pays the other deployment for it. Without the setting, the same requests fail.
#[test]
fn provisioned_throughput_spills_over() {
    let azure = AzureProvisionedConfig {
        units: 1,
        input_per_min: 25_000, // of 100 + 3 * 50 tokens there is room for 100 requests a minute
        output_per_min: 8_333,
        window: Span::from_mins(1),
        retry_after: true,
    };
    let vertex = VertexProvisionedConfig { rate: per_min(25_000), window: Span::from_secs(30), output_weight: 3 };
    for limiter in [LimiterConfig::AzureProvisioned(azure), LimiterConfig::VertexProvisioned(vertex)] {
        let mut s = provisioned(limiter);
        s.topologies[0].guards = vec![GuardConfig::Cooldown(CooldownConfig {
            failures: 1,
            time: Span::from_mins(5),
            rate_limited_at_once: true,
        })];
        let alone = run(&s, 0, 0);
        assert!(alone.failed() > 3_000, "{}", alone.failed());

        s.deployments[1].quota = None;
        s.deployments[0].spill_over = Some(DeploymentIx::new(1));
        let r = run(&s, 0, 0);
        assert_eq!((r.failed(), r.attempts, r.groups[0].fallback), (0, r.requests(), 0));
        let [first, other] = [&r.deployments[0], &r.deployments[1]];
        assert_eq!((first.attempts, first.ok, first.rate_limited, other.attempts), (6_000, 6_000, 0, 0));
        let paid = &r.usage.input_tokens;
        assert_eq!((paid[0] + paid[1], paid[1]), (600_000, 100 * first.spilled));
        assert!((4_000..5_500).contains(&first.spilled), "{}", first.spilled);

        // whoever is down has it served, too; where both are, nobody is
        let down = |deployments: &[usize]| Fault {
            name: "down".to_owned(),
            when: FaultWhen::At { at: Span::from_mins(2), lasts: Span::from_mins(1) },
            what: FaultWhat::ProviderDown {
                deployments: deployments.iter().map(|d| DeploymentIx::new(*d)).collect(),
                error: geodes::routing::outcome::ErrorClass::Unavailable,
            },
        };
        s.topologies[0].guards.clear();
        s.faults = vec![down(&[0])];
        assert_eq!(run(&s, 0, 0).failed(), 0);
        s.faults = vec![down(&[0, 1])];
        let r = run(&s, 0, 0);
        assert_eq!((r.failed(), r.failures[Failure::Unavailable as usize]), (600, 600));
    }
}

const PROVISIONED: &str =
    "azure_provisioned = { units = 15, input_tokens = \"2500 tokens/min\", output_tokens = \"833 tokens/min\" }";

#[test]
fn spill_over_is_for_provisioned_throughput_and_stays_in_its_place() {
    let gpt = format!("quota.{PROVISIONED}\nspill_over = \"std\"\n");
    let rest = |std: &str| {
        format!(
            "[deployment.std]\nprovider = \"azure\"\nmodel = \"gpt-4.1\"\n\
             price = {{ input = \"$2 / Mtok\", output = \"$8 / Mtok\" }}\nlatency.preset = \"gpt-4.1-2026\"\n{std}\n\
             [pool.gpt]\ndeployments = [\"gpt\"]\n[topology.one]\nregions = [\"aws:us-east-1\"]\nchain = [\"gpt\"]\n"
        )
    };
    let file = |gpt: &str, std: &str| small(&["Berlin"], gpt, &rest(std));
    let s = good(&file(&gpt, "region = \"azure:eastus2\""));
    assert_eq!(s.deployments[0].spill_over, Some(DeploymentIx::new(1)));
    let refused = |gpt: &str, std: &str| messages(&file(gpt, std));
    assert_eq!(
        refused(&gpt, "region = \"azure:swedencentral\""),
        ["what spills over stays with the provider and in the region"]
    );
    assert_eq!(
        refused("spill_over = \"std\"", "region = \"azure:eastus2\""),
        ["deployment `gpt` has no provisioned throughput that could spill over"]
    );
    assert_eq!(
        refused(&gpt.replace("std", "gpt"), "region = \"azure:eastus2\""),
        ["a deployment cannot spill over to itself"]
    );
    assert_eq!(refused(&gpt.replace("std", "stt"), "region = \"azure:eastus2\""), ["unknown deployment `stt`"]);
    let again = format!("region = \"azure:eastus2\"\nquota.{PROVISIONED}\nspill_over = \"gpt\"");
    assert_eq!(refused(&gpt, &again), ["what spills over does not spill over again"; 2]);
}
