//! A steering system: its policy and what it has learned so far.

use super::anycast::{Anycast, Moved};
use super::client_probing::ClientProbing;
use super::cloudflare_dynamic::{RttProfiles, fallback_pool};
use super::cloudflare_outstanding::Outstanding;
use super::front_door::FrontDoor;
use super::reason::{Verdict, explain};
use super::waterfall::Waterfall;
use super::why::Why;
use super::{
    Answer, BadPolicy, Endpoint, EndpointGroup, GeoRecords, Location, Policy, Rule, accelerator, failover, geolocation,
    geoproximity, lowest_latency, multivalue, nearest_on_the_map, weighted,
};
use crate::routing::entropy::Entropy;
use crate::routing::reason::ReasonSink;
use crate::units::{Span, Time};

/// From where a question comes.
#[derive(Clone, Copy, Debug)]
pub struct Vantage<'a> {
    /// Number of the edge location, network or client: whose memory is meant. Name services have none.
    pub source: usize,
    /// Where that is, as the system's table of addresses has it.
    pub location: &'a Location,
    /// The regions as they are seen from there.
    pub endpoints: &'a [Endpoint],
}

/// One edge location, network or client, when a system starts.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The regions as they are seen from there.
    pub endpoints: &'a [Endpoint],
    /// A network whose routes lead past the nearest site.
    pub inflated: bool,
}

/// How a request ended, as who sent it saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// The answer began after so long.
    Answered(Span),
    /// It was not answered.
    Failed,
    /// Nothing that says anything about the region.
    Nothing,
}

/// A policy with what it remembers.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Latency,
    Failover,
    Weighted(Vec<u8>),
    Geolocation(GeoRecords),
    Geoproximity(Vec<i8>),
    Multivalue,
    Anycast(Anycast),
    Accelerator(Vec<EndpointGroup>),
    CloudflareDynamic { profiles: RttProfiles, fallback: u8 },
    CloudflareProximity { fallback: u8 },
    CloudflareOutstanding { outstanding: Outstanding, weights: Vec<f64>, fallback: u8 },
    Waterfall(Waterfall),
    FrontDoor(FrontDoor),
    ClientProbing(ClientProbing),
}

/// A steering system.
#[derive(Clone, Debug)]
pub struct Steerer {
    kind: Kind,
    /// What health checks have said last of each endpoint: only for reasons.
    verdicts: Vec<Verdict>,
}

impl Steerer {
    /// A system that has seen nothing yet, for these sources.
    ///
    /// # Errors
    /// [`BadPolicy`] if the policy can never work.
    pub fn new<'a>(policy: Policy, sources: impl Iterator<Item = Source<'a>> + Clone) -> Result<Steerer, BadPolicy> {
        let endpoints = sources.clone().next().map_or(0, |s| s.endpoints.len());
        policy.check(endpoints)?;
        let n = sources.clone().count();
        let kind = match policy {
            Policy::Latency => Kind::Latency,
            Policy::Failover => Kind::Failover,
            Policy::Weighted(weights) => Kind::Weighted(weights),
            Policy::Geolocation(records) => Kind::Geolocation(records),
            Policy::Geoproximity(biases) => Kind::Geoproximity(biases),
            Policy::Multivalue => Kind::Multivalue,
            Policy::Anycast => Kind::Anycast(Anycast::new(sources.map(|s| (s.endpoints, s.inflated)))),
            Policy::Accelerator(groups) => Kind::Accelerator(groups),
            Policy::CloudflareDynamic { fallback } => {
                Kind::CloudflareDynamic { profiles: RttProfiles::new(n, endpoints), fallback }
            }
            Policy::CloudflareProximity { fallback } => Kind::CloudflareProximity { fallback },
            Policy::CloudflareOutstanding { weights, fallback } => {
                Kind::CloudflareOutstanding { outstanding: Outstanding::new(n, endpoints), weights, fallback }
            }
            Policy::Waterfall(config) => Kind::Waterfall(Waterfall::new(config, n, endpoints)),
            Policy::FrontDoor(group) => Kind::FrontDoor(FrontDoor::new(group, n)),
            Policy::ClientProbing(config) => Kind::ClientProbing(ClientProbing::new(config, n, endpoints)),
        };
        Ok(Steerer { kind, verdicts: vec![Verdict::UNCHECKED; endpoints] })
    }

    /// Where to go. Empty if there is no answer.
    pub fn steer<E: Entropy, S: ReasonSink>(
        &mut self,
        now: Time,
        from: &Vantage<'_>,
        entropy: &mut E,
        reasons: &mut S,
    ) -> Answer {
        let (e, source) = (from.endpoints, from.source);
        let or_fallback = |pool: Option<usize>, rule: Rule, fallback: u8| match pool {
            Some(_) => (pool.into(), rule),
            None => (fallback_pool(usize::from(fallback), e).into(), Rule::FallbackPool),
        };
        let mut dialled = None;
        let (answer, rule) = match &mut self.kind {
            Kind::Latency => (lowest_latency(e).into(), Rule::LowestLatency),
            Kind::Failover => (failover(e).into(), Rule::FirstInOrder),
            Kind::Weighted(weights) => (weighted(weights, e, entropy).into(), Rule::Weight),
            Kind::Geolocation(records) => (geolocation(records, from.location, e).into(), Rule::SmallestArea),
            Kind::Geoproximity(biases) => (geoproximity(biases, e).into(), Rule::LeastBiasedDistance),
            Kind::Multivalue => (multivalue(e, entropy), Rule::UpToEight),
            Kind::Anycast(a) => (a.site(source).into(), Rule::Catchment),
            Kind::Accelerator(groups) => {
                dialled = accelerator(groups, e, entropy);
                (dialled.map(|d| d.endpoint).into(), Rule::DialAndWeight)
            }
            Kind::CloudflareDynamic { profiles, fallback } => {
                or_fallback(profiles.fastest(source, e), Rule::FastestMonitor, *fallback)
            }
            Kind::CloudflareProximity { fallback } => {
                or_fallback(nearest_on_the_map(e), Rule::NearestOnTheMap, *fallback)
            }
            Kind::CloudflareOutstanding { outstanding, weights, fallback } => {
                or_fallback(outstanding.pick(source, weights, e, entropy), Rule::LeastOutstanding, *fallback)
            }
            Kind::Waterfall(w) => (w.pick(now, source, e, entropy).into(), Rule::Capacity),
            Kind::FrontDoor(f) => (f.pick(source, e).into(), Rule::LatencyBand),
            Kind::ClientProbing(c) => {
                let choice = c.pick(source, e, entropy);
                let explores = choice.is_some_and(|c| c.explores);
                (choice.map(|c| c.endpoint).into(), if explores { Rule::Exploration } else { Rule::LowestAverage })
            }
        };
        if reasons.on() {
            let why = Why { kind: &self.kind, from, answer, dialled };
            explain(e, &self.verdicts, answer, rule, &why, reasons);
        }
        answer
    }

    /// A health check that began at `asked` has ended; `healthy` is the verdict of all of them together now.
    pub fn on_check(&mut self, now: Time, asked: Time, endpoint: usize, healthy: bool) {
        let verdict = &mut self.verdicts[endpoint];
        let since = if verdict.healthy == healthy { verdict.since } else { Some(now) };
        *verdict = Verdict { healthy, checked: Some(asked), since };
    }

    /// A request is on its way to a region.
    pub fn on_sent(&mut self, source: usize, endpoint: usize) {
        if let Kind::CloudflareOutstanding { outstanding, .. } = &mut self.kind {
            outstanding.sent(source, endpoint);
        }
    }

    /// A request that [`Steerer::on_sent`] was told of is over.
    pub fn on_done(&mut self, now: Time, source: usize, endpoint: usize, seen: Seen) {
        match (&mut self.kind, seen) {
            (Kind::CloudflareOutstanding { outstanding, .. }, _) => outstanding.done(source, endpoint),
            (Kind::ClientProbing(c), Seen::Answered(took)) => c.observe(now, source, endpoint, Some(took)),
            (Kind::ClientProbing(c), Seen::Failed) => c.observe(now, source, endpoint, None),
            _ => {}
        }
    }

    /// A probe was answered after so long, or not at all. True if that makes the region unhealthy for its source.
    pub fn on_probe(&mut self, now: Time, source: usize, endpoint: usize, answered: Option<Span>) -> bool {
        match (&mut self.kind, answered) {
            (Kind::FrontDoor(f), _) => f.observe(now, source, endpoint, answered),
            (Kind::CloudflareDynamic { profiles, .. }, Some(rtt)) => {
                profiles.observe(now, source, endpoint, rtt);
                false
            }
            _ => false,
        }
    }

    /// A region reports the utilisation of its application, 0 to 1.
    pub fn on_report(&mut self, endpoint: usize, utilisation: f64) {
        if let Kind::Waterfall(w) = &mut self.kind {
            w.report(endpoint, utilisation);
        }
    }

    /// A verdict of the health checks changes: an anycast site withdraws its announcement or makes it again. `convergence`
    /// is how long each network takes to follow. (Other policies see verdicts in their [`Endpoint`]s.)
    pub fn on_health(&mut self, now: Time, endpoint: usize, healthy: bool, convergence: impl FnMut(usize) -> Span) {
        if let Kind::Anycast(a) = &mut self.kind {
            a.announce(now, endpoint, healthy, convergence);
        }
    }

    /// When the system has to be woken.
    pub fn next_timeout(&self) -> Option<Time> {
        match &self.kind {
            Kind::Anycast(a) => a.next_timeout(),
            Kind::Waterfall(w) => Some(w.next_timeout()),
            _ => None,
        }
    }

    /// The system is woken. `views` are the regions as each source sees them.
    pub fn on_timeout<'a>(&mut self, now: Time, views: impl Fn(usize) -> &'a [Endpoint]) {
        match &mut self.kind {
            Kind::Anycast(a) => a.on_timeout(now),
            Kind::Waterfall(w) if w.next_timeout() <= now => w.measure(now, views),
            _ => {}
        }
    }

    /// A network that has moved to another site: its open connections are broken.
    pub fn poll_moved(&mut self) -> Option<Moved> {
        match &mut self.kind {
            Kind::Anycast(a) => a.poll_moved(),
            _ => None,
        }
    }

    /// Requests that are counted as being on their way.
    pub fn outstanding(&self) -> u64 {
        match &self.kind {
            Kind::CloudflareOutstanding { outstanding, .. } => outstanding.total(),
            _ => 0,
        }
    }
}
