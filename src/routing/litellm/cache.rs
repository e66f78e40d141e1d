//! LiteLLM's in-memory cache as counters: a time to live that the first write fixes.
//!
//! Source: LiteLLM 1.106.2, `caching/in_memory_cache.py`. Semantics that every strategy inherits:
//!
//! * later writes and increments do not extend the time to live (a fixed window anchored at its first event);
//! * a value has expired when `now > expiry`, strictly;
//! * what has expired starts again, with a fresh time to live, at the next write. At `now == expiry` itself a read still
//!   sees the value while a write first clears what expires by then: an increment carries the value into a new window.
//!
//! The cache holds 200 keys and evicts those that expire first. That is not modelled here: see the module's documentation.

use crate::units::{Span, Time};

/// A value with a time to live fixed by its first write.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Window<T> {
    value: T,
    expiry: Option<Time>,
}

impl<T: Copy + Default> Window<T> {
    /// The value, if it was written and has not expired.
    #[inline]
    pub fn get(&self, now: Time) -> Option<T> {
        match self.expiry {
            Some(expiry) if now <= expiry => Some(self.value),
            _ => None,
        }
    }

    /// Writes a value. The time to live counts only if none is running.
    #[inline]
    pub fn set(&mut self, now: Time, value: T, ttl: Span) {
        self.value = value;
        if self.expiry.is_none_or(|expiry| now >= expiry) {
            self.expiry = Some(now.saturating_add(ttl));
        }
    }
}

impl Window<u64> {
    /// Adds and returns the sum.
    #[inline]
    pub fn add(&mut self, now: Time, by: u64, ttl: Span) -> u64 {
        let value = self.get(now).unwrap_or(0) + by;
        self.set(now, value, ttl);
        value
    }

    /// Subtracts one, stopping at zero, as the in-flight counters do.
    #[inline]
    pub fn sub_one(&mut self, now: Time, ttl: Span) {
        let value = self.get(now).unwrap_or(0).saturating_sub(1);
        self.set(now, value, ttl);
    }
}

/// Requests and tokens of one minute; asking for another minute starts from nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Minute {
    minute: u64,
    tpm: Option<u64>,
    rpm: Option<u64>,
}

impl Minute {
    #[inline]
    fn at(&mut self, minute: u64) -> &mut Minute {
        if self.minute != minute {
            *self = Minute { minute, tpm: None, rpm: None };
        }
        self
    }

    /// Tokens counted in that minute, `None` before the first.
    #[inline]
    pub fn tpm(&self, minute: u64) -> Option<u64> {
        self.tpm.filter(|_| self.minute == minute)
    }

    /// Requests counted in that minute, `None` before the first.
    #[inline]
    pub fn rpm(&self, minute: u64) -> Option<u64> {
        self.rpm.filter(|_| self.minute == minute)
    }

    /// Tokens and requests counted in that minute.
    #[inline]
    pub fn counted(&self, minute: u64) -> (u64, u64) {
        if self.minute == minute { (self.tpm.unwrap_or(0), self.rpm.unwrap_or(0)) } else { (0, 0) }
    }

    /// Counts tokens.
    #[inline]
    pub fn add_tpm(&mut self, minute: u64, tokens: u64) {
        let m = self.at(minute);
        m.tpm = Some(m.tpm.unwrap_or(0) + tokens);
    }

    /// Counts requests and returns the sum.
    #[inline]
    pub fn add_rpm(&mut self, minute: u64, requests: u64) -> u64 {
        let m = self.at(minute);
        let sum = m.rpm.unwrap_or(0) + requests;
        m.rpm = Some(sum);
        sum
    }
}

/// The calendar of the gateway's host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Calendar {
    /// Unix time of [`Time::ZERO`].
    pub epoch: Span,
    /// Local time minus UTC, in seconds: three strategies count by minutes of local time.
    pub local_offset_s: i32,
}

impl Calendar {
    const MINUTE: u64 = 60_000_000_000;

    /// Number of the UTC minute.
    #[inline]
    pub fn utc_minute(&self, now: Time) -> u64 {
        (self.epoch.nanos() + now.nanos()) / Self::MINUTE
    }

    /// Number of the minute of local time.
    #[inline]
    pub fn local_minute(&self, now: Time) -> u64 {
        let offset = i64::from(self.local_offset_s) * 1_000_000_000;
        (self.epoch.nanos() + now.nanos()).saturating_add_signed(offset) / Self::MINUTE
    }

    /// How long ago the minute began.
    pub fn into_minute(&self, now: Time, local: bool) -> Span {
        let offset = if local { i64::from(self.local_offset_s) * 1_000_000_000 } else { 0 };
        Span((self.epoch.nanos() + now.nanos()).saturating_add_signed(offset) % Self::MINUTE)
    }

    /// The same day and time `months` later, as a span: the last day of a shorter month stands for a missing day.
    pub fn months_after(&self, now: Time, months: u32) -> Span {
        const DAY: u64 = 86_400_000_000_000;
        let offset = i64::from(self.local_offset_s) * 1_000_000_000;
        let local = (self.epoch.nanos() + now.nanos()).saturating_add_signed(offset);
        let (year, month, day) = civil_from_days((local / DAY) as i64);
        let index = i64::from(month) - 1 + i64::from(months);
        let (year, month) = (year + index / 12, (index % 12) as u32 + 1);
        let first_of_next =
            if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
        let last = (first_of_next - days_from_civil(year, month, 1)) as u32;
        let target = days_from_civil(year, month, day.min(last));
        Span::from_secs((target - (local / DAY) as i64) as u64 * 86_400)
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years are counted from March, so that the leap day comes
/// last and the days before a month follow one linear formula.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_first_write_anchors_the_window() {
        let mut w = Window::<u64>::default();
        let ttl = Span::from_secs(60);
        assert_eq!(w.get(Time::ZERO), None);
        assert_eq!(w.add(Time(10 * S), 1, ttl), 1);
        assert_eq!(w.add(Time(69 * S), 1, ttl), 2);
        assert_eq!((w.get(Time(70 * S)), w.get(Time(70 * S + 1))), (Some(2), None));
        // a write after the expiry starts from nothing
        assert_eq!(w.add(Time(71 * S), 1, ttl), 1);
        // a write at the expiry itself carries the value over
        assert_eq!(w.add(Time(131 * S), 1, ttl), 2);
        assert_eq!(w.get(Time(191 * S)), Some(2));
    }

    #[test]
    fn minutes_are_apart() {
        let mut m = Minute::default();
        m.add_tpm(7, 30);
        assert_eq!((m.tpm(7), m.rpm(7), m.tpm(8)), (Some(30), None, None));
        assert_eq!(m.add_rpm(8, 1), 1);
        assert_eq!((m.tpm(8), m.rpm(8)), (None, Some(1)));
    }

    #[test]
    fn months_end_on_the_last_day_of_a_shorter_month() {
        // 2026-01-31T12:00:00Z
        let c = Calendar { epoch: Span::from_secs(1_769_860_800), local_offset_s: 0 };
        assert_eq!(civil_from_days(1_769_860_800 / 86_400), (2026, 1, 31));
        assert_eq!(c.months_after(Time::ZERO, 1), Span::from_hours(28 * 24));
        assert_eq!(c.months_after(Time::ZERO, 12), Span::from_hours(365 * 24));
        assert_eq!(c.utc_minute(Time(60 * S)) - c.utc_minute(Time::ZERO), 1);
    }
}
