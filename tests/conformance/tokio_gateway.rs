//! A script on the tokio gateway, with tokio's clock paused: it jumps from timer to timer.

use crate::endpoint::{Endpoint, HttpRequest};
use crate::policy::Policy;
use crate::script::Script;
use crate::server::{Ask, Chance, Gateway, Limits, Line};
use crate::simulator::{MAX_OUTPUT, SEED, scenario, session};
use geodes::random::{Draws, EntityKey};
use geodes::routing::entropy::Entropy;
use geodes::units::Span;
use geodes::world::purpose::ROUTING;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

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
    fn question(&self, request: u32, calls: u32, paused: bool) -> impl Entropy {
        let next = (u64::from(calls) << 8) + if paused { 128 } else { 0 };
        Turn { draws: self.0, turn: session(request).child(0), next }
    }
}

fn duration(s: Span) -> Duration {
    Duration::from_nanos(s.nanos())
}

/// Runs the script with a router, or something that behaves like one; the log of the gateway.
pub fn run<P: Policy>(script: &Script, policy: P) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs nothing").block_on(play(script, policy))
}

async fn play<P: Policy>(script: &Script, policy: P) -> Vec<Line> {
    let origin = Instant::now();
    let retry = scenario(script).topologies[0].retry;
    let limits = Limits {
        connect: duration(retry.connect_timeout),
        first_token: duration(retry.first_token_timeout),
        total: duration(retry.total_timeout),
        hedge_after: retry.hedge_after.map(duration),
    };
    let endpoints = script.endpoints.iter().map(|b| Endpoint::new(b.clone(), origin)).collect();
    let gateway = Arc::new(Gateway::new(policy, Addressed(Draws::new(SEED)), endpoints, limits, origin));
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
