//! The line of a reason: its name, whom it is about, and its figures, for programs.

use super::steering;
use super::tale::{Kind, Score, Told};
use super::words::Names;
use crate::routing::bifrost;
use crate::routing::litellm::Why;
use crate::routing::portkey;
use crate::routing::reason::{Exclusion, Figure, Reason};
use crate::units::Time;

/// A reason as a line.
pub(super) fn because(names: Names<'_>, now: Time, reason: &Reason) -> Told {
    let step = match reason {
        Reason::Candidate { .. } => "candidate",
        Reason::Drawn { .. } => "drawn",
        Reason::Scored { .. } => "scored",
        Reason::Chosen { .. } => "chosen",
        Reason::Excluded { .. } => "excluded",
        Reason::AttemptsUsed { .. } => "attempts_used",
        Reason::TakenOut { .. } => "taken_out",
        Reason::NextPool { .. } => "next_pool",
        Reason::Panic => "panic",
        Reason::Known { .. } => "known",
        Reason::BudgetSpent { .. } => "budget_spent",
        Reason::Paced { .. } => "paced",
        Reason::Held { .. } => "held",
        Reason::Shed { .. } => "shed",
        Reason::Overflow { .. } => "overflow",
        Reason::Level { .. } => "level",
        Reason::PushedBack { .. } => "pushed_back",
        Reason::LevelChosen { .. } => "level_chosen",
        Reason::Locality { .. } => "locality",
        Reason::LocalityChosen { .. } => "locality_chosen",
        Reason::BackedOff { .. } => "backed_off",
        Reason::NotRetryable { .. } => "not_retryable",
        Reason::Exhausted => "exhausted",
        Reason::Steering(reason) => steering::step(reason),
        Reason::LiteLlm(_) => "litellm",
        Reason::Portkey(_) => "portkey",
        Reason::Bifrost(_) => "bifrost",
    };
    let told = Told::new(Kind::Reason, step, names.reason(now, reason));
    let deployment = match reason {
        Reason::Candidate { deployment, .. }
        | Reason::Drawn { deployment }
        | Reason::Scored { deployment, .. }
        | Reason::Chosen { deployment, .. }
        | Reason::Excluded { deployment, .. }
        | Reason::TakenOut { deployment, .. }
        | Reason::LiteLlm(
            Why::Excluded { deployment, .. }
            | Why::AtLimit { deployment }
            | Why::Usage { deployment, .. }
            | Why::Candidate { deployment, .. }
            | Why::Slower { deployment, .. }
            | Why::Known { deployment, .. }
            | Why::Shuffled { deployment }
            | Why::Picked { deployment }
            | Why::CooledDown { deployment, .. }
            | Why::Penalty { deployment, .. },
        )
        | Reason::Portkey(
            portkey::Why::Open { deployment, .. }
            | portkey::Why::Counted { deployment, .. }
            | portkey::Why::Called { deployment, .. }
            | portkey::Why::Opened { deployment, .. },
        )
        | Reason::Bifrost(
            bifrost::Why::Key { deployment, .. }
            | bifrost::Why::Called { deployment, .. }
            | bifrost::Why::DeadKey { deployment },
        ) => Some(*deployment),
        _ => None,
    };
    let mut told = match deployment {
        Some(d) => told.deployment(names.deployment(d)),
        None => told,
    };
    match *reason {
        Reason::Excluded { because, .. } => told.because = Some(exclusion(because)),
        Reason::Steering(ref reason) => {
            steering::about(names, &mut told, reason);
            steering::knows(&mut told, now, reason);
        }
        _ => {}
    }
    if let Reason::Locality { locality, .. } | Reason::LocalityChosen { locality: Some(locality), .. } = *reason {
        told.locality = Some(names.locality(locality).to_owned());
    }
    told.scores.extend(figures(reason).iter().map(Score::of));
    told
}

/// The figures of a reason, for programs.
fn figures(reason: &Reason) -> Vec<Figure> {
    match *reason {
        Reason::Known { figure }
        | Reason::BudgetSpent { left: figure }
        | Reason::Paced { known: figure, .. }
        | Reason::Shed { known: figure } => vec![figure],
        Reason::Level { load_percent, health_percent, available, total, .. } => vec![
            Figure::new("share of the traffic in %", f64::from(load_percent)),
            Figure::new("health in %", f64::from(health_percent)),
            Figure::new("hosts in service", f64::from(available)).of(f64::from(total)),
        ],
        Reason::LiteLlm(Why::Candidate { score, .. } | Why::Slower { score, .. }) => vec![score],
        Reason::LiteLlm(Why::Usage { tokens, .. }) => vec![Figure::new("tokens of this minute", tokens as f64)],
        Reason::Portkey(portkey::Why::Weight { weight, chance, .. })
        | Reason::Bifrost(bifrost::Why::Key { weight, chance, .. }) => {
            vec![Figure::new("weight", weight), Figure::new("chance", chance)]
        }
        Reason::Portkey(
            portkey::Why::Counted { failures, answers, .. } | portkey::Why::Opened { failures, answers, .. },
        ) => vec![Figure::new("failures that the circuit counts", f64::from(failures)).of(f64::from(answers))],
        Reason::Bifrost(bifrost::Why::Weight { share, .. }) => vec![Figure::new("chance", share)],
        ref other => figure_of(other).into_iter().collect(),
    }
}

/// Why a deployment is out, for programs.
fn exclusion(because: Exclusion) -> &'static str {
    match because {
        Exclusion::Out { guard, .. } => guard,
        Exclusion::Residency => "residency",
        Exclusion::AlreadyTried => "already_tried",
        Exclusion::AtLimit { .. } => "at_limit",
    }
}

/// The figure of a reason that is nothing else.
pub(super) fn figure_of(reason: &Reason) -> Option<Figure> {
    match *reason {
        Reason::Scored { figure, .. }
        | Reason::Locality { figure, .. }
        | Reason::LiteLlm(Why::Known { figure, .. }) => Some(figure),
        _ => None,
    }
}

/// The deployment or the locality that a figure is of.
pub(super) fn about<'a>(names: &'a Names<'_>, reason: &Reason) -> (Option<&'a str>, Option<&'a str>) {
    match *reason {
        Reason::Scored { deployment, .. } | Reason::LiteLlm(Why::Known { deployment, .. }) => {
            (Some(names.deployment(deployment)), None)
        }
        Reason::Locality { locality, .. } => (None, Some(names.locality(locality))),
        _ => (None, None),
    }
}
