//! Bifrost as a gateway.

use crate::routing::bifrost::Config;

/// Bifrost.
#[derive(Clone, PartialEq, Debug)]
pub struct BifrostGateway {
    /// What it is told; one virtual key for each of `asks`.
    pub config: Config,
    /// Which turns have which virtual key: the first that fits counts. The last fits all.
    pub asks: Vec<BifrostAsk>,
}

/// Turns with a virtual key of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BifrostAsk {
    /// Only turns of this workload.
    pub workload: Option<usize>,
    /// Only turns of users of this residency class.
    pub class: Option<usize>,
}

impl BifrostGateway {
    /// The position of the virtual key of turns of a workload by users of a residency class.
    ///
    /// # Panics
    /// If the last of `asks` does not fit all.
    pub fn virtual_key(&self, workload: usize, class: Option<usize>) -> usize {
        let fits =
            |a: &BifrostAsk| a.workload.is_none_or(|w| w == workload) && a.class.is_none_or(|c| Some(c) == class);
        self.asks.iter().position(fits).expect("the last fits all")
    }
}
