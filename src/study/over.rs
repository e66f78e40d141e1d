//! When users no longer feel a fault: failed, degraded and slow turns minute by minute against their usual level.
//!
//! The usual level is the share among the turns that were sent in the half hour before the fault and had ended when it
//! struck. Turns in flight are left out: what the fault does to them would pass for usual.
//!
//! How far a minute may stray from that level is learnt from the same half hour, because turns are not independent: large
//! prompts come in bursts, and a quota refuses several turns at once. The variance is that of a binomial number times the
//! dispersion (Pearson's chi-square per degree of freedom, as in quasi-likelihood: McCullagh and Nelder, Generalized
//! Linear Models, 1989, section 4.5), never less than binomial, and grows by what is unknown about the level itself.

use crate::units::Time;
use crate::world::watch::{BEFORE, Ends, STEP, Watch};
use std::ops::Range;

/// Window in which "users are affected" is judged, in steps.
/// ASSUMPTION: a minute holds enough requests of a small service to see one bad answer in a hundred.
const WINDOW: usize = 60;

/// So long without an affected minute after the repair, and it is over: what comes later is another story.
/// ASSUMPTION: longer than the usual TTLs and cool-downs that bring traffic back.
const QUIET: usize = 600;

/// An affected minute has so many standard deviations more than usual, and [`SKEW`] turns. A Poisson number of any mean
/// from 0.02 to 50 exceeds that with a probability below 1e-5; hundreds of minutes are judged per fault.
const DEVIATIONS: f64 = 5.0;

/// Small counts are skewed to the right, so deviations alone are not enough.
const SKEW: f64 = 2.0;

/// An affected minute has more bad turns than this above the usual: fewer are single mishaps.
/// ASSUMPTION: with a level of zero before, four bad turns within a minute are no accident.
const FEW: f64 = 3.0;

/// Slow turns are part of any day, so a minute is only affected by them if they are so many of its turns more than usual.
/// ASSUMPTION: what a percentile of 99 % would show.
const SLOW_SHARE: f64 = 0.01;

/// How many turns are bad in one way.
type Bad = fn(&Ends) -> u64;

/// The ways in which a turn can be bad, and which share of a minute has to be bad at least.
const KINDS: [(Bad, f64); 3] = [(|e| e.failed, 0.0), (|e| e.degraded, 0.0), (|e| e.slow, SLOW_SHARE)];

/// When users were no longer affected, by the time at which their turns were sent: after the last bad turn of the last
/// affected minute. The start of the fault if no minute was affected. `None` if the record ends with one.
///
/// The first affected minute begins while the fault lasts or within a minute after it, else the fault is not its cause.
/// Minutes belong to the same trouble if they come less than ten minutes after the repair or after the one before.
pub fn over(watch: &Watch) -> Option<Time> {
    let steps = |t: Time| (t.since(watch.from).nanos() / STEP.nanos()) as usize;
    let at = |i: usize| watch.from + STEP.times(i as u64);
    let (begin, repaired) = (steps(watch.occurrence.begins), steps(watch.occurrence.ends));
    let seconds = steps(watch.until);
    let before = begin.saturating_sub((BEFORE.nanos() / STEP.nanos()) as usize)..begin;
    let usual = KINDS.map(|(bad, least)| (Usual::learn(watch, before.clone(), bad), bad, least));

    let mut last: Option<usize> = None;
    let mut i = begin;
    while i < seconds && i < last.map_or(repaired + WINDOW, |l| l.max(repaired) + QUIET) {
        let window = i..(i + WINDOW).min(seconds);
        let ends = sum(watch, window.clone());
        for (usual, bad, least) in &usual {
            if usual.is_exceeded(ends.requests, bad(&ends), *least) {
                let end = window.clone().rev().find(|s| bad(&watch.at(at(*s))) > 0);
                last = last.max(end);
            }
        }
        i += WINDOW / 4;
    }
    match last {
        None => Some(watch.occurrence.begins),
        Some(s) if s + WINDOW >= seconds => None,
        Some(s) => Some(at(s + 1)),
    }
}

fn sum(watch: &Watch, steps: Range<usize>) -> Ends {
    let mut sum = Ends::default();
    for i in steps {
        sum.add(&watch.at(watch.from + STEP.times(i as u64)));
    }
    sum
}

/// What is usual for one way of being bad.
#[derive(Clone, Copy, Debug)]
struct Usual {
    /// Turns seen.
    seen: f64,
    /// Of those, bad.
    bad: f64,
    /// How much more than a binomial number the bad turns of a minute vary; 1 or more.
    dispersion: f64,
}

impl Usual {
    fn learn(watch: &Watch, before: Range<usize>, bad: Bad) -> Usual {
        // whole minutes, counted back from the fault
        let minutes = (1..=before.len() / WINDOW).map(|m| before.end - m * WINDOW..before.end - (m - 1) * WINDOW);
        let minutes: Vec<(f64, f64)> = minutes
            .map(|m| sum(watch, m))
            .filter(|e| e.requests > 0)
            .map(|e| (e.requests as f64, bad(&e) as f64))
            .collect();
        let all = sum(watch, before);
        let (seen, total) = (all.requests as f64, bad(&all) as f64);
        let level = if seen > 0.0 { total / seen } else { 0.0 };
        let chi_square: f64 = if total == 0.0 || total == seen {
            0.0
        } else {
            minutes.iter().map(|(n, x)| (x - n * level) * (x - n * level) / (n * level * (1.0 - level))).sum()
        };
        let freedom = minutes.len().saturating_sub(1).max(1) as f64;
        Usual { seen, bad: total, dispersion: (chi_square / freedom).max(1.0) }
    }

    /// Whether `bad` of `n` turns are more than chance makes of the usual level, and more than `least` of them. Without
    /// any turn before, nothing bad is usual.
    fn is_exceeded(&self, n: u64, bad: u64, least: f64) -> bool {
        let n = n as f64;
        let (level, deviation) = if self.seen > 0.0 {
            // half a bad turn more than seen: a level of exactly zero is never known (Jeffreys' prior)
            let p = (self.bad + 0.5) / (self.seen + 1.0);
            let variance = self.dispersion * n * p * (1.0 - p) * (1.0 + n / self.seen);
            (self.bad / self.seen, libm::sqrt(variance))
        } else {
            (0.0, 0.0)
        };
        bad as f64 - n * level > (DEVIATIONS * deviation + SKEW).max(FEW).max(least * n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;
    use crate::world::faults::Occurrence;

    fn minute(m: u64) -> Time {
        Time(Span::from_mins(m).nanos())
    }

    /// A fault from minute 10 to 20 of an hour; `turns(second)` says how the turns of each second ended.
    fn watch_of(turns: impl Fn(u64) -> Ends) -> Watch {
        let occurrence = Occurrence { fault: 0, number: 0, begins: minute(10), ends: minute(20) };
        let mut w = Watch::new(occurrence, Time::ZERO, minute(60));
        let mut t = w.from;
        while t < w.until {
            w.ended(Time::ZERO, t, t, &turns(t.nanos() / 1_000_000_000));
            t += STEP;
        }
        w
    }

    /// Ten turns per second, of which some fail.
    fn watch(failed: impl Fn(u64) -> u64) -> Watch {
        watch_of(|s| Ends { requests: 10, failed: failed(s), ..Ends::default() })
    }

    fn over_s(w: &Watch) -> Option<f64> {
        over(w).map(|t| t.since(w.occurrence.begins).as_secs_f64())
    }

    #[test]
    fn the_last_bad_second_of_the_trouble_ends_it() {
        let trouble = |from: u64, to: u64| move |s: u64| if (from..to).contains(&s) { 8 } else { 0 };
        assert_eq!(over_s(&watch(trouble(600, 690))), Some(90.0));
        assert_eq!(over_s(&watch(trouble(600, 1230))), Some(630.0));
        assert_eq!(over_s(&watch(|_| 0)), Some(0.0));
        assert_eq!(over_s(&watch(trouble(600, 3600))), None);
    }

    #[test]
    fn the_usual_level_is_no_trouble_and_neither_is_a_single_bad_turn() {
        let usual = |s: u64| u64::from(s.is_multiple_of(3));
        assert_eq!(over_s(&watch(usual)), Some(0.0));
        assert_eq!(over_s(&watch(|s| u64::from(s == 1100))), Some(0.0));
        // trouble on top of the usual level cannot be told from it to the second, but to the minute
        let over = over_s(&watch(|s| usual(s) + if (600..700).contains(&s) { 5 } else { 0 })).unwrap();
        assert!((100.0..160.0).contains(&over), "{over}");
    }

    #[test]
    fn trouble_long_after_the_repair_is_another_story() {
        let s = |s: u64| if (600..660).contains(&s) || (2400..2500).contains(&s) { 9 } else { 0 };
        assert_eq!(over_s(&watch(s)), Some(60.0));
        // and what begins minutes after the repair of a fault that nobody felt is not its doing
        assert_eq!(over_s(&watch(|s| if (1400..1500).contains(&s) { 9 } else { 0 })), Some(0.0));
    }

    /// What the outage did to turns in flight is no usual level: 200 of the last minute before it must not hide the 30 per
    /// minute that still fail later.
    #[test]
    fn turns_in_flight_do_not_raise_the_usual_level() {
        let mut w = watch(|s| u64::from((600..900).contains(&s) && s.is_multiple_of(2)));
        let one = Ends { requests: 1, failed: 1, ..Ends::default() };
        for second in 550..600 {
            let sent = Time(Span::from_secs(second).nanos());
            for _ in 0..4 {
                w.ended(Time::ZERO, sent, minute(10) + Span::from_secs(3), &one);
            }
        }
        assert_eq!(w.in_flight, Ends { requests: 200, failed: 200, ..Ends::default() });
        assert_eq!(over_s(&w), Some(299.0));
    }

    #[test]
    fn degraded_answers_are_felt_and_slow_ones_only_if_they_are_many() {
        let ends = |degraded, slow| Ends { requests: 10, degraded, slow, ..Ends::default() };
        let hit = |s: u64| (600..800).contains(&s);
        assert_eq!(over_s(&watch_of(|s| ends(u64::from(hit(s)), 0))), Some(200.0));
        assert_eq!(over_s(&watch_of(|s| ends(0, u64::from(hit(s))))), Some(200.0));
        // 5 of 600 in a minute
        assert_eq!(over_s(&watch_of(|s| ends(0, u64::from(hit(s) && s.is_multiple_of(12))))), Some(0.0));
        assert_eq!(over_s(&watch_of(|s| ends(u64::from(hit(s) && s.is_multiple_of(12)), 0))), Some(193.0));
    }

    /// Bad turns that come in clusters: as many as usual, but a binomial number would hardly ever be so many.
    #[test]
    fn clusters_like_those_before_the_fault_are_usual() {
        let clustered = |s: u64| if (s / 60).is_multiple_of(4) { 2 } else { 0 };
        assert_eq!(over_s(&watch(clustered)), Some(0.0));
    }
}
