//! Simulated time: integer nanoseconds, never floats, so that event order cannot depend on rounding.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point of simulated time, in nanoseconds since the **origin of the run** (the start of the warm-up).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

/// A duration in nanoseconds. Never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Time {
    /// The origin of the run.
    pub const ZERO: Time = Time(0);
    /// Later than every event.
    pub const NEVER: Time = Time(u64::MAX);

    /// Nanoseconds since the origin.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the origin, for display and statistics; never fed back into event times.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Time elapsed since `earlier`, zero if `earlier` is later.
    #[inline]
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// `self + span`, stopping at [`Time::NEVER`]; what `+` does, for constants.
    #[inline]
    pub const fn saturating_add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than every run.
    pub const MAX: Span = Span(u64::MAX);

    /// From whole nanoseconds.
    #[inline]
    pub const fn from_nanos(n: u64) -> Span {
        Span(n)
    }
    /// From whole microseconds.
    #[inline]
    pub const fn from_micros(n: u64) -> Span {
        Span(n * 1_000)
    }
    /// From whole milliseconds.
    #[inline]
    pub const fn from_millis(n: u64) -> Span {
        Span(n * 1_000_000)
    }
    /// From whole seconds.
    #[inline]
    pub const fn from_secs(n: u64) -> Span {
        Span(n * 1_000_000_000)
    }
    /// From whole minutes.
    #[inline]
    pub const fn from_mins(n: u64) -> Span {
        Span(n * 60_000_000_000)
    }
    /// From whole hours.
    #[inline]
    pub const fn from_hours(n: u64) -> Span {
        Span(n * 3_600_000_000_000)
    }

    /// From seconds in floating point: rounded to the nearest nanosecond (half up); negative and NaN become zero and
    /// too large saturates. Only IEEE multiplication and conversion are used, so the result is the same on every machine.
    #[inline]
    pub fn from_secs_f64(s: f64) -> Span {
        Span((s * 1e9 + 0.5) as u64)
    }

    /// From milliseconds in floating point; see [`Span::from_secs_f64`].
    #[inline]
    pub fn from_millis_f64(ms: f64) -> Span {
        Span((ms * 1e6 + 0.5) as u64)
    }

    /// Whole nanoseconds.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// Seconds, for display and statistics.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Milliseconds, for display and statistics.
    #[inline]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// `self - other`, zero if `other` is longer.
    #[inline]
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }

    /// Scaled by a non-negative factor, rounded to the nearest nanosecond.
    #[inline]
    pub fn mul_f64(self, k: f64) -> Span {
        Span((self.0 as f64 * k + 0.5) as u64)
    }

    /// Scaled by an integer, saturating.
    #[inline]
    pub const fn times(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

/// Stops at [`Time::NEVER`]: a sum that wrapped round would lie in the past and be taken for an answer.
impl Add<Span> for Time {
    type Output = Time;
    #[inline]
    fn add(self, s: Span) -> Time {
        Time(self.0.saturating_add(s.0))
    }
}

impl AddAssign<Span> for Time {
    #[inline]
    fn add_assign(&mut self, s: Span) {
        *self = *self + s;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    #[inline]
    fn sub(self, s: Span) -> Time {
        Time(self.0 - s.0)
    }
}

/// Stops at [`Span::MAX`].
impl Add for Span {
    type Output = Span;
    #[inline]
    fn add(self, s: Span) -> Span {
        Span(self.0.saturating_add(s.0))
    }
}

impl AddAssign for Span {
    #[inline]
    fn add_assign(&mut self, s: Span) {
        *self = *self + s;
    }
}

impl Sub for Span {
    type Output = Span;
    #[inline]
    fn sub(self, s: Span) -> Span {
        Span(self.0 - s.0)
    }
}

impl fmt::Display for Span {
    /// The largest unit that leaves a number of at least one: `250 ms`, `1.5 s`, `45 min`, `24 h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "min"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        let (size, name) = UNITS.into_iter().find(|(size, _)| self.0 >= *size).unwrap_or((1_000_000_000, "s"));
        let whole = self.0 / size;
        let milli = (self.0 % size) / size.div_ceil(1000).max(1);
        if milli == 0 {
            write!(f, "{whole} {name}")
        } else {
            let digits = format!("{milli:03}");
            write!(f, "{whole}.{} {name}", digits.trim_end_matches('0'))
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t={}.{:09} s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_in_the_largest_fitting_unit() {
        assert_eq!(Span::from_millis(250).to_string(), "250 ms");
        assert_eq!(Span::from_millis(1500).to_string(), "1.5 s");
        assert_eq!(Span::from_mins(90).to_string(), "1.5 h");
        assert_eq!(Span::ZERO.to_string(), "0 s");
        assert_eq!(Span::from_nanos(1_234_567_890).to_string(), "1.234 s");
    }

    #[test]
    fn conversion_from_floats_rounds_and_saturates() {
        assert_eq!(Span::from_secs_f64(0.25), Span::from_millis(250));
        assert_eq!(Span::from_secs_f64(-1.0), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::NAN), Span::ZERO);
        assert_eq!(Span::from_secs_f64(1e30), Span::MAX);
    }

    #[test]
    fn sums_stop_instead_of_wrapping_round() {
        assert_eq!(Time(7) + Span::MAX, Time::NEVER);
        assert_eq!(Span(7) + Span::MAX, Span::MAX);
        let (mut t, mut s) = (Time(7), Span(7));
        (t, s) = (t + Span::MAX, s + Span::MAX);
        t += Span(1);
        s += Span(1);
        assert_eq!((t, s), (Time::NEVER, Span::MAX));
    }
}
