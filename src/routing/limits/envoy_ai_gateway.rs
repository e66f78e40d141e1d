//! Token limits of Envoy AI Gateway (`envoyproxy/ai-gateway`, `capabilities/traffic/usage-based-ratelimiting.md`, 2026-11).
//!
//! The request costs nothing; the tokens of the answer's usage block are added to a counter of the global rate limit
//! service when the response has passed. On arrival the gateway can only ask whether the counter is over its limit
//! already: what is under way is not known, so a burst overshoots by all of it. Windows are a second, minute, hour or day of the
//! clock, as in [`super::EnvoyRateLimit`]; a counter that has exactly reached its limit still lets requests pass.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::fixed_window::{FixedWindow, WindowConfig};
use super::meter::{Meter, earlier};
use crate::units::{Span, Time};

/// What a rule counts of an answer's usage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenCost {
    /// `InputToken`: the prompt.
    Input,
    /// `CachedInputToken`: what the provider's cache saved.
    CachedInput,
    /// `OutputToken`: the answer.
    Output,
    /// `TotalToken`: both.
    Total,
}

impl TokenCost {
    fn of(self, usage: &Usage) -> u64 {
        match self {
            TokenCost::Input => u64::from(usage.input),
            TokenCost::CachedInput => u64::from(usage.cached),
            TokenCost::Output => u64::from(usage.output),
            TokenCost::Total => usage.total(),
        }
    }

    fn limit(self) -> Limit {
        match self {
            TokenCost::Input | TokenCost::CachedInput => Limit::InputTokens,
            TokenCost::Output => Limit::OutputTokens,
            TokenCost::Total => Limit::Tokens,
        }
    }
}

/// Rules, all of which have to let a request pass; not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnvoyAiGatewayConfig {
    /// What is counted, and its limit.
    pub rules: Vec<(TokenCost, WindowConfig)>,
    /// Whether a 429 says how long to wait (`x-ratelimit-reset`).
    pub retry_after: bool,
}

/// The gateway's counters.
#[derive(Clone, Debug)]
pub struct EnvoyAiGateway {
    rules: Vec<(TokenCost, FixedWindow)>,
    retry_after: bool,
}

impl EnvoyAiGateway {
    /// Fresh counters. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &EnvoyAiGatewayConfig, epoch: Span) -> EnvoyAiGateway {
        EnvoyAiGateway {
            rules: config.rules.iter().map(|(cost, c)| (*cost, FixedWindow::new(*c, epoch))).collect(),
            retry_after: config.retry_after,
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// A counter is over its limit already; of several the one that stays so the longest.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let over = self.rules.iter_mut().filter_map(|(cost, c)| {
            let over = c.counted(now) > c.limit();
            over.then(|| Refusal::new(cost.limit(), ask.worst(), c.limit(), Some(c.left(now))))
        });
        match over.max_by_key(|r| r.wait) {
            Some(refusal) => Err(refusal.telling(self.retry_after)),
            None => Ok(Grant::plain(now)),
        }
    }

    /// See [`Limiter::settle`](super::Limiter::settle): counts in the window in which the answer is over.
    pub fn settle(&mut self, now: Time, usage: &Usage) {
        for (cost, counter) in &mut self.rules {
            counter.count(now, cost.of(usage));
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        self.rules.iter_mut().map(|(_, c)| c.next_change(now)).fold(None, earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn used(input: u32, cached: u32, output: u32) -> Usage {
        Usage { input, cached, output, cost: Money::ZERO }
    }

    const ASK: Ask = Ask { input: 300, cached: 0, max_output: 400 };

    fn hourly(cost: TokenCost, limit: u64) -> (TokenCost, WindowConfig) {
        (cost, WindowConfig { limit, window: Span::from_hours(1) })
    }

    fn gateway(rules: &[(TokenCost, WindowConfig)]) -> EnvoyAiGateway {
        let config = EnvoyAiGatewayConfig { rules: rules.to_vec(), retry_after: true };
        EnvoyAiGateway::new(&config, Span::from_secs(1_767_225_600))
    }

    /// The page's example, 1,000 total tokens per hour: a burst of ten passes whole, because nothing is counted before the
    /// first response; then nobody until the next hour.
    #[test]
    fn usage_based_ratelimiting_md_1_000_tokens_per_hour_overshoot() {
        let mut g = gateway(&[hourly(TokenCost::Total, 1_000)]);
        for _ in 0..10 {
            assert!(g.admit(s(0), &ASK).is_ok());
        }
        for _ in 0..10 {
            g.settle(s(5), &used(300, 0, 200));
        }
        let refused = g.admit(s(6), &ASK).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Tokens, Some(Span::from_secs(3_594))));
        assert!(g.admit(s(3_600), &ASK).is_ok());
    }

    #[test]
    fn exactly_at_the_limit_is_not_over_it() {
        let mut g = gateway(&[hourly(TokenCost::Total, 1_000)]);
        g.settle(s(0), &used(600, 0, 400));
        assert!(g.admit(s(1), &ASK).is_ok());
        g.settle(s(2), &used(1, 0, 0));
        assert!(g.admit(s(3), &ASK).is_err());
    }

    #[test]
    fn rules_count_what_they_name() {
        let rules = [
            hourly(TokenCost::Input, 100),
            hourly(TokenCost::CachedInput, 100),
            hourly(TokenCost::Output, 100),
            hourly(TokenCost::Total, 1_000),
        ];
        for (usage, limit) in [
            (used(101, 0, 0), Some(Limit::InputTokens)),
            (used(100, 100, 100), None),
            (used(0, 0, 101), Some(Limit::OutputTokens)),
        ] {
            let mut g = gateway(&rules);
            g.settle(s(0), &usage);
            assert_eq!(g.admit(s(1), &ASK).err().map(|r| r.limit), limit);
        }
        let mut cached = gateway(&rules[1..2]);
        cached.settle(s(0), &used(101, 101, 0));
        assert!(cached.admit(s(1), &ASK).is_err());
    }

    /// What is settled in the next window counts there.
    #[test]
    fn tokens_count_when_the_response_passes() {
        let mut g = gateway(&[hourly(TokenCost::Output, 100)]);
        assert!(g.admit(s(3_599), &ASK).is_ok());
        g.settle(s(3_601), &used(0, 0, 101));
        assert!(g.admit(s(3_602), &ASK).is_err());
    }
}
