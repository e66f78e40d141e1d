//! What Bifrost is told, and what is refused.

use crate::units::{DeploymentIx, Span};
use std::fmt;

/// Most providers, and most keys of one: a request remembers which it has used.
pub const MAX_LIST: usize = 64;

/// Most retries within a provider. ASSUMPTION: nobody asks for more; Bifrost has no bound.
pub const MAX_RETRIES: u32 = 100;

/// A key of a provider: an account of its own, so a deployment of its own.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ProviderKey {
    /// What a call with it is a call of.
    pub deployment: DeploymentIx,
    /// Weight among the keys.
    pub weight: f64,
    /// Answers count as degraded.
    pub degraded: bool,
}

/// A provider and its `network_config`.
#[derive(Clone, PartialEq, Debug)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// At least one.
    pub keys: Vec<ProviderKey>,
    /// Attempts after the first.
    pub max_retries: u32,
    /// First pause before a retry.
    pub retry_backoff_initial: Span,
    /// Longest pause.
    pub retry_backoff_max: Span,
    /// Time until the status of an answer is there.
    pub request_timeout: Span,
}

impl Provider {
    /// `DefaultMaxRetries`, `DefaultRetryBackoffInitial`, `DefaultRetryBackoffMax` and `DefaultRequestTimeoutInSeconds`
    /// (`core/schemas/provider.go`).
    pub fn new(name: &str, keys: Vec<ProviderKey>) -> Provider {
        Provider {
            name: name.to_owned(),
            keys,
            max_retries: 0,
            retry_backoff_initial: Span::from_millis(500),
            retry_backoff_max: Span::from_secs(5),
            request_timeout: Span::from_secs(30),
        }
    }
}

/// Which providers a request may use.
#[derive(Clone, PartialEq, Debug)]
pub struct VirtualKey {
    /// Position of the provider and its share of first attempts.
    pub weights: Vec<(usize, f64)>,
    /// Positions of the providers that follow; `None`: the others of `weights`, the heaviest first. ASSUMPTION: those of one
    /// weight in the order of the list.
    pub fallbacks: Option<Vec<usize>>,
}

/// The whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The providers.
    pub providers: Vec<Provider>,
    /// The virtual keys.
    pub virtual_keys: Vec<VirtualKey>,
}

/// Why a configuration is refused. Providers are named; virtual keys are told by their position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// No provider, or more than [`MAX_LIST`].
    Providers(usize),
    /// No key, or more than [`MAX_LIST`].
    Keys(String),
    /// All keys have the weight zero, or one has none that is a number from 0 on.
    KeyWeights(String),
    /// More than [`MAX_RETRIES`].
    Retries(String),
    /// A first pause that is longer than the longest.
    Backoff(String),
    /// A time-out of zero.
    NoTime(String),
    /// No provider has a share, or a share is no number from 0 on, or a provider is not there.
    Weights(usize),
    /// No fallbacks in a list of them, or one that is not there, or one twice, or the only provider falls back to itself.
    Fallbacks(usize),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Providers(n) => write!(f, "{n} providers, of which there are 1 to {MAX_LIST}"),
            ConfigError::Keys(name) => write!(f, "`{name}` does not have 1 to {MAX_LIST} keys"),
            ConfigError::KeyWeights(name) => write!(f, "the keys of `{name}` have no weights"),
            ConfigError::Retries(name) => write!(f, "`{name}` has more than {MAX_RETRIES} retries"),
            ConfigError::Backoff(name) => write!(f, "the first pause of `{name}` is longer than the longest"),
            ConfigError::NoTime(name) => write!(f, "the time-out of `{name}` is 0"),
            ConfigError::Weights(key) => write!(f, "virtual key no. {} gives no provider a share", key + 1),
            ConfigError::Fallbacks(key) => write!(f, "virtual key no. {} has fallbacks that are none", key + 1),
        }
    }
}

impl Config {
    /// Refuses what could never serve a request.
    ///
    /// # Errors
    /// The first thing found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let n = self.providers.len();
        if n == 0 || n > MAX_LIST {
            return Err(ConfigError::Providers(n));
        }
        self.providers.iter().try_for_each(Provider::check)?;
        self.virtual_keys.iter().enumerate().try_for_each(|(i, key)| key.check(i, n))
    }
}

/// Whether numbers are weights, and one of them more than nothing.
fn are_weights(mut weights: impl Iterator<Item = f64> + Clone) -> bool {
    weights.clone().all(|w| w.is_finite() && w >= 0.0) && weights.any(|w| w > 0.0)
}

impl Provider {
    fn check(&self) -> Result<(), ConfigError> {
        let name = || self.name.clone();
        if self.keys.is_empty() || self.keys.len() > MAX_LIST {
            return Err(ConfigError::Keys(name()));
        }
        if !are_weights(self.keys.iter().map(|k| k.weight)) {
            return Err(ConfigError::KeyWeights(name()));
        }
        if self.max_retries > MAX_RETRIES {
            return Err(ConfigError::Retries(name()));
        }
        if self.retry_backoff_initial > self.retry_backoff_max {
            return Err(ConfigError::Backoff(name()));
        }
        if self.request_timeout == Span::ZERO {
            return Err(ConfigError::NoTime(name()));
        }
        Ok(())
    }
}

impl VirtualKey {
    fn check(&self, position: usize, providers: usize) -> Result<(), ConfigError> {
        let twice = |list: &[usize]| list.iter().enumerate().any(|(i, p)| list[..i].contains(p));
        let named: Vec<usize> = self.weights.iter().map(|(p, _)| *p).collect();
        if !are_weights(self.weights.iter().map(|(_, w)| *w)) || named.iter().any(|p| *p >= providers) || twice(&named)
        {
            return Err(ConfigError::Weights(position));
        }
        let Some(list) = &self.fallbacks else { return Ok(()) };
        let mut first = self.weights.iter().filter(|(_, w)| *w > 0.0);
        let only = first.next().filter(|_| first.next().is_none()).map(|(p, _)| *p);
        if list.is_empty() || twice(list) || list.iter().any(|p| *p >= providers || only == Some(*p)) {
            return Err(ConfigError::Fallbacks(position));
        }
        Ok(())
    }

    /// The providers that follow the first, in their order.
    pub(super) fn after(&self, first: usize) -> Vec<usize> {
        match &self.fallbacks {
            Some(list) => list.clone(),
            None => {
                let mut others: Vec<(usize, f64)> = self.weights.iter().filter(|(p, _)| *p != first).copied().collect();
                // a stable sort
                others.sort_by(|a, b| b.1.total_cmp(&a.1));
                others.into_iter().map(|(p, _)| p).collect()
            }
        }
    }
}
