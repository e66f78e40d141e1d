//! Metric names: one list, used by objectives, JSON, CSV, checks and plans alike.

mod definitions;
mod errors;
mod page;
mod reference;
mod suggest;

pub use definitions::{Better, MetricDef, Selector, Stat, Unit, definition, definitions};
pub use errors::ERROR_CLASSES;
pub use page::{explain, markdown_table};
pub use reference::{KnownNames, MetricError, MetricErrorKind, MetricRef};
pub use suggest::suggest;
