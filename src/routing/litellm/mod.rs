//! The LiteLLM Router, version 1.106.2, with its oddities: what it does here is what it does in production.
//!
//! Source of every rule: the Python package `litellm` 1.106.2 (PyPI), read and run; each file names the modules that it
//! follows. `tests/litellm_vectors.rs` replays sequences recorded from the real router against this one.
//!
//! | file | what |
//! |---|---|
//! | `config`, `plan`, `dep`, `chains`, `resolve`, `names` | settings; names turned into positions; what a name leads to |
//! | `router`, `journey`, `select`, `observe` | the process, the request, the pipeline of a pick, what calls teach |
//! | `shuffle`, `least_busy`, `usage_v1`, `usage_v2`, `lowest_latency`, `lowest_cost` | one strategy each |
//! | `precheck`, `tags`, `budget` | filters before the strategy |
//! | `admit`, `parallel`, `rate_limit` | checks between the pick and its call |
//! | `cooldown`, `retry`, `fallback`, `failure` | what a failure leads to |
//! | `cache`, `state`, `marks` | counters with a time to live |
//! | `reach` | what a request could come to, for checks of a configuration |
//! | `why` | reasons |
//!
//! What is left out: counters shared through Redis, which cool-downs and usage of several processes would see after up to a
//! second; affinity checks (`deployment_affinity`, `session_affinity`, `prompt_caching`); the pre-routing hooks (auto,
//! complexity, adaptive and quality routers, `lar1`); and the eviction from the in-memory cache at 200 keys, by which a
//! router with many deployments (three to six keys each) silently loses counters.

mod admit;
mod budget;
mod cache;
mod chains;
pub mod config;
mod cooldown;
mod dep;
mod failure;
mod fallback;
mod journey;
mod least_busy;
mod lowest_cost;
mod lowest_latency;
mod marks;
pub mod names;
mod observe;
mod parallel;
mod plan;
mod precheck;
mod rate_limit;
mod reach;
mod resolve;
mod retry;
mod router;
mod select;
mod shuffle;
mod state;
mod tags;
mod usage_v1;
mod usage_v2;
mod why;

pub use cache::Calendar;
pub use config::{Config, ConfigError};
pub use failure::{Cause, Exception, Failure, Policy};
pub use journey::{Command, Journey};
pub use plan::{ModelIx, OptionsIx};
pub use router::{Router, Target};
pub use why::{Filter, Mechanism, Why};
