//! Shapes of the request rate over time.

use super::table::{num, records, unpack};
use crate::units::Span;
use std::sync::OnceLock;

/// A request rate relative to its mean, step by step.
///
/// What is known of the time axis: the source counts seconds from an unnamed start and names no zone; hours of the
/// largest traffic suggest Chinese local time. ASSUMPTION: step 0 is local midnight. The weekday of day 0 is unknown,
/// and the 14 days show no clear week.
#[derive(Clone, PartialEq, Debug)]
pub struct RateShape {
    /// Name, see [`SHAPES`].
    pub name: &'static str,
    /// Length of a step.
    pub step: Span,
    /// Relative rate of each step; their mean is 1.
    pub weights: Vec<f64>,
    /// Steps of the original 14 days that were missing (rate 0) and filled in between their neighbours.
    pub interpolated: usize,
    /// Mean rate of the original service, requests per second, missing steps left out. The unit is inferred by the pack
    /// from fitted gap distributions; the source uses rates only in relation to each other.
    pub original_rate_per_s: f64,
    /// Id in [`super::sources`].
    pub source: &'static str,
}

impl RateShape {
    /// Length of the whole shape; it repeats after that.
    pub fn period(&self) -> Span {
        self.step.times(self.weights.len() as u64)
    }
}

/// Names that [`rate_shape`] knows: 14 days as they were, and the mean day of the same service.
pub const SHAPES: [&str; 6] = [
    "servegen-m-small",
    "servegen-m-small-14d",
    "servegen-m-mid",
    "servegen-m-mid-14d",
    "servegen-m-large",
    "servegen-m-large-14d",
];

const STEP: Span = Span::from_secs(600);
const STEPS_PER_DAY: usize = 144;

/// A shipped rate shape, see [`SHAPES`]. A `-14d` shape is the service's 14 days in steps of 600 s with missing steps
/// filled by straight lines; without the suffix it is the mean over those days for each step of the day.
pub fn rate_shape(name: &str) -> Option<&'static RateShape> {
    static TABLE: OnceLock<Vec<RateShape>> = OnceLock::new();
    let shapes = TABLE.get_or_init(|| {
        let files: [(&[u8], &str); 3] = [
            (include_bytes!("data/servegen_rate_m-small.csv.gz"), "servegen-rate-m-small"),
            (include_bytes!("data/servegen_rate_m-mid.csv.gz"), "servegen-rate-m-mid"),
            (include_bytes!("data/servegen_rate_m-large.csv.gz"), "servegen-rate-m-large"),
        ];
        files.iter().zip(SHAPES.chunks(2)).flat_map(|(&(gz, source), names)| both(gz, source, names)).collect()
    });
    shapes.iter().find(|s| s.name == name)
}

/// The mean day and the 14 days of one file.
fn both(gz: &[u8], source: &'static str, names: &[&'static str]) -> [RateShape; 2] {
    let raw: Vec<f64> = records(&unpack(gz)).iter().map(|r| num(r, 1)).collect();
    let interpolated = raw.iter().filter(|&&v| v == 0.0).count();
    let original_rate_per_s = raw.iter().sum::<f64>() / (raw.len() - interpolated) as f64;
    let days = fill(&raw);
    let mut day = vec![0.0; STEPS_PER_DAY];
    for (i, v) in days.iter().enumerate() {
        day[i % STEPS_PER_DAY] += v;
    }
    let shape = |name, values: Vec<f64>| RateShape {
        name,
        step: STEP,
        weights: to_mean_one(values),
        interpolated,
        original_rate_per_s,
        source,
    };
    [shape(names[0], day), shape(names[1], days)]
}

/// Zeros replaced by the straight line between the nearest steps that are not zero.
fn fill(raw: &[f64]) -> Vec<f64> {
    let mut out = raw.to_vec();
    let mut i = 0;
    while i < out.len() {
        if raw[i] != 0.0 {
            i += 1;
            continue;
        }
        let end = (i..raw.len()).find(|&j| raw[j] != 0.0);
        let before = i.checked_sub(1).map(|b| raw[b]);
        let stop = end.unwrap_or(raw.len());
        let after = end.map(|e| raw[e]);
        let (from, to) = match (before, after) {
            (Some(b), Some(a)) => (b, a),
            (Some(v), None) | (None, Some(v)) => (v, v),
            (None, None) => (1.0, 1.0),
        };
        let gap = (stop - i + 1) as f64;
        for (k, slot) in out[i..stop].iter_mut().enumerate() {
            *slot = from + (to - from) * (k + 1) as f64 / gap;
        }
        i = stop;
    }
    out
}

fn to_mean_one(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    for v in &mut values {
        *v /= mean;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_one_and_nothing_is_missing() {
        for name in SHAPES {
            let s = rate_shape(name).unwrap();
            let mean = s.weights.iter().sum::<f64>() / s.weights.len() as f64;
            assert!((mean - 1.0).abs() < 1e-12, "{name}: {mean}");
            assert!(s.weights.iter().all(|w| *w > 0.0), "{name}");
            let days = if name.ends_with("-14d") { 14 } else { 1 };
            assert_eq!(s.period(), Span::from_hours(24 * days), "{name}");
        }
        assert!(rate_shape("nonesuch").is_none());
    }

    #[test]
    fn gaps_and_rates_are_those_of_the_source() {
        for (name, gaps, rate) in [("m-small", 37, 1174.0), ("m-mid", 84, 1790.0), ("m-large", 0, 196.0)] {
            let s = rate_shape(&format!("servegen-{name}")).unwrap();
            assert_eq!(s.interpolated, gaps, "{name}");
            // the published means count the missing steps as zero
            let with_zeros = s.original_rate_per_s * (2016 - gaps) as f64 / 2016.0;
            let close = (with_zeros - rate).abs() < 1.0 || (s.original_rate_per_s - rate).abs() < 1.0;
            assert!(close, "{name}: {} {with_zeros}", s.original_rate_per_s);
        }
    }

    #[test]
    fn the_small_model_sleeps_at_night() {
        let s = rate_shape("servegen-m-small").unwrap();
        let hour = |h: usize| s.weights[h * 6..h * 6 + 6].iter().sum::<f64>() / 6.0;
        assert!(hour(3) < 0.8 && hour(20) > 1.35, "{} {}", hour(3), hour(20));
    }

    #[test]
    fn gaps_become_straight_lines() {
        assert_eq!(fill(&[0.0, 2.0, 0.0, 0.0, 5.0, 0.0]), [2.0, 2.0, 3.0, 4.0, 5.0, 5.0]);
    }
}
