//! Looking figures up in the results of a claim's scenarios, and collecting those that a verdict rests on.

use crate::scenario::LoadError;
use crate::study::result::{RunResult, TopologyResult};
use std::fmt;

/// Why a claim could not be evaluated.
#[derive(Clone, Debug)]
pub enum ClaimError {
    /// A scenario cannot be read or is wrong.
    Load(LoadError),
    /// A scenario was changed so that it no longer has what the claim is about.
    Missing {
        /// The scenario's file.
        file: String,
        /// What was looked for.
        what: String,
    },
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimError::Load(e) => e.fmt(f),
            ClaimError::Missing { file, what } => write!(f, "{file} has no {what}, which its claim needs"),
        }
    }
}

impl std::error::Error for ClaimError {}

/// The results of a claim's scenarios.
#[derive(Default)]
pub struct Runs {
    list: Vec<(String, RunResult)>,
}

impl Runs {
    /// Adds a scenario's result.
    pub fn add(&mut self, file: &str, result: RunResult) {
        self.list.push((file.to_owned(), result));
    }

    /// The result of a scenario.
    ///
    /// # Panics
    /// If the claim does not list the file.
    pub fn of(&self, file: &str) -> Run<'_> {
        let found = self.list.iter().find(|(f, _)| f == file);
        let (file, result) = found.expect("a claim lists the scenarios that it looks at");
        Run { file, result }
    }
}

/// One scenario's result.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    file: &'a str,
    /// All of it.
    pub result: &'a RunResult,
}

impl<'a> Run<'a> {
    /// An error: the scenario has no such thing.
    pub fn missing(&self, what: impl Into<String>) -> ClaimError {
        ClaimError::Missing { file: self.file.to_owned(), what: what.into() }
    }

    /// A topology by name.
    ///
    /// # Errors
    /// [`ClaimError::Missing`].
    pub fn topology(&self, name: &str) -> Result<&'a TopologyResult, ClaimError> {
        let found = self.result.topologies.iter().find(|t| t.name == name);
        found.ok_or_else(|| self.missing(format!("topology `{name}`")))
    }

    /// A metric of a topology.
    ///
    /// # Errors
    /// [`ClaimError::Missing`], also when it had no sample.
    pub fn metric(&self, topology: &str, name: &str) -> Result<f64, ClaimError> {
        let value = self.topology(topology)?.metrics.get(name).copied().flatten();
        value.ok_or_else(|| self.missing(format!("value of `{name}` in topology `{topology}`")))
    }

    /// A round trip that the run used, in milliseconds.
    ///
    /// # Errors
    /// [`ClaimError::Missing`].
    pub fn rtt_ms(&self, from: &str, to: &str) -> Result<f64, ClaimError> {
        let found = self.result.scenario.network.iter().find(|l| l.from == from && l.to == to);
        found.map(|l| l.rtt_ms).ok_or_else(|| self.missing(format!("link from `{from}` to `{to}`")))
    }

    /// The nearest of a topology's regions for a group of users: its id and the round trip in milliseconds.
    ///
    /// # Errors
    /// [`ClaimError::Missing`].
    pub fn nearest(&self, topology: &str, group: &str) -> Result<(&'a str, f64), ClaimError> {
        let mut best: Option<(&str, f64)> = None;
        for region in &self.topology(topology)?.regions {
            let ms = self.rtt_ms(group, &region.region)?;
            if best.is_none_or(|(_, b)| ms < b) {
                best = Some((&region.region, ms));
            }
        }
        best.ok_or_else(|| self.missing(format!("region in topology `{topology}`")))
    }
}

/// Figures in the order in which they are shown.
#[derive(Default)]
pub struct Figures(pub Vec<(String, f64)>);

impl Figures {
    /// Adds a figure and hands it back.
    pub fn put(&mut self, name: impl Into<String>, value: f64) -> f64 {
        self.0.push((name.into(), value));
        value
    }
}

/// The value under which a share `q` of the weight lies: the smallest value at which the cumulated weight reaches it.
/// Zero for an empty list.
pub fn weighted_quantile(mut values: Vec<(f64, f64)>, q: f64) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|v| v.1).sum();
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= q * total {
            return *value;
        }
    }
    values.last().map_or(0.0, |v| v.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighted_quantiles() {
        let values = vec![(30.0, 0.5), (10.0, 0.3), (20.0, 0.2)];
        assert_eq!(weighted_quantile(values.clone(), 0.25), 10.0);
        assert_eq!(weighted_quantile(values.clone(), 0.45), 20.0);
        assert_eq!(weighted_quantile(values.clone(), 0.95), 30.0);
        assert_eq!(weighted_quantile(Vec::new(), 0.5), 0.0);
    }
}
