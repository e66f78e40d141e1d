//! A script: a policy, endpoints with what goes wrong at them, and requests. Both gateways can play it.

use crate::endpoint::Behaviour;
use crate::policy::{End, Next};
use crate::server::{Line, What};
use geodes::routing::outcome::{ErrorClass, Outcome};
use geodes::routing::{bifrost, litellm, portkey};
use geodes::scenario::model::Topology;
use std::time::Duration;

/// One script. All its times are whole milliseconds, the resolution of tokio's timers.
pub struct Script {
    pub name: String,
    /// Changes the plain topology, whose one pool has every endpoint, in their order.
    pub policy: Box<dyn Fn(&mut Topology)>,
    /// A product decides instead.
    pub product: Option<Product>,
    pub endpoints: Vec<Behaviour>,
    /// Milliseconds at which a request arrives, and how many tokens its answer has.
    pub requests: Vec<(u64, u32)>,
    pub streams: bool,
    /// How much later a real gateway may be: a pause with jitter ends within the millisecond that tokio rounds up to.
    pub tolerance: Duration,
    /// What the script is about: each must happen, or the script shows nothing.
    pub shows: Vec<Shows>,
}

/// A product, and what it is told.
pub enum Product {
    /// LiteLLM: the first two endpoints are its group `gpt`, the third is `gpt-spare`.
    LiteLlm(Box<litellm::Config>),
    /// Portkey's gateway.
    Portkey(portkey::Config),
    /// Bifrost, whose first virtual key all requests bring.
    Bifrost(bifrost::Config),
}

/// Something that a script is there to show.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shows {
    /// A call fails so.
    Fails(ErrorClass),
    /// A refusal brings a Retry-After.
    RetryAfter,
    /// The router pauses.
    Pause,
    /// Each endpoint is called.
    Everybody,
    /// Somebody other than the first choice answers.
    Fallback,
    /// A further call joins those that are out.
    Hedge,
    /// Three calls of a request are out together.
    ThreeRace,
    /// A call is given up.
    GivenUp,
    /// A request fails although an endpoint that was never called for it is up: half an answer cannot be taken back.
    Final(ErrorClass),
    /// The gateway refuses a request itself.
    Shed,
    /// After a failure everybody is served again.
    Recovery,
}

impl Script {
    /// A script without anything wrong.
    pub fn new(name: &str, endpoints: Vec<Behaviour>, requests: Vec<(u64, u32)>) -> Script {
        Script {
            name: name.to_owned(),
            policy: Box::new(|_| ()),
            product: None,
            endpoints,
            requests,
            streams: true,
            tolerance: Duration::ZERO,
            shows: Vec::new(),
        }
    }

    pub fn policy(mut self, policy: impl Fn(&mut Topology) + 'static) -> Script {
        self.policy = Box::new(policy);
        self
    }

    pub fn product(mut self, product: Product) -> Script {
        self.product = Some(product);
        self
    }

    pub fn shows(mut self, shows: &[Shows]) -> Script {
        self.shows = shows.to_vec();
        self
    }

    pub fn within(mut self, tolerance: Duration) -> Script {
        self.tolerance = tolerance;
        self
    }

    pub fn whole(mut self) -> Script {
        self.streams = false;
        self
    }

    /// Whether two happenings are the same, times within the tolerance.
    pub fn same(&self, a: &What, b: &What) -> bool {
        let near = |a: u64, b: u64| a.abs_diff(b) <= self.tolerance.as_nanos() as u64;
        match (a, b) {
            (What::Obeyed(Next::Wait { until: a }), What::Obeyed(Next::Wait { until: b })) => {
                near(a.nanos(), b.nanos())
            }
            // time-outs are the router's own business
            (
                What::Obeyed(Next::Call { deployment: a, fallback: f, .. }),
                What::Obeyed(Next::Call { deployment: b, fallback: g, .. }),
            ) => a == b && f == g,
            // a Retry-After counts from the refusal
            (
                What::Ended { deployment: a, outcome: Outcome::Failed { class: c, retry_after: Some(x) } },
                What::Ended { deployment: b, outcome: Outcome::Failed { class: d, retry_after: Some(y) } },
            ) => a == b && c == d && near(x.nanos(), y.nanos()),
            _ => a == b,
        }
    }

    /// What the script promises to show and does not.
    pub fn missing(&self, log: &[Line]) -> Vec<Shows> {
        self.shows.iter().copied().filter(|s| !self.has(log, *s)).collect()
    }

    fn has(&self, log: &[Line], shows: Shows) -> bool {
        let ends = |f: &dyn Fn(&Outcome) -> bool| {
            log.iter().any(|l| matches!(&l.what, What::Ended { outcome, .. } if f(outcome)))
        };
        match shows {
            Shows::Fails(c) => ends(&|o| matches!(o, Outcome::Failed { class, .. } if *class == c)),
            Shows::RetryAfter => ends(&|o| matches!(o, Outcome::Failed { retry_after: Some(_), .. })),
            Shows::Pause => log.iter().any(|l| matches!(l.what, What::Obeyed(Next::Wait { .. }))),
            Shows::Fallback => log.iter().any(|l| matches!(l.what, What::Obeyed(Next::Call { fallback: true, .. }))),
            Shows::Everybody => (0..self.endpoints.len()).all(|d| {
                log.iter()
                    .any(|l| matches!(l.what, What::Obeyed(Next::Call { deployment, .. }) if deployment.ix() == d))
            }),
            Shows::Hedge => log.iter().any(|l| matches!(l.what, What::Hedged { .. })),
            Shows::ThreeRace => {
                let out = |n: u32, line: &Line| match line.what {
                    What::Obeyed(Next::Call { .. }) | What::Hedged { .. } => n + 1,
                    What::Ended { .. } | What::GivenUp { .. } => n - 1,
                    _ => n,
                };
                (0..self.requests.len() as u32).any(|request| {
                    let own = log.iter().filter(|l| l.request == request);
                    own.scan(0, |n, line| {
                        *n = out(*n, line);
                        Some(*n)
                    })
                    .any(|n| n == 3)
                })
            }
            Shows::GivenUp => log.iter().any(|l| matches!(l.what, What::GivenUp { .. })),
            Shows::Final(c) => log.iter().any(|l| l.what == What::Obeyed(Next::End(End::Failed(Some(c))))),
            Shows::Shed => log.iter().any(|l| l.what == What::Obeyed(Next::End(End::Shed))),
            Shows::Recovery => {
                let failed =
                    log.iter().rposition(|l| matches!(l.what, What::Ended { outcome: Outcome::Failed { .. }, .. }));
                let after = failed
                    .map_or(0, |i| log[i..].iter().filter(|l| l.what == What::Obeyed(Next::End(End::Served))).count());
                failed.is_some() && after >= 3
            }
        }
    }
}
