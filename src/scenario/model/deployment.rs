//! Models as providers serve them.

use super::{DistSpec, PromptCache, QuotaUse, Replicas};
use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, Money, Price, RegionIx, Span};

/// One model served by one provider in one region under one quota.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Name in the file.
    pub name: String,
    /// Provider's name.
    pub provider: String,
    /// Model's name.
    pub model: String,
    /// Where it runs.
    pub place: RegionIx,
    /// Price of input tokens.
    pub input_price: Price,
    /// Price of output tokens.
    pub output_price: Price,
    /// Price of input tokens read from its prompt cache.
    pub cached_price: Price,
    /// Price of input tokens written to its prompt cache, in place of that of input; `None` if writing costs nothing more.
    pub write_price: Option<Price>,
    /// Where the prices come from.
    pub price_source: String,
    /// Time to first token in an unloaded system without the network, before prefill of long prompts.
    pub ttft: DistSpec,
    /// Added to the time to first token per input token.
    pub prefill_per_token: Span,
    /// Time per output token after the first (one draw per request: its decode speed).
    pub per_output_token: DistSpec,
    /// Outputs are this much longer (or shorter) than the workload's sizes say: another model answers differently.
    pub output_factor: f64,
    /// Provider-side quota. `None`: no limit.
    pub quota: Option<QuotaUse>,
    /// Who serves what this one refuses, in its place and without its caller knowing.
    pub spill_over: Option<DeploymentIx>,
    /// Requests served at once; one more waits or is refused with 503. `None`: no bound.
    pub concurrency: Option<u32>,
    /// Requests that wait for a place.
    pub queue: u32,
    /// What it is made of, if it is self-hosted; then it has no bound of its own and no queue.
    pub replicas: Option<Replicas>,
    /// What it keeps of prompts. `None`: nothing.
    pub prompt_cache: Option<PromptCache>,
    /// Background probability that a request fails.
    pub error_rate: f64,
    /// With what.
    pub error: ErrorClass,
}

impl Deployment {
    /// What it bills for a prompt, of which some tokens were read from its cache and some written to it, and for an answer.
    pub fn token_cost(&self, input: u32, cached: u32, written: u32, output: u32) -> Money {
        let (plain, written) = self.input_at(input, cached, written);
        let at = |price: Price, tokens: u32| price.cost(u128::from(tokens));
        at(self.input_price, plain)
            + at(self.cached_price, cached)
            + self.write_price.map_or(Money::ZERO, |price| at(price, written))
            + at(self.output_price, output)
    }

    /// Input tokens that are billed as such, and those as written: none where writing has no price.
    pub fn input_at(&self, input: u32, cached: u32, written: u32) -> (u32, u32) {
        let written = if self.write_price.is_some() { written } else { 0 };
        (input - cached - written, written)
    }
}
