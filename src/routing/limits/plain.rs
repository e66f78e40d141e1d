//! Requests and tokens, each under the same kind of counter: the textbook limiter, and the one to use where a provider says
//! no more than "so many per minute".
//!
//! A request counts as one, and takes its prompt and its longest possible answer from the tokens; what the answer did not
//! need comes back when it is over. Nothing is counted unless both limits have room.

use super::ask::{Ask, Grant, Limit, Refusal, Usage};
use super::meter::{Meter, earlier};
use crate::units::{Span, Time};

/// Limits of one kind. At least one of the two is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlainConfig<C> {
    /// On requests.
    pub requests: Option<C>,
    /// On tokens of prompt and answer together.
    pub tokens: Option<C>,
    /// Whether a refusal says how long to wait.
    pub retry_after: bool,
}

/// Counters of one kind on requests and on tokens.
#[derive(Clone, Debug)]
pub struct Plain<M> {
    requests: Option<M>,
    tokens: Option<M>,
    retry_after: bool,
}

impl<M: Meter> Plain<M> {
    /// Fresh counters, made by `new`.
    pub fn new<C: Copy>(config: &PlainConfig<C>, new: impl Fn(C) -> M) -> Plain<M> {
        Plain { requests: config.requests.map(&new), tokens: config.tokens.map(&new), retry_after: config.retry_after }
    }

    /// See [`Limiter::admit`](super::Limiter::admit).
    ///
    /// # Errors
    /// The first limit without room, requests before tokens.
    pub fn admit(&mut self, now: Time, ask: &Ask) -> Result<Grant, Refusal> {
        let wanted = ask.worst();
        let sends = self.retry_after;
        if let Some(m) = &mut self.requests {
            check(m, now, 1, Limit::Requests, sends)?;
        }
        if let Some(m) = &mut self.tokens {
            check(m, now, wanted, Limit::Tokens, sends)?;
            m.count(now, wanted);
        }
        if let Some(m) = &mut self.requests {
            m.count(now, 1);
        }
        Ok(Grant { reserved: wanted, ..Grant::plain(now) })
    }

    /// See [`Limiter::settle`](super::Limiter::settle).
    pub fn settle(&mut self, now: Time, grant: Grant, usage: &Usage) {
        if let Some(m) = &mut self.tokens {
            correct(m, now, grant.at, grant.reserved, usage.total());
        }
    }

    /// See [`Limiter::next_timeout`](super::Limiter::next_timeout).
    pub fn next_timeout(&mut self, now: Time) -> Option<Time> {
        let requests = self.requests.as_mut().and_then(|m| m.next_change(now));
        earlier(requests, self.tokens.as_mut().and_then(|m| m.next_change(now)))
    }
}

/// Refuses what does not fit. A request that never fits is told the time until the limit has all its room: a header has to
/// hold something.
fn check<M: Meter>(m: &mut M, now: Time, n: u64, limit: Limit, sends: bool) -> Result<(), Refusal> {
    let wait = m.wait(now, n);
    if wait == Some(Span::ZERO) {
        return Ok(());
    }
    let most = m.most();
    let told = wait.or_else(|| m.wait(now, most));
    Err(Refusal { retry_after: told.filter(|_| sends), ..Refusal::new(limit, n, most, wait) })
}

/// Replaces what was counted at `then` by what was used.
pub(super) fn correct<M: Meter>(m: &mut M, now: Time, then: Time, reserved: u64, used: u64) {
    if used <= reserved {
        m.take_back(now, then, reserved - used);
    } else {
        m.count(now, used - reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::limits::{FixedWindow, SlidingLog, WindowConfig};
    use crate::units::Money;

    const ASK: Ask = Ask { input: 100, cached: 0, max_output: 400 };

    fn minute(limit: u64) -> WindowConfig {
        WindowConfig { limit, window: Span::from_mins(1) }
    }

    fn s(n: u64) -> Time {
        Time(n * 1_000_000_000)
    }

    fn used(output: u32) -> Usage {
        Usage { input: 100, cached: 0, output, cost: Money::ZERO }
    }

    #[test]
    fn the_longest_answer_is_reserved_and_the_unused_part_given_back() {
        let config = PlainConfig { requests: None, tokens: Some(minute(1000)), retry_after: true };
        let mut l = Plain::new(&config, |c| FixedWindow::new(c, Span::ZERO));
        let first = l.admit(s(1), &ASK).unwrap();
        let second = l.admit(s(1), &ASK).unwrap();
        let refused = l.admit(s(2), &ASK).unwrap_err();
        assert_eq!((refused.limit, refused.asked, refused.most), (Limit::Tokens, 500, 1000));
        assert_eq!(refused.retry_after, Some(Span::from_secs(58)));
        l.settle(s(3), first, &used(50));
        l.settle(s(3), second, &used(150)); // 600 of the 1000 are back
        assert!(l.admit(s(3), &ASK).is_ok());
        assert!(l.admit(s(3), &ASK).is_err());
    }

    #[test]
    fn a_refusal_counts_nothing() {
        let config = PlainConfig { requests: Some(minute(2)), tokens: Some(minute(600)), retry_after: false };
        let mut l = Plain::new(&config, SlidingLog::new);
        assert!(l.admit(s(0), &ASK).is_ok());
        for t in 1..10 {
            let refused = l.admit(s(t), &ASK).unwrap_err();
            assert_eq!((refused.limit, refused.retry_after), (Limit::Tokens, None));
        }
        assert!(l.admit(s(10), &Ask { max_output: 0, ..ASK }).is_ok()); // the second request
        assert_eq!(l.admit(s(11), &Ask { input: 0, cached: 0, max_output: 0 }).unwrap_err().limit, Limit::Requests);
        assert_eq!(l.next_timeout(s(11)), Some(s(60)));
    }

    #[test]
    fn what_never_fits_is_told_to_wait_for_all_the_room() {
        let config = PlainConfig { requests: None, tokens: Some(minute(499)), retry_after: true };
        let mut l = Plain::new(&config, |c| FixedWindow::new(c, Span::ZERO));
        let refused = l.admit(s(0), &ASK).unwrap_err();
        assert_eq!((refused.wait, refused.retry_after), (None, Some(Span::ZERO)));
    }
}
