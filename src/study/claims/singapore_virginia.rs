//! Claim 1: round trips from Singapore to the eastern US.

use super::figures::{Figures, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};
use crate::catalog::{self, LAST_MILE_P50_MS, SAME_REGION_MS};

const FILE: &str = "01-singapore-virginia.toml";
const ASSUMPTION: &str = "the user's way through the Internet is as indirect as is usual at that distance; a measured \
                          backbone and a last mile come out at or below the lower end";
/// `dns.hit` of the scenario.
const DNS_HIT_MS: f64 = 28.7;

pub(super) const CLAIM: Claim = Claim {
    number: 1,
    claim: "A user in Singapore on a service in the eastern US pays 250 to 350 ms of network per round trip; several \
            round trips per turn multiply it.",
    published: "250 to 350 ms per round trip",
    tolerance: "Inside the range for the estimated user and for measured backbones with a last mile: reproduced; for the \
                estimate only: under that assumption. A new connection must cost three round trips within 2 %.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

const PUBLISHED_MS: std::ops::RangeInclusive<f64> = 250.0..=350.0;

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let mut put = |name: &str, value: f64| figures.put(name, value);
    let user = put("rtt_ms{users=singapore}", run.rtt_ms("singapore", "aws:us-east-1")?);
    let backbone = put("rtt_ms{users=singapore-backbone}", run.rtt_ms("singapore-backbone", "aws:us-east-1")?);
    let aws = put("rtt_ms{aws:ap-southeast-1, aws:us-east-1}", run.rtt_ms("aws:ap-southeast-1", "aws:us-east-1")?);
    let known = |id: &str| catalog::region(id).ok_or_else(|| run.missing(format!("region `{id}` in the catalogue")));
    let azure = catalog::rtt(known("azure:southeastasia")?, known("azure:eastus")?).ms;
    let azure = put("rtt_ms{azure:southeastasia, azure:eastus}", azure);
    // the median turn finds the connection open; one in ten opens it, so that the 95th percentile is the middle of those
    let open = run.metric("virginia", "ttft_ms.p50{users=singapore}")? - SAME_REGION_MS;
    let open = put("network_ms.open_connection{users=singapore}", open);
    let new = run.metric("virginia", "ttft_ms.p95{users=singapore}")? - SAME_REGION_MS;
    let new = put("network_ms.new_connection{users=singapore}", new);
    let turns = 10.0;
    let ten = put("ten_requests_ms{users=singapore}", turns * run.metric("virginia", MEAN)?);
    let ten_model = put("ten_requests_ms.model_in_virginia", turns * run.metric("model-in-virginia", MEAN)?);
    let ten_home = put("ten_requests_ms.singapore", turns * run.metric("singapore", MEAN)?);
    let multiple = put("round_trips.new_connection", (new - DNS_HIT_MS) / user);
    let [low, high] = [f64::min(aws, azure), f64::max(aws, azure)].map(|ms| ms + LAST_MILE_P50_MS);

    let in_range = |ms: f64| PUBLISHED_MS.contains(&ms);
    let multiplies = (open / user - 1.0).abs() < 0.02 && (multiple - 3.0).abs() < 0.06;
    let verdict = match (in_range(user), in_range(low) && in_range(backbone)) {
        (true, true) if multiplies => Verdict::Reproduced,
        (true, false) if multiplies => Verdict::ReproducedUnder(ASSUMPTION.to_owned()),
        _ => Verdict::Refuted,
    };
    Ok(Finding {
        ours: format!(
            "{user:.0} ms estimated for a user; {azure:.0} to {aws:.0} ms measured between data centres, {low:.0} to \
             {high:.0} ms with a last mile of 15 ms"
        ),
        verdict,
        explanation: format!(
            "A request over an open connection pays one round trip ({open:.0} ms), over a new one name resolution and \
             {multiple:.2} of them ({new:.0} ms: TCP, TLS 1.3, request). Ten requests in a row cost {:.1} s of network; \
             {:.1} s if the application stands in Singapore and only its model call crosses; {:.1} s if nothing does.",
            ten / 1000.0,
            ten_model / 1000.0,
            ten_home / 1000.0
        ),
        figures: figures.0,
    })
}

const MEAN: &str = "ttft_ms.mean{users=singapore}";
