//! Client-side probing: the user's program remembers how long each region took and goes to the fastest, except for a small
//! share of requests with which it finds out whether another one has become faster.
//!
//! An epsilon-greedy choice (Sutton and Barto, Reinforcement Learning, 2nd edition 2018, section 2.2) over a rolling mean of
//! the last samples of each region. There is no health check, no name service and no table: a client knows what it has
//! measured itself, as old as that is. A failed request counts as a long one. Regions that were never tried go first, at
//! random.

use super::reason::Told;
use super::{Answer, Endpoint, Unfit};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};

/// Settings of the client library.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClientProbingConfig {
    /// Share of requests that go to another region than the best one, above 0 and below 1.
    pub explore: f64,
    /// Samples of a region that are remembered, at least 1.
    pub window: u32,
    /// What a failed request counts as.
    pub penalty: Span,
}

/// The last samples of one region at one client.
#[derive(Clone, Debug, Default)]
struct Samples {
    /// Nanoseconds; a ring once it is full.
    ns: Vec<u64>,
    oldest: usize,
    /// When the last one was made.
    last: Option<Time>,
}

impl Samples {
    fn push(&mut self, ns: u64, window: usize) {
        if self.ns.len() < window {
            self.ns.push(ns);
        } else {
            self.ns[self.oldest] = ns;
            self.oldest = (self.oldest + 1) % window;
        }
    }

    fn mean(&self) -> Option<u64> {
        let n = self.ns.len() as u128;
        (n > 0).then(|| (self.ns.iter().map(|x| u128::from(*x)).sum::<u128>() / n) as u64)
    }
}

/// The memories of all clients.
#[derive(Clone, Debug)]
pub struct ClientProbing {
    config: ClientProbingConfig,
    endpoints: usize,
    /// `source * endpoints + endpoint`.
    samples: Vec<Samples>,
}

/// Where a client goes, and whether that is to learn something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Position of the region.
    pub endpoint: usize,
    /// It is not (known to be) the best.
    pub explores: bool,
}

impl ClientProbing {
    /// Nobody has tried anything yet.
    pub fn new(config: ClientProbingConfig, sources: usize, endpoints: usize) -> ClientProbing {
        ClientProbing { config, endpoints, samples: vec![Samples::default(); sources * endpoints] }
    }

    /// A request took so long, or failed.
    pub fn observe(&mut self, now: Time, source: usize, endpoint: usize, took: Option<Span>) {
        let ns = took.unwrap_or(self.config.penalty).nanos();
        let samples = &mut self.samples[source * self.endpoints + endpoint];
        samples.push(ns, self.config.window as usize);
        samples.last = Some(now);
    }

    /// Regions that were tried wait until all were.
    pub(super) fn unfit(&self, source: usize, endpoint: usize, endpoints: &[Endpoint]) -> Option<Unfit> {
        let own = &self.samples[source * self.endpoints..][..self.endpoints];
        let untried = own.iter().zip(endpoints).any(|(s, e)| e.legal && s.ns.is_empty());
        (untried && !own[endpoint].ns.is_empty()).then_some(Unfit::UntriedFirst)
    }

    /// What a client knows of a region.
    pub(super) fn figures<S: ReasonSink>(&self, source: usize, endpoint: usize, told: &mut Told<'_, S>) {
        let samples = &self.samples[source * self.endpoints + endpoint];
        if let Some(mean) = samples.mean() {
            told.learned("mean of the client's own requests in ms", mean as f64 / 1e6, samples.last);
        }
        told.figure("requests in that mean", samples.ns.len() as f64);
    }

    /// Where a request goes; `None` when no region is legal.
    pub fn pick<E: Entropy>(&self, source: usize, endpoints: &[Endpoint], entropy: &mut E) -> Option<Choice> {
        let own = &self.samples[source * self.endpoints..][..self.endpoints];
        let legal = || (0..endpoints.len()).filter(|i| endpoints[*i].legal);
        let unknown: Answer = legal().filter(|i| own[*i].ns.is_empty()).collect();
        if !unknown.is_empty() {
            return unknown.nth(entropy.pick(unknown.len())).map(|endpoint| Choice { endpoint, explores: true });
        }
        let best = legal().min_by_key(|i| (own[*i].mean(), *i))?;
        let others: Answer = legal().filter(|i| *i != best).collect();
        if !others.is_empty() && entropy.uniform() < self.config.explore {
            return others.nth(entropy.pick(others.len())).map(|endpoint| Choice { endpoint, explores: true });
        }
        Some(Choice { endpoint: best, explores: false })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Dice, down, up};
    use super::*;

    fn clients(explore: f64) -> ClientProbing {
        let config = ClientProbingConfig { explore, window: 3, penalty: Span::from_secs(10) };
        ClientProbing::new(config, 2, 3)
    }

    fn ms(n: u64) -> Option<Span> {
        Some(Span::from_millis(n))
    }

    #[test]
    fn every_region_is_tried_then_the_fastest_wins_but_for_the_exploring_share() {
        let mut c = clients(0.1);
        let mut dice = Dice::new(9);
        let e = [up(0); 3];
        for took in [300, 100, 200] {
            let choice = c.pick(0, &e, &mut dice).unwrap();
            assert!(choice.explores);
            c.observe(Time::ZERO, 0, choice.endpoint, ms(took * (1 + choice.endpoint as u64)));
        }
        let means: Vec<u64> = (0..3).map(|i| c.samples[i].mean().unwrap()).collect();
        let best = (0..3).min_by_key(|i| means[*i]).unwrap();
        let mut hits = [0u32; 3];
        (0..10_000).for_each(|_| hits[c.pick(0, &e, &mut dice).unwrap().endpoint] += 1);
        assert!(hits[best].abs_diff(9000) < 120, "{hits:?}");
        assert!((0..3).filter(|i| *i != best).all(|i| hits[i].abs_diff(500) < 90), "{hits:?}");
        assert!(c.pick(1, &e, &mut dice).unwrap().explores, "another client knows nothing of that");
    }

    #[test]
    fn a_mean_over_the_last_three_and_failures_count_as_ten_seconds() {
        let mut c = clients(1e-12);
        let mut dice = Dice::new(9);
        let e = [up(0), up(0), Endpoint { legal: false, ..up(0) }];
        c.observe(Time::ZERO, 0, 0, ms(100));
        c.observe(Time::ZERO, 0, 1, ms(150));
        let mut best = |c: &ClientProbing| c.pick(0, &e, &mut dice).unwrap().endpoint;
        assert_eq!(best(&c), 0);
        c.observe(Time::ZERO, 0, 0, None);
        assert_eq!(best(&c), 1, "(100 + 10,000) / 2");
        c.observe(Time::ZERO, 0, 0, ms(100));
        c.observe(Time::ZERO, 0, 0, ms(100));
        assert_eq!(best(&c), 1, "the failure is still one of the last three");
        c.observe(Time::ZERO, 0, 0, ms(100));
        assert_eq!(best(&c), 0);
    }

    #[test]
    fn health_checks_are_not_the_clients_business() {
        let mut c = clients(1e-12);
        c.observe(Time::ZERO, 0, 0, ms(1));
        (1..3).for_each(|i| c.observe(Time::ZERO, 0, i, ms(9)));
        assert_eq!(c.pick(0, &[down(0), up(0), up(0)], &mut Dice::new(1)).unwrap().endpoint, 0);
        assert_eq!(c.pick(0, &[Endpoint { legal: false, ..up(0) }; 3], &mut Dice::new(1)), None);
    }
}
