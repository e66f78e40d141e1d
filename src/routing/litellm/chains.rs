//! Lists of fallbacks with their names turned into positions: which chain follows a model.

use super::config::{ConfigError, Fallbacks, Target};
use super::names;
use super::plan::{Model, ModelIx, Plan, intern};

/// A step of a chain of fallbacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hop {
    pub model: Option<ModelIx>,
    pub num_retries: Option<u32>,
    /// Steps with the same key are the same attempt: the model of a bare name, or a number above all models.
    pub key: u32,
    pub bare: bool,
}

/// Which chain a list of fallbacks has for a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lookup {
    /// Position among the plan's chains.
    pub chain: u16,
    /// It is not the one of `*`.
    pub specific: bool,
}

/// A list of fallbacks.
#[derive(Clone, Debug)]
pub(super) enum Chains {
    /// By name.
    ByModel(Vec<Option<Lookup>>),
    /// The same for all.
    Plain(u16),
}

/// The three lists of fallbacks.
#[derive(Clone, Debug, Default)]
pub(super) struct FallbackSet {
    pub general: Option<Chains>,
    /// Whether the list of general fallbacks is not empty.
    pub any_general: bool,
    pub context: Option<Chains>,
    pub content: Option<Chains>,
}

impl Plan {
    /// Reads the three lists; their models are taken in already.
    pub(super) fn fallback_set(&mut self, lists: &[Option<Fallbacks>; 3]) -> Result<FallbackSet, ConfigError> {
        Ok(FallbackSet {
            any_general: match &lists[0] {
                None => false,
                Some(Fallbacks::Chains(chains)) => !chains.is_empty(),
                Some(Fallbacks::List(list)) => !list.is_empty(),
            },
            general: lists[0].as_ref().map(|l| self.chains_of(l, true)).transpose()?,
            context: lists[1].as_ref().map(|l| self.chains_of(l, false)).transpose()?,
            content: lists[2].as_ref().map(|l| self.chains_of(l, false)).transpose()?,
        })
    }

    /// `plain` tells that a plain list is tried as it stands; the two lists for their own error classes are not looked at
    /// that way, there the last name of a plain list is the chain of all.
    fn chains_of(&mut self, list: &Fallbacks, plain: bool) -> Result<Chains, ConfigError> {
        match list {
            Fallbacks::List(targets) if plain => Ok(Chains::Plain(self.chain(targets)?)),
            Fallbacks::List(targets) => {
                let last = &targets[targets.len().saturating_sub(1)..];
                let chain = self.chain(last)?;
                Ok(Chains::ByModel(vec![Some(Lookup { chain, specific: true }); self.models.len()]))
            }
            Fallbacks::Chains(chains) => {
                let mut numbers = Vec::with_capacity(chains.len());
                for (_, targets) in chains {
                    numbers.push(self.chain(targets)?);
                }
                let keys: Vec<&str> = chains.iter().map(|(key, _)| key.as_str()).collect();
                let lookup = |m: &Model| {
                    let (at, specific) = look_up(&keys, &m.name)?;
                    Some(Lookup { chain: numbers[at], specific })
                };
                Ok(Chains::ByModel(self.models.iter().map(lookup).collect()))
            }
        }
    }

    fn chain(&mut self, targets: &[Target]) -> Result<u16, ConfigError> {
        let mut hops = Vec::with_capacity(targets.len());
        for t in targets {
            let model = t.model.as_ref().map(|m| self.model_known(m));
            let key = match (&t.entry, model) {
                (None, Some(model)) => u32::from(model.0),
                (entry, _) => (1 << 16) + u32::from(intern(&mut self.entries, entry.as_deref().unwrap_or(""))),
            };
            hops.push(Hop { model, num_retries: t.num_retries, key, bare: t.entry.is_none() });
        }
        self.chains.push(hops);
        u16::try_from(self.chains.len() - 1).map_err(|_| ConfigError::TooMany)
    }

    fn model_known(&self, name: &str) -> ModelIx {
        let at = self.models.iter().position(|m| m.name == name);
        ModelIx(at.expect("targets of fallbacks are taken in before their chains") as u16)
    }
}

/// The steps of all chains.
pub(super) fn targets(list: &Fallbacks) -> Vec<&Target> {
    match list {
        Fallbacks::List(targets) => targets.iter().collect(),
        Fallbacks::Chains(chains) => chains.iter().flat_map(|(_, targets)| targets).collect(),
    }
}

/// Position of the chain for a name and whether it is one of its own: an exact key first (the first such), else a key
/// without or with the provider in front (the last such), else `*` (the last such).
fn look_up(keys: &[&str], name: &str) -> Option<(usize, bool)> {
    if let Some(exact) = keys.iter().position(|k| *k == name) {
        return Some((exact, true));
    }
    let prefixed = if name.contains('/') || !keys.iter().any(|k| k.strip_suffix(name).is_some_and(|p| p.ends_with('/')))
    {
        None
    } else {
        names::provider_of(name).map(|p| format!("{p}/{name}"))
    };
    let stripped = names::without_provider(name);
    let other = keys.iter().rposition(|k| stripped == Some(k) || prefixed.as_deref() == Some(k));
    match other {
        Some(at) => Some((at, true)),
        None => keys.iter().rposition(|k| *k == "*").map(|at| (at, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_before_provider_before_star() {
        assert_eq!(look_up(&["*", "g1", "*"], "g1"), Some((1, true)));
        assert_eq!(look_up(&["*", "g1", "*"], "g2"), Some((2, false)));
        assert_eq!(look_up(&["gpt-4", "*"], "openai/gpt-4"), Some((0, true)));
        assert_eq!(look_up(&["openai/gpt-4", "*"], "gpt-4"), Some((0, true)));
        assert_eq!(look_up(&["azure/gpt-4", "*"], "gpt-4"), Some((1, false)));
        assert_eq!(look_up(&["g1"], "g2"), None);
    }
}
