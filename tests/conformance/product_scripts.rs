//! The scripts of products: what is particular to each, and the bad half minute with its router.

use crate::endpoint::Behaviour;
use crate::script::{Product, Script, Shows};
use crate::scripts::{endpoint, every, ms, patient, per, three, troubled};
use geodes::routing::outcome::ErrorClass;
use geodes::routing::{bifrost, litellm, portkey};
use geodes::units::{DeploymentIx, Span};

/// All of them.
pub fn all() -> Vec<Script> {
    let mut list = litellm();
    list.extend(portkey());
    list.extend(bifrost());
    list
}

/// The bad half minute with LiteLLM's router, one script per strategy.
fn litellm() -> Vec<Script> {
    use litellm::config::{Config, Deployment, Fallbacks, Strategy, Target};
    let deployment = |d: usize| Deployment {
        id: format!("endpoint-{d}"),
        model_name: ["gpt", "gpt", "gpt-spare"][d].to_owned(),
        model: "openai/gpt".to_owned(),
        stream_timeout: Some(Span::from_millis(1501)),
        timeout: Some(Span::from_millis(1501)),
        input_cost_per_token: Some([2e-6, 1e-6, 3e-6][d]),
        output_cost_per_token: Some([8e-6, 4e-6, 9e-6][d]),
        ..Deployment::default()
    };
    let script = |strategy: Strategy, name: &str| {
        let config = Config {
            deployments: (0..3).map(deployment).collect(),
            strategy,
            fallbacks: Some(Fallbacks::Chains(vec![("gpt".to_owned(), vec![Target::model("gpt-spare")])])),
            cooldown_time: Span::from_millis(2503),
            ..Config::default()
        };
        Script::new(&format!("LiteLLM, {name}"), troubled(), every(241, 110))
            .policy(patient)
            .product(Product::LiteLlm(Box::new(config)))
            .within(ms(8))
            .shows(&[Shows::Fails(ErrorClass::Unavailable), Shows::Fallback])
    };
    vec![
        script(Strategy::SimpleShuffle, "simple-shuffle"),
        script(Strategy::LeastBusy, "least-busy"),
        script(Strategy::UsageV1, "usage-based-routing"),
        script(Strategy::UsageV2, "usage-based-routing-v2"),
        script(Strategy::Latency, "latency-based-routing"),
        script(Strategy::Cost, "cost-based-routing"),
    ]
}

/// Endpoints of which some are changed.
fn changed(change: impl Fn(&mut [Behaviour])) -> Vec<Behaviour> {
    let mut list = three();
    change(&mut list);
    list
}

/// Refuses everything in this second and until that one.
fn down(endpoint: &mut Behaviour, from: u64, to: u64) {
    endpoint.down = vec![(ms(from), ms(to))];
}

/// Answers that status from the beginning until that second.
fn dead(endpoint: &mut Behaviour, status: u16, until: u64) {
    down(endpoint, 0, until);
    endpoint.down_status = status;
}

fn portkey() -> Vec<Script> {
    use ErrorClass::{ConnectionFailed, RateLimited, Timeout, Unavailable};
    use Shows::{Everybody, Fails, Fallback, Final, Pause, Recovery, RetryAfter, Shed};
    use portkey::{
        CircuitConfig, Clause, Condition, Config, Mode, Query, Retry, Settings, Strategy, Target, Test, Value, What,
    };
    let target = |name: &str, what| Target { name: name.to_owned(), weight: 1.0, settings: Settings::default(), what };
    let call = |d: usize| {
        target(&format!("endpoint {d}"), What::Deployment { deployment: DeploymentIx::new(d), degraded: false })
    };
    let weighted = |d: usize, weight| Target { weight, ..call(d) };
    let strategy = |name: &str, mode, targets| target(name, What::Strategy(Strategy { mode, targets }));
    let any = || Mode::Fallback { on_status_codes: None };
    let on = |codes: &[u16]| Mode::Fallback { on_status_codes: Some(codes.to_vec()) };
    let script = |name: &str, endpoints, requests, root: Target, settings: Settings| {
        let config = Config { root: Target { settings, ..root } };
        Script::new(&format!("Portkey, {name}"), endpoints, requests).policy(patient).product(Product::Portkey(config))
    };
    let plain = Settings::default;
    let retry = |attempts, use_retry_after_header| Settings {
        retry: Some(Retry { attempts, use_retry_after_header, ..Retry::default() }),
        ..Settings::default()
    };
    let within = |limit| Settings { request_timeout: Some(Span::from_millis(limit)), ..Settings::default() };
    let circuit = || Settings {
        circuit: Some(CircuitConfig {
            failure_threshold: Some(3),
            failure_threshold_percentage: None,
            minimum_requests: 0,
            cooldown_interval: CircuitConfig::LEAST_COOLDOWN,
            failure_status_codes: None,
        }),
        ..Settings::default()
    };
    // an answer of one status goes on inside, of another outside
    let nested = || {
        let pair = strategy("pair", on(&[503]), vec![call(0), call(1)]);
        strategy("root", on(&[429, 503]), vec![pair, call(2)])
    };
    let streamed =
        |key: &str, test| Condition { query: Query(vec![Clause::Field(key.to_owned(), vec![test])]), then: 0 };
    let asked = |test| {
        let conditions = vec![streamed("params.stream", test)];
        strategy("root", Mode::Conditional { conditions, default: None }, vec![nested()])
    };
    vec![
        script(
            "load by weight",
            three(),
            every(211, 30),
            strategy("root", Mode::LoadBalance, vec![weighted(0, 3.0), weighted(1, 1.0), weighted(2, 0.5)]),
            plain(),
        )
        .shows(&[Everybody]),
        script(
            "load by weight without a fallback",
            changed(|e| down(&mut e[0], 1000, 2500)),
            every(190, 24),
            strategy("root", Mode::LoadBalance, vec![weighted(0, 3.0), weighted(1, 1.0)]),
            plain(),
        )
        .shows(&[Final(Unavailable), Recovery]),
        script(
            "a fallback in a fallback",
            changed(|e| {
                down(&mut e[0], 1000, 4000);
                e[1].quota = Some(per(2, Span::from_millis(1500)));
            }),
            every(190, 30),
            nested(),
            plain(),
        )
        .shows(&[Everybody, Fails(Unavailable), Fails(RateLimited), Fallback, Recovery]),
        script(
            "a status that is not listed",
            changed(|e| {
                down(&mut e[0], 1000, 2500);
                down(&mut e[1], 1000, 2500);
            }),
            every(190, 24),
            strategy("root", on(&[429]), vec![strategy("pair", any(), vec![call(0), call(1)]), call(2)]),
            plain(),
        )
        .shows(&[Final(Unavailable), Fallback, Recovery]),
        script(
            "retries with Retry-After",
            vec![Behaviour { quota: Some(per(3, Span::from_secs(2))), ..endpoint(0) }],
            every(333, 14),
            strategy("root", Mode::Single, vec![call(0)]),
            retry(4, true),
        )
        .shows(&[Fails(RateLimited), RetryAfter, Pause]),
        script(
            "retries with pauses of its own",
            changed(|e| down(&mut e[0], 1000, 3500)),
            every(190, 24),
            strategy("root", any(), vec![call(0), call(1)]),
            retry(1, false),
        )
        .shows(&[Fails(Unavailable), Pause, Fallback, Recovery]),
        script(
            "a circuit that opens and closes",
            changed(|e| down(&mut e[0], 2000, 4000)),
            every(601, 70),
            strategy("root", any(), vec![call(0), call(1)]),
            circuit(),
        )
        .shows(&[Fails(Unavailable), Fallback, Recovery]),
        script(
            "time-outs",
            changed(|e| e[0].slow = vec![(ms(900), ms(3000), 9.0)]),
            every(230, 20),
            strategy("root", on(&[408]), vec![call(0), call(1)]),
            within(1501),
        )
        .shows(&[Fails(Timeout), Fallback, Recovery]),
        script(
            "time-outs of whole answers",
            changed(|e| e[0].per_token = ms(61)),
            every(230, 20),
            strategy("root", on(&[408]), vec![call(0), call(1)]),
            within(1501),
        )
        .whole()
        .shows(&[Fails(Timeout), Fallback]),
        script(
            "a condition that holds",
            troubled(),
            every(241, 110),
            asked(Test::Equal(Value::Bool(true))),
            retry(1, true),
        )
        .shows(&[Fails(Unavailable), Fails(ConnectionFailed), Fails(RateLimited), RetryAfter, Fallback]),
        script("a condition that does not", three(), every(241, 5), asked(Test::Equal(Value::Bool(false))), plain())
            .shows(&[Shed]),
    ]
}

fn bifrost() -> Vec<Script> {
    use ErrorClass::{
        BadGateway, ConnectionFailed, Forbidden, PaymentRequired, RateLimited, Timeout, Unauthorized, Unavailable,
    };
    use Shows::{Everybody, Fails, Fallback, Final, Pause, Recovery};
    use bifrost::{Config, Provider, ProviderKey, VirtualKey};
    let provider = |name: &str, keys: &[usize], max_retries| {
        let key = |d: &usize| ProviderKey { deployment: DeploymentIx::new(*d), weight: 1.0, degraded: false };
        Provider {
            max_retries,
            request_timeout: Span::from_millis(1501),
            ..Provider::new(name, keys.iter().map(key).collect())
        }
    };
    let script = |name: &str, endpoints, requests, providers: Vec<Provider>, weights: &[f64]| {
        let weights = weights.iter().copied().enumerate().collect();
        let config = Config { providers, virtual_keys: vec![VirtualKey { weights, fallbacks: None }] };
        Script::new(&format!("Bifrost, {name}"), endpoints, requests)
            .policy(patient)
            .product(Product::Bifrost(config))
            .within(ms(8))
    };
    let pair = |retries| vec![provider("pair", &[0, 1], retries)];
    let and_spare = |retries| vec![provider("pair", &[0, 1], retries), provider("spare", &[2], retries)];
    vec![
        script("keys and providers by weight", three(), every(211, 30), and_spare(0), &[0.7, 0.3]).shows(&[Everybody]),
        script(
            "a 429 rotates keys",
            changed(|e| e[0].quota = Some(per(1, Span::from_secs(2)))),
            every(333, 20),
            pair(1),
            &[1.0],
        )
        .shows(&[Fails(RateLimited), Pause, Fallback]),
        script(
            "all keys at their limit, and a new round",
            changed(|e| {
                e[0].quota = Some(per(1, Span::from_secs(2)));
                e[1].quota = Some(per(1, Span::from_secs(2)));
            }),
            every(453, 14),
            pair(4),
            &[1.0],
        )
        .shows(&[Fails(RateLimited), Pause, Fallback]),
        script(
            "the same key after a 503",
            changed(|e| down(&mut e[0], 1000, 1400)),
            every(190, 24),
            vec![provider("one", &[0], 2)],
            &[1.0],
        )
        .shows(&[Fails(Unavailable), Pause, Recovery]),
        script(
            "another provider",
            changed(|e| {
                down(&mut e[0], 1000, 4000);
                e[1].silent = vec![(ms(1500), ms(3000))];
            }),
            every(190, 40),
            and_spare(1),
            &[1.0, 0.0],
        )
        .shows(&[Everybody, Fails(Unavailable), Fails(ConnectionFailed), Pause, Fallback, Recovery]),
        script(
            "a time-out is not tried again",
            changed(|e| e[0].slow = vec![(ms(900), ms(3000), 9.0)]),
            every(230, 20),
            vec![provider("one", &[0], 3), provider("spare", &[2], 3)],
            &[1.0, 0.0],
        )
        .shows(&[Fails(Timeout), Fallback, Recovery]),
        script(
            "everybody fails, and the first failure is told",
            changed(|e| {
                e[0].silent = vec![(ms(1000), ms(4000))];
                down(&mut e[2], 1000, 9000);
            }),
            every(410, 24),
            vec![provider("one", &[0], 0), provider("spare", &[2], 1)],
            &[1.0, 0.0],
        )
        .shows(&[Fails(Unavailable), Final(ConnectionFailed), Recovery]),
        script("a dead key is left at once", changed(|e| dead(&mut e[0], 401, 3000)), every(310, 20), pair(1), &[1.0])
            .shows(&[Fails(Unauthorized), Fallback, Recovery]),
        script(
            "all keys are dead, and another provider",
            changed(|e| {
                dead(&mut e[0], 403, 3000);
                dead(&mut e[1], 402, 4000);
            }),
            every(310, 20),
            and_spare(2),
            &[1.0, 0.0],
        )
        .shows(&[Everybody, Fails(Forbidden), Fails(PaymentRequired), Fallback, Recovery]),
        script(
            "all keys of the only provider are dead",
            changed(|e| {
                dead(&mut e[0], 401, 3000);
                dead(&mut e[1], 401, 2000);
            }),
            every(310, 20),
            pair(3),
            &[1.0],
        )
        .shows(&[Fails(Unauthorized), Final(BadGateway), Recovery]),
        script("everything at once", troubled(), every(241, 110), and_spare(2), &[0.8, 0.2]).shows(&[
            Fails(Unavailable),
            Fails(RateLimited),
            Pause,
            Fallback,
        ]),
    ]
}
