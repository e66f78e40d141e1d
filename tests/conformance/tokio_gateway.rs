//! A script on the tokio gateway, with tokio's clock paused: it jumps from timer to timer.

use crate::endpoint::{Endpoint, HttpRequest};
use crate::flawed::{Flaw, Flawed};
use crate::policy::{LiteLlm, Policy};
use crate::products::{Bifrost, Portkey};
use crate::script::{Product, Script};
use crate::server::{After, Ask, Chance, Gateway, Limits, Line};
use crate::simulator::{GROUP, MAX_OUTPUT, SEED, context, scenario, session};
use geodes::random::{Draws, EntityKey};
use geodes::routing::entropy::Entropy;
use geodes::routing::{bifrost, litellm, portkey};
use geodes::units::Span;
use geodes::world::purpose::ROUTING;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Products name all time-outs themselves.
const AGES: Duration = Duration::from_secs(86_400);

/// The draws that the simulator makes at the same places.
struct Addressed(Draws);

struct Turn {
    draws: Draws,
    turn: EntityKey,
    next: u64,
}

impl Entropy for Turn {
    fn uniform(&mut self) -> f64 {
        self.next += 1;
        self.draws.uniform(ROUTING, self.turn, self.next)
    }
}

impl Chance for Addressed {
    fn question(&self, request: u32, from: u64, after: After) -> impl Entropy {
        let next = match after {
            After::Call => from,
            After::HedgingDelay => from + 64,
            After::Pause => from + 128,
        };
        Turn { draws: self.0, turn: session(request).child(0), next }
    }
}

/// A product's draws: one after the other, request by request.
struct Sequential {
    draws: Draws,
    made: Mutex<Vec<u64>>,
}

struct Next<'a> {
    from: &'a Sequential,
    request: u32,
}

impl Entropy for Next<'_> {
    fn uniform(&mut self) -> f64 {
        let mut made = self.from.made.lock().expect("nobody panics with it");
        let n = &mut made[self.request as usize];
        *n += 1;
        self.from.draws.uniform(ROUTING, session(self.request).child(0), *n)
    }
}

impl Chance for Sequential {
    fn question(&self, request: u32, _: u64, _: After) -> impl Entropy {
        Next { from: self, request }
    }
}

/// Runs a script of a product, with a driver that may have a flaw; the log of the gateway.
pub fn run_product(script: &Script, product: &Product, flaw: Option<Flaw>) -> Vec<Line> {
    let made = Mutex::new(vec![0; script.requests.len()]);
    let chance = Sequential { draws: Draws::new(SEED), made };
    match product {
        Product::LiteLlm(config) => driven(script, litellm(script, (**config).clone()), chance, flaw),
        Product::Portkey(config) => {
            let router = portkey::Router::new(config).expect("scripts have valid trees");
            driven(script, Portkey { router, context: context(script, config) }, chance, flaw)
        }
        Product::Bifrost(config) => {
            let router = bifrost::Router::new(config.clone()).expect("scripts have valid settings");
            driven(script, Bifrost { router, virtual_key: 0 }, chance, flaw)
        }
    }
}

fn driven<P: Policy>(script: &Script, inner: P, chance: Sequential, flaw: Option<Flaw>) -> Vec<Line> {
    match flaw {
        Some(flaw) => block_on(play(script, Flawed { inner, flaw }, chance)),
        None => block_on(play(script, inner, chance)),
    }
}

fn litellm(script: &Script, mut config: litellm::Config) -> LiteLlm {
    let start = scenario(script).start_unix_s;
    config.calendar = litellm::Calendar { epoch: Span::from_secs(start as u64), local_offset_s: 0 };
    let mut router = litellm::Router::new(config).expect("scripts have valid settings");
    let model = router.model(GROUP).expect("the group is there");
    let options = router.options(&litellm::config::Options::default()).expect("nothing is asked for");
    LiteLlm { router, target: litellm::Target { model, options } }
}

fn duration(s: Span) -> Duration {
    Duration::from_nanos(s.nanos())
}

/// Runs the script with a router, or something that behaves like one; the log of the gateway.
pub fn run<P: Policy>(script: &Script, policy: P) -> Vec<Line> {
    block_on(play(script, policy, Addressed(Draws::new(SEED))))
}

fn block_on(play: impl Future<Output = Vec<Line>>) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs nothing").block_on(play)
}

async fn play<P: Policy, C: Chance>(script: &Script, policy: P, chance: C) -> Vec<Line> {
    let origin = Instant::now();
    let retry = scenario(script).topologies[0].retry;
    let own = |limit: Span| if script.product.is_some() { AGES } else { duration(limit) };
    let limits = Limits {
        connect: duration(retry.connect_timeout),
        first_token: own(retry.first_token_timeout),
        total: own(retry.total_timeout),
    };
    let endpoints = script.endpoints.iter().map(|b| Endpoint::new(b.clone(), origin)).collect();
    let gateway = Arc::new(Gateway::new(policy, chance, endpoints, limits, origin));
    let tended = Arc::clone(&gateway);
    let tender = tokio::spawn(async move { tended.tend().await });
    let mut tasks = Vec::new();
    for (number, (ms, output)) in script.requests.iter().copied().enumerate() {
        let number = number as u32;
        let gateway = Arc::clone(&gateway);
        let http = HttpRequest { prompt: 1, max_output: MAX_OUTPUT, output, streams: script.streams };
        tasks.push(tokio::spawn(async move {
            sleep_until(origin + Duration::from_millis(ms)).await;
            gateway.serve(Ask { number, http, affinity: session(number).0 }).await
        }));
    }
    for task in tasks {
        task.await.expect("the gateway does not panic");
    }
    tender.abort();
    gateway.log()
}
