//! What a failure means for the key that was used and for the request.
//!
//! Source: maximhq/bifrost, `docs/features/retries-and-fallbacks.mdx` (2026), "What triggers a retry"; `core/utils.go`:
//! `retryableStatusCodes` (429, 500, 502, 503, 504). A time-out of the gateway's own is an error 504 of its own kind that is not
//! retried (`core` tests of the header time-out, 2026).

use crate::routing::outcome::ErrorClass;

/// Kinds of failures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The upstream is the problem: the same key again after a pause.
    Transient,
    /// The key has no room at present: another key, after a pause.
    Limited,
    /// The key is no good for the rest of the request: another key at once.
    DeadKey,
    /// Not tried again with this provider.
    Final,
}

/// The kind of a failure.
pub(super) fn kind(class: ErrorClass) -> Kind {
    match class {
        ErrorClass::InternalError
        | ErrorClass::BadGateway
        | ErrorClass::Unavailable
        | ErrorClass::GatewayTimeout
        | ErrorClass::ConnectionFailed => Kind::Transient,
        ErrorClass::RateLimited | ErrorClass::QuotaExhausted => Kind::Limited,
        ErrorClass::Unauthorized | ErrorClass::PaymentRequired | ErrorClass::Forbidden => Kind::DeadKey,
        ErrorClass::Timeout
        | ErrorClass::BadRequest
        | ErrorClass::NotFound
        | ErrorClass::RequestTimeout
        | ErrorClass::Conflict
        | ErrorClass::Unprocessable
        | ErrorClass::ProviderOverloaded
        | ErrorClass::ContextWindow
        | ErrorClass::ContentPolicy => Kind::Final,
    }
}
