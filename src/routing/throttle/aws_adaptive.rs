//! Adaptive mode of AWS SDKs: after the first throttling error a token bucket paces the client, and its rate follows CUBIC.
//!
//! Source: botocore 1.44.5, `retries/{adaptive,bucket,throttling}.py` (read 2026): the measured rate is an exponential average
//! (0.8) over half-second buckets; on a throttling error the rate becomes 0.7 of `w_max`, the smaller of the measured and the
//! present rate (the measured one before the first error); afterwards it grows as `0.4 (dt - k)^3 + w_max` with
//! `k = cbrt(w_max * 0.3 / 0.4)`; never above twice the measured rate nor below 0.5 per second; the bucket holds
//! `max(rate, 1)` tokens, and a call without one waits.
//!
//! Who waits has a turn: the number of its token, in the order in which calls came. botocore's callers block in `acquire`
//! until there is a token for one of them, and who takes it is left to the operating system: each sleeps as if the next
//! token were its own, and whoever comes at the right moment is before all of them. In turn is one of these orders, the one
//! that is fair; tokens are taken at the same moments in any of them. With turns, the calls that wait need not all look again
//! for each token: each looks when half of the tokens before it could have come at the highest rate in sight (`w_max`, or
//! twice the measured rate, above which no rate goes), so that it is in time although the rate grows meanwhile. That makes
//! a number of looks that grows with the logarithm of the calls before it. A turn that is given up goes to the next who asks
//! and stands behind it.

use super::Permission;
use crate::routing::outcome::Outcome;
use crate::routing::reason::Figure;
use crate::units::{Span, Time};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SMOOTH: f64 = 0.8;
const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;
const MIN_RATE: f64 = 0.5;

/// The rate limiter of one client.
#[derive(Clone, Debug, Default)]
pub struct AwsAdaptive {
    enabled: bool,
    // measured rate
    measured: f64,
    bucket: u64,
    sent: f64,
    // CUBIC
    w_max: f64,
    k: f64,
    last_throttle: Time,
    // token bucket
    rate: f64,
    capacity: f64,
    /// Those that have come less those that have a turn; below zero: so many are still to come.
    tokens: f64,
    filled: Time,
    /// Turns that were given, from 1.
    turns: u64,
    /// Turns that were given up, for others.
    vacant: BinaryHeap<Reverse<u64>>,
}

/// The place of a call that waits: the number of its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn(u64);

impl AwsAdaptive {
    /// Calls per second that it lets through; infinite before the first throttling error.
    pub fn rate(&self) -> f64 {
        if self.enabled { self.rate } else { f64::INFINITY }
    }

    /// The rate, for whoever asks why a call waits.
    pub(super) fn known(&self) -> Figure {
        Figure::new("calls per second that the throttle lets through", self.rate())
    }

    fn fill(&mut self, now: Time) {
        let dt = now.since(self.filled).as_secs_f64();
        self.tokens += dt * self.rate;
        self.filled = now;
        if self.tokens >= 0.0 && !self.vacant.is_empty() {
            // all turns have come, so those that nobody has are tokens like others
            self.tokens += self.vacant.len() as f64;
            self.vacant.clear();
        }
        self.tokens = self.tokens.min(self.capacity);
    }

    fn set_rate(&mut self, now: Time, rate: f64) {
        self.fill(now);
        self.rate = rate.max(MIN_RATE);
        self.capacity = self.rate.max(1.0);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// A call is about to go out. `turn` is its place if it has waited, and becomes it if it has to wait on.
    pub fn on_call(&mut self, now: Time, turn: &mut Option<Turn>) -> Permission {
        if !self.enabled {
            return Permission::Go;
        }
        self.fill(now);
        let own = turn.take().map(|t| t.0);
        let vacant = self.vacant.peek().map(|v| v.0);
        let number = match (own, vacant) {
            (Some(own), Some(vacant)) if vacant < own => {
                self.vacant.pop();
                self.vacant.push(Reverse(own));
                vacant
            }
            (Some(own), _) => own,
            (None, Some(vacant)) => {
                self.vacant.pop();
                vacant
            }
            (None, None) => {
                self.turns += 1;
                self.tokens -= 1.0;
                self.turns
            }
        };
        let missing = -(self.tokens + (self.turns - number) as f64);
        if missing <= 0.0 {
            return Permission::Go;
        }
        *turn = Some(Turn(number));
        let fastest = self.rate.max(self.w_max).max(2.0 * self.measured);
        let look = (missing / self.rate).min((missing / 2.0 / fastest).max(1.0 / self.rate));
        // a nanosecond more: rounding would have it ask again just before the token is there
        Permission::Wait(now + Span::from_secs_f64(look) + Span(1))
    }

    /// A call that would not wait is about to go out. False: it would have to.
    pub fn on_call_at_once(&mut self, now: Time) -> bool {
        if self.enabled {
            self.fill(now);
            if self.tokens < 1.0 {
                return false;
            }
            self.tokens -= 1.0;
            self.turns += 1;
        }
        true
    }

    /// A call that has waited is not made.
    pub fn give_up(&mut self, turn: Turn) {
        self.vacant.push(Reverse(turn.0));
    }

    /// A call has ended.
    pub fn on_end(&mut self, now: Time, outcome: Outcome) {
        self.measure(now);
        let throttled = matches!(outcome, Outcome::Failed { class, .. } if class.status() == Some(429));
        let rate = if throttled {
            let present = if self.enabled { self.measured.min(self.rate) } else { self.measured };
            self.w_max = present;
            self.k = libm::cbrt(present * (1.0 - BETA) / SCALE);
            self.last_throttle = now;
            if !self.enabled {
                self.enabled = true;
                self.filled = now;
            }
            present * BETA
        } else {
            let dt = now.since(self.last_throttle).as_secs_f64() - self.k;
            SCALE * dt * dt * dt + self.w_max
        };
        if self.enabled {
            self.set_rate(now, rate.min(2.0 * self.measured));
        }
    }

    fn measure(&mut self, now: Time) {
        let bucket = now.nanos() / 500_000_000;
        self.sent += 1.0;
        if bucket > self.bucket {
            let current = self.sent / ((bucket - self.bucket) as f64 / 2.0);
            self.measured = SMOOTH * current + (1.0 - SMOOTH) * self.measured;
            (self.sent, self.bucket) = (0.0, bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::outcome::ErrorClass;

    const THROTTLED: Outcome = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: None };

    /// Ten calls a second for ten seconds.
    fn warm() -> (AwsAdaptive, u64) {
        let mut a = AwsAdaptive::default();
        for i in 0..100 {
            let now = Time(i * 100_000_000);
            assert_eq!(a.on_call(now, &mut None), Permission::Go);
            a.on_end(now, Outcome::Ok);
        }
        (a, 10_000_000_000)
    }

    #[test]
    fn a_throttle_takes_thirty_percent_off_the_measured_rate_and_cubic_brings_it_back() {
        let (mut a, t) = warm();
        assert_eq!(a.rate(), f64::INFINITY);
        a.on_end(Time(t), THROTTLED);
        let measured = a.measured;
        assert!((9.0..=11.0).contains(&measured), "{measured}");
        assert!((a.rate() - 0.7 * measured).abs() < 1e-9);
        // k seconds after the throttle the old rate is reached again
        let k = libm::cbrt(measured * 0.3 / 0.4);
        assert!((a.k - k).abs() < 1e-12);
        let mut probe = a.clone();
        probe.measured = 1000.0;
        probe.bucket = u64::MAX;
        probe.on_end(Time(t) + Span::from_secs_f64(k), Outcome::Ok);
        assert!((probe.rate() - measured).abs() < 1e-3, "{} of {measured}", probe.rate());
    }

    /// Calls that were under way when the first 429 came: each further 429 of theirs takes its part of what is left.
    #[test]
    fn adaptive_py_every_throttled_answer_lowers_the_rate() {
        let (mut a, t) = warm();
        a.on_end(Time(t), THROTTLED);
        let measured = a.measured;
        let mut expected = 0.7 * measured;
        for _ in 0..3 {
            a.on_end(Time(t), THROTTLED);
            expected *= 0.7;
            assert!((a.rate() - expected).abs() < 1e-9, "{} {expected}", a.rate());
        }
        (0..20).for_each(|_| a.on_end(Time(t), THROTTLED));
        assert_eq!(a.rate(), MIN_RATE);
        // an answer at that moment counts from the last 429: 0.4 (0 - k)^3 + w_max is 0.7 w_max
        let low = a.w_max;
        a.on_end(Time(t), Outcome::Ok);
        assert_eq!(a.rate(), MIN_RATE.max(0.7 * low));
    }

    #[test]
    fn calls_without_a_token_wait_for_one() {
        let (mut a, t) = warm();
        a.on_end(Time(t), THROTTLED);
        let (mut turn, mut next) = (None, None);
        let Permission::Wait(until) = a.on_call(Time(t), &mut turn) else { panic!("the bucket starts empty") };
        let expected = t as f64 + 1e9 / a.rate();
        assert!((until.nanos() as f64 - expected).abs() < 10.0);
        assert_eq!(a.on_call(until + Span(10), &mut turn), Permission::Go);
        assert_eq!(turn, None);
        assert!(!a.on_call_at_once(until + Span(10)));
        assert!(matches!(a.on_call(until + Span(10), &mut next), Permission::Wait(_)));
        // what is given up is there for the next, at the same moment
        a.give_up(next.unwrap());
        let later = until + Span::from_secs_f64(1.0 / a.rate()) + Span(20);
        assert_eq!(a.on_call(later, &mut None), Permission::Go);
        assert!(matches!(a.on_call(later, &mut None), Permission::Wait(_)));
    }

    /// Twenty calls a second for twelve minutes against a backend that takes five; every fortieth caller goes away after
    /// ten seconds.
    #[test]
    fn in_an_overload_nobody_looks_often_and_no_token_is_lost_or_spent_twice() {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Event {
            Ends(Outcome2),
            Looks(usize),
            Comes(usize),
            Leaves(usize),
        }
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Outcome2 {
            Well,
            Throttled,
        }
        let mut a = AwsAdaptive::default();
        let mut queue: std::collections::BTreeMap<(u64, u64), Event> = std::collections::BTreeMap::new();
        let mut caused = 0;
        let mut push = |queue: &mut std::collections::BTreeMap<(u64, u64), Event>, at: u64, event| {
            caused += 1;
            queue.insert((at, caused), event);
        };
        const CALLS: usize = 12 * 60 * 20;
        for i in 0..CALLS {
            push(&mut queue, i as u64 * 50_000_000, Event::Comes(i));
            if i % 40 == 0 {
                push(&mut queue, i as u64 * 50_000_000 + 10_000_000_000, Event::Leaves(i));
            }
        }
        let (mut turns, mut looks, mut gone) = (vec![None; CALLS], vec![0_u32; CALLS], vec![false; CALLS]);
        // what the backend has taken this second, what the bucket has been given since it exists
        let (mut second, mut taken) = (0, 0);
        let (mut granted, mut earned, mut since, mut began) = (0_u64, 0.0, 0_u64, None);
        let (mut order, mut waited): (Vec<usize>, u64) = (Vec::new(), 0);
        while let Some(((now, _), event)) = queue.pop_first() {
            if began.is_some() {
                earned += (now - since) as f64 / 1e9 * a.rate;
            }
            since = now;
            let who = match event {
                Event::Ends(outcome) => {
                    a.on_end(Time(now), if outcome == Outcome2::Well { Outcome::Ok } else { THROTTLED });
                    if a.enabled && began.is_none() {
                        (began, granted) = (Some(now), 0);
                    }
                    continue;
                }
                Event::Leaves(i) => {
                    if let Some(turn) = turns[i].take() {
                        a.give_up(turn);
                        gone[i] = true;
                    }
                    continue;
                }
                Event::Looks(i) if gone[i] => continue,
                Event::Looks(i) | Event::Comes(i) => i,
            };
            looks[who] += 1;
            match a.on_call(Time(now), &mut turns[who]) {
                Permission::Go => {
                    granted += 1;
                    waited += u64::from(looks[who] > 1);
                    if looks[who] > 1 {
                        order.push(who);
                    }
                    if now / 1_000_000_000 != second {
                        (second, taken) = (now / 1_000_000_000, 0);
                    }
                    taken += 1;
                    let outcome = if taken > 5 { Outcome2::Throttled } else { Outcome2::Well };
                    push(&mut queue, now + 100_000_000, Event::Ends(outcome));
                }
                Permission::Wait(until) => push(&mut queue, until.nanos(), Event::Looks(who)),
                Permission::Refused => unreachable!(),
            }
            if began.is_some() {
                assert!(granted as f64 <= earned + 1e-6, "{granted} calls for {earned} tokens");
            }
        }
        let most = looks.iter().max().unwrap();
        // up to 13,000 calls before one, which looked 13,000 times when each looked for every token
        assert!(*most <= 64, "one call looked {most} times");
        assert!(
            looks.iter().map(|n| u64::from(*n)).sum::<u64>() < 40 * CALLS as u64,
            "and all together not more often"
        );
        assert!(waited > 3_000, "{waited}");
        // somebody has waited all the time until the end, so that no token can have been lost
        let unused = earned - granted as f64;
        assert!(unused < 0.01 * earned, "{granted} calls for {earned} tokens");
        let late = order.windows(2).filter(|w| w[0] > w[1]).count();
        assert!(late * 10 < order.len(), "in turn, but for turns that were given up: {late} of {}", order.len());
    }
}
