//! Arrivals whose rate changes over time, by inverting the cumulative rate.
//!
//! The n-th arrival of an entity happens when the expected number of arrivals reaches the sum of its first n unit gaps.
//! The gaps are addressed by n, so the n-th user is the same user whatever the rate is; only the time changes. (Thinning
//! would draw candidates and drop some, and a higher rate would renumber all that follow.)
//!
//! Expected arrivals are counted in **integer billionths**, so summing a hundred million gaps loses nothing: a 64-bit
//! count holds 18 billion arrivals.

use super::draws::{Draws, EntityKey, Purpose};
use super::sample;
use crate::units::{Span, Time};
use std::fmt;

/// Expected arrivals are counted in units of 10^-9.
pub const NANO: f64 = 1e9;

/// Why a curve of rates is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum RateError {
    /// There is no step.
    Empty,
    /// Steps must begin at strictly rising times and before the end; the number is the step's position.
    NotRising(usize),
    /// A rate is negative, infinite or not a number; the number is the step's position.
    BadRate(usize),
    /// More arrivals are expected than can be counted (about 9 billion).
    TooMany,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateError::Empty => write!(f, "a rate curve needs at least one step"),
            RateError::NotRising(i) => write!(f, "step {i} of the rate curve does not begin after the one before it"),
            RateError::BadRate(i) => write!(f, "the rate of step {i} is not a finite number of at least zero"),
            RateError::TooMany => write!(f, "the rate curve expects more than nine billion arrivals"),
        }
    }
}

impl std::error::Error for RateError {}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    start: Time,
    /// Arrivals per second, which is billionths of an arrival per nanosecond.
    per_s: f64,
    /// Billionths of arrivals expected before the step.
    before: u64,
}

/// A rate that is constant from step to step, and the expected number of arrivals up to each instant.
#[derive(Clone, Debug, PartialEq)]
pub struct CumulativeRate {
    steps: Vec<Step>,
    end: Time,
    total: u64,
}

impl CumulativeRate {
    /// A curve from (start of step, arrivals per second); each step lasts until the next, the last until `end`.
    ///
    /// # Errors
    /// See [`RateError`].
    pub fn new(steps: &[(Time, f64)], end: Time) -> Result<CumulativeRate, RateError> {
        if steps.is_empty() {
            return Err(RateError::Empty);
        }
        let mut curve = CumulativeRate { steps: Vec::with_capacity(steps.len()), end, total: 0 };
        for (i, (start, per_s)) in steps.iter().enumerate() {
            let next = steps.get(i + 1).map_or(end, |s| s.0);
            if next <= *start {
                return Err(RateError::NotRising(i + 1));
            }
            if !per_s.is_finite() || *per_s < 0.0 {
                return Err(RateError::BadRate(i));
            }
            curve.steps.push(Step { start: *start, per_s: *per_s, before: curve.total });
            // Rounded once per step to 10^-9 arrivals.
            let expected = per_s * next.since(*start).nanos() as f64;
            if expected >= (i64::MAX / 2) as f64 {
                return Err(RateError::TooMany);
            }
            curve.total += (expected + 0.5) as u64;
            if curve.total > i64::MAX as u64 {
                return Err(RateError::TooMany);
            }
        }
        Ok(curve)
    }

    /// One constant rate.
    ///
    /// # Errors
    /// See [`RateError`].
    pub fn constant(per_s: f64, start: Time, end: Time) -> Result<CumulativeRate, RateError> {
        CumulativeRate::new(&[(start, per_s)], end)
    }

    /// Billionths of arrivals expected in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The instant at which the last step ends.
    pub fn end(&self) -> Time {
        self.end
    }

    /// The rate at an instant, in arrivals per second; zero outside of the curve.
    pub fn rate_at(&self, at: Time) -> f64 {
        match self.steps.partition_point(|s| s.start <= at) {
            0 => 0.0,
            _ if at >= self.end => 0.0,
            i => self.steps[i - 1].per_s,
        }
    }

    /// Billionths of arrivals expected before an instant.
    pub fn expected_before(&self, at: Time) -> u64 {
        let i = self.steps.partition_point(|s| s.start <= at);
        if i == 0 {
            return 0;
        }
        let (step, next) = (self.steps[i - 1], self.steps.get(i).map_or(self.total, |s| s.before));
        let part = step.per_s * Time(at.0.min(self.end.0)).since(step.start).nanos() as f64;
        (step.before + (part + 0.5) as u64).min(next)
    }

    /// The first instant at which more than `target` billionths of arrivals are expected, to the nanosecond (rounded
    /// down); `None` if the whole curve does not expect so many. Never falls when `target` rises. Steps of rate zero are
    /// skipped. `cursor` remembers the step, so that rising targets cost constant time each; start it at 0.
    #[inline]
    pub fn invert(&self, target: u64, cursor: &mut usize) -> Option<Time> {
        if target >= self.total {
            return None;
        }
        while *cursor > 0 && self.steps[*cursor].before > target {
            *cursor -= 1;
        }
        while *cursor + 1 < self.steps.len() && self.steps[*cursor + 1].before <= target {
            *cursor += 1;
        }
        let step = &self.steps[*cursor];
        let end = self.steps.get(*cursor + 1).map_or(self.end, |s| s.start);
        let into = ((target - step.before) as f64 / step.per_s) as u64;
        Some(step.start.saturating_add(Span(into)).min(Time(end.0 - 1)))
    }
}

/// The arrivals of one entity, one after the other.
#[derive(Clone, Debug)]
pub struct Arrivals {
    purpose: Purpose,
    entity: EntityKey,
    next: u64,
    reached: u64,
    cursor: usize,
}

impl Arrivals {
    /// Before the first arrival. The gaps are drawn at (`purpose`, `entity`, number of the arrival).
    pub fn new(purpose: Purpose, entity: EntityKey) -> Arrivals {
        Arrivals { purpose, entity, next: 0, reached: 0, cursor: 0 }
    }

    /// Number and time of the next arrival of a Poisson process with this rate, or `None` when the curve has run out.
    #[inline]
    pub fn next_poisson(&mut self, draws: &Draws, rate: &CumulativeRate) -> Option<(u64, Time)> {
        let gap = sample::exponential(1.0, draws.uniform(self.purpose, self.entity, self.next));
        self.next_after(gap, rate)
    }

    /// Number and time of the next arrival of a renewal process in operational time: `unit_gap` is a variate of mean 1
    /// (gamma with shape 1/cv² for bursts), stretched and squeezed by the rate.
    #[inline]
    pub fn next_after(&mut self, unit_gap: f64, rate: &CumulativeRate) -> Option<(u64, Time)> {
        self.reached = self.reached.saturating_add((unit_gap * NANO + 0.5) as u64);
        let at = rate.invert(self.reached, &mut self.cursor)?;
        let n = self.next;
        self.next += 1;
        Some((n, at))
    }

    /// Number of the next arrival, counted from 0.
    pub fn number(&self) -> u64 {
        self.next
    }
}
