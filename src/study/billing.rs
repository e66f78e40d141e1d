//! From usage to money: the price book of a topology, its bill, and what each interval of each region costs.

use crate::cost::{Bill, Ledger, PriceBook, PriceEntry, PriceKey, Provenance, TokenKind};
use crate::scenario::model::{Scenario, Topology};
use crate::units::{DeploymentIx, GroupIx, Money, RegionIx};
use crate::world::Record;
use crate::world::record::Cell;

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
            for (kind, price) in [(TokenKind::Input, d.input_price), (TokenKind::Output, d.output_price)] {
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
                entry(place.egress_internet, "data to users", &place.egress_source),
            );
            for (to, price) in place.egress_to.iter().enumerate() {
                let to = RegionIx::new(to);
                if to != r.place {
                    let what = format!("data to {}", scenario.places[to.ix()].id);
                    put(PriceKey::EgressBetween { from: r.place, to }, entry(*price, &what, &place.egress_source));
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
            let input = line(&PriceKey::Tokens { deployment, kind: TokenKind::Input });
            let output = line(&PriceKey::Tokens { deployment, kind: TokenKind::Output });
            for g in 0..groups {
                ledger.add(input, GroupIx::new(g), record.usage.input_tokens[g * n + d]);
                ledger.add(output, GroupIx::new(g), record.usage.output_tokens[g * n + d]);
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

    /// What one interval of one region costs, over all replications of the record: its share of servers and services by
    /// time, and its tokens and bytes. For the timeline; each cell is rounded on its own, so cells add up to the bill
    /// but for some pico-dollars.
    pub fn interval(&self, region: usize, number: usize, cell: Option<&Cell>, replications: u32) -> Money {
        let r = &self.topology.regions[region];
        // the last interval may be cut by the horizon
        let from = self.scenario.interval.times(number as u64);
        let length = self.scenario.interval.nanos().min(self.scenario.horizon.saturating_sub(from).nanos());
        let time = u128::from(length) * u128::from(replications);
        let mut sum = r.server_price.cost(time * u128::from(r.servers));
        sum += r.services.iter().map(|s| s.price.cost(time)).sum();
        let Some(cell) = cell else { return sum };
        let n = self.scenario.deployments.len();
        for (d, deployment) in self.scenario.deployments.iter().enumerate() {
            if let (Some(input), Some(output)) = (cell.tokens.get(d), cell.tokens.get(n + d)) {
                sum += deployment.input_price.cost(u128::from(*input));
                sum += deployment.output_price.cost(u128::from(*output));
            }
        }
        let place = &self.scenario.places[r.place.ix()];
        sum += place.egress_internet.cost(u128::from(cell.bytes_to_users));
        for (bytes, price) in cell.bytes_between.iter().zip(&place.egress_to) {
            sum += price.cost(u128::from(*bytes));
        }
        sum
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
