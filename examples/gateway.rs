//! The library's routers in a gateway on a real clock: `cargo run --example gateway` puts [`geodes::routing::router::Router`]
//! in front of three endpoints in memory for a few seconds, and then LiteLLM's router, [`geodes::routing::litellm::Router`],
//! Portkey's, [`geodes::routing::portkey::Router`], and Bifrost, [`geodes::routing::bifrost::Router`], in front of the same.
//! While requests arrive, one endpoint refuses everything, one hangs, one limits its rate. What is printed is what happened.
//!
//! Nothing of the simulator takes part: the routers stand on `geodes::routing` and `geodes::units`, and `gateway/server.rs`
//! does what they command. `tests/conformance.rs` runs the same gateway beside the simulated one and compares every step.
//!
//! `-- --small` sends fewer requests; `-- router`, `-- litellm`, `-- portkey` or `-- bifrost` runs only what is named.

#[path = "gateway/endpoint.rs"]
mod endpoint;
#[path = "gateway/policy.rs"]
mod policy;
#[path = "gateway/products.rs"]
mod products;
#[path = "gateway/server.rs"]
mod server;

use endpoint::{Behaviour, Endpoint, HttpRequest};
use geodes::routing::balance::{Choose, Member};
use geodes::routing::entropy::Entropy;
use geodes::routing::guard::{CooldownConfig, GuardConfig, OutlierConfig};
use geodes::routing::limits::{LimiterConfig, PlainConfig, WindowConfig};
use geodes::routing::litellm;
use geodes::routing::outcome::{ErrorClass, ErrorSet, Outcome};
use geodes::routing::retry::{Backoff, Delay, Hedging, Jitter};
use geodes::routing::router::{LimitsConfig, PoolConfig, Router, RouterConfig};
use geodes::units::{DeploymentIx, Span};
use policy::{End, LiteLlm, Next, Policy};
use products::{Bifrost, Portkey};
use server::{After, Ask, Chance, Gateway, Limits, Line, What};
use std::collections::hash_map::RandomState;
use std::error::Error;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Names of the endpoints, in the order of their deployments.
const NAMES: [&str; 3] = ["virginia", "ireland", "spare"];

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    let requests = if has("--small") { 25 } else { 60 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let named = ["router", "litellm", "portkey", "bifrost"].into_iter().any(has);
    let wanted = |word: &str| !named || has(word);
    if wanted("router") {
        println!("geodes' router: by turns, cool-downs, outlier ejection, second calls after 250 ms, a spare\n");
        print(&runtime.block_on(run(router()?, requests)));
    }
    if wanted("litellm") {
        println!("LiteLLM's router: least-busy, cool-downs, a fallback to the spare\n");
        print(&runtime.block_on(run(litellm()?, requests)));
    }
    if wanted("portkey") {
        println!("Portkey's gateway: two share the load, a fallback to the spare\n");
        print(&runtime.block_on(run(portkey()?, requests)));
    }
    if wanted("bifrost") {
        println!("Bifrost: a provider with two keys and two retries, then the spare\n");
        print(&runtime.block_on(run(bifrost()?, requests)));
    }
    Ok(())
}

/// Virginia refuses for a while and hangs later, Ireland limits its rate, the spare is slow and always there.
fn endpoints(origin: Instant) -> Vec<Endpoint> {
    let ms = Duration::from_millis;
    let plain = |rtt, first_token| Behaviour {
        rtt: ms(rtt),
        first_token: ms(first_token),
        per_token: ms(2),
        down: Vec::new(),
        down_status: 503,
        silent: Vec::new(),
        slow: Vec::new(),
        quota: None,
    };
    let requests = WindowConfig { limit: 12, window: Span::from_secs(1) };
    let quota =
        LimiterConfig::AnchoredWindow(PlainConfig { requests: Some(requests), tokens: None, retry_after: true });
    let virginia = Behaviour {
        down: vec![(ms(400), ms(900))],
        silent: vec![(ms(1700), ms(2100))],
        slow: vec![(ms(1200), ms(1700), 4.0)],
        ..plain(10, 60)
    };
    let ireland = Behaviour { quota: Some(quota), ..plain(80, 60) };
    [virginia, ireland, plain(30, 200)].into_iter().map(|b| Endpoint::new(b, origin)).collect()
}

fn router() -> Result<Router, Box<dyn Error>> {
    let member = |d: usize, rtt| Member {
        deployment: DeploymentIx::new(d),
        weight: 1.0,
        distance: Span::from_millis(rtt),
        key: d as u64,
        price: 0.0,
        priority: 0,
        locality: 0,
    };
    let pool = |members, degraded| PoolConfig {
        members,
        localities: Vec::new(),
        choose: Choose::RoundRobin,
        degraded,
        max_requests: None,
    };
    let config = RouterConfig {
        chain: vec![pool(vec![member(0, 10), member(1, 80)], false), pool(vec![member(2, 30)], true)],
        attempts_per_pool: 3,
        delay: Delay::Backoff(Backoff { base: Span::from_millis(50), cap: Span::from_secs(1), jitter: Jitter::Full }),
        hedging: Some(Hedging::OneMore { after: Span::from_millis(250) }),
        budget: None,
        throttle: None,
        limits: LimitsConfig::default(),
        on: ErrorSet::of(&ErrorClass::ALL),
        guards: vec![
            GuardConfig::Cooldown(CooldownConfig {
                failures: 2,
                time: Span::from_millis(200),
                rate_limited_at_once: true,
            }),
            // sweeps by itself, so it wants to be woken
            GuardConfig::Outlier(OutlierConfig {
                consecutive_5xx: Some(3),
                interval: Span::from_millis(100),
                base_ejection_time: Span::from_millis(300),
                max_ejection_percent: 50,
                ..OutlierConfig::ENVOY
            }),
        ],
        legal: Vec::new(),
    };
    Router::new(config, NAMES.len()).map_err(|e| format!("{e:?}").into())
}

fn litellm() -> Result<LiteLlm, Box<dyn Error>> {
    let deployment = |id: &str, model_name: &str| litellm::config::Deployment {
        id: id.to_owned(),
        model_name: model_name.to_owned(),
        model: "openai/gpt".to_owned(),
        ..Default::default()
    };
    let fallbacks = vec![("gpt".to_owned(), vec![litellm::config::Target::model("gpt-spare")])];
    let config = litellm::Config {
        deployments: vec![deployment(NAMES[0], "gpt"), deployment(NAMES[1], "gpt"), deployment(NAMES[2], "gpt-spare")],
        strategy: litellm::config::Strategy::LeastBusy,
        fallbacks: Some(litellm::config::Fallbacks::Chains(fallbacks)),
        cooldown_time: Span::from_millis(300),
        ..litellm::Config::default()
    };
    let mut router = litellm::Router::new(config).map_err(|e| format!("{e:?}"))?;
    let model = router.model("gpt").map_err(|e| format!("{e:?}"))?;
    let options = router.options(&litellm::config::Options::default()).map_err(|e| format!("{e:?}"))?;
    Ok(LiteLlm { router, target: litellm::Target { model, options } })
}

fn portkey() -> Result<Portkey, Box<dyn Error>> {
    use geodes::routing::portkey::{Config, Context, Mode, Router, Settings, Strategy, Target, What};
    let target = |name: &str, what| Target { name: name.to_owned(), weight: 1.0, settings: Settings::default(), what };
    let call = |d: usize| target(NAMES[d], What::Deployment { deployment: DeploymentIx::new(d), degraded: d == 2 });
    let shared = Strategy { mode: Mode::LoadBalance, targets: vec![call(0), call(1)] };
    let fallback = Mode::Fallback { on_status_codes: None };
    let targets = vec![target("shared", What::Strategy(shared)), call(2)];
    let root = target("root", What::Strategy(Strategy { mode: fallback, targets }));
    let router = Router::new(&Config { root }).map_err(|e| e.to_string())?;
    Ok(Portkey { router, context: Context::default() })
}

fn bifrost() -> Result<Bifrost, Box<dyn Error>> {
    use geodes::routing::bifrost::{Config, Provider, ProviderKey, Router, VirtualKey};
    let key = |d: usize| ProviderKey { deployment: DeploymentIx::new(d), weight: 1.0, degraded: d == 2 };
    let first = Provider {
        max_retries: 2,
        retry_backoff_initial: Span::from_millis(50),
        ..Provider::new("first", vec![key(0), key(1)])
    };
    let config = Config {
        providers: vec![first, Provider::new("spare", vec![key(2)])],
        virtual_keys: vec![VirtualKey { weights: vec![(0, 1.0)], fallbacks: Some(vec![1]) }],
    };
    Ok(Bifrost { router: Router::new(config).map_err(|e| e.to_string())?, virtual_key: 0 })
}

/// Randomness of the operating system, as a gateway in production would take it.
struct System;

impl Entropy for System {
    fn uniform(&mut self) -> f64 {
        // every state of std's hash maps begins from fresh random keys
        (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Chance for System {
    fn question(&self, _: u32, _: u64, _: After) -> impl Entropy {
        System
    }
}

async fn run<P: Policy>(policy: P, requests: u32) -> Vec<Line> {
    let origin = Instant::now();
    let limits = Limits {
        connect: Duration::from_millis(200),
        first_token: Duration::from_secs(1),
        total: Duration::from_secs(3),
    };
    let gateway = Arc::new(Gateway::new(policy, System, endpoints(origin), limits, origin));
    let tended = Arc::clone(&gateway);
    let tender = tokio::spawn(async move { tended.tend().await });
    let mut tasks = Vec::new();
    for number in 0..requests {
        let gateway = Arc::clone(&gateway);
        let at = origin + Duration::from_millis(2400) * number / requests;
        tasks.push(tokio::spawn(async move {
            sleep_until(at).await;
            let http = HttpRequest { prompt: 100, max_output: 200, output: 20 + number % 7 * 10, streams: true };
            gateway.serve(Ask { number, http, affinity: u64::from(number) }).await
        }));
    }
    for task in tasks {
        task.await.expect("a request does not panic");
    }
    tender.abort();
    gateway.log()
}

/// One line per request: when it came, where it went, what became of it.
fn print(log: &[Line]) {
    let requests = log.iter().map(|l| l.request + 1).max().unwrap_or(0);
    println!("  {:>3}  {:>8}  {:>8}  way", "no.", "at", "took");
    let (mut served, mut failed, mut calls, mut raced) = (0, 0, 0, 0);
    for request in 0..requests {
        let own: Vec<&Line> = log.iter().filter(|l| l.request == request).collect();
        let (first, last) = (own[0].at, own[own.len() - 1].at);
        let mut way = Vec::new();
        for line in &own {
            match line.what {
                What::Asked => {}
                What::Obeyed(Next::Call { deployment, .. }) => {
                    calls += 1;
                    way.push(NAMES[deployment.ix()].to_owned());
                }
                What::Hedged { deployment } => {
                    (calls, raced) = (calls + 1, raced + 1);
                    way.push(format!("| {}", NAMES[deployment.ix()]));
                }
                What::Ended { outcome: Outcome::Failed { class, retry_after }, .. } => way.push(match retry_after {
                    Some(s) => format!("({}, in {s})", class.name()),
                    None => format!("({})", class.name()),
                }),
                What::Ended { .. } | What::Obeyed(Next::Await) => {}
                What::GivenUp { deployment } => way.push(format!("[{} loses]", NAMES[deployment.ix()])),
                What::Obeyed(Next::Wait { until }) => way.push(format!("waits {}", until.since(line.at))),
                What::Obeyed(Next::End(End::Served)) => served += 1,
                What::Obeyed(Next::End(end)) => {
                    failed += 1;
                    way.push(if end == End::Shed { "is refused" } else { "FAILED" }.to_owned());
                }
            }
        }
        let ms = |s: Span| format!("{:.0} ms", s.as_millis_f64());
        println!("  {request:>3}  {:>8}  {:>8}  {}", ms(Span(first.nanos())), ms(last.since(first)), way.join(" "));
    }
    println!(
        "\n  {requests} requests: {served} served, {failed} failed; {calls} calls, {raced} of them to race a slow one\n"
    );
}
