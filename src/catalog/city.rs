//! Cities: where users are, and when their day begins.

use super::country::country;
use super::table::{num, records};
use super::zone::zone_of_city;
use crate::units::LatLon;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// A city of 300,000 people or more. Rows of source `cities`, zones from source `tz-zones`.
#[derive(Clone, PartialEq, Debug)]
pub struct City {
    /// Name as in the source, such as `Frankfurt am Main`.
    pub name: String,
    /// ISO 3166 alpha-2 country.
    pub country: String,
    /// Coordinates.
    pub place: LatLon,
    /// Inhabitants (2014 extract).
    pub population: u64,
    /// IANA time zone.
    pub zone: &'static str,
}

/// No city of that name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CityError {
    /// What was asked for.
    pub asked: String,
    /// Names that are close, best first; at most three.
    pub suggestions: Vec<String>,
}

impl fmt::Display for CityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no city `{}` in the catalogue (cities of 300,000 people or more)", self.asked)?;
        match self.suggestions.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; did you mean `{one}`?"),
            many => write!(f, "; did you mean one of `{}`?", many.join("`, `")),
        }
    }
}

impl std::error::Error for CityError {}

/// Other common names: (what people write, folded; the city table's name, folded).
const ALIASES: &[(&str, &str)] = &[
    ("bengaluru", "bangalore"),
    ("antwerp", "antwerpen"),
    ("cologne", "koln"),
    ("gothenburg", "goteborg"),
    ("kyiv", "kiev"),
    ("milan", "milano"),
    ("munich", "munchen"),
    ("naples", "napoli"),
    ("odesa", "odessa"),
    ("panama city", "panama"),
    ("quebec city", "quebec"),
    ("seville", "sevilla"),
    ("st petersburg", "saint petersburg"),
    ("saigon", "ho chi minh city"),
    ("washington dc", "washington d c"),
    ("yangon", "rangoon"),
];

struct Cities {
    rows: Vec<City>,
    /// Folded name -> rows, most populous first.
    by_name: BTreeMap<String, Vec<usize>>,
}

fn table() -> &'static Cities {
    static TABLE: OnceLock<Cities> = OnceLock::new();
    TABLE.get_or_init(|| {
        let rows: Vec<City> = records(include_str!("data/cities_geonames_300k.csv"))
            .iter()
            .map(|r| {
                let place = LatLon { lat: num(r, 2), lon: num(r, 3) };
                let zone = zone_of_city(&r[0], &r[1], place).expect("every country of the city table has a zone");
                City { name: r[0].to_owned(), country: r[1].to_owned(), place, population: num(r, 4), zone }
            })
            .collect();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, c) in rows.iter().enumerate() {
            by_name.entry(fold(&c.name)).or_default().push(i);
        }
        for list in by_name.values_mut() {
            list.sort_by_key(|&i| (std::cmp::Reverse(rows[i].population), i));
        }
        Cities { rows, by_name }
    })
}

/// All cities, most populous first.
pub fn cities() -> &'static [City] {
    &table().rows
}

/// Lower case without diacritics; everything that is no letter or digit becomes one space.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        let plain = match c {
            'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' | 'ḑ' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
            'ğ' | 'ģ' => "g",
            'ḩ' | 'ħ' => "h",
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' | 'į' => "i",
            'ķ' => "k",
            'ł' | 'ļ' | 'ľ' => "l",
            'ñ' | 'ń' | 'ň' | 'ņ' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
            'ř' => "r",
            'ś' | 'ş' | 'š' | 'ș' => "s",
            'ß' => "ss",
            'ţ' | 'ť' | 'ț' => "t",
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ŭ' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            'æ' => "ae",
            'œ' => "oe",
            // combining marks (a capital dotted I falls apart into i and one) and apostrophes vanish
            '\u{300}'..='\u{36f}' | '\'' | '\u{2018}' | '\u{2019}' => "",
            c if c.is_alphanumeric() => {
                out.push(c);
                continue;
            }
            _ => " ",
        };
        if plain != " " || !(out.is_empty() || out.ends_with(' ')) {
            out.push_str(plain);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Words that may follow the common short name of a city: `Frankfurt am Main`, `New York City`, `Nagoya-shi`,
/// `Santa Cruz de la Sierra`, `Washington, D. C.`. Other words make another city (`Porto` is not `Porto Alegre`).
const TAILS: [&str; 11] = ["am", "an", "city", "d", "de", "del", "di", "do", "on", "shi", "si"];

/// Rows called `folded`, exactly or with one of [`TAILS`] behind, most populous first; an exact name goes before a
/// longer one.
fn named(folded: &str) -> Vec<usize> {
    let t = table();
    if let Some(exact) = t.by_name.get(folded) {
        return exact.clone();
    }
    if let Some(other) = ALIASES.iter().find(|(alias, _)| *alias == folded).and_then(|(_, name)| t.by_name.get(*name)) {
        return other.clone();
    }
    let prefix = format!("{folded} ");
    let mut rows: Vec<usize> = t
        .by_name
        .range(prefix.clone()..)
        .take_while(|(name, _)| name.starts_with(&prefix))
        .filter(|(name, _)| name[prefix.len()..].split(' ').next().is_some_and(|word| TAILS.contains(&word)))
        .flat_map(|(_, rows)| rows.iter().copied())
        .collect();
    rows.sort_by_key(|&i| (std::cmp::Reverse(t.rows[i].population), i));
    rows
}

/// The city that a text names. Case and diacritics do not matter (`sao paulo`), the first words suffice (`Frankfurt`),
/// and a country behind a comma, as ISO code or name, tells namesakes apart (`Portland, US`, `London, Canada`);
/// without it the most populous one is meant.
///
/// # Errors
/// [`CityError`] with close names when there is none.
pub fn city(text: &str) -> Result<&'static City, CityError> {
    let t = table();
    let mut found = named(&fold(text));
    if found.is_empty()
        && let Some((name, place)) = text.rsplit_once(',')
    {
        let code = place.trim();
        let iso = country(code).and_then(|c| c.iso2.clone()).unwrap_or_else(|| code.to_uppercase());
        found = named(&fold(name));
        // a name may be long in one country and short in another: `London, CA`
        found.retain(|&i| t.rows[i].country == iso);
    }
    match found.first() {
        Some(&i) => Ok(&t.rows[i]),
        None => Err(CityError { asked: text.to_owned(), suggestions: suggest(&fold(text)) }),
    }
}

fn suggest(folded: &str) -> Vec<String> {
    let t = table();
    let bare = folded.to_owned();
    let mut scored: Vec<(f64, usize)> = t
        .by_name
        .iter()
        .map(|(name, rows)| (strsim::jaro_winkler(&bare, name), rows[0]))
        .filter(|(score, _)| *score > 0.85)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(t.rows[b.1].population.cmp(&t.rows[a.1].population)));
    scored.iter().take(3).map(|&(_, i)| format!("{}, {}", t.rows[i].name, t.rows[i].country)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str) -> (&'static str, &'static str, &'static str) {
        let c = city(text).unwrap_or_else(|e| panic!("{e}"));
        (&c.name, &c.country, c.zone)
    }

    #[test]
    fn common_names_work() {
        assert_eq!(get("Frankfurt"), ("Frankfurt am Main", "DE", "Europe/Berlin"));
        assert_eq!(get("frankfurt am main"), ("Frankfurt am Main", "DE", "Europe/Berlin"));
        assert_eq!(get("sao paulo"), ("São Paulo", "BR", "America/Sao_Paulo"));
        assert_eq!(get("São Paulo"), ("São Paulo", "BR", "America/Sao_Paulo"));
        assert_eq!(get("New York"), ("New York City", "US", "America/New_York"));
        assert_eq!(get("Istanbul"), ("İstanbul", "TR", "Europe/Istanbul"));
        assert_eq!(get("Bengaluru"), ("Bangalore", "IN", "Asia/Kolkata"));
        assert_eq!(get("Washington, D. C."), ("Washington, D. C.", "US", "America/New_York"));
        assert_eq!(get("Zurich"), ("Zürich", "CH", "Europe/Zurich"));
        assert_eq!(get("Lodz").0, "Łódź");
        assert_eq!(get("Xi'an").0, "Xi’an");
        assert_eq!(get("Osaka").2, "Asia/Tokyo");
        assert_eq!(get("Washington").0, "Washington, D. C.");
        assert_eq!(get("Munich").0, "München");
        assert_eq!(get("Kuala Lumpur").2, "Asia/Singapore");
        assert_eq!(get("Lagos").2, "Africa/Lagos");
        assert_eq!(get("Sydney").2, "Australia/Sydney");
        assert_eq!(get("Mumbai").2, "Asia/Kolkata");
    }

    #[test]
    fn aliases_are_needed_and_lead_somewhere() {
        for (alias, name) in ALIASES {
            assert!(!table().by_name.contains_key(*alias), "{alias} is a name of its own");
            assert!(table().by_name.contains_key(*name), "{name} is not in the table");
        }
    }

    #[test]
    fn countries_tell_namesakes_apart() {
        assert_eq!(get("London").1, "GB");
        assert_eq!(get("London, CA"), ("London", "CA", "America/Toronto"));
        assert_eq!(get("London, Canada").1, "CA");
        assert_eq!(get("Portland, US"), ("Portland", "US", "America/Los_Angeles"));
        assert_eq!(get("Valencia, VE").1, "VE");
        assert_eq!(get("Barcelona, es").1, "ES");
    }

    #[test]
    fn american_cities_keep_their_time() {
        for (name, zone) in [
            ("Dallas", "America/Chicago"),
            ("Houston", "America/Chicago"),
            ("Seattle", "America/Los_Angeles"),
            ("Denver", "America/Denver"),
            ("Phoenix", "America/Phoenix"),
            ("Atlanta", "America/New_York"),
            ("Nashville", "America/Chicago"),
            ("San Francisco", "America/Los_Angeles"),
        ] {
            assert_eq!(get(name).2, zone, "{name}");
        }
    }

    #[test]
    fn an_unknown_city_comes_with_suggestions() {
        let e = city("Frnkfurt").unwrap_err();
        assert_eq!(e.suggestions.first().map(String::as_str), Some("Frankfurt am Main, DE"));
        assert!(city("Porto").is_err(), "not Porto Alegre");
        assert!(city("Paris, JP").is_err());
        assert!(city("").is_err());
        assert_eq!(city("Qqqqq").unwrap_err().suggestions, Vec::<String>::new());
    }

    #[test]
    fn every_city_is_found_by_name_and_country() {
        assert_eq!(cities().len(), 1389);
        let db = jiff::tz::TimeZoneDatabase::bundled();
        for c in cities() {
            let again = city(&format!("{}, {}", c.name, c.country)).unwrap();
            assert_eq!((&again.country, fold(&again.name)), (&c.country, fold(&c.name)));
            assert!(db.get(c.zone).is_ok());
            assert!(fold(&c.name).is_ascii(), "{} folds to {}", c.name, fold(&c.name));
        }
    }
}
