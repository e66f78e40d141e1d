//! Scenario files: what is accepted, what is refused and how it is said.

use geodes::routing::steering::{
    Area, Capacity, ClientProbingConfig, EndpointGroup, GeoRecords, Location, Origin, OriginGroup, Policy,
    WaterfallConfig,
};
use geodes::scenario::diagnostic::{Diagnostics, Loc, Severity};
use geodes::scenario::model::{
    Access, Arrivals, DistSpec, FaultWhat, FaultWhen, Scenario, Sizes, Steering, Topology, Turns,
};
use geodes::scenario::{LARGEST_FILE, LoadError, Loaded, from_str, load, reference, schema, starter};
use geodes::units::{Continent, LatLon, PerNanos, RegionIx, Span};
use geodes::world::run;
use proptest::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

/// States every key of the language.
const EVERY_KEY: &str = include_str!("every_key.toml");

/// A small scenario without errors.
const GOOD: &str = r#"
name = "Small"
start = "2026-03-02T00:00:00Z"
horizon = "1 h"
warmup = "0"

[users]
berlin = { city = "Berlin", share = 0.6 }
tokyo = { city = "Tokyo", share = 0.4 }

[workload.chat]
arrivals.poisson = { rate = "2 sessions/s" }
sizes.fixed = { input = "100 tokens", output = "50 tokens" }

[deployment.gpt]
provider = "azure"
region = "azure:eastus2"
model = "gpt-4.1"
price = { input = "$2 / Mtok", output = "$8 / Mtok" }
latency.preset = "gpt-4.1-2026"

[pool.gpt]
deployments = ["gpt"]

[topology.one]
regions = ["aws:us-east-1"]
chain = ["gpt"]
"#;

fn good(text: &str) -> Scenario {
    let Loaded { scenario, .. } = from_str(text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    scenario
}

fn bad(text: &str) -> Diagnostics {
    match from_str(text, "test.toml", None) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(d) => d,
    }
}

fn topology<'a>(s: &'a Scenario, name: &str) -> &'a Topology {
    s.topologies.iter().find(|t| t.name == name).unwrap()
}

#[test]
fn every_shipped_scenario_loads_without_warnings() {
    let mut files = toml_files("scenarios");
    files.extend(toml_files("scenarios/policies"));
    if root().join("scenarios/claims").exists() {
        files.extend(toml_files("scenarios/claims"));
    }
    assert!(files.len() >= 2);
    for path in files {
        let loaded = load(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        assert_eq!(loaded.scenario.slug, path.file_stem().unwrap().to_str().unwrap());
    }
}

/// What each broken file prints. Accept changes with `INSTA_UPDATE=always` after reading them.
#[test]
fn broken_files_say_what_is_wrong() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("broken/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = toml_files("tests/broken");
    assert!(files.len() >= 45, "{}", files.len());
    settings.bind(|| {
        for path in files {
            // relative, so that the messages do not depend on where the repository is
            let relative = path.strip_prefix(root()).unwrap();
            let text = match load(relative) {
                Ok(_) => panic!("{} was accepted", relative.display()),
                Err(e) => e.to_string(),
            };
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), text);
        }
    });
}

#[test]
fn files_that_are_no_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latin1.toml");
    std::fs::write(&path, b"name = \"x\"\n[users]\ns\xe3o-paulo = { city = \"S\xe3o Paulo\" }\n").unwrap();
    let LoadError::Invalid(d) = load(&path).unwrap_err() else { panic!() };
    let [only] = d.list() else { panic!("{d}") };
    assert_eq!((only.line, only.column), (3, 2));
    assert!(d.to_string().contains("not UTF-8: byte 0xe3 at offset 20"), "{d}");

    let path = dir.path().join("huge.toml");
    let mut file = std::fs::File::create(&path).unwrap();
    let line = b"# a comment that goes on and on, and is repeated until the file has fifty megabytes\n";
    for _ in 0..50_000_000 / line.len() + 1 {
        file.write_all(line).unwrap();
    }
    drop(file);
    let e = load(&path).unwrap_err();
    assert!(matches!(e, LoadError::TooLarge { bytes, .. } if bytes > LARGEST_FILE), "{e}");
    assert!(e.to_string().contains("too large for a scenario"), "{e}");

    let e = load(&dir.path().join("absent.toml")).unwrap_err();
    assert!(e.to_string().ends_with("absent.toml: there is no such file\n"), "{e}");
    let e = load(dir.path()).unwrap_err();
    assert!(e.to_string().contains("it is a directory"), "{e}");
}

/// Whatever megabytes of nonsense a file holds: an answer, with bounded work per byte.
#[test]
fn large_nonsense_is_answered() {
    const MB: usize = 1_000_000;
    let repeat = |line: &str| line.repeat(2 * MB / line.len());
    let numbered = |f: fn(usize) -> String| (0..2 * MB / 40).map(f).collect::<String>();
    let chain: String = (1..3000).map(|i| format!("[deployment.d{i}]\nextends = \"d{}\"\n", i - 1)).collect();
    for text in [
        repeat("[a]\n"),
        repeat("[[fault]]\n"),
        repeat("[[fault]]\nname = \"x\"\nat = \"1 s\"\n"),
        repeat("x = 1\n"),
        repeat("= "),
        format!("a = {}", repeat("[")),
        format!("name = \"{}\"", repeat("x")),
        numbered(|i| format!("key_that_nobody_knows_{i} = {i}\n")),
        numbered(|i| format!("k{i} = {{ x = {i} }}, ")),
        format!("[users]\n{}", numbered(|i| format!("u{i} = {{ city = \"Nowhere\", share = 2 }}\n"))),
        format!("{GOOD}{}", numbered(|i| format!("[deployment.d{i}]\nextends = \"gpt\"\n"))),
        format!("{GOOD}[deployment.d0]\nextends = \"gpt\"\n{chain}"),
    ] {
        let d = bad(&text);
        assert!(d.errors() > 0 && d.to_string().len() < 40_000, "{d}");
    }
}

/// Every `«...»` is exactly one error; there are no others.
#[test]
fn positions_are_exact() {
    for (from, to) in [
        ("share = 0.4", "«shar» = 0.4"),
        ("horizon = \"1 h\"", "horizon = «3600»"),
        ("\"aws:us-east-1\"", "«\"aws:us-east-9\"»"),
        ("chain = [\"gpt\"]", "chain = [«\"São\"», «\"x\"»]"),
        ("sizes.fixed = {", "sizes.«fixd» = {"),
        ("rate = \"2 sessions/s\"", "rate = «\"2 sessions\"»"),
        ("horizon = \"1 h\"", "dns.hit = «\"1 s\"»\nhorizon = \"1 h\""), // slower than the default of `miss`
        ("horizon = \"1 h\"", "dns.miss = «\"1 ms\"»\nhorizon = \"1 h\""),
        ("horizon = \"1 h\"", "horizon = «\"366 d\"»"), // in intervals of the default length
    ] {
        let marked = GOOD.replacen(from, to, 1);
        let (mut text, mut want, mut open) = (String::new(), Vec::new(), 0);
        for c in marked.chars() {
            match c {
                '«' => open = text.len(),
                '»' => want.push((open, text.len())),
                c => text.push(c),
            }
        }
        // a misspelt key is also a missing one: that error stands at the table
        let found: Vec<(usize, usize)> = bad(&text)
            .list()
            .iter()
            .filter(|d| d.severity == Severity::Error && !d.message.starts_with("missing key"))
            .map(|d| (d.loc.start, d.loc.end))
            .collect();
        assert_eq!(found, want, "{}", bad(&text));
        for d in bad(&text).list() {
            let before = &text[..d.loc.start];
            assert_eq!(
                d.line,
                before.lines().count() + usize::from(before.ends_with('\n')).max(usize::from(before.is_empty()))
            );
            let line = text.lines().nth(d.line - 1).unwrap();
            let column: String = line.chars().take(d.column - 1).collect();
            assert!(before.ends_with(&column));
        }
    }
}

#[test]
fn objectives_point_into_their_string() {
    let text = format!("{GOOD}\n[objectives]\nall = [\"availability > 99 %\", \"ttft_ms.p94 < 2 s\"]\n");
    let d = bad(&text);
    let [only] = d.list() else { panic!("{d}") };
    assert!("ttft_ms.p94 < 2 s".contains(&text[only.loc.start..only.loc.end]), "{d}");
    assert!(only.loc.start >= text.find("ttft_ms.p94").unwrap());
}

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
fn records_for_nobody_are_warned_of() {
    let text = GOOD.replace(
        "chain = [\"gpt\"]",
        "chain = [\"gpt\"]\nsteering.dns_geolocation = { default = \"aws:us-east-1\", continents = { africa = \"aws:us-east-1\" } }",
    );
    let Loaded { warnings, .. } = from_str(&text, "test.toml", None).unwrap();
    assert!(warnings.to_string().contains("no users are in `africa`"), "{warnings}");
    assert!(warnings.to_string().contains("one region, so `dns_geolocation` has nowhere to go"), "{warnings}");
}

#[test]
fn health_checks_that_nobody_looks_at_are_warned_of() {
    let warned = |lines: &str| {
        let text = GOOD
            .replace("regions = [\"aws:us-east-1\"]", "regions = [\"aws:us-east-1\", \"aws:eu-west-1\"]")
            .replace("chain = [\"gpt\"]", &format!("chain = [\"gpt\"]\n{lines}"));
        from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}")).warnings.to_string()
    };
    let client = warned("steering = \"client_probing\"\nhealth.check = \"deep\"");
    assert!(client.contains("`health` says nothing with `client_probing`"), "{client}");
    let door = warned("steering = \"azure_front_door\"\nhealth = { interval = \"20 s\", check = \"deep\" }");
    assert!(
        door.contains("`interval` says nothing with `azure_front_door`") && door.contains("probe_interval"),
        "{door}"
    );
    let weights = warned("steering.azure_front_door.origins = { \"aws:eu-west-1\" = { weight = 9 } }");
    assert!(weights.contains("weights say nothing while only the fastest origin is used"), "{weights}");
    assert_eq!(warned("steering = \"azure_front_door\"\nhealth.check = \"deep\""), "");
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
    assert_eq!(s.faults[0].what, FaultWhat::ProviderDown { deployments: vec![geodes::units::DeploymentIx::new(1)] });
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
fn odd_but_possible_scenarios_load_with_warnings() {
    let text = format!(
        "{GOOD}\n[residency.eu]\ncontinents = [\"europe\"]\n[pool.spare]\ndeployments = [\"gpt\"]\nweights = {{ gpt = 2 }}\n[objectives]\nall = [\"availability < 90 %\"]\n"
    );
    let loaded = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    let messages: Vec<&str> = loaded.warnings.list().iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "no users have the residency class `eu`",
            "no topology uses the pool `spare`",
            "weights have no effect",
            "`availability < 90 %` asks for the worse"
        ]
    );
}

/// Each edit of a scenario without warnings gives exactly one.
#[test]
fn what_has_no_effect_is_warned_of() {
    let base = GOOD.replace(
        "region = \"azure:eastus2\"",
        "region = \"azure:eastus2\"\nquota.token_bucket.tokens = \"9k tokens/min\"",
    );
    assert!(from_str(&base, "test.toml", None).unwrap().warnings.is_empty());
    let fault = |when: &str| {
        format!("{base}[[fault]]\nname = \"f\"\n{when}\nwhat.region_down = {{ region = \"aws:us-east-1\" }}\n")
    };
    let second = |chain: &str, more: &str| {
        let pools = "[pool.again]\ndeployments = [\"gpt\"]\n";
        format!("{}{pools}{more}", base.replace("chain = [\"gpt\"]", chain))
    };
    for (text, at, message) in [
        (fault("at = \"50 min\"\nlasts = \"11 min\""), "\"11 min\"", "the fault ends 1 min after the horizon"),
        (
            fault("recurring = { mean_up = \"30 d\", mean_down = \"1 h\" }"),
            "\"30 d\"",
            "a failure in 720 h on average: the fault probably never strikes",
        ),
        (
            base.replace("share = 0.6 }", "share = 0.6 }\nparis = { city = \"Paris\", share = 0 }"),
            "0 }",
            "users `paris` have no share, so nobody belongs to them",
        ),
        (
            format!("{base}[topology.spare]\nabstract = true\n"),
            "spare",
            "nothing extends the abstract topology `spare`",
        ),
        (
            format!("{base}[deployment.spare]\nabstract = true\n"),
            "spare",
            "nothing extends the abstract deployment `spare`",
        ),
        (
            second("chain = [\"gpt\", \"again\"]", ""),
            "\"again\"]",
            "the pool `again` falls back to deployments that have just failed",
        ),
        (
            format!(
                "{}[residency.eu]\ncontinents = [\"europe\"]\n[deployment.eu]\nextends = \"gpt\"\nregion = \"azure:swedencentral\"\n",
                base.replace("city = \"Berlin\"", "city = \"Berlin\", residency = \"eu\"")
                    .replace("city = \"Tokyo\"", "city = \"Tokyo\", residency = \"eu\"")
                    .replace("[\"aws:us-east-1\"]", "[\"aws:eu-west-1\"]")
                    .replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"eu\"]"),
            ),
            "gpt]\nprovider",
            "residency keeps the data of all users out of the deployment `gpt`",
        ),
        (
            format!(
                "{}[residency.eu]\ncontinents = [\"europe\"]\ncountries = [\"US\"]\n",
                base.replace("city = \"Berlin\"", "city = \"Berlin\", residency = \"eu\"")
                    .replace("city = \"Tokyo\"", "city = \"Tokyo\", residency = \"eu\"")
                    .replace("[\"aws:us-east-1\"]", "[\"aws:us-east-1\", \"aws:ap-northeast-1\"]"),
            ),
            "\"aws:ap-northeast-1\"",
            "residency keeps all users out of `aws:ap-northeast-1`",
        ),
        (
            base.replace("chain =", "health.interval = \"1 h\"\nchain ="),
            "\"1 h\"\nchain",
            "3 failed checks, 1 h apart, make a region unhealthy, but the run is over after 1 h",
        ),
        (
            base.replace("2 sessions/s", "0.9 sessions/h"),
            "\"0.9 sessions/h\"",
            "`chat` has 0.9 sessions on average, so probably none",
        ),
        (
            base.replace("50 tokens", "2k tokens"),
            "\"2k tokens\"",
            "all answers of `chat` are cut at `max_output`, 1024 tokens",
        ),
        (
            base.replace("sizes.fixed = {", "context.growing = { max = \"10k tokens\" }\nturns.fixed = 3\nthink_time.constant = \"1 s\"\nsizes.fixed = {"),
            "\"9k tokens/min\"",
            "the quota lets 9000 tokens through at most, but a turn of `chat` may ask for 11024: such turns would always be refused",
        ),
        (
            format!(
                "{}[deployment.slow]\nextends = \"gpt\"\nlatency = {{ ttft.constant = \"11 s\", per_output_token.constant = \"1 ms\" }}\n",
                base.replace("deployments = [\"gpt\"]", "deployments = [\"gpt\", \"slow\"]"),
            ),
            "slow]\n",
            "a first token of `slow` takes 11.007 s or more, but the gateways give up after 10 s",
        ),
        (
            base.replace("price = { input = \"$2 / Mtok\", output = \"$8 / Mtok\" }", "price.catalog = \"azure/gpt-4\"")
                .replace("9k tokens/min", "1M tokens/min")
                .replace("arrivals.poisson = { rate = \"2 sessions/s\" }", "arrivals.replay = { trace = \"mooncake-conversation\" }")
                .replace("sizes.fixed = { input = \"100 tokens\", output = \"50 tokens\" }", "sizes = \"replayed\""),
            "\"replayed\"",
            "5411 of the 12031 rows of `mooncake-conversation` are longer than the 8192 tokens a model reads",
        ),
    ] {
        let loaded = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
        let [only] = loaded.warnings.list() else { panic!("{}\n{message}", loaded.warnings) };
        assert_eq!(only.message, message);
        assert_eq!(only.loc.start, text.rfind(at).unwrap(), "{}", loaded.warnings);
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

/// The committed schema and reference are those of the declarations. `UPDATE_SCHEMA=1` writes them.
#[test]
fn schema_and_reference_are_committed() {
    let generated = [
        ("schema/scenario.schema.json", serde_json::to_string_pretty(&schema()).unwrap() + "\n"),
        ("docs/scenario.md", reference()),
    ];
    for (file, text) in generated {
        let path = root().join(file);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{file} is not up to date: run the scenario tests with UPDATE_SCHEMA=1");
    }
}

/// The schema knows every key that shipped scenarios use: a walk along `properties` finds each.
#[test]
fn the_schema_covers_the_shipped_scenarios() {
    fn check(
        value: &toml::Value,
        node: &serde_json::Value,
        root: &serde_json::Value,
        path: &str,
    ) -> Result<(), String> {
        if let Some(reference) = node.get("$ref").and_then(|r| r.as_str()) {
            let key = reference.trim_start_matches("#/$defs/");
            return check(value, &root["$defs"][key], root, path);
        }
        for any in ["oneOf", "anyOf"] {
            if let Some(options) = node.get(any).and_then(|o| o.as_array()) {
                let results: Vec<_> = options.iter().map(|o| check(value, o, root, path)).collect();
                let fits = results.iter().filter(|r| r.is_ok()).count();
                let enough = if any == "oneOf" { fits == 1 } else { fits >= 1 };
                return if enough { Ok(()) } else { Err(format!("{path}: {fits} of {any} fit: {results:?}")) };
            }
        }
        if let Some(constant) = node.get("const") {
            return if value.as_str() == constant.as_str() { Ok(()) } else { Err(format!("{path}: not {constant}")) };
        }
        let kind = match value {
            toml::Value::Table(_) => "object",
            toml::Value::Array(_) => "array",
            toml::Value::String(_) => "string",
            toml::Value::Integer(_) => "integer",
            toml::Value::Float(_) => "number",
            toml::Value::Boolean(_) => "boolean",
            toml::Value::Datetime(_) => "string",
        };
        match node.get("type").and_then(|t| t.as_str()) {
            None => {}
            Some(t) if t == kind || (t == "number" && kind == "integer") => {}
            Some(t) => return Err(format!("{path}: {kind} instead of {t}")),
        }
        match value {
            toml::Value::Table(table) => {
                for (key, v) in table {
                    let sub = node.pointer(&format!("/properties/{key}")).or(node.get("additionalProperties"));
                    match sub {
                        Some(sub) if sub.is_object() => check(v, sub, root, &format!("{path}.{key}"))?,
                        _ => return Err(format!("{path}.{key}: not in the schema")),
                    }
                }
                for key in node.get("required").and_then(|r| r.as_array()).into_iter().flatten() {
                    if !table.contains_key(key.as_str().unwrap()) {
                        return Err(format!("{path}: {key} missing"));
                    }
                }
            }
            toml::Value::Array(items) => {
                for v in items {
                    check(v, &node["items"], root, path)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
    let schema = schema();
    let mut texts: Vec<String> = toml_files("scenarios").iter().map(|p| std::fs::read_to_string(p).unwrap()).collect();
    texts.push(starter().to_owned());
    for text in &texts {
        let value = toml::Value::Table(text.parse().unwrap());
        check(&value, &schema, &schema, "").unwrap_or_else(|e| panic!("{e}"));
    }
    let misspelt = texts[0].replacen("horizon", "horizont", 1);
    let value = toml::Value::Table(misspelt.parse().unwrap());
    assert!(check(&value, &schema, &schema, "").is_err(), "the check itself can fail");
}

/// Pieces that turn up where they should not.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "[[fault]]\n",
    "[topology.one]\n",
    "extends = \"one\"\n",
    "extends = [\"base\", \"base\"]\n",
    "abstract = true\n",
    "-1",
    "0",
    "1e400",
    "nan",
    "99999999999999999999",
    "\"0 s\"",
    "\"1 d\"",
    "\"-3 s\"",
    "\"9999999 d\"",
    "\"1e9 s\"",
    "\"$0 / Mtok\"",
    "true",
    "[]",
    "{}",
    "\u{0}",
    "é",
    "🦀",
    "\"\"",
    "\"\\u0000\"",
    "2026-03-02",
    "inf",
    "share = 1\n",
    "= {",
    "\"aws:eu-west-1\"",
    "\"all\"",
    "\"gpt\"",
    // values that are right for some key, at the ends of what it takes
    "1",
    "0.0",
    "1000000000",
    "false",
    "\"1 ns\"",
    "\"7 d\"",
    "\"1 h\"",
    "\"100 ms\"",
    "\"1 tokens\"",
    "\"4G tokens\"",
    "\"1 tokens/min\"",
    "\"0.001 sessions/s\"",
    "\"100 %\"",
    "\"deep\"",
    "\"dns_failover\"",
    "\"weighted\"",
    "\"least_busy\"",
    "\"round_robin\"",
    "\"in_order\"",
    "{ constant = \"0 s\" }",
    "{ constant = \"1 d\" }",
    "{ exponential = { mean = \"1 h\" } }",
    "{ uniform = { min = \"0 s\", max = \"1 d\" } }",
    "{ lognormal = { p50 = \"1 ns\", p95 = \"1 d\" } }",
    "\"3660 d\"",
    "{ constant = \"3660 d\" }",
    "{ exponential = { mean = \"3660 d\" } }",
    "{ lognormal = { p50 = \"1 s\", p95 = \"3660 d\" } }",
];

#[derive(Clone, Debug)]
enum Mutation {
    Cut(usize, usize),
    Insert(usize, usize),
    Copy(usize, usize),
    Truncate(usize),
    Value(usize, usize),
    Swap(usize, usize),
    Number(usize, usize),
}

/// Numbers at the ends of what some key takes, or beyond.
const NUMBERS: &[&str] = &["0", "1", "2", "3", "0.5", "0.001", "17", "100", "1000", "1e6", "9e9"];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0usize..100_000;
    prop_oneof![
        (at.clone(), 1usize..40).prop_map(|(a, n)| Mutation::Cut(a, n)),
        (at.clone(), 0..PIECES.len()).prop_map(|(a, p)| Mutation::Insert(a, p)),
        (at.clone(), at.clone()).prop_map(|(a, b)| Mutation::Copy(a, b)),
        at.clone().prop_map(Mutation::Truncate),
        value_mutation(),
    ]
}

/// Mutations after which the text is mostly still TOML.
fn value_mutation() -> impl Strategy<Value = Mutation> {
    let at = 0usize..100_000;
    prop_oneof![
        2 => (at.clone(), 0..PIECES.len()).prop_map(|(a, p)| Mutation::Value(a, p)),
        1 => (at.clone(), at.clone()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        6 => number_mutation(),
    ]
}

/// A number that stands alone or with a unit is replaced.
fn number_mutation() -> impl Strategy<Value = Mutation> {
    (0usize..100_000, 0..NUMBERS.len()).prop_map(|(a, n)| Mutation::Number(a, n))
}

/// Where the n-th value of a text begins and ends: from a `=` to the next delimiter.
fn value_at(chars: &[char], n: usize) -> Option<(usize, usize)> {
    let equals: Vec<usize> = chars.iter().enumerate().filter(|(_, c)| **c == '=').map(|(i, _)| i).collect();
    let start = *equals.get(n % equals.len().max(1))? + 1;
    let length = chars[start..].iter().position(|c| matches!(c, ',' | '\n' | '}'));
    Some((start, length.map_or(chars.len(), |i| start + i)))
}

fn apply(text: &str, m: &Mutation) -> String {
    let chars: Vec<char> = text.chars().collect();
    let n = chars.len().max(1);
    let join = |parts: &[&[char]]| parts.iter().flat_map(|p| p.iter()).collect::<String>();
    match *m {
        Mutation::Cut(a, len) => {
            let a = a % n;
            let b = (a + len).min(chars.len());
            join(&[&chars[..a.min(b)], &chars[b..]])
        }
        Mutation::Insert(a, p) => {
            let a = (a % n).min(chars.len());
            let piece: Vec<char> = PIECES[p].chars().collect();
            join(&[&chars[..a], &piece, &chars[a..]])
        }
        Mutation::Copy(a, b) => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (a, b) = (a % lines.len().max(1), b % lines.len().max(1));
            lines
                .iter()
                .enumerate()
                .map(|(i, l)| if i == b { format!("{l}{}", lines[a]) } else { (*l).to_owned() })
                .collect()
        }
        Mutation::Truncate(a) => chars[..(a % n).min(chars.len())].iter().collect(),
        Mutation::Value(a, p) => {
            let Some((start, end)) = value_at(&chars, a) else { return text.to_owned() };
            let piece: Vec<char> = format!(" {} ", PIECES[p]).chars().collect();
            join(&[&chars[..start], &piece, &chars[end..]])
        }
        Mutation::Number(a, n) => {
            let starts: Vec<usize> = (1..chars.len())
                .filter(|&i| chars[i].is_ascii_digit() && matches!(chars[i - 1], ' ' | '"' | '$'))
                .collect();
            let Some(&start) = starts.get(a % starts.len().max(1)) else { return text.to_owned() };
            let length = chars[start..].iter().position(|c| !matches!(c, '0'..='9' | '.'));
            let number: Vec<char> = NUMBERS[n].chars().collect();
            join(&[&chars[..start], &number, &chars[start + length.unwrap_or(0)..]])
        }
        Mutation::Swap(a, b) => {
            let (Some((start, end)), Some((from, to))) = (value_at(&chars, a), value_at(&chars, b)) else {
                return text.to_owned();
            };
            join(&[&chars[..start], &chars[from..to], &chars[end..]])
        }
    }
}

/// Mutated files per run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500)
}

/// Changes a scenario so that a run of it takes milliseconds: a minute is enough to meet every kind of event.
fn briefly(scenario: &mut Scenario) {
    scenario.horizon = scenario.horizon.min(Span::from_mins(1));
    scenario.warmup = scenario.warmup.min(Span::from_secs(10));
    scenario.interval = scenario.interval.max(Span::from_secs(1));
    for f in &mut scenario.faults {
        if let FaultWhen::At { at, lasts } = &mut f.when {
            (*at, *lasts) = ((*at).min(Span::from_secs(20)), (*lasts).min(Span::from_secs(20)));
        }
    }
    for w in &mut scenario.workloads {
        if let Arrivals::Poisson { rate, .. } = &mut w.arrivals
            && rate.per_sec_f64() > 5.0
        {
            *rate = PerNanos { micro_count: 5_000_000, nanos: 1_000_000_000 };
        }
    }
}

/// Every value of the language, one after the other, at the ends of what it takes.
#[test]
fn every_value_at_its_extremes_is_refused_or_can_be_run() {
    let values = EVERY_KEY.matches('=').count();
    let extremes = PIECES.iter().enumerate().filter(|(_, p)| {
        p.starts_with("{ ") || p.trim_start_matches('"').starts_with(|c: char| c.is_ascii_digit()) && !p.contains('-')
    });
    let extremes: Vec<usize> = extremes.map(|(i, _)| i).collect();
    let (mut ran, mut refused) = (0, 0);
    for value in 0..values {
        let before = EVERY_KEY.match_indices('=').nth(value).map_or("", |(at, _)| &EVERY_KEY[..at]);
        let heading = before.lines().rfind(|l| l.starts_with('[')).unwrap_or("").trim_matches(['[', ']']);
        let own = heading.strip_prefix("topology.").unwrap_or("one");
        let own = own.split('.').next().unwrap_or(own);
        for &piece in &extremes {
            let text = apply(EVERY_KEY, &Mutation::Value(value, piece));
            let Ok(Loaded { mut scenario, .. }) = from_str(&text, "extreme.toml", None) else {
                refused += 1;
                continue;
            };
            briefly(&mut scenario);
            let topology = scenario.topologies.iter().position(|t| t.name == own).unwrap_or(0);
            let record = run(&scenario, topology, 0);
            assert!(record.failed() <= record.requests());
            ran += 1;
        }
    }
    assert!(ran > 500 && refused > 500, "{ran} {refused}");
}

/// What the tests with mutated values do not state, they do not test. A replayed file needs a file and excludes a trace.
#[test]
fn the_scenario_with_every_key_has_every_key() {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let words: Vec<&str> = EVERY_KEY.split(|c| !word(c)).collect();
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut missing = Vec::new();
    for (name, definition) in definitions {
        let variants = definition.get("oneOf").and_then(|o| o.as_array()).into_iter().flatten();
        let tables = variants.chain([definition]).filter_map(|d| d.get("properties")?.as_object());
        let keys = tables.flat_map(|t| t.keys().map(String::as_str));
        missing.extend(keys.filter(|key| *key != "file" && !words.contains(key)).map(|key| format!("{name}: {key}")));
    }
    assert_eq!(missing, [""; 0], "add them to tests/every_key.toml");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file holds, the answer is a scenario or errors that can be printed and that say where they are. More
    /// with `PROPTEST_CASES=200000 cargo test --release --test scenario mutated`.
    #[test]
    fn mutated_scenarios_never_panic(which in 0usize..3, mutations in prop::collection::vec(mutation(), 1..6)) {
        let chat = include_str!("../scenarios/global-chat.toml");
        let mut text = [chat, starter(), GOOD][which].to_owned();
        for m in &mutations {
            text = apply(&text, m);
        }
        match from_str(&text, "fuzz.toml", None) {
            Ok(loaded) => prop_assert_eq!(loaded.warnings.errors(), 0),
            Err(d) => {
                prop_assert!(d.errors() > 0);
                prop_assert!(!d.to_string().is_empty() && !d.render(true).is_empty());
                for one in d.list() {
                    prop_assert!(one.line >= 1 && one.column >= 1 && one.loc.start <= text.len());
                    prop_assert!(!one.render("fuzz.toml", &text).is_empty());
                    let whole_file = one.message.starts_with("missing key") && !one.message.contains(" in `")
                        || one.message.starts_with("the file ");
                    prop_assert!(whole_file || one.loc != Loc::START, "without a place: {}", one.message);
                }
            }
        }
    }
    /// What validation lets through can be run: no invariant breaks and nothing panics, however odd the values are.
    #[test]
    fn mutated_scenarios_that_load_can_be_run(
        which in 0usize..3,
        mutations in prop::collection::vec(value_mutation(), 1..4),
    ) {
        let mut text = [starter(), GOOD, EVERY_KEY][which].to_owned();
        for m in &mutations {
            text = apply(&text, m);
        }
        let Ok(Loaded { mut scenario, .. }) = from_str(&text, "fuzz.toml", None) else { return Ok(()) };
        briefly(&mut scenario);
        for topology in 0..scenario.topologies.len() {
            let record = run(&scenario, topology, 0);
            prop_assert!(record.failed() <= record.requests());
        }
    }
}
