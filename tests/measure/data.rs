//! Data for the tests.

use geodes::measure::metric::definitions;
use geodes::measure::{MetricRef, Selector};
use proptest::prelude::*;

/// A linear congruential generator for test data (Knuth's MMIX constants): uniform in (0, 1).
pub struct Uniform(pub u64);

impl Uniform {
    /// The next one.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }
}

/// Every kind of reference that the definitions allow, with any text as the selector's value.
pub fn references() -> impl Strategy<Value = MetricRef> {
    (0..definitions().len(), any::<prop::sample::Index>(), any::<u8>(), "\\PC{1,12}", "[a-z:\" \\\\,={}<>-]{1,8}")
        .prop_map(|(i, stat, mask, first, second)| {
            let d = &definitions()[i];
            let stat = d.is_distribution().then(|| d.stats[stat.index(d.stats.len())]);
            let mut chosen: Vec<(Selector, &str)> = d.required.iter().map(|&s| (s, first.as_str())).collect();
            for (k, &s) in d.selectors.iter().enumerate() {
                let free = d.together || chosen.is_empty();
                if mask >> k & 1 == 1 && free && !chosen.iter().any(|(t, _)| *t == s) {
                    chosen.push((s, second.as_str()));
                }
            }
            MetricRef::new(d.name, stat, &chosen)
        })
}
