//! `usage-based-routing`, first version: the fewest tokens this minute.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_tpm_rpm.py`. Per model and minute of local time two dictionaries,
//! deployment → tokens and deployment → requests, both written on success only. A choice walks the dictionary of tokens in
//! its order: deployments already counted this minute in the order of their first answers, then candidates not yet seen,
//! which it appends with 0 (for good, if the dictionary exists; else the list is lost). It skips who would exceed the token
//! limit and who has an entry of requests with `requests + 1 ≥ limit`, and takes the strictly smallest. Ties go to the
//! first in that order. No randomness.
//!
//! LiteLLM decides synchronously for this strategy, with the name behind an alias as the key, while answers are counted
//! under the name as asked for: behind an alias nothing is ever seen to be counted.

use super::marks::Marks;
use super::select::Choice;
use super::why::{Explain, Why};
use crate::routing::reason::Figure;
use crate::units::DeploymentIx;

/// Dictionaries of one model for one minute.
#[derive(Clone, Debug, Default)]
pub(super) struct UsageV1 {
    minute: u64,
    /// The dictionaries exist: something was counted this minute.
    exists: bool,
    /// Deployments in the order of the dictionary of tokens.
    order: Vec<u16>,
    /// By deployment.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    listed: bool,
    tokens: u64,
    requests: Option<u64>,
}

impl UsageV1 {
    fn at_minute(&mut self, minute: u64) {
        if self.minute != minute {
            self.minute = minute;
            self.exists = false;
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.order.clear();
        self.entries.iter_mut().for_each(|e| *e = Entry::default());
    }

    fn list(&mut self, deployment: u16) -> &mut Entry {
        let ix = usize::from(deployment);
        if ix >= self.entries.len() {
            self.entries.resize(ix + 1, Entry::default());
        }
        let entry = &mut self.entries[ix];
        if !entry.listed {
            entry.listed = true;
            self.order.push(deployment);
        }
        entry
    }

    /// An answer came.
    pub fn succeeded(&mut self, minute: u64, deployment: u16, tokens: u64) {
        self.at_minute(minute);
        self.exists = true;
        let entry = self.list(deployment);
        entry.tokens += tokens;
        entry.requests = Some(entry.requests.unwrap_or(0) + 1);
    }

    /// Requests counted this minute, as the pre-call check reads them: it leaves a 0 for whom it does not find.
    #[inline]
    pub fn requests_for_check(&mut self, minute: u64, deployment: u16) -> u64 {
        if self.minute == minute && self.exists { self.counted(deployment) } else { 0 }
    }

    fn counted(&mut self, deployment: u16) -> u64 {
        let ix = usize::from(deployment);
        if ix >= self.entries.len() {
            self.entries.resize(ix + 1, Entry::default());
        }
        *self.entries[ix].requests.get_or_insert(0)
    }

    /// The choice, if any candidate is within its limits.
    pub fn pick<S: Explain>(
        &mut self,
        Choice { minute, deps, input_tokens, candidates, .. }: Choice<'_>,
        marks: &Marks,
        reasons: &mut S,
    ) -> Option<u16> {
        self.at_minute(minute);
        for c in candidates {
            self.list(*c);
        }
        let mut best: Option<(u64, u16)> = None;
        for d in &self.order {
            if !marks.has(*d) {
                continue;
            }
            let (entry, limits) = (self.entries[usize::from(*d)], &deps[usize::from(*d)]);
            let deployment = DeploymentIx(*d);
            let full = entry.requests.is_some_and(|r| r + 1 >= limits.rpm);
            if entry.tokens + input_tokens > limits.tpm || full {
                if reasons.on() {
                    reasons.why(Why::AtLimit { deployment });
                    let requests = entry.requests.unwrap_or(0) + 1;
                    reasons.usage(*d, (entry.tokens + input_tokens, limits.tpm), (requests, limits.rpm));
                }
                continue;
            }
            let score = || Figure::new("tokens of this minute", entry.tokens as f64);
            reasons.why_if(|| Why::Candidate { deployment, score: score() });
            if best.is_none_or(|(tokens, _)| entry.tokens < tokens) {
                best = Some((entry.tokens, *d));
            }
        }
        if !self.exists {
            self.forget();
        }
        best.map(|(_, d)| d)
    }
}
