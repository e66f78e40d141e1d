//! From usage to money: the price book of a topology, its bill, and what each interval of each region costs.

use crate::cost::{Bill, Ledger, PriceBook, PriceEntry, PriceKey, Provenance, TokenKind};
use crate::scenario::model::{Deployment, Fleet, Scenario, Topology};
use crate::units::{DeploymentIx, GroupIx, Money, Price, RegionIx};
use crate::world::Record;

/// Prices of a topology.
pub struct Prices<'a> {
    scenario: &'a Scenario,
    topology: &'a Topology,
    book: PriceBook,
}

impl<'a> Prices<'a> {
    /// Every price that a run of the topology can meet.
    pub fn new(scenario: &'a Scenario, topology: &'a Topology) -> Prices<'a> {
        let mut book = PriceBook::new();
        let mut put = |key: PriceKey, entry: PriceEntry| {
            book.register(key, entry).expect("validation refuses duplicate names");
        };
        for (i, d) in scenario.deployments.iter().enumerate() {
            let deployment = DeploymentIx::new(i);
            for (kind, price) in token_prices(d) {
                let entry = PriceEntry {
                    price,
                    service: format!("{} {} ({})", d.model, kind.name(), d.name),
                    region: Some(d.place),
                    provider: Some(d.provider.clone()),
                    provenance: provenance(&d.price_source),
                };
                put(PriceKey::Tokens { deployment, kind }, entry);
            }
        }
        for line in topology.fleets.iter().flat_map(|f| replica_lines(scenario, f)) {
            let d = &scenario.deployments[line.deployment.ix()];
            let entry = PriceEntry {
                price: line.price,
                service: line.name,
                region: Some(d.place),
                provider: Some(d.provider.clone()),
                provenance: provenance("the scenario"),
            };
            put(PriceKey::Replicas { deployment: line.deployment, zone: line.zone }, entry);
        }
        for r in &topology.regions {
            let place = &scenario.places[r.place.ix()];
            let cloud = place.id.split(':').next().unwrap_or_default().to_owned();
            let entry = |price, service: &str, source: &str| PriceEntry {
                price,
                service: service.to_owned(),
                region: Some(r.place),
                provider: Some(cloud.clone()),
                provenance: provenance(source),
            };
            let servers = PriceKey::Servers { region: r.place, kind: "application server".to_owned() };
            put(servers, entry(r.server_price, "application servers", &r.server_price_source));
            for s in &r.services {
                let key = PriceKey::Service { region: Some(r.place), name: s.name.clone() };
                put(key, entry(s.price, &s.name, &s.source));
            }
            put(
                PriceKey::EgressInternet { from: r.place },
                entry(place.egress_internet.price, "data to users", &place.egress_internet.source),
            );
            for (to, egress) in place.egress_to.iter().enumerate() {
                let to = RegionIx::new(to);
                if to != r.place {
                    let what = format!("data to {}", scenario.places[to.ix()].id);
                    put(PriceKey::EgressBetween { from: r.place, to }, entry(egress.price, &what, &egress.source));
                }
            }
        }
        Prices { scenario, topology, book }
    }

    /// The bill of a record: all its replications together.
    pub fn bill(&self, record: &Record) -> Bill {
        let groups = self.scenario.groups.len();
        let mut ledger = Ledger::new(&self.book, groups);
        let line = |key: &PriceKey| self.book.line(key).expect("every price is registered");
        let n = self.scenario.deployments.len();
        for d in 0..n {
            let deployment = DeploymentIx::new(d);
            let (spec, usage) = (&self.scenario.deployments[d], &record.usage);
            for (kind, _) in token_prices(spec) {
                let line = line(&PriceKey::Tokens { deployment, kind });
                for g in 0..groups {
                    let of = |tokens: &[u64]| tokens[g * n + d];
                    let [input, cached, written] =
                        [&usage.input_tokens, &usage.cached_tokens, &usage.written_tokens].map(|t| of(t));
                    let tokens = tokens_of(spec, kind, [input, cached, written, of(&usage.output_tokens)]);
                    ledger.add(line, GroupIx::new(g), tokens);
                }
            }
        }
        for (fleet, used) in self.topology.fleets.iter().zip(&record.fleets) {
            for (l, ns) in replica_lines(self.scenario, fleet).zip(&used.paid_ns) {
                ledger.add_shared(line(&PriceKey::Replicas { deployment: l.deployment, zone: l.zone }), *ns);
            }
        }
        let time = u128::from(self.scenario.horizon.nanos()) * u128::from(record.replications);
        let places = self.scenario.places.len();
        for (i, r) in self.topology.regions.iter().enumerate() {
            let servers = PriceKey::Servers { region: r.place, kind: "application server".to_owned() };
            ledger.add_shared(line(&servers), time * u128::from(r.servers));
            for s in &r.services {
                ledger.add_shared(line(&PriceKey::Service { region: Some(r.place), name: s.name.clone() }), time);
            }
            let internet = line(&PriceKey::EgressInternet { from: r.place });
            for g in 0..groups {
                let bytes = record.usage.bytes_to_users[g * self.topology.regions.len() + i];
                ledger.add(internet, GroupIx::new(g), bytes);
            }
            for to in 0..places {
                let bytes = record.usage.bytes_between[i * places + to];
                if RegionIx::new(to) != r.place && bytes > 0 {
                    ledger.add_shared(line(&PriceKey::EgressBetween { from: r.place, to: RegionIx::new(to) }), bytes);
                }
            }
        }
        let requests: Vec<u64> = record.groups.iter().map(|g| g.requests).collect();
        Bill::new(&self.book, &ledger, &requests)
    }

    /// What each interval of each region costs, over all replications of the record (`[region][interval]`): its share of
    /// servers, services and replicas by time (replicas where no application runs count with the first region), and the tokens and bytes of the turns that were sent in it. The cells add up to the
    /// bill to the last unit: each line of the bill is handed out along the cells, and a cell gets what the line grows by.
    pub fn timeline(&self, record: &Record) -> Vec<Vec<Money>> {
        let (horizon, interval) = (self.scenario.horizon, self.scenario.interval);
        let intervals = horizon.nanos().div_ceil(interval.nanos()) as usize;
        let mut cost = vec![vec![Money::ZERO; intervals]; self.topology.regions.len()];
        let cell = |region: usize, i: usize| record.timeline[region].get(i);
        let n = self.scenario.deployments.len();
        for (d, deployment) in self.scenario.deployments.iter().enumerate() {
            for (kind, price) in token_prices(deployment) {
                let mut line = HandedOut::new(price); // one line, whichever gateway bought the tokens
                for (region, cost) in cost.iter_mut().enumerate() {
                    for (i, cost) in cost.iter_mut().enumerate() {
                        let tokens = cell(region, i).filter(|c| !c.tokens.is_empty()).map(|c| {
                            let column = |k: usize| c.tokens.get(k * n + d).copied().unwrap_or(0);
                            tokens_of(deployment, kind, [column(0), column(2), column(3), column(1)])
                        });
                        *cost += line.grow(tokens);
                    }
                }
            }
        }
        for (fleet, used) in self.topology.fleets.iter().zip(&record.fleets) {
            let lines = used.paid_ns.len();
            for (l, spec) in replica_lines(self.scenario, fleet).enumerate() {
                // with the application next to it, or else with the first one
                let place = self.scenario.deployments[spec.deployment.ix()].place;
                let region = self.topology.regions.iter().position(|r| r.place == place).unwrap_or(0);
                let mut line = HandedOut::new(spec.price);
                for (i, cost) in cost[region].iter_mut().enumerate() {
                    *cost += line.grow(used.timeline.get(i * lines + l).copied());
                }
            }
        }
        for (region, (spec, cost)) in self.topology.regions.iter().zip(&mut cost).enumerate() {
            let place = &self.scenario.places[spec.place.ix()];
            let mut servers = HandedOut::new(spec.server_price);
            let mut services: Vec<HandedOut> = spec.services.iter().map(|s| HandedOut::new(s.price)).collect();
            let mut internet = HandedOut::new(place.egress_internet.price);
            let mut between: Vec<HandedOut> = place.egress_to.iter().map(|e| HandedOut::new(e.price)).collect();
            for (i, cost) in cost.iter_mut().enumerate() {
                // the last interval may be cut by the horizon
                let length = interval.min(horizon.saturating_sub(interval.times(i as u64)));
                let time = u128::from(length.nanos()) * u128::from(record.replications);
                *cost += servers.grow(Some(time * u128::from(spec.servers)));
                *cost += services.iter_mut().map(|s| s.grow(Some(time))).sum();
                if let Some(cell) = cell(region, i) {
                    *cost += internet.grow(Some(cell.bytes_to_users));
                    *cost += between.iter_mut().zip(&cell.bytes_between).map(|(line, n)| line.grow(Some(*n))).sum();
                }
            }
        }
        cost
    }
}

/// The lines of the bill for a deployment's tokens: those of a prompt cache only where it has one, and a price for them.
fn token_prices(d: &Deployment) -> impl Iterator<Item = (TokenKind, Price)> + '_ {
    let cached = d.prompt_cache.map(|_| (TokenKind::CachedInput, d.cached_price));
    let written = d.write_price.map(|price| (TokenKind::CacheWrite, price));
    [Some((TokenKind::Input, d.input_price)), cached, written, Some((TokenKind::Output, d.output_price))]
        .into_iter()
        .flatten()
}

/// The tokens of one line, of all input, what was read of it, what was written of it, and output.
fn tokens_of(d: &Deployment, kind: TokenKind, [input, cached, written, output]: [u64; 4]) -> u64 {
    match kind {
        TokenKind::Input => input - cached - if d.write_price.is_some() { written } else { 0 },
        TokenKind::CachedInput => cached,
        TokenKind::CacheWrite => written,
        TokenKind::Output => output,
    }
}

/// A line of the bill for replicas.
struct ReplicaLine {
    deployment: DeploymentIx,
    zone: Option<usize>,
    price: Price,
    name: String,
}

/// The lines of a fleet, in the order of its record: zones, then deployments on demand.
fn replica_lines<'a>(scenario: &'a Scenario, fleet: &'a Fleet) -> impl Iterator<Item = ReplicaLine> + 'a {
    let of = |d: DeploymentIx| {
        let spec = &scenario.deployments[d.ix()];
        (spec.name.as_str(), spec.replicas.as_ref().expect("fleets are of deployments with replicas"))
    };
    let spot = fleet.zones(&scenario.deployments).into_iter().map(move |(deployment, zone)| {
        let (name, replicas) = of(deployment);
        let z = &replicas.zones[zone];
        let name = format!("spot replicas of {name} in {}", z.name);
        ReplicaLine { deployment, zone: Some(zone), price: z.spot_price, name }
    });
    let on_demand = fleet.deployments.iter().map(move |&deployment| {
        let (name, replicas) = of(deployment);
        let name = format!("on-demand replicas of {name}");
        ReplicaLine { deployment, zone: None, price: replicas.on_demand_price, name }
    });
    spot.chain(on_demand)
}

/// A line of the bill that is handed out piece by piece: the pieces add up to the price of the whole.
struct HandedOut {
    price: Price,
    quantity: u128,
    amount: Money,
}

impl HandedOut {
    fn new(price: Price) -> HandedOut {
        HandedOut { price, quantity: 0, amount: Money::ZERO }
    }

    /// What the line grows by with a further quantity.
    fn grow(&mut self, quantity: Option<impl Into<u128>>) -> Money {
        let Some(quantity) = quantity else { return Money::ZERO };
        self.quantity += quantity.into();
        let before = std::mem::replace(&mut self.amount, self.price.cost(self.quantity));
        self.amount - before
    }
}

/// Splits `"source, 2026-07-24"` at the last comma if a date follows it.
fn provenance(text: &str) -> Provenance {
    match text.rsplit_once(", ") {
        Some((source, date)) if date.starts_with("20") && date.len() <= 10 => {
            Provenance { source: source.to_owned(), date: date.to_owned() }
        }
        _ => Provenance { source: text.to_owned(), date: String::new() },
    }
}
