//! `least-busy`: the fewest calls in flight.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/least_busy.py`. A counter per (model as asked for, deployment), with a time
//! to live of one hour from its first write, whatever is in flight then: +1 when the call is handed to the provider, −1
//! at its end, floored at 0. Ties go to the first candidate. No randomness.
//!
//! A call that is abandoned half-way never ends for LiteLLM: its +1 stays until the counter runs out.

use super::cache::Window;
use super::why::{Explain, Why};
use crate::routing::reason::Figure;
use crate::units::{DeploymentIx, Span, Time};

/// `IN_FLIGHT_COUNT_TTL_SECONDS`.
const TTL: Span = Span::from_hours(1);

/// Counters of one model, by deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct LeastBusy {
    in_flight: Vec<Window<u64>>,
}

impl LeastBusy {
    fn at(&mut self, deployment: u16) -> &mut Window<u64> {
        let ix = usize::from(deployment);
        if ix >= self.in_flight.len() {
            self.in_flight.resize(ix + 1, Window::default());
        }
        &mut self.in_flight[ix]
    }

    fn count(&self, now: Time, deployment: u16) -> u64 {
        self.in_flight.get(usize::from(deployment)).and_then(|w| w.get(now)).unwrap_or(0)
    }

    /// A call leaves.
    pub fn started(&mut self, now: Time, deployment: u16) {
        self.at(deployment).add(now, 1, TTL);
    }

    /// A call has ended, well or not.
    pub fn ended(&mut self, now: Time, deployment: u16) {
        self.at(deployment).sub_one(now, TTL);
    }

    /// The choice among candidates, which are not empty.
    pub fn pick<S: Explain>(&self, now: Time, candidates: &[u16], reasons: &mut S) -> u16 {
        if reasons.on() {
            for c in candidates {
                let score = Figure::new("calls in flight", self.count(now, *c) as f64);
                reasons.why(Why::Candidate { deployment: DeploymentIx(*c), score });
            }
        }
        let first = candidates[0];
        let mut best = (self.count(now, first), first);
        for c in &candidates[1..] {
            let n = self.count(now, *c);
            if n < best.0 {
                best = (n, *c);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::reason::Silent;

    #[test]
    fn the_counter_runs_out_an_hour_after_its_first_write() {
        let mut c = LeastBusy::default();
        let at = |s: u64| Time(s * 1_000_000_000);
        c.started(at(0), 0);
        c.started(at(3599), 0);
        assert_eq!(c.pick(at(3600), &[0, 1], &mut Silent), 1);
        assert_eq!(c.pick(at(3601), &[0, 1], &mut Silent), 0);
        // the two ends come too late: floored at zero
        c.ended(at(3602), 0);
        c.started(at(3603), 0);
        assert_eq!(c.count(at(3603), 0), 1);
    }
}
