//! Claim 20: when a stream starts in Frankfurt, New York and the American west.

use super::figures::{Figures, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};
use crate::catalog::LAST_MILE_P50_MS;

const FILE: &str = "20-first-token-by-city.toml";
const ASSUMPTION: &str =
    "near enough means less than 100 ms more than from the nearest region, over an open connection";

pub(super) const CLAIM: Claim = Claim {
    number: 20,
    claim: "A stream starts later in Frankfurt than in New York when both go through us-east-1; the same continent is \
            near enough.",
    published: "no figures: later in Frankfurt, near enough in America",
    tolerance: "Frankfurt later than New York by the difference of their round trips within 30 %; near enough: under 100 \
                ms more than from the nearest region.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

const NEAR_MS: f64 = 100.0;

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let cities = ["new-york", "san-francisco", "los-angeles", "frankfurt"];
    let mut started = Vec::new();
    let mut more = Vec::new();
    let mut path = Vec::new();
    for city in cities {
        let metric = format!("ttft_ms.mean{{users={city}}}");
        let from_virginia = figures.put(format!("{metric}.virginia"), run.metric("virginia", &metric)?);
        let from_nearest = figures.put(format!("{metric}.nearest"), run.metric("nearest", &metric)?);
        let rtt = figures.put(format!("rtt_ms{{users={city}}}"), run.rtt_ms(city, "aws:us-east-1")?);
        started.push(from_virginia);
        more.push(from_virginia - from_nearest);
        path.push((rtt, rtt - run.nearest("nearest", city)?.1));
    }
    let later = figures.put("later_ms.frankfurt_than_new_york", started[3] - started[0]);
    let expected = figures.put("rtt_difference_ms.frankfurt_new_york", path[3].0 - path[0].0);
    let west = figures.put("added_rtt_ms.west_coast.open_connection", f64::max(path[1].1, path[2].1));
    let west_new = figures.put("added_rtt_ms.west_coast.new_connection", 3.0 * west);
    let abroad = figures.put("added_rtt_ms.frankfurt.open_connection", path[3].1);
    // the long way as measured between the two regions, and a last mile
    let measured = run.rtt_ms("aws:eu-central-1", "aws:us-east-1")? + LAST_MILE_P50_MS - (path[3].0 - path[3].1);
    let backbone = figures.put("added_rtt_ms.frankfurt.backbone", measured);
    let is_later = later > 0.0 && (later / expected - 1.0).abs() < 0.3;
    let verdict = match (is_later, west < NEAR_MS, west_new < NEAR_MS) {
        (true, true, true) => Verdict::Reproduced,
        (true, true, false) => Verdict::ReproducedUnder(ASSUMPTION.to_owned()),
        _ => Verdict::Refuted,
    };
    Ok(Finding {
        ours: format!(
            "first token through us-east-1 after {:.0} ms in New York, {:.0} in San Francisco, {:.0} in Los Angeles and \
             {:.0} in Frankfurt (means)",
            started[0], started[1], started[2], started[3]
        ),
        verdict,
        explanation: format!(
            "Frankfurt waits {later:.0} ms longer than New York; the round trip is {expected:.0} ms longer, and one turn \
             in eight opens a connection and pays three. A region nearby would save the west coast {:.0} and {:.0} ms and \
             Frankfurt {:.0} ms ({abroad:.0} ms per open connection, {backbone:.0} ms over a measured backbone). So the continent is near enough for a running conversation ({west:.0} ms per turn), less \
             so for the first turn ({west_new:.0} ms).",
            more[1], more[2], more[3]
        ),
        figures: figures.0,
    })
}
