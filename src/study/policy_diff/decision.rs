//! What was decided about a request, as a sequence that can be compared, and why two sequences part.

use super::Side;
use crate::routing::balance::Choose;
use crate::routing::litellm::{Filter, Why};
use crate::routing::outcome::Outcome;
use crate::routing::portkey;
use crate::routing::reason::{Exclusion, Reason};
use crate::routing::steering::SteeringReason;
use crate::scenario::model::{Gateway, Scenario, Topology};
use crate::study::explain::{outcome, rule_name, steering_rule};
use crate::units::{DeploymentIx, Time};
use crate::world::session::Leg;
use crate::world::story::{Story, What};

/// Names that both sides share: regions and deployments are compared by them.
#[derive(Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    fn number(&mut self, name: &str) -> u16 {
        let at = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        at as u16
    }
}

/// One decision about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    /// It is sent to a region.
    Region(u16),
    /// A deployment is called.
    Call {
        /// Which.
        deployment: u16,
        /// To race another call.
        races: bool,
    },
    /// It ends like this.
    End(String),
}

/// One side's way to name what is decided.
pub(super) struct Decider<'a> {
    pub(super) scenario: &'a Scenario,
    topology: usize,
    regions: Vec<u16>,
    deployments: Vec<u16>,
    /// By number, as far as this side has the names.
    names: Vec<String>,
}

impl<'a> Decider<'a> {
    pub(super) fn new(side: Side<'a>, names: &mut Names) -> Decider<'a> {
        let Side { scenario, topology } = side;
        let regions = scenario.topologies[topology].regions.iter();
        let regions = regions.map(|r| names.number(&scenario.places[r.place.ix()].id)).collect();
        let deployments = scenario.deployments.iter().map(|d| names.number(&d.name)).collect();
        Decider { scenario, topology, regions, deployments, names: names.0.clone() }
    }

    /// When its last request has been sent at the latest.
    pub(super) fn end(&self) -> Time {
        Time(self.scenario.warmup.nanos()) + self.scenario.horizon
    }

    pub(super) fn name(&self, number: u16) -> String {
        self.names[usize::from(number)].clone()
    }

    /// What was decided, each with the position of its step in the story.
    pub(super) fn decisions(&self, story: &Story) -> Vec<(Decision, usize)> {
        let decision = |(i, what): (usize, &What)| {
            let decision = match *what {
                What::Routed { region, .. } => Decision::Region(self.regions[usize::from(region)]),
                What::Sent { deployment, leg, .. } => {
                    Decision::Call { deployment: self.deployments[deployment.ix()], races: leg != Leg::FIRST }
                }
                What::Ends(ending) => Decision::End(outcome(Some(ending))),
                _ => return None,
            };
            Some((decision, i))
        };
        story.steps.iter().map(|s| &s.what).enumerate().filter_map(decision).collect()
    }

    /// Reasons and steps between the decision before and this one.
    fn before<'s>(&self, story: &'s Story, decisions: &[(Decision, usize)], nth: usize) -> Vec<&'s What> {
        let from = if nth == 0 { 0 } else { decisions[nth - 1].1 + 1 };
        story.steps[from..decisions[nth].1].iter().map(|s| &s.what).collect()
    }

    fn number(&self, deployment: DeploymentIx) -> u16 {
        self.deployments[deployment.ix()]
    }

    /// Why the deployment was out, if it was looked at and left out.
    fn out(&self, steps: &[&What], wanted: u16) -> Option<&'static str> {
        steps.iter().rev().find_map(|what| match what {
            What::Because(Reason::Excluded { deployment, because }) if self.number(*deployment) == wanted => {
                Some(match because {
                    Exclusion::Out { guard, .. } => *guard,
                    Exclusion::Residency => "residency",
                    Exclusion::AlreadyTried => "it was called before",
                    Exclusion::AtLimit { .. } => "the gateway's own limit",
                })
            }
            What::Because(Reason::Portkey(portkey::Why::Open { deployment, .. }))
                if self.number(*deployment) == wanted =>
            {
                Some("its circuit")
            }
            What::Because(Reason::LiteLlm(why)) => {
                litellm_out(why).filter(|(d, _)| self.number(*d) == wanted).map(|o| o.1)
            }
            _ => None,
        })
    }

    /// By which rule of a pool the gateway chose; `None` where the gateway is a product with a strategy of its own.
    fn rule(&self, steps: &[&What]) -> Option<Choose> {
        let pool = steps.iter().rev().find_map(|what| match what {
            What::Because(Reason::Chosen { pool, .. }) => Some(*pool),
            _ => None,
        });
        pool.map(|p| self.topology().chain[usize::from(p)].choose)
    }

    /// What it is called.
    fn rule_name(&self, rule: Option<Choose>) -> String {
        match (&self.topology().gateway, rule) {
            (Gateway::LiteLlm(spec), _) => format!("LiteLLM's {}", spec.config.strategy.name()),
            (Gateway::Portkey(_), _) => "Portkey's strategies".to_owned(),
            (Gateway::Bifrost(_), _) => "Bifrost's weights".to_owned(),
            (Gateway::Own, Some(choose)) => rule_name(choose),
            (Gateway::Own, None) => "the gateway".to_owned(),
        }
    }

    fn topology(&self) -> &Topology {
        &self.scenario.topologies[self.topology]
    }

    /// How the region came about.
    fn way(&self, steps: &[&What]) -> &'static str {
        steps
            .iter()
            .rev()
            .find_map(|what| match what {
                What::Connected { .. } => Some("an open connection"),
                What::Cached { .. } => Some("the resolver's cache"),
                What::Because(Reason::Steering(SteeringReason::Chosen { rule, .. })) => Some(steering_rule(*rule)),
                _ => None,
            })
            .unwrap_or("the steering system")
    }

    /// What ended the attempts, or made for another one.
    fn turning_point(&self, steps: &[&What]) -> String {
        let said = steps.iter().rev().find_map(|what| match what {
            What::Because(Reason::BudgetSpent { .. }) => Some("the retry budget is spent"),
            What::Because(Reason::Shed { .. }) => Some("the throttle refuses the call"),
            What::Because(Reason::Overflow { .. }) => Some("too many calls are out"),
            What::Because(Reason::NotRetryable { .. }) => Some("the error is not one that is tried again"),
            What::HalfAnswered => Some("a part of the answer is with the user"),
            What::RegionDied => Some("the region dies"),
            What::Silence { .. } => Some("nobody answers"),
            What::HedgeDue { .. } => Some("no first token after the hedging delay"),
            _ => None,
        });
        let failed = steps.iter().rev().find_map(|what| match what {
            What::AttemptEnds { outcome: Outcome::Failed { class, .. }, .. } => Some(format!("after {}", class.name())),
            What::AttemptEnds { outcome: Outcome::Ok, .. } => Some("answered".to_owned()),
            _ => None,
        });
        match (said, failed) {
            (Some(said), _) => said.to_owned(),
            (None, Some(failed)) => failed,
            (None, None) => "no call ended".to_owned(),
        }
    }
}

/// Whom LiteLLM's router left out, and why.
fn litellm_out(why: &Why) -> Option<(DeploymentIx, &'static str)> {
    match why {
        Why::Excluded { deployment, by } => Some((
            *deployment,
            match by {
                Filter::CoolingDown { .. } => "cool-down",
                Filter::Rpm => "requests per minute",
                Filter::Order => "another order",
                Filter::FailedOver | Filter::RefusedBefore => "it was called before",
                _ => "a filter",
            },
        )),
        Why::AtLimit { deployment } => Some((*deployment, "at its limit")),
        Why::Slower { .. } => None, // that is the strategy's choice, not a rule that keeps somebody out
        _ => None,
    }
}

/// The first difference between what two sides decided about a request, in words that say nothing of names, so that like
/// goes with like; `None` if all decisions are the same.
pub(super) fn first_difference(
    [side_a, side_b]: &[Decider<'_>; 2],
    [a, b]: &[Vec<(Decision, usize)>; 2],
    story_a: &Story,
    story_b: &Story,
) -> Option<String> {
    // every story has an end, and only the last decision is one: the shorter list cannot be a part of the longer one
    let nth = a.iter().zip(b).position(|(x, y)| x.0 != y.0)?;
    let (steps_a, steps_b) = (side_a.before(story_a, a, nth), side_b.before(story_b, b, nth));
    let (point_a, point_b) = (side_a.turning_point(&steps_a), side_b.turning_point(&steps_b));
    Some(match (&a[nth].0, &b[nth].0) {
        (Decision::Region(_), Decision::Region(_)) => {
            format!("another region: by {} in A, by {} in B", side_a.way(&steps_a), side_b.way(&steps_b))
        }
        (Decision::Call { deployment: x, races: false }, Decision::Call { deployment: y, races: false }) => {
            if let Some(guard) = side_b.out(&steps_b, *x) {
                format!("A's choice is out in B: {guard}")
            } else if let Some(guard) = side_a.out(&steps_a, *y) {
                format!("B's choice is out in A: {guard}")
            } else {
                let (rule_a, rule_b) = (side_a.rule(&steps_a), side_b.rule(&steps_b));
                let same =
                    rule_a == rule_b && (rule_a.is_some() || side_a.topology().gateway == side_b.topology().gateway);
                let (name_a, name_b) = (side_a.rule_name(rule_a), side_b.rule_name(rule_b));
                if same {
                    format!("{name_a} stands elsewhere: other calls came before")
                } else if name_a == name_b {
                    format!("chosen by {name_a} with other settings")
                } else {
                    format!("chosen by {name_a} in A, by {name_b} in B")
                }
            }
        }
        (Decision::Call { races: true, .. }, Decision::Call { races: true, .. }) => {
            "another deployment joins the race".to_owned()
        }
        (Decision::Call { races: true, .. }, _) => format!("A sends a second call to race the first, B: {point_b}"),
        (_, Decision::Call { races: true, .. }) => format!("B sends a second call to race the first, A: {point_a}"),
        (Decision::Call { .. }, Decision::End(end)) => {
            format!("A calls again ({point_a}), B does not ({point_b}): {end}")
        }
        (Decision::End(end), Decision::Call { .. }) => {
            format!("B calls again ({point_b}), A does not ({point_a}): {end}")
        }
        (Decision::End(x), Decision::End(y)) => format!("the same calls end otherwise: {x} in A, {y} in B"),
        (Decision::Region(_), _) => format!("the user tries again in A ({point_a}), not in B ({point_b})"),
        (_, Decision::Region(_)) => format!("the user tries again in B ({point_b}), not in A ({point_a})"),
    })
}
