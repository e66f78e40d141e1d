//! The same router in two gateways: the simulated one, and one on tokio that could stand in production
//! (`examples/gateway`). Every script of requests and failing endpoints runs under both and must give the same calls,
//! pauses, outcomes and ends, at the same times. A driver that does one thing wrong must be found.

#[allow(dead_code, reason = "the example uses more of it")]
#[path = "../examples/gateway/endpoint.rs"]
mod endpoint;
#[allow(dead_code, reason = "the example uses more of it")]
#[path = "../examples/gateway/policy.rs"]
mod policy;
#[allow(dead_code, reason = "the example uses more of it")]
#[path = "../examples/gateway/products.rs"]
mod products;
#[path = "../examples/gateway/server.rs"]
mod server;

#[path = "conformance/flawed.rs"]
mod flawed;
#[path = "conformance/product_scripts.rs"]
mod product_scripts;
#[path = "conformance/script.rs"]
mod script;
#[path = "conformance/scripts.rs"]
mod scripts;
#[path = "conformance/simulator.rs"]
mod simulator;
#[path = "conformance/tokio_gateway.rs"]
mod tokio_gateway;

use flawed::{FLAWS, Flaw, Flawed};
use geodes::routing::router::Router;
use script::Script;
use server::Line;

fn router(script: &Script) -> Router {
    let config = simulator::router_config(script);
    Router::new(config, script.endpoints.len()).expect("scripts have valid policies")
}

/// What the two logs of a script disagree about, if anything.
fn difference(script: &Script, simulated: &[Line], real: &[Line]) -> Option<String> {
    let of =
        |log: &[Line], request: u32| -> Vec<Line> { log.iter().copied().filter(|l| l.request == request).collect() };
    let near = |a: &Line, b: &Line| a.at.nanos().abs_diff(b.at.nanos()) <= script.tolerance.as_nanos() as u64;
    for request in 0..script.requests.len() as u32 {
        let (ours, theirs) = (of(simulated, request), of(real, request));
        for i in 0..ours.len().max(theirs.len()) {
            let same = match (ours.get(i), theirs.get(i)) {
                (Some(a), Some(b)) => near(a, b) && script.same(&a.what, &b.what),
                _ => false,
            };
            if !same {
                let (a, b) = (ours.get(i), theirs.get(i));
                return Some(format!("{}: request {request}, step {i}: simulated {a:?}, real {b:?}", script.name));
            }
        }
    }
    None
}

#[test]
fn the_simulated_and_the_real_gateway_do_the_same() {
    let all = scripts::all();
    let mut wrong = Vec::new();
    for script in &all {
        let simulated = simulator::run(script);
        assert!(!simulated.is_empty());
        let missing = script.missing(&simulated);
        if !missing.is_empty() {
            wrong.push(format!("{} never shows {missing:?}: it tests nothing of it", script.name));
        }
        let real = match &script.product {
            Some(product) => tokio_gateway::run_product(script, product, None),
            None => tokio_gateway::run(script, router(script)),
        };
        wrong.extend(difference(script, &simulated, &real));
    }
    assert_eq!(all.len(), 90, "docs/routing.md names the number");
    assert!(wrong.is_empty(), "{} of {} scripts:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// The suite can fail: each flawed driver differs from the simulator in at least one script.
#[test]
fn a_driver_with_a_flaw_is_found() {
    let simulated: Vec<(Script, Vec<Line>)> = scripts::all()
        .into_iter()
        .filter(|s| s.product.is_none())
        .map(|s| (simulator::run(&s), s))
        .map(|(l, s)| (s, l))
        .collect();
    for flaw in FLAWS {
        let found = simulated.iter().any(|(script, log)| {
            let driver = Flawed { inner: router(script), flaw };
            difference(script, log, &tokio_gateway::run(script, driver)).is_some()
        });
        assert!(found, "nobody notices a gateway that {flaw:?}");
    }
}

/// The same with each product's router; what a product does not look at, nobody can miss.
#[test]
fn a_driver_of_a_product_with_a_flaw_is_found() {
    let products: [(&str, &[Flaw]); 3] = [
        ("LiteLLM", &[Flaw::Unrandom, Flaw::MeasuresNothing]),
        ("Portkey", &[Flaw::Unrandom, Flaw::Impatient, Flaw::DropsRetryAfter]),
        ("Bifrost", &[Flaw::Unrandom, Flaw::Impatient]),
    ];
    for (name, flaws) in products {
        let played: Vec<(Script, Vec<Line>)> = product_scripts::all()
            .into_iter()
            .filter(|s| s.name.starts_with(name))
            .map(|s| (simulator::run(&s), s))
            .map(|(log, s)| (s, log))
            .collect();
        assert!(played.len() > 5, "{name}");
        for flaw in flaws {
            let found = played.iter().any(|(script, log)| {
                let product = script.product.as_ref().expect("it is a product's");
                difference(script, log, &tokio_gateway::run_product(script, product, Some(*flaw))).is_some()
            });
            assert!(found, "nobody notices a gateway with {name} that {flaw:?}");
        }
    }
}
