//! Geolocation steering: Route 53 geolocation records (Developer Guide, 2026: "Geolocation routing"; ChangeResourceRecordSets
//! of the API reference for unhealthy records).
//!
//! The record of the smallest area that contains the user is answered: US state, country, continent, default. If its
//! endpoint is unhealthy, the next larger area's is tried; if all of them are, the smallest area's is answered all the
//! same. Who is in no area and has no default record gets no answer.

use super::Endpoint;
use crate::units::Continent;

/// Where a user is, as far as the system's table of addresses knows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Location {
    /// Continent.
    pub continent: Option<Continent>,
    /// ISO 3166 alpha-2 country.
    pub country: Option<[u8; 2]>,
    /// Two-letter state, if the country is the United States.
    pub state: Option<[u8; 2]>,
}

/// What a record is for. The order is that of precedence: the smallest area first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Area {
    /// A state of the United States.
    State([u8; 2]),
    /// A country, ISO 3166 alpha-2.
    Country([u8; 2]),
    /// A continent.
    Continent(Continent),
    /// Everybody else.
    Default,
}

impl Area {
    /// Whether somebody there is in the area.
    pub fn contains(self, location: &Location) -> bool {
        match self {
            Area::State(s) => location.state == Some(s),
            Area::Country(c) => location.country == Some(c),
            Area::Continent(c) => location.continent == Some(c),
            Area::Default => true,
        }
    }
}

/// Geolocation records: which endpoint answers for which area, smallest area first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeoRecords(Vec<(Area, u8)>);

impl GeoRecords {
    /// From records in any order; endpoints by position.
    pub fn new(records: impl IntoIterator<Item = (Area, u8)>) -> GeoRecords {
        let mut list: Vec<(Area, u8)> = records.into_iter().collect();
        list.sort_by_key(|r| r.0);
        GeoRecords(list)
    }

    /// The records for somebody there, smallest area first.
    pub fn of<'a>(&'a self, location: &'a Location) -> impl Iterator<Item = (Area, usize)> + 'a {
        self.0.iter().filter(|(a, _)| a.contains(location)).map(|(a, e)| (*a, usize::from(*e)))
    }

    /// All records, smallest area first.
    pub fn all(&self) -> impl Iterator<Item = (Area, usize)> {
        self.0.iter().map(|(a, e)| (*a, usize::from(*e)))
    }
}

/// Position of the chosen endpoint; `None` is no answer.
pub fn geolocation(records: &GeoRecords, from: &Location, endpoints: &[Endpoint]) -> Option<usize> {
    let legal = || records.of(from).map(|(_, e)| e).filter(|e| endpoints[*e].legal);
    legal().find(|e| endpoints[*e].healthy).or_else(|| legal().next())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{down, up};
    use super::*;

    fn records() -> GeoRecords {
        GeoRecords::new([
            (Area::Default, 3),
            (Area::Continent(Continent::NorthAmerica), 2),
            (Area::Country(*b"US"), 1),
            (Area::State(*b"WA"), 0),
        ])
    }

    fn seattle() -> Location {
        Location { continent: Some(Continent::NorthAmerica), country: Some(*b"US"), state: Some(*b"WA") }
    }

    /// The example of the API reference: a state, the United States, North America, all locations, in this order until
    /// one is healthy.
    #[test]
    fn route_53_geolocation_state_country_continent_default() {
        let (r, s) = (records(), seattle());
        let mut e = [up(0); 4];
        for chosen in 0..4 {
            assert_eq!(geolocation(&r, &s, &e), Some(chosen));
            e[chosen] = down(0);
        }
        assert_eq!(geolocation(&r, &s, &e), Some(0), "all unhealthy: the smallest area's record");
    }

    #[test]
    fn who_is_elsewhere_gets_the_default_or_no_answer() {
        let berlin = Location { continent: Some(Continent::Europe), country: Some(*b"DE"), state: None };
        assert_eq!(geolocation(&records(), &berlin, &[up(0); 4]), Some(3));
        let unmapped = Location::default();
        assert_eq!(geolocation(&records(), &unmapped, &[up(0); 4]), Some(3));
        let without = GeoRecords::new([(Area::Continent(Continent::NorthAmerica), 0)]);
        assert_eq!(geolocation(&without, &berlin, &[up(0)]), None);
        assert_eq!(geolocation(&without, &unmapped, &[up(0)]), None);
    }

    #[test]
    fn records_of_places_that_are_not_legal_do_not_exist_for_the_user() {
        let mut e = [up(0); 4];
        e[0].legal = false;
        assert_eq!(geolocation(&records(), &seattle(), &e), Some(1));
    }
}
