//! Bifrost's reasons in words.

use super::words::{Names, short};
use crate::routing::bifrost::{Out, Why};
use crate::scenario::model::Gateway;

impl Names<'_> {
    /// Name of a provider of the topology's gateway.
    fn provider(&self, provider: u8) -> &str {
        match &self.topology.gateway {
            Gateway::Bifrost(gateway) => &gateway.config.providers[usize::from(provider)].name,
            _ => "a provider",
        }
    }

    /// A step of Bifrost.
    pub fn bifrost(&self, why: &Why) -> String {
        match *why {
            Why::Weight { provider, share } => {
                format!("{} is first for {:.0} % of requests", self.provider(provider), 100.0 * share)
            }
            Why::Provider { provider } => format!("{} is first", self.provider(provider)),
            Why::Key { deployment, weight, chance, out } => {
                let name = self.deployment(deployment);
                match out {
                    None => {
                        format!("the key of {name} may be used: weight {weight}, a chance of {:.1} %", 100.0 * chance)
                    }
                    Some(Out::Dead) => format!("the key of {name} is out: it is dead for this request"),
                    Some(Out::Used) => format!("the key of {name} is out: it has been used in this round"),
                    Some(Out::NoWeight) => format!("the key of {name} is out: its weight is 0"),
                }
            }
            Why::Called { deployment, rotated: false } => format!("{} is called", self.deployment(deployment)),
            Why::Called { deployment, rotated: true } => {
                format!("another key: {} is called", self.deployment(deployment))
            }
            Why::NewRound => "all keys have been used: a new round begins".to_owned(),
            Why::DeadKey { deployment } => {
                format!("the key of {} is dead for this request", self.deployment(deployment))
            }
            Why::NoCredentials => "all keys of the provider are dead: 502".to_owned(),
            Why::NotRetried => "the failure is not tried again with this provider".to_owned(),
            Why::RetriesUsed => "the retries of the provider are used up".to_owned(),
            Why::Pause { pause } => format!("a pause of {}", short(pause)),
            Why::FellBack { provider } => format!("fallback: {}", self.provider(provider)),
            Why::PrimaryFailure => "all providers have failed: the answer is the first one's failure".to_owned(),
        }
    }
}
