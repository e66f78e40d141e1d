//! gRPC's retry throttling: a failure costs a token, a success earns a part of one, and retries stop at half of the tokens.
//!
//! Source: grpc/proposal A6-client-retries.md, "Throttling Retry Attempts and Hedged RPCs" (its example: 10 tokens, ratio
//! 0.1). Only failures count that the retry policy names as retryable (the proposal also counts those for which the server
//! forbids a retry; here none does).

use super::{Load, RetryBudget};
use crate::routing::outcome::{ErrorClass, Outcome};
use crate::routing::reason::Figure;
use crate::units::Time;

/// Parameters. [`GrpcThrottleConfig::EXAMPLE`] has those of the proposal's example.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GrpcThrottleConfig {
    /// Tokens at the start and at most.
    pub max_tokens: u32,
    /// What a success earns, in thousandths of a token.
    pub ratio_thousandths: u32,
}

impl GrpcThrottleConfig {
    /// The proposal's example.
    pub const EXAMPLE: GrpcThrottleConfig = GrpcThrottleConfig { max_tokens: 10, ratio_thousandths: 100 };
}

/// The tokens, in thousandths.
#[derive(Clone, Debug)]
pub struct GrpcThrottle {
    config: GrpcThrottleConfig,
    thousandths: u32,
}

impl GrpcThrottle {
    /// All tokens are there.
    pub fn new(config: GrpcThrottleConfig) -> GrpcThrottle {
        GrpcThrottle { config, thousandths: config.max_tokens * 1000 }
    }
}

impl RetryBudget for GrpcThrottle {
    fn withdraw(&mut self, _: Time, _: Option<ErrorClass>, _: Load) -> Option<u16> {
        (2 * self.thousandths > self.config.max_tokens * 1000).then_some(0)
    }

    fn left(&self, _: Time, _: Load) -> Figure {
        let tokens = f64::from(self.thousandths) / 1000.0;
        Figure::new("retry tokens, of which more than half are needed", tokens).of(f64::from(self.config.max_tokens))
    }

    fn on_outcome(&mut self, _: Time, outcome: Outcome, _: Option<u16>) {
        self.thousandths = match outcome {
            Outcome::Ok => (self.thousandths + self.config.ratio_thousandths).min(self.config.max_tokens * 1000),
            Outcome::Failed { .. } => self.thousandths.saturating_sub(1000),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_of_ten_stop_retries_and_ten_successes_allow_them_again() {
        let mut g = GrpcThrottle::new(GrpcThrottleConfig::EXAMPLE);
        let failed = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };
        let may = |g: &mut GrpcThrottle| g.withdraw(Time::ZERO, None, Load { active: 0, retries: 0 }).is_some();
        (0..4).for_each(|_| g.on_outcome(Time::ZERO, failed, None));
        assert!(may(&mut g), "6 tokens are more than half of 10");
        g.on_outcome(Time::ZERO, failed, None);
        assert!(!may(&mut g), "5 are not");
        g.on_outcome(Time::ZERO, Outcome::Ok, None);
        assert!(may(&mut g));
        (0..1000).for_each(|_| g.on_outcome(Time::ZERO, Outcome::Ok, None));
        (0..5).for_each(|_| g.on_outcome(Time::ZERO, failed, None));
        assert!(!may(&mut g), "never more than 10");
    }
}
