//! `enforce_model_rate_limits`: a deployment's own limits per minute, checked before each call whatever the strategy.
//!
//! Source: LiteLLM 1.106.2, `router_utils/pre_call_checks/model_rate_limit_check.py` and `io_token_rate_limit_check.py`.
//! Per UTC minute, in this order:
//!
//! 1. `itpm`: the prompt is reserved; over the limit it is taken off again and the call refused. A prompt of no known size
//!    counts 1.
//! 2. `otpm`: the same with the request's bound on the answer, or the model's (4096 where neither is known); a refusal
//!    gives the prompt back.
//! 3. `tpm`: refused when the minute's tokens have reached it. Tokens are added when the answer is there.
//! 4. `rpm`: one is added first, and refused if that exceeds it; it stays added.
//!
//! A refusal is a 429 with Retry-After 60 that the router does not retry (`num_retries` 0), and the deployment may cool
//! down for the router's default time. After a failure the reservations are given back, in the minute in which they were made.
//!
//! After an answer they stay as they are. The code means to replace them by what was used, but looks for them where they are
//! not (`async_log_success_event` checks `metadata` of the call, they stand in `litellm_params.metadata`): seen in recorded
//! runs of the library and of the proxy's way to call it.

use super::cache::Minute;
use super::config::Deployment;
use super::dep::Dep;

/// Seconds of the Retry-After header of a refusal.
pub(super) const RETRY_AFTER_S: u64 = 60;
/// Reserved for an answer whose length nothing bounds.
const UNKNOWN_MAX_OUTPUT: u64 = 4096;

/// Tokens reserved for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Reservation {
    minute: u64,
    input: Option<u64>,
    output: Option<u64>,
}

/// Input and output tokens of the present minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IoTokens {
    minute: u64,
    input: i64,
    output: i64,
}

impl IoTokens {
    fn at(&mut self, minute: u64) -> &mut IoTokens {
        if self.minute != minute {
            *self = IoTokens { minute, ..IoTokens::default() };
        }
        self
    }

    /// Reserves what the limits ask for; `None` refuses the call.
    pub fn reserve(&mut self, minute: u64, d: &Deployment, prompt: u32, bound: Option<u32>) -> Option<Reservation> {
        let used = self.at(minute);
        let mut made = Reservation { minute, input: None, output: None };
        if let Some(limit) = d.itpm {
            let ask = u64::from(prompt).max(1);
            if used.input + ask as i64 > limit as i64 {
                return None;
            }
            used.input += ask as i64;
            made.input = Some(ask);
        }
        if let Some(limit) = d.otpm {
            let ask = bound.map_or(d.max_output_tokens.unwrap_or(UNKNOWN_MAX_OUTPUT), u64::from);
            if ask > 0 && used.output + ask as i64 > limit as i64 {
                used.input -= made.input.unwrap_or(0) as i64;
                return None;
            }
            used.output += ask as i64;
            made.output = Some(ask);
        }
        Some(made)
    }

    /// The call failed: what it reserved is free again.
    pub fn refund(&mut self, made: Reservation) {
        if self.minute == made.minute {
            self.input -= made.input.unwrap_or(0) as i64;
            self.output -= made.output.unwrap_or(0) as i64;
        }
    }
}

/// Limits on requests and on tokens in all; false refuses the call.
pub(super) fn check(minute: u64, d: &Deployment, dep: &Dep, usage: &mut Minute) -> bool {
    if d.tpm.anywhere().is_some() && usage.tpm(minute).is_some_and(|used| used >= dep.tpm) {
        return false;
    }
    d.rpm.anywhere().is_none() || usage.add_rpm(minute, 1) <= dep.rpm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_refunded_in_their_own_minute_only() {
        let d = Deployment { itpm: Some(100), otpm: Some(50), ..Deployment::default() };
        let mut t = IoTokens::default();
        let a = t.reserve(1, &d, 60, Some(30)).unwrap();
        assert_eq!(t.reserve(1, &d, 41, Some(1)), None);
        // the answer's bound does not fit: the prompt's reservation is returned
        assert_eq!(t.reserve(1, &d, 40, Some(21)), None);
        let b = t.reserve(1, &d, 40, Some(20)).unwrap();
        t.refund(a);
        assert_eq!((t.input, t.output), (40, 20));
        assert!(t.reserve(2, &d, 1, None).is_none(), "4096 do not fit");
        t.refund(b);
        assert_eq!((t.input, t.output), (0, 0));
    }
}
