//! Azure OpenAI, standard deployments (`MicrosoftDocs/azure-ai-docs`, `articles/ai-services/openai/how-to/quota.md`,
//! "Understanding rate limits", 2025-01).
//!
//! *Tokens per minute.* On arrival an estimate of the most that the request may process, its prompt and its `max_tokens`,
//! is added to a running count that is reset each minute. When the count has reached the limit, further requests get 429
//! until the reset. So the request that reaches the limit still passes, whatever its size, and the estimate is never
//! corrected to what the answer was.
//!
//! *Requests per minute.* Set in proportion to the tokens (6 per 1,000 for the older chat models; it depends on the model
//! now) and watched over windows of 1 s or 10 s, pro rata: [`SubWindow`]. Requests *received* count, refused ones too.
//!
//! ASSUMPTION: the minute is the clock's, the estimate of the prompt is exact (it is made from characters), `best_of` is 1,
//! and a refused request adds no tokens. A quota belongs to subscription, region, model and deployment type.

use super::ask::{Ask, Grant, Limit, Refusal};
use super::fixed_window::{FixedWindow, WindowConfig};
use super::meter::{Meter, earlier};
use super::sub_window::{SubWindow, SubWindowConfig};
use crate::units::{PerNanos, Span, Time};

/// Limits of a standard deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AzureOpenAiConfig {
    /// Tokens per minute; at least 1.
    pub tokens_per_min: u64,
    /// Requests per minute, in millionths; not zero.
    pub micro_requests_per_min: u64,
    /// Length of the windows in which requests are watched: 1 s or 10 s.
    pub evaluated_over: Span,
    /// Whether a 429 says how long to wait (`retry-after-ms`).
    pub retry_after: bool,
}

impl AzureOpenAiConfig {
    /// Requests per minute that come with tokens per minute, in millionths, at so many requests per 1,000 tokens.
    pub fn micro_requests(tokens_per_min: u64, micro_requests_per_1000: u64) -> u64 {
        (u128::from(tokens_per_min) * u128::from(micro_requests_per_1000) / 1_000) as u64
    }
}

/// A standard deployment's counters.
#[derive(Clone, Debug)]
pub struct AzureOpenAi {
    tokens: FixedWindow,
    requests: SubWindow,
    retry_after: bool,
}

impl AzureOpenAi {
    /// Fresh counters. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &AzureOpenAiConfig, epoch: Span) -> AzureOpenAi {
        let minute = Span::from_mins(1);
        let rate = PerNanos { micro_count: config.micro_requests_per_min, nanos: minute.nanos() };
        AzureOpenAi {
            tokens: FixedWindow::new(WindowConfig { limit: config.tokens_per_min, window: minute }, epoch),
            requests: SubWindow::new(SubWindowConfig { rate, window: config.evaluated_over }, epoch),
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// Too many requests in the present window, or a count of tokens that has reached the limit.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let wait = self.requests.wait(now, 1);
        self.requests.count(now, 1);
        if wait != Some(Span::ZERO) {
            return Err(Refusal::new(Limit::Requests, 1, self.requests.most(), wait).telling(self.retry_after));
        }
        let limit = self.tokens.limit();
        if self.tokens.counted(now) >= limit {
            let wait = Some(self.tokens.left(now));
            return Err(Refusal::new(Limit::Tokens, ask.worst(), limit, wait).telling(self.retry_after));
        }
        self.tokens.count(now, ask.worst());
        Ok(Grant::plain(now))
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        earlier(self.requests.next_change(now), self.tokens.next_change(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Ask = Ask { input: 1_000, cached: 0, max_output: 4_000 };

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn azure(tokens_per_min: u64, over: Span) -> AzureOpenAi {
        AzureOpenAi::new(
            &AzureOpenAiConfig {
                tokens_per_min,
                micro_requests_per_min: AzureOpenAiConfig::micro_requests(tokens_per_min, 6_000_000),
                evaluated_over: over,
                retry_after: true,
            },
            Span::from_secs(1_767_225_600),
        )
    }

    /// The count takes `max_tokens` in, is reset each minute and never corrected: 100,000 TPM are twenty answers of at most
    /// 4,000 tokens to prompts of 1,000, however short they turn out.
    #[test]
    fn quota_md_understanding_rate_limits_tokens() {
        let mut a = azure(100_000, Span::from_secs(10));
        for t in 0..20 {
            assert!(a.admit(s(t), &ASK).is_ok(), "{t}");
        }
        let refused = a.admit(s(21), &ASK).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Tokens, Some(Span::from_secs(39))));
        assert!(a.admit(s(60), &ASK).is_ok());
    }

    /// The limit has to be reached before anything is refused: the request that reaches it passes whole.
    #[test]
    fn quota_md_further_requests_receive_429() {
        let mut a = azure(100_000, Span::from_secs(10));
        assert!(a.admit(s(0), &Ask { input: 99_999, cached: 0, max_output: 0 }).is_ok());
        assert!(a.admit(s(1), &Ask { input: 500_000, cached: 0, max_output: 0 }).is_ok());
        assert!(a.admit(s(2), &Ask { input: 1, cached: 0, max_output: 0 }).is_err());
    }

    /// 6 RPM per 1,000 TPM: 100,000 TPM are 600 RPM, over windows of a second ten in each.
    #[test]
    fn quota_md_600_rpm_on_one_second_intervals() {
        let mut a = azure(100_000, Span::from_secs(1));
        let tiny = Ask { input: 1, cached: 0, max_output: 1 };
        for _ in 0..10 {
            assert!(a.admit(s(5), &tiny).is_ok());
        }
        let refused = a.admit(Time(5_250_000_000), &tiny).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Requests, Some(Span::from_millis(750))));
        assert!(a.admit(s(6), &tiny).is_ok());
    }

    /// A request that is refused for its tokens has been received all the same.
    #[test]
    fn requests_received_count() {
        let mut a = azure(1_000, Span::from_secs(10)); // 6 RPM: one in ten seconds
        assert!(a.admit(s(0), &ASK).is_ok());
        assert_eq!(a.admit(s(10), &ASK).unwrap_err().limit, Limit::Tokens);
        assert_eq!(a.admit(s(11), &ASK).unwrap_err().limit, Limit::Requests);
    }
}
