//! What a gateway needs of a router, and two routers that have it: the gateway is the same for all. Others: `products.rs`.

use geodes::routing::entropy::Entropy;
use geodes::routing::litellm;
use geodes::routing::outcome::{ErrorClass, Observation};
use geodes::routing::reason::Silent;
use geodes::routing::request::Request;
use geodes::routing::router;
use geodes::units::{DeploymentIx, Span, Time};

/// What the gateway must do next, whichever router says so.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Next {
    /// Call this deployment. A time-out, if one is named, bounds the wait for a byte: the first token of a stream, the whole
    /// of any other answer.
    Call {
        /// Whom.
        deployment: DeploymentIx,
        /// The router's own bound on the call.
        timeout: Option<Span>,
        /// It is not the first choice.
        fallback: bool,
    },
    /// Ask again at this time.
    Wait {
        /// When.
        until: Time,
    },
    /// Nothing new: other calls of the request are out.
    Await,
    /// The request ends: answered, failed with the last error, or refused by the gateway itself.
    End(End),
}

/// How a request ends at the gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum End {
    /// The answer is complete.
    Served,
    /// Nothing is left to try; the last error, if there was a call.
    Failed(Option<ErrorClass>),
    /// The gateway spares its endpoints.
    Shed,
}

/// A router as a gateway drives it: time and randomness go in with every call, what to do comes out.
pub trait Policy: Send + 'static {
    /// What one request keeps.
    type Journey: Send;
    /// A request arrives.
    fn begin<E: Entropy>(&mut self, now: Time, request: &Request<'_>, entropy: &mut E) -> (Self::Journey, Next);
    /// A pause is over.
    fn resume<E: Entropy>(&mut self, now: Time, j: &mut Self::Journey, request: &Request<'_>, entropy: &mut E) -> Next;
    /// A call has ended and no other is out.
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut Self::Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next;
    /// When to ask for another call that races those that are out, if none of them has begun to answer by then.
    fn hedge_at(_: &Self::Journey) -> Option<Time> {
        None
    }
    /// That time has come. Without more, no call ever races another.
    fn hedge<E: Entropy>(&mut self, _: Time, _: &mut Self::Journey, _: &Request<'_>, _: &mut E) -> Option<Next> {
        None
    }
    /// A call has failed while others are out: what follows beside them, or instead of them.
    fn failed_in_race<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut Self::Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        self.ended(now, j, request, deployment, seen, entropy)
    }
    /// A call is given up.
    fn given_up(&mut self, _: Time, _: &mut Self::Journey, _: DeploymentIx) {}
    /// The first token of a call has been passed on to the user.
    fn first_token(&mut self, _: Time, _: &mut Self::Journey, _: DeploymentIx) {}
    /// When the router has something to do of its own accord.
    fn next_timeout(&self) -> Option<Time>;
    /// That time has come.
    fn wake(&mut self, _: Time) {}
    /// Where the draws of the request's next decision begin, for who gives each an address.
    fn draws_from(j: &Self::Journey) -> u64;
}

impl Policy for router::Router {
    type Journey = router::Journey;

    fn begin<E: Entropy>(&mut self, now: Time, request: &Request<'_>, entropy: &mut E) -> (router::Journey, Next) {
        let mut j = router::Journey::new(None);
        let command = self.on_request(now, &mut j, request, entropy, &mut Silent);
        (j, next(command))
    }
    fn resume<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut router::Journey,
        request: &Request<'_>,
        entropy: &mut E,
    ) -> Next {
        next(self.on_timeout(now, j, request, entropy, &mut Silent))
    }
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut router::Journey,
        request: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        next(self.on_outcome(now, j, request, deployment, seen, entropy, &mut Silent).0)
    }
    fn hedge_at(j: &router::Journey) -> Option<Time> {
        j.hedge_at()
    }
    fn hedge<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut router::Journey,
        request: &Request<'_>,
        entropy: &mut E,
    ) -> Option<Next> {
        self.on_hedge(now, j, request, entropy, &mut Silent).map(next)
    }
    fn given_up(&mut self, now: Time, j: &mut router::Journey, deployment: DeploymentIx) {
        self.on_abandoned(now, j, deployment);
    }
    fn next_timeout(&self) -> Option<Time> {
        router::Router::next_timeout(self)
    }
    fn wake(&mut self, now: Time) {
        self.on_wake(now);
    }
    fn draws_from(j: &router::Journey) -> u64 {
        j.draws_from()
    }
}

/// The command of the library's own router.
pub fn next(command: router::Command) -> Next {
    match command {
        router::Command::Attempt { deployment, fallback, .. } => Next::Call { deployment, timeout: None, fallback },
        router::Command::Wait { until } => Next::Wait { until },
        router::Command::Shed => Next::End(End::Shed),
        router::Command::Await => Next::Await,
        router::Command::Succeed => Next::End(End::Served),
        router::Command::Fail { class } => Next::End(End::Failed(class)),
    }
}

/// LiteLLM's router with the model that all requests ask for.
pub struct LiteLlm {
    /// The router.
    pub router: litellm::Router,
    /// The model, and what requests bring.
    pub target: litellm::Target,
}

impl Policy for LiteLlm {
    type Journey = litellm::Journey;

    fn begin<E: Entropy>(&mut self, now: Time, request: &Request<'_>, entropy: &mut E) -> (litellm::Journey, Next) {
        let (j, command) = self.router.on_request(now, self.target, request, entropy, &mut Silent);
        (j, of_litellm(command))
    }
    fn resume<E: Entropy>(&mut self, now: Time, j: &mut litellm::Journey, _: &Request<'_>, entropy: &mut E) -> Next {
        of_litellm(self.router.on_timeout(now, j, entropy, &mut Silent))
    }
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut litellm::Journey,
        _: &Request<'_>,
        deployment: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        of_litellm(self.router.on_outcome(now, j, deployment, seen, entropy, &mut Silent))
    }
    fn given_up(&mut self, now: Time, j: &mut litellm::Journey, _: DeploymentIx) {
        self.router.on_abandoned(now, j);
    }
    fn first_token(&mut self, now: Time, j: &mut litellm::Journey, deployment: DeploymentIx) {
        self.router.on_stream_opened(now, j, deployment);
        self.router.on_first_token(now, j, deployment);
    }
    fn next_timeout(&self) -> Option<Time> {
        self.router.next_timeout()
    }
    fn draws_from(j: &litellm::Journey) -> u64 {
        u64::from(j.attempts()) << 8
    }
}

fn of_litellm(command: litellm::Command) -> Next {
    match command {
        litellm::Command::Attempt { deployment, timeout, fallback } => Next::Call { deployment, timeout, fallback },
        litellm::Command::Wait { until } => Next::Wait { until },
        litellm::Command::Succeed => Next::End(End::Served),
        litellm::Command::Fail { failure } => Next::End(match failure.cause() {
            litellm::Cause::Attempt(class) => End::Failed(Some(class)),
            _ => End::Shed, // the router refuses the request itself
        }),
    }
}
