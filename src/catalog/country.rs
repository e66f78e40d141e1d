//! Countries: how many people are on the Internet there, and roughly where and when.

use super::table::{num, opt_num, records};
use crate::units::{Continent, LatLon};
use std::sync::OnceLock;

/// A country or territory. Rows of source `countries`.
#[derive(Clone, PartialEq, Debug)]
pub struct Country {
    /// ISO 3166 alpha-2 code; a few territories have none.
    pub iso2: Option<String>,
    /// English name.
    pub name: String,
    /// Continent; `None` for a few territories.
    pub continent: Option<Continent>,
    /// Inhabitants.
    pub population: u64,
    /// Share of them on the Internet, percent.
    pub internet_percent: Option<f64>,
    /// Year of that share.
    pub internet_year: Option<u32>,
    /// People on the Internet (population times share). Not users of language models.
    pub internet_users: Option<u64>,
    /// The source's point for the country.
    pub place: LatLon,
    /// Capital.
    pub capital: Option<String>,
    /// The capital's standard offset from UTC in hours: one figure per country; a city's zone is better where it matters.
    pub utc_offset_h: Option<f64>,
}

/// All countries and territories, most Internet users first.
pub fn countries() -> &'static [Country] {
    static TABLE: OnceLock<Vec<Country>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = |s: &str| (!s.trim().is_empty()).then(|| s.trim().to_owned());
        records(include_str!("data/countries_internet_users.csv"))
            .iter()
            .map(|r| Country {
                iso2: text(&r[0]),
                name: r[2].to_owned(),
                continent: continent(&r[0], &r[3]),
                population: num(r, 4),
                internet_percent: opt_num(r, 5),
                internet_year: opt_num(r, 6),
                internet_users: opt_num(r, 7),
                place: LatLon { lat: num(r, 8), lon: num(r, 9) },
                capital: text(&r[10]),
                utc_offset_h: r[13].trim().trim_start_matches('+').parse().ok(),
            })
            .collect()
    })
}

/// The continent of a region of the World Factbook, whose regions the source names. Two countries lie on another one for
/// name services (Route 53 Developer Guide, 2026, list of the countries of each continent): Russia belongs to Europe and
/// Papua New Guinea to Oceania.
fn continent(iso2: &str, region: &str) -> Option<Continent> {
    match (iso2, region) {
        ("RU", _) => Some(Continent::Europe),
        ("PG", _) => Some(Continent::Oceania),
        (_, "africa") => Some(Continent::Africa),
        (_, "central-asia" | "east-n-southeast-asia" | "middle-east" | "south-asia") => Some(Continent::Asia),
        (_, "europe") => Some(Continent::Europe),
        (_, "north-america" | "central-america-n-caribbean") => Some(Continent::NorthAmerica),
        (_, "australia-oceania") => Some(Continent::Oceania),
        (_, "south-america") => Some(Continent::SouthAmerica),
        _ => None,
    }
}

/// The country with this ISO alpha-2 code or English name; case does not matter.
pub fn country(text: &str) -> Option<&'static Country> {
    let wanted = text.trim();
    let by_code = countries().iter().find(|c| c.iso2.as_deref().is_some_and(|i| i.eq_ignore_ascii_case(wanted)));
    by_code.or_else(|| countries().iter().find(|c| c.name.eq_ignore_ascii_case(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_countries() {
        assert_eq!(countries().len(), 240);
        assert_eq!(country("cn").and_then(|c| c.internet_users), Some(1_097_601_343));
        assert_eq!(country("india").and_then(|c| c.utc_offset_h), Some(5.5));
        assert_eq!(country("US").map(|c| c.name.as_str()), Some("United States"));
        assert!(country("Atlantis").is_none());
        let on = |c: &str| country(c).and_then(|c| c.continent);
        assert_eq!(
            (on("TR"), on("EG"), on("MX")),
            (Some(Continent::Asia), Some(Continent::Africa), Some(Continent::NorthAmerica))
        );
        assert_eq!((on("RU"), on("PG")), (Some(Continent::Europe), Some(Continent::Oceania)));
        assert!(countries().iter().all(|c| c.continent.is_some() || c.iso2.is_none()), "every country is somewhere");
        let total: u64 = countries().iter().filter_map(|c| c.internet_users).sum();
        assert!((5_350_000_000..5_370_000_000).contains(&total), "{total}");
    }
}
