//! What speaks for a member: scorers of an endpoint picker, each between 0 and 1.
//!
//! Source: llm-d inference scheduler at 520af47, `pkg/epp` (the endpoint picker of the Gateway API inference extension, read
//! 2026): `queue-scorer`, `running-requests-size-scorer`, `kv-cache-utilization-scorer`, `prefix-cache-scorer`,
//! `load-aware-scorer`, `active-request-scorer`. Not built: scorers of LoRA adapters, predicted latency and tokens in
//! flight.

/// Weights of the scorers; 0 for one that is not used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Weights {
    /// Reported waiting requests, between the most and the fewest of all.
    pub queue: f64,
    /// Reported running requests, between the most and the fewest of all.
    pub running: f64,
    /// Reported utilisation of the cache (or of the slots).
    pub utilisation: f64,
    /// Share of the prompt's blocks that are probably cached.
    pub prefix: f64,
    /// Reported waiting requests against 128.
    pub load_aware: f64,
    /// Calls of this gateway in flight, against the most of all.
    pub active_requests: f64,
}

impl Weights {
    /// The sample configuration `epp-config.yaml` with load awareness: prefix and load alike.
    pub const SAMPLE: Weights =
        Weights { queue: 0.0, running: 0.0, utilisation: 0.0, prefix: 1.0, load_aware: 1.0, active_requests: 0.0 };

    /// Whether a scorer that looks at reports has a weight.
    pub fn uses_reports(&self) -> bool {
        self.queue + self.running + self.utilisation + self.load_aware > 0.0
    }

    /// Whether every weight is zero.
    pub fn is_zero(&self) -> bool {
        !self.uses_reports() && self.prefix + self.active_requests <= 0.0
    }
}

/// Waiting requests at which `load-aware-scorer` gives nothing.
const QUEUE_THRESHOLD: u32 = 128;

/// The most and the fewest of a count over the candidates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// Fewest.
    pub least: u32,
    /// Most.
    pub most: u32,
}

impl Range {
    /// Over these counts.
    pub fn of(counts: impl Iterator<Item = u32>) -> Range {
        let start = Range { least: u32::MAX, most: 0 };
        counts.fold(start, |r, n| Range { least: r.least.min(n), most: r.most.max(n) })
    }

    /// 1 for the fewest, 0 for the most; 1 when all are alike.
    pub fn score(self, n: u32) -> f64 {
        if self.most <= self.least { 1.0 } else { f64::from(self.most - n) / f64::from(self.most - self.least) }
    }
}

/// Half for an empty queue, less for a longer one.
pub fn load_aware(waiting: u32) -> f64 {
    0.5 * (1.0 - f64::from(waiting.min(QUEUE_THRESHOLD)) / f64::from(QUEUE_THRESHOLD))
}

/// 1 for a member that is idle, otherwise what is missing to the busiest.
pub fn active_requests(in_flight: u32, most: u32) -> f64 {
    if in_flight == 0 { 1.0 } else { f64::from(most - in_flight) / f64::from(most) }
}

/// Share of a prompt that is cached.
pub fn prefix(matched: usize, blocks: usize) -> f64 {
    if blocks == 0 { 0.0 } else { matched as f64 / blocks as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llm_d_scorers() {
        let queues = [2, 10, 6];
        let range = Range::of(queues.into_iter());
        assert_eq!(queues.map(|q| range.score(q)), [1.0, 0.0, 0.5]);
        assert_eq!(Range::of([4, 4].into_iter()).score(4), 1.0, "all alike");
        assert_eq!([0, 64, 128, 1000].map(load_aware), [0.5, 0.25, 0.0, 0.0]);
        assert_eq!([0, 1, 4].map(|n| active_requests(n, 4)), [1.0, 0.75, 0.0]);
        assert_eq!((prefix(3, 4), prefix(0, 0)), (0.75, 0.0));
    }
}
