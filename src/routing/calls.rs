//! What a gateway has to do for a request, and what the router remembers of the calls that it has made: for routers that know
//! the deployments themselves and let a request have one call at a time.

use crate::units::{DeploymentIx, Span, Time};

/// What the gateway must do next. `E`: how requests end without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command<E> {
    /// Call this deployment.
    Attempt {
        /// Which.
        deployment: DeploymentIx,
        /// When to give it up if the status of its answer is not there, measured from now.
        timeout: Span,
        /// The answer will count as degraded.
        degraded: bool,
        /// It is not the first choice.
        fallback: bool,
    },
    /// Call `on_timeout` of the router at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// The answer is complete.
    Succeed,
    /// Nothing is left to try.
    Fail {
        /// What the caller sees.
        end: E,
    },
}

/// The calls of one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Calls {
    first: Option<DeploymentIx>,
    out: bool,
}

impl Calls {
    /// One is made. True when it goes to another deployment than the first of the request.
    pub fn made(&mut self, deployment: DeploymentIx) -> bool {
        debug_assert!(!self.out, "a request has one call at a time");
        self.out = true;
        *self.first.get_or_insert(deployment) != deployment
    }

    /// The one that is out has ended.
    pub fn ended(&mut self) {
        debug_assert!(self.out, "an outcome of a call that is not out");
        self.out = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_first_deployment_are_no_fallback_whatever_came_between() {
        let mut calls = Calls::default();
        let made = [1, 1, 2, 1].map(|d| {
            let other = calls.made(DeploymentIx(d));
            calls.ended();
            other
        });
        assert_eq!(made, [false, false, true, false]);
    }

    #[test]
    #[should_panic(expected = "not out")]
    fn a_call_ends_once() {
        let mut calls = Calls::default();
        calls.made(DeploymentIx(0));
        calls.ended();
        calls.ended();
    }
}
