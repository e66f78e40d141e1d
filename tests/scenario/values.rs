//! What keys mean: units, places, defaults, inheritance.

use super::common::{GOOD, good};
use super::files::{bad, topology};
use geodes::routing::outcome::ErrorClass;
use geodes::routing::steering::{
    Area, Capacity, ClientProbingConfig, EndpointGroup, GeoRecords, Location, Origin, OriginGroup, Policy,
    WaterfallConfig,
};
use geodes::scenario::model::{Access, Arrivals, DistSpec, FaultWhat, Sizes, Steering, Turns};
use geodes::scenario::{Loaded, from_str, load};
use geodes::units::{Continent, LatLon, RegionIx, Span};
use std::sync::Arc;

#[test]
fn extends_merges_tables_and_replaces_the_rest() {
    let s = good(&format!(
        r#"{GOOD}
[topology.base]
abstract = true
chain = ["gpt"]
regions = ["aws:us-east-1", "aws:eu-west-1"]
steering.dns_latency = {{ ttl = "30 s" }}
health = {{ interval = "20 s", fail_after = 5, check.deep = {{ database = "7 s" }} }}
retry = {{ attempts_per_pool = 4, on = ["429", "503"] }}
app = {{ servers = 7, queue = 11 }}
region."aws:eu-west-1" = {{ servers = 2 }}

[topology.cautious]
abstract = true
health.interval = "30 s"
retry.on = ["timeout"]
timeout.total = "90 s"

[topology.later]
extends = ["base", "cautious"]
steering = "dns_failover"

[topology.earlier]
extends = ["cautious", "base"]
health = {{ fail_after = 1, check = "shallow" }}
app.servers = 3
region."aws:us-east-1".queue = 5
region."aws:eu-west-1".queue = 6
"#
    ));
    assert_eq!(s.topologies.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["one", "later", "earlier"]);
    let later = topology(&s, "later");
    assert_eq!(later.health.interval, Span::from_secs(30), "the later base wins");
    assert_eq!(later.health.quorum.thresholds.failures, 5, "tables merge");
    assert_eq!(later.health.deep.unwrap().database, Span::from_secs(7));
    assert_eq!(later.health.deep.unwrap().cache, Span::from_secs(1), "the default where nobody says anything");
    assert_eq!(later.retry.attempts_per_pool, 4);
    assert!(later.retry.on.contains(geodes::routing::outcome::ErrorClass::Timeout));
    assert!(!later.retry.on.contains(geodes::routing::outcome::ErrorClass::RateLimited), "lists are replaced");
    assert_eq!(later.retry.total_timeout, Span::from_secs(90));
    assert_eq!(later.steering, Steering::dns(Policy::Failover, Span::from_secs(60)), "a choice is replaced as a whole");
    assert_eq!(later.regions.iter().map(|r| r.servers).collect::<Vec<_>>(), [7, 2]);

    let earlier = topology(&s, "earlier");
    assert_eq!(earlier.health.interval, Span::from_secs(20), "the later base wins");
    assert_eq!(earlier.health.quorum.thresholds.failures, 1, "own keys win over all");
    assert!(earlier.health.deep.is_none());
    assert_eq!(earlier.retry.total_timeout, Span::from_secs(90));
    assert_eq!(earlier.regions.iter().map(|r| (r.servers, r.queue)).collect::<Vec<_>>(), [(3, 5), (2, 6)]);
}

#[test]
fn every_way_to_steer_is_read() {
    let of = |steering: &str| {
        let text = GOOD
            .replace("regions = [\"aws:us-east-1\"]", "regions = [\"aws:us-east-1\", \"aws:eu-west-1\"]")
            .replace("chain = [\"gpt\"]", &format!("chain = [\"gpt\"]\nsteering.{steering}"));
        let Loaded { mut scenario, warnings } = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
        assert!(warnings.is_empty(), "{steering}: {warnings}");
        scenario.topologies.remove(0).steering
    };
    let ttl = Span::from_secs(60);
    let weights = of("dns_weighted = { ttl = \"5 s\", weights = { \"aws:eu-west-1\" = 255, \"aws:us-east-1\" = 0 } }");
    assert_eq!(
        weights,
        Steering::dns(Policy::Weighted(vec![0, 255]), Span::from_secs(5)),
        "in the order of the regions"
    );
    let records = of("dns_geolocation = { default = \"aws:us-east-1\", countries = { DE = \"aws:eu-west-1\" } }");
    let expected = GeoRecords::new([(Area::Country(*b"DE"), 1), (Area::Default, 0)]);
    assert_eq!(records, Steering::dns(Policy::Geolocation(expected), ttl));
    let bias = of("dns_geoproximity.bias = { \"aws:eu-west-1\" = -25 }");
    assert_eq!(bias, Steering::dns(Policy::Geoproximity(vec![0, -25]), ttl));
    assert_eq!(of("dns_multivalue = {}"), Steering::dns(Policy::Multivalue, ttl));

    let edge_rtt = Span::from_millis(15);
    let edge = |policy| Steering { policy, access: Access::Edge { edge_rtt } };
    let convergence = DistSpec::LogNormal { p50: 3.2, p95: 30.0 };
    let access = Access::Network { networks_per_group: 7, inflated_share: 0.2, convergence };
    assert_eq!(of("anycast.networks_per_group = 7"), Steering { policy: Policy::Anycast, access });
    let accelerator = of("global_accelerator = { dials = { \"aws:eu-west-1\" = 0 }, edge_rtt = \"4 ms\" }");
    let group = |dial, i| EndpointGroup { dial, members: vec![(i, 128)] };
    let access = Access::Accelerator { edge_rtt: Span::from_millis(4) };
    assert_eq!(accelerator, Steering { policy: Policy::Accelerator(vec![group(100, 0), group(0, 1)]), access });
    assert_eq!(of("cloudflare_dynamic = {}"), edge(Policy::CloudflareDynamic { fallback: 1 }), "the last region");
    let proximity = of("cloudflare_proximity.fallback = \"aws:us-east-1\"");
    assert_eq!(proximity, edge(Policy::CloudflareProximity { fallback: 0 }));
    let outstanding = of("cloudflare_least_outstanding.weights = { \"aws:us-east-1\" = 0.3 }");
    assert_eq!(outstanding, edge(Policy::CloudflareOutstanding { weights: vec![0.3, 1.0], fallback: 1 }));
    let waterfall = |capacity| {
        edge(Policy::Waterfall(WaterfallConfig { capacity, interval: Span::from_secs(10), lag: Span::from_secs(5) }))
    };
    assert_eq!(of("google_waterfall = {}"), waterfall(Capacity::Utilization(0.8)));
    let rates = "{ \"aws:us-east-1\" = \"10 requests/s\", \"aws:eu-west-1\" = \"0 requests/s\" }";
    assert_eq!(of(&format!("google_waterfall.capacity.rate = {rates}")), waterfall(Capacity::Rate(vec![10.0, 0.0])));
    let door = of("azure_front_door = { origins = { \"aws:eu-west-1\" = { priority = 2 } }, sample_size = 8 }");
    let origins = vec![Origin { priority: 1, weight: 50 }, Origin { priority: 2, weight: 50 }];
    let interval = Span::from_secs(30);
    let group = OriginGroup { origins, band: Span::ZERO, samples: 8, successes: 2, interval };
    assert_eq!(door, edge(Policy::FrontDoor(group)));
    let config = ClientProbingConfig { explore: 0.05, window: 10, penalty: Span::from_secs(10) };
    let client = Steering { policy: Policy::ClientProbing(config), access: Access::Client { clients_per_group: 20 } };
    assert_eq!(of("client_probing = {}"), client);
}

#[test]
fn users_have_a_country_a_continent_and_perhaps_a_state() {
    let s = good(&GOOD.replace("tokyo = { city = \"Tokyo\"", "tokyo = { city = \"Boston\", state = \"MA\""));
    let places: Vec<Location> = s.groups.iter().map(|g| g.location).collect();
    let at = |continent, country, state| Location { continent: Some(continent), country: Some(country), state };
    assert_eq!(places[0], at(Continent::Europe, *b"DE", None));
    assert_eq!(places[1], at(Continent::NorthAmerica, *b"US", Some(*b"MA")));
}

#[test]
fn prices_and_latencies_are_inherited_as_a_whole() {
    let s = good(
        &format!(
            r#"{GOOD}
[deployment.listed]
extends = "gpt"
price.catalog = "azure/gpt-4.1"
latency = {{ ttft.constant = "1 s", per_output_token.constant = "10 ms" }}

[deployment.child]
extends = "listed"
latency.preset = "gpt-4.1-2026"
"#
        )
        .replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"listed\", \"child\"]"),
    );
    let [gpt, listed, child] = s.deployments.as_slice() else { panic!() };
    assert_eq!(gpt.price_source, "the scenario");
    assert!(listed.price_source.contains("azure/gpt-4.1") && child.price_source == listed.price_source);
    assert_eq!(listed.ttft, DistSpec::Constant(1.0));
    assert_eq!(child.ttft, gpt.ttft, "the preset, not what the base says");
    assert_eq!(child.provider, "azure");
}

#[test]
fn units_become_base_units() {
    let s = good(
        &GOOD
            .replace("sizes.fixed = { input = \"100 tokens\", output = \"50 tokens\" }", "sizes.independent = { input.uniform = { min = \"1 tokens\", max = \"1k tokens\" }, output.exponential = { mean = \"50 tokens\" } }\nturns.fixed = 3\nthink_time.constant = \"2 min\"")
            .replace("latency.preset = \"gpt-4.1-2026\"", "latency = { ttft.lognormal = { p50 = \"500 ms\", p95 = \"1 s\" }, per_output_token.constant = \"10 ms\", prefill_per_token = \"50 us\" }")
            .replace("berlin = { city = \"Berlin\", share = 0.6 }", "berlin = { location = { lat = 52.5, lon = 13.4, zone = \"Europe/Berlin\" }, share = \"60 %\" }"),
    );
    let w = &s.workloads[0];
    assert!(matches!(&w.arrivals, Arrivals::Poisson { rate, shape: None } if rate.per_sec_f64() == 2.0));
    assert_eq!((w.turns, w.think), (Turns::Fixed(3), DistSpec::Constant(120.0)));
    let Sizes::Independent { input, output } = &w.sizes else { panic!() };
    assert_eq!((*input, *output), (DistSpec::Uniform { min: 1.0, max: 1000.0 }, DistSpec::Exponential { mean: 50.0 }));
    let d = &s.deployments[0];
    assert_eq!(d.ttft, DistSpec::LogNormal { p50: 0.5, p95: 1.0 });
    assert_eq!(d.prefill_per_token, Span::from_micros(50));
    assert_eq!(s.groups[0].place, LatLon { lat: 52.5, lon: 13.4 });
    assert_eq!(s.groups[0].share, 0.6);
    assert_eq!(s.start_unix_s, 1_772_409_600);
}

#[test]
fn places_links_and_residency() {
    let s = good(
        &format!(
            r#"{GOOD}
[residency.eu]
countries = ["SE"]
regions = ["aws:eu-west-1"]

[deployment.sweden]
extends = "gpt"
region = "azure:swedencentral"

[network]
[[network.link]]
between = ["azure:swedencentral", "aws:us-east-1"]
rtt = "77 ms"
[[network.link]]
between = ["tokyo", "aws:eu-west-1"]
rtt = "200 ms"
jitter = 0.5

[[fault]]
name = "azure in sweden"
recurring = {{ mean_up = "30 min", mean_down = "1 min" }}
what.provider_down = {{ provider = "azure", region = "azure:swedencentral" }}
"#
        )
        .replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"sweden\"]")
        .replace("[\"aws:us-east-1\"]", "[\"aws:us-east-1\", \"aws:eu-west-1\"]")
        .replace("share = 0.6", "share = 0.6, residency = \"eu\""),
    );
    let ids: Vec<&str> = s.places.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["aws:us-east-1", "aws:eu-west-1", "azure:eastus2", "azure:swedencentral"]);
    assert_eq!(s.residency[0].legal, [false, true, false, true]);
    let (a, b) = (RegionIx::new(0), RegionIx::new(3));
    assert_eq!(s.place_link(a, b).rtt, Span::from_millis(77));
    assert_eq!(s.place_link(b, a).rtt, Span::from_millis(77));
    assert!(!s.place_link(a, b).estimated);
    assert!(s.place_link(a, RegionIx::new(2)).estimated, "no matrix covers two clouds");
    assert_eq!((s.user_links[4 + 1].rtt, s.user_links[4 + 1].jitter), (Span::from_millis(200), 0.5));
    assert_eq!(
        s.faults[0].what,
        FaultWhat::ProviderDown {
            deployments: vec![geodes::units::DeploymentIx::new(1)],
            error: ErrorClass::Unavailable
        }
    );
    assert_eq!(s.places[0].egress_to.len(), 4);
    // each price says where it comes from itself, not where the price to the Internet does
    let sweden = &s.places[3];
    assert!(sweden.egress_internet.source.starts_with("from north america/europe (<10TB)"), "{sweden:?}");
    assert!(sweden.egress_to[2].source.starts_with("from north america/europe to other continent"), "{sweden:?}");
    assert!(sweden.egress_to[0].source.starts_with("from north america/europe (<10TB)"), "another cloud: {sweden:?}");
}

#[test]
fn replayed_rows_bring_their_own_sizes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("own.csv"), "arrival_s,input_tokens,output_tokens\n5,10,3\n6.5,20,4\n").unwrap();
    let text = GOOD.replace(
        "arrivals.poisson = { rate = \"2 sessions/s\" }\nsizes.fixed = { input = \"100 tokens\", output = \"50 tokens\" }",
        "arrivals.replay = { file = \"own.csv\" }\nsizes = \"replayed\"",
    );
    let path = dir.path().join("s.toml");
    std::fs::write(&path, text).unwrap();
    let s = load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    let (Arrivals::Replay { trace }, Sizes::Trace(sizes)) = (&s.workloads[0].arrivals, &s.workloads[0].sizes) else {
        panic!()
    };
    assert!(Arc::ptr_eq(trace, sizes), "the world recognises replayed sizes by the shared rows");
    assert_eq!(trace.rows, [(Span::from_secs(5), 10, 3), (Span::from_millis(6500), 20, 4)], "at their own times");
    let short = std::fs::read_to_string(&path).unwrap().replace("horizon = \"1 h\"", "horizon = \"6500 ms\"");
    std::fs::write(&path, short).unwrap();
    let warnings = load(&path).unwrap_or_else(|e| panic!("{e}")).warnings;
    assert_eq!(warnings.list()[0].message, "1 of the 2 rows of `own.csv` come after the horizon");
}

#[test]
fn defaults_are_recorded_with_their_source() {
    let s = good(GOOD);
    let find = |key: &str| s.defaults.iter().find(|d| d.key == key);
    let interval = find("topology.*.health.interval").unwrap();
    assert_eq!(interval.value, "\"10 s\"");
    assert!(interval.provenance.contains("Route 53"));
    assert!(find("topology.*.region.\"aws:us-east-1\".server_price").is_some());
    assert!(find("baseline").is_some_and(|d| d.value == "\"one\""));
    assert!(s.defaults.is_sorted());
    let stated = good(&GOOD.replace("chain = ", "health.interval = \"15 s\"\nchain = "));
    assert!(!stated.defaults.iter().any(|d| d.key == "topology.*.health.interval"), "stated, so no default");
    for d in &s.defaults {
        assert!(!d.value.is_empty() && !d.provenance.is_empty(), "{d:?}");
    }
}

#[test]
fn max_turns_lifts_the_limit() {
    let large = GOOD.replace("2 sessions/s", "1M sessions/s");
    assert!(bad(&large).to_string().contains("max_turns"));
    let lifted = large.replace("horizon =", "max_turns = 4_000_000_000\nhorizon =");
    let d = bad(&lifted);
    assert!(d.to_string().contains("too many sessions at the same time"), "{d}");
    good(&lifted.replace("[workload.chat]", "[workload.chat]\nlimit = \"10 s\""));
}
