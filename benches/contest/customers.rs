//! Customers of a queue: the samplers and the recording that all contestants of a queueing benchmark share.

use geodes::measure::Histogram;
use geodes::random::{ExpZiggurat, Stream};

/// Mean service time in nanoseconds.
const SERVICE_NS: f64 = 1e9;

/// What every contestant draws from and records into.
pub struct Common {
    zig: ExpZiggurat,
    gaps: Stream,
    services: Stream,
    gap_ns: f64,
    /// Times from arrival to departure.
    pub sojourn: Histogram,
}

impl Common {
    /// `load` is what the customers ask for in mean service times per service time: arrivals per second.
    pub fn new(load: f64) -> Common {
        let (gaps, services) = (Stream::new(1), Stream::new(2));
        Common { zig: ExpZiggurat::new(), gaps, services, gap_ns: 1e9 / load, sojourn: Histogram::new() }
    }
    /// Time to the next arrival, exponential, in nanoseconds.
    #[inline]
    pub fn gap(&mut self) -> u64 {
        (self.zig.from_stream(&mut self.gaps) * self.gap_ns) as u64
    }
    /// A service time, exponential, in nanoseconds.
    #[inline]
    pub fn service(&mut self) -> u64 {
        (self.zig.from_stream(&mut self.services) * SERVICE_NS) as u64
    }
}
