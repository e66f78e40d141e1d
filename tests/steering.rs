//! Steering policies in the real world: each effect with an exact or nearly exact answer. The algorithms themselves are
//! tested in `src/routing/steering`.

mod common;

use common::{one, with_rate};
use geodes::random::{Draws, EntityKey, Seed};
use geodes::routing::health::QuorumConfig;
use geodes::routing::steering::{Area, GeoRecords, Location, Policy};
use geodes::scenario::model::{Fault, FaultWhat, FaultWhen, Residency, Scenario, Steering};
use geodes::scenario::plain_region;
use geodes::units::{Continent, LatLon, RegionIx, Span};
use geodes::world::Record;
use geodes::world::failure::Failure;
use geodes::world::purpose::CHECK_PHASE;

const TTL: Span = Span::from_secs(10);

/// `regions` regions with a group of users at each, `rate` sessions per second altogether.
fn layout(regions: usize, rate: u64, policy: Policy) -> Scenario {
    let mut s = with_rate(regions, rate);
    let t = &mut s.topologies[0];
    t.regions = (0..regions).map(|i| plain_region(RegionIx::new(i))).collect();
    t.retry.attempts_per_pool = regions as u32; // the model of a dead region is down too
    t.steering = Steering::dns(policy, TTL);
    let group = s.groups[0].clone();
    s.groups = (0..regions)
        .map(|i| {
            let place = LatLon { lat: 0.0, lon: 30.0 * i as f64 };
            let mut g = group.clone();
            g.name = format!("group-{i}");
            g.share = 1.0 / regions as f64;
            g.place = place;
            g
        })
        .collect();
    for (i, p) in s.places.iter_mut().enumerate() {
        p.place = s.groups[i].place;
    }
    let link = s.user_links[0].clone();
    s.user_links = (0..regions * regions)
        .map(|i| {
            let mut l = link.clone();
            l.rtt = Span::from_millis(40 * ((i / regions).abs_diff(i % regions) as u64));
            l
        })
        .collect();
    s.dns.resolvers_per_group = 50;
    s
}

fn down(s: &mut Scenario, region: usize, at_min: u64, lasts_min: u64) {
    s.faults.push(Fault {
        name: format!("down-{region}"),
        when: FaultWhen::At { at: Span::from_mins(at_min), lasts: Span::from_mins(lasts_min) },
        what: FaultWhat::RegionDown { region: RegionIx::new(region) },
    });
}

/// Share of a region in all requests.
fn share(r: &Record, region: usize) -> f64 {
    r.regions[region].requests as f64 / r.requests() as f64
}

#[test]
fn weighted_records_divide_the_users_by_weight() {
    let r = one(&layout(3, 20, Policy::Weighted(vec![1, 2, 7])));
    // 150 resolvers ask 360 times each: shares of answers are exact to half a percent, those of requests nearly so
    for (region, expected) in [(0, 0.1), (1, 0.2), (2, 0.7)] {
        assert!((share(&r, region) - expected).abs() < 0.015, "{region}: {}", share(&r, region));
    }
}

#[test]
fn a_region_of_weight_0_is_the_spare() {
    let mut s = layout(2, 10, Policy::Weighted(vec![5, 0]));
    let quiet = one(&s);
    assert_eq!(quiet.regions[1].requests, 0);
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    assert!((0.25..0.34).contains(&share(&r, 1)), "a third of the hour, less detection: {}", share(&r, 1));
}

#[test]
fn geolocation_sends_an_area_to_its_region_and_then_to_the_larger_one() {
    let records = GeoRecords::new([(Area::Continent(Continent::Europe), 1), (Area::Default, 0)]);
    let mut s = layout(3, 10, Policy::Geolocation(records));
    s.groups[2].location = Location { continent: Some(Continent::Europe), country: Some(*b"DE"), state: None };
    let r = one(&s);
    let to = |r: &Record, g: usize| r.groups[g].by_region.clone();
    assert_eq!(to(&r, 2), [0, r.groups[2].requests, 0], "however near another region is");
    assert_eq!(to(&r, 1), [r.groups[1].requests, 0, 0], "nobody knows where they are: the default");
    down(&mut s, 1, 20, 20);
    let r = one(&s);
    let moved = to(&r, 2)[0] as f64 / r.groups[2].requests as f64;
    assert!((0.25..0.34).contains(&moved), "{moved}");
}

#[test]
fn without_a_record_there_is_no_answer() {
    let records = GeoRecords::new([(Area::Continent(Continent::Europe), 0)]);
    let mut s = layout(2, 5, Policy::Geolocation(records));
    s.groups[0].location.continent = Some(Continent::Europe);
    let r = one(&s);
    assert_eq!((r.groups[0].failed, r.groups[1].failed), (0, r.groups[1].requests));
    assert_eq!(r.failures[Failure::NoRegion as usize], r.groups[1].requests);
}

#[test]
fn geoproximity_follows_the_map_and_its_biases() {
    let nearest = one(&layout(3, 5, Policy::Geoproximity(vec![0; 3])));
    // users of the middle region are 3336 km from either side; those of the sides 6672 km from each other
    let biased = one(&layout(3, 5, Policy::Geoproximity(vec![0, -99, 99])));
    for g in 0..3 {
        assert_eq!(nearest.groups[g].by_region[g], nearest.groups[g].requests);
    }
    let to = |g: usize| biased.groups[g].by_region.iter().position(|n| *n > 0);
    // region 2 looks a hundred times nearer than it is, but nothing is nearer than 0 km
    assert_eq!((to(0), to(1), to(2)), (Some(0), Some(1), Some(2)));
    let mut s = layout(3, 5, Policy::Geoproximity(vec![0, -99, 99]));
    s.groups[0].place.lon = 20.0; // 2224 km, 1112 km * 1.99 = 2213 km, 4448 km * 0.01
    let r = one(&s);
    assert_eq!(r.groups[0].by_region[2], r.groups[0].requests);
    s.topologies[0].steering = Steering::dns(Policy::Geoproximity(vec![0, -99, 0]), TTL);
    let r = one(&s);
    assert_eq!(r.groups[0].by_region[1], r.groups[0].requests, "2213 km is still less than 2224 km");
}

#[test]
fn a_resolver_elsewhere_gets_the_answer_for_its_own_place() {
    let mut s = layout(3, 20, Policy::Latency);
    s.dns.resolvers_per_group = 1000;
    s.dns.elsewhere_share = 0.3;
    s.residency = vec![Residency { name: "home".to_owned(), legal: vec![true, true, false] }];
    s.groups[1].residency = Some(0);
    let r = one(&s);
    let to = |g: usize, region: usize| r.groups[g].by_region[region] as f64 / r.groups[g].requests as f64;
    // three tenths stand with one of the two other groups
    assert!((to(0, 0) - 0.7).abs() < 0.05 && (to(0, 1) - 0.15).abs() < 0.04, "{:?}", r.groups[0].by_region);
    // whoever stands with group 2 would be sent to region 2, which is not legal for group 1: the next is region 1
    assert!((to(1, 0) - 0.15).abs() < 0.04 && to(1, 2) == 0.0, "{:?}", r.groups[1].by_region);
}

#[test]
fn a_client_with_several_addresses_tries_another_one_at_once() {
    let failed = |policy| {
        let mut s = layout(3, 10, policy);
        s.topologies[0].health.interval = Span::from_hours(1); // nobody notices in time
        s.client.tries = 2;
        down(&mut s, 0, 10, 40);
        let r = one(&s);
        (r.failed(), (0..3).map(|i| share(&r, i)).collect::<Vec<_>>())
    };
    let (multivalue, shares) = failed(Policy::Multivalue);
    assert_eq!(multivalue, 0, "the second address is always another one");
    // two thirds of the time a third of all goes to the dead region first, and half of it to each other one then
    assert!(shares[0] < 0.16 && (shares[1] - shares[2]).abs() < 0.03, "{shares:?}");
    let (latency, _) = failed(Policy::Latency);
    assert!(latency > 0, "one address: the second try goes to the same dead region");
}

#[test]
fn a_quorum_notices_when_so_many_checkers_do() {
    let mut s = layout(2, 1, Policy::Latency);
    s.topologies[0].health.quorum = QuorumConfig { checkers: 15, above: 180, ..s.topologies[0].health.quorum };
    down(&mut s, 0, 20, 20);
    let r = one(&s);
    let detected = r.watches[0].detected.unwrap().since(r.watches[0].occurrence.begins);
    // each checker's third failing check ends 20 s + 4 s after the first one that meets the fault
    let draws = Draws::new(Seed { seed: s.seed, replication: 0 });
    let key = EntityKey::named(&s.places[0].id);
    let interval = Span::from_secs(10).nanos();
    let fault = Span::from_mins(20).nanos();
    let mut opinions: Vec<u64> = (0..15)
        .map(|c| {
            let phase = Span::from_secs(10).mul_f64(draws.uniform(CHECK_PHASE, key, c)).nanos();
            let first = phase + (fault - phase).div_ceil(interval) * interval;
            first - fault + Span::from_secs(24).nanos()
        })
        .collect();
    opinions.sort_unstable();
    // 2 of 15 are 13 %, not more than 18 %: the 13th to change its mind decides
    assert_eq!(detected.nanos(), opinions[12]);
}

#[test]
fn lost_checks_take_a_region_out_unless_a_quorum_decides() {
    let elsewhere = |checkers| {
        let mut s = layout(2, 10, Policy::Failover);
        let health = &mut s.topologies[0].health;
        health.quorum = QuorumConfig { checkers, above: 180, ..health.quorum };
        health.fail_on_the_way = 0.3;
        share(&one(&s), 1)
    };
    assert!(elsewhere(1) > 0.03, "three in a row are lost now and then, and three must pass again");
    assert_eq!(elsewhere(15), 0.0);
}
