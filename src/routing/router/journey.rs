//! What one request keeps while the router works for it, and what the router tells its gateway to do.

use super::config::MAX_ATTEMPTS;
use super::limits::Holding;
use crate::routing::outcome::ErrorClass;
use crate::routing::throttle::Turn;
use crate::units::{DeploymentIx, Span, Time};

/// What one request keeps while the router works for it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Journey {
    /// Residency class of the user's data, an index into [`RouterConfig::legal`].
    pub(super) class: Option<u8>,
    pub(super) pool: u8,
    pub(super) attempts_in_pool: u8,
    /// With this gateway.
    pub(super) attempts: u8,
    /// With gateways that have died.
    earlier_attempts: u8,
    pub(super) retries_in_pool: u8,
    pub(super) passed_over: bool,
    pub(super) first: Option<DeploymentIx>,
    pub(super) tried: Tried,
    pub(super) previous_backoff: Span,
    pub(super) last_error: Option<ErrorClass>,
    /// Price of the last retry.
    pub(super) paid: Option<u16>,
    /// The next attempt has been paid for already.
    pub(super) cleared: bool,
    /// The pause is the throttle's, not one between attempts.
    pub(super) paced: bool,
    /// Its place among the calls that the throttle holds back.
    pub(super) turn: Option<Turn>,
    /// Since when it waits for room in the present pool.
    pub(super) held_since: Option<Time>,
    /// It has waited for room, in whatever pool.
    pub(super) held: bool,
    /// The first attempt is still out.
    pub(super) first_out: bool,
    /// Retries that are out, as far as a budget counts them.
    pub(super) retries_out: u8,
    /// Calls that are out.
    pub(super) out: u8,
    /// When a further call is due that races them.
    pub(super) hedge_at: Option<Time>,
    /// Calls that were due and not sent.
    pub(super) missed: u8,
    /// What the calls that are out hold of the gateway's limits.
    pub(super) holding: Holding,
}

/// Positions in the present pool that have been tried.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Tried {
    list: [u16; MAX_ATTEMPTS],
    len: u8,
    /// Those whom no pause helps, a bit for each place in the list.
    in_vain: u8,
}

const _: () = assert!(MAX_ATTEMPTS <= u8::BITS as usize);

impl Tried {
    pub(super) fn add(&mut self, position: usize) {
        self.list[usize::from(self.len)] = position as u16;
        self.len += 1;
    }

    pub(super) fn contains(&self, position: usize) -> bool {
        self.place(position).is_some()
    }

    /// The one at the position need not be called again, however long the request waits.
    pub(super) fn give_up_on(&mut self, position: usize) {
        if let Some(i) = self.place(position) {
            self.in_vain |= 1 << i;
        }
    }

    /// Whether the one at the position may be called again after a pause.
    pub(super) fn opens(&self, position: usize) -> bool {
        self.place(position).is_some_and(|i| self.in_vain >> i & 1 == 0)
    }

    /// A pause is over: everybody may be called again but those whom no pause helps.
    pub(super) fn after_pause(&self) -> Tried {
        let mut left = Tried::default();
        for &position in &self.list[..usize::from(self.len)] {
            if !self.opens(usize::from(position)) {
                left.add(usize::from(position));
                left.give_up_on(usize::from(position));
            }
        }
        left
    }

    fn place(&self, position: usize) -> Option<usize> {
        self.list[..usize::from(self.len)].iter().position(|p| usize::from(*p) == position)
    }
}

/// What the gateway must do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the policy's first choice: a failure came before it, or (for policies with a fixed preference,
        /// nearest and in order) a cool-down of the one they prefer.
        fallback: bool,
    },
    /// Call [`super::Router::on_timeout`] at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// The gateway refuses the request itself, to spare what it would call.
    Shed,
    /// The answer is complete.
    Succeed,
    /// Nothing new: other calls of the request are out, and may answer.
    Await,
    /// Nothing is left to try. Calls of the request that are still out are given up.
    Fail {
        /// The last error; `None` when no deployment could be called at all.
        class: Option<ErrorClass>,
    },
}

impl Journey {
    /// A request before its first attempt.
    pub fn new(class: Option<u8>) -> Journey {
        Journey {
            class,
            pool: 0,
            attempts_in_pool: 0,
            attempts: 0,
            earlier_attempts: 0,
            retries_in_pool: 0,
            passed_over: false,
            first: None,
            tried: Tried::default(),
            previous_backoff: Span::ZERO,
            last_error: None,
            paid: None,
            cleared: false,
            paced: false,
            turn: None,
            held_since: None,
            held: false,
            first_out: false,
            retries_out: 0,
            out: 0,
            hedge_at: None,
            missed: 0,
            holding: Holding::NOTHING,
        }
    }

    /// The same request after its gateway died: for another gateway it is new, with a first attempt that is no retry. Only
    /// [`Journey::attempts`] goes on (it is part of the address of draws).
    pub fn restart(&self, class: Option<u8>) -> Journey {
        Journey { earlier_attempts: self.attempts_in_all(), ..Journey::new(class) }
    }

    /// Attempts so far, those with gateways that have died included.
    pub fn attempts(&self) -> u32 {
        u32::from(self.attempts_in_all())
    }

    /// When [`super::Router::on_hedge`] is to be called if a call of the request is still out then and none has begun to
    /// answer. To be looked at after each command that sends a call or awaits one, and after each such question.
    pub fn hedge_at(&self) -> Option<Time> {
        self.hedge_at
    }

    /// Where the draws of its next decision begin, for who gives each draw an address: 256 of them are no other attempt's.
    /// They are for the decision after a call, the one after a hedging delay, and the one after a pause, which can come
    /// one after the other.
    pub fn draws_from(&self) -> u64 {
        u64::from(self.missed) << 32 | u64::from(self.attempts_in_all()) << 8
    }

    pub(super) fn attempts_in_all(&self) -> u8 {
        self.earlier_attempts.saturating_add(self.attempts)
    }
}
