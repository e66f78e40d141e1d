//! Anycast: every region announces one address, and each network takes its users to the site that its routes prefer.
//!
//! A network prefers the site with the shortest path, except for a share of networks whose routes lead past it to the next
//! one (Calder et al., "Analyzing the Performance of an Anycast CDN", IMC 2015: roughly 20 % of clients go to a suboptimal
//! front-end). A site whose health checks fail withdraws its announcement; each network follows after its own time of
//! convergence, and until then its packets go where nobody answers. Nothing here expires, but a network that moves to
//! another site breaks its users' open connections. When no site announces, the address is unreachable: nobody fails open.

use super::reason::Told;
use super::{Answer, Endpoint, Unfit};
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};
use std::collections::BTreeSet;

/// A network has moved to another site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Which network.
    pub source: usize,
    /// The site it came from.
    pub from: Option<usize>,
    /// The site it now goes to; `None`: it has no route.
    pub to: Option<usize>,
}

/// One network.
#[derive(Clone, Debug)]
struct Network {
    /// Legal sites, the preferred one first.
    preference: Vec<u8>,
    /// Where its packets go.
    site: Option<u8>,
    /// Since when; `None`: from the beginning.
    since: Option<Time>,
    /// Where they will go, and from when.
    next: Option<(Time, Option<u8>)>,
}

/// All networks that can reach the address.
#[derive(Clone, Debug)]
pub struct Anycast {
    announced: Answer,
    networks: Vec<Network>,
    /// Changes to come: (when, network).
    pending: BTreeSet<(Time, u32)>,
    moved: Vec<Moved>,
}

impl Anycast {
    /// Every site announces and all networks have converged. For each network: the sites as it sees them, and whether its
    /// routes are inflated.
    pub fn new<'a>(networks: impl Iterator<Item = (&'a [Endpoint], bool)>) -> Anycast {
        let mut announced = Answer::NONE;
        let network = |(endpoints, inflated): (&[Endpoint], bool)| {
            let mut preference: Vec<u8> =
                (0..endpoints.len() as u8).filter(|i| endpoints[usize::from(*i)].legal).collect();
            preference.sort_by_key(|i| (endpoints[usize::from(*i)].latency_ns, *i));
            if inflated && preference.len() > 1 {
                preference.swap(0, 1);
            }
            announced = (0..endpoints.len()).fold(announced, Answer::with);
            let site = preference.first().copied();
            Network { preference, site, since: None, next: None }
        };
        let networks = networks.map(network).collect();
        Anycast { announced, networks, pending: BTreeSet::new(), moved: Vec::new() }
    }

    /// Where a network's packets go now.
    pub fn site(&self, source: usize) -> Option<usize> {
        self.networks[source].site.map(usize::from)
    }

    /// Sites that a network would prefer to its own have no route there, as far as it knows.
    pub(super) fn unfit(&self, source: usize, site: usize) -> Option<Unfit> {
        let network = &self.networks[source];
        let place = |s: u8| network.preference.iter().position(|p| *p == s);
        let own = network.site.and_then(place).unwrap_or(usize::MAX);
        (place(site as u8)? < own).then_some(Unfit::NoRoute { since: network.since })
    }

    /// What a network knows of a site.
    pub(super) fn figures<S: ReasonSink>(&self, source: usize, site: usize, told: &mut Told<'_, S>) {
        let network = &self.networks[source];
        if let Some(place) = network.preference.iter().position(|s| usize::from(*s) == site) {
            let as_of = network.since.filter(|_| self.site(source) == Some(site));
            told.learned("place among the network's routes", place as f64 + 1.0, as_of);
        }
    }

    /// A site withdraws its announcement or makes it again. `convergence` is how long each network takes to follow.
    pub fn announce(&mut self, now: Time, site: usize, up: bool, mut convergence: impl FnMut(usize) -> Span) {
        self.announced = if up { self.announced.with(site) } else { self.announced.without(site) };
        for source in 0..self.networks.len() {
            let network = &mut self.networks[source];
            let best = network.preference.iter().copied().find(|s| self.announced.contains(usize::from(*s)));
            let heading = network.next.map_or(network.site, |(_, to)| to);
            if best == heading {
                continue;
            }
            if let Some((at, _)) = network.next.take() {
                self.pending.remove(&(at, source as u32));
            }
            if best != network.site {
                let at = now + convergence(source);
                network.next = Some((at, best));
                self.pending.insert((at, source as u32));
            }
        }
    }

    /// When the next network moves.
    pub fn next_timeout(&self) -> Option<Time> {
        self.pending.first().map(|(at, _)| *at)
    }

    /// Networks whose time has come move.
    pub fn on_timeout(&mut self, now: Time) {
        while let Some(&(at, source)) = self.pending.first().filter(|(at, _)| *at <= now) {
            self.pending.remove(&(at, source));
            let source = source as usize;
            let network = &mut self.networks[source];
            let (_, to) = network.next.take().expect("a pending network has somewhere to go");
            let from = std::mem::replace(&mut network.site, to);
            network.since = Some(at);
            self.moved.push(Moved { source, from: from.map(usize::from), to: to.map(usize::from) });
        }
    }

    /// A network that has moved and whose users have not been told yet.
    pub fn poll_moved(&mut self) -> Option<Moved> {
        self.moved.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::up;
    use super::*;

    const SEC: Span = Span::from_secs(1);

    fn at(s: u64) -> Time {
        Time::ZERO + Span::from_secs(s)
    }

    #[test]
    fn nearest_by_path_except_for_inflated_networks() {
        let sites = [up(90), up(10), up(50)];
        let a = Anycast::new([(&sites[..], false), (&sites[..], true)].into_iter());
        assert_eq!((a.site(0), a.site(1)), (Some(1), Some(2)));
        let bound = [up(90), Endpoint { legal: false, ..up(10) }];
        let a = Anycast::new([(&bound[..], true)].into_iter());
        assert_eq!(a.site(0), Some(0), "an address per residency class: only legal sites announce it");
    }

    #[test]
    fn each_network_moves_after_its_own_convergence_and_back() {
        let sites = [up(10), up(50)];
        let mut a = Anycast::new([(&sites[..], false); 2].into_iter());
        a.announce(at(100), 0, false, |n| SEC.times(5 + 20 * n as u64));
        assert_eq!((a.site(0), a.next_timeout()), (Some(0), Some(at(105))));
        a.on_timeout(at(105));
        assert_eq!((a.site(0), a.site(1), a.next_timeout()), (Some(1), Some(0), Some(at(125))));
        assert_eq!(a.poll_moved(), Some(Moved { source: 0, from: Some(0), to: Some(1) }));
        assert_eq!(a.poll_moved(), None);
        // the site is back before the slow network has left it: that one stays
        a.announce(at(110), 0, true, |_| SEC);
        assert_eq!(a.next_timeout(), Some(at(111)));
        a.on_timeout(at(200));
        assert_eq!((a.site(0), a.site(1)), (Some(0), Some(0)));
        assert_eq!(a.poll_moved(), Some(Moved { source: 0, from: Some(1), to: Some(0) }));
        assert_eq!((a.poll_moved(), a.next_timeout()), (None, None));
    }

    #[test]
    fn without_any_announcement_there_is_no_route() {
        let sites = [up(10)];
        let mut a = Anycast::new([(&sites[..], false)].into_iter());
        a.announce(at(1), 0, false, |_| SEC);
        a.on_timeout(at(2));
        assert_eq!(a.site(0), None);
    }
}
