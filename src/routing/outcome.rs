//! What a gateway can observe of an attempt.

use crate::units::Span;

/// Class of a failed attempt, as a gateway sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ErrorClass {
    /// HTTP 429.
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
}

impl ErrorClass {
    /// All classes, in the order of their discriminants.
    pub const ALL: [ErrorClass; 7] = [
        ErrorClass::RateLimited,
        ErrorClass::InternalError,
        ErrorClass::Unavailable,
        ErrorClass::GatewayTimeout,
        ErrorClass::Timeout,
        ErrorClass::ConnectionFailed,
        ErrorClass::BadRequest,
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
        }
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<ErrorClass> {
        ErrorClass::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// A set of error classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ErrorSet(u8);

impl ErrorSet {
    /// The set of these classes.
    pub fn of(classes: &[ErrorClass]) -> ErrorSet {
        ErrorSet(classes.iter().fold(0, |bits, c| bits | 1 << *c as u8))
    }
    /// Whether the class is in the set.
    pub const fn contains(self, class: ErrorClass) -> bool {
        self.0 & (1 << class as u8) != 0
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
