//! Portkey as a gateway.

use super::Workload;
use crate::routing::portkey::{Config, Context, Value};

/// Portkey's gateway.
#[derive(Clone, PartialEq, Debug)]
pub struct PortkeyGateway {
    /// The tree.
    pub config: Config,
    /// Names of its targets, as [`TargetIx`](crate::routing::portkey::TargetIx) numbers them.
    pub names: Vec<String>,
    /// What turns bring: the first that fits counts. The last fits all.
    pub asks: Vec<PortkeyAsk>,
}

/// What some turns bring besides their prompt.
#[derive(Clone, PartialEq, Debug)]
pub struct PortkeyAsk {
    /// Only turns of this workload.
    pub workload: Option<usize>,
    /// Only turns of users of this residency class.
    pub class: Option<usize>,
    /// `params.model`.
    pub model: Option<String>,
    /// Further fields of the metadata.
    pub metadata: Vec<(String, String)>,
}

impl PortkeyGateway {
    /// Fields of the metadata that every turn has, the residency class only where the user has one.
    pub const METADATA: [&str; 3] = ["workload", "residency", "region"];

    /// What turns of a workload by users of a residency class bring to the gateway of a region.
    ///
    /// # Panics
    /// If the last of `asks` does not fit all.
    pub fn context(&self, workload: (usize, &Workload), class: Option<(usize, &str)>, region: &str) -> Context {
        let (ix, workload) = workload;
        let fits = |a: &&PortkeyAsk| {
            a.workload.is_none_or(|w| w == ix) && a.class.is_none_or(|c| Some(c) == class.map(|(c, _)| c))
        };
        let ask = self.asks.iter().find(fits).expect("the last fits all");
        let mut params: Vec<(String, Value)> =
            ask.model.iter().map(|m| ("model".to_owned(), Value::Text(m.clone()))).collect();
        params.push(("stream".to_owned(), Value::Bool(workload.streamed)));
        params.push(("max_tokens".to_owned(), Value::Number(f64::from(workload.max_output_tokens))));
        let [of_workload, of_class, of_region] = PortkeyGateway::METADATA.map(str::to_owned);
        let mut metadata = vec![(of_workload, workload.name.clone()), (of_region, region.to_owned())];
        metadata.extend(class.map(|(_, name)| (of_class, name.to_owned())));
        metadata.extend(ask.metadata.iter().cloned());
        Context { params, metadata }
    }
}
