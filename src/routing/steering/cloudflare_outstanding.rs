//! Cloudflare least outstanding requests: a random pool, with weights that shrink with the number of its requests in flight
//! (Cloudflare Load Balancing documentation, 2026: "Least Outstanding Requests steering": pools with more pending requests
//! are weighted proportionately less). When all pools are unhealthy, the fallback pool.
//!
//! ASSUMPTION: the formula is not published; a pool's weight is divided by one plus its requests in flight, so twice as
//! many make it half as likely. ASSUMPTION: each edge location counts its own requests, since nothing is said of sharing.

use super::Endpoint;
use super::reason::Told;
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;

/// Requests in flight, counted per edge location.
#[derive(Clone, Debug)]
pub struct Outstanding {
    endpoints: usize,
    /// `source * endpoints + endpoint`.
    in_flight: Vec<u32>,
}

impl Outstanding {
    /// Nothing is in flight.
    pub fn new(sources: usize, endpoints: usize) -> Outstanding {
        Outstanding { endpoints, in_flight: vec![0; sources * endpoints] }
    }

    /// A request is sent.
    pub fn sent(&mut self, source: usize, endpoint: usize) {
        self.in_flight[source * self.endpoints + endpoint] += 1;
    }

    /// A request is answered or given up.
    pub fn done(&mut self, source: usize, endpoint: usize) {
        let n = &mut self.in_flight[source * self.endpoints + endpoint];
        assert!(*n > 0, "INV-5 broken: a request ends at a pool that was never sent there");
        *n -= 1;
    }

    /// Requests in flight altogether.
    pub fn total(&self) -> u64 {
        self.in_flight.iter().map(|n| u64::from(*n)).sum()
    }

    /// Position of a random healthy legal pool; `None` when there is none: the fallback pool's turn. One weight per pool.
    pub fn pick<E: Entropy>(
        &self,
        source: usize,
        weights: &[f64],
        endpoints: &[Endpoint],
        entropy: &mut E,
    ) -> Option<usize> {
        let chances = self.chances(source, weights, endpoints);
        chances.clone().any(|c| c > 0.0).then(|| entropy.weighted(chances))
    }

    /// How likely each pool is, up to a factor.
    fn chances<'a>(
        &'a self,
        source: usize,
        weights: &'a [f64],
        endpoints: &'a [Endpoint],
    ) -> impl Iterator<Item = f64> + Clone + 'a {
        let own = &self.in_flight[source * self.endpoints..];
        endpoints
            .iter()
            .zip(weights)
            .zip(own)
            .map(|((e, w), n)| if e.legal && e.healthy { w / (1.0 + f64::from(*n)) } else { 0.0 })
    }

    /// What an edge location knows of a pool.
    pub(super) fn figures<S: ReasonSink>(
        &self,
        source: usize,
        endpoint: usize,
        weights: &[f64],
        endpoints: &[Endpoint],
        told: &mut Told<'_, S>,
    ) {
        told.figure("weight", weights[endpoint]);
        told.figure("requests in flight", f64::from(self.in_flight[source * self.endpoints + endpoint]));
        told.chance(endpoint, self.chances(source, weights, endpoints));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    fn shares(o: &Outstanding, weights: &[f64], endpoints: &[Endpoint]) -> Vec<u32> {
        let mut dice = Dice::new(5);
        let mut hits = vec![0; endpoints.len()];
        for _ in 0..12_000 {
            hits[o.pick(0, weights, endpoints, &mut dice).unwrap()] += 1;
        }
        hits
    }

    #[test]
    fn requests_in_flight_make_a_pool_proportionately_less_likely() {
        let mut o = Outstanding::new(2, 2);
        let e = [up(0), up(0)];
        assert!(shares(&o, &[1.0, 1.0], &e)[0].abs_diff(6000) < 250);
        o.sent(0, 0);
        o.sent(1, 1); // another edge location's
        let hits = shares(&o, &[1.0, 1.0], &e);
        assert!(hits[0].abs_diff(4000) < 250, "1/2 against 1: {hits:?}");
        o.done(0, 0);
        assert!(shares(&o, &[0.5, 1.0], &e)[0].abs_diff(4000) < 250, "weights scale");
        assert_eq!(o.total(), 1);
    }

    #[test]
    fn unhealthy_pools_get_nothing() {
        let o = Outstanding::new(1, 2);
        assert_eq!(shares(&o, &[1.0, 1.0], &[down(0), up(0)]), [0, 12_000]);
        assert_eq!(o.pick(0, &[1.0, 1.0], &[down(0), down(0)], &mut Dice::new(1)), None);
        assert_eq!(o.pick(0, &[0.0, 1.0], &[up(0), down(0)], &mut Dice::new(1)), None);
    }
}
