//! Rates as they are written, in the form that a counter needs: buckets, windows, whole numbers per minute.

use crate::routing::limits::{BucketConfig, WindowConfig};
use crate::scenario::decode::{Cx, RequestRate, TokenRate};
use crate::scenario::diagnostic::{At, Loc};
use crate::units::{PerNanos, Span};

/// Arithmetic of the limiters is exact in 128 bits as long as rates stay below this per period.
pub(super) const MOST: u64 = 1_000_000_000_000;

/// A rate and where it stands.
pub(super) type Rate = (PerNanos, Loc);

pub(super) fn tokens(rate: &Option<At<TokenRate>>) -> Option<Rate> {
    rate.map(|r| (r.value.0, r.loc))
}

pub(super) fn requests(rate: &Option<At<RequestRate>>) -> Option<Rate> {
    rate.map(|r| (r.value.0, r.loc))
}

/// A rate that is neither nothing nor too much.
pub(super) fn sound((rate, loc): Rate, cx: &mut Cx) -> Option<PerNanos> {
    if rate.micro_count == 0 {
        cx.error(loc, "a quota of 0 refuses everything").help("leave it out for no limit");
        return None;
    }
    if rate.micro_count / 1_000_000 > MOST {
        cx.error(loc, "the quota is too large").expected("at most 10^12 in a period").help("leave it out for no limit");
        return None;
    }
    Some(rate)
}

/// `None` in the second place: it was wrong.
pub(super) fn each<T>(rate: Option<Rate>, mut f: impl FnMut(Rate) -> Option<T>) -> Option<Option<T>> {
    rate.map_or(Some(None), |r| f(r).map(Some))
}

/// A bucket that holds what the rate gives in its period, or a stated number.
pub(super) fn bucket(rate: Rate, burst: Option<(u64, Loc)>, what: &str, cx: &mut Cx) -> Option<BucketConfig> {
    let loc = rate.1;
    let rate = sound(rate, cx)?;
    let capacity = burst.map_or(rate.micro_count / 1_000_000, |(n, _)| n);
    let at = burst.map_or(loc, |(_, l)| l);
    if capacity > MOST {
        cx.error(at, "the burst is too large").expected("at most 10^12");
        return None;
    }
    if capacity == 0 {
        cx.error(at, format!("the bucket holds less than one of the {what}, so nothing ever fits"))
            .help(format!("state a larger burst, or the rate over a longer period ({what}/min)"));
        return None;
    }
    Some(BucketConfig { rate, capacity })
}

/// A bucket that holds what the rate gives in a stated time, and at least one.
pub(super) fn bucket_over(rate: Rate, burst: Span, cx: &mut Cx) -> Option<BucketConfig> {
    let rate = sound(rate, cx)?;
    let holds = u128::from(rate.micro_count) * u128::from(burst.nanos()) / (u128::from(rate.nanos) * 1_000_000);
    Some(BucketConfig { rate, capacity: u64::try_from(holds).unwrap_or(MOST).clamp(1, MOST) })
}

/// A window as long as the period of the rate.
pub(super) fn window(rate: Rate, cx: &mut Cx) -> Option<WindowConfig> {
    let loc = rate.1;
    let rate = sound(rate, cx)?;
    if rate.micro_count % 1_000_000 != 0 {
        cx.error(loc, "a window counts whole numbers").help("state the rate over a longer period");
        return None;
    }
    Some(WindowConfig { limit: rate.micro_count / 1_000_000, window: Span(rate.nanos) })
}

/// A whole number per minute.
pub(super) fn per_minute(rate: Rate, cx: &mut Cx) -> Option<u64> {
    let loc = rate.1;
    let rate = sound(rate, cx)?;
    let (in_a_minute, of) =
        (u128::from(rate.micro_count) * u128::from(Span::from_mins(1).nanos()), u128::from(rate.nanos) * 1_000_000);
    if in_a_minute % of != 0 || in_a_minute / of > u128::from(MOST) {
        cx.error(loc, "this limit is kept per minute").expected("a whole number per minute, at most 10^12");
        return None;
    }
    Some((in_a_minute / of) as u64)
}

/// Reports a quota that limits nothing, unless its keys are broken.
pub(super) fn limits_something(any: bool, bad: &[&str], loc: Loc, example: &str, cx: &mut Cx) -> Option<()> {
    if !any && bad.is_empty() {
        cx.error(loc, "a quota without a limit").expected(example);
    }
    any.then_some(())
}

/// A time between nothing and an hour.
pub(super) fn bounded(span: At<Span>, key: &str, cx: &mut Cx) -> Option<Span> {
    let hour = Span::from_hours(1);
    if span.value > hour {
        cx.error(span.loc, format!("`{key}` is {}, which is out of range", span.value)).expected("at most 1 h");
        return None;
    }
    Some(cx.positive(span, key)).filter(|s| *s > Span::ZERO)
}

/// A window of one of Envoy's units.
pub(super) fn unit_window(rate: Rate, cx: &mut Cx) -> Option<WindowConfig> {
    let units = [1, 60, 3_600, 86_400].map(Span::from_secs);
    let w = window(rate, cx)?;
    if !units.contains(&w.window) {
        cx.error(rate.1, "Envoy counts per second, minute, hour or day");
        return None;
    }
    Some(w)
}
