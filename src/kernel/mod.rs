//! The engine: pending-event set, clock and run loop. It knows nothing of regions, requests or providers; M/M/1, the
//! hold model and the product's world are all [`World`]s on it.
//!
//! # Order
//! Events leave in the order of **(time in integer nanoseconds, class, order of scheduling)**. Time and class are packed
//! into one 64-bit [`Key`]; events with equal keys leave first in, first out. Nothing else takes part: no floating point
//! number, no address, no hash. `docs/engine.md` is the written chapter on it.
//!
//! # Memory and cost
//! Events are small `Copy` values. Once the buffers have grown to the peak population, scheduling and handling allocate
//! nothing. What is alive lives in a [`Slab`]; an event names it by a generational [`slab::Key`], so cancelling is
//! removing from the slab: the event still fires, finds its key stale and is ignored.
#![forbid(unsafe_code)]

mod engine;
mod order;
pub mod queue;
pub mod slab;
pub mod trace;

pub use engine::{Context, Engine, RunEnd, World};
pub use order::{Class, EventNo, Key, MAX_TIME};
pub use slab::Slab;
