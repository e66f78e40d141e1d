//! Claim 26: whom a provider's outage hits.

use super::figures::{Figures, Run, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "26-provider-outage.toml";
const TWO: &str = "aws:eu-west-1";
const ONE: &str = "aws:ap-southeast-1";
const ASSUMPTION: &str = "the second provider takes the whole load at once";

pub(super) const CLAIM: Claim = Claim {
    number: 26,
    claim: "A provider outage spares a region that has two providers.",
    published: "no figures: spares",
    tolerance: "Failed requests sent during the outage: over 98 % with one provider; under 1 % with two if the second has \
                no quota. Without that assumption only if a second provider with a quota for a third spares the region too.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

/// Share of a region's requests sent during the outage that failed.
fn failed_share(run: Run<'_>, topology: &str, region: &str) -> Result<f64, ClaimError> {
    let t = run.topology(topology)?;
    let incident = t.incidents.first().ok_or_else(|| run.missing("incident"))?;
    let series = t.timeline.iter().find(|s| s.region == region).ok_or_else(|| run.missing("timeline"))?;
    let from = (incident.at_s / series.interval_s) as usize;
    let until = ((incident.at_s + incident.lasted_s) / series.interval_s) as usize;
    let cells = series.cells.get(from..until).ok_or_else(|| run.missing("timeline over the outage"))?;
    let (sent, failed) = cells.iter().fold((0, 0), |(s, f), c| (s + c.requests, f + c.failed));
    Ok(failed as f64 / sent.max(1) as f64)
}

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let mut of = |topology: &str, region: &str, name: &str| -> Result<f64, ClaimError> {
        Ok(figures.put(format!("failed_share_in_outage.{name}"), failed_share(run, topology, region)?))
    };
    let two = of("ample", TWO, "two_providers")?;
    let small = of("small", TWO, "two_providers_small_quota")?;
    let alone = of("one-provider", TWO, "same_region_one_provider")?;
    let one = of("ample", ONE, "one_provider")?;
    let spared = two < 0.01 && one > 0.98 && alone > 0.98;
    let verdict = match (spared, small < 0.01) {
        (true, true) => Verdict::Reproduced,
        (true, false) => Verdict::ReproducedUnder(ASSUMPTION.to_owned()),
        (false, _) => Verdict::Refuted,
    };
    let percent = |x: f64| 100.0 * x;
    Ok(Finding {
        ours: format!(
            "during the outage {:.1} % of the requests fail in the region with two providers and {:.1} % in the one with \
             one; {:.0} % in the first if the second provider has a quota for a third of the load",
            percent(two),
            percent(one),
            percent(small)
        ),
        verdict,
        explanation: format!(
            "What fails with two are answers that break off when the outage begins. With a quota for a third not even that \
             third is served: one 429 puts the second provider into cool-down, as it does the first, and then the gateway \
             has nobody ({:.0} % fail instead of 67 %). Without the second provider the same region loses {:.1} %.",
            percent(small),
            percent(alone)
        ),
        figures: figures.0,
    })
}
