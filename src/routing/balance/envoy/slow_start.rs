//! Slow start: who has just come back into service gets its share of the traffic little by little.
//!
//! Source: Envoy, `docs/root/intro/arch_overview/upstream/load_balancing/slow_start.rst` and `SlowStartConfig` (read 2026):
//! `weight * max(min_weight_percent, (max(seconds since, 1) / window) ^ (1 / aggression))`; aggression 1, at least 10 %. Envoy
//! lets a host start slowly when it joins or passes its active health check again; here pools do not grow, and whatever
//! took a member out of service, it starts slowly when it is back.

use crate::units::{Span, Time};

/// Parameters. [`SlowStart::of`] has Envoy's defaults.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SlowStart {
    /// How long it lasts; positive.
    pub window: Span,
    /// How fast the share grows: above 1 faster at first. At least 0.1.
    pub aggression: f64,
    /// Smallest share of a weight, in percent.
    pub min_weight_percent: f64,
}

impl SlowStart {
    /// Envoy's defaults with this window, which has none.
    pub const fn of(window: Span) -> SlowStart {
        SlowStart { window, aggression: 1.0, min_weight_percent: 10.0 }
    }

    /// The part of its weight that a member has which came back so long ago.
    pub fn factor(&self, since: Span) -> f64 {
        if since >= self.window {
            return 1.0;
        }
        let time = since.as_secs_f64().max(1.0) / self.window.as_secs_f64();
        let grown = if self.aggression == 1.0 { time } else { libm::pow(time, 1.0 / self.aggression) };
        grown.max(self.min_weight_percent / 100.0).min(1.0)
    }
}

/// When a member came back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Warming {
    out: bool,
    back: Option<Time>,
}

impl Warming {
    /// Notes whether it is in service now.
    pub(super) fn look(&mut self, now: Time, in_service: bool) {
        if in_service && self.out {
            self.back = Some(now);
        }
        self.out = !in_service;
    }

    /// The part of its weight that it has now.
    pub(super) fn factor(&self, config: &SlowStart, now: Time) -> f64 {
        self.back.map_or(1.0, |at| config.factor(now.since(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_slow_start_rst_formula() {
        let s = SlowStart::of(Span::from_secs(60));
        let at = |s: &SlowStart, seconds| s.factor(Span::from_secs(seconds));
        assert_eq!([0, 3, 6, 30, 45, 60, 90].map(|t| at(&s, t)), [0.1, 0.1, 0.1, 0.5, 0.75, 1.0, 1.0]);
        let fast = SlowStart { aggression: 2.0, ..s };
        assert!((at(&fast, 15) - 0.5).abs() < 1e-12, "the square root of a quarter");
        let slow = SlowStart { aggression: 0.5, min_weight_percent: 0.0, ..s };
        assert!((at(&slow, 30) - 0.25).abs() < 1e-12, "the square of a half");
        // less than a second counts as one
        assert_eq!(slow.factor(Span::ZERO), slow.factor(Span::from_secs(1)));
    }

    #[test]
    fn only_who_was_out_starts_slowly() {
        let s = SlowStart::of(Span::from_secs(60));
        let mut w = Warming::default();
        let at = Time::ZERO + Span::from_secs(100);
        w.look(at, true);
        assert_eq!(w.factor(&s, at), 1.0);
        w.look(at, false);
        w.look(at + Span::from_secs(30), true);
        assert_eq!(w.factor(&s, at + Span::from_secs(60)), 0.5);
        w.look(at + Span::from_secs(60), true);
        assert_eq!(w.factor(&s, at + Span::from_secs(90)), 1.0);
    }
}
