//! What servers cost per region, and assumed multiples of that for managed services.

use super::origin::PriceOrigin;
use super::region::{CloudRegion, region, regions};
use super::table::records;
use crate::units::{Money, Price, great_circle_km};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Nanoseconds in an hour.
const HOUR: u64 = 3_600_000_000_000;

/// A listed m5.12xlarge is 24 m5.large (48 against 2 virtual CPUs), priced in proportion.
const LARGE_PER_LISTED: u64 = 24;

/// Price of one small application server in a region: an m5.large (2 virtual CPUs, 8 GiB) or its like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComputePrice {
    /// Dollars per nanosecond, kept as dollars per 24 hours (one day of m5.large costs one hour of m5.12xlarge).
    pub on_demand: Price,
    /// The same on the spot market (median zone; spot prices move by the hour).
    pub spot: Price,
    /// Listed, or the nearest listed region's.
    pub origin: PriceOrigin,
}

const SOURCE: &str = "compute-aws-m5";

fn listed() -> &'static BTreeMap<String, (Money, Money)> {
    static TABLE: OnceLock<BTreeMap<String, (Money, Money)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let money = |s: &str| Money::parse(s).expect("embedded prices are exact decimals");
        records(include_str!("data/compute_prices_aws_m5.csv"))
            .iter()
            .map(|r| (format!("aws:{}", &r[0]), (money(&r[1]), money(&r[2]))))
            .collect()
    })
}

/// Price of a small server in a region. Regions without a row (22 AWS regions have one) take the price of the nearest
/// listed AWS region, marked as estimated: clouds price their regions by local cost, and neighbours are alike.
pub fn compute_price(r: &CloudRegion) -> ComputePrice {
    let own = listed().get(&r.id).map(|p| (p, PriceOrigin::Listed { source: SOURCE }));
    let (&(on_demand, spot), origin) = own.unwrap_or_else(|| {
        let nearest = regions()
            .iter()
            .filter(|c| listed().contains_key(&c.id))
            .min_by(|a, b| {
                let km = |c: &CloudRegion| great_circle_km(r.place, c.place);
                km(a).total_cmp(&km(b)).then(a.id.cmp(&b.id))
            })
            .expect("the list has regions");
        let how = format!("price of the nearest listed region, {}", nearest.id);
        (&listed()[&nearest.id], PriceOrigin::Estimated { source: SOURCE, how })
    });
    let per = LARGE_PER_LISTED * HOUR;
    ComputePrice { on_demand: Price::new(on_demand, per), spot: Price::new(spot, per), origin }
}

/// [`compute_price`] by region id; `None` for an unknown region.
pub fn compute_price_by_id(id: &str) -> Option<ComputePrice> {
    region(id).map(compute_price)
}

/// A managed service priced as a multiple of compute.
///
/// ASSUMPTION, all of them: the catalogue has no list prices of managed services. The multiples are the relations that
/// the large clouds' lists have shown for years, rounded: a managed instance costs its machine plus a surcharge for
/// operation. Put your own price into the scenario where it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Service {
    /// One managed database node of 2 virtual CPUs and 8 GiB, per hour: 1.8 servers (the surcharge on the same machine
    /// is 70 to 90 %). A standby is a second node.
    DatabaseNode,
    /// One managed cache node of about 6 GiB, per hour: 1.6 servers (a memory-heavy machine with a surcharge).
    CacheNode,
    /// One managed load balancer with light use, per hour: 0.25 servers.
    LoadBalancer,
    /// One GB (10^9 bytes) of replicated database storage, per month of 730 hours: the price of 1.2 server hours.
    StorageGbMonth,
}

impl Service {
    /// Every service.
    pub const ALL: [Service; 4] =
        [Service::DatabaseNode, Service::CacheNode, Service::LoadBalancer, Service::StorageGbMonth];

    /// The multiple of one server hour, as numerator and denominator.
    pub const fn multiple(self) -> (u64, u64) {
        match self {
            Service::DatabaseNode => (9, 5),
            Service::CacheNode => (8, 5),
            Service::LoadBalancer => (1, 4),
            Service::StorageGbMonth => (6, 5),
        }
    }

    /// Why the multiple is what it is, for provenance lists.
    pub const fn why(self) -> &'static str {
        match self {
            Service::DatabaseNode => "1.8 times a server: the machine and 80 % for its operation",
            Service::CacheNode => "1.6 times a server: a memory-heavy machine and a surcharge for its operation",
            Service::LoadBalancer => "0.25 times a server: fixed fee and light use",
            Service::StorageGbMonth => "a GB-month costs 1.2 server hours, about $0.115 where a server hour is $0.096",
        }
    }
}

/// Price of a managed service in a region: per nanosecond for nodes and load balancers, per GB-month (one unit) for
/// storage. Always an assumption, see [`Service`].
pub fn service_price(r: &CloudRegion, service: Service) -> (Price, PriceOrigin) {
    let hour = compute_price(r).on_demand;
    let (times, over) = service.multiple();
    let amount = Money::from_pico(hour.amount.pico() * i128::from(times));
    let per = match service {
        Service::StorageGbMonth => hour.per / HOUR * over,
        _ => hour.per * over,
    };
    (Price::new(amount, per), PriceOrigin::Assumption { why: service.why() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(id: &str) -> String {
        compute_price_by_id(id).unwrap().on_demand.cost(u128::from(HOUR)).to_dollars_string(6)
    }

    #[test]
    fn listed_and_estimated() {
        assert_eq!(hour("aws:us-east-1"), "0.096000");
        assert_eq!(hour("aws:eu-west-1"), "0.107000");
        assert_eq!(hour("aws:ap-southeast-1"), "0.120000");
        assert_eq!(hour("aws:me-south-1"), "0.117708");
        assert_eq!(hour("azure:eastus"), "0.096000");
        assert!(!compute_price_by_id("aws:us-east-1").unwrap().origin.is_estimated());
        assert!(compute_price_by_id("azure:eastus").unwrap().origin.is_estimated());
        assert!(compute_price_by_id("aws:nowhere").is_none());
        // a year of me-south-1 is exact although one hour has no finite decimal
        let year = compute_price_by_id("aws:me-south-1").unwrap().on_demand.cost(u128::from(HOUR) * 24 * 365);
        assert_eq!(year, Money::parse("1031.125").unwrap());
    }

    #[test]
    fn spot_is_cheaper() {
        for id in listed().keys() {
            let p = compute_price_by_id(id).unwrap();
            assert!(p.spot.amount < p.on_demand.amount, "{id}");
        }
    }

    #[test]
    fn services_are_exact_multiples() {
        let r = region("aws:us-east-1").unwrap();
        let cost = |s, n| service_price(r, s).0.cost(n);
        let h = u128::from(HOUR);
        assert_eq!(cost(Service::DatabaseNode, h), Money::parse("0.1728").unwrap());
        assert_eq!(cost(Service::CacheNode, h), Money::parse("0.1536").unwrap());
        assert_eq!(cost(Service::LoadBalancer, h), Money::parse("0.024").unwrap());
        assert_eq!(cost(Service::StorageGbMonth, 1), Money::parse("0.1152").unwrap());
        assert!(Service::ALL.iter().all(|&s| service_price(r, s).1.is_estimated()));
    }
}
