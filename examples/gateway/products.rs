//! Portkey's gateway and Bifrost as the gateway drives them. Neither races calls, and each forgets a request that is given up.

use super::policy::{End, Next, Policy};
use geodes::routing::calls::Command;
use geodes::routing::entropy::Entropy;
use geodes::routing::outcome::{ErrorClass, Observation};
use geodes::routing::reason::Silent;
use geodes::routing::request::Request;
use geodes::routing::{bifrost, portkey};
use geodes::units::{DeploymentIx, Time};

/// What one request keeps: the router's own, and how many calls were made for it.
pub struct Counted<J> {
    journey: J,
    calls: u32,
}

impl<J> Counted<J> {
    fn begun<E>((journey, command): (J, Command<E>), end: fn(E) -> End) -> (Counted<J>, Next) {
        let mut counted = Counted { journey, calls: 0 };
        let next = counted.next(command, end);
        (counted, next)
    }

    fn next<E>(&mut self, command: Command<E>, end: fn(E) -> End) -> Next {
        match command {
            Command::Attempt { deployment, timeout, fallback, .. } => {
                self.calls += 1;
                Next::Call { deployment, timeout: Some(timeout), fallback }
            }
            Command::Wait { until } => Next::Wait { until },
            Command::Succeed => Next::End(End::Served),
            Command::Fail { end: e } => Next::End(end(e)),
        }
    }
}

/// Portkey's gateway, and what conditions see of every request.
pub struct Portkey {
    /// The router.
    pub router: portkey::Router,
    /// The fields of requests.
    pub context: portkey::Context,
}

impl Portkey {
    fn end(end: portkey::End) -> End {
        match end {
            portkey::End::Call(class) => End::Failed(Some(class)),
            portkey::End::NoMatch | portkey::End::NoTarget => End::Shed,
        }
    }
}

impl Policy for Portkey {
    type Journey = Counted<portkey::Journey>;

    fn begin<E: Entropy>(&mut self, now: Time, _: &Request<'_>, entropy: &mut E) -> (Self::Journey, Next) {
        Counted::begun(self.router.on_request(now, &self.context, entropy, &mut Silent), Portkey::end)
    }
    fn resume<E: Entropy>(&mut self, now: Time, j: &mut Self::Journey, _: &Request<'_>, entropy: &mut E) -> Next {
        let (command, _) = self.router.on_timeout(now, &mut j.journey, &self.context, entropy, &mut Silent);
        j.next(command, Portkey::end)
    }
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut Self::Journey,
        _: &Request<'_>,
        _: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        let (command, _) = self.router.on_outcome(now, &mut j.journey, &self.context, seen, entropy, &mut Silent);
        j.next(command, Portkey::end)
    }
    fn next_timeout(&self) -> Option<Time> {
        self.router.next_timeout()
    }
    fn draws_from(j: &Self::Journey) -> u64 {
        u64::from(j.calls) << 8
    }
}

/// Bifrost, and the virtual key that all requests bring.
pub struct Bifrost {
    /// The router.
    pub router: bifrost::Router,
    /// Its number.
    pub virtual_key: usize,
}

impl Bifrost {
    fn end(end: bifrost::End) -> End {
        End::Failed(Some(match end {
            bifrost::End::Call(class) => class,
            bifrost::End::NoCredentials => ErrorClass::BadGateway,
        }))
    }
}

impl Policy for Bifrost {
    type Journey = Counted<bifrost::Journey>;

    fn begin<E: Entropy>(&mut self, now: Time, _: &Request<'_>, entropy: &mut E) -> (Self::Journey, Next) {
        Counted::begun(self.router.on_request(now, self.virtual_key, entropy, &mut Silent), Bifrost::end)
    }
    fn resume<E: Entropy>(&mut self, now: Time, j: &mut Self::Journey, _: &Request<'_>, entropy: &mut E) -> Next {
        let command = self.router.on_timeout(now, &mut j.journey, entropy, &mut Silent);
        j.next(command, Bifrost::end)
    }
    fn ended<E: Entropy>(
        &mut self,
        now: Time,
        j: &mut Self::Journey,
        _: &Request<'_>,
        _: DeploymentIx,
        seen: &Observation,
        entropy: &mut E,
    ) -> Next {
        let command = self.router.on_outcome(now, &mut j.journey, seen, entropy, &mut Silent);
        j.next(command, Bifrost::end)
    }
    fn next_timeout(&self) -> Option<Time> {
        self.router.next_timeout()
    }
    fn draws_from(j: &Self::Journey) -> u64 {
        u64::from(j.calls) << 8
    }
}
