//! LiteLLM's `enforce_model_rate_limits` (LiteLLM, `router_utils/pre_call_checks/model_rate_limit_check.py` and
//! `io_token_rate_limit_check.py`, 2026): limits that a gateway keeps on its own deployments.
//!
//! Counters per UTC minute. In this order:
//!
//! 1. `itpm`: the prompt is added first; above the limit it is taken off again and the request refused;
//! 2. `otpm`: the same with `max_tokens`, after which the prompt's reservation is returned too;
//! 3. `tpm`: refused when the counter has reached the limit; tokens are added when the answer is there;
//! 4. `rpm`: 1 is added first and stays, also when that exceeds the limit and the request is refused.
//!
//! After the answer `itpm` and `otpm` are corrected to the prompt without what a cache saved and to the tokens written, in the
//! minute in which they were reserved; a failed request gets them back. A refusal is 429 with Retry-After 60 wherever the minute
//! stands, and LiteLLM does not retry it.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::fixed_window::{FixedWindow, WindowConfig};
use super::meter::{Meter, earlier};
use super::plain::correct;
use crate::units::{Span, Time};

/// What LiteLLM sends, whatever the time.
const RETRY_AFTER: Span = Span::from_secs(60);

/// Limits of a deployment per minute; at least one is there, none is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LiteLlmConfig {
    /// `rpm`: requests.
    pub rpm: Option<u64>,
    /// `tpm`: tokens of prompt and answer.
    pub tpm: Option<u64>,
    /// `itpm`: input tokens.
    pub itpm: Option<u64>,
    /// `otpm`: output tokens.
    pub otpm: Option<u64>,
}

/// A deployment's counters.
#[derive(Clone, Debug)]
pub struct LiteLlm {
    rpm: Option<FixedWindow>,
    tpm: Option<FixedWindow>,
    itpm: Option<FixedWindow>,
    otpm: Option<FixedWindow>,
}

impl LiteLlm {
    /// Fresh counters. `epoch` is the Unix time of [`Time::ZERO`].
    pub fn new(config: &LiteLlmConfig, epoch: Span) -> LiteLlm {
        let window = Span::from_mins(1);
        let counter = |limit: Option<u64>| limit.map(|limit| FixedWindow::new(WindowConfig { limit, window }, epoch));
        LiteLlm {
            rpm: counter(config.rpm),
            tpm: counter(config.tpm),
            itpm: counter(config.itpm),
            otpm: counter(config.otpm),
        }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// The first limit that refuses.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        // an empty estimate still reserves one token
        let (input, output) = (u64::from(ask.input).max(1), u64::from(ask.max_output));
        if let Some(c) = &mut self.itpm
            && !c.try_count(now, input)
        {
            return Err(refusal(c, now, Limit::InputTokens, input));
        }
        let mut refused = None;
        if let Some(c) = &mut self.otpm
            && !c.try_count(now, output)
        {
            refused = Some((refusal(c, now, Limit::OutputTokens, output), 0));
        }
        if refused.is_none()
            && let Some(c) = &mut self.tpm
            && c.counted(now) >= c.limit()
        {
            let at_limit = Refusal { wait: Some(c.left(now)), ..refusal(c, now, Limit::Tokens, ask.worst()) };
            refused = Some((at_limit, output));
        }
        if refused.is_none()
            && let Some(c) = &mut self.rpm
        {
            c.count(now, 1);
            if c.counted(now) > c.limit() {
                refused = Some((refusal(c, now, Limit::Requests, 1), output));
            }
        }
        let Some((refusal, output)) = refused else {
            return Ok(Grant { reserved: input, output, ..Grant::plain(now) });
        };
        for (counter, n) in [(&mut self.itpm, input), (&mut self.otpm, output)] {
            if let Some(c) = counter {
                c.take_back(now, now, n);
            }
        }
        Err(refusal)
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        if let Some(c) = &mut self.itpm {
            correct_in_minute(c, now, grant.at, grant.reserved, usage.uncached());
        }
        if let Some(c) = &mut self.otpm {
            correct_in_minute(c, now, grant.at, grant.output, u64::from(usage.output));
        }
        if let Some(c) = &mut self.tpm {
            c.count(now, usage.total());
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        let counters = [&mut self.rpm, &mut self.tpm, &mut self.itpm, &mut self.otpm];
        counters.into_iter().flatten().map(|c| c.next_change(now)).fold(None, earlier)
    }
}

/// The key of the reservation's minute is corrected, which is of no use to a later minute either way.
fn correct_in_minute(c: &mut FixedWindow, now: Time, then: Time, reserved: u64, used: u64) {
    if c.same_window(now, then) {
        correct(c, now, then, reserved, used);
    }
}

fn refusal(c: &FixedWindow, now: Time, limit: Limit, n: u64) -> Refusal {
    let wait = (n <= c.limit()).then(|| c.left(now));
    Refusal { retry_after: Some(RETRY_AFTER), ..Refusal::new(limit, n, c.limit(), wait) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn litellm(config: LiteLlmConfig) -> LiteLlm {
        LiteLlm::new(&config, Span::from_secs(1_767_225_600))
    }

    fn used(input: u32, cached: u32, output: u32) -> Usage {
        Usage { input, cached, output, cost: Money::ZERO }
    }

    const ASK: Ask = Ask { input: 100, cached: 0, max_output: 500 };

    #[test]
    fn the_nth_request_of_a_minute_passes_and_the_next_waits_sixty_seconds() {
        let mut l = litellm(LiteLlmConfig { rpm: Some(3), ..LiteLlmConfig::default() });
        for _ in 0..3 {
            assert!(l.admit(s(50), &ASK).is_ok());
        }
        let refused = l.admit(s(50), &ASK).unwrap_err();
        assert_eq!((refused.wait, refused.retry_after), (Some(Span::from_secs(10)), Some(Span::from_secs(60))));
        assert!(l.admit(s(60), &ASK).is_ok());
    }

    #[test]
    fn tpm_counts_answers_and_refuses_at_the_limit() {
        let mut l = litellm(LiteLlmConfig { tpm: Some(1_000), ..LiteLlmConfig::default() });
        let grants: Vec<Grant> = (0..5).map(|_| l.admit(s(0), &ASK).unwrap()).collect();
        for grant in &grants[..2] {
            l.settle(s(1), *grant, &used(100, 0, 400));
        }
        assert_eq!(l.admit(s(2), &ASK).unwrap_err().limit, Limit::Tokens);
        // what is answered in the next minute counts there
        for grant in &grants[2..] {
            l.settle(s(61), *grant, &used(100, 0, 200));
        }
        assert!(l.admit(s(62), &ASK).is_ok());
    }

    #[test]
    fn input_and_output_are_reserved_corrected_and_refunded() {
        let config = LiteLlmConfig { itpm: Some(1_000), otpm: Some(1_000), ..LiteLlmConfig::default() };
        let mut l = litellm(config);
        let first = l.admit(s(0), &ASK).unwrap();
        let second = l.admit(s(0), &ASK).unwrap();
        let refused = l.admit(s(0), &ASK).unwrap_err();
        assert_eq!(refused.limit, Limit::OutputTokens);
        l.settle(s(1), first, &used(100, 80, 300)); // 200 of the output are back, and 80 of the input
        assert!(l.admit(s(2), &Ask { input: 880, cached: 0, max_output: 200 }).is_ok()); // the refused one left no input behind
        assert_eq!(l.admit(s(3), &Ask { input: 1, cached: 0, max_output: 0 }).unwrap_err().limit, Limit::InputTokens);
        l.settle(s(4), second, &Usage::NOTHING); // failed
        assert!(l.admit(s(5), &ASK).is_ok());
    }

    #[test]
    fn a_correction_after_the_minute_is_lost() {
        let mut l = litellm(LiteLlmConfig { otpm: Some(1_000), ..LiteLlmConfig::default() });
        let late = l.admit(s(59), &ASK).unwrap();
        l.settle(s(61), late, &used(100, 0, 900)); // more than was reserved, but in a minute that is over
        assert!(l.admit(s(62), &ASK).is_ok());
        assert!(l.admit(s(62), &ASK).is_ok());
    }

    #[test]
    fn a_request_that_rpm_refuses_returns_its_reservations_but_stays_counted() {
        let config = LiteLlmConfig { rpm: Some(1), itpm: Some(200), otpm: Some(1_000), ..LiteLlmConfig::default() };
        let mut l = litellm(config);
        assert!(l.admit(s(0), &ASK).is_ok());
        for _ in 0..5 {
            assert_eq!(l.admit(s(1), &ASK).unwrap_err().limit, Limit::Requests);
        }
        assert_eq!(l.rpm.as_mut().unwrap().counted(s(1)), 6);
    }
}
