//! Hedging: further calls of a request that race those that are out, so that one slow or lost call costs no more than a delay.

use crate::units::Span;

/// When a further call races those that are out. What is sent counts as an attempt of the pool, and goes to a member that has
/// not been tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hedging {
    /// One more at a time: a second call when the first has not begun to answer after this long. A failure counts when no
    /// other call is out; then the pool's retries go on, with a second call each.
    OneMore {
        /// From when the first call is sent.
        after: Span,
    },
    /// gRPC's hedging in place of retries: all attempts of the pool race.
    ///
    /// Source: grpc/proposal, A6-client-retries.md, "Hedging Policy", "Throttling Retry Attempts and Hedged RPCs" and "Pushback"
    /// (read 2026). Another call is sent after each delay without an answer, until `maxAttempts` are out (here the attempts per
    /// pool). A non-fatal failure (here one of the errors that are tried again) sends the next at once, from where the delay
    /// counts anew; any other ends the request and the calls that are out. No pause and no second attempt at the same member
    /// follows when all have failed. With no delay all go out at once. The first call is never held back by the budget; another
    /// for which the budget has nothing when it is due is not sent.
    ///
    /// ASSUMPTIONS, where the proposal says nothing or gateways differ from its servers:
    /// * a call that is due and not sent (budget, throttle, nobody to call) is not made up for: the next one is due a delay
    ///   later and counts as the one after it (grpc-java sends no more for the request);
    /// * a Retry-After is the pushback of a server: on a non-fatal failure it holds the next call back for so long, whomever
    ///   that goes to (in the proposal all backends are one service); it forbids nothing, as `grpc-retry-pushback-ms` does
    ///   when it is negative or no number;
    /// * when every attempt of the pool has failed the next pool of the chain follows, with as many attempts.
    Grpc {
        /// From one call to the next, if nothing comes between.
        delay: Span,
    },
}

impl Hedging {
    /// Whether it takes the place of retries.
    pub const fn replaces_retries(self) -> bool {
        matches!(self, Hedging::Grpc { .. })
    }
}
