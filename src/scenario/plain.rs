//! The simplest valid scenario, for programs that build scenarios in code: laws, properties, benchmarks, embedding.
//! Everything is constant or zero until it is changed, so whatever a program sets is the only thing that acts.

use super::model::{
    AppRegion, Arrivals, Client, Context, Deployment, DistSpec, Dns, Egress, Gateway, Health, Link, Place, Pool,
    RetrySpec, Scenario, Sizes, StateSpec, Steering, Topology, Turns, UserGroup, Workload,
};
use crate::routing::balance::Choose;
use crate::routing::health::{QuorumConfig, ThresholdConfig};
use crate::routing::outcome::{ErrorClass, ErrorSet};
use crate::routing::retry::{Backoff, Delay, Jitter};
use crate::routing::steering::{Location, Policy};
use crate::units::{DeploymentIx, LatLon, Money, PerNanos, Price, RegionIx, Span};

/// Long enough never to matter.
const AGES: Span = Span::from_hours(24 * 365);

/// `n` places without any distance between them, one group of users, one topology `"plain"` with an application in the
/// first place, and one deployment per place in one pool. Users send one turn of one token each, at one per second for an
/// hour; the model answers one token in no time.
pub fn plain(n: usize) -> Scenario {
    let free = Price::new(Money::ZERO, 1);
    let link = || Link { rtt: Span::ZERO, jitter: 0.0, estimated: false, origin: "plain".to_owned() };
    let egress = || Egress { price: free, source: "plain".to_owned() };
    let place = |i: usize| Place {
        id: format!("plain:{i}"),
        place: LatLon { lat: 0.0, lon: 0.0 },
        country: "XX".to_owned(),
        egress_internet: egress(),
        egress_to: vec![egress(); n],
    };
    let deployment = |i: usize| Deployment {
        name: format!("model-{i}"),
        provider: "plain".to_owned(),
        model: "model".to_owned(),
        place: RegionIx::new(i),
        input_price: free,
        output_price: free,
        cached_price: free,
        write_price: None,
        price_source: "plain".to_owned(),
        ttft: DistSpec::Constant(0.0),
        prefill_per_token: Span::ZERO,
        per_output_token: DistSpec::Constant(0.0),
        output_factor: 1.0,
        quota: None,
        spill_over: None,
        concurrency: None,
        queue: 0,
        replicas: None,
        prompt_cache: None,
        error_rate: 0.0,
        error: ErrorClass::Unavailable,
    };
    Scenario {
        name: "plain".to_owned(),
        slug: "plain".to_owned(),
        description: String::new(),
        start_unix_s: 1_767_225_600, // 2026-01-01T00:00:00Z
        horizon: Span::from_hours(1),
        warmup: Span::ZERO,
        seed: 1,
        replications: 1,
        max_turns: u64::MAX,
        baseline: 0,
        slow_over: AGES,
        interval: Span::from_mins(1),
        places: (0..n).map(place).collect(),
        place_links: (0..n * n).map(|_| link()).collect(),
        groups: vec![UserGroup {
            name: "users".to_owned(),
            city: "Null Island".to_owned(),
            zone: "UTC".to_owned(),
            place: LatLon { lat: 0.0, lon: 0.0 },
            location: Location::default(),
            share: 1.0,
            residency: None,
        }],
        user_links: (0..n).map(|_| link()).collect(),
        residency: Vec::new(),
        workloads: vec![Workload {
            name: "requests".to_owned(),
            arrivals: Arrivals::Poisson {
                rate: PerNanos { micro_count: 1_000_000, nanos: 1_000_000_000 },
                shape: None,
            },
            turns: Turns::Fixed(1),
            think: DistSpec::Constant(0.0),
            sizes: Sizes::Fixed { input: 1, output: 1 },
            context: Context::Fresh,
            max_output_tokens: 1,
            streamed: true,
            limit: AGES,
        }],
        client: Client {
            connect_timeout: Span::from_secs(3),
            tries: 1,
            retry_pause: Span::ZERO,
            keep_alive: Span::ZERO,
            handshake_round_trips: 0,
        },
        dns: Dns {
            resolvers_per_group: 1,
            elsewhere_share: 0.0,
            extending_share: 0.0,
            extension: 1.0,
            hit: Span::ZERO,
            miss: Span::ZERO,
        },
        deployments: (0..n).map(deployment).collect(),
        quotas: Vec::new(),
        topologies: vec![Topology {
            name: "plain".to_owned(),
            regions: vec![plain_region(RegionIx(0))],
            steering: Steering::dns(Policy::Latency, Span::from_secs(60)),
            health: Health {
                interval: Span::from_secs(10),
                quorum: QuorumConfig::one(ThresholdConfig { failures: 3, passes: 3 }),
                fail_on_the_way: 0.0,
                connect_timeout: Span::from_secs(4),
                deep: None,
            },
            gateway: Gateway::Own,
            chain: vec![Pool {
                name: "model".to_owned(),
                members: (0..n).map(|i| (DeploymentIx::new(i), 1.0)).collect(),
                priorities: Vec::new(),
                localities: Vec::new(),
                choose: Choose::InOrder,
                degraded: false,
                max_requests: None,
            }],
            retry: RetrySpec {
                attempts_per_pool: 1,
                delay: Delay::Backoff(Backoff {
                    base: Span::from_millis(100),
                    cap: Span::from_secs(1),
                    jitter: Jitter::Full,
                }),
                budget: None,
                hedging: None,
                on: ErrorSet::of(&ErrorClass::ALL),
                connect_timeout: Span::from_secs(3),
                first_token_timeout: AGES,
                total_timeout: AGES,
            },
            guards: Vec::new(),
            throttle: None,
            limits: Vec::new(),
            fleets: Vec::new(),
            state: StateSpec {
                lag: DistSpec::Constant(0.0),
                read: DistSpec::Constant(0.0),
                write: DistSpec::Constant(0.0),
                bytes_per_token: 0,
            },
        }],
        faults: Vec::new(),
        objectives: Vec::new(),
        defaults: Vec::new(),
    }
}

/// An application region without bounds, work or cost.
pub fn plain_region(place: RegionIx) -> AppRegion {
    AppRegion {
        place,
        servers: 1,
        slots_per_server: u32::MAX,
        queue: 0,
        overhead: DistSpec::Constant(0.0),
        server_price: Price::new(Money::ZERO, 1),
        server_price_source: "plain".to_owned(),
        services: Vec::new(),
    }
}
