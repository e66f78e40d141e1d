//! Distributions of durations and of tokens.

use crate::scenario::decode::{TokenCount, choice, table};
use crate::scenario::diagnostic::{At, Loc};
use crate::units::Span;

macro_rules! dist {
    ($dist:ident $name:literal, $unit:ty, $uniform:ident $uniform_name:literal, $exponential:ident
     $exponential_name:literal, $lognormal:ident $lognormal_name:literal) => {
        table! {
            whole
            /// Evenly between two values.
            $uniform $uniform_name {
                /// Smallest value.
                min: At<$unit> = Required,
                /// Largest value, at least `min`.
                max: At<$unit> = Required,
            }
        }
        table! {
            whole
            /// Exponential distribution.
            $exponential $exponential_name {
                /// Mean.
                mean: At<$unit> = Required,
            }
        }
        table! {
            whole
            /// Log-normal distribution through two percentiles.
            $lognormal $lognormal_name {
                /// Median.
                p50: At<$unit> = Required,
                /// 95th percentile, at least `p50`.
                p95: At<$unit> = Required,
            }
        }
        choice! {
            /// A distribution.
            $dist $name {
                /// Always the same value.
                "constant" => Constant(At<$unit>),
                /// Evenly between `min` and `max`.
                "uniform" => Uniform($uniform),
                /// Exponential with this mean.
                "exponential" => Exponential($exponential),
                /// Log-normal with this median and 95th percentile.
                "lognormal" => LogNormal($lognormal),
            }
        }
        impl $dist {
            /// Where it is stated.
            #[allow(dead_code, reason = "for durations nobody asks")]
            pub fn loc(&self) -> Option<Loc> {
                Some(match self {
                    $dist::Constant(v) => v.loc,
                    $dist::Uniform(u) => u.loc,
                    $dist::Exponential(e) => e.loc,
                    $dist::LogNormal(l) => l.loc,
                })
            }
        }
    };
}

dist!(DurationDist "Distribution of durations", Span,
    RawUniformDuration "Uniform duration", RawExponentialDuration "Exponential duration",
    RawLogNormalDuration "Log-normal duration");
dist!(TokenDist "Distribution of tokens", TokenCount,
    RawUniformTokens "Uniform tokens", RawExponentialTokens "Exponential tokens",
    RawLogNormalTokens "Log-normal tokens");
