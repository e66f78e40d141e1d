//! OpenAI's API (platform.openai.com, "Rate limits"; the page was not read again, so constants follow its older text and
//! the secondary sources of 2026).
//!
//! Requests and tokens per minute and per day, per organisation and model; the first that is hit refuses with 429. The
//! headers `x-ratelimit-remaining-*` and `-reset-*` give durations such as `6m0s`, which fits continuously refilled
//! buckets. A request counts for the larger of its `max_tokens` and the estimate of its prompt. Requests that fail count
//! too, so resending all the time does not help. When the account's credit is used up the answer is 429 with the code
//! `insufficient_quota`, which no waiting mends: [`ErrorClass::QuotaExhausted`].
//!
//! ASSUMPTION: the estimate of the prompt is exact (it is made from characters); it is not corrected afterwards, which the
//! page does not promise; a refused request takes what is left of the request buckets, down to zero, and no tokens.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::meter::{Meter, earlier};
use super::token_bucket::{BucketConfig, TokenBucket};
use crate::routing::outcome::ErrorClass;
use crate::units::{Money, Span, Time};

/// Limits of an organisation on a model. At least one is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenAiConfig {
    /// Requests per minute; the capacity says over how short a time they are enforced.
    pub requests: Option<BucketConfig>,
    /// Requests per day.
    pub requests_per_day: Option<BucketConfig>,
    /// Tokens per minute.
    pub tokens: Option<BucketConfig>,
    /// Tokens per day.
    pub tokens_per_day: Option<BucketConfig>,
    /// What may be spent; not zero.
    pub credit: Option<Money>,
    /// Whether a 429 says how long to wait.
    pub retry_after: bool,
}

/// The buckets in the order in which they are checked.
const LIMITS: [Limit; 4] = [Limit::Requests, Limit::RequestsPerDay, Limit::Tokens, Limit::TokensPerDay];

/// An organisation's buckets.
#[derive(Clone, Debug)]
pub struct OpenAi {
    /// See [`LIMITS`].
    buckets: [Option<TokenBucket>; 4],
    credit: Option<Money>,
    spent: Money,
    retry_after: bool,
}

impl OpenAi {
    /// Full buckets.
    pub fn new(config: &OpenAiConfig, now: Time) -> OpenAi {
        let limits = [config.requests, config.requests_per_day, config.tokens, config.tokens_per_day];
        OpenAi {
            buckets: limits.map(|c| c.map(|c| TokenBucket::new(c, now))),
            credit: config.credit,
            spent: Money::ZERO,
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// Used-up credit, then the first bucket without room: requests before tokens, minutes before days.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        if self.credit.is_some_and(|credit| self.spent >= credit) {
            let refusal = Refusal::new(Limit::Credit, 0, 0, None);
            return Err(Refusal { class: ErrorClass::QuotaExhausted, ..refusal });
        }
        let tokens = u64::from(ask.max_output.max(ask.input));
        let counts = [1, 1, tokens, tokens];
        let lacks =
            |(b, n): (&mut Option<TokenBucket>, u64)| b.as_mut().is_some_and(|b| b.wait(now, n) != Some(Span::ZERO));
        if let Some(i) = self.buckets.iter_mut().zip(counts).position(lacks) {
            for bucket in self.buckets[..2].iter_mut().flatten() {
                bucket.drain(now, 1);
            }
            let bucket = self.buckets[i].as_mut().expect("a bucket that lacks room is there");
            let wait = bucket.wait(now, counts[i]);
            return Err(Refusal::new(LIMITS[i], counts[i], bucket.most(), wait).telling(self.retry_after));
        }
        for (bucket, n) in self.buckets.iter_mut().zip(counts) {
            if let Some(b) = bucket {
                b.count(now, n);
            }
        }
        Ok(Grant::plain(now))
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, usage: &Usage) {
        self.spent += usage.cost;
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        self.buckets.iter_mut().flatten().map(|b| b.next_change(now)).fold(None, earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::PerNanos;

    const MINUTE: u64 = 60_000_000_000;

    fn per(n: u64, nanos: u64, capacity: u64) -> Option<BucketConfig> {
        Some(BucketConfig { rate: PerNanos { micro_count: n * 1_000_000, nanos }, capacity })
    }

    fn none() -> OpenAiConfig {
        OpenAiConfig {
            requests: None,
            requests_per_day: None,
            tokens: None,
            tokens_per_day: None,
            credit: None,
            retry_after: true,
        }
    }

    const ASK: Ask = Ask { input: 100, cached: 0, max_output: 400 };

    /// A request counts for the larger of `max_tokens` and its prompt, not for their sum.
    #[test]
    fn the_larger_of_max_tokens_and_prompt_counts() {
        let mut o = OpenAi::new(&OpenAiConfig { tokens: per(1_000, MINUTE, 1_000), ..none() }, Time::ZERO);
        assert!(o.admit(Time::ZERO, &ASK).is_ok());
        assert!(o.admit(Time::ZERO, &Ask { input: 600, cached: 0, max_output: 10 }).is_ok());
        let refused = o.admit(Time::ZERO, &Ask { input: 1, cached: 0, max_output: 1 }).unwrap_err();
        // refilled continuously: one token every 60 ms
        assert_eq!((refused.limit, refused.retry_after), (Limit::Tokens, Some(Span::from_millis(60))));
    }

    /// "Unsuccessful requests contribute to your per-minute limit, so continuously resending a request won't work."
    #[test]
    fn resending_all_the_time_does_not_help() {
        let one_a_second = OpenAiConfig { requests: per(60, MINUTE, 1), ..none() };
        let mut o = OpenAi::new(&one_a_second, Time::ZERO);
        assert!(o.admit(Time::ZERO, &ASK).is_ok());
        for i in 1..100 {
            let refused = o.admit(Time(i * 500_000_000), &ASK).unwrap_err();
            assert_eq!((refused.limit, refused.retry_after), (Limit::Requests, Some(Span::from_secs(1))), "{i}");
        }
        assert!(o.admit(Time(50_500_000_000), &ASK).is_ok());
    }

    /// 60,000 requests a minute enforced as 1,000 a second.
    #[test]
    fn openai_60_000_rpm_enforced_as_1_000_a_second() {
        let mut o = OpenAi::new(&OpenAiConfig { requests: per(60_000, MINUTE, 1_000), ..none() }, Time::ZERO);
        let passed = (0..5_000).filter(|_| o.admit(Time::ZERO, &ASK).is_ok()).count();
        assert_eq!(passed, 1_000);
        let passed = (0..5_000).filter(|_| o.admit(Time(1_000_000_000), &ASK).is_ok()).count();
        assert_eq!(passed, 1_000);
    }

    #[test]
    fn days_are_limits_of_their_own() {
        const DAY: u64 = 1_440 * MINUTE;
        let config =
            OpenAiConfig { requests_per_day: per(200, DAY, 200), tokens_per_day: per(40_000, DAY, 40_000), ..none() };
        let mut o = OpenAi::new(&config, Time::ZERO);
        for _ in 0..100 {
            assert!(o.admit(Time::ZERO, &ASK).is_ok());
        }
        assert_eq!(o.admit(Time::ZERO, &ASK).unwrap_err().limit, Limit::TokensPerDay);
        for _ in 0..99 {
            assert!(o.admit(Time::ZERO, &Ask { input: 0, cached: 0, max_output: 0 }).is_ok());
        }
        let refused = o.admit(Time::ZERO, &ASK).unwrap_err();
        assert_eq!((refused.limit, refused.wait), (Limit::RequestsPerDay, Some(Span(DAY / 200))));
    }

    /// `insufficient_quota` is not a limit that time lifts.
    #[test]
    fn used_up_credit_is_not_retryable() {
        let mut o = OpenAi::new(&OpenAiConfig { credit: Some(Money::from_dollars(1)), ..none() }, Time::ZERO);
        for cents in [60, 60] {
            o.admit(Time::ZERO, &ASK).unwrap();
            let cost = Money::from_pico(cents * 10_000_000_000);
            o.settle(&Usage { input: 100, cached: 0, output: 5, cost });
        }
        let refused = o.admit(Time(MINUTE * 1_000_000), &ASK).unwrap_err();
        assert_eq!((refused.class, refused.limit), (ErrorClass::QuotaExhausted, Limit::Credit));
        assert_eq!((refused.wait, refused.retry_after), (None, None));
    }
}
