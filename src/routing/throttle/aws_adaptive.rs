//! Adaptive mode of AWS SDKs: after the first throttling error a token bucket paces the client, and its rate follows CUBIC.
//!
//! Source: botocore 1.44.5, `retries/{adaptive,bucket,throttling}.py` (read 2026): the measured rate is an exponential average
//! (0.8) over half-second buckets; on a throttling error the rate becomes 0.7 of `w_max`, the smaller of the measured and the
//! present rate (the measured one before the first error); afterwards it grows as `0.4 (dt - k)^3 + w_max` with
//! `k = cbrt(w_max * 0.3 / 0.4)`; never above twice the measured rate nor below 0.5 per second; the bucket holds
//! `max(rate, 1)` tokens, and a call without one waits.
//!
//! Who gets the next token? botocore's callers block in `acquire` (`bucket.py`: a condition, a sleep until there would be a
//! token if nobody else took it, and the same again): all that wait wake for every token, and the one that happens to get the
//! lock takes it, which the operating system decides and no rule. Here too each token goes to any of those that wait, all alike
//! likely, but by a number that a call draws when it comes: that of its token, in exchange for which the one who had it gets
//! the newest. So a call need not look again for every token: it looks when half of the tokens before its own could have come
//! at the highest rate in sight (`w_max`, or twice the measured rate, above which no rate goes), so that it is in time although
//! the rate grows meanwhile. That makes a number of looks that grows with the logarithm of the calls that wait, and tokens are
//! taken at the same moments. The number of a call that is given up is for the next who asks.

use super::Permission;
use crate::routing::entropy::Entropy;
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
    /// Numbers of tokens that were given, from 1.
    numbers: u64,
    /// Numbers that were given up, for others.
    vacant: BinaryHeap<Reverse<u64>>,
    /// Calls that wait, in no order.
    waiting: Vec<Waiting>,
    /// By turn: where it stands among them.
    places: Vec<u32>,
    /// Turns that nobody has.
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    turn: u32,
    /// Of its token.
    number: u64,
}

/// A call that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn(u32);

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

    /// A call is about to go out. `turn` is its own if it has waited, and becomes it if it has to wait on.
    pub fn on_call<E: Entropy>(&mut self, now: Time, turn: &mut Option<Turn>, entropy: &mut E) -> Permission {
        if !self.enabled {
            return Permission::Go;
        }
        self.fill(now);
        let known = *turn;
        let number = match known {
            Some(t) => self.earlier(t),
            None => self.new_number(entropy),
        };
        let missing = -(self.tokens + (self.numbers - number) as f64);
        if missing <= 0.0 {
            if let Some(t) = turn.take() {
                self.leave(t);
            }
            return Permission::Go;
        }
        if known.is_none() {
            *turn = Some(self.enter(number));
        }
        let fastest = self.rate.max(self.w_max).max(2.0 * self.measured);
        let look = (missing / self.rate).min((missing / 2.0 / fastest).max(1.0 / self.rate));
        // a nanosecond more: rounding would have it ask again just before the token is there
        Permission::Wait(now + Span::from_secs_f64(look) + Span(1))
    }

    /// The number of a call that waits, or an earlier one that was given up, in exchange.
    fn earlier(&mut self, turn: Turn) -> u64 {
        let own = &mut self.waiting[self.places[turn.0 as usize] as usize].number;
        if let Some(mut vacant) = self.vacant.peek_mut().filter(|v| v.0 < *own) {
            std::mem::swap(&mut vacant.0, own);
        }
        *own
    }

    /// The number of a call that comes: one that was given up, or that of any of those that wait, who gets the newest.
    fn new_number<E: Entropy>(&mut self, entropy: &mut E) -> u64 {
        let mut number = match self.vacant.pop() {
            Some(Reverse(vacant)) => vacant,
            None => {
                self.numbers += 1;
                self.tokens -= 1.0;
                self.numbers
            }
        };
        if !self.waiting.is_empty() {
            let who = entropy.pick(self.waiting.len() + 1);
            if let Some(other) = self.waiting.get_mut(who).filter(|w| w.number < number) {
                std::mem::swap(&mut other.number, &mut number);
            }
        }
        number
    }

    fn enter(&mut self, number: u64) -> Turn {
        let place = self.waiting.len() as u32;
        let turn = match self.free.pop() {
            Some(turn) => {
                self.places[turn as usize] = place;
                turn
            }
            None => {
                self.places.push(place);
                (self.places.len() - 1) as u32
            }
        };
        self.waiting.push(Waiting { turn, number });
        Turn(turn)
    }

    /// It waits no more; its number.
    fn leave(&mut self, turn: Turn) -> u64 {
        let place = self.places[turn.0 as usize];
        let left = self.waiting.swap_remove(place as usize);
        if let Some(moved) = self.waiting.get(place as usize) {
            self.places[moved.turn as usize] = place;
        }
        self.free.push(turn.0);
        left.number
    }

    /// A call that would not wait is about to go out. False: it would have to.
    pub fn on_call_at_once(&mut self, now: Time) -> bool {
        if self.enabled {
            self.fill(now);
            if self.tokens < 1.0 {
                return false;
            }
            self.tokens -= 1.0;
            self.numbers += 1;
        }
        true
    }

    /// A call that has waited is not made.
    pub fn give_up(&mut self, turn: Turn) {
        let number = self.leave(turn);
        self.vacant.push(Reverse(number));
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
    use crate::routing::balance::tests::Tape;
    use crate::routing::outcome::ErrorClass;

    struct Numbers(u64);

    impl Entropy for Numbers {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    const THROTTLED: Outcome = Outcome::Failed { class: ErrorClass::RateLimited, retry_after: None };

    /// Ten calls a second for ten seconds.
    fn warm() -> (AwsAdaptive, u64) {
        let mut a = AwsAdaptive::default();
        for i in 0..100 {
            let now = Time(i * 100_000_000);
            assert_eq!(a.on_call(now, &mut None, &mut Tape(vec![])), Permission::Go);
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
        let Permission::Wait(until) = a.on_call(Time(t), &mut turn, &mut Tape(vec![])) else {
            panic!("the bucket starts empty")
        };
        let expected = t as f64 + 1e9 / a.rate();
        assert!((until.nanos() as f64 - expected).abs() < 10.0);
        assert_eq!(a.on_call(until + Span(10), &mut turn, &mut Tape(vec![])), Permission::Go);
        assert_eq!(turn, None);
        assert!(!a.on_call_at_once(until + Span(10)));
        assert!(matches!(a.on_call(until + Span(10), &mut next, &mut Tape(vec![])), Permission::Wait(_)));
        // what is given up is there for the next, at the same moment
        a.give_up(next.unwrap());
        let later = until + Span::from_secs_f64(1.0 / a.rate()) + Span(20);
        assert_eq!(a.on_call(later, &mut None, &mut Tape(vec![])), Permission::Go);
        assert!(matches!(a.on_call(later, &mut None, &mut Tape(vec![])), Permission::Wait(_)));
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
        let mut numbers = Numbers(1);
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
            match a.on_call(Time(now), &mut turns[who], &mut numbers) {
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
        // any of those that wait, so that of two in a row either may have come first
        let back = order.windows(2).filter(|w| w[0] > w[1]).count() as f64 / order.len() as f64;
        assert!((0.45..0.55).contains(&back), "{back}");
    }
}
