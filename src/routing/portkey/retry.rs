//! Retries of one target.
//!
//! Source: Portkey-AI/gateway 669825c, `retryHandler.ts` on `async-retry` without its jitter, `globals.ts`. Tried again are answers
//! with a status of the list, and calls without an answer whatever the list says; never a time-out of the gateway's own unless
//! 408 is in the list. The pauses are 1 s, 2 s, 4 s and so on. With `use_retry_after_header` a 429 that brings a Retry-After is
//! tried again after exactly that time, if it is below 60 s and within what is left of 60 s of such waiting; otherwise
//! retries end. Oddity of the original, kept: after one such wait all later pauses of the target are zero.

use super::config::Retry;
use crate::units::Span;

/// Longest Retry-After, and all such waits of a target together (`MAX_RETRY_LIMIT_MS`).
const MOST_WAITING: Span = Span::from_secs(60);

/// First pause (`async-retry`: `minTimeout` 1000 ms, `factor` 2).
const FIRST_PAUSE: Span = Span::from_secs(1);

/// What a visit of a target has used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Used {
    retries: u32,
    /// Pauses are zero from here on.
    at_once: bool,
    waiting_left: Span,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Another attempt after this pause; `true` if it is what the provider asked for.
    Again(Span, bool),
    /// The status is not one that is tried again.
    NotListed,
    /// No retry is left.
    UsedUp,
    /// The same, but the original makes the pause that the provider asked for all the same.
    WaitInVain(Span),
    /// The provider asks for too long a pause.
    TooLong(Span),
}

impl Used {
    /// A visit before its first attempt.
    pub const NOTHING: Used = Used { retries: 0, at_once: false, waiting_left: MOST_WAITING };

    /// The attempt has failed: with an answer of this status, or without one.
    pub fn after(&mut self, retry: &Retry, status: Option<u16>, retry_after: Option<Span>) -> Verdict {
        // without attempts the original has no list either
        if status.is_some_and(|s| retry.attempts == 0 || !retry.on_status_codes.contains(&s)) {
            return Verdict::NotListed;
        }
        let left = self.retries < retry.attempts;
        let asked = retry_after.filter(|r| retry.use_retry_after_header && status == Some(429) && *r > Span::ZERO);
        if let Some(asked) = asked {
            if asked >= MOST_WAITING || asked > self.waiting_left {
                return Verdict::TooLong(asked);
            }
            self.waiting_left = self.waiting_left - asked;
            self.at_once = true;
            if !left {
                return Verdict::WaitInVain(asked);
            }
        }
        if !left {
            return Verdict::UsedUp;
        }
        let doubled = FIRST_PAUSE.times(1 << self.retries.min(16));
        self.retries += 1;
        match asked {
            Some(asked) => Verdict::Again(asked, true),
            None if self.at_once => Verdict::Again(Span::ZERO, false),
            None => Verdict::Again(doubled, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(attempts: u32) -> Retry {
        Retry { attempts, use_retry_after_header: true, ..Retry::default() }
    }

    fn fresh() -> Used {
        Used::NOTHING
    }

    fn s(n: u64) -> Span {
        Span::from_secs(n)
    }

    /// `retryHandler.ts`: five retries after 1, 2, 4, 8 and 16 s.
    #[test]
    fn portkey_retries_double_without_jitter() {
        let (mut used, five) = (Used::NOTHING, retry(5));
        let pauses = [(); 6].map(|()| used.after(&five, Some(503), None));
        let again = |n| Verdict::Again(s(n), false);
        assert_eq!(pauses, [again(1), again(2), again(4), again(8), again(16), Verdict::UsedUp]);
        for (status, tried) in
            [(Some(429), true), (Some(500), true), (Some(408), false), (Some(529), false), (None, true)]
        {
            let verdict = fresh().after(&five, status, None);
            assert_eq!(verdict != Verdict::NotListed, tried, "{status:?}");
        }
        assert_eq!(fresh().after(&Retry::default(), Some(503), None), Verdict::NotListed, "no attempts, no list");
    }

    /// `retryHandler.ts`: a Retry-After below 60 s and within the remaining budget is obeyed, and zeroes later pauses.
    #[test]
    fn portkey_retry_after_has_a_budget_of_sixty_seconds() {
        let five = retry(5);
        let mut used = Used::NOTHING;
        assert_eq!(used.after(&five, Some(429), Some(s(59))), Verdict::Again(s(59), true));
        assert_eq!(used.after(&five, Some(503), Some(s(9))), Verdict::Again(s(0), false), "only of a 429");
        assert_eq!(used.after(&five, Some(429), Some(s(1))), Verdict::Again(s(1), true));
        assert_eq!(used.after(&five, Some(429), Some(s(1))), Verdict::TooLong(s(1)));
        assert_eq!(fresh().after(&five, Some(429), Some(s(60))), Verdict::TooLong(s(60)));
        assert_eq!(fresh().after(&five, Some(429), Some(s(0))), Verdict::Again(s(1), false), "0 is no header");
        let mut last = Used::NOTHING;
        assert_eq!(last.after(&retry(1), Some(503), None), Verdict::Again(s(1), false));
        assert_eq!(last.after(&retry(1), Some(429), Some(s(7))), Verdict::WaitInVain(s(7)));
        let deaf = Retry { use_retry_after_header: false, ..retry(1) };
        assert_eq!(fresh().after(&deaf, Some(429), Some(s(59))), Verdict::Again(s(1), false));
    }
}
