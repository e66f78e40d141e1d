//! Endpoint pickers and network-aware cost in the world: what is reported reaches the gateway late, prompts have beginnings in
//! common, and a full pool is passed over.

use geodes::routing::balance::Choose;
use geodes::routing::balance::inference::scorer::Weights;
use geodes::routing::balance::inference::{InferenceConfig, Picker, Saturation};
use geodes::scenario::diagnostic::Severity;
use geodes::scenario::model::{Arrivals, Context, DistSpec, Scenario, Turns};
use geodes::scenario::{from_str, plain};
use geodes::units::{DeploymentIx, PerNanos, Span};
use geodes::world::{Record, run};

/// One gateway before `n` deployments in one pool, `rate` requests a second for an hour.
fn picker(n: usize, rate: u64, config: InferenceConfig) -> Scenario {
    let mut s = plain(n);
    s.workloads[0].arrivals =
        Arrivals::Poisson { rate: PerNanos { micro_count: rate * 1_000_000, nanos: 1_000_000_000 }, shape: None };
    s.topologies[0].chain[0].members = (0..n).map(|i| (DeploymentIx::new(i), 1.0)).collect();
    s.topologies[0].chain[0].choose = Choose::Inference(config);
    s.topologies[0].guards.clear();
    s
}

fn with(weights: Weights) -> InferenceConfig {
    InferenceConfig { weights, saturation: None, ..InferenceConfig::SAMPLE }
}

fn shares(r: &Record) -> Vec<f64> {
    r.deployments.iter().map(|d| d.attempts as f64 / r.attempts as f64).collect()
}

#[test]
fn reported_load_steers_away_from_the_slow_one() {
    let weights = Weights { utilisation: 1.0, ..Weights::default() };
    let mut s = picker(2, 20, with(weights));
    for (d, seconds) in s.deployments.iter_mut().zip([0.5, 5.0]) {
        d.concurrency = Some(200);
        d.ttft = DistSpec::Constant(seconds);
    }
    let r = run(&s, 0, 0);
    // as many are in service at both, so the one that takes ten times longer is called a tenth as often
    assert!((0.05..0.15).contains(&shares(&r)[1]), "{:?}", shares(&r));
}

/// llm-d: stale metrics and the picker of the highest score make a herd.
#[test]
fn old_reports_make_a_herd_and_a_random_picker_breaks_it_up() {
    let refused = |refresh, picked| {
        let weights = Weights { utilisation: 1.0, ..Weights::default() };
        let mut s = picker(4, 40, InferenceConfig { refresh, picker: picked, ..with(weights) });
        for d in &mut s.deployments {
            d.concurrency = Some(20);
            d.ttft = DistSpec::Constant(1.0);
        }
        let r = run(&s, 0, 0);
        r.failed() as f64 / r.requests() as f64
    };
    let fresh = refused(Span::from_millis(50), Picker::MaxScore);
    let old = refused(Span::from_secs(5), Picker::MaxScore);
    let spread = refused(Span::from_secs(5), Picker::WeightedRandom);
    assert!(fresh < 0.01, "{fresh}");
    assert!(old > 0.2, "who was idle takes all calls of five seconds: {old}");
    assert!(spread < old / 2.0, "{spread} of {old}");
}

#[test]
fn a_full_pool_that_refuses_is_passed_over() {
    let attempts = |saturation| {
        let weights = Weights { utilisation: 1.0, ..Weights::default() };
        let mut s = picker(3, 20, InferenceConfig { saturation, ..with(weights) });
        for d in &mut s.deployments {
            d.ttft = DistSpec::Constant(1.0);
        }
        s.deployments[0].concurrency = Some(5);
        s.deployments[1].concurrency = Some(5);
        let mut spare = s.topologies[0].chain[0].clone();
        s.topologies[0].chain[0].members.truncate(2);
        spare.members = vec![(DeploymentIx(2), 1.0)];
        spare.choose = Choose::InOrder;
        s.topologies[0].chain.push(spare);
        let r = run(&s, 0, 0);
        assert_eq!(r.failed(), 0);
        r.attempts as f64 / r.requests() as f64
    };
    let blind = attempts(None);
    let refusing = attempts(Some(Saturation { refuse: true, ..Saturation::DEFAULT }));
    assert!(blind > 1.4, "half of the calls are refused by the provider first: {blind}");
    assert!(refusing < 1.1, "{refusing}");
}

#[test]
fn who_has_the_system_prompt_gets_those_who_share_it() {
    let share = |context| {
        let mut s = picker(2, 5, with(Weights { prefix: 1.0, ..Weights::default() }));
        s.workloads[0].turns = Turns::Geometric { mean: 3.0 };
        s.workloads[0].context = context;
        let got = shares(&run(&s, 0, 0));
        got[0].max(got[1])
    };
    assert_eq!(share(Context::Growing { system_tokens: 64, max_tokens: 100_000 }), 1.0);
    let apart = share(Context::Growing { system_tokens: 0, max_tokens: 100_000 });
    assert!(apart < 0.6, "conversations of their own are spread: {apart}");
}

/// What waits at a deployment is reported too.
#[test]
fn reported_queues_even_out() {
    let longest = |choose| {
        let mut s = picker(2, 20, with(Weights { queue: 1.0, ..Weights::default() }));
        s.topologies[0].chain[0].choose = choose;
        for (d, places) in s.deployments.iter_mut().zip([4, 40]) {
            d.concurrency = Some(places);
            d.queue = 1000;
            d.ttft = DistSpec::Constant(1.0);
        }
        shares(&run(&s, 0, 0))[0]
    };
    // four places serve four a second, and who has a queue gets no more
    let by_queue = longest(Choose::Inference(with(Weights { queue: 1.0, ..Weights::default() })));
    assert!(by_queue < 0.3, "{by_queue}");
    assert!((longest(Choose::RoundRobin) - 0.5).abs() < 0.01);
}

const TWO_CONTINENTS: &str = r#"
name = "Two continents"
start = "2026-03-02T00:00:00Z"
horizon = "1 h"
warmup = "0"
[users.berlin]
city = "Berlin"
share = 1.0
[workload.chat]
arrivals.poisson = { rate = "RATE sessions/s" }
sizes.fixed = { input = "100 tokens", output = "50 tokens" }
[deployment.eu]
provider = "azure"
region = "azure:swedencentral"
model = "gpt-4.1"
price = { input = "$2 / Mtok", output = "$8 / Mtok" }
latency.preset = "gpt-4.1-2026"
CONCURRENCY
[deployment.us]
extends = "eu"
region = "azure:eastus2"
[pool.gpt]
deployments = ["us", "eu"]
choose.CHOOSE
[topology.one]
regions = ["aws:eu-central-1"]
chain = ["gpt"]
cooldown = { enabled = false }
"#;

fn scenario(rate: &str, concurrency: &str, choose: &str) -> String {
    TWO_CONTINENTS.replace("RATE", rate).replace("CONCURRENCY", concurrency).replace("CHOOSE", choose)
}

#[test]
fn network_aware_cost_stays_near_until_the_queue_there_outweighs_the_way() {
    let to_america = |rate| {
        let text = scenario(rate, "", "network_cost = { per_call = \"10 ms\" }");
        let s = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}")).scenario;
        shares(&run(&s, 0, 0))[1]
    };
    assert!(to_america("0.1") < 0.01, "{}", to_america("0.1"));
    assert!((0.1..0.5).contains(&to_america("40")), "{}", to_america("40"));
}

/// SkyWalker: what is pushed only where there is room is never refused; what finds none at home goes abroad.
#[test]
fn selective_pushing_waits_at_home_or_goes_abroad() {
    let outcome = |choose: &str| {
        // some 20 calls at a time where 12 fit
        let text = scenario("8", "concurrency = 12", choose);
        let s = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}")).scenario;
        let r = run(&s, 0, 0);
        let refused: u64 = r.deployments.iter().map(|d| d.failed).sum();
        (refused as f64 / r.requests() as f64, shares(&r)[1], r.failed() as f64 / r.requests() as f64)
    };
    let (refused, _, failed) = outcome("selective_push = { cross_region = false, max_wait = \"2 s\" }");
    assert!(refused < 0.05 && failed > 0.05, "{refused} {failed}");
    let (refused, abroad, failed) = outcome("selective_push = {}");
    assert!(refused < 0.05 && failed == 0.0 && (0.1..0.7).contains(&abroad), "{refused} {abroad} {failed}");
    let blind = outcome("nearest = {}").0;
    assert!(blind > 0.1, "blind pushing is refused by who is full: {blind}");
}

fn messages(concurrency: &str, choose: &str) -> Vec<String> {
    match from_str(&scenario("1", concurrency, choose), "test.toml", None) {
        Ok(loaded) => loaded.warnings.list().iter().map(|d| d.message.clone()).collect(),
        Err(d) => {
            let errors = d.list().iter().filter(|d| d.severity == Severity::Error);
            errors.map(|d| d.message.clone()).collect()
        }
    }
}

#[test]
fn pickers_that_could_tell_nobody_apart_are_refused() {
    const SLOTS: &str = "concurrency = 100";
    let cases = [
        (SLOTS, "inference = { scorers = {} }", "no scorer has a weight: all members would be alike"),
        (
            SLOTS,
            "inference = { scorers = { queue = 1.0, load_aware = 1.0 } }",
            "no member has a `queue`: this picker would find all of them alike",
        ),
        ("", "inference = { scorers = { utilisation = 1.0 } }", "no member reports its load: none has a `concurrency`"),
        (
            "",
            "inference = { scorers = { prefix = 1.0 }, saturation = {} }",
            "no member reports its load: none has a `concurrency`",
        ),
        (
            SLOTS,
            "inference = { scorers = { running = 1.0 }, saturation = {}, refresh = \"1 s\" }",
            "reports come every 1 s: most would be stale, and everybody full",
        ),
        (
            SLOTS,
            "inference = { scorers = { running = 1.0 }, saturation = { utilisation = 0.0 } }",
            "a member that is full when it is idle is always full",
        ),
    ];
    for (concurrency, choose, expected) in cases {
        assert_eq!(messages(concurrency, choose), [expected], "{choose}");
    }
    assert!(messages("concurrency = 100\nqueue = 10", "inference = { scorers = { queue = 1.0 } }").is_empty());
    let nobody = "no member reports its load: none has a `concurrency`";
    assert_eq!(messages("", "selective_push = {}"), [nobody]);
    let fine = "inference = { scorers = { prefix = 2.0, active_requests = 1.0 }, picker = \"random\" }";
    assert!(messages("", fine).is_empty(), "{:?}", messages("", fine));
}
