//! Why a deployment: what each family of ways to choose goes by, with its unit, of how much, of how many observations and
//! how old.

use super::{followed, scenario, topology};
use geodes::routing::balance::envoy::{EnvoyConfig, HostPolicy, LocalityPolicy};
use geodes::routing::balance::inference::scorer::Weights;
use geodes::routing::balance::inference::{InferenceConfig, Saturation};
use geodes::routing::balance::{
    Balance, Balancer, Choose, LoadReport, Locality, Member, MemberState, NetworkCostConfig, SelectivePushConfig,
    Standing, View,
};
use geodes::routing::entropy::Entropy;
use geodes::routing::litellm::config::{Deployment, Limit, Options, Strategy};
use geodes::routing::litellm::{Calendar, Command, Config, Filter, Router, Target, Why};
use geodes::routing::outcome::{ErrorClass, Observation, Outcome};
use geodes::routing::reason::{Figure, Reason};
use geodes::routing::request::Request;
use geodes::routing::retry::budget::{
    AwsQuotaConfig, Budget, BudgetConfig, ConcurrentRetriesConfig, FinagleConfig, GrpcThrottleConfig, Load, RetryBudget,
};
use geodes::routing::throttle::{SreConfig, Throttle, ThrottleConfig};
use geodes::study::explain::{Tale, Told, explain};
use geodes::units::{DeploymentIx, Span, Time};
use geodes::world::chronicle::Follow;
use geodes::world::story::What;

/// Always the same number.
struct Same(f64);

impl Entropy for Same {
    fn uniform(&mut self) -> f64 {
        self.0
    }
}

fn at(ms: u64) -> Time {
    Time(ms * 1_000_000)
}

const fn age(ms: u64) -> Option<Span> {
    Some(Span::from_millis(ms))
}

fn request(blocks: &[u64]) -> Request<'_> {
    Request { streams: false, input_tokens: 100, max_output: None, affinity: 1, blocks }
}

const A: DeploymentIx = DeploymentIx(0);
const B: DeploymentIx = DeploymentIx(1);

/// LiteLLM's router of two deployments of one model.
struct LiteLlm {
    router: Router,
    target: Target,
}

impl LiteLlm {
    fn new(strategy: Strategy, change: impl Fn(usize, &mut Deployment)) -> LiteLlm {
        LiteLlm::with(Config { strategy, ..Config::default() }, change)
    }

    fn with(config: Config, change: impl Fn(usize, &mut Deployment)) -> LiteLlm {
        let deployment = |i: usize| {
            let mut d = Deployment {
                id: format!("d{i}"),
                model_name: "main".to_owned(),
                model: "azure/gpt".to_owned(),
                ..Deployment::default()
            };
            change(i, &mut d);
            d
        };
        let deployments = (0..2).map(deployment).collect();
        // 30 s past a minute of UTC
        let calendar = Calendar { epoch: Span::from_secs(90), local_offset_s: 0 };
        let mut router = Router::new(Config { deployments, calendar, num_retries: 0, ..config }).unwrap();
        let target =
            Target { model: router.model("main").unwrap(), options: router.options(&Options::default()).unwrap() };
        LiteLlm { router, target }
    }

    /// Sends a request, which ends after so long, and says whom it went to and why.
    fn send(&mut self, ms: u64, takes_ms: u64, outcome: Outcome, u: f64) -> (Option<DeploymentIx>, Vec<Why>) {
        let mut reasons: Vec<Reason> = Vec::new();
        let (mut journey, command) =
            self.router.on_request(at(ms), self.target, &request(&[]), &mut Same(u), &mut reasons);
        let why = reasons.iter().filter_map(|r| if let Reason::LiteLlm(why) = r { Some(*why) } else { None }).collect();
        let Command::Attempt { deployment, .. } = command else { return (None, why) };
        let ok = outcome == Outcome::Ok;
        let seen = Observation {
            outcome,
            sent: at(ms),
            first_token: None,
            streamed: false,
            input_tokens: 100,
            cached_tokens: 0,
            output_tokens: if ok { 10 } else { 0 },
        };
        let end = at(ms + takes_ms);
        self.router.on_outcome(end, &mut journey, deployment, &seen, &mut Same(u), &mut Vec::new());
        (Some(deployment), why)
    }
}

const FAILED: Outcome = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: None };
const LATE: Outcome = Outcome::Failed { class: ErrorClass::Timeout, retry_after: None };

fn without_strategy(why: &[Why]) -> Vec<Why> {
    why.iter().filter(|w| !matches!(w, Why::Strategy(_) | Why::Picked { .. } | Why::Shuffled { .. })).copied().collect()
}

fn minute(local: bool, s: u64) -> Why {
    Why::Minute { local, elapsed: Span::from_secs(s) }
}

fn known(deployment: DeploymentIx, figure: Figure) -> Why {
    Why::Known { deployment, figure }
}

/// Two seconds for ten tokens; the other deployment is entered with a 0, which is no answer.
#[test]
fn litellm_latencies_say_their_list_samples_and_age() {
    const MEAN: &str = "mean latency in s per token of the answer, in s where it had none";
    let mut l = LiteLlm::new(Strategy::Latency, |_, _| ());
    let (first, _) = l.send(0, 2_000, Outcome::Ok, 0.9);
    let (first, other) = (first.unwrap(), if first == Some(A) { B } else { A });
    let (second, why) = l.send(10_000, 5_000, LATE, 0.9);
    let score = |value, samples, age| Figure { samples: Some(samples), ..Figure::new(MEAN, value).aged(age) };
    let zero = Figure::new("of them the 0 of who is new", 1.0);
    assert_eq!(second, Some(other));
    assert_eq!(
        without_strategy(&why),
        [
            minute(true, 40),
            Why::Slower { deployment: first, score: score(0.2, 1, age(8_000)) },
            Why::Candidate { deployment: other, score: score(0.0, 1, None) },
            known(other, zero),
        ]
    );
    // the time-out counts 1000 s, averaged with that 0
    let (third, why) = l.send(20_000, 1_000, Outcome::Ok, 0.9);
    assert_eq!(third, Some(first));
    assert_eq!(
        without_strategy(&why),
        [
            minute(true, 50),
            Why::Slower { deployment: other, score: score(500.0, 2, age(5_000)) },
            known(other, zero),
            known(other, Figure::new("of them time-outs, which count as 1000 s", 1.0)),
            Why::Candidate { deployment: first, score: score(0.2, 1, age(18_000)) },
        ]
    );
}

#[test]
fn litellm_usage_says_which_minute_and_of_how_much() {
    let limits = |i: usize, d: &mut Deployment| {
        if i == 0 {
            d.tpm = Limit { params: Some(250), ..Limit::default() };
            d.rpm = Limit { params: Some(9), ..Limit::default() };
        }
    };
    for (strategy, local) in [(Strategy::UsageV1, true), (Strategy::UsageV2, false)] {
        let mut l = LiteLlm::new(strategy, limits);
        let (first, _) = l.send(0, 1_000, Outcome::Ok, 0.0);
        assert_eq!(first, Some(A), "both have used nothing");
        assert_eq!(l.send(2_000, 1_000, Outcome::Ok, 0.0).0, Some(B), "110 tokens are more than none");
        // both have 110; the first may have 250: 210 fit
        assert_eq!(l.send(4_000, 1_000, Outcome::Ok, 0.0).0, Some(A));
        let (last, why) = l.send(8_000, 1_000, Outcome::Ok, 0.0);
        assert_eq!(last, Some(B));
        let mut why = without_strategy(&why);
        assert_eq!(why.remove(0), minute(local, 38));
        let at_limit = why.iter().position(|w| *w == Why::AtLimit { deployment: A }).unwrap();
        assert_eq!(
            why[at_limit + 1..at_limit + 3],
            [
                known(A, Figure::new("tokens of this minute, the prompt included", 320.0).of(250.0)),
                known(A, Figure::new("requests of this minute, this one included", 3.0).of(9.0)),
            ]
        );
        let score = why.iter().find_map(|w| match w {
            Why::Candidate { deployment: B, score } => Some(*score),
            _ => None,
        });
        assert_eq!(score.map(|s| s.value), Some(110.0));
        assert!(score.unwrap().what.starts_with("tokens of this minute"));
    }
}

#[test]
fn litellm_shuffles_by_weights_with_chances_counts_calls_and_compares_prices() {
    let mut l = LiteLlm::new(Strategy::SimpleShuffle, |i, d| d.rpm.params = Some([30, 90][i]));
    let weight = |deployment, value, chance| {
        let score = Figure::new("weight, from rpm", value);
        [Why::Candidate { deployment, score }, known(deployment, Figure::new("chance", chance))]
    };
    let why = l.send(0, 1, Outcome::Ok, 0.0).1;
    assert_eq!(without_strategy(&why), [weight(A, 30.0, 0.25), weight(B, 90.0, 0.75)].concat());

    let alike = Figure::new("chance, without weights", 0.5);
    let why = LiteLlm::new(Strategy::SimpleShuffle, |_, _| ()).send(0, 1, Outcome::Ok, 0.0).1;
    assert_eq!(without_strategy(&why), [A, B].map(|deployment| Why::Candidate { deployment, score: alike }));

    let why = LiteLlm::new(Strategy::LeastBusy, |_, _| ()).send(0, 1, Outcome::Ok, 0.0).1;
    let score = Figure::new("calls in flight", 0.0);
    assert_eq!(without_strategy(&why), [A, B].map(|deployment| Why::Candidate { deployment, score }));

    let price = |i: usize, d: &mut Deployment| d.listed_price = Some(([2e-6, 1e-6][i], 4e-6));
    let why = LiteLlm::new(Strategy::Cost, price).send(0, 1, Outcome::Ok, 0.0).1;
    let score = |deployment, value| Why::Candidate {
        deployment,
        score: Figure::new("dollars per token, in and out together", value),
    };
    assert_eq!(without_strategy(&why), [minute(true, 30), score(A, 2e-6 + 4e-6), score(B, 1e-6 + 4e-6)]);
}

#[test]
fn litellm_says_why_a_deployment_cools_down_and_how_much_of_a_budget_is_spent() {
    let mut l = LiteLlm::new(Strategy::SimpleShuffle, |i, d| d.weight = Some([1.0, 0.0][i]));
    assert_eq!(l.send(0, 500, FAILED, 0.0).0, Some(A));
    let why = l.send(2_000, 1, Outcome::Ok, 0.0).1;
    let by = Filter::CoolingDown { until: at(5_500), since: at(500), status: 429 };
    assert!(why.contains(&Why::Excluded { deployment: A, by }), "{why:?}");

    let budget = |i: usize, d: &mut Deployment| {
        d.listed_price = Some((0.001, 0.01));
        d.weight = Some([1.0, 0.0][i]);
        d.budget = (i == 0).then_some(geodes::routing::litellm::config::Budget {
            max: 0.15,
            per: geodes::routing::litellm::config::BudgetTime::Span(Span::from_hours(1)),
        });
    };
    let mut l = LiteLlm::new(Strategy::SimpleShuffle, budget);
    // 100 tokens in, 10 out
    assert_eq!(l.send(0, 500, Outcome::Ok, 0.0).0, Some(A));
    let why = l.send(2_000, 1, Outcome::Ok, 0.0).1;
    let place = why.iter().position(|w| *w == Why::Excluded { deployment: A, by: Filter::Budget }).unwrap();
    let spent = Figure::new("dollars spent of its own budget", 100.0 * 0.001 + 10.0 * 0.01).of(0.15);
    assert_eq!(why[place + 1], known(A, spent));
}

fn member(d: u16, ms: u64) -> Member {
    Member {
        deployment: DeploymentIx(d),
        weight: 1.0,
        distance: Span::from_millis(ms),
        key: u64::from(d),
        price: 1.0,
        priority: 0,
        locality: d,
    }
}

fn state(in_flight: u32, report: Option<LoadReport>) -> MemberState {
    MemberState { standing: Standing::Usable, in_flight, tried: false, report }
}

fn reported(ms: u64, waiting: u32, running: u32, percent: u16) -> Option<LoadReport> {
    Some(LoadReport { at: at(ms), waiting, running, utilisation: 100 * percent })
}

/// What a balancer says of two members at 1 s.
fn choice(b: &mut Balancer, members: &[Member], states: &[MemberState], blocks: &[u64], u: f64) -> Vec<Reason> {
    let request = request(blocks);
    let view = View { now: at(1_000), request: &request, members, states };
    let mut reasons = Vec::new();
    b.pick(&view, &mut Same(u), &mut reasons);
    reasons
}

fn of(deployment: DeploymentIx, reasons: &[Reason]) -> Vec<Figure> {
    let figure = |r: &Reason| match r {
        Reason::Scored { deployment: d, figure } if *d == deployment => Some(*figure),
        _ => None,
    };
    reasons.iter().filter_map(figure).collect()
}

#[test]
fn an_endpoint_picker_says_each_scorers_part_and_how_old_the_report_is() {
    let config = InferenceConfig {
        weights: Weights { queue: 2.0, prefix: 3.0, ..Weights::default() },
        saturation: Some(Saturation { stale_after: Span::from_secs(1), refuse: true, ..Saturation::DEFAULT }),
        ..InferenceConfig::SAMPLE
    };
    let members = [member(0, 5), member(1, 5)];
    let mut b = Balancer::new(Choose::Inference(config), &members, &[]);
    b.on_sent(Time::ZERO, 0, &request(&[1, 2, 3]));
    let states = [state(0, reported(900, 4, 1, 40)), state(0, reported(940, 2, 1, 0))];
    let why = choice(&mut b, &members, &states, &[1, 2, 3, 4], 0.0);
    assert_eq!(
        of(A, &why),
        [
            Figure::new("how full it is, out from 1 on", 0.8).aged(age(100)),
            Figure::new("sum of weighted scores", 2.25).aged(age(100)),
            Figure::new("from the queue", 0.0).of(2.0),
            Figure::new("from the prefix", 2.25).of(3.0),
            Figure::new("requests that wait there as reported", 4.0).aged(age(100)),
            Figure::new("blocks of the prompt that are probably cached", 3.0).of(4.0),
        ]
    );
    let other = of(B, &why);
    assert_eq!(other[1], Figure::new("sum of weighted scores", 2.0).aged(age(60)));
    assert_eq!(other[2], Figure::new("from the queue", 2.0).of(2.0));
    let mean = Figure::new("how full the pool is, it takes nothing from 1 on", (0.8 + 0.4) / 2.0);
    assert!(why.contains(&Reason::Known { figure: mean }), "{why:?}");
}

#[test]
fn network_cost_says_its_three_parts_and_selective_push_its_room() {
    let members = [member(0, 37), member(1, 279)];
    let config =
        NetworkCostConfig { prefill_per_token: Span::from_millis(1), per_call: Span::from_millis(20), lru_blocks: 100 };
    let mut b = Balancer::new(Choose::NetworkCost(config), &members, &[]);
    b.on_sent(Time::ZERO, 1, &request(&[1, 2, 3]));
    let why = choice(&mut b, &members, &[state(2, None), state(1, None)], &[1, 2, 3, 4], 0.0);
    let parts = |[way, prefill, calls, cached]: [f64; 4]| {
        [
            Figure::new("expected time to first token in ms", way + prefill + calls),
            Figure::new("of that, round trip in ms", way),
            Figure::new("of that, prompt that is not cached in ms", prefill),
            Figure::new("of that, calls before it in ms", calls),
            Figure::new("blocks of the prompt that are probably cached", cached).of(4.0),
        ]
    };
    assert_eq!(of(A, &why), parts([37.0, 100.0, 40.0, 0.0]));
    assert_eq!(of(B, &why), parts([279.0, 25.0, 20.0, 3.0]));

    let mut b = Balancer::new(Choose::SelectivePush(SelectivePushConfig::EXAMPLE), &members, &[]);
    b.on_sent(at(960), 0, &request(&[1]));
    let states = [state(3, reported(950, 0, 3, 75)), state(0, reported(900, 0, 0, 0))];
    let why = choice(&mut b, &members, &states, &[1, 2], 0.0);
    let way = |ms| Figure::new("round trip in ms", ms);
    let cached = |n| Figure::new("blocks of the prompt that are probably cached", n).of(2.0);
    assert_eq!(
        of(A, &why),
        [
            // three use 75 %: there is room for one more, and one is on its way
            Figure::new("room (1) or none (0)", 0.0).aged(age(50)),
            Figure::new("places free in its last report", 1.0).aged(age(50)),
            Figure::new("calls sent that the report cannot know of", 1.0),
            way(37.0),
            cached(1.0),
        ]
    );
    assert_eq!(
        of(B, &why),
        [
            Figure::new("room (1) or none (0)", 1.0).aged(age(100)),
            Figure::new("calls sent that the report cannot know of", 0.0),
            way(279.0),
            cached(0.0),
        ]
    );
}

fn localities(reasons: &[Reason], wanted: u16) -> Vec<Figure> {
    let figure = |r: &Reason| match r {
        Reason::Locality { locality, figure } if *locality == wanted => Some(*figure),
        _ => None,
    };
    reasons.iter().filter_map(figure).collect()
}

#[test]
fn envoy_says_the_health_of_levels_and_what_a_locality_is_worth() {
    let config =
        EnvoyConfig { hosts: HostPolicy::Random, localities: LocalityPolicy::Weighted, ..EnvoyConfig::DEFAULT };
    // two hosts in the first locality, one of them out, one in the second
    let members = [member(0, 5), Member { locality: 0, ..member(1, 5) }, Member { locality: 1, ..member(2, 5) }];
    let place = |weight, callers, local| Locality { weight, callers, local };
    let places = [place(3.0, 0.5, true), place(1.0, 0.5, false)];
    let out = MemberState { standing: Standing::Out, ..state(0, None) };
    let states = [state(0, None), out, state(0, None)];
    let mut b = Balancer::new(Choose::Envoy(config), &members, &places);
    let why = choice(&mut b, &members, &states, &[], 0.0);
    let level = Reason::Level {
        level: 0,
        load_percent: 100,
        panic: false,
        health_percent: 93, // 140 * 2 / 3
        available: 2,
        total: 3,
        attempted: false,
    };
    assert_eq!(why[..2], [level, Reason::LevelChosen { level: 0 }]);
    assert_eq!(
        localities(&why, 0),
        [
            Figure::new("weight", 3.0),
            Figure::new("hosts in service", 1.0).of(2.0),
            Figure::new("weight times health in percent", 3.0 * 70.0),
        ]
    );
    assert_eq!(localities(&why, 1)[2], Figure::new("weight times health in percent", 100.0));
    assert!(matches!(why[8], Reason::LocalityChosen { locality: Some(0), .. }), "{why:?}");

    // half of the callers and a third of the hosts are here: two thirds of the calls stay
    let config = EnvoyConfig {
        hosts: HostPolicy::Random,
        localities: LocalityPolicy::ZoneAware { min_cluster_size: 3 },
        ..EnvoyConfig::DEFAULT
    };
    let members = [member(0, 5), Member { locality: 1, ..member(1, 5) }, Member { locality: 1, ..member(2, 5) }];
    let mut b = Balancer::new(Choose::Envoy(config), &members, &places);
    let all = [state(0, None); 3];
    let share = "share of the callers in %";
    let hosts = "share of the hosts in service in %";
    for (u, chosen) in [(0.66, 0), (0.67, 1)] {
        let why = choice(&mut b, &members, &all, &[], u);
        let stays = Figure::new("part of this zone's calls that stays in %", 66.66);
        assert_eq!(localities(&why, 0), [Figure::new(share, 50.0), Figure::new(hosts, 33.33), stays]);
        let left = Figure::new("left over for other zones' calls in %", 16.66);
        assert_eq!(localities(&why, 1), [Figure::new(share, 50.0), Figure::new(hosts, 66.66), left]);
        let found = why.iter().any(|r| matches!(r, Reason::LocalityChosen { locality: Some(l), .. } if *l == chosen));
        assert!(found, "{u}: {why:?}");
    }
    let out = [all[0], out, out];
    let why = choice(&mut b, &members, &out, &[], 0.0);
    assert!(!why.iter().any(|r| matches!(r, Reason::LocalityChosen { locality: Some(_), .. })), "{why:?}");
}

#[test]
fn budgets_and_throttles_say_what_is_left_when_they_refuse() {
    let load = Load { active: 20, retries: 4 };
    let left = |config| Budget::new(config).left(Time::ZERO, load);
    let budgets = [
        (BudgetConfig::Aws(AwsQuotaConfig::STANDARD), 500.0, Some(500.0)),
        (BudgetConfig::Grpc(GrpcThrottleConfig::EXAMPLE), 10.0, Some(10.0)),
        (BudgetConfig::Finagle(FinagleConfig::DEFAULT), 100.0, None),
        (BudgetConfig::Concurrent(ConcurrentRetriesConfig::BUDGET), 4.0, Some(4.0)),
    ];
    for (config, value, of) in budgets {
        let figure = left(config);
        assert_eq!((figure.value, figure.of), (value, of), "{config:?}");
    }
    let mut b = Budget::new(BudgetConfig::Aws(AwsQuotaConfig::STANDARD));
    while b.withdraw(Time::ZERO, Some(ErrorClass::Unavailable), load).is_some() {}
    assert_eq!(b.left(Time::ZERO, load).value, 500.0 - 35.0 * 14.0);
    let mut t = Throttle::new(ThrottleConfig::Sre(SreConfig::BOOK));
    let overloaded = Outcome::Failed { class: ErrorClass::Unavailable, retry_after: None };
    (0..3).for_each(|_| t.on_end(Time::ZERO, overloaded));
    let figure = t.known(Time::ZERO);
    assert_eq!((figure.value, figure.samples), (0.75, Some(3)));
}

/// The lines about candidates of the first decision of the first request that has some.
fn first_decision(name: &str, step: &str) -> (Tale, Vec<Told>) {
    let s = scenario();
    let t = topology(&s, name);
    for number in 1..200 {
        let tale = explain(&s, t, 0, number).unwrap();
        let lines: Vec<Told> = tale.steps.iter().filter(|l| l.step == step && !l.scores.is_empty()).cloned().collect();
        if lines.iter().any(|l| l.scores.iter().any(|s| s.age_s.is_some() || s.of.is_some() || s.samples.is_some())) {
            return (tale, lines);
        }
    }
    panic!("{name}: no decision with figures");
}

/// In the stories themselves: figures stand on the line of their candidate, in words and as fields.
#[test]
fn stories_have_the_figures_on_the_lines_of_the_candidates() {
    let (_, lines) = first_decision("litellm-latency", "litellm");
    for line in lines.iter().filter(|l| l.scores[0].what.starts_with("mean")) {
        let score = &line.scores[0];
        assert!(line.deployment.is_some() && score.samples.is_some_and(|n| (1..=10).contains(&n)), "{line:?}");
        assert!(line.text.contains("sample") && line.text.contains(score.what), "{}", line.text);
    }
    let (_, lines) = first_decision("inference", "candidate");
    for line in &lines {
        let of = |what: &str| line.scores.iter().find(|s| s.what == what).map(|s| s.value);
        let sum = of("sum of weighted scores").expect("each candidate has a sum");
        let parts: f64 = line.scores.iter().filter(|s| s.what.starts_with("from ")).map(|s| s.value).sum();
        assert!((sum - parts).abs() < 1e-12, "{line:?}");
        let json = serde_json::to_value(line).unwrap();
        let part = json["scores"].as_array().unwrap().iter().find(|s| s["what"] == "from the prefix").unwrap();
        assert_eq!(part["of"], 3.0);
    }
    let (tale, lines) = first_decision("envoy-localities", "locality");
    assert!(lines.iter().all(|l| l.locality.is_some() && l.scores.len() == 3), "{lines:#?}");
    assert!(tale.steps.iter().any(|l| l.step == "locality_chosen" && l.locality.is_some()), "{tale:#?}");
    assert!(tale.steps.iter().any(|l| l.step == "level" && l.scores.len() == 3));
}

/// A refusal in the world names what was left; the story is the one that the budget decides.
#[test]
fn a_refused_retry_says_what_the_budget_has_left() {
    let s = scenario();
    let (_, stories) = followed(&s, topology(&s, "retry-budget"), Follow::Everybody);
    let spent = stories.iter().flat_map(|story| &story.steps).filter_map(|step| match step.what {
        What::Because(Reason::BudgetSpent { left }) => Some(left),
        _ => None,
    });
    let spent: Vec<Figure> = spent.collect();
    assert!(spent.len() > 20, "{}", spent.len());
    assert!(spent.iter().all(|f| f.value <= 5.0 && f.of == Some(10.0)), "more than half would have paid");
}
