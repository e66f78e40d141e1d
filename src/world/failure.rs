//! Why a turn was not served: the error classes of the reports.

use crate::routing::outcome::ErrorClass;

/// Class of a failed turn, as the user's program sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Failure {
    /// No region accepted a connection within the client's tries.
    Unreachable,
    /// The region had no slot and no room in its queue.
    Overloaded,
    /// The region's conversation store did not answer.
    Database,
    /// The last model call ended in 429.
    RateLimited,
    /// The last model call ended in 500.
    InternalError,
    /// The last model call ended in 503.
    Unavailable,
    /// The last model call ended in 504.
    GatewayTimeout,
    /// The gateway gave up waiting for the last model call.
    ModelTimeout,
    /// The last model call found no endpoint.
    ModelConnection,
    /// A model refused the request itself.
    BadRequest,
    /// No deployment could be called: none is legal for the user's data, or the gateway has none left in service.
    NoDeployment,
    /// No region is legal for the user's data.
    Residency,
    /// The answer was complete only after the workload's time limit.
    OverLimit,
    /// The last model call ended in 401, 402, 403 or 404: the gateway is not let in, or asks for what is not there.
    AccessRefused,
    /// The last model call ended in 502.
    BadGateway,
    /// The last model call ended in 529.
    ProviderOverloaded,
    /// The prompt was too long for the last model called.
    ContextWindow,
    /// A content filter refused the request.
    ContentPolicy,
    /// The gateway refused the request itself, to spare what it would call.
    Shed,
    /// The steering system had no region to answer with.
    NoRegion,
}

impl Failure {
    /// Number of classes.
    pub const COUNT: usize = 20;

    /// All classes in the order of their discriminants.
    pub const ALL: [Failure; Failure::COUNT] = [
        Failure::Unreachable,
        Failure::Overloaded,
        Failure::Database,
        Failure::RateLimited,
        Failure::InternalError,
        Failure::Unavailable,
        Failure::GatewayTimeout,
        Failure::ModelTimeout,
        Failure::ModelConnection,
        Failure::BadRequest,
        Failure::NoDeployment,
        Failure::Residency,
        Failure::OverLimit,
        Failure::AccessRefused,
        Failure::BadGateway,
        Failure::ProviderOverloaded,
        Failure::ContextWindow,
        Failure::ContentPolicy,
        Failure::Shed,
        Failure::NoRegion,
    ];

    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Failure::Unreachable => "unreachable",
            Failure::Overloaded => "overloaded",
            Failure::Database => "database",
            Failure::RateLimited => "rate_limited_429",
            Failure::InternalError => "internal_500",
            Failure::Unavailable => "unavailable_503",
            Failure::GatewayTimeout => "gateway_timeout_504",
            Failure::ModelTimeout => "model_timeout",
            Failure::ModelConnection => "model_connection",
            Failure::BadRequest => "bad_request_400",
            Failure::NoDeployment => "no_deployment",
            Failure::Residency => "residency",
            Failure::OverLimit => "over_limit",
            Failure::AccessRefused => "access_refused_4xx",
            Failure::BadGateway => "bad_gateway_502",
            Failure::ProviderOverloaded => "provider_overloaded_529",
            Failure::ContextWindow => "context_window",
            Failure::ContentPolicy => "content_policy",
            Failure::Shed => "shed_by_gateway",
            Failure::NoRegion => "no_region",
        }
    }

    /// Whether another region might have done better: not if the request itself is at fault.
    pub const fn is_the_regions(self) -> bool {
        !matches!(self, Failure::BadRequest | Failure::ContextWindow | Failure::ContentPolicy | Failure::Residency)
    }

    /// What remains when the gateway's chain is exhausted.
    pub fn of_chain(last: Option<ErrorClass>) -> Failure {
        match last {
            None => Failure::NoDeployment,
            Some(ErrorClass::RateLimited | ErrorClass::QuotaExhausted) => Failure::RateLimited,
            Some(ErrorClass::InternalError) => Failure::InternalError,
            Some(ErrorClass::Unavailable) => Failure::Unavailable,
            Some(ErrorClass::GatewayTimeout) => Failure::GatewayTimeout,
            Some(ErrorClass::Timeout | ErrorClass::RequestTimeout) => Failure::ModelTimeout,
            Some(ErrorClass::ConnectionFailed) => Failure::ModelConnection,
            Some(ErrorClass::BadRequest | ErrorClass::Conflict | ErrorClass::Unprocessable) => Failure::BadRequest,
            Some(
                ErrorClass::Unauthorized | ErrorClass::PaymentRequired | ErrorClass::Forbidden | ErrorClass::NotFound,
            ) => Failure::AccessRefused,
            Some(ErrorClass::BadGateway) => Failure::BadGateway,
            Some(ErrorClass::ProviderOverloaded) => Failure::ProviderOverloaded,
            Some(ErrorClass::ContextWindow) => Failure::ContextWindow,
            Some(ErrorClass::ContentPolicy) => Failure::ContentPolicy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::metric::ERROR_CLASSES;

    #[test]
    fn the_classes_are_those_that_objectives_may_name() {
        assert_eq!(Failure::ALL.map(Failure::name), ERROR_CLASSES);
        assert!(Failure::ALL.iter().enumerate().all(|(i, f)| *f as usize == i));
    }
}
