//! Claims that guides to products in several regions publish, each run as a scenario and compared: reproduced,
//! reproduced under a named assumption, or refuted.
//!
//! A claim is one entry of `CLAIMS` and one file beside this one: what is claimed, what is published, which scenarios
//! are run, how near is near enough, the verdict that is expected, and a function from the results to a finding. The
//! verdict is decided by the figures. The expected one is fixed here only so that a test notices when it changes.

mod asia_on_us_servers;
mod atlantic_conversation;
mod dns_failover;
mod figures;
mod first_token_by_city;
mod geolocation;
mod near_application;
mod probing_and_anycast;
mod provider_failover;
mod provider_outage;
mod regional_outage;
mod regional_quotas;
mod render;
mod singapore_virginia;

pub use figures::ClaimError;
pub use render::{render_markdown, render_text};

use super::replicate::{self, Unobserved};
use figures::Runs;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// What became of a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The published figures come out under the stated inputs.
    Reproduced,
    /// They come out only under an assumption that the claim does not state.
    ReproducedUnder(String),
    /// They do not come out.
    Refuted,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Reproduced => f.write_str("reproduced"),
            Verdict::ReproducedUnder(what) => write!(f, "reproduced under an assumption: {what}"),
            Verdict::Refuted => f.write_str("refuted"),
        }
    }
}

/// A claim, our figures beside it, and the verdict.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ClaimResult {
    /// Number in the list of claims.
    pub number: u32,
    /// What is claimed, in our words.
    pub claim: &'static str,
    /// The published figures.
    pub published: &'static str,
    /// What came out, in a line or two.
    pub ours: String,
    /// Decided by the figures.
    pub verdict: Verdict,
    /// The verdict that the program was released with.
    pub expected: Verdict,
    /// Why, with the numbers.
    pub explanation: String,
    /// How near is near enough for the verdict.
    pub tolerance: &'static str,
    /// Scenario files that were run, within the folder of claims, separated by commas.
    pub scenario: String,
    /// The figures behind it: name, with its unit last, and value.
    pub figures: Vec<(String, f64)>,
}

impl ClaimResult {
    /// Whether the verdict is the expected one.
    pub fn as_expected(&self) -> bool {
        self.verdict == self.expected
    }

    /// The figure of that name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
}

/// What a run of a claim's scenarios says.
struct Finding {
    ours: String,
    verdict: Verdict,
    explanation: String,
    figures: Vec<(String, f64)>,
}

/// The verdict that is expected, as a constant.
enum Expected {
    /// [`Verdict::Reproduced`].
    Reproduced,
    /// [`Verdict::ReproducedUnder`] this.
    Under(&'static str),
    /// [`Verdict::Refuted`].
    Refuted,
}

impl Expected {
    fn verdict(&self) -> Verdict {
        match self {
            Expected::Reproduced => Verdict::Reproduced,
            Expected::Under(what) => Verdict::ReproducedUnder((*what).to_owned()),
            Expected::Refuted => Verdict::Refuted,
        }
    }
}

/// One claim.
struct Claim {
    number: u32,
    claim: &'static str,
    published: &'static str,
    tolerance: &'static str,
    scenarios: &'static [&'static str],
    expected: Expected,
    evaluate: fn(&Runs) -> Result<Finding, ClaimError>,
}

/// All claims that can be run, in order of their numbers.
const CLAIMS: &[Claim] = &[
    singapore_virginia::CLAIM,
    atlantic_conversation::CLAIM,
    dns_failover::CLAIM,
    provider_failover::CLAIM,
    regional_quotas::CLAIM,
    near_application::CLAIM,
    asia_on_us_servers::CLAIM,
    first_token_by_city::CLAIM,
    geolocation::CLAIM,
    probing_and_anycast::CLAIM,
    regional_outage::CLAIM,
    provider_outage::CLAIM,
];

/// How far a validation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Scenarios that are done.
    pub done: usize,
    /// Scenarios in all.
    pub total: usize,
    /// The file that is running now.
    pub running: &'static str,
}

/// Runs every claim's scenarios from a folder (`scenarios/claims` of the repository) and compares. `progress` hears
/// before each scenario.
///
/// # Errors
/// [`ClaimError`]: a scenario cannot be loaded, or does not measure what its claim is about.
pub fn run(dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Vec<ClaimResult>, ClaimError> {
    let total: usize = CLAIMS.iter().map(|c| c.scenarios.len()).sum();
    let mut done = 0;
    let mut results = Vec::new();
    for claim in CLAIMS {
        let mut runs = Runs::default();
        for file in claim.scenarios {
            progress(Progress { done, total, running: file });
            let loaded = crate::scenario::load(&dir.join(file)).map_err(ClaimError::Load)?;
            let result = replicate::run(&loaded.scenario, &Unobserved).expect("an unobserved run is not stopped");
            runs.add(file, result);
            done += 1;
        }
        let finding = (claim.evaluate)(&runs)?;
        results.push(ClaimResult {
            number: claim.number,
            claim: claim.claim,
            published: claim.published,
            ours: finding.ours,
            verdict: finding.verdict,
            expected: claim.expected.verdict(),
            explanation: finding.explanation,
            tolerance: claim.tolerance,
            scenario: claim.scenarios.join(", "),
            figures: finding.figures,
        });
    }
    Ok(results)
}
