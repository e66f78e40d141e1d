//! How long a client waits before it calls again: exponential backoff with jitter, or the rule of a client library that
//! people really use, Retry-After included.

use super::Backoff;
use crate::routing::entropy::Entropy;
use crate::routing::outcome::ErrorClass;
use crate::units::Span;

/// A rule for the pause before a retry. `k` counts the retries before it (0 for the first).
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Delay {
    /// Exponential backoff with a kind of jitter; a longer Retry-After wins.
    Backoff(Backoff),
    /// AWS SDK, standard mode since 2025 (botocore 1.44.5, `retries/standard.py`): `uniform * min(base * 2^k, 20 s)` with a
    /// base of 1 s after a throttling error and 50 ms otherwise. A Retry-After raises the delay `t` to at most `t + 5 s`.
    /// ASSUMPTION: a plain Retry-After counts; botocore looks at `x-amz-retry-after` alone, which is what AWS sends.
    AwsStandard,
    /// AWS SDK, standard mode before that (AWS SDK reference guide, "Retry behavior"): `uniform * min(2^k, 20) s`.
    /// ASSUMPTION: a longer Retry-After wins; the guide does not say.
    AwsClassic,
    /// gRPC proposal A6 as amended in 2024: `min(initial * multiplier^k, max)` times a uniform factor in [0.8, 1.2).
    Grpc(GrpcBackoff),
    /// openai-python 2.54.0 (`_base_client.py`): a Retry-After of up to 120 s is obeyed, a longer one ends the retries;
    /// otherwise `min(0.5 * 2^k, 8) s * (1 - 0.25 * uniform)`.
    OpenAi,
    /// anthropic-sdk-python 2.11.0 (`_base_client.py`): any Retry-After is obeyed; otherwise as openai-python.
    Anthropic,
    /// Envoy (`backoff_strategy.cc`, `JitteredExponentialBackOffStrategy`, read 2026): uniform in
    /// `[0, min(base * 2^k, 10 * base))`; default base 25 ms. The documentation ("Router") still has the rule of the code
    /// before it, `[0, (2^(k+1) - 1) * base)`: the same for the first retry, wider for those after it.
    Envoy {
        /// Base interval.
        base: Span,
    },
    /// Portkey gateway (`retryHandler.ts`): `1 s * 2^k` without jitter; a Retry-After is obeyed when it is under 60 s, and
    /// ends the retries otherwise.
    Portkey,
    /// Bifrost ("Retries and fallbacks"): `min(0.5 s * 2^k, 5 s)` times a uniform factor in [0.8, 1.2).
    Bifrost,
}

/// Parameters of [`Delay::Grpc`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GrpcBackoff {
    /// Delay before the first retry.
    pub initial: Span,
    /// Longest delay.
    pub max: Span,
    /// Factor from one retry to the next, in thousandths.
    pub multiplier_thousandths: u32,
}

impl Delay {
    /// The pause before retry `k` after a failure of `class`; `previous` is the pause before (zero at first). `None`: the
    /// rule gives up.
    pub fn before<E: Entropy>(
        &self,
        k: u32,
        previous: Span,
        class: Option<ErrorClass>,
        retry_after: Option<Span>,
        entropy: &mut E,
    ) -> Option<Span> {
        let asked = retry_after.unwrap_or(Span::ZERO);
        Some(match self {
            Delay::Backoff(b) => b.delay(k, previous, entropy).max(asked),
            Delay::AwsStandard => {
                let throttled = class.and_then(ErrorClass::status) == Some(429);
                let base = if throttled { Span::from_secs(1) } else { Span::from_millis(50) };
                let t = doubled(base, k, Span::from_secs(20)).mul_f64(entropy.uniform());
                t.max(asked.min(t + Span::from_secs(5)))
            }
            Delay::AwsClassic => {
                doubled(Span::from_secs(1), k, Span::from_secs(20)).mul_f64(entropy.uniform()).max(asked)
            }
            Delay::Grpc(g) => {
                let factor = libm::pow(f64::from(g.multiplier_thousandths) / 1000.0, f64::from(k));
                let t = g.initial.as_secs_f64() * factor;
                let t = Span::from_secs_f64(t.min(g.max.as_secs_f64()));
                // gRPC has a trailer of its own in the place of Retry-After: it replaces the delay
                retry_after.unwrap_or_else(|| t.mul_f64(0.8 + 0.4 * entropy.uniform()))
            }
            Delay::OpenAi => match retry_after {
                Some(r) if r > Span::from_secs(120) => return None,
                Some(r) if r > Span::ZERO => r,
                _ => sdk(k, entropy),
            },
            Delay::Anthropic => match retry_after {
                Some(r) if r > Span::ZERO => r,
                _ => sdk(k, entropy),
            },
            Delay::Envoy { base } => doubled(*base, k, base.times(10)).mul_f64(entropy.uniform()),
            Delay::Portkey => match retry_after {
                Some(r) if r >= Span::from_secs(60) => return None,
                Some(r) => r,
                None => doubled(Span::from_secs(1), k, Span::from_hours(1)),
            },
            Delay::Bifrost => {
                let t = doubled(Span::from_millis(500), k, Span::from_secs(5));
                t.mul_f64(0.8 + 0.4 * entropy.uniform())
            }
        })
    }
}

/// `min(base * 2^k, cap)`.
fn doubled(base: Span, k: u32, cap: Span) -> Span {
    let t = if k >= 63 { u64::MAX } else { base.nanos().saturating_mul(1 << k) };
    Span(t.min(cap.nanos()))
}

/// The common default of the OpenAI and Anthropic clients.
fn sdk<E: Entropy>(k: u32, entropy: &mut E) -> Span {
    doubled(Span::from_millis(500), k, Span::from_secs(8)).mul_f64(1.0 - 0.25 * entropy.uniform())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::balance::tests::Tape;

    fn ms(delay: Delay, k: u32, class: ErrorClass, retry_after: Option<u64>, u: f64) -> Option<f64> {
        let after = retry_after.map(Span::from_secs);
        delay.before(k, Span::ZERO, Some(class), after, &mut Tape(vec![u])).map(|s| s.as_millis_f64())
    }

    #[test]
    fn aws_standard_has_two_bases_and_adds_at_most_five_seconds() {
        let aws = |k, class, after| ms(Delay::AwsStandard, k, class, after, 0.5);
        assert_eq!(aws(0, ErrorClass::RateLimited, None), Some(500.0));
        assert_eq!(aws(0, ErrorClass::Unavailable, None), Some(25.0));
        assert_eq!(aws(3, ErrorClass::Unavailable, None), Some(200.0));
        assert_eq!(aws(9, ErrorClass::RateLimited, None), Some(10_000.0), "capped at 20 s before the draw");
        assert_eq!(aws(0, ErrorClass::RateLimited, Some(3)), Some(3000.0));
        assert_eq!(aws(0, ErrorClass::RateLimited, Some(60)), Some(5500.0));
        assert_eq!(ms(Delay::AwsClassic, 2, ErrorClass::Timeout, None, 0.25), Some(1000.0));
    }

    #[test]
    fn the_clients_of_openai_and_anthropic_differ_in_long_waits() {
        let plain = |d, k| ms(d, k, ErrorClass::RateLimited, None, 0.4);
        assert_eq!([0, 1, 4, 9].map(|k| plain(Delay::OpenAi, k)), [450.0, 900.0, 7200.0, 7200.0].map(Some));
        assert_eq!(plain(Delay::Anthropic, 0), Some(450.0));
        let asked = |d, s| ms(d, 0, ErrorClass::RateLimited, Some(s), 0.0);
        assert_eq!((asked(Delay::OpenAi, 120), asked(Delay::OpenAi, 121)), (Some(120_000.0), None));
        assert_eq!(asked(Delay::Anthropic, 600), Some(600_000.0));
    }

    #[test]
    fn envoy_grpc_portkey_and_bifrost() {
        let envoy = Delay::Envoy { base: Span::from_millis(25) };
        let e = |k, u| ms(envoy, k, ErrorClass::Unavailable, None, u);
        assert_eq!([e(0, 0.5), e(1, 0.5), e(2, 0.5), e(5, 0.5)], [12.5, 25.0, 50.0, 125.0].map(Some));
        let grpc =
            GrpcBackoff { initial: Span::from_millis(100), max: Span::from_secs(1), multiplier_thousandths: 2000 };
        let g = |k| ms(Delay::Grpc(grpc), k, ErrorClass::Unavailable, None, 0.5).unwrap().round();
        assert_eq!([g(0), g(2), g(6)], [100.0, 400.0, 1000.0]);
        assert_eq!(ms(Delay::Grpc(grpc), 0, ErrorClass::Unavailable, Some(2), 0.5), Some(2000.0));
        let p = |k, after| ms(Delay::Portkey, k, ErrorClass::RateLimited, after, 0.0);
        assert_eq!(
            [p(0, None), p(2, None), p(0, Some(59)), p(0, Some(60))],
            [Some(1000.0), Some(4000.0), Some(59_000.0), None]
        );
        let b = |k, u| ms(Delay::Bifrost, k, ErrorClass::Unavailable, None, u).unwrap().round();
        assert_eq!([b(0, 0.0), b(0, 0.5), b(5, 0.5)], [400.0, 500.0, 5000.0]);
    }
}
