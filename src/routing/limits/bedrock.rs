//! Amazon Bedrock, on-demand inference (AWS, "How tokens are counted in Amazon Bedrock" and "Quotas for the bedrock-runtime
//! endpoint", 2026; excerpts).
//!
//! Tokens per minute and per day (by default the minute's times 1,440), input and output together, per account, model and
//! **source region**: a cross-region inference profile spreads calls over several regions, but what counts is the region
//! where it is called, so all its destinations share one limiter. Accounting has three steps:
//!
//! 1. at the start the whole input, caches included, and `max_tokens` are reserved;
//! 2. while the answer is written the reservation is adjusted from time to time (left out: nobody outside can know when);
//! 3. at the end it is replaced by input that no cache saved (cache writes included) plus output times a burn-down rate: 5
//!    for Claude 3.7 and 4 (the answer counts five times), 1 for the others.
//!
//! Over it, `ThrottlingException`, 429; a Retry-After is not promised. Quotas on requests were dropped in May 2026; older
//! ones can be set.
//!
//! ASSUMPTION: the quota is a continuously refilled bucket; AWS says neither that nor that it is not.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::meter::{Meter, earlier};
use super::plain::correct;
use super::token_bucket::{BucketConfig, TokenBucket};
use crate::units::{Span, Time};

/// Quotas of an account on a model in a source region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BedrockConfig {
    /// Requests per minute, where they still are limited.
    pub requests: Option<BucketConfig>,
    /// Tokens per minute.
    pub tokens: BucketConfig,
    /// Tokens per day.
    pub tokens_per_day: Option<BucketConfig>,
    /// What one output token counts for at the end; at least 1.
    pub output_burndown: u32,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
}

/// An account's buckets.
#[derive(Clone, Debug)]
pub struct Bedrock {
    requests: Option<TokenBucket>,
    tokens: TokenBucket,
    tokens_per_day: Option<TokenBucket>,
    output_burndown: u32,
    retry_after: bool,
}

impl Bedrock {
    /// Full buckets.
    pub fn new(config: &BedrockConfig, now: Time) -> Bedrock {
        let bucket = |c| TokenBucket::new(c, now);
        Bedrock {
            requests: config.requests.map(bucket),
            tokens: bucket(config.tokens),
            tokens_per_day: config.tokens_per_day.map(bucket),
            output_burndown: config.output_burndown,
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// The first quota that cannot hold the reservation.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let reserved = ask.worst();
        let checks = [
            (self.requests.as_mut(), 1, Limit::Requests),
            (Some(&mut self.tokens), reserved, Limit::Tokens),
            (self.tokens_per_day.as_mut(), reserved, Limit::TokensPerDay),
        ];
        for (bucket, n, limit) in checks {
            let Some(b) = bucket else { continue };
            let wait = b.wait(now, n);
            if wait != Some(Span::ZERO) {
                return Err(Refusal::new(limit, n, b.most(), wait).telling(self.retry_after));
            }
        }
        if let Some(b) = &mut self.requests {
            b.count(now, 1);
        }
        self.tokens.count(now, reserved);
        if let Some(b) = &mut self.tokens_per_day {
            b.count(now, reserved);
        }
        Ok(Grant { reserved, ..Grant::plain(now) })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        let counts = usage.uncached() + u64::from(usage.output) * u64::from(self.output_burndown);
        correct(&mut self.tokens, now, grant.at, grant.reserved, counts);
        if let Some(b) = &mut self.tokens_per_day {
            correct(b, now, grant.at, grant.reserved, counts);
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        let others = [&mut self.requests, &mut self.tokens_per_day].into_iter().flatten();
        others.map(|b| b.next_change(now)).fold(self.tokens.next_change(now), earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Money, PerNanos};

    fn bedrock(tokens_per_min: u64, output_burndown: u32) -> Bedrock {
        let per = |n: u64, nanos| BucketConfig { rate: PerNanos { micro_count: n * 1_000_000, nanos }, capacity: n };
        const MINUTE: u64 = 60_000_000_000;
        let config = BedrockConfig {
            requests: None,
            tokens: per(tokens_per_min, MINUTE),
            tokens_per_day: Some(per(tokens_per_min * 1_440, MINUTE * 1_440)),
            output_burndown,
            retry_after: false,
        };
        Bedrock::new(&config, Time::ZERO)
    }

    fn used(input: u32, cached: u32, output: u32) -> Usage {
        Usage { input, cached, output, cost: Money::ZERO }
    }

    /// Why an unset `max_tokens` throttles: with 2 M TPM and prompts of 500 tokens it leaves 31 calls at once when the
    /// model's 64,000 are reserved, and 1,333 with `max_tokens` of 1,000.
    #[test]
    fn bedrock_reservation_of_max_tokens() {
        for (max_output, at_once) in [(64_000, 31), (1_000, 1_333)] {
            let mut b = bedrock(2_000_000, 1);
            let ask = Ask { input: 500, cached: 0, max_output };
            let passed = (0..2_000).filter(|_| b.admit(Time::ZERO, &ask).is_ok()).count();
            assert_eq!(passed, at_once);
        }
    }

    /// The example of AWS' quota dashboard: 1,000 tokens in and at most 64,000 out reserve 65,000; 100 out settle to 1,500
    /// at a burn-down of 5, to 1,100 at 1.
    #[test]
    fn bedrock_settlement_with_burndown() {
        for (burndown, counts) in [(5, 1_500), (1, 1_100)] {
            let mut b = bedrock(100_000, burndown);
            let ask = Ask { input: 1_000, cached: 0, max_output: 64_000 };
            let grant = b.admit(Time::ZERO, &ask).unwrap();
            assert_eq!(b.tokens.available(Time::ZERO), 35_000);
            b.settle(Time::ZERO, grant, &used(1_000, 0, 100));
            assert_eq!(b.tokens.available(Time::ZERO), 100_000 - counts);
            let days = b.tokens_per_day.as_mut().unwrap().available(Time::ZERO);
            assert_eq!(days, 144_000_000 - counts);
        }
    }

    /// The published examples of the 5x burn-down (community.aws, 2025-05): 10 in and 750 out count 3,760; 2,005 in and 200
    /// out 3,005; 6 in and 12 out 66.
    #[test]
    fn bedrock_claude_4_burndown_examples() {
        for (input, output, counts) in [(10, 750, 3_760), (2_005, 200, 3_005), (6, 12, 66)] {
            let mut b = bedrock(100_000, 5);
            let grant = b.admit(Time::ZERO, &Ask { input, cached: 0, max_output: output }).unwrap();
            b.settle(Time::ZERO, grant, &used(input, 0, output));
            assert_eq!(b.tokens.available(Time::ZERO), 100_000 - counts);
        }
    }

    /// 20,000 tokens of output at 5x use up 100,000 TPM, although only 20,000 were reserved.
    #[test]
    fn what_burns_more_than_was_reserved_is_owed() {
        let mut b = bedrock(100_000, 5);
        let ask = Ask { input: 0, cached: 0, max_output: 20_000 };
        let grants: Vec<Grant> = (0..2).map(|_| b.admit(Time::ZERO, &ask).unwrap()).collect();
        for grant in grants {
            b.settle(Time::ZERO, grant, &used(0, 0, 20_000));
        }
        let refused = b.admit(Time::ZERO, &Ask { input: 1, cached: 0, max_output: 0 }).unwrap_err();
        // 100,000 owed, and one more
        assert_eq!((refused.wait, refused.retry_after), (Some(Span(60_000_600_000)), None));
    }

    #[test]
    fn cache_reads_are_reserved_and_not_charged() {
        let mut b = bedrock(100_000, 5);
        let grant = b.admit(Time::ZERO, &Ask { input: 50_000, cached: 49_000, max_output: 100 }).unwrap();
        assert_eq!(b.tokens.available(Time::ZERO), 49_900);
        b.settle(Time::ZERO, grant, &used(50_000, 49_000, 100));
        assert_eq!(b.tokens.available(Time::ZERO), 98_500);
    }
}
