//! Outlier detection as Envoy does it: hosts that fail more than their peers are ejected for a while.
//!
//! Source: Envoy, `api/envoy/config/cluster/v3/outlier_detection.proto` and
//! `source/common/upstream/outlier_detection_impl.cc` (read 2026): consecutive 5xx and consecutive gateway failures are
//! counted inline, and counted anew after each attempt to eject, also a refused one. Every `interval` a sweep takes hosts
//! back whose time is over; then it ejects by success rate and by failure percentage of the interval that ends, judging and
//! comparing only hosts that were not out before; then it shortens the next ejection of hosts that have been in service for
//! an interval since they were taken back. Errors of the connection and time-outs count as gateway failures, as in
//! Envoy without `split_external_local_origin_errors`. A status below 500, a 429 too, is a success here.

use super::{Guard, Probed};
use crate::routing::outcome::{ErrorClass, Observation, Outcome};
use crate::units::{Span, Time};

/// Parameters. [`OutlierConfig::ENVOY`] has Envoy's defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OutlierConfig {
    /// Errors of status 500 and above in a row that eject a host; `None`: never (Envoy's `enforcing_consecutive_5xx` 0).
    pub consecutive_5xx: Option<u32>,
    /// Errors 502, 503, 504, time-outs and failed connections in a row that eject a host.
    pub consecutive_gateway_failure: Option<u32>,
    /// Time between sweeps.
    pub interval: Span,
    /// A host stays out for this long times the number of its ejections.
    pub base_ejection_time: Span,
    /// At most for this long (or for `base_ejection_time`, if that is longer).
    pub max_ejection_time: Span,
    /// No further host is ejected when more than this share of the hosts, in percent, would be out.
    pub max_ejection_percent: u32,
    /// One host may be ejected whatever `max_ejection_percent` says.
    pub always_eject_one_host: bool,
    /// Ejection by success rate; `None`: off.
    pub success_rate: Option<SuccessRate>,
    /// Ejection by failure percentage; `None`: off, as in Envoy's defaults.
    pub failure_percentage: Option<FailurePercentage>,
}

/// Ejects hosts whose success rate lies below `mean - factor * standard deviation` of the hosts with enough requests.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SuccessRate {
    /// Fewest hosts with enough requests.
    pub minimum_hosts: u32,
    /// Fewest requests in the interval for a host to count.
    pub request_volume: u32,
    /// Standard deviations below the mean, in thousandths.
    pub stdev_factor_thousandths: u32,
}

/// Ejects hosts that fail at least `threshold` percent of an interval's requests.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FailurePercentage {
    /// In percent.
    pub threshold: u32,
    /// Fewest hosts with enough requests.
    pub minimum_hosts: u32,
    /// Fewest requests in the interval for a host to count.
    pub request_volume: u32,
}

impl OutlierConfig {
    /// Envoy's defaults: gateway failures and the failure percentage are counted but not enforced there.
    pub const ENVOY: OutlierConfig = OutlierConfig {
        consecutive_5xx: Some(5),
        consecutive_gateway_failure: None,
        interval: Span::from_secs(10),
        base_ejection_time: Span::from_secs(30),
        max_ejection_time: Span::from_secs(300),
        max_ejection_percent: 10,
        always_eject_one_host: false,
        success_rate: Some(SuccessRate { minimum_hosts: 5, request_volume: 100, stdev_factor_thousandths: 1900 }),
        failure_percentage: None,
    };

    /// Whether a cluster of so many hosts could ever eject one.
    pub const fn can_eject(&self, hosts: usize) -> bool {
        self.always_eject_one_host || 100 <= self.max_ejection_percent as usize * hosts
    }
}

/// What one gateway knows of the hosts of its cluster.
#[derive(Clone, Debug)]
pub struct Outlier {
    config: OutlierConfig,
    hosts: Vec<Host>,
    /// Hosts of the cluster: those that can be called.
    size: usize,
    next_sweep: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Host {
    consecutive_5xx: u32,
    consecutive_gateway: u32,
    /// When it was ejected.
    ejected: Option<Time>,
    /// When it was last taken back.
    taken_back: Option<Time>,
    /// Ejections that count for the next one's length.
    multiplier: u32,
    requests: u32,
    successes: u32,
}

impl Host {
    /// In service again: the counts in a row begin anew.
    fn take_back(&mut self, now: Time) {
        let Host { multiplier, requests, successes, .. } = *self;
        *self = Host { multiplier, requests, successes, taken_back: Some(now), ..Host::default() };
    }

    /// Whether it is judged by the sweep at that time: it was not out before.
    fn is_judged(&self, sweep: Time) -> bool {
        self.ejected.is_none_or(|at| at == sweep)
    }
}

impl Outlier {
    /// Everybody is in service. `deployments` is how many there are in all, `size` how many this gateway may call.
    pub fn new(config: OutlierConfig, deployments: usize, size: usize) -> Outlier {
        let hosts = vec![Host::default(); deployments];
        Outlier { config, hosts, size, next_sweep: Time::ZERO + config.interval }
    }

    fn longest(&self) -> Span {
        self.config.max_ejection_time.max(self.config.base_ejection_time)
    }

    fn ejection_time(&self, host: &Host) -> Span {
        self.config.base_ejection_time.times(u64::from(host.multiplier)).min(self.longest())
    }

    /// Ejects the host if the cluster can spare it; true when it did.
    fn eject(&mut self, now: Time, host: usize) -> bool {
        if self.hosts[host].ejected.is_some() {
            return false;
        }
        let out = self.hosts.iter().filter(|h| h.ejected.is_some()).count();
        let within = 100 * (out + 1) <= self.config.max_ejection_percent as usize * self.size;
        let spared = within || (out == 0 && self.config.always_eject_one_host);
        if !spared {
            return false;
        }
        let (base, longest) = (self.config.base_ejection_time, self.longest());
        let h = &mut self.hosts[host];
        h.ejected = Some(now);
        if base.times(u64::from(h.multiplier)) < longest + base {
            h.multiplier += 1;
        }
        true
    }

    fn sweep(&mut self, now: Time) {
        for i in 0..self.hosts.len() {
            let time = self.ejection_time(&self.hosts[i]);
            let h = &mut self.hosts[i];
            if h.ejected.is_some_and(|since| now.since(since) >= time) {
                h.take_back(now);
            }
        }
        self.judge_success_rates(now);
        self.judge_failure_percentages(now);
        for h in &mut self.hosts {
            let healthy = h.ejected.is_none() && h.taken_back.is_some_and(|at| now.since(at) >= self.config.interval);
            h.multiplier = h.multiplier.saturating_sub(u32::from(healthy));
            (h.requests, h.successes) = (0, 0);
        }
    }

    fn judge_success_rates(&mut self, now: Time) {
        let Some(rule) = self.config.success_rate else { return };
        let rate = |h: &Host| 100.0 * f64::from(h.successes) / f64::from(h.requests);
        let counts = |h: &&Host| h.is_judged(now) && h.requests >= rule.request_volume.max(1);
        let n = self.hosts.iter().filter(counts).count();
        if n == 0 || n < rule.minimum_hosts as usize {
            return;
        }
        let mean = self.hosts.iter().filter(counts).map(rate).sum::<f64>() / n as f64;
        let square = |h: &Host| (rate(h) - mean) * (rate(h) - mean);
        let variance = self.hosts.iter().filter(counts).map(square).sum::<f64>() / n as f64;
        let threshold = mean - f64::from(rule.stdev_factor_thousandths) / 1000.0 * variance.sqrt();
        for i in 0..self.hosts.len() {
            if counts(&&self.hosts[i]) && rate(&self.hosts[i]) < threshold {
                self.eject(now, i);
            }
        }
    }

    fn judge_failure_percentages(&mut self, now: Time) {
        let Some(rule) = self.config.failure_percentage else { return };
        let counts = |h: &&Host| h.is_judged(now) && h.requests >= rule.request_volume.max(1);
        if self.hosts.iter().filter(counts).count() < rule.minimum_hosts as usize {
            return;
        }
        for i in 0..self.hosts.len() {
            let h = &self.hosts[i];
            let failed = u64::from(h.requests - h.successes);
            if counts(&h) && 100 * failed >= u64::from(rule.threshold) * u64::from(h.requests) {
                self.eject(now, i);
            }
        }
    }
}

impl Guard for Outlier {
    fn advance(&mut self, now: Time) {
        while self.next_sweep <= now {
            let due = self.next_sweep;
            self.sweep(due);
            self.next_sweep = due + self.config.interval;
        }
    }

    #[inline]
    fn admits(&self, _: Time, deployment: usize) -> bool {
        self.hosts[deployment].ejected.is_none()
    }

    fn until(&self, _: Time, deployment: usize) -> Option<Time> {
        let h = &self.hosts[deployment];
        let due = h.ejected? + self.ejection_time(h);
        // taken back by the first sweep at or after that time
        let late = due.since(self.next_sweep).nanos().div_ceil(self.config.interval.nanos());
        Some(self.next_sweep + self.config.interval.times(late))
    }

    fn on_end(&mut self, now: Time, deployment: usize, seen: &Observation) -> bool {
        let h = &mut self.hosts[deployment];
        h.requests = h.requests.saturating_add(1);
        let class = match seen.outcome {
            Outcome::Failed { class, .. } if is_5xx(class) => class,
            _ => {
                h.successes = h.successes.saturating_add(1);
                (h.consecutive_5xx, h.consecutive_gateway) = (0, 0);
                return false;
            }
        };
        h.consecutive_5xx = h.consecutive_5xx.saturating_add(1);
        h.consecutive_gateway = if is_gateway_failure(class) { h.consecutive_gateway.saturating_add(1) } else { 0 };
        if h.ejected.is_some() {
            return false; // it begins anew when it is taken back
        }
        let reached = |count: &mut u32, limit: Option<u32>| {
            let due = limit.is_some_and(|l| *count >= l);
            if due {
                *count = 0; // whether or not the cluster can spare the host
            }
            due
        };
        let gateway = reached(&mut h.consecutive_gateway, self.config.consecutive_gateway_failure);
        let any = reached(&mut h.consecutive_5xx, self.config.consecutive_5xx);
        (gateway || any) && self.eject(now, deployment)
    }

    /// A passing active health check takes a host back at once (`successful_active_health_check_uneject_host`, true unless
    /// switched off).
    fn on_probe(&mut self, now: Time, deployment: usize, probed: Probed) -> bool {
        if probed == Probed::Passed && self.hosts[deployment].ejected.is_some() {
            self.hosts[deployment].take_back(now);
        }
        false
    }

    fn next_timeout(&self) -> Option<Time> {
        Some(self.next_sweep)
    }
}

fn is_gateway_failure(class: ErrorClass) -> bool {
    class == ErrorClass::ConnectionFailed || class == ErrorClass::Timeout || matches!(class.status(), Some(502..=504))
}

fn is_5xx(class: ErrorClass) -> bool {
    is_gateway_failure(class) || class.status().is_some_and(|s| s >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn end(o: &mut Outlier, at: u64, host: usize, failure: Option<ErrorClass>) -> bool {
        let now = Time(at * SECOND);
        o.advance(now);
        let failed = Observation::failed(now, ErrorClass::Unavailable, None);
        let outcome = failure.map_or(Outcome::Ok, |class| Outcome::Failed { class, retry_after: None });
        o.on_end(now, host, &Observation { outcome, ..failed })
    }

    fn admits(o: &mut Outlier, at: u64, host: usize) -> bool {
        o.advance(Time(at * SECOND));
        o.admits(Time(at * SECOND), host)
    }

    #[test]
    fn five_5xx_in_a_row_eject_and_the_sweep_after_thirty_seconds_takes_back() {
        let mut o = Outlier::new(OutlierConfig::ENVOY, 10, 10);
        for _ in 0..4 {
            assert!(!end(&mut o, 1, 0, Some(ErrorClass::InternalError)));
        }
        assert!(!end(&mut o, 1, 0, Some(ErrorClass::RateLimited)), "a 429 is no 5xx and breaks the row");
        for _ in 0..4 {
            assert!(!end(&mut o, 3, 0, Some(ErrorClass::Timeout)));
        }
        assert!(end(&mut o, 3, 0, Some(ErrorClass::Unavailable)));
        assert_eq!(o.until(Time(3 * SECOND), 0), Some(Time(40 * SECOND)), "3 s + 30 s, rounded up to a sweep");
        assert!(!admits(&mut o, 39, 0));
        assert!(admits(&mut o, 40, 0));
    }

    #[test]
    fn ejections_grow_longer_and_health_shortens_them_again() {
        let mut o = Outlier::new(OutlierConfig::ENVOY, 10, 10);
        let eject = |o: &mut Outlier, at| {
            (0..5).for_each(|_| {
                end(o, at, 0, Some(ErrorClass::BadGateway));
            })
        };
        eject(&mut o, 1);
        assert!(admits(&mut o, 40, 0));
        eject(&mut o, 41);
        assert!(!admits(&mut o, 100, 0) && admits(&mut o, 110, 0), "60 s the second time");
        assert!(admits(&mut o, 135, 0)); // two healthy sweeps take the multiplier back to 0
        eject(&mut o, 136);
        assert!(admits(&mut o, 170, 0), "30 s again");
    }

    #[test]
    fn at_most_ten_percent_of_the_hosts_go() {
        let mut o = Outlier::new(OutlierConfig::ENVOY, 10, 10);
        let fail = |o: &mut Outlier, host| (0..5).any(|_| end(o, 1, host, Some(ErrorClass::Unavailable)));
        assert!(fail(&mut o, 0));
        assert!(!fail(&mut o, 1));
        // three hosts can never spare one, unless one may always go
        assert!(!OutlierConfig::ENVOY.can_eject(3));
        let mut three = Outlier::new(OutlierConfig { always_eject_one_host: true, ..OutlierConfig::ENVOY }, 3, 3);
        assert!(fail(&mut three, 0));
        assert!(!fail(&mut three, 1));
    }

    /// The example of Envoy's own test: four hosts at 100 %, one at 50 %: mean 90, standard deviation 20, threshold 52.
    #[test]
    fn success_rate_of_envoys_example() {
        let config = OutlierConfig { consecutive_5xx: None, max_ejection_percent: 100, ..OutlierConfig::ENVOY };
        let mut o = Outlier::new(config, 5, 5);
        for request in 0..100 {
            for host in 0..5 {
                let fails = host == 4 && request % 2 == 0;
                end(&mut o, 5, host, fails.then_some(ErrorClass::InternalError));
            }
        }
        assert!(admits(&mut o, 9, 4));
        assert!(!admits(&mut o, 10, 4), "50 % is below the threshold of 52 %");
        assert!((0..4).all(|h| admits(&mut o, 10, h)));
        // one request fewer, and the host does not count
        let mut o = Outlier::new(config, 5, 5);
        (0..99).for_each(|i| {
            end(&mut o, 5, 4, (i % 2 == 0).then_some(ErrorClass::InternalError));
        });
        (0..4).for_each(|h| {
            (0..100).for_each(|_| {
                end(&mut o, 5, h, None);
            })
        });
        assert!(admits(&mut o, 10, 4));
    }

    /// A hundred requests in the interval before `at`, so many of them failed.
    fn hundred(o: &mut Outlier, at: u64, host: usize, failed: u64) {
        (0..100).for_each(|i| {
            end(o, at, host, (i < failed).then_some(ErrorClass::InternalError));
        });
    }

    /// `onIntervalTimer` shortens the next ejection only after it has judged, and only of hosts that are in service.
    #[test]
    fn outlier_detection_impl_ejections_by_rate_grow_longer() {
        let config = OutlierConfig { consecutive_5xx: None, max_ejection_percent: 100, ..OutlierConfig::ENVOY };
        let mut o = Outlier::new(config, 5, 5);
        let mut at = 0;
        for seconds in [30, 60, 90] {
            hundred(&mut o, at + 5, 4, 50);
            (0..4).for_each(|host| hundred(&mut o, at + 5, host, 0));
            at += 10;
            assert!(!admits(&mut o, at, 4));
            assert!(!admits(&mut o, at + seconds - 1, 4), "{seconds} s");
            assert!(admits(&mut o, at + seconds, 4), "{seconds} s");
            at += seconds;
        }
        // the multiplier is 3; each interval in service since then takes one off
        assert!(admits(&mut o, at + 20, 4));
        assert_eq!(o.hosts[4].multiplier, 1);
    }

    /// `processSuccessRateEjections` leaves out who is out already: mean 96, deviation 8, threshold 80.8. With the ejected
    /// host the mean would be 80 and the threshold 10.6.
    #[test]
    fn outlier_detection_impl_hosts_that_are_out_are_not_compared_with() {
        for (consecutive_5xx, out) in [(Some(5), true), (None, false)] {
            let config = OutlierConfig { consecutive_5xx, max_ejection_percent: 100, ..OutlierConfig::ENVOY };
            let mut o = Outlier::new(config, 6, 6);
            hundred(&mut o, 5, 0, 100);
            assert_eq!(admits(&mut o, 9, 0), !out, "ejected inline");
            (0..100).for_each(|i| {
                end(&mut o, 5, 1, (i % 5 == 0).then_some(ErrorClass::InternalError));
            });
            (2..6).for_each(|host| hundred(&mut o, 5, host, 0));
            assert_eq!(admits(&mut o, 10, 1), !out);
            assert!(!admits(&mut o, 10, 0) && (2..6).all(|host| admits(&mut o, 10, host)));
        }
    }

    /// `onConsecutiveErrorWorker` resets the count when it has tried, and `ejectHost` may have refused.
    #[test]
    fn outlier_detection_impl_a_refused_ejection_resets_the_count() {
        let mut o = Outlier::new(OutlierConfig::ENVOY, 10, 10);
        let mut fail = |at, host, times| (0..times).any(|_| end(&mut o, at, host, Some(ErrorClass::InternalError)));
        assert!(fail(1, 0, 5));
        assert!(!fail(2, 1, 5), "one of ten is out already");
        assert!(!fail(41, 1, 4), "the first is back, and five more in a row are needed");
        assert!(fail(41, 1, 1));
    }

    /// `onConsecutiveErrorWorker` ignores hosts that are out, `unejectHost` resets their counts.
    #[test]
    fn outlier_detection_impl_calls_in_flight_when_a_host_is_ejected() {
        let mut o = Outlier::new(OutlierConfig::ENVOY, 10, 10);
        let fail = |o: &mut Outlier, at| end(o, at, 0, Some(ErrorClass::InternalError));
        assert!((0..5).any(|_| fail(&mut o, 1)));
        assert!(!(0..12).any(|_| fail(&mut o, 2)), "it is out already");
        assert!(!admits(&mut o, 39, 0) && admits(&mut o, 40, 0), "and not for longer");
        assert!(!(0..4).any(|_| fail(&mut o, 41)), "what failed meanwhile does not count against it");
        assert!(fail(&mut o, 41));
    }

    #[test]
    fn the_failure_percentage_counts_from_85_percent_on() {
        let rule = FailurePercentage { threshold: 85, minimum_hosts: 5, request_volume: 50 };
        let config = OutlierConfig {
            consecutive_5xx: None,
            success_rate: None,
            failure_percentage: Some(rule),
            max_ejection_percent: 100,
            ..OutlierConfig::ENVOY
        };
        for (failures, out) in [(84, false), (85, true)] {
            let mut o = Outlier::new(config, 5, 5);
            for host in 0..5 {
                let bad = if host == 2 { failures } else { 0 };
                (0..100).for_each(|i| {
                    end(&mut o, 5, host, (i < bad).then_some(ErrorClass::InternalError));
                });
            }
            assert_eq!(admits(&mut o, 10, 2), !out);
        }
    }
}
