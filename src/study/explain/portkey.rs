//! Portkey's reasons in words.

use super::words::{Names, short};
use crate::routing::portkey::{TargetIx, Why};
use crate::scenario::model::Gateway;
use crate::units::Time;

impl Names<'_> {
    /// Name of a target of the topology's tree.
    fn target(&self, target: TargetIx) -> &str {
        match &self.topology.gateway {
            Gateway::Portkey(gateway) => &gateway.names[target.ix()],
            _ => "a target",
        }
    }

    /// A step of Portkey's gateway.
    pub fn portkey(&self, now: Time, why: &Why) -> String {
        match *why {
            Why::Entered { strategy, mode } => format!("{} chooses by {mode}", self.target(strategy)),
            Why::Open { deployment, until } => {
                format!("{} is out: its circuit is open {}", self.deployment(deployment), self.until(now, until))
            }
            Why::AllOpen => "all circuits are open, so none counts".to_owned(),
            Why::Weight { target, weight, chance } => {
                format!("{} has the weight {weight}, a chance of {:.1} %", self.target(target), 100.0 * chance)
            }
            Why::Counted { deployment, failures, answers } => {
                let name = self.deployment(deployment);
                format!("the circuit of {name} is closed: it counts {failures} failures of {answers} answers")
            }
            Why::Looked { condition, field, value, holds } => {
                let value = value.map_or("is not there".to_owned(), |v| format!("is \"{v}\""));
                let holds = if holds { "which fits" } else { "which does not fit" };
                format!("condition no. {}: {field} {value}, {holds}", condition + 1)
            }
            Why::Matched { condition, target } => {
                format!("condition no. {} holds: {}", condition + 1, self.target(target))
            }
            Why::Default { target } => format!("no condition holds: {} is the default", self.target(target)),
            Why::NoMatch => "no condition holds and there is no default: the gateway refuses the request".to_owned(),
            Why::NoTarget => "all targets with a weight are out: there is nobody to call".to_owned(),
            Why::Called { deployment, target } => {
                let (deployment, target) = (self.deployment(deployment), self.target(target));
                if deployment == target {
                    format!("{deployment} is called")
                } else {
                    format!("{deployment} is called as {target}")
                }
            }
            Why::Answered { status: Some(status) } => format!("the target's answer is {status}"),
            Why::Answered { status: None } => "there is no answer at all".to_owned(),
            Why::Retry { pause, asked: false } => format!("the same target again, after {}", short(pause)),
            Why::Retry { pause, asked: true } => {
                format!("the same target again, after the {} that it asks for", short(pause))
            }
            Why::NotRetried => "the status is not one that the target is called again for".to_owned(),
            Why::RetriesUsed => "the retries of the target are used up".to_owned(),
            Why::RetryAfterTooLong { asked } => {
                format!("the target asks for {}, which is too long to wait: no retry", short(asked))
            }
            Why::FellBack { target } => format!("fallback: {}", self.target(target)),
            Why::Kept { strategy } => format!("{} does not fall back after this status", self.target(strategy)),
            Why::Opened { deployment, until, failures, answers } => {
                let (name, until) = (self.deployment(deployment), self.until(now, until));
                format!("the circuit of {name} opens {until}, after {failures} failures of {answers} answers")
            }
        }
    }
}
