//! Geoproximity steering: the nearest region on the map, with biases that grow and shrink a region's catchment (Route 53
//! Developer Guide, 2026: "Geoproximity routing").
//!
//! The formula is the guide's of 2026 for every bias, biased distance = distance * (1 - bias / 100). (Its edition of 2021
//! divided by 1 + bias / 100 for negative ones.)

use super::{Endpoint, fails_open};

/// Position of the healthy legal endpoint with the least biased distance, of a legal one if none is healthy; ties to the
/// first. `None` when none is legal. One bias (-99 to 99) per endpoint.
pub fn geoproximity(biases: &[i8], endpoints: &[Endpoint]) -> Option<usize> {
    let open = fails_open(endpoints);
    let fit = endpoints.iter().zip(biases).enumerate().filter(|(_, (e, _))| e.legal && (e.healthy || open));
    let mut best: Option<(usize, f64)> = None;
    for (i, (e, bias)) in fit {
        let distance = biased_km(e.distance_km, *bias);
        if best.is_none_or(|(_, least)| distance < least) {
            best = Some((i, distance));
        }
    }
    best.map(|(i, _)| i)
}

/// Distance in kilometres as a bias makes it look.
pub fn biased_km(km: f64, bias: i8) -> f64 {
    km * (1.0 - f64::from(bias) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{down, up};
    use super::*;

    fn at(km: f64) -> Endpoint {
        Endpoint { distance_km: km, ..up(0) }
    }

    /// "web server A is 150 kilometers from the source of a query and web server B is 100 kilometers": a bias of 50 makes
    /// A look 75 km away.
    #[test]
    fn route_53_geoproximity_bias_50_halves_the_distance() {
        assert_eq!(geoproximity(&[0, 0], &[at(150.0), at(100.0)]), Some(1));
        assert_eq!(geoproximity(&[50, 0], &[at(150.0), at(100.0)]), Some(0));
        assert!((biased_km(150.0, 50) - 75.0).abs() < 1e-9 && (biased_km(150.0, -50) - 225.0).abs() < 1e-9);
    }

    #[test]
    fn unhealthy_regions_lose_their_catchment_unless_all_are() {
        let far = Endpoint { distance_km: 100.0, ..down(0) };
        assert_eq!(geoproximity(&[0, 0], &[at(150.0), far]), Some(0));
        assert_eq!(geoproximity(&[0, 0], &[Endpoint { distance_km: 150.0, ..down(0) }, far]), Some(1));
        assert_eq!(geoproximity(&[0], &[Endpoint { legal: false, ..at(1.0) }]), None);
    }
}
