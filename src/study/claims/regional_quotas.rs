//! Claim 11, the half about routing: what quotas of several regions let through.

use super::figures::{Figures, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "11-regional-quotas.toml";
const ASSUMPTION: &str = "the provider counts per region, as Azure OpenAI and Amazon Bedrock do; OpenAI and Anthropic \
                          count per organisation";
/// The quota of one deployment.
const PER_MINUTE: f64 = 120.0;

pub(super) const CLAIM: Claim = Claim {
    number: 11,
    claim: "Regional quotas: two regions serve more than one before 429s begin. (The half about routing; where users go \
            is not part of it.)",
    published: "no figures: more than one",
    tolerance: "Served per minute at five times the quota: one, two and three regional quotas, each within 2 %; two \
                regions under one quota: one quota within 2 %.",
    scenarios: &[FILE],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let mut served = |topology: &str| -> Result<f64, ClaimError> {
        let (all, failed) = (run.metric(topology, "requests")?, run.metric(topology, "errors")?);
        let minutes = run.result.scenario.horizon_s / 60.0;
        Ok(figures.put(format!("served_per_min.{topology}"), (all - failed) / minutes))
    };
    let one = served("one-region")?;
    let two = served("two-regions")?;
    let three = served("three-regions")?;
    let account = served("two-regions-one-account")?;
    let near = |served: f64, quotas: f64| (served / (quotas * PER_MINUTE) - 1.0).abs() < 0.02;
    let holds = near(one, 1.0) && near(two, 2.0) && near(three, 3.0) && near(account, 1.0);
    let verdict = if holds { Verdict::ReproducedUnder(ASSUMPTION.to_owned()) } else { Verdict::Refuted };
    Ok(Finding {
        ours: format!(
            "of 600 requests a minute {one:.0} are served with a quota of 120 in one region, {two:.0} in two, {three:.0} in \
             three; {account:.0} in two regions under one account's quota"
        ),
        verdict,
        explanation: format!(
            "The gateway calls the regions by turns and tries another one after a 429, so nothing of any quota is left \
             unused and they add up to {:.2} times one. A second region under the same quota adds nothing.",
            two / one
        ),
        figures: figures.0,
    })
}
