//! Claim 21: whether the right continent is near enough.

use super::figures::{Figures, Run, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const FILE: &str = "21-geolocation.toml";
/// How many times more a wrong continent has to cost to be "far more".
const FAR_MORE: f64 = 3.0;

/// Continents and their groups of users in the scenario.
const CONTINENTS: [(&str, [&str; 3]); 3] = [
    ("north-america", ["new-york", "chicago", "los-angeles"]),
    ("europe", ["london", "frankfurt", "madrid"]),
    ("asia", ["tokyo", "singapore", "mumbai"]),
];

pub(super) const CLAIM: Claim = Claim {
    number: 21,
    claim: "Geolocation routing suffices: wrong region minus right region is far more than second-best minus best inside \
            a continent.",
    published: "no figures: far more",
    tolerance: "Far more: at least three times, in mean time to first token, over all users and on every continent.",
    scenarios: &[FILE],
    expected: Expected::Refuted,
    evaluate,
};

/// Mean time to first token over groups of users, weighted by their shares, ms.
fn mean(run: Run<'_>, topology: &str, groups: &[&str]) -> Result<f64, ClaimError> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for name in groups {
        let group = run.result.scenario.groups.iter().find(|g| g.name == *name);
        let share = group.ok_or_else(|| run.missing(format!("group `{name}`")))?.share;
        sum += share * run.metric(topology, &format!("ttft_ms.mean{{users={name}}}"))?;
        weight += share;
    }
    Ok(sum / weight)
}

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let run = runs.of(FILE);
    let mut figures = Figures::default();
    let mut costs = |name: &str, groups: &[&str]| -> Result<(f64, f64, f64), ClaimError> {
        let best = mean(run, "best", groups)?;
        // whichever of the two is the worse one for a group
        let mut second = 0.0;
        let mut weight = 0.0;
        for g in groups {
            let own = run.result.scenario.groups.iter().find(|x| x.name == *g);
            let share = own.ok_or_else(|| run.missing(format!("group `{g}`")))?.share;
            let (a, b) = (mean(run, "geolocation", &[g])?, mean(run, "other-of-continent", &[g])?);
            second += share * a.max(b);
            weight += share;
        }
        let map = figures.put(format!("added_ms.geolocation.{name}"), mean(run, "geolocation", groups)? - best);
        let second = figures.put(format!("added_ms.second_best.{name}"), second / weight - best);
        let wrong =
            figures.put(format!("added_ms.wrong_continent.{name}"), mean(run, "wrong-continent", groups)? - best);
        figures.put(format!("wrong_over_second.{name}"), wrong / second);
        Ok((map, second, wrong))
    };
    let everybody: Vec<&str> = CONTINENTS.iter().flat_map(|(_, groups)| *groups).collect();
    let (map, second, wrong) = costs("all", &everybody)?;
    let mut far = Vec::new();
    let mut said = Vec::new();
    for (name, groups) in CONTINENTS {
        let (_, second, wrong) = costs(name, &groups)?;
        far.push(wrong >= FAR_MORE * second);
        said.push(format!("{name} {second:.0} against {wrong:.0} ms"));
    }
    let all = wrong >= FAR_MORE * second;
    let verdict = if all && !far.contains(&false) { Verdict::Reproduced } else { Verdict::Refuted };
    Ok(Finding {
        ours: format!(
            "the second-best region of the continent adds {second:.0} ms to the first token, a wrong continent {wrong:.0} \
             ms; one region per continent by the map adds {map:.0} ms to the best of all"
        ),
        verdict,
        explanation: format!(
            "By continent: {}. Far more is true of Europe; North America and Asia are so wide that the other region of the \
             continent costs half of what the wrong continent does, and over all users {:.1} times less. That geolocation \
             suffices is another question: with one region per continent, chosen by the map, it costs {map:.0} ms.",
            said.join(", "),
            wrong / second,
        ),
        figures: figures.0,
    })
}
