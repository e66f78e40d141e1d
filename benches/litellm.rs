//! What a decision of the LiteLLM router costs, by strategy and number of deployments.
//!
//! `cargo bench --bench litellm`; the table at the end has medians of interleaved rounds. A *pick* is a request that
//! arrives and is given up at once; a *request* is answered and counted too. Targets with reasons off: a pick in 100 ns
//! among 3 deployments and 1 µs among 30.

mod contest;

use contest::{Contestant, compete};
use criterion::Criterion;
use geodes::random::Stream;
use geodes::routing::entropy::Entropy;
use geodes::routing::litellm::config::{Config, Deployment, Limit, Options, Strategy};
use geodes::routing::litellm::{Command, Router, Target};
use geodes::routing::outcome::{Observation, Outcome};
use geodes::routing::reason::Silent;
use geodes::routing::request::Request;
use geodes::units::{Span, Time};
use std::hint::black_box;

struct Random(Stream);

impl Entropy for Random {
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

const REQUEST: Request<'static> =
    Request { streams: false, input_tokens: 1_000, max_output: None, affinity: 0, blocks: &[] };

struct Gateway {
    router: Router,
    target: Target,
    entropy: Random,
    now: Time,
    i: u64,
}

impl Gateway {
    fn new(strategy: Strategy, n: usize, checks: bool) -> Gateway {
        let deployments = (0..n).map(|i| Deployment {
            id: format!("d{i}"),
            model_name: "m".to_owned(),
            model: format!("openai/m{i}"),
            weight: Some(1.0 + i as f64),
            // 10 ms pass between requests: no limit is ever reached
            rpm: Limit { params: checks.then_some(1_000_000), ..Limit::default() },
            max_input_tokens: checks.then_some(8_192),
            tags: if checks { vec!["default".to_owned()] } else { Vec::new() },
            ..Deployment::default()
        });
        let config = Config {
            deployments: deployments.collect(),
            strategy,
            pre_call_checks: checks,
            tag_filtering: checks,
            ..Config::default()
        };
        let mut router = Router::new(config).expect("it is valid");
        let model = router.model("m").expect("few names");
        let options = router.options(&Options::default()).expect("few options");
        let mut g = Gateway {
            router,
            target: Target { model, options },
            entropy: Random(Stream::new(1)),
            now: Time::ZERO,
            i: 0,
        };
        // every deployment has been used, cool-downs and lists have their usual sizes
        g.requests(100 * n as u64);
        g
    }

    fn requests(&mut self, ops: u64) {
        for _ in 0..ops {
            self.i += 1;
            self.now += Span::from_millis(10);
            let (mut journey, command) =
                self.router.on_request(self.now, self.target, &REQUEST, &mut self.entropy, &mut Silent);
            let Command::Attempt { deployment, .. } = command else { panic!("nothing has failed: {command:?}") };
            let seen = Observation {
                outcome: Outcome::Ok,
                sent: self.now,
                first_token: None,
                streamed: false,
                input_tokens: 1_000,
                cached_tokens: 0,
                output_tokens: 100 + (self.i % 7) as u32,
            };
            let done = self.now + Span::from_millis(5);
            let end = self.router.on_outcome(done, &mut journey, deployment, &seen, &mut self.entropy, &mut Silent);
            black_box(end);
        }
    }

    fn picks(&mut self, ops: u64) {
        for _ in 0..ops {
            self.now += Span::from_millis(10);
            let (mut journey, command) =
                self.router.on_request(self.now, self.target, &REQUEST, &mut self.entropy, &mut Silent);
            assert!(matches!(command, Command::Attempt { .. }), "no limit is reached: {command:?}");
            black_box(&command);
            self.router.on_abandoned(self.now, &mut journey);
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let strategies = [
        ("simple-shuffle", Strategy::SimpleShuffle),
        ("least-busy", Strategy::LeastBusy),
        ("usage-based-routing", Strategy::UsageV1),
        ("usage-based-routing-v2", Strategy::UsageV2),
        ("latency-based-routing", Strategy::Latency),
        ("cost-based-routing", Strategy::Cost),
    ];
    let mut table = Vec::new();
    for (name, strategy) in strategies {
        for checks in [false, true] {
            let name = if checks { format!("{name} + checks") } else { name.to_owned() };
            let mut group = criterion.benchmark_group(name.clone());
            let mut contestants = Vec::new();
            for n in [3, 30, 300] {
                let mut g = Gateway::new(strategy, n, checks);
                contestants.push(Contestant::new(format!("pick of {n}"), move |ops| g.picks(ops)));
                let mut g = Gateway::new(strategy, n, checks);
                contestants.push(Contestant::new(format!("request of {n}"), move |ops| g.requests(ops)));
            }
            compete(&mut group, &mut contestants, 9, 20_000);
            group.finish();
            table.push((name, contestants.iter().map(Contestant::median).collect::<Vec<_>>()));
        }
    }
    let row = |cells: &[String]| cells.iter().map(|c| format!("{c:>12}")).collect::<String>();
    let head = ["pick 3", "request 3", "pick 30", "request 30", "pick 300", "request 300"].map(str::to_owned);
    println!("\n{:<34}{}   (ns)", "", row(&head));
    for (name, medians) in table {
        println!("{name:<34}{}", row(&medians.iter().map(|m| format!("{m:.0}")).collect::<Vec<_>>()));
    }
}
