//! The three steps together.

use super::*;
use crate::routing::balance::tests::{REQUEST, Tape, member, state};
use crate::routing::reason::Silent;
use crate::units::Span;
use Standing::{Illegal, Out, Usable};

/// Members at these levels and localities, with weight 1.
fn members(places: &[(u8, u16)]) -> Vec<Member> {
    let at = |(i, p): (usize, &(u8, u16))| Member { priority: p.0, locality: p.1, ..member(i as u16, 1.0, 1) };
    places.iter().enumerate().map(at).collect()
}

fn localities(n: usize) -> Vec<Locality> {
    (0..n).map(|i| Locality { weight: 1.0 + i as f64, callers: 1.0 / n as f64, local: i == 0 }).collect()
}

struct Case {
    envoy: Envoy,
    members: Vec<Member>,
    states: Vec<MemberState>,
    now: Time,
}

impl Case {
    fn new(config: EnvoyConfig, places: &[(u8, u16)]) -> Case {
        let members = members(places);
        let zones = 1 + places.iter().map(|p| usize::from(p.1)).max().unwrap();
        let envoy = Envoy::new(config, &members, &localities(zones));
        Case { envoy, states: vec![state(Usable, 0); members.len()], members, now: Time::ZERO }
    }

    fn out(&mut self, list: &[usize]) {
        for s in &mut self.states {
            s.standing = Usable;
        }
        for i in list {
            self.states[*i].standing = Out;
        }
    }

    fn pick(&mut self, tape: &[f64]) -> Option<usize> {
        self.pick_for(7, tape)
    }

    fn pick_for(&mut self, affinity: u64, tape: &[f64]) -> Option<usize> {
        let request = Request { affinity, ..REQUEST };
        let view = View { now: self.now, request: &request, members: &self.members, states: &self.states };
        let chosen = self.envoy.pick(&view, &mut Tape(tape.to_vec()), &mut Silent)?;
        self.envoy.on_sent(self.now, chosen, &request);
        Some(chosen)
    }

    /// Picks per member with uniforms spread evenly.
    fn counts(&mut self, n: u32) -> Vec<u32> {
        let mut counts = vec![0; self.members.len()];
        for i in 0..n {
            let u = (f64::from(i) + 0.5) / f64::from(n);
            counts[self.pick(&[u; 3]).unwrap()] += 1;
        }
        counts
    }
}

#[test]
fn levels_share_as_their_health_says_and_hosts_take_turns() {
    let mut c = Case::new(EnvoyConfig::DEFAULT, &[(0, 0), (0, 0), (3, 0), (3, 0)]);
    assert_eq!(c.counts(100), [50, 50, 0, 0]);
    c.out(&[1]); // half of the first level: 70 and 30
    assert_eq!(c.counts(100), [70, 0, 15, 15]);
    c.out(&[0, 1]);
    assert_eq!(c.counts(100), [0, 0, 50, 50]);
}

#[test]
fn panic_uses_everybody_unless_it_is_to_fail_or_forbidden() {
    let places = [(0, 0), (0, 0), (0, 0), (0, 0)];
    let mut c = Case::new(EnvoyConfig::DEFAULT, &places);
    c.out(&[1, 2, 3]); // a quarter is below the threshold
    assert_eq!(c.counts(100), [25; 4]);
    c.states[0].tried = true;
    c.states[0].standing = Standing::Tried;
    assert_eq!(c.counts(99), [0, 33, 33, 33], "not who has failed the request");
    let mut fails = Case::new(EnvoyConfig { fail_traffic_on_panic: true, ..EnvoyConfig::DEFAULT }, &places);
    fails.out(&[1, 2, 3]);
    assert_eq!(fails.pick(&[]), None);
    let mut never = Case::new(EnvoyConfig { panic_threshold: 0, ..EnvoyConfig::DEFAULT }, &places);
    never.out(&[1, 2, 3]);
    assert_eq!(never.counts(100), [100, 0, 0, 0]);
    never.out(&[0, 1, 2, 3]);
    assert_eq!(never.pick(&[]), None);
}

#[test]
fn what_is_not_legal_does_not_exist() {
    let mut c = Case::new(EnvoyConfig::DEFAULT, &[(0, 0), (0, 0), (1, 0)]);
    c.states[1].standing = Illegal;
    assert_eq!(c.counts(10), [10, 0, 0], "one of one is all of the level");
    c.states[0].standing = Illegal;
    assert_eq!(c.counts(10), [0, 0, 10]);
}

#[test]
fn localities_by_weight_less_where_hosts_are_missing() {
    let config = EnvoyConfig { localities: LocalityPolicy::Weighted, ..EnvoyConfig::DEFAULT };
    // X with weight 1 and Y with weight 2
    let mut c = Case::new(config, &[(0, 0), (0, 0), (0, 1), (0, 1)]);
    assert_eq!(c.counts(300), [50, 50, 100, 100]);
    c.out(&[1]); // 70 against 200
    let n = c.counts(2700);
    assert!(n[0].abs_diff(700) <= 3 && n[1] == 0 && n[2].abs_diff(1000) <= 3, "{n:?}");
}

#[test]
fn the_own_zone_first_and_only_in_the_first_level() {
    let config = EnvoyConfig { localities: LocalityPolicy::ZoneAware { min_cluster_size: 6 }, ..EnvoyConfig::DEFAULT };
    let mut c = Case::new(config, &[(0, 0), (0, 0), (0, 0), (0, 1), (0, 1), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(c.counts(300), [100, 100, 100, 0, 0, 0, 0, 0]);
    c.out(&[0]); // five are left: all alike
    assert_eq!(c.counts(300)[3..], [60, 60, 60, 0, 0]);
    c.out(&[0, 1, 2, 3, 4, 5]);
    assert_eq!(c.counts(300)[6..], [150, 150]);
}

#[test]
fn hashes_keep_level_and_host_of_a_key() {
    for hosts in [HostPolicy::RingHash(1024), HostPolicy::MAGLEV] {
        let mut c = Case::new(EnvoyConfig { hosts, ..EnvoyConfig::DEFAULT }, &[(0, 0), (0, 0), (1, 0), (1, 0)]);
        c.out(&[1]);
        let mut counts = [0; 4];
        for key in 0..5000 {
            let chosen = c.pick_for(key, &[]).unwrap();
            assert_eq!(c.pick_for(key, &[]), Some(chosen));
            counts[chosen] += 1;
        }
        assert!((3300..3700).contains(&counts[0]) && counts[2] > 500 && counts[3] > 500, "{hosts:?} {counts:?}");
    }
}

#[test]
fn who_comes_back_gets_little_at_first() {
    for hosts in [HostPolicy::RoundRobin, HostPolicy::LeastRequest(LeastRequestConfig::ENVOY)] {
        let slow_start = Some(SlowStart::of(Span::from_secs(100)));
        let mut c = Case::new(EnvoyConfig { hosts, slow_start, ..EnvoyConfig::DEFAULT }, &[(0, 0), (0, 0)]);
        c.out(&[0]);
        c.pick(&[0.5; 3]);
        c.out(&[]);
        c.now = Time::ZERO + Span::from_secs(1);
        c.pick(&[0.5; 3]);
        c.now += Span::from_secs(25);
        let n = c.counts(500);
        assert!(n[0].abs_diff(100) <= 2, "a quarter of its weight: {n:?}");
        c.now += Span::from_secs(100);
        let n = c.counts(500);
        assert!(n[0].abs_diff(250) <= 3, "{n:?}");
    }
}

/// Envoy AI Gateway, "Provider fallback": one attempt per priority walks down the list of providers.
#[test]
fn envoy_ai_gateway_provider_fallback_walks_down_the_priorities() {
    let config = EnvoyConfig { attempts_per_priority: Some(1), ..EnvoyConfig::DEFAULT };
    let mut c = Case::new(config, &[(0, 0), (0, 0), (1, 0), (2, 0)]);
    let mut way = Vec::new();
    for _ in 0..4 {
        let chosen = c.pick(&[0.5; 3]).unwrap();
        way.push(chosen);
        c.states[chosen].standing = Standing::Tried;
        c.states[chosen].tried = true;
    }
    assert_eq!(way, [0, 2, 3, 1], "all levels were tried: from the top again");
    assert_eq!(c.pick(&[0.5; 3]), None);
    let mut without = Case::new(EnvoyConfig::DEFAULT, &[(0, 0), (0, 0), (1, 0)]);
    without.states[0] = MemberState { tried: true, ..state(Standing::Tried, 0) };
    assert_eq!(without.pick(&[0.5; 3]), Some(1), "without it the first level stays the first");
}
