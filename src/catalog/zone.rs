//! IANA time zones of places.
//!
//! The zone table names one principal city per zone, so the nearest one inside the country is a guess that fails where a
//! border of zones runs between a city and its nearest principal city (Dallas is nearer to Denver than to Chicago).
//! [`CORRECTIONS`] lists the cities of the catalogue for which the guess is wrong or odd.

use crate::units::{LatLon, great_circle_km};
use std::sync::OnceLock;

/// A row of the zone table (source `tz-zones`).
struct Zone {
    /// ISO countries that use the zone; the first has its principal city.
    countries: Vec<&'static str>,
    place: LatLon,
    name: &'static str,
}

fn zones() -> &'static [Zone] {
    static TABLE: OnceLock<Vec<Zone>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("data/zone1970.tab")
            .lines()
            .filter(|l| !l.starts_with('#') && !l.is_empty())
            .map(|line| {
                let mut fields = line.split('\t');
                let mut next = || fields.next().expect("embedded zone table has three columns");
                let (countries, place, name) = (next(), next(), next());
                Zone { countries: countries.split(',').collect(), place: iso_6709(place), name }
            })
            .collect()
    })
}

/// Degrees from `+DDMM+DDDMM` or `+DDMMSS+DDDMMSS`.
fn iso_6709(text: &str) -> LatLon {
    let split = text[1..].find(['+', '-']).expect("two signed numbers") + 1;
    let part = |t: &str, degree_digits: usize| {
        let digits = &t[1..];
        let n = |s: &str| s.parse::<f64>().expect("digits");
        let minutes = n(&digits[degree_digits..degree_digits + 2]);
        let seconds = digits.get(degree_digits + 2..).filter(|s| !s.is_empty()).map_or(0.0, n);
        let degrees = n(&digits[..degree_digits]) + minutes / 60.0 + seconds / 3600.0;
        if t.starts_with('-') { -degrees } else { degrees }
    };
    LatLon { lat: part(&text[..split], 2), lon: part(&text[split..], 3) }
}

/// Cities of the catalogue whose nearest principal city lies in another zone, by country and name as in the city table.
/// Civil time as in force in 2025.
const CORRECTIONS: &[(&str, &str, &[&str])] = &[
    (
        "US",
        "America/New_York",
        &[
            "Jacksonville",
            "Columbus",
            "Charlotte",
            "Atlanta",
            "Raleigh",
            "West Raleigh",
            "Miami",
            "Cleveland",
            "Tampa",
            "Pittsburgh",
        ],
    ),
    (
        "US",
        "America/Chicago",
        &[
            "Dallas",
            "Nashville",
            "Metropolitan Government of Nashville-Davidson (balance)",
            "Kansas City",
            "Tulsa",
            "New Orleans",
            "St. Louis",
            "San Antonio",
            "Austin",
            "Fort Worth",
            "Oklahoma City",
            "Wichita",
            "Arlington",
            "Corpus Christi",
            "Houston",
            "Memphis",
            "New South Memphis",
            "Minneapolis",
        ],
    ),
    ("US", "America/Denver", &["El Paso", "Albuquerque"]),
    ("US", "America/Los_Angeles", &["Seattle", "Portland"]),
    ("CA", "America/Toronto", &["Québec"]),
    ("BR", "America/Sao_Paulo", &["Goiânia", "Aparecida de Goiânia", "Anápolis", "Maringá", "Montes Claros"]),
    ("MX", "America/Matamoros", &["Nuevo Laredo"]),
    ("MX", "America/Monterrey", &["Victoria de Durango"]),
    ("MX", "America/Mexico_City", &["Guadalajara", "Zapopan", "Aguascalientes", "Tlaquepaque", "Tonalá"]),
    ("RU", "Europe/Samara", &["Izhevsk"]),
    (
        "RU",
        "Europe/Moscow",
        &[
            "Nizhniy Novgorod",
            "Kazan",
            "Penza",
            "Naberezhnyye Chelny",
            "Makhachkala",
            "Cheboksary",
            "Vladikavkaz",
            "Saransk",
            "Krasnodar",
            "Sochi",
            "Rostov-na-Donu",
            "Stavropol’",
            "Murmansk",
            "Arkhangel’sk",
        ],
    ),
    ("RU", "Asia/Yekaterinburg", &["Orenburg", "Surgut"]),
    ("RU", "Asia/Vladivostok", &["Khabarovsk", "Khabarovsk Vtoroy"]),
    ("CN", "Asia/Shanghai", &["Lanzhou", "Xining", "Wuwei"]),
    ("ES", "Europe/Madrid", &["Sevilla", "Málaga", "Córdoba"]),
    ("CD", "Africa/Maputo", &["Kisangani"]),
    ("XK", "Europe/Belgrade", &["Pristina"]),
];

/// The zone of a city of the catalogue.
pub(super) fn zone_of_city(city: &str, country: &str, place: LatLon) -> Option<&'static str> {
    CORRECTIONS
        .iter()
        .find(|(c, _, cities)| *c == country && cities.contains(&city))
        .map(|&(_, zone, _)| zone)
        .or_else(|| zone_of(country, place))
}

/// The zone whose principal city is nearest to `place` among the zones of the country (ISO alpha-2); `None` for a
/// country without a row. Zones whose principal city lies in the country go first: the others are exceptions (the
/// German exclave that keeps the time of Zürich). Malaysia is the exception to that: its peninsula has Singapore's zone.
pub fn zone_of(country: &str, place: LatLon) -> Option<&'static str> {
    let home = |z: &Zone| country != "MY" && z.countries[0] == country;
    let any_home = zones().iter().any(home);
    zones()
        .iter()
        .filter(|z| if any_home { home(z) } else { z.countries.contains(&country) })
        .min_by(|a, b| {
            let d = |z: &Zone| great_circle_km(place, z.place);
            d(a).total_cmp(&d(b)).then(a.name.cmp(b.name))
        })
        .map(|z| z.name)
}

/// Every zone name of the table, in its order.
pub fn zone_names() -> impl Iterator<Item = &'static str> {
    zones().iter().map(|z| z.name)
}

#[cfg(test)]
mod tests {
    use super::super::cities;
    use super::*;

    #[test]
    fn coordinates() {
        let troll = iso_6709("-720041+0023206");
        assert!((troll.lat + 72.0113888).abs() < 1e-6 && (troll.lon - 2.535).abs() < 1e-6, "{troll:?}");
        let tokyo = iso_6709("+353916+1394441");
        assert!((tokyo.lat - 35.6544).abs() < 1e-3 && (tokyo.lon - 139.7447).abs() < 1e-3);
    }

    #[test]
    fn every_zone_is_in_the_bundled_database() {
        let db = jiff::tz::TimeZoneDatabase::bundled();
        assert_eq!(zone_names().count(), 312);
        for name in zone_names().chain(CORRECTIONS.iter().map(|c| c.1)) {
            assert!(db.get(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn corrections_name_cities_of_the_table() {
        for (country, _, names) in CORRECTIONS {
            for name in *names {
                assert!(cities().iter().any(|c| c.country == *country && c.name == *name), "{name}, {country}");
            }
        }
    }
}
