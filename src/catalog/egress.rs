//! What data costs on its way out of a region. List prices of the first tier; a GB is 10^9 bytes.

use super::origin::PriceOrigin;
use super::region::{CloudRegion, region, regions};
use super::table::records;
use crate::units::{Money, Price, great_circle_km};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Where data goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// To users.
    Internet,
    /// To another region, of the same cloud or of another one.
    Region(&'a CloudRegion),
}

/// A price of outgoing data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EgressPrice {
    /// Dollars per byte, kept as dollars per 10^9 bytes.
    pub price: Price,
    /// Listed, by rule, or estimated.
    pub origin: PriceOrigin,
}

const AWS: &str = "egress-aws";
const RULES: &str = "egress-gcp-azure";

/// AWS list: (source region, destination region or `internet`) -> dollars per GB.
fn aws() -> &'static BTreeMap<(String, String), Money> {
    static TABLE: OnceLock<BTreeMap<(String, String), Money>> = OnceLock::new();
    TABLE.get_or_init(|| {
        records(include_str!("data/egress_aws_usd_per_gb.csv"))
            .iter()
            .map(|r| {
                let usd = Money::parse(&r[2]).expect("embedded prices are exact decimals");
                ((r[0].to_owned(), r[1].to_owned()), usd)
            })
            .collect()
    })
}

/// Rules of GCP and Azure: (provider, kind, rule) -> dollars per GB.
fn rule(provider: &'static str, kind: &str, text: &'static str) -> EgressPrice {
    static TABLE: OnceLock<BTreeMap<(String, String, String), Money>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        records(include_str!("data/egress_gcp_azure_rules_usd_per_gb.csv"))
            .iter()
            .map(|r| {
                let usd = Money::parse(&r[3]).expect("embedded prices are exact decimals");
                ((r[0].to_owned(), r[1].to_owned(), r[2].to_owned()), usd)
            })
            .collect()
    });
    let key = (provider.to_owned(), kind.to_owned(), text.to_owned());
    let usd = *table.get(&key).unwrap_or_else(|| panic!("egress rule {key:?} is in the embedded list"));
    EgressPrice { price: per_gb(usd), origin: PriceOrigin::Rule { source: RULES, rule: text } }
}

fn per_gb(usd: Money) -> Price {
    Price::new(usd, 1_000_000_000)
}

/// The price of data leaving `src`.
///
/// Inside a region nothing is charged (traffic between zones is not priced here). Data for another cloud pays the
/// source's price to the Internet. AWS regions without a row, and clouds without a list, take the price of the nearest
/// listed AWS region, marked as estimated.
pub fn egress_price(src: &CloudRegion, dst: Destination<'_>) -> EgressPrice {
    match dst {
        Destination::Region(d) if d.id == src.id => EgressPrice {
            price: per_gb(Money::ZERO),
            origin: PriceOrigin::Assumption { why: "traffic inside a region is free of charge" },
        },
        Destination::Region(d) if d.provider == src.provider => match src.provider.as_str() {
            "gcp" => gcp_between(src, d),
            "azure" => azure_between(src, d),
            _ => aws_between(src, d),
        },
        Destination::Internet | Destination::Region(_) => match src.provider.as_str() {
            "gcp" => rule("gcp", "internet-premium", "general"),
            "azure" => azure_internet(src),
            _ => aws_internet(src),
        },
    }
}

/// The nearest AWS region that the list prices (itself if it does).
fn nearest_listed(r: &CloudRegion) -> &'static CloudRegion {
    if r.provider == "aws"
        && aws().contains_key(&(r.region.clone(), "internet".to_owned()))
        && let Some(own) = region(&r.id)
    {
        return own;
    }
    regions()
        .iter()
        .filter(|c| c.provider == "aws" && c.kind == "commercial")
        .filter(|c| aws().contains_key(&(c.region.clone(), "internet".to_owned())))
        .min_by(|a, b| {
            let km = |c: &CloudRegion| great_circle_km(r.place, c.place);
            km(a).total_cmp(&km(b)).then(a.id.cmp(&b.id))
        })
        .expect("the list has regions")
}

fn aws_internet(src: &CloudRegion) -> EgressPrice {
    let listed = nearest_listed(src);
    let usd = aws()[&(listed.region.clone(), "internet".to_owned())];
    let origin = if listed.id == src.id {
        PriceOrigin::Listed { source: AWS }
    } else {
        PriceOrigin::Estimated { source: AWS, how: format!("price of the nearest listed region, {}", listed.id) }
    };
    EgressPrice { price: per_gb(usd), origin }
}

fn aws_between(src: &CloudRegion, dst: &CloudRegion) -> EgressPrice {
    let (from, to) = (nearest_listed(src), nearest_listed(dst));
    if let Some(&usd) = aws().get(&(from.region.clone(), to.region.clone())) {
        let exact = from.id == src.id && to.id == dst.id;
        let origin = if exact {
            PriceOrigin::Listed { source: AWS }
        } else {
            PriceOrigin::Estimated { source: AWS, how: format!("price from {} to {}", from.id, to.id) }
        };
        return EgressPrice { price: per_gb(usd), origin };
    }
    // both ends fall on one listed region: what that region usually charges to others
    let mut all: Vec<Money> = aws()
        .range((from.region.clone(), String::new())..)
        .take_while(|((s, _), _)| *s == from.region)
        .filter(|((_, d), _)| d != "internet")
        .map(|(_, &usd)| usd)
        .collect();
    all.sort();
    let usd = all[all.len() / 2];
    let how = format!("median price from {} to other regions", from.id);
    EgressPrice { price: per_gb(usd), origin: PriceOrigin::Estimated { source: AWS, how } }
}

/// The part of the world in GCP's price rules, from the region code.
fn gcp_part(r: &CloudRegion) -> &str {
    match r.region.split('-').next().unwrap_or("") {
        "us" | "northamerica" => "north-america",
        other if other.starts_with("australia") => "australia",
        other => other,
    }
}

fn gcp_between(src: &CloudRegion, dst: &CloudRegion) -> EgressPrice {
    let (a, b) = (gcp_part(src), gcp_part(dst));
    let far = |r: &CloudRegion, part: &str| part == "australia" || r.region == "asia-southeast2";
    let text = match (a, b) {
        ("north-america", "north-america") => "north america (us/northamerica) <-> same continent",
        ("europe", "europe") => "within europe",
        ("asia", "asia") => "within asia",
        ("southamerica", "southamerica") => "within south america",
        ("australia", "australia") => "within australia",
        _ if far(src, a) || far(dst, b) => "to/from australia or jakarta(asia-southeast2), intercontinental",
        _ => "other intercontinental",
    };
    rule("gcp", "inter-region", text)
}

fn azure_between(src: &CloudRegion, dst: &CloudRegion) -> EgressPrice {
    let (a, b) = (src.continent.as_str(), dst.continent.as_str());
    let west = |c: &str| matches!(c, "north-america" | "europe");
    let text = match a {
        _ if a == b && west(a) => "within north america / within europe",
        "south-america" if b == "south-america" => "within south america",
        _ if a == b => "within asia/oceania/middle-east/africa",
        _ if west(a) => "from north america/europe to other continent",
        "south-america" => "from south america to other continent",
        _ => "from asia/oceania/middle-east/africa to other continent",
    };
    rule("azure", "inter-region", text)
}

fn azure_internet(src: &CloudRegion) -> EgressPrice {
    let text = match src.continent.as_str() {
        "north-america" | "europe" => "from north america/europe (<10TB)",
        "south-america" => "from south america",
        _ => "from asia/oceania/middle-east/africa",
    };
    rule("azure", "internet", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gb(src: &str, dst: Option<&str>) -> (String, PriceOrigin) {
        let dst = dst.map_or(Destination::Internet, |d| Destination::Region(region(d).unwrap()));
        let p = egress_price(region(src).unwrap(), dst);
        (p.price.cost(1_000_000_000).to_dollars_string(4), p.origin)
    }

    #[test]
    fn listed_prices() {
        assert_eq!(gb("aws:us-east-1", None), ("0.0900".to_owned(), PriceOrigin::Listed { source: AWS }));
        assert_eq!(gb("aws:us-east-1", Some("aws:eu-west-1")).0, "0.0200");
        assert_eq!(gb("aws:us-east-1", Some("aws:us-east-2")).0, "0.0100");
        assert_eq!(gb("aws:sa-east-1", Some("aws:us-east-1")).0, "0.1380");
        assert_eq!(gb("aws:af-south-1", Some("aws:eu-west-1")).0, "0.1470");
        assert_eq!(gb("azure:eastus", None).0, "0.0875");
        assert_eq!(gb("azure:brazilsouth", Some("azure:eastus")).0, "0.1600");
        assert_eq!(gb("azure:westeurope", Some("azure:northeurope")).0, "0.0200");
        assert_eq!(gb("gcp:us-east1", Some("gcp:us-west1")).0, "0.0100");
        assert_eq!(gb("gcp:europe-west1", Some("gcp:australia-southeast1")).0, "0.1500");
        assert_eq!(gb("gcp:asia-east1", None).0, "0.1200");
    }

    #[test]
    fn another_cloud_is_reached_over_the_internet_and_a_region_itself_for_nothing() {
        assert_eq!(gb("aws:us-east-1", Some("azure:eastus2")), gb("aws:us-east-1", None));
        assert_eq!(gb("aws:us-east-1", Some("aws:us-east-1")).0, "0.0000");
    }

    #[test]
    fn what_is_not_listed_is_marked() {
        let (usd, origin) = gb("aws:ap-southeast-5", None);
        assert!(origin.is_estimated() && usd == "0.1200", "{usd} {origin}");
        assert!(gb("aws:il-central-1", Some("aws:eu-west-1")).1.is_estimated());
        assert!(gb("oci:us-ashburn-1", None).1.is_estimated());
    }

    #[test]
    fn every_pair_of_commercial_regions_has_a_price() {
        let all: Vec<_> = regions().iter().filter(|r| ["aws", "azure", "gcp"].contains(&r.provider.as_str())).collect();
        for a in &all {
            for b in &all {
                let p = egress_price(a, Destination::Region(b));
                assert!(p.price.amount >= Money::ZERO && (a.id == b.id || p.price.amount > Money::ZERO), "{a} {b}");
            }
        }
    }
}
