//! Cloud regions and where they are.

use super::table::{num, records};
use crate::units::LatLon;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A region of a cloud provider. Rows of source `cloud-regions`.
#[derive(Clone, PartialEq, Debug)]
pub struct CloudRegion {
    /// `provider:region`, such as `aws:us-east-1`; unique.
    pub id: String,
    /// Cloud, such as `aws`, `azure`, `gcp`.
    pub provider: String,
    /// The provider's own code, such as `us-east-1` or `westeurope`.
    pub region: String,
    /// The provider's display name.
    pub name: String,
    /// ISO 3166 alpha-2 country.
    pub country: String,
    /// The city that stands for the region's place.
    pub city: String,
    /// `africa`, `asia`, `europe`, `middle-east`, `north-america`, `oceania` or `south-america`.
    pub continent: String,
    /// Coordinates of that city (data centres may be tens of kilometres away).
    pub place: LatLon,
    /// Availability zones, where the source knows.
    pub zones: u32,
    /// `ga` or `preview`.
    pub status: String,
    /// `commercial`, `government`, `china` or `sovereign`: only the first is open to everybody.
    pub kind: String,
    /// Whether the source lists GPU instances there (hand-curated, indicative).
    pub gpu: bool,
}

impl std::fmt::Display for CloudRegion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

struct Regions {
    rows: Vec<CloudRegion>,
    by_id: BTreeMap<String, usize>,
}

fn table() -> &'static Regions {
    static TABLE: OnceLock<Regions> = OnceLock::new();
    TABLE.get_or_init(|| {
        let rows: Vec<CloudRegion> = records(include_str!("data/cloud_regions_geo.csv"))
            .iter()
            .filter(|r| !r[0].is_empty())
            .map(|r| CloudRegion {
                id: format!("{}:{}", &r[0], &r[1]),
                provider: r[0].to_owned(),
                region: r[1].to_owned(),
                name: r[2].to_owned(),
                country: r[3].to_owned(),
                city: r[4].to_owned(),
                place: LatLon { lat: num(r, 5), lon: num(r, 6) },
                continent: r[7].to_owned(),
                zones: r[8].trim().parse().unwrap_or(0),
                status: r[9].to_owned(),
                kind: r[10].to_owned(),
                gpu: &r[11] == "True",
            })
            .collect();
        let by_id = rows.iter().enumerate().map(|(i, r)| (r.id.clone(), i)).collect();
        Regions { rows, by_id }
    })
}

/// All regions, in the order of the source (by provider).
pub fn regions() -> &'static [CloudRegion] {
    &table().rows
}

/// The region with this id (`provider:region`).
pub fn region(id: &str) -> Option<&'static CloudRegion> {
    let t = table();
    t.by_id.get(id).map(|&i| &t.rows[i])
}

/// The id that somebody probably meant: a bare region code (`us-east-1`), a display or city name, or a misspelling.
/// `None` if nothing is close.
pub fn suggest_region(text: &str) -> Option<&'static str> {
    let wanted = text.trim().to_lowercase();
    let mut best: Option<(f64, &'static str)> = None;
    for r in regions() {
        let score = [r.id.as_str(), r.region.as_str(), r.name.as_str(), r.city.as_str()]
            .into_iter()
            .enumerate()
            // ids and codes are what belongs there, so they win ties against names
            .map(|(rank, s)| strsim::jaro_winkler(&wanted, &s.to_lowercase()) - 0.01 * rank as f64)
            .fold(0.0, f64::max);
        if score > 0.75 && best.is_none_or(|(b, _)| score > b) {
            best = Some((score, &r.id));
        }
    }
    best.map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_by_its_id_and_lies_on_earth() {
        assert_eq!(regions().len(), 267);
        for r in regions() {
            assert_eq!(region(&r.id), Some(r));
            assert!(r.place.lat.abs() <= 90.0 && r.place.lon.abs() <= 180.0, "{r}");
            assert!(r.country.len() == 2, "{r}");
        }
    }

    #[test]
    fn suggestions() {
        assert_eq!(suggest_region("us-east-1"), Some("aws:us-east-1"));
        assert_eq!(suggest_region("aws:us-est-1"), Some("aws:us-east-1"));
        assert_eq!(suggest_region("azure:west-europe"), Some("azure:westeurope"));
        assert_eq!(suggest_region("gcp:europe-west-1"), Some("gcp:europe-west1"));
        assert_eq!(suggest_region("???"), None);
    }
}
