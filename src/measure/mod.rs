//! Histograms, timelines, metric names, intervals.

pub use objective_stub::Objective;
mod objective_stub {
    /// Placeholder until the metric list lands.
    #[derive(Clone, Debug)]
    pub struct Objective;
}
