//! Cool-downs: when a failing deployment is taken out, and for how long.
//!
//! Source: LiteLLM 1.106.2, `router_utils/cooldown_handlers.py`, `cooldown_cache.py`, `router.py:
//! deployment_callback_on_failure`, `router_callbacks/track_deployment_metrics.py`, `constants.py`.
//!
//! **Duration**: the deployment's `cooldown_time`, else the Retry-After header (whole seconds), else the router's
//! `cooldown_time`. Exactly zero: none.
//!
//! **Gate**: none if cool-downs are off, for wildcard routes, for a 408 by the caller's own time-out, for connection errors,
//! and for 4xx other than 401, 402, 404, 408 and 429, unless the deployment's own policy names the error's class.
//!
//! **Decision**, the first that applies:
//! 1. a 402 in a group of one without a policy for it: no;
//! 2. the deployment has `allowed_fails` or `allowed_fails_policy`: a counter of its own per class (or one for all), which
//!    lives for the deployment's cool-down time; yes when it exceeds the limit. Plain `allowed_fails` never takes out a
//!    deployment that is alone;
//! 3. the router has neither policy nor an `allowed_fails` other than the library's: with failures f (this one included)
//!    and successes s, each in a window of 60 s anchored at its own first event: a 429 if the group has more than one; all
//!    failed and s + f ≥ 1000; f/(s + f) > 0.5 and s + f ≥ 5 and not alone; a status that no retry changes (also alone);
//! 4. otherwise a counter that lives for the router's `cooldown_time`; yes when it exceeds the policy's entry for the class,
//!    or `allowed_fails`.
//!
//! **Storage**: an entry with a time to live of the duration at its first write. A deployment that is cooling down and
//! fails again (calls in flight) gets a new time stamp and duration while the time to live runs on.

use super::cache::Window;
use super::config::{Config, Deployment};
use super::dep::Dep;
use super::failure::{Exception, Failure};
use crate::units::{Span, Time};

/// `DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS`.
const MINIMUM_REQUESTS: u64 = 5;
/// `SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD`.
const ALL_FAILED_REQUESTS: u64 = 1000;
/// Window of the counters of successes and failures.
const COUNTER_TTL: Span = Span::from_secs(60);
/// `_MAX_CORRECTED_IN_MEMORY_TTL_SECONDS`.
const MAX_CORRECTED: Span = Span::from_secs(60);
/// How much later than its cool-down an entry may run out before it is corrected.
const CORRECTION_SLACK: Span = Span::from_secs(5);

/// An entry of the cache of cool-downs.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    since: Time,
    time: Span,
    /// Of the failure; only for whoever asks why.
    status: u16,
}

/// What is known of one deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    successes: Window<u64>,
    fails: Window<u64>,
    /// `allowed_fails` of the router.
    allowed: Window<u64>,
    /// `allowed_fails` of the deployment: by class, the last one for all classes. Empty without.
    allowed_own: Vec<Window<u64>>,
    entry: Option<Entry>,
    expiry: Time,
}

/// A failure as the rules see it.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub config: &'a Config,
    pub deployment: &'a Deployment,
    pub dep: &'a Dep,
    pub failure: &'a Failure,
    /// The model that was asked for is a routing group with other deployments.
    pub group_has_alternatives: bool,
}

impl Health {
    /// An answer came.
    pub fn succeeded(&mut self, now: Time) {
        self.successes.add(now, 1, COUNTER_TTL);
    }

    /// A call failed.
    pub fn failed(&mut self, now: Time) {
        self.fails.add(now, 1, COUNTER_TTL);
    }

    /// Whether there is anything to look at: it cools down, or has done so since somebody last looked.
    #[inline]
    pub fn has_cooled(&self) -> bool {
        self.entry.is_some()
    }

    /// Until when it cools down, if it does. What has run out is dropped, what would run too long is corrected, as LiteLLM
    /// does whenever it looks.
    #[inline]
    pub fn cooling(&mut self, now: Time) -> Option<Time> {
        self.entry.is_some().then(|| self.look(now)).flatten()
    }

    /// Since when it cools down, if it does, and the status of the failure that it is for.
    pub fn cooled_by(&self) -> Option<(Time, u16)> {
        self.entry.map(|e| (e.since, e.status))
    }

    /// Whether it cools down, without dropping or correcting anything.
    pub fn is_cooling(&self, now: Time) -> bool {
        self.entry.is_some_and(|e| now <= self.expiry && e.since.saturating_add(e.time) > now)
    }

    fn look(&mut self, now: Time) -> Option<Time> {
        let entry = self.entry.filter(|_| now <= self.expiry);
        let until = entry.map(|e| e.since.saturating_add(e.time)).filter(|until| *until > now);
        let Some(until) = until else {
            self.entry = None;
            return None;
        };
        let left = until.since(now);
        if self.expiry > now + left + CORRECTION_SLACK {
            self.expiry = now + left.min(MAX_CORRECTED);
        }
        Some(until.min(self.expiry))
    }

    /// Takes it out.
    fn cool(&mut self, now: Time, time: Span, status: u16) {
        if self.entry.is_none() || now >= self.expiry {
            self.expiry = now.saturating_add(time);
        }
        self.entry = Some(Entry { since: now, time, status });
    }

    /// Whether this failure takes it out for `time`; then it is out. Counts what the rules count.
    pub fn consider(&mut self, now: Time, ask: Ask<'_>, time: Span) -> bool {
        let yes = self.gate(&ask, time) && self.decide(now, &ask);
        if yes {
            self.cool(now, time, ask.failure.status().unwrap_or(500));
        }
        yes
    }

    fn gate(&self, ask: &Ask<'_>, time: Span) -> bool {
        // durations below a nanosecond's resolution of LiteLLM's comparison count as zero
        if time.nanos() <= 1 || ask.config.disable_cooldowns || ask.dep.wildcard {
            return false;
        }
        let own_policy = || ask.deployment.allowed_fails_policy.is_some_and(|p| p.allowed_fails(ask.failure).is_some());
        let required = ask.failure.exception() != Exception::ApiConnection
            && ask
                .failure
                .status()
                .is_some_and(|s| !(400..500).contains(&s) || matches!(s, 401 | 402 | 404 | 408 | 429));
        required || own_policy()
    }

    fn decide(&mut self, now: Time, ask: &Ask<'_>) -> bool {
        let (config, d, failure) = (ask.config, ask.deployment, ask.failure);
        let alone = ask.dep.alone && !ask.group_has_alternatives;
        let status = failure.status().unwrap_or(500);
        let of_router = config.allowed_fails_policy.and_then(|p| p.allowed_fails(failure));
        let of_own = d.allowed_fails_policy.and_then(|p| p.allowed_fails(failure));
        if alone && status == 402 && of_own.is_none() && of_router.is_none() {
            return false;
        }
        if d.allowed_fails_policy.is_some() || d.allowed_fails.is_some() {
            if of_own.is_none() && d.allowed_fails.is_some() && alone {
                return false;
            }
            // without an entry for the class and without a number of its own, the router's limit and counter serve
            let limit = of_own.or(d.allowed_fails).or(of_router).unwrap_or(config.allowed_fails);
            let ttl = d.cooldown_time.unwrap_or(config.cooldown_time);
            let generic = Exception::Value as usize + 1;
            let counter = match (of_own, d.allowed_fails) {
                (Some(_), _) => Some(failure.exception() as usize),
                (None, Some(_)) => Some(generic),
                (None, None) => None,
            };
            let window = match counter {
                Some(at) => {
                    self.allowed_own.resize(generic + 1, Window::default());
                    &mut self.allowed_own[at]
                }
                None => &mut self.allowed,
            };
            return window.add(now, 1, ttl) > u64::from(limit);
        }
        if config.allowed_fails_policy.is_none() && config.allowed_fails == config.library_allowed_fails {
            let fails = self.fails.get(now).unwrap_or(0);
            let all = fails + self.successes.get(now).unwrap_or(0);
            return (status == 429 && !alone)
                || (fails == all && all >= ALL_FAILED_REQUESTS)
                || (2 * fails > all && all >= MINIMUM_REQUESTS && !alone)
                || !Failure::retryable_status(status);
        }
        let limit = of_router.unwrap_or(config.allowed_fails);
        self.allowed.add(now, 1, config.cooldown_time) > u64::from(limit)
    }
}

/// How long a failure takes a deployment out: see the module's documentation.
pub(super) fn duration(config: &Config, d: &Deployment, failure: &Failure) -> Span {
    d.cooldown_time.or(failure.retry_after_s.map(Span::from_secs)).unwrap_or(config.cooldown_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Time {
        Time(s * 1_000_000_000)
    }

    #[test]
    fn a_second_cooldown_does_not_lengthen_the_first() {
        let mut h = Health::default();
        h.cool(at(0), Span::from_secs(5), 500);
        h.cool(at(1), Span::from_secs(30), 500);
        assert_eq!(h.cooling(at(4)), Some(at(5)));
        assert_eq!(h.cooling(at(5)), Some(at(5)), "the time to live ends strictly after five seconds");
        assert_eq!(h.cooling(Time(at(5).nanos() + 1)), None);
    }

    #[test]
    fn a_shorter_one_corrects_a_longer_one() {
        let mut h = Health::default();
        h.cool(at(0), Span::from_secs(30), 500);
        h.cool(at(1), Span::from_secs(5), 500);
        assert_eq!(h.cooling(at(2)), Some(at(6)));
        assert_eq!(h.cooling(at(6)), None);
    }

    #[test]
    fn half_is_not_more_than_half() {
        let config = Config::default();
        let (deployment, dep) = (Deployment::default(), Dep::default());
        let failure =
            Failure::attempt(crate::routing::outcome::ErrorClass::Unavailable, None, crate::units::DeploymentIx(0));
        let ask = Ask {
            config: &config,
            deployment: &deployment,
            dep: &dep,
            failure: &failure,
            group_has_alternatives: false,
        };
        let mut h = Health::default();
        for _ in 0..3 {
            h.succeeded(at(0));
            h.failed(at(0));
        }
        assert!(!h.consider(at(0), ask, Span::from_secs(5)));
        h.failed(at(0));
        assert!(h.consider(at(0), ask, Span::from_secs(5)));
    }
}
