//! Laws of queues on the kernel.

use super::choices::{ChoicesSpec, extrapolated_tails};
use super::result::{Law, LawResult};
use super::sharing::{SharingSpec, mean_sojourn};
use super::station::{Service, StationSpec, simulate};
use super::{LawOptions, REPLICATIONS, replicate, theory};
use crate::measure::Histogram;
use crate::units::Span;

const MMC_WAIT: Law =
    Law { name: "M/M/c mean wait", source: "Wq = C(c, a) / (c - a), C after Erlang (1917); Kleinrock (1975)" };
const MMC_P99: Law = Law {
    name: "M/M/c p99 of sojourn",
    source: "P(T > t) = (1 - C) e^-t + C (h e^-t - e^-ht) / (h - 1), h = c - a; Gross, Harris (1974)",
};
const MG1_WAIT: Law =
    Law { name: "M/G/1 mean wait", source: "Wq = rho E[S^2] / (2 (1 - rho)); Pollaczek (1930), Khinchine (1932)" };
const LOSS: Law = Law { name: "M/M/c/c loss", source: "B(c) = a B(c-1) / (c + a B(c-1)); Erlang (1917)" };
const SHARING: Law = Law {
    name: "M/G/1 processor sharing",
    source: "T = 1 / (1 - rho) for every service law; Kleinrock (1967), Sakata et al. (1971)",
};
const LITTLE: Law = Law { name: "Little's law", source: "L = lambda W on every sample path; Little (1961)" };
const UTILISATION: Law =
    Law { name: "utilisation law", source: "busy share of servers = lambda E[S] / c; Denning, Buzen (1978)" };
const TWO_CHOICES: Law = Law {
    name: "power of two choices",
    source: "share of queues >= k: rho^(2^k - 1), from n = 500 and 1000 to the limit; Mitzenmacher (2001)",
};

/// Customers per replication that keep the relative error of a mean wait about equal at all loads: the relaxation time
/// of a queue grows with `1 / (1 - rho)^2`.
fn customers(options: LawOptions, load: f64) -> u64 {
    let longer = (0.5 / (1.0 - load)) * (0.5 / (1.0 - load));
    (options.pick(3_000.0, 60_000.0) * longer) as u64
}

/// M/M/c for c = 1, 4, 100 at loads 0.5, 0.8, 0.9: the mean wait and the 99th percentile of the time in the system.
///
/// The station starts in its stationary distribution, so the mean over the first n customers is unbiased. The percentile
/// is taken per replication; its histogram is off by at most [`Histogram::RELATIVE_ERROR`], the tolerance.
pub fn multi_server(options: LawOptions) -> Vec<LawResult> {
    let (mut waits, mut percentiles) = (Vec::new(), Vec::new());
    for servers in [1, 4, 100] {
        for load in [0.5, 0.8, 0.9] {
            // an idle server nearly always is there at c = 100 and load 0.5 (C = 3e-9): nobody would wait
            let nobody_waits = servers == 100 && load < 0.8;
            let spec = StationSpec {
                name: "mmc",
                servers,
                load,
                service: Service::Exponential,
                loss: false,
                customers: customers(options, load),
            };
            let runs = replicate(options.seed, REPLICATIONS, |seed| {
                let r = simulate(spec, seed);
                (r.mean_wait(), r.p99_sojourn())
            });
            let (wait, p99): (Vec<f64>, Vec<f64>) = runs.into_iter().unzip();
            let parameters = format!("c = {servers}, load {load}");
            if !nobody_waits {
                waits.push(MMC_WAIT.of_means(parameters.clone(), theory::mmc_wait(servers, load), &wait));
            }
            let exact = theory::mmc_sojourn_quantile(servers, load, 0.99);
            let bucket = exact * Histogram::RELATIVE_ERROR;
            percentiles.push(MMC_P99.of_means_within(parameters, exact, &p99, bucket));
        }
    }
    waits.append(&mut percentiles);
    waits
}

/// M/D/1 and M/G/1 with log-normal service at loads 0.5, 0.8, 0.9, from the stationary law of the unfinished work.
pub fn general_service(options: LawOptions) -> Vec<LawResult> {
    let mut results = Vec::new();
    for service in [Service::Constant, Service::log_normal()] {
        for load in [0.5, 0.8, 0.9] {
            let spec = StationSpec {
                name: "mg1",
                servers: 1,
                load,
                service,
                loss: false,
                customers: customers(options, load),
            };
            let waits = replicate(options.seed, REPLICATIONS, |seed| simulate(spec, seed).mean_wait());
            let exact = theory::mg1_wait(load, service.second_moment());
            results.push(MG1_WAIT.of_means(format!("{}, load {load}", service.name()), exact, &waits));
        }
    }
    results
}

/// M/M/c/c for c = 1, 4, 100, from the stationary law of the number of busy servers.
pub fn loss(options: LawOptions) -> Vec<LawResult> {
    [(1, 0.8), (4, 0.8), (100, 0.9)]
        .map(|(servers, load)| {
            let customers = options.pick(20_000, 600_000);
            let spec =
                StationSpec { name: "mmcc", servers, load, service: Service::Exponential, loss: true, customers };
            let shares = replicate(options.seed, REPLICATIONS, |seed| simulate(spec, seed).loss());
            let offered = load * f64::from(servers);
            LOSS.of_means(format!("c = {servers}, a = {offered:.1}"), theory::erlang_b(servers, offered), &shares)
        })
        .to_vec()
}

/// The mean time in a shared server, for exponential and log-normal service: the same. From the stationary law.
pub fn processor_sharing(options: LawOptions) -> Vec<LawResult> {
    let mut results = Vec::new();
    for service in [Service::Exponential, Service::log_normal()] {
        for load in [0.5, 0.8] {
            let spec = SharingSpec { name: "sharing", load, service, customers: customers(options, load) };
            let means = replicate(options.seed, REPLICATIONS, |seed| mean_sojourn(spec, seed));
            let parameters = format!("{}, load {load}", service.name());
            results.push(SHARING.of_means(parameters, theory::sharing_sojourn(load), &means));
        }
    }
    results
}

/// Little's law as an identity: the integral of the number in the system over time against the sum of the customers'
/// times in it, equal to the nanosecond when everybody has left. And the utilisation law: the observed share of busy
/// servers up to a fixed instant, from the stationary start.
pub fn conservation(options: LawOptions) -> Vec<LawResult> {
    let mut results = Vec::new();
    for (servers, load) in [(1, 0.8), (4, 0.9)] {
        let spec = StationSpec {
            name: "little",
            servers,
            load,
            service: Service::Exponential,
            loss: false,
            customers: customers(options, load),
        };
        let runs = replicate(options.seed, REPLICATIONS, |seed| simulate(spec, seed));
        let equal = runs.iter().all(|r| r.number_area == r.presence_ns);
        let time: u128 = runs.iter().map(|r| u128::from(r.end.nanos())).sum();
        let (area, presence) = runs.iter().fold((0, 0), |(a, p), r| (a + r.number_area, p + r.presence_ns));
        let parameters = format!("c = {servers}, load {load}");
        let (from_customers, over_time) = (presence as f64 / time as f64, area as f64 / time as f64);
        results.push(LITTLE.of_equality(parameters.clone(), from_customers, over_time, equal, REPLICATIONS));
        let busy: Vec<f64> = runs.iter().map(|r| r.utilisation(servers)).collect();
        results.push(UTILISATION.of_means(parameters, load, &busy));
    }
    results.sort_by_key(|r| r.law); // the rows of one law together; stable
    results
}

/// Share of queues with at least k customers when each joins the shorter of two, load 0.9. The queues start in the limit
/// law and warm up for 50 mean services.
///
/// The law is the limit of infinitely many queues. With n of them the share is larger by about 0.2/n, 1.4/n, 7/n and 37/n
/// of itself for k = 2 to 5 (measured at n = 50 to 800), so it is extrapolated from n = 500 and 1,000 (see
/// [`extrapolated_tails`]); what that leaves is O(1/n^2), and 0.1 % of the value is the tolerance for it. The share for
/// k = 1 is the utilisation, exact for every n.
pub fn two_choices(options: LawOptions) -> Vec<LawResult> {
    let load = 0.9;
    let spec = ChoicesSpec {
        queues: 500,
        load,
        warmup: Span::from_secs(50),
        observed: Span::from_secs(options.pick(150, 2_000)),
    };
    let runs = replicate(options.seed, REPLICATIONS, |seed| extrapolated_tails(spec, seed));
    (1..=5u32)
        .map(|k| {
            let shares: Vec<f64> = runs.iter().map(|r| r[k as usize - 1]).collect();
            let exact = theory::two_choices_tail(load, k);
            let remainder = if k == 1 { 0.0 } else { 0.001 * exact };
            TWO_CHOICES.of_means_within(format!("k = {k}, load {load}"), exact, &shares, remainder)
        })
        .collect()
}
