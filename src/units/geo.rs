//! Coordinates and great-circle distance.

/// A place on Earth, degrees; north and east positive.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct LatLon {
    /// Latitude in degrees, -90 to 90.
    pub lat: f64,
    /// Longitude in degrees, -180 to 180.
    pub lon: f64,
}

/// A continent, as name services tell them apart: Central America and the Caribbean belong to North America, the Middle
/// East to Asia.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum Continent {
    /// AF.
    Africa,
    /// AN.
    Antarctica,
    /// AS.
    Asia,
    /// EU.
    Europe,
    /// NA.
    NorthAmerica,
    /// OC.
    Oceania,
    /// SA.
    SouthAmerica,
}

impl Continent {
    /// All of them.
    pub const ALL: [Continent; 7] = [
        Continent::Africa,
        Continent::Antarctica,
        Continent::Asia,
        Continent::Europe,
        Continent::NorthAmerica,
        Continent::Oceania,
        Continent::SouthAmerica,
    ];

    /// Name as scenarios write it.
    pub const fn name(self) -> &'static str {
        match self {
            Continent::Africa => "africa",
            Continent::Antarctica => "antarctica",
            Continent::Asia => "asia",
            Continent::Europe => "europe",
            Continent::NorthAmerica => "north-america",
            Continent::Oceania => "oceania",
            Continent::SouthAmerica => "south-america",
        }
    }

    /// The continent of that name.
    pub fn from_name(name: &str) -> Option<Continent> {
        Continent::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// Mean Earth radius in km (IUGG R1, 6371.0088).
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Great-circle distance in km by the haversine formula (well conditioned for small distances). `libm` keeps the last
/// bits the same on every platform.
pub fn great_circle_km(a: LatLon, b: LatLon) -> f64 {
    let rad = std::f64::consts::PI / 180.0;
    let dlat = (b.lat - a.lat) * rad * 0.5;
    let dlon = (b.lon - a.lon) * rad * 0.5;
    let (s1, s2) = (libm::sin(dlat), libm::sin(dlon));
    let h = s1 * s1 + libm::cos(a.lat * rad) * libm::cos(b.lat * rad) * s2 * s2;
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(h.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        let paris = LatLon { lat: 48.8566, lon: 2.3522 };
        let new_york = LatLon { lat: 40.7128, lon: -74.0060 };
        let d = great_circle_km(paris, new_york);
        assert!((d - 5837.0).abs() < 5.0, "{d}");
        assert_eq!(great_circle_km(paris, paris), 0.0);
    }
}
