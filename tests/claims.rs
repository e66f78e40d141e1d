//! The claims: verdicts as released, figures that agree with closed forms, and the page that is generated from them.

use geodes::catalog;
use geodes::study::claims::{self, ClaimResult};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dir() -> PathBuf {
    root().join("scenarios/claims")
}

/// All claims, run once for all tests of this file.
fn results() -> &'static [ClaimResult] {
    static RESULTS: OnceLock<Vec<ClaimResult>> = OnceLock::new();
    RESULTS.get_or_init(|| claims::run(&dir(), &mut |_| ()).unwrap_or_else(|e| panic!("{e}")))
}

fn figure(number: u32, name: &str) -> f64 {
    let claim = results().iter().find(|r| r.number == number).unwrap();
    claim.figure(name).unwrap_or_else(|| panic!("claim {number} has no figure {name}: {:?}", claim.figures))
}

fn close(value: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((value - expected).abs() <= tolerance, "{what}: {value}, expected {expected} within {tolerance}");
}

#[test]
fn verdicts_are_those_of_the_release() {
    assert_eq!(results().iter().map(|r| r.number).collect::<Vec<_>>(), [1, 3, 7, 10, 11, 14, 19, 20, 21, 22, 25, 26]);
    for r in results() {
        assert!(r.as_expected(), "claim {}: {} instead of {}\n{}", r.number, r.verdict, r.expected, r.explanation);
        assert!(r.figures.iter().all(|(_, v)| v.is_finite()), "claim {}: {:?}", r.number, r.figures);
    }
}

#[test]
fn the_page_is_generated_from_the_results() {
    let page = root().join("docs/claims.md");
    let now = claims::render_markdown(results());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, &now).unwrap();
    }
    let kept = fs::read_to_string(&page).unwrap_or_default();
    assert!(kept == now, "docs/claims.md is out of date: run this test with UPDATE_DOCS=1");
}

#[test]
fn text_fits_the_terminal() {
    for width in [80, 120, 20] {
        let text = claims::render_text(results(), width);
        let limit = width.max(50);
        for line in text.lines() {
            assert!(line.chars().count() <= limit, "{limit}: {line}");
        }
        assert!(!text.contains("CHANGED"), "{text}");
    }
}

/// Every file of the folder belongs to a claim, and every claim's files are there.
#[test]
fn every_scenario_belongs_to_a_claim() {
    let mut files: Vec<String> =
        fs::read_dir(dir()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut used: Vec<String> = results().iter().flat_map(|r| r.scenario.split(", ").map(str::to_owned)).collect();
    used.sort();
    assert_eq!(files, used);
    for file in files {
        let loaded = geodes::scenario::load(&dir().join(&file)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.warnings.render(false), "", "{file}");
    }
}

/// First bytes in an idle system are sums of round trips and resolution.
#[test]
fn claim_1_counts_round_trips() {
    let rtt = figure(1, "rtt_ms{users=singapore}");
    close(figure(1, "network_ms.open_connection{users=singapore}"), rtt, 0.01 * rtt, "open connection");
    close(figure(1, "network_ms.new_connection{users=singapore}"), 28.7 + 3.0 * rtt, 0.01 * rtt, "new connection");
    // one of them opens the connection and asks for the name; each crosses the region (1 ms)
    close(figure(1, "ten_requests_ms{users=singapore}"), 12.0 * rtt + 10.0 + 40.0, 0.1 * rtt, "ten requests");
    // the shipped matrices
    close(figure(1, "rtt_ms{aws:ap-southeast-1, aws:us-east-1}"), 235.76, 0.01, "AWS");
    close(figure(1, "rtt_ms{azure:southeastasia, azure:eastus}"), 229.0, 0.01, "Azure");
}

/// What a conversation costs more abroad is round trips times their number: seven on one connection, fifteen on five.
#[test]
fn claim_3_adds_up() {
    let s = |c: &str, t: &str, u: &str| figure(3, &format!("conversation_s.{c}.{t}{{users={u}}}"));
    let estimate = figure(3, "added_rtt_ms{users=frankfurt}") / 1000.0;
    for (users, added) in [("frankfurt", estimate), ("plus-150-ms", 0.150), ("plus-200-ms", 0.200)] {
        for (connection, round_trips) in [("open", 7.0), ("new", 15.0)] {
            let more = s(connection, "atlantic", users) - s(connection, "home", users);
            close(more, round_trips * added, 0.01 * round_trips * added + 0.01, &format!("{users}, {connection}"));
            let routed = s(connection, "atlantic-routed", users) - s(connection, "atlantic", users);
            // the provider's 72.5 ms between the coasts instead of 1 ms inside a region
            close(routed, 5.0 * (figure(3, "added_rtt_ms.provider_routing") - 1.0) / 1000.0, 0.01, "routing");
        }
    }
}

/// Detection depends on the checks, the move after it on the time to live, and those who keep records stay longer.
#[test]
fn claim_7_is_detection_and_time_to_live() {
    let after = |metric: &str, of: &str| {
        figure(7, &format!("incident.{metric}{{{of}}}")) - figure(7, &format!("incident.detected_s{{{of}}}"))
    };
    let detected = |t: &str| figure(7, &format!("incident.detected_s{{failover, {t}}}"));
    assert_eq!(detected("ttl-30"), detected("ttl-300"));
    assert!((24.0..=34.0).contains(&detected("ttl-60")) && (64.0..=94.0).contains(&detected("ttl-60-slow-checks")));
    for metric in ["moved_half_s", "moved_99_s"] {
        assert!(after(metric, "failover, ttl-30") < after(metric, "failover, ttl-60"), "{metric}");
        assert!(after(metric, "failover, ttl-60") < after(metric, "failover, ttl-300"), "{metric}");
    }
    for ttl in ["ttl-30", "ttl-60"] {
        let (all, some) = (
            after("moved_99_s", &format!("failover, {ttl}")),
            after("moved_99_s", &format!("extending-resolvers, {ttl}")),
        );
        assert!(some > 2.0 * all, "{ttl}: {some} against {all}");
    }
    // conversations: geometric with mean ten turns of about 11.5 s, so 1 % of them live for about ln(100) * 115 s
    close(after("moved_99_s", "live-connections, ttl-60"), 4.6 * 115.0, 100.0, "live connections");
}

/// The shares of the cities are those of their countries' Internet users, as the file says.
#[test]
fn claim_14_weighs_cities_by_internet_users() {
    let scenario = geodes::scenario::load(&dir().join("14-near-application.toml")).unwrap().scenario;
    let mut by_country: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for g in &scenario.groups {
        let city = catalog::cities().iter().find(|c| c.name == g.city && c.place == g.place).unwrap();
        by_country.entry(city.country.clone()).or_default().push(g.share);
    }
    let users = |iso: &str| catalog::country(iso).unwrap().internet_users.unwrap() as f64;
    let total: f64 = by_country.keys().map(|iso| users(iso)).sum();
    for (iso, shares) in &by_country {
        let each = users(iso) / total / shares.len() as f64;
        assert!(shares.iter().all(|s| (s - each).abs() <= 1.000_001e-6), "{iso}: {shares:?}, expected {each}");
        assert_eq!(shares.len(), if users(iso) >= 1e8 { 4 } else { 1 }, "{iso}");
    }
    // every country of that size with a city in the catalogue is in
    let missing: Vec<&str> = catalog::countries()
        .iter()
        .filter(|c| c.internet_users.is_some_and(|n| n >= 10_000_000))
        .filter_map(|c| c.iso2.as_deref())
        .filter(|iso| !by_country.contains_key(*iso) && catalog::cities().iter().any(|c| c.country == *iso))
        .collect();
    assert_eq!(missing, [""; 0]);
    let world: u64 = catalog::countries().iter().filter_map(|c| c.internet_users).sum();
    close(total / world as f64, 0.92, 0.005, "part of the world's Internet users");
}

/// More regions are nearer, and the medians lie below the tails.
#[test]
fn claim_14_is_ordered() {
    let get = |stat: &str, t: &str| figure(14, &format!("network_ms.{stat}.{t}"));
    for t in ["ireland-singapore", "frankfurt-singapore", "frankfurt-tokyo", "frankfurt-hong-kong", "frankfurt-mumbai"]
    {
        assert!(get("p50", t) < get("p95", t) && get("p95", t) < get("p99", t), "{t}");
        assert!(get("p95", "twelve-regions") < get("p95", t), "{t}");
    }
}

/// Common random numbers: what distance adds is the round trips, one per turn and two more for one turn in eight.
#[test]
fn claim_19_adds_round_trips_and_nothing_else() {
    for topology in ["us-east", "us-west"] {
        let cities = ["tokyo", "seoul", "singapore", "jakarta", "mumbai"];
        let sum: f64 = cities.iter().map(|c| figure(19, &format!("added_rtt_ms.{topology}{{users={c}}}"))).sum();
        let expected = 1.25 * sum / cities.len() as f64;
        close(figure(19, &format!("added_ttft_ms.{topology}")), expected, 0.03 * expected, topology);
    }
}

/// A provider that is down refuses at once: what fail-over costs is the distance to whoever answers.
#[test]
fn claim_10_is_the_round_trip_between_the_regions() {
    let rtt = figure(10, "rtt_ms{aws:eu-west-1, aws:us-east-1}");
    let more = figure(10, "added_ms.other-region") - figure(10, "added_ms.other-provider");
    close(more, rtt, 0.25 * rtt, "added by the other region");
    assert_eq!(figure(10, "incident.failed.other-provider"), figure(10, "incident.failed.other-region"));
}

/// Quotas add up; those of an account do not.
#[test]
fn claim_11_adds_quotas_up() {
    let served = |t: &str| figure(11, &format!("served_per_min.{t}"));
    for (t, quotas) in
        [("one-region", 1.0), ("two-regions", 2.0), ("three-regions", 3.0), ("two-regions-one-account", 1.0)]
    {
        // 120 a minute, and the burst of two
        close(served(t), 120.0 * quotas, 2.4 * quotas, t);
    }
}

/// The second-best region cannot be better than the best, nor one of the map's.
#[test]
fn claim_21_is_ordered() {
    for c in ["all", "north-america", "europe", "asia"] {
        let added = |what: &str| figure(21, &format!("added_ms.{what}.{c}"));
        assert!((-1.0..=added("second_best") + 1.0).contains(&added("geolocation")), "{c}");
        assert!(added("wrong_continent") > added("second_best"), "{c}");
    }
}

/// GeoDNS errs for the tenth of its resolvers that stand elsewhere, unless elsewhere has the same nearest region.
#[test]
fn claim_22_errs_where_resolvers_do() {
    let off = |t: &str, kind: &str| figure(22, &format!("cross_region_share.{t}.{kind}"));
    assert!((0.03..0.1).contains(&off("geo-dns", "network")), "{}", off("geo-dns", "network"));
    close(off("probing-seldom", "network"), 0.01, 0.005, "turns that explore");
    assert!(off("probing", "product") > off("geo-dns", "product"));
}

/// Whoever has one provider is down with it.
#[test]
fn claim_26_depends_on_the_second_provider() {
    let failed = |t: &str| figure(26, &format!("failed_share_in_outage.{t}"));
    assert!(failed("two_providers") < failed("two_providers_small_quota"));
    assert!(failed("two_providers_small_quota") < failed("same_region_one_provider"));
    close(failed("one_provider"), failed("same_region_one_provider"), 0.01, "one provider");
}
