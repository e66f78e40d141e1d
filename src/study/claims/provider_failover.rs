//! Claim 10: another provider inside the region, or another region.

use super::figures::{Figures, Run, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "10-provider-failover.toml";
const ASSUMPTION: &str = "the other provider's model is as fast as the first one's";

pub(super) const CLAIM: Claim = Claim {
    number: 10,
    claim: "Fail-over to another provider inside the region is faster than fail-over to another region.",
    published: "no figures: faster",
    tolerance: "Median time to first token during the outage less that before it. In the region: under 30 ms more. In \
                another region: more than that by the round trip between the regions within 25 %.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

/// Mean over the minutes of the median time to first token, ms: before the outage, and during it.
fn medians(run: Run<'_>, topology: &str) -> Result<(f64, f64), ClaimError> {
    let t = run.topology(topology)?;
    let incident = t.incidents.first().ok_or_else(|| run.missing("incident"))?;
    let series = t.timeline.first().ok_or_else(|| run.missing("timeline"))?;
    let at = (incident.at_s / series.interval_s) as usize;
    let until = ((incident.at_s + incident.lasted_s) / series.interval_s) as usize;
    let mean = |from: usize, to: usize| -> Result<f64, ClaimError> {
        let cells = series.cells.get(from..to).ok_or_else(|| run.missing("timeline over the outage"))?;
        let medians: Vec<f64> = cells.iter().filter_map(|c| c.ttft_p50_ms).collect();
        if medians.is_empty() {
            return Err(run.missing("answers around the outage"));
        }
        Ok(medians.iter().sum::<f64>() / medians.len() as f64)
    };
    Ok((mean(0, at)?, mean(at, until)?))
}

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let mut added = |topology: &str| -> Result<(f64, f64), ClaimError> {
        let (before, during) = medians(run, topology)?;
        figures.put(format!("ttft_p50_ms.before.{topology}"), before);
        figures.put(format!("ttft_p50_ms.during.{topology}"), during);
        let more = figures.put(format!("added_ms.{topology}"), during - before);
        let failed = run.metric(topology, "incident.failed{incident=provider down}")?;
        Ok((more, figures.put(format!("incident.failed.{topology}"), failed)))
    };
    let (provider, lost) = added("other-provider")?;
    let (region, lost_too) = added("other-region")?;
    let rtt = figures.put("rtt_ms{aws:eu-west-1, aws:us-east-1}", run.rtt_ms("aws:eu-west-1", "aws:us-east-1")?);
    let holds = provider < 30.0 && (region - provider - rtt).abs() < 0.25 * rtt;
    let verdict = if holds { Verdict::ReproducedUnder(ASSUMPTION.to_owned()) } else { Verdict::Refuted };
    Ok(Finding {
        ours: format!(
            "the median first token comes {provider:.0} ms later with another provider in the region, {region:.0} ms later \
             with the same one in another region"
        ),
        verdict,
        explanation: format!(
            "The failed call itself costs a few milliseconds, because a provider that is down refuses at once, and the \
             cool-down spares most requests even that. What is left is the round trip between the regions, {rtt:.0} ms. It \
             is all that the other provider may be slower by: models differ by more. The answers that break off are lost \
             either way ({lost:.0} and {lost_too:.0} requests). Moving the users themselves takes the minute and more of \
             claim 7."
        ),
        figures: figures.0,
    })
}
