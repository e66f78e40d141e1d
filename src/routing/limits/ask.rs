//! What a limiter is asked, what it answers, and what it is told in the end.

use crate::routing::outcome::ErrorClass;
use crate::units::{Money, Span, Time};

/// One request, as far as limits look at it before it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Prompt tokens, those in a cache included. Providers estimate them from characters; here they are exact.
    pub input: u32,
    /// Those of them that will be read from the provider's prompt cache; at most `input`.
    pub cached: u32,
    /// The request's bound on the answer (`max_tokens`).
    pub max_output: u32,
}

impl Ask {
    /// Prompt tokens that no cache saves.
    pub fn uncached(&self) -> u64 {
        u64::from(self.input.saturating_sub(self.cached))
    }

    /// Prompt and longest possible answer.
    pub fn worst(&self) -> u64 {
        u64::from(self.input) + u64::from(self.max_output)
    }
}

/// What a request has used when it is over. All zero for one that failed before anything was processed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Prompt tokens, those read from a cache included.
    pub input: u32,
    /// Those of them that were read from the provider's prompt cache; at most `input`.
    pub cached: u32,
    /// Tokens written.
    pub output: u32,
    /// What the caller is charged, for limits on spending.
    pub cost: Money,
}

impl Usage {
    /// Nothing: the request failed before anything was processed.
    pub const NOTHING: Usage = Usage { input: 0, cached: 0, output: 0, cost: Money::ZERO };

    /// Prompt tokens that no cache saved.
    pub fn uncached(&self) -> u64 {
        u64::from(self.input.saturating_sub(self.cached))
    }

    /// Prompt and answer.
    pub fn total(&self) -> u64 {
        u64::from(self.input) + u64::from(self.output)
    }
}

/// A request was let in. It is handed back with [`Limiter::settle`](super::Limiter::settle), once, when the request is
/// over: answered, failed, broken off or given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// When it was given.
    pub(super) at: Time,
    /// What was counted in advance: tokens, or the limiter's own unit of work.
    pub(super) reserved: u64,
    /// What was taken in advance from a pool shared with others.
    pub(super) pooled: u64,
    /// Output tokens counted in advance where they have a limit of their own.
    pub(super) output: u64,
}

impl Grant {
    /// Nothing was counted that could be corrected.
    pub(super) fn plain(at: Time) -> Grant {
        Grant { at, reserved: 0, pooled: 0, output: 0 }
    }
}

/// Which limit refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Requests over a minute or less.
    Requests,
    /// Requests over a day.
    RequestsPerDay,
    /// Tokens of prompt and answer together.
    Tokens,
    /// The same over a day.
    TokensPerDay,
    /// Prompt tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Capacity that was bought in advance.
    Provisioned,
    /// Capacity that is shared with other customers.
    Shared,
    /// Money.
    Credit,
}

/// A request was not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The error that the caller sees.
    pub class: ErrorClass,
    /// Which limit.
    pub limit: Limit,
    /// What the request would have counted for, in the limit's unit.
    pub asked: u64,
    /// The most that this limit ever lets through at once.
    pub most: u64,
    /// Time until it would be let in if nobody else comes, as the limiter itself knows it; `None` if that never happens,
    /// or depends on others. A gateway that queues behind its own limit waits for this long.
    pub wait: Option<Span>,
    /// The Retry-After header of the answer, if it carries one. Providers send less than they know.
    pub retry_after: Option<Span>,
}

impl Refusal {
    /// A 429.
    pub(super) fn new(limit: Limit, asked: u64, most: u64, wait: Option<Span>) -> Refusal {
        Refusal { class: ErrorClass::RateLimited, limit, asked, most, wait, retry_after: None }
    }

    /// With the wait as its Retry-After header, if such are sent.
    pub(super) fn telling(self, sends: bool) -> Refusal {
        Refusal { retry_after: self.wait.filter(|_| sends), ..self }
    }
}
