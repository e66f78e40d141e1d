//! What the load of a deployment was a moment ago, for those who ask from afar.

use crate::units::{Span, Time};
use std::collections::VecDeque;

/// The load of the last while.
#[derive(Clone, Debug)]
pub struct Past {
    /// How far back anybody may ask.
    keep: Span,
    /// Without a queue: when the number in service changed, and to what.
    changes: VecDeque<(Time, u32)>,
    /// With a queue: every request's stay.
    stays: VecDeque<Stay>,
    /// The last time at which nobody answered: from when, and until when if it is over.
    silence: Option<(Time, Option<Time>)>,
}

#[derive(Clone, Copy, Debug)]
struct Stay {
    enters: Time,
    begins: Time,
    ends: Time,
}

impl Past {
    /// Nothing has happened yet.
    pub fn new(keep: Span) -> Past {
        Past { keep, changes: VecDeque::from([(Time::ZERO, 0)]), stays: VecDeque::new(), silence: None }
    }

    /// The number in service has changed.
    pub fn changed(&mut self, now: Time, in_service: u32) {
        let oldest = self.oldest(now);
        while self.changes.get(1).is_some_and(|l| l.0 <= oldest) {
            self.changes.pop_front();
        }
        self.changes.push_back((now, in_service));
    }

    /// A request has entered the queue and is served then.
    pub fn entered(&mut self, now: Time, begins: Time, ends: Time) {
        let oldest = self.oldest(now);
        while self.stays.front().is_some_and(|s| s.ends <= oldest) {
            self.stays.pop_front();
        }
        if self.stays.len() >= 64 && self.stays.len().is_power_of_two() {
            self.stays.retain(|s| s.ends > oldest); // one long stay does not keep all those that ended behind it
        }
        self.stays.push_back(Stay { enters: now, begins, ends });
    }

    /// Everybody in the queue and in service is thrown out.
    pub fn cleared(&mut self, now: Time) {
        for s in &mut self.stays {
            (s.begins, s.ends) = (s.begins.min(now), s.ends.min(now));
        }
    }

    /// From now on nobody answers questions, or somebody does again.
    pub fn silent(&mut self, now: Time, silent: bool) {
        match &mut self.silence {
            Some((_, end @ None)) if !silent => *end = Some(now),
            Some((_, None)) => {}
            _ if silent => self.silence = Some((now, None)),
            _ => {}
        }
    }

    /// Requests that waited and that were served at that time; `None` if nobody was there to answer the question.
    pub fn at(&self, time: Time) -> Option<(u32, u32)> {
        if self.silence.is_some_and(|(from, until)| from <= time && until.is_none_or(|u| time < u)) {
            return None;
        }
        let alone = self.changes.iter().rev().find(|(since, _)| *since <= time).map_or(0, |l| l.1);
        Some(self.stays.iter().fold((0, alone), |(waiting, running), s| {
            let waits = s.enters <= time && time < s.begins;
            let runs = s.begins <= time && time < s.ends;
            (waiting + u32::from(waits), running + u32::from(runs))
        }))
    }

    fn oldest(&self, now: Time) -> Time {
        Time(now.nanos().saturating_sub(self.keep.nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::ZERO + Span::from_millis(ms)
    }

    #[test]
    fn a_report_is_of_the_moment_that_is_asked_for() {
        let mut p = Past::new(Span::from_secs(1));
        for (ms, n) in [(100, 1), (200, 2), (300, 3), (400, 2)] {
            p.changed(at(ms), n);
        }
        assert_eq!([50, 100, 250, 399, 400].map(|ms| p.at(at(ms)).unwrap().1), [0, 1, 2, 3, 2]);
        // what is older than anybody asks for is forgotten
        for ms in 0..10_000 {
            p.changed(at(1000 + ms), 7);
        }
        assert!(p.changes.len() < 1100 && p.at(at(10_500)) == Some((0, 7)));
    }

    #[test]
    fn those_who_wait_are_told_from_those_who_are_served() {
        let mut p = Past::new(Span::from_secs(1));
        p.entered(at(0), at(0), at(500));
        p.entered(at(100), at(500), at(900));
        p.entered(at(200), at(900), at(1300));
        assert_eq!(
            [0, 150, 250, 500, 950, 1300].map(|ms| p.at(at(ms)).unwrap()),
            [(0, 1), (1, 1), (2, 1), (1, 1), (0, 1), (0, 0)]
        );
        p.cleared(at(600));
        assert_eq!((p.at(at(550)), p.at(at(600))), (Some((1, 1)), Some((0, 0))));
        p.entered(at(3000), at(3000), at(3100));
        assert_eq!(p.stays.len(), 1);
    }

    #[test]
    fn who_is_down_reports_nothing() {
        let mut p = Past::new(Span::from_secs(1));
        p.changed(at(100), 1);
        p.silent(at(200), true);
        p.silent(at(300), true);
        assert_eq!([199, 200, 999].map(|ms| p.at(at(ms)).is_some()), [true, false, false]);
        p.silent(at(1000), false);
        p.silent(at(1100), false);
        assert_eq!([199, 200, 999, 1000, 1200].map(|ms| p.at(at(ms)).is_some()), [true, false, false, true, true]);
    }

    #[test]
    fn a_long_stay_does_not_keep_those_behind_it() {
        let mut p = Past::new(Span::from_secs(1));
        p.entered(at(0), at(0), at(100_000));
        for ms in 0..10_000 {
            p.entered(at(10 * ms), at(10 * ms), at(10 * ms + 50));
        }
        assert!(p.stays.len() < 512 && p.at(at(99_000)) == Some((0, 6)), "{} {:?}", p.stays.len(), p.at(at(99_000)));
    }
}
