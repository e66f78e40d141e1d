//! Claim 25: whom a regional outage hits.

use super::figures::{Figures, Run, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "25-regional-outage.toml";
const DEAD: &str = "aws:us-east-1";

pub(super) const CLAIM: Claim = Claim {
    number: 25,
    claim: "A regional outage hits everyone in a single-region product and only that region's share in a multi-region \
            one.",
    published: "everyone; only the region's share",
    tolerance: "One region: more than 98 % of all requests fail while it lasts. Three without fail-over: the region's \
                share within 2 percentage points, and nobody else. With fail-over: less than that share.",
    scenarios: &[FILE],
    expected: Expected::Reproduced,
    evaluate,
};

/// Share of the requests sent in the minutes of the outage that failed, and how many groups of users had failures.
fn hit(run: Run<'_>, topology: &str) -> Result<(f64, usize), ClaimError> {
    let t = run.topology(topology)?;
    let incident = t.incidents.first().ok_or_else(|| run.missing("incident"))?;
    let series = t.timeline.first().ok_or_else(|| run.missing("timeline"))?;
    let from = (incident.at_s / series.interval_s) as usize;
    let until = ((incident.at_s + incident.lasted_s) / series.interval_s) as usize;
    let cells = series.cells.get(from..until).ok_or_else(|| run.missing("timeline over the outage"))?;
    let (sent, failed) = cells.iter().fold((0, 0), |(s, f), c| (s + c.requests, f + c.failed));
    let groups = t.users.iter().skip(1).filter(|u| u.failed > 0).count(); // the first row is all users
    Ok((failed as f64 / sent.max(1) as f64, groups))
}

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let groups = &run.result.scenario.groups;
    let mut share = 0.0;
    let mut served_by_dead = 0;
    for g in groups {
        if run.nearest("three-regions", &g.name)?.0 == DEAD {
            share += g.share;
            served_by_dead += 1;
        }
    }
    let share = figures.put("share_of_users.virginia", share);
    let mut of = |topology: &str| -> Result<(f64, usize), ClaimError> {
        let (failed, hit) = hit(run, topology)?;
        figures.put(format!("failed_share_in_outage.{topology}"), failed);
        figures.put(format!("groups_hit.{topology}"), hit as f64);
        Ok((failed, hit))
    };
    let (one, one_hit) = of("one-region")?;
    let (fixed, fixed_hit) = of("three-regions-fixed")?;
    let (three, three_hit) = of("three-regions")?;
    let moved = run.metric("three-regions", "incident.moved_99_s{incident=virginia down}")?;
    figures.put("incident.moved_99_s{three-regions}", moved);
    let everyone = one > 0.98 && one_hit == groups.len();
    let only_share = (fixed - share).abs() < 0.02 && fixed_hit == served_by_dead;
    let less = three < share && three_hit <= served_by_dead;
    let verdict = if everyone && only_share && less { Verdict::Reproduced } else { Verdict::Refuted };
    Ok(Finding {
        ours: format!(
            "{:.1} % of the requests during the outage fail in one region, {:.1} % in three without fail-over, {:.1} % \
             with it",
            100.0 * one,
            100.0 * fixed,
            100.0 * three
        ),
        verdict,
        explanation: format!(
            "One region: all {one_hit} cities are hit. Three regions: only the {fixed_hit} of Virginia, with {:.0} % of \
             the users, and with fail-over for {moved:.0} s of the 20 minutes. \"That region's share\" is the upper limit \
             that fail-over lowers: detection, time to live and requests under way remain.",
            100.0 * share
        ),
        figures: figures.0,
    })
}
