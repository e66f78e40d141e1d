//! Portkey's gateway: a tree of targets, whose inner nodes are strategies and whose leaves are calls.
//!
//! Source of every rule: Portkey-AI/gateway, commit 669825c (read November 2026), `src/handlers/handlerUtils.ts`,
//! `src/handlers/retryHandler.ts`, `src/handlers/services/requestContext.ts`, `src/services/conditionalRouter.ts` and
//! `src/globals.ts`; for circuits, which are the hosted product's, the documentation "Circuit breaker" (2026).
//!
//! | file | what |
//! |---|---|
//! | `config` | targets, strategies, settings, and which trees are refused |
//! | `query` | conditions: what a request brings, and the operators on it |
//! | `plan` | the tree with the settings that its nodes inherit; what a request can reach |
//! | `walk` | down to a target, and on after it has answered |
//! | `retry` | which answers are tried again, and after which pause |
//! | `circuit` | when a target is left out |
//! | `router`, `journey` | the process, the request |
//! | `why` | reasons |
//!
//! What is left out: guardrails and other hooks (they change no choice but status 246 and 446), the cache of answers, budgets
//! and rate limits of virtual keys, the strategy `sample` (all targets at once), and the operator `$length`.

mod circuit;
pub mod config;
mod journey;
mod pattern;
mod plan;
pub mod query;
mod retry;
mod router;
#[cfg(test)]
mod tests;
mod walk;
mod why;

pub use circuit::CircuitConfig;
pub use config::{Condition, Config, ConfigError, Mode, Retry, Settings, Strategy, Target, What};
pub use journey::{Command, End, Journey};
pub use pattern::{Pattern, PatternError};
pub use plan::{Reach, TargetIx};
pub use query::{Clause, Context, Field, Query, Test, Value};
pub use router::{Router, UNLIMITED};
pub use why::Why;
