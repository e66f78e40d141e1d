//! Endpoint pickers and network-aware cost in the world: what is reported reaches the gateway late, prompts have beginnings in
//! common, and a full pool is passed over.

mod common;

use common::{attempts, good, one, shares, small, with_rate};
use geodes::routing::balance::Choose;
use geodes::routing::balance::inference::scorer::Weights;
use geodes::routing::balance::inference::{InferenceConfig, Picker, Saturation};
use geodes::scenario::model::{Context, DistSpec, Scenario, Turns};
use geodes::units::{DeploymentIx, Span};

/// One gateway before `n` deployments in one pool, `rate` requests a second for an hour.
fn picker(n: usize, rate: u64, config: InferenceConfig) -> Scenario {
    let mut s = with_rate(n, rate);
    s.topologies[0].chain[0].members = (0..n).map(|i| (DeploymentIx::new(i), 1.0)).collect();
    s.topologies[0].chain[0].choose = Choose::Inference(config);
    s.topologies[0].guards.clear();
    s
}

fn with(weights: Weights) -> InferenceConfig {
    InferenceConfig { weights, saturation: None, ..InferenceConfig::SAMPLE }
}

#[test]
fn reported_load_steers_away_from_the_slow_one() {
    let weights = Weights { utilisation: 1.0, ..Weights::default() };
    let mut s = picker(2, 20, with(weights));
    for (d, seconds) in s.deployments.iter_mut().zip([0.5, 5.0]) {
        d.concurrency = Some(200);
        d.ttft = DistSpec::Constant(seconds);
    }
    let r = one(&s);
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
        let r = one(&s);
        r.failed() as f64 / r.requests() as f64
    };
    let fresh = refused(Span::from_millis(50), Picker::MaxScore);
    let old = refused(Span::from_secs(5), Picker::MaxScore);
    let spread = refused(Span::from_secs(5), Picker::WeightedRandom);
    assert!(fresh < 0.01, "{fresh}");
    assert!(old > 0.2, "who was idle takes all calls of five seconds: {old}");
    assert!(spread < old / 2.0, "{spread} of {old}");
}

/// Each pool's members are asked at its own interval: how often those of the second pool report is nothing to the first.
#[test]
fn every_pool_has_reports_as_old_as_it_asks_for_them() {
    let first_pool = |first, second| {
        let weights = Weights { utilisation: 1.0, ..Weights::default() };
        let mut s = picker(4, 40, InferenceConfig { refresh: first, ..with(weights) });
        for d in &mut s.deployments {
            d.concurrency = Some(30);
            d.ttft = DistSpec::Constant(1.0);
        }
        let chain = &mut s.topologies[0].chain;
        let mut other = chain[0].clone();
        chain[0].members.truncate(2);
        other.members.drain(..2);
        other.choose = Choose::Inference(InferenceConfig { refresh: second, ..with(weights) });
        chain.push(other);
        attempts(&one(&s))[..2].to_vec()
    };
    let (fresh, old) = (Span::from_millis(50), Span::from_secs(5));
    assert_eq!(first_pool(old, fresh), first_pool(old, old));
    assert_ne!(first_pool(fresh, old), first_pool(old, old), "it matters to those who ask");
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
        let r = one(&s);
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
        let got = shares(&one(&s));
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
        shares(&one(&s))[0]
    };
    // four places serve four a second, and who has a queue gets no more
    let by_queue = longest(Choose::Inference(with(Weights { queue: 1.0, ..Weights::default() })));
    assert!(by_queue < 0.3, "{by_queue}");
    assert!((longest(Choose::RoundRobin) - 0.5).abs() < 0.01);
}

/// A gateway in Frankfurt before a deployment of its own continent and the other.
fn scenario(rate: &str, concurrency: &str, choose: &str) -> String {
    let rest = format!(
        r#"
[deployment.eu]
extends = "gpt"
region = "azure:swedencentral"
[pool.gpt]
deployments = ["gpt", "eu"]
choose.{choose}
[topology.one]
regions = ["aws:eu-central-1"]
chain = ["gpt"]
cooldown = {{ enabled = false }}
"#
    );
    small(&["Berlin"], concurrency, &rest).replace("2 sessions/s", &format!("{rate} sessions/s"))
}

#[test]
fn network_aware_cost_stays_near_until_the_queue_there_outweighs_the_way() {
    let to_america = |rate| {
        let text = scenario(rate, "", "network_cost = { per_call = \"10 ms\" }");
        shares(&one(&good(&text)))[0]
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
        let r = one(&good(&text));
        let refused: u64 = r.deployments.iter().map(|d| d.failed).sum();
        (refused as f64 / r.requests() as f64, shares(&r)[0], r.failed() as f64 / r.requests() as f64)
    };
    let (refused, _, failed) = outcome("selective_push = { cross_region = false, max_wait = \"2 s\" }");
    assert!(refused < 0.05 && failed > 0.05, "{refused} {failed}");
    let (refused, abroad, failed) = outcome("selective_push = {}");
    assert!(refused < 0.05 && failed == 0.0 && (0.1..0.7).contains(&abroad), "{refused} {abroad} {failed}");
    let blind = outcome("nearest = {}").0;
    assert!(blind > 0.1, "blind pushing is refused by who is full: {blind}");
}

fn messages(concurrency: &str, choose: &str) -> Vec<String> {
    common::messages(&scenario("1", concurrency, choose))
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
        (
            "",
            "inference = { scorers = { utilisation = 1.0 } }",
            "no member reports its load: none has a `concurrency` or `replicas`",
        ),
        (
            "",
            "inference = { scorers = { prefix = 1.0 }, saturation = {} }",
            "no member reports its load: none has a `concurrency` or `replicas`",
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
    let nobody = "no member reports its load: none has a `concurrency` or `replicas`";
    assert_eq!(messages("", "selective_push = {}"), [nobody]);
    let fine = "inference = { scorers = { prefix = 2.0, active_requests = 1.0 }, picker = \"random\" }";
    assert!(messages("", fine).is_empty(), "{:?}", messages("", fine));
}
