//! Exponential backoff with jitter.
//!
//! Sources: AWS Architecture Blog, "Exponential Backoff And Jitter" (M. Brooker, 2015): full, equal and decorrelated
//! jitter; delay before retry `n` (0 for the first): `t = min(cap, base * 2^n)`.

use crate::routing::entropy::Entropy;
use crate::units::Span;

/// How the delay is randomised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jitter {
    /// The delay is `t`.
    None,
    /// Uniform in [0, t).
    Full,
    /// `t/2` plus uniform in [0, t/2).
    Equal,
    /// `min(cap, uniform in [base, 3 * previous delay))`; the first "previous" is `base`.
    Decorrelated,
}

/// Parameters of the backoff.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// Delay scale of the first retry.
    pub base: Span,
    /// Longest delay.
    pub cap: Span,
    /// Randomisation.
    pub jitter: Jitter,
}

impl Backoff {
    /// Delay before retry `retry` (0 for the first) after a delay of `previous` (zero before the first).
    pub fn delay<E: Entropy>(&self, retry: u32, previous: Span, entropy: &mut E) -> Span {
        let doubled = if retry >= 63 { u64::MAX } else { self.base.nanos().saturating_mul(1 << retry) };
        let t = Span(doubled.min(self.cap.nanos()));
        match self.jitter {
            Jitter::None => t,
            Jitter::Full => t.mul_f64(entropy.uniform()),
            Jitter::Equal => {
                let half = Span(t.nanos() / 2);
                half + (t - half).mul_f64(entropy.uniform())
            }
            Jitter::Decorrelated => {
                let previous = if previous == Span::ZERO { self.base } else { previous };
                let width = previous.times(3).saturating_sub(self.base);
                let d = self.base.nanos().saturating_add(width.mul_f64(entropy.uniform()).nanos());
                Span(d.min(self.cap.nanos()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replays one value for ever.
    struct Fixed(f64);
    impl Entropy for Fixed {
        fn uniform(&mut self) -> f64 {
            self.0
        }
    }

    fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    #[test]
    fn delays_of_the_published_formulas() {
        let b = |jitter| Backoff { base: ms(100), cap: ms(1000), jitter };
        let half = &mut Fixed(0.5);
        assert_eq!(b(Jitter::None).delay(2, Span::ZERO, half), ms(400));
        assert_eq!(b(Jitter::None).delay(9, Span::ZERO, half), ms(1000));
        assert_eq!(b(Jitter::None).delay(200, Span::ZERO, half), ms(1000));
        assert_eq!(b(Jitter::Full).delay(2, Span::ZERO, half), ms(200));
        assert_eq!(b(Jitter::Equal).delay(2, Span::ZERO, half), ms(300));
        assert_eq!(b(Jitter::Decorrelated).delay(0, Span::ZERO, half), ms(200));
        assert_eq!(b(Jitter::Decorrelated).delay(1, ms(300), half), ms(500));
        assert_eq!(b(Jitter::Decorrelated).delay(1, ms(900), half), ms(1000));
    }
}
