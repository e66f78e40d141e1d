//! A station with one or more servers and one queue, first come first served, as a world on the kernel: M/M/c, M/M/c/c,
//! M/D/1 and M/G/1. It starts in its stationary distribution, so every customer is stationary and no warm-up is needed.

use super::purpose::{GAP, SERVICE, START_COUNT, START_LENGTH, START_RESIDUAL};
use crate::kernel::{Class, Context, Engine, World};
use crate::measure::Histogram;
use crate::random::{Draws, EntityKey, Seed, sample};
use crate::units::{Span, Time};
use std::collections::VecDeque;

/// All events of a station share one class: what was caused first happens first.
const ANY: Class = Class::FIRST;

/// A service time distribution with mean 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Service {
    /// Exponential.
    Exponential,
    /// Always 1.
    Constant,
    /// Log-normal with this variance of the logarithm.
    LogNormal {
        /// Variance of the logarithm; the squared coefficient of variation is `e^variance - 1`.
        variance: f64,
    },
}

impl Service {
    /// Log-normal with a second moment of 3, a squared coefficient of variation of 2: clearly more variable than
    /// exponential, and light enough in the tail for means of replications to be close to normal.
    pub fn log_normal() -> Service {
        Service::LogNormal { variance: libm::log(3.0) }
    }

    /// E\[S^2\].
    pub fn second_moment(self) -> f64 {
        match self {
            Service::Exponential => 2.0,
            Service::Constant => 1.0,
            Service::LogNormal { variance } => libm::exp(variance),
        }
    }

    /// The quantile at `u`.
    #[inline]
    pub fn at(self, u: f64) -> f64 {
        match self {
            Service::Exponential => sample::exponential(1.0, u),
            Service::Constant => 1.0,
            Service::LogNormal { variance } => sample::log_normal(-0.5 * variance, libm::sqrt(variance), u),
        }
    }

    /// What is left of a service that an outside observer finds under way: uniform in a service drawn in proportion to
    /// its length (the equilibrium distribution of renewal theory; Cox 1962). The length-biased log-normal has its
    /// logarithm's mean raised by the variance.
    pub fn residual(self, u: f64, v: f64) -> f64 {
        match self {
            Service::Exponential => sample::exponential(1.0, u),
            Service::Constant => u,
            Service::LogNormal { variance } => u * sample::log_normal(0.5 * variance, libm::sqrt(variance), v),
        }
    }

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Service::Exponential => "exponential",
            Service::Constant => "constant",
            Service::LogNormal { .. } => "log-normal",
        }
    }
}

/// A station to simulate. One mean service lasts one simulated second.
#[derive(Clone, Copy, Debug)]
pub struct StationSpec {
    /// Whose draws: different stations draw independently.
    pub name: &'static str,
    /// Servers.
    pub servers: u32,
    /// Arrivals per server and mean service.
    pub load: f64,
    /// Service times. Several servers with a queue must be exponential: only there the stationary law is simple.
    pub service: Service,
    /// Customers who find no free server leave at once (loss system) instead of waiting.
    pub loss: bool,
    /// Customers that arrive.
    pub customers: u64,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The next customer comes.
    Arrives,
    /// A customer has been served. `counted`: it came after the start.
    Departs { arrived: Time, counted: bool },
}

/// A customer in the queue.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    arrived: Time,
    service: Span,
    counted: bool,
}

/// What one replication leaves. Times in nanoseconds of a one-second mean service.
#[derive(Debug)]
pub struct StationRecord {
    /// Customers that came after the start.
    pub customers: u64,
    /// Of those, refused.
    pub lost: u64,
    /// Sum of the waits of the customers that came after the start.
    pub wait_ns: u128,
    /// Their times in the system.
    pub sojourn: Histogram,
    /// Customer-nanoseconds in the system, accumulated over time until the last departure.
    pub number_area: u128,
    /// The same by customers: each one's time in the system, those of the start included.
    pub presence_ns: u128,
    /// Server-nanoseconds busy until `observed`.
    pub busy_area: u128,
    /// Until when server use was observed: 0.9 times the mean time of the last arrival, a fixed instant.
    pub observed: Time,
    /// The last arrival.
    pub last_arrival: Time,
    /// The last departure.
    pub end: Time,
}

impl StationRecord {
    /// Mean wait in mean services.
    pub fn mean_wait(&self) -> f64 {
        self.wait_ns as f64 * 1e-9 / self.customers as f64
    }
    /// Share of customers that were refused.
    pub fn loss(&self) -> f64 {
        self.lost as f64 / self.customers as f64
    }
    /// The 99th percentile of the time in the system, in mean services.
    pub fn p99_sojourn(&self) -> f64 {
        self.sojourn.percentile(99.0).expect("customers were served") as f64 * 1e-9
    }
    /// Mean share of busy servers over the observed time.
    ///
    /// # Panics
    /// If the customers ran out before: ten standard deviations away from ten thousand customers on.
    pub fn utilisation(&self, servers: u32) -> f64 {
        assert!(self.last_arrival >= self.observed, "the arrivals ended before the observation");
        self.busy_area as f64 / (self.observed.nanos() as f64 * f64::from(servers))
    }
}

struct Station {
    spec: StationSpec,
    draws: Draws,
    key: EntityKey,
    mean_gap: f64,
    busy: u32,
    queue: VecDeque<Waiting>,
    last_change: Time,
    record: StationRecord,
}

impl World for Station {
    type Event = Event;

    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        match event {
            Event::Arrives => self.arrives(cx),
            Event::Departs { arrived, counted } => self.departs(arrived, counted, cx),
        }
    }
}

impl Station {
    /// Brings the integrals over time up to now; called before every change of the number in the system.
    #[inline]
    fn account(&mut self, now: Time) {
        let number = u128::from(self.busy) + self.queue.len() as u128;
        self.record.number_area += number * u128::from(now.since(self.last_change).nanos());
        let observed = self.record.observed;
        if self.last_change < observed {
            let until = now.min(observed);
            self.record.busy_area += u128::from(self.busy) * u128::from(until.since(self.last_change).nanos());
        }
        self.last_change = now;
    }

    fn next_arrival(&mut self, cx: &mut Context<Event>) {
        let n = self.record.customers;
        if n < self.spec.customers {
            let gap = sample::exponential(self.mean_gap, self.draws.uniform(GAP, self.key, n));
            cx.schedule_in(Span::from_secs_f64(gap), ANY, Event::Arrives);
        }
    }

    fn arrives(&mut self, cx: &mut Context<Event>) {
        let now = cx.now();
        let n = self.record.customers;
        let service = Span::from_secs_f64(self.spec.service.at(self.draws.uniform(SERVICE, self.key, n)));
        self.record.customers += 1;
        self.record.last_arrival = now;
        self.next_arrival(cx);
        if self.busy == self.spec.servers && self.spec.loss {
            self.record.lost += 1;
            return;
        }
        self.account(now);
        self.joins(Waiting { arrived: now, service, counted: true }, cx);
    }

    fn joins(&mut self, customer: Waiting, cx: &mut Context<Event>) {
        if self.busy < self.spec.servers {
            self.busy += 1;
            self.serve(customer, cx);
        } else {
            self.queue.push_back(customer);
        }
    }

    fn serve(&mut self, customer: Waiting, cx: &mut Context<Event>) {
        let Waiting { arrived, service, counted } = customer;
        if counted {
            self.record.wait_ns += u128::from(cx.now().since(arrived).nanos());
        }
        cx.schedule_in(service, ANY, Event::Departs { arrived, counted });
    }

    fn departs(&mut self, arrived: Time, counted: bool, cx: &mut Context<Event>) {
        let now = cx.now();
        self.account(now);
        let sojourn = now.since(arrived);
        self.record.presence_ns += u128::from(sojourn.nanos());
        if counted {
            self.record.sojourn.record_span(sojourn);
        }
        match self.queue.pop_front() {
            Some(next) => self.serve(next, cx),
            None => self.busy -= 1,
        }
        self.record.end = now;
    }

    /// Puts the station into its stationary distribution and schedules the first arrival.
    fn begin(&mut self, cx: &mut Context<Event>) {
        let StationSpec { servers, load, service, loss, .. } = self.spec;
        let u = self.draws.uniform(START_COUNT, self.key, 0);
        if servers == 1 && !loss {
            // The wait only depends on the unfinished work, which is a sum of independent residual services, their
            // number being geometric: P(n) = (1 - rho) rho^n (Benes 1957). One customer brings all of it.
            let n = (libm::log(u) / libm::log(load)) as u64;
            let work: f64 = (0..n).map(|i| self.residual(i)).sum();
            if n > 0 {
                self.joins(start_customer(work), cx);
            }
        } else if loss {
            // Truncated Poisson, services under way in equilibrium, whatever their distribution (Sevastyanov 1957).
            let a = load * f64::from(servers);
            let n = draw_count(u, servers, a, 0.0);
            (0..n).for_each(|i| self.joins(start_customer(self.residual(i)), cx));
        } else {
            assert!(service == Service::Exponential, "no simple stationary law for several servers");
            let a = load * f64::from(servers);
            let n = draw_count(u, servers, a, load);
            // exponential services forget their age: those under way and those to come are alike
            (0..n).for_each(|i| self.joins(start_customer(self.residual(i)), cx));
        }
        self.next_arrival(cx);
    }

    fn residual(&self, i: u64) -> f64 {
        let u = self.draws.uniform(START_RESIDUAL, self.key, i);
        let v = self.draws.uniform(START_LENGTH, self.key, i);
        self.spec.service.residual(u, v)
    }
}

fn start_customer(work: f64) -> Waiting {
    Waiting { arrived: Time::ZERO, service: Span::from_secs_f64(work), counted: false }
}

/// The number at the cumulative probability `u` of weights `a^k / k!` up to `servers`, continued geometrically with
/// `ratio` beyond (0: a loss system, nobody waits).
fn draw_count(u: f64, servers: u32, a: f64, ratio: f64) -> u64 {
    let weight = |k: u32| (1..=k).fold(1.0, |w, i| w * a / f64::from(i));
    let below: f64 = (0..servers).map(weight).sum();
    let full = weight(servers);
    let mut left = u * (below + full / (1.0 - ratio));
    for k in 0..servers {
        let w = weight(k);
        if left < w {
            return u64::from(k);
        }
        left -= w;
    }
    if ratio == 0.0 {
        return u64::from(servers);
    }
    // P(more than j beyond the servers | at least all busy) = ratio^(j + 1)
    let share = (left * (1.0 - ratio) / full).clamp(0.0, 1.0 - f64::EPSILON);
    u64::from(servers) + (libm::log(1.0 - share) / libm::log(ratio)) as u64
}

/// Simulates one replication until its last customer has left.
pub fn simulate(spec: StationSpec, seed: Seed) -> StationRecord {
    let mean_gap = 1.0 / (spec.load * f64::from(spec.servers));
    let observed = Time(Span::from_secs_f64(0.9 * mean_gap * spec.customers as f64).nanos());
    let station = Station {
        spec,
        draws: Draws::new(seed),
        key: EntityKey::named(spec.name)
            .child_named(spec.service.name())
            .child(u64::from(spec.servers))
            .child((spec.load * 1000.0) as u64),
        mean_gap,
        busy: 0,
        queue: VecDeque::new(),
        last_change: Time::ZERO,
        record: StationRecord {
            customers: 0,
            lost: 0,
            wait_ns: 0,
            sojourn: Histogram::new(),
            number_area: 0,
            presence_ns: 0,
            busy_area: 0,
            observed,
            last_arrival: Time::ZERO,
            end: Time::ZERO,
        },
    };
    let mut engine = Engine::new(station);
    engine.with(|station, cx| station.begin(cx));
    engine.run_to_end();
    engine.into_world().record
}

/// The share of customers of an M/M/c station that find all servers busy when they start in `draw_count`'s law.
#[cfg(test)]
fn start_all_busy(servers: u32, load: f64) -> f64 {
    let n = 20_000;
    let a = load * f64::from(servers);
    let busy = (0..n).filter(|i| draw_count((f64::from(*i) + 0.5) / f64::from(n), servers, a, load) >= servers.into());
    busy.count() as f64 / f64::from(n)
}

#[cfg(test)]
mod tests {
    use super::super::theory::erlang_c;
    use super::*;

    #[test]
    fn the_start_is_the_stationary_law() {
        for (servers, load) in [(1, 0.5), (4, 0.8), (100, 0.9)] {
            let exact = erlang_c(servers, load * f64::from(servers));
            assert!((start_all_busy(servers, load) - exact).abs() < 1e-4, "{servers} {load}");
        }
        // mean number beyond the servers, given that all are busy: 1 / (1 - rho) - 1
        let n = 100_000;
        let beyond: u64 =
            (0..n).map(|i| draw_count((f64::from(i) + 0.5) / f64::from(n), 4, 3.2, 0.8).saturating_sub(4)).sum();
        let exact = erlang_c(4, 3.2) * 0.8 / 0.2;
        assert!((beyond as f64 / f64::from(n) - exact).abs() < 1e-3 * exact, "{beyond}");
    }

    #[test]
    fn residuals_have_the_mean_of_the_equilibrium_distribution() {
        // E[residual] = E[S^2] / 2
        for service in [Service::Exponential, Service::Constant, Service::log_normal()] {
            let n = 400;
            let grid = |i: i32| (f64::from(i) + 0.5) / f64::from(n);
            let sum: f64 = (0..n).flat_map(|i| (0..n).map(move |j| service.residual(grid(i), grid(j)))).sum();
            let mean = sum / f64::from(n * n);
            assert!((mean - 0.5 * service.second_moment()).abs() < 0.02, "{service:?} {mean}");
        }
    }
}
