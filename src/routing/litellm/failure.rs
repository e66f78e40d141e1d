//! Failures as LiteLLM sees them: the class of the Python exception, its status and the headers that later rules read.
//!
//! Source: LiteLLM 1.106.2, `exceptions.py` (classes and their statuses), `litellm_core_utils/exception_mapping_utils.py`
//! (which answer becomes which class: the mapping for OpenAI-compatible providers, and 529 as for Anthropic).

use crate::routing::outcome::ErrorClass;
use crate::units::{DeploymentIx, Span};

/// LiteLLM's exception classes, as far as routing tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Exception {
    /// `BadRequestError` and subclasses without rules of their own.
    BadRequest,
    /// `AuthenticationError`.
    Authentication,
    /// `PaymentRequiredError`, a subclass of `BadRequestError`.
    PaymentRequired,
    /// `PermissionDeniedError`.
    PermissionDenied,
    /// `NotFoundError`.
    NotFound,
    /// `Timeout`.
    Timeout,
    /// `RateLimitError`.
    RateLimit,
    /// `ContextWindowExceededError`, a subclass of `BadRequestError`.
    ContextWindow,
    /// `ContentPolicyViolationError`, a subclass of `BadRequestError`.
    ContentPolicy,
    /// `InternalServerError`.
    InternalServer,
    /// `ServiceUnavailableError`.
    ServiceUnavailable,
    /// `BadGatewayError`.
    BadGateway,
    /// `APIConnectionError`.
    ApiConnection,
    /// `APIError`: any other answer of a provider.
    Api,
    /// A `ValueError` of the router itself, which has no status.
    Value,
}

/// Where a failure comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A call to a deployment failed.
    Attempt(ErrorClass),
    /// No deployment was left after the filters (`RouterRateLimitError`).
    NoDeployment,
    /// Pre-call checks left none because of requests per minute (`RouterRateLimitErrorBasic`).
    NoDeploymentWithinRpm,
    /// Pre-call checks left none because the prompt is too long for all.
    PromptTooLong,
    /// Every deployment has spent its budget.
    OverBudget,
    /// No deployment carries the tags that the request asks for.
    NoMatchingTag,
    /// Usage-based routing (v2) found every deployment at its limit.
    AllAtLimit,
    /// The same on LiteLLM's synchronous path, where it is an error without a status.
    AllAtLimitSync,
    /// The chosen deployment's own limit of requests or tokens per minute, checked before the call.
    OwnRateLimit,
    /// All slots of the chosen deployment are in use.
    AllSlotsInUse,
    /// The name that was asked for exists nowhere.
    UnknownModel,
    /// The deployment that was asked for by its id is blocked.
    Blocked,
}

/// A failure on its way through retries and fallbacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    pub(super) cause: Cause,
    /// The Retry-After header in seconds; LiteLLM reads whole seconds only and takes anything else for no header.
    pub(super) retry_after_s: Option<u64>,
    /// Retries that the exception itself allows: the deployment's `num_retries`, or 0 of a limit that nobody should retry.
    pub(super) num_retries: Option<u32>,
    /// The deployment that LiteLLM blames for it.
    pub(super) deployment: Option<DeploymentIx>,
    /// It broke a stream that had begun: LiteLLM wraps it into an error of its own kind on the way to fallbacks.
    pub(super) in_stream: bool,
}

impl Failure {
    /// A failure before any deployment was chosen.
    pub(super) const fn of(cause: Cause) -> Failure {
        Failure { cause, retry_after_s: None, num_retries: None, deployment: None, in_stream: false }
    }

    /// A failed call.
    pub(super) fn attempt(class: ErrorClass, retry_after: Option<Span>, deployment: DeploymentIx) -> Failure {
        const SECOND: u64 = 1_000_000_000;
        let whole = retry_after.filter(|s| s.nanos() % SECOND == 0).map(|s| s.nanos() / SECOND);
        Failure { retry_after_s: whole, deployment: Some(deployment), ..Failure::of(Cause::Attempt(class)) }
    }

    /// What happened.
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// The deployment that LiteLLM blames: none when none had been chosen, and none for a stream that broke.
    pub const fn deployment(&self) -> Option<DeploymentIx> {
        self.deployment
    }

    /// The class for reports: that of the attempt, or of the status that the router itself answers with. `None` when the
    /// router answers without a status.
    pub const fn class(&self) -> Option<ErrorClass> {
        match self.cause {
            Cause::Attempt(class) => Some(class),
            Cause::AllAtLimit | Cause::OwnRateLimit | Cause::AllSlotsInUse => Some(ErrorClass::RateLimited),
            Cause::PromptTooLong => Some(ErrorClass::ContextWindow),
            Cause::UnknownModel => Some(ErrorClass::BadRequest),
            Cause::Blocked => Some(ErrorClass::Unavailable),
            Cause::NoDeployment
            | Cause::NoDeploymentWithinRpm
            | Cause::OverBudget
            | Cause::NoMatchingTag
            | Cause::AllAtLimitSync => None,
        }
    }

    /// The Python class.
    pub const fn exception(&self) -> Exception {
        match self.class() {
            None => Exception::Value,
            Some(class) => match class {
                ErrorClass::RateLimited | ErrorClass::QuotaExhausted => Exception::RateLimit,
                // 529: litellm_core_utils/exception_mapping_utils.py raises InternalServerError for Anthropic
                ErrorClass::InternalError | ErrorClass::ProviderOverloaded => Exception::InternalServer,
                ErrorClass::Unavailable => Exception::ServiceUnavailable,
                ErrorClass::GatewayTimeout | ErrorClass::Timeout | ErrorClass::RequestTimeout => Exception::Timeout,
                ErrorClass::ConnectionFailed => Exception::ApiConnection,
                ErrorClass::BadRequest | ErrorClass::Unprocessable => Exception::BadRequest,
                ErrorClass::Unauthorized => Exception::Authentication,
                ErrorClass::PaymentRequired => Exception::PaymentRequired,
                ErrorClass::Forbidden => Exception::PermissionDenied,
                ErrorClass::NotFound => Exception::NotFound,
                ErrorClass::Conflict => Exception::Api,
                ErrorClass::BadGateway => Exception::BadGateway,
                ErrorClass::ContextWindow => Exception::ContextWindow,
                ErrorClass::ContentPolicy => Exception::ContentPolicy,
            },
        }
    }

    /// `status_code` of the exception.
    pub const fn status(&self) -> Option<u16> {
        match self.class() {
            None => None,
            // `APIConnectionError` carries 500, and so does what Anthropic's 529 becomes
            Some(ErrorClass::ConnectionFailed | ErrorClass::ProviderOverloaded) => Some(500),
            Some(class) => class.status(),
        }
    }

    /// `litellm.should_retry`: the statuses that may go away.
    pub(super) const fn retryable_status(status: u16) -> bool {
        matches!(status, 408 | 409 | 429) || status >= 500
    }

    /// Whether weighted failover swallows it and goes on: provider errors and the router's own lack of deployments.
    pub(super) const fn is_expected_by_failover(&self) -> bool {
        !matches!(self.cause, Cause::OverBudget | Cause::NoMatchingTag | Cause::AllAtLimitSync)
    }
}

/// A number per exception class, as `RetryPolicy` and `AllowedFailsPolicy` hold them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// For `BadRequestError` and its subclasses.
    pub bad_request: Option<u32>,
    /// For `AuthenticationError`.
    pub authentication: Option<u32>,
    /// For `Timeout`.
    pub timeout: Option<u32>,
    /// For `RateLimitError`.
    pub rate_limit: Option<u32>,
    /// For `ContentPolicyViolationError`, before `bad_request`.
    pub content_policy: Option<u32>,
    /// For `InternalServerError`.
    pub internal_server: Option<u32>,
    /// For `ServiceUnavailableError`.
    pub service_unavailable: Option<u32>,
    /// For `BadGatewayError`; allowed fails only.
    pub bad_gateway: Option<u32>,
    /// Allowed fails: for `NotFoundError`. Retries: for any 404.
    pub not_found: Option<u32>,
    /// For everything else; retries only.
    pub default: Option<u32>,
}

impl Policy {
    /// The entry for the class: most specific first, a parent class where the own one has no entry.
    fn by_class(&self, exception: Exception) -> Option<u32> {
        match exception {
            Exception::ContentPolicy => self.content_policy.or(self.bad_request),
            Exception::BadRequest | Exception::ContextWindow | Exception::PaymentRequired => self.bad_request,
            Exception::Authentication => self.authentication,
            Exception::Timeout => self.timeout,
            Exception::RateLimit => self.rate_limit,
            Exception::InternalServer => self.internal_server,
            Exception::ServiceUnavailable => self.service_unavailable,
            Exception::BadGateway => self.bad_gateway,
            Exception::NotFound => self.not_found,
            Exception::PermissionDenied | Exception::ApiConnection | Exception::Api | Exception::Value => None,
        }
    }

    /// Allowed fails for this failure (`get_allowed_fails_from_policy`).
    pub(super) fn allowed_fails(&self, failure: &Failure) -> Option<u32> {
        self.by_class(failure.exception())
    }

    /// Retries for this failure (`get_num_retries_from_retry_policy`): `NotFoundErrorRetries` for every 404, then by
    /// class, then the default.
    pub(super) fn retries(&self, failure: &Failure) -> Option<u32> {
        let of_404 = self.not_found.filter(|_| failure.status() == Some(404));
        let exception = failure.exception();
        // a retry policy has no entries for these two classes
        let of_class = match exception {
            Exception::NotFound | Exception::BadGateway => None,
            _ => self.by_class(exception),
        };
        of_404.or(of_class).or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: ErrorClass) -> Failure {
        Failure::attempt(class, None, DeploymentIx(0))
    }

    #[test]
    fn a_policy_prefers_the_most_specific_class() {
        let policy = Policy { bad_request: Some(1), content_policy: Some(4), default: Some(9), ..Policy::default() };
        assert_eq!(policy.retries(&failed(ErrorClass::ContentPolicy)), Some(4));
        assert_eq!(policy.retries(&failed(ErrorClass::ContextWindow)), Some(1));
        assert_eq!(policy.retries(&failed(ErrorClass::Unavailable)), Some(9));
        assert_eq!(policy.allowed_fails(&failed(ErrorClass::Unavailable)), None);
        let without = Policy { content_policy: None, ..policy };
        assert_eq!(without.allowed_fails(&failed(ErrorClass::ContentPolicy)), Some(1));
        let of_404 = Policy { not_found: Some(3), ..Policy::default() };
        assert_eq!(of_404.retries(&failed(ErrorClass::NotFound)), Some(3));
        assert_eq!(of_404.retries(&failed(ErrorClass::BadGateway)), None);
    }

    #[test]
    fn only_whole_seconds_of_retry_after_are_read() {
        let f =
            |ms| Failure::attempt(ErrorClass::RateLimited, Some(Span::from_millis(ms)), DeploymentIx(0)).retry_after_s;
        assert_eq!((f(2000), f(2500), f(0)), (Some(2), None, Some(0)));
    }
}
