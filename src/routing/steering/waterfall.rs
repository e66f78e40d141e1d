//! Google Cloud's global load balancer, waterfall by region: the nearest region with healthy, available capacity, and what
//! does not fit there spills over to the next (Cloud Load Balancing documentation, 2026: "Advanced load balancing
//! optimizations", WATERFALL_BY_REGION; "Backend services", balancing modes RATE and UTILIZATION, target capacity).
//!
//! Once per interval the balancer adds up the demand of each edge location and works out which share of it goes where: at
//! each rank of distance the regions take what their remaining capacity lets in, in equal proportion from all who come; the
//! rest goes one rank further. What finds no room anywhere is spread in proportion to capacity, above it. The shares hold
//! from `lag` after the measurement on, so overflow follows load by `lag` to `lag + interval`. Between measurements an
//! unhealthy region's share goes to the others in proportion. When nothing is healthy there is no answer (the balancer
//! itself answers 503).
//!
//! With RATE, capacity is a number of requests per second. With UTILIZATION it is inferred: the present rate of the
//! region times target over reported utilisation. A region without a request may take any number, unless it reports that
//! it is full all the same: then it may take none.
//!
//! ASSUMPTION: interval, lag, the proportional filling and the inference are not published; documented are the order by
//! distance, filling up to the target, and spreading in proportion when all are full.

use super::reason::Told;
use super::{Answer, Endpoint, Unfit};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};
use std::collections::VecDeque;

/// How much a region may take.
#[derive(Clone, PartialEq, Debug)]
pub enum Capacity {
    /// Requests per second, one entry per endpoint.
    Rate(Vec<f64>),
    /// Up to this utilisation (0 to 1) as the regions report it.
    Utilization(f64),
}

/// A waterfall's settings.
#[derive(Clone, PartialEq, Debug)]
pub struct WaterfallConfig {
    /// Target capacity.
    pub capacity: Capacity,
    /// Time between two measurements of load.
    pub interval: Span,
    /// From a measurement until its shares hold.
    pub lag: Span,
}

/// What a measurement has led to.
#[derive(Clone, Debug)]
struct Plan {
    /// When load was measured; `None`: not yet.
    measured: Option<Time>,
    /// `source * endpoints + endpoint`: share of the source's requests.
    share: Vec<f64>,
    /// Of each endpoint: utilisation as it was reported, and requests per second that it was taken to have room for.
    load: Vec<(f64, f64)>,
}

/// The balancer.
#[derive(Clone, Debug)]
pub struct Waterfall {
    config: WaterfallConfig,
    endpoints: usize,
    /// `source * endpoints + endpoint`: requests sent since the last measurement.
    sent: Vec<u32>,
    /// Utilisation as last reported, per endpoint.
    utilisation: Vec<f64>,
    /// Shares that hold; all zero before the first measurement.
    plan: Plan,
    /// Shares that will hold: (from when, shares).
    coming: VecDeque<(Time, Plan)>,
    next: Time,
}

impl Waterfall {
    /// Nothing has been measured yet.
    pub fn new(config: WaterfallConfig, sources: usize, endpoints: usize) -> Waterfall {
        let next = Time::ZERO + config.interval;
        Waterfall {
            config,
            endpoints,
            sent: vec![0; sources * endpoints],
            utilisation: vec![0.0; endpoints],
            plan: Plan { measured: None, share: vec![0.0; sources * endpoints], load: vec![(0.0, 0.0); endpoints] },
            coming: VecDeque::new(),
            next,
        }
    }

    /// A region reports its utilisation.
    pub fn report(&mut self, endpoint: usize, utilisation: f64) {
        self.utilisation[endpoint] = utilisation;
    }

    /// When load is measured next.
    pub fn next_timeout(&self) -> Time {
        self.next
    }

    /// Load is measured: demand since the last time, reports as they are. `views` are the regions as each edge location
    /// sees them.
    pub fn measure<'a>(&mut self, now: Time, views: impl Fn(usize) -> &'a [Endpoint]) {
        let n = self.endpoints;
        let seconds = self.config.interval.as_secs_f64();
        let demand: Vec<f64> =
            self.sent.chunks(n).map(|c| c.iter().map(|s| f64::from(*s)).sum::<f64>() / seconds).collect();
        let rate = |e: usize| self.sent.iter().skip(e).step_by(n).map(|s| f64::from(*s)).sum::<f64>() / seconds;
        let capacity: Vec<f64> = match &self.config.capacity {
            Capacity::Rate(list) => list.clone(),
            Capacity::Utilization(target) => (0..n)
                .map(|e| match (rate(e), self.utilisation[e]) {
                    (r, u) if r > 0.0 && u > 0.0 => r * target / u,
                    (_, u) if u >= *target => 0.0,
                    _ => f64::INFINITY,
                })
                .collect(),
        };
        let orders: Vec<Vec<usize>> = (0..demand.len()).map(|s| nearest_first(views(s))).collect();
        let share = fill(&demand, &orders, &capacity);
        let load = self.utilisation.iter().copied().zip(capacity).collect();
        self.coming.push_back((now + self.config.lag, Plan { measured: Some(now), share, load }));
        self.sent.fill(0);
        self.next = now + self.config.interval;
    }

    /// Shares of a source's requests, by endpoint.
    fn shares(&self, source: usize) -> &[f64] {
        &self.plan.share[source * self.endpoints..][..self.endpoints]
    }

    /// Why a healthy legal endpoint gets nothing, once load has been measured.
    pub(super) fn unfit(&self, source: usize, endpoint: usize, endpoints: &[Endpoint]) -> Option<Unfit> {
        let own = self.shares(source);
        let place = |i: usize| (endpoints[i].latency_ns, i);
        let taking = (0..own.len()).filter(|i| own[*i] > 0.0 && endpoints[*i].legal && endpoints[*i].healthy);
        let farthest = taking.map(place).max()?;
        let because = if place(endpoint) < farthest { Unfit::Full } else { Unfit::NotNeeded };
        (own[endpoint] == 0.0).then_some(because)
    }

    /// What an edge location knows of an endpoint.
    pub(super) fn figures<S: ReasonSink>(&self, source: usize, endpoint: usize, told: &mut Told<'_, S>) {
        let Plan { measured: Some(measured), load, .. } = &self.plan else { return };
        let (utilisation, capacity) = load[endpoint];
        told.learned("share of the edge's requests in %", 100.0 * self.shares(source)[endpoint], Some(*measured));
        match self.config.capacity {
            Capacity::Rate(_) => told.figure("capacity in requests/s", capacity),
            Capacity::Utilization(target) => {
                told.learned("reported utilisation in %", 100.0 * utilisation, Some(*measured));
                told.figure("its target in %", 100.0 * target);
                if capacity.is_finite() {
                    told.learned("inferred capacity in requests/s", capacity, Some(*measured));
                }
            }
        }
    }

    /// Position of the region for a request; `None` when no legal one is healthy.
    pub fn pick<E: Entropy>(
        &mut self,
        now: Time,
        source: usize,
        endpoints: &[Endpoint],
        entropy: &mut E,
    ) -> Option<usize> {
        while self.coming.front().is_some_and(|(from, _)| *from <= now) {
            self.plan = self.coming.pop_front().expect("just seen").1;
        }
        let own = self.shares(source);
        let fit: Answer = endpoints.iter().enumerate().filter(|(_, e)| e.legal && e.healthy).map(|(i, _)| i).collect();
        let chances = own.iter().enumerate().map(|(i, share)| if fit.contains(i) { *share } else { 0.0 });
        let chosen = if chances.clone().any(|c| c > 0.0) {
            entropy.weighted(chances)
        } else {
            fit.iter().min_by_key(|i| (endpoints[*i].latency_ns, *i))?
        };
        self.sent[source * self.endpoints + chosen] += 1;
        Some(chosen)
    }
}

/// Healthy legal endpoints, nearest first.
fn nearest_first(endpoints: &[Endpoint]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..endpoints.len()).filter(|i| endpoints[*i].legal && endpoints[*i].healthy).collect();
    order.sort_by_key(|i| (endpoints[*i].latency_ns, *i));
    order
}

/// Which share of each source's demand goes where, `source * endpoints + endpoint`. `orders` are each source's endpoints,
/// nearest first. A source without demand goes to the first endpoint with room. Without any capacity at all, endpoints share
/// evenly.
pub fn fill(demand: &[f64], orders: &[Vec<usize>], capacity: &[f64]) -> Vec<f64> {
    let n = capacity.len();
    let mut share = vec![0.0; demand.len() * n];
    let mut room = capacity.to_vec();
    let mut left = demand.to_vec();
    for rank in 0..n {
        let mut wanted = vec![0.0; n];
        for (s, order) in orders.iter().enumerate() {
            if let Some(&e) = order.get(rank) {
                wanted[e] += left[s];
            }
        }
        for (s, order) in orders.iter().enumerate() {
            let Some(&e) = order.get(rank) else { continue };
            if left[s] > 0.0 {
                let granted = if wanted[e] <= room[e] { left[s] } else { left[s] * (room[e] / wanted[e]) };
                share[s * n + e] += granted / demand[s];
                left[s] -= granted;
            }
        }
        for e in 0..n {
            room[e] = (room[e] - wanted[e]).max(0.0);
        }
    }
    for (s, order) in orders.iter().enumerate() {
        let own = &mut share[s * n..][..n];
        if demand[s] == 0.0 {
            if let Some(&e) = order.iter().find(|e| room[**e] > 0.0).or(order.first()) {
                own[e] = 1.0;
            }
        } else if left[s] > 0.0 {
            let total: f64 = order.iter().map(|e| capacity[*e]).sum();
            for &e in order {
                let part = if total > 0.0 { capacity[e] / total } else { 1.0 / order.len() as f64 };
                own[e] += left[s] / demand[s] * part;
            }
        }
    }
    share
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12)
    }

    #[test]
    fn the_nearest_is_filled_and_the_rest_spills_over() {
        // 150 per second, 100 fit into the nearest region
        assert!(close(&fill(&[150.0], &[vec![0, 1]], &[100.0, 100.0]), &[2.0 / 3.0, 1.0 / 3.0]));
        assert!(close(&fill(&[80.0], &[vec![1, 0]], &[100.0, 100.0]), &[0.0, 1.0]));
    }

    #[test]
    fn who_is_nearer_goes_first_and_equals_share_what_there_is() {
        // two edge locations fill region 0 together; a third's own region takes the overflow of both after its own
        let orders = [vec![0, 1], vec![0, 1], vec![1, 0]];
        let share = fill(&[100.0, 50.0, 60.0], &orders, &[100.0, 100.0]);
        let (kept, spilt) = (2.0 / 3.0, 1.0 / 3.0);
        // region 1 has 40 left for the 50 that spill
        let all_full = |s: f64| 0.2 * spilt * s;
        let expected = [
            kept + all_full(0.5),
            0.8 * spilt + all_full(0.5),
            kept + all_full(0.5),
            0.8 * spilt + all_full(0.5),
            0.0,
            1.0,
        ];
        assert!(close(&share, &expected), "{share:?}");
    }

    #[test]
    fn when_all_are_full_the_rest_is_spread_in_proportion_to_capacity() {
        // 100 + 300 fit of 600; the other 200 go 1 : 3
        let share = fill(&[600.0], &[vec![0, 1]], &[100.0, 300.0]);
        assert!(close(&share, &[150.0 / 600.0, 450.0 / 600.0]), "{share:?}");
        assert!(close(&fill(&[0.0, 10.0], &[vec![0, 1], vec![0, 1]], &[10.0, 5.0]), &[0.0, 1.0, 1.0, 0.0]));
    }

    fn balancer(capacity: Capacity) -> Waterfall {
        let config = WaterfallConfig { capacity, interval: Span::from_secs(10), lag: Span::from_secs(5) };
        Waterfall::new(config, 1, 2)
    }

    fn send(w: &mut Waterfall, at: u64, n: usize, endpoints: &[Endpoint]) -> [u32; 2] {
        let mut dice = Dice::new(2);
        let mut hits = [0; 2];
        for _ in 0..n {
            hits[w.pick(Time::ZERO + Span::from_secs(at), 0, endpoints, &mut dice).unwrap()] += 1;
        }
        hits
    }

    #[test]
    fn overflow_follows_load_by_interval_and_lag() {
        let e = [up(10), up(50)];
        let mut w = balancer(Capacity::Rate(vec![100.0, 100.0]));
        assert_eq!(send(&mut w, 3, 2000, &e), [2000, 0], "200 per second, but nobody has measured");
        w.measure(w.next_timeout(), |_| &e);
        assert_eq!(send(&mut w, 14, 2000, &e), [2000, 0], "measured at 10 s, known at 15 s");
        let hits = send(&mut w, 15, 2000, &e);
        assert!(hits[0].abs_diff(1000) < 100, "{hits:?}");
    }

    #[test]
    fn utilisation_says_how_much_more_fits() {
        let e = [up(10), up(50)];
        let mut w = balancer(Capacity::Utilization(0.8));
        send(&mut w, 3, 1000, &e);
        w.report(0, 1.0); // 100 per second fill it: 80 fit
        w.measure(w.next_timeout(), |_| &e);
        let hits = send(&mut w, 16, 2000, &e);
        assert!(hits[0].abs_diff(1600) < 100, "{hits:?}");
    }

    /// Region 0 is full of work that no request of the last interval brought: long answers, another client.
    #[test]
    fn a_region_that_is_full_takes_nothing_even_if_nobody_asked_it() {
        let e = [up(10), up(50)];
        let mut w = balancer(Capacity::Utilization(0.8));
        w.report(0, 0.8);
        w.measure(w.next_timeout(), |_| &e);
        assert_eq!(send(&mut w, 16, 100, &e), [0, 100]);
        // both full, and all demand was met elsewhere: evenly, and no division by nothing
        let share = fill(&[30.0], &[vec![0, 1]], &[0.0, 0.0]);
        assert!(close(&share, &[0.5, 0.5]), "{share:?}");
    }

    #[test]
    fn unhealthy_regions_lose_their_share_at_once_and_without_any_there_is_no_answer() {
        let mut w = balancer(Capacity::Rate(vec![1.0, 1.0]));
        assert_eq!(send(&mut w, 1, 10, &[down(10), up(50)]), [0, 10]);
        assert_eq!(w.pick(Time::ZERO, 0, &[down(10), down(50)], &mut Dice::new(1)), None);
    }
}
