//! Users to a region: the way through the Internet, estimated from distance, and the last mile.

use super::fit::LogNormal;
use crate::units::{LatLon, great_circle_km};

/// A round trip over the public Internet as a broken line in great-circle distance: detours weigh more on short ways.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct InternetPath {
    /// Milliseconds at distance zero.
    pub intercept_ms: f64,
    /// Milliseconds per kilometre up to the bend.
    pub near_ms_per_km: f64,
    /// Kilometres at which the slope changes.
    pub bend_km: f64,
    /// Milliseconds per kilometre beyond it.
    pub far_ms_per_km: f64,
}

impl InternetPath {
    /// The round trip at `km`.
    pub fn at(self, km: f64) -> f64 {
        let near = if km < self.bend_km { km } else { self.bend_km };
        self.intercept_ms + self.near_ms_per_km * near + self.far_ms_per_km * (km - near)
    }
}

/// City to region without the last mile.
///
/// Fitted on 19,509 mean round trips between servers of the WonderNetwork (November 2018; ConsenSys/wittgenstein
/// commit fe0414c0, source `wondernetwork-fit`): from each of 241 cities to each of the 82 cities that have an AWS,
/// Azure or GCP region within 100 km. Least absolute deviation of the logarithms; nine distance bands (limits 100, 300,
/// 700, 1,500, 3,000, 6,000, 10,000 and 14,000 km) weigh the same, so that the nearest-region distances count as much as
/// the oceans; bend fixed at 3,000 km (2,000 and 4,000 fit equally well). Measured over estimated: p5 0.64, p25 0.84,
/// median 1.00, p75 1.26, p95 2.16, and in every band a median between 0.95 and 1.10. The rows may not be shipped, so no
/// test repeats this fit.
pub const INTERNET_PATH: InternetPath =
    InternetPath { intercept_ms: 6.34, near_ms_per_km: 0.022_6, bend_km: 3000.0, far_ms_per_km: 0.015_9 };

/// Round trip over the access network: median 15 ms, p95 60 ms, log-normal over users. [`user_rtt`] takes the median.
///
/// ASSUMPTION: no measured last mile is in the data. The servers behind [`INTERNET_PATH`] stand in data centres, people
/// sit behind fibre (a few ms), cable or Wi-Fi (10 to 30 ms) and mobile networks (30 to 80 ms); the figures put the
/// middle user on a good fixed line with Wi-Fi and one in twenty on a mobile network.
pub fn last_mile() -> LogNormal {
    LogNormal::from_p50_p95(LAST_MILE_P50_MS, LAST_MILE_P95_MS)
}

/// Median of [`last_mile`].
pub const LAST_MILE_P50_MS: f64 = 15.0;
/// 95th percentile of [`last_mile`].
pub const LAST_MILE_P95_MS: f64 = 60.0;

/// Standard deviation of a round trip over its mean, between regions: the median over the 306 ordered pairs of 18 AWS
/// regions of cloudping.co, 2024-04-19 (source `cloudping-jitter`; p25 0.006, p75 0.018, p95 0.059).
pub const REGION_JITTER: f64 = 0.0098;

/// Jitter of a user's round trip relative to its mean.
///
/// Mean deviation over mean of 57,327 WonderNetwork paths (November 2018): median 0.006, p75 0.019, p95 0.18; the upper
/// quartile stands for consumer lines, which is an ASSUMPTION because those paths end in data centres.
pub const USER_JITTER: f64 = 0.019;

/// A user's round trip to a region.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UserRtt {
    /// Median round trip in milliseconds: `path_ms + last_mile_ms`.
    pub ms: f64,
    /// The way between the user's city and the region, [`INTERNET_PATH`].
    pub path_ms: f64,
    /// Median of the last mile, [`LAST_MILE_P50_MS`].
    pub last_mile_ms: f64,
    /// Great circle in km.
    pub km: f64,
    /// Standard deviation of one round trip relative to its mean, [`USER_JITTER`].
    pub jitter: f64,
}

impl UserRtt {
    /// How the figure came about; always an estimate.
    pub const ORIGIN: &'static str = "estimated: 6.34 ms + 0.0226 ms/km (0.0159 beyond 3,000 km), fitted on WonderNetwork 2018, \
         + 15 ms last mile (ASSUMPTION)";
}

/// The round trip from a user's place to a region's place: an estimate, see [`INTERNET_PATH`] and [`last_mile`].
pub fn user_rtt(place: LatLon, region_place: LatLon) -> UserRtt {
    let km = great_circle_km(place, region_place);
    let path_ms = INTERNET_PATH.at(km);
    UserRtt { ms: path_ms + LAST_MILE_P50_MS, path_ms, last_mile_ms: LAST_MILE_P50_MS, km, jitter: USER_JITTER }
}

#[cfg(test)]
mod tests {
    use super::super::{city, region};
    use super::*;

    #[test]
    fn singapore_to_virginia_and_next_door() {
        let virginia = region("aws:us-east-1").unwrap().place;
        let far = user_rtt(city("Singapore").unwrap().place, virginia);
        assert!((15_400.0..15_700.0).contains(&far.km), "{far:?}");
        assert!((265.0..300.0).contains(&far.ms), "{far:?}");
        let near = user_rtt(city("Singapore").unwrap().place, region("aws:ap-southeast-1").unwrap().place);
        assert!((20.0..25.0).contains(&near.ms), "{near:?}");
        assert!((near.path_ms + near.last_mile_ms - near.ms).abs() < 1e-12);
    }

    /// Cities and routes of the fitted data that are documented with it: the estimate has to be of their size.
    #[test]
    fn the_path_is_close_to_known_city_pairs() {
        for (a, b, measured) in [
            ("Paris", "Frankfurt", 10.8),
            ("Lagos", "London, GB", 103.0),
            ("São Paulo", "Miami", 107.6),
            ("Johannesburg", "London, GB", 175.1),
            ("Tokyo", "San Francisco", 108.8),
        ] {
            let ms = user_rtt(city(a).unwrap().place, city(b).unwrap().place).path_ms;
            let ratio = measured / ms;
            assert!((0.6..1.5).contains(&ratio), "{a} to {b}: {ms}, measured {measured}");
        }
    }

    #[test]
    fn the_path_bends_without_a_jump() {
        assert!((INTERNET_PATH.at(2999.999) - INTERNET_PATH.at(3000.001)).abs() < 1e-3);
        assert!((INTERNET_PATH.at(0.0) - 6.34).abs() < 1e-12);
    }
}
