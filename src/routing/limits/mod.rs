//! Rate limits, on the client's side or the provider's: state machines on [`crate::units`] alone.
//!
//! *Counters* keep one quantity against one limit ([`Meter`]): a token bucket, windows that are fixed, anchored or sliding,
//! short windows pro rata, a leaky bucket, a pool shared with others. *Limiters* are what providers and gateways build from
//! them, one file each, with its source and constants; [`Limiter`] is one of them behind a common interface. Whatever is
//! counted is a whole number, and what is taken and not used comes back exactly (INV-5).

mod anchored_window;
mod anthropic;
mod ask;
mod azure_openai;
mod azure_provisioned;
mod bedrock;
mod envoy_ai_gateway;
mod envoy_ratelimit;
mod fixed_window;
mod leaky_bucket;
mod limiter;
mod litellm;
mod meter;
mod openai;
mod plain;
mod shared_pool;
mod sliding_counter;
mod sliding_log;
mod sub_window;
#[cfg(test)]
mod tests;
mod token_bucket;
mod vertex;

pub use anchored_window::AnchoredWindow;
pub use anthropic::{Anthropic, AnthropicConfig, OutputCount};
pub use ask::{Ask, Grant, Limit, Refusal, Usage};
pub use azure_openai::{AzureOpenAi, AzureOpenAiConfig};
pub use azure_provisioned::{AzureProvisioned, AzureProvisionedConfig};
pub use bedrock::{Bedrock, BedrockConfig};
pub use envoy_ai_gateway::{EnvoyAiGateway, EnvoyAiGatewayConfig, TokenCost};
pub use envoy_ratelimit::{EnvoyRateLimit, EnvoyRateLimitConfig};
pub use fixed_window::{FixedWindow, WindowConfig};
pub use leaky_bucket::{LeakyBucket, LeakyConfig};
pub use limiter::{Limiter, LimiterConfig};
pub use litellm::{LiteLlm, LiteLlmConfig};
pub use meter::Meter;
pub use openai::{OpenAi, OpenAiConfig};
pub use plain::{Plain, PlainConfig};
pub use shared_pool::{SharedPool, SharedPoolConfig};
pub use sliding_counter::SlidingCounter;
pub use sliding_log::SlidingLog;
pub use sub_window::{SubWindow, SubWindowConfig};
pub use token_bucket::{BucketConfig, TokenBucket};
pub use vertex::{VertexProvisioned, VertexProvisionedConfig, VertexShared};
