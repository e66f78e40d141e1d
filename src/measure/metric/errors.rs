//! The classes of failed requests: the values that the selector `error` can take.

/// Every class of failed requests. What simulates them keeps to this list (a test compares), so that an objective on a
/// class that does not exist is refused before anything is simulated.
pub const ERROR_CLASSES: [&str; 20] = [
    "unreachable",
    "overloaded",
    "database",
    "rate_limited_429",
    "internal_500",
    "unavailable_503",
    "gateway_timeout_504",
    "model_timeout",
    "model_connection",
    "bad_request_400",
    "no_deployment",
    "residency",
    "over_limit",
    "access_refused_4xx",
    "bad_gateway_502",
    "provider_overloaded_529",
    "context_window",
    "content_policy",
    "shed_by_gateway",
    "no_region",
];
