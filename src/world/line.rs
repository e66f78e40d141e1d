//! The queue of a deployment: requests wait for one of its places, first come, first served.
//!
//! Whoever has entered is served, also when its gateway has given it up meanwhile: a server that takes a request from its
//! queue does not look whether anybody still waits for it. That is why work can be wasted, and how overload keeps itself
//! alive (Bronson, Aghayev, Charapko, Zhu: Metastable failures in distributed systems, HotOS 2021). Nobody overtakes and
//! nobody leaves, so a request's whole time is known when it arrives.

use crate::units::{Span, Time};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Places and those who wait for one.
#[derive(Debug)]
pub struct Line {
    places: usize,
    room: usize,
    /// When each busy place has served all that have been given to it.
    busy: BinaryHeap<Reverse<Time>>,
    /// When those who wait begin, in order.
    begins: VecDeque<Time>,
}

impl Line {
    /// An idle deployment with so many places and room for so many who wait.
    pub fn new(places: u32, room: u32) -> Line {
        Line { places: places as usize, room: room as usize, busy: BinaryHeap::new(), begins: VecDeque::new() }
    }

    /// When a request that arrives now begins to be served; `None` when there is no room for it.
    pub fn begins(&mut self, now: Time) -> Option<Time> {
        while self.busy.peek().is_some_and(|Reverse(until)| *until <= now) {
            self.busy.pop();
        }
        while self.begins.front().is_some_and(|at| *at <= now) {
            self.begins.pop_front();
        }
        if self.busy.len() < self.places {
            return Some(now);
        }
        let next = self.busy.peek().map(|Reverse(until)| *until);
        next.filter(|_| self.begins.len() < self.room)
    }

    /// The request that asked last enters: it begins then and keeps its place for so long.
    pub fn enter(&mut self, now: Time, begins: Time, service: Span) {
        if begins > now {
            self.busy.pop(); // the place that becomes free first is its own
            self.begins.push_back(begins);
        }
        self.busy.push(Reverse(begins + service));
    }

    /// Everybody is thrown out.
    pub fn clear(&mut self) {
        self.busy.clear();
        self.begins.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time(ms * 1_000_000)
    }

    #[test]
    fn places_are_given_in_the_order_of_arrival() {
        let mut line = Line::new(2, 2);
        let mut arrive = |now, service| {
            let begins = line.begins(at(now))?;
            line.enter(at(now), begins, Span::from_millis(service));
            Some(begins.nanos() / 1_000_000)
        };
        assert_eq!(arrive(0, 100), Some(0));
        assert_eq!(arrive(10, 30), Some(10));
        assert_eq!(arrive(20, 100), Some(40)); // behind the second
        assert_eq!(arrive(21, 5), Some(100)); // behind the first
        assert_eq!(arrive(22, 5), None); // two wait already
        assert_eq!(arrive(40, 5), Some(105)); // the third has begun: there is room
        assert_eq!(arrive(200, 5), Some(200));
        line.clear();
        assert_eq!(line.begins(at(201)), Some(at(201)));
    }
}
