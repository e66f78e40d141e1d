//! `cost-based-routing`: the lowest price.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/lowest_cost.py`. The price is input plus output per token: of
//! `litellm_params` where it is not zero, else of LiteLLM's price list, else 5 dollars each. Deterministic: the cheapest
//! within its limits; equal prices go to the first in the order of the model's map of counters. The map holds tokens and
//! requests per minute of local time, written on success, with LiteLLM's default time to live of 600 s from its first
//! write. Candidates that are not in it are appended, for good if the map exists.

use super::cache::{Minute, Window};
use super::marks::Marks;
use super::select::Choice;
use super::why::{Explain, Why};
use crate::routing::reason::Figure;
use crate::units::{DeploymentIx, Span, Time};

/// `InMemoryCache.default_ttl`.
const TTL: Span = Span::from_secs(600);

/// The map of one model.
#[derive(Clone, Debug, Default)]
pub(super) struct LowestCost {
    map: Window<()>,
    order: Vec<u16>,
    /// By deployment.
    entries: Vec<Option<Minute>>,
}

impl LowestCost {
    fn forget_if_expired(&mut self, now: Time) {
        if self.map.get(now).is_none() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.order.clear();
        self.entries.iter_mut().for_each(|e| *e = None);
    }

    fn list(&mut self, deployment: u16) -> &mut Minute {
        let ix = usize::from(deployment);
        if ix >= self.entries.len() {
            self.entries.resize(ix + 1, None);
        }
        if self.entries[ix].is_none() {
            self.order.push(deployment);
        }
        self.entries[ix].get_or_insert_default()
    }

    /// An answer came.
    pub fn succeeded(&mut self, now: Time, minute: u64, deployment: u16, tokens: u64) {
        self.forget_if_expired(now);
        let entry = self.list(deployment);
        entry.add_tpm(minute, tokens);
        entry.add_rpm(minute, 1);
        self.map.set(now, (), TTL);
    }

    /// The choice, if any candidate is within its limits.
    pub fn pick<S: Explain>(
        &mut self,
        Choice { now, minute, deps, input_tokens, candidates }: Choice<'_>,
        marks: &Marks,
        reasons: &mut S,
    ) -> Option<u16> {
        self.forget_if_expired(now);
        for c in candidates {
            self.list(*c);
        }
        let mut best: Option<(f64, u16)> = None;
        for d in &self.order {
            if !marks.has(*d) {
                continue;
            }
            let (dep, deployment) = (&deps[usize::from(*d)], DeploymentIx(*d));
            let used = self.entries[usize::from(*d)].unwrap_or_default();
            let (tokens, requests) = used.counted(minute);
            if tokens + input_tokens > dep.tpm_or_none || requests + 1 > dep.rpm_or_none {
                if reasons.on() {
                    reasons.why(Why::AtLimit { deployment });
                    reasons.usage(*d, (tokens + input_tokens, dep.tpm_or_none), (requests + 1, dep.rpm_or_none));
                }
                continue;
            }
            let score = || Figure::new("dollars per token, in and out together", dep.cost);
            reasons.why_if(|| Why::Candidate { deployment, score: score() });
            if best.is_none_or(|(cost, _)| dep.cost < cost) {
                best = Some((dep.cost, *d));
            }
        }
        if self.map.get(now).is_none() {
            self.forget();
        }
        best.map(|(_, d)| d)
    }
}
