//! Laws of a single region through the real world: bounded concurrency, quotas, retries, slots. Scenarios start empty.

use super::result::{Law, LawResult};
use super::station::Service;
use super::{LawOptions, REPLICATIONS, run_world, theory};
use crate::random::normal;
use crate::routing::limits::{BucketConfig, LimiterConfig, PlainConfig};
use crate::routing::retry::{Backoff, Delay, Hedging, Jitter};
use crate::scenario::model::{Arrivals, Deployment, DistSpec, QuotaUse, Scenario, Sizes, TraceRows};
use crate::scenario::plain;
use crate::units::{DeploymentIx, PerNanos, Span};
use crate::world::Record;
use std::sync::Arc;

const LOSS: Law = Law {
    name: "provider: loss",
    source: "Erlang B for every service law, by 503s of bounded concurrency; Sevastyanov (1957)",
};
const REQUESTS: Law = Law { name: "provider: request quota", source: "served rate = min(demand, quota); conservation" };
const TOKENS: Law =
    Law { name: "provider: token quota", source: "served token rate = min(demand, quota); conservation" };
const ATTEMPTS: Law = Law {
    name: "gateway: attempts",
    source: "per request (1 - p^(n+1)) / (1 - p) at error probability p with n retries",
};
const SUCCESS: Law = Law { name: "gateway: success", source: "1 - p^(n+1) at error probability p with n retries" };
const HEDGED: Law = Law {
    name: "gateway: hedged latency",
    source: "E[min(X, h + Y)] = 1 - e^-h / 2 for exponential X, Y and hedging after h; order statistics",
};
const HEDGED_CALLS: Law = Law { name: "gateway: hedged calls", source: "per request 1 + P(X > h) = 1 + e^-h" };
const RACED: Law = Law {
    name: "gateway: raced latency",
    source: "E[min(X, h + Y, 2h + Z)] = (1 - e^-h) + (e^-h - e^-3h) / 2 + e^-3h / 3 for exponential X, Y, Z, all of which \
             race as in gRPC's hedging; order statistics",
};
const RACED_CALLS: Law =
    Law { name: "gateway: raced calls", source: "per request 1 + P(X > h) + P(min(X, h + Y) > 2h) = 1 + e^-h + e^-3h" };
const REGION_WAIT: Law =
    Law { name: "region: M/M/c sojourn", source: "E[T] = 1 + C(c, a) / (c - a), slots as servers; Erlang (1917)" };
const LITTLE: Law =
    Law { name: "region: Little's law", source: "busy slots = arrival rate x holding time; Little (1961)" };
const BUSY: Law = Law { name: "region: utilisation", source: "mean busy slots = lambda E[S]; Denning, Buzen (1978)" };

/// One second: the mean service of these scenarios.
const MEAN: Span = Span::from_secs(1);

pub(super) fn rate(per_second: f64) -> PerNanos {
    PerNanos { micro_count: (per_second * 1e6 + 0.5) as u64, nanos: 1_000_000_000 }
}

/// One region, one deployment, Poisson arrivals, no distance; one interval of the timeline, which no law looks at. The
/// name of the workload is part of the address of its draws: laws with different names do not share their chance.
pub(super) fn single(name: impl Into<String>, per_second: f64, warmup: Span, horizon: Span) -> Scenario {
    let mut s = plain(1);
    s.workloads[0].name = name.into();
    s.workloads[0].arrivals = Arrivals::Poisson { rate: rate(per_second), shape: None };
    (s.warmup, s.horizon, s.interval) = (warmup, horizon, horizon);
    s
}

/// A scenario's distribution with mean one second.
fn dist(service: Service) -> DistSpec {
    match service {
        Service::Exponential => DistSpec::Exponential { mean: 1.0 },
        Service::Constant => DistSpec::Constant(1.0),
        Service::LogNormal { variance } => {
            let p50 = libm::exp(-0.5 * variance);
            DistSpec::LogNormal { p50, p95: p50 * libm::exp(libm::sqrt(variance) * normal::quantile(0.95)) }
        }
    }
}

pub(super) fn failed_share(r: &Record) -> f64 {
    r.failed() as f64 / r.requests() as f64
}

/// A provider that serves ten requests at once is offered eight erlangs: the share of 503s is Erlang's, for exponential,
/// constant and log-normal service. Warm-up: 200 mean services, where the tail of the log-normal is 1e-6.
pub fn loss(options: LawOptions) -> Vec<LawResult> {
    [Service::Exponential, Service::Constant, Service::log_normal()]
        .map(|service| {
            let warmup = MEAN.times(200);
            let horizon = Span::from_secs(options.pick(1_000, 25_000));
            let mut s = single(service.name(), 8.0, warmup, horizon);
            s.deployments[0].ttft = dist(service);
            s.deployments[0].concurrency = Some(10);
            let shares = run_world(&s, options.seed, REPLICATIONS, failed_share);
            LOSS.of_means(format!("c = 10, a = 8, {}", service.name()), theory::erlang_b(10, 8.0), &shares)
        })
        .to_vec()
}

/// A quota of token buckets.
fn limit(requests: Option<BucketConfig>, tokens: Option<BucketConfig>) -> QuotaUse {
    QuotaUse::own(LimiterConfig::TokenBucket(PlainConfig { requests, tokens, retry_after: false }))
}

/// Token buckets on requests and on tokens let through the smaller of demand and rate.
///
/// Above the quota, what is served in a window is the refill plus the change of the level, which has mean zero once the
/// bucket has drained (warm-up: 20 times its filling time); the bucket being ever full again has probability below
/// e^-50. Below the quota everything is served, up to the same probability. A request takes its prompt and its
/// `max_tokens`; what the answer did not need is given back, so tokens that pass are tokens used.
pub fn token_bucket(options: LawOptions) -> Vec<LawResult> {
    let horizon = Span::from_secs(options.pick(2_000, 20_000));
    let seconds = horizon.as_secs_f64();
    let warmup = Span::from_secs(1_000);
    let mut results = Vec::new();
    for (demand, quota) in [(20.0, 10.0), (5.0, 10.0)] {
        let mut s = single(format!("requests {demand}"), demand, warmup, horizon);
        let bucket = BucketConfig { rate: rate(quota), capacity: 100 };
        s.deployments[0].quota = Some(limit(Some(bucket), None));
        let served = run_world(&s, options.seed, REPLICATIONS, |r| (r.requests() - r.failed()) as f64 / seconds);
        results.push(REQUESTS.of_means(format!("{demand}/s, quota {quota}/s"), demand.min(quota), &served));
    }
    for (demand, quota) in [(20.0, 2_000.0), (5.0, 2_000.0)] {
        let mut s = single(format!("tokens {demand}"), demand, warmup, horizon);
        s.workloads[0].sizes = Sizes::Fixed { input: 150, output: 50 };
        s.workloads[0].max_output_tokens = 400;
        s.deployments[0].ttft = DistSpec::Exponential { mean: 0.2 };
        let bucket = BucketConfig { rate: rate(quota), capacity: 40_000 };
        s.deployments[0].quota = Some(limit(None, Some(bucket)));
        let used = |r: &Record| (r.usage.input_tokens[0] + r.usage.output_tokens[0]) as f64 / seconds;
        let served = run_world(&s, options.seed, REPLICATIONS, used);
        let offered = demand * 200.0;
        results.push(TOKENS.of_means(format!("{offered}/s, quota {quota}/s"), offered.min(quota), &served));
    }
    results
}

/// Attempts per request and the share that succeeds when every attempt fails with probability p and the gateway tries
/// up to n times more. At p = 1 the attempts are exactly n + 1. No warm-up: attempts are independent.
pub fn retries(options: LawOptions) -> Vec<LawResult> {
    let (mut attempts, mut successes) = (Vec::new(), Vec::new());
    for (p, n) in [(0.1, 2), (0.3, 3), (0.5, 5), (1.0, 4)] {
        let horizon = Span::from_secs(options.pick(200, 6_000));
        let mut s = single(format!("errors {p}"), 20.0, Span::ZERO, horizon);
        s.deployments[0].error_rate = p;
        s.topologies[0].retry.attempts_per_pool = n + 1;
        let pause = Span::from_millis(1);
        s.topologies[0].retry.delay = Delay::Backoff(Backoff { base: pause, cap: pause, jitter: Jitter::None });
        let runs = run_world(&s, options.seed, REPLICATIONS, |r| (r.attempts, r.requests(), r.failed()));
        let parameters = format!("p = {p}, n = {n}");
        let amplification = theory::retry_amplification(p, n);
        let success = theory::retry_success(p, n);
        if p == 1.0 {
            let equal = runs.iter().all(|(a, r, f)| *a == u64::from(n + 1) * r && f == r);
            let (a, r) = runs.iter().fold((0, 0), |(a, r), run| (a + run.0, r + run.1));
            attempts.push(ATTEMPTS.of_equality(parameters, amplification, a as f64 / r as f64, equal, REPLICATIONS));
        } else {
            let per_request: Vec<f64> = runs.iter().map(|(a, r, _)| *a as f64 / *r as f64).collect();
            let served: Vec<f64> = runs.iter().map(|(_, r, f)| 1.0 - *f as f64 / *r as f64).collect();
            attempts.push(ATTEMPTS.of_means(parameters.clone(), amplification, &per_request));
            successes.push(SUCCESS.of_means(parameters, success, &served));
        }
    }
    attempts.append(&mut successes);
    attempts
}

/// The gateway sends a second call to another deployment when the first has been out for a time h, and takes the faster
/// answer: `E[min(X, h + Y)] = 1 - e^-h / 2` for exponential answers of mean 1, and a second call for a share of `e^-h`.
/// With h = 0 that is the minimum of two. No warm-up: nothing is shared between requests.
pub fn hedging(options: LawOptions) -> Vec<LawResult> {
    let (mut latency, mut calls) = (Vec::new(), Vec::new());
    for after in [0u64, 1] {
        let horizon = Span::from_secs(options.pick(500, 15_000));
        let mut s = single(format!("hedged {after}"), 10.0, Span::ZERO, horizon);
        s.deployments[0].ttft = DistSpec::Exponential { mean: 1.0 };
        s.deployments.push(Deployment { name: "spare".to_owned(), ..s.deployments[0].clone() });
        let topology = &mut s.topologies[0];
        topology.chain[0].members.push((DeploymentIx(1), 1.0));
        topology.retry.attempts_per_pool = 2;
        topology.retry.hedging = Some(Hedging::OneMore { after: Span::from_secs(after) });
        let runs = run_world(&s, options.seed, REPLICATIONS, |r| {
            let mean = r.groups[0].ttft.mean().expect("turns were served") * 1e-9;
            (mean, r.attempts as f64 / r.requests() as f64, r.attempts == 2 * r.requests())
        });
        let parameters = format!("h = {after}");
        let waited = libm::exp(-(after as f64));
        let means: Vec<f64> = runs.iter().map(|r| r.0).collect();
        let per_request: Vec<f64> = runs.iter().map(|r| r.1).collect();
        latency.push(HEDGED.of_means(parameters.clone(), 1.0 - 0.5 * waited, &means));
        calls.push(if after == 0 {
            let equal = runs.iter().all(|r| r.2);
            HEDGED_CALLS.of_equality(parameters, 2.0, per_request[0], equal, REPLICATIONS)
        } else {
            HEDGED_CALLS.of_means(parameters, 1.0 + waited, &per_request)
        });
    }
    latency.append(&mut calls);
    latency
}

/// gRPC's hedging with three attempts: another call a time h after the one before, until three are out, all of which race.
/// With h = 0 the latency is the minimum of three. No warm-up: nothing is shared between requests.
pub fn racing(options: LawOptions) -> Vec<LawResult> {
    let (mut latency, mut calls) = (Vec::new(), Vec::new());
    for delay in [0u64, 1] {
        let horizon = Span::from_secs(options.pick(500, 15_000));
        let mut s = single(format!("raced {delay}"), 10.0, Span::ZERO, horizon);
        s.deployments[0].ttft = DistSpec::Exponential { mean: 1.0 };
        for (i, name) in [(1, "second"), (2, "third")] {
            s.deployments.push(Deployment { name: name.to_owned(), ..s.deployments[0].clone() });
            s.topologies[0].chain[0].members.push((DeploymentIx(i), 1.0));
        }
        let retry = &mut s.topologies[0].retry;
        retry.attempts_per_pool = 3;
        retry.hedging = Some(Hedging::Grpc { delay: Span::from_secs(delay) });
        let runs = run_world(&s, options.seed, REPLICATIONS, |r| {
            let mean = r.groups[0].ttft.mean().expect("turns were served") * 1e-9;
            (mean, r.attempts as f64 / r.requests() as f64, r.attempts == 3 * r.requests())
        });
        let parameters = format!("h = {delay}, n = 3");
        let (one, three) = (libm::exp(-(delay as f64)), libm::exp(-3.0 * delay as f64));
        let means: Vec<f64> = runs.iter().map(|r| r.0).collect();
        let per_request: Vec<f64> = runs.iter().map(|r| r.1).collect();
        let expected = (1.0 - one) + (one - three) / 2.0 + three / 3.0;
        latency.push(RACED.of_means(parameters.clone(), expected, &means));
        calls.push(if delay == 0 {
            let equal = runs.iter().all(|r| r.2);
            RACED_CALLS.of_equality(parameters, 3.0, per_request[0], equal, REPLICATIONS)
        } else {
            RACED_CALLS.of_means(parameters, 1.0 + one + three, &per_request)
        });
    }
    latency.append(&mut calls);
    latency
}

/// A region's slots and queue: as an M/M/4 station in sojourn and in mean busy slots (from empty, warm-up 1,000 mean
/// services, 45 times the relaxation time 1 / (c (1 - sqrt(rho))^2)), and Little's law as an identity: the slot-nanoseconds that the
/// region counted over time against the sum of the turns' latencies, equal to the nanosecond when the last turn ends
/// before the horizon.
pub fn region(options: LawOptions) -> Vec<LawResult> {
    let mut results = Vec::new();
    let (servers, load) = (4u32, 0.8);
    let lambda = f64::from(servers) * load;
    let horizon = Span::from_secs(options.pick(4_000, 80_000));
    let mut s = single("region", lambda, MEAN.times(1_000), horizon);
    let region = &mut s.topologies[0].regions[0];
    (region.servers, region.slots_per_server, region.queue) = (2, 2, u32::MAX);
    region.overhead = DistSpec::Exponential { mean: 1.0 };
    let runs = run_world(&s, options.seed, REPLICATIONS, |r| {
        let sojourn = r.groups[0].e2e.mean().expect("turns were served") * 1e-9;
        (sojourn, r.regions[0].busy_slot_ns as f64 / horizon.nanos() as f64)
    });
    let (sojourns, busy): (Vec<f64>, Vec<f64>) = runs.into_iter().unzip();
    let parameters = format!("c = {servers}, load {load}");
    results.push(REGION_WAIT.of_means(parameters.clone(), 1.0 + theory::mmc_wait(servers, load), &sojourns));
    results.push(BUSY.of_means(parameters, lambda, &busy));

    // Arrivals every 300 ms until 60 s before the horizon, services of up to 3 s in ten slots: nobody is left at the end.
    let mut s = plain(1);
    s.workloads[0].name = "spaced".to_owned();
    let spaced = Span::from_millis(300);
    let last = s.horizon.saturating_sub(Span::from_secs(60)).nanos() / spaced.nanos();
    let rows = (0..last).map(|i| (spaced.times(i), 1, 1)).collect();
    s.workloads[0].arrivals = Arrivals::Replay { trace: Arc::new(TraceRows { name: "even".to_owned(), rows }) };
    s.topologies[0].regions[0].slots_per_server = 10;
    s.deployments[0].ttft = DistSpec::Uniform { min: 0.1, max: 3.0 };
    let runs = run_world(&s, options.seed, REPLICATIONS, |r| (r.regions[0].busy_slot_ns, r.groups[0].e2e.sum()));
    let equal = runs.iter().all(|(busy, held)| busy == held);
    let time = s.horizon.nanos() as f64 * runs.len() as f64;
    let (busy, held) = runs.iter().fold((0, 0), |(b, h), run| (b + run.0, h + run.1));
    let (from_turns, over_time) = (held as f64 / time, busy as f64 / time);
    results.push(LITTLE.of_equality("every 0.3 s, 0.1 to 3 s", from_turns, over_time, equal, REPLICATIONS));
    results
}
