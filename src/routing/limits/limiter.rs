//! One limiter of any kind behind a common interface, for both sides: what a provider enforces on an account, and what a
//! gateway enforces on its own deployments.

use super::ask::{Ask, Grant, Refusal, Usage};
use super::{
    AnchoredWindow, Anthropic, AnthropicConfig, AzureOpenAi, AzureOpenAiConfig, AzureProvisioned,
    AzureProvisionedConfig, Bedrock, BedrockConfig, BucketConfig, EnvoyAiGateway, EnvoyAiGatewayConfig, EnvoyRateLimit,
    EnvoyRateLimitConfig, FixedWindow, LiteLlm, LiteLlmConfig, OpenAi, OpenAiConfig, Plain, PlainConfig,
    SharedPoolConfig, SlidingCounter, SlidingLog, SubWindow, SubWindowConfig, TokenBucket, VertexProvisioned,
    VertexProvisionedConfig, VertexShared, WindowConfig,
};
use crate::units::{Span, Time};

/// Which limiter, and its numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LimiterConfig {
    /// Buckets that refill continuously.
    TokenBucket(PlainConfig<BucketConfig>),
    /// Windows of the clock.
    FixedWindow(PlainConfig<WindowConfig>),
    /// Windows that begin with their first event.
    AnchoredWindow(PlainConfig<WindowConfig>),
    /// A sliding window, exactly.
    SlidingLog(PlainConfig<WindowConfig>),
    /// A sliding window, by two counters.
    SlidingCounter(PlainConfig<WindowConfig>),
    /// A rate enforced pro rata over short windows.
    SubWindow(PlainConfig<SubWindowConfig>),
    /// Azure OpenAI, standard deployment.
    AzureOpenAi(AzureOpenAiConfig),
    /// Azure OpenAI, provisioned throughput.
    AzureProvisioned(AzureProvisionedConfig),
    /// OpenAI.
    OpenAi(OpenAiConfig),
    /// Anthropic.
    Anthropic(AnthropicConfig),
    /// Amazon Bedrock, on demand.
    Bedrock(BedrockConfig),
    /// Vertex AI, dynamic shared quota.
    VertexShared(SharedPoolConfig),
    /// Vertex AI, provisioned throughput.
    VertexProvisioned(VertexProvisionedConfig),
    /// Envoy's global rate limit service, on requests.
    EnvoyRateLimit(EnvoyRateLimitConfig),
    /// Envoy AI Gateway, on tokens of responses.
    EnvoyAiGateway(EnvoyAiGatewayConfig),
    /// LiteLLM's limits on its deployments.
    LiteLlm(LiteLlmConfig),
}

impl LimiterConfig {
    /// Its key in scenario files and in the documentation.
    pub const fn name(&self) -> &'static str {
        match self {
            LimiterConfig::TokenBucket(_) => "token_bucket",
            LimiterConfig::FixedWindow(_) => "fixed_window",
            LimiterConfig::AnchoredWindow(_) => "anchored_window",
            LimiterConfig::SlidingLog(_) => "sliding_log",
            LimiterConfig::SlidingCounter(_) => "sliding_counter",
            LimiterConfig::SubWindow(_) => "sub_window",
            LimiterConfig::AzureOpenAi(_) => "azure_openai",
            LimiterConfig::AzureProvisioned(_) => "azure_provisioned",
            LimiterConfig::OpenAi(_) => "openai",
            LimiterConfig::Anthropic(_) => "anthropic",
            LimiterConfig::Bedrock(_) => "bedrock",
            LimiterConfig::VertexShared(_) => "vertex_shared",
            LimiterConfig::VertexProvisioned(_) => "vertex_provisioned",
            LimiterConfig::EnvoyRateLimit(_) => "envoy_ratelimit",
            LimiterConfig::EnvoyAiGateway(_) => "envoy_ai_gateway",
            LimiterConfig::LiteLlm(_) => "litellm",
        }
    }

    /// The pool shared with others, if there is one.
    pub fn shared_pool_mut(&mut self) -> Option<&mut SharedPoolConfig> {
        match self {
            LimiterConfig::VertexShared(pool) => Some(pool),
            LimiterConfig::Anthropic(config) => config.overload.as_mut(),
            _ => None,
        }
    }

    /// Why even an idle limiter never lets this request through; `None` if it does.
    pub fn never_admits(&self, ask: &Ask) -> Option<Refusal> {
        let refusal = Limiter::new(self, Time::ZERO, Span::ZERO).admit(Time::ZERO, ask).err()?;
        (refusal.wait.is_none() && refusal.asked > refusal.most).then_some(refusal)
    }
}

/// A limiter at work. Times never go back.
#[derive(Clone, Debug)]
pub struct Limiter {
    rule: Rule,
    /// Grants that are not settled.
    outstanding: u64,
}

#[derive(Clone, Debug)]
enum Rule {
    TokenBucket(Plain<TokenBucket>),
    FixedWindow(Plain<FixedWindow>),
    AnchoredWindow(Plain<AnchoredWindow>),
    SlidingLog(Plain<SlidingLog>),
    SlidingCounter(Plain<SlidingCounter>),
    SubWindow(Plain<SubWindow>),
    AzureOpenAi(AzureOpenAi),
    AzureProvisioned(AzureProvisioned),
    OpenAi(OpenAi),
    Anthropic(Box<Anthropic>),
    Bedrock(Bedrock),
    VertexShared(VertexShared),
    VertexProvisioned(VertexProvisioned),
    EnvoyRateLimit(EnvoyRateLimit),
    EnvoyAiGateway(EnvoyAiGateway),
    LiteLlm(LiteLlm),
}

impl Limiter {
    /// An idle limiter at `now`. `epoch` is the Unix time of [`Time::ZERO`], for windows that follow the clock: zero in a
    /// gateway whose times are Unix times, the start of the run in a simulation.
    pub fn new(config: &LimiterConfig, now: Time, epoch: Span) -> Limiter {
        let rule = match config {
            LimiterConfig::TokenBucket(c) => Rule::TokenBucket(Plain::new(c, |c| TokenBucket::new(c, now))),
            LimiterConfig::FixedWindow(c) => Rule::FixedWindow(Plain::new(c, |c| FixedWindow::new(c, epoch))),
            LimiterConfig::AnchoredWindow(c) => Rule::AnchoredWindow(Plain::new(c, AnchoredWindow::new)),
            LimiterConfig::SlidingLog(c) => Rule::SlidingLog(Plain::new(c, SlidingLog::new)),
            LimiterConfig::SlidingCounter(c) => Rule::SlidingCounter(Plain::new(c, |c| SlidingCounter::new(c, epoch))),
            LimiterConfig::SubWindow(c) => Rule::SubWindow(Plain::new(c, |c| SubWindow::new(c, epoch))),
            LimiterConfig::AzureOpenAi(c) => Rule::AzureOpenAi(AzureOpenAi::new(c, epoch)),
            LimiterConfig::AzureProvisioned(c) => Rule::AzureProvisioned(AzureProvisioned::new(c, now)),
            LimiterConfig::OpenAi(c) => Rule::OpenAi(OpenAi::new(c, now)),
            LimiterConfig::Anthropic(c) => Rule::Anthropic(Box::new(Anthropic::new(c, now, epoch))),
            LimiterConfig::Bedrock(c) => Rule::Bedrock(Bedrock::new(c, now)),
            LimiterConfig::VertexShared(c) => Rule::VertexShared(VertexShared::new(c, now, epoch)),
            LimiterConfig::VertexProvisioned(c) => Rule::VertexProvisioned(VertexProvisioned::new(c, epoch)),
            LimiterConfig::EnvoyRateLimit(c) => Rule::EnvoyRateLimit(EnvoyRateLimit::new(c, epoch)),
            LimiterConfig::EnvoyAiGateway(c) => Rule::EnvoyAiGateway(EnvoyAiGateway::new(c, epoch)),
            LimiterConfig::LiteLlm(c) => Rule::LiteLlm(LiteLlm::new(c, epoch)),
        };
        Limiter { rule, outstanding: 0 }
    }

    /// A request arrives. What it is granted has to come back with [`Limiter::settle`].
    ///
    /// # Errors
    /// It is over a limit.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let grant = match &mut self.rule {
            Rule::TokenBucket(l) => l.admit(now, ask),
            Rule::FixedWindow(l) => l.admit(now, ask),
            Rule::AnchoredWindow(l) => l.admit(now, ask),
            Rule::SlidingLog(l) => l.admit(now, ask),
            Rule::SlidingCounter(l) => l.admit(now, ask),
            Rule::SubWindow(l) => l.admit(now, ask),
            Rule::AzureOpenAi(l) => l.admit(now, ask),
            Rule::AzureProvisioned(l) => l.admit(now, ask),
            Rule::OpenAi(l) => l.admit(now, ask),
            Rule::Anthropic(l) => l.admit(now, ask),
            Rule::Bedrock(l) => l.admit(now, ask),
            Rule::VertexShared(l) => l.admit(now, ask),
            Rule::VertexProvisioned(l) => l.admit(now, ask),
            Rule::EnvoyRateLimit(l) => l.admit(now, 1),
            Rule::EnvoyAiGateway(l) => l.admit(now, ask),
            Rule::LiteLlm(l) => l.admit(now, ask),
        }?;
        self.outstanding += 1;
        Ok(grant)
    }

    /// A request that was let in is over, and this is what it used ([`Usage::NOTHING`] if it failed before anything was
    /// processed).
    ///
    /// # Panics
    /// If it has been settled before (INV-5).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        assert!(self.outstanding > 0, "INV-5 broken: a grant is settled twice");
        self.outstanding -= 1;
        match &mut self.rule {
            Rule::TokenBucket(l) => l.settle(now, grant, usage),
            Rule::FixedWindow(l) => l.settle(now, grant, usage),
            Rule::AnchoredWindow(l) => l.settle(now, grant, usage),
            Rule::SlidingLog(l) => l.settle(now, grant, usage),
            Rule::SlidingCounter(l) => l.settle(now, grant, usage),
            Rule::SubWindow(l) => l.settle(now, grant, usage),
            Rule::AzureProvisioned(l) => l.settle(now, grant, usage),
            Rule::OpenAi(l) => l.settle(usage),
            Rule::Anthropic(l) => l.settle(now, grant, usage),
            Rule::Bedrock(l) => l.settle(now, grant, usage),
            Rule::VertexShared(l) => l.settle(now, grant, usage),
            Rule::VertexProvisioned(l) => l.settle(now, grant, usage),
            Rule::EnvoyAiGateway(l) => l.settle(now, usage),
            Rule::LiteLlm(l) => l.settle(now, grant, usage),
            // what they count is never corrected
            Rule::AzureOpenAi(_) | Rule::EnvoyRateLimit(_) => {}
        }
    }

    /// Grants that are not settled.
    pub fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// The next time at which a request that is refused now may be let in although nothing was settled: when a gateway that
    /// queues behind this limiter looks again. `None` when nothing is counted.
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        match &mut self.rule {
            Rule::TokenBucket(l) => l.next_timeout(now),
            Rule::FixedWindow(l) => l.next_timeout(now),
            Rule::AnchoredWindow(l) => l.next_timeout(now),
            Rule::SlidingLog(l) => l.next_timeout(now),
            Rule::SlidingCounter(l) => l.next_timeout(now),
            Rule::SubWindow(l) => l.next_timeout(now),
            Rule::AzureOpenAi(l) => l.next_timeout(now),
            Rule::AzureProvisioned(l) => l.next_timeout(now),
            Rule::OpenAi(l) => l.next_timeout(now),
            Rule::Anthropic(l) => l.next_timeout(now),
            Rule::Bedrock(l) => l.next_timeout(now),
            Rule::VertexShared(l) => l.next_timeout(now),
            Rule::VertexProvisioned(l) => l.next_timeout(now),
            Rule::EnvoyRateLimit(l) => l.next_timeout(now),
            Rule::EnvoyAiGateway(l) => l.next_timeout(now),
            Rule::LiteLlm(l) => l.next_timeout(now),
        }
    }
}
