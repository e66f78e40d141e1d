//! Steering that is not by names, in the real world: anycast, load balancers at the edge, clients that measure. Each effect
//! with an exact or nearly exact answer; the algorithms themselves are tested in `src/routing/steering`.

mod common;

use common::{one, with_rate};
use geodes::routing::health::{QuorumConfig, ThresholdConfig};
use geodes::routing::steering::{
    Capacity, ClientProbingConfig, EndpointGroup, Origin, OriginGroup, Policy, WaterfallConfig,
};
use geodes::scenario::model::{
    Access, DeepCheck, Dependency, DistSpec, Fault, FaultWhat, FaultWhen, Scenario, Steering,
};
use geodes::scenario::plain_region;
use geodes::units::{LatLon, RegionIx, Span, Time};
use geodes::world::Record;
use geodes::world::failure::Failure;

fn ms(n: u64) -> Span {
    Span::from_millis(n)
}

fn sec(n: u64) -> Span {
    Span::from_secs(n)
}

/// `regions` regions 40 ms and 30 degrees apart in a row, one group of users at the first, `rate` turns per second.
fn layout(regions: usize, rate: u64, policy: Policy, access: Access) -> Scenario {
    let mut s = with_rate(regions, rate);
    let t = &mut s.topologies[0];
    t.regions = (0..regions).map(|i| plain_region(RegionIx::new(i))).collect();
    t.retry.attempts_per_pool = regions as u32; // the model of a dead region is down too
    t.steering = Steering { policy, access };
    t.health.quorum = QuorumConfig::one(ThresholdConfig { failures: 3, passes: 3 });
    for (i, p) in s.places.iter_mut().enumerate() {
        p.place = LatLon { lat: 0.0, lon: 30.0 * i as f64 };
        s.user_links[i].rtt = ms(40 * i as u64);
    }
    s
}

const EDGE: Access = Access::Edge { edge_rtt: Span::ZERO };

fn anycast(networks: u32, inflated_share: f64, convergence_s: f64) -> Access {
    let convergence = DistSpec::Constant(convergence_s);
    Access::Network { networks_per_group: networks, inflated_share, convergence }
}

fn fault(s: &mut Scenario, at_min: u64, lasts_min: u64, what: FaultWhat) {
    let when = FaultWhen::At { at: Span::from_mins(at_min), lasts: Span::from_mins(lasts_min) };
    s.faults.push(Fault { name: format!("fault-{}", s.faults.len()), when, what });
}

fn down(s: &mut Scenario, region: usize, at_min: u64, lasts_min: u64) {
    fault(s, at_min, lasts_min, FaultWhat::RegionDown { region: RegionIx::new(region) });
}

fn share(r: &Record, region: usize) -> f64 {
    r.regions[region].requests as f64 / r.requests() as f64
}

/// Failed turns sent in a span of seconds after the start of the first fault.
fn failed_in(r: &Record, seconds: std::ops::Range<u64>) -> u64 {
    let w = &r.watches[0];
    seconds.map(|i| w.failed.at(w.occurrence.begins + sec(i))).sum()
}

/// Seconds from the start of the first fault to its detection.
fn detected_s(r: &Record) -> f64 {
    let w = &r.watches[0];
    w.detected.expect("it was noticed").since(w.occurrence.begins).as_secs_f64()
}

#[test]
fn anycast_goes_to_the_nearest_site_but_for_inflated_networks() {
    let shares = |inflated| {
        let r = one(&layout(3, 20, Policy::Anycast, anycast(1000, inflated, 0.0)));
        [share(&r, 0), share(&r, 1), share(&r, 2)]
    };
    assert_eq!(shares(0.0), [1.0, 0.0, 0.0]);
    let inflated = shares(0.3);
    assert!((inflated[1] - 0.3).abs() < 0.05 && inflated[2] == 0.0, "{inflated:?}");
}

#[test]
fn anycast_moves_after_detection_and_convergence_and_no_ttl_matters() {
    let mut s = layout(2, 50, Policy::Anycast, anycast(20, 0.0, 8.0));
    s.client.connect_timeout = ms(100);
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    let moved = detected_s(&r) + 8.0;
    let last_bad = (0..1200).rev().find(|i| failed_in(&r, *i..*i + 1) > 0).unwrap() as f64;
    assert!((moved - 1.5..=moved).contains(&last_bad), "{last_bad} {moved}");
    // and back again: 3 passes at most 30 s after the repair, and 8 s
    let w = &r.watches[0];
    let back = (0..120).find(|i| w.to_target.at(w.occurrence.ends + sec(*i)) > 0).unwrap();
    assert!((28..=39).contains(&back), "{back}");
}

/// Streams that outlast the repair are reset when their network goes back to the site; those behind a name stay.
#[test]
fn a_network_that_moves_breaks_its_users_streams() {
    let failed_after_repair = |access, policy| {
        let mut s = layout(2, 10, policy, access);
        s.deployments.iter_mut().for_each(|d| d.ttft = DistSpec::Constant(30.0));
        down(&mut s, 0, 10, 10);
        let r = one(&s);
        let all = failed_in(&r, 601..1200);
        (all, failed_in(&r, 400..600))
    };
    let (after, streaming) = failed_after_repair(anycast(5, 0.0, 1.0), Policy::Anycast);
    // the region is healthy again 20 to 30 s after the repair; turns that began in the 30 s before that are broken
    assert!(after + streaming > 200, "{after} {streaming}");
    let dns = Access::Name { ttl: sec(5) };
    assert_eq!(failed_after_repair(dns, Policy::Latency), (0, 0));
}

#[test]
fn without_any_announcement_nobody_gets_through_while_a_name_service_fails_open() {
    let failures = |access, policy| {
        let mut s = layout(1, 10, policy, access);
        s.topologies[0].health.deep = Some(DeepCheck { database: sec(2), cache: sec(1), model: sec(5) });
        fault(&mut s, 10, 20, FaultWhat::DependencyDown { region: RegionIx(0), dependency: Dependency::Database });
        let r = one(&s);
        (r.failures[Failure::Unreachable as usize], r.failures[Failure::Database as usize])
    };
    let (unreachable, database) = failures(anycast(5, 0.0, 1.0), Policy::Anycast);
    assert!(unreachable > 10_000 && database < 400, "{unreachable} {database}");
    assert_eq!(failures(Access::Name { ttl: sec(5) }, Policy::Latency).0, 0);
}

/// Two handshakes (TCP, TLS) and the turn itself over 100 ms, with an edge 10 ms away.
#[test]
fn an_edge_shortens_handshakes() {
    let ttft = |policy, access| {
        let mut s = layout(1, 1, policy, access);
        s.user_links[0].rtt = ms(100);
        s.client.handshake_round_trips = 2;
        s.dns.hit = ms(3);
        let r = one(&s);
        assert_eq!(r.groups[0].ttft.min(), r.groups[0].ttft.max());
        Span(r.groups[0].ttft.max().unwrap())
    };
    let edge_rtt = ms(10);
    let groups = vec![EndpointGroup { dial: 100, members: vec![(0, 128)] }];
    assert_eq!(ttft(Policy::Anycast, anycast(1, 0.0, 0.0)), ms(3 + 200 + 100));
    assert_eq!(ttft(Policy::Accelerator(groups), Access::Accelerator { edge_rtt }), ms(3 + 10 + 100 + 100));
    assert_eq!(ttft(Policy::CloudflareProximity { fallback: 0 }, Access::Edge { edge_rtt }), ms(3 + 20 + 100));
}

#[test]
fn global_accelerator_dials_divide_new_connections_and_open_ones_stay() {
    let access = Access::Accelerator { edge_rtt: Span::ZERO };
    let group = |dial, i| EndpointGroup { dial, members: vec![(i, 128)] };
    let mut s = layout(2, 20, Policy::Accelerator(vec![group(50, 0), group(50, 1)]), access);
    let r = one(&s);
    assert!((share(&r, 0) - 0.5).abs() < 0.01, "{}", share(&r, 0));
    // a dial of 0 is ignored in a failover
    s.topologies[0].steering.policy = Policy::Accelerator(vec![group(100, 0), group(0, 1)]);
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    assert!(failed_in(&r, 40..1200) == 0 && share(&r, 1) > 0.25, "{}", share(&r, 1));
    // with connections that are kept, a session's turns all go to one region
    s.faults.clear();
    s.topologies[0].steering.policy = Policy::Accelerator(vec![group(50, 0), group(50, 1)]);
    s.client.keep_alive = Span::from_mins(10);
    s.client.handshake_round_trips = 2; // one with the edge, one with the region
    s.workloads[0].turns = geodes::scenario::model::Turns::Fixed(4);
    let r = one(&s);
    // half of the sessions are 40 ms away, and only the first of their four turns pays another 40 ms for the handshake
    let within = |limit| r.groups[0].ttft.share_at_or_below(ms(limit).nanos()).unwrap();
    assert!((within(1) - 0.5).abs() < 0.02 && (within(41) - 0.875).abs() < 0.01 && within(81) == 1.0);
}

#[test]
fn cloudflare_dynamic_steering_learns_round_trips_and_forgets_the_map() {
    let mut s = layout(2, 50, Policy::CloudflareDynamic { fallback: 0 }, EDGE);
    s.user_links[0].rtt = ms(120); // near on the map, far on the wire
    let r = one(&s);
    // failover order until both monitors have been answered, within 10 s
    let before = r.regions[0].requests as f64 / 50.0;
    assert!((0.1..11.0).contains(&before), "{before}");
    s.topologies[0].steering.policy = Policy::CloudflareProximity { fallback: 0 };
    assert_eq!(share(&one(&s), 0), 1.0);
}

#[test]
fn an_edge_moves_new_turns_at_the_verdict_and_leaves_those_under_way() {
    let mut s = layout(2, 50, Policy::CloudflareProximity { fallback: 1 }, EDGE);
    s.client.connect_timeout = ms(100);
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    let last_bad = (0..1200).rev().find(|i| failed_in(&r, *i..*i + 1) > 0).unwrap() as f64;
    assert!((detected_s(&r) - 1.5..=detected_s(&r)).contains(&last_bad), "no TTL: {last_bad} {}", detected_s(&r));
    // a broken cache makes the region unhealthy but kills nothing: streams of 30 s that were under way all end well
    s.faults.clear();
    s.topologies[0].health.deep = Some(DeepCheck { database: sec(2), cache: sec(1), model: sec(5) });
    s.deployments.iter_mut().for_each(|d| d.ttft = DistSpec::Constant(30.0));
    fault(&mut s, 20, 20, FaultWhat::DependencyDown { region: RegionIx(0), dependency: Dependency::Cache });
    let r = one(&s);
    assert!(r.failed() == 0 && share(&r, 1) > 0.3, "{}", share(&r, 1));
}

#[test]
fn when_all_pools_are_unhealthy_the_fallback_pool_gets_everything() {
    let mut s = layout(3, 10, Policy::CloudflareProximity { fallback: 2 }, EDGE);
    (0..3).for_each(|region| down(&mut s, region, 20, 20));
    let r = one(&s);
    assert!(r.regions[1].requests < 100, "only while one was noticed before the other");
    assert!((0.30..0.345).contains(&share(&r, 2)), "{}", share(&r, 2));
}

/// Two regions that take 1 s and 4 s, 20 turns per second: with p the share of the first, requests in flight are 20 p and
/// 80 (1 - p), and p / (1 - p) = (1 + 80 (1 - p)) / (1 + 20 p), so p = 0.663.
#[test]
fn least_outstanding_requests_spare_the_slow_region() {
    let policy = Policy::CloudflareOutstanding { weights: vec![1.0, 1.0], fallback: 0 };
    let mut s = layout(2, 20, policy, EDGE);
    for (region, seconds) in [(0, 1.0), (1, 4.0)] {
        s.topologies[0].regions[region].overhead = DistSpec::Constant(seconds);
    }
    let r = one(&s);
    assert!((share(&r, 0) - 0.663).abs() < 0.01, "{}", share(&r, 0));
}

#[test]
fn a_waterfall_fills_the_nearest_region_and_spills_over() {
    let policy = |capacity| Policy::Waterfall(WaterfallConfig { capacity, interval: sec(10), lag: sec(5) });
    let mut s = layout(3, 60, policy(Capacity::Rate(vec![20.0, 10.0, 100.0])), EDGE);
    let r = one(&s);
    for (region, expected) in [(0, 1.0 / 3.0), (1, 1.0 / 6.0), (2, 0.5)] {
        assert!((share(&r, region) - expected).abs() < 0.02, "{region}: {}", share(&r, region));
    }
    // 60 turns per second of one second each would fill 40 slots: at 80 % there are 32
    s.topologies[0].steering.policy = policy(Capacity::Utilization(0.8));
    s.topologies[0].regions[0].slots_per_server = 40;
    s.topologies[0].regions[0].queue = 1000;
    s.topologies[0].regions.iter_mut().for_each(|r| r.overhead = DistSpec::Constant(1.0));
    let r = one(&s);
    let in_use = r.regions[0].busy_slot_ns as f64 / s.horizon.nanos() as f64;
    assert!((30.0..34.0).contains(&in_use), "{in_use}");
    // nobody is healthy: the balancer itself answers
    (0..3).for_each(|region| down(&mut s, region, 20, 20));
    assert!(one(&s).failures[Failure::NoRegion as usize] > 60_000);
}

fn front_door(origins: &[(u8, u16)], band: Span) -> Policy {
    let origins = origins.iter().map(|(priority, weight)| Origin { priority: *priority, weight: *weight }).collect();
    Policy::FrontDoor(OriginGroup { origins, band, samples: 4, successes: 2, interval: sec(30) })
}

#[test]
fn front_door_uses_the_latency_band_priorities_and_weights() {
    let shares = |policy| {
        let r = one(&layout(3, 20, policy, EDGE));
        [share(&r, 0), share(&r, 1), share(&r, 2)]
    };
    let close = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.01);
    let alike = [(1, 50), (1, 50), (1, 50)];
    assert!(close(shares(front_door(&alike, Span::ZERO)), [1.0, 0.0, 0.0]), "only the fastest");
    assert!(close(shares(front_door(&alike, ms(39))), [1.0, 0.0, 0.0]), "40 ms are one too many");
    assert!(close(shares(front_door(&[(1, 300), (1, 100), (1, 50)], ms(41))), [0.75, 0.25, 0.0]), "two of three");
    assert!(close(shares(front_door(&[(2, 50), (1, 50), (2, 50)], ms(1000))), [0.0, 1.0, 0.0]), "priority first");
}

#[test]
fn front_door_notices_with_the_third_of_four_probes() {
    let mut s = layout(2, 50, front_door(&[(1, 50), (1, 50)], Span::ZERO), EDGE);
    s.client.connect_timeout = ms(100);
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    // two failures are allowed: the third probe 30 s apart at an unknown phase ends 4 s after it began
    assert!((64.0..=94.0).contains(&detected_s(&r)), "{}", detected_s(&r));
    let last_bad = (0..1200).rev().find(|i| failed_in(&r, *i..*i + 1) > 0).unwrap() as f64;
    assert!(last_bad <= detected_s(&r), "{last_bad}");
    // health checks of another system play no part
    s.topologies[0].health.interval = ms(100);
    assert_eq!(detected_s(&one(&s)), detected_s(&r));
}

#[test]
fn clients_that_measure_find_the_fastest_region_and_leave_it_when_it_dies() {
    let config = ClientProbingConfig { explore: 0.1, window: 10, penalty: sec(10) };
    let mut s = layout(3, 20, Policy::ClientProbing(config), Access::Client { clients_per_group: 5 });
    let quiet = one(&s);
    assert!((share(&quiet, 0) - 0.9).abs() < 0.01, "{}", share(&quiet, 0));
    assert!((share(&quiet, 1) - share(&quiet, 2)).abs() < 0.01, "exploration is even");
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    // each of the five needs one failure to leave; then the dead region is only explored, as one of two others
    let steady = failed_in(&r, 60..1200) as f64 / (1140.0 * 20.0);
    assert!((steady - 0.05).abs() < 0.01, "{steady}");
    assert!(failed_in(&r, 0..10) < 40, "{}", failed_in(&r, 0..10));
    assert!(r.watches[0].detected.is_none(), "nobody checks anything");
    // ten explorations later the failures are forgotten
    let w = &r.watches[0];
    let to_it = |from: Time| (0..60).map(|i| w.to_target.at(from + sec(i))).sum::<u64>();
    assert!(to_it(w.occurrence.ends) < 400 && to_it(w.occurrence.ends + sec(900)) > 900);
}
