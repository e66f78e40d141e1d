//! A script in the simulator: the real world, events and all, with its gateway in place 0 and an endpoint per place.

use crate::endpoint::Behaviour;
use crate::policy::{End, Next};
use crate::script::{Product, Script};
use crate::server::{Line, What};
use geodes::random::{EntityKey, Seed};
use geodes::routing::limits::LimiterConfig;
use geodes::routing::litellm::config::Options;
use geodes::routing::outcome::ErrorClass;
use geodes::routing::portkey;
use geodes::routing::router::RouterConfig;
use geodes::scenario::model::{
    Arrivals, Ask, BifrostAsk, BifrostGateway, DistSpec, Fault, FaultWhat, FaultWhen, Gateway, LiteLlmEntry,
    LiteLlmGateway, PortkeyAsk, PortkeyGateway, Quota, QuotaUse, Scenario, Sizes, TraceRows,
};
use geodes::scenario::plain;
use geodes::units::{DeploymentIx, RegionIx, Span, Time};
use geodes::world::Run;
use geodes::world::gateway::Command;
use geodes::world::log::{Entry, Happening};
use std::sync::Arc;
use std::time::Duration;

/// The draws of both gateways.
pub const SEED: Seed = Seed { seed: 1, replication: 0 };

/// Address of a request's randomness and of its conversation: row `n` of the replayed trace.
pub fn session(n: u32) -> EntityKey {
    EntityKey::named("requests").child(u64::from(n))
}

/// The model that all requests ask for.
pub const GROUP: &str = "gpt";

/// Most tokens of an answer.
pub const MAX_OUTPUT: u32 = 1000;

fn span(d: Duration) -> Span {
    Span::from_nanos(d.as_nanos() as u64)
}

/// The script as a scenario.
pub fn scenario(script: &Script) -> Scenario {
    let n = script.endpoints.len();
    // one place more than endpoints: the gateway's own
    let mut s = plain(n + 1);
    s.seed = SEED.seed;
    s.deployments.remove(0);
    s.topologies[0].chain[0].members = (0..n).map(|d| (DeploymentIx::new(d), 1.0)).collect();
    let w = &mut s.workloads[0];
    w.streamed = script.streams;
    w.max_output_tokens = MAX_OUTPUT;
    let rows = script.requests.iter().map(|(ms, tokens)| (Span::from_millis(*ms), 1, *tokens)).collect();
    let trace = Arc::new(TraceRows { name: "script".to_owned(), rows });
    w.arrivals = Arrivals::Replay { trace: Arc::clone(&trace) };
    w.sizes = Sizes::Trace(trace);
    for (d, b) in script.endpoints.iter().enumerate() {
        s.place_links[d + 1].rtt = span(b.rtt); // from place 0
        let deployment = &mut s.deployments[d];
        deployment.ttft = DistSpec::Constant(b.first_token.as_secs_f64());
        deployment.per_output_token = DistSpec::Constant(b.per_token.as_secs_f64());
        deployment.quota = b.quota.clone().map(quota);
        s.faults.extend(faults(d, b));
    }
    (script.policy)(&mut s.topologies[0]);
    if let Some(product) = &script.product {
        s.topologies[0].gateway = gateway(product, n);
    }
    s
}

fn gateway(product: &Product, endpoints: usize) -> Gateway {
    match product {
        Product::LiteLlm(config) => {
            let entry = |d: usize| LiteLlmEntry { deployment: DeploymentIx::new(d), degraded: false };
            Gateway::LiteLlm(Box::new(LiteLlmGateway {
                config: (**config).clone(),
                entries: (0..endpoints).map(entry).collect(),
                asks: vec![Ask { workload: None, class: None, model: GROUP.to_owned(), options: Options::default() }],
            }))
        }
        Product::Portkey(config) => Gateway::Portkey(Box::new(portkey(config))),
        Product::Bifrost(config) => {
            let asks = vec![BifrostAsk { workload: None, class: None }];
            Gateway::Bifrost(Box::new(BifrostGateway { config: config.clone(), asks }))
        }
    }
}

fn portkey(config: &portkey::Config) -> PortkeyGateway {
    let router = portkey::Router::new(config).expect("scripts have valid trees");
    PortkeyGateway {
        config: config.clone(),
        names: router.names().map(str::to_owned).collect(),
        asks: vec![PortkeyAsk { workload: None, class: None, model: Some(GROUP.to_owned()), metadata: Vec::new() }],
    }
}

/// What the requests of a script bring to Portkey.
pub fn context(script: &Script, config: &portkey::Config) -> portkey::Context {
    let s = scenario(script);
    let place = s.topologies[0].regions[0].place;
    portkey(config).context((0, &s.workloads[0]), None, &s.places[place.ix()].id)
}

fn quota(limiter: LimiterConfig) -> QuotaUse {
    QuotaUse::Own(Box::new(Quota { limiter, others_vary: None, per_source_region: false }))
}

fn faults(d: usize, b: &Behaviour) -> Vec<Fault> {
    let deployments = vec![DeploymentIx::new(d)];
    let fault = |from: Duration, to: Duration, what| Fault {
        name: format!("{d} at {from:?}"),
        when: FaultWhen::At { at: span(from), lasts: span(to - from) },
        what,
    };
    let error = ErrorClass::ALL.into_iter().find(|c| c.status() == Some(b.down_status)).expect("a status of a class");
    let down = b
        .down
        .iter()
        .map(|(from, to)| fault(*from, *to, FaultWhat::ProviderDown { deployments: deployments.clone(), error }));
    let silent =
        b.silent.iter().map(|(from, to)| fault(*from, *to, FaultWhat::RegionDown { region: RegionIx::new(d + 1) }));
    let slow = b.slow.iter().map(|(from, to, slower)| {
        let what = FaultWhat::ProviderBrownOut {
            deployments: deployments.clone(),
            slower: *slower,
            error_rate: 0.0,
            error: ErrorClass::Unavailable,
        };
        fault(*from, *to, what)
    });
    down.chain(silent).chain(slow).collect()
}

/// What the gateway's router is told, as the simulator works it out.
pub fn router_config(script: &Script) -> RouterConfig {
    let s = scenario(script);
    geodes::world::router_config(&s, &s.topologies[0], RegionIx(0))
}

/// Runs the script; the log of its gateway.
pub fn run(script: &Script) -> Vec<Line> {
    let s = scenario(script);
    let mut run = Run::new(&s, 0, SEED);
    run.keep_log();
    run.advance_observed(&mut |_, _, _, _| ());
    let (record, log) = run.finish_with_log();
    assert_eq!(record.turns, script.requests.len() as u64, "{}", script.name);
    log.iter().map(line).collect()
}

/// The command of the world's gateway.
fn next(command: Command) -> Next {
    match command {
        Command::Attempt(a) => Next::Call { deployment: a.deployment, timeout: None, fallback: a.fallback },
        Command::Wait { until } => Next::Wait { until },
        Command::Await => Next::Await,
        Command::Succeed => Next::End(End::Served),
        Command::Fail { class } => Next::End(End::Failed(class)),
        Command::Refuse { .. } => Next::End(End::Shed),
    }
}

fn line(e: &Entry) -> Line {
    let request = (0..).find(|n| session(*n) == e.session).expect("the world numbers rows");
    let what = match e.what {
        Happening::Asked => What::Asked,
        Happening::Obeyed(command) => What::Obeyed(next(command)),
        Happening::Hedged { deployment } => What::Hedged { deployment },
        Happening::Ended { deployment, outcome } => What::Ended { deployment, outcome },
        Happening::GivenUp { deployment } => What::GivenUp { deployment },
    };
    Line { at: Time(e.at.nanos()), request, what }
}
