//! How pools choose, in the world: each policy's share of calls is what its rule says.

mod common;

use common::{GOOD, good, one, with_rate};
use geodes::routing::balance::{Choose, LeastRequestConfig, PeakEwma};
use geodes::scenario::model::{DistSpec, Scenario};
use geodes::units::{DeploymentIx, Money, Price};
use std::collections::BTreeSet;

/// One gateway before three deployments in one pool, 20 requests a second for an hour.
fn three(choose: Choose) -> Scenario {
    let mut s = with_rate(3, 20);
    s.topologies[0].chain[0].members = (0..3).map(|i| (DeploymentIx(i), 1.0)).collect();
    s.topologies[0].chain[0].choose = choose;
    s
}

/// Share of the calls that each deployment gets.
fn shares(s: &Scenario) -> Vec<f64> {
    let r = one(s);
    assert_eq!(r.failed(), 0);
    common::shares(&r)
}

fn close(got: &[f64], expected: [f64; 3], tolerance: f64) {
    assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < tolerance), "{got:?} of {expected:?}");
}

#[test]
fn least_request_evens_out_and_weights_count() {
    let mut s = three(Choose::LeastRequest(LeastRequestConfig::ENVOY));
    close(&shares(&s), [1.0 / 3.0; 3], 0.01);
    s.topologies[0].chain[0].members = vec![(DeploymentIx(0), 1.0), (DeploymentIx(1), 1.0), (DeploymentIx(2), 2.0)];
    close(&shares(&s), [0.25, 0.25, 0.5], 0.001);
    // who is ten times slower has more calls in flight and gets fewer new ones
    let mut s = three(Choose::LeastRequest(LeastRequestConfig::ENVOY));
    for (d, seconds) in s.deployments.iter_mut().zip([0.5, 0.5, 5.0]) {
        d.ttft = DistSpec::Constant(seconds);
    }
    assert!(shares(&s)[2] < 0.15, "{:?}", shares(&s));
}

#[test]
fn ring_hash_shares_by_weight_and_keeps_a_conversation_together() {
    let mut s = three(Choose::RingHash(1024));
    s.topologies[0].chain[0].members = vec![(DeploymentIx(0), 1.0), (DeploymentIx(1), 1.0), (DeploymentIx(2), 2.0)];
    close(&shares(&s), [0.25, 0.25, 0.5], 0.05);
}

#[test]
fn tables_and_turns_share_by_weight() {
    for choose in [Choose::Maglev(65_537), Choose::WeightedRoundRobin] {
        let mut s = three(choose);
        s.topologies[0].chain[0].members = vec![(DeploymentIx(0), 1.0), (DeploymentIx(1), 1.0), (DeploymentIx(2), 2.0)];
        let tolerance = if choose == Choose::WeightedRoundRobin { 1e-4 } else { 0.01 };
        close(&shares(&s), [0.25, 0.25, 0.5], tolerance);
    }
}

#[test]
fn peak_ewma_prefers_the_fast_one_and_herds_to_the_others_now_and_then() {
    let mut s = three(Choose::PeakEwma(PeakEwma::DECAY));
    for (d, seconds) in s.deployments.iter_mut().zip([0.2, 2.0, 2.0]) {
        d.ttft = DistSpec::Constant(seconds);
    }
    // a slow one is looked at when its 2 s have decayed to 0.2 s, after 23 s; until that answer is there, 2 s later, all
    // 40 requests follow it: 80 of 500
    close(&shares(&s), [0.84, 0.08, 0.08], 0.02);
}

#[test]
fn openrouter_gives_nine_times_more_to_a_third_of_the_price() {
    let mut s = three(Choose::OpenRouter);
    for (d, dollars) in s.deployments.iter_mut().zip([1, 1, 3]) {
        d.input_price = Price::new(Money::from_dollars(dollars), 1_000_000);
    }
    close(&shares(&s), [9.0 / 19.0, 9.0 / 19.0, 1.0 / 19.0], 0.01);
}

#[test]
fn every_choice_of_the_language_reaches_the_router() {
    let mut seen = Vec::new();
    for choose in [
        "\"nearest\"",
        "\"in_order\"",
        "\"weighted\"",
        "\"round_robin\"",
        "\"least_busy\"",
        "\"least_request\"",
        "{ least_request = { choice_count = 3 } }",
        "\"ring_hash\"",
        "{ ring_hash = { minimum_ring_size = 64 } }",
        "\"reported_load\"",
        "{ reported_load = { every = \"100 ms\" } }",
        "\"peak_ewma\"",
        "{ peak_ewma = { decay = \"1 min\" } }",
        "\"openrouter\"",
        "\"weighted_round_robin\"",
        "\"maglev\"",
        "{ maglev = { table_size = 1009 } }",
        "\"envoy\"",
        "{ inference = { scorers = { prefix = 1.0 } } }",
        "{ inference = { scorers = { active_requests = 1.0 } } }",
        "{ inference = { scorers = { prefix = 1.0 }, picker = \"random\" } }",
        "{ inference = { scorers = { prefix = 1.0 }, picker = \"weighted_random\" } }",
        "{ inference = { scorers = { prefix = 1.0 }, lru_blocks = 100 } }",
        "{ network_cost = { per_call = \"20 ms\" } }",
        "{ network_cost = { per_call = \"20 ms\", prefill_per_token = \"1 ms\" } }",
        "{ envoy = { hosts = \"random\" } }",
        "{ envoy = { hosts = \"least_request\" } }",
        "{ envoy = { hosts = \"ring_hash\" } }",
        "{ envoy = { hosts = \"maglev\" } }",
        "{ envoy = { panic_threshold = 0 } }",
        "{ envoy = { fail_traffic_on_panic = true } }",
        "{ envoy = { overprovisioning_factor = 100 } }",
        "{ envoy = { slow_start = { window = \"1 min\" } } }",
    ] {
        let pool = format!("[\"gpt\"]\nchoose = {choose}\n\n[topology");
        let now = good(&GOOD.replace("[\"gpt\"]\n\n[topology", &pool)).topologies[0].chain[0].choose;
        assert!(!seen.contains(&now), "{choose} changes nothing");
        seen.push(now);
    }
}

/// First cells of the rows of the first table after a heading, as far as they are names of variants.
fn rows(page: &str, after: &str) -> BTreeSet<String> {
    let section = page.split_once(after).unwrap_or_else(|| panic!("no `{after}`")).1;
    let table = section.lines().skip_while(|l| !l.starts_with("|---")).skip(1).take_while(|l| l.starts_with('|'));
    table.filter_map(|l| l.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect()
}

#[test]
fn the_chapter_on_routing_lists_what_the_language_has() {
    let page = |name: &str| std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (chapter, language) = (page("routing.md"), page("scenario.md"));
    let choices: BTreeSet<String> = Choose::each().iter().map(|c| c.name().to_owned()).collect();
    assert_eq!(rows(&chapter, "\n## Choice of deployment\n"), choices);
    assert_eq!(rows(&language, "\n#### Choice of a member ("), choices);
    for (ours, theirs) in [
        ("\n| `retry.backoff` |", "\n#### Backoff ("),
        ("\n| `retry.budget` |", "\n#### Retry budget ("),
        ("\n## Throttling by the gateway\n", "\n#### Throttle ("),
    ] {
        let listed = rows(&chapter, ours);
        assert!(!listed.is_empty());
        assert_eq!(listed, rows(&language, theirs), "{theirs}");
    }
    let breakers = rows(&language, "\n#### Circuit breaker (").into_iter().map(|b| format!("breaker.{b}"));
    let guards: BTreeSet<String> =
        breakers.chain(["active_health", "cooldown", "outlier"].map(str::to_owned)).collect();
    assert_eq!(rows(&chapter, "\n## Taking out of service\n"), guards);
}
