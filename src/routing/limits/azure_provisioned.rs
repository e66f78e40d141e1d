//! Azure OpenAI, provisioned throughput: a leaky bucket of work (`MicrosoftDocs/azure-ai-docs`,
//! `articles/ai-services/openai/concepts/provisioned-throughput.md`, 2025).
//!
//! Provisioned units (PTU) drain a level of utilisation at a constant rate. A request that finds it above 100 % gets 429
//! with the time until it is back at 100 % in `retry-after-ms`. Any other is let in, and what it may need at most is added:
//! the prompt without what a cache saves, and `max_tokens`. When it is over, the difference to what it did need is added
//! or taken out. So the level may lie above 100 % for a short while.
//!
//! Each model has its own throughput per unit: gpt-4o 2,500 input or 833 output tokens per minute, gpt-4o-mini 37,000 or
//! 12,333. One input token therefore weighs `1 / input rate` of a unit's minute and one output token `1 / output rate`;
//! multiplied by both rates these are whole numbers. Cached tokens are discounted from 1,024 on.
//!
//! ASSUMPTION: how much work 100 % is, as a time of draining, is not published; it is the configuration's `window`.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::leaky_bucket::{LeakyBucket, LeakyConfig};
use crate::units::{Span, Time};

/// Fewest cached tokens that are discounted.
const CACHED_FROM: u32 = 1_024;

/// A provisioned deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AzureProvisionedConfig {
    /// Provisioned units; at least 1.
    pub units: u32,
    /// Input tokens that one unit processes per minute if it does nothing else; at least 1.
    pub input_per_min: u32,
    /// Output tokens that one unit writes per minute if it does nothing else; at least 1.
    pub output_per_min: u32,
    /// The work of this time, at full speed, is 100 %; not zero.
    pub window: Span,
    /// Whether a 429 says how long to wait (`retry-after-ms`).
    pub retry_after: bool,
}

impl AzureProvisionedConfig {
    fn drain_per_min(&self) -> u64 {
        u64::from(self.units) * u64::from(self.input_per_min) * u64::from(self.output_per_min)
    }

    /// Work of tokens: a unit's minute is the product of both rates.
    fn work(&self, input: u32, cached: u32, output: u32) -> u64 {
        let saved = if cached >= CACHED_FROM { cached } else { 0 };
        let input = u64::from(input.saturating_sub(saved)) * u64::from(self.output_per_min);
        input.saturating_add(u64::from(output) * u64::from(self.input_per_min))
    }
}

/// Utilisation of a provisioned deployment.
#[derive(Clone, Debug)]
pub struct AzureProvisioned {
    config: AzureProvisionedConfig,
    utilisation: LeakyBucket,
    size: u64,
}

impl AzureProvisioned {
    /// An idle deployment.
    pub fn new(config: &AzureProvisionedConfig, now: Time) -> AzureProvisioned {
        const MINUTE: u64 = Span::from_mins(1).nanos();
        let drain = config.drain_per_min();
        let full = u128::from(drain) * u128::from(config.window.nanos()) / u128::from(MINUTE);
        let size = u64::try_from(full).unwrap_or(u64::MAX);
        let leaky = LeakyConfig { drain, nanos: MINUTE, size };
        AzureProvisioned { config: *config, utilisation: LeakyBucket::new(leaky, now), size }
    }

    /// Present utilisation in per cent, rounded up; may exceed 100.
    pub fn utilisation(&mut self, now: Time) -> u64 {
        let level = u128::from(self.utilisation.level(now)) * 100;
        level.div_ceil(u128::from(self.size.max(1))) as u64
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// Utilisation above 100 %.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let work = self.config.work(ask.input, ask.cached, ask.max_output);
        let wait = self.utilisation.over_full_for(now);
        if wait > Span::ZERO {
            return Err(Refusal::new(Limit::Provisioned, work, self.size, Some(wait)).telling(self.config.retry_after));
        }
        self.utilisation.add(now, work);
        Ok(Grant { reserved: work, ..Grant::plain(now) })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        let work = self.config.work(usage.input, usage.cached, usage.output);
        if work <= grant.reserved {
            self.utilisation.remove(now, grant.reserved - work);
        } else {
            self.utilisation.add(now, work - grant.reserved);
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        let over = self.utilisation.over_full_for(now);
        if over > Span::ZERO { Some(now.saturating_add(over)) } else { self.utilisation.empty_at(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn ptu(units: u32, input_per_min: u32, output_per_min: u32) -> AzureProvisioned {
        let window = Span::from_mins(1);
        let config = AzureProvisionedConfig { units, input_per_min, output_per_min, window, retry_after: true };
        AzureProvisioned::new(&config, Time::ZERO)
    }

    fn used(input: u32, cached: u32, output: u32) -> Usage {
        Usage { input, cached, output, cost: Money::ZERO }
    }

    /// gpt-4o: a unit does 2,500 input or 833 output tokens a minute, so 15 units do 37,500 or 12,495.
    #[test]
    fn provisioned_throughput_md_gpt_4o_per_unit() {
        let mut p = ptu(15, 2_500, 833);
        let first = p.admit(Time::ZERO, &Ask { input: 37_500, cached: 0, max_output: 0 }).unwrap();
        assert_eq!(p.utilisation(Time::ZERO), 100);
        // at 100 % one more is let in, above it none
        let second = p.admit(Time::ZERO, &Ask { input: 0, cached: 0, max_output: 12_495 }).unwrap();
        assert_eq!(p.utilisation(Time::ZERO), 200);
        let refused = p.admit(Time::ZERO, &Ask { input: 1, cached: 0, max_output: 1 }).unwrap_err();
        assert_eq!((refused.limit, refused.retry_after), (Limit::Provisioned, Some(Span::from_mins(1))));
        p.settle(s(30), first, &used(37_500, 0, 0));
        assert_eq!(p.utilisation(s(30)), 150);
        // the answer was half as long as it might have been: corrected when it is over
        p.settle(s(30), second, &used(0, 0, 6_248));
        assert_eq!(p.utilisation(s(30)), 101); // a token above 100 %, rounded up
        let refused = p.admit(s(30), &Ask { input: 1, cached: 0, max_output: 1 }).unwrap_err();
        assert!(refused.wait.unwrap() < Span::from_millis(10));
    }

    /// gpt-4o-mini: 37,000 input or 12,333 output tokens a minute and unit.
    #[test]
    fn provisioned_throughput_md_gpt_4o_mini_per_unit() {
        let mut p = ptu(25, 37_000, 12_333);
        let half_of_each = Ask { input: 25 * 18_500, cached: 0, max_output: 25 * 12_333 / 2 };
        p.admit(Time::ZERO, &half_of_each).unwrap();
        assert_eq!(p.utilisation(Time::ZERO), 100);
    }

    /// Up to a full discount on cached tokens, from 1,024 on.
    #[test]
    fn provisioned_throughput_md_cached_tokens() {
        let mut p = ptu(1, 2_500, 833);
        p.admit(Time::ZERO, &Ask { input: 5_000, cached: 5_000, max_output: 0 }).unwrap();
        assert_eq!(p.utilisation(Time::ZERO), 0);
        let few = p.admit(Time::ZERO, &Ask { input: 2_500, cached: 1_023, max_output: 0 }).unwrap();
        assert_eq!(p.utilisation(Time::ZERO), 100);
        p.settle(Time::ZERO, few, &used(2_500, 2_500, 0));
        assert_eq!(p.utilisation(Time::ZERO), 0);
    }

    /// An estimate that was too low is made up for; one that has drained already leaves nothing behind.
    #[test]
    fn correction_works_both_ways_and_stops_at_zero() {
        let mut p = ptu(1, 2_500, 833);
        let low = p.admit(Time::ZERO, &Ask { input: 0, cached: 0, max_output: 0 }).unwrap();
        p.settle(Time::ZERO, low, &used(5_000, 0, 0));
        assert_eq!(p.utilisation(Time::ZERO), 200);
        assert_eq!(p.next_timeout(Time::ZERO), Some(s(60)));
        let high = p.admit(s(60), &Ask { input: 25_000, cached: 0, max_output: 0 }).unwrap();
        p.settle(s(10_000), high, &Usage::NOTHING);
        assert_eq!((p.utilisation(s(10_000)), p.next_timeout(s(10_000))), (0, None));
    }
}
