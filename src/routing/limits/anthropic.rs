//! Anthropic's API (platform.claude.com, "Rate limits" and "Errors", 2026; excerpts, not the whole page).
//!
//! Token buckets per organisation and model class, refilled continuously: requests (RPM), input tokens (ITPM) and output
//! tokens (OTPM) per minute. Input counts without what is read from the prompt cache. A refusal is 429 `rate_limit_error`
//! with `retry-after`. Requests may be enforced over a shorter time than the minute (60 RPM as one per second), which is
//! the capacity of their bucket.
//!
//! Output has counted in two ways over time: pages of 2025 reserve `max_tokens` at the start and correct at the end; those
//! of 2026 say that `max_tokens` does not matter and tokens count as they are written. [`OutputCount`] chooses.
//!
//! 529 `overloaded_error` is the whole provider short of capacity, whatever one's limits: a [`SharedPool`].
//!
//! ASSUMPTION: "as they are written" is counted when the answer is over, so answers under way can overshoot; a 529 takes
//! nothing from the buckets; limits on steep ramps ("acceleration limits") have no published numbers and are left out.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::meter::{Meter, earlier};
use super::plain::correct;
use super::shared_pool::{SharedPool, SharedPoolConfig};
use super::token_bucket::{BucketConfig, TokenBucket};
use crate::routing::outcome::ErrorClass;
use crate::units::{Span, Time};

/// How output tokens count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputCount {
    /// When they are written; `max_tokens` does not matter (2026).
    AsGenerated,
    /// `max_tokens` on arrival, corrected at the end (until 2025).
    Reserved,
}

/// Limits of an organisation on a class of models. At least one bucket is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnthropicConfig {
    /// Requests.
    pub requests: Option<BucketConfig>,
    /// Input tokens that no cache saves.
    pub input: Option<BucketConfig>,
    /// Output tokens.
    pub output: Option<BucketConfig>,
    /// How output tokens count.
    pub output_count: OutputCount,
    /// Capacity of the whole provider, for 529; `None`: never short.
    pub overload: Option<SharedPoolConfig>,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
}

/// An organisation's buckets.
#[derive(Clone, Debug)]
pub struct Anthropic {
    requests: Option<TokenBucket>,
    input: Option<TokenBucket>,
    output: Option<TokenBucket>,
    output_count: OutputCount,
    pool: Option<SharedPool>,
    retry_after: bool,
}

impl Anthropic {
    /// Full buckets. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &AnthropicConfig, now: Time, epoch: Span) -> Anthropic {
        let bucket = |c: Option<BucketConfig>| c.map(|c| TokenBucket::new(c, now));
        Anthropic {
            requests: bucket(config.requests),
            input: bucket(config.input),
            output: bucket(config.output),
            output_count: config.output_count,
            pool: config.overload.as_ref().map(|c| SharedPool::new(c, now, epoch)),
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// 529 before anything is counted; then the first bucket without room: requests, input, output.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        if let Some(pool) = &mut self.pool
            && pool.wait(now, ask.worst()) != Some(Span::ZERO)
        {
            let refusal = Refusal::new(Limit::Shared, ask.worst(), pool.most(), None);
            return Err(Refusal { class: ErrorClass::ProviderOverloaded, ..refusal });
        }
        // counted as generated, an answer only needs the bucket not to be empty or in debt
        let (needs, reserved) = match self.output_count {
            OutputCount::AsGenerated => (1, 0),
            OutputCount::Reserved => (u64::from(ask.max_output), u64::from(ask.max_output)),
        };
        let checks = [
            (&mut self.requests, 1, Limit::Requests),
            (&mut self.input, ask.uncached(), Limit::InputTokens),
            (&mut self.output, needs, Limit::OutputTokens),
        ];
        for (bucket, n, limit) in checks {
            let Some(b) = bucket else { continue };
            let wait = b.wait(now, n);
            if wait != Some(Span::ZERO) {
                return Err(Refusal::new(limit, n, b.most(), wait).telling(self.retry_after));
            }
        }
        let counts = [(&mut self.requests, 1), (&mut self.input, ask.uncached()), (&mut self.output, reserved)];
        for (bucket, n) in counts {
            if let Some(b) = bucket {
                b.count(now, n);
            }
        }
        if let Some(pool) = &mut self.pool {
            pool.count(now, ask.worst());
        }
        Ok(Grant { at: now, reserved: ask.uncached(), pooled: ask.worst(), output: reserved })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        if let Some(b) = &mut self.input {
            correct(b, now, grant.at, grant.reserved, usage.uncached());
        }
        if let Some(b) = &mut self.output {
            correct(b, now, grant.at, grant.output, u64::from(usage.output));
        }
        if let Some(pool) = &mut self.pool {
            correct(pool, now, grant.at, grant.pooled, usage.total());
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        let buckets = [&mut self.requests, &mut self.input, &mut self.output];
        let bucket = buckets.into_iter().flatten().map(|b| b.next_change(now)).fold(None, earlier);
        earlier(bucket, self.pool.as_mut().and_then(|p| p.next_change(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Money, PerNanos};

    fn per_min(n: u64) -> Option<BucketConfig> {
        Some(BucketConfig { rate: PerNanos { micro_count: n * 1_000_000, nanos: 60_000_000_000 }, capacity: n })
    }

    /// Tier 1 of the 2025 page for Sonnet 4: 50 RPM, 30,000 ITPM, 8,000 OTPM.
    fn tier_1(output_count: OutputCount) -> AnthropicConfig {
        AnthropicConfig {
            requests: per_min(50),
            input: per_min(30_000),
            output: per_min(8_000),
            output_count,
            overload: None,
            retry_after: true,
        }
    }

    fn fresh(config: &AnthropicConfig) -> Anthropic {
        Anthropic::new(config, Time::ZERO, Span::ZERO)
    }

    fn used(input: u32, cached: u32, output: u32) -> Usage {
        Usage { input, cached, output, cost: Money::ZERO }
    }

    const ASK: Ask = Ask { input: 100, cached: 0, max_output: 4_000 };

    #[test]
    fn input_from_the_cache_is_free() {
        let mut a = fresh(&tier_1(OutputCount::AsGenerated));
        for _ in 0..40 {
            let cached = Ask { input: 20_000, cached: 19_500, max_output: 10 };
            let grant = a.admit(Time::ZERO, &cached).unwrap();
            a.settle(Time::ZERO, grant, &used(20_000, 19_500, 10));
        }
        let refused = a.admit(Time::ZERO, &Ask { input: 20_000, cached: 0, max_output: 10 }).unwrap_err();
        // 10,000 tokens are there, 10,000 more take 20 s
        assert_eq!((refused.limit, refused.retry_after), (Limit::InputTokens, Some(Span::from_secs(20))));
    }

    #[test]
    fn output_as_generated_ignores_max_tokens_and_overshoots() {
        let mut a = fresh(&tier_1(OutputCount::AsGenerated));
        let grants: Vec<Grant> = (0..10).map(|_| a.admit(Time::ZERO, &ASK).unwrap()).collect();
        for grant in grants {
            a.settle(Time::ZERO, grant, &used(100, 0, 1_200)); // 12,000 in all
        }
        let refused = a.admit(Time::ZERO, &ASK).unwrap_err();
        // 4,000 are owed and one more is needed, at 8,000 a minute
        assert_eq!((refused.limit, refused.wait), (Limit::OutputTokens, Some(Span(4_001 * 7_500_000))));
    }

    #[test]
    fn output_reserved_counts_max_tokens_first() {
        let mut a = fresh(&tier_1(OutputCount::Reserved));
        let first = a.admit(Time::ZERO, &ASK).unwrap();
        a.admit(Time::ZERO, &ASK).unwrap();
        assert_eq!(a.admit(Time::ZERO, &ASK).unwrap_err().limit, Limit::OutputTokens);
        a.settle(Time::ZERO, first, &used(100, 0, 0)); // and corrected at the end
        assert!(a.admit(Time::ZERO, &ASK).is_ok());
    }

    /// 60 RPM may be enforced as one request per second.
    #[test]
    fn short_bursts_of_requests_are_refused() {
        let rate = PerNanos { micro_count: 60_000_000, nanos: 60_000_000_000 };
        let mut config = tier_1(OutputCount::AsGenerated);
        config.requests = Some(BucketConfig { rate, capacity: 1 });
        let mut a = fresh(&config);
        assert!(a.admit(Time::ZERO, &ASK).is_ok());
        let refused = a.admit(Time::ZERO, &ASK).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Requests, Some(Span::from_secs(1))));
    }

    #[test]
    fn overload_is_the_providers_and_says_nothing_of_when() {
        let mut config = tier_1(OutputCount::AsGenerated);
        config.overload = Some(SharedPoolConfig {
            rate: PerNanos { micro_count: 1_000_000_000_000, nanos: 60_000_000_000 },
            burst: Span::from_secs(1),
            others: vec![1_000_000],
            step: Span::from_hours(1),
            by_clock: false,
        });
        let mut a = fresh(&config);
        let grants: Vec<Grant> = (0..4).map(|_| a.admit(Time::ZERO, &ASK).unwrap()).collect();
        let refused = a.admit(Time(1), &ASK).unwrap_err();
        assert_eq!((refused.class, refused.limit), (ErrorClass::ProviderOverloaded, Limit::Shared));
        assert_eq!((refused.wait, refused.retry_after), (None, None));
        for grant in grants {
            a.settle(Time(2), grant, &used(100, 0, 10));
        }
        assert!(a.admit(Time(3), &ASK).is_ok());
    }
}
