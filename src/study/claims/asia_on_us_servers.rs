//! Claim 19: Asia on US servers.

use super::figures::{Figures, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "19-asia-on-us-servers.toml";
const ASSUMPTION: &str = "the servers are in the eastern US; in the western US an open connection adds less";

pub(super) const CLAIM: Claim = Claim {
    number: 19,
    claim: "Asia on US servers adds 200 to 300 ms to a request of 2 to 3 s; streaming still pays it before the first \
            token.",
    published: "200 to 300 ms on 2 to 3 s",
    tolerance: "Means over five cities, over open connections and over all requests (one in eight opens a connection), \
                inside the range: from both coasts reproduced, from the eastern US only under that assumption. First \
                token: the same within 5 ms.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

/// What servers on one coast add, in milliseconds.
struct Added<'a> {
    holds: bool,
    e2e: f64,
    ttft: f64,
    open: f64,
    low: f64,
    nearest: &'a str,
    high: f64,
    farthest: &'a str,
}

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let request = figures.put("e2e_ms.mean.asia", run.metric("asia", "e2e_ms.mean")?);
    let usual = (2000.0..=3000.0).contains(&request);
    let mut added = Vec::new();
    for topology in ["us-east", "us-west"] {
        let e2e = run.metric(topology, "e2e_ms.mean")? - request;
        let ttft = run.metric(topology, "ttft_ms.mean")? - run.metric("asia", "ttft_ms.mean")?;
        figures.put(format!("added_e2e_ms.{topology}"), e2e);
        figures.put(format!("added_ttft_ms.{topology}"), ttft);
        let (mut sum, mut low, mut high) = (0.0, f64::INFINITY, 0.0);
        let (mut nearest, mut farthest) = ("", "");
        for g in &run.result.scenario.groups {
            let ms = run.nearest(topology, &g.name)?.1 - run.nearest("asia", &g.name)?.1;
            figures.put(format!("added_rtt_ms.{topology}{{users={}}}", g.name), ms);
            sum += ms * g.share;
            if ms < low {
                (low, nearest) = (ms, &g.city);
            }
            if ms > high {
                (high, farthest) = (ms, &g.city);
            }
        }
        let open = figures.put(format!("added_rtt_ms.{topology}"), sum);
        let in_range = |ms: f64| (200.0..=300.0).contains(&ms);
        let holds = usual && in_range(e2e) && in_range(open) && (e2e - ttft).abs() < 5.0;
        added.push(Added { holds, e2e, ttft, open, low, nearest, high, farthest });
    }
    let [east, west] = &added[..] else { unreachable!("two topologies were looked at") };
    let verdict = match (east.holds, west.holds) {
        (true, true) => Verdict::Reproduced,
        (true, false) => Verdict::ReproducedUnder(ASSUMPTION.to_owned()),
        (false, _) => Verdict::Refuted,
    };
    Ok(Finding {
        ours: format!(
            "{:.0} ms from the eastern US and {:.0} ms from the western US on {:.1} s; over open connections {:.0} and \
             {:.0} ms",
            east.e2e,
            west.e2e,
            request / 1000.0,
            east.open,
            west.open
        ),
        verdict,
        explanation: format!(
            "From the eastern US {:.0} of the {:.0} ms come before the first token, streaming or not. Both are averages: \
             over an open connection one round trip is added, from {:.0} ms ({}) to {:.0} ms ({}) in the east and from \
             {:.0} ms ({}) to {:.0} ms ({}) in the west; a new connection adds three, and one request in eight opens one.",
            east.ttft,
            east.e2e,
            east.low,
            east.nearest,
            east.high,
            east.farthest,
            west.low,
            west.nearest,
            west.high,
            west.farthest
        ),
        figures: figures.0,
    })
}
