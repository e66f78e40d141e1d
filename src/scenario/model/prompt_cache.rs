//! What a deployment keeps of the prompts that it has worked through.

use crate::units::Span;

/// The rules of a prompt cache. Lengths are in tokens from the beginning of a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PromptCache {
    /// What was not used for so long is gone. `None`: it stays until room is needed.
    pub ttl: Option<Span>,
    /// Tokens that it holds; then the least recently used go first. `None`: no bound.
    pub capacity: Option<u64>,
    /// Shorter prefixes are neither kept nor read.
    pub minimum: u32,
    /// Prefixes are kept and read in whole multiples of this.
    pub step: u32,
    /// Answers are kept behind their prompts.
    pub answers: bool,
}

impl PromptCache {
    /// The part of a prefix that can be kept or read.
    pub fn whole(&self, tokens: u32) -> u32 {
        let whole = tokens / self.step * self.step;
        if whole < self.minimum { 0 } else { whole }
    }

    /// Whether it is the memory of the engines that serve, which is lost with them. What has no bound is a service that its
    /// provider runs beside them.
    pub fn in_engines(&self) -> bool {
        self.capacity.is_some()
    }
}
