//! Why a region: the candidates of every way to steer, what was known of each, how old that was, and why the others were out.

use super::followed;
use geodes::routing::reason::Reason;
use geodes::routing::steering::{Area, Policy, Rule, SteeringReason, Unfit};
use geodes::scenario::model::{FaultWhen, Scenario};
use geodes::study::explain::explain;
use geodes::units::{Continent, Span, Time};
use geodes::world::chronicle::Follow;
use geodes::world::story::What;
use std::collections::BTreeMap;
use std::path::Path;

const REGIONS: usize = 3;
const IRELAND: u8 = 1;

/// Ireland is down for some of the minutes that are looked at.
fn outage() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/policies/steering-outage.toml");
    let mut s = geodes::scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).scenario;
    (s.warmup, s.horizon) = (Span::from_mins(2), Span::from_mins(5));
    s.faults[0].when = FaultWhen::At { at: Span::from_mins(1), lasts: Span::from_mins(2) };
    s
}

/// What was said of one region.
#[derive(Clone, Debug, Default)]
struct Line {
    out: Option<Unfit>,
    /// Healthy, seconds since the last check began, seconds for which the checks have said so.
    verdict: Option<(bool, Option<f64>, Option<f64>)>,
    /// Value and age in seconds.
    figures: BTreeMap<&'static str, (f64, Option<f64>)>,
    records: Vec<Area>,
}

impl Line {
    fn value(&self, what: &str) -> f64 {
        self.figures.get(what).unwrap_or_else(|| panic!("no {what} in {self:?}")).0
    }
}

/// One choice of a region, as it was told.
#[derive(Clone, Debug, Default)]
struct Told {
    number: u64,
    lines: BTreeMap<u8, Line>,
    band: Option<(Span, Span)>,
    open: bool,
    chosen: Vec<(u8, Rule)>,
}

impl Told {
    fn hear(&mut self, at: Time, reason: &SteeringReason) {
        let line = |lines: &mut BTreeMap<u8, Line>, endpoint| {
            assert!(lines.contains_key(&endpoint), "what is known of a region stands behind its line");
            lines.remove(&endpoint).unwrap()
        };
        let age = |t: Option<Time>| t.map(|t| at.since(t).as_secs_f64());
        match *reason {
            SteeringReason::Candidate { endpoint } => {
                assert!(self.lines.insert(endpoint, Line::default()).is_none());
            }
            SteeringReason::Excluded { endpoint, because } => {
                let line = Line { out: Some(because), ..Line::default() };
                assert!(self.lines.insert(endpoint, line).is_none());
            }
            SteeringReason::Verdict { endpoint, verdict: v } => {
                let verdict = Some((v.healthy, age(v.checked), age(v.since)));
                let line = Line { verdict, ..line(&mut self.lines, endpoint) };
                self.lines.insert(endpoint, line);
            }
            SteeringReason::Scored { endpoint, what, value, as_of } => {
                assert!(as_of.is_none_or(|t| t <= at), "known before it was learned");
                let mut line = line(&mut self.lines, endpoint);
                line.figures.insert(what, (value, age(as_of)));
                self.lines.insert(endpoint, line);
            }
            SteeringReason::Record { endpoint, area } => {
                let mut line = line(&mut self.lines, endpoint);
                line.records.push(area);
                self.lines.insert(endpoint, line);
            }
            SteeringReason::Band { fastest, limit } => self.band = Some((fastest, limit)),
            SteeringReason::FailOpen => self.open = true,
            SteeringReason::Chosen { endpoint, rule } => self.chosen.push((endpoint, rule)),
            SteeringReason::OtherGroups | SteeringReason::NoAnswer => {}
        }
    }

    fn answer(&self) -> &Line {
        &self.lines[&self.chosen[0].0]
    }

    /// Regions that might have been the answer, with what they were judged by.
    fn candidates<'a>(&'a self, what: &'a str) -> impl Iterator<Item = (u8, f64)> + 'a {
        self.lines.iter().filter(|(_, l)| l.out.is_none()).map(move |(i, l)| (*i, l.value(what)))
    }

    /// The answer has the least of what the candidates were judged by.
    fn least(&self, what: &str) {
        let least = self.candidates(what).map(|c| c.1).fold(f64::INFINITY, f64::min);
        assert_eq!(self.answer().value(what), least, "{self:?}");
    }
}

/// Every choice of a region in the topology; each has a line for every region.
fn told(s: &Scenario, topology: &str) -> Vec<Told> {
    let t = super::topology(s, topology);
    let (_, stories) = followed(s, t, Follow::Everybody);
    let mut all = Vec::new();
    for story in &stories {
        for step in &story.steps {
            match step.what {
                What::Steered => all.push(Told { number: story.number, ..Told::default() }),
                What::Because(Reason::Steering(ref reason)) => all.last_mut().unwrap().hear(step.at, reason),
                _ => {}
            }
        }
    }
    // a name that is in the resolver's cache is not decided upon
    all.retain(|told| !told.lines.is_empty());
    assert!(all.len() > 20, "{topology}: {}", all.len());
    for told in &all {
        assert_eq!((told.lines.len(), told.chosen.is_empty()), (REGIONS, false), "{told:?}");
        assert!(told.chosen.iter().all(|(i, _)| told.lines[i].out.is_none()), "{told:?}");
    }
    all
}

/// Verdicts are as old as checks are, and those who fail them are out: every 10 s, three in a row, a time-out of seconds each.
fn obeys(all: &[Told]) {
    let mut out = 0;
    for told in all {
        for (i, line) in &told.lines {
            let (healthy, checked, since) = line.verdict.expect("the policy obeys health checks");
            assert!(checked.expect("checks have been made for minutes") <= 25.0, "{told:?}");
            assert_eq!(matches!(line.out, Some(Unfit::Unhealthy)), !healthy && !told.open, "{told:?}");
            if !healthy {
                assert!(*i == IRELAND && since.expect("it was healthy once") <= 180.0, "{told:?}");
                out += 1;
            }
        }
    }
    assert!(out > 3, "Ireland is out for minutes");
}

/// What the regions were judged by decides, and the figures of the real systems are there.
#[test]
fn who_has_the_least_is_the_answer_and_the_figures_are_told() {
    let s = outage();
    for (topology, what, rule) in [
        ("latency", "latency in the name service's table in ms", Rule::LowestLatency),
        ("failover", "place in the order", Rule::FirstInOrder),
        ("geoproximity", "distance as the bias makes it look in km", Rule::LeastBiasedDistance),
        ("cloudflare-proximity", "distance on the map in km", Rule::NearestOnTheMap),
        ("cloudflare-dynamic", "average round trip of the monitor in ms", Rule::FastestMonitor),
    ] {
        let all = told(&s, topology);
        obeys(&all);
        for told in &all {
            assert_eq!(told.chosen[0].1, rule);
            told.least(what);
            // an average of probes is as old as the last that was answered: one every 10 s, none from a dead region
            let ages = told.lines.iter().filter_map(|(i, l)| l.figures[what].1.map(|age| (i, age)));
            let mut known = 0;
            for (i, age) in ages {
                assert!(age <= if *i == IRELAND { 150.0 } else { 11.0 }, "{topology}: {told:?}");
                known += 1;
            }
            assert_eq!(known, if topology == "cloudflare-dynamic" { REGIONS } else { 0 }, "{topology}: {told:?}");
        }
        if topology == "cloudflare-dynamic" {
            let stale = all.iter().any(|t| t.lines[&IRELAND].figures[what].1.unwrap() > 20.0);
            assert!(stale && all.iter().all(|t| t.answer().value("monitor requests answered") > 5.0));
        }
        if topology == "geoproximity" {
            assert!(all.iter().all(|t| t.lines[&IRELAND].value("bias in %") == 60.0));
        }
    }
}

#[test]
fn weights_dials_and_records_are_told() {
    let s = outage();
    let weighted = told(&s, "weighted");
    obeys(&weighted);
    for t in &weighted {
        let weights: Vec<f64> = t.lines.values().map(|l| l.value("weight")).collect();
        assert_eq!(weights, [2.0, 2.0, 1.0]);
        let chances: f64 = t.lines.values().map(|l| l.value("chance in %")).sum();
        assert!((chances - 100.0).abs() < 1e-9, "{t:?}");
        assert_eq!(t.lines[&IRELAND].value("chance in %") == 0.0, t.lines[&IRELAND].out == Some(Unfit::Unhealthy));
    }
    let geo = told(&s, "geolocation");
    obeys(&geo);
    for t in &geo {
        // Mumbai and Singapore have a record of their own, but the default is theirs too
        let asia = t.lines[&2].records.contains(&Area::Continent(Continent::Asia));
        assert_eq!(t.lines[&0].records, [Area::Default], "{t:?}");
        let by_asia = t.chosen[0].0 == 2;
        assert_eq!(by_asia, asia, "{t:?}");
        if asia {
            let other = if t.lines[&IRELAND].verdict.unwrap().0 { Unfit::OtherArea } else { Unfit::Unhealthy };
            assert_eq!((t.lines[&0].out, t.lines[&IRELAND].out), (Some(Unfit::LargerArea), Some(other)));
        }
    }
    assert!(geo.iter().any(|t| t.chosen[0].0 == 2));
    let dialled = told(&s, "accelerator");
    obeys(&dialled);
    let away = |t: &&Told| t.lines[&0].out == Some(Unfit::DialledAway { dial: 50 });
    assert!(dialled.iter().filter(away).count() > 20);
    for t in &dialled {
        assert_eq!(t.lines.values().map(|l| l.value("traffic dial in %")).collect::<Vec<_>>(), [50.0, 100.0, 100.0]);
        t.least("round trip in ms");
    }
    let eight = told(&s, "multivalue");
    obeys(&eight);
    assert!(eight.iter().all(|t| t.chosen.len() == t.lines.values().filter(|l| l.out.is_none()).count()));
}

/// Azure's edges: probes every 30 s, the mean of the last four, a band of 50 ms above the fastest.
#[test]
fn front_door_tells_its_probes_and_its_band() {
    const MEAN: &str = "mean of the edge's answered probes in ms";
    let mut s = outage();
    let t = super::topology(&s, "front-door");
    let Policy::FrontDoor(group) = &mut s.topologies[t].steering.policy else { panic!("not Azure's") };
    group.band = Span::from_millis(50);
    let all = told(&s, "front-door");
    let (mut outside, mut failing) = (0, 0);
    for t in &all {
        let (fastest, limit) = t.band.unwrap();
        assert_eq!(limit, fastest + Span::from_millis(50));
        for (i, l) in &t.lines {
            assert!(l.verdict.is_none(), "health checks are not its business");
            let age = l.figures["probes answered"].1;
            assert!(age.unwrap() <= 40.0 && l.value("of the last probes") == 4.0, "{t:?}");
            // there is no mean of no answer
            assert_eq!(l.figures.contains_key(MEAN), l.value("probes answered") > 0.0);
            let mean = l.figures.get(MEAN).map_or(f64::NAN, |f| f.0);
            match l.out {
                Some(Unfit::OutsideBand { limit: l }) => {
                    assert!(l == limit && mean > limit.as_millis_f64(), "{t:?}");
                    outside += 1;
                }
                Some(Unfit::ProbesFail { answered, probes: 4, allowed: 2 }) => {
                    assert!(
                        *i == IRELAND && answered < 2 && f64::from(answered) == l.value("probes answered"),
                        "{t:?}"
                    );
                    failing += 1;
                }
                None => assert!(mean >= fastest.as_millis_f64() - 1e-6 && mean <= limit.as_millis_f64(), "{t:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(outside > 100 && failing > 20, "{outside} {failing}");
}

/// A load balancer's report and share are as old as its last measurement that has taken effect.
#[test]
fn a_waterfall_tells_shares_reports_and_their_age() {
    const SHARE: &str = "share of the edge's requests in %";
    let all = told(&outage(), "waterfall");
    obeys(&all);
    let s = outage();
    let Policy::Waterfall(config) = &s.topologies[super::topology(&s, "waterfall")].steering.policy else {
        panic!("not a waterfall")
    };
    let oldest = (config.interval + config.lag).as_secs_f64();
    let mut not_needed = 0;
    for t in &all {
        let shares: f64 = t.lines.values().map(|l| l.value(SHARE)).sum();
        assert!((shares - 100.0).abs() < 1e-6, "{t:?}");
        for l in t.lines.values() {
            for what in [SHARE, "reported utilisation in %"] {
                let age = l.figures[what].1.unwrap();
                assert!(age >= config.lag.as_secs_f64() && age <= oldest, "{what}: {t:?}");
            }
            if l.out == Some(Unfit::NotNeeded) {
                assert_eq!(l.value(SHARE), 0.0);
                not_needed += 1;
            }
        }
    }
    assert!(not_needed > 100, "{not_needed}");
}

/// Networks know their routes, programs their own requests: neither knows a verdict.
#[test]
fn networks_and_programs_tell_what_they_know_themselves() {
    let s = outage();
    let networks = told(&s, "anycast");
    let mut gone = 0;
    for t in &networks {
        t.least("place among the network's routes");
        for (i, l) in &t.lines {
            assert!(l.verdict.is_none());
            if let Some(Unfit::NoRoute { since }) = l.out {
                assert!(*i == IRELAND && since.is_some());
                assert!(t.answer().figures["place among the network's routes"].1.is_some(), "it moved there: {t:?}");
                gone += 1;
            }
        }
    }
    assert!(gone > 3, "{gone}");
    const MEAN: &str = "mean of the client's own requests in ms";
    let programs = told(&s, "client-probing");
    let mut best = 0;
    for t in &programs {
        if t.chosen[0].1 == Rule::LowestAverage {
            t.least(MEAN);
            assert!(t.lines.values().all(|l| l.verdict.is_none() && l.figures[MEAN].1.is_some()), "{t:?}");
            best += 1;
        }
        assert!(t.lines.values().all(|l| (l.value("requests in that mean") > 0.0) == l.figures.contains_key(MEAN)));
    }
    assert!(best > 100, "{best}");
}

/// Text and JSON: one line per region with all that was known, and the same as typed fields.
#[test]
fn a_region_has_one_line_and_typed_fields() {
    let s = outage();
    let all = told(&s, "cloudflare-dynamic");
    let t = all.iter().find(|t| t.lines[&IRELAND].out == Some(Unfit::Unhealthy)).unwrap();
    let tale = explain(&s, super::topology(&s, "cloudflare-dynamic"), 0, t.number).unwrap();
    let v = serde_json::to_value(&tale).unwrap();
    let of = |step: &str| -> Vec<&serde_json::Value> {
        v["steps"].as_array().unwrap().iter().filter(|s| s["step"] == step).collect()
    };
    let (candidates, out, chosen) = (of("region_candidate"), of("region_excluded"), of("region_chosen"));
    assert_eq!((candidates.len(), out.len(), chosen.len()), (2, 1, 1), "{v:#}");
    for line in candidates.iter().chain(&out) {
        let score = &line["scores"][0];
        assert_eq!(score["what"], "average round trip of the monitor in ms");
        assert!(score["value"].as_f64().unwrap() > 0.0 && score["age_s"].as_f64().unwrap() >= 0.0, "{line:#}");
        assert!(line["verdict"]["checked_s"].as_f64().unwrap() < 25.0, "{line:#}");
        assert!(line["text"].as_str().unwrap().contains("last check "), "{line:#}");
    }
    assert_eq!((&out[0]["region"], &out[0]["because"]), (&"aws:eu-west-1".into(), &"unhealthy".into()));
    assert_eq!(out[0]["verdict"]["healthy"], false);
    assert!(out[0]["verdict"]["since_s"].as_f64().unwrap() > 0.0);
    assert!(of("scored").is_empty() && of("verdict").is_empty());
}
