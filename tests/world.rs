//! The real world on small scenarios with exact answers.

mod common;

use common::{one, with_rate};
use geodes::routing::limits::{BucketConfig, LimiterConfig, PlainConfig};
use geodes::routing::outcome::ErrorClass;
use geodes::routing::retry::Hedging;
use geodes::routing::steering::Policy;
use geodes::scenario::model::{
    Arrivals, Deployment, DistSpec, Fault, FaultWhat, FaultWhen, Pool, QuotaUse, Residency, Scenario, Sizes, Steering,
    TraceRows,
};
use geodes::scenario::{plain, plain_region};
use geodes::study::Measured;
use geodes::units::{DeploymentIx, PerNanos, RegionIx, Span};
use geodes::world::failure::Failure;
use geodes::world::{Record, run};
use std::sync::Arc;

fn per_second(rate: u64) -> PerNanos {
    PerNanos { micro_count: rate * 1_000_000, nanos: 1_000_000_000 }
}

#[test]
fn an_idle_system_answers_after_resolution_round_trips_and_service() {
    let mut s = with_rate(1, 1);
    s.user_links[0].rtt = Span::from_millis(100);
    s.place_links[0].rtt = Span::from_millis(10);
    s.client.handshake_round_trips = 2;
    s.dns.miss = Span::from_millis(20);
    s.topologies[0].steering = Steering::dns(Policy::Latency, Span::ZERO);
    s.topologies[0].regions[0].overhead = DistSpec::Constant(0.005);
    s.topologies[0].state.read = DistSpec::Constant(0.004);
    s.deployments[0].ttft = DistSpec::Constant(0.3);
    let r = one(&s);
    assert!(r.requests() > 3000);
    // 20 resolution + 3 round trips to the user + 4 + 5 + 10 + 300
    let expected = Span::from_millis(20 + 300 + 4 + 5 + 10 + 300).nanos();
    assert_eq!((r.groups[0].ttft.min(), r.groups[0].ttft.max()), (Some(expected), Some(expected)));
    assert_eq!(r.failed(), 0);
}

#[test]
fn replayed_rows_arrive_at_their_own_times_after_the_start() {
    let mut s = plain(1);
    s.warmup = Span::from_mins(7);
    s.interval = Span::from_millis(500);
    let ms = |t: u64| (Span::from_millis(t), 3, 1);
    // the last one comes with the end of the horizon, when nobody is let in any more
    let rows = vec![ms(12_500), ms(12_999), ms(13_000), ms(3_599_999), ms(3_600_000)];
    let trace = Arc::new(TraceRows { name: "own".to_owned(), rows });
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
    s.workloads[0].sizes = Sizes::Trace(trace);
    let r = one(&s);
    let counts: Vec<(u64, u64)> = r.timeline[0]
        .iter()
        .filter_map(|(t, cell)| {
            Some((t.since(r.timeline[0].start()).nanos() / 1_000_000, cell?.requests)).filter(|&(_, n)| n > 0)
        })
        .collect();
    assert_eq!(counts, [(12_500, 2), (13_000, 1), (3_599_500, 1)], "not shifted to the first row, none in the warm-up");
    assert_eq!((r.requests(), r.turns), (4, 4));
}

#[test]
fn a_dead_region_fails_everybody_until_it_is_back() {
    let mut s = with_rate(1, 10);
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_mins(10), lasts: Span::from_mins(15) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let r = one(&s);
    let share = r.failed() as f64 / r.requests() as f64;
    assert!((share - 0.25).abs() < 0.01, "{share}");
    assert_eq!(r.failures[Failure::Unreachable as usize], r.failed());
}

#[test]
fn users_leave_a_dead_region_after_detection_and_the_rest_of_the_ttl() {
    let mut s = with_rate(2, 50);
    s.topologies[0].regions.push(plain_region(RegionIx(1)));
    s.topologies[0].retry.attempts_per_pool = 2; // the model in the dead region is down too
    s.dns.resolvers_per_group = 400;
    s.client.tries = 1;
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_mins(20), lasts: Span::from_mins(20) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let r = one(&s);
    let w = &r.watches[0];
    let detected = w.detected.unwrap().since(w.occurrence.begins).as_secs_f64();
    // three failed checks ten seconds apart at an unknown phase, each failing after four seconds
    assert!((24.0..=34.0).contains(&detected), "{detected}");
    let last_bad = (0..1200).rev().find(|i| w.failed.at(w.occurrence.begins + Span::from_secs(*i)) > 0).unwrap();
    assert!((last_bad as f64) < detected + 61.0 && last_bad as f64 > detected + 50.0, "{last_bad} {detected}");
}

#[test]
fn a_token_bucket_lets_through_the_smaller_of_demand_and_rate() {
    for (demand, quota) in [(20u64, 10u64), (5, 10)] {
        let mut s = with_rate(1, demand);
        s.deployments[0].quota = Some(QuotaUse::own(LimiterConfig::TokenBucket(PlainConfig {
            requests: Some(BucketConfig { rate: per_second(quota), capacity: 10 }),
            tokens: None,
            retry_after: true,
        })));
        let r = one(&s);
        let served = (r.requests() - r.failed()) as f64 / 3600.0;
        let exact = demand.min(quota) as f64;
        assert!((served - exact).abs() < 0.02 * exact, "{served} {exact}");
        assert_eq!(r.failures[Failure::RateLimited as usize], r.failed());
    }
}

#[test]
fn the_same_seed_gives_the_same_record_and_another_seed_another() {
    let mut s = with_rate(2, 20);
    s.deployments[0].ttft = DistSpec::LogNormal { p50: 0.3, p95: 0.9 };
    let print = |r: &Record| format!("{r:?}");
    assert_eq!(print(&run(&s, 0, 0)), print(&run(&s, 0, 0)));
    assert_ne!(print(&run(&s, 0, 0)), print(&run(&s, 0, 1)));
}

#[test]
fn a_hedged_call_takes_the_faster_of_two() {
    let mut s = with_rate(2, 20);
    for d in &mut s.deployments {
        d.ttft = DistSpec::Exponential { mean: 1.0 };
    }
    let retry = &mut s.topologies[0].retry;
    retry.attempts_per_pool = 2;
    retry.hedging = Some(Hedging::OneMore { after: Span::ZERO });
    let r = one(&s);
    // the minimum of two unit exponentials is exponential with mean one half
    let mean = r.groups[0].e2e.mean().unwrap() / 1e9;
    let error = 0.5 / (r.requests() as f64).sqrt();
    assert!((mean - 0.5).abs() < 3.0 * error, "{mean} +- {error}");
    assert_eq!(r.attempts, 2 * r.requests());
    assert_eq!(r.failed(), 0);
}

#[test]
fn replication_stays_where_the_data_may_be() {
    let mut s = with_rate(3, 5);
    for p in 1..3 {
        s.topologies[0].regions.push(plain_region(RegionIx(p)));
    }
    s.residency = vec![Residency { name: "home".to_owned(), legal: vec![true, false, true] }];
    s.topologies[0].state.bytes_per_token = 4;
    let free = one(&s);
    assert!(free.usage.bytes_between[1] > 0 && free.usage.bytes_between[2] > 0);
    s.groups[0].residency = Some(0);
    let bound = one(&s);
    assert_eq!(bound.usage.bytes_between[1], 0);
    assert_eq!(bound.usage.bytes_between[2], free.usage.bytes_between[2]);
}

#[test]
fn a_fault_near_the_end_claims_every_turn_it_fails() {
    let mut s = with_rate(1, 10);
    s.deployments[0].ttft = DistSpec::Constant(20.0);
    s.faults.push(Fault {
        name: "down".to_owned(),
        when: FaultWhen::At { at: Span::from_mins(58), lasts: Span::from_mins(30) },
        what: FaultWhat::RegionDown { region: RegionIx(0) },
    });
    let r = one(&s);
    let w = &r.watches[0];
    assert_eq!(w.failed.total() + w.in_flight.failed, r.failed());
    assert!((180..220).contains(&w.in_flight.failed), "20 s of 10 turns/s were under way: {}", w.in_flight.failed);
}

/// A deployment that serves one request at a time, each for ten minutes, breaks for a second after five minutes: the
/// request that it was serving is gone, and the next one is taken in when it is back.
#[test]
fn a_fault_frees_the_concurrency_of_the_calls_that_it_breaks() {
    let dead = [
        FaultWhat::ProviderDown { deployments: vec![DeploymentIx(0)], error: ErrorClass::Unavailable },
        FaultWhat::RegionDown { region: RegionIx(1) },
    ];
    for what in dead {
        let mut s = with_rate(2, 10);
        s.topologies[0].chain[0].members = vec![(DeploymentIx(0), 1.0)];
        s.deployments[0].place = RegionIx(1); // away from the application, which stays up
        s.deployments[0].ttft = DistSpec::Constant(600.0);
        s.deployments[0].concurrency = Some(1);
        let calm = one(&s);
        // from 0, 600, .. 3000 s, each a little later than that: the turns find it busy until one of them does not
        assert_eq!((calm.deployments[0].ok, calm.failed()), (6, calm.requests() - 6));
        let when = FaultWhen::At { at: Span::from_mins(5), lasts: Span::from_secs(1) };
        s.faults.push(Fault { name: "down".to_owned(), when, what });
        let r = one(&s);
        // broken at 300 s; from 301, 901, .. 3301 s
        assert_eq!((r.deployments[0].ok, r.usage.input_tokens[0]), (6, 7));
        let latest = r.timeline[0].iter().filter(|(_, c)| c.is_some_and(|c| c.requests > c.failed)).map(|(t, _)| t);
        let minutes: Vec<u64> = latest.map(|t| t.nanos() / 60_000_000_000).collect();
        assert_eq!(minutes, [5, 15, 25, 35, 45, 55]);
    }
}

/// Whatever the phase of its beginning: turns under way when it strikes and turns sent while it lasts, each once, and
/// none of the warm-up, which no count of failures has.
#[test]
fn an_incident_counts_each_failed_turn_once() {
    for (warmup, at_ms, before) in [(0, 10_500, 10.5), (600_000, 0, 0.0), (600_000, 10_500, 10.5)] {
        let mut s = with_rate(1, 100);
        s.warmup = Span::from_millis(warmup);
        s.deployments[0].ttft = DistSpec::Constant(20.0);
        s.faults.push(Fault {
            name: "down".to_owned(),
            when: FaultWhen::At { at: Span::from_millis(at_ms), lasts: Span::from_secs(5) },
            what: FaultWhat::RegionDown { region: RegionIx(0) },
        });
        let r = one(&s);
        let measured = Measured::new(&s, 0, &r);
        let row = &measured.incidents[0];
        assert_eq!(row.failed, r.failed());
        assert!(row.requests >= row.failed, "{} of {}: both count turns in flight", row.failed, row.requests);
        let expected = 100.0 * (before + 5.0);
        assert!((row.failed as f64 - expected).abs() < 4.0 * f64::sqrt(expected), "{} of {expected}", row.failed);
    }
}

/// A degraded answer is a fallback, also from a deployment that the first pool has too.
#[test]
fn another_pool_is_a_fallback_even_with_the_same_deployment() {
    let mut s = with_rate(1, 5);
    s.deployments[0].error_rate = 0.5;
    let chain = &mut s.topologies[0].chain;
    chain.push(Pool { name: "short answers".to_owned(), degraded: true, ..chain[0].clone() });
    let r = one(&s);
    let g = &r.groups[0];
    let (served, degraded) = (g.ttft.count() as f64, g.degraded as f64);
    assert!((degraded / served - 1.0 / 3.0).abs() < 0.02, "half of the half that failed first: {degraded} of {served}");
    assert_eq!(g.fallback, g.degraded);
}

/// A check that begins while the region is down fails after the repair, and takes the region out of service then.
#[test]
fn what_a_check_notices_counts_as_detected_even_after_the_repair() {
    let mut late = 0;
    for offset in 0..10 {
        let mut s = with_rate(2, 1);
        s.topologies[0].regions.push(plain_region(RegionIx(1)));
        let health = &mut s.topologies[0].health;
        (health.quorum.thresholds.failures, health.connect_timeout) = (2, Span::from_secs(8));
        s.faults.push(Fault {
            name: "short".to_owned(),
            when: FaultWhen::At { at: Span::from_secs(1200 + offset), lasts: Span::from_secs(12) },
            what: FaultWhat::RegionDown { region: RegionIx(0) },
        });
        let r = one(&s);
        // checks every ten seconds: two begin in these twelve only if the first begins within two, and the second fails
        // eight seconds after its beginning
        if let Some(detected) = r.watches[0].detected {
            let after = detected.since(r.watches[0].occurrence.begins).as_secs_f64();
            assert!((18.0..20.0).contains(&after), "{after}");
            late += 1;
        }
    }
    assert_eq!(late, 2);
}

/// A request that is refused with 503 has used no tokens, so its reserve does not stay in the quota.
#[test]
fn what_is_refused_after_the_quota_takes_no_tokens() {
    let change: [fn(&mut Deployment); 2] = [
        |d| d.error_rate = 0.5,
        |d| {
            d.concurrency = Some(1);
            d.ttft = DistSpec::Constant(1.0);
        },
    ];
    for change in change {
        let mut s = with_rate(1, 1);
        s.workloads[0].max_output_tokens = 1000;
        // a token of input and one of output per second at most are used; every 503 would keep 1001
        let tokens = BucketConfig { rate: per_second(100), capacity: 5000 };
        let limiter =
            LimiterConfig::TokenBucket(PlainConfig { requests: None, tokens: Some(tokens), retry_after: false });
        s.deployments[0].quota = Some(QuotaUse::own(limiter));
        change(&mut s.deployments[0]);
        let r = one(&s);
        assert_eq!((r.failures[Failure::RateLimited as usize], r.deployments[0].rate_limited), (0, 0));
        let share = r.failures[Failure::Unavailable as usize] as f64 / r.requests() as f64;
        assert!((share - 0.5).abs() < 0.05, "{share}"); // Erlang B of one server offered one erlang is a half too
    }
}

/// The eleven tokens of an answer leave from 1.0 to 2.0 s. Its gateway gives it up at 1.45 s, by its time-out or by dying:
/// five are written and paid for, with the prompt. A call that a dead gateway has just sent arrives all the same.
#[test]
fn what_a_gateway_gives_up_is_paid_for_as_far_as_it_is_written() {
    let scenario = || {
        let mut s = plain(2);
        let trace = Arc::new(TraceRows { name: "one".to_owned(), rows: vec![(Span::ZERO, 7, 11)] });
        s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
        s.workloads[0].sizes = Sizes::Trace(trace);
        s.workloads[0].max_output_tokens = 20;
        s.topologies[0].chain[0].members = vec![(DeploymentIx(1), 1.0)];
        s.deployments[1].ttft = DistSpec::Constant(1.0);
        s.deployments[1].per_output_token = DistSpec::Constant(0.1);
        s
    };
    let dies_at = |s: &mut Scenario, ms| {
        let when = FaultWhen::At { at: Span::from_millis(ms), lasts: Span::from_mins(1) };
        s.faults.push(Fault { name: "down".to_owned(), when, what: FaultWhat::RegionDown { region: RegionIx(0) } });
    };
    let used = |s: &Scenario| {
        let r = one(s);
        let d = &r.deployments[1];
        assert_eq!((r.failed(), d.ok, d.failed + d.abandoned), (1, 0, 1));
        (d.abandoned, r.usage.input_tokens[1], r.usage.output_tokens[1])
    };
    let mut s = scenario();
    s.topologies[0].retry.total_timeout = Span::from_millis(1450);
    assert_eq!(used(&s), (0, 7, 5));
    s.workloads[0].streamed = false;
    assert_eq!(used(&s), (0, 7, 11));
    let mut s = scenario();
    dies_at(&mut s, 1450);
    assert_eq!(used(&s), (1, 7, 5));
    let mut s = scenario();
    s.place_links[1].rtt = Span::from_millis(500);
    dies_at(&mut s, 100);
    assert_eq!(used(&s), (1, 7, 0));
}

/// What a region had acknowledged and no other had received is lost if users go on elsewhere, and only unavailable if
/// there is no elsewhere.
#[test]
fn writes_are_lost_where_a_region_survives_to_miss_them() {
    let lost = |regions: usize| {
        let mut s = with_rate(2, 100);
        if regions > 1 {
            s.topologies[0].regions.push(plain_region(RegionIx(1)));
        }
        s.topologies[0].state.lag = DistSpec::Constant(5.0);
        s.faults.push(Fault {
            name: "down".to_owned(),
            when: FaultWhen::At { at: Span::from_mins(10), lasts: Span::from_mins(5) },
            what: FaultWhat::RegionDown { region: RegionIx(0) },
        });
        let r = one(&s);
        Measured::new(&s, 0, &r).incidents[0].writes_lost
    };
    assert_eq!(lost(1), None);
    let of_two = lost(2).expect("the other region survives");
    assert!((400..600).contains(&of_two), "{of_two} of 5 s of 100 writes per second");
}
