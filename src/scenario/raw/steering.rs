//! How users find a region.

use crate::scenario::decode::{Named, choice, table};
use crate::scenario::diagnostic::At;
use crate::units::Span;

table! {
    plain
    /// A record of the name service.
    RawRecord "Record" {
        /// Time to live, at least 1 s.
        ttl: At<Span> = Or(&d::TTL),
    }
}

table! {
    plain
    /// Weighted records of the name service.
    RawWeightedRecords "Weighted records" {
        /// Time to live, at least 1 s.
        ttl: At<Span> = Or(&d::TTL),
        /// Weight of every region of the topology, by id. 0 to 255, not all 0; a region of weight 0 is answered only when all
        /// others are unhealthy.
        weights: Named<At<u64>> = Required,
    }
}

table! {
    plain
    /// Geolocation records of the name service: which region answers for which area. The smallest area that has a record
    /// goes first; if its region is unhealthy, the next larger one's is answered. All users have to be in some area.
    RawGeolocation "Geolocation records" {
        /// Time to live, at least 1 s.
        ttl: At<Span> = Or(&d::TTL),
        /// Region of everybody for whom no other record is. Without it there is no answer for them.
        default: At<String> = Optional,
        /// Region by continent: `africa`, `antarctica`, `asia`, `europe`, `north-america`, `oceania`, `south-america`.
        continents: Named<At<String>> = Optional,
        /// Region by country, ISO 3166 alpha-2.
        countries: Named<At<String>> = Optional,
        /// Region by state of the United States, two letters.
        states: Named<At<String>> = Optional,
    }
}

table! {
    plain
    /// Geoproximity records of the name service.
    RawGeoproximity "Geoproximity records" {
        /// Time to live, at least 1 s.
        ttl: At<Span> = Or(&d::TTL),
        /// Bias by region, -99 to 99, 0 if not given: a distance counts as `distance * (1 - bias / 100)`.
        bias: Named<At<i64>> = Optional,
    }
}

choice! {
    /// How users find a region.
    RawSteering "Steering" {
        /// The healthy region with the lowest round trip from the user's place (Route 53 latency records).
        "dns_latency" => Latency(RawRecord),
        /// The first healthy region in the order of `regions` (Route 53 failover records).
        "dns_failover" => Failover(RawRecord),
        /// A healthy region at random, by weight (Route 53 weighted records).
        "dns_weighted" => Weighted(RawWeightedRecords),
        /// By the area in which the user is (Route 53 geolocation records).
        "dns_geolocation" => Geolocation(RawGeolocation),
        /// The healthy region nearest on the map, with biases (Route 53 geoproximity records).
        "dns_geoproximity" => Geoproximity(RawGeoproximity),
        /// Up to eight healthy regions at once; the client takes one at random and, if that does not accept the connection,
        /// another (Route 53 multivalue answers).
        "dns_multivalue" => Multivalue(RawRecord),
    }
}
