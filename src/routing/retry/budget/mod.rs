//! Retry budgets: how many retries a client may make altogether, so that retries cannot multiply an overload. One
//! algorithm per file, behind [`RetryBudget`].

mod aws;
mod envoy;
mod finagle;
mod grpc;

pub use aws::{AwsQuota, AwsQuotaConfig};
pub use envoy::{ConcurrentRetries, ConcurrentRetriesConfig};
pub use finagle::{Finagle, FinagleConfig};
pub use grpc::{GrpcThrottle, GrpcThrottleConfig};

use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::reason::Figure;
use crate::units::Time;

/// What a gateway has out at the moment of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Calls in flight.
    pub active: u32,
    /// Retries that have been paid for and have not ended, pauses before them included.
    pub retries: u32,
}

/// One gateway's budget. A retry is every attempt of a request after its first, wherever it goes.
pub trait RetryBudget {
    /// A request makes its first attempt.
    fn on_request(&mut self, _now: Time) {}

    /// Asks for a retry after a failure of that class; when the answer is yes, it is paid for. The price is remembered by
    /// the request and given back with [`RetryBudget::on_outcome`].
    fn withdraw(&mut self, now: Time, failure: Option<ErrorClass>, load: Load) -> Option<u16>;

    /// What is left, for whoever asks why a retry is refused.
    fn left(&self, now: Time, load: Load) -> Figure;

    /// An attempt has ended, with an answer or with a failure that may be retried: others say nothing of the backend. `paid` is the price of the request's last retry; `None` when it made none.
    fn on_outcome(&mut self, _now: Time, _outcome: Outcome, _paid: Option<u16>) {}
}

/// What the configuration says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum BudgetConfig {
    /// [`Finagle`].
    Finagle(FinagleConfig),
    /// [`GrpcThrottle`].
    Grpc(GrpcThrottleConfig),
    /// [`AwsQuota`].
    Aws(AwsQuotaConfig),
    /// [`ConcurrentRetries`].
    Concurrent(ConcurrentRetriesConfig),
}

/// A budget of any kind, with what it remembers.
#[derive(Clone, Debug)]
pub enum Budget {
    /// See [`Finagle`].
    Finagle(Finagle),
    /// See [`GrpcThrottle`].
    Grpc(GrpcThrottle),
    /// See [`AwsQuota`].
    Aws(AwsQuota),
    /// See [`ConcurrentRetries`].
    Concurrent(ConcurrentRetries),
}

/// The same call on whichever algorithm it is.
macro_rules! each {
    ($self:expr, $budget:ident => $call:expr) => {
        match $self {
            Budget::Finagle($budget) => $call,
            Budget::Grpc($budget) => $call,
            Budget::Aws($budget) => $call,
            Budget::Concurrent($budget) => $call,
        }
    };
}

impl Budget {
    /// A budget from which nothing was taken yet.
    pub fn new(config: BudgetConfig) -> Budget {
        match config {
            BudgetConfig::Finagle(c) => Budget::Finagle(Finagle::new(c)),
            BudgetConfig::Grpc(c) => Budget::Grpc(GrpcThrottle::new(c)),
            BudgetConfig::Aws(c) => Budget::Aws(AwsQuota::new(c)),
            BudgetConfig::Concurrent(c) => Budget::Concurrent(ConcurrentRetries::new(c)),
        }
    }
}

impl RetryBudget for Budget {
    fn on_request(&mut self, now: Time) {
        each!(self, b => b.on_request(now));
    }
    fn withdraw(&mut self, now: Time, failure: Option<ErrorClass>, load: Load) -> Option<u16> {
        each!(self, b => b.withdraw(now, failure, load))
    }
    fn left(&self, now: Time, load: Load) -> Figure {
        each!(self, b => b.left(now, load))
    }
    fn on_outcome(&mut self, now: Time, outcome: Outcome, paid: Option<u16>) {
        each!(self, b => b.on_outcome(now, outcome, paid));
    }
}
