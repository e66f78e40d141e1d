//! How users find a region.

use super::dist::DurationDist;
use crate::scenario::decode::{Named, RequestRate, ShareValue, choice, table};
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

table! {
    plain
    /// One address that every region announces; the routes of the users' networks decide.
    RawAnycast "Anycast" {
        /// Networks per group of users, each with routes of its own. 1 to 10,000.
        networks_per_group: At<u64> = Or(&d::ANYCAST_NETWORKS),
        /// Share of networks whose routes lead past the nearest site to the next one.
        inflated_share: At<ShareValue> = Or(&d::ANYCAST_INFLATED),
        /// Time until a network follows when a site withdraws its announcement or makes it again.
        convergence: DurationDist = Or(&d::ANYCAST_CONVERGENCE),
    }
}

table! {
    plain
    /// AWS Global Accelerator with one endpoint group per region and one endpoint in each.
    RawAccelerator "Global Accelerator" {
        /// Traffic dial by region in percent, 0 to 100, 100 if not given; not all 0. What a dial turns away goes to the next
        /// nearest region. A failover ignores dials.
        dials: Named<At<u64>> = Optional,
        /// Weight by region, 0 to 255, 128 if not given; not all 0. With one endpoint per group it only matters whether it is 0:
        /// such a region is used when nothing else is left.
        weights: Named<At<u64>> = Optional,
        /// Round trip between users and their edge location.
        edge_rtt: At<Span> = Or(&d::EDGE_RTT),
    }
}

table! {
    plain
    /// A Cloudflare load balancer with one pool per region, proxied, without session affinity.
    RawCloudflare "Cloudflare" {
        /// Region of the fallback pool, which takes everything when all are unhealthy. The last region if not given.
        fallback: At<String> = Optional,
        /// Round trip between users and their edge location.
        edge_rtt: At<Span> = Or(&d::EDGE_RTT),
    }
}

table! {
    plain
    /// A Cloudflare load balancer that goes by requests in flight.
    RawCloudflareOutstanding "Cloudflare least outstanding" {
        /// Weight by region, 0 to 1, 1 if not given; not all 0.
        weights: Named<At<f64>> = Optional,
        /// Region of the fallback pool, which takes everything when all are unhealthy. The last region if not given.
        fallback: At<String> = Optional,
        /// Round trip between users and their edge location.
        edge_rtt: At<Span> = Or(&d::EDGE_RTT),
    }
}

choice! {
    /// How much a region takes before what comes spills over.
    RawCapacity "Capacity" {
        /// This share of the application's slots, as the regions report it.
        "utilization" => Utilization(At<ShareValue>),
        /// Requests per time, by region.
        "rate" => Rate(Named<At<RequestRate>>),
    }
}

table! {
    plain
    /// Google Cloud's global load balancer, waterfall by region.
    RawWaterfall "Google waterfall" {
        /// Target capacity of the regions.
        capacity: RawCapacity = Or(&d::WATERFALL_CAPACITY),
        /// Time between two measurements of load, 100 ms to 1 h.
        interval: At<Span> = Or(&d::WATERFALL_INTERVAL),
        /// Time from a measurement until requests are sent by it, at most 1 h.
        lag: At<Span> = Or(&d::WATERFALL_LAG),
        /// Round trip between users and their edge location.
        edge_rtt: At<Span> = Or(&d::EDGE_RTT),
    }
}

table! {
    plain
    /// An origin of Azure Front Door.
    RawOrigin "Origin" {
        /// 1 to 5; the lowest number with a healthy origin goes first.
        priority: At<u64> = Or(&d::ORIGIN_PRIORITY),
        /// Share of the requests among origins of the same latency band. 1 to 1000.
        weight: At<u64> = Or(&d::ORIGIN_WEIGHT),
    }
}

table! {
    plain
    /// Azure Front Door with one origin per region, without session affinity.
    RawFrontDoor "Azure Front Door" {
        /// Priority and weight by region; the defaults for those not named.
        origins: Named<RawOrigin> = Optional,
        /// How much slower than the fastest origin still counts as fastest, at most 1000 ms.
        additional_latency: At<Span> = Or(&d::FRONT_DOOR_BAND),
        /// Time between the probes of an edge location to an origin, 100 ms to 1 h.
        probe_interval: At<Span> = Or(&d::FRONT_DOOR_INTERVAL),
        /// Last probes that count. 1 to 64.
        sample_size: At<u64> = Or(&d::FRONT_DOOR_SAMPLES),
        /// How many of them must have been answered for an origin to be healthy. 1 to `sample_size`.
        successful_samples: At<u64> = Or(&d::FRONT_DOOR_SUCCESSES),
        /// Round trip between users and their edge location.
        edge_rtt: At<Span> = Or(&d::EDGE_RTT),
    }
}

table! {
    plain
    /// The users' programs choose by what they have measured themselves.
    RawClientProbing "Client-side probing" {
        /// Share of turns that go to another region than the best one, to find out; above 0 and below 1.
        explore: At<ShareValue> = Or(&d::PROBING_EXPLORE),
        /// Times to first token of a region that are remembered and averaged. 1 to 1000.
        window: At<u64> = Or(&d::PROBING_WINDOW),
        /// What a failed turn counts as.
        penalty: At<Span> = Or(&d::PROBING_PENALTY),
        /// Programs per group of users, each with a memory of its own. 1 to 10,000.
        clients_per_group: At<u64> = Or(&d::PROBING_CLIENTS),
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
        /// The region to which the routes of the user's network lead; a site whose health checks fail withdraws its
        /// announcement. A network that moves to another site breaks its users' connections.
        "anycast" => Anycast(RawAnycast),
        /// The nearest healthy region, for each new connection; traffic dials and weights (AWS Global Accelerator).
        "global_accelerator" => GlobalAccelerator(RawAccelerator),
        /// The healthy region with the lowest average round trip of its health monitor, for each turn (Cloudflare dynamic
        /// steering). Monitor requests come at the interval of `health`.
        "cloudflare_dynamic" => CloudflareDynamic(RawCloudflare),
        /// The healthy region nearest on the map, for each turn (Cloudflare proximity steering).
        "cloudflare_proximity" => CloudflareProximity(RawCloudflare),
        /// A healthy region at random, less likely the more turns it has in flight (Cloudflare least outstanding requests).
        "cloudflare_least_outstanding" => CloudflareLeastOutstanding(RawCloudflareOutstanding),
        /// The nearest healthy region with capacity left, for each turn; the rest spills over to the next.
        "google_waterfall" => GoogleWaterfall(RawWaterfall),
        /// By priority, latency band and weight, for each turn, as the edge's own probes have it (Azure Front Door).
        "azure_front_door" => AzureFrontDoor(RawFrontDoor),
        /// The region that was fastest for the user's program so far, for each turn.
        "client_probing" => ClientProbing(RawClientProbing),
    }
}
