//! Cloudflare dynamic steering: the pool whose health monitor has the lowest round trip, per Cloudflare region (Cloudflare
//! Load Balancing documentation, 2026: "Dynamic steering", "Fallback pools").
//!
//! Every monitor request that is answered gives a round trip; an exponentially weighted moving average per region and pool
//! sorts the healthy pools. Pools without data come behind, in failover order. When all pools are unhealthy the fallback
//! pool takes everything, whatever its own health.

use super::reason::Told;
use super::{Endpoint, Unfit};
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};

/// What the last round trip weighs in the average.
/// ASSUMPTION: not published. The documentation gives a new profile ten minutes to build; ten requests of the default
/// interval of 60 s.
pub const EWMA_WEIGHT: f64 = 0.1;

/// What is known of one pool in one region.
#[derive(Clone, Copy, Debug, Default)]
struct Profile {
    /// Moving average in nanoseconds.
    average: f64,
    /// Answered monitor requests.
    answered: u32,
    /// When the last one was answered; `None`: nothing is known.
    last: Option<Time>,
}

impl Profile {
    fn known(&self) -> Option<f64> {
        self.last.map(|_| self.average)
    }
}

/// The round-trip profiles of all regions.
#[derive(Clone, Debug)]
pub struct RttProfiles {
    endpoints: usize,
    /// `source * endpoints + endpoint`.
    profiles: Vec<Profile>,
}

impl RttProfiles {
    /// Nothing is known yet.
    pub fn new(sources: usize, endpoints: usize) -> RttProfiles {
        RttProfiles { endpoints, profiles: vec![Profile::default(); sources * endpoints] }
    }

    /// A monitor request was answered after `rtt`.
    pub fn observe(&mut self, now: Time, source: usize, endpoint: usize, rtt: Span) {
        let ns = rtt.nanos() as f64;
        let profile = &mut self.profiles[source * self.endpoints + endpoint];
        profile.average = profile.known().map_or(ns, |a| a + EWMA_WEIGHT * (ns - a));
        profile.answered = profile.answered.saturating_add(1);
        profile.last = Some(now);
    }

    /// Pools without data stand behind those that have some.
    pub(super) fn unfit(&self, source: usize, endpoint: usize, endpoints: &[Endpoint]) -> Option<Unfit> {
        let own = &self.profiles[source * self.endpoints..][..self.endpoints];
        let others = own.iter().zip(endpoints).any(|(p, e)| e.legal && e.healthy && p.last.is_some());
        (others && own[endpoint].last.is_none()).then_some(Unfit::Unmeasured)
    }

    /// What a region knows of a pool.
    pub(super) fn figures<S: ReasonSink>(&self, source: usize, endpoint: usize, told: &mut Told<'_, S>) {
        let profile = &self.profiles[source * self.endpoints + endpoint];
        if let Some(ns) = profile.known() {
            told.learned("average round trip of the monitor in ms", ns / 1e6, profile.last);
        }
        told.figure("monitor requests answered", f64::from(profile.answered));
    }

    /// Position of the chosen pool among the healthy legal ones; `None` when there is none: the fallback pool's turn.
    pub fn fastest(&self, source: usize, endpoints: &[Endpoint]) -> Option<usize> {
        let known = &self.profiles[source * self.endpoints..];
        let mut best: Option<(usize, f64)> = None;
        for (i, _) in endpoints.iter().enumerate().filter(|(_, e)| e.legal && e.healthy) {
            let rtt = known[i].known().unwrap_or(f64::INFINITY);
            if best.is_none_or(|(_, least)| rtt < least) {
                best = Some((i, rtt));
            }
        }
        best.map(|(i, _)| i)
    }
}

/// The pool of last resort: its health does not matter. The first legal one if the user's data may not go there.
pub fn fallback_pool(pool: usize, endpoints: &[Endpoint]) -> Option<usize> {
    if endpoints[pool].legal { Some(pool) } else { endpoints.iter().position(|e| e.legal) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{down, up};
    use super::*;

    fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    #[test]
    fn the_pool_with_the_lowest_average_and_failover_order_without_data() {
        let mut p = RttProfiles::new(2, 3);
        let e = [up(0), up(0), up(0)];
        assert_eq!(p.fastest(0, &e), Some(0), "no data: failover order");
        p.observe(Time::ZERO, 0, 2, ms(80));
        assert_eq!(p.fastest(0, &e), Some(2), "data go before no data");
        p.observe(Time::ZERO, 0, 1, ms(20));
        assert_eq!(p.fastest(0, &e), Some(1));
        assert_eq!(p.fastest(1, &e), Some(0), "each region has its own profile");
        assert_eq!(p.fastest(0, &[up(0), down(0), up(0)]), Some(2));
    }

    #[test]
    fn the_average_moves_by_a_tenth_per_request() {
        let mut p = RttProfiles::new(1, 2);
        p.observe(Time::ZERO, 0, 0, ms(100));
        p.observe(Time::ZERO, 0, 1, ms(60));
        let e = [up(0), up(0)];
        // 60 + 0.1 (600 - 60) = 114: one slow answer is enough here
        p.observe(Time::ZERO, 0, 1, ms(600));
        assert_eq!(p.fastest(0, &e), Some(0));
        let back = (1..20).find(|_| {
            p.observe(Time::ZERO, 0, 1, ms(60));
            p.fastest(0, &e) == Some(1)
        });
        assert_eq!(back, Some(3), "60 + 54 * 0.9^n < 100 from n = 3 on");
    }

    #[test]
    fn all_pools_unhealthy_is_the_fallback_pools_turn() {
        let p = RttProfiles::new(1, 2);
        let e = [down(0), down(0)];
        assert_eq!(p.fastest(0, &e), None);
        assert_eq!(fallback_pool(1, &e), Some(1));
        assert_eq!(fallback_pool(1, &[down(0), Endpoint { legal: false, ..up(0) }]), Some(0));
    }
}
