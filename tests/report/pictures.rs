//! Charts are looked at by people; these tests hold what can be checked without eyes: well-formed XML, what must be
//! written on each chart, the shading of faults, and that no text leaves the picture or runs into another.

use crate::sample;
use geodes::report::{charts, files};
use geodes::study::result::RunResult;

/// One element of the picture, as far as the tests need it.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|a| a.0 == name).map_or("", |a| &a.1)
    }
    fn number(&self, name: &str) -> f64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{} has {name}={:?}", self.name, self.get(name)))
    }
}

/// Reads the XML that the charts use; panics where it is not well-formed.
fn parse(svg: &str) -> Vec<Element> {
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut rest = svg.trim();
    while let Some(i) = rest.find('<') {
        if let Some(top) = open.last() {
            all[top.1].text.push_str(rest[..i].trim());
        } else {
            assert_eq!(rest[..i].trim(), "", "text outside of the picture");
        }
        let end = i + rest[i..].find('>').expect("a tag ends");
        let tag = &rest[i + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().map(|o| o.0).as_deref(), Some(name));
            continue;
        }
        let closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, mut more) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while let Some((key, tail)) = more.trim_start().split_once("=\"") {
            let (value, tail) = tail.split_once('"').expect("a value ends");
            assert!(!value.contains('<'));
            attributes.push((key.to_owned(), value.to_owned()));
            more = tail;
        }
        assert_eq!(more.trim(), "", "{tag}");
        all.push(Element { name: name.to_owned(), attributes, text: String::new() });
        if !closed {
            open.push((name.to_owned(), all.len() - 1));
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "every tag is closed");
    assert_eq!(all[0].name, "svg");
    all
}

fn charts_of(run: &RunResult) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for t in &run.topologies {
        let of = charts::of_topology(run, t).unwrap();
        all.extend(of.into_iter().map(|(name, svg)| (format!("{}/{name}", t.name), svg)));
    }
    all.extend(charts::of_run(run).unwrap().into_iter().map(|(name, svg)| (name.to_owned(), svg)));
    all
}

fn texts(svg: &str) -> Vec<String> {
    parse(svg).into_iter().filter(|e| e.name == "text").map(|e| e.text).collect()
}

fn has(svg: &str, wanted: &[&str]) {
    let all = texts(svg);
    for w in wanted {
        assert!(all.iter().any(|t| t == w), "{w:?} is not among {all:?}");
    }
}

/// Shaded windows of faults: left and right edge in pixels. The legend has one more, narrower than 20 pixels.
fn shaded(svg: &str) -> Vec<(f64, f64)> {
    let fine = 4.0;
    parse(svg)
        .into_iter()
        .filter(|e| e.name == "rect" && e.get("opacity") == "0.13")
        .map(|e| (e.number("x") / fine, (e.number("x") + e.number("width")) / fine))
        .filter(|w| w.1 - w.0 != 18.0)
        .collect()
}

#[test]
fn charts_say_what_they_show_and_in_which_unit() {
    let run = sample::day();
    let t = &run.topologies[2];
    let own = charts::of_topology(&run, t).unwrap();
    assert_eq!(own.iter().map(|c| c.0).collect::<Vec<_>>(), ["latency.svg", "traffic.svg", "distribution.svg"]);
    let faults = ["virginia down (45 min)", "gpt brown-out (30 min)", "fault at work"];
    has(&own[0].1, &faults);
    has(
        &own[0].1,
        &[
            "Time to first token over time: active-active",
            "median",
            "95th percentile",
            "slow: over 2 s",
            "500 ms",
            "2 s",
            "Time to first token (log scale)",
            "12:00",
            "Time of day in hours, UTC (2026-03-02)",
        ],
    );
    has(&own[1].1, &faults);
    has(
        &own[1].1,
        &[
            "Traffic per region over time: active-active",
            "aws:us-east-1",
            "aws:eu-west-1",
            "aws:ap-southeast-1",
            "Share of requests",
            "100 %",
            "Requests per minute",
            "failed",
        ],
    );
    has(
        &own[2].1,
        &[
            "Distribution of latency: active-active",
            "time to first token",
            "time to last token",
            "Latency (log scale)",
            "p99: 1 %",
            "Share of requests at most as slow",
        ],
    );
    let whole = charts::of_run(&run).unwrap();
    assert_eq!(whole.iter().map(|c| c.0).collect::<Vec<_>>(), ["comparison.svg", "cost.svg", "availability.svg"]);
    for (_, svg) in &whole {
        has(svg, &["one-region", "active-passive", "active-active"]);
    }
    has(&whole[1].1, &["1.00×", "1.26×", "$28,176.78", "tokens", "transfer between regions", "Cost in US dollars"]);
    has(&whole[2].1, &["virginia down (45 min)", "gpt brown-out (30 min)", "Failed", "Degraded", "Slow", "100 %"]);
    assert!(texts(&whole[2].1).iter().any(|t| t.contains("Slow: first token after more than 2 s")));
}

#[test]
fn faults_are_shaded_where_they_were() {
    let run = sample::day();
    let own = charts::of_topology(&run, &run.topologies[0]).unwrap();
    let windows = shaded(&own[0].1);
    assert_eq!(windows.len(), 2, "{windows:?}");
    // The plot reaches from 92 to 924 pixels and from midnight to midnight.
    let px = |minute: usize| 92.0 + minute as f64 / 1440.0 * (924.0 - 92.0);
    for (w, fault) in windows.iter().zip([sample::OUTAGE, sample::BROWN_OUT]) {
        assert!((w.0 - px(fault.start)).abs() < 0.5 && (w.1 - px(fault.end)).abs() < 0.5, "{w:?} is not {fault:?}");
    }
    // Once per plot of the traffic chart.
    assert_eq!(shaded(&own[1].1).len(), 4);
    let mut quiet = run.clone();
    quiet.topologies.iter_mut().for_each(|t| t.incidents.clear());
    let own = charts::of_topology(&quiet, &quiet.topologies[0]).unwrap();
    assert!(shaded(&own[0].1).is_empty() && !own[0].1.contains("fault at work"));
}

#[test]
fn a_gap_in_the_data_is_a_gap_in_the_line() {
    let run = sample::day();
    let lines = |t: usize| {
        let svg = &charts::of_topology(&run, &run.topologies[t]).unwrap()[0].1;
        parse(svg).iter().filter(|e| e.name == "polyline" && e.get("stroke") == "#0072B2").count()
    };
    // One in the legend; the single region serves nobody during its outage, three regions always somebody.
    assert_eq!(lines(0), 1 + 2);
    assert_eq!(lines(2), 1 + 1);
}

/// Lines of a colour, each as its points in pixels.
fn lines(svg: &str, color: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |p: &str| {
        let (x, y) = p.split_once(',').expect("a point has two numbers");
        (x.parse::<f64>().unwrap() / 4.0, y.parse::<f64>().unwrap() / 4.0)
    };
    let of = |e: &Element| e.get("points").split_whitespace().map(point).collect();
    parse(svg).iter().filter(|e| e.name == "polyline" && e.get("stroke") == color).map(of).collect()
}

#[test]
fn curves_that_coincide_are_all_seen() {
    let mut run = sample::day();
    let first = run.topologies[0].clone();
    for t in &mut run.topologies[1..] {
        t.distributions.clone_from(&first.distributions);
        t.timeline.clone_from(&first.timeline);
    }
    for (name, svg) in charts::of_run(&run).unwrap().iter().filter(|c| c.0 != "cost.svg") {
        let [solid, dashed, dotted] = ["#0072B2", "#E69F00", "#009E73"].map(|c| lines(svg, c));
        let length = |list: &[Vec<(f64, f64)>]| -> f64 {
            let pairs = list.iter().flat_map(|l| l.windows(2));
            pairs.map(|w| libm::hypot(w[1].0 - w[0].0, w[1].1 - w[0].1)).sum()
        };
        // The later ones leave most of the one below uncovered.
        assert!(length(&dashed) < 0.65 * length(&solid), "{name}");
        assert!(length(&dotted) < 0.35 * length(&solid), "{name}");
        assert!(dashed.len() > 3 * solid.len() && dotted.len() > dashed.len(), "{name}");
    }
}

#[test]
fn each_kind_of_harm_has_a_plot_of_its_own_in_steps() {
    let mut run = sample::day();
    run.topologies.truncate(1);
    let series = &run.topologies[0].timeline[0];
    let cell = series.cells[sample::BROWN_OUT.start + 5];
    assert!(cell.degraded > 0 && cell.slow > 0 && cell.failed > 0);
    let svg = &charts::of_run(&run).unwrap()[2].1;
    // One line in the legend, and per fault failed, degraded and slow; the made-up day has no gap around the faults.
    let all = lines(svg, "#0072B2");
    assert_eq!(all.len(), 1 + 2 * 3);
    for line in &all[1..] {
        for pair in line.windows(2) {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            assert!(dx.abs() < 1.01 || dy == 0.0, "a share is level over its interval: {pair:?}");
        }
    }
    // What one of them counts is not what another one counts.
    let without = |clear: fn(&mut geodes::study::result::SeriesCell)| {
        let mut run = run.clone();
        run.topologies[0].timeline[0].cells.iter_mut().for_each(clear);
        let flat = lines(&charts::of_run(&run).unwrap()[2].1, "#0072B2");
        (1..7).filter(|&i| flat[i] != all[i]).collect::<Vec<_>>()
    };
    assert_eq!(without(|c| c.failed = 0), [1, 4]);
    assert_eq!(without(|c| c.degraded = 0), [5], "nothing was degraded in the outage");
    assert_eq!(without(|c| c.slow = 0), [3, 6]);
}

struct Box {
    text: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// Where each text is, with letters of a plausible mean width.
fn boxes(svg: &str) -> (f64, f64, Vec<Box>) {
    let elements = parse(svg);
    let size: Vec<f64> = elements[0].get("viewBox").split(' ').map(|n| n.parse().unwrap()).collect();
    let boxes = elements
        .iter()
        .filter(|e| e.name == "text")
        .map(|e| {
            let (x, y, height) = (e.number("x"), e.number("y"), e.number("font-size"));
            let long = e.text.chars().count() as f64 * height * 0.52;
            let start = match e.get("text-anchor") {
                "middle" => -long / 2.0,
                "end" => -long,
                _ => 0.0,
            };
            let half = height * 0.45;
            let (left, top, right, bottom) = if e.get("transform").starts_with("rotate(270") {
                (x - half, y - start - long, x + half, y - start)
            } else {
                (x + start, y - half, x + start + long, y + half)
            };
            Box { text: e.text.clone(), left, top, right, bottom }
        })
        .collect();
    (size[2], size[3], boxes)
}

#[test]
fn no_text_leaves_the_picture_or_runs_into_another() {
    for run in [sample::day(), sample::crowd(), sample::empty()] {
        for (name, svg) in charts_of(&run) {
            let (width, height, all) = boxes(&svg);
            for (i, a) in all.iter().enumerate() {
                assert!(
                    a.left >= 0.0 && a.top >= 0.0 && a.right <= width && a.bottom <= height,
                    "{name}: {:?} is cut off",
                    a.text
                );
                for b in &all[i + 1..] {
                    let apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
                    assert!(apart, "{name}: {:?} and {:?} collide", a.text, b.text);
                }
            }
        }
    }
}

#[test]
fn names_cannot_break_the_picture() {
    let mut run = sample::day();
    run.scenario.name = "a < b && \"c\" > 'd'\u{7}".into();
    run.topologies[0].name = "</text><script>".into();
    for (_, svg) in charts_of(&run) {
        assert!(parse(&svg).iter().all(|e| e.name != "script"));
    }
}

#[test]
fn a_run_without_anything_still_draws() {
    let mut run = sample::empty();
    for (_, svg) in charts_of(&run) {
        parse(&svg);
    }
    run.topologies[0].timeline.clear();
    run.topologies[0].cost.by_category.clear();
    run.topologies[0].incidents.clear();
    for (_, svg) in charts_of(&run) {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        parse(&svg);
    }
    run.topologies.clear();
    for (_, svg) in charts_of(&run) {
        parse(&svg);
    }
}

#[test]
fn charts_are_written_beside_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let run = sample::day();
    let written = files::Folder::new(dir.path(), &run.scenario.slug, None).write(&run, true).unwrap().files;
    assert_eq!(written.iter().filter(|p| p.extension().is_some_and(|e| e == "svg")).count(), 3 * 3 + 3);
    let drawn = std::fs::read_to_string(dir.path().join("global-chat/one-region/latency.svg")).unwrap();
    assert_eq!(drawn, charts::of_topology(&run, &run.topologies[0]).unwrap()[0].1);
}
