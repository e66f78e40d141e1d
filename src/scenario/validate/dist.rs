//! Distributions and sizes in base units.

use crate::scenario::decode::{Cx, TokenCount};
use crate::scenario::diagnostic::At;
use crate::scenario::model::DistSpec;
use crate::scenario::raw::{DurationDist, TokenDist};
use crate::units::Span;

/// Most tokens of one message: ten times the longest context window that anybody offers in 2026.
const MOST_TOKENS: f64 = 1e8;

/// Values of a distribution with their places, in base units (seconds or tokens).
enum Parts {
    Constant(At<f64>),
    Uniform(Option<At<f64>>, Option<At<f64>>),
    Exponential(Option<At<f64>>),
    LogNormal(Option<At<f64>>, Option<At<f64>>),
}

/// A distribution of durations, in seconds.
pub fn durations(dist: &DurationDist, cx: &mut Cx) -> Option<DistSpec> {
    let s = |v: &Option<At<Span>>| v.as_ref().map(|v| At { value: v.value.as_secs_f64(), loc: v.loc });
    let parts = match dist {
        DurationDist::Constant(v) => Parts::Constant(At { value: v.value.as_secs_f64(), loc: v.loc }),
        DurationDist::Uniform(u) => Parts::Uniform(s(&u.min), s(&u.max)),
        DurationDist::Exponential(e) => Parts::Exponential(s(&e.mean)),
        DurationDist::LogNormal(l) => Parts::LogNormal(s(&l.p50), s(&l.p95)),
    };
    spec(parts, cx)
}

/// A distribution of tokens.
pub fn tokens(dist: &TokenDist, cx: &mut Cx) -> Option<DistSpec> {
    let t = |v: &Option<At<TokenCount>>| v.as_ref().map(|v| At { value: v.value.0 as f64, loc: v.loc });
    let parts = match dist {
        TokenDist::Constant(v) => Parts::Constant(At { value: v.value.0 as f64, loc: v.loc }),
        TokenDist::Uniform(u) => Parts::Uniform(t(&u.min), t(&u.max)),
        TokenDist::Exponential(e) => Parts::Exponential(t(&e.mean)),
        TokenDist::LogNormal(l) => Parts::LogNormal(t(&l.p50), t(&l.p95)),
    };
    let largest = match &parts {
        Parts::Constant(v) => Some(*v),
        Parts::Uniform(_, v) | Parts::Exponential(v) | Parts::LogNormal(_, v) => *v,
    };
    if let Some(v) = largest.filter(|v| v.value > MOST_TOKENS) {
        cx.error(v.loc, "so many tokens fit no model").expected("at most 100 million tokens");
    }
    spec(parts, cx)
}

fn spec(parts: Parts, cx: &mut Cx) -> Option<DistSpec> {
    match parts {
        Parts::Constant(v) => Some(DistSpec::Constant(v.value)),
        Parts::Uniform(min, max) => {
            let (min, max) = (min?, max?);
            if min.value > max.value {
                cx.error(max.loc, "`max` is smaller than `min`").note(min.loc, "`min` is here");
            }
            Some(DistSpec::Uniform { min: min.value, max: max.value })
        }
        Parts::Exponential(mean) => {
            let mean = mean?;
            if mean.value == 0.0 {
                cx.error(mean.loc, "`mean` must be more than 0").help("a value that is always 0 is `constant`");
            }
            Some(DistSpec::Exponential { mean: mean.value })
        }
        Parts::LogNormal(p50, p95) => {
            let (p50, p95) = (p50?, p95?);
            if p50.value == 0.0 {
                cx.error(p50.loc, "`p50` must be more than 0").help("a value that is always 0 is `constant`");
            }
            if p95.value < p50.value {
                cx.error(p95.loc, "`p95` is smaller than `p50`")
                    .expected("a 95th percentile of at least the median")
                    .note(p50.loc, "`p50` is here");
            }
            Some(DistSpec::LogNormal { p50: p50.value, p95: p95.value })
        }
    }
}

/// A number of tokens that fits the model, at least `least`.
pub fn token_count(v: &At<TokenCount>, key: &str, least: u64, cx: &mut Cx) -> u32 {
    if (least..=MOST_TOKENS as u64).contains(&v.value.0) {
        return v.value.0 as u32;
    }
    cx.error(v.loc, format!("`{key}` is {} tokens, which is out of range", v.value.0))
        .expected(format!("{least} to 100 million tokens"));
    least as u32
}
