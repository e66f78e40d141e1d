//! What a gateway can observe of an attempt.

use crate::units::{Span, Time};

/// Class of a failed attempt, as a gateway sees it: the status of the answer, or what happened in its place. Where a
/// gateway tells two answers of one status apart (by the error's type or code in the body), each has a class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ErrorClass {
    /// HTTP 429: over a rate limit or quota.
    RateLimited,
    /// HTTP 500.
    InternalError,
    /// HTTP 503.
    Unavailable,
    /// HTTP 504 from the provider.
    GatewayTimeout,
    /// The gateway's own time-out, first token or total.
    Timeout,
    /// No connection to the endpoint.
    ConnectionFailed,
    /// HTTP 400 and the like: the request itself is wrong.
    BadRequest,
    /// HTTP 401: the credentials are wrong.
    Unauthorized,
    /// HTTP 402: the account has to be paid first.
    PaymentRequired,
    /// HTTP 403.
    Forbidden,
    /// HTTP 404: no such model or deployment.
    NotFound,
    /// HTTP 408 from the provider.
    RequestTimeout,
    /// HTTP 409.
    Conflict,
    /// HTTP 422.
    Unprocessable,
    /// HTTP 502.
    BadGateway,
    /// HTTP 529: the whole provider is overloaded, whatever the caller's quota (Anthropic).
    ProviderOverloaded,
    /// HTTP 400 because the prompt is longer than the model's context window.
    ContextWindow,
    /// HTTP 400 because a content filter refused the prompt.
    ContentPolicy,
    /// HTTP 429 that no waiting mends: the account's credit is used up.
    QuotaExhausted,
}

impl ErrorClass {
    /// All classes, in the order of their discriminants.
    pub const ALL: [ErrorClass; 19] = [
        ErrorClass::RateLimited,
        ErrorClass::InternalError,
        ErrorClass::Unavailable,
        ErrorClass::GatewayTimeout,
        ErrorClass::Timeout,
        ErrorClass::ConnectionFailed,
        ErrorClass::BadRequest,
        ErrorClass::Unauthorized,
        ErrorClass::PaymentRequired,
        ErrorClass::Forbidden,
        ErrorClass::NotFound,
        ErrorClass::RequestTimeout,
        ErrorClass::Conflict,
        ErrorClass::Unprocessable,
        ErrorClass::BadGateway,
        ErrorClass::ProviderOverloaded,
        ErrorClass::ContextWindow,
        ErrorClass::ContentPolicy,
        ErrorClass::QuotaExhausted,
    ];

    /// Name in reports and scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorClass::RateLimited => "429",
            ErrorClass::InternalError => "500",
            ErrorClass::Unavailable => "503",
            ErrorClass::GatewayTimeout => "504",
            ErrorClass::Timeout => "timeout",
            ErrorClass::ConnectionFailed => "connection",
            ErrorClass::BadRequest => "400",
            ErrorClass::Unauthorized => "401",
            ErrorClass::PaymentRequired => "402",
            ErrorClass::Forbidden => "403",
            ErrorClass::NotFound => "404",
            ErrorClass::RequestTimeout => "408",
            ErrorClass::Conflict => "409",
            ErrorClass::Unprocessable => "422",
            ErrorClass::BadGateway => "502",
            ErrorClass::ProviderOverloaded => "529",
            ErrorClass::ContextWindow => "context_window",
            ErrorClass::ContentPolicy => "content_policy",
            ErrorClass::QuotaExhausted => "quota_exhausted",
        }
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<ErrorClass> {
        ErrorClass::ALL.into_iter().find(|c| c.name() == name)
    }

    /// The HTTP status that gateways act on. A time-out of the gateway's own counts as 408, as the clients of OpenAI and
    /// LiteLLM have it; a connection that failed has none.
    pub const fn status(self) -> Option<u16> {
        Some(match self {
            ErrorClass::RateLimited | ErrorClass::QuotaExhausted => 429,
            ErrorClass::InternalError => 500,
            ErrorClass::Unavailable => 503,
            ErrorClass::GatewayTimeout => 504,
            ErrorClass::Timeout | ErrorClass::RequestTimeout => 408,
            ErrorClass::ConnectionFailed => return None,
            ErrorClass::BadRequest | ErrorClass::ContextWindow | ErrorClass::ContentPolicy => 400,
            ErrorClass::Unauthorized => 401,
            ErrorClass::PaymentRequired => 402,
            ErrorClass::Forbidden => 403,
            ErrorClass::NotFound => 404,
            ErrorClass::Conflict => 409,
            ErrorClass::Unprocessable => 422,
            ErrorClass::BadGateway => 502,
            ErrorClass::ProviderOverloaded => 529,
        })
    }

    /// Whether the deployment will answer the same however long somebody waits, as it does once its account's credit is used
    /// up.
    pub const fn outlasts_a_pause(self) -> bool {
        matches!(self, ErrorClass::QuotaExhausted)
    }

    /// Whether the endpoint itself is at fault (a status of 5xx), and not the request, its credentials or its quota: whoever
    /// asks it anything gets this answer.
    pub const fn is_of_the_endpoint(self) -> bool {
        matches!(self.status(), Some(500..))
    }

    /// Whether an endpoint can answer this. The gateway's own time-out and a connection that failed are what a gateway sees
    /// in place of an answer.
    pub const fn is_an_answer(self) -> bool {
        !matches!(self, ErrorClass::Timeout | ErrorClass::ConnectionFailed)
    }

    /// Whether the request itself is at fault, so that any other deployment of the same model would refuse it too.
    pub const fn is_of_the_request(self) -> bool {
        matches!(
            self,
            ErrorClass::BadRequest
                | ErrorClass::Conflict
                | ErrorClass::Unprocessable
                | ErrorClass::ContextWindow
                | ErrorClass::ContentPolicy
        )
    }
}

/// A set of error classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ErrorSet(u32);

impl ErrorSet {
    /// The set of these classes.
    pub fn of(classes: &[ErrorClass]) -> ErrorSet {
        ErrorSet(classes.iter().fold(0, |bits, c| bits | 1 << *c as u32))
    }
    /// Whether the class is in the set.
    pub const fn contains(self, class: ErrorClass) -> bool {
        self.0 & (1 << class as u32) != 0
    }
    /// Whether no class is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How an attempt ended, as observed by the gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Outcome {
    /// The whole answer arrived.
    Ok,
    /// It failed.
    Failed {
        /// How.
        class: ErrorClass,
        /// The Retry-After header, if the endpoint sent one.
        retry_after: Option<Span>,
    },
}

/// What a gateway sees when an attempt ends: the outcome, and what it measured and was told on the way.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Observation {
    /// How it ended.
    pub outcome: Outcome,
    /// When the gateway sent the call.
    pub sent: Time,
    /// When the first byte of the answer came; `None` before any came.
    pub first_token: Option<Time>,
    /// Whether the answer was streamed.
    pub streamed: bool,
    /// Prompt tokens, as the answer's usage block says; 0 without one.
    pub input_tokens: u32,
    /// Those of them that the provider read from its prompt cache.
    pub cached_tokens: u32,
    /// Tokens of the answer, as its usage block says; 0 without one.
    pub output_tokens: u32,
}

impl Observation {
    /// A failure without any part of an answer.
    pub const fn failed(sent: Time, class: ErrorClass, retry_after: Option<Span>) -> Observation {
        Observation {
            outcome: Outcome::Failed { class, retry_after },
            sent,
            first_token: None,
            streamed: false,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_names_and_sets_agree() {
        for (i, class) in ErrorClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, i);
            assert_eq!(ErrorClass::from_name(class.name()), Some(class));
            let alone = ErrorSet::of(&[class]);
            assert!(ErrorClass::ALL.into_iter().all(|c| alone.contains(c) == (c == class)));
            if let Ok(number) = class.name().parse::<u16>() {
                assert_eq!(class.status(), Some(number));
                assert_eq!(class.is_of_the_endpoint(), number >= 500);
                assert!(class.is_an_answer());
            }
        }
    }
}
